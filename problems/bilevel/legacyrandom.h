/* SPDX-License-Identifier: BSD-2-Clause */
/*
   The Mersenne twister MT19937 and what NumPy's RandomState draws from it, to the last bit: published reference
   instances are made with it. Sequential; new instances use FenRandomUniform() and FenRandomNormal().
*/
#pragma once
#include <fenchelsys.h>

typedef struct {
  uint32_t word[624];
  int      next;
  int      has_gauss;
  double   gauss;
} FenLegacyRandom;

PETSC_INTERN void     FenLegacyRandomSeed_Private(FenLegacyRandom *, uint32_t seed);
PETSC_INTERN uint32_t FenLegacyRandomWord_Private(FenLegacyRandom *);
PETSC_INTERN double   FenLegacyRandomUniform_Private(FenLegacyRandom *, double low, double high);
PETSC_INTERN double   FenLegacyRandomNormal_Private(FenLegacyRandom *);
