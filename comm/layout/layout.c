/* SPDX-License-Identifier: BSD-2-Clause */
/*
   FenLayout: construction, life and view.
*/
#include "../commimpl.h"
#include <petscviewer.h>

/* where part r of p begins when n entries are cut evenly; no product overflows */
static FenInt FenCut(FenInt n, FenInt r, FenInt p)
{
  return n / p * r + n % p * r / p;
}

static FenInt FenLayoutPart(FenLayout l, int d, PetscMPIInt part)
{
  return l->cut[d] ? l->cut[d][part] : FenCut(l->shape[d], part, l->nprocs[d]);
}

PetscBool FenLayoutPlace_Private(FenLayout l, PetscMPIInt rank, PetscMPIInt place[FEN_MAX_DIM])
{
  for (int d = FEN_MAX_DIM - 1; d >= 0; d--) {
    place[d] = rank % l->nprocs[d];
    rank /= l->nprocs[d];
  }
  return PetscNot(rank);
}

/* box of any rank; ranks beyond the grid own nothing */
static void FenLayoutBox(FenLayout l, PetscMPIInt rank, FenBox *box)
{
  PetscMPIInt place[FEN_MAX_DIM];
  PetscBool   owns;

  if (l->starts) {
    *box = (FenBox){{l->starts[rank], 0, 0}, {l->starts[rank + 1], 1, 1}};
    return;
  }
  owns = FenLayoutPlace_Private(l, rank, place);
  for (int d = 0; d < FEN_MAX_DIM; d++) {
    box->lo[d] = !owns && d < l->dim ? 0 : FenLayoutPart(l, d, place[d]);
    box->hi[d] = !owns && d < l->dim ? 0 : FenLayoutPart(l, d, place[d] + 1);
  }
}

static PetscErrorCode FenLayoutView_Private(FenLayout l, PetscViewer viewer)
{
  PetscFunctionBegin;
  PetscCall(PetscObjectPrintClassNamePrefixType((PetscObject)l, viewer));
  for (PetscInt d = 0; d < l->dim; d++)
    PetscCall(PetscViewerASCIIPrintf(viewer, "  axis %d: %" FENINT_FMT " entries on %d ranks\n", (int)d, l->shape[d],
                                     l->nprocs[d]));
  PetscFunctionReturn(0);
}

/*@
  FenLayoutDestroy - Gives a layout back; it is freed when nobody holds it any longer.

  Collective

  Input Parameter:
. layout - the layout, NULL on return

  Level: beginner

.seealso: `FenLayoutCreateRows()`, `FenLayoutCreateGrid()`
@*/
PetscErrorCode FenLayoutDestroy(FenLayout *layout)
{
  PetscFunctionBegin;
  if (!*layout)
    PetscFunctionReturn(0);
  if (--((PetscObject)*layout)->refct > 0) {
    *layout = NULL;
    PetscFunctionReturn(0);
  }
  PetscCall(PetscFree((*layout)->runs));
  PetscCall(PetscFree((*layout)->starts));
  for (int d = 0; d < FEN_MAX_DIM; d++)
    PetscCall(PetscFree((*layout)->cut[d]));
  PetscCall(PetscHeaderDestroy(layout));
  PetscFunctionReturn(0);
}

/* the one constructor; all arguments are the same on all ranks and have been checked */
static PetscErrorCode FenLayoutCreate(MPI_Comm comm, PetscInt dim, const FenInt shape[], const PetscMPIInt nprocs[],
                                      const PetscInt order[], FenLayout *layout)
{
  FenLayout   l;
  PetscMPIInt rank;
  FenInt      size = 1;

  PetscFunctionBegin;
  PetscCall(FenInitializePackage());
  for (PetscInt d = 0; d < dim; d++)
    PetscCall(FenIntMult(size, shape[d], &size));
  PetscCall(PetscHeaderCreate(l, FENLAYOUT_CLASSID, "FenLayout", "Layout of an array over ranks", "Layout", comm,
                              FenLayoutDestroy, FenLayoutView_Private));
  l->dim = dim;
  l->size = size;
  for (PetscInt d = 0; d < FEN_MAX_DIM; d++) {
    l->shape[d] = d < dim ? shape[d] : 1;
    l->nprocs[d] = d < dim ? nprocs[d] : 1;
    l->order[d] = d < dim ? order[d] : d;
  }
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  FenLayoutBox(l, rank, &l->box);
  l->local = FenBoxSize_Private(&l->box);
  *layout = l;
  PetscFunctionReturn(0);
}

