/* SPDX-License-Identifier: BSD-2-Clause */
/* The function of g that Newton's method maximises: value, gradient, and Sinkhorn's steps, for every kind of marginal.
 */
#include "newtonsystem.h"
#include <math.h>

#define LOST 5e8 /* where b/c or c/b is larger, c is not accurate any more */

PetscErrorCode FenNewtonDual(FenOT ot, const double g[], double *dual, double *mass)
{
  const FenMarginal *M = ot->marginal;
  const double      *r;
  FenDD              sum[2] = {{0, 0}};
  double             v[2];

  PetscFunctionBegin;
  PetscCall(FenOTPlan_Private(ot, g));
  r = FenOTRows_Private(ot);
  FenMarginalDuals(&M[0], ot->n, ot->a, ot->f, &sum[0]);
  FenMarginalDuals(&M[1], ot->m, ot->b, g, &sum[0]);
  if (ot->relaxed)
    FenDDAddSum(&sum[1], ot->n, r);
  PetscCall(FenSolverReduce_Private((FenSolver)ot, 2, sum, v));
  if (!ot->relaxed) /* rows are exact */
    v[1] = ot->product;
  *dual = v[0] - ot->op->eps * (v[1] - ot->product);
  if (mass)
    *mass = v[1];
  PetscFunctionReturn(0);
}

/* largest of n numbers, none below 0: in chains that do not wait for each other */
static double Largest(FenInt n, const double x[])
{
  double most[4] = {0};

  for (FenInt k = 0; k < n - n % 4; k += 4)
    for (int l = 0; l < 4; l++)
      most[l] = PetscMax(most[l], x[k + l]);
  for (FenInt k = n - n % 4; k < n; k++)
    most[0] = PetscMax(most[0], x[k]);
  return PetscMax(PetscMax(most[0], most[1]), PetscMax(most[2], most[3]));
}

PetscErrorCode FenNewtonErrors(FenOT ot, const double c[], double mass, double *error, double *log_error,
                               PetscBool *lost)
{
  const FenMarginal *M = &ot->marginal[1];
  const double       least = FEN_NEGLIGIBLE * mass / (double)ot->op->N[1];
  FenDD              sum = {0, 0};
  double             most[2] = {1, 0}, made[FEN_DD_PIECE], off[FEN_DD_PIECE], large[FEN_DD_PIECE], small[FEN_DD_PIECE],
         ratio[FEN_DD_PIECE];

  PetscFunctionBegin;
  for (FenInt j0 = 0; j0 < ot->m; j0 += FEN_DD_PIECE) { /* its loops are such as compilers make vectors of */
    const FenInt  many = PetscMin(FEN_DD_PIECE, ot->m - j0);
    const double *had = c + j0, *b = ot->b + j0, *wanted = M->exact ? b : made;

    for (FenInt k = 0; !M->exact && k < many; k++)
      made[k] = FenMarginalWanted(M, b[k], ot->g[j0 + k]);
    for (FenInt k = 0; k < many; k++) {
      off[k] = fabs(had[k] - wanted[k]);
      large[k] = PetscMax(wanted[k], had[k]);
      small[k] = PetscMin(wanted[k], had[k]);
      ratio[k] = large[k] / PetscMax(small[k], 1e-300);
    }
    for (FenInt k = 0; k < many; k++) {
      ratio[k] = ((b[k] > 0) & (large[k] > least)) ? ratio[k] : 0;
      large[k] = ((b[k] > 0) & !(large[k] < LOST * small[k])) ? 1 : 0;
    }
    FenDDAddSum(&sum, many, off);
    most[0] = PetscMax(most[0], Largest(many, ratio));
    most[1] = PetscMax(most[1], Largest(many, large));
  }
  PetscCall(FenSolverReduce_Private((FenSolver)ot, 1, &sum, error));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, most, 2, MPI_DOUBLE, MPI_MAX, ot->op->comm));
  *log_error = log(most[0]);
  *lost = (PetscBool)(most[1] > 0);
  *error *= FenOTErrorScale_Private(ot, mass);
  PetscFunctionReturn(0);
}

void FenNewtonRightSide(const FenNewtonSystem *N, const double c[], double rhs[])
{
  FenOT              ot = N->ot;
  const FenMarginal *M = &ot->marginal[1];

  for (FenInt j = 0; j < ot->m; j++) {
    const double wanted = FenMarginalWanted(M, ot->b[j], ot->g[j]);

    rhs[j] = wanted > 0 && c[j] > 0 ? N->unit * ot->op->eps * c[j] * log(wanted / c[j]) : 0;
  }
}

PetscErrorCode FenNewtonSlope(FenOT ot, const double c[], const double d[], double *slope)
{
  const FenMarginal *M = &ot->marginal[1];
  FenDD              sum = {0, 0};

  PetscFunctionBegin;
  for (FenInt j0 = 0; j0 < ot->m; j0 += FEN_DD_PIECE) {
    const FenInt j1 = PetscMin(j0 + FEN_DD_PIECE, ot->m);
    double       more[FEN_DD_PIECE];

    for (FenInt j = j0; j < j1; j++)
      more[j - j0] = FenMarginalWanted(M, ot->b[j], ot->g[j]) - c[j];
    FenDDAddDot(&sum, j1 - j0, more, d + j0);
  }
  PetscCall(FenSolverReduce_Private((FenSolver)ot, 1, &sum, slope));
  PetscFunctionReturn(0);
}

/* (f + t, g - t); f is the best one for g again when the plan is made */
static PetscErrorCode Shift(FenOT ot, double mass)
{
  const FenMarginal *M = &ot->marginal[1];
  FenDD              sum = {0, 0};
  double             wanted, t;

  PetscFunctionBegin;
  for (FenInt j = 0; j < ot->m; j++)
    FenDDAdd(&sum, FenMarginalWanted(M, ot->b[j], ot->g[j]));
  PetscCall(FenDDReduce(ot->op->comm, 1, &sum, &wanted));
  t = FenMarginalShift(ot->marginal, mass, wanted); /* rows are what f wants */
  for (FenInt j = 0; j < ot->m; j++)
    ot->g[j] -= t;
  PetscFunctionReturn(0);
}

PetscErrorCode FenNewtonSinkhorn(FenOT ot, const double c[], double mass, double length, PetscBool transform,
                                 PetscBool everywhere)
{
  const FenMarginal *M = &ot->marginal[1];
  const double       eps = ot->op->eps;

  PetscFunctionBegin;
  if (transform) {
    PetscCall(FenOTSoftTransform(ot->op, FEN_TO_TARGET, ot->f, ot->wm));
    for (FenInt j = 0; j < ot->m; j++)
      if (everywhere || ot->b[j] > 0)
        ot->g[j] += length * (FenMarginalUpdate(M, eps, ot->wm[j]) - ot->g[j]); /* a NaN stays, and is found */
  } else {
    for (FenInt j = 0; j < ot->m; j++)
      if (ot->b[j] > 0)
        ot->g[j] += length * (FenMarginalUpdate(M, eps, ot->g[j] + eps * log(ot->b[j] / c[j])) - ot->g[j]);
  }
  if (ot->relaxed)
    PetscCall(Shift(ot, mass));
  PetscFunctionReturn(0);
}
