/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Sums along an axis of a grid that is cut along it, without the exchange of all with all: see halo.c. A rank has some
   targets of each of its lines, and takes the sources that matter to them from those who have them.
*/
#pragma once
#include <fenchellayout.h>
#include "sweeps.h"

#define FEN_HALO_GROUPS 2 /* of blocks: the sources of one travel while another is worked on */

typedef struct _p_FenHalo *FenHalo;

/* sources: blocks, in any storage order; targets: the same along the axis of the other side, which is stored slowest,
   and the other axes in their order. line: the ranks whose blocks differ along the axis only, in their order, or this
   one alone if it has no block. NULL: the blocks are not cut along the axis, or in different ways along others, or thin
 */
PETSC_INTERN PetscErrorCode FenHaloCreate(FenLayout sources, FenLayout targets, PetscInt axis, MPI_Comm line,
                                          const FenKernels *, FenHalo *);
PETSC_INTERN PetscErrorCode FenHaloDestroy(FenHalo *);
/* Collective. Which sources matter to the first and the last target of a block, and so to those between them? A sweep
   across blocks, with its u; its xt and costs are of all targets of the axis, on both sides of mine */
PETSC_INTERN PetscErrorCode FenHaloSee(FenHalo, const FenSweep *);
/* Were all sources of my targets among those that came? After a sweep over parts of lines: its windows, which are seen
   as well. If so on all ranks, and only then, the sums are those of whole lines */
PETSC_INTERN PetscBool FenHaloHolds(FenHalo, const int windows[]);
/* so many numbers of others matter to my targets, by the windows seen last; and is the most of any rank less than the
   exchange of all with all? */
PETSC_INTERN FenInt    FenHaloNeeds(FenHalo);
PETSC_INTERN PetscBool FenHaloPays(FenHalo, FenInt most);
/* Collective. u: exponents of my sources. From now on what the windows seen last need comes, and a margin */
PETSC_INTERN PetscErrorCode FenHaloPlan(FenHalo, const double u[]);
/* the parts of lines that matter, FenSweepBlocks() of them, which of them are my own, and how many numbers come */
PETSC_INTERN const FenSpan *FenHaloSpans(FenHalo);
PETSC_INTERN const FenOwn  *FenHaloOwn(FenHalo);
PETSC_INTERN FenInt         FenHaloSize(FenHalo);
/* blocks of a group */
PETSC_INTERN void FenHaloGroup(FenHalo, int group, FenInt *from, FenInt *to);
/* Collective. Numbers of sources come from their owners, of all groups, and are there group by group. And back: those
   of a group go, and what comes for my own sources is added to `out` */
PETSC_INTERN PetscErrorCode FenHaloGetBegin(FenHalo, const double in[], double come[]);
PETSC_INTERN PetscErrorCode FenHaloGetEnd(FenHalo, int group, const double in[], double come[]);
PETSC_INTERN PetscErrorCode FenHaloAddBegin(FenHalo, int group, const double go[], double out[]);
PETSC_INTERN PetscErrorCode FenHaloAddEnd(FenHalo, int group, const double go[], double out[]);
