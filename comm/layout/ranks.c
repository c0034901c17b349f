/* SPDX-License-Identifier: BSD-2-Clause */
/*
   FenLayout: over which grid of ranks an array is cut.
*/
#include "../commimpl.h"

/* ranks on two axes such that the largest box is smallest; among equals the squarest */
void FenLayoutSplit_Private(PetscMPIInt P, const FenInt n[2], PetscMPIInt p[2])
{
  FenInt best = -1;

  for (PetscMPIInt a = 1; a <= P; a++) {
    const PetscMPIInt b = P / a;
    const FenInt      box = ((n[0] + a - 1) / a) * ((n[1] + b - 1) / b);

    if (P % a)
      continue;
    if (best < 0 || box < best || (box == best && PetscAbs(a - b) < PetscAbs(p[0] - p[1]))) {
      best = box;
      p[0] = a;
      p[1] = b;
    }
  }
}

#define AROUND   8    /* entries along a cut axis that a rank needs of its neighbours, or works on as they do */
#define MESSAGES 3000 /* entries that could be worked on while messages travel along a second axis, or a third */

/* what a rank works on at most: the largest box, and what is around it along the axes that are cut */
static double FenLayoutLoad(PetscInt dim, const FenInt shape[], const PetscMPIInt p[])
{
  double box = 1, around = 1, messages = -MESSAGES;

  for (PetscInt k = 0; k < dim; k++) {
    const FenInt length = (shape[k] + p[k] - 1) / p[k];

    box *= (double)length;
    around += p[k] > 1 ? AROUND / (double)length : 0;
    messages += p[k] > 1 ? MESSAGES : 0;
  }
  return box * around + PetscMax(0, messages);
}

/*@C
  FenLayoutChooseRanks - Chooses a grid of ranks for an array whose neighbouring entries are worked on together.

  Not Collective

  Input Parameters:
+ most  - ranks that there are, 1 or more
. dim   - number of axes, 1 to 3
- shape - entries along each axis

  Output Parameter:
. nprocs - ranks along each axis, three numbers: at most `most` in all, and no more along an axis than it has entries.
           Of all such grids the one on which the busiest rank has least to do, with eight entries of neighbours along
           each axis that is cut, and as much as 3,000 entries for messages along a second and a third; axis 0 is cut
           first

  Level: intermediate

.seealso: `FenLayoutCreateGrid()`, `FenLayoutCreateBlocks()`
@*/
PetscErrorCode FenLayoutChooseRanks(PetscMPIInt most, PetscInt dim, const FenInt shape[],
                                    PetscMPIInt nprocs[FEN_MAX_DIM])
{
  const FenInt n[FEN_MAX_DIM] = {PetscMax(1, shape[0]), dim > 1 ? PetscMax(1, shape[1]) : 1,
                                 dim > 2 ? PetscMax(1, shape[2]) : 1};
  double       least = -1;

  PetscFunctionBegin;
  for (PetscMPIInt a = (PetscMPIInt)PetscMin(most, n[0]); a >= 1; a--)
    for (PetscMPIInt b = (PetscMPIInt)PetscMin(most / a, n[1]); b >= 1; b--) {
      const PetscMPIInt p[FEN_MAX_DIM] = {a, b, (PetscMPIInt)PetscMin(most / a / b, n[2])};
      const double      load = FenLayoutLoad(dim, n, p);

      if (least < 0 || load < least) {
        least = load;
        PetscCall(PetscArraycpy(nprocs, p, FEN_MAX_DIM));
      }
      if (dim == 2) /* fewer ranks along the last axis have more to do */
        break;
    }
  PetscFunctionReturn(0);
}

/*@C
  FenLayoutCreateBlocks - Layout of a grid of one to three axes, cut into blocks whose neighbours work together.

  Collective

  Input Parameters:
+ comm  - the ranks
. dim   - number of axes, 1 to 3
- shape - entries along each axis, 0 or more, the same on all ranks

  Output Parameter:
. layout - on the grid of ranks that `FenLayoutChooseRanks()` says: slabs along axis 0 as long as they are thick, then
           blocks; some ranks may own nothing

  Errors:
  `FEN_ERR_SIZE` for negative or too large sizes, `FEN_ERR_USAGE` for a wrong dimension.

  Level: beginner

.seealso: `FenLayoutCreateGrid()`, `FenLayoutChooseRanks()`
@*/
PetscErrorCode FenLayoutCreateBlocks(MPI_Comm comm, PetscInt dim, const FenInt shape[], FenLayout *layout)
{
  PetscMPIInt size, nprocs[FEN_MAX_DIM];

  PetscFunctionBegin;
  PetscCheck(dim >= 1 && dim <= FEN_MAX_DIM, comm, FEN_ERR_USAGE, "a layout of %d axes: must be 1 to %d", (int)dim,
             FEN_MAX_DIM);
  PetscCallMPI(MPI_Comm_size(comm, &size));
  PetscCall(FenLayoutChooseRanks(size, dim, shape, nprocs));
  PetscCall(FenLayoutCreateGrid(comm, dim, shape, nprocs, layout));
  PetscFunctionReturn(0);
}
