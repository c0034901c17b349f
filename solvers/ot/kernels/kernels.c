/* SPDX-License-Identifier: BSD-2-Clause */
/* Choice of the kernels at run time, and the chunk boxes and tables that all of them use. */
#include "kernels.h"
#include <limits.h>
#include <math.h>

void FenTileUpdateBoxes(FenTile *T)
{
  double *umax = T->box + 2 * T->dim * FenTileChunks(T);

  for (FenInt j0 = 0; j0 < T->ns; j0 += T->chunk) {
    const FenInt j1 = PetscMin(T->ns, j0 + T->chunk);
    double       m = T->u[j0];

    for (FenInt j = j0 + 1; j < j1; j++)
      m = PetscMax(m, T->u[j]);
    umax[j0 / T->chunk] = m;
  }
}

void FenTileMakeBoxes(FenTile *T)
{
  const FenInt nc = FenTileChunks(T);

  for (int k = 0; k < T->dim; k++) {
    const double *x = T->xs + k * T->lds;

    for (FenInt c = 0; c < nc; c++) {
      const FenInt j1 = PetscMin(T->ns, (c + 1) * T->chunk);
      double       lo = x[c * T->chunk], hi = lo;

      for (FenInt j = c * T->chunk + 1; j < j1; j++) {
        lo = PetscMin(lo, x[j]);
        hi = PetscMax(hi, x[j]);
      }
      T->box[k * nc + c] = lo;
      T->box[(T->dim + k) * nc + c] = hi;
    }
  }
  FenTileUpdateBoxes(T);
}

#define STEPS_LEAST 4 /* steps in a table: where fewer are near enough nobody shares anything */

static PetscErrorCode Room(FenInt most, FenToeplitz *T)
{
  PetscFunctionBegin;
  if (!T->memory)
    PetscCall(PetscMalloc1((size_t)(2 * most + 1 + FEN_TOEPLITZ_BEHIND), &T->memory));
  T->factor = T->memory + most;
  PetscFunctionReturn(0);
}

PetscErrorCode FenToeplitzMake(double step, double apart, FenInt longest, FenToeplitz *T)
{
  const FenInt most = PetscMin(FEN_TOEPLITZ_MOST, longest);
  const double far = sqrt(FEN_TOEPLITZ_BITS), steps = rint(apart / step);

  PetscFunctionBegin;
  T->reach = 0;
  if (!(fabs(steps) < INT_MAX) || far < STEPS_LEAST * step)
    PetscFunctionReturn(0);
  T->step = step;
  T->at = (FenInt)steps;
  T->delta = apart - steps * step;
  T->reach = (FenInt)PetscMin((double)most, far / step - 0.5);
  PetscCall(Room(most, T));
  for (FenInt o = -T->reach; o <= T->reach + FEN_TOEPLITZ_BEHIND; o++) {
    const double d = (double)o * step + T->delta;

    T->factor[o] = exp2(-d * d);
  }
  PetscFunctionReturn(0);
}

PetscErrorCode FenToeplitzTabulate(const double cost[], FenInt longest, FenToeplitz *T)
{
  const FenInt most = PetscMin(FEN_TOEPLITZ_MOST, longest);

  PetscFunctionBegin;
  T->reach = T->at = 0;
  T->step = T->delta = 0;
  while (T->reach < most && PetscMax(cost[T->reach + 1], cost[-T->reach - 1]) <= FEN_TOEPLITZ_BITS)
    T->reach++;
  T->reach = T->reach < STEPS_LEAST || cost[0] > FEN_TOEPLITZ_BITS ? 0 : T->reach;
  PetscCall(Room(most, T));
  for (FenInt o = -T->reach; o <= T->reach + FEN_TOEPLITZ_BEHIND; o++)
    T->factor[o] = exp2(-cost[o]);
  PetscFunctionReturn(0);
}

PetscErrorCode FenToeplitzDestroy(FenToeplitz *T)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(T->memory));
  T->reach = 0;
  PetscFunctionReturn(0);
}

PetscErrorCode FenKernelsGet(const char *name, const FenKernels **kernels)
{
  static const FenKernels *const of[FEN_SIMD_TYPES] = FEN_SIMD_TABLE(FenKernels);
  FenSimdType                    simd;

  PetscFunctionBegin;
  PetscCall(FenSimdFind(name, &simd));
  *kernels = of[simd];
  PetscFunctionReturn(0);
}
