/* SPDX-License-Identifier: BSD-2-Clause */
#define FEN_SIMD         2
#define FEN_KERNELS      FenCellKernels_portable
#define FEN_KERNELS_NAME "portable"
#include "cellkernel.h"
