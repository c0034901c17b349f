/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Which of the instruction sets that hot kernels are compiled for this processor has.
*/
#include "../commimpl.h"

const char *const FenSimdTypes[] = {"portable", "avx2", "avx512", "FenSimdType", "FEN_SIMD_", NULL};

/*@
  FenSimdBest - The widest instruction set of this processor that kernels are compiled for.

  Not Collective

  Level: developer

.seealso: `FenSimdFind()`
@*/
FenSimdType FenSimdBest(void)
{
#if defined(FEN_HAVE_X86_KERNELS)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq"))
    return FEN_SIMD_AVX512;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    return FEN_SIMD_AVX2;
#endif
  return FEN_SIMD_PORTABLE;
}

/*@
  FenSimdFind - The instruction set of a name.

  Not Collective

  Input Parameter:
. name - portable, avx2, avx512; auto, empty or NULL for the best

  Output Parameter:
. simd - the instruction set

  Errors:
  FEN_ERR_OPTION if the processor does not have it.

  Level: developer

.seealso: `FenSimdBest()`
@*/
PetscErrorCode FenSimdFind(const char name[], FenSimdType *simd)
{
  const FenSimdType best = FenSimdBest();

  PetscFunctionBegin;
  *simd = best;
  if (!name || !name[0] || !strcmp(name, "auto"))
    PetscFunctionReturn(0);
  for (int k = 0; k <= (int)best; k++)
    if (!strcmp(name, FenSimdTypes[k])) {
      *simd = (FenSimdType)k;
      PetscFunctionReturn(0);
    }
  SETERRQ(PETSC_COMM_SELF, (PetscErrorCode)FEN_ERR_OPTION,
          "-fen_simd %s: this processor has no such instructions; the best here is %s", name, FenSimdTypes[best]);
}
