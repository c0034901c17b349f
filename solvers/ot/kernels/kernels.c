/* SPDX-License-Identifier: BSD-2-Clause */
/* Choice of the kernels at run time, and the chunk boxes that all of them use. */
#include "kernels.h"

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

#if defined(FEN_HAVE_X86_KERNELS)
static const FenKernels *Best(void)
{
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq"))
    return &FenKernels_avx512;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    return &FenKernels_avx2;
  return &FenKernels_portable;
}
#else
static const FenKernels *Best(void)
{
  return &FenKernels_portable;
}
#endif

PetscErrorCode FenKernelsGet(const char *name, const FenKernels **kernels)
{
  const FenKernels *best = Best();
  PetscBool         same = PETSC_FALSE;

  PetscFunctionBegin;
  *kernels = best;
  if (!name || !name[0] || !strcmp(name, "auto"))
    PetscFunctionReturn(0);
  *kernels = NULL;
  PetscCall(PetscStrcmp(name, "portable", &same));
  if (same)
    *kernels = &FenKernels_portable;
#if defined(FEN_HAVE_X86_KERNELS)
  PetscCall(PetscStrcmp(name, "avx2", &same));
  if (same && best->lanes >= FenKernels_avx2.lanes)
    *kernels = &FenKernels_avx2;
  PetscCall(PetscStrcmp(name, "avx512", &same));
  if (same && best->lanes >= FenKernels_avx512.lanes)
    *kernels = &FenKernels_avx512;
#endif
  PetscCheck(*kernels, PETSC_COMM_SELF, (PetscErrorCode)FEN_ERR_OPTION,
             "-fen_simd %s: this processor has no such instructions; the best here is %s", name, best->name);
  PetscFunctionReturn(0);
}
