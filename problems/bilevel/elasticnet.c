/* SPDX-License-Identifier: BSD-2-Clause */
/*
   elastic-net: h = loss(b) + sum_j e^{t1 of j} |b_j| + e^{t2}/2 |b|^2, loss = 1/(2n) |A b - y|^2 or the mean of the
   binary cross entropies (sparse logistic regression); g the same loss on the validation set. theta = (t1, t2), or
   (t1 of every feature, t2).

   On the support S with signs s: M = A_S^T D A_S/n + e^{t2}, M q = grad_S g, df/dt1_j = -e^{t1} s_j q_j, df/dt2 =
   -e^{t2} b_S.q_S. This holds while support and signs are those of the solution; the margin, least over the features
   off the support of 1 - |loss_j'|/e^{t1}, tells by how much they are. Constants of H, J belong to that support.

   Reference: Bertrand et al., ICML 2020 (implicit differentiation of Lasso-type problems). Lower problem: coordinate
   descent with the Gram matrix for up to -elastic_net_dense features (logistic: of quadratic models, proximal Newton);
   more features: the proximal methods with prox and smoothgradient.
*/
#include "descentimpl.h"
#include "linearmodelimpl.h"
#include <math.h>
#include <petscblaslapack.h>

typedef struct {
  FenLinear         m; /* first: what the models share takes the context for it */
  FenDatasetOptions data;
  PetscInt          loss, each;
  FenInt            dense;
  double            start1, start2, box; /* options */
  double            top;                 /* least l1 for which b = 0 */
  FenInt            p1;                  /* numbers t1 */
  double           *theta;               /* all, p1 + 1 */
  double           *l1, *point, *slope;  /* e^{t1} of all features; b and the loss's gradient, mine, linearised */
  double            f2;                  /* e^{t2} */
  double           *gram, *c, *work;     /* dense: A^T A/n, A^T y/n; see descentimpl.h */
  double           *b, *trial, *G;       /* whole b; of models */
  PetscInt         *list;
  double            least, most; /* eigenvalues of the loss's Hessian */
  PetscBool         factored;
} Net;

static PetscErrorCode SetUpDense(FenBilevelProblem pr, Net *q)
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

static PetscErrorCode NetSetUp(FenBilevelProblem pr)
{
  Net         *q = (Net *)pr->ctx;
  const size_t nx = (size_t)pr->part.nx + 1;
  double       value;

  PetscFunctionBegin;
  PetscCall(FenLinearSetUp_Private(pr, &q->m));
  PetscCall(PetscMalloc4((size_t)q->p1 + 1, &q->theta, (size_t)q->m.d, &q->l1, nx, &q->point, nx, &q->slope));
  q->most = FenLossGetBounds_Private(q->m.loss).curvature * q->m.train_norm / (double)q->m.train.n;
  if (q->m.d <= q->dense)
    PetscCall(SetUpDense(pr, q));
  PetscCall(PetscArrayzero(q->point, nx));
  PetscCall(FenLinearGradient_Private(pr, &q->m, q->point, &value, q->slope));
  q->top = 0;
  for (FenInt j = 0; j < pr->part.nx; j++)
    q->top = PetscMax(q->top, fabs(q->slope[j]));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &q->top, 1, MPI_DOUBLE, MPI_MAX, pr->info.team));
  FEN_BILEVEL_CHECK(q->top > 0, pr->info.team, FEN_ERR_VALUE,
                    "'%s': no feature is correlated with the target; rule: some l1 > 0 gives a model that is not zero",
                    q->m.train.name);
  PetscFunctionReturn(0);
}

static PetscErrorCode NetDestroy(FenBilevelProblem pr)
{
  Net *q = (Net *)pr->ctx;

  PetscFunctionBegin;
  PetscCall(PetscFree4(q->theta, q->l1, q->point, q->slope));
  PetscCall(PetscFree4(q->gram, q->c, q->work, q->list));
  PetscCall(PetscFree3(q->b, q->trial, q->G));
  PetscCall(FenLinearFree_Private(&q->m));
  PetscCall(PetscFree(q));
  PetscFunctionReturn(0);
}

static PetscErrorCode NetStart(FenBilevelProblem pr, double theta[])
{
  Net *q = (Net *)pr->ctx;

  PetscFunctionBegin;
  for (FenInt k = pr->part.theta0; k < pr->part.theta1; k++)
    theta[k - pr->part.theta0] = k < q->p1 ? log(q->start1 * q->top) : log(q->start2);
  PetscFunctionReturn(0);
}