/*@
  FenLayoutCreateRows - Layout of N rows (points, states) cut evenly over all ranks, in rank order.

  Collective

  Input Parameters:
+ comm - the ranks
- N    - number of rows, 0 or more, the same on all ranks

  Output Parameter:
. layout - layout of one axis; rank r of P starts at the integer part of N r / P

  Errors:
  `FEN_ERR_SIZE` for a negative number.

  Level: beginner

.seealso: `FenLayoutCreateGrid()`, `FenLayoutGetRange()`, `FenLayoutDestroy()`
@*/
PetscErrorCode FenLayoutCreateRows(MPI_Comm comm, FenInt N, FenLayout *layout)
{
  PetscFunctionBegin;
  PetscCall(FenLayoutCreateGrid(comm, 1, &N, NULL, layout));
  PetscFunctionReturn(0);
}

/*@
  FenLayoutCreateRowsLocal - Layout of rows (points, states) of which every rank says how many it owns.

  Collective

  Input Parameters:
+ comm  - the ranks
- local - number of rows that this rank owns, 0 or more

  Output Parameter:
. layout - layout of one axis; global numbers run in rank order. Every rank keeps a table of all ranks

  Errors:
  `FEN_ERR_SIZE` for a negative number.

  Level: intermediate

.seealso: `FenLayoutCreateRows()`, `FenLayoutGetRange()`, `FenLayoutDestroy()`
@*/
PetscErrorCode FenLayoutCreateRowsLocal(MPI_Comm comm, FenInt local, FenLayout *layout)
{
  FenFault    fault = {0, ""};
  FenInt     *starts;
  PetscMPIInt size, rank;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(comm, &size));
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  if (local < 0)
    FenFaultSet(&fault, FEN_ERR_SIZE, "rank %d owns %" FENINT_FMT " rows: must not be negative", rank, local);
  PetscCall(FenFaultAgree(comm, &fault));
  PetscCall(PetscMalloc1(size + 1, &starts));
  starts[0] = 0;
  PetscCallMPI(MPI_Allgather(&local, 1, MPI_FENINT, starts + 1, 1, MPI_FENINT, comm));
  for (PetscMPIInt r = 0; r < size; r++)
    starts[r + 1] += starts[r];
  PetscCall(FenLayoutCreateGrid(comm, 1, &starts[size], NULL, layout));
  (*layout)->starts = starts;
  FenLayoutBox(*layout, rank, &(*layout)->box);
  (*layout)->local = local;
  PetscFunctionReturn(0);
}

/*@C
  FenLayoutCreateGrid - Layout of a grid of one to three axes, cut into boxes.

  Collective

  Input Parameters:
+ comm   - the ranks
. dim    - number of axes, 1 to 3
. shape  - entries along each axis, 0 or more, the same on all ranks
- nprocs - ranks along each axis, the last axis runs fastest in rank order; their product may be less than the
           size of the communicator, the ranks beyond own nothing. NULL: all ranks along axis 0

  Output Parameter:
. layout - the layout; boxes are stored in natural order. Boxes are empty where there are more ranks than entries

  Errors:
  `FEN_ERR_SIZE` for negative or too large sizes, `FEN_ERR_USAGE` for a wrong dimension or grid of ranks.

  Level: beginner

.seealso: `FenLayoutCreateRows()`, `FenLayoutCreatePencil()`, `FenLayoutDestroy()`
@*/
PetscErrorCode FenLayoutCreateGrid(MPI_Comm comm, PetscInt dim, const FenInt shape[], const PetscMPIInt nprocs[],
                                   FenLayout *layout)
{
  static const PetscInt natural[FEN_MAX_DIM] = {0, 1, 2};
  PetscMPIInt           size, np[FEN_MAX_DIM] = {1, 1, 1};
  FenInt                product = 1;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(comm, &size));
  PetscCheck(dim >= 1 && dim <= FEN_MAX_DIM, comm, FEN_ERR_USAGE, "a layout of %d axes: must be 1 to %d", (int)dim,
             FEN_MAX_DIM);
  for (PetscInt d = 0; d < dim; d++) {
    PetscCheck(shape[d] >= 0, comm, FEN_ERR_SIZE, "axis %d has %" FENINT_FMT " entries: must not be negative", (int)d,
               shape[d]);
    np[d] = nprocs ? nprocs[d] : (d ? 1 : size);
    PetscCheck(np[d] >= 1, comm, FEN_ERR_USAGE, "axis %d has %d ranks: must be positive", (int)d, np[d]);
    product *= np[d];
    PetscCheck(product <= size, comm, FEN_ERR_USAGE, "a layout on more ranks than the %d there are", size);
  }
  PetscCall(FenLayoutCreate(comm, dim, shape, np, natural, layout));
  PetscFunctionReturn(0);
}

