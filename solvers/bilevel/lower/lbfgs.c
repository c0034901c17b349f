/* SPDX-License-Identifier: BSD-2-Clause */
/*
   lbfgs: limited-memory BFGS, -bilevel_lower_memory pairs, first length g.g/g.Hg, weak Wolfe line search; where the
   differences of h drown in rounding errors the approximate Wolfe rule, which sees slopes only.

   Liu and Nocedal, Math. Programming 45, 1989; Hager and Zhang, SIAM J. Optim. 16, 2005; Chen, Wang and Zhou, NIPS
   2014, for the two loops on scalar products. A trial point costs one gradient and 10 k n flops for k pairs, and all
   sums of all samples of a batch travel in one message; memory: 2 k + 2 arrays for each sample that was solved, 4 for
   each of a batch. The pairs of a sample's last solve stay and approximate H^{-1} (FenLowerInverse), also for the
   adjoint: Ramzi et al., SHINE, ICLR 2022.
*/
#include "lower.h"
#include <math.h>

enum { MOST = (FEN_TEAM_DOTS - 9) / 5 + 1 };

typedef struct {
  double       *store, *s[MOST], *y[MOST]; /* pairs, oldest first; the one behind the last is in the making */
  double        sy[MOST][MOST], yy[MOST][MOST], sg[MOST], yg[MOST], ss, bend; /* bend: most |y|/|s|, at most L */
  FenInt        n;                                                            /* numbers of an array */
  PetscInt      k;
  FenLowerPoint next;  /* the trial point; its slope along d */
  FenLowerFloor floor; /* of this solve */
  PetscBool     have;  /* d is made of the pairs */
  double        step, low, high;
} Pairs;

typedef struct {
  Pairs **of; /* my samples, NULL: never solved */
  FenDD  *parts;
  double *sums; /* of a message */
} Memory;

static PetscErrorCode SetUp(FenLower L)
{
  Memory *m;

  PetscFunctionBegin;
  PetscCall(PetscNew(&m));
  PetscCall(PetscCalloc1((size_t)(L->part.end - L->part.start) + 1, &m->of));
  PetscCall(
      PetscMalloc2(FEN_TEAM_DOTS * FEN_BILEVEL_TOGETHER, &m->parts, FEN_TEAM_DOTS * FEN_BILEVEL_TOGETHER, &m->sums));
  L->data = m;
  PetscFunctionReturn(0);
}

static PetscErrorCode Destroy(FenLower L)
{
  Memory *m = (Memory *)L->data;

  PetscFunctionBegin;
  for (FenInt k = 0; k < L->part.end - L->part.start; k++)
    if (m->of[k]) {
      PetscCall(PetscFree(m->of[k]->store));
      PetscCall(PetscFree(m->of[k]));
    }
  PetscCall(PetscFree(m->of));
  PetscCall(PetscFree2(m->parts, m->sums));
  PetscCall(PetscFree(L->data));
  PetscFunctionReturn(0);
}

static Pairs *Of(FenLower L, const FenLowerWay *w)
{
  return ((Memory *)L->data)->of[w->k];
}

static PetscErrorCode Make(FenLower L, Pairs **pairs)
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
  *pairs = p;
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

