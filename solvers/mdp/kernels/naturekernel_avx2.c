/* SPDX-License-Identifier: BSD-2-Clause */
#define FEN_SIMD           4
#define FEN_NATURE_KERNELS FenNatureKernels_avx2
#include "natureloops.h"
