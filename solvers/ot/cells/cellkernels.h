/* SPDX-License-Identifier: BSD-2-Clause */
/*
   The hot loops of a composite cell: a dense tile of its pixels against its targets, in base-2 exponents. Lanes run
   over targets; a row of the tile is a pixel, ld a multiple of FEN_CELL_LANES.
*/
#pragma once
#include <fenchelsys.h>

#define FEN_CELL_LANES 8

typedef struct {
  const char *name;
  /* t_ij = la_i - cost_ij; lse_j = log2 sum_i 2^t_ij; Q_ij = root_j 2^(t_ij - lse_j); r_i = sum_j Q_ij root_j; terms
     more than cut_i bits below the largest one of their target are zero */
  void (*softmax)(int n, FenInt ld, const double la[], const double cut[], const double cost[], const double root[],
                  double Q[], double lse[], double r[]);
  /* lower triangle of S = -Q Q^T by columns, S[k*n + i] for i >= k; blocks of zeros are passed over. `blocks` is work:
     (n+3)/4 (ld/FEN_CELL_LANES + 1) numbers */
  void (*gram)(int n, FenInt ld, const double Q[], int blocks[], double S[]);
  /* log2 sum_j 2^(h_j - cost_j) */
  double (*logsum)(FenInt ld, const double h[], const double cost[]);
  /* out_j = root_j sum over the n listed rows of Q_ij */
  void (*share)(int n, const int row[], FenInt ld, const double Q[], const double root[], double out[]);
} FenCellKernels;

PETSC_INTERN const FenCellKernels FenCellKernels_portable;
#if defined(FEN_HAVE_X86_KERNELS)
PETSC_INTERN const FenCellKernels FenCellKernels_avx2;
PETSC_INTERN const FenCellKernels FenCellKernels_avx512;
#endif
/* by the name of an instruction set, see FenSimdFind() */
PETSC_INTERN PetscErrorCode FenCellKernelsGet(const char *name, const FenCellKernels **);
