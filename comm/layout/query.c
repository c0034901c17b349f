/* SPDX-License-Identifier: BSD-2-Clause */
/*
   FenLayout: questions about it.
*/
#include "../commimpl.h"

/*@
  FenLayoutGetDim - Number of axes.

  Not Collective

  Input Parameter:
. layout - the layout

  Output Parameter:
. dim - 1 to 3

  Level: beginner

.seealso: `FenLayoutGetShape()`
@*/
PetscErrorCode FenLayoutGetDim(FenLayout layout, PetscInt *dim)
{
  PetscFunctionBegin;
  *dim = layout->dim;
  PetscFunctionReturn(0);
}

/*@
  FenLayoutGetShape - Entries of the whole array along each axis.

  Not Collective

  Input Parameter:
. layout - the layout

  Output Parameter:
. shape - three numbers, 1 on axes beyond the dimension

  Level: beginner

.seealso: `FenLayoutGetDim()`, `FenLayoutGetSize()`
@*/
PetscErrorCode FenLayoutGetShape(FenLayout layout, FenInt shape[FEN_MAX_DIM])
{
  PetscFunctionBegin;
  for (int d = 0; d < FEN_MAX_DIM; d++)
    shape[d] = layout->shape[d];
  PetscFunctionReturn(0);
}

/*@
  FenLayoutGetRanks - Ranks along each axis.

  Not Collective

  Input Parameter:
. layout - the layout

  Output Parameters:
+ nprocs - three numbers, or NULL
- used   - their product, or NULL; it may be less than the size of the communicator, the ranks beyond own nothing

  Level: intermediate

.seealso: `FenLayoutCreateGrid()`, `FenLayoutGetPlace()`
@*/
PetscErrorCode FenLayoutGetRanks(FenLayout layout, PetscMPIInt nprocs[FEN_MAX_DIM], PetscMPIInt *used)
{
  PetscFunctionBegin;
  for (int d = 0; nprocs && d < FEN_MAX_DIM; d++)
    nprocs[d] = layout->nprocs[d];
  if (used)
    *used = layout->nprocs[0] * layout->nprocs[1] * layout->nprocs[2];
  PetscFunctionReturn(0);
}

/*@
  FenLayoutGetPlace - Where this rank is among those along each axis.

  Not Collective

  Input Parameter:
. layout - the layout

  Output Parameters:
+ place - three numbers, the rank's part of each axis, counted from 0; -1 on ranks beyond the grid of ranks
- step  - three numbers, from a rank to the one that has the next part of the axis and the same parts of the others

  Level: intermediate

.seealso: `FenLayoutGetRanks()`, `FenLayoutGetBox()`
@*/
PetscErrorCode FenLayoutGetPlace(FenLayout layout, PetscMPIInt place[FEN_MAX_DIM], PetscMPIInt step[FEN_MAX_DIM])
{
  PetscMPIInt rank, next = 1;
  PetscBool   owns;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(PetscObjectComm((PetscObject)layout), &rank));
  owns = FenLayoutPlace_Private(layout, rank, place);
  for (int d = FEN_MAX_DIM - 1; d >= 0; next *= layout->nprocs[d--]) {
    step[d] = next;
    place[d] = owns ? place[d] : -1;
  }
  PetscFunctionReturn(0);
}

/*@
  FenLayoutGetOrder - Order in which ranks store the axes of their boxes.

  Not Collective

  Input Parameter:
. layout - the layout

  Output Parameter:
. order - the axes, slowest first; three numbers, axes beyond the dimension last

  Level: intermediate

.seealso: `FenLayoutCreatePencil()`
@*/
PetscErrorCode FenLayoutGetOrder(FenLayout layout, PetscInt order[FEN_MAX_DIM])
{
  PetscFunctionBegin;
  for (int d = 0; d < FEN_MAX_DIM; d++)
    order[d] = layout->order[d];
  PetscFunctionReturn(0);
}

/*@
  FenLayoutGetStrides - How far apart neighbours along each axis are in what a rank stores.

  Not Collective

  Input Parameters:
+ layout - the layout
- rank   - a rank; negative means the calling one

  Output Parameter:
. stride - three numbers

  Level: intermediate

.seealso: `FenLayoutGetBox()`, `FenLayoutGetOrder()`
@*/
PetscErrorCode FenLayoutGetStrides(FenLayout layout, PetscMPIInt rank, FenInt stride[FEN_MAX_DIM])
{
  FenBox box;

  PetscFunctionBegin;
  PetscCall(FenLayoutGetBox(layout, rank, &box));
  FenBoxStrides_Private(&box, layout->order, stride);
  PetscFunctionReturn(0);
}

/*@
  FenLayoutGetSize - Entries of the whole array.

  Not Collective

  Input Parameter:
. layout - the layout

  Output Parameter:
. size - product of the shape

  Level: beginner

.seealso: `FenLayoutGetLocalSize()`
@*/
PetscErrorCode FenLayoutGetSize(FenLayout layout, FenInt *size)
{
  PetscFunctionBegin;
  *size = layout->size;
  PetscFunctionReturn(0);
}

/*@
  FenLayoutGetLocalSize - Entries that the calling rank owns.

  Not Collective

  Input Parameter:
. layout - the layout

  Output Parameter:
. size - entries of the box

  Level: beginner

.seealso: `FenLayoutGetBox()`, `FenLayoutGetSize()`
@*/
PetscErrorCode FenLayoutGetLocalSize(FenLayout layout, FenInt *size)
{
  PetscFunctionBegin;
  *size = layout->local;
  PetscFunctionReturn(0);
}

