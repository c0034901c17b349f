/* SPDX-License-Identifier: BSD-2-Clause */
/*
   One composite cell: its pixels and targets are put together from its members, the cell problem is solved, and every
   member gets its new share of the targets.

   Entries below a share FEN_CELL_TRUNCATE of their cell's mass are dropped, their mass given to the largest holder of
   the same target, so that sum_i nu_i = nu stays. Then mass moves between members over targets until each has its own
   again: a cell problem that was solved to a tolerance would otherwise let masses drift from sweep to sweep.
*/
#include "cells.h"
#include <math.h>

#define TINY 1e-250 /* cells of less mass may lose all their targets to rounding */

/* coordinates of the composite's first pixel */
static void First(const FenCells *C, const FenInt slot[], FenInt first[])
{
  for (int d = 0; d < FEN_MAX_DIM; d++)
    first[d] = INT64_MAX;
  for (PetscInt m = 0; m < FEN_CELL_MEMBERS; m++)
    for (int d = 0; d < FEN_MAX_DIM && slot[m] >= 0; d++)
      first[d] = PetscMin(first[d], C->place[3 * slot[m] + d] * C->side[d]);
}

static void TakePixel(const FenCells *C, const double alpha[], FenInt s, PetscInt p, const FenInt first[],
                      FenCellWork *w, PetscInt i)
{
  const FenInt in[3] = {p / (C->side[1] * C->side[2]), p / C->side[2] % C->side[1], p % C->side[2]};

  w->at[i] = s * C->px + p;
  w->mu[i] = C->mu[w->at[i]];
  w->alpha[i] = alpha[w->at[i]];
  for (int d = 0; d < FEN_MAX_DIM; d++)
    w->row[i][d] = (PetscInt)(C->place[3 * s + d] * C->side[d] + in[d] - first[d]);
}

/* pixels with mass, then (if wanted) the others; mass of the composite */
static double Pixels(const FenCells *C, int partition, const FenInt slot[], const FenInt first[], PetscBool all,
                     FenCellWork *w)
{
  double mass = 0;

  w->nx = w->nall = 0;
  for (int pass = 0; pass < (all ? 2 : 1); pass++) {
    for (PetscInt m = 0; m < FEN_CELL_MEMBERS; m++)
      for (PetscInt p = 0; p < C->px && slot[m] >= 0; p++)
        if ((C->mu[slot[m] * C->px + p] > 0) == !pass)
          TakePixel(C, C->alpha[partition], slot[m], p, first, w, w->nall++);
    if (!pass)
      w->nx = w->nall;
  }
  for (PetscInt i = 0; i < w->nx; i++) {
    mass += w->mu[i];
    w->logmu[i] = log2(w->mu[i]);
  }
  return mass;
}

/* nu_J = sum of the members' rows, sorted */
static PetscErrorCode Targets(const FenCells *C, const FenInt slot[], FenCellWork *w)
{
  const FenRows *R = &C->rows;

  FenInt head[FEN_CELL_MEMBERS], end[FEN_CELL_MEMBERS], n = 0, most = 0;
  int    k = 0;
  double mass = 0;

  PetscFunctionBegin;
  for (PetscInt m = 0; m < FEN_CELL_MEMBERS; m++)
    if (slot[m] >= 0 && R->count[slot[m]]) {
      head[k] = R->first[slot[m]];
      end[k] = head[k] + R->count[slot[m]];
      most += R->count[slot[m]];
      k++;
    }
  PetscCall(FenCellWorkReserve(w, most));
  while (k) {
    FenInt least = R->idx[head[0]];
    double sum = 0, ratio = 0;

    for (int m = 1; m < k; m++)
      least = PetscMin(least, R->idx[head[m]]);
    w->idx[n] = least;
    for (int m = 0; m < k; m++)
      if (R->idx[head[m]] == least) {
        sum += R->val[head[m]];
        w->nu[n] = R->nu[head[m]];
        ratio = C->marginal ? C->ratio[head[m]] : 0;
        if (++head[m] == end[m]) {
          head[m] = head[k - 1];
          end[m] = end[--k];
          m--;
        }
      }
    w->nuJ[n] = sum;
    if (C->marginal)
      w->ref[n] = C->marginal[1].exact ? sum : sum * ratio;
    n += sum > 0; /* products of tiny weights may vanish */
    mass += sum;
  }
  w->ny = n;
  w->mass = mass;
  PetscCall(FenCellWorkReserve(w, n));
  for (FenInt j = 0; j < w->ld; j++)
    w->root[j] = j < n ? sqrt(w->nuJ[j]) : 0;
  PetscFunctionReturn(0);
}

