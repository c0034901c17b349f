/* SPDX-License-Identifier: BSD-2-Clause */
/* The backward recursion of a d-rectangular result, written a second time; see verifylinear.h. */
#include "verifylinear.h"
#include <math.h>

static PetscBool Is(const FenVerifyLinear *v, const char type[])
{
  return (PetscBool)!strcmp(v->type, type);
}

static PetscErrorCode SumReals(const FenVerifyLinear *v, FenInt n, FenReal x[])
{
  PetscMPIInt count;

  PetscFunctionBegin;
  PetscCall(FenMPIIntCast(n, &count));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, x, count, MPI_LONG_DOUBLE, MPI_SUM, v->cli->comm));
  PetscFunctionReturn(0);
}

static const double *Taken(const FenVerifyLinear *v, FenInt k, int h)
{
  const FenInt at = k * v->n.horizon + h;

  return v->a.features + (at * v->n.actions + (FenInt)v->a.action[at]) * v->n.features;
}

static FenReal Pessimism(const FenVerifyLinear *v, const double phi[], int h)
{
  const int      d = (int)v->n.features;
  const FenReal *D = v->stage.diagonal + (FenInt)h * d, *X = v->stage.inverse;
  FenReal        sum = 0;

  if (Is(v, "pevi")) {
    for (int i = 0; i < d; i++)
      for (int j = 0; phi[i] > 0 && j < d; j++)
        sum += X[((FenInt)h * d + i) * d + j] * phi[i] * phi[j];
    return v->p.pessimism * sqrtl(sum > 0 ? sum : 0);
  }
  for (int i = 0; i < d; i++)
    sum += v->p.published == FEN_PUBLISHED_NONE ? phi[i] * sqrtl(D[i]) : D[i] * phi[i] * phi[i];
  return v->p.pessimism * (v->p.published == FEN_PUBLISHED_NONE ? sum : sqrtl(sum));
}

FenReal FenVerifyLinearValue_Private(const FenVerifyLinear *v, const double features[], const double *stop, int fail,
                                     int h, int *action)
{
  const int       d = (int)v->n.features;
  const PetscBool learnt = (PetscBool)(v->data != NULL);
  FenReal         best = -HUGE_VALL;

  for (int b = 0; b < v->n.actions; b++) {
    const double *phi = features + (FenInt)b * d;
    FenReal       q = 0;

    for (int i = 0; i < d; i++)
      q += phi[i] * (v->stage.theta[(FenInt)h * d + i] + v->stage.w[(FenInt)h * d + i]);
    if (learnt) {
      q -= Pessimism(v, phi, h);
      q = v->p.clip > 0 && q > v->p.clip * (double)(v->n.horizon - h) ? (FenReal)v->p.clip * (double)(v->n.horizon - h)
                                                                      : q;
      q = v->p.published == FEN_PUBLISHED_NONE && q < 0 ? 0 : q;
    }
    if (q > best) {
      best = q;
      *action = b;
    }
  }
  if (stop && *stop > best) {
    best = *stop;
    *action = (int)v->n.actions;
  }
  return fail ? 0 : best;
}

static PetscErrorCode Invert(const FenVerifyLinear *v, int d, FenReal A[], FenReal X[])
{
  PetscFunctionBegin;
  for (int i = 0; i < d * d; i++)
    X[i] = i % (d + 1) == 0;
  for (int c = 0; c < d; c++) {
    const FenReal pivot = A[c * d + c];

    PetscCheck(pivot > 0, v->cli->comm, (PetscErrorCode)FEN_ERR_VERIFY, "%s: a regression is singular",
               v->cli->argument);
    for (int j = 0; j < d; j++) {
      A[c * d + j] /= pivot;
      X[c * d + j] /= pivot;
    }
    for (int r = 0; r < d; r++) {
      const FenReal f = A[r * d + c];

      for (int j = 0; r != c && j < d; j++) {
        A[r * d + j] -= f * A[c * d + j];
        X[r * d + j] -= f * X[c * d + j];
      }
    }
  }
  PetscFunctionReturn(0);
}

