/* SPDX-License-Identifier: BSD-2-Clause */
#define FEN_SIMD        8
#define FEN_FOE_FILTERS 8
#define FEN_FOE_KERNELS FenFoeKernels_avx512
#include "foeloops.h"
