/* SPDX-License-Identifier: BSD-2-Clause */
/*
   lbfgs: limited-memory BFGS, -bilevel_lower_memory pairs, first length g.g/g.Hg, weak Wolfe line search; where the
   differences of h drown in rounding errors the approximate Wolfe rule, which sees slopes only.

   Liu and Nocedal, Math. Programming 45, 1989; Hager and Zhang, SIAM J. Optim. 16, 2005; Chen, Wang and Zhou, NIPS
   2014, for the two loops on scalar products. A trial point costs one gradient and 10 k n flops for k pairs, and all
   sums travel in one message; memory: 2 k + 2 arrays. The pairs of the last solve stay and approximate H^{-1}
   (FenLowerInverse), also for the adjoint: Ramzi et al., SHINE, ICLR 2022.
*/
#include "lower.h"
#include <math.h>

enum { MOST = (FEN_TEAM_DOTS - 9) / 5 + 1 };

typedef struct {
  double       *store, *s[MOST], *y[MOST]; /* pairs, oldest first; the one behind the last is in the making */
  double        sy[MOST][MOST], yy[MOST][MOST], sg[MOST], yg[MOST], ss, bend; /* bend: most |y|/|s|, at most L */
  FenInt        n, sample;                                                    /* of these pairs */
  PetscInt      k;
  FenLowerPoint next; /* the trial point; its slope along d */
} Pairs;

static PetscErrorCode SetUp(FenLower L)
{
  const FenInt slots = L->par.memory + 1, n = L->part.nx;
  Pairs       *p;
  FenInt       numbers;
  size_t       bytes;

  PetscFunctionBegin;
  PetscCall(FenIntMult(2 * slots, n, &numbers));
  PetscCall(FenBytes(numbers, sizeof(double), &bytes));
  PetscCall(PetscNew(&p));
  PetscCall(PetscMalloc1(bytes / sizeof(double), &p->store));
  for (FenInt i = 0; i < slots; i++) {
    p->s[i] = p->store + 2 * i * n;
    p->y[i] = p->store + (2 * i + 1) * n;
  }
  p->n = n;
  p->sample = -1;
  L->data = p;
  PetscFunctionReturn(0);
}

static PetscErrorCode Destroy(FenLower L)
{
  Pairs *p = (Pairs *)L->data;

  PetscFunctionBegin;
  PetscCall(PetscFree(p->store));
  PetscCall(PetscFree(L->data));
  PetscFunctionReturn(0);
}

/* H^{-1} b ~ scale (b - sum along_y y) + sum along_s s, from the scalar products of b with the pairs */
static double TwoLoops(const Pairs *p, const double sb[], const double yb[], double along_y[], double along_s[])
{
  const PetscInt k = p->k;
  const double   scale = p->sy[k - 1][k - 1] / p->yy[k - 1][k - 1];

  for (PetscInt i = k; i-- > 0;) {
    double dot = sb[i];

    for (PetscInt j = i + 1; j < k; j++)
      dot -= along_y[j] * p->sy[i][j];
    along_y[i] = dot / p->sy[i][i];
  }
  for (PetscInt i = 0; i < k; i++) {
    double dot = yb[i];

    for (PetscInt j = 0; j < k; j++)
      dot -= along_y[j] * p->yy[i][j];
    dot *= scale;
    for (PetscInt j = 0; j < i; j++)
      dot += along_s[j] * p->sy[j][i];
    along_s[i] = along_y[i] - dot / p->sy[i][i];
  }
  return scale;
}

static void Combine(const Pairs *p, double scale, const double b[], const double along_y[], const double along_s[],
                    double sign, double q[])
{
  for (FenInt i = 0; i < p->n; i++)
    q[i] = sign * scale * b[i];
  for (PetscInt j = 0; j < p->k; j++)
    for (FenInt i = 0; i < p->n; i++)
      q[i] += sign * (along_s[j] * p->s[j][i] - scale * along_y[j] * p->y[j][i]);
}

PetscErrorCode FenLowerInverse(void *lower, const double b[], double q[])
{
  const FenLower L = (FenLower)lower;
  const Pairs   *p = (const Pairs *)L->data;
  const double  *left[2 * MOST], *right[2 * MOST];
  double         dots[2 * MOST], along_y[MOST], along_s[MOST], scale;

  PetscFunctionBegin;
  if (!p || !p->k) {
    PetscCall(PetscArraycpy(q, b, L->part.nx));
    PetscFunctionReturn(0);
  }
  for (PetscInt i = 0; i < p->k; i++) {
    left[i] = p->s[i];
    left[p->k + i] = p->y[i];
    right[i] = right[p->k + i] = b;
  }
  PetscCall(FenTeamDots(L->team, p->n, 2 * p->k, left, right, dots));
  scale = TwoLoops(p, dots, dots + p->k, along_y, along_s);
  Combine(p, scale, b, along_y, along_s, 1, q);
  PetscFunctionReturn(0);
}

