/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Random models for the tests of the Bellman operator, the same on any number of ranks: every rank can make any row, so
   that expected values are plain loops over all states on every rank.
*/
#pragma once
#include "fentest.h"
#include "mdp/bellman/bellman.h"
#include "mdp/kernels/bellmankernels.h"

#define CASE_MAX_NEXT 12

typedef struct {
  FenInt    n;
  int       actions, length; /* at most */
  uint64_t  seed;
  PetscBool terminal;      /* some states have no rows */
  PetscBool substochastic; /* rows lose some mass */
  PetscBool by_next;       /* rewards of successors */
  FenInt    window;        /* successors are at most this far away, modulo n; 0: anywhere */
  double    discount;
} Case;

typedef struct {
  int    n, action;
  FenInt next[CASE_MAX_NEXT];
  double prob[CASE_MAX_NEXT], reward_next[CASE_MAX_NEXT], reward;
} CaseRow;

static inline double CaseRandom(const Case *c, FenInt s, int a, int k)
{
  return FenRandomUniform(c->seed, (uint64_t)(s * 64 + a), (uint32_t)k);
}

static inline int CaseRows(const Case *c, FenInt s)
{
  if (c->terminal && CaseRandom(c, s, 62, 0) < 0.1)
    return 0;
  return 1 + (int)(CaseRandom(c, s, 63, 0) * c->actions);
}

static inline double CaseTerminal(const Case *c, FenInt s)
{
  return c->terminal ? 3 * CaseRandom(c, s, 62, 1) - 1 : 0;
}

/* the length of a row is at most its number of different successors */
static inline CaseRow CaseMakeRow(const Case *c, FenInt s, int a)
{
  CaseRow      row = {.action = 2 * a + 1};
  const int    length = 1 + (int)(CaseRandom(c, s, a, 100) * c->length);
  const FenInt width = c->window ? PetscMin(c->n, 2 * c->window + 1) : c->n;
  double       sum = 0;

  for (int j = 0; j < length; j++) {
    const FenInt d = (FenInt)(CaseRandom(c, s, a, j) * (double)width);
    const FenInt t = c->window ? (s + d - c->window + c->n) % c->n : d;
    const double p = 0.01 + CaseRandom(c, s, a, 20 + j);
    int          i = row.n;

    for (int k = 0; k < row.n; k++)
      if (row.next[k] == t)
        i = -1;
    if (i < 0)
      continue;
    for (row.n++; i > 0 && row.next[i - 1] > t; i--) {
      row.next[i] = row.next[i - 1];
      row.prob[i] = row.prob[i - 1];
    }
    row.next[i] = t;
    row.prob[i] = p;
    sum += p;
  }
  row.reward = c->by_next ? 0 : 2 * CaseRandom(c, s, a, 101) - 1;
  for (int j = 0; j < row.n; j++) {
    row.prob[j] *= (c->substochastic ? 1 - 0.2 * CaseRandom(c, s, a, 102) : 1) / sum;
    row.reward_next[j] = c->by_next ? 2 * CaseRandom(c, s, a, 40 + j) - 1 : 0;
    row.reward += row.prob[j] * row.reward_next[j];
  }
  return row;
}

static inline void CaseFill(const Case *c, FenInt start, FenMDPRows *R)
{
  FenInt r = 0, z = 0;

  R->state_ptr[0] = R->row_ptr[0] = 0;
  for (FenInt k = 0; k < R->nstates; k++) {
    for (int a = 0; a < CaseRows(c, start + k); a++) {
      const CaseRow row = CaseMakeRow(c, start + k, a);

      for (int j = 0; j < row.n; j++, z++) {
        R->next[z] = row.next[j];
        R->prob[z] = row.prob[j];
        if (R->reward_next)
          R->reward_next[z] = row.reward_next[j];
      }
      R->reward[r] = row.reward;
      R->action[r] = row.action;
      R->row_ptr[++r] = z;
    }
    R->state_ptr[k + 1] = r;
  }
}

