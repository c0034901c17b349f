/* SPDX-License-Identifier: BSD-2-Clause */
/*
   s-rectangular worst cases: Newton steps on the multipliers tau_a of all actions at once, fenchelsrect.h.

   One evaluation of a row at tau costs n exponentials (kl), a few passes for the scalar g (burg, hellinger), or a
   binary search in sums over the sorted row (pearson, l1). About 8 rounds over all rows from a cold start, 3 from a
   warm one.
*/
#include "srectimpl.h"
#include <math.h>
#include <stdlib.h>

#define MAX_ROUNDS 100
#define MAX_NEWTON 60

#define SHORT 24 /* rows up to this length are sorted by insertion */

typedef FenSRectPoint Point;
typedef FenSRectRow   Row;

const char *const FenSRectKinds[] = {"l1", "kl", "burg", "pearson", "hellinger", "FenSRectKind", "FEN_SRECT_", NULL};

PetscErrorCode FenSRectCreate(FenSRectKind kind, FenSRect *s)
{
  PetscFunctionBegin;
  PetscCall(PetscNew(s));
  (*s)->kind = kind;
  PetscFunctionReturn(0);
}

static PetscErrorCode FreeArrays(FenSRect s)
{
  PetscFunctionBegin;
  PetscCall(PetscFree2(s->row, s->at));
  PetscCall(PetscFree7(s->q, s->d, s->A, s->B, s->C, s->order, s->key));
  PetscFunctionReturn(0);
}

PetscErrorCode FenSRectDestroy(FenSRect *s)
{
  PetscFunctionBegin;
  if (!*s)
    PetscFunctionReturn(0);
  PetscCall(FreeArrays(*s));
  PetscCall(PetscFree(*s));
  PetscFunctionReturn(0);
}

static PetscBool IsSorted(FenSRectKind kind)
{
  return (PetscBool)(kind == FEN_SRECT_L1 || kind == FEN_SRECT_PEARSON);
}

PetscErrorCode FenSRectReserve_Private(FenSRect s, FenInt nactions, FenInt nnz)
{
  size_t n;

  PetscFunctionBegin;
  if (nactions <= s->nactions && nnz <= s->nnz)
    PetscFunctionReturn(0);
  s->nactions = PetscMax(nactions, s->nactions);
  s->nnz = PetscMax(nnz, s->nnz);
  PetscCall(FreeArrays(s));
  PetscCall(PetscMalloc2(s->nactions, &s->row, s->nactions, &s->at));
  n = (size_t)(s->nnz + s->nactions);
  PetscCall(PetscMalloc7(n, &s->q, n, &s->d, n, &s->A, n, &s->B, n, &s->C, n, &s->order, n, &s->key));
  PetscFunctionReturn(0);
}

static int Ascending(const void *a, const void *b, void *key)
{
  const double x = ((const double *)key)[*(const FenInt *)a], y = ((const double *)key)[*(const FenInt *)b];

  return (x > y) - (x < y);
}

/* order is 0 .. n-1 before */
static void Sort(FenSRect s, FenInt n, const double z[], FenInt order[])
{
  if (n > SHORT) {
    memcpy(s->key, z, (size_t)n * sizeof(double));
    qsort_r(order, (size_t)n, sizeof(*order), Ascending, s->key);
    return;
  }
  for (FenInt k = 1; k < n; k++) {
    FenInt i = k;

    for (; i > 0 && z[order[i - 1]] > z[k]; i--)
      order[i] = order[i - 1];
    order[i] = k;
  }
}

static void SumUp(FenSRect s, Row *r, FenInt at)
{
  double *A = s->A + at, *B = s->B + at, *C = s->C + at;

  A[0] = B[0] = C[0] = 0;
  for (FenInt k = 0; k < r->n; k++) {
    A[k + 1] = A[k] + r->q[k];
    B[k + 1] = B[k] + r->q[k] * r->d[k];
    C[k + 1] = C[k] + r->q[k] * r->d[k] * r->d[k];
  }
  r->A = A;
  r->B = B;
  r->C = C;
}

