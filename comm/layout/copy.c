/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Copies boxes between arrays of different storage orders. A transposition goes tile by tile: 8 x 8 entries are whole
   cache lines on both sides, and blocks of 32 x 32 keep the pages they touch in the address cache.
*/
#include "../commimpl.h"

#define FEN_TILE  8
#define FEN_BLOCK 32

typedef double FenPair __attribute__((vector_size(16), aligned(8), may_alias));

void FenBoxStrides_Private(const FenBox *box, const PetscInt order[FEN_MAX_DIM], FenInt stride[FEN_MAX_DIM])
{
  FenInt s = 1;

  for (int k = FEN_MAX_DIM - 1; k >= 0; k--) {
    stride[order[k]] = s;
    s *= box->hi[order[k]] - box->lo[order[k]];
  }
}

/* to[i*to_row + j] = from[j*from_row + i] for a whole tile */
static inline void FenTransposeTile(const double from[], FenInt from_row, double to[], FenInt to_row)
{
  for (int i = 0; i < FEN_TILE; i += 2) {
    FenPair low[FEN_TILE / 2], high[FEN_TILE / 2];

    for (int j = 0; j < FEN_TILE / 2; j++) {
      const FenPair a = *(const FenPair *)(from + 2 * j * from_row + i);
      const FenPair b = *(const FenPair *)(from + (2 * j + 1) * from_row + i);

      low[j] = (FenPair){a[0], b[0]};
      high[j] = (FenPair){a[1], b[1]};
    }
    for (int j = 0; j < FEN_TILE / 2; j++) {
      *(FenPair *)(to + i * to_row + 2 * j) = low[j];
      *(FenPair *)(to + (i + 1) * to_row + 2 * j) = high[j];
    }
  }
}

/* a block of ni x nj; whole tiles, then the rim */
static void FenTransposeBlock(FenInt ni, FenInt nj, const double from[], FenInt from_row, double to[], FenInt to_row)
{
  const FenInt wi = ni / FEN_TILE * FEN_TILE, wj = nj / FEN_TILE * FEN_TILE;

  for (FenInt i = 0; i < wi; i += FEN_TILE)
    for (FenInt j = 0; j < wj; j += FEN_TILE)
      FenTransposeTile(from + j * from_row + i, from_row, to + i * to_row + j, to_row);
  for (FenInt i = 0; i < ni; i++)
    for (FenInt j = i < wi ? wj : 0; j < nj; j++)
      to[i * to_row + j] = from[j * from_row + i];
}

static void FenTranspose(FenInt ni, FenInt nj, const double from[], FenInt from_row, double to[], FenInt to_row)
{
  for (FenInt i = 0; i < ni; i += FEN_BLOCK)
    for (FenInt j = 0; j < nj; j += FEN_BLOCK)
      FenTransposeBlock(PetscMin(FEN_BLOCK, ni - i), PetscMin(FEN_BLOCK, nj - j), from + j * from_row + i, from_row,
                        to + i * to_row + j, to_row);
}

/* the axis of the smallest stride among those that have more than one entry */
static int FenFastestAxis(const FenInt n[FEN_MAX_DIM], const FenInt stride[FEN_MAX_DIM])
{
  int axis = 0;

  for (int d = 1; d < FEN_MAX_DIM; d++)
    if (n[d] > 1 && (n[axis] <= 1 || stride[d] < stride[axis]))
      axis = d;
  return axis;
}

static void FenCopyPlane(const FenInt n[2], const FenInt fs[2], const double from[], const FenInt ts[2], double to[])
{
  if (fs[0] == 1 && ts[1] == 1) {
    FenTranspose(n[0], n[1], from, fs[1], to, ts[0]);
    return;
  }
  for (FenInt i = 0; i < n[0]; i++)
    for (FenInt j = 0; j < n[1]; j++)
      to[i * ts[0] + j * ts[1]] = from[i * fs[0] + j * fs[1]];
}

static void FenCopyLines(const FenInt n[2], const FenInt fs[2], const double from[], const FenInt ts[2], double to[])
{
  for (FenInt i = 0; i < n[0]; i++)
    memcpy(to + i * ts[0], from + i * fs[0], (size_t)n[1] * sizeof(double));
}

void FenBoxCopy_Private(const FenInt n[FEN_MAX_DIM], const FenInt from_stride[FEN_MAX_DIM], const double from[],
                        const FenInt to_stride[FEN_MAX_DIM], double to[])
{
  const int fast = FenFastestAxis(n, to_stride); /* in the target */
  int       other = FenFastestAxis(n, from_stride);
  const int lines = other == fast && from_stride[fast] == 1 && to_stride[fast] == 1;
  FenInt    plane[2], fs[2], ts[2];
  int       outer;

  if (!n[0] || !n[1] || !n[2])
    return;
  if (other == fast)
    other = fast ? fast - 1 : 1;
  outer = FEN_MAX_DIM - fast - other;
  plane[0] = n[other], plane[1] = n[fast];
  fs[0] = from_stride[other], fs[1] = from_stride[fast];
  ts[0] = to_stride[other], ts[1] = to_stride[fast];
  for (FenInt k = 0; k < n[outer]; k++) {
    const double *f = from + k * from_stride[outer];
    double       *t = to + k * to_stride[outer];

    if (lines)
      FenCopyLines(plane, fs, f, ts, t);
    else
      FenCopyPlane(plane, fs, f, ts, t);
  }
}
