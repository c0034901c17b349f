/* SPDX-License-Identifier: BSD-2-Clause */
/*
   ridge: h = 1/(2n) |A w - b|^2 + 1/2 sum_j e^{theta of j} w_j^2, g = 1/(2 n_v) |V w - c|^2 (or KL-robust over its
   rows).

     H = A^T A/n + diag(e^theta),  J q = e^theta o w o q summed over the weights of a hyperparameter.

   Up to -ridge_dense features, every rank has the whole Gram matrix A^T A: a product costs 2 d^2/R flops and a gather
   of d numbers, a solve d^3/3 flops on every rank once for a theta, and mu contains the least eigenvalue of A^T A/n.
   More features: a product costs 4 n d/R flops and a sum of d numbers, and mu = min e^theta.
*/
#include "linearmodelimpl.h"
#include <petscblaslapack.h>

typedef struct {
  FenLinear         m; /* first: what the models share takes the context for it */
  FenDatasetOptions data;
  FenPenalty        pen;
  PetscInt          kind;
  FenInt            groups, dense;
  double           *gram, *b, *factor; /* A^T A/n, A^T b/n, Cholesky factor of H; NULL: products with rows */
  double            square;            /* |b|^2/(2n) */
  double            least, most;       /* eigenvalues of A^T A/n lie between */
  PetscBool         factored;
} Ridge;

static PetscErrorCode SetUpGram(FenBilevelProblem pr, Ridge *q)
{
  FenLinear   *m = &q->m;
  const size_t d = (size_t)m->d;
  const double n = (double)m->train.n;

  PetscFunctionBegin;
  PetscCall(PetscMalloc3(d * d, &q->gram, d, &q->b, d * d, &q->factor));
  PetscCall(FenDatasetGram_Private(&m->train, NULL, q->gram));
  PetscCall(FenDatasetMultTranspose_Private(&m->train, 1, m->train.y, q->b));
  PetscCall(FenBilevelTeamSum_Private(pr, m->d, q->b));
  PetscCall(PetscArraycpy(q->factor, q->gram, d * d));
  PetscCall(FenGramRange_Private(m->d, m->train.n, q->factor, &q->least, &q->most));
  for (size_t k = 0; k < d * d; k++)
    q->gram[k] /= n;
  for (size_t k = 0; k < d; k++)
    q->b[k] /= n;
  q->least = PetscMax(q->least / n, 0);
  q->most /= n;
  PetscFunctionReturn(0);
}

static PetscErrorCode RidgeSetUp(FenBilevelProblem pr)
{
  Ridge *q = (Ridge *)pr->ctx;
  FenDD  sum = {0, 0};

  PetscFunctionBegin;
  PetscCall(FenLinearSetUp_Private(pr, &q->m));
  PetscCall(FenPenaltySetUp_Private(pr, &q->pen));
  q->most = q->m.train_norm / (double)q->m.train.n;
  if (q->m.d <= q->dense)
    PetscCall(SetUpGram(pr, q));
  for (PetscInt i = 0; i < q->m.train.rows; i++)
    FenDDAddProduct(&sum, q->m.train.y[i], q->m.train.y[i]);
  q->square = (sum.hi + sum.lo) / (2 * (double)q->m.train.n);
  PetscFunctionReturn(0);
}

static PetscErrorCode RidgeDestroy(FenBilevelProblem pr)
{
  Ridge *q = (Ridge *)pr->ctx;

  PetscFunctionBegin;
  PetscCall(PetscFree3(q->gram, q->b, q->factor));
  PetscCall(FenLinearFree_Private(&q->m));
  PetscCall(FenPenaltyFree_Private(&q->pen));
  PetscCall(PetscFree(q));
  PetscFunctionReturn(0);
}

static PetscErrorCode RidgeStart(FenBilevelProblem pr, double theta[])
{
  PetscFunctionBegin;
  FenPenaltyStart_Private(pr, &((Ridge *)pr->ctx)->pen, theta);
  PetscFunctionReturn(0);
}

static PetscErrorCode RidgeBox(FenBilevelProblem pr, double lower[], double upper[])
{
  PetscFunctionBegin;
  FenPenaltyBox_Private(pr, &((Ridge *)pr->ctx)->pen, lower, upper);
  PetscFunctionReturn(0);
}

static PetscErrorCode RidgeSetTheta(FenBilevelProblem pr, const double theta[])
{
  Ridge *q = (Ridge *)pr->ctx;

  PetscFunctionBegin;
  PetscCall(FenPenaltySet_Private(pr, &q->pen, theta));
  q->factored = PETSC_FALSE;
  PetscFunctionReturn(0);
}