/* X of step h, and C for my trajectories, d numbers each */
static PetscErrorCode Regress(const FenVerifyLinear *v, int h, const FenReal s[], FenReal X[], FenReal C[])
{
  const int d = (int)v->n.features;
  FenReal  *A;

  PetscFunctionBegin;
  PetscCall(PetscCalloc1((size_t)d * (size_t)d, &A));
  for (FenInt k = 0; k < v->a.n; k++) {
    const double *phi = Taken(v, k, h);

    for (int i = 0; i < d; i++)
      for (int j = 0; phi[i] > 0 && j < d; j++)
        A[i * d + j] += s[k] * phi[i] * phi[j];
  }
  PetscCall(SumReals(v, (FenInt)d * d, A));
  for (int i = 0; i < d; i++)
    A[i * d + i] += v->p.ridge;
  PetscCall(Invert(v, d, A, X));
  PetscCall(PetscFree(A));
  for (FenInt k = 0; k < v->a.n; k++) {
    const double *phi = Taken(v, k, h);

    for (int i = 0; i < d; i++) {
      C[k * d + i] = 0;
      for (int j = 0; j < d; j++)
        C[k * d + i] += s[k] * X[i * d + j] * phi[j];
    }
  }
  PetscFunctionReturn(0);
}

typedef struct {
  FenReal v, c;
} Pair;

static int ByValue(const void *a, const void *b)
{
  const FenReal x = ((const Pair *)a)->v, y = ((const Pair *)b)->v;

  return (x > y) - (x < y);
}

/* the pairs of factor i of all ranks, on rank `root`; its n is 0 elsewhere */
static PetscErrorCode Gather(const FenVerifyLinear *v, const FenReal next[], const FenReal C[], int i, PetscMPIInt root,
                             FenInt *n, Pair **all)
{
  PetscMPIInt count, *counts, *starts, total = 0;
  Pair       *mine;

  PetscFunctionBegin;
  PetscCall(FenMPIIntCast(2 * v->a.n, &count));
  PetscCall(PetscMalloc3((size_t)v->a.n + 1, &mine, (size_t)v->cli->size, &counts, (size_t)v->cli->size, &starts));
  for (FenInt k = 0; k < v->a.n; k++)
    mine[k] = (Pair){next[k], C[k * v->n.features + i]};
  PetscCallMPI(MPI_Allgather(&count, 1, MPI_INT, counts, 1, MPI_INT, v->cli->comm));
  for (PetscMPIInt r = 0; r < v->cli->size; r++) {
    starts[r] = total;
    total += counts[r];
  }
  PetscCall(PetscMalloc1((size_t)total + 1, all));
  PetscCallMPI(MPI_Gatherv(mine, count, MPI_LONG_DOUBLE, *all, counts, starts, MPI_LONG_DOUBLE, root, v->cli->comm));
  *n = v->cli->rank == root ? total / 2 : 0;
  PetscCall(PetscFree3(mine, counts, starts));
  PetscFunctionReturn(0);
}

