/* SPDX-License-Identifier: BSD-2-Clause */
/*
   What nature may do with the probabilities of rows. A kind of nature is one file with one table of operations and one
   line in the list of nature.c; the first kind of the list that is able to take the solver's ambiguity is used, so that
   fast kinds come before general ones. The rest of the operator knows nothing about ambiguity.
*/
#pragma once
#include "bellmanimpl.h"

typedef struct {
  const char *name;
  /* whether this kind can take b->options.ambiguity on this model; the same on all ranks */
  PetscErrorCode (*able)(FenBellman, PetscBool *);
  PetscErrorCode (*create)(FenBellman, void **data);
  PetscErrorCode (*destroy)(FenBellman, void **data);
  /* chunks of the runs: TV and the greedy policy as FenBellmanSweep() has them. Values are bounds from below; what they
     may be too low goes into part->inexact */
  PetscErrorCode (*sweep)(FenBellman, void *data, const FenRuns *, const double V[], double TV[], int policy[],
                          FenSweepPart *);
  /* values of all rows of my states */
  PetscErrorCode (*values)(FenBellman, void *data, const double V[], double q[]);
  /* the row of a policy with nature's law at V frozen in it; the reward is what makes its value at V nature's, price
     included. Valid until the next call */
  PetscErrorCode (*lane)(FenBellman, void *data, FenInt state, int action, const double V[], FenRowView *);
  /* the rest may be NULL. All rows of a policy at once: into b->policy, b->policy_reward and b->policy_of */
  PetscErrorCode (*extract)(FenBellman, void *data, const int policy[], const double V[]);
  /* T_pi V of the runs' chunks with nature's answers at V; a policy that is not one of terminal states is -1 there */
  PetscErrorCode (*policy_sweep)(FenBellman, void *data, const FenRuns *, const int policy[], const double V[],
                                 double TV[], FenSweepPart *);
  /* numbers that a restart needs, `components` of each state; one of them for my states, out or (load) in */
  PetscErrorCode (*components)(FenBellman, void *data, PetscInt *);
  PetscErrorCode (*state)(FenBellman, void *data, PetscInt component, PetscBool load, double x[]);
} FenNatureOps;

struct _FenNature {
  const FenNatureOps *ops;
  void               *data;
  PetscInt            ncomp;
  double             *saved; /* what a restart needs, on the model's layout */
};

/* eight states at once: divergences around the nominal law, of stored rows */
PETSC_INTERN const FenNatureOps FenNatureLanes;

/* row by row through FenDivergence: every divergence, balls and prices */
PETSC_INTERN const FenNatureOps FenNatureRows;

/* TV - V of a state into the numbers of a sweep */
static inline void FenNatureCount(FenSweepPart *part, double V, double TV)
{
  const double d = TV - V;

  part->lo = PetscMin(part->lo, d);
  part->hi = PetscMax(part->hi, d);
  part->vmin = PetscMin(part->vmin, TV);
  part->vmax = PetscMax(part->vmax, TV);
  part->vabs = PetscMax(part->vabs, PetscAbsReal(V));
}
