/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Sweeps along one axis of a grid: a one-dimensional kernel takes each line of `ns` sources to a line of `nt` targets.

     LSE     out_i = log2 sum_j 2^(u_j - c_ij)
     apply   out_i = sum_j 2^(w_i + u_j - c_ij) v_j, terms times c_ij if weighted

   With |x-y|^2, and other convex costs from tables, terms below 2^-FEN_CUT of the largest of their sum are left out.
   Work for a line: about nt w exponentials, multiply-adds where windows are wide, and nt w + ns log2 nt differences, w
   the length of the windows of what remains. With |x-y| all terms are there, in nt + ns steps; there are no windows,
   and products are taken with kept factors. What is said of |x-y|^2 below is so with tables, too.
*/
#pragma once
#include "../kernels/kernels.h"

/* Of a block of lines, one in each lane, the sources [lo, hi) that are here. Those that are not my own have come: those
   before mine, then those after, numbers of a source's lanes next to each other, from `at` on */
typedef struct {
  FenInt lo, hi, at;
} FenSpan;

/* My own sources [lo, hi) of all lines, where source j of line l is number (j - lo) row + l / width slow + l % width
   fast of an array */
typedef struct {
  FenInt lo, hi, row, slow, fast, width;
} FenOwn;

/* those of a block's part of lines that are my own; empty somewhere in the part if none are */
static inline FenSpan FenOwnSpan(const FenOwn *own, const FenSpan *part)
{
  const FenInt lo = PetscMin(part->hi, PetscMax(part->lo, own->lo));

  return (FenSpan){lo, PetscMax(lo, PetscMin(part->hi, own->hi)), part->at};
}

/* where a line begins in an array of my own sources */
static inline FenInt FenOwnLine(const FenOwn *own, FenInt line)
{
  return line / own->width * own->slow + line % own->width * own->fast;
}

#define FEN_LANES 16 /* of line kernels, at most */

typedef struct {
  const FenKernels *kernels;
  FenTileKind       kind;
  FenInt            nt, ns, nlines;
  const double     *xt, *xs; /* of the axes, scaled, in equal steps upwards: c_ij is (xt_i - xs_j)^2 or |xt_i - xs_j| */
  const double     *cost; /* NULL, or scaled: c_ij is cost[i + j stride], for FEN_LANES targets more than there are */
  FenInt            stride;
  FenInt            inner; /* axes behind this one have so many points: point i of line l, of n points, is number
                              (l / inner * n + i) * inner + l % inner of an array. 0 is 1: line by line */
  const double *u, *w, *v; /* arrays */
  double       *out;       /* array */
  PetscBool     weighted;  /* apply */
  int          *windows;   /* FenSweepWindows() numbers that stay, or NULL */
  PetscBool     have;      /* apply: `windows` are there already, from a sweep with the same axes and u */
  double       *work;      /* FenSweepWork(.., longest line) numbers, also for windows that do not stay */
  double       *visits;    /* LSE with |x-y|^2: terms of each line are counted here, NULL: not */
  /* |x-y|^2: NULL, or parts of the sources, block by block. Then arrays of the sources are of my own ones, windows are
     relative to the parts, and what is of the targets is point by point, as if all lines were `inner` */
  const FenSpan     *span;
  const FenOwn      *own;
  const double      *ucame, *vcame; /* u and v of other sources, */
  double            *go;            /* and sums that go there */
  const FenToeplitz *toeplitz;      /* |x-y|^2, NULL: steps of sources and targets differ */
  FenInt             first;         /* target of the axis that is number 0 here */
  FenInt             from, to;      /* only these blocks are worked on */
} FenSweep;

/* where a line begins in an array whose lines have so many points, `inner` apart */
static inline FenInt FenSweepLine(FenInt inner, FenInt length, FenInt line)
{
  return inner == 1 ? line * length : line / inner * inner * length + line % inner;
}

