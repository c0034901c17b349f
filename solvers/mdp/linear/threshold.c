/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Global maxima over a threshold alpha of what ridge regression makes of truncated values [v]_alpha = min(v, alpha).

   c = row i of C may have entries of both signs, so that neither objective is concave. Between neighbouring values v
   the linear objective is linear and the quadratic one quadratic: all breakpoints, and the stationary points between
   them, are candidates. Branch and bound leaves few of them to be looked at: values are thrown into bins, whose sums of
   phi, phi v, phi v^2 give both objectives at all edges at once; inside a bin the slope b of z1 changes by at most m =
   sum |c| <= |X| sum phi, which bounds the derivative, hence the objective (chord + width (dmax - dmin)/4). Bins that
   may hold a better point than the best edge are sorted and scanned, with their values from all ranks.

   7 n d flops, one sum of 4 d numbers a bin over all ranks, one gather of v and c for each bin that is scanned.
*/
#include "linearmdpimpl.h"
#include <math.h>
#include <stdlib.h>

enum { LEAST_BINS = 8, MOST_BINS = 192 };

typedef struct {
  MPI_Comm             comm;
  FenInt               d, bins;
  const FenLinearStep *s;
  const FenThreshold  *t;
  double              *edge;             /* bins + 1 */
  double              *S0, *S1, *S2, *S; /* sums of c, c v, c v^2, |c| of the bins, of what is below and above */
  double              *Z0, *Z1, *Z2, *M; /* at the edges: slope above, z1, z2; of bins: sum |c| */
  int                 *bin;              /* of my values; -1: below the first edge, bins: above the last */
} Scan;

/* objective of factor i at alpha from z1 and z2 */
static double Objective(const FenThreshold *t, FenInt i, double alpha, double z1, double z2)
{
  return t->quadratic ? t->sign * (z1 + (z1 * z1 - z2) / (4 * t->lambda)) : z1 - t->radius[i] * alpha;
}

static PetscErrorCode MakeEdges(Scan *c)
{
  const FenLinearStep *s = c->s;
  double               ends[3] = {HUGE_VAL, HUGE_VAL, 0}; /* least, -largest, -count */
  double               low, width;

  PetscFunctionBegin;
  for (FenInt k = 0; k < s->n; k++) {
    ends[0] = PetscMin(ends[0], s->v[k]);
    ends[1] = PetscMin(ends[1], -s->v[k]);
  }
  ends[2] = -(double)s->n;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, ends, 3, MPI_DOUBLE, MPI_MIN, c->comm));
  c->bins = 1 + (FenInt)PetscMin((double)MOST_BINS, PetscMax((double)LEAST_BINS, -ends[2] / 16));
  PetscCall(PetscMalloc1((size_t)c->bins + 1, &c->edge));
  low = PetscMin(s->range, PetscMax(0, ends[0]));
  width = (PetscMax(low, PetscMin(s->range, -ends[1])) - low) / (double)(c->bins - 1);
  c->edge[0] = 0; /* nothing lies between zero and the smallest value */
  for (FenInt b = 1; b <= c->bins; b++)
    c->edge[b] = low + (double)(b - 1) * width;
  PetscFunctionReturn(0);
}

static int FindBin(const Scan *c, double v)
{
  const double low = c->edge[1], high = c->edge[c->bins];
  int          b;

  if (v <= 0)
    return -1;
  if (v > high)
    return (int)c->bins;
  if (v <= low)
    return 0;
  b = 1 + (int)((v - low) / (high - low) * (double)(c->bins - 1));
  b = PetscMin(b, (int)c->bins - 1);
  while (v <= c->edge[b]) /* rounding */
    b--;
  while (v > c->edge[b + 1])
    b++;
  return b;
}

/* sums of c, c v, c v^2 and |c| of all bins and of what lies outside of them, over all ranks */
static PetscErrorCode SumBins(Scan *c)
{
  const FenLinearStep *s = c->s;
  const FenInt         d = c->d, room = (c->bins + 2) * d;
  PetscMPIInt          count;

  PetscFunctionBegin;
  for (FenInt k = 0; k < s->n; k++) {
    const double  v = s->v[k], *column = s->C + k * d;
    const FenInt  at = ((c->bin[k] = FindBin(c, v)) + 1) * d;
    double *const s0 = c->S0 + at, *const s1 = c->S1 + at, *const s2 = c->S2 + at, *const size = c->S + at;

    for (FenInt i = 0; i < d; i++) {
      s0[i] += column[i];
      s1[i] += column[i] * v;
      size[i] += fabs(column[i]);
    }
    if (c->t->quadratic)
      for (FenInt i = 0; i < d; i++)
        s2[i] += column[i] * (v * v);
  }
  PetscCall(FenMPIIntCast(4 * room, &count));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, c->S0, count, MPI_DOUBLE, MPI_SUM, c->comm));
  PetscFunctionReturn(0);
}

