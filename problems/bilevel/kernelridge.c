/* SPDX-License-Identifier: BSD-2-Clause */
/*
   kernel-ridge: Gaussian processes and kernel ridge regression. K = K_theta + e^{t_noise}, x = a in R^n,

     h = 1/2 a^T K a - y^T a,  a = K^{-1} y,  H = K,  J = (dK a for every length scale, noise a),

   theta = (log of one length scale or of every feature's, log noise). Upper losses:

     holdout    1/2 |K_v a - y_v|^2,             direct part r^T dK_v a
     loo        1/2 sum_i (a_i/B_ii)^2, B = K^{-1}, the leave-one-out residuals; direct part sum_kl dK_kl (B C B)_kl,
                C = diag(a_i^2/B_ii^3)
     evidence   1/2 y^T a + 1/2 log det K + n/2 log 2 pi, direct part 1/2 tr(B dK)

   K by rows, factored by ScaLAPACK through PETSc: n^3/3 flops for a theta, 2 n^2 for a product or a solve, about
   2 n^2 (2 d + 1) for J; loo and evidence form B, 2 n^3, and loo B C B, 2 n^3 more. Memory 2 n^2 + n n_v numbers over
   all ranks (loo, evidence: 4 n^2). Messages: n numbers gathered a product.

   Bounds: mu = noise less rounding errors, L = quotients of Collatz and Wielandt, |J| from J^T J, L_J^2 = noise^2 + the
   sum of the squared row-sum norms of the dK; H does not depend on a.
*/
#include "kernelridgeimpl.h"
#include <math.h>
#include <petscblaslapack.h>

/* ---- layouts: x is cut as all problems cut it, K in equal blocks; whole vectors go between ---- */

PetscErrorCode FenKernelRidgeWhole_Private(FenBilevelProblem pr, FenKernelRidge *q, FenInt width, const double x[],
                                           double all[])
{
  PetscMPIInt *count, n, total = 0;

  PetscFunctionBegin;
  (void)q;
  PetscCall(PetscMalloc1(2 * (size_t)pr->info.size, &count));
  PetscCall(FenMPIIntCast((pr->part.row1 - pr->part.row0) * width, &n));
  PetscCallMPI(MPI_Allgather(&n, 1, MPI_INT, count, 1, MPI_INT, pr->info.team));
  for (PetscMPIInt r = 0; r < pr->info.size; r++) {
    count[pr->info.size + r] = total;
    total += count[r];
  }
  PetscCallMPI(MPI_Allgatherv(x, n, MPI_DOUBLE, all, count, count + pr->info.size, MPI_DOUBLE, pr->info.team));
  PetscCall(PetscFree(count));
  PetscFunctionReturn(0);
}

void FenKernelRidgeMine_Private(FenBilevelProblem pr, const double all[], double x[])
{
  for (FenInt i = 0; i < pr->part.nx; i++)
    x[i] = all[pr->part.row0 + i];
}

/* ---- life ---- */

static PetscErrorCode KernelSetUp(FenBilevelProblem pr)
{
  FenKernelRidge *q = (FenKernelRidge *)pr->ctx;
  FenKernel      *k = &q->k;
  const size_t    n = (size_t)k->n, d = (size_t)k->d, nv = (size_t)q->valid.rows;

  PetscFunctionBegin;
  FEN_BILEVEL_CHECK(pr->info.nteams == 1, PetscObjectComm((PetscObject)pr), FEN_ERR_OPTION,
                    "problem kernel-ridge has one sample, whose rows are cut over all ranks; teams of %d ranks cannot "
                    "be used",
                    pr->info.size);
  k->comm = pr->info.team;
  PetscCall(PetscMalloc3(n * d, &k->X, n * d, &k->Z, d, &k->mean));
  PetscCall(FenKernelRidgeWhole_Private(pr, q, k->d, q->train.X, k->X));
  PetscCall(FenKernelSetUp_Private(k));
  PetscCall(PetscMalloc2((size_t)pr->size.p, &q->theta, (size_t)pr->size.p, &q->scale));
  PetscCall(PetscMalloc3(nv * d + 1, &q->V, nv * d + 1, &q->VZ, nv * n + 1, &q->KV));
  PetscCall(PetscMalloc3(n, &q->all, n, &q->b, (size_t)k->rows * (size_t)pr->size.p + 1, &q->J));
  for (size_t i = 0; i < nv * d; i++)
    q->V[i] = q->valid.X[i] - k->mean[i % d];
  PetscFunctionReturn(0);
}

