/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Hard sweeps along an axis: lower envelopes, min_j (c_ij - u_j) for all targets i of a line, in linear time:
   Felzenszwalb and Huttenlocher, Distance transforms of sampled functions, 2012, for |x-y|^2. Other convex costs, which
   are Monge: (nt + ns) log2 nt differences, as the source of a target's minimum rises with the target.
*/
#include "sweeps.h"
#include <math.h>

/* |x-y|^2: the parabolas' envelope. z[k] is where parabola v[k] takes over */
static void EnvelopeSquares(FenInt nt, const double t[], FenInt ns, const double y[], const double h[], double out[],
                            FenInt v[], double z[])
{
  FenInt k = -1;

  for (FenInt q = 0; q < ns; q++) {
    double cross = -HUGE_VAL;

    if (h[q] <= FEN_NONE)
      continue;
    while (k >= 0) {
      const FenInt p = v[k];

      cross = ((y[q] * y[q] - h[q]) - (y[p] * y[p] - h[p])) / (2 * (y[q] - y[p]));
      if (cross > z[k])
        break;
      k--;
    }
    k++;
    v[k] = q;
    z[k] = k ? cross : -HUGE_VAL;
  }
  z[k + 1] = HUGE_VAL;
  for (FenInt i = 0, j = 0; i < nt; i++) {
    while (k >= 0 && z[j + 1] < t[i])
      j++;
    out[i] = k < 0 ? -FEN_NONE : (t[i] - y[v[j]]) * (t[i] - y[v[j]]) - h[v[j]];
  }
}

/* |x-y|: the cones' envelope by one sweep up and one down over both sets of points */
static void EnvelopeCones(FenInt nt, const double t[], FenInt ns, const double y[], const double h[], double out[])
{
  double best = -FEN_NONE, at = t[0];
  FenInt j = 0;

  for (FenInt i = 0; i < nt; i++) {
    for (; j < ns && y[j] <= t[i]; at = y[j], j++)
      best = PetscMin(best + (y[j] - at), -h[j]);
    best += t[i] - at;
    at = t[i];
    out[i] = best;
  }
  best = -FEN_NONE;
  at = t[nt - 1];
  j = ns - 1;
  for (FenInt i = nt - 1; i >= 0; i--) {
    for (; j >= 0 && y[j] >= t[i]; at = y[j], j--)
      best = PetscMin(best + (at - y[j]), -h[j]);
    best += at - t[i];
    at = t[i];
    out[i] = PetscMin(out[i], best);
  }
}

static double At(const FenSweep *s, FenInt i, FenInt j, const double h[])
{
  return s->cost[i + j * s->stride] - h[j];
}

/* targets [from, to), whose minima are at the sources v[lo .. hi] */
static void EnvelopeBetween(const FenSweep *s, const double h[], const FenInt v[], FenInt from, FenInt to, FenInt lo,
                            FenInt hi, double out[])
{
  while (from < to) {
    const FenInt i = from + (to - from) / 2;
    FenInt       best = lo;

    for (FenInt k = lo + 1; k <= hi; k++)
      if (At(s, i, v[k], h) < At(s, i, v[best], h))
        best = k;
    out[i] = At(s, i, v[best], h);
    EnvelopeBetween(s, h, v, from, i, lo, best, out);
    from = i + 1;
    lo = best;
  }
}

static void EnvelopeTable(const FenSweep *s, const double h[], double out[], FenInt v[])
{
  FenInt n = 0;

  for (FenInt j = 0; j < s->ns; j++)
    if (h[j] > FEN_NONE)
      v[n++] = j;
  for (FenInt i = 0; !n && i < s->nt; i++)
    out[i] = -FEN_NONE;
  if (n)
    EnvelopeBetween(s, h, v, 0, s->nt, 0, n - 1, out);
}

PetscErrorCode FenSweepHard(const FenSweep *s)
{
  const FenInt inner = PetscMax(1, s->inner);
  FenInt      *v;
  double      *z, *h, *e;

  PetscFunctionBegin;
  if (!s->nlines || !s->ns)
    PetscFunctionReturn(0);
  PetscCall(PetscMalloc4(s->ns + 1, &v, s->ns + 2, &z, s->ns, &h, s->nt, &e));
  for (FenInt l = 0; l < s->nlines; l++) {
    const double *u = s->u + FenSweepLine(inner, s->ns, l);
    double       *out = s->out + FenSweepLine(inner, s->nt, l);

    for (FenInt j = 0; j < s->ns; j++)
      h[j] = u[j * inner];
    if (s->kind == FEN_TILE_L1)
      EnvelopeCones(s->nt, s->xt, s->ns, s->xs, h, e);
    else if (s->cost)
      EnvelopeTable(s, h, e, v);
    else
      EnvelopeSquares(s->nt, s->xt, s->ns, s->xs, h, e, v, z);
    for (FenInt i = 0; i < s->nt; i++)
      out[i * inner] = -e[i]; /* the next stage takes h, not -h */
  }
  PetscCall(PetscFree4(v, z, h, e));
  PetscFunctionReturn(0);
}
