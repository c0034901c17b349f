/* SPDX-License-Identifier: BSD-2-Clause */
/* Choice of the kernels at run time. */
#include "foekernels.h"

const FenFoeKernels *FenFoeKernelsGet_Private(int k)
{
  const FenFoeKernels *have[4] = {&FenFoeKernels_portable};
  int                  n = 1;

#if defined(FEN_HAVE_X86_KERNELS)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    have[n++] = &FenFoeKernels_avx2;
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq"))
    have[n++] = &FenFoeKernels_avx512;
#endif
  return k < n ? have[k] : NULL;
}

const FenFoeKernels *FenFoeKernelsBest_Private(void)
{
  const FenFoeKernels *best = NULL;

  for (int k = 0; FenFoeKernelsGet_Private(k); k++)
    best = FenFoeKernelsGet_Private(k);
  return best;
}
