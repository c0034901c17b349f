/* SPDX-License-Identifier: BSD-2-Clause */
#include "naturekernels.h"

const FenNatureKernels *FenNatureKernelsGet(const FenBellmanKernels *k)
{
#if defined(FEN_HAVE_X86_KERNELS)
  if (k == &FenBellmanKernels_avx512)
    return &FenNatureKernels_avx512;
  if (k == &FenBellmanKernels_avx2)
    return &FenNatureKernels_avx2;
#endif
  (void)k;
  return &FenNatureKernels_portable;
}
