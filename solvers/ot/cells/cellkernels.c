/* SPDX-License-Identifier: BSD-2-Clause */
/* Choice of the kernels at run time. */
#include "cellkernels.h"

PetscErrorCode FenCellKernelsGet(const char *name, const FenCellKernels **kernels)
{
  static const FenCellKernels *const of[FEN_SIMD_TYPES] = FEN_SIMD_TABLE(FenCellKernels);
  FenSimdType                        simd;

  PetscFunctionBegin;
  PetscCall(FenSimdFind(name, &simd));
  *kernels = of[simd];
  PetscFunctionReturn(0);
}
