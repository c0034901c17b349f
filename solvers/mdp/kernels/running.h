/* SPDX-License-Identifier: BSD-2-Clause */
/* What a sweep keeps lane by lane, and the greedy choice; for one instruction set. */
#pragma once
#include "lanes.h"

/* running numbers of a sweep, a lane each */
typedef struct {
  Lanes lo, hi, vmin, vmax, vabs, loss, changes, check;
} Running;

FEN_INLINE Running Begin(void)
{
  Running r;

  r.lo = r.vmin = l_set(INFINITY);
  r.hi = r.vmax = l_set(-INFINITY);
  r.vabs = r.loss = r.changes = r.check = l_set(0);
  return r;
}

FEN_INLINE double Largest(const Lanes *x)
{
  double m = x->v[0][0];

  EACH for (int l = 0; l < FEN_SIMD; l++) m = x->v[v][l] > m ? x->v[v][l] : m;
  return m;
}
FEN_INLINE double Smallest(const Lanes *x)
{
  double m = x->v[0][0];

  EACH for (int l = 0; l < FEN_SIMD; l++) m = x->v[v][l] < m ? x->v[v][l] : m;
  return m;
}
FEN_INLINE double Sum(const Lanes *x)
{
  double m = 0;

  EACH for (int l = 0; l < FEN_SIMD; l++) m += x->v[v][l];
  return m;
}

FEN_INLINE void End(const Running *r, FenSweepPart *p)
{
  p->lo = fmin(p->lo, Smallest(&r->lo));
  p->hi = fmax(p->hi, Largest(&r->hi));
  p->vmin = fmin(p->vmin, Smallest(&r->vmin));
  p->vmax = fmax(p->vmax, Largest(&r->vmax));
  p->vabs = fmax(p->vabs, Largest(&r->vabs));
  p->loss = fmax(p->loss, Largest(&r->loss));
  p->changes += Sum(&r->changes);
  if (Sum(&r->check) != 0) /* x - x is NaN for NaN and Inf */
    p->lo = p->hi = NAN;
}

/* the greedy values of a chunk: statistics, and the values where they belong */
FEN_INLINE void Finish(Running *r, const Lanes *best, const double *own, double *TV)
{
  EACH
  {
    const vd V = v_load(own + v * FEN_SIMD), d = best->v[v] - V;

    r->lo.v[v] = v_least(r->lo.v[v], d);
    r->hi.v[v] = v_max(r->hi.v[v], d);
    r->vmin.v[v] = v_least(r->vmin.v[v], best->v[v]);
    r->vmax.v[v] = v_max(r->vmax.v[v], best->v[v]);
    r->vabs.v[v] = v_max(r->vabs.v[v], v_abs(V));
    r->check.v[v] += V - V;
    v_store(TV + v * FEN_SIMD, best->v[v]);
  }
}

/* best action, unless the incumbent is as good up to rounding */
FEN_INLINE void Choose(Running *r, const Lanes *best, const Lanes *arg, const Lanes *kept, int *policy)
{
  EACH
  {
    const vd inc = v_from_int(policy + v * FEN_SIMD), lag = best->v[v] - kept->v[v];
    const vd tol = v_fma(v_abs(best->v[v]), v_set(FEN_INCUMBENT), v_set(FEN_INCUMBENT));
    const vd choice = v_if_greater(lag, tol, arg->v[v], inc);

    r->loss.v[v] = v_max(r->loss.v[v], v_if_greater(lag, tol, v_set(0), lag));
    r->changes.v[v] += v_if_equal(choice, inc, v_set(0), v_set(1));
    v_to_int(policy + v * FEN_SIMD, choice);
  }
}

/* a short chunk works on copies whose missing lanes repeat the first state */
#define SHORT_CHUNK(statement)                                                                                         \
  do {                                                                                                                 \
    const FenInt m = C->n - s;                                                                                         \
    double       own8[FEN_LANES], TV8[FEN_LANES];                                                                      \
    for (FenInt l = 0; l < FEN_LANES; l++)                                                                             \
      own8[l] = own[s + (l < m ? l : 0)];                                                                              \
    statement;                                                                                                         \
    for (FenInt l = 0; l < m; l++)                                                                                     \
      TV[s + l] = TV8[l];                                                                                              \
  } while (0)
