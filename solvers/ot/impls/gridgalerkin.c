/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Coarse matrices of the V-cycle: R A R^T, one axis after the other and plane by plane, so that what lies between two
   axes stays in cache. With children 2I-1+a of P, weights p_a, and o = 2O + b - a,

     A'(P, P+O) = sum_ab p_a(P) p_b(P+O) A(2I-1+a, 2I-1+a+o)

   along one axis, other offsets unchanged; entries of negative offsets are those of positive ones at the other end.
   Entries that come out positive are dropped and the diagonal is made anew, so that every coarse matrix is again the
   Laplacian of a graph with positive weights, constants being in the null space where the excess is zero.

   A rank makes the rows of A' that belong to the coarse points it makes. Children reach one point beyond its box before
   and two behind, entries two points further; of two points that far away, axes 1 and 2, the one that comes first in
   the order of the grid may be either.
*/
#include "gridcycleimpl.h"

/* entries of a plane, for zero and all offsets that come after it: number k + 1 holds offset k */
typedef struct {
  FenInt  rows, row, first[2], pad, ld; /* first row and point by their numbers in the grid */
  double *entry;
} Slice;

static PetscErrorCode SliceCreate(FenGridCycle C, FenInt rows, FenInt first, const FenGridMap *at, Slice *S)
{
  const FenInt row = at->row;

  PetscFunctionBegin;
  S->rows = rows;
  S->row = row;
  S->first[0] = first;
  S->first[1] = at->first[2];
  S->pad = 2 * row + 2;
  S->ld = rows * row + 2 * S->pad;
  PetscCall(PetscCalloc1((size_t)((C->nk + 1) * S->ld), &S->entry));
  PetscFunctionReturn(0);
}

static double *Entry(const Slice *S, PetscInt k)
{
  return S->entry + (k + 1) * S->ld + S->pad;
}

/* where the entries of an offset begin in a slice, whatever its sign; NULL: the offset is too long. Within a slice the
   first component must be positive, or zero */
static const double *In(FenGridCycle C, const Slice *S, const int o[3])
{
  const int R = FEN_GRID_RADIUS;
  int       sign;
  PetscInt  k;

  if (abs(o[0]) > R || abs(o[1]) > R || abs(o[2]) > R || (C->dim < 3 && o[1]))
    return NULL;
  k = FenGridOffset(C, o, &sign);
  return Entry(S, k) + (sign < 0 ? o[1] * S->row + o[2] : 0);
}

/* the same on a whole grid: minus the weights, or the diagonal */
static const float *InGrid(FenGridCycle C, const FenGrid *G, const int o[3], double *factor)
{
  int            sign;
  const PetscInt k = FenGridOffset(C, o, &sign);

  *factor = k < 0 ? 1 : -1;
  if (k < 0)
    return G->t + G->front;
  return G->edge + k * G->ld + G->front - (sign < 0 ? G->shift[k] : 0);
}

/* axis 0: a plane of entries from four planes of the fine grid */
static void FromPlanes(FenGridCycle C, const FenGrid *fine, const FenGrid *coarse, FenInt P, Slice *out)
{
  const float *p = coarse->share[0];
  const FenInt nc = coarse->n[0];

  for (PetscInt k = -1; k < C->nk; k++) {
    const int zero[3] = {0, 0, 0}, *O = k < 0 ? zero : C->offset[k];
    double   *to = Entry(out, k);
    const int na = p ? 4 : 1;

    memset(to, 0, (size_t)fine->at.plane * sizeof(double));
    for (int a = 0; a < na; a++)
      for (int b = 0; b < na; b++) {
        const int    o[3] = {p ? 2 * O[0] + b - a : O[0], O[1], O[2]};
        const FenInt i = p ? 2 * P - 1 + a : P, Q = P + O[0];
        const float *from;
        double       factor;

        if (abs(o[0]) > FEN_GRID_RADIUS || Q >= nc || i < 0 || i >= fine->n[0])
          continue;
        from = InGrid(C, fine, o, &factor) + (i - fine->box.lo[0]) * fine->at.plane;
        factor *= p ? (double)p[a * nc + P] * (double)p[b * nc + Q] : 1;
        for (FenInt q = 0; factor != 0 && q < fine->at.plane; q++)
          to[q] += factor * (double)from[q];
      }
  }
}

/* axis 1: rows, of n and nc in all */
static void FromRows(FenGridCycle C, const Slice *in, const float p[], FenInt n, FenInt nc, Slice *out)
{
  for (PetscInt k = -1; k < C->nk; k++) {
    const int zero[3] = {0, 0, 0}, *O = k < 0 ? zero : C->offset[k];

    memset(Entry(out, k), 0, (size_t)(out->rows * out->row) * sizeof(double));
    for (int a = 0; a < 4; a++)
      for (int b = 0; b < 4; b++) {
        const int     o[3] = {O[0], 2 * O[1] + b - a, O[2]};
        const double *from = In(C, in, o);

        for (FenInt r = 0; from && r < out->rows; r++) {
          const FenInt  P = out->first[0] + r, i = 2 * P - 1 + a, Q = P + O[1];
          const double *v = from + (i - in->first[0]) * in->row;
          double       *to = Entry(out, k) + r * out->row, f;

          if (i < 0 || i >= n || Q < 0 || Q >= nc)
            continue;
          f = (double)p[a * nc + P] * (double)p[b * nc + Q];
          for (FenInt q = 0; f != 0 && q < in->row; q++)
            to[q] += f * v[q];
        }
      }
  }
}