static void PrepareRow(FenSRect s, Row *r, FenInt a, FenInt n, FenInt first, const double q[], const double z[])
{
  FenInt *order = s->order + first;
  double *rq = s->q + first, *rd = s->d + first;

  *r = (Row){.n = n, .q = rq, .d = rd, .zmin = z[0]};
  for (FenInt k = 0; k < n; k++) {
    order[k] = k;
    r->zmin = PetscMin(r->zmin, z[k]);
  }
  if (IsSorted(s->kind))
    Sort(s, n, z, order);
  for (FenInt k = 0; k < n; k++) {
    rq[k] = q[order[k]];
    rd[k] = z[order[k]] - r->zmin;
    r->mean += rq[k] * rd[k];
    r->mass_at_min += rd[k] <= 0 ? rq[k] : 0;
    r->dmax = PetscMax(r->dmax, rd[k]);
  }
  if (IsSorted(s->kind))
    SumUp(s, r, first + a);
}

void FenSRectPrepare_Private(FenSRect s, FenInt nactions, const FenInt ptr[], const double q[], const double z[])
{
  for (FenInt a = 0; a < nactions; a++)
    PrepareRow(s, &s->row[a], a, ptr[a + 1] - ptr[a], ptr[a] - ptr[0], q + ptr[a], z + ptr[a]);
}

/* ---- c(tau), yield and slope of a row ---- */
static void EvaluateKL(const Row *r, Point *t)
{
  double Z = 0, S = 0, Q = 0;

  for (FenInt k = 0; k < r->n; k++) {
    const double e = r->q[k] * exp(-t->tau * r->d[k]);

    Z += e;
    S += e * r->d[k];
    Q += e * r->d[k] * r->d[k];
  }
  t->m = S / Z;
  t->slope = PetscMax(Q / Z - t->m * t->m, 0);
  t->c = -log(Z);
  t->scalar = Z;
}

/* g in [q_min^(1/power), 1] with E (tau d + g)^-power = 1: the sum is convex and falls, so that Newton's steps come
   from the left whatever the start. By Jensen's inequality g is at least 1 - tau mean. guess: 0 for none */
static double Gap(const Row *r, double tau, int power, double guess)
{
  const double own = power == 1 ? r->mass_at_min : sqrt(r->mass_at_min), left = PetscMax(own, 1 - tau * r->mean);
  double       g = guess > left && guess < 1 ? guess : left;

  for (int it = 0; it < MAX_NEWTON; it++) {
    double sum = 0, derivative = 0, step;

    for (FenInt k = 0; k < r->n; k++) {
      const double x = 1 / (tau * r->d[k] + g), y = r->q[k] * (power == 1 ? x : x * x);

      sum += y;
      derivative += y * x;
    }
    step = (sum - 1) / (power * derivative);
    g = PetscMax(g + step, left);
    if (fabs(step) <= 1e-8 * g) /* the next step is of the order of this one's square */
      break;
  }
  return PetscMin(g, 1);
}

static void EvaluateBurg(const Row *r, Point *t)
{
  const double g = Gap(r, t->tau, 1, t->scalar);
  double       S = 0, L = 0, D0 = 0, D1 = 0, D2 = 0;

  for (FenInt k = 0; k < r->n; k++) {
    const double e = t->tau * r->d[k] + g, p = r->q[k] / e, w = p / e;

    S += p * r->d[k];
    L += r->q[k] * log(e);
    D0 += w;
    D1 += w * r->d[k];
    D2 += w * r->d[k] * r->d[k];
  }
  t->m = S;
  t->slope = PetscMax(D2 - D1 * D1 / D0, 0);
  t->c = 1 - g + L;
  t->scalar = g;
}

static void EvaluateHellinger(const Row *r, Point *t)
{
  const double g = Gap(r, t->tau, 2, t->scalar);
  double       S = 0, H = 0, D0 = 0, D1 = 0, D2 = 0;

  for (FenInt k = 0; k < r->n; k++) {
    const double x = 1 / (t->tau * r->d[k] + g), h = r->q[k] * x, p = h * x, w = 2 * p * x;

    S += p * r->d[k];
    H += h;
    D0 += w;
    D1 += w * r->d[k];
    D2 += w * r->d[k] * r->d[k];
  }
  t->m = S;
  t->slope = PetscMax(D2 - D1 * D1 / D0, 0);
  t->c = 2 - g - H;
  t->scalar = g;
}

