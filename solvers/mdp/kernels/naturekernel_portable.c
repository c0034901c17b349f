/* SPDX-License-Identifier: BSD-2-Clause */
#define FEN_SIMD           2
#define FEN_NATURE_KERNELS FenNatureKernels_portable
#include "natureloops.h"