static PetscErrorCode KernelDestroy(FenBilevelProblem pr)
{
  FenKernelRidge *q = (FenKernelRidge *)pr->ctx;

  PetscFunctionBegin;
  PetscCall(FenKernelFree_Private(&q->k));
  PetscCall(PetscFree2(q->theta, q->scale));
  PetscCall(PetscFree3(q->V, q->VZ, q->KV));
  PetscCall(PetscFree3(q->all, q->b, q->J));
  PetscCall(FenDatasetFree_Private(&q->train));
  PetscCall(FenDatasetFree_Private(&q->valid));
  PetscCall(PetscFree(q));
  PetscFunctionReturn(0);
}

static PetscErrorCode KernelView(FenBilevelProblem pr, PetscViewer viewer)
{
  const FenKernelRidge *q = (const FenKernelRidge *)pr->ctx;

  PetscFunctionBegin;
  PetscCall(FenDatasetView_Private(&q->train, &q->valid, viewer));
  PetscFunctionReturn(0);
}

static PetscErrorCode KernelFingerprint(FenBilevelProblem pr, FenFingerprint *print)
{
  const FenKernelRidge *q = (const FenKernelRidge *)pr->ctx;

  PetscFunctionBegin;
  PetscCall(FenDatasetFingerprint_Private(&q->train, &q->valid, print));
  PetscFunctionReturn(0);
}

static PetscErrorCode KernelStart(FenBilevelProblem pr, double theta[])
{
  FenKernelRidge *q = (FenKernelRidge *)pr->ctx;

  PetscFunctionBegin;
  for (FenInt k = pr->part.theta0; k < pr->part.theta1; k++)
    theta[k - pr->part.theta0] = log(k == pr->size.p - 1 ? q->noise : q->length);
  PetscFunctionReturn(0);
}

