/* SPDX-License-Identifier: BSD-2-Clause */
#define FEN_SIMD         4
#define FEN_KERNELS      FenCellKernels_avx2
#define FEN_KERNELS_NAME "avx2"
#include "cellkernel.h"