/* t1 from 1e-6 of the value that makes b zero up to that value */
static PetscErrorCode NetBox(FenBilevelProblem pr, double lower[], double upper[])
{
  Net *q = (Net *)pr->ctx;

  PetscFunctionBegin;
  for (FenInt k = pr->part.theta0; k < pr->part.theta1; k++) {
    upper[k - pr->part.theta0] = k < q->p1 ? log(q->top) : q->box;
    lower[k - pr->part.theta0] = k < q->p1 ? log(1e-6 * q->top) : -q->box;
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode NetSetTheta(FenBilevelProblem pr, const double theta[])
{
  Net *q = (Net *)pr->ctx;

  PetscFunctionBegin;
  PetscCall(FenBilevelThetaGather_Private(pr, theta, q->theta));
  PetscCall(FenPositiveExponentials_Private(pr, q->p1 + 1, 0, q->theta, q->theta));
  for (PetscInt j = 0; j < q->m.d; j++)
    q->l1[j] = q->theta[q->p1 > 1 ? j : 0];
  q->f2 = q->theta[q->p1];
  q->factored = PETSC_FALSE;
  PetscFunctionReturn(0);
}

static PetscErrorCode NetSmoothGradient(FenBilevelProblem pr, FenInt s, const double x[], double *value, double g[])
{
  Net   *q = (Net *)pr->ctx;
  FenDD  sum = {0, 0};
  double loss;

  (void)s;
  PetscFunctionBegin;
  PetscCall(FenLinearGradient_Private(pr, &q->m, x, &loss, g));
  FenDDAdd(&sum, loss);
  for (FenInt j = 0; j < pr->part.nx; j++) {
    g[j] += q->f2 * x[j];
    FenDDAddProduct(&sum, q->f2 * x[j] / 2, x[j]);
  }
  if (value)
    *value = sum.hi + sum.lo;
  PetscFunctionReturn(0);
}

static PetscErrorCode NetGradient(FenBilevelProblem pr, FenInt s, const double x[], double *value, double g[])
{
  Net   *q = (Net *)pr->ctx;
  FenDD  sum = {0, 0};
  double smooth;

  PetscFunctionBegin;
  PetscCall(NetSmoothGradient(pr, s, x, &smooth, g));
  FenDDAdd(&sum, smooth);
  for (FenInt j = 0; j < pr->part.nx; j++) {
    const double l1 = q->l1[pr->part.row0 + j];

    g[j] = FenLeastSubgradient_Private(g[j], x[j], l1);
    FenDDAddProduct(&sum, l1, fabs(x[j]));
  }
  if (value)
    *value = sum.hi + sum.lo;
  PetscFunctionReturn(0);
}

static PetscErrorCode NetProx(FenBilevelProblem pr, FenInt s, double step, double x[])
{
  Net *q = (Net *)pr->ctx;

  (void)s;
  PetscFunctionBegin;
  for (FenInt j = 0; j < pr->part.nx; j++) {
    const double t = step * q->l1[pr->part.row0 + j];

    x[j] = fabs(x[j]) > t ? x[j] - copysign(t, x[j]) : 0;
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode NetLinearise(FenBilevelProblem pr, FenInt s, const double x[])
{
  Net *q = (Net *)pr->ctx;

  (void)s;
  PetscFunctionBegin;
  PetscCall(FenLinearLinearise_Private(pr, &q->m, x));
  PetscCall(PetscArraycpy(q->point, x, pr->part.nx));
  q->factored = PETSC_FALSE;
  PetscFunctionReturn(0);
}

static PetscErrorCode NetHessian(FenBilevelProblem pr, const double v[], double Hv[])
{
  Net *q = (Net *)pr->ctx;

  PetscFunctionBegin;
  for (FenInt j = 0; j < pr->part.nx; j++)
    q->slope[j] = q->point[j] != 0 ? v[j] : 0;
  PetscCall(FenLinearHessian_Private(pr, &q->m, q->slope, Hv));
  for (FenInt j = 0; j < pr->part.nx; j++)
    Hv[j] = q->point[j] != 0 ? Hv[j] + q->f2 * v[j] : v[j];
  PetscFunctionReturn(0);
}

/* entry of J of my weight j in its column t1; 0 off the support */
static double Column1(FenBilevelProblem pr, const Net *q, FenInt j)
{
  return q->point[j] != 0 ? copysign(q->l1[pr->part.row0 + j], q->point[j]) : 0;
}

static PetscErrorCode NetJacobian(FenBilevelProblem pr, const double t[], double Jt[])
{
  Net    *q = (Net *)pr->ctx;
  double *all;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1((size_t)q->p1 + 1, &all));
  PetscCall(FenBilevelThetaGather_Private(pr, t, all));
  for (FenInt j = 0; j < pr->part.nx; j++)
    Jt[j] = Column1(pr, q, j) * all[q->p1 > 1 ? pr->part.row0 + j : 0] + q->f2 * q->point[j] * all[q->p1];
  PetscCall(PetscFree(all));
  PetscFunctionReturn(0);
}

static PetscErrorCode NetJacobianTranspose(FenBilevelProblem pr, const double v[], double t[])
{
  Net     *q = (Net *)pr->ctx;
  double  *all;
  FenDD   *sum;
  PetscInt p;

  PetscFunctionBegin;
  PetscCall(FenIntCast(q->p1 + 1, &p));
  PetscCall(PetscCalloc1((size_t)p, &sum));
  PetscCall(PetscMalloc1((size_t)p, &all));
  for (FenInt j = 0; j < pr->part.nx; j++) {
    FenDDAddProduct(&sum[q->p1 > 1 ? pr->part.row0 + j : 0], Column1(pr, q, j), v[j]);
    FenDDAddProduct(&sum[q->p1], q->f2 * q->point[j], v[j]);
  }
  PetscCall(FenDDReduce(pr->info.team, p, sum, all));
  FenBilevelThetaTake_Private(pr, all, t);
  PetscCall(PetscFree(sum));
  PetscCall(PetscFree(all));
  PetscFunctionReturn(0);
}

static PetscErrorCode NetUpper(FenBilevelProblem pr, FenInt s, const double x[], double *value, double g[])
{
  (void)s;
  PetscFunctionBegin;
  PetscCall(FenLinearUpper_Private(pr, &((Net *)pr->ctx)->m, x, value, g));
  PetscFunctionReturn(0);
}

static PetscErrorCode NetUpperHessian(FenBilevelProblem pr, FenInt s, const double x[], const double v[], double Gv[])
{
  (void)s;
  PetscFunctionBegin;
  PetscCall(FenLinearUpperHessian_Private(pr, &((Net *)pr->ctx)->m, x, v, Gv));
  PetscFunctionReturn(0);
}

/* |J|: of two columns the larger singular value; of a diagonal and one column at most their root of squares */
static PetscErrorCode Norm(FenBilevelProblem pr, const Net *q, double *norm)
{
  double sum[3] = {0, 0, 0}, most = 0;

  PetscFunctionBegin;
  for (FenInt j = 0; j < pr->part.nx; j++) {
    const double a = Column1(pr, q, j), b = q->f2 * q->point[j];

    sum[0] += a * a;
    sum[1] += a * b;
    sum[2] += b * b;
    most = PetscMax(most, fabs(a));
  }
  PetscCall(FenBilevelTeamSum_Private(pr, 3, sum));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &most, 1, MPI_DOUBLE, MPI_MAX, pr->info.team));
  if (q->p1 > 1)
    *norm = sqrt(most * most + sum[2]);
  else
    *norm = sqrt((sum[0] + sum[2]) / 2 + hypot((sum[0] - sum[2]) / 2, sum[1]));
  *norm *= 1 + 1e-12;
  PetscFunctionReturn(0);
}

static PetscErrorCode NetConstants(FenBilevelProblem pr, FenInt s, FenBilevelConstants *c)
{
  Net                *q = (Net *)pr->ctx;
  const FenLossBounds b = FenLossGetBounds_Private(q->m.loss);
  double              J;

  (void)s;
  PetscFunctionBegin;
  PetscCall(Norm(pr, q, &J));
  *c = (FenBilevelConstants){.mu = (q->least + q->f2) * (1 - 1e-15),
                             .lipschitz = (q->most + q->f2) * (1 + 1e-15),
                             .hessian = b.third * q->m.train_row * q->m.train_norm / (double)q->m.train.n,
                             .inverse = b.third > 0 ? PETSC_INFINITY : 0,
                             .jacobian = q->f2,
                             .J = J,
                             .upper = FenLinearUpperBound_Private(&q->m),
                             .convex = PETSC_TRUE};
  PetscFunctionReturn(0);
}

/* features of the support; margin; validation accuracy or mean square of the residuals */
static PetscErrorCode NetMetrics(FenBilevelProblem pr, FenInt s, const double x[], double values[])
{
  Net   *q = (Net *)pr->ctx;
  double support = 0, margin = 1, loss;

  (void)s;
  PetscFunctionBegin;
  PetscCall(FenLinearGradient_Private(pr, &q->m, x, &loss, q->slope));
  for (FenInt j = 0; j < pr->part.nx; j++) {
    support += x[j] != 0 ? 1 : 0;
    if (x[j] == 0)
      margin = PetscMin(margin, 1 - fabs(q->slope[j]) / q->l1[pr->part.row0 + j]);
  }
  PetscCall(FenBilevelTeamSum_Private(pr, 1, &support));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &margin, 1, MPI_DOUBLE, MPI_MIN, pr->info.team));
  values[0] = support;
  values[1] = margin;
  if (q->m.loss == FEN_LOSS_SQUARED) {
    FenDD sum = {0, 0};

    PetscCall(FenLinearGather_Private(pr, &q->m, x, q->m.V));
    PetscCall(FenDatasetMult_Private(&q->m.valid, 1, q->m.V, q->m.UV));
    for (PetscInt i = 0; i < q->m.valid.rows; i++)
      FenDDAddProduct(&sum, q->m.UV[i] - q->m.valid.y[i], q->m.UV[i] - q->m.valid.y[i]);
    PetscCall(FenDDReduce(pr->info.team, 1, &sum, &values[2]));
    values[2] /= (double)q->m.valid.n;
  } else
    PetscCall(FenLinearAccuracy_Private(pr, &q->m, x, &values[2]));
  PetscFunctionReturn(0);
}

