/* SPDX-License-Identifier: BSD-2-Clause */
/*
   cleaning: data hyper-cleaning. Some training labels are wrong; every row i has a weight that is learned from a clean
   validation set:

     h = (1/n) sum_i sigma(theta_i) CE_i(W) + reg |W|_F^2,  g = (1/n_v) sum_i CE_i(W) (or the KL-robust mean),

   softmax of c scores. theta is cut like the rows of the training set, so that with U = A q and s_i = sigma'(theta_i)/n

     (J^T q)_i = s_i r_i . u_i,  r_i the derivative of CE_i,

   costs no message beyond the gather of q. Products with H as in logistic.c, rows weighted.

   Bounds: mu = 2 reg, L = lambda_max(A^T diag(sigma) A)/(2 n) + 2 reg; J J^T = sum_i s_i^2 a_i a_i^T x r_i r_i^T, so
   |J|^2 <= max s_i^2 |r_i|^2 lambda_max(A^T A); with |r_i(x) - r_i(y)| <= |a_i^T (x-y)|/2,
   L_J^2 <= max s_i^2 |a_i|^2 lambda_max(A^T A)/4. The Frobenius norms are used where they are less.
   Reference: Franceschi, Donini, Frasconi, Pontil, ICML 2017.
*/
#include "linearmodelimpl.h"
#include <math.h>

typedef struct {
  FenLinear         m; /* first: what the models share takes the context for it */
  FenDatasetOptions data;
  double            reg, start, corrupt;
  FenInt            corrupt_seed;
  PetscBool        *wrong;          /* my rows whose label was replaced */
  double           *weight, *s, *t; /* sigma(theta)/n, sigma'(theta)/n, work */
  double           *z;              /* for the bound, all features */
  double            norm;           /* of lambda_max(A^T diag(sigma/n) A); negative: theta is new */
} Cleaning;

