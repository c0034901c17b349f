/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the operator share. */
#pragma once
#include "bellman.h"
#include "../kernels/bellmankernels.h"
#include <petscsf.h>

/* chunks that own their arrays, see FenChunks */
typedef struct {
  FenChunks view;
  FenInt    nchunks, nslots, ncolumns; /* ncolumns: of FEN_LANES entries each */
  FenInt   *chunk_ptr, *slot_ptr;
  int      *col, *base;
  double   *val, *reward;
} FenChunkStore;

/* chunks c0 .. c1-1 that follow each other */
typedef struct {
  FenInt c0, c1;
} FenRun;

typedef struct {
  FenInt  n, capacity;
  FenRun *run;
} FenRuns;

typedef struct _FenNature FenNature;

struct _p_FenBellman {
  MPI_Comm                 comm;
  FenMDPModel              model;
  FenBellmanOptions        options;
  FenLayout                layout; /* of my states; owned unless it is the model's */
  PetscSF                  move;   /* from the model's states to mine; NULL: the same */
  const FenMDPRows        *rows;   /* mine, in the operator's numbering; NULL: made on demand */
  FenMDPRows              *moved;  /* the same if they are the operator's own */
  PetscBool                own_layout;
  FenInt                   nlocal, nghost, start, total;
  FenInt                  *ghost;   /* global numbers, ascending */
  uint64_t                *reached; /* a bit each state of others that my rows reach */
  int                     *before;  /* how many bits are set before each word; NULL on one rank */
  PetscSF                  exchange;
  double                   sign;  /* -1: costs */
  double                   slack; /* rounding of a row, relative to max |r| + discount max |V| */
  double                   reward_abs;
  PetscBool                substochastic;
  PetscBool                widen;                /* rows may lose mass: bounds of TV - V include zero */
  FenInt                   nterminal, *terminal; /* my states without rows */
  double                  *terminal_value;
  const FenBellmanKernels *kernels;
  FenChunkStore            all;          /* all rows of my states; empty if rows are made on demand */
  FenRuns                  inner, outer; /* chunks that reach no ghost, and the others */
  FenChunkStore            piece;        /* rows made on demand: one chunk */
  FenInt                   longest;      /* row, of mine */
  FenMDPRow               *row;          /* work, all below */
  int                     *row_col, *lane_col;
  double                  *row_prob, *row_next, *lane_prob;
  int                     *scratch_policy; /* of callers that want none */
  FenNature               *nature;         /* NULL: nominal rows */
  /* nature may put mass on the state of the smallest value, wherever it is; NULL: it does not */
  double     *popped; /* how much, for the rows of the policy */
  double      low;    /* that value */
  FenInt      low_state;
  PetscMPIInt low_rank;
  /* policy */
  FenChunkStore policy;
  int          *policy_of; /* what is extracted, -1: nothing */
  double       *policy_reward, *policy_x;
  /* reduction */
  MPI_Op       op;
  MPI_Datatype type;
  double       sweeps, matvecs;
};

PETSC_INTERN PetscErrorCode FenBellmanSetUpGhosts_Private(FenBellman);
PETSC_INTERN PetscErrorCode FenBellmanExchangeBegin_Private(FenBellman, double V[]);
PETSC_INTERN PetscErrorCode FenBellmanExchangeEnd_Private(FenBellman, double V[]);
PETSC_INTERN PetscErrorCode FenBellmanSetTerminal_Private(FenBellman, double V[]);
/* agrees on what all ranks' chunks say; requests of the solver (NULL: none) travel along */
PETSC_INTERN PetscErrorCode FenBellmanAgree_Private(FenBellman, FenSolver, const FenSweepPart *, FenSweepStats *);
PETSC_INTERN PetscErrorCode FenBellmanReductionCreate_Private(FenBellman);
PETSC_INTERN PetscErrorCode FenBellmanReductionDestroy_Private(FenBellman);

/* local number of a state; it must be mine or a ghost */
PETSC_INTERN int            FenBellmanLocal_Private(FenBellman, FenInt global);
PETSC_INTERN PetscErrorCode FenBellmanNumberOfRows_Private(FenBellman, FenInt state, int *);
/* a row of my state in local numbers, rewards with the operator's sign, probabilities that sum to one unless the
   model's need not; valid until the next call */
typedef struct {
  FenInt        n;
  const int    *col;
  const double *prob;
  const double *reward_next; /* NULL: none */
  const double *low, *up;    /* bounds of prob, NULL: none */
  double        reward;
  double        popped; /* nature's mass on the state of the smallest value */
} FenRowView;
PETSC_INTERN PetscErrorCode FenBellmanRow_Private(FenBellman, FenInt state, int action, FenRowView *);

PETSC_INTERN PetscErrorCode FenChunksAllocate_Private(FenChunkStore *, FenInt n, FenInt nchunks, FenInt nslots,
                                                      FenInt ncolumns, double discount);
PETSC_INTERN PetscErrorCode FenChunksDestroy_Private(FenChunkStore *);
PETSC_INTERN PetscErrorCode FenRunsAdd_Private(FenRuns *, FenInt chunk);
/* the rows of one chunk of my states into a store that has room: slots from `slot`, columns from slot_ptr[slot] on */
PETSC_INTERN PetscErrorCode FenBellmanFillChunk_Private(FenBellman, FenInt chunk, FenChunkStore *, FenInt slot,
                                                        FenInt *slots);
/* all rows of my states, once */
PETSC_INTERN PetscErrorCode FenBellmanStoreAll_Private(FenBellman);
PETSC_INTERN PetscErrorCode FenBellmanPolicyDestroy_Private(FenBellman);

/* robust and penalised rows (nature.c) */
PETSC_INTERN PetscErrorCode FenNatureCreate_Private(FenBellman);
PETSC_INTERN PetscErrorCode FenNatureDestroy_Private(FenBellman);
/* collective, before anything is done at V */
PETSC_INTERN PetscErrorCode FenNaturePrepare_Private(FenBellman, const double V[]);
/* entries that the policy's lanes of a chunk take at most */
PETSC_INTERN PetscErrorCode FenNatureRoom_Private(FenBellman, FenInt chunk, FenInt *);
PETSC_INTERN PetscErrorCode FenNatureSweep_Private(FenBellman, const FenRuns *, const double V[], double TV[],
                                                   int policy[], FenSweepPart *);
PETSC_INTERN PetscErrorCode FenNatureRowValues_Private(FenBellman, const double V[], double q[]);
/* valid until the next call */
PETSC_INTERN PetscErrorCode FenNatureLane_Private(FenBellman, FenInt state, int action, const double V[], FenRowView *);

static inline FenInt FenChunkCount(FenInt n)
{
  return (n + FEN_LANES - 1) / FEN_LANES;
}
