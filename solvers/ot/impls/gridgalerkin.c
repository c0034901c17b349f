/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Coarse matrices of the V-cycle: R A R^T, one axis after the other and plane by plane, so that what lies between two
   axes stays in cache. With children 2I-1+a of P, weights p_a, and o = 2O + b - a,

     A'(P, P+O) = sum_ab p_a(P) p_b(P+O) A(2I-1+a, 2I-1+a+o)

   along one axis, other offsets unchanged; entries of negative offsets are those of positive ones at the other end.
   Entries that come out positive are dropped and the diagonal is made anew, so that every coarse matrix is again the
   Laplacian of a graph with positive weights, constants being in the null space where the excess is zero.
*/
#include "gridcycleimpl.h"

/* entries of a plane, for zero and all offsets that come after it: number k + 1 holds offset k */
typedef struct {
  FenInt  rows, row, pad, ld;
  double *entry;
} Slice;

static PetscErrorCode SliceCreate(FenGridCycle C, FenInt rows, FenInt row, Slice *S)
{
  PetscFunctionBegin;
  S->rows = rows;
  S->row = row;
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

    memset(to, 0, (size_t)fine->plane * sizeof(double));
    for (int a = 0; a < na; a++)
      for (int b = 0; b < na; b++) {
        const int    o[3] = {p ? 2 * O[0] + b - a : O[0], O[1], O[2]};
        const FenInt i = p ? 2 * P - 1 + a : P, Q = P + O[0];
        const float *from;
        double       factor;

        if (abs(o[0]) > FEN_GRID_RADIUS || Q >= nc || i < 0 || i >= fine->n[0])
          continue;
        from = InGrid(C, fine, o, &factor) + (i - fine->lo) * fine->plane;
        factor *= p ? (double)p[a * nc + P] * (double)p[b * nc + Q] : 1;
        for (FenInt q = 0; factor != 0 && q < fine->plane; q++)
          to[q] += factor * (double)from[q];
      }
  }
}

/* axis 1: rows */
static void FromRows(FenGridCycle C, const Slice *in, const float p[], Slice *out)
{
  for (PetscInt k = -1; k < C->nk; k++) {
    const int zero[3] = {0, 0, 0}, *O = k < 0 ? zero : C->offset[k];

    memset(Entry(out, k), 0, (size_t)(out->rows * out->row) * sizeof(double));
    for (int a = 0; a < 4; a++)
      for (int b = 0; b < 4; b++) {
        const int     o[3] = {O[0], 2 * O[1] + b - a, O[2]};
        const double *from = In(C, in, o);

        for (FenInt P = 0; from && P < out->rows; P++) {
          const FenInt i = 2 * P - 1 + a, Q = P + O[1];
          double      *to = Entry(out, k) + P * out->row, f;

          if (i < 0 || i >= in->rows || Q < 0 || Q >= out->rows)
            continue;
          f = (double)p[a * out->rows + P] * (double)p[b * out->rows + Q];
          for (FenInt q = 0; f != 0 && q < in->row; q++)
            to[q] += f * from[i * in->row + q];
        }
      }
  }
}

/* axis 2: points of a row. Weights of children that are not there are zero, and so are entries around a slice */
static void FromPoints(FenGridCycle C, const Slice *in, const float p[], FenInt row, FenInt ld, float out[])
{
  for (PetscInt k = 0; k < C->nk; k++) {
    const int *O = C->offset[k];

    memset(out + k * ld, 0, (size_t)(in->rows * row) * sizeof(float));
    for (int a = 0; a < 4; a++)
      for (int b = 0; b < 4; b++) {
        const int     o[3] = {O[0], O[1], 2 * O[2] + b - a};
        const double *from = In(C, in, o);
        const float  *pa = p + a * row, *pb = p + b * row + O[2];
        const FenInt  first = PetscMax(0, -O[2]), last = PetscMin(row, row - O[2]);

        for (FenInt r = 0; from && r < in->rows; r++) {
          const double *v = from + r * in->row - 1 + a;
          float        *to = out + k * ld + r * row;

          for (FenInt P = first; P < last; P++)
            to[P] += pa[P] * pb[P] * (float)v[2 * P];
        }
      }
  }
}

/* weights of a coarse plane, those of an offset `ld` after those of the one before */
static PetscErrorCode Plane(FenGridCycle C, const FenGrid *fine, const FenGrid *coarse, FenInt P, Slice S[2], FenInt ld,
                            float out[])
{
  const Slice *last = &S[0];

  PetscFunctionBegin;
  FromPlanes(C, fine, coarse, P, &S[0]);
  if (coarse->share[1]) {
    FromRows(C, &S[0], coarse->share[1], &S[1]);
    last = &S[1];
  }
  if (coarse->share[2])
    FromPoints(C, last, coarse->share[2], coarse->n[2], ld, out);
  else
    for (PetscInt k = 0; k < C->nk; k++)
      for (FenInt q = 0; q < coarse->plane; q++)
        out[k * ld + q] = (float)Entry(last, k)[q];
  for (PetscInt k = 0; k < C->nk; k++)
    for (FenInt q = 0; q < coarse->plane; q++)
      out[k * ld + q] = PetscMax(0.0F, -out[k * ld + q]);
  PetscFunctionReturn(0);
}

PetscErrorCode FenGridGalerkin(FenGridCycle C, FenGrid *fine, FenGrid *coarse)
{
  const PetscBool stay = FenGridStays(fine, coarse);
  const FenInt    lo = coarse->made[0], hi = coarse->made[1], ld = (hi - lo) * coarse->plane;
  Slice           S[2];
  float          *made = NULL, *excess = coarse->active ? coarse->t + coarse->front : coarse->around;

  PetscFunctionBegin;
  PetscCall(SliceCreate(C, fine->n[1], fine->n[2], &S[0]));
  PetscCall(SliceCreate(C, coarse->n[1], fine->n[2], &S[1]));
  if (!stay)
    PetscCall(PetscMalloc1((size_t)(C->nk * ld), &made));
  for (FenInt P = lo; P < hi; P++)
    PetscCall(Plane(C, fine, coarse, P, S, stay ? coarse->ld : ld,
                    (stay ? coarse->edge + coarse->front : made) + (P - lo) * coarse->plane));
  for (PetscInt k = 0; !stay && k < C->nk; k++)
    PetscCall(FenGridTogether(C, fine, coarse, made + k * ld,
                              coarse->active ? coarse->edge + k * coarse->ld + coarse->front : NULL));
  PetscCall(FenGridExchange(C, fine, 2, fine->x));
  PetscCall(FenGridRestrict(C, fine, coarse, lo, hi, fine->x, excess));
  PetscCall(FenGridTogether(C, fine, coarse, excess, coarse->active ? coarse->x + coarse->front : NULL));
  PetscCall(PetscFree(made));
  for (int k = 0; k < 2; k++)
    PetscCall(PetscFree(S[k].entry));
  PetscFunctionReturn(0);
}
