/* SPDX-License-Identifier: BSD-2-Clause */
/*
   elastic-net with few features: every rank has the Gram matrix, solves on the support by factors of it, and descends
   along coordinates. Cost of a factor: k^3/3 flops for a support of k; of a sweep of coordinates: 2 d^2.
*/
#include "descentimpl.h"
#include "elasticnetimpl.h"
#include <math.h>
#include <petscblaslapack.h>

PetscErrorCode FenElasticDenseSetUp_Private(FenBilevelProblem pr, FenElasticNet *q)
{
  FenLinear   *m = &q->m;
  const size_t d = (size_t)m->d;
  const double n = (double)m->train.n;

  PetscFunctionBegin;
  PetscCall(PetscMalloc4(d * d, &q->gram, d, &q->c, 2 * d + d * d, &q->work, d, &q->list));
  PetscCall(PetscMalloc3(d, &q->b, d, &q->trial, d * d, &q->G));
  if (m->loss != FEN_LOSS_SQUARED)
    PetscFunctionReturn(0);
  PetscCall(FenDatasetGram_Private(&m->train, NULL, q->gram));
  PetscCall(PetscArraycpy(q->G, q->gram, d * d));
  PetscCall(FenGramRange_Private(m->d, m->train.n, q->G, &q->least, &q->most));
  q->least = PetscMax(q->least / n, 0);
  q->most /= n;
  PetscCall(FenDatasetMultTranspose_Private(&m->train, 1, m->train.y, q->c));
  PetscCall(FenBilevelTeamSum_Private(pr, m->d, q->c));
  for (size_t k = 0; k < d * d; k++)
    q->gram[k] /= n;
  for (size_t k = 0; k < d; k++)
    q->c[k] /= n;
  PetscFunctionReturn(0);
}

/* curvature of the loss at the linearised point, whole on every rank */
static PetscErrorCode Curvature(FenElasticNet *q, double **G)
{
  PetscFunctionBegin;
  *G = q->gram;
  if (q->m.loss == FEN_LOSS_SQUARED)
    PetscFunctionReturn(0);
  *G = q->G;
  for (PetscInt i = 0; i < q->m.train.rows; i++)
    q->m.S[i] = q->m.P[i] / (double)q->m.train.n;
  PetscCall(FenDatasetGram_Private(&q->m.train, q->m.S, q->G));
  PetscFunctionReturn(0);
}

/* factor of H on the support of the linearised point; list: the support */
static PetscErrorCode Factor(FenBilevelProblem pr, FenElasticNet *q, PetscInt *n)
{
  const PetscInt d = q->m.d;
  double        *M = q->work, *G;
  PetscBLASInt   m, info;
  FenFault       fault = {0, ""};

  PetscFunctionBegin;
  *n = 0;
  for (PetscInt j = 0; j < d; j++) /* whole point: linearise gathered it */
    if (q->m.W[j] != 0)
      q->list[(*n)++] = j;
  if (q->factored)
    PetscFunctionReturn(0);
  PetscCall(Curvature(q, &G));
  for (PetscInt k = 0; k < *n; k++)
    for (PetscInt l = 0; l < *n; l++)
      M[(size_t)k * (size_t)*n + (size_t)l] =
          G[(size_t)q->list[k] * (size_t)d + (size_t)q->list[l]] + (k == l ? q->f2 : 0);
  PetscCall(PetscBLASIntCast(*n, &m));
  PetscCall(PetscFPTrapPush(PETSC_FP_TRAP_OFF));
  LAPACKpotrf_("L", &m, M, &m, &info);
  PetscCall(PetscFPTrapPop());
  if (info)
    FenFaultSet(&fault, FEN_ERR_VALUE,
                "problem elastic-net: H on the support is not positive definite in double precision; rule: l2, %g, is "
                "above its rounding errors; -elastic_net_dense 0 solves without factors",
                q->f2);
  PetscCall(FenFaultAgree(pr->info.team, &fault));
  q->factored = PETSC_TRUE;
  PetscFunctionReturn(0);
}

PetscErrorCode FenElasticDenseSolve_Private(FenBilevelProblem pr, const double b[], double x[])
{
  FenElasticNet *q = (FenElasticNet *)pr->ctx;
  double        *rhs = q->trial;
  PetscInt       n;
  PetscBLASInt   m, one = 1, info = 0;

  PetscFunctionBegin;
  PetscCall(Factor(pr, q, &n));
  PetscCall(FenLinearGather_Private(pr, &q->m, b, q->m.V));
  for (PetscInt k = 0; k < n; k++)
    rhs[k] = q->m.V[q->list[k]];
  PetscCall(PetscBLASIntCast(n, &m));
  if (n)
    LAPACKpotrs_("L", &m, &one, q->work, &m, rhs, &m, &info);
  PetscCheck(!info, PETSC_COMM_SELF, PETSC_ERR_LIB, "LAPACK potrs: info %" PetscBLASInt_FMT, info);
  for (PetscInt k = 0; k < n; k++)
    q->m.V[q->list[k]] = rhs[k];
  PetscCall(PetscArraycpy(x, q->m.V + pr->part.row0, pr->part.nx));
  PetscFunctionReturn(0);
}

