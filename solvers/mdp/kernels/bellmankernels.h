/* SPDX-License-Identifier: BSD-2-Clause */
/*
   The hot loops of Markov decision processes: rows in chunks of FEN_LANES consecutive states, one lane a state.

   Slot a of a chunk holds the a-th row of each of its states; a column of a slot holds one successor of each lane:
   local number and probability. Short rows end with probability zero and a column that exists (the state itself); rows
   that a state does not have carry the reward -inf. Sums, greedy choice and certificate are vertical vector operations,
   each entry is read once.

   The same source is compiled for several instruction sets; FenBellmanKernelsGet() chooses when the program starts.
*/
#pragma once
#include <fenchelsys.h>

#define FEN_LANES 8
/* a greedy action replaces the incumbent only if it is better by this times (1 + |value|) */
#define FEN_INCUMBENT 1e-12

/* where the lanes of a column reach: anywhere on nearby cache lines, far apart (hardware gathers pay), or mostly to
   consecutive states, as on grids (one load, and the numbers need not be read); coded: the same, and few columns
   differ, so that those that do are in a table; packed: nearby, and the same, for chunks of one slot each */
typedef enum { FEN_REACH_NEAR, FEN_REACH_FAR, FEN_REACH_RUNS, FEN_REACH_CODED, FEN_REACH_PACKED } FenReach;

typedef struct {
  FenInt          n;         /* states; the last chunk may be short */
  const FenInt   *chunk_ptr; /* first slot of a chunk */
  const FenInt   *slot_ptr;  /* first column of a slot */
  const int      *col;       /* FEN_LANES a column */
  const double   *val;       /* FEN_LANES a column */
  const double   *reward;    /* FEN_LANES a slot */
  double          discount;
  FenReach        reach;
  const FenInt   *live_ptr; /* first of a chunk in live */
  const int      *live;     /* slots of a chunk, from its first, that greedy sweeps visit; NULL: all */
  const int      *base;  /* FEN_REACH_RUNS: first number of a column whose numbers follow each other, -1 for others */
  const uint16_t *code;  /* FEN_REACH_CODED as well, and FEN_REACH_PACKED: which of the table's a column is */
  const double   *table; /* FEN_LANES each */
  const int      *least; /* FEN_REACH_PACKED: smallest number of a chunk, -1: it is not packed */
  const uint16_t *above; /* of each entry: number above that */
} FenChunks;

/* what the chunks say, of all that one sweep visits. NaN or Inf in V: lo = hi = NaN */
typedef struct {
  double lo, hi;     /* of TV - V */
  double vmin, vmax; /* of TV */
  double vabs;       /* largest |V| */
  double loss;       /* most that a kept incumbent is worse than the best action */
  double inexact;    /* most that exact rows can be above the values found */
  double changes;    /* policies that changed */
  double entries;    /* rows as they are stored: that were read; short lists: that are on them */
  double looked;     /* of these rows: how many were looked at to find the entries that are needed */
} FenSweepPart;

/* stored rows that come side by side into a slot; a lane may have none */
typedef struct {
  FenInt        start, n;     /* my states: a successor's local number is its own less start if that is below n */
  FenInt        below, above; /* added to that of smaller, of larger numbers */
  FenInt        count[FEN_LANES];
  int           self[FEN_LANES]; /* column of the entries that are not there */
  const FenInt *next[FEN_LANES];
  const double *prob[FEN_LANES];
} FenSlotRows;

/* rows as they are stored, successors by their numbers in the model */
typedef struct {
  FenInt        n, rows; /* n: states */
  FenInt        reach;   /* values that they may need */
  FenInt        ahead;   /* rows that are fetched so many before their turn in sweeps over all */
  const FenInt *state_ptr, *row_ptr, *next;
  const double *prob, *reward;
  double        sign, discount;
  PetscBool     lossy; /* rows need not sum to one */
  double       *q;     /* values of the rows; has room for FEN_LANES more */
} FenPlainRows;
/* all rows have values that are found first; these are rewards, as where V is zero; they are known */
typedef enum { FEN_ROWS_ALL, FEN_ROWS_REWARD, FEN_ROWS_KNOWN } FenRowsPass;

typedef struct {
  const char *name;
  int         lanes;
  /* chunks c0 .. c1-1: `own` are the values of the chunks' states, V what columns number; policy in and out */
  void (*sweep)(const FenChunks *, FenInt c0, FenInt c1, const double own[], const double V[], double TV[],
                int policy[], FenSweepPart *);
  /* the same over all rows as they are stored; x: values by number */
  void (*rows)(const FenPlainRows *, const double own[], const double x[], double TV[], int policy[], FenRowsPass,
               FenSweepPart *);
  /* q of n of them; those that come `ahead` numbers later in the list are fetched, which has as many more */
  void (*some_rows)(const FenPlainRows *, FenInt n, const FenInt list[], FenInt ahead, const double x[]);
  /* TV = best, the values of n states, which has room for FEN_LANES more, and what a sweep says about them */
  void (*finish)(FenInt n, double best[], const double own[], double TV[], FenSweepPart *);
  /* chunks of one slot each: TV = reward + discount P V */
  void (*apply)(const FenChunks *, FenInt c0, FenInt c1, const double own[], const double V[], double TV[],
                FenSweepPart *);
  /* chunks of one slot each: y = own - discount P x; own NULL: zeros, if no chunk is short */
  void (*mult)(const FenChunks *, FenInt c0, FenInt c1, const double own[], const double x[], double y[]);
  /* values of all slots of the chunks: q[FEN_LANES * (slot - first slot of c0) + lane] */
  void (*values)(const FenChunks *, FenInt c0, FenInt c1, const double V[], double q[]);
  /* a slot of so many columns from rows; nonzero: some successors are not mine */
  int (*fill)(const FenSlotRows *, FenInt columns, int col[], double val[]);
  /* rows that should sum to one do so up to two roundings of each entry; rows that are not there sum to zero */
  void (*normalise)(FenInt columns, double val[]);
} FenBellmanKernels;

PETSC_INTERN const FenBellmanKernels FenBellmanKernels_portable;
#if defined(FEN_HAVE_X86_KERNELS)
PETSC_INTERN const FenBellmanKernels FenBellmanKernels_avx2;
PETSC_INTERN const FenBellmanKernels FenBellmanKernels_avx512;
#endif

/* by the name of an instruction set, see FenSimdFind() */
PETSC_INTERN PetscErrorCode FenBellmanKernelsGet(const char *name, const FenBellmanKernels **);

static inline void FenSweepPartInit(FenSweepPart *p)
{
  *p = (FenSweepPart){.lo = PETSC_INFINITY, .hi = -PETSC_INFINITY, .vmin = PETSC_INFINITY, .vmax = -PETSC_INFINITY};
}
