/* SPDX-License-Identifier: BSD-2-Clause */
/*
   quadratic: h_s = |A2 x + A3 theta - b2|^2, g_s = |A1 x - b1|^2, random, every A_s an n x d (n x p) matrix with
   orthonormal columns times singular values from 1 to the given condition number, equidistant in the logarithm; the
   columns of A2 and A3 are the same ones unless -quadratic_shared is false, so that f has the condition of A1^T A1.

     H = 2 A2^T A2,  J = 2 A2^T A3,  G = 2 A1^T A1;  mu = 2, L = 2 cond^2 exactly.

   A sample belongs to one rank, which forms H, J, G once: a product costs 2 d^2 flops and no message.
*/
#include "bilevelproblemimpl.h"
#include <math.h>
#include <petscblaslapack.h>

typedef struct {
  FenInt    m, n, d, p;
  uint64_t  seed;
  double    condition;
  PetscBool shared;
  double  **sample;      /* of mine: H d x d, J d x p, G d x d, c = 2 A2^T b2, e = 2 A1^T b1, |b2|^2, |b1|^2, |J|,
                            chol d x d; A3^T A3 p x p, 2 A3^T b2 */
  double *theta, *shift; /* shift: J theta - c of a sample */
  FenInt  at;            /* linearised sample, among mine */
} Quadratic;

enum { PART_H, PART_J, PART_G, PART_C, PART_E, PART_SCALARS, PART_FACTOR, PART_K, PART_L, NPARTS };

static void Offsets(const Quadratic *q, FenInt off[NPARTS + 1])
{
  const FenInt d = q->d, p = q->p;
  const FenInt n[NPARTS] = {d * d, d * p, d * d, d, d, 3, d * d, p * p, p};

  off[0] = 0;
  for (int k = 0; k < NPARTS; k++)
    off[k + 1] = off[k] + n[k];
}

static double *Part(const Quadratic *q, FenInt k, int part)
{
  FenInt off[NPARTS + 1];

  Offsets(q, off);
  return q->sample[k] + off[part];
}

/* y = M x (+ y), M rows x cols by rows */
static void Mult(FenInt rows, FenInt cols, const double M[], const double x[], double y[])
{
  for (FenInt i = 0; i < rows; i++) {
    double sum = 0;

    for (FenInt j = 0; j < cols; j++)
      sum += M[i * cols + j] * x[j];
    y[i] = sum;
  }
}

/* n x c by rows: Gaussian, columns orthonormalised (twice), scaled */
static void Matrix(const Quadratic *q, FenInt s, uint32_t stream, FenInt c, double A[])
{
  const FenInt n = q->n;

  for (FenInt k = 0; k < n * c; k++)
    A[k] = FenRandomNormal(q->seed, (uint64_t)(s * n * c + k), stream);
  for (FenInt j = 0; j < c; j++) {
    double norm = 0;

    for (int twice = 0; twice < 2; twice++)
      for (FenInt l = 0; l < j; l++) {
        double dot = 0;

        for (FenInt i = 0; i < n; i++)
          dot += A[i * c + l] * A[i * c + j];
        for (FenInt i = 0; i < n; i++)
          A[i * c + j] -= dot * A[i * c + l];
      }
    for (FenInt i = 0; i < n; i++)
      norm += A[i * c + j] * A[i * c + j];
    for (FenInt i = 0; i < n; i++)
      A[i * c + j] /= sqrt(norm);
  }
  for (FenInt j = 0; j < c; j++) {
    const double sigma = c > 1 ? pow(q->condition, (double)j / (double)(c - 1)) : 1;

    for (FenInt i = 0; i < n; i++)
      A[i * c + j] *= sigma;
  }
}

/* out = 2 A^T B, A n x a, B n x b */
static void Twice(FenInt n, FenInt a, const double A[], FenInt b, const double B[], double out[])
{
  for (FenInt i = 0; i < a; i++)
    for (FenInt j = 0; j < b; j++) {
      double sum = 0;

      for (FenInt r = 0; r < n; r++)
        sum += A[r * a + i] * B[r * b + j];
      out[i * b + j] = 2 * sum;
    }
}