/* minimises 1/2 b^T G b - c^T b and the regularisers from b; factor and work are free again afterwards */
static PetscErrorCode Descend(FenElasticNet *q, const double G[], const double c[], double tol, FenInt max_it,
                              double b[], FenInt *iterations)
{
  FenDescent descent = {
      .d = q->m.d, .G = G, .c = c, .l1 = q->l1, .l2 = q->f2, .r = q->trial, .work = q->work, .list = q->list};

  PetscFunctionBegin;
  q->factored = PETSC_FALSE;
  PetscCall(FenDescentSolve_Private(&descent, tol, max_it, b, iterations));
  PetscFunctionReturn(0);
}

/* h at x, whole, and |least subgradient|; g: mine, of the loss alone */
static PetscErrorCode Value(FenBilevelProblem pr, FenElasticNet *q, const double x[], double *value, double *norm,
                            double g[])
{
  FenDD  sum[2] = {{0, 0}, {0, 0}};
  double loss, both[2];

  PetscFunctionBegin;
  PetscCall(FenLinearGradient_Private(pr, &q->m, x, &loss, g));
  FenDDAdd(&sum[0], loss);
  for (FenInt j = 0; j < pr->part.nx; j++) {
    const double l1 = q->l1[pr->part.row0 + j], s = FenLeastSubgradient_Private(g[j] + q->f2 * x[j], x[j], l1);

    FenDDAdd(&sum[0], l1 * fabs(x[j]) + q->f2 / 2 * x[j] * x[j]);
    FenDDAddProduct(&sum[1], s, s);
  }
  PetscCall(FenDDReduce(pr->info.team, 2, sum, both));
  *value = both[0];
  *norm = sqrt(both[1]);
  PetscFunctionReturn(0);
}

/* one step of proximal Newton: minimum of the quadratic model, then a step that lowers h */
static PetscErrorCode ModelStep(FenBilevelProblem pr, FenElasticNet *q, FenInt max_it, double x[], double *value,
                                double *norm, FenInt *iterations)
{
  const PetscInt d = q->m.d, row0 = (PetscInt)pr->part.row0;
  double        *G, *c = q->c, step = 1, trial, residual = *norm;

  PetscFunctionBegin;
  PetscCall(FenLinearGather_Private(pr, &q->m, q->slope, c));
  PetscCall(FenLinearLinearise_Private(pr, &q->m, x));
  PetscCall(Curvature(q, &G));
  for (PetscInt i = 0; i < d; i++) {
    c[i] = -c[i];
    for (PetscInt j = 0; j < d; j++)
      c[i] += G[(size_t)i * (size_t)d + (size_t)j] * q->m.W[j];
    q->b[i] = q->m.W[i];
  }
  PetscCall(Descend(q, G, c, 1e-3 * PetscMin(*norm, *norm * *norm), max_it, q->b, iterations));
  for (int k = 0; k < 40; k++, step /= 2) {
    for (FenInt j = 0; j < pr->part.nx; j++) /* a whole step keeps zeros exact */
      q->point[j] = step == 1 ? q->b[row0 + j] : q->m.W[row0 + j] + step * (q->b[row0 + j] - q->m.W[row0 + j]);
    PetscCall(Value(pr, q, q->point, &trial, &residual, q->slope));
    if (trial < *value || residual < 0.5 * *norm)
      break;
  }
  if (trial < *value || residual < *norm) {
    PetscCall(PetscArraycpy(x, q->point, pr->part.nx));
    *value = trial;
  }
  *norm = residual;
  PetscFunctionReturn(0);
}

PetscErrorCode FenElasticDenseNative_Private(FenBilevelProblem pr, FenInt s, double tol, FenInt max_it, double x[],
                                             FenInt *iterations)
{
  FenElasticNet *q = (FenElasticNet *)pr->ctx;
  double         value, norm;

  (void)s;
  PetscFunctionBegin;
  *iterations = 0;
  if (q->m.loss == FEN_LOSS_SQUARED) {
    PetscCall(FenLinearGather_Private(pr, &q->m, x, q->b));
    PetscCall(Descend(q, q->gram, q->c, tol / 2, max_it, q->b, iterations));
    PetscCall(PetscArraycpy(x, q->b + pr->part.row0, pr->part.nx));
    PetscFunctionReturn(0);
  }
  PetscCall(Value(pr, q, x, &value, &norm, q->slope));
  while (norm > tol && *iterations < max_it) {
    const double before = norm, h = value;
    FenInt       sweeps;

    PetscCall(ModelStep(pr, q, max_it - *iterations, x, &value, &norm, &sweeps));
    *iterations += sweeps + 1;
    if (!(norm < before || value < h))
      break;
  }
  PetscFunctionReturn(0);
}
