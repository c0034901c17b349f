/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Images averaged over the cells of another grid of pixels. Both images cover the same rectangle; a new pixel is the
   mean of the old ones over its area, so ratios of masses are kept and any ratio of sizes is exact. Axis 1 first, on
   the rows that a rank owns; then ranks exchange the rows they need and average along axis 0, always in the same order.
*/
#include "measureimpl.h"

/* old entries [first, end) that new entry i of N meets, when there are n old ones */
static void FenCellRange(FenInt i, FenInt N, FenInt n, FenInt *first, FenInt *end)
{
  *first = i * n / N;
  *end = ((i + 1) * n + N - 1) / N;
}

/* share of new entry i that old entry k covers; lengths are counted in units of 1/(nN), hence exact */
static double FenCellShare(FenInt i, FenInt N, FenInt k, FenInt n)
{
  const FenInt lo = PetscMax(i * n, k * N), hi = PetscMin((i + 1) * n, (k + 1) * N);

  return (double)(hi - lo) / (double)n;
}

/* N new entries of `length` numbers each from n old ones; `from` begins with old entry `from_first`, `to` with
 * `to_first` */
static void FenAverage(FenInt n, FenInt N, FenInt length, FenInt from_first, const double from[], FenInt to_first,
                       FenInt to_end, double to[])
{
  for (FenInt i = to_first; i < to_end; i++) {
    double *out = to + (i - to_first) * length;
    FenInt  first, end;

    FenCellRange(i, N, n, &first, &end);
    for (FenInt c = 0; c < length; c++)
      out[c] = 0;
    for (FenInt k = first; k < end; k++) {
      const double  share = FenCellShare(i, N, k, n);
      const double *in = from + (k - from_first) * length;

      for (FenInt c = 0; c < length; c++)
        out[c] += share * in[c];
    }
  }
}

/* old rows that the owner of new rows [box.lo, box.hi) needs */
static void FenRowsNeeded(const FenBox *box, FenInt N, FenInt n, FenInt *first, FenInt *end)
{
  FenInt unused;

  *first = *end = 0;
  if (box->lo[0] >= box->hi[0])
    return;
  FenCellRange(box->lo[0], N, n, first, &unused);
  FenCellRange(box->hi[0] - 1, N, n, &unused, end);
}

/* counts and positions, in rows, of what passes between the owner of [lo, hi) and those who have or need [a, b) */
static PetscErrorCode FenRowsShared(FenInt lo, FenInt hi, FenInt a, FenInt b, PetscMPIInt *count, PetscMPIInt *start)
{
  const FenInt first = PetscMax(lo, a), end = PetscMin(hi, b);

  PetscFunctionBegin;
  PetscCall(FenMPIIntCast(PetscMax(end - first, 0), count));
  PetscCall(FenMPIIntCast(end > first ? first - lo : 0, start));
  PetscFunctionReturn(0);
}

/* rows of `length` numbers, from their owners to all who need them */
static PetscErrorCode FenRowsExchange(FenLayout from, FenLayout to, FenInt length, const double mine[], FenInt *first,
                                      double *needed[])
{
  const MPI_Comm comm = PetscObjectComm((PetscObject)from);
  FenInt         n[FEN_MAX_DIM], N[FEN_MAX_DIM], end, a, b;
  FenBox         have, want, box;
  PetscMPIInt    size, *counts, count;
  MPI_Datatype   row;
  size_t         bytes;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(comm, &size));
  PetscCall(FenLayoutGetShape(from, n));
  PetscCall(FenLayoutGetShape(to, N));
  PetscCall(FenLayoutGetBox(from, -1, &have));
  PetscCall(FenLayoutGetBox(to, -1, &want));
  FenRowsNeeded(&want, N[0], n[0], first, &end);
  PetscCall(PetscMalloc1(4 * (size_t)size, &counts));
  for (PetscMPIInt r = 0; r < size; r++) {
    PetscCall(FenLayoutGetBox(to, r, &box));
    FenRowsNeeded(&box, N[0], n[0], &a, &b);
    PetscCall(FenRowsShared(have.lo[0], have.hi[0], a, b, &counts[r], &counts[size + r]));
    PetscCall(FenLayoutGetBox(from, r, &box));
    PetscCall(FenRowsShared(*first, end, box.lo[0], box.hi[0], &counts[2 * size + r], &counts[3 * size + r]));
  }
  PetscCall(FenBytes((end - *first) * length, sizeof(double), &bytes));
  PetscCall(PetscMalloc(bytes, needed));
  PetscCall(FenMPIIntCast(length, &count));
  PetscCallMPI(MPI_Type_contiguous(count, MPI_DOUBLE, &row));
  PetscCallMPI(MPI_Type_commit(&row));
  PetscCallMPI(
      MPI_Alltoallv(mine, counts, counts + size, row, *needed, counts + 2 * size, counts + 3 * size, row, comm));
  PetscCallMPI(MPI_Type_free(&row));
  PetscCall(PetscFree(counts));
  PetscFunctionReturn(0);
}

/* `from` and `to`: images as grids of two axes, all ranks along axis 0 */
PetscErrorCode FenResizeImage_Private(FenLayout from, FenLayout to, PetscInt ncomp, const double old[],
                                      double resized[])
{
  FenInt  n[FEN_MAX_DIM], N[FEN_MAX_DIM], first, length;
  FenBox  have, want;
  double *narrow, *needed;
  size_t  bytes;

  PetscFunctionBegin;
  PetscCall(FenLayoutGetShape(from, n));
  PetscCall(FenLayoutGetShape(to, N));
  PetscCall(FenLayoutGetBox(from, -1, &have));
  PetscCall(FenLayoutGetBox(to, -1, &want));
  PetscCall(FenIntMult(N[1], ncomp, &length));
  PetscCall(FenBytes((have.hi[0] - have.lo[0]) * length, sizeof(double), &bytes));
  PetscCall(PetscMalloc(bytes, &narrow));
  for (FenInt i = 0; i < have.hi[0] - have.lo[0]; i++)
    FenAverage(n[1], N[1], ncomp, 0, old + i * n[1] * ncomp, 0, N[1], narrow + i * length);
  PetscCall(FenRowsExchange(from, to, length, narrow, &first, &needed));
  FenAverage(n[0], N[0], length, first, needed, want.lo[0], want.hi[0], resized);
  PetscCall(PetscFree(narrow));
  PetscCall(PetscFree(needed));
  PetscFunctionReturn(0);
}
