/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Grid world: a cell a state, moves north, east, south, west that slip to either perpendicular side, moves into the
   border stay. Costs of a cell between 1 and 2 by a hash; the last cell absorbs at no cost.
*/
#include "mdpproblemimpl.h"

typedef struct {
  FenInt    height, width;
  double    slip;
  uint64_t  seed;
  PetscBool unit;
  /* rows of cells off the border: distances to successors, ascending, and their probabilities */
  int    n[4];
  FenInt shift[4][3];
  double prob[4][3];
} FenGrid;

static double FenGridCost(const FenGrid *g, FenInt s)
{
  uint32_t h = ((uint32_t)s + (uint32_t)g->seed * 0x9E3779B9u) * 2654435761u;

  h ^= h >> 15;
  return g->unit ? 1 : 1 + (double)(h % 1000) / 1000;
}

static FenInt FenGridMove(const FenGrid *g, FenInt s, int direction)
{
  const FenInt y = s / g->width, x = s - y * g->width;

  switch (direction) {
  case 0:
    return y > 0 ? s - g->width : s;
  case 1:
    return x < g->width - 1 ? s + 1 : s;
  case 2:
    return y < g->height - 1 ? s + g->width : s;
  default:
    return x > 0 ? s - 1 : s;
  }
}

static PetscErrorCode FenGridRow(void *ctx, FenInt s, int a, FenMDPRow *row)
{
  const FenGrid *g = (const FenGrid *)ctx;

  PetscFunctionBegin;
  row->reward = 0;
  if (s == g->height * g->width - 1) {
    FenMDPRowAdd(row, s, 1);
    PetscFunctionReturn(0);
  }
  row->reward = FenGridCost(g, s);
  FenMDPRowAdd(row, FenGridMove(g, s, a), 1 - 2 * g->slip);
  FenMDPRowAdd(row, FenGridMove(g, s, (a + 3) % 4), g->slip);
  FenMDPRowAdd(row, FenGridMove(g, s, (a + 1) % 4), g->slip);
  PetscFunctionReturn(0);
}

/* cells off the border are alike */
static void FenGridInside(FenGrid *g)
{
  const FenInt shift[4] = {-g->width, 1, g->width, -1};

  for (int a = 0; a < 4; a++) {
    const int    direction[3] = {a, (a + 3) % 4, (a + 1) % 4};
    const double prob[3] = {1 - 2 * g->slip, g->slip, g->slip};

    g->n[a] = 0;
    for (int k = 0; k < 3; k++) {
      int i = g->n[a];

      if (!(prob[k] > 0))
        continue;
      for (g->n[a]++; i > 0 && g->shift[a][i - 1] > shift[direction[k]]; i--) {
        g->shift[a][i] = g->shift[a][i - 1];
        g->prob[a][i] = g->prob[a][i - 1];
      }
      g->shift[a][i] = shift[direction[k]];
      g->prob[a][i] = prob[k];
    }
  }
}

static PetscErrorCode FenGridLanes(void *ctx, FenInt s, int a, FenMDPRowLanes *r)
{
  const FenGrid *g = (const FenGrid *)ctx;
  const FenInt   y = s / g->width, x = s - y * g->width;

  PetscFunctionBegin;
  r->n = -1;
  if (y < 1 || y > g->height - 2 || x < 1 || x + FEN_MDP_LANES > g->width - 1)
    PetscFunctionReturn(0);
  r->n = g->n[a];
  for (int j = 0; j < g->n[a]; j++)
    for (int l = 0; l < FEN_MDP_LANES; l++) {
      r->next[FEN_MDP_LANES * j + l] = s + l + g->shift[a][j];
      r->prob[FEN_MDP_LANES * j + l] = g->prob[a][j];
    }
  for (int l = 0; l < FEN_MDP_LANES; l++)
    r->reward[l] = FenGridCost(g, s + l);
  PetscFunctionReturn(0);
}

PetscErrorCode FenGridworld_Private(FenOptionItems PetscOptionsObject, FenMDPProblem *p)
{
  FenGrid  *g;
  FenInt    n = 300;
  PetscBool random = PETSC_TRUE;

  PetscFunctionBegin;
  PetscCall(PetscNew(&g));
  p->generator.ctx = g;
  p->generator.destroy = FenMDPProblemFree_Private;
  g->slip = 0.1;
  PetscCall(FenMDPOptionSize_Private(PetscOptionsObject, p->comm, "-gridworld_n", "cells along a side", 1, &n));
  g->height = g->width = n;
  PetscCall(FenMDPOptionInt_Private(PetscOptionsObject, p->comm, "-gridworld_width", "cells of a row, if not n", 1,
                                    PETSC_MAX_INT, &g->width));
  PetscCall(FenMDPOptionReal_Private(PetscOptionsObject, p->comm, "-gridworld_slip",
                                     "probability of slipping to one side; both have it", 0, 0.5, &g->slip));
  PetscCall(FenMDPOptionSeed_Private(PetscOptionsObject, p->comm, "-gridworld_seed", &g->seed));
  PetscCall(PetscOptionsBool("-gridworld_random_costs", "costs of cells between 1 and 2; otherwise 1",
                             "FenMDPModelGenerate", random, &random, NULL));
  g->unit = random ? PETSC_FALSE : PETSC_TRUE;
  PetscCall(FenIntMult(g->height, g->width, &p->generator.nstates));
  p->generator.nactions = 4;
  p->generator.max_next = 3;
  p->generator.row = FenGridRow;
  p->generator.lanes = FenGridLanes;
  FenGridInside(g);
  p->sense = FEN_MDP_MIN;
  p->discount = 0.99;
  p->grid[0] = g->height;
  p->grid[1] = g->width;
  PetscFunctionReturn(0);
}
