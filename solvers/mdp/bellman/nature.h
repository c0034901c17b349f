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
  /* ---- optional ---- */
  /* collective, before sweeps at V: my states' values are there, those of others not yet */
  PetscErrorCode (*prepare)(FenBellman, void *data, const double V[]);
  /* entries that a lane of the state takes at most; NULL: those of its longest row */
  PetscErrorCode (*room)(FenBellman, void *data, FenInt state, FenInt *);
  /* numbers that a restart needs, `components` of each state; one of them for my states, out or (load) in */
  PetscErrorCode (*components)(FenBellman, void *data, PetscInt *);
  PetscErrorCode (*state)(FenBellman, void *data, PetscInt component, PetscBool load, double x[]);
  /* randomised policies: which component is the probability of a state's first row; the others follow it */
  PetscInt (*policy)(void *data);
  /* all rows of a policy at once: into b->policy, b->policy_reward and b->policy_of */
  PetscErrorCode (*extract)(FenBellman, void *data, const int policy[], const double V[]);
  /* T_pi V of the runs' chunks with nature's answers at V; a policy that is not one of terminal states is -1 there */
  PetscErrorCode (*policy_sweep)(FenBellman, void *data, const FenRuns *, const int policy[], const double V[],
                                 double TV[], FenSweepPart *);
} FenNatureOps;

struct _FenNature {
  const FenNatureOps *ops;
  PetscBool           weighted; /* l1 or linf, and states of some rank have weights */
  void               *data;
};

/* eight states at once: divergences around the nominal law, and norms, of stored rows */
PETSC_INTERN const FenNatureOps FenNatureLanes;
/* whether the norm is one of them; collective. Where states are, for transport: y is NULL on a line */
PETSC_INTERN PetscErrorCode FenNatureNormAble_Private(FenBellman, PetscBool *able);
PETSC_INTERN PetscErrorCode FenNatureNormPlaces_Private(FenBellman, double **x, double **y);
/* row by row: every divergence and set, balls and prices */
PETSC_INTERN const FenNatureOps FenNatureRows;
/* s-rectangular */
PETSC_INTERN const FenNatureOps FenNatureSRect;

/* worst cases of rows that are no divergence (rowset.c) */
typedef struct _FenRowSet  *FenRowSet;
PETSC_INTERN PetscBool      FenRowSetHas_Private(FenBellman);
PETSC_INTERN PetscErrorCode FenRowSetCreate_Private(FenBellman, FenRowSet *);
PETSC_INTERN PetscErrorCode FenRowSetDestroy_Private(FenRowSet *);
PETSC_INTERN PetscErrorCode FenRowSetNumbers_Private(FenBellman, double **numbers, FenInt *width);
/* z: what the row's successors yield; law may be NULL */
PETSC_INTERN PetscErrorCode FenRowSetAnswer_Private(FenBellman, FenRowSet, const FenRowView *, const double z[],
                                                    double law[], FenWorstCase *);

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