/* kappa c_ij where the cost is no sum over axes: one tile */
static PetscErrorCode Tile(const FenCells *C, const FenInt first[], FenCellWork *w)
{
  const FenInt   stride[3] = {C->M[1] * C->M[2], C->M[2], 1};
  const PetscInt dim = C->dim;
  double         x[FEN_MAX_DIM * FEN_CELL_PIXELS], *y = w->table; /* free by now */

  PetscFunctionBegin;
  for (PetscInt i = 0; i < w->nall; i++)
    for (PetscInt d = 0; d < dim; d++)
      x[i * dim + d] = C->x0[d] + C->hx[d] * (double)(first[d] + w->row[i][d]);
  for (FenInt j = 0; j < w->ld; j++)
    for (PetscInt d = 0; d < dim; d++)
      y[j * dim + d] = C->y0[d] + C->hy[d] * (double)(w->idx[PetscMin(j, w->ny - 1)] / stride[d] % C->M[d]);
  PetscCall(FenCostEvaluate(w->formula, dim, w->nall, x, w->ld, y, w->cost));
  for (FenInt k = 0; k < w->nall * w->ld; k++)
    w->cost[k] *= w->kappa;
  PetscFunctionReturn(0);
}

/* kappa c_ij as a sum over axes */
static void Costs(const FenCells *C, const FenInt first[], FenCellWork *w)
{
  const FenInt stride[3] = {C->M[1] * C->M[2], C->M[2], 1};
  FenInt       pixels[3];

  for (PetscInt d = 0; d < C->dim; d++) {
    double *y = w->V; /* free by now */

    pixels[d] = C->side[d] * C->twice[d];
    for (FenInt j = 0; j < w->ld; j++)
      y[j] = C->y0[d] + C->hy[d] * (double)(w->idx[PetscMin(j, w->ny - 1)] / stride[d] % C->M[d]);
    for (FenInt q = 0; q < pixels[d]; q++) {
      const double x = C->x0[d] + C->hx[d] * (double)(first[d] + q);
      double      *t = w->table + (d * w->most + q) * w->ld;

      for (FenInt j = 0; j < w->ld; j++)
        t[j] = w->kappa * FenCostOfDistance(w->formula, fabs(x - y[j]));
    }
  }
  for (PetscInt i = 0; i < w->nall; i++) {
    const double *a = w->table + w->row[i][0] * w->ld, *b = w->table + (w->most + w->row[i][1]) * w->ld;
    const double *c = w->table + (2 * w->most + w->row[i][2]) * w->ld;
    double       *out = w->cost + i * w->ld;

    if (C->dim == 1)
      for (FenInt j = 0; j < w->ld; j++)
        out[j] = a[j];
    else if (C->dim == 2)
      for (FenInt j = 0; j < w->ld; j++)
        out[j] = a[j] + b[j];
    else
      for (FenInt j = 0; j < w->ld; j++)
        out[j] = a[j] + b[j] + c[j];
  }
}

/* small entries to the largest holder of their target */
static void Truncate(const FenCellWork *w, PetscInt n, const double mass[])
{
  for (FenInt j = 0; j < w->ny; j++) {
    PetscInt largest = 0;
    double   dropped = 0;

    for (PetscInt k = 1; k < n; k++)
      if (w->V[k * w->ld + j] > w->V[largest * w->ld + j])
        largest = k;
    for (PetscInt k = 0; k < n; k++) {
      double *v = w->V + k * w->ld + j;

      if (k != largest && *v < FEN_CELL_TRUNCATE * mass[k]) {
        dropped += *v;
        *v = 0;
      }
    }
    w->V[largest * w->ld + j] += dropped;
  }
}

