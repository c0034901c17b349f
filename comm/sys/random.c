/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Counter-based random numbers: the generator Philox4x32 with ten rounds. A number depends on seed, global index and
   stream alone, so that random instances do not depend on the number of ranks.

   J. Salmon, M. Moraes, R. Dror, D. Shaw, Parallel random numbers: as easy as 1, 2, 3, SC 2011,
   doi 10.1145/2063384.2063405.
*/
#include "../commimpl.h"
#include <math.h>

#define FEN_PHILOX_M0 0xD2511F53u
#define FEN_PHILOX_M1 0xCD9E8D57u
#define FEN_PHILOX_W0 0x9E3779B9u /* golden ratio */
#define FEN_PHILOX_W1 0xBB67AE85u /* square root of three, less one */

/*@C
  FenPhilox4x32 - The generator Philox4x32-10: 128 random bits as a function of a counter and a key.

  Not Collective

  Input Parameters:
+ counter - four words
- key     - two words

  Output Parameter:
. out - four words

  Level: developer

.seealso: `FenRandomUniform()`, `FenRandomNormal()`
@*/
void FenPhilox4x32(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4])
{
  uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3], k0 = key[0], k1 = key[1];

  for (int round = 0; round < 10; round++) {
    const uint64_t p0 = (uint64_t)FEN_PHILOX_M0 * c0, p1 = (uint64_t)FEN_PHILOX_M1 * c2;

    c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
    c1 = (uint32_t)p1;
    c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
    c3 = (uint32_t)p0;
    k0 += FEN_PHILOX_W0;
    k1 += FEN_PHILOX_W1;
  }
  out[0] = c0;
  out[1] = c1;
  out[2] = c2;
  out[3] = c3;
}

static void FenRandomWords(uint64_t seed, uint64_t index, uint32_t stream, uint64_t word[2])
{
  const uint32_t counter[4] = {(uint32_t)index, (uint32_t)(index >> 32), stream, 0};
  const uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
  uint32_t       out[4];

  FenPhilox4x32(counter, key, out);
  word[0] = (uint64_t)out[1] << 32 | out[0];
  word[1] = (uint64_t)out[3] << 32 | out[2];
}

/* 53 bits; zero is moved to 2^-54, so that logarithms exist */
static double FenRandomOpen(uint64_t word)
{
  return word >> 11 ? (double)(word >> 11) * 0x1p-53 : 0x1p-54;
}

/*@
  FenRandomUniform - A random number in the open interval (0,1), with 53 random bits.

  Not Collective

  Input Parameters:
+ seed   - seed of the instance
. index  - global index of the entry
- stream - number of the array or component; streams are independent

  Level: intermediate

.seealso: `FenRandomNormal()`, `FenPhilox4x32()`
@*/
double FenRandomUniform(uint64_t seed, uint64_t index, uint32_t stream)
{
  uint64_t word[2];

  FenRandomWords(seed, index, stream, word);
  return FenRandomOpen(word[0]);
}

/*@
  FenRandomNormal - A normal random number of mean 0 and variance 1 (Box and Muller's transform of one counter).

  Not Collective

  Input Parameters:
+ seed   - seed of the instance
. index  - global index of the entry
- stream - number of the array or component; streams are independent

  Level: intermediate

.seealso: `FenRandomUniform()`
@*/
double FenRandomNormal(uint64_t seed, uint64_t index, uint32_t stream)
{
  uint64_t word[2];

  FenRandomWords(seed, index, stream, word);
  return sqrt(-2 * log(FenRandomOpen(word[0]))) * cos(2 * PETSC_PI * FenRandomOpen(word[1]));
}