/* running sums: everything above an edge counts with the edge, everything below with its value */
static void AtEdges(Scan *c)
{
  const FenInt d = c->d, n = c->bins + 1;

  c->M = c->S + d;
  for (FenInt i = 0; i < d; i++) {
    double above = c->S0[n * d + i], below = 0, squares = 0;

    for (FenInt b = n; b-- > 0;) {
      c->Z0[b * d + i] = above;
      above += c->S0[b * d + i];
    }
    for (FenInt b = 0; b < n; b++) {
      const double alpha = c->edge[b], high = c->Z0[b * d + i];

      below += c->S1[b * d + i];
      squares += c->S2[b * d + i];
      c->Z1[b * d + i] = below + alpha * high;
      c->Z2[b * d + i] = squares + alpha * alpha * high;
    }
  }
}

static double AtEdge(const Scan *c, FenInt b, FenInt i)
{
  const FenInt at = b * c->d + i;

  return Objective(c->t, i, c->edge[b], c->Z1[at], c->t->quadratic ? c->Z2[at] : 0);
}

/* what z1 can differ by from its chord in bin b */
static double Bend(const Scan *c, FenInt b, FenInt i)
{
  return c->M[b * c->d + i] * (c->edge[b + 1] - c->edge[b]) / 4;
}

/* no point of bin b has a larger objective of factor i */
static double UpperBound(const Scan *c, FenInt b, FenInt i)
{
  const FenInt at = b * c->d + i, next = at + c->d;
  const double width = c->edge[b + 1] - c->edge[b], b0 = c->Z0[at], b1 = c->Z0[next];
  const double spare = PetscMax(0, c->M[at] - fabs(b1 - b0)) / 2; /* what the slope can do between */
  double       low = PetscMin(b0, b1) - spare, high = PetscMax(b0, b1) + spare;

  if (c->t->quadratic) { /* times 1 + (z1 - alpha)/(2 lambda) */
    const double bend = Bend(c, b, i), t0 = c->Z1[at] - c->edge[b], t1 = c->Z1[next] - c->edge[b + 1];
    const double f0 = 1 + (PetscMin(t0, t1) - bend) / (2 * c->t->lambda),
                 f1 = 1 + (PetscMax(t0, t1) + bend) / (2 * c->t->lambda);
    const double p[4] = {low * f0, low * f1, high * f0, high * f1};

    low = PetscMin(PetscMin(p[0], p[1]), PetscMin(p[2], p[3]));
    high = PetscMax(PetscMax(p[0], p[1]), PetscMax(p[2], p[3]));
  }
  return PetscMax(AtEdge(c, b, i), AtEdge(c, b + 1, i)) + width * (high - low) / 4;
}

static int Ascending(const void *a, const void *b)
{
  const double x = *(const double *)a, y = *(const double *)b;

  return (x > y) - (x < y);
}

static void Better(double value, double alpha, double *best, double *at)
{
  if (value > *best) {
    *best = value;
    *at = alpha;
  }
}

/* records (v, c of the open factors), sorted: all breakpoints of one factor, and what lies between them */
static void ScanFactor(const Scan *c, FenInt b, FenInt i, FenInt n, FenInt stride, FenInt column, const double rec[],
                       double *best, double *at)
{
  const FenInt from = b * c->d + i;
  double       alpha = c->edge[b], z1 = c->Z1[from], z2 = c->t->quadratic ? c->Z2[from] : 0, slope = c->Z0[from];

  for (FenInt k = 0; k <= n; k++) {
    const double next = k < n ? rec[k * stride] : c->edge[b + 1];

    if (c->t->quadratic) { /* slope (1 + (z1 - x)/(2 lambda)) = 0 */
      const double x = (z1 - slope * alpha + 2 * c->t->lambda) / (1 - slope);

      if (x > alpha && x < next)
        Better(Objective(c->t, i, x, z1 + slope * (x - alpha), z2 + slope * (x * x - alpha * alpha)), x, best, at);
    }
    z1 += slope * (next - alpha);
    z2 += slope * (next * next - alpha * alpha);
    alpha = next;
    Better(Objective(c->t, i, alpha, z1, z2), alpha, best, at);
    if (k < n)
      slope -= rec[k * stride + column];
  }
}

/* my values of a bin with their c for the open factors */
static PetscErrorCode Pack(const Scan *c, FenInt b, FenInt nopen, const FenInt open[], FenInt *n, double **records)
{
  const FenLinearStep *s = c->s;
  FenInt               count = 0;
  double              *r;

  PetscFunctionBegin;
  for (FenInt k = 0; k < s->n; k++)
    count += c->bin[k] == b;
  PetscCall(PetscMalloc1((size_t)(count * (nopen + 1)) + 1, records));
  r = *records;
  for (FenInt k = 0; k < s->n; k++) {
    if (c->bin[k] != b)
      continue;
    *r++ = s->v[k];
    for (FenInt o = 0; o < nopen; o++)
      *r++ = s->C[k * c->d + open[o]];
  }
  *n = count;
  PetscFunctionReturn(0);
}

