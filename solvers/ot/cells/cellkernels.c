/* SPDX-License-Identifier: BSD-2-Clause */
/* Choice of the kernels of cells: the instruction set that FenKernelsGet() chooses. */
#include "cellkernels.h"
#include "../kernels/kernels.h"

PetscErrorCode FenCellKernelsGet(const char *name, const FenCellKernels **kernels)
{
  const FenKernels *chosen;

  PetscFunctionBegin;
  PetscCall(FenKernelsGet(name, &chosen));
  *kernels = &FenCellKernels_portable;
#if defined(FEN_HAVE_X86_KERNELS)
  if (chosen == &FenKernels_avx2)
    *kernels = &FenCellKernels_avx2;
  if (chosen == &FenKernels_avx512)
    *kernels = &FenCellKernels_avx512;
#endif
  PetscFunctionReturn(0);
}
