/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the operator share. */
#pragma once
#include "bellman.h"
#include "../kernels/bellmankernels.h"
#include <indexset.h>
#include <petscsf.h>

/* chunks that own their arrays, see FenChunks */
typedef struct {
  FenChunks view;
  FenInt    nchunks, nslots, ncolumns; /* ncolumns: of FEN_LANES entries each */
  FenInt   *chunk_ptr, *slot_ptr;
  int      *col, *base;
  double   *val, *reward;
  uint16_t *code;
  double   *table; /* see FEN_REACH_CODED */
} FenChunkStore;

/* chunks of one slot each whose columns have codes and small numbers (codes.c) */
typedef struct {
  struct _FenCodeTable *codes; /* NULL: they are not packed */
  int                  *least;
  uint16_t             *above, *code;
  char                 *stale; /* of a chunk: it was changed since it was packed */
} FenPacked;

/* chunks c0 .. c1-1 that follow each other */
typedef struct {
  FenInt c0, c1;
} FenRun;

typedef struct {
  FenInt  n, capacity;
  FenRun *run;
} FenRuns;

#define FEN_PIECE 8 /* chunks of rows made on demand that are swept together */

typedef struct _FenNature    FenNature;
typedef struct _FenShortlist FenShortlist;
typedef struct _FenWindows   FenWindows;

struct _p_FenBellman {
  MPI_Comm                 comm;
  PetscMPIInt              size;
  FenMDPModel              model;
  FenBellmanOptions        options;
  FenLayout                layout; /* of my states; owned unless it is the model's */
  PetscBool                own_layout;
  FenInt                   model_n, model_start; /* my states on the model's layout */
  PetscSF                  move;                 /* from the model's states to mine; NULL: the same */
  PetscBool                scattered;            /* a rank's states need not follow each other */
  FenInt                  *number;               /* then: the model's numbers of mine, ascending */
  const FenMDPRows        *rows;                 /* mine, or NULL: made on demand */
  FenMDPRows               held;                 /* what rows points to; arrays are the model's, unless ... */
  PetscBool                own_rows, own_entries;
  FenInt                   nlocal, nghost, start, total;
  FenIndexSet              mine;    /* numbers of my states if they do not follow each other */
  FenIndexSet              reached; /* states of others that my rows reach */
  FenInt                  *ghost;   /* their numbers, ascending */
  PetscSF                  exchange;
  double                   words, messages, imbalance; /* of all ranks, each sweep; work of the busiest over the mean */
  double                   sign;                       /* -1: costs */
  double                   slack;                      /* rounding of a row, relative to max |r| + discount max |V| */
  double                   reward_abs, reward_range;
  PetscBool                substochastic;
  PetscBool                widen;                /* rows may lose mass: bounds of TV - V include zero */
  PetscBool                zero_ends;            /* terminal values are zero, on all ranks */
  FenInt                   nterminal, *terminal; /* my states without rows */
  int                      most_rows;            /* of one of my states */
  double                  *terminal_value;
  const FenBellmanKernels *kernels;
  PetscBool                stored;              /* all rows of my states are in chunks; otherwise made on demand */
  FenChunkStore            all;                 /* empty unless they are */
  PetscBool                is_plain;            /* rows are swept as they are stored, `all` is empty (plain.c) */
  FenPlainRows             plain;               /* these rows */
  PetscBool                give_back, listable; /* of them: the entries are mine; q has values of a sweep */
  PetscBool                plain_known;         /* q are values at plain_V, or bounds above them */
  PetscBool                plain_begun;         /* some of the incumbents have values at V already */
  FenInt                  *plain_list;
  char                    *plain_read;               /* of the rows: q is a value at plain_V */
  double                  *plain_V, *plain_now;      /* by numbers; on one rank there is no copy of what is V now */
  double                  *plain_least;              /* of my states */
  double                   plain_entries;            /* of all ranks' rows */
  double                   plain_work, plain_looked; /* sweeps, by entries; passes over rows, by entries */
  FenInt                   reach_first, reach_n;     /* my states and all that my rows reach are among these numbers */
  PetscBool                reach_all;                /* all others among them are ghosts */
  FenWindows              *windows;                  /* of states that rows reach; NULL: they reach all (windows.c) */
  FenRuns                  inner, outer;             /* chunks that reach no ghost, and the others */
  FenChunkStore            piece;                    /* rows made on demand: FEN_PIECE chunks */
  PetscBool                lanes;                    /* they can be made for several states at once */
  FenInt                  *lane_next;
  FenInt                   longest; /* row, of mine */
  FenMDPRow               *row;     /* work, all below */
  int                     *row_col, *lane_col;
  double                  *row_prob, *row_next, *lane_prob;
  int                     *scratch_policy; /* of callers that want none */
  FenNature               *nature;         /* NULL: nominal rows */
  double                   inexact;        /* see FenBellmanSetInexact() */
  /* nature may put mass on the state of the smallest value, wherever it is; NULL: it does not */
  double     *popped; /* how much, for the rows of the policy */
  double      low;    /* that value */
  FenInt      low_state;
  PetscMPIInt low_rank;
  /* policy */
  FenChunkStore policy;
  FenPacked     packed;    /* the same */
  PetscBool     alike;     /* all rows have as many entries */
  int          *policy_of; /* what is extracted, -1: nothing */
  double       *policy_reward, *policy_x;
  /* rows beside the policy's that are tried between sweeps over all (shortlist.c), or NULL */
  FenShortlist *shortlist;
  /* rows that cannot be optimal (eliminate.c) */
  unsigned char *gone;     /* of each slot: a bit each lane; NULL: none yet */
  FenInt        *live_ptr; /* of each chunk: its first in live */
  int           *live;     /* slots of a chunk that some lane needs */
  /* colours (colour.c) */
  int   coloured; /* 0: not looked, 1: there are none, 2: two */
  char *colour;   /* of my states, then of ghosts; NULL: none */
  /* reduction */
  MPI_Op       op;
  MPI_Datatype type;
  double       sweeps, matvecs;
};

