/* SPDX-License-Identifier: BSD-2-Clause */
static char help[] =
    "A bilevel problem of one's own: the smoothing that takes noise out of signals, and a closed form.\n\
  mpirun -n 2 ./ex4                          as it is\n\
  mpirun -n 2 ./ex4 -bilevel_type maid-bb    another method; -bilevel_monitor shows what happens\n\n";

#include <fenchelbilevel.h>
#include <math.h>

/* h_s(x, t) = |x - noisy_s|^2/2 + e^t |Dx|^2/2, D differences of neighbours; g_s(x) = |x - clean_s|^2/2 */
#define M 6
#define N 64
static double clean[M][N], noisy[M][N], a, DDx[N]; /* a = e^t; D^T D x at the linearised point */

static void DD(const double x[], double y[])
{
  for (int i = 0; i < N; i++)
    y[i] = (i ? x[i] - x[i - 1] : 0) + (i < N - 1 ? x[i] - x[i + 1] : 0);
}

static double Dot(const double x[], const double y[])
{
  double sum = 0;
  for (int i = 0; i < N; i++)
    sum += x[i] * y[i];
  return sum;
}

#define PR FenBilevelProblem pr __attribute__((unused))
static PetscErrorCode SetTheta(PR, const double theta[])
{
  a = exp(theta[0]);
  return 0;
}
static PetscErrorCode Gradient(PR, FenInt s, const double x[], double *value, double g[])
{
  double e[N], d[N];
  DD(x, d);
  for (int i = 0; i < N; i++) {
    e[i] = x[i] - noisy[s][i];
    g[i] = e[i] + a * d[i];
  }
  if (value)
    *value = Dot(e, e) / 2 + a / 2 * Dot(x, d);
  return 0;
}
static PetscErrorCode Linearise(PR, FenInt s __attribute__((unused)), const double x[])
{
  DD(x, DDx);
  return 0;
}
static PetscErrorCode Hessian(PR, const double v[], double Hv[])
{
  DD(v, Hv);
  for (int i = 0; i < N; i++)
    Hv[i] = v[i] + a * Hv[i];
  return 0;
}
static PetscErrorCode JacobianTranspose(PR, const double q[], double t[])
{
  t[0] = a * Dot(DDx, q);
  return 0;
}
static PetscErrorCode Upper(PR, FenInt s, const double x[], double *value, double g[])
{
  double e[N];
  for (int i = 0; i < N; i++)
    e[i] = x[i] - clean[s][i];
  *value = Dot(e, e) / 2;
  return g ? PetscArraycpy(g, e, N) : 0;
}
static PetscErrorCode UpperHessian(PR, FenInt s, const double x[], const double v[], double Gv[])
{
  (void)s, (void)x;
  return PetscArraycpy(Gv, v, N);
}
static PetscErrorCode Constants(PR, FenInt s __attribute__((unused)), FenBilevelConstants *k) /* |D|^2 <= 4 */
{
  const double J = a * sqrt(Dot(DDx, DDx));
  *k = (FenBilevelConstants){.mu = 1, .lipschitz = 1 + 4 * a, .jacobian = 4 * a, .J = J, .upper = 1, .convex = 1};
  return 0;
}
/* clang-format off */
static const FenBilevelOps ops = {.settheta = SetTheta, .gradient = Gradient, .linearise = Linearise,
                                  .hessian = Hessian, .jacobiantranspose = JacobianTranspose, .upper = Upper,
                                  .upperhessian = UpperHessian, .constants = Constants};
/* clang-format on */

/* df/dt: cosines are eigenvectors of D^T D, with eigenvalues 4 sin^2(pi k/(2N)) */
static double ClosedForm(double t)
{
  double sum = 0;
  for (int s = 0; s < M; s++)
    for (int k = 1; k < N; k++) {
      const double l = 4 * pow(sin(M_PI * k / (2.0 * N)), 2), b = exp(t);
      double       c[N];
      for (int i = 0; i < N; i++)
        c[i] = sqrt(2.0 / N) * cos(M_PI * k * (i + 0.5) / N);
      sum -= b * l * Dot(c, noisy[s]) / pow(1 + b * l, 2) * (Dot(c, noisy[s]) / (1 + b * l) - Dot(c, clean[s]));
    }
  return sum / M;
}

int main(int argc, char **argv)
{
  const FenBilevelSizes size = {.samples = M, .rows = N, .width = 1, .p = 1, .parts = 1, .upper = FEN_UPPER_MEAN};
  FenBilevelProblem     problem;
  FenBilevel            bilevel;
  FenBilevelBounds      b;
  const double         *theta;

  PetscCall(FenInitialize(&argc, &argv, NULL, help));
  for (int i = 0; i < M * N; i++) { /* a bow and a step; the same noise on any number of ranks */
    const int s = i / N, k = i % N;

    clean[s][k] = sin(0.05 * (s + 1) * k) + (k > N / 2);
    noisy[s][k] = clean[s][k] + 0.3 * FenRandomNormal(1, (uint64_t)i, 0);
  }
  PetscCall(FenBilevelProblemCreate(PETSC_COMM_WORLD, "smooth", &size, &ops, NULL, &problem));
  PetscCall(FenBilevelCreate(PETSC_COMM_WORLD, &bilevel));
  PetscCall(FenBilevelSetProblem(bilevel, problem));
  PetscCall(FenBilevelSetFromOptions(bilevel));
  PetscCall(FenBilevelSolve(bilevel));
  PetscCall(FenBilevelGetTheta(bilevel, &theta));
  PetscCall(FenBilevelGetBounds(bilevel, &b));
  const double slope = fabs(ClosedForm(theta[0])), most = b.hypergradient + b.hypergradient_error;
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "e^%.6f: loss in [%.9f, %.9f], slope %.1e by the closed form, proved %.1e\n",
                        theta[0], b.lower, b.upper, slope, most));
  PetscCall(FenBilevelDestroy(&bilevel));
  PetscCall(FenBilevelProblemDestroy(&problem));
  PetscCall(FenFinalize());
  return slope <= most + 1e-13 && most <= 1e-4 ? 0 : 1;
}
