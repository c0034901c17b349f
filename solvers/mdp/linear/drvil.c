/* SPDX-License-Identifier: BSD-2-Clause */
/*
   FENLINEARMDPDRVIL: ball of Kullback and Leibler,

     w_i = max over b of g_i(b) = -b log m_i(b) - b rho_i,   m(b) = max(1 + C (e^{-v/b} - 1), 1e-6),

   X. Ma et al., Distributionally robust offline reinforcement learning with linear function approximation, 2022. g_i is
   smooth but, with weights of both signs, not concave: a grid of b finds the best interval, regula falsi on the
   derivative the point in it. Every b gives a lower bound of the maximum, so that a missed one makes the policy more
   careful, not less. A radius of zero is the limit b -> inf, the mean. n d exponentials a round.
*/
#include "linearmdpimpl.h"
#include <math.h>

enum { GRID = 256, ROUNDS = 80 };
#define LEAST_B         1e-6
#define LEAST_M         1e-6
#define TOLERANCE_B     1e-12
#define TOLERANCE_VALUE 1e-12

typedef struct {
  FenLinearMDP   m;
  FenLinearStep *s;
  double         high; /* largest b */
} Dual;

/* m_i(b_i) and its derivative for n factors, in the order of the list */
static PetscErrorCode Moments(const Dual *D, FenInt n, const FenInt list[], const double b[], double m[], double dm[])
{
  const FenInt d = D->m->d;
  double      *sum;

  PetscFunctionBegin;
  PetscCall(PetscCalloc1((size_t)(2 * n) + 1, &sum));
  for (FenInt k = 0; k < D->s->n; k++) {
    const double v = D->s->v[k], *c = D->s->C + k * d;

    for (FenInt j = 0; j < n; j++) {
      const double x = expm1(-v / b[j]), share = c[list[j]];

      sum[j] += share * x;
      sum[n + j] += share * (x + 1) * v / (b[j] * b[j]);
    }
  }
  PetscCallMPI(
      MPI_Allreduce(MPI_IN_PLACE, sum, (PetscMPIInt)(2 * n), MPI_DOUBLE, MPI_SUM, PetscObjectComm((PetscObject)D->m)));
  for (FenInt j = 0; j < n; j++) {
    m[j] = 1 + sum[j];
    dm[j] = sum[n + j];
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
      const double x = expm1(-D->s->v[k] / grid[g]), *c = D->s->C + k * d;

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

/* nothing that matters can be gained in the interval any more */
static PetscBool IsClosed(const Bracket *B, double best)
{
  const double width = B->right - B->left;
  const double slope =
      PetscMax(isnan(B->dleft) ? HUGE_VAL : fabs(B->dleft), isnan(B->dright) ? HUGE_VAL : fabs(B->dright));

  return (PetscBool)(width <= TOLERANCE_B * B->right || width * slope <= TOLERANCE_VALUE * (1 + fabs(best)));
}

static PetscErrorCode Maximise(const Dual *D, const double rho[], double best[], double at[])
{
  const FenInt d = D->m->d;
  FenInt      *open, n = d;
  Bracket     *brackets;
  double      *b, *m, *dm;

  PetscFunctionBegin;
  PetscCall(PetscMalloc5((size_t)d, &brackets, (size_t)d, &b, (size_t)d, &m, (size_t)d, &dm, (size_t)d, &open));
  PetscCall(Brackets(D, rho, brackets, best, at));
  for (FenInt i = 0; i < d; i++)
    open[i] = i;
  for (int round = 0; n && round < ROUNDS; round++) {
    FenInt left = 0;

    for (FenInt j = 0; j < n; j++)
      b[j] = brackets[open[j]].b;
    PetscCall(Moments(D, n, open, b, m, dm));
    for (FenInt j = 0; j < n; j++) {
      const FenInt i = open[j];
      const double value = Objective(b[j], m[j], rho[i]);

      if (value > best[i]) {
        best[i] = value;
        at[i] = b[j];
      }
      Narrow(&brackets[i], Derivative(b[j], m[j], dm[j], rho[i]));
      if (!IsClosed(&brackets[i], best[i]))
        open[left++] = i;
    }
    n = left;
  }
  PetscCall(PetscFree5(brackets, b, m, dm, open));
  PetscFunctionReturn(0);
}

/* of -b log m, from that of m */
static double LogError(double b, double m, double wrong)
{
  if (!(wrong < HUGE_VAL))
    return HUGE_VAL;
  return b * log(PetscMax(m + wrong, LEAST_M) / PetscMax(m - wrong, LEAST_M));
}

/* of -b log m at the b that was found; |e^{-v/b} - 1| <= 1, or grow where v is negative */
static PetscErrorCode Errors(const Dual *D, FenLinearAnswer *a)
{
  FenLinearMDP   m = D->m;
  FenLinearStep *s = D->s;
  const FenInt   d = m->d;
  double        *ones = m->vector, *size = ones + d, *at = a->multiplier, least[2] = {0, 0}, *value, *slope;
  FenInt        *all;

  PetscFunctionBegin;
  PetscCall(PetscMalloc3((size_t)d, &value, (size_t)d, &slope, (size_t)d, &all));
  for (FenInt i = 0; i < d; i++)
    all[i] = i;
  PetscCall(Moments(D, d, all, at, value, slope));
  for (FenInt k = 0; k < s->n; k++) {
    least[0] = PetscMin(least[0], s->v[k]);
    least[1] = PetscMin(least[1], -s->dv[k]);
    m->f[k] = 1;
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, least, 2, MPI_DOUBLE, MPI_MIN, PetscObjectComm((PetscObject)m)));
  PetscCall(FenLinearPropagate_Private(m, s, s->dv, a->error));
  for (FenInt i = 0; i < d; i++)
    size[i] = 1 + fabs(value[i]);
  PetscCall(FenLinearRounding_Private(m, s, m->f, size, ones));
  for (FenInt i = 0; i < d; i++) {
    const double grow = exp(-least[0] / at[i]), rounding = 16 * FEN_EPS * (fabs(a->w[i]) + at[i]);
    const double moved = a->error[i] > 0 ? grow * exp(-least[1] / at[i]) * a->error[i] / at[i] : 0;

    a->local[i] = LogError(at[i], value[i], grow * ones[i]) + rounding;
    a->error[i] = LogError(at[i], value[i], moved + grow * ones[i]) + rounding;
  }
  PetscCall(PetscFree3(value, slope, all));
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
  D.high = PetscMax(limit ? s->range / PetscMax(smallest, 1e-8) : (double)m->H, 2 * LEAST_B);
  PetscCall(Maximise(&D, rho, a->w, a->multiplier));
  PetscCall(Errors(&D, a));
  if (any && limit)
    PetscCall(Nominal(m, s, rho, a));
  PetscCallMPI(MPI_Bcast(a->w, (PetscMPIInt)m->d, MPI_DOUBLE, 0, comm));
  PetscCallMPI(MPI_Bcast(a->error, (PetscMPIInt)m->d, MPI_DOUBLE, 0, comm));
  PetscCallMPI(MPI_Bcast(a->local, (PetscMPIInt)m->d, MPI_DOUBLE, 0, comm));
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