/* stored rows on `n` states of the range that this rank has */
static inline FenMDPModel CaseModel(const Case *c)
{
  FenLayout   layout;
  FenInt      start, end;
  FenMDPRows  R = {0};
  FenMDPModel model;
  double     *terminal;

  FEN_OK(FenLayoutCreateRows(PETSC_COMM_WORLD, c->n, &layout));
  FEN_OK(FenLayoutGetRange(layout, &start, &end));
  FEN_OK(FenLayoutDestroy(&layout));
  R.nstates = end - start;
  R.state_ptr = calloc((size_t)(R.nstates + 1), sizeof(FenInt));
  R.row_ptr = calloc((size_t)(R.nstates * c->actions + 1), sizeof(FenInt));
  R.action = calloc((size_t)(R.nstates * c->actions + 1), sizeof(int));
  R.reward = calloc((size_t)(R.nstates * c->actions + 1), sizeof(double));
  R.next = calloc((size_t)(R.nstates * c->actions * c->length + 1), sizeof(FenInt));
  R.prob = calloc((size_t)(R.nstates * c->actions * c->length + 1), sizeof(double));
  if (c->by_next)
    R.reward_next = calloc((size_t)(R.nstates * c->actions * c->length + 1), sizeof(double));
  CaseFill(c, start, &R);
  FEN_OK(FenMDPModelCreateRows(PETSC_COMM_WORLD, &R, c->substochastic, &model));
  terminal = calloc((size_t)(R.nstates + 1), sizeof(double));
  for (FenInt k = 0; k < R.nstates; k++)
    terminal[k] = CaseTerminal(c, start + k);
  if (c->terminal)
    FEN_OK(FenMDPModelSetTerminal(model, terminal));
  free(terminal);
  free(R.state_ptr), free(R.row_ptr), free(R.action), free(R.reward), free(R.next), free(R.prob), free(R.reward_next);
  return model;
}

static inline PetscErrorCode CaseGeneratorRows(void *ctx, FenInt s, int *rows)
{
  *rows = CaseRows((const Case *)ctx, s);
  return 0;
}

static inline PetscErrorCode CaseGeneratorRow(void *ctx, FenInt s, int a, FenMDPRow *out)
{
  const Case   *c = (const Case *)ctx;
  const CaseRow row = CaseMakeRow(c, s, a);

  out->n = row.n;
  out->action = row.action;
  out->reward = row.reward;
  out->by_next = c->by_next;
  for (int j = 0; j < row.n; j++) {
    out->next[j] = row.next[j];
    out->prob[j] = row.prob[j];
    out->reward_next[j] = row.reward_next[j];
  }
  return 0;
}

/* the same rows, made on demand */
static inline FenMDPModel CaseGenerator(Case *c)
{
  const FenMDPGenerator G = {.nstates = c->n,
                             .nactions = c->actions,
                             .max_next = c->length,
                             .nrows = CaseGeneratorRows,
                             .row = CaseGeneratorRow,
                             .ctx = c};
  FenMDPModel           model;

  FEN_OK(FenMDPModelCreateGenerator(PETSC_COMM_WORLD, &G, &model));
  return model;
}

/* of all operators that are made */
static FenMDPPartition case_partition = FEN_MDP_PARTITION_NONE;

static inline FenBellmanOptions CaseOptions(const Case *c)
{
  return (FenBellmanOptions){.discount = c->discount, .ambiguity = {.name = "none"}, .partition = case_partition};
}

/* any values: states of the model's numbering */
static inline double CaseValue(const Case *c, FenInt s)
{
  if (c->terminal && !CaseRows(c, s))
    return CaseTerminal(c, s);
  return 10 * FenRandomUniform(c->seed + 1, (uint64_t)s, 7) - 3;
}

/* nominal value of a row, sign = -1 for costs: then values and rewards have their sign changed already */
static inline long double CaseRowValue(const Case *c, const CaseRow *row, const double V[], double sign)
{
  long double sum = 0;

  for (int j = 0; j < row->n; j++)
    sum += (long double)row->prob[j] * (long double)V[row->next[j]];
  return (long double)(sign * row->reward) + (long double)c->discount * sum;
}