/* everybody's records, sorted by value */
static PetscErrorCode Collect(const Scan *c, FenInt stride, FenInt n, const double mine[], FenInt *total, double **all)
{
  PetscMPIInt size, count, *counts, *starts;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(c->comm, &size));
  PetscCall(PetscMalloc2((size_t)size, &counts, (size_t)size + 1, &starts));
  PetscCall(FenMPIIntCast(n * stride, &count));
  PetscCallMPI(MPI_Allgather(&count, 1, MPI_INT, counts, 1, MPI_INT, c->comm));
  *total = 0;
  for (PetscMPIInt r = 0; r < size; r++) {
    PetscCall(FenMPIIntCast(*total, &starts[r]));
    *total += counts[r];
  }
  PetscCall(PetscMalloc1((size_t)*total + 1, all));
  PetscCallMPI(MPI_Allgatherv(mine, count, MPI_DOUBLE, *all, counts, starts, MPI_DOUBLE, c->comm));
  *total /= stride;
  qsort(*all, (size_t)*total, (size_t)stride * sizeof(double), Ascending);
  PetscCall(PetscFree2(counts, starts));
  PetscFunctionReturn(0);
}

static PetscErrorCode ScanBin(const Scan *c, FenInt b, double best[], double at[])
{
  double *mine = NULL, *all = NULL;
  FenInt  nopen = 0, n = 0, total = 0, *open;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1((size_t)c->d, &open));
  for (FenInt i = 0; i < c->d; i++)
    if (UpperBound(c, b, i) > best[i])
      open[nopen++] = i;
  if (nopen) { /* the same on all ranks */
    PetscCall(Pack(c, b, nopen, open, &n, &mine));
    PetscCall(Collect(c, nopen + 1, n, mine, &total, &all));
    for (FenInt o = 0; o < nopen; o++)
      ScanFactor(c, b, open[o], total, nopen + 1, o + 1, all, &best[open[o]], &at[open[o]]);
  }
  PetscCall(PetscFree(mine));
  PetscCall(PetscFree(all));
  PetscCall(PetscFree(open));
  PetscFunctionReturn(0);
}

static PetscErrorCode Work(Scan *c, PetscBool make)
{
  const size_t table = (size_t)((c->bins + 2) * c->d);

  PetscFunctionBegin;
  if (make) {
    PetscCall(PetscCalloc1(4 * table, &c->S0));
    c->S1 = c->S0 + table;
    c->S2 = c->S1 + table;
    c->S = c->S2 + table;
    PetscCall(PetscCalloc3(table, &c->Z0, table, &c->Z1, table, &c->Z2));
    PetscCall(PetscMalloc1((size_t)c->s->n + 1, &c->bin));
  } else {
    PetscCall(PetscFree(c->S0));
    PetscCall(PetscFree3(c->Z0, c->Z1, c->Z2));
    PetscCall(PetscFree(c->bin));
    PetscCall(PetscFree(c->edge));
  }
  PetscFunctionReturn(0);
}

/* decisions are made of these numbers: they must not differ in a bit between ranks */
static PetscErrorCode Share(Scan *c)
{
  PetscMPIInt count;

  PetscFunctionBegin;
  PetscCall(FenMPIIntCast(4 * (c->bins + 2) * c->d, &count));
  PetscCallMPI(MPI_Bcast(c->S0, count, MPI_DOUBLE, 0, c->comm));
  PetscFunctionReturn(0);
}

PetscErrorCode FenLinearThreshold_Private(MPI_Comm comm, PetscInt d, const FenLinearStep *s, const FenThreshold *t,
                                          double value[], double alpha[], double size[])
{
  Scan c = {.comm = comm, .d = d, .s = s, .t = t};

  PetscFunctionBegin;
  PetscCall(MakeEdges(&c));
  PetscCall(Work(&c, PETSC_TRUE));
  PetscCall(SumBins(&c));
  PetscCall(Share(&c));
  AtEdges(&c);
  for (FenInt i = 0; i < d; i++) {
    value[i] = -HUGE_VAL;
    size[i] = 0;
    for (FenInt b = 0; b <= c.bins; b++) {
      Better(AtEdge(&c, b, i), c.edge[b], &value[i], &alpha[i]);
      size[i] = PetscMax(size[i], fabs(c.Z1[b * d + i]) + (b < c.bins ? Bend(&c, b, i) : 0));
    }
  }
  for (FenInt b = 0; b < c.bins; b++)
    PetscCall(ScanBin(&c, b, value, alpha));
  PetscCall(Work(&c, PETSC_FALSE));
  PetscFunctionReturn(0);
}