/* drops the oldest pair; the one in the making stays behind the last */
static void Drop(Pairs *p)
{
  double *s = p->s[0], *y = p->y[0];

  for (PetscInt i = 0; i < p->k; i++) {
    p->s[i] = p->s[i + 1];
    p->y[i] = p->y[i + 1];
    p->sg[i] = p->sg[i + 1];
    p->yg[i] = p->yg[i + 1];
    for (PetscInt j = 0; j < p->k; j++) {
      p->sy[i][j] = p->sy[i + 1][j + 1];
      p->yy[i][j] = p->yy[i + 1][j + 1];
    }
  }
  p->s[p->k] = s;
  p->y[p->k] = y;
  p->k--;
}

/* value, gradient and all scalar products at L->xt = x + step d, in one message */
static PetscErrorCode Trial(FenLower L, FenInt s, double step, const double x[])
{
  Pairs         *p = (Pairs *)L->data;
  const PetscInt k = p->k;
  double        *snew = p->s[k], *ynew = p->y[k], dots[FEN_TEAM_DOTS];
  const double  *old[5], *new[5];
  FenDD          parts[FEN_TEAM_DOTS];
  PetscInt       n = 0;

  PetscFunctionBegin;
  PetscCall(PetscArrayzero(parts, FEN_TEAM_DOTS));
  for (FenInt i = 0; i < p->n; i++) {
    L->xt[i] = x[i] + step * L->d[i];
    snew[i] = L->xt[i] - x[i];
  }
  PetscCall((*L->call->gradient)(L->problem, s, L->xt, &parts[n++].hi, L->gt));
  for (FenInt i = 0; i < p->n; i++)
    ynew[i] = L->gt[i] - L->g[i];
  {
    const double *const a[8] = {L->gt, L->gt, L->xt, snew, snew, ynew, snew, ynew};
    const double *const b[8] = {L->gt, L->d, L->xt, snew, ynew, ynew, L->gt, L->gt};

    for (int i = 0; i < 8; i++)
      PetscCall(FenDot(PETSC_COMM_SELF, p->n, a[i], b[i], &parts[n++].hi));
  }
  for (PetscInt i = 0; i < k; i++) {
    old[0] = old[2] = p->s[i];
    old[1] = old[3] = old[4] = p->y[i];
    new[0] = new[1] = ynew;
    new[2] = new[3] = L->gt;
    new[4] = snew;
    for (int j = 0; j < 5; j++)
      PetscCall(FenDot(PETSC_COMM_SELF, p->n, old[j], new[j], &parts[n++].hi));
  }
  PetscCall(FenDDReduce(L->team, n, parts, dots));
  p->next = (FenLowerPoint){.value = dots[0], .norm = sqrt(dots[1]), .slope = dots[2], .size = sqrt(dots[3])};
  p->ss = dots[4];
  p->sy[k][k] = dots[5];
  p->yy[k][k] = dots[6];
  p->sg[k] = dots[7];
  p->yg[k] = dots[8];
  for (PetscInt i = 0; i < k; i++) {
    const double *of = dots + 9 + 5 * i;

    p->sy[i][k] = of[0];
    p->yy[i][k] = p->yy[k][i] = of[1];
    p->sg[i] = of[2];
    p->yg[i] = of[3];
    p->sy[k][i] = of[4];
  }
  PetscFunctionReturn(0);
}

/* -1: too short, 1: too long, 0: good */
static int Judge(const FenLowerPoint *at, const FenLowerPoint *next, double step, double tol)
{
  const double noise = 1e-11 * PetscMax(fabs(at->value), fabs(next->value));

  if (next->norm <= tol)
    return 0;
  if (!isfinite(next->norm) || !isfinite(next->value))
    return 1;
  if (-step * at->slope > noise ? next->value > at->value + 1e-4 * step * at->slope
                                : next->value > at->value + noise || next->slope > -0.8 * at->slope)
    return 1;
  return next->slope < 0.9 * at->slope ? -1 : 0;
}

static PetscErrorCode Search(FenLower L, FenInt s, double tol, FenInt max_it, double x[], FenLowerPoint *at,
                             FenInt *count, PetscBool *found)
{
  Pairs *p = (Pairs *)L->data;
  double step = 1, low = 0, high = INFINITY, *swap;

  PetscFunctionBegin;
  *found = PETSC_FALSE;
  for (int k = 0; k < 30 && *count < max_it && !*found; k++) {
    int          verdict;
    const double before = step;

    PetscCall(Trial(L, s, step, x));
    (*count)++;
    verdict = Judge(at, &p->next, step, tol);
    *found = (PetscBool)(verdict == 0);
    if (verdict < 0)
      low = step;
    else
      high = step;
    /* where the slope would vanish if it were linear; kept inside */
    step *= at->slope / (at->slope - p->next.slope);
    if (high < INFINITY) {
      if (!(step >= low + 0.1 * (high - low) && step <= high - 0.1 * (high - low)))
        step = (low + high) / 2;
    } else if (!(step >= 1.5 * before && step <= 10 * before))
      step = 4 * before;
  }
  if (*found) {
    PetscCall(PetscArraycpy(x, L->xt, p->n));
    swap = L->g, L->g = L->gt, L->gt = swap;
    *at = p->next;
  }
  PetscFunctionReturn(0);
}