/* p = q (alpha - tau d)_+ / 2; the k smallest are active, A alpha - tau B = 2 */
static void EvaluatePearson(const Row *r, Point *t)
{
  FenInt lo = 1, hi = r->n; /* smallest k with alpha_k <= tau d_k (0-based next entry), or n */
  double alpha;

  while (lo < hi) {
    const FenInt k = (lo + hi) / 2;

    if (2 + t->tau * r->B[k] <= r->A[k] * t->tau * r->d[k])
      hi = k;
    else
      lo = k + 1;
  }
  alpha = (2 + t->tau * r->B[lo]) / r->A[lo];
  t->m = (alpha * r->B[lo] - t->tau * r->C[lo]) / 2;
  t->slope = PetscMax((r->C[lo] - r->B[lo] * r->B[lo] / r->A[lo]) / 2, 0);
  t->c = alpha - 1 - (r->A[lo] * alpha * alpha - 2 * alpha * t->tau * r->B[lo] + t->tau * t->tau * r->C[lo]) / 4;
  t->scalar = alpha;
}

void FenSRectEvaluate_Private(FenSRectKind kind, const Row *r, Point *t)
{
  if (kind == FEN_SRECT_KL)
    EvaluateKL(r, t);
  else if (kind == FEN_SRECT_BURG)
    EvaluateBurg(r, t);
  else if (kind == FEN_SRECT_HELLINGER)
    EvaluateHellinger(r, t);
  else
    EvaluatePearson(r, t);
}

/* l1: mass goes from the largest d to the smallest until the yield is `target`; exact, the slope is constant between
   the sorted values. scalar: the entry that is only partly emptied */
static void ProjectL1(const Row *r, double target, Point *t)
{
  FenInt lo = 0, hi = r->n - 1; /* largest k with B[k] <= target: entries from k+1 on are emptied */

  while (lo < hi) {
    const FenInt k = (lo + hi + 1) / 2;

    if (r->B[k] <= target)
      lo = k;
    else
      hi = k - 1;
  }
  t->tau = 2 / r->d[lo];
  t->c = 2 * (r->A[r->n] - r->A[lo + 1]) + t->tau * r->B[lo + 1];
  t->m = target;
  t->slope = 0;
  t->scalar = (double)lo;
}

/* tau with yield `target`, 0 < target < mean: Newton on a falling function, kept inside a bracket; few steps are needed
   of a good start, and `steps` may end it early: any tau gives a valid bound */
static void Project(FenSRectKind kind, const Row *r, double target, int steps, Point *t)
{
  double lo = 0, hi = HUGE_VAL;

  if (kind == FEN_SRECT_L1) {
    ProjectL1(r, target, t);
    return;
  }
  if (!(t->tau > 0)) {
    t->tau = 0;
    FenSRectEvaluate_Private(kind, r, t);
    t->tau = t->slope > 0 ? (r->mean - target) / t->slope : 1 / r->dmax;
  }
  for (int it = 0;; it++) {
    double next;

    FenSRectEvaluate_Private(kind, r, t);
    if (it >= steps || fabs(t->m - target) <= 1e-14 * r->dmax)
      return;
    if (t->m > target)
      lo = t->tau;
    else
      hi = t->tau;
    next = t->slope > 0 ? t->tau + (t->m - target) / t->slope : HUGE_VAL;
    if (!(next > lo && next < hi) || next > 16 * t->tau)
      next = isfinite(hi) ? (lo > 0 ? sqrt(lo * hi) : hi / 4) : 4 * t->tau;
    t->tau = next;
  }
}

