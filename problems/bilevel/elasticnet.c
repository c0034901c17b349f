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
#include "elasticnetimpl.h"
#include <math.h>

static PetscErrorCode NetSetUp(FenBilevelProblem pr)
{
  FenElasticNet *q = (FenElasticNet *)pr->ctx;
  const size_t   nx = (size_t)pr->part.nx + 1;
  double         value;

  PetscFunctionBegin;
  PetscCall(FenLinearSetUp_Private(pr, &q->m));
  PetscCall(PetscMalloc4((size_t)q->p1 + 1, &q->theta, (size_t)q->m.d, &q->l1, nx, &q->point, nx, &q->slope));
  q->most = FenLossGetBounds_Private(q->m.loss).curvature * q->m.train_norm / (double)q->m.train.n;
  if (q->m.d <= q->dense)
    PetscCall(FenElasticDenseSetUp_Private(pr, q));
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
  FenElasticNet *q = (FenElasticNet *)pr->ctx;

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
  FenElasticNet *q = (FenElasticNet *)pr->ctx;

  PetscFunctionBegin;
  for (FenInt k = pr->part.theta0; k < pr->part.theta1; k++)
    theta[k - pr->part.theta0] = k < q->p1 ? log(q->start1 * q->top) : log(q->start2);
  PetscFunctionReturn(0);
}

/* t1 from 1e-6 of the value that makes b zero up to that value */
static PetscErrorCode NetBox(FenBilevelProblem pr, double lower[], double upper[])
{
  FenElasticNet *q = (FenElasticNet *)pr->ctx;

  PetscFunctionBegin;
  for (FenInt k = pr->part.theta0; k < pr->part.theta1; k++) {
    upper[k - pr->part.theta0] = k < q->p1 ? log(q->top) : q->box;
    lower[k - pr->part.theta0] = k < q->p1 ? log(1e-6 * q->top) : -q->box;
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode NetSetTheta(FenBilevelProblem pr, const double theta[])
{
  FenElasticNet *q = (FenElasticNet *)pr->ctx;

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
  FenElasticNet *q = (FenElasticNet *)pr->ctx;
  FenDD          sum = {0, 0};
  double         loss;

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

PetscErrorCode FenElasticGradient_Private(FenBilevelProblem pr, FenInt s, const double x[], double *value, double g[])
{
  FenElasticNet *q = (FenElasticNet *)pr->ctx;
  FenDD          sum = {0, 0};
  double         smooth;

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
  FenElasticNet *q = (FenElasticNet *)pr->ctx;

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
  FenElasticNet *q = (FenElasticNet *)pr->ctx;

  (void)s;
  PetscFunctionBegin;
  PetscCall(FenLinearLinearise_Private(pr, &q->m, x));
  PetscCall(PetscArraycpy(q->point, x, pr->part.nx));
  q->factored = PETSC_FALSE;
  PetscFunctionReturn(0);
}

static PetscErrorCode NetHessian(FenBilevelProblem pr, const double v[], double Hv[])
{
  FenElasticNet *q = (FenElasticNet *)pr->ctx;

  PetscFunctionBegin;
  for (FenInt j = 0; j < pr->part.nx; j++)
    q->slope[j] = q->point[j] != 0 ? v[j] : 0;
  PetscCall(FenLinearHessian_Private(pr, &q->m, q->slope, Hv));
  for (FenInt j = 0; j < pr->part.nx; j++)
    Hv[j] = q->point[j] != 0 ? Hv[j] + q->f2 * v[j] : v[j];
  PetscFunctionReturn(0);
}

/* entry of J of my weight j in its column t1; 0 off the support */
static double Column1(FenBilevelProblem pr, const FenElasticNet *q, FenInt j)
{
  return q->point[j] != 0 ? copysign(q->l1[pr->part.row0 + j], q->point[j]) : 0;
}

static PetscErrorCode NetJacobian(FenBilevelProblem pr, const double t[], double Jt[])
{
  FenElasticNet *q = (FenElasticNet *)pr->ctx;
  double        *all;

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
  FenElasticNet *q = (FenElasticNet *)pr->ctx;
  double        *all;
  FenDD         *sum;
  PetscInt       p;

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
  PetscCall(FenLinearUpper_Private(pr, &((FenElasticNet *)pr->ctx)->m, x, value, g));
  PetscFunctionReturn(0);
}

static PetscErrorCode NetUpperHessian(FenBilevelProblem pr, FenInt s, const double x[], const double v[], double Gv[])
{
  (void)s;
  PetscFunctionBegin;
  PetscCall(FenLinearUpperHessian_Private(pr, &((FenElasticNet *)pr->ctx)->m, x, v, Gv));
  PetscFunctionReturn(0);
}

/* |J|: of two columns the larger singular value; of a diagonal and one column at most their root of squares */
static PetscErrorCode Norm(FenBilevelProblem pr, const FenElasticNet *q, double *norm)
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
  FenElasticNet      *q = (FenElasticNet *)pr->ctx;
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
  FenElasticNet *q = (FenElasticNet *)pr->ctx;
  double         support = 0, margin = 1, loss;

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
  FenElasticNet *q = (FenElasticNet *)pr->ctx;

  PetscFunctionBegin;
  PetscCall(FenLinearDiagonal_Private(pr, &q->m, diagonal));
  for (FenInt j = 0; j < pr->part.nx; j++)
    diagonal[j] = q->point[j] != 0 ? diagonal[j] + q->f2 : 1;
  PetscFunctionReturn(0);
}

PetscErrorCode FenBilevelElasticNetOptions_Private(FenOptionItems PetscOptionsObject, MPI_Comm comm, void **ctx)
{
  static const char *const losses[] = {"squared", "logistic"}, *const kinds[] = {"scalar", "feature"};
  FenElasticNet *q;

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

static PetscErrorCode Make(MPI_Comm comm, FenElasticNet *q, const FenBilevelData *data, FenBilevelProblem *problem)
{
  FenBilevelOps   ops = {.setup = NetSetUp,
                         .destroy = NetDestroy,
                         .view = FenLinearView_Private,
                         .fingerprint = FenLinearFingerprint_Private,
                         .predict = FenLinearPredict_Private,
                         .start = NetStart,
                         .box = NetBox,
                         .settheta = NetSetTheta,
                         .gradient = FenElasticGradient_Private,
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
    ops.solve = FenElasticDenseSolve_Private;
    ops.native = FenElasticDenseNative_Private;
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
  FenElasticNet *q = (FenElasticNet *)ctx;
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
