/* SPDX-License-Identifier: BSD-2-Clause */
/*
   My box of an array in natural order: what every reader and writer works on.
*/
#include "../ioimpl.h"

/* axes: the array's shape in the file, whose first axes must be the layout's */
PetscErrorCode FenSlabFromLayout_Private(FenLayout layout, PetscInt naxes, const FenInt axes[], FenSlab *slab)
{
  PetscInt dim;
  FenBox   box;

  PetscFunctionBegin;
  PetscCall(FenLayoutGetDim(layout, &dim));
  PetscCall(FenLayoutGetBox(layout, -1, &box));
  PetscCheck(naxes <= FEN_IO_MAX_RANK, PETSC_COMM_SELF, FEN_ERR_SHAPE, "an array of %" PetscInt_FMT " axes, at most %d",
             naxes, FEN_IO_MAX_RANK);
  PetscCall(PetscMemzero(slab, sizeof(*slab)));
  slab->rank = naxes;
  for (PetscInt a = 0; a < naxes; a++) {
    slab->shape[a] = axes[a];
    slab->start[a] = a < dim ? box.lo[a] : 0;
    slab->count[a] = a < dim ? box.hi[a] - box.lo[a] : axes[a];
  }
  PetscFunctionReturn(0);
}

FenInt FenSlabSize_Private(const FenSlab *slab)
{
  FenInt n = 1;

  for (PetscInt a = 0; a < slab->rank; a++)
    n *= slab->count[a];
  return n;
}

