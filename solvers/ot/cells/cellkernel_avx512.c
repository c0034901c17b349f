/* SPDX-License-Identifier: BSD-2-Clause */
#define FEN_SIMD         8
#define FEN_KERNELS      FenCellKernels_avx512
#define FEN_KERNELS_NAME "avx512"
#include "cellkernel.h"