/* max (min: sign -1) over [0,top] of z1 - radius x, or of the quadratic: sorted, one pass, vertices included */
static FenReal Scan(const FenVerifyLinear *v, FenInt n, Pair p[], FenReal radius, FenReal top, int sign)
{
  const FenReal lambda = v->ambiguity.penalty;
  FenReal       a1 = 0, a2 = 0, b = 0, best = -HUGE_VALL;
  FenReal       from = 0;

  qsort(p, (size_t)n, sizeof(Pair), ByValue);
  for (FenInt k = 0; k < n; k++)
    b += p[k].c;
  for (FenInt k = 0; k <= n && from < top; k++) {
    FenReal to = k < n && p[k].v < top ? p[k].v : top, x[3], vertex;

    if (to > from || k == n) { /* z1 = a1 + b x, z2 = a2 + b x^2 in between */
      vertex = lambda > 0 ? (a1 + 2 * lambda) / (1 - b) : from;
      x[0] = from;
      x[1] = to;
      x[2] = vertex > from && vertex < to ? vertex : from;
      for (int j = 0; j < 3; j++) {
        const FenReal z1 = a1 + b * x[j], z2 = a2 + b * x[j] * x[j];
        const FenReal f = lambda > 0 ? z1 + (z1 * z1 - z2) / (4 * lambda) : z1 - radius * x[j];

        best = sign * f > best ? sign * f : best;
      }
      from = to;
    }
    if (k < n) {
      a1 += p[k].c * p[k].v;
      a2 += p[k].c * p[k].v * p[k].v;
      b -= p[k].c;
    }
  }
  return sign * best;
}

static FenReal Temperature(FenInt n, const Pair p[], FenReal radius, FenReal b)
{
  FenReal m = 1;

  for (FenInt k = 0; k < n; k++)
    m += p[k].c * expm1l(-p[k].v / b);
  return -b * (logl(m > 1e-6L ? m : 1e-6L) + radius);
}

/* the file's own b, which must not be worse than any b of a grid */
static FenReal KLBall(FenVerifyLinear *v, FenInt n, const Pair p[], FenReal radius, FenReal top, FenReal b)
{
  const FenReal value = Temperature(n, p, radius, b > 1e-6L ? b : 1e-6L);

  for (int g = 0; g <= 100; g++) {
    const FenReal better = Temperature(n, p, radius, top * powl(1e-3L, g / 100.L)) - value;

    v->missed = better > v->missed ? better : v->missed;
  }
  return value;
}

typedef struct {
  FenReal least, range;
} Extent;

static PetscErrorCode FindExtent(const FenVerifyLinear *v, const FenReal s[], const FenReal next[], Extent *e)
{
  FenReal ends[2] = {-HUGE_VALL, -HUGE_VALL};

  PetscFunctionBegin;
  for (FenInt k = 0; k < v->a.n; k++)
    if (s[k] > 0) {
      ends[0] = -next[k] > ends[0] ? -next[k] : ends[0];
      ends[1] = next[k] > ends[1] ? next[k] : ends[1];
    }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, ends, 2, MPI_LONG_DOUBLE, MPI_MAX, v->cli->comm));
  e->range = v->p.clip * (double)v->n.horizon > ends[1] ? (FenReal)v->p.clip * (double)v->n.horizon : ends[1];
  e->least = v->n.zero ? 0 : -ends[0];
  if (v->p.published != FEN_PUBLISHED_NONE) {
    e->range = v->n.horizon;
    e->least = v->ambiguity.penalty > 0 ? -ends[0] : 0;
  }
  PetscFunctionReturn(0);
}

