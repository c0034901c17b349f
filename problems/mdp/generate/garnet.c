/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Garnet: every row has b different random successors with random weights, and a random reward. With a window the
   successors are near, on a ring: slow mixing and short messages.

   T. Archibald, K. McKinnon, L. Thomas, On the generation of Markov decision processes, J. Oper. Res. Soc. 46 (1995).
*/
#include "mdpproblemimpl.h"
#include <math.h>

typedef struct {
  FenInt   n, m, b, window;
  uint64_t seed;
} FenGarnetContext;

/* b different numbers below n (Floyd's sampling): the set is uniformly distributed */
static void FenSample(const FenGarnetContext *g, uint64_t index, FenInt n, FenInt sample[])
{
  for (FenInt j = 0; j < g->b; j++) {
    const FenInt last = n - g->b + j;
    FenInt       x = (FenInt)(FenRandomUniform(g->seed, index, (uint32_t)(2 * j + 1)) * (double)(last + 1));

    for (FenInt i = 0; i < j; i++)
      if (sample[i] == x) {
        x = last;
        break;
      }
    sample[j] = x;
  }
}

static PetscErrorCode FenGarnetRow(void *ctx, FenInt s, int a, FenMDPRow *row)
{
  const FenGarnetContext *g = (const FenGarnetContext *)ctx;
  const uint64_t          index = (uint64_t)s * (uint64_t)g->m + (uint64_t)a;
  double                  sum = 0;

  PetscFunctionBegin;
  FenSample(g, index, g->window ? 2 * g->window + 1 : g->n, row->next);
  for (FenInt j = 0; j < g->b; j++) {
    if (g->window)
      row->next[j] = (s + g->n - g->window + row->next[j]) % g->n;
    row->prob[j] = -log(FenRandomUniform(g->seed, index, (uint32_t)(2 * j + 2)));
    sum += row->prob[j];
  }
  for (FenInt j = 0; j < g->b; j++)
    row->prob[j] /= sum;
  row->n = g->b;
  row->reward = FenRandomUniform(g->seed, index, 0);
  PetscFunctionReturn(0);
}

PetscErrorCode FenGarnet_Private(FenOptionItems PetscOptionsObject, FenMDPProblem *p)
{
  FenGarnetContext *g;

  PetscFunctionBegin;
  PetscCall(PetscNew(&g));
  p->generator.ctx = g;
  p->generator.destroy = FenMDPProblemFree_Private;
  *g = (FenGarnetContext){.n = 100000, .m = 10, .b = 20, .seed = 1};
  PetscCall(FenMDPOptionSize_Private(PetscOptionsObject, p->comm, "-garnet_n", "states", 1, &g->n));
  PetscCall(FenMDPOptionInt_Private(PetscOptionsObject, p->comm, "-garnet_actions", "actions of every state", 1,
                                    PETSC_MAX_INT, &g->m));
  PetscCall(FenMDPOptionInt_Private(PetscOptionsObject, p->comm, "-garnet_branching", "successors of every row", 1,
                                    FEN_MDP_ROW_MAX, &g->b));
  PetscCall(FenMDPOptionInt_Private(PetscOptionsObject, p->comm, "-garnet_window",
                                    "successors are at most so far away on a ring; 0: anywhere", 0, PETSC_MAX_INT / 4,
                                    &g->window));
  PetscCall(FenMDPOptionSeed_Private(PetscOptionsObject, p->comm, "-garnet_seed", &g->seed));
  FEN_MDP_CHECK(2 * g->window + 1 <= g->n, p->comm, FEN_ERR_OPTION,
                "-garnet_window %" FENINT_FMT " of %" FENINT_FMT " states; rule: 2 window + 1 <= states", g->window,
                g->n);
  FEN_MDP_CHECK(g->b <= (g->window ? 2 * g->window + 1 : g->n), p->comm, FEN_ERR_OPTION,
                "-garnet_branching %" FENINT_FMT "; rule: not more than %" FENINT_FMT " states to choose from", g->b,
                g->window ? 2 * g->window + 1 : g->n);
  p->generator.nstates = g->n;
  p->generator.nactions = (int)g->m;
  p->generator.max_next = g->b;
  p->generator.row = FenGarnetRow;
  p->discount = 0.999;
  PetscFunctionReturn(0);
}
