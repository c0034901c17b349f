/* SPDX-License-Identifier: BSD-2-Clause */
/* Choice of the kernels at run time. */
#include "foekernels.h"

const FenFoeKernels *FenFoeKernelsGet_Private(FenSimdType simd)
{
  static const FenFoeKernels *const of[FEN_SIMD_TYPES] = FEN_SIMD_TABLE(FenFoeKernels);

  return of[simd];
}
