/* SPDX-License-Identifier: BSD-2-Clause */
/*
   From a grid of the V-cycle to the next coarser one and back: R and R^T of gridcycle.c, one axis after the other,
   plane by plane and row by row.
*/
#include "gridcycleimpl.h"

/* the coarse points that a fine point i of n is interpolated from: weights 3/4 and 1/4, both the same at the ends */
static inline void Parents(FenInt i, FenInt n, FenInt nc, FenInt *near, FenInt *far)
{
  *near = *far = i;
  if (nc == n)
    return;
  *near = i / 2;
  *far = PetscMax(0, PetscMin(nc - 1, i % 2 ? *near + 1 : *near - 1));
}

/* the same seen from the coarse points: weights of children 2 P - 1 + a, a < 4, 0 where there is none */
PetscErrorCode FenGridMakeShares(const FenGrid *fine, FenGrid *coarse)
{
  PetscFunctionBegin;
  for (int axis = 0; axis < 3; axis++) {
    const FenInt n = fine->n[axis], nc = coarse->n[axis];

    coarse->share[axis] = NULL;
    if (n == nc)
      continue;
    PetscCall(PetscCalloc1((size_t)(4 * nc), &coarse->share[axis]));
    for (FenInt i = 0; i < n; i++) {
      FenInt near, far;

      Parents(i, n, nc, &near, &far);
      coarse->share[axis][(i - 2 * near + 1) * nc + near] += 0.75F;
      coarse->share[axis][(i - 2 * far + 1) * nc + far] += 0.25F;
    }
  }
  PetscFunctionReturn(0);
}

/* ---- to the finer grid ---- */

/* a linear combination of two rows, or one of them */
static const float *Between(const float near[], const float far[], FenInt n, float work[])
{
  if (near == far)
    return near;
  for (FenInt j = 0; j < n; j++)
    work[j] = 0.75F * near[j] + 0.25F * far[j];
  return work;
}

/* out += s R^T of a row whose first point is number `first`: for points [lo, hi) of n */
static void ProlongRow(FenInt n, FenInt nc, FenInt lo, FenInt hi, const float row[], FenInt first, const float s[],
                       float out[])
{
  FenInt begin, end;

  if (n == nc) {
    for (FenInt j = lo; j < hi; j++)
      out[j - lo] += s[j - lo] * row[j - first];
    return;
  }
  begin = PetscMax(1, (lo + 1) / 2);
  end = PetscMax(begin, PetscMin(nc - 1, hi / 2));
  for (FenInt c = begin; c < end; c++) {
    const float *r = row + (c - first);
    const FenInt j = 2 * c - lo;

    out[j] += s[j] * (0.75F * r[0] + 0.25F * r[-1]);
    out[j + 1] += s[j + 1] * (0.75F * r[0] + 0.25F * r[1]);
  }
  for (FenInt j = lo < 2 * begin ? lo : 2 * end; j < hi; j = j + 1 == 2 * begin ? 2 * end : j + 1) { /* the ends */
    FenInt a, b;

    Parents(j, n, nc, &a, &b);
    out[j - lo] += s[j - lo] * (0.75F * row[a - first] + 0.25F * row[b - first]);
  }
}

