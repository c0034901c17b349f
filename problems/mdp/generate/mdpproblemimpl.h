/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Built-in problems: each file of this folder makes one, as a generator of rows that depend on (seed, state, action)
   and on nothing else, so that an instance is the same on any number of ranks.
*/
#pragma once
#include "../mdpmodelimpl.h"
#include <compat.h>

/* what a problem fills in: the generator, and what belongs to the model beside its rows. Before: criterion discounted,
   sense max, no grid */
typedef struct {
  MPI_Comm        comm;
  FenMDPGenerator generator;
  FenMDPSense     sense;
  double          discount;
  FenInt          grid[2], horizon; /* horizon > 0: the criterion is finite */
} FenMDPProblem;

typedef PetscErrorCode (*FenMDPProblemFn)(FenOptionItems, FenMDPProblem *);

/* options of sizes and of numbers in a range; `-n` stands for the size of any problem */
PETSC_INTERN PetscErrorCode  FenMDPOptionSize_Private(FenOptionItems, MPI_Comm, const char option[], const char text[],
                                                      FenInt least, FenInt *size);
static inline PetscErrorCode FenMDPOptionInt_Private(FenOptionItems options, MPI_Comm comm, const char option[],
                                                     const char text[], FenInt least, FenInt most, FenInt *value)
{
  return FenProblemOptionInt_Private(options, comm, option, text, "FenMDPModelGenerate", least, most, value);
}
static inline PetscErrorCode FenMDPOptionReal_Private(FenOptionItems options, MPI_Comm comm, const char option[],
                                                      const char text[], double least, double most, double *value)
{
  return FenProblemOptionReal_Private(options, comm, option, text, "FenMDPModelGenerate", least, most, value);
}
PETSC_INTERN PetscErrorCode FenMDPOptionSeed_Private(FenOptionItems, MPI_Comm, const char option[], uint64_t *seed);
/* an error on all ranks if the model needs more memory than there is; its rows are to be stored, or not */
PETSC_INTERN PetscErrorCode FenMDPModelFits_Private(FenMDPModel, PetscBool stored);
/* frees a context without arrays of its own */
PETSC_INTERN PetscErrorCode FenMDPProblemFree_Private(void *);

/* one entry more of a row; zeros are left out */
static inline void FenMDPRowAdd(FenMDPRow *row, FenInt next, double prob)
{
  if (prob > 0) {
    row->next[row->n] = next;
    row->prob[row->n++] = prob;
  }
}
static inline void FenMDPRowAddReward(FenMDPRow *row, FenInt next, double prob, double reward)
{
  if (prob > 0) {
    row->by_next = PETSC_TRUE;
    row->reward_next[row->n] = reward;
    FenMDPRowAdd(row, next, prob);
  }
}

/* X(name, function, what it is) */
#define FEN_MDP_PROBLEM_LIST(X)                                                                                        \
  X(chain, FenChain, "countdown with a closed form")                                                                   \
  X(gridworld, FenGridworld, "grid with slipping moves and random costs")                                              \
  X(maze, FenMaze, "maze with walls")                                                                                  \
  X(garnet, FenGarnet, "random sparse model")                                                                          \
  X(inventory, FenInventory, "orders, stock and backlog")                                                              \
  X(sis, FenSIS, "infectious disease")                                                                                 \
  X(queue, FenQueue, "tandem queues")                                                                                  \
  X(forest, FenForest, "waiting or cutting")                                                                           \
  X(pendulum, FenPendulum, "pendulum to be held upright")                                                              \
  X(integrator, FenIntegrator, "mass on a line")                                                                       \
  X(machine, FenMachine, "machine replacement")                                                                        \
  X(riverswim, FenRiverswim, "swimming against the stream")                                                            \
  X(mortality, FenMortality, "random graph with deaths, robust values known")                                          \
  X(ring, FenRing, "ring with a closed form")                                                                          \
  X(put, FenPut, "American put on a tree of prices")

#define FEN_PROBLEM_DECLARE(name, function, text)                                                                      \
  PETSC_INTERN PetscErrorCode function##_Private(FenOptionItems, FenMDPProblem *);
FEN_MDP_PROBLEM_LIST(FEN_PROBLEM_DECLARE)
#undef FEN_PROBLEM_DECLARE