/* spectral norm of J from the eigenvalues of J^T J */
static PetscErrorCode Norm(FenInt d, FenInt p, const double J[], double *norm)
{
  PetscInt     np;
  PetscBLASInt bp, lwork, info;
  double      *M, *w, *work;

  PetscFunctionBegin;
  PetscCall(FenIntCast(p, &np));
  PetscCall(PetscBLASIntCast(np, &bp));
  PetscCall(PetscMalloc3((size_t)(p * p), &M, (size_t)p, &w, (size_t)(8 * p + 8), &work));
  Twice(d, p, J, p, J, M);
  PetscCall(PetscBLASIntCast(8 * np + 8, &lwork));
  LAPACKsyev_("N", "U", &bp, M, &bp, w, work, &lwork, &info);
  PetscCheck(!info, PETSC_COMM_SELF, PETSC_ERR_LIB, "LAPACK syev: info %" PetscBLASInt_FMT, info);
  *norm = sqrt(PetscMax(w[p - 1], 0) / 2) * (1 + 1e-10);
  PetscCall(PetscFree3(M, w, work));
  PetscFunctionReturn(0);
}

static PetscErrorCode Factor(const Quadratic *q, FenInt k)
{
  PetscInt     nd;
  PetscBLASInt d, info;

  PetscFunctionBegin;
  PetscCall(FenIntCast(q->d, &nd));
  PetscCall(PetscBLASIntCast(nd, &d));
  PetscCall(PetscArraycpy(Part(q, k, PART_FACTOR), Part(q, k, PART_H), q->d * q->d));
  LAPACKpotrf_("L", &d, Part(q, k, PART_FACTOR), &d, &info);
  PetscCheck(!info, PETSC_COMM_SELF, PETSC_ERR_LIB, "LAPACK potrf: info %" PetscBLASInt_FMT, info);
  PetscFunctionReturn(0);
}

static PetscErrorCode MakeSample(Quadratic *q, FenInt s, FenInt k)
{
  const FenInt n = q->n, d = q->d, p = q->p;
  double      *A, *B, *b, *scalars = Part(q, k, PART_SCALARS);

  PetscFunctionBegin;
  PetscCall(PetscMalloc3((size_t)(n * PetscMax(d, p)), &A, (size_t)(n * p), &B, (size_t)n, &b));
  Matrix(q, s, 1, d, A);
  for (FenInt i = 0; i < n; i++)
    b[i] = FenRandomNormal(q->seed, (uint64_t)(s * n + i), 4);
  scalars[1] = 0;
  for (FenInt i = 0; i < n; i++)
    scalars[1] += b[i] * b[i];
  Twice(n, d, A, d, A, Part(q, k, PART_G));
  Twice(n, d, A, 1, b, Part(q, k, PART_E));
  Matrix(q, s, 2, d, A);
  Matrix(q, s, q->shared ? 2 : 3, p, B);
  for (FenInt i = 0; i < n; i++)
    b[i] = FenRandomNormal(q->seed, (uint64_t)(s * n + i), 5);
  scalars[0] = 0;
  for (FenInt i = 0; i < n; i++)
    scalars[0] += b[i] * b[i];
  Twice(n, d, A, d, A, Part(q, k, PART_H));
  Twice(n, d, A, p, B, Part(q, k, PART_J));
  Twice(n, d, A, 1, b, Part(q, k, PART_C));
  Twice(n, p, B, p, B, Part(q, k, PART_K));
  Twice(n, p, B, 1, b, Part(q, k, PART_L));
  PetscCall(PetscFree3(A, B, b));
  PetscCall(Norm(d, p, Part(q, k, PART_J), &scalars[2]));
  PetscCall(Factor(q, k));
  PetscFunctionReturn(0);
}