/* moves mass from member i to k where k already has some, or anywhere; what is left to move */
static double Transfer(const FenCellWork *w, PetscInt i, PetscInt k, double amount, PetscBool anywhere)
{
  double *a = w->V + i * w->ld, *b = w->V + k * w->ld, common = 0, t;

  for (FenInt j = 0; j < w->ny; j++)
    common += anywhere || b[j] > 0 ? a[j] : 0;
  if (!(common > 0))
    return amount;
  t = PetscMin(1.0, amount / common);
  for (FenInt j = 0; j < w->ny; j++)
    if (anywhere || b[j] > 0) {
      const double moved = t * a[j];

      a[j] -= moved;
      b[j] += moved;
    }
  return amount - t * common;
}

/* every member's share gets the member's mass */
static void Balance(const FenCellWork *w, PetscInt n, const double mass[], double all)
{
  double surplus[FEN_CELL_MEMBERS];

  for (PetscInt k = 0; k < n; k++) {
    surplus[k] = -mass[k] * (w->mass / all);
    for (FenInt j = 0; j < w->ny; j++)
      surplus[k] += w->V[k * w->ld + j];
  }
  for (int anywhere = 0; anywhere < 2; anywhere++)
    for (PetscInt i = 0; i < n; i++)
      for (PetscInt k = 0; k < n; k++) {
        const double amount = PetscMin(surplus[i], -surplus[k]);

        if (amount > 1e-14 * PetscMin(mass[i], mass[k])) {
          const double left = Transfer(w, i, k, amount, (PetscBool)anywhere);

          surplus[i] -= amount - left;
          surplus[k] += amount - left;
        }
      }
}

/* the members' new rows */
static PetscErrorCode Shares(FenCells *C, const FenInt slot[], double all, FenCellWork *w)
{
  FenInt   member[FEN_CELL_MEMBERS];
  double   mass[FEN_CELL_MEMBERS];
  PetscInt n = 0;

  PetscFunctionBegin;
  for (PetscInt m = 0; m < FEN_CELL_MEMBERS; m++) {
    int rows[FEN_CELL_PIXELS], k = 0;

    if (slot[m] < 0 || !(C->mass[slot[m]] > 0))
      continue;
    for (PetscInt i = 0; i < w->nx; i++)
      if (w->at[i] / C->px == slot[m])
        rows[k++] = (int)i;
    w->kernels->share(k, rows, w->ld, w->Q, w->root, w->V + n * w->ld);
    member[n] = slot[m];
    mass[n++] = C->mass[slot[m]];
  }
  for (PetscInt k = 0; k < n && C->marginal; k++) /* what is small is small beside what the cell sends */
    mass[k] *= w->mass / all;
  Truncate(w, n, mass);
  if (!C->marginal)
    Balance(w, n, mass, all);
  for (PetscInt k = 0; k < n; k++) {
    FenRows *R = &C->next;
    FenInt   used = 0;

    PetscCall(FenRowsOpen(R, w->ny));
    for (FenInt j = 0; j < w->ny; j++)
      if (w->V[k * w->ld + j] > 0) {
        R->idx[R->used + used] = w->idx[j];
        R->val[R->used + used] = w->V[k * w->ld + j];
        R->nu[R->used + used++] = w->nu[j];
      }
    FenRowsClose(R, member[k], used);
  }
  PetscFunctionReturn(0);
}

/* mean over pairs of pixels of weight on both sides of the face between two members of what their potentials, continued
   linearly, differ by: minus that is the offset of the second one */
