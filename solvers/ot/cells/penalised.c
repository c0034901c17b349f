/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Cells where marginals are penalised. Rows of different composites are different pixels, but all share the targets, so
   that the penalty F(sum_J c_J) of the columns c_J of the composites couples them. With c their present sum, and shares
   w_J = c_J/c, convexity gives, for new columns c'_J and rho KL(. | b),

     F(sum_J c'_J) <= sum_J rho KL(c'_J | w_J b),   equal for c'_J = c_J, and so are the derivatives there.

   The right-hand side is a sum over composites: all of a partition are solved at once, each with the weights w_J b of
   its targets (`ref`) in the place of b, and the objective falls without a line search (majorisation, De Pierro, IEEE
   Trans. Med. Imaging 14, 1995). Where nothing changes any more the plan is optimal.

   In a cell, alpha gives the soft transform of its targets, this the best beta and with it the columns
   q = ref exp((beta - soft)/eps), and these the rows r. Minus eps times the second derivative of the dual in alpha is

     diag(r + eps d_a) - W diag(q^2/(q + eps d_b)) W^T,   W_ij = P_ij/q_j,  d: decays,

   which is the matrix of solve.c with Q_ij part_j, part = sqrt(q/(q + eps d_b)); it is definite.
*/
#include "cells.h"
#include <math.h>

#define LEAST 1e-280 /* columns at least: they stay where they can come back */

void FenCellPenalise(FenCellWork *w, double *dual)
{
  const FenMarginal *A = &w->marginal[0], *B = &w->marginal[1];
  double            *scale = w->table; /* free by now */
  FenDD              value = {0, 0};

  w->mass = 0;
  for (FenInt j = 0; j < w->ld; j++) {
    double soft, beta, q;

    scale[j] = w->part[j] = 1;
    if (j >= w->ny)
      continue;
    soft = (log2(w->ref[j] / w->nu[j]) - w->lse[j]) / w->kappa;
    beta = FenMarginalUpdate(B, w->eps, soft);
    q = PetscMax(w->ref[j] * exp((beta - soft) / w->eps), LEAST);
    FenMarginalDual(B, w->ref[j], beta, &value);
    w->part[j] = sqrt(q / (q + w->eps * B->ops->decay(B, w->ref[j], beta)));
    scale[j] = sqrt(q) / w->root[j];
    w->root[j] = sqrt(q);
    w->nuJ[j] = q;
    w->mass += q;
  }
  for (PetscInt i = 0; i < w->nx; i++) {
    double *Q = w->Q + i * w->ld, r = 0;

    for (FenInt j = 0; j < w->ld; j++) {
      Q[j] *= scale[j];
      r += Q[j] * w->root[j];
    }
    w->r[i] = r;
    w->m[i] = FenMarginalWanted(A, w->mu[i], w->alpha[i]);
    FenMarginalDual(A, w->mu[i], w->alpha[i], &value);
  }
  *dual = w->value = value.hi + value.lo - w->eps * w->mass;
}

void FenCellWeigh(FenCellWork *w, PetscBool back)
{
  for (PetscInt i = 0; i < w->nx; i++) {
    double *Q = w->Q + i * w->ld;

    for (FenInt j = 0; j < w->ld; j++)
      Q[j] = back ? Q[j] / w->part[j] : Q[j] * w->part[j];
  }
}
