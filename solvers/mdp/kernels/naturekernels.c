/* SPDX-License-Identifier: BSD-2-Clause */
/* Choice of the kernels at run time. */
#include "naturekernels.h"

PetscErrorCode FenNatureKernelsGet(const char *name, const FenNatureKernels **kernels)
{
  static const FenNatureKernels *const of[FEN_SIMD_TYPES] = FEN_SIMD_TABLE(FenNatureKernels);
  FenSimdType                          simd;

  PetscFunctionBegin;
  PetscCall(FenSimdFind(name, &simd));
  *kernels = of[simd];
  PetscFunctionReturn(0);
}