/* owner of each of my states of the model as the partition says, NULL if the model's own cut stays (partition.c) */
PETSC_INTERN PetscErrorCode FenBellmanPartition_Private(FenBellman, PetscMPIInt **owner);
PETSC_INTERN PetscErrorCode FenBellmanWork_Private(FenBellman, double *mine);
/* states and their rows to their owners (move.c) */
PETSC_INTERN PetscErrorCode FenBellmanMove_Private(FenBellman, const PetscMPIInt owner[]);
PETSC_INTERN PetscErrorCode FenBellmanCountWords_Private(FenBellman);

PETSC_INTERN PetscErrorCode FenBellmanSetUpGhosts_Private(FenBellman);
PETSC_INTERN PetscErrorCode FenBellmanExchangeBegin_Private(FenBellman, double V[]);
PETSC_INTERN PetscErrorCode FenBellmanExchangeEnd_Private(FenBellman, double V[]);
PETSC_INTERN PetscErrorCode FenBellmanSetTerminal_Private(FenBellman, double V[]);
/* agrees on what all ranks' chunks say; requests of the solver (NULL: none) travel along */
PETSC_INTERN PetscErrorCode FenBellmanAgree_Private(FenBellman, FenSolver, const FenSweepPart *, FenSweepStats *);
PETSC_INTERN PetscErrorCode FenBellmanReductionCreate_Private(FenBellman);
PETSC_INTERN PetscErrorCode FenBellmanReductionDestroy_Private(FenBellman);

/* local number of a state; it must be mine or a ghost */
PETSC_INTERN int FenBellmanLocal_Private(FenBellman, FenInt global);
/* numbers that a row of my state reaches; valid until the next call */
PETSC_INTERN PetscErrorCode FenBellmanNext_Private(FenBellman, FenInt state, int action, FenInt *, const FenInt *[]);
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
/* where the columns reach: sets reach and, for runs, base */
PETSC_INTERN PetscErrorCode FenChunksFindReach_Private(FenChunkStore *);
/* of nominal chunks whose columns mostly are runs: codes, if few columns differ (codes.c) */
PETSC_INTERN PetscErrorCode FenChunksFindCodes_Private(FenChunkStore *);
/* chunks of one slot each, near; all are stale. Then the stale ones are packed, or none any more if too many differ */
PETSC_INTERN PetscErrorCode FenPackedCreate_Private(FenPacked *, FenChunkStore *);
PETSC_INTERN PetscErrorCode FenPackedRenew_Private(FenPacked *, FenChunkStore *);
PETSC_INTERN PetscErrorCode FenPackedDestroy_Private(FenPacked *);
PETSC_INTERN PetscErrorCode FenRunsAdd_Private(FenRuns *, FenInt chunk);
/* the rows of one chunk of my states into a store that has room: slots from `slot`, columns from slot_ptr[slot] on */
PETSC_INTERN PetscErrorCode FenBellmanFillChunk_Private(FenBellman, FenInt chunk, FenChunkStore *, FenInt slot,
                                                        FenInt *slots);
