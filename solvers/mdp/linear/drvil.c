/* SPDX-License-Identifier: BSD-2-Clause */
/*
   FENLINEARMDPDRVIL: ball of Kullback and Leibler,

     w_i = max over b of g_i(b) = -b log m_i(b) - b rho_i,   m(b) = max(1 + C (e^{-v/b} - 1), 1e-6),

   X. Ma et al., Distributionally robust offline reinforcement learning with linear function approximation, 2022. g_i is
   smooth but, with weights of both signs, not concave: a grid of b finds the best interval, regula falsi on the
   derivative the point in it. Every b gives a lower bound of the maximum, so that a missed one makes the policy more
   careful, not less. A radius of zero is the limit b -> inf, the mean. n d^2 flops for C, n d exponentials a round.
*/
#include "linearmdpimpl.h"
#include <petscblaslapack.h>
#include <math.h>

enum { GRID = 48, ROUNDS = 80 };
#define LEAST_B     1e-6
#define LEAST_M     1e-6
#define TOLERANCE_B 1e-10

typedef struct {
  FenLinearMDP   m;
  FenLinearStep *s;
  double        *C;    /* n x d: columns of C for my trajectories, weights included */
  double         high; /* largest b */
} Dual;

static PetscErrorCode MakeC(Dual *D)
{
  const FenLinearStep *s = D->s;
  const FenInt         d = D->m->d, block = 1 << 20;
  const double         one = 1, zero = 0;
  PetscBLASInt         nd;

  PetscFunctionBegin;
  PetscCall(PetscBLASIntCast(D->m->d, &nd));
  PetscCall(PetscMalloc1((size_t)(s->n * d) + 1, &D->C));
  for (FenInt k = 0; k < s->n; k += block) {
    const PetscBLASInt n = (PetscBLASInt)PetscMin(block, s->n - k);

    BLASgemm_("N", "N", &nd, &n, &nd, &one, s->X, &nd, s->phi + k * d, &nd, &zero, D->C + k * d, &nd);
  }
  if (s->weight)
    for (FenInt k = 0; k < s->n; k++)
      for (FenInt i = 0; i < d; i++)
        D->C[k * d + i] *= s->weight[k];
  PetscFunctionReturn(0);
}

/* m_i(b_i) and its derivative for all factors */
static PetscErrorCode Moments(const Dual *D, const double b[], double m[], double dm[])
{
  const FenInt d = D->m->d;
  double      *sum;

  PetscFunctionBegin;
  PetscCall(PetscCalloc1((size_t)(2 * d), &sum));
  for (FenInt k = 0; k < D->s->n; k++) {
    const double v = D->s->v[k], *c = D->C + k * d;

    for (FenInt i = 0; i < d; i++) {
      const double x = expm1(-v / b[i]);

      sum[i] += c[i] * x;
      sum[d + i] += c[i] * (x + 1) * v / (b[i] * b[i]);
    }
  }
  PetscCallMPI(
      MPI_Allreduce(MPI_IN_PLACE, sum, (PetscMPIInt)(2 * d), MPI_DOUBLE, MPI_SUM, PetscObjectComm((PetscObject)D->m)));
  for (FenInt i = 0; i < d; i++) {
    m[i] = 1 + sum[i];
    dm[i] = sum[d + i];
  }
  PetscCall(PetscFree(sum));
  PetscFunctionReturn(0);
}

/* m at all points of the grid, d each */
static PetscErrorCode OnGrid(const Dual *D, const double grid[], double m[])
{
  const FenInt d = D->m->d;

  PetscFunctionBegin;
  PetscCall(PetscArrayzero(m, (size_t)(GRID * d)));
  for (FenInt k = 0; k < D->s->n; k++)
    for (int g = 0; g < GRID; g++) {
      const double x = expm1(-D->s->v[k] / grid[g]), *c = D->C + k * d;

      for (FenInt i = 0; i < d; i++)
        m[g * d + i] += c[i] * x;
    }
  PetscCallMPI(
      MPI_Allreduce(MPI_IN_PLACE, m, (PetscMPIInt)(GRID * d), MPI_DOUBLE, MPI_SUM, PetscObjectComm((PetscObject)D->m)));
  for (FenInt i = 0; i < GRID * d; i++)
    m[i] += 1;
  PetscFunctionReturn(0);
}

static double Objective(double b, double m, double rho)
{
  return -b * (log(PetscMax(m, LEAST_M)) + rho);
}