/* d of steepest descent with the length that is best for a quadratic h */
static PetscErrorCode First(FenLower L, FenInt s, const double x[], FenLowerPoint *at, FenInt *count)
{
  const double *g = L->g, *Hg = L->d;
  double        gHg, step;

  PetscFunctionBegin;
  ((Pairs *)L->data)->k = 0;
  PetscCall((*L->call->linearise)(L->problem, s, x));
  PetscCall((*L->call->hessian)(L->problem, L->g, L->d));
  (*count)++;
  PetscCall(FenTeamDots(L->team, L->part.nx, 1, &g, &Hg, &gHg));
  step = gHg > 0 ? at->norm * at->norm / gHg : 1;
  for (FenInt i = 0; i < L->part.nx; i++)
    L->d[i] = -step * L->g[i];
  at->slope = -step * at->norm * at->norm;
  PetscFunctionReturn(0);
}

/* takes the new pair in and makes d from all of them; without a pair that bends the right way there is none */
static PetscErrorCode Next(FenLower L, FenLowerPoint *at, PetscBool *have)
{
  Pairs *p = (Pairs *)L->data;
  double along_y[MOST], along_s[MOST], scale;

  PetscFunctionBegin;
  if (p->sy[p->k][p->k] > 1e-10 * sqrt(p->ss * p->yy[p->k][p->k])) {
    p->bend = PetscMax(p->bend, sqrt(p->yy[p->k][p->k] / p->ss));
    if (p->k++ == L->par.memory) {
      p->k--;
      Drop(p);
      p->k++;
    }
  }
  *have = PETSC_FALSE;
  if (!p->k)
    PetscFunctionReturn(0);
  scale = TwoLoops(p, p->sg, p->yg, along_y, along_s);
  Combine(p, scale, L->g, along_y, along_s, -1, L->d);
  at->slope = -scale * at->norm * at->norm;
  for (PetscInt i = 0; i < p->k; i++)
    at->slope -= along_s[i] * p->sg[i] - scale * along_y[i] * p->yg[i];
  *have = (PetscBool)(at->slope < 0);
  PetscFunctionReturn(0);
}

/* what is known of the pairs with the gradient at x, after which d can be made */
static PetscErrorCode Recall(FenLower L, PetscBool *have, FenLowerPoint *at)
{
  Pairs        *p = (Pairs *)L->data;
  const double *left[2 * MOST], *right[2 * MOST];
  double        dots[2 * MOST];

  PetscFunctionBegin;
  for (PetscInt i = 0; i < p->k; i++) {
    left[i] = p->s[i];
    left[p->k + i] = p->y[i];
    right[i] = right[p->k + i] = L->g;
  }
  PetscCall(FenTeamDots(L->team, p->n, 2 * p->k, left, right, dots));
  PetscCall(PetscArraycpy(p->sg, dots, p->k));
  PetscCall(PetscArraycpy(p->yg, dots + p->k, p->k));
  p->sy[p->k][p->k] = 0; /* no new pair */
  PetscCall(Next(L, at, have));
  PetscFunctionReturn(0);
}

static PetscErrorCode Solve(FenLower L, FenInt s, double tol, FenInt max_it, PetscBool resume, double x[], double w[],
                            FenLowerAnswer *answer)
{
  Pairs        *p = (Pairs *)L->data;
  FenLowerPoint at;
  FenLowerFloor floor;
  FenInt        count = 1;
  PetscBool     have = PETSC_FALSE, found = PETSC_TRUE;

  (void)w;
  PetscFunctionBegin;
  FenLowerFloorStart(&floor, 5000, 60);
  PetscCall(FenLowerEvaluate(L, s, x, NULL, L->g, &at));
  if (!resume || p->sample != s)
    p->k = 0;
  p->sample = s;
  p->bend = 0;
  if (at.norm > tol && p->k)
    PetscCall(Recall(L, &have, &at));
  while (found && at.norm > tol && isfinite(at.norm) && count + (have ? 1 : 2) <= max_it) {
    const PetscBool steepest = (PetscBool)!have;

    if (!have)
      PetscCall(First(L, s, x, &at, &count));
    if (FenLowerFloorReached(&floor, count, at.norm, 4 * PETSC_MACHINE_EPSILON * p->bend * at.size))
      break;
    PetscCall(Search(L, s, tol, max_it, x, &at, &count, &found));
    have = PETSC_FALSE;
    if (found)
      PetscCall(Next(L, &at, &have));
    else
      found = (PetscBool)!steepest; /* once more, without memory */
  }
  answer->iterations = count;
  FenLowerAnswerSet(&at, tol, answer);
  PetscFunctionReturn(0);
}

static const char *Refuse(const FenBilevelOps *call)
{
  return call->prox ? "h has an l1 norm; fista, gd, newton or native can" : NULL;
}

const FenLowerType FenLowerType_lbfgs = {
    .name = "lbfgs", .refuse = Refuse, .setup = SetUp, .solve = Solve, .destroy = Destroy};
