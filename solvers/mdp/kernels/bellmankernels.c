/* SPDX-License-Identifier: BSD-2-Clause */
/* Choice of the kernels at run time. */
#include "bellmankernels.h"

#if defined(FEN_HAVE_X86_KERNELS)
static const FenBellmanKernels *Best(void)
{
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq"))
    return &FenBellmanKernels_avx512;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    return &FenBellmanKernels_avx2;
  return &FenBellmanKernels_portable;
}
#else
static const FenBellmanKernels *Best(void)
{
  return &FenBellmanKernels_portable;
}
#endif

PetscErrorCode FenBellmanKernelsGet(const char *name, const FenBellmanKernels **kernels)
{
  const FenBellmanKernels *best = Best();
  PetscBool                same = PETSC_FALSE;

  PetscFunctionBegin;
  *kernels = best;
  if (!name || !name[0] || !strcmp(name, "auto"))
    PetscFunctionReturn(0);
  *kernels = NULL;
  PetscCall(PetscStrcmp(name, "portable", &same));
  if (same)
    *kernels = &FenBellmanKernels_portable;
#if defined(FEN_HAVE_X86_KERNELS)
  PetscCall(PetscStrcmp(name, "avx2", &same));
  if (same && best->lanes >= FenBellmanKernels_avx2.lanes)
    *kernels = &FenBellmanKernels_avx2;
  PetscCall(PetscStrcmp(name, "avx512", &same));
  if (same && best->lanes >= FenBellmanKernels_avx512.lanes)
    *kernels = &FenBellmanKernels_avx512;
#endif
  PetscCheck(*kernels, PETSC_COMM_SELF, (PetscErrorCode)FEN_ERR_OPTION,
             "-fen_simd %s: this processor has no such instructions; the best here is %s", name, best->name);
  PetscFunctionReturn(0);
}