PetscErrorCode FenLowerInverse(void *lower, FenInt of, const double b[], double q[])
{
  const FenLower L = (FenLower)lower;
  const Memory  *m = (const Memory *)L->data;
  const Pairs   *p = m ? m->of[of - L->part.start] : NULL;
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

/* x and s of the next trial */
static void Try(FenLower L, FenLowerWay *w)
{
  Pairs  *p = Of(L, w);
  double *s = p->s[p->k];

  for (FenInt i = 0; i < p->n; i++) {
    w->xt[i] = w->t->x[i] + p->step * w->d[i];
    s[i] = w->xt[i] - w->t->x[i];
  }
}

/* my parts of all scalar products at the trial point behind the first, the value; returns how many these are */
static PetscErrorCode Products(FenLower L, const FenLowerWay *w, FenDD parts[], PetscInt *count)
{
  Pairs              *p = Of(L, w);
  double             *s = p->s[p->k], *y = p->y[p->k];
  const double *const a[8] = {w->gt, w->gt, w->xt, s, s, y, s, y}, *const b[8] = {w->gt, w->d, w->xt, s,
                                                                                  y,     y,    w->gt, w->gt};
  PetscInt n = 1;

  PetscFunctionBegin;
  for (FenInt i = 0; i < p->n; i++)
    y[i] = w->gt[i] - w->g[i];
  for (int i = 0; i < 8; i++)
    PetscCall(FenDot(PETSC_COMM_SELF, p->n, a[i], b[i], &parts[n++].hi));
  for (PetscInt i = 0; i < p->k; i++) {
    const double *const old[5] = {p->s[i], p->y[i], p->s[i], p->y[i], p->y[i]}, *const new[5] = {y, y, w->gt, w->gt, s};

    for (int j = 0; j < 5; j++)
      PetscCall(FenDot(PETSC_COMM_SELF, p->n, old[j], new[j], &parts[n++].hi));
  }
  *count = n;
  PetscFunctionReturn(0);
}

static void Know(Pairs *p, const double dots[])
{
  const PetscInt k = p->k;

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
}

/* value, gradient and all scalar products of n ways at x + step d, one exchange and one message */
static PetscErrorCode Trials(FenLower L, FenInt n, FenLowerWay *const on[])
{
  Memory       *memory = (Memory *)L->data;
  const double *x[FEN_BILEVEL_TOGETHER] = {NULL};
  double       *g[FEN_BILEVEL_TOGETHER] = {NULL}, value[FEN_BILEVEL_TOGETHER];
  FenInt        s[FEN_BILEVEL_TOGETHER] = {0};
  PetscInt      all = 0, count = 0;

  PetscFunctionBegin;
  for (FenInt k = 0; k < n; k++) {
    Try(L, on[k]);
    s[k] = on[k]->t->s;
    x[k] = on[k]->xt;
    g[k] = on[k]->gt;
    on[k]->count++;
  }
  PetscCall(FenBatchGradients(L->problem, n, s, x, value, g));
  PetscCall(PetscArrayzero(memory->parts, FEN_TEAM_DOTS * n));
  for (FenInt k = 0; k < n; k++, all += count) {
    memory->parts[all].hi = value[k];
    PetscCall(Products(L, on[k], memory->parts + all, &count));
  }
  PetscCall(FenDDReduce(L->team, all, memory->parts, memory->sums));
  all = 0;
  for (FenInt k = 0; k < n; k++) {
    Pairs *p = Of(L, on[k]);

    Know(p, memory->sums + all);
    all += 9 + 5 * p->k;
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

/* where the slope would vanish if it were linear; kept inside */
static void Another(Pairs *p, const FenLowerPoint *at, int verdict)
{
  const double before = p->step;

  if (verdict < 0)
    p->low = before;
  else
    p->high = before;
  p->step *= at->slope / (at->slope - p->next.slope);
  if (p->high < INFINITY) {
    if (!(p->step >= p->low + 0.1 * (p->high - p->low) && p->step <= p->high - 0.1 * (p->high - p->low)))
      p->step = (p->low + p->high) / 2;
  } else if (!(p->step >= 1.5 * before && p->step <= 10 * before))
    p->step = 4 * before;
}

/* all try together; those that have found a step, or that have no tries left, leave the others to it */
static PetscErrorCode Search(FenLower L, FenInt n, FenLowerWay *const all[])
{
  FenLowerWay *on[FEN_BILEVEL_TOGETHER] = {NULL};
  double      *swap;

  PetscFunctionBegin;
  for (FenInt k = 0; k < n; k++) {
    Pairs *p = Of(L, all[k]);

    p->step = 1;
    p->low = 0;
    p->high = INFINITY;
    all[k]->found = PETSC_FALSE;
    on[k] = all[k];
  }
  for (int tries = 0; tries < 30 && n; tries++) {
    FenInt m = 0;

    for (FenInt k = 0; k < n; k++)
      if (on[k]->count < on[k]->t->max_it)
        on[m++] = on[k];
    n = m;
    if (!n)
      break;
    PetscCall(Trials(L, n, on));
    m = 0;
    for (FenInt k = 0; k < n; k++) {
      FenLowerWay *w = on[k];
      Pairs       *p = Of(L, w);
      const int    verdict = Judge(&w->at, &p->next, p->step, w->t->tol);

      w->found = (PetscBool)(verdict == 0);
      if (!w->found) {
        Another(p, &w->at, verdict);
        on[m++] = w;
        continue;
      }
      PetscCall(PetscArraycpy(w->t->x, w->xt, p->n));
      swap = w->g, w->g = w->gt, w->gt = swap;
      w->at = p->next;
    }
    n = m;
  }
  PetscFunctionReturn(0);
}

/* takes the new pair in and makes d from all of them; without a pair that bends the right way there is none */
static PetscErrorCode Next(FenLower L, FenLowerWay *w)
{
  Pairs         *p = Of(L, w);
  FenLowerPoint *at = &w->at;
  double         along_y[MOST], along_s[MOST], scale;

  PetscFunctionBegin;
  if (p->sy[p->k][p->k] > 1e-10 * sqrt(p->ss * p->yy[p->k][p->k])) {
    p->bend = PetscMax(p->bend, sqrt(p->yy[p->k][p->k] / p->ss));
    if (p->k++ == L->par.memory) {
      p->k--;
      Drop(p);
      p->k++;
    }
  }
  p->have = PETSC_FALSE;
  if (!p->k)
    PetscFunctionReturn(0);
  scale = TwoLoops(p, p->sg, p->yg, along_y, along_s);
  Combine(p, scale, w->g, along_y, along_s, -1, w->d);
  at->slope = -scale * at->norm * at->norm;
  for (PetscInt i = 0; i < p->k; i++)
    at->slope -= along_s[i] * p->sg[i] - scale * along_y[i] * p->yg[i];
  p->have = (PetscBool)(at->slope < 0);
  PetscFunctionReturn(0);
}

/* what is known of the pairs with the gradients at x of n ways, one message; after that d can be made */
static PetscErrorCode Recall(FenLower L, FenInt n, FenLowerWay *const on[])
{
  Memory  *memory = (Memory *)L->data;
  PetscInt m = 0;

  PetscFunctionBegin;
  if (!n)
    PetscFunctionReturn(0);
  PetscCall(PetscArrayzero(memory->parts, FEN_TEAM_DOTS * n));
  for (FenInt j = 0; j < n; j++) {
    const Pairs *p = Of(L, on[j]);

    for (PetscInt i = 0; i < 2 * p->k; i++)
      PetscCall(FenDot(PETSC_COMM_SELF, p->n, i < p->k ? p->s[i] : p->y[i - p->k], on[j]->g, &memory->parts[m++].hi));
  }
  PetscCall(FenDDReduce(L->team, m, memory->parts, memory->sums));
  m = 0;
  for (FenInt j = 0; j < n; j++) {
    Pairs *p = Of(L, on[j]);

    PetscCall(PetscArraycpy(p->sg, memory->sums + m, p->k));
    PetscCall(PetscArraycpy(p->yg, memory->sums + m + p->k, p->k));
    m += 2 * p->k;
    p->sy[p->k][p->k] = 0; /* no new pair */
    PetscCall(Next(L, on[j]));
  }
  PetscFunctionReturn(0);
}

/* gradients, and directions from the pairs that a resumed solve has */
static PetscErrorCode Start(FenLower L, FenInt n, PetscBool resume, FenLowerWay ways[], FenLowerWay *const all[])
{
  Memory       *memory = (Memory *)L->data;
  FenLowerPoint at[FEN_BILEVEL_TOGETHER];
  FenLowerWay  *have[FEN_BILEVEL_TOGETHER] = {NULL};
  FenInt        m = 0;

  PetscFunctionBegin;
  PetscCall(FenLowerEvaluateAll(L, n, all, PETSC_FALSE, at));
  for (FenInt k = 0; k < n; k++) {
    Pairs **p = &memory->of[ways[k].k];

    if (!*p)
      PetscCall(Make(L, p));
    if (!resume)
      (*p)->k = 0;
    (*p)->have = PETSC_FALSE;
    (*p)->bend = 0;
    FenLowerFloorStart(&(*p)->floor, 5000, 60);
    ways[k].at = at[k];
    if (at[k].norm > ways[k].t->tol && (*p)->k)
      have[m++] = &ways[k];
  }
  PetscCall(Recall(L, m, have));
  PetscFunctionReturn(0);
}

static PetscBool Goes(FenLower L, const FenLowerWay *w)
{
  return (PetscBool)(w->found && w->at.norm > w->t->tol && isfinite(w->at.norm) &&
                     w->count + (Of(L, w)->have ? 1 : 2) <= w->t->max_it);
}

/* a direction for all, of steepest descent where there are no pairs; those on the floor leave the list */
static PetscErrorCode Directions(FenLower L, FenInt *n, FenLowerWay *on[])
{
  FenLowerWay *without[FEN_BILEVEL_TOGETHER] = {NULL};
  FenInt       m = 0;

  PetscFunctionBegin;
  for (FenInt k = 0; k < *n; k++)
    if (!Of(L, on[k])->have) {
      Of(L, on[k])->k = 0;
      without[m++] = on[k];
    }
  PetscCall(FenLowerSteepest(L, m, without));
  m = 0;
  for (FenInt k = 0; k < *n; k++) {
    Pairs *p = Of(L, on[k]);

    if (!FenLowerFloorReached(&p->floor, on[k]->count, on[k]->at.norm,
                              4 * PETSC_MACHINE_EPSILON * p->bend * on[k]->at.size))
      on[m++] = on[k];
  }
  *n = m;
  PetscFunctionReturn(0);
}

static PetscErrorCode Solve(FenLower L, FenInt all, PetscBool resume, FenLowerTask task[])
{
  FenLowerWay ways[FEN_BILEVEL_TOGETHER], *on[FEN_BILEVEL_TOGETHER];
  FenInt      n = all;

  PetscFunctionBegin;
  PetscCall(FenLowerWays(L, all, task, ways, on));
  PetscCall(Start(L, all, resume, ways, on));
  while (n) {
    FenInt m = 0;

    for (FenInt k = 0; k < n; k++)
      if (Goes(L, on[k]))
        on[m++] = on[k];
    n = m;
    PetscCall(Directions(L, &n, on));
    PetscCall(Search(L, n, on));
    for (FenInt k = 0; k < n; k++) {
      Pairs          *p = Of(L, on[k]);
      const PetscBool had = p->have;

      p->have = PETSC_FALSE;
      if (on[k]->found)
        PetscCall(Next(L, on[k]));
      else
        on[k]->found = had; /* once more, without memory */
    }
  }
  PetscCall(FenLowerArrive(L, all, ways));
  PetscFunctionReturn(0);
}

static const char *Refuse(const FenBilevelOps *call)
{
  return call->prox ? "h has an l1 norm; fista, gd, newton or native can" : NULL;
}

const FenLowerType FenLowerType_lbfgs = {
    .name = "lbfgs", .refuse = Refuse, .setup = SetUp, .solve = Solve, .destroy = Destroy};