/* weights that are maxima, one factor at a time, each on one rank */
static PetscErrorCode Maxima(FenVerifyLinear *v, int h, const FenReal next[], const FenReal C[], const Extent *e,
                             FenReal w[])
{
  const int d = (int)v->n.features;
  const int pub = v->p.published != FEN_PUBLISHED_NONE;
  const int first_only = v->p.published == FEN_PUBLISHED_LINEAR && Is(v, "vadrpvi"); /* that program's slip */
  FenReal   smallest = 1;

  PetscFunctionBegin;
  for (int i = 0; i < d; i++) {
    const FenReal radius = v->ambiguity.radius * v->a.radius_scale[(FenInt)h * d + i];

    smallest = radius > 0 && radius < smallest ? radius : smallest;
  }
  for (int i = 0; i < d; i++) {
    const PetscMPIInt root = i % v->cli->size;
    const FenReal     radius = v->ambiguity.radius * v->a.radius_scale[(FenInt)h * d + i];
    Pair             *p;
    FenInt            n;

    w[i] = 0;
    if (first_only && i)
      continue;
    PetscCall(Gather(v, next, C, i, root, &n, &p)); /* none but on the root */
    if (v->cli->rank != root) {
      PetscCall(PetscFree(p));
      continue;
    }
    if (!Is(v, "drvil"))
      w[i] =
          Scan(v, n, p, radius, e->range, v->p.published == FEN_PUBLISHED_LINEAR && v->ambiguity.penalty > 0 ? -1 : 1) +
          (v->ambiguity.penalty > 0 ? 0 : radius * e->least);
    else if (pub || radius > 0)
      w[i] = KLBall(v, n, p, radius, pub ? (FenReal)v->n.horizon : e->range / (smallest > 1e-8L ? smallest : 1e-8L),
                    v->multiplier[(FenInt)h * d + i]);
    else
      for (FenInt k = 0; k < n; k++)
        w[i] += p[k].c * p[k].v;
    PetscCall(PetscFree(p));
  }
  PetscCall(SumReals(v, d, w));
  PetscFunctionReturn(0);
}

static PetscErrorCode Weights(FenVerifyLinear *v, int h, const FenReal s[], const FenReal next[], const FenReal C[],
                              FenReal w[])
{
  const int     d = (int)v->n.features;
  const FenReal lambda = v->ambiguity.penalty;
  Extent        e;

  PetscFunctionBegin;
  PetscCall(FindExtent(v, s, next, &e));
  if (v->ambiguity.radius > 0 || Is(v, "drpvi") || Is(v, "vadrpvi") || Is(v, "drvil") ||
      !strcmp(v->ambiguity.name, "pearson")) {
    PetscCall(Maxima(v, h, next, C, &e, w));
    PetscFunctionReturn(0);
  }
  for (int i = 0; i < d; i++)
    w[i] = 0;
  for (FenInt k = 0; k < v->a.n; k++) {
    const FenReal level = e.least + lambda;
    FenReal       f = next[k] < level ? next[k] : level;

    if (Is(v, "pevi"))
      f = next[k] + v->a.reward[k * v->n.horizon + h];
    else if (!strcmp(v->ambiguity.name, "kl"))
      f = expl(-next[k] / lambda);
    for (int i = 0; i < d; i++)
      w[i] += C[k * d + i] * f;
  }
  PetscCall(SumReals(v, d, w));
  for (int i = 0; !strcmp(v->ambiguity.name, "kl") && i < d; i++)
    w[i] = w[i] > expl(-e.range / lambda) ? -lambda * logl(w[i]) : e.range;
  PetscFunctionReturn(0);
}

/* theta where it is estimated from the rewards */
static PetscErrorCode Rewards(FenVerifyLinear *v, int h, const FenReal C[], FenReal theta[])
{
  const int d = (int)v->n.features;

  PetscFunctionBegin;
  for (int i = 0; i < d; i++)
    theta[i] = v->n.known ? v->a.theta[(FenInt)h * d + i] : 0;
  if (v->n.known)
    PetscFunctionReturn(0);
  for (FenInt k = 0; k < v->a.n; k++)
    for (int i = 0; i < d; i++)
      theta[i] += C[k * d + i] * v->a.reward[k * v->n.horizon + h];
  PetscCall(SumReals(v, d, theta));
  PetscFunctionReturn(0);
}