/* the a-th rows of a chunk's states, made together; n < 0: they cannot be. prob: room for a chunk's longest rows */
PETSC_INTERN PetscErrorCode FenBellmanLanes_Private(FenBellman, FenInt chunk, int action, double *prob,
                                                    FenMDPRowLanes *);
/* do lanes reach my states only; may say no where they do */
PETSC_INTERN PetscBool FenBellmanLanesAreMine_Private(FenBellman, const FenMDPRowLanes *);
/* all rows of my states, once; give_back: the operator's own copy is freed meanwhile */
PETSC_INTERN PetscErrorCode FenBellmanStoreAll_Private(FenBellman, PetscBool give_back);
/* columns whose numbers follow each other */
PETSC_INTERN void           FenBellmanFindRuns_Private(FenChunkStore *, FenInt ncolumns);
PETSC_INTERN PetscErrorCode FenBellmanPolicyDestroy_Private(FenBellman);

/* a stored row of a state in each lane (-1: none, 0 of a terminal state: its value), into a slot; where it begins and
   ends is known */
PETSC_INTERN void FenBellmanFillRows_Private(FenBellman, const FenInt state[], const int row[], FenChunkStore *,
                                             FenInt slot);
/* entries of the longest of them */
PETSC_INTERN FenInt FenBellmanLongestOf_Private(FenBellman, const FenInt state[], const int row[]);
PETSC_INTERN void   FenBellmanTerminalPolicy_Private(FenBellman, int policy[], int value);
/* where columns reach, as some of the columns tell */
PETSC_INTERN FenReach FenChunksReach_Private(const FenChunkStore *);

/* rows as they are stored (plain.c); the same on all ranks */
PETSC_INTERN PetscErrorCode FenBellmanPlainPays_Private(FenBellman, PetscBool *);
PETSC_INTERN PetscErrorCode FenBellmanPlainCreate_Private(FenBellman, PetscBool give_back);
PETSC_INTERN PetscErrorCode FenBellmanPlainDestroy_Private(FenBellman);
/* rounding of an entry of TV where the values of V are at most so large */
PETSC_INTERN double         FenBellmanSlack_Private(FenBellman, double vabs);
PETSC_INTERN PetscErrorCode FenBellmanPlainEnough_Private(FenBellman);
/* what can be done before values of ghosts are there, and the sweep */
PETSC_INTERN PetscErrorCode FenBellmanPlainBegin_Private(FenBellman, const double V[], const int policy[],
                                                         FenSweepPart *);
PETSC_INTERN PetscErrorCode FenBellmanPlainSweep_Private(FenBellman, PetscBool zero, const double V[], double TV[],
                                                         int policy[], FenSweepPart *);
/* values at V of the rows that a sweep needs, and bounds of the others, unless most are needed (needed.c). x: by
   numbers */
#define FEN_ROWS_AHEAD 32 /* room behind the list of rows */
PETSC_INTERN PetscErrorCode FenBellmanReadSome_Private(FenBellman, const double V[], const double x[],
                                                       const int policy[], double *entries, PetscBool *some);
/* of chunks of one slot each that reach no ghost, or of the others: q[FEN_LANES * chunk + lane] */
PETSC_INTERN void FenBellmanValuesOfRuns_Private(FenBellman, const FenRuns *, const FenChunkStore *, const double V[],
                                                 double q[]);
/* windows of states that rows reach, if they are small */
PETSC_INTERN PetscErrorCode FenBellmanWindowsCreate_Private(FenBellman);
PETSC_INTERN PetscErrorCode FenBellmanWindowsDestroy_Private(FenBellman);
/* raises the numbers of rows that were not read to bounds at V */
PETSC_INTERN void           FenBellmanRaiseNear_Private(FenBellman, const double x[]);
PETSC_INTERN PetscErrorCode FenBellmanShortlistDestroy_Private(FenBellman);
/* rows on the short list get their values at V */
PETSC_INTERN void FenBellmanShortValues_Private(FenBellman, const double V[]);

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

static inline PetscBool FenBellmanIsPlain(FenBellman b)
{
  return b->is_plain;
}

/* are the policy's rows in their chunks */
static inline PetscBool FenBellmanHasPolicy(FenBellman b)
{
  return (PetscBool)(b->policy_of && (!b->nlocal || b->policy_of[0] >= 0));
}

/* the model's number of my state */
static inline FenInt FenBellmanNumber(FenBellman b, FenInt s)
{
  return b->scattered ? b->number[s] : b->start + s;
}

static inline FenInt FenChunkCount(FenInt n)
{
  return (n + FEN_LANES - 1) / FEN_LANES;
}
