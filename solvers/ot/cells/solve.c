/* SPDX-License-Identifier: BSD-2-Clause */
/*
   The problem of one composite cell, min <c,P> + eps KL(P | mu x nu) over plans between mu_J and nu_J, by Newton's
   method on its semi-dual. The unknowns are the potentials alpha of at most a hundred pixels. With

     W_ij = mu_i 2^(kappa (alpha_i - c_ij)) / sum over pixels,   P = W diag(nu_J),   r = P 1

   columns are exact for any alpha, the dual has gradient m - r, and -eps times its second derivative is
   S = diag(r) - P diag(1/nu_J) P^T = diag(r) - Q Q^T, Q = P diag(nu_J)^(-1/2): one symmetric product, which passes over
   blocks of zeros, and one Cholesky factorisation of LAPACK. S has the null vector 1, which the term r r^T / mass
   removes. A step solves S d = r log(m/r), which is the gradient to first order, and for a pixel coupled to no other
   one a Sinkhorn step.

   Where marginals are penalised, see penalised.c, columns and m depend on alpha, and the null vector is none.

   Globalised: a step that lowers the dual is cut, then replaced by a Sinkhorn step in the log domain with a Levenberg
   shift for the next one. Cells that do not converge keep exact columns, so that sum_i nu_i = nu holds in any case.

   Cost per step: nx ny exponentials, nx^2 ny + nx^3/3 flops; nx pixels, ny targets. Memory 2 nx ny + nx^2 numbers.
*/
#include "cells.h"
#include <petscblaslapack.h>
#include <math.h>

#define CUT        56.0 /* bits */
#define STEPS      60   /* at most, of all kinds */
#define STEP_LIMIT 10.0 /* in units of eps */
#define WORST      0.1  /* relative error of every row at most: tiny pixels must not be forgotten */
#define FAR        0.5  /* error, relative, above which a Sinkhorn step comes first */

PetscErrorCode FenCellWorkCreate(const char simd[], PetscInt pixels, FenCellWork *w)
{
  PetscFunctionBegin;
  PetscCall(PetscMemzero(w, sizeof(*w)));
  PetscCall(FenCellKernelsGet(simd, &w->kernels));
  PetscCall(PetscMalloc1(((size_t)pixels * (size_t)pixels), &w->S));
  PetscCall(PetscMalloc1(pixels, &w->step));
  w->most = pixels;
  PetscFunctionReturn(0);
}

PetscErrorCode FenCellWorkDestroy(FenCellWork *w)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(w->S));
  PetscCall(PetscFree(w->step));
  PetscCall(PetscFree5(w->idx, w->nuJ, w->nu, w->root, w->lse));
  PetscCall(PetscFree5(w->cost, w->Q, w->V, w->table, w->blocks));
  PetscCall(PetscFree2(w->ref, w->part));
  PetscFunctionReturn(0);
}

PetscErrorCode FenCellWorkReserve(FenCellWork *w, FenInt ny)
{
  const FenInt n = (ny + FEN_CELL_LANES - 1) / FEN_CELL_LANES * FEN_CELL_LANES;
  FenInt       capacity, tile, tables;
  size_t       bytes;

  PetscFunctionBegin;
  w->ld = n;
  if (n <= w->capacity)
    PetscFunctionReturn(0);
  capacity = n + n / 2 / FEN_CELL_LANES * FEN_CELL_LANES;
  PetscCall(FenIntMult(capacity, w->most, &tile));
  PetscCall(FenIntMult(capacity, FEN_MAX_DIM * w->most, &tables));
  PetscCall(FenBytes(tables, sizeof(double), &bytes));
  PetscCall(PetscFree5(w->idx, w->nuJ, w->nu, w->root, w->lse));
  PetscCall(PetscFree5(w->cost, w->Q, w->V, w->table, w->blocks));
  PetscCall(
      PetscMalloc5(capacity, &w->idx, capacity, &w->nuJ, capacity, &w->nu, capacity, &w->root, capacity, &w->lse));
  PetscCall(PetscMalloc5(tile, &w->cost, tile, &w->Q, (FEN_CELL_MEMBERS * capacity), &w->V, tables, &w->table, tile,
                         &w->blocks));
  PetscCall(PetscFree2(w->ref, w->part));
  if (w->marginal)
    PetscCall(PetscMalloc2(capacity, &w->ref, capacity, &w->part));
  w->capacity = capacity;
  PetscFunctionReturn(0);
}

