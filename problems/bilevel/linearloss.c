/* SPDX-License-Identifier: BSD-2-Clause */
/* Losses of one row, their derivatives and bounds. */
#include "linearmodelimpl.h"
#include <math.h>

/* log(1 + e^u) */
static double Softplus(double u)
{
  return u > 0 ? u + log1p(exp(-u)) : log1p(exp(u));
}

static double Sigmoid(double u)
{
  return u > 0 ? 1 / (1 + exp(-u)) : exp(u) / (1 + exp(u));
}

static double Softmax(PetscInt c, PetscInt y, const double u[], double r[], double p[])
{
  PetscInt top = 0;
  double   sum, rest = 0, loss;

  for (PetscInt k = 1; k < c; k++)
    top = u[k] > u[top] ? k : top;
  for (PetscInt k = 0; k < c; k++) {
    p[k] = exp(u[k] - u[top]);
    rest += k == top ? 0 : p[k];
  }
  sum = 1 + rest;
  loss = u[top] - u[y] + log1p(rest); /* small losses keep their digits */
  for (PetscInt k = 0; k < c; k++) {
    p[k] /= sum;
    r[k] = p[k];
  }
  r[y] -= 1;
  if (y == top)
    r[y] = -rest / sum;
  return loss;
}

double FenLossRow_Private(FenLoss loss, PetscInt c, double y, const double u[], double r[], double p[])
{
  const double score = u[0];

  if (loss == FEN_LOSS_SOFTMAX)
    return Softmax(c, (PetscInt)y, u, r, p);
  if (loss == FEN_LOSS_SQUARED) {
    p[0] = 1;
    r[0] = score - y;
    return (score - y) * (score - y) / 2;
  }
  p[0] = Sigmoid(score) * Sigmoid(-score);
  r[0] = y > 0 ? -Sigmoid(-score) : Sigmoid(score);
  return y > 0 ? Softplus(-score) : Softplus(score);
}

void FenLossProduct_Private(FenLoss loss, PetscInt c, const double p[], const double v[], double r[])
{
  double dot = 0;

  if (loss != FEN_LOSS_SOFTMAX) {
    r[0] = p[0] * v[0];
    return;
  }
  for (PetscInt k = 0; k < c; k++)
    dot += p[k] * v[k];
  for (PetscInt k = 0; k < c; k++)
    r[k] = p[k] * (v[k] - dot);
}

/*
   The derivatives of log sum e^u along v are the cumulants of a variable that is v_k with probability p_k. For |v| = 1
   it lies in an interval of length at most sqrt(2), so its variance is at most 2/4. With mean fixed, the third central
   moment is linear in the law, hence extreme at two atoms, and there at most length^3/(6 sqrt(3)). A symmetric
   trilinear form is largest on a diagonal (Banach), so this bounds the change of the Hessian, too. One score: length 1.
*/
FenLossBounds FenLossGetBounds_Private(FenLoss loss)
{
  const double two_atoms = 1 / (6 * sqrt(3));

  if (loss == FEN_LOSS_SQUARED)
    return (FenLossBounds){.curvature = 1, .third = 0, .slope = PETSC_INFINITY};
  if (loss == FEN_LOSS_BINARY)
    return (FenLossBounds){.curvature = 0.25, .third = two_atoms, .slope = 1};
  return (FenLossBounds){.curvature = 0.5, .third = 2 * sqrt(2) * two_atoms, .slope = sqrt(2)};
}