/* is one of them not cut evenly? */
static PetscBool Uneven(FenLayout a, FenLayout b)
{
  PetscBool uneven = a->starts || b->starts ? PETSC_TRUE : PETSC_FALSE;

  for (int d = 0; d < FEN_MAX_DIM; d++)
    if (a->cut[d] || b->cut[d])
      uneven = PETSC_TRUE;
  return uneven;
}

/*@
  FenLayoutIsSame - Whether two layouts store the same array in the same way.

  Not Collective

  Input Parameters:
+ a - a layout
- b - a layout on the same ranks

  Output Parameter:
. same - TRUE if shapes, boxes of all ranks and storage orders are equal

  Level: intermediate

.seealso: `FenRedistCreate()`
@*/
PetscErrorCode FenLayoutIsSame(FenLayout a, FenLayout b, PetscBool *same)
{
  PetscMPIInt na, nb;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(PetscObjectComm((PetscObject)a), &na));
  PetscCallMPI(MPI_Comm_size(PetscObjectComm((PetscObject)b), &nb));
  *same = na == nb && a->dim == b->dim ? PETSC_TRUE : PETSC_FALSE;
  for (int d = 0; d < FEN_MAX_DIM; d++)
    if (a->shape[d] != b->shape[d] || a->nprocs[d] != b->nprocs[d] || a->order[d] != b->order[d])
      *same = PETSC_FALSE;
  for (PetscMPIInt r = 0; *same && Uneven(a, b) && r < na; r++) {
    FenBox boxa, boxb;

    PetscCall(FenLayoutGetBox(a, r, &boxa));
    PetscCall(FenLayoutGetBox(b, r, &boxb));
    for (int d = 0; d < FEN_MAX_DIM; d++)
      if (boxa.lo[d] != boxb.lo[d] || boxa.hi[d] != boxb.hi[d])
        *same = PETSC_FALSE;
  }
  PetscFunctionReturn(0);
}

/*@
  FenLayoutGetRange - Rows that the calling rank owns, in a layout of one axis.

  Not Collective

  Input Parameter:
. layout - layout of one axis

  Output Parameters:
+ start - the first row
- end   - one past the last

  Errors:
  `FEN_ERR_USAGE` if the layout has more axes.

  Level: beginner

.seealso: `FenLayoutGetBox()`
@*/
PetscErrorCode FenLayoutGetRange(FenLayout layout, FenInt *start, FenInt *end)
{
  PetscFunctionBegin;
  PetscCheck(layout->dim == 1, PETSC_COMM_SELF, FEN_ERR_USAGE, "a layout of %d axes has no range of rows",
             (int)layout->dim);
  if (start)
    *start = layout->box.lo[0];
  if (end)
    *end = layout->box.hi[0];
  PetscFunctionReturn(0);
}

/* axes from `axis` on make up one run: all axes behind it are whole */
static PetscInt FenLayoutRunAxis(FenLayout l)
{
  PetscInt axis = FEN_MAX_DIM - 1;

  while (axis > 0 && l->box.hi[axis] - l->box.lo[axis] == l->shape[axis])
    axis--;
  return axis;
}

/*@C
  FenLayoutGetRuns - The runs of consecutive global numbers that the calling rank's box consists of.

  Not Collective

  Input Parameter:
. layout - layout that stores its boxes in natural order

  Output Parameters:
+ nruns        - number of runs, 0 for an empty box
. length       - entries of each run
- global_start - global number of the first entry of each run, in storage order; owned by the layout

  Note:
  Runs are as long as possible: a box of whole rows of the array is one run.

  Errors:
  `FEN_ERR_USAGE` if the storage order is not natural.

  Level: developer

.seealso: `FenLayoutGetBox()`
@*/
PetscErrorCode FenLayoutGetRuns(FenLayout layout, FenInt *nruns, FenInt *length, const FenInt *global_start[])
{
  const FenBox  *box = &layout->box;
  const FenInt  *shape = layout->shape;
  const PetscInt axis = FenLayoutRunAxis(layout);
  FenInt         top[FEN_MAX_DIM], k = 0;

  PetscFunctionBegin;
  PetscCheck(layout->order[0] == 0 && layout->order[1] == 1, PETSC_COMM_SELF, FEN_ERR_USAGE,
             "runs of global numbers exist in natural storage order only");
  *length = 1;
  for (PetscInt d = 0; d < FEN_MAX_DIM; d++) {
    top[d] = d < axis ? box->hi[d] : PetscMin(box->lo[d] + 1, box->hi[d]);
    if (d >= axis)
      *length *= box->hi[d] - box->lo[d];
  }
  *nruns = layout->local ? layout->local / *length : 0;
  if (!layout->runs && *nruns) {
    PetscCall(PetscMalloc1((size_t)*nruns, &layout->runs));
    for (FenInt x = box->lo[0]; x < top[0]; x++)
      for (FenInt y = box->lo[1]; y < top[1]; y++)
        for (FenInt z = box->lo[2]; z < top[2]; z++)
          layout->runs[k++] = (x * shape[1] + y) * shape[2] + z;
  }
  *global_start = layout->runs;
  PetscFunctionReturn(0);
}