PetscErrorCode FenShapeText_Private(PetscInt rank, const FenInt shape[], char text[], size_t n)
{
  size_t used = 0;

  PetscFunctionBegin;
  PetscCall(PetscSNPrintf(text, n, "(%s", rank ? "" : ")"));
  for (PetscInt a = 0; a < rank; a++) {
    PetscCall(PetscStrlen(text, &used));
    PetscCall(PetscSNPrintf(text + used, n - used, "%" FENINT_FMT "%s", shape[a], a + 1 < rank ? "," : ")"));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode FenShapeSize_Private(PetscInt rank, const FenInt shape[], FenInt *size)
{
  PetscFunctionBegin;
  *size = 1;
  for (PetscInt a = 0; a < rank; a++)
    PetscCall(FenIntMult(*size, shape[a], size));
  PetscFunctionReturn(0);
}

PetscErrorCode FenSlabRuns_Private(const FenSlab *slab, FenSlabRunFn fn, void *ctx)
{
  FenInt   index[FEN_IO_MAX_RANK] = {0}, length = 1, box = 0;
  PetscInt cut = slab->rank - 1; /* the last axis that is not taken whole: runs go along it */

  PetscFunctionBegin;
  if (FenSlabSize_Private(slab) == 0)
    PetscFunctionReturn(0);
  while (cut > 0 && slab->count[cut] == slab->shape[cut])
    cut--;
  for (PetscInt a = PetscMax(cut, 0); a < slab->rank; a++)
    length *= slab->count[a];
  for (PetscInt axis = 0; axis >= 0;) {
    FenInt start = 0;
    for (PetscInt a = 0; a < slab->rank; a++)
      start = start * slab->shape[a] + slab->start[a] + (a < cut ? index[a] : 0);
    PetscCall((*fn)(ctx, start, box, length));
    box += length;
    for (axis = cut - 1; axis >= 0; axis--) {
      if (++index[axis] < slab->count[axis])
        break;
      index[axis] = 0;
    }
  }
  PetscFunctionReturn(0);
}

/* the box's axes behind the first one form runs in the row; the row itself is a slab with one axis less */
typedef struct {
  const double *row;
  double       *out;
} KeepCtx;

static PetscErrorCode KeepRun(void *ctx, FenInt file, FenInt box, FenInt n)
{
  KeepCtx *keep = (KeepCtx *)ctx;

  for (FenInt k = 0; k < n; k++)
    keep->out[box + k] = keep->row[file + k];
  return 0;
}

void FenSlabKeepRow_Private(const FenSlab *slab, FenInt row, const double values[], double out[])
{
  FenSlab rest = {.rank = slab->rank - 1};
  KeepCtx keep = {values, out};

  if (row < slab->start[0] || row >= slab->start[0] + slab->count[0])
    return;
  for (PetscInt a = 0; a < rest.rank; a++) {
    rest.shape[a] = slab->shape[a + 1];
    rest.start[a] = slab->start[a + 1];
    rest.count[a] = slab->count[a + 1];
  }
  keep.out += (row - slab->start[0]) * FenSlabSize_Private(&rest);
  (void)FenSlabRuns_Private(&rest, KeepRun, &keep); /* KeepRun cannot fail */
}

static PetscErrorCode NaturalIs(FenLayout layout, PetscBool *natural)
{
  PetscInt dim, order[FEN_MAX_DIM];

  PetscFunctionBegin;
  PetscCall(FenLayoutGetDim(layout, &dim));
  PetscCall(FenLayoutGetOrder(layout, order));
  *natural = PETSC_TRUE;
  for (PetscInt a = 0; a < dim; a++)
    if (order[a] != a)
      *natural = PETSC_FALSE;
  PetscFunctionReturn(0);
}

/* copies between storage order and natural order, component by component run */
static PetscErrorCode NaturalCopy(FenLayout layout, PetscInt ncomp, double stored[], double natural[], PetscBool forth)
{
  PetscInt dim, order[FEN_MAX_DIM];
  FenBox   box;
  FenInt   n[FEN_MAX_DIM] = {1, 1, 1}, stride[FEN_MAX_DIM] = {0, 0, 0}, step = 1, k = 0;

  PetscFunctionBegin;
  PetscCall(FenLayoutGetDim(layout, &dim));
  PetscCall(FenLayoutGetOrder(layout, order));
  PetscCall(FenLayoutGetBox(layout, -1, &box));
  for (PetscInt a = 0; a < dim; a++)
    n[a] = box.hi[a] - box.lo[a];
  for (PetscInt s = dim - 1; s >= 0; s--) {
    stride[order[s]] = step;
    step *= n[order[s]];
  }
  for (FenInt i = 0; i < n[0]; i++)
    for (FenInt j = 0; j < n[1]; j++)
      for (FenInt l = 0; l < n[2]; l++, k++) {
        double *a = stored + ncomp * (i * stride[0] + j * stride[1] + l * stride[2]), *b = natural + ncomp * k;
        PetscCall(PetscMemcpy(forth ? b : a, forth ? a : b, (size_t)ncomp * sizeof(double)));
      }
  PetscFunctionReturn(0);
}

PetscErrorCode FenNaturalBegin_Private(FenLayout layout, PetscInt ncomp, double stored[], PetscBool copy,
                                       double *natural[])
{
  PetscBool is = PETSC_FALSE;
  FenInt    n;

  PetscFunctionBegin;
  PetscCall(NaturalIs(layout, &is));
  *natural = stored;
  if (is)
    PetscFunctionReturn(0);
  PetscCall(FenLayoutGetLocalSize(layout, &n));
  PetscCall(PetscMalloc((size_t)n * (size_t)ncomp * sizeof(double), natural));
  if (copy)
    PetscCall(NaturalCopy(layout, ncomp, stored, *natural, PETSC_TRUE));
  PetscFunctionReturn(0);
}

PetscErrorCode FenNaturalEnd_Private(FenLayout layout, PetscInt ncomp, double stored[], PetscBool copy,
                                     double *natural[])
{
  PetscFunctionBegin;
  if (*natural != stored) {
    if (copy)
      PetscCall(NaturalCopy(layout, ncomp, stored, *natural, PETSC_FALSE));
    PetscCall(PetscFree(*natural));
  }
  *natural = NULL;
  PetscFunctionReturn(0);
}