/* plan of the present alpha; L1 error of its rows, the largest relative one, dual value */
static void Evaluate(FenCellWork *w, double *error, double *worst, double *dual)
{
  double la[FEN_CELL_PIXELS], e = 0, v = 0, l = 0, most = 0;

  for (PetscInt i = 0; i < w->nx; i++)
    la[i] = w->logmu[i] + w->kappa * w->alpha[i];
  w->kernels->softmax((int)w->nx, w->ld, la, w->cut, w->cost, w->root, w->Q, w->lse, w->r);
  if (w->marginal)
    FenCellPenalise(w, dual);
  for (PetscInt i = 0; i < w->nx; i++) {
    const double d = fabs(w->r[i] - w->m[i]);

    e += d;
    most = PetscMax(most, d / w->m[i]);
    v += w->m[i] * w->alpha[i];
  }
  *error = e;
  *worst = most;
  w->evaluations++;
  if (w->marginal)
    return;
  for (FenInt j = 0; j < w->ny; j++)
    l += w->nuJ[j] * w->lse[j];
  *dual = v - l / w->kappa;
}

/* alpha_i = -eps log sum_j nu_j exp((beta_j - c_ij)/eps), where nu_j exp(beta_j/eps) = nuJ_j 2^-lse_j */
static double RowTransform(const FenCellWork *w, const double h[], PetscInt i)
{
  return -w->kernels->logsum(w->ld, h, w->cost + i * w->ld) / w->kappa;
}

/* the best potential of a pixel for its soft transform */
static double Best(const FenCellWork *w, double soft)
{
  return w->marginal ? FenMarginalUpdate(&w->marginal[0], w->eps, soft) : soft;
}

static void LogShares(const FenCellWork *w, double h[])
{
  for (FenInt j = 0; j < w->ld; j++)
    h[j] = j < w->ny ? log2(w->nuJ[j]) - w->lse[j] : -1e300;
}

/* exact rows: from r where that has digits, in the log domain elsewhere */
static void SinkhornStep(FenCellWork *w)
{
  double   *h = w->table; /* free by now */
  PetscBool have = PETSC_FALSE;

  for (PetscInt i = 0; i < w->nx; i++) {
    if (w->r[i] > 1e-20 * w->m[i]) {
      w->alpha[i] = w->marginal ? Best(w, w->alpha[i] + log2(w->mu[i] / w->r[i]) / w->kappa)
                                : w->alpha[i] + log2(w->m[i] / w->r[i]) / w->kappa;
      continue;
    }
    if (!have)
      LogShares(w, h);
    have = PETSC_TRUE;
    w->alpha[i] =
        w->marginal ? Best(w, RowTransform(w, h, i)) : RowTransform(w, h, i) + log2(w->m[i] / w->mu[i]) / w->kappa;
  }
  w->sinkhorn++;
}

/* direction into w->step, in units of eps; FALSE if the matrix is not definite */
static PetscErrorCode Direction(FenCellWork *w, double shift, PetscBool *ok)
{
  PetscBLASInt n, one = 1, info;
  double       mean = 0;

  PetscFunctionBegin;
  *ok = PETSC_FALSE;
  for (PetscInt i = 0; i < w->nx; i++)
    if (!(w->r[i] > 1e-20 * w->m[i]))
      PetscFunctionReturn(0);
  PetscCall(PetscBLASIntCast(w->nx, &n));
  if (w->marginal)
    FenCellWeigh(w, PETSC_FALSE);
  w->kernels->gram((int)n, w->ld, w->Q, w->blocks, w->S);
  if (w->marginal)
    FenCellWeigh(w, PETSC_TRUE);
  for (PetscInt i = 0; i < w->nx; i++) {
    double *S = w->S + i * w->nx;

    S[i] += w->r[i] * (1 + 1e-12 + shift);
    if (w->marginal)
      S[i] += w->eps * w->marginal[0].ops->decay(&w->marginal[0], w->mu[i], w->alpha[i]);
    else
      for (PetscInt l = i; l < w->nx; l++)
        S[l] += w->r[i] * w->r[l] / w->mass;
    w->step[i] = w->r[i] * log(w->m[i] / w->r[i]);
  }
  PetscCallBLAS("LAPACKpotrf", LAPACKpotrf_("L", &n, w->S, &n, &info));
  if (info)
    PetscFunctionReturn(0);
  PetscCallBLAS("LAPACKpotrs", LAPACKpotrs_("L", &n, &one, w->S, &n, w->step, &n, &info));
  for (PetscInt i = 0; i < w->nx && !w->marginal; i++)
    mean += w->m[i] * w->step[i] / w->mass;
  for (PetscInt i = 0; i < w->nx; i++)
    w->step[i] = PetscMax(-STEP_LIMIT, PetscMin(STEP_LIMIT, w->step[i] - mean));
  *ok = PETSC_TRUE;
  PetscFunctionReturn(0);
}

