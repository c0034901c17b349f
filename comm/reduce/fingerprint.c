/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Fingerprints of distributed arrays: a sum, modulo 2^64, of one hash for each (index, word). The order of the terms
   does not matter, so any partition over ranks gives the same. Two lanes combine index and word in different ways and
   mix them by different multipliers; together they are as good as a random 128-bit number against accidents, but they
   are no protection against forgery.
*/
#include "../commimpl.h"

#define FEN_MIX_INDEX0 UINT64_C(0x9E3779B97F4A7C15)
#define FEN_MIX_INDEX1 UINT64_C(0xD1B54A32D192ED03)
#define FEN_MIX_A0     UINT64_C(0xBF58476D1CE4E5B9)
#define FEN_MIX_A1     UINT64_C(0x94D049BB133111EB)
#define FEN_MIX_B0     UINT64_C(0xFF51AFD7ED558CCD)
#define FEN_MIX_B1     UINT64_C(0xC4CEB9FE1A85EC53)

/* a bijection of 64-bit words whose every output bit depends on every input bit */
static inline uint64_t FenMix(uint64_t z, uint64_t multiplier0, uint64_t multiplier1)
{
  z = (z ^ (z >> 31)) * multiplier0;
  z = (z ^ (z >> 29)) * multiplier1;
  return z ^ (z >> 32);
}

void FenFingerprintWords_Private(FenFingerprint *f, uint64_t first, uint64_t step, FenInt n, const void *words)
{
  const char *bytes = (const char *)words;
  uint64_t    lane0 = 0, lane1 = 0;

  for (uint64_t k = 0; k < (uint64_t)n; k++) {
    const uint64_t index = first + k * step + 1;
    uint64_t       word;

    memcpy(&word, bytes + 8 * k, 8);
    lane0 += FenMix(word + index * FEN_MIX_INDEX0, FEN_MIX_A0, FEN_MIX_A1);
    lane1 += FenMix(word ^ (index * FEN_MIX_INDEX1), FEN_MIX_B0, FEN_MIX_B1);
  }
  f->lane[0] += lane0;
  f->lane[1] += lane1;
}

/*@C
  FenFingerprintDoubles - Adds part of an array to a fingerprint.

  Not Collective

  Input Parameters:
+ f           - the fingerprint, zeroed before the first part
. first_index - global index of x[0]
. n           - length of the part
- x           - the part; every bit counts, so 0 and -0 differ

  Note:
  Parts may come in any order and from any rank; every global index must come once.

  Level: developer

.seealso: `FenFingerprintReduce()`
@*/
void FenFingerprintDoubles(FenFingerprint *f, FenInt first_index, FenInt n, const double x[])
{
  FenFingerprintWords_Private(f, (uint64_t)first_index, 1, n, x);
}

/*@C
  FenFingerprintReduce - Adds up the fingerprints of all ranks.

  Collective

  Input Parameters:
+ comm - the ranks
- f    - on entry the fingerprint of this rank's part, on return that of the whole array

  Level: developer

.seealso: `FenFingerprintDoubles()`
@*/
PetscErrorCode FenFingerprintReduce(MPI_Comm comm, FenFingerprint *f)
{
  PetscFunctionBegin;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, f->lane, 2, MPI_UINT64_T, MPI_SUM, comm));
  PetscFunctionReturn(0);
}