PetscErrorCode FenGridProlong(FenGridCycle C, const FenGrid *coarse, const float x[], const FenGridMap *at,
                              FenGrid *fine)
{
  const FenBox *box = &fine->box;
  /* rows that mine are interpolated from */
  const FenInt k0 = PetscMax(0, coarse->made.lo[1] - 1), k1 = PetscMin(coarse->n[1], coarse->made.hi[1] + 1);
  const FenInt before = FenGridBeyond(fine, 0, FEN_GRID_DEPTH), behind = FenGridBeyond(fine, 1, FEN_GRID_DEPTH);
  FenInt       a, b;

  PetscFunctionBegin;
  for (FenInt i = box->lo[0] - before; i < box->hi[0] + behind; i++) {
    FenInt       q = FenGridAt(&fine->at, i, box->lo[1], box->lo[2]);
    const float *rows;

    Parents(i, fine->n[0], coarse->n[0], &a, &b);
    rows = Between(x + FenGridAt(at, a, k0, at->first[2]), x + FenGridAt(at, b, k0, at->first[2]), (k1 - k0) * at->row,
                   C->plane);
    for (FenInt k = box->lo[1]; k < box->hi[1]; k++, q += fine->at.row) {
      Parents(k, fine->n[1], coarse->n[1], &a, &b);
      ProlongRow(fine->n[2], coarse->n[2], box->lo[2], box->hi[2],
                 Between(rows + (a - k0) * at->row, rows + (b - k0) * at->row, at->row, C->row), at->first[2],
                 fine->root + q, fine->x + fine->front + q);
    }
  }
  PetscFunctionReturn(0);
}

/* ---- to the coarser grid ---- */

/* out = sum over children c of share[a] in[c], both arrays of rows of n numbers; a sum of four rows at most */
static void Gather(const float share[], FenInt nc, FenInt P, FenInt nf, const float in[], FenInt first, FenInt n,
                   float out[])
{
  if (!share) {
    memcpy(out, in + (P - first) * n, (size_t)n * sizeof(float));
    return;
  }
  memset(out, 0, (size_t)n * sizeof(float));
  for (FenInt a = 0; a < 4; a++) {
    const FenInt i = 2 * P - 1 + a;
    const float  s = share[a * nc + P];
    const float *v = in + (i - first) * n;

    if (i < 0 || i >= nf || s == 0)
      continue;
    for (FenInt q = 0; q < n; q++)
      out[q] += s * v[q];
  }
}

/* points [lo, hi) of nc from a row whose first point is number `first` */
static void RestrictRow(const float share[], FenInt n, FenInt nc, FenInt lo, FenInt hi, const float row[], FenInt first,
                        float out[])
{
  const FenInt begin = PetscMax(1, lo), end = PetscMax(begin, PetscMin(nc - 1, hi));

  if (!share) {
    memcpy(out, row + (lo - first), (size_t)(hi - lo) * sizeof(float));
    return;
  }
  for (FenInt c = begin; c < end; c++) {
    const float *v = row + (2 * c - first);

    out[c - lo] = 0.25F * v[-1] + 0.75F * (v[0] + v[1]);
  }
  for (FenInt c = begin; c < end; c++)
    out[c - lo] += 0.25F * row[2 * c + 2 - first];
  for (FenInt c = lo < begin ? lo : end; c < hi; c = c + 1 == begin ? end : c + 1) { /* the ends of the grid */
    out[c - lo] = 0;
    for (FenInt a = 0; a < 4; a++)
      if (2 * c - 1 + a >= 0 && 2 * c - 1 + a < n)
        out[c - lo] += share[a * nc + c] * row[2 * c - 1 + a - first];
  }
}

PetscErrorCode FenGridRestrict(FenGridCycle C, const FenGrid *fine, const FenGrid *coarse, const float v[], float out[])
{
  const float  *mine = v + fine->front;
  const FenBox *box = &coarse->made;

  PetscFunctionBegin;
  for (FenInt P = box->lo[0]; P < box->hi[0]; P++) {
    Gather(coarse->share[0], coarse->n[0], P, fine->n[0], mine, fine->at.first[0], fine->at.plane, C->plane);
    for (FenInt k = box->lo[1]; k < box->hi[1]; k++, out += FenGridExtent(box, 2)) {
      Gather(coarse->share[1], coarse->n[1], k, fine->n[1], C->plane, fine->at.first[1], fine->at.row, C->row);
      RestrictRow(coarse->share[2], fine->n[2], coarse->n[2], box->lo[2], box->hi[2], C->row, fine->at.first[2], out);
    }
  }
  PetscFunctionReturn(0);
}