/* where weights of coarse planes go: those of an offset `ld` after those of the one before */
typedef struct {
  float *weight;
  FenInt ld, plane, row;
} Out;

/* axis 2: points of a row, of nc in all. Weights of children that are not there are zero, and entries around a slice or
   in pads are numbers */
static void FromPoints(FenGridCycle C, const Slice *in, const float p[], FenInt nc, const FenBox *made, const Out *out)
{
  const FenInt lo = made->lo[2], n = FenGridExtent(made, 2);

  for (PetscInt k = 0; k < C->nk; k++) {
    const int *O = C->offset[k];

    for (FenInt r = made->lo[1]; r < made->hi[1]; r++)
      memset(out->weight + k * out->ld + (r - made->lo[1]) * out->row, 0, (size_t)n * sizeof(float));
    for (int a = 0; a < 4; a++)
      for (int b = 0; b < 4; b++) {
        const int     o[3] = {O[0], O[1], 2 * O[2] + b - a};
        const double *from = In(C, in, o);
        const float  *pa = p + a * nc + lo, *pb = p + b * nc + lo + O[2];
        const FenInt  first = PetscMax(0, -O[2] - lo), last = PetscMin(n, nc - O[2] - lo);

        for (FenInt r = made->lo[1]; from && r < made->hi[1]; r++) {
          const double *v = from + (r - in->first[0]) * in->row + 2 * lo - 1 + a - in->first[1];
          float        *to = out->weight + k * out->ld + (r - made->lo[1]) * out->row;

          for (FenInt P = first; P < last; P++)
            to[P] += pa[P] * pb[P] * (float)v[2 * P];
        }
      }
  }
}

/* axis 2 as it is */
static void TakePoints(FenGridCycle C, const Slice *in, const FenBox *made, const Out *out)
{
  for (PetscInt k = 0; k < C->nk; k++)
    for (FenInt r = made->lo[1]; r < made->hi[1]; r++) {
      const double *v = Entry(in, k) + (r - in->first[0]) * in->row + made->lo[2] - in->first[1];
      float        *to = out->weight + k * out->ld + (r - made->lo[1]) * out->row;

      for (FenInt q = 0; q < FenGridExtent(made, 2); q++)
        to[q] = (float)v[q];
    }
}

/* weights of a coarse plane */
static void Plane(FenGridCycle C, const FenGrid *fine, const FenGrid *coarse, FenInt P, Slice S[2], const Out *out)
{
  const FenBox *made = &coarse->made;
  const Slice  *last = &S[0];

  FromPlanes(C, fine, coarse, P, &S[0]);
  if (coarse->share[1]) {
    FromRows(C, &S[0], coarse->share[1], fine->n[1], coarse->n[1], &S[1]);
    last = &S[1];
  }
  if (coarse->share[2])
    FromPoints(C, last, coarse->share[2], coarse->n[2], made, out);
  else
    TakePoints(C, last, made, out);
  for (PetscInt k = 0; k < C->nk; k++)
    for (FenInt r = 0; r < FenGridExtent(made, 1); r++) {
      float *w = out->weight + k * out->ld + r * out->row;

      for (FenInt q = 0; q < FenGridExtent(made, 2); q++)
        w[q] = PetscMax(0.0F, -w[q]);
    }
}

PetscErrorCode FenGridGalerkin(FenGridCycle C, FenGrid *fine, FenGrid *coarse)
{
  const PetscBool stay = FenGridStays(fine, coarse);
  const FenBox   *box = &coarse->made;
  const FenInt    row = FenGridExtent(box, 2), plane = FenGridExtent(box, 1) * row, n = FenGridExtent(box, 0) * plane;
  Slice           S[2];
  float          *made = NULL;
  Out             out;

  PetscFunctionBegin;
  PetscCall(SliceCreate(C, fine->at.plane / fine->at.row, fine->at.first[1], &fine->at, &S[0]));
  PetscCall(SliceCreate(C, FenGridExtent(box, 1), box->lo[1], &fine->at, &S[1]));
  if (stay) {
    out = (Out){coarse->edge + coarse->front + FenGridAt(&coarse->at, box->lo[0], box->lo[1], box->lo[2]), coarse->ld,
                coarse->at.plane, coarse->at.row};
  } else {
    PetscCall(PetscMalloc1((size_t)(C->nk * n), &made));
    out = (Out){made, n, plane, row};
  }
  for (FenInt P = box->lo[0]; P < box->hi[0]; P++, out.weight += out.plane)
    Plane(C, fine, coarse, P, S, &out);
  if (!stay)
    PetscCall(FenGridTogetherEdges(C, fine, coarse, made));
  PetscCall(FenGridExchange(C, fine, 2, fine->x));
  PetscCall(FenGridRestrict(C, fine, coarse, fine->x, C->moved));
  if (coarse->active)
    PetscCall(PetscArrayzero(coarse->x, coarse->ld));
  PetscCall(FenGridTogether(C, fine, coarse, C->moved, coarse->active ? coarse->x + coarse->front : NULL));
  PetscCall(PetscFree(made));
  for (int k = 0; k < 2; k++)
    PetscCall(PetscFree(S[k].entry));
  PetscFunctionReturn(0);
}
