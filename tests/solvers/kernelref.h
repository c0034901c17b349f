/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Tiles for the kernel tests. All inputs are multiples of 1/16 (of 1 where a product is formed), so that scaled costs
   and exponents are exact in double precision: what a kernel gets wrong is its own error and not the input's rounding.
   Distances |x-y| are the exception, they carry the rounding of a square root.
*/
#pragma once
#include "kernels/kernels.h"
#include "fentest.h"
#include <stdlib.h>

#define REF_MAX 200 /* points of a side at most */
#define REF_DIM 64

static const FenInt ref_sizes[] = {1, 7, 63, 64, 65, 200};
static const int    ref_dims[] = {1, 2, 3, 5, 8, 9, 64};
#define REF_NSIZES 6
#define REF_NDIMS  7

typedef struct {
  FenTile T;
  double  xt[REF_DIM * REF_MAX], xs[REF_DIM * REF_MAX], cost[REF_MAX * REF_MAX];
  double  u[REF_MAX], w[REF_MAX], v[4 * REF_MAX], box[REF_MAX * (2 * REF_DIM + 2)];
} RefTile;

static inline double RefSixteenth(uint64_t seed, FenInt index, double range)
{
  return rint(16 * range * (2 * FenRandomUniform(seed, (uint64_t)index, 0) - 1)) / 16;
}

/* spread: size of the exponents' range; every `zeros`-th source weighs nothing (0: none) */
static inline void RefFill(RefTile *R, FenTileKind kind, int dim, FenInt nt, FenInt ns, double spread, FenInt zeros)
{
  const uint64_t seed = (uint64_t)(1000000 * (FenInt)kind + 10000 * dim + 300 * nt + ns);
  const double   range = kind == FEN_TILE_SQEUCLIDEAN ? sqrt(spread / (2 * dim)) : spread / (2 * dim);
  FenTile       *T = &R->T;

  *T = (FenTile){.kind = kind, .dim = kind == FEN_TILE_MATRIX ? 0 : dim, .nt = nt, .ns = ns, .nv = 1, .chunk = 64};
  T->ldt = T->lds = T->ldv = REF_MAX;
  T->ldc = REF_MAX;
  T->scale = 0.25;
  for (FenInt k = 0; k < dim; k++)
    for (FenInt i = 0; i < REF_MAX; i++) {
      R->xt[k * REF_MAX + i] = RefSixteenth(seed, k * REF_MAX + i, range);
      R->xs[k * REF_MAX + i] = RefSixteenth(seed + 1, k * REF_MAX + i, range);
    }
  for (FenInt i = 0; i < REF_MAX * REF_MAX; i++)
    R->cost[i] = fabs(RefSixteenth(seed + 2, i, 4 * spread));
  for (FenInt j = 0; j < REF_MAX; j++) {
    R->u[j] = zeros && j % zeros == zeros / 2 ? FEN_NONE : RefSixteenth(seed + 3, j, spread / 2);
    for (FenInt k = 0; k < 4; k++)
      R->v[k * REF_MAX + j] = 2 * FenRandomUniform(seed + 4, (uint64_t)(4 * j + k), 0) - 1;
  }
  T->xt = R->xt;
  T->xs = R->xs;
  T->cost = R->cost;
  T->u = R->u;
  T->w = R->w;
  T->v = R->v;
}

static inline long double RefCost(const FenTile *T, FenInt i, FenInt j)
{
  long double s = 0;

  if (T->kind == FEN_TILE_MATRIX)
    return (long double)T->scale * T->cost[i * T->ldc + j];
  for (FenInt k = 0; k < T->dim; k++) {
    const long double d = (long double)T->xt[k * T->ldt + i] - T->xs[k * T->lds + j];

    s += T->kind == FEN_TILE_L1 ? fabsl(d) : d * d;
  }
  return T->kind == FEN_TILE_EUCLIDEAN ? sqrtl(s) : s;
}

/* t[i*REF_MAX + j], -inf for a source without weight */
static inline void RefExponents(const FenTile *T, long double t[])
{
  for (FenInt i = 0; i < T->nt; i++)
    for (FenInt j = 0; j < T->ns; j++)
      t[i * REF_MAX + j] = T->u[j] <= FEN_NONE ? -HUGE_VALL : T->u[j] - RefCost(T, i, j);
}

static inline long double RefLargest(const FenTile *T, const long double t[], FenInt i)
{
  long double m = -HUGE_VALL;

  for (FenInt j = 0; j < T->ns; j++)
    m = fmaxl(m, t[i * REF_MAX + j]);
  return m;
}

/* what the rounding of a square root does to an exponent, relative to one; nothing for the exact costs */
static inline double RefNoise(const FenTile *T, double spread)
{
  return T->kind == FEN_TILE_EUCLIDEAN ? 4e-16 * spread : 0;
}

/* chunk 0: no boxes */
static inline void RefBoxes(RefTile *R, FenInt chunk)
{
  R->T.chunk = chunk ? chunk : FEN_CHUNK;
  R->T.box = NULL;
  if (chunk && R->T.kind != FEN_TILE_MATRIX) {
    R->T.box = R->box;
    FenTileMakeBoxes(&R->T);
  }
}

/* the instruction sets that this processor has, portable always */
static inline int RefKernels(const FenKernels *list[FEN_SIMD_TYPES])
{
  const int n = (int)FenSimdBest() + 1;

  for (int k = 0; k < n; k++)
    FEN_OK(FenKernelsGet(FenSimdTypes[k], &list[k]));
  return n;
}

/* calls `test` for every kind of cost, dimension, pair of sizes, spread of exponents, with and without zero weights */
typedef void (*RefTest)(RefTile *, double spread);
static inline void RefForAll(RefTest test)
{
  RefTile *R = (RefTile *)malloc(sizeof(*R));

  for (int kind = FEN_TILE_SQEUCLIDEAN; kind <= FEN_TILE_MATRIX; kind++)
    for (int d = 0; d < (kind == FEN_TILE_MATRIX ? 1 : REF_NDIMS); d++)
      for (int s = 0; s < REF_NSIZES * REF_NSIZES; s++)
        for (int v = 0; v < 3; v++) {
          const FenInt nt = ref_sizes[s % REF_NSIZES], ns = ref_sizes[s / REF_NSIZES];
          const double spread = v == 0 ? 8 : v == 1 ? 300 : 1e4;

          if (nt * ns > 5000 && v != s % 3)
            continue; /* the largest tiles take turns */
          RefFill(R, (FenTileKind)kind, ref_dims[d], nt, ns, spread, ns > 1 && v ? 5 : 0);
          test(R, spread);
        }
  free(R);
}
