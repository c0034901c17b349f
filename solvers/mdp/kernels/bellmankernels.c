/* SPDX-License-Identifier: BSD-2-Clause */
/* Choice of the kernels at run time. */
#include "bellmankernels.h"

PetscErrorCode FenBellmanKernelsGet(const char *name, const FenBellmanKernels **kernels)
{
  static const FenBellmanKernels *const of[FEN_SIMD_TYPES] = FEN_SIMD_TABLE(FenBellmanKernels);
  FenSimdType                           simd;

  PetscFunctionBegin;
  PetscCall(FenSimdFind(name, &simd));
  *kernels = of[simd];
  PetscFunctionReturn(0);
}