static PetscErrorCode NetDiagonal(FenBilevelProblem pr, double diagonal[])
{
  Net *q = (Net *)pr->ctx;

  PetscFunctionBegin;
  PetscCall(FenLinearDiagonal_Private(pr, &q->m, diagonal));
  for (FenInt j = 0; j < pr->part.nx; j++)
    diagonal[j] = q->point[j] != 0 ? diagonal[j] + q->f2 : 1;
  PetscFunctionReturn(0);
}

/* ---- dense: solves on the support, coordinate descent ---- */

/* curvature of the loss at the linearised point, whole on every rank */
static PetscErrorCode Curvature(Net *q, double **G)
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
static PetscErrorCode Factor(FenBilevelProblem pr, Net *q, PetscInt *n)
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

static PetscErrorCode NetSolve(FenBilevelProblem pr, const double b[], double x[])
{
  Net         *q = (Net *)pr->ctx;
  double      *rhs = q->trial;
  PetscInt     n;
  PetscBLASInt m, one = 1, info = 0;

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
static PetscErrorCode Descend(Net *q, const double G[], const double c[], double tol, FenInt max_it, double b[],
                              FenInt *iterations)
{
  FenDescent descent = {
      .d = q->m.d, .G = G, .c = c, .l1 = q->l1, .l2 = q->f2, .r = q->trial, .work = q->work, .list = q->list};

  PetscFunctionBegin;
  q->factored = PETSC_FALSE;
  PetscCall(FenDescentSolve_Private(&descent, tol, max_it, b, iterations));
  PetscFunctionReturn(0);
}

/* h at x, whole, and |least subgradient|; g: mine, of the loss alone */
static PetscErrorCode Value(FenBilevelProblem pr, Net *q, const double x[], double *value, double *norm, double g[])
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
static PetscErrorCode ModelStep(FenBilevelProblem pr, Net *q, FenInt max_it, double x[], double *value, double *norm,
                                FenInt *iterations)
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

static PetscErrorCode NetNative(FenBilevelProblem pr, FenInt s, double tol, FenInt max_it, double x[],
                                FenInt *iterations)
{
  Net   *q = (Net *)pr->ctx;
  double value, norm;

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

PetscErrorCode FenBilevelElasticNetOptions_Private(FenOptionItems PetscOptionsObject, MPI_Comm comm, void **ctx)
{
  static const char *const losses[] = {"squared", "logistic"}, *const kinds[] = {"scalar", "feature"};
  Net *q;

  PetscFunctionBegin;
  PetscCall(PetscNew(&q));
  *ctx = q;
  q->dense = 1024;
  q->start1 = 0.1;
  q->start2 = 0.01;
  q->box = 20;
  PetscCall(PetscOptionsEList("-elastic_net_loss", "mean of squares over two, or binary cross entropy",
                              "FenBilevelProblemGenerate", losses, 2, losses[0], &q->loss, NULL));
  q->data = (FenDatasetOptions){.target = q->loss ? FEN_TARGET_CLASS : FEN_TARGET_REAL,
                                .rows = 100,
                                .valid_rows = 100,
                                .features = 50,
                                .support = 5,
                                .noise = 0.2};
  PetscCall(FenDatasetOptions_Private(PetscOptionsObject, comm, "elastic_net", PETSC_FALSE, &q->data));
  PetscCall(FenLinearOptions_Private(PetscOptionsObject, comm, "elastic_net", &q->m));
  PetscCall(PetscOptionsEList("-elastic_net_parameters", "l1 of all features, or of each (weighted Lasso); l2",
                              "FenBilevelProblemGenerate", kinds, 2, kinds[0], &q->each, NULL));
  PetscCall(FenBilevelOptionReal_Private(PetscOptionsObject, comm, "-elastic_net_l1",
                                         "first l1, as a share of the least one that makes the model zero", 1e-6, 1,
                                         &q->start1));
  PetscCall(FenBilevelOptionReal_Private(PetscOptionsObject, comm, "-elastic_net_l2",
                                         "first l2, which gives strong convexity", 1e-300, 1e300, &q->start2));
  PetscCall(FenBilevelOptionReal_Private(PetscOptionsObject, comm, "-elastic_net_box",
                                         "log l2 stays between minus and plus this", 0, 700, &q->box));
  PetscCall(FenBilevelOptionInt_Private(PetscOptionsObject, comm, "-elastic_net_dense",
                                        "features up to which Gram matrices are formed, for coordinate descent", 0,
                                        10000, &q->dense));
  PetscFunctionReturn(0);
}

static PetscErrorCode Make(MPI_Comm comm, Net *q, const FenBilevelData *data, FenBilevelProblem *problem)
{
  FenBilevelOps   ops = {.setup = NetSetUp,
                         .destroy = NetDestroy,
                         .view = FenLinearView_Private,
                         .fingerprint = FenLinearFingerprint_Private,
                         .predict = FenLinearPredict_Private,
                         .start = NetStart,
                         .box = NetBox,
                         .settheta = NetSetTheta,
                         .gradient = NetGradient,
                         .linearise = NetLinearise,
                         .hessian = NetHessian,
                         .jacobian = NetJacobian,
                         .jacobiantranspose = NetJacobianTranspose,
                         .upper = NetUpper,
                         .upperhessian = NetUpperHessian,
                         .constants = NetConstants,
                         .metrics = NetMetrics,
                         .diagonal = NetDiagonal,
                         .prox = NetProx,
                         .smoothgradient = NetSmoothGradient};
  FenBilevelSizes size = {
      .samples = 1, .width = 1, .parts = PETSC_MPI_INT_MAX, .nmetrics = 3, .metrics = {"support", "margin", "mse"}};

  PetscFunctionBegin;
  FEN_BILEVEL_CHECK(fabs(log(q->start2)) <= q->box, comm, FEN_ERR_OPTION,
                    "-elastic_net_l2 %g: its logarithm lies outside -elastic_net_box, -%g to %g", q->start2, q->box,
                    q->box);
  PetscCall(FenDatasetLoad_Private(comm, &q->data, data, &q->m.train, &q->m.valid));
  FEN_BILEVEL_CHECK(!q->loss || q->data.classes == 2, comm, FEN_ERR_OPTION,
                    "-elastic_net_loss logistic: '%s' has %" FENINT_FMT " classes; rule: two", q->m.train.name,
                    q->data.classes);
  q->m.loss = q->loss ? FEN_LOSS_BINARY : FEN_LOSS_SQUARED;
  q->m.d = q->m.train.cols;
  q->m.c = 1;
  q->p1 = q->each ? q->m.d : 1;
  if (q->m.d <= q->dense) {
    ops.solve = NetSolve;
    ops.native = NetNative;
  }
  if (q->loss)
    size.metrics[2] = "accuracy";
  size.rows = q->m.d;
  size.p = q->p1 + 1;
  PetscCall(FenBilevelProblemCreate(comm, "elastic-net", &size, &ops, q, problem));
  {
    const FenInt      counts[] = {size.p - 1, 1};
    const char *const names[] = {"log l1", "log l2"};

    PetscCall(FenBilevelProblemSetGroups(*problem, 2, names, counts));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode FenBilevelElasticNetMake_Private(MPI_Comm comm, void *ctx, const FenBilevelData *data,
                                                FenBilevelProblem *problem)
{
  Net           *q = (Net *)ctx;
  PetscErrorCode code = Make(comm, q, data, problem);

  PetscFunctionBegin;
  if (code) {
    PetscCall(FenDatasetFree_Private(&q->m.train));
    PetscCall(FenDatasetFree_Private(&q->m.valid));
    PetscCall(PetscFree(q));
  }
  PetscCall(code);
  PetscFunctionReturn(0);
}