/* my rows of (A^T A/n) v */
static PetscErrorCode GramMult(FenBilevelProblem pr, Ridge *q, const double v[], double out[])
{
  PetscBLASInt d, rows, one = 1;
  double       unit = 1, zero = 0;
  PetscInt     nx;

  PetscFunctionBegin;
  PetscCall(FenLinearGather_Private(pr, &q->m, v, q->m.V));
  PetscCall(FenIntCast(pr->part.nx, &nx));
  PetscCall(PetscBLASIntCast(q->m.d, &d));
  PetscCall(PetscBLASIntCast(nx, &rows));
  if (rows)
    BLASgemv_("T", &d, &rows, &unit, q->gram + pr->part.row0 * q->m.d, &d, q->m.V, &one, &zero, out, &one);
  PetscFunctionReturn(0);
}

static PetscErrorCode RidgeGradient(FenBilevelProblem pr, FenInt s, const double x[], double *value, double g[])
{
  Ridge *q = (Ridge *)pr->ctx;
  double loss, quad;

  (void)s;
  PetscFunctionBegin;
  if (q->gram) {
    FenDD sum = {q->square, 0}; /* my part of |b|^2/(2n) */

    PetscCall(GramMult(pr, q, x, g));
    for (FenInt k = 0; k < pr->part.nx; k++) {
      const double b = q->b[pr->part.row0 + k];

      FenDDAddProduct(&sum, x[k], g[k] / 2 - b);
      g[k] -= b;
    }
    loss = sum.hi + sum.lo;
  } else
    PetscCall(FenLinearGradient_Private(pr, &q->m, x, &loss, g));
  quad = FenPenaltyAdd_Private(pr, &q->pen, x, g);
  if (value)
    *value = loss + quad;
  PetscFunctionReturn(0);
}

static PetscErrorCode RidgeLinearise(FenBilevelProblem pr, FenInt s, const double x[])
{
  Ridge *q = (Ridge *)pr->ctx;

  (void)s;
  PetscFunctionBegin;
  if (!q->gram)
    PetscCall(FenLinearLinearise_Private(pr, &q->m, x));
  PetscCall(FenPenaltyLinearise_Private(pr, &q->pen, x));
  PetscFunctionReturn(0);
}

static PetscErrorCode RidgeHessian(FenBilevelProblem pr, const double v[], double Hv[])
{
  Ridge *q = (Ridge *)pr->ctx;

  PetscFunctionBegin;
  if (q->gram)
    PetscCall(GramMult(pr, q, v, Hv));
  else
    PetscCall(FenLinearHessian_Private(pr, &q->m, v, Hv));
  (void)FenPenaltyAdd_Private(pr, &q->pen, v, Hv);
  PetscFunctionReturn(0);
}

static PetscErrorCode RidgeJacobian(FenBilevelProblem pr, const double t[], double Jt[])
{
  PetscFunctionBegin;
  PetscCall(FenPenaltyJacobian_Private(pr, &((Ridge *)pr->ctx)->pen, t, Jt));
  PetscFunctionReturn(0);
}

static PetscErrorCode RidgeJacobianTranspose(FenBilevelProblem pr, const double v[], double t[])
{
  PetscFunctionBegin;
  PetscCall(FenPenaltyTranspose_Private(pr, &((Ridge *)pr->ctx)->pen, v, t));
  PetscFunctionReturn(0);
}

static PetscErrorCode RidgeUpper(FenBilevelProblem pr, FenInt s, const double x[], double *value, double g[])
{
  (void)s;
  PetscFunctionBegin;
  PetscCall(FenLinearUpper_Private(pr, &((Ridge *)pr->ctx)->m, x, value, g));
  PetscFunctionReturn(0);
}

static PetscErrorCode RidgeUpperHessian(FenBilevelProblem pr, FenInt s, const double x[], const double v[], double Gv[])
{
  (void)s;
  PetscFunctionBegin;
  PetscCall(FenLinearUpperHessian_Private(pr, &((Ridge *)pr->ctx)->m, x, v, Gv));
  PetscFunctionReturn(0);
}

static PetscErrorCode RidgeConstants(FenBilevelProblem pr, FenInt s, FenBilevelConstants *c)
{
  Ridge *q = (Ridge *)pr->ctx;
  double J;

  (void)s;
  PetscFunctionBegin;
  PetscCall(FenPenaltyNorm_Private(pr, &q->pen, &J));
  *c = (FenBilevelConstants){.mu = (q->least + q->pen.least) * (1 - 1e-15),
                             .lipschitz = (q->most + q->pen.most) * (1 + 1e-15),
                             .jacobian = q->pen.most,
                             .J = J,
                             .upper = FenLinearUpperBound_Private(&q->m),
                             .convex = PETSC_TRUE};
  PetscFunctionReturn(0);
}