static double Jump(const FenCells *C, const double alpha[], FenInt s, FenInt t, PetscInt axis)
{
  const FenInt  stride = axis == 0 ? C->side[1] * C->side[2] : axis == 1 ? C->side[2] : 1, n = C->side[axis];
  const double *a = alpha + s * C->px, *b = alpha + t * C->px, *u = C->mu + s * C->px, *v = C->mu + t * C->px;
  double        sum = 0, weight = 0;

  for (FenInt p = 0; p < C->px; p++) { /* first layer of t; last layer of s */
    const FenInt q = p + (n - 1) * stride;
    double       left, right;

    if (p / stride % n)
      continue;
    if (!(u[q] > 0 && v[p] > 0))
      continue;
    left = n > 1 && u[q - stride] > 0 ? 1.5 * a[q] - 0.5 * a[q - stride] : a[q];
    right = n > 1 && v[p + stride] > 0 ? 1.5 * b[p] - 0.5 * b[p + stride] : b[p];
    sum += left - right;
    weight += 1;
  }
  return weight > 0 ? sum / weight : 0;
}

/* potentials of another partition: members that come from different composites are made continuous, axis by axis */
static void Align(FenCells *C, int partition, const FenInt slot[])
{
  double *alpha = C->alpha[partition];

  for (PetscInt m = 0; m < FEN_CELL_MEMBERS; m++)
    for (PetscInt p = 0; p < C->px && slot[m] >= 0; p++)
      alpha[slot[m] * C->px + p] = C->alpha[1 - partition][slot[m] * C->px + p];
  for (PetscInt axis = 2; axis >= 0 && !C->marginal; axis--) { /* penalised marginals leave no constant free */
    const PetscInt bit = axis == 0 ? 4 : axis == 1 ? 2 : 1;

    for (PetscInt m = 0; m < FEN_CELL_MEMBERS; m++) {
      double offset = 0, faces = 0;

      if (m % (2 * bit)) /* the first of a group of members that have been made continuous already */
        continue;
      for (PetscInt k = 0; k < bit; k++)
        if (slot[m + k] >= 0 && slot[m + k + bit] >= 0) {
          offset += Jump(C, alpha, slot[m + k], slot[m + k + bit], axis);
          faces += 1;
        }
      for (PetscInt k = 0; k < bit && faces > 0; k++)
        for (PetscInt p = 0; p < C->px && slot[m + k + bit] >= 0; p++)
          alpha[slot[m + k + bit] * C->px + p] += offset / faces;
    }
  }
}

PetscErrorCode FenCellsComposite(FenCells *C, int partition, const FenInt slot[], FenCellWork *w, FenHalfSweep *H)
{
  const FenInt before = w->evaluations;
  FenInt       first[FEN_MAX_DIM];
  double       all;

  PetscFunctionBegin;
  if (H->align)
    Align(C, partition, slot);
  First(C, slot, first);
  all = Pixels(C, partition, slot, first, H->extend, w);
  if (!(all > 0))
    PetscFunctionReturn(0);
  PetscCall(Targets(C, slot, w));
  if (!w->ny && (all < TINY || C->marginal))
    PetscFunctionReturn(0);
  PetscCheck(w->ny > 0, PETSC_COMM_SELF, (PetscErrorCode)FEN_ERR_INTERNAL, "a cell of mass %g sends nothing", all);
  if (w->separable)
    Costs(C, first, w);
  else
    PetscCall(Tile(C, first, w));
  for (PetscInt i = 0; i < w->nx; i++)
    w->m[i] = w->mu[i] * (w->mass / all);
  PetscCall(FenCellSolve(w, H->tol));
  if (!C->marginal) /* the dual value that FenCellPenalise() left */
    FenCellBound(w);
  if (H->extend)
    FenCellExtend(w);
  for (PetscInt i = 0; i < w->nall; i++)
    C->alpha[partition][w->at[i]] = w->alpha[i];
  PetscCall(Shares(C, slot, all, w));
  FenDDAdd(&H->error, w->error);
  FenDDAdd(&H->value, w->value);
  FenDDAdd(&H->upper, C->marginal ? 0 : w->upper);
  FenDDAdd(&H->total, w->mass);
  H->mass = C->marginal ? 0 : PetscMax(H->mass, fabs(w->mass / all - 1));
  H->cells++;
  H->targets += w->ny;
  H->pairs += (double)((w->evaluations - before) * w->nx) * (double)w->ny;
  PetscFunctionReturn(0);
}