static PetscErrorCode KernelBox(FenBilevelProblem pr, double lower[], double upper[])
{
  PetscFunctionBegin;
  for (FenInt k = 0; k < pr->part.theta1 - pr->part.theta0; k++) {
    upper[k] = ((FenKernelRidge *)pr->ctx)->box;
    lower[k] = -upper[k];
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode KernelSetTheta(FenBilevelProblem pr, const double theta[])
{
  FenKernelRidge *q = (FenKernelRidge *)pr->ctx;
  const PetscInt  p = q->k.lengths + 1;
  FenFault        fault = {0, ""};
  PetscBool       same = PETSC_TRUE;
  double         *old;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1((size_t)p, &old));
  PetscCall(PetscArraycpy(old, q->theta, p));
  PetscCall(FenBilevelThetaGather_Private(pr, theta, q->theta));
  for (PetscInt k = 0; k < p; k++)
    same = same && q->current && q->theta[k] == old[k];
  PetscCall(PetscFree(old));
  if (same) /* the same on all ranks */
    PetscFunctionReturn(0);
  q->current = PETSC_FALSE;
  for (PetscInt k = 0; k < p; k++) {
    q->scale[k] = exp(q->theta[k]);
    if (!(q->scale[k] > 1e-100 && q->scale[k] < 1e100)) /* squares stay finite */
      FenFaultSet(&fault, FEN_ERR_VALUE,
                  "problem kernel-ridge: hyperparameter %" PetscInt_FMT
                  " is %g, its exponential %g; rule: between 1e-100 and 1e100, so that mu, the noise, is positive",
                  k, q->theta[k], q->scale[k]);
  }
  PetscCall(FenFaultAgree(pr->info.team, &fault));
  PetscCall(FenKernelSet_Private(&q->k, q->scale, q->scale[p - 1]));
  for (PetscInt i = 0; i < q->valid.rows; i++)
    for (PetscInt j = 0; j < q->k.d; j++)
      q->VZ[i * q->k.d + j] = q->V[i * q->k.d + j] / q->scale[q->k.lengths > 1 ? j : 0];
  PetscCall(FenKernelBlock_Private(&q->k, q->valid.rows, q->VZ, q->KV));
  q->current = PETSC_TRUE;
  q->top = -1;
  PetscFunctionReturn(0);
}

/* ---- lower problem ---- */

static PetscErrorCode KernelGradient(FenBilevelProblem pr, FenInt s, const double x[], double *value, double g[])
{
  FenKernelRidge *q = (FenKernelRidge *)pr->ctx;
  FenDD           sum = {0, 0};

  (void)s;
  PetscFunctionBegin;
  PetscCall(FenKernelRidgeWhole_Private(pr, q, 1, x, q->all));
  PetscCall(FenKernelMult_Private(&q->k, q->all, q->b));
  FenKernelRidgeMine_Private(pr, q->b, g);
  for (FenInt i = 0; i < pr->part.nx; i++) {
    FenDDAddProduct(&sum, x[i], g[i] / 2 - q->train.y[i]);
    g[i] -= q->train.y[i];
  }
  if (value)
    *value = sum.hi + sum.lo;
  PetscFunctionReturn(0);
}

static PetscErrorCode KernelLinearise(FenBilevelProblem pr, FenInt s, const double x[])
{
  FenKernelRidge  *q = (FenKernelRidge *)pr->ctx;
  const FenKernel *k = &q->k;

  (void)s;
  PetscFunctionBegin;
  PetscCall(FenKernelRidgeWhole_Private(pr, q, 1, x, q->all));
  PetscCall(FenKernelDifferences_Private(k, k->rows, k->Z + (size_t)k->e0 * (size_t)k->d, k->K, q->all, q->J));
  for (PetscInt i = 0; i < k->rows; i++)
    q->J[k->lengths * k->rows + i] = k->noise * q->all[k->e0 + i];
  PetscFunctionReturn(0);
}

static PetscErrorCode KernelHessian(FenBilevelProblem pr, const double v[], double Hv[])
{
  FenKernelRidge *q = (FenKernelRidge *)pr->ctx;

  PetscFunctionBegin;
  PetscCall(FenKernelRidgeWhole_Private(pr, q, 1, v, q->all));
  PetscCall(FenKernelMult_Private(&q->k, q->all, q->b));
  FenKernelRidgeMine_Private(pr, q->b, Hv);
  PetscFunctionReturn(0);
}

static PetscErrorCode KernelJacobian(FenBilevelProblem pr, const double t[], double Jt[])
{
  FenKernelRidge  *q = (FenKernelRidge *)pr->ctx;
  const FenKernel *k = &q->k;
  double          *all;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1((size_t)pr->size.p, &all));
  PetscCall(FenBilevelThetaGather_Private(pr, t, all));
  for (PetscInt i = 0; i < k->rows; i++) {
    q->b[i] = 0;
    for (PetscInt l = 0; l <= k->lengths; l++)
      q->b[i] += q->J[l * k->rows + i] * all[l];
  }
  PetscCall(FenKernelGather_Private(k, q->b, q->all));
  FenKernelRidgeMine_Private(pr, q->all, Jt);
  PetscCall(PetscFree(all));
  PetscFunctionReturn(0);
}

static PetscErrorCode KernelJacobianTranspose(FenBilevelProblem pr, const double v[], double t[])
{
  FenKernelRidge  *q = (FenKernelRidge *)pr->ctx;
  const FenKernel *k = &q->k;
  double          *all;
  FenDD           *sum;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1((size_t)pr->size.p, &all));
  PetscCall(PetscCalloc1((size_t)pr->size.p, &sum));
  PetscCall(FenKernelRidgeWhole_Private(pr, q, 1, v, q->all));
  for (PetscInt l = 0; l <= k->lengths; l++)
    for (PetscInt i = 0; i < k->rows; i++)
      FenDDAddProduct(&sum[l], q->J[l * k->rows + i], q->all[k->e0 + i]);
  PetscCall(FenDDReduce(pr->info.team, k->lengths + 1, sum, all));
  FenBilevelThetaTake_Private(pr, all, t);
  PetscCall(PetscFree(all));
  PetscCall(PetscFree(sum));
  PetscFunctionReturn(0);
}