/* least divergence at which the row can yield its smallest z */
double FenSRectAtMinimum_Private(FenSRectKind kind, double mass)
{
  switch (kind) {
  case FEN_SRECT_L1:
    return 2 * (1 - mass);
  case FEN_SRECT_KL:
    return -log(mass);
  case FEN_SRECT_PEARSON:
    return 1 / mass - 1;
  case FEN_SRECT_HELLINGER:
    return 2 - 2 * sqrt(mass);
  default:
    return mass < 1 ? HUGE_VAL : 0;
  }
}

/* can nature afford u = max_a zmin_a, below which no budget brings the best action? */
static PetscBool BottomIsReached(FenSRect s, FenInt nactions, const double weight[], double kappa, double u)
{
  double sum = 0;

  for (FenInt a = 0; a < nactions; a++)
    if (s->row[a].zmin >= u)
      sum += (weight ? weight[a] : 1) * FenSRectAtMinimum_Private(s->kind, PetscMin(s->row[a].mass_at_min, 1));
  for (FenInt a = 0; sum <= kappa && a < nactions; a++) {
    const Row *r = &s->row[a];
    Point      t = {0};

    if (r->zmin >= u || r->zmin + r->mean <= u)
      continue;
    Project(s->kind, r, u - r->zmin, MAX_NEWTON, &t);
    sum += (weight ? weight[a] : 1) * (t.c - t.tau * (u - r->zmin));
  }
  return (PetscBool)(sum <= kappa);
}

/* one round: all multipliers towards u, the bound that they give, and the largest share of its spread by which a row
   misses u */
static double Round(FenSRect s, FenInt nactions, const double weight[], double kappa, double u, int steps, double *miss)
{
  double sum = -kappa, slopes = 0;

  *miss = 0;
  for (FenInt a = 0; a < nactions; a++) {
    const Row   *r = &s->row[a];
    Point       *t = &s->at[a];
    const double w = weight ? weight[a] : 1;

    if (r->zmin + r->mean <= u || r->dmax <= 0) {
      *t = (Point){.tau = 0, .c = 0};
      continue;
    }
    Project(s->kind, r, PetscMax(u - r->zmin, 0), steps, t);
    sum += w * (t->c + t->tau * (r->zmin - u)); /* relative to u: no cancellation with large z */
    slopes += w * t->tau;
    *miss = PetscMax(*miss, fabs(t->m - (u - r->zmin)) / r->dmax);
  }
  return slopes > 0 ? u + sum / slopes : -HUGE_VAL;
}

void FenSRectLaw_Private(FenSRectKind kind, const Row *r, const Point *t, const FenInt order[], double law[])
{
  double moved = 0, rest = t->m;

  for (FenInt k = 0; k < r->n; k++) {
    double p = r->q[k];

    if (t->tau > 0 && kind == FEN_SRECT_KL)
      p *= exp(-t->tau * r->d[k]) / t->scalar;
    else if (t->tau > 0 && kind == FEN_SRECT_BURG)
      p /= t->tau * r->d[k] + t->scalar;
    else if (t->tau > 0 && kind == FEN_SRECT_HELLINGER)
      p /= (t->tau * r->d[k] + t->scalar) * (t->tau * r->d[k] + t->scalar);
    else if (t->tau > 0 && kind == FEN_SRECT_PEARSON)
      p *= PetscMax(t->scalar - t->tau * r->d[k], 0) / 2;
    else if (t->tau > 0 && (double)k >= t->scalar) { /* l1: what the yield still allows stays */
      p = (double)k > t->scalar ? 0 : PetscMin(p, PetscMax(0, rest / r->d[k]));
      moved += r->q[k] - p;
    }
    rest -= p * r->d[k];
    law[order[k]] = p;
  }
  law[order[0]] += moved;
}

static void Answer(FenSRect s, FenInt nactions, const FenInt ptr[], const double weight[], double tau[],
                   double policy[], double law[])
{
  double sum = 0;

  for (FenInt a = 0; a < nactions; a++) {
    policy[a] = s->at[a].tau * (weight ? weight[a] : 1);
    sum += policy[a];
    if (tau)
      tau[a] = s->at[a].tau;
  }
  for (FenInt a = 0; a < nactions; a++)
    policy[a] /= sum;
  for (FenInt a = 0; law && a < nactions; a++)
    FenSRectLaw_Private(s->kind, &s->row[a], &s->at[a], s->order + ptr[a] - ptr[0], law + ptr[a]);
}