/*@
  FenLayoutCreatePencil - Layout of the same array for work along one axis.

  Collective

  Input Parameters:
+ layout - a layout
- axis   - the axis that must not be divided, 0 to dimension - 1

  Output Parameter:
. pencil - layout of the same array on the same ranks in which every box has all of the axis, stored fastest

  Notes:
  If the axis is undivided already and every rank of the layout has work, only the storage order changes and nothing
  will be sent. Otherwise as many ranks are spread over the other axes, in three dimensions over a grid of ranks that
  makes the largest box smallest. An array of one axis cannot be spread: rank 0 gets all of it.

  Errors:
  `FEN_ERR_USAGE` for a wrong axis.

  Level: intermediate

.seealso: `FenRedistCreate()`, `FenLayoutGetOrder()`
@*/
PetscErrorCode FenLayoutCreatePencil(FenLayout layout, PetscInt axis, FenLayout *pencil)
{
  const PetscInt dim = layout->dim;
  PetscMPIInt    np[FEN_MAX_DIM] = {1, 1, 1}, split[2] = {1, 1}, used;
  PetscInt       order[FEN_MAX_DIM] = {0, 1, 2}, other[2] = {0, 1}, n = 0;
  FenInt         extent[2] = {1, 1};
  PetscBool      keep;
  MPI_Comm       comm;

  PetscFunctionBegin;
  PetscCall(PetscObjectGetComm((PetscObject)layout, &comm));
  PetscCheck(axis >= 0 && axis < dim, comm, FEN_ERR_USAGE, "axis %d of a layout of %d axes", (int)axis, (int)dim);
  keep = PetscNot(layout->nprocs[axis] > 1);
  for (PetscInt d = 0; d < dim; d++) {
    if (d == axis)
      continue;
    other[n] = order[n] = d;
    extent[n++] = layout->shape[d];
    if (layout->nprocs[d] > layout->shape[d])
      keep = PETSC_FALSE;
  }
  order[n] = axis;
  PetscCall(FenLayoutGetRanks(layout, NULL, &used));
  FenLayoutSplit_Private(dim == 1 ? 1 : used, extent, split);
  if (dim == 2) {
    split[0] = used;
    split[1] = 1;
  }
  for (PetscInt k = 0; k < n; k++)
    np[other[k]] = keep ? layout->nprocs[other[k]] : split[k];
  PetscCall(FenLayoutCreate(comm, dim, layout->shape, np, order, pencil));
  PetscFunctionReturn(0);
}

/*@C
  FenLayoutCreateOrdered - Layout of the same array, cut in the same way, whose boxes are stored in another order.

  Collective

  Input Parameters:
+ layout - a layout of a grid
- order  - its axes, slowest first

  Output Parameter:
. ordered - the layout; nothing is sent between it and the other one

  Errors:
  `FEN_ERR_USAGE` for what is no order of the axes, or a layout of given local sizes.

  Level: developer

.seealso: `FenLayoutGetOrder()`, `FenLayoutCreatePencil()`
@*/
PetscErrorCode FenLayoutCreateOrdered(FenLayout layout, const PetscInt order[], FenLayout *ordered)
{
  const MPI_Comm comm = PetscObjectComm((PetscObject)layout);
  int            seen = 0;

  PetscFunctionBegin;
  for (PetscInt d = 0; d < layout->dim; d++)
    seen |= order[d] >= 0 && order[d] < layout->dim ? 1 << order[d] : 0;
  PetscCheck(seen == (1 << layout->dim) - 1, comm, FEN_ERR_USAGE, "each of the %d axes must have its place in an order",
             (int)layout->dim);
  PetscCheck(!layout->starts, comm, FEN_ERR_USAGE, "a layout of given local sizes has one axis only");
  PetscCall(FenLayoutCreate(comm, layout->dim, layout->shape, layout->nprocs, order, ordered));
  for (PetscInt d = 0; d < layout->dim; d++)
    if (layout->cut[d]) {
      PetscCall(PetscMalloc1(layout->nprocs[d] + 1, &(*ordered)->cut[d]));
      PetscCall(PetscArraycpy((*ordered)->cut[d], layout->cut[d], layout->nprocs[d] + 1));
    }
  (*ordered)->box = layout->box;
  (*ordered)->local = layout->local;
  PetscFunctionReturn(0);
}

/* ends of parts of at most `most` each, as few as go in; false if they are too many */
static PetscBool FenLayoutFill(FenInt n, const double weight[], double most, PetscMPIInt parts, FenInt cut[])
{
  FenInt i = 0;

  cut[0] = 0;
  for (PetscMPIInt p = 1; p <= parts; p++) {
    for (double sum = 0; i < n && sum + weight[i] <= most; i++)
      sum += weight[i];
    cut[p] = i;
  }
  return (PetscBool)(i == n);
}

