/* SPDX-License-Identifier: BSD-2-Clause */
/*
   MT19937 (Matsumoto and Nishimura, ACM TOMACS 8, 1998), seeded as in their 2002 version; doubles of 53 bits from two
   words (27 and 26 bits); normal numbers by Marsaglia's polar method, the second of a pair kept for the next call.
*/
#include "legacyrandom.h"
#include <math.h>

#define N 624
#define M 397

void FenLegacyRandomSeed_Private(FenLegacyRandom *r, uint32_t seed)
{
  r->word[0] = seed;
  for (uint32_t k = 1; k < N; k++)
    r->word[k] = 1812433253U * (r->word[k - 1] ^ (r->word[k - 1] >> 30)) + k;
  r->next = N;
  r->has_gauss = 0;
  r->gauss = 0;
}

static void Refill(FenLegacyRandom *r)
{
  for (int k = 0; k < N; k++) {
    const uint32_t y = (r->word[k] & 0x80000000U) | (r->word[(k + 1) % N] & 0x7fffffffU);

    r->word[k] = r->word[(k + M) % N] ^ (y >> 1) ^ (y & 1 ? 0x9908b0dfU : 0);
  }
  r->next = 0;
}

uint32_t FenLegacyRandomWord_Private(FenLegacyRandom *r)
{
  uint32_t y;

  if (r->next == N)
    Refill(r);
  y = r->word[r->next++];
  y ^= y >> 11;
  y ^= (y << 7) & 0x9d2c5680U;
  y ^= (y << 15) & 0xefc60000U;
  return y ^ (y >> 18);
}

static double Open(FenLegacyRandom *r)
{
  const uint32_t a = FenLegacyRandomWord_Private(r) >> 5, b = FenLegacyRandomWord_Private(r) >> 6;

  return (a * 67108864.0 + b) / 9007199254740992.0;
}

double FenLegacyRandomUniform_Private(FenLegacyRandom *r, double low, double high)
{
  return low + (high - low) * Open(r);
}

double FenLegacyRandomNormal_Private(FenLegacyRandom *r)
{
  double u, v, s, scale;

  if (r->has_gauss) {
    r->has_gauss = 0;
    return r->gauss;
  }
  do {
    u = 2 * Open(r) - 1;
    v = 2 * Open(r) - 1;
    s = u * u + v * v;
  } while (s >= 1 || s == 0);
  scale = sqrt(-2 * log(s) / s);
  r->gauss = scale * u;
  r->has_gauss = 1;
  return scale * v;
}
