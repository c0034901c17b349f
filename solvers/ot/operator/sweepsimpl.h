/* SPDX-License-Identifier: BSD-2-Clause */
/* Blocks of lines, one in each lane of the kernels or a lane for a share of a line; see sweepblocks.c. */
#pragma once
#include "sweeps.h"

#define FEN_ARRAYS 6 /* work arrays: u, v, targets' coordinates, w, results, terms */

typedef struct {
  FenInt    lanes, n, r;                    /* n lines, r lanes for each */
  FenInt    rows;                           /* targets of a lane */
  PetscBool next;                           /* lines follow each other, one in each lane */
  FenInt    inner;                          /* points of a line are so far apart, see FenSweep */
  FenInt line[FEN_LANES], share[FEN_LANES]; /* of a lane: its line, its first target; lanes that remain repeat others */
} FenBlock;

/* tables have all pairs: nothing is gained by knowing which sources matter */
static inline PetscBool FenSweepIsWhole(const FenSweep *s)
{
  return (PetscBool)(s->toeplitz && !s->span && FenToeplitzIsWhole(s->toeplitz, s->nt, s->ns));
}

PETSC_INTERN FenBlock FenBlockOf(const FenSweep *, FenInt first);
/* n numbers of each line of `length` points */
PETSC_INTERN void FenBlockGather(const FenBlock *, FenInt n, FenInt length, const double from[], double to[]);
PETSC_INTERN void FenBlockScatter(const FenBlock *, FenInt nt, const double from[], double to[]);
/* all sources of the block's lines, or its parts of them with those that came; and sums for them, over the lanes that a
   line has: my own sources' are put into `to`, zero for those that are not in the part, and others' into `go` */
PETSC_INTERN void FenBlockGatherSources(const FenSweep *, const FenBlock *, const double from[], const double came[],
                                        double to[]);
PETSC_INTERN void FenBlockScatterSources(const FenSweep *, const FenBlock *, const double from[], double to[],
                                         double go[]);
/* what is of the targets: lanes and rows beyond them repeat others; coordinates, only for the first block and where
   shares are others than in the block before; values that are summed over targets, where those that repeat others are
   zero */
PETSC_INTERN void FenBlockGatherTargets(const FenBlock *, FenInt nt, const double from[], double to[]);
PETSC_INTERN void FenBlockCoordinates(const FenSweep *, const FenBlock *, double to[]);
PETSC_INTERN void FenBlockGatherValues(const FenBlock *, FenInt nt, const double from[], double to[]);
/* the sources [from, to) of the lines with which a block's lines are coupled, and their targets; of line 0 where there
   is none */
PETSC_INTERN void FenBlockGatherOthers(const FenSweep *, const FenSweepCouplings *, const FenBlock *, FenInt from,
                                       FenInt to, double u[], double minus[]);

/* |x-y|: see conesweeps.c */
PETSC_INTERN void           FenConesLSE(const FenSweep *);
PETSC_INTERN PetscErrorCode FenConesFactors(const FenSweep *, FenFactors *);
PETSC_INTERN void           FenConesMult(const FenSweep *, const FenFactors *, FenSweepProduct);
PETSC_INTERN void           FenConesCouple(const FenSweep *, const FenSweepCouplings *);
