/* SPDX-License-Identifier: BSD-2-Clause */
/* Small Markov decision processes given state by state, cut over any number of ranks, and their solution by any type.
 */
#pragma once
#include <fenchelmdp.h>
#include "fentest.h"
#include <math.h>
#include <stdlib.h>

/* one state: number of actions; the row of an action */
typedef struct {
  int    n;
  FenInt next[8];
  double prob[8], reward;
} MDPRow;
typedef int (*MDPStateFn)(const void *ctx, FenInt s, MDPRow rows[8]);

/* states cut unevenly: rank r gets a share that grows with r, the first may own nothing */
static inline FenMDPModel MDPMake(MPI_Comm comm, FenInt n, MDPStateFn state, const void *ctx, FenMDPSense sense)
{
  int         rank, size;
  FenInt      first, last, nrows = 0, nnz = 0;
  FenMDPRows  R = {.nstates = 0};
  FenMDPModel model;
  MDPRow      rows[8];

  MPI_Comm_rank(comm, &rank);
  MPI_Comm_size(comm, &size);
  first = n * rank * rank / ((FenInt)size * size);
  last = n * (rank + 1) * (rank + 1) / ((FenInt)size * size);
  R.nstates = last - first;
  R.state_ptr = (FenInt *)calloc((size_t)(R.nstates + 1), sizeof(FenInt));
  R.action = (int *)malloc((size_t)(8 * R.nstates + 1) * sizeof(int));
  R.row_ptr = (FenInt *)calloc((size_t)(8 * R.nstates + 1), sizeof(FenInt));
  R.next = (FenInt *)malloc((size_t)(64 * R.nstates + 1) * sizeof(FenInt));
  R.prob = (double *)malloc((size_t)(64 * R.nstates + 1) * sizeof(double));
  R.reward = (double *)malloc((size_t)(8 * R.nstates + 1) * sizeof(double));
  for (FenInt s = first; s < last; s++) {
    const int actions = state(ctx, s, rows);

    for (int a = 0; a < actions; a++) {
      for (int j = 0; j < rows[a].n; j++, nnz++) {
        R.next[nnz] = rows[a].next[j];
        R.prob[nnz] = rows[a].prob[j];
      }
      R.action[nrows] = a;
      R.reward[nrows++] = rows[a].reward;
      R.row_ptr[nrows] = nnz;
    }
    R.state_ptr[s - first + 1] = nrows;
  }
  FEN_OK(FenMDPModelCreateRows(comm, &R, PETSC_FALSE, &model));
  FEN_OK(FenMDPModelSetSense(model, sense));
  free(R.state_ptr);
  free(R.action);
  free(R.row_ptr);
  free(R.next);
  free(R.prob);
  free(R.reward);
  return model;
}

/* a built-in problem on all ranks */
static inline FenMDPModel MDPProblem(const char name[], const char options[], PetscBool matrix_free)
{
  FenMDPModel  model;
  PetscOptions own;

  FEN_OK(PetscOptionsCreate(&own));
  FEN_OK(PetscOptionsInsertString(own, options));
  FEN_OK(PetscOptionsPush(own));
  FEN_OK(FenMDPModelGenerate(MPI_COMM_WORLD, name, NULL, matrix_free, &model));
  FEN_OK(PetscOptionsPop());
  FEN_OK(PetscOptionsDestroy(&own));
  return model;
}

/* types for discounted models; ppi is meant for robust ones but takes any */
static const char *const mdp_types[] = {FENMDPAUTO, FENMDPVI, FENMDPMPI, FENMDPIPI, FENMDPPI, FENMDPPPI};
#define NMDPTYPES ((int)(sizeof(mdp_types) / sizeof(mdp_types[0])))

static inline FenMDP MDPSolver(FenMDPModel model, const char *type, double discount, const FenAmbiguity *a, double gap)
{
  FenMDP mdp;

  FEN_OK(FenMDPCreate(PetscObjectComm((PetscObject)model), &mdp));
  FEN_OK(FenMDPSetType(mdp, type));
  FEN_OK(FenMDPSetModel(mdp, model));
  FEN_OK(FenMDPSetDiscount(mdp, discount));
  if (a)
    FEN_OK(FenMDPSetAmbiguity(mdp, a));
  FEN_OK(FenMDPSetGap(mdp, gap, 0));
  return mdp;
}

static inline FenMDPBounds MDPRun(FenMDP mdp)
{
  FenMDPBounds B;
  FenReason    reason;

  FEN_OK(FenMDPSolve(mdp));
  FEN_OK(FenSolverGetConvergedReason((FenSolver)mdp, &reason));
  assert_int_equal(reason, FEN_CONVERGED_GAP);
  FEN_OK(FenMDPGetBounds(mdp, &B));
  assert_true(B.policy_gap >= 0 && B.lower <= B.upper);
  return B;
}

/* values on all states, on all ranks */
static inline void MDPGather(FenMDP mdp, FenInt n, double all[])
{
  FenMDPModel   model;
  FenLayout     layout;
  const double *V;
  FenInt        start, end;

  FEN_OK(FenMDPGetModel(mdp, &model));
  FEN_OK(FenMDPModelGetLayout(model, &layout));
  FEN_OK(FenLayoutGetRange(layout, &start, &end));
  FEN_OK(FenMDPGetValue(mdp, &V));
  for (FenInt s = 0; s < n; s++)
    all[s] = s >= start && s < end ? V[s - start] : 0;
  MPI_Allreduce(MPI_IN_PLACE, all, (int)n, MPI_DOUBLE, MPI_SUM, PetscObjectComm((PetscObject)model));
}