/* my part of the operator's numbers, in the model's order on all ranks */
static inline double *CaseGather(const Case *c, FenBellman b, const double outside[])
{
  double     *all = calloc((size_t)c->n, sizeof(double));
  FenLayout   layout;
  FenInt      start, end;
  PetscMPIInt size;

  (void)b;
  FEN_OK(FenLayoutCreateRows(PETSC_COMM_WORLD, c->n, &layout));
  FEN_OK(FenLayoutGetRange(layout, &start, &end));
  FEN_OK(FenLayoutDestroy(&layout));
  FEN_OK(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  for (FenInt s = start; s < end; s++)
    all[s] = outside[s - start];
  FEN_OK(MPI_Allreduce(MPI_IN_PLACE, all, (int)c->n, MPI_DOUBLE, MPI_SUM, PETSC_COMM_WORLD));
  return all;
}

static inline FenInt CaseLocal(const Case *c, FenInt *start)
{
  FenLayout layout;
  FenInt    end;

  FEN_OK(FenLayoutCreateRows(PETSC_COMM_WORLD, c->n, &layout));
  FEN_OK(FenLayoutGetRange(layout, start, &end));
  FEN_OK(FenLayoutDestroy(&layout));
  return end - *start;
}

/* the model's number of each of my states in the operator */
static inline FenInt *CaseNumbers(const Case *c, FenBellman b)
{
  FenInt       start, n, nghost;
  const FenInt mine = CaseLocal(c, &start);
  double      *outside, *inside;
  FenInt      *number;

  FEN_OK(FenBellmanGetSizes(b, &n, &nghost));
  outside = calloc((size_t)(mine + 1), sizeof(double));
  inside = calloc((size_t)(n + 1), sizeof(double));
  number = calloc((size_t)(n + 1), sizeof(FenInt));
  for (FenInt k = 0; k < mine; k++)
    outside[k] = (double)(start + k);
  FEN_OK(FenBellmanFromModel(b, outside, inside));
  for (FenInt k = 0; k < n; k++)
    number[k] = (FenInt)fabs(inside[k]);
  free(outside), free(inside);
  return number;
}

typedef struct {
  double *V, *TV, *outside, *all_V, *all_TV;
  int    *policy, *action;
  FenInt  n, start, model_n;
} Work;

static inline Work MakeWork(const Case *c, FenBellman b, double sign)
{
  Work   w = {0};
  FenInt ghosts;

  FEN_OK(FenBellmanGetSizes(b, &w.n, &ghosts));
  w.model_n = CaseLocal(c, &w.start);
  w.V = calloc((size_t)(w.n + ghosts + 1), sizeof(double));
  w.TV = calloc((size_t)(w.n + ghosts + 1), sizeof(double));
  w.outside = calloc((size_t)(w.model_n + 1), sizeof(double));
  w.policy = calloc((size_t)(w.n + 1), sizeof(int));
  w.action = calloc((size_t)(w.model_n + 1), sizeof(int));
  for (FenInt k = 0; k < w.model_n; k++)
    w.outside[k] = CaseValue(c, w.start + k);
  FEN_OK(FenBellmanFromModel(b, w.outside, w.V));
  w.all_V = CaseGather(c, b, w.outside);
  for (FenInt s = 0; s < c->n; s++)
    w.all_V[s] *= sign;
  for (FenInt k = 0; k < w.n; k++)
    w.policy[k] = -1;
  return w;
}

static inline void FreeWork(Work *w)
{
  free(w->V), free(w->TV), free(w->outside), free(w->all_V), free(w->all_TV), free(w->policy), free(w->action);
}

static const Case cases[] = {
    {.n = 1, .actions = 3, .length = 1, .seed = 1, .discount = 0.9},
    {.n = 7, .actions = 2, .length = 4, .seed = 2, .discount = 0.5},
    {.n = 64, .actions = 1, .length = 12, .seed = 3, .discount = 0.99},
    {.n = 301, .actions = 5, .length = 6, .seed = 4, .discount = 0.95, .terminal = PETSC_TRUE},
    {.n = 301, .actions = 5, .length = 7, .seed = 5, .discount = 0.95, .substochastic = PETSC_TRUE},
    {.n = 500, .actions = 4, .length = 5, .seed = 6, .discount = 0.9, .window = 9, .by_next = PETSC_TRUE},
    {.n = 250, .actions = 9, .length = 9, .seed = 7, .discount = 1, .window = 3, .terminal = PETSC_TRUE},
};
#define NCASES ((int)(sizeof(cases) / sizeof(cases[0])))

static inline void EachCase(void (*check)(const Case *, FenBellman, double))
{
  for (int k = 0; k < NCASES; k++)
    for (int simd = 0; simd <= (int)FenSimdBest(); simd++)
      for (int kind = 0; kind < 3; kind++) { /* rewards, costs, on demand */
        Case              c = cases[k];
        FenBellmanOptions options = CaseOptions(&c);
        FenMDPModel       model;
        FenBellman        b;

        if (kind == 2 && (c.substochastic || c.terminal))
          continue;
        snprintf(options.simd, sizeof(options.simd), "%s", FenSimdTypes[simd]);
        model = kind == 2 ? CaseGenerator(&c) : CaseModel(&c);
        if (kind == 1)
          FEN_OK(FenMDPModelSetSense(model, FEN_MDP_MIN));
        FEN_OK(FenBellmanCreate(model, &options, &b));
        check(&c, b, kind == 1 ? -1 : 1);
        FEN_OK(FenBellmanDestroy(&b));
        FEN_OK(FenMDPModelDestroy(&model));
      }
}