PetscErrorCode FenCellSolve(FenCellWork *w, double tol)
{
  double    before[FEN_CELL_PIXELS] = {0}, dual_before = -HUGE_VAL, shift = 0, error, worst, dual, size = 0;
  PetscInt  cuts = 0, sinkhorn = 0;
  PetscBool stepped = PETSC_FALSE, ok;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < w->nx; i++) /* a share 2^-CUT of what the pixel sends */
    w->cut[i] = CUT + log2(w->mass / w->m[i]);
  for (FenInt it = 0; it < STEPS; it++) {
    Evaluate(w, &error, &worst, &dual);
    if (!it)
      w->error = error;
    if (error <= tol * w->mass && worst <= WORST)
      PetscFunctionReturn(0);
    if (!it) { /* rounding errors of the dual */
      for (PetscInt i = 0; i < w->nx; i++)
        size += w->m[i] * fabs(w->alpha[i]);
      sinkhorn = error > FAR * w->mass;
    }
    if (stepped && !(dual >= dual_before - 1e-13 * (size + fabs(dual)))) {
      w->rejected++;
      for (PetscInt i = 0; i < w->nx; i++)
        w->alpha[i] = cuts < 2 ? 0.5 * (w->alpha[i] + before[i]) : before[i];
      if (cuts++ < 2)
        continue;
      Evaluate(w, &error, &worst, &dual);
      shift = PetscMax(4 * shift, 0.03);
      sinkhorn = 2;
    } else if (stepped)
      shift = cuts ? PetscMax(shift, 0.01) : shift < 1e-3 ? 0 : shift / 4;
    cuts = 0;
    stepped = PETSC_FALSE;
    if (!sinkhorn) {
      PetscCall(Direction(w, shift, &ok));
      if (ok) {
        for (PetscInt i = 0; i < w->nx; i++) {
          before[i] = w->alpha[i];
          w->alpha[i] += w->eps * w->step[i];
        }
        dual_before = dual;
        stepped = PETSC_TRUE;
        w->newton++;
        continue;
      }
    }
    sinkhorn = PetscMax(0, sinkhorn - 1);
    SinkhornStep(w);
  }
  Evaluate(w, &error, &worst, &dual);
  w->failed += error > tol * w->mass;
  PetscFunctionReturn(0);
}

/* potentials of pixels without mass: what the optimality condition gives them */
void FenCellExtend(FenCellWork *w)
{
  double *h = w->table;

  LogShares(w, h);
  for (PetscInt i = w->nx; i < w->nall; i++)
    w->alpha[i] = Best(w, RowTransform(w, h, i));
}

/*
   Objective of the plan, and of one with exact rows: rows that are too heavy are scaled down, R = min(1, m/r), and what
   then is missing is added as a product of the residuals (rounding of Altschuler, Weed, Rigollet inside the cell). As
   in bounds/certify.c the cost cancels, and the log-sum inequality bounds the entropy of the sum.
*/
void FenCellBound(FenCellWork *w)
{
  double *column = w->table, *beta = w->table + w->ld, *missing = w->table + 2 * w->ld;
  double  ea[FEN_CELL_PIXELS], eta = 0, value = 0, upper = 0, entropy = 0, cost = 0, R[FEN_CELL_PIXELS];

  for (FenInt j = 0; j < w->ny; j++) {
    beta[j] = (log2(w->nuJ[j] / w->nu[j]) - w->lse[j]) / w->kappa;
    value += w->nuJ[j] * beta[j];
    column[j] = 0;
  }
  for (PetscInt i = 0; i < w->nx; i++) {
    R[i] = w->r[i] > w->m[i] ? w->m[i] / w->r[i] : 1;
    ea[i] = PetscMax(0.0, w->m[i] - R[i] * w->r[i]);
    eta += ea[i];
    value += w->r[i] * w->alpha[i];
    upper += R[i] * w->r[i] * (w->alpha[i] + w->eps * log(R[i]));
    for (FenInt j = 0; j < w->ny; j++)
      column[j] += (1 - R[i]) * w->Q[i * w->ld + j];
  }
  for (FenInt j = 0; j < w->ny; j++) {
    missing[j] = column[j] * w->root[j];
    upper += (w->nuJ[j] - missing[j]) * beta[j];
  }
  w->value = value;
  if (eta > 1e-290) {
    double eb = 0;

    for (FenInt j = 0; j < w->ny; j++)
      eb += missing[j];
    for (PetscInt i = 0; i < w->nx && eb > 0; i++) {
      double c = 0;

      if (!(ea[i] > 0))
        continue;
      for (FenInt j = 0; j < w->ny; j++)
        c += w->cost[i * w->ld + j] * missing[j];
      cost += ea[i] * c / (w->kappa * eb);
      entropy += ea[i] * log(ea[i] / w->mu[i]);
    }
    for (FenInt j = 0; j < w->ny && eb > 0; j++)
      if (missing[j] > 0)
        entropy += eta / eb * missing[j] * log(eta / eb * missing[j] / w->nu[j]);
    upper += cost + w->eps * (entropy - eta * log(eta) - eta * log(eta / w->mass) -
                              (w->mass - eta) * log1p(-PetscMin(eta / w->mass, 1 - 1e-16)));
  }
  w->upper = upper;
}