static PetscErrorCode KernelDiagonal(FenBilevelProblem pr, double diagonal[])
{
  PetscFunctionBegin;
  for (FenInt i = 0; i < pr->part.nx; i++)
    diagonal[i] = 1 + ((FenKernelRidge *)pr->ctx)->k.noise;
  PetscFunctionReturn(0);
}

static PetscErrorCode KernelSolve(FenBilevelProblem pr, const double b[], double x[])
{
  FenKernelRidge *q = (FenKernelRidge *)pr->ctx;

  PetscFunctionBegin;
  PetscCall(FenKernelRidgeWhole_Private(pr, q, 1, b, q->all));
  PetscCall(FenKernelSolve_Private(&q->k, q->all, q->b));
  FenKernelRidgeMine_Private(pr, q->b, x);
  PetscFunctionReturn(0);
}

/* solves with the factor, the residual is the next right side, until it is small or stays */
static PetscErrorCode KernelNative(FenBilevelProblem pr, FenInt s, double tol, FenInt max_it, double x[],
                                   FenInt *iterations)
{
  double *g, *step, norm, old = PETSC_INFINITY;

  PetscFunctionBegin;
  PetscCall(PetscMalloc2((size_t)pr->part.nx + 1, &g, (size_t)pr->part.nx + 1, &step));
  for (FenInt i = 0; i < pr->part.nx; i++)
    x[i] = 0; /* the first solve gives all digits that there are */
  for (*iterations = 0;; (*iterations)++) {
    PetscCall(KernelGradient(pr, s, x, NULL, g));
    PetscCall(FenDot(pr->info.team, pr->part.nx, g, g, &norm));
    norm = sqrt(norm);
    if (norm <= tol || *iterations >= max_it || !(norm < old / 2))
      break;
    old = norm;
    PetscCall(KernelSolve(pr, g, step));
    for (FenInt i = 0; i < pr->part.nx; i++)
      x[i] -= step[i];
  }
  PetscCall(PetscFree2(g, step));
  PetscFunctionReturn(0);
}

static PetscErrorCode KernelMetrics(FenBilevelProblem pr, FenInt s, const double x[], double values[])
{
  FenKernelRidge *q = (FenKernelRidge *)pr->ctx;
  double          half, n = (double)q->valid.n, sum[3] = {0, 0, 0};

  (void)s;
  PetscFunctionBegin;
  PetscCall(FenKernelRidgeHoldout_Private(pr, q, x, &half, NULL));
  sum[0] = 2 * half;
  for (PetscInt i = 0; i < q->valid.rows; i++) {
    sum[1] += q->valid.y[i];
    sum[2] += q->valid.y[i] * q->valid.y[i];
  }
  PetscCall(FenBilevelTeamSum_Private(pr, 3, sum));
  values[0] = sum[0] / n;
  values[1] = 1 - sum[0] / (sum[2] - sum[1] * sum[1] / n);
  PetscFunctionReturn(0);
}

static PetscErrorCode KernelPredict(FenBilevelProblem pr, FenInt s, const double x[], FenBilevelPredictions *what,
                                    double out[])
{
  FenKernelRidge *q = (FenKernelRidge *)pr->ctx;

  (void)s;
  PetscFunctionBegin;
  *what = (FenBilevelPredictions){.rows = q->valid.rows, .width = 1};
  if (!out)
    PetscFunctionReturn(0);
  PetscCall(FenKernelRidgeWhole_Private(pr, q, 1, x, q->all));
  PetscCall(FenKernelRidgeResiduals_Private(q, q->all, NULL, out));
  PetscFunctionReturn(0);
}