static double Derivative(double b, double m, double dm, double rho)
{
  return m > LEAST_M ? -log(m) - rho - b * dm / m : -log(LEAST_M) - rho;
}

typedef struct {
  double left, right, dleft, dright, b;
  int    side, repeated; /* side of the last step, and how often in a row */
} Bracket;

/* the best interval of the grid for every factor */
static PetscErrorCode Brackets(const Dual *D, const double rho[], Bracket brackets[], double best[], double at[])
{
  const FenInt d = D->m->d;
  const double first = PetscMax(LEAST_B, 1e-4 * D->high);
  double      *m, grid[GRID];

  PetscFunctionBegin;
  for (int g = 0; g < GRID; g++)
    grid[g] = g ? first * pow(D->high / first, (g - 1) / (double)(GRID - 2)) : LEAST_B;
  grid[GRID - 1] = D->high;
  PetscCall(PetscMalloc1((size_t)(GRID * d), &m));
  PetscCall(OnGrid(D, grid, m));
  for (FenInt i = 0; i < d; i++) {
    int top = 0;

    best[i] = -HUGE_VAL;
    for (int g = 0; g < GRID; g++) {
      const double value = Objective(grid[g], m[g * d + i], rho[i]);

      if (value > best[i]) {
        best[i] = value;
        at[i] = grid[g];
        top = g;
      }
    }
    brackets[i] = (Bracket){.left = grid[PetscMax(0, top - 1)],
                            .right = grid[PetscMin(GRID - 1, top + 1)],
                            .dleft = NAN,
                            .dright = NAN,
                            .b = grid[top]};
  }
  PetscCall(PetscFree(m));
  PetscFunctionReturn(0);
}

/* narrows an interval by the sign of the derivative at b, and chooses the next b: the root of the secant, or the middle
   if one end does not move, as at a kink */
static void Narrow(Bracket *B, double slope)
{
  const int side = slope > 0 ? 1 : -1;
  double    share = 0.5;

  B->repeated = B->side == side ? B->repeated + 1 : 0;
  B->side = side;
  if (side > 0) {
    B->left = B->b;
    B->dleft = slope;
  } else {
    B->right = B->b;
    B->dright = slope;
  }
  if (!isnan(B->dleft) && !isnan(B->dright) && B->repeated < 2)
    share = PetscMin(0.99, PetscMax(0.01, B->dleft / (B->dleft - B->dright)));
  B->b = B->left + share * (B->right - B->left);
}

static PetscErrorCode Maximise(const Dual *D, const double rho[], double best[], double at[])
{
  const FenInt d = D->m->d;
  Bracket     *brackets;
  double      *b, *m, *dm;

  PetscFunctionBegin;
  PetscCall(PetscMalloc4((size_t)d, &brackets, (size_t)d, &b, (size_t)d, &m, (size_t)d, &dm));
  PetscCall(Brackets(D, rho, brackets, best, at));
  for (int round = 0, open = 1; open && round < ROUNDS; round++) {
    open = 0;
    for (FenInt i = 0; i < d; i++)
      b[i] = brackets[i].b;
    PetscCall(Moments(D, b, m, dm));
    for (FenInt i = 0; i < d; i++) {
      const double value = Objective(b[i], m[i], rho[i]);

      if (value > best[i]) {
        best[i] = value;
        at[i] = b[i];
      }
      Narrow(&brackets[i], Derivative(b[i], m[i], dm[i], rho[i]));
      open += brackets[i].right - brackets[i].left > TOLERANCE_B * b[i];
    }
  }
  PetscCall(PetscFree4(brackets, b, m, dm));
  PetscFunctionReturn(0);
}

/* of -b log m, from that of m */
static double LogError(double b, double m, double wrong)
{
  return b * log(PetscMax(m + wrong, LEAST_M) / PetscMax(m - wrong, LEAST_M));
}