/* Normalised factors e_ij = 2^(u_j - c_ij - out_i) of a LSE sweep, for products without exponentials: single precision,
   terms below 2^-FEN_KEPT_CUT of the largest left out, and yet rows sum to one to double precision, so that Laplacians
   made of them have constants in their null space. Kept while they are at most FEN_FACTORS_MOST numbers a target, which
   they are when epsilon is small. With |x-y|: what the passes over a line keep, 2 (ns + nt) numbers of double
   precision, always */
typedef struct {
  PetscBool have;
  double   *scale;   /* |x-y|, block after block */
  FenInt    nblocks; /* of lines: FenSweepBlocks() */
  float   **e;       /* of each block */
  FenInt   *room;    /* numbers that each has room for */
  FenInt    used;    /* numbers of the blocks so far */
  int      *windows; /* of what is kept, block after block */
} FenFactors;
#define FEN_FACTORS_MOST 80

PETSC_INTERN FenInt FenSweepWindows(const FenKernels *, FenInt nt, FenInt nlines);
PETSC_INTERN FenInt FenSweepWork(const FenKernels *, FenInt longest);
PETSC_INTERN void   FenSweepLSE(const FenSweep *);
/* |x-y|^2: windows as those of LSE, and out_i = max_j (u_j - c_ij) in each of them */
PETSC_INTERN void FenSweepMax(const FenSweep *);
PETSC_INTERN void FenSweepApply(const FenSweep *);
/* minus min_j (c_ij - u_j) */
PETSC_INTERN PetscErrorCode FenSweepHard(const FenSweep *);
PETSC_INTERN FenInt         FenSweepBlocks(const FenKernels *, FenInt nlines);
PETSC_INTERN PetscErrorCode FenFactorsCreate(const FenKernels *, FenTileKind, FenInt nt, FenInt nlines, FenFactors *);
PETSC_INTERN PetscErrorCode FenFactorsDestroy(FenFactors *);
/* LSE that also keeps the factors; windows must be given and stay (not with |x-y|) */
PETSC_INTERN PetscErrorCode FenSweepFactors(const FenSweep *, FenFactors *);
/* with kept factors: out_i = sum_j e_ij v_j (with |x-y| also weighted: e_ij c_ij v_j); transposed: out_j = sum_i e_ij
   v_i; and both, with a weight on the targets in between, w: out_j = sum_i e_ij w_i sum_k e_ik v_k */
typedef enum { FEN_SWEEP_FORWARD, FEN_SWEEP_TRANSPOSED, FEN_SWEEP_SQUARES, FEN_SWEEP_BOTH } FenSweepProduct;
PETSC_INTERN void FenSweepMult(const FenSweep *, const FenFactors *, FenSweepProduct);
/* out_j = sum_i 2^(w_i + u_j - c_ij) v_i, v on the targets, in double precision; windows of a LSE sweep must be there
 */
PETSC_INTERN void FenSweepSpread(const FenSweep *);

/* Couplings of sources through the targets of kept factors e: with f those of another line, for each offset o in
   [first, last], out[o-first][j] = sum_i e_ij v_i f_i,j+o. With |x-y| u and w of the sweep are the line's own exponents
   and minus its log sums */
typedef struct {
  FenInt        first, last;
  const FenInt *other;       /* for each line the other one's number in u and minus, -1: none; NULL: it is itself, and
                                parts of lines are there as the sweep has them, with what came */
  FenInt         lo, length; /* lines in u are of so many sources, from lo on, and lines in minus of nt targets, */
  FenInt         inner;      /* in arrays as those of a sweep */
  const double  *u, *minus;  /* exponents of lines, and minus their log sums */
  double *const *out;
  double *const *go;   /* parts of lines: the sums of sources that are not my own */
  double        *work; /* FenSweepCoupleWork() numbers */
} FenSweepCouplings;
PETSC_INTERN FenInt FenSweepCoupleWork(const FenKernels *, FenInt ns, FenInt offsets);
PETSC_INTERN void   FenSweepCouple(const FenSweep *, const FenFactors *, const FenSweepCouplings *);
