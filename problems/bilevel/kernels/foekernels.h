/* SPDX-License-Identifier: BSD-2-Clause */
/*
   A bank of K filters of w x w taps on blocks of FEN_FOE_BLOCK neighbouring pixels of a row, compiled once for each
   instruction set.

   forward is the product of the K x w^2 matrix of taps with the w^2 shifted blocks of the image; adjoint the product
   of its transpose with K blocks of responses, whose w^2 blocks are then added to the image. Both keep 24 (8) sums in
   registers and load an operand once for 8 (4) or 3 uses: 2 K w^2 flops a pixel near the peak of a core.
*/
#pragma once
#include <fenchelsys.h>

#define FEN_FOE_BLOCK 24

typedef struct {
  FenInt        w, taps, K;
  FenInt        stride;    /* of the image's rows */
  const double *by_tap;    /* taps x K */
  const double *by_filter; /* K x taps */
} FenFoeBank;

/* K blocks lie one after the other: T[k * FEN_FOE_BLOCK + i] */
typedef struct {
  const char *name;
  /* T = c_k * x for the windows that begin at x and its right neighbours */
  void (*forward)(const FenFoeBank *, const double *x, double T[]);
  /* g += sum_k C_k^T U_k */
  void (*adjoint)(const FenFoeBank *, const double U[], double *g);
  /* Z[k * taps + tap] += sum over n blocks of U_k times the image shifted by the tap */
  void (*taps)(const FenFoeBank *, FenInt n, const double U[], const double *x, double Z[]);
  /* T <- m s_k t/sqrt(t^2 + nu2_k), m: mask of the block; returns the sum of m s_k sqrt(t^2 + nu2_k) */
  double (*slope)(FenInt K, const double s[], const double nu2[], const double m[], double T[]);
  /* D <- m s_k nu2_k/(t^2 + nu2_k)^{3/2} */
  void (*curvature)(FenInt K, const double s[], const double nu2[], const double m[], const double T[], double D[]);
  /* T <- D T */
  void (*multiply)(FenInt K, const double D[], double T[]);
} FenFoeKernels;

PETSC_INTERN const FenFoeKernels FenFoeKernels_portable;
#if defined(FEN_HAVE_X86_KERNELS)
PETSC_INTERN const FenFoeKernels FenFoeKernels_avx2;
PETSC_INTERN const FenFoeKernels FenFoeKernels_avx512;
#endif

PETSC_INTERN const FenFoeKernels *FenFoeKernelsGet_Private(FenSimdType);