/* validation: mean square of the residuals, and 1 - that over the targets' mean square about their mean */
static PetscErrorCode RidgeMetrics(FenBilevelProblem pr, FenInt s, const double x[], double values[])
{
  FenLinear *m = &((Ridge *)pr->ctx)->m;
  double     sum[3] = {0, 0, 0}, n = (double)m->valid.n;

  (void)s;
  PetscFunctionBegin;
  PetscCall(FenLinearGather_Private(pr, m, x, m->V));
  PetscCall(FenDatasetMult_Private(&m->valid, 1, m->V, m->UV));
  for (PetscInt i = 0; i < m->valid.rows; i++) {
    sum[0] += (m->UV[i] - m->valid.y[i]) * (m->UV[i] - m->valid.y[i]);
    sum[1] += m->valid.y[i];
    sum[2] += m->valid.y[i] * m->valid.y[i];
  }
  PetscCall(FenBilevelTeamSum_Private(pr, 3, sum));
  values[0] = sum[0] / n;
  values[1] = 1 - sum[0] / (sum[2] - sum[1] * sum[1] / n);
  PetscFunctionReturn(0);
}

static PetscErrorCode RidgeDiagonal(FenBilevelProblem pr, double diagonal[])
{
  Ridge *q = (Ridge *)pr->ctx;

  PetscFunctionBegin;
  if (!q->gram)
    PetscCall(FenLinearDiagonal_Private(pr, &q->m, diagonal));
  for (FenInt k = 0; k < pr->part.nx; k++) {
    const FenInt j = pr->part.row0 + k;

    diagonal[k] = (q->gram ? q->gram[j * q->m.d + j] : diagonal[k]) + FenPenaltyFactor_Private(&q->pen, j, 0);
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode Factor(FenBilevelProblem pr, Ridge *q)
{
  const PetscInt d = q->m.d;
  PetscBLASInt   bd, info;
  FenFault       fault = {0, ""};

  PetscFunctionBegin;
  if (q->factored)
    PetscFunctionReturn(0);
  PetscCall(PetscBLASIntCast(d, &bd));
  PetscCall(PetscArraycpy(q->factor, q->gram, (size_t)d * (size_t)d));
  for (PetscInt j = 0; j < d; j++)
    q->factor[(size_t)j * (size_t)(d + 1)] += FenPenaltyFactor_Private(&q->pen, j, 0);
  PetscCall(PetscFPTrapPush(PETSC_FP_TRAP_OFF));
  LAPACKpotrf_("L", &bd, q->factor, &bd, &info);
  PetscCall(PetscFPTrapPop());
  if (info)
    FenFaultSet(&fault, FEN_ERR_VALUE,
                "problem ridge: A^T A/n + diag(e^theta) is not positive definite in double precision (pivot %d); rule: "
                "least e^theta, %g, is above the rounding errors of the largest eigenvalue, %g",
                (int)info, q->pen.least, q->most);
  PetscCall(FenFaultAgree(pr->info.team, &fault));
  q->factored = PETSC_TRUE;
  PetscFunctionReturn(0);
}

/* whole right side in, whole solution out */
static PetscErrorCode Solve(FenBilevelProblem pr, Ridge *q, double b[])
{
  PetscBLASInt d, one = 1, info;

  PetscFunctionBegin;
  PetscCall(Factor(pr, q));
  PetscCall(PetscBLASIntCast(q->m.d, &d));
  LAPACKpotrs_("L", &d, &one, q->factor, &d, b, &d, &info);
  PetscCheck(!info, PETSC_COMM_SELF, PETSC_ERR_LIB, "LAPACK potrs: info %" PetscBLASInt_FMT, info);
  PetscFunctionReturn(0);
}

static PetscErrorCode RidgeSolve(FenBilevelProblem pr, const double b[], double x[])
{
  Ridge *q = (Ridge *)pr->ctx;

  PetscFunctionBegin;
  PetscCall(FenLinearGather_Private(pr, &q->m, b, q->m.V));
  PetscCall(Solve(pr, q, q->m.V));
  PetscCall(PetscArraycpy(x, q->m.V + pr->part.row0, pr->part.nx));
  PetscFunctionReturn(0);
}

/* closed form */
static PetscErrorCode RidgeNative(FenBilevelProblem pr, FenInt s, double tol, FenInt max_it, double x[],
                                  FenInt *iterations)
{
  Ridge *q = (Ridge *)pr->ctx;

  (void)s, (void)tol, (void)max_it;
  PetscFunctionBegin;
  PetscCall(PetscArraycpy(q->m.V, q->b, q->m.d));
  PetscCall(Solve(pr, q, q->m.V));
  PetscCall(PetscArraycpy(x, q->m.V + pr->part.row0, pr->part.nx));
  *iterations = 1;
  PetscFunctionReturn(0);
}

PetscErrorCode FenBilevelRidgeOptions_Private(FenOptionItems PetscOptionsObject, MPI_Comm comm, void **ctx)
{
  static const char *const kinds[] = {"scalar", "weight", "group"};
  static const PetscInt    kind_of[] = {FEN_PENALTY_SCALAR, FEN_PENALTY_WEIGHT, FEN_PENALTY_GROUP};
  Ridge                   *q;

  PetscFunctionBegin;
  PetscCall(PetscNew(&q));
  *ctx = q;
  q->data =
      (FenDatasetOptions){.target = FEN_TARGET_REAL, .rows = 200, .valid_rows = 200, .features = 20, .noise = 0.5};
  q->pen = (FenPenalty){.start = 0, .box = 20};
  q->groups = 2;
  q->dense = 1024;
  PetscCall(FenDatasetOptions_Private(PetscOptionsObject, comm, "ridge", PETSC_FALSE, &q->data));
  PetscCall(FenLinearOptions_Private(PetscOptionsObject, comm, "ridge", &q->m));
  PetscCall(FenPenaltyOptions_Private(PetscOptionsObject, comm, "ridge", &q->pen));
  PetscCall(PetscOptionsEList("-ridge_parameters", "one hyperparameter for all weights, for each, or for groups",
                              "FenBilevelProblemGenerate", kinds, 3, kinds[q->kind], &q->kind, NULL));
  q->kind = kind_of[q->kind];
  PetscCall(FenBilevelOptionInt_Private(PetscOptionsObject, comm, "-ridge_groups",
                                        "groups of consecutive features, of equal size or one more", 1, 10000000,
                                        &q->groups));
  PetscCall(FenBilevelOptionInt_Private(PetscOptionsObject, comm, "-ridge_dense",
                                        "features up to which the Gram matrix is formed on every rank", 0, 10000,
                                        &q->dense));
  PetscFunctionReturn(0);
}

static PetscErrorCode RidgeCreate(MPI_Comm comm, Ridge *q, FenBilevelProblem *problem)
{
  FenBilevelOps   ops = {.setup = RidgeSetUp,
                         .destroy = RidgeDestroy,
                         .view = FenLinearView_Private,
                         .fingerprint = FenLinearFingerprint_Private,
                         .predict = FenLinearPredict_Private,
                         .start = RidgeStart,
                         .box = RidgeBox,
                         .settheta = RidgeSetTheta,
                         .gradient = RidgeGradient,
                         .linearise = RidgeLinearise,
                         .hessian = RidgeHessian,
                         .jacobian = RidgeJacobian,
                         .jacobiantranspose = RidgeJacobianTranspose,
                         .upper = RidgeUpper,
                         .upperhessian = RidgeUpperHessian,
                         .constants = RidgeConstants,
                         .metrics = RidgeMetrics,
                         .diagonal = RidgeDiagonal};
  FenBilevelSizes size = {.samples = 1,
                          .rows = q->m.d,
                          .width = 1,
                          .p = q->pen.p,
                          .parts = PETSC_MPI_INT_MAX,
                          .nmetrics = 2,
                          .metrics = {"mse", "r2"}};

  PetscFunctionBegin;
  if (q->m.d <= q->dense) {
    ops.solve = RidgeSolve;
    ops.native = RidgeNative;
  }
  PetscCall(FenBilevelProblemCreate(comm, "ridge", &size, &ops, q, problem));
  {
    const FenInt      counts[] = {size.p};
    const char *const names[] = {"log ridge"};

    PetscCall(FenBilevelProblemSetGroups(*problem, 1, names, counts));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode FenBilevelRidgeMake_Private(MPI_Comm comm, void *ctx, const FenBilevelData *data,
                                           FenBilevelProblem *problem)
{
  Ridge         *q = (Ridge *)ctx;
  PetscErrorCode code;

  PetscFunctionBegin;
  code = FenDatasetLoad_Private(comm, &q->data, data, &q->m.train, &q->m.valid);
  if (!code) {
    q->m.loss = FEN_LOSS_SQUARED;
    q->m.d = q->m.train.cols;
    q->m.c = 1;
    code = FenPenaltyCreate_Private(comm, (FenPenaltyKind)q->kind, q->m.d, 1, q->groups, &q->pen);
  }
  if (!code)
    code = RidgeCreate(comm, q, problem);
  if (code) {
    PetscCall(FenDatasetFree_Private(&q->m.train));
    PetscCall(FenDatasetFree_Private(&q->m.valid));
    PetscCall(PetscFree(q));
  }
  PetscCall(code);
  PetscFunctionReturn(0);
}