static PetscErrorCode Variances(FenVerifyLinear *v, int h, const FenReal next[], const FenReal C[], FenReal sigma[])
{
  const int     d = (int)v->n.features;
  const FenReal top = (v->p.clip > 0 ? v->p.clip : 1) * (double)v->n.horizon;
  FenReal      *z;

  PetscFunctionBegin;
  PetscCall(PetscCalloc1((size_t)(2 * d), &z));
  for (FenInt k = 0; k < v->a.n; k++)
    for (int i = 0; i < d; i++) {
      z[i] += C[k * d + i] * next[k];
      z[d + i] += C[k * d + i] * next[k] * next[k];
    }
  PetscCall(SumReals(v, 2 * d, z));
  for (FenInt k = 0; k < v->a.n; k++) {
    const double *phi = Taken(v, k, h);
    FenReal       first = 0, second = 0;

    for (int i = 0; i < d; i++) {
      first += phi[i] * z[i];
      second += phi[i] * z[d + i];
    }
    first = first < 0 ? 0 : first > top ? top : first;
    second = second < 0 ? 0 : second > top * top ? top * top : second;
    sigma[k] = second - first * first - v->p.correction;
    sigma[k] = sigma[k] > 1 ? sigma[k] : 1;
  }
  PetscCall(PetscFree(z));
  PetscFunctionReturn(0);
}

/* one step; untrained: what the published programs take for a first stage */
static PetscErrorCode Step(FenVerifyLinear *v, int h, const FenReal s[], const FenReal next[], PetscBool untrained,
                           FenReal C[], FenReal X[])
{
  const int    d = (int)v->n.features;
  const FenInt at = (FenInt)h * d;

  PetscFunctionBegin;
  for (int i = 0; i < d; i++)
    v->stage.w[at + i] = v->stage.theta[at + i] = 0;
  if (untrained) {
    for (int i = 0; i < d; i++)
      v->stage.diagonal[at + i] = 1 / (FenReal)v->p.ridge;
    for (FenInt k = 0; k < v->a.n; k++)
      for (int i = 0; i < d; i++)
        C[k * d + i] = Taken(v, k, h)[i] / (FenReal)v->p.ridge;
    PetscFunctionReturn(0);
  }
  PetscCall(Regress(v, h, s, X, C));
  for (int i = 0; i < d; i++)
    v->stage.diagonal[at + i] = X[i * d + i];
  if (v->stage.inverse)
    PetscCall(PetscArraycpy(v->stage.inverse + at * d, X, (size_t)d * (size_t)d));
  if (h < v->n.horizon - 1 || Is(v, "pevi"))
    PetscCall(Weights(v, h, s, next, C, v->stage.w + at));
  if (!Is(v, "pevi"))
    PetscCall(Rewards(v, h, C, v->stage.theta + at));
  PetscFunctionReturn(0);
}

PetscErrorCode FenVerifyLinearStage_Private(FenVerifyLinear *v, int half, const FenReal *sigma_in, FenReal *sigma_out)
{
  const int       d = (int)v->n.features, H = (int)v->n.horizon;
  const FenInt    n = v->a.n, width = (FenInt)v->n.actions * d;
  const PetscBool untrained = (PetscBool)(sigma_out && v->p.published != FEN_PUBLISHED_NONE);
  FenReal        *s, *next, *C, *X;

  PetscFunctionBegin;
  PetscCall(PetscMalloc4((size_t)n + 1, &s, (size_t)n + 1, &next, (size_t)(n * d) + 1, &C, (size_t)d * (size_t)d, &X));
  for (int h = H - 1; h >= 0; h--) {
    for (FenInt k = 0; k < n; k++) {
      const FenInt at = k * H + h + 1;
      int          action;

      s[k] = half >= 0 && (v->first + k) % 2 != half ? 0 : 1;
      if (sigma_in && h < H - 1)
        s[k] /= sigma_in[h * n + k];
      next[k] = h < H - 1
                    ? FenVerifyLinearValue_Private(v, v->a.features + at * width, v->a.stop ? v->a.stop + at : NULL,
                                                   v->a.fail[at] > 0, h + 1, &action)
                    : 0;
    }
    PetscCall(Step(v, h, s, next, untrained, C, X));
    if (sigma_out)
      PetscCall(Variances(v, h, next, C, sigma_out + h * n));
  }
  PetscCall(PetscFree4(s, next, C, X));
  PetscFunctionReturn(0);
}