static PetscErrorCode QuadraticSetUp(FenBilevelProblem pr)
{
  Quadratic   *q = (Quadratic *)pr->ctx;
  const FenInt mine = pr->part.end - pr->part.start;
  FenInt       off[NPARTS + 1];

  PetscFunctionBegin;
  Offsets(q, off);
  PetscCall(PetscMalloc3((size_t)mine, &q->sample, (size_t)q->p, &q->theta, (size_t)q->d, &q->shift));
  for (FenInt k = 0; k < mine; k++) {
    PetscCall(PetscMalloc1((size_t)off[NPARTS], &q->sample[k]));
    PetscCall(MakeSample(q, pr->part.start + k, k));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode QuadraticDestroy(FenBilevelProblem pr)
{
  Quadratic *q = (Quadratic *)pr->ctx;

  PetscFunctionBegin;
  for (FenInt k = 0; q->sample && k < pr->part.end - pr->part.start; k++)
    PetscCall(PetscFree(q->sample[k]));
  PetscCall(PetscFree3(q->sample, q->theta, q->shift));
  PetscCall(PetscFree(q));
  PetscFunctionReturn(0);
}

static PetscErrorCode QuadraticFingerprint(FenBilevelProblem pr, FenFingerprint *print)
{
  const Quadratic *q = (const Quadratic *)pr->ctx;
  FenInt           off[NPARTS + 1];

  PetscFunctionBegin;
  Offsets(q, off);
  *print = (FenFingerprint){{0, 0}};
  for (FenInt k = 0; k < pr->part.end - pr->part.start && !pr->info.rank; k++)
    FenFingerprintDoubles(print, (pr->part.start + k) * off[NPARTS], off[NPARTS], q->sample[k]);
  PetscCall(FenFingerprintReduce(PetscObjectComm((PetscObject)pr), print));
  PetscFunctionReturn(0);
}

static PetscErrorCode QuadraticStart(FenBilevelProblem pr, double theta[])
{
  PetscFunctionBegin;
  for (FenInt k = 0; k < pr->size.p; k++)
    theta[k] = 1;
  PetscFunctionReturn(0);
}

static PetscErrorCode QuadraticSetTheta(FenBilevelProblem pr, const double theta[])
{
  PetscFunctionBegin;
  PetscCall(PetscArraycpy(((Quadratic *)pr->ctx)->theta, theta, pr->size.p));
  PetscFunctionReturn(0);
}

static double Dot(FenInt n, const double x[], const double y[])
{
  double sum = 0;

  for (FenInt i = 0; i < n; i++)
    sum += x[i] * y[i];
  return sum;
}

static PetscErrorCode QuadraticGradient(FenBilevelProblem pr, FenInt s, const double x[], double *value, double g[])
{
  Quadratic   *q = (Quadratic *)pr->ctx;
  const FenInt k = s - pr->part.start, d = q->d, p = q->p;
  double       quad;

  PetscFunctionBegin;
  Mult(d, p, Part(q, k, PART_J), q->theta, q->shift);
  Mult(d, d, Part(q, k, PART_H), x, g);
  quad = Dot(d, x, g) / 2;
  for (FenInt i = 0; i < d; i++) {
    q->shift[i] -= Part(q, k, PART_C)[i];
    g[i] += q->shift[i];
  }
  if (value) {
    double *Kt = q->shift, theta = 0;

    *value = quad + Dot(d, x, Kt) + Part(q, k, PART_SCALARS)[0];
    for (FenInt i = 0; i < p; i++)
      theta += q->theta[i] * (Dot(p, Part(q, k, PART_K) + i * p, q->theta) / 2 - Part(q, k, PART_L)[i]);
    *value += theta;
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode QuadraticLinearise(FenBilevelProblem pr, FenInt s, const double x[])
{
  (void)x;
  PetscFunctionBegin;
  ((Quadratic *)pr->ctx)->at = s - pr->part.start;
  PetscFunctionReturn(0);
}

static PetscErrorCode QuadraticHessian(FenBilevelProblem pr, const double v[], double Hv[])
{
  Quadratic *q = (Quadratic *)pr->ctx;

  PetscFunctionBegin;
  Mult(q->d, q->d, Part(q, q->at, PART_H), v, Hv);
  PetscFunctionReturn(0);
}

static PetscErrorCode QuadraticJacobian(FenBilevelProblem pr, const double t[], double Jt[])
{
  Quadratic *q = (Quadratic *)pr->ctx;

  PetscFunctionBegin;
  Mult(q->d, q->p, Part(q, q->at, PART_J), t, Jt);
  PetscFunctionReturn(0);
}

static PetscErrorCode QuadraticJacobianTranspose(FenBilevelProblem pr, const double v[], double t[])
{
  Quadratic *q = (Quadratic *)pr->ctx;

  PetscFunctionBegin;
  PetscCall(PetscArrayzero(t, q->p));
  for (FenInt i = 0; i < q->d; i++)
    for (FenInt j = 0; j < q->p; j++)
      t[j] += Part(q, q->at, PART_J)[i * q->p + j] * v[i];
  PetscFunctionReturn(0);
}

static PetscErrorCode QuadraticUpper(FenBilevelProblem pr, FenInt s, const double x[], double *value, double g[])
{
  Quadratic   *q = (Quadratic *)pr->ctx;
  const FenInt k = s - pr->part.start, d = q->d;
  double       sum = Part(q, k, PART_SCALARS)[1];

  PetscFunctionBegin;
  for (FenInt i = 0; i < d; i++) {
    const double Gx = Dot(d, Part(q, k, PART_G) + i * d, x), e = Part(q, k, PART_E)[i];

    sum += x[i] * (Gx / 2 - e);
    if (g)
      g[i] = Gx - e;
  }
  *value = sum;
  PetscFunctionReturn(0);
}

static PetscErrorCode QuadraticUpperHessian(FenBilevelProblem pr, FenInt s, const double x[], const double v[],
                                            double Gv[])
{
  Quadratic *q = (Quadratic *)pr->ctx;

  (void)x;
  PetscFunctionBegin;
  Mult(q->d, q->d, Part(q, s - pr->part.start, PART_G), v, Gv);
  PetscFunctionReturn(0);
}

static PetscErrorCode QuadraticConstants(FenBilevelProblem pr, FenInt s, FenBilevelConstants *c)
{
  Quadratic   *q = (Quadratic *)pr->ctx;
  const double most = 2 * q->condition * q->condition * (1 + 1e-12);

  PetscFunctionBegin;
  *c = (FenBilevelConstants){.mu = 2 * (1 - 1e-12),
                             .lipschitz = most,
                             .J = Part(q, s - pr->part.start, PART_SCALARS)[2],
                             .upper = most,
                             .convex = PETSC_TRUE};
  PetscFunctionReturn(0);
}

static PetscErrorCode QuadraticDiagonal(FenBilevelProblem pr, double diagonal[])
{
  Quadratic *q = (Quadratic *)pr->ctx;

  PetscFunctionBegin;
  for (FenInt i = 0; i < q->d; i++)
    diagonal[i] = Part(q, q->at, PART_H)[i * q->d + i];
  PetscFunctionReturn(0);
}

static PetscErrorCode QuadraticSolve(FenBilevelProblem pr, const double b[], double x[])
{
  Quadratic   *q = (Quadratic *)pr->ctx;
  PetscInt     nd;
  PetscBLASInt d, one = 1, info;

  PetscFunctionBegin;
  PetscCall(FenIntCast(q->d, &nd));
  PetscCall(PetscBLASIntCast(nd, &d));
  PetscCall(PetscArraycpy(x, b, q->d));
  LAPACKpotrs_("L", &d, &one, Part(q, q->at, PART_FACTOR), &d, x, &d, &info);
  PetscCheck(!info, PETSC_COMM_SELF, PETSC_ERR_LIB, "LAPACK potrs: info %" PetscBLASInt_FMT, info);
  PetscFunctionReturn(0);
}

PetscErrorCode FenBilevelQuadraticOptions_Private(FenOptionItems PetscOptionsObject, MPI_Comm comm, void **ctx)
{
  Quadratic *q;
  FenInt     seed = 0;

  PetscFunctionBegin;
  PetscCall(PetscNew(&q));
  *ctx = q;
  *q = (Quadratic){.m = 1, .n = 80, .d = 4, .p = 4, .condition = 10, .shared = PETSC_TRUE};
  PetscCall(FenBilevelOptionInt_Private(PetscOptionsObject, comm, "-quadratic_samples", "samples", 1, 1000000, &q->m));
  PetscCall(FenBilevelOptionInt_Private(PetscOptionsObject, comm, "-quadratic_rows", "rows of the matrices", 1, 100000,
                                        &q->n));
  PetscCall(FenBilevelOptionInt_Private(PetscOptionsObject, comm, "-quadratic_d", "lower variables", 1, 10000, &q->d));
  PetscCall(FenBilevelOptionInt_Private(PetscOptionsObject, comm, "-quadratic_p", "hyperparameters", 1, 10000, &q->p));
  PetscCall(FenBilevelOptionReal_Private(PetscOptionsObject, comm, "-quadratic_condition",
                                         "condition number of the matrices", 1, 1e7, &q->condition));
  PetscCall(PetscOptionsBool("-quadratic_shared", "A2 and A3 have the same columns", "FenBilevelProblemGenerate",
                             q->shared, &q->shared, NULL));
  PetscCall(FenBilevelOptionInt_Private(PetscOptionsObject, comm, "-quadratic_seed", "seed of all that is random", 0,
                                        PETSC_MAX_INT, &seed));
  q->seed = (uint64_t)seed;
  PetscFunctionReturn(0);
}

PetscErrorCode FenBilevelQuadraticMake_Private(MPI_Comm comm, void *ctx, const FenBilevelData *data,
                                               FenBilevelProblem *problem)
{
  static const FenBilevelOps ops = {.setup = QuadraticSetUp,
                                    .destroy = QuadraticDestroy,
                                    .start = QuadraticStart,
                                    .settheta = QuadraticSetTheta,
                                    .gradient = QuadraticGradient,
                                    .linearise = QuadraticLinearise,
                                    .hessian = QuadraticHessian,
                                    .jacobian = QuadraticJacobian,
                                    .jacobiantranspose = QuadraticJacobianTranspose,
                                    .upper = QuadraticUpper,
                                    .upperhessian = QuadraticUpperHessian,
                                    .constants = QuadraticConstants,
                                    .fingerprint = QuadraticFingerprint,
                                    .diagonal = QuadraticDiagonal,
                                    .solve = QuadraticSolve};
  const Quadratic           *q = (const Quadratic *)ctx;
  FenBilevelSizes size = {.samples = q->m, .rows = q->d, .width = 1, .p = q->p, .parts = 1, .upper = FEN_UPPER_MEAN};

  PetscFunctionBegin;
  FEN_BILEVEL_CHECK(!data->train && !data->valid, comm, FEN_ERR_OPTION,
                    "problem quadratic makes its own data: -train and -valid have no meaning with it");
  FEN_BILEVEL_CHECK(q->d <= q->n && q->p <= q->n, comm, FEN_ERR_OPTION,
                    "-quadratic_d %" FENINT_FMT " and -quadratic_p %" FENINT_FMT
                    ": at most -quadratic_rows, which is %" FENINT_FMT,
                    q->d, q->p, q->n);
  PetscCall(FenBilevelProblemCreate(comm, "quadratic", &size, &ops, ctx, problem));
  PetscFunctionReturn(0);
}