/* a share of the labels becomes another class */
static PetscErrorCode Corrupt(Cleaning *q)
{
  const uint64_t seed = (uint64_t)q->corrupt_seed;
  FenDataset    *a = &q->m.train;

  PetscFunctionBegin;
  PetscCall(PetscCalloc1((size_t)a->rows + 1, &q->wrong));
  for (PetscInt i = 0; i < a->rows; i++) {
    const uint64_t row = (uint64_t)(a->row0 + i);
    const double   u = FenRandomUniform(seed, row, 12) * (double)(q->m.c - 1);
    const PetscInt other = 1 + PetscMin((PetscInt)u, q->m.c - 2);

    if (FenRandomUniform(seed, row, 11) >= q->corrupt)
      continue;
    q->wrong[i] = PETSC_TRUE;
    a->y[i] = (double)(((PetscInt)a->y[i] + other) % q->m.c);
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode CleaningSetUp(FenBilevelProblem pr)
{
  Cleaning    *q = (Cleaning *)pr->ctx;
  const size_t rows = (size_t)q->m.train.rows + 1;

  PetscFunctionBegin;
  PetscCall(FenLinearSetUp_Private(pr, &q->m));
  PetscCheck(pr->part.theta0 == q->m.train.row0 && pr->part.theta1 == q->m.train.row1, PETSC_COMM_SELF,
             (PetscErrorCode)FEN_ERR_INTERNAL, "rows and their weights are cut differently");
  PetscCall(PetscMalloc4(rows, &q->weight, rows, &q->s, rows, &q->t, (size_t)q->m.d, &q->z));
  for (PetscInt j = 0; j < q->m.d; j++)
    q->z[j] = 1;
  q->m.weight = q->weight;
  PetscFunctionReturn(0);
}

static PetscErrorCode CleaningDestroy(FenBilevelProblem pr)
{
  Cleaning *q = (Cleaning *)pr->ctx;

  PetscFunctionBegin;
  PetscCall(PetscFree(q->wrong));
  PetscCall(PetscFree4(q->weight, q->s, q->t, q->z));
  PetscCall(FenLinearFree_Private(&q->m));
  PetscCall(PetscFree(q));
  PetscFunctionReturn(0);
}

static PetscErrorCode CleaningStart(FenBilevelProblem pr, double theta[])
{
  PetscFunctionBegin;
  for (FenInt i = 0; i < pr->part.theta1 - pr->part.theta0; i++)
    theta[i] = ((Cleaning *)pr->ctx)->start;
  PetscFunctionReturn(0);
}

static PetscErrorCode CleaningSetTheta(FenBilevelProblem pr, const double theta[])
{
  Cleaning    *q = (Cleaning *)pr->ctx;
  const double n = (double)q->m.train.n;
  FenFault     fault = {0, ""};

  PetscFunctionBegin;
  for (PetscInt i = 0; i < q->m.train.rows; i++) {
    const double e = exp(-fabs(theta[i])); /* sigma(|theta|) = 1/(1+e) */

    if (isnan(theta[i]))
      FenFaultSet(&fault, FEN_ERR_VALUE, "problem cleaning: hyperparameter %" FENINT_FMT " is NaN; rule: numbers",
                  pr->part.theta0 + i);
    q->weight[i] = (theta[i] > 0 ? 1 : e) / (1 + e) / n;
    q->s[i] = e / ((1 + e) * (1 + e)) / n;
  }
  PetscCall(FenFaultAgree(pr->info.team, &fault));
  q->norm = -1;
  PetscFunctionReturn(0);
}

/* adds 2 reg v; my part of reg |v|^2 */
static double Regularise(FenBilevelProblem pr, const Cleaning *q, const double v[], double g[])
{
  FenDD sum = {0, 0};

  for (FenInt k = 0; k < pr->part.nx; k++) {
    g[k] += 2 * q->reg * v[k];
    FenDDAdd(&sum, q->reg * v[k] * v[k]);
  }
  return sum.hi + sum.lo;
}

static PetscErrorCode CleaningGradient(FenBilevelProblem pr, FenInt s, const double x[], double *value, double g[])
{
  Cleaning *q = (Cleaning *)pr->ctx;
  double    loss, quad;

  (void)s;
  PetscFunctionBegin;
  PetscCall(FenLinearGradient_Private(pr, &q->m, x, &loss, g));
  quad = Regularise(pr, q, x, g);
  if (value)
    *value = loss + quad;
  PetscFunctionReturn(0);
}

static PetscErrorCode CleaningLinearise(FenBilevelProblem pr, FenInt s, const double x[])
{
  (void)s;
  PetscFunctionBegin;
  PetscCall(FenLinearLinearise_Private(pr, &((Cleaning *)pr->ctx)->m, x));
  PetscFunctionReturn(0);
}

static PetscErrorCode CleaningHessian(FenBilevelProblem pr, const double v[], double Hv[])
{
  Cleaning *q = (Cleaning *)pr->ctx;

  PetscFunctionBegin;
  PetscCall(FenLinearHessian_Private(pr, &q->m, v, Hv));
  (void)Regularise(pr, q, v, Hv);
  PetscFunctionReturn(0);
}

static PetscErrorCode CleaningJacobian(FenBilevelProblem pr, const double t[], double Jt[])
{
  Cleaning      *q = (Cleaning *)pr->ctx;
  const PetscInt c = q->m.c;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < q->m.train.rows; i++)
    for (PetscInt k = 0; k < c; k++)
      q->m.S[i * c + k] = q->s[i] * t[i] * q->m.U[i * c + k];
  PetscCall(FenDatasetMultTranspose_Private(&q->m.train, c, q->m.S, q->m.G));
  PetscCall(FenLinearReduce_Private(pr, &q->m, q->m.G, Jt));
  PetscFunctionReturn(0);
}

static PetscErrorCode CleaningJacobianTranspose(FenBilevelProblem pr, const double v[], double t[])
{
  Cleaning      *q = (Cleaning *)pr->ctx;
  const PetscInt c = q->m.c;

  PetscFunctionBegin;
  PetscCall(FenLinearGather_Private(pr, &q->m, v, q->m.V));
  PetscCall(FenDatasetMult_Private(&q->m.train, c, q->m.V, q->m.S));
  for (PetscInt i = 0; i < q->m.train.rows; i++) {
    double dot = 0;

    for (PetscInt k = 0; k < c; k++)
      dot += q->m.U[i * c + k] * q->m.S[i * c + k];
    t[i] = q->s[i] * dot;
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode CleaningUpper(FenBilevelProblem pr, FenInt s, const double x[], double *value, double g[])
{
  (void)s;
  PetscFunctionBegin;
  PetscCall(FenLinearUpper_Private(pr, &((Cleaning *)pr->ctx)->m, x, value, g));
  PetscFunctionReturn(0);
}

static PetscErrorCode CleaningUpperHessian(FenBilevelProblem pr, FenInt s, const double x[], const double v[],
                                           double Gv[])
{
  (void)s;
  PetscFunctionBegin;
  PetscCall(FenLinearUpperHessian_Private(pr, &((Cleaning *)pr->ctx)->m, x, v, Gv));
  PetscFunctionReturn(0);
}

/* lambda_max(A^T diag(sigma/n) A) is at most this; three more quotients a theta, from the last one's vector */
static PetscErrorCode Norm(FenBilevelProblem pr, Cleaning *q)
{
  double most = 0, trace = 0;

  PetscFunctionBegin;
  if (q->norm >= 0)
    PetscFunctionReturn(0);
  for (PetscInt i = 0; i < q->m.train.rows; i++) {
    most = PetscMax(most, q->weight[i]);
    trace += q->weight[i] * FenDatasetRowSquare_Private(&q->m.train, i);
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &most, 1, MPI_DOUBLE, MPI_MAX, pr->info.team));
  PetscCall(FenBilevelTeamSum_Private(pr, 1, &trace));
  PetscCall(FenDatasetQuotient_Private(&q->m.train, q->weight, 3, q->z, &q->norm));
  q->norm = PetscMin(q->norm, most * q->m.train_norm);
  q->norm = PetscMin(q->norm, trace * (1 + 1e-9));
  PetscFunctionReturn(0);
}

static PetscErrorCode CleaningConstants(FenBilevelProblem pr, FenInt s, FenBilevelConstants *c)
{
  Cleaning           *q = (Cleaning *)pr->ctx;
  const FenLossBounds b = FenLossGetBounds_Private(q->m.loss);
  double              most[2] = {0, 0}, square[2] = {0, 0}; /* s |r|, s |a|; (s |r| |a|)^2, (s |a|^2)^2 */

  (void)s;
  PetscFunctionBegin;
  PetscCall(Norm(pr, q));
  for (PetscInt i = 0; i < q->m.train.rows; i++) {
    const double a2 = FenDatasetRowSquare_Private(&q->m.train, i), a = sqrt(a2);
    double       r = 0;

    for (PetscInt k = 0; k < q->m.c; k++)
      r += q->m.U[i * q->m.c + k] * q->m.U[i * q->m.c + k];
    r = q->s[i] * sqrt(r);
    most[0] = PetscMax(most[0], r);
    most[1] = PetscMax(most[1], q->s[i] * a);
    square[0] += r * r * a2;
    square[1] += q->s[i] * q->s[i] * a2 * a2;
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, most, 2, MPI_DOUBLE, MPI_MAX, pr->info.team));
  PetscCall(FenBilevelTeamSum_Private(pr, 2, square));
  *c = (FenBilevelConstants){.mu = 2 * q->reg * (1 - 1e-15),
                             .lipschitz = b.curvature * q->norm + 2 * q->reg * (1 + 1e-15),
                             .hessian = b.third * q->m.train_row * q->norm,
                             .inverse = PETSC_INFINITY,
                             .jacobian =
                                 b.curvature * (1 + 1e-9) * PetscMin(most[1] * sqrt(q->m.train_norm), sqrt(square[1])),
                             .J = (1 + 1e-9) * PetscMin(most[0] * sqrt(q->m.train_norm), sqrt(square[0])),
                             .upper = FenLinearUpperBound_Private(&q->m),
                             .convex = PETSC_TRUE};
  PetscFunctionReturn(0);
}

/* validation accuracy; of the rows with weight below 1/2: share of wrong ones; of the wrong ones: share with weight
   below 1/2 (0 where there are none); their number */
static PetscErrorCode CleaningMetrics(FenBilevelProblem pr, FenInt s, const double x[], double values[])
{
  Cleaning *q = (Cleaning *)pr->ctx;
  double    sum[3] = {0, 0, 0};

  (void)s;
  PetscFunctionBegin;
  PetscCall(FenLinearAccuracy_Private(pr, &q->m, x, &values[0]));
  for (PetscInt i = 0; i < q->m.train.rows; i++) {
    const PetscBool low = (PetscBool)(q->weight[i] * (double)q->m.train.n < 0.5);

    sum[0] += low && q->wrong[i] ? 1 : 0;
    sum[1] += low ? 1 : 0;
    sum[2] += q->wrong[i] ? 1 : 0;
  }
  PetscCall(FenBilevelTeamSum_Private(pr, 3, sum));
  values[1] = sum[1] > 0 ? sum[0] / sum[1] : 0;
  values[2] = sum[2] > 0 ? sum[0] / sum[2] : 0;
  values[3] = sum[1];
  PetscFunctionReturn(0);
}

static PetscErrorCode CleaningDiagonal(FenBilevelProblem pr, double diagonal[])
{
  Cleaning *q = (Cleaning *)pr->ctx;

  PetscFunctionBegin;
  PetscCall(FenLinearDiagonal_Private(pr, &q->m, diagonal));
  for (FenInt k = 0; k < pr->part.nx; k++)
    diagonal[k] += 2 * q->reg;
  PetscFunctionReturn(0);
}

PetscErrorCode FenBilevelCleaningOptions_Private(FenOptionItems PetscOptionsObject, MPI_Comm comm, void **ctx)
{
  Cleaning *q;

  PetscFunctionBegin;
  PetscCall(PetscNew(&q));
  *ctx = q;
  q->data = (FenDatasetOptions){.target = FEN_TARGET_CLASS,
                                .rows = 200,
                                .valid_rows = 100,
                                .features = 10,
                                .noise = 0.1,
                                .intercept = PETSC_TRUE};
  q->reg = 0.001;
  q->corrupt = 0.1;
  PetscCall(FenDatasetOptions_Private(PetscOptionsObject, comm, "cleaning", PETSC_TRUE, &q->data));
  PetscCall(FenLinearOptions_Private(PetscOptionsObject, comm, "cleaning", &q->m));
  PetscCall(FenBilevelOptionReal_Private(PetscOptionsObject, comm, "-cleaning_reg",
                                         "factor of |W|^2, which gives mu = twice this", 1e-300, 1e10, &q->reg));
  PetscCall(FenBilevelOptionReal_Private(PetscOptionsObject, comm, "-cleaning_start",
                                         "first value of all hyperparameters", -700, 700, &q->start));
  PetscCall(FenBilevelOptionReal_Private(PetscOptionsObject, comm, "-cleaning_corrupt",
                                         "share of the training labels that are replaced by another class", 0, 1,
                                         &q->corrupt));
  PetscCall(FenBilevelOptionInt_Private(PetscOptionsObject, comm, "-cleaning_corrupt_seed",
                                        "seed of that: the same rows and classes on any ranks", 0, PETSC_MAX_INT,
                                        &q->corrupt_seed));
  PetscFunctionReturn(0);
}

static PetscErrorCode Make(MPI_Comm comm, Cleaning *q, const FenBilevelData *data, FenBilevelProblem *problem)
{
  const FenBilevelOps ops = {.setup = CleaningSetUp,
                             .destroy = CleaningDestroy,
                             .view = FenLinearView_Private,
                             .fingerprint = FenLinearFingerprint_Private,
                             .predict = FenLinearPredict_Private,
                             .start = CleaningStart,
                             .settheta = CleaningSetTheta,
                             .gradient = CleaningGradient,
                             .linearise = CleaningLinearise,
                             .hessian = CleaningHessian,
                             .jacobian = CleaningJacobian,
                             .jacobiantranspose = CleaningJacobianTranspose,
                             .upper = CleaningUpper,
                             .upperhessian = CleaningUpperHessian,
                             .constants = CleaningConstants,
                             .metrics = CleaningMetrics,
                             .diagonal = CleaningDiagonal};
  FenBilevelSizes     size = {.samples = 1,
                              .parts = PETSC_MPI_INT_MAX,
                              .nmetrics = 4,
                              .metrics = {"accuracy", "precision", "recall", "flagged"}};
  FenInt              weights;

  PetscFunctionBegin;
  PetscCall(FenDatasetLoad_Private(comm, &q->data, data, &q->m.train, &q->m.valid));
  q->m.loss = FEN_LOSS_SOFTMAX;
  q->m.d = q->m.train.cols;
  PetscCall(FenIntCast(q->data.classes, &q->m.c));
  PetscCall(FenIntMult(q->m.d, q->m.c, &weights));
  FEN_BILEVEL_CHECK(weights <= PETSC_MPI_INT_MAX, comm, FEN_ERR_SIZE, "%" FENINT_FMT " weights; rule: at most %d",
                    weights, PETSC_MPI_INT_MAX);
  PetscCall(Corrupt(q));
  size.rows = q->m.d;
  size.width = q->m.c;
  size.p = q->m.train.n;
  PetscCall(FenBilevelProblemCreate(comm, "cleaning", &size, &ops, q, problem));
  {
    const FenInt      counts[] = {size.p};
    const char *const names[] = {"weight"};

    PetscCall(FenBilevelProblemSetGroups(*problem, 1, names, counts));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode FenBilevelCleaningMake_Private(MPI_Comm comm, void *ctx, const FenBilevelData *data,
                                              FenBilevelProblem *problem)
{
  Cleaning      *q = (Cleaning *)ctx;
  PetscErrorCode code = Make(comm, q, data, problem);

  PetscFunctionBegin;
  if (code) {
    PetscCall(FenDatasetFree_Private(&q->m.train));
    PetscCall(FenDatasetFree_Private(&q->m.valid));
    PetscCall(PetscFree(q->wrong));
    PetscCall(PetscFree(q));
  }
  PetscCall(code);
  PetscFunctionReturn(0);
}
