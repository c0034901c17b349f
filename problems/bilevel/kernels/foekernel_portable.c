/* SPDX-License-Identifier: BSD-2-Clause */
#define FEN_SIMD        2
#define FEN_FOE_FILTERS 4
#define FEN_FOE_KERNELS FenFoeKernels_portable
#include "foeloops.h"