static double FenLayoutBusiest(const double weight[], PetscMPIInt parts, const FenInt cut[])
{
  double most = 0;

  for (PetscMPIInt p = 0; p < parts; p++) {
    double sum = 0;

    for (FenInt i = cut[p]; i < cut[p + 1]; i++)
      sum += weight[i];
    most = PetscMax(most, sum);
  }
  return most;
}

#define BISECTIONS 20

/* Evenly, if that is within the slack. Otherwise a part ends where half of an entry's weight lies on either side of its
   share's end; where entries are so heavy that the busiest part has much more than it must, parts are filled to the
   least that all of them can do with */
static void FenLayoutCutAxis(FenInt n, const double weight[], double total, double slack, PetscMPIInt parts,
                             FenInt cut[])
{
  double sum = 0, high, low = total / parts;
  FenInt i = 0;

  for (PetscMPIInt p = 0; p <= parts; p++)
    cut[p] = FenCut(n, p, parts);
  if (FenLayoutBusiest(weight, parts, cut) <= (1 + slack) * low)
    return;
  for (PetscMPIInt p = 1; p < parts; p++) {
    for (; i < n && sum + 0.5 * weight[i] < total / parts * p; i++)
      sum += weight[i];
    cut[p] = i;
  }
  cut[parts] = n;
  high = FenLayoutBusiest(weight, parts, cut);
  if (high <= 1.02 * low)
    return;
  for (int k = 0; k < BISECTIONS; k++) {
    const double most = 0.5 * (low + high);

    if (FenLayoutFill(n, weight, most, parts, cut))
      high = most;
    else
      low = most;
  }
  (void)FenLayoutFill(n, weight, high, parts, cut);
}

/*@C
  FenLayoutCreateWeighted - The same array on the same grid of ranks, axes cut by weights instead of evenly.

  Collective

  Input Parameters:
+ layout - layout of a grid or of pencils
. weight - for each axis weights >= 0 of its entries, the same on all ranks; NULL, or all zero: cut evenly
- slack  - an axis is also cut evenly if no part then has more than 1 + slack times its share of the weights

  Output Parameter:
. weighted - layout in which the parts of an axis have about equal shares of its weights; parts may be empty

  Note:
  Cuts are those of axes: boxes have equal shares if weights of entries are products of weights along axes. Every rank
  keeps the ends of all parts.

  Errors:
  `FEN_ERR_USAGE` for a layout of given local sizes.

  Level: developer

.seealso: `FenLayoutCreateGrid()`, `FenLayoutCreatePencil()`
@*/
PetscErrorCode FenLayoutCreateWeighted(FenLayout layout, const double *const weight[FEN_MAX_DIM], double slack,
                                       FenLayout *weighted)
{
  const MPI_Comm comm = PetscObjectComm((PetscObject)layout);
  PetscMPIInt    rank;
  FenLayout      l;

  PetscFunctionBegin;
  PetscCheck(!layout->starts, comm, FEN_ERR_USAGE, "a layout of given local sizes cannot be cut by weights");
  PetscCall(FenLayoutCreate(comm, layout->dim, layout->shape, layout->nprocs, layout->order, &l));
  for (PetscInt d = 0; d < layout->dim; d++) {
    double total = 0;

    if (!weight[d] || l->nprocs[d] == 1)
      continue;
    for (FenInt k = 0; k < l->shape[d]; k++)
      total += weight[d][k];
    if (!(total > 0))
      continue;
    PetscCall(PetscMalloc1(l->nprocs[d] + 1, &l->cut[d]));
    FenLayoutCutAxis(l->shape[d], weight[d], total, slack, l->nprocs[d], l->cut[d]);
  }
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  FenLayoutBox(l, rank, &l->box);
  l->local = FenBoxSize_Private(&l->box);
  *weighted = l;
  PetscFunctionReturn(0);
}

/*@
  FenLayoutGetBox - The box that a rank owns.

  Not Collective

  Input Parameters:
+ layout - the layout
- rank   - a rank; negative means the calling one

  Output Parameter:
. box - first entry and one past the last along each axis; 0 and 1 on axes beyond the dimension

  Level: intermediate

.seealso: `FenLayoutGetLocalSize()`, `FenLayoutGetRange()`
@*/
PetscErrorCode FenLayoutGetBox(FenLayout layout, PetscMPIInt rank, FenBox *box)
{
  PetscFunctionBegin;
  if (rank < 0)
    *box = layout->box;
  else
    FenLayoutBox(layout, rank, box);
  PetscFunctionReturn(0);
}