/* of -b log m at the b that was found */
static PetscErrorCode Errors(const Dual *D, FenLinearAnswer *a)
{
  FenLinearMDP   m = D->m;
  FenLinearStep *s = D->s;
  const FenInt   d = m->d;
  double        *y = m->vector + 4 * d, *ones = y + d, *tail = ones + d, *at = a->multiplier, least = 0, *value, *slope;

  PetscFunctionBegin;
  PetscCall(PetscMalloc2((size_t)d, &value, (size_t)d, &slope));
  PetscCall(Moments(D, at, value, slope));
  for (FenInt k = 0; k < s->n; k++) {
    least = PetscMin(least, s->v[k] - s->dv[k]);
    m->f[k] = 1;
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &least, 1, MPI_DOUBLE, MPI_MIN, PetscObjectComm((PetscObject)m)));
  PetscCall(FenLinearSum_Private(m, s, s->dv, y));
  FenLinearBound_Private(m, s, y, a->error);
  PetscCall(FenLinearSum_Private(m, s, m->f, y));
  FenLinearBound_Private(m, s, y, ones);
  FenLinearTail_Private(m, s, y, tail);
  for (FenInt i = 0; i < d; i++)
    ones[i] = ones[i] * (s->gamma + (double)(d + 8) * FEN_EPS) + tail[i];
  for (FenInt i = 0; i < d; i++) {
    const double size = exp(-least / at[i]), rounding = 16 * FEN_EPS * (fabs(a->w[i]) + at[i]);

    a->local[i] = LogError(at[i], value[i], size * ones[i]) + rounding;
    a->error[i] = LogError(at[i], value[i], size * (a->error[i] / at[i] + ones[i])) + rounding;
  }
  PetscCall(PetscFree2(value, slope));
  PetscFunctionReturn(0);
}

/* radius zero: no worst case */
static PetscErrorCode Nominal(FenLinearMDP m, FenLinearStep *s, const double rho[], FenLinearAnswer *a)
{
  double *mean, *error, *local;

  PetscFunctionBegin;
  PetscCall(PetscMalloc3((size_t)m->d, &mean, (size_t)m->d, &error, (size_t)m->d, &local));
  PetscCall(PetscArraycpy(m->f, s->v, s->n));
  PetscCall(FenLinearFit_Private(m, s, m->f, 0, s->dv, mean, error, local));
  for (FenInt i = 0; i < m->d; i++)
    if (!(rho[i] > 0)) {
      a->w[i] = mean[i];
      a->error[i] = error[i];
      a->local[i] = local[i];
      a->multiplier[i] = 0; /* there is none */
    }
  PetscCall(PetscFree3(mean, error, local));
  PetscFunctionReturn(0);
}

static PetscErrorCode Weights(FenLinearMDP m, FenLinearStep *s, FenLinearAnswer *a)
{
  MPI_Comm        comm = PetscObjectComm((PetscObject)m);
  const double   *scale = m->a.radius_scale + (FenInt)s->h * m->d;
  const PetscBool limit = (PetscBool)(m->par.published == FEN_PUBLISHED_NONE);
  Dual            D = {.m = m, .s = s};
  double         *rho, smallest = 1;
  PetscBool       any = PETSC_FALSE;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1((size_t)m->d, &rho));
  for (FenInt i = 0; i < m->d; i++) {
    rho[i] = m->use.radius * scale[i];
    if (rho[i] > 0)
      smallest = PetscMin(smallest, rho[i]);
    else
      any = PETSC_TRUE;
  }
  D.high = PetscMax(limit ? s->range / PetscMax(smallest, 1e-8) : m->H, 2 * LEAST_B);
  PetscCall(MakeC(&D));
  PetscCall(Maximise(&D, rho, a->w, a->multiplier));
  PetscCall(Errors(&D, a));
  if (any && limit)
    PetscCall(Nominal(m, s, rho, a));
  PetscCallMPI(MPI_Bcast(a->w, m->d, MPI_DOUBLE, 0, comm));
  PetscCallMPI(MPI_Bcast(a->error, m->d, MPI_DOUBLE, 0, comm));
  PetscCallMPI(MPI_Bcast(a->local, m->d, MPI_DOUBLE, 0, comm));
  PetscCall(PetscFree(D.C));
  PetscCall(PetscFree(rho));
  PetscFunctionReturn(0);
}

/*MC
  FENLINEARMDPDRVIL - "drvil": learnt from data, robust against a ball of Kullback and Leibler around every factor

  Options Database Keys:
+ -mdp_radius - radius of the balls
- -mdp_ridge  - ridge of the regressions

  Level: beginner

.seealso: `FenLinearMDPSetType()`, `FENLINEARMDPDRPVI`
M*/
PetscErrorCode FenLinearMDPCreate_DRVIL(FenSolver s)
{
  static const FenLinearRule rule = {
      .name = FENLINEARMDPDRVIL, .ambiguities = "kl", .radius = PETSC_TRUE, .weights = Weights};

  PetscFunctionBegin;
  PetscCall(FenLinearLearn_Private(s, &rule));
  PetscFunctionReturn(0);
}