/* the whole policy on one action; its law is nominal, or the point mass on its minimum */
static void AnswerPure(FenSRect s, FenInt nactions, const FenInt ptr[], FenInt action, PetscBool at_minimum,
                       double tau[], double policy[], double law[])
{
  for (FenInt a = 0; a < nactions; a++) {
    const Row    *r = &s->row[a];
    const FenInt *order = s->order + ptr[a] - ptr[0];

    policy[a] = a == action;
    if (tau)
      tau[a] = 0;
    for (FenInt k = 0; law && k < r->n; k++) {
      const double pure = r->d[k] <= 0 ? r->q[k] / r->mass_at_min : 0;

      law[ptr[a] + order[k]] = at_minimum && a == action ? pure : r->q[k];
    }
  }
}

/* action with the largest zmin (mean = 0) or mean (1) */
static FenInt BestAction(FenSRect s, FenInt nactions, int mean, double *value)
{
  FenInt best = 0;

  for (FenInt a = 1; a < nactions; a++)
    if (s->row[a].zmin + mean * s->row[a].mean > s->row[best].zmin + mean * s->row[best].mean)
      best = a;
  *value = s->row[best].zmin + mean * s->row[best].mean;
  return best;
}

/* bounds u from below until they no longer rise and every row meets u; a row's Newton steps are carried to the end only
   where single ones do not lead there */
static double Climb(FenSRect s, FenInt nactions, const double weight[], double kappa, double left, double right,
                    double guess)
{
  const double tol = 1e-15 * (right - left) + 1e-16 * PetscMax(fabs(left), fabs(right));
  double       u = guess > left && guess < right ? guess : left + 0.5 * (right - left), best = left, miss;
  int          steps = 3;

  for (int round = 0; round < MAX_ROUNDS; round++) {
    const double bound = Round(s, nactions, weight, kappa, u, steps, &miss);

    if (miss <= 1e-7 && u >= best && (fabs(bound - u) <= tol || (bound <= best + tol && bound > left))) {
      best = PetscMax(best, bound);
      break;
    }
    steps = round && bound <= best && miss > 1e-7 ? MAX_NEWTON : 1;
    best = PetscMax(best, bound);
    u = best > left ? best : left + 0.5 * (u - left); /* what is below the best bound was passed long ago */
  }
  return PetscMin(best, right);
}

PetscErrorCode FenSRectSolve(FenSRect s, FenInt nactions, const FenInt ptr[], const double q[], const double z[],
                             const double weight[], double kappa, double *u, double tau[], double policy[],
                             double law[])
{
  double left, right;
  FenInt low, greedy;

  PetscFunctionBegin;
  PetscCheck(nactions > 0 && kappa >= 0, PETSC_COMM_SELF, (PetscErrorCode)FEN_ERR_VALUE,
             "an s-rectangular state has %" FENINT_FMT " actions and the budget %g: one action and a budget >= 0 are "
             "the least",
             nactions, kappa);
  PetscCall(FenSRectReserve_Private(s, nactions, ptr[nactions] - ptr[0]));
  FenSRectPrepare_Private(s, nactions, ptr, q, z);
  for (FenInt a = 0; a < nactions; a++)
    s->at[a] = (Point){.tau = tau ? tau[a] : 0};
  low = BestAction(s, nactions, 0, &left);
  greedy = BestAction(s, nactions, 1, &right);
  if (kappa <= 0 || right <= left) {
    *u = right;
    AnswerPure(s, nactions, ptr, greedy, PETSC_FALSE, tau, policy, law);
  } else if (BottomIsReached(s, nactions, weight, kappa, left)) {
    *u = left;
    AnswerPure(s, nactions, ptr, low, PETSC_TRUE, tau, policy, law);
  } else {
    *u = Climb(s, nactions, weight, kappa, left, right, *u);
    Answer(s, nactions, ptr, weight, tau, policy, law);
  }
  PetscFunctionReturn(0);
}
