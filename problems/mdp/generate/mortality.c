/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Mortality graph: action a earns r_a and kills with probability p_a; whoever lives moves to random states among the
   living. All living states have the same value, V = max_a r_a / (1 - gamma (1 - q_a)) with q_a the worst-case
   probability of death of a law on two points: a robust answer that is known at any size.
*/
#include "mdpproblemimpl.h"
#include <math.h>

#define FEN_DEATHS 16

typedef struct {
  FenInt   n, branching;
  uint64_t seed;
  PetscInt nactions;
  double   reward[FEN_DEATHS], death[FEN_DEATHS];
} FenMortalityContext;

static PetscErrorCode FenMortalityRows(void *ctx, FenInt s, int *n)
{
  const FenMortalityContext *m = (const FenMortalityContext *)ctx;

  PetscFunctionBegin;
  *n = s < m->n ? (int)m->nactions : 1;
  PetscFunctionReturn(0);
}

static PetscErrorCode FenMortalityRow(void *ctx, FenInt s, int a, FenMDPRow *row)
{
  const FenMortalityContext *m = (const FenMortalityContext *)ctx;
  const uint64_t             index = (uint64_t)s * (uint64_t)m->nactions + (uint64_t)a;
  double                     sum = 0;

  PetscFunctionBegin;
  row->reward = 0;
  if (s == m->n) { /* dead */
    FenMDPRowAdd(row, s, 1);
    PetscFunctionReturn(0);
  }
  row->reward = m->reward[a];
  for (FenInt j = 0; j < m->branching && m->death[a] < 1; j++) {
    row->next[j] = (FenInt)(FenRandomUniform(m->seed, index, (uint32_t)(2 * j)) * (double)m->n);
    row->prob[j] = -log(FenRandomUniform(m->seed, index, (uint32_t)(2 * j + 1)));
    sum += row->prob[j];
    row->n++;
  }
  for (FenInt j = 0; j < row->n; j++)
    row->prob[j] *= (1 - m->death[a]) / sum;
  FenMDPRowAdd(row, m->n, m->death[a]);
  PetscFunctionReturn(0);
}

static PetscErrorCode FenMortalityActions(FenOptionItems PetscOptionsObject, MPI_Comm comm, FenMortalityContext *m)
{
  PetscReal reward[FEN_DEATHS] = {1, 1.5}, death[FEN_DEATHS] = {0.02, 0.06};
  PetscInt  nrewards = FEN_DEATHS, ndeaths = FEN_DEATHS;
  PetscBool given[2];

  PetscFunctionBegin;
  PetscCall(PetscOptionsRealArray("-mortality_rewards", "reward of each action", "FenMDPModelGenerate", reward,
                                  &nrewards, &given[0]));
  PetscCall(PetscOptionsRealArray("-mortality_deaths", "probability of death of each action", "FenMDPModelGenerate",
                                  death, &ndeaths, &given[1]));
  nrewards = given[0] ? nrewards : 2;
  ndeaths = given[1] ? ndeaths : 2;
  FEN_MDP_CHECK(nrewards == ndeaths && ndeaths >= 1, comm, FEN_ERR_OPTION,
                "%d -mortality_rewards and %d -mortality_deaths; rule: one of each for every action", (int)nrewards,
                (int)ndeaths);
  m->nactions = ndeaths;
  for (PetscInt a = 0; a < ndeaths; a++) {
    FEN_MDP_CHECK(isfinite(reward[a]), comm, FEN_ERR_OPTION, "-mortality_rewards: %g for action %d; rule: finite",
                  reward[a], (int)a);
    FEN_MDP_CHECK(death[a] >= 0 && death[a] <= 1, comm, FEN_ERR_OPTION,
                  "-mortality_deaths: %g for action %d; rule: 0 to 1", death[a], (int)a);
    m->reward[a] = reward[a];
    m->death[a] = death[a];
  }
  PetscFunctionReturn(0);
}

PetscErrorCode FenMortality_Private(FenOptionItems PetscOptionsObject, FenMDPProblem *p)
{
  FenMortalityContext *m;

  PetscFunctionBegin;
  PetscCall(PetscNew(&m));
  m->n = 1000;
  m->branching = 5;
  m->seed = 1;
  p->generator.ctx = m;
  p->generator.destroy = FenMDPProblemFree_Private;
  PetscCall(FenMDPOptionSize_Private(PetscOptionsObject, p->comm, "-mortality_n", "living states", 1, &m->n));
  PetscCall(FenMDPOptionInt_Private(PetscOptionsObject, p->comm, "-mortality_branching",
                                    "living successors of a row (some may be the same)", 1, FEN_MDP_ROW_MAX - 1,
                                    &m->branching));
  PetscCall(FenMDPOptionSeed_Private(PetscOptionsObject, p->comm, "-mortality_seed", &m->seed));
  PetscCall(FenMortalityActions(PetscOptionsObject, p->comm, m));
  p->generator.nstates = m->n + 1;
  p->generator.nactions = (int)m->nactions;
  p->generator.max_next = m->branching + 1;
  p->generator.nrows = FenMortalityRows;
  p->generator.row = FenMortalityRow;
  p->discount = 0.95;
  PetscFunctionReturn(0);
}
