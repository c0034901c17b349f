/* SPDX-License-Identifier: BSD-2-Clause */
#define FEN_SIMD           8
#define FEN_NATURE_KERNELS FenNatureKernels_avx512
#include "natureloops.h"