PetscErrorCode FenBilevelKernelRidgeOptions_Private(FenOptionItems PetscOptionsObject, MPI_Comm comm, void **ctx)
{
  static const char *const kinds[] = {"scalar", "feature"}, *const uppers[] = {"holdout", "loo", "evidence"};
  FenKernelRidge *q;

  PetscFunctionBegin;
  PetscCall(PetscNew(&q));
  *ctx = q;
  q->data = (FenDatasetOptions){.target = FEN_TARGET_REAL, .rows = 100, .valid_rows = 50, .features = 3, .noise = 0.1};
  q->noise = 0.1;
  q->box = 10;
  PetscCall(FenDatasetOptions_Private(PetscOptionsObject, comm, "kernel_ridge", PETSC_FALSE, &q->data));
  PetscCall(PetscOptionsEList("-kernel_ridge_parameters", "one length scale, or one for each feature; noise",
                              "FenBilevelProblemGenerate", kinds, 2, kinds[0], &q->each, NULL));
  PetscCall(PetscOptionsEList("-kernel_ridge_upper",
                              "squares on the validation set, leave-one-out squares, negative log evidence",
                              "FenBilevelProblemGenerate", uppers, 3, uppers[0], &q->upper, NULL));
  PetscCall(FenBilevelOptionReal_Private(PetscOptionsObject, comm, "-kernel_ridge_length",
                                         "first length scale; 0: root of the number of features", 0, 1e10, &q->length));
  PetscCall(FenBilevelOptionReal_Private(PetscOptionsObject, comm, "-kernel_ridge_noise", "first noise variance",
                                         1e-300, 1e10, &q->noise));
  PetscCall(FenBilevelOptionReal_Private(PetscOptionsObject, comm, "-kernel_ridge_box",
                                         "logarithms stay between minus and plus this", 0, 200, &q->box));
  PetscFunctionReturn(0);
}

static PetscErrorCode Make(MPI_Comm comm, FenKernelRidge *q, const FenBilevelData *data, FenBilevelProblem *problem)
{
  const FenBilevelOps ops = {.setup = KernelSetUp,
                             .destroy = KernelDestroy,
                             .view = KernelView,
                             .fingerprint = KernelFingerprint,
                             .start = KernelStart,
                             .box = KernelBox,
                             .settheta = KernelSetTheta,
                             .gradient = KernelGradient,
                             .linearise = KernelLinearise,
                             .hessian = KernelHessian,
                             .jacobian = KernelJacobian,
                             .jacobiantranspose = KernelJacobianTranspose,
                             .upper = FenKernelRidgeUpper_Private,
                             .upperhessian = FenKernelRidgeUpperHessian_Private,
                             .direct = FenKernelRidgeDirect_Private,
                             .constants = FenKernelRidgeConstants_Private,
                             .metrics = KernelMetrics,
                             .predict = KernelPredict,
                             .diagonal = KernelDiagonal,
                             .solve = KernelSolve,
                             .native = KernelNative};
  FenBilevelSizes     size = {
          .samples = 1, .width = 1, .parts = PETSC_MPI_INT_MAX, .nmetrics = 2, .metrics = {"mse", "r2"}};

  PetscFunctionBegin;
  PetscCall(FenDatasetLoad_Private(comm, &q->data, data, &q->train, &q->valid));
  PetscCall(FenDatasetDense_Private(&q->train));
  PetscCall(FenDatasetDense_Private(&q->valid));
  if (q->length == 0)
    q->length = sqrt((double)q->train.d);
  FEN_BILEVEL_CHECK(fabs(log(q->length)) <= q->box && fabs(log(q->noise)) <= q->box, comm, FEN_ERR_OPTION,
                    "-kernel_ridge_length %g, -kernel_ridge_noise %g: a logarithm lies outside -kernel_ridge_box, "
                    "-%g to %g",
                    q->length, q->noise, q->box, q->box);
  PetscCall(FenIntCast(q->train.n, &q->k.n));
  q->k.d = q->train.cols;
  q->k.lengths = q->each ? q->k.d : 1;
  size.rows = q->train.n;
  size.p = q->k.lengths + 1;
  PetscCall(FenBilevelProblemCreate(comm, "kernel-ridge", &size, &ops, q, problem));
  {
    const FenInt      counts[] = {size.p - 1, 1};
    const char *const names[] = {"log length", "log noise"};

    PetscCall(FenBilevelProblemSetGroups(*problem, 2, names, counts));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode FenBilevelKernelRidgeMake_Private(MPI_Comm comm, void *ctx, const FenBilevelData *data,
                                                 FenBilevelProblem *problem)
{
  FenKernelRidge *q = (FenKernelRidge *)ctx;
  PetscErrorCode  code = Make(comm, q, data, problem);

  PetscFunctionBegin;
  if (code) {
    PetscCall(FenDatasetFree_Private(&q->train));
    PetscCall(FenDatasetFree_Private(&q->valid));
    PetscCall(PetscFree(q));
  }
  PetscCall(code);
  PetscFunctionReturn(0);
}
