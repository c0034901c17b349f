/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Lines of a grid, one in each lane of two vectors; see FenLines. Included by tilekernel.h. The same loops are compiled
   for each way in which costs are found.

   Windows by bisection: with the windows of targets i-h and i+h known, that of i begins not before the first and ends
   not after the second. Each halving of h reads the sources once plus once for each overlap of neighbours: about
   ns log2 nt + nt w differences and maxima for windows of w sources, against nt w exponentials. With windows as long
   as the line this is one maximum for each term.

   Neighbouring targets with wide windows share exponentials, see linetoeplitz.h and linetiles.h: w (1 + 12/n)
   multiply-adds a target for n of them.
*/
#define LINE_WIDE 32  /* windows this many times wider than the distance to the neighbour may be inherited from it */
#define LINE_NEAR 8.0 /* ... with M, whose rounding errors stay below 1e-15, as far from the true one each time */
#define LINE_SUM  64  /* terms added up before they are added to the sum: keeps rounding errors from adding up */

/* costs from coordinates, |x-y|^2; from a table, one for all lanes, or of one target after the other */
enum { COST_SQUARES, COST_TABLE, COST_SHARES };

#define BY_COST(P, run, ...)                                                                                           \
  do {                                                                                                                 \
    if (!(P)->cost)                                                                                                    \
      run(P, COST_SQUARES, __VA_ARGS__);                                                                               \
    else if ((P)->apart == 1)                                                                                          \
      run(P, COST_TABLE, __VA_ARGS__);                                                                                 \
    else                                                                                                               \
      run(P, COST_SHARES, __VA_ARGS__);                                                                                \
  } while (0)

typedef struct {
  const double *u, *xs;
  vd            x[2];
  const double *cost;
  FenInt        stride;
} LineTarget;

FEN_INLINE LineTarget TargetOfLines(const FenLines *P, const int by, FenInt i)
{
  const double *x = P->xt + i * FEN_GROUP;

  if (by == COST_SQUARES)
    return (LineTarget){.u = P->u, .xs = P->xs, .x = {v_load(x), v_load(x + FEN_SIMD)}};
  return (LineTarget){.u = P->u, .cost = P->cost + i * P->apart, .stride = P->stride};
}

FEN_INLINE vd LineCost(const LineTarget *T, const int by, FenInt j, int h)
{
  const double *c = T->cost + j * T->stride;
  const vd      d = by == COST_SQUARES ? T->x[h] - v_set(T->xs[j]) : v_set(0.0);

  return by == COST_SQUARES ? d * d : by == COST_TABLE ? v_set(*c) : v_load(c + h * FEN_SIMD);
}

/* a - c_ij */
FEN_INLINE void LessCost(const LineTarget *T, const int by, FenInt j, const vd a[2], vd t[2])
{
  if (by == COST_SQUARES) {
    const vd y = v_set(T->xs[j]);

    for (int h = 0; h < 2; h++) {
      const vd d = T->x[h] - y;

      t[h] = v_fnma(d, d, a[h]);
    }
  } else
    for (int h = 0; h < 2; h++)
      t[h] = a[h] - LineCost(T, by, j, h);
}

FEN_INLINE void LineScores(const LineTarget *T, const int by, FenInt j, vd t[2])
{
  const double *u = T->u + j * FEN_GROUP;
  const vd      a[2] = {v_load(u), v_load(u + FEN_SIMD)};

  LessCost(T, by, j, a, t);
}

/* is t_ij below the cut in all lanes? */
FEN_INLINE int IsBelow(const LineTarget *T, const int by, FenInt j, const vd cut[2])
{
  vd t[2];

  LineScores(T, by, j, t);
  return v_all_less(t[0], cut[0]) && v_all_less(t[1], cut[1]);
}

/* M and the window of target i, known to lie in [lo, hi); empty when all sources of all lanes weigh zero */
FEN_INLINE void LineWindow(const FenLines *P, const int by, FenInt i, FenInt lo, FenInt hi, double M[])
{
  const LineTarget T = TargetOfLines(P, by, i);
  vd               m[2] = {v_set(FEN_NONE), v_set(FEN_NONE)}, cut[2], t[2];

  for (FenInt j = lo; j < hi; j++) {
    LineScores(&T, by, j, t);
    m[0] = v_max(m[0], t[0]);
    m[1] = v_max(m[1], t[1]);
  }
  for (int h = 0; h < 2; h++) {
    v_store(M + i * FEN_GROUP + h * FEN_SIMD, m[h]);
    cut[h] = v_max(m[h] - FEN_CUT, v_set(0.5 * FEN_NONE)); /* a lane without weights asks for nothing */
  }
  while (lo < hi && IsBelow(&T, by, lo, cut))
    lo++;
  while (hi > lo && IsBelow(&T, by, hi - 1, cut))
    hi--;
  P->window[2 * i] = (int)lo;
  P->window[2 * i + 1] = (int)hi;
}

/* is |c_ij - c_kj| at most LINE_NEAR for all sources j in [lo, hi)? The difference is monotone in j. */
FEN_INLINE int IsNear(const FenLines *P, const int by, FenInt i, FenInt k, FenInt lo, FenInt hi)
{
  const LineTarget T = TargetOfLines(P, by, i), K = TargetOfLines(P, by, k);
  const vd         zero[2] = {v_set(0.0), v_set(0.0)}, near = v_set(LINE_NEAR);
  const FenInt     ends[2] = {lo, hi - 1};
  int              yes = 1;

  for (int e = 0; e < 2; e++) {
    vd t[2], s[2];

    LessCost(&T, by, ends[e], zero, t);
    LessCost(&K, by, ends[e], zero, s);
    for (int h = 0; h < 2; h++)
      yes &= v_all_less(v_abs(t[h] - s[h]), near);
  }
  return yes;
}

/* a target takes M of its neighbour and the range that both neighbours leave it, where that costs little */
FEN_INLINE int Inherits(const FenLines *P, const int by, FenInt i, FenInt h, FenInt lo, FenInt hi, double M[])
{
  if (hi - lo < LINE_WIDE * h || !IsNear(P, by, i, i - h, lo, hi))
    return 0;
  memcpy(M + i * FEN_GROUP, M + (i - h) * FEN_GROUP, FEN_GROUP * sizeof(double));
  P->window[2 * i] = (int)lo;
  P->window[2 * i + 1] = (int)hi;
  return 1;
}

FEN_INLINE void Bisect(const FenLines *P, const int by, double M[])
{
  const FenInt last = P->nt - 1;
  FenInt       h = 1;

  LineWindow(P, by, 0, 0, P->ns, M);
  if (last > 0)
    LineWindow(P, by, last, P->window[0], P->ns, M);
  while (2 * h < last)
    h *= 2;
  for (; h > 0; h /= 2)
    for (FenInt i = h; i < last; i += 2 * h) {
      const FenInt right = i + h < last ? i + h : last, lo = P->window[2 * (i - h)];
      FenInt       hi = P->window[2 * right + 1];

      if (hi <= lo && lo < P->ns)
        hi = lo + 1; /* rounding errors of exponents beyond 2^58 exceed the cut and may cross the ends */
      if (!Inherits(P, by, i, h, lo, hi, M))
        LineWindow(P, by, i, lo, hi, M);
    }
}

#include "linetiles.h"
#include "linetoeplitz.h"

/* ---- target by target ---- */

FEN_INLINE void TargetLSE(const FenLines *P, const int by, FenInt i, double mi[])
{
  const LineTarget T = TargetOfLines(P, by, i);
  const FenInt     hi = P->window[2 * i + 1];
  const vd         m[2] = {v_load(mi), v_load(mi + FEN_SIMD)};
  vd               S[2] = {v_set(0.0), v_set(0.0)};
  FenInt           j = P->window[2 * i];

  if (j == hi)
    return; /* M is FEN_NONE */
  while (j < hi) {
    const FenInt end = hi - j > LINE_SUM ? j + LINE_SUM : hi;
    vd           s[2] = {v_set(0.0), v_set(0.0)}, t[2];

    for (; j < end; j++) {
      LineScores(&T, by, j, t);
      s[0] += v_exp2(t[0] - m[0]);
      s[1] += v_exp2(t[1] - m[1]);
    }
    S[0] += s[0];
    S[1] += s[1];
  }
  v_store(mi, m[0] + v_log2(S[0]));
  v_store(mi + FEN_SIMD, m[1] + v_log2(S[1]));
}

FEN_INLINE void LSEOfTargets(const FenLines *P, const int by, double M[])
{
  for (FenInt i = 0, n; i < P->nt; i += n) {
    const Toeplitz B = P->toeplitz ? ToeplitzOf(P, i) : (Toeplitz){.n = 0};
    Tile           T = B.n || by != COST_SQUARES ? (Tile){.n = 0} : TileOf(P, i);

    n = B.n ? B.n : T.n ? T.n : 1;
    if (B.n)
      LineToeplitzLSE(P, &B, M);
    else if (T.n)
      LineTileLSE(P, &T, M);
    else
      TargetLSE(P, by, i, M + i * FEN_GROUP);
  }
}

static void LineLSE(const FenLines *P, double M[])
{
  BY_COST(P, LSEOfTargets, M);
}

/* 2^(w + u_j - c_ij), times the cost if weighted */
FEN_INLINE void LineTerms(const LineTarget *T, const int by, FenInt j, const vd w[2], const int weighted, vd e[2])
{
  const double *u = T->u + j * FEN_GROUP;
  const vd      a[2] = {w[0] + v_load(u), w[1] + v_load(u + FEN_SIMD)};

  LessCost(T, by, j, a, e);
  for (int h = 0; h < 2; h++) {
    e[h] = v_exp2(e[h]);
    if (weighted)
      e[h] *= LineCost(T, by, j, h);
  }
}

FEN_INLINE void TargetProducts(const FenLines *P, const int by, FenInt i, const int weighted, double out[])
{
  const LineTarget T = TargetOfLines(P, by, i);
  const FenInt     hi = P->window[2 * i + 1];
  const double    *wi = P->w + i * FEN_GROUP;
  const vd         w[2] = {v_load(wi), v_load(wi + FEN_SIMD)};
  vd               S[2] = {v_set(0.0), v_set(0.0)};

  for (FenInt j = P->window[2 * i]; j < hi;) {
    const FenInt end = hi - j > LINE_SUM ? j + LINE_SUM : hi;
    vd           s[2] = {v_set(0.0), v_set(0.0)}, e[2];

    for (; j < end; j++) {
      const double *v = P->v + j * FEN_GROUP;

      LineTerms(&T, by, j, w, weighted, e);
      s[0] = v_fma(e[0], v_load(v), s[0]);
      s[1] = v_fma(e[1], v_load(v + FEN_SIMD), s[1]);
    }
    S[0] += s[0];
    S[1] += s[1];
  }
  v_store(out + i * FEN_GROUP, S[0]);
  v_store(out + i * FEN_GROUP + FEN_SIMD, S[1]);
}

static void LineWindows(const FenLines *P, double M[])
{
  if (P->nt)
    BY_COST(P, Bisect, M);
}

FEN_INLINE void ProductsOfTargets(const FenLines *P, const int by, double out[])
{
  for (FenInt i = 0, n; i < P->nt; i += n) {
    const Toeplitz B = P->toeplitz ? ToeplitzOf(P, i) : (Toeplitz){.n = 0};
    Tile           T = B.n || P->weighted || by != COST_SQUARES ? (Tile){.n = 0} : TileOf(P, i);

    n = B.n ? B.n : T.n ? T.n : 1;
    if (B.n)
      LineToeplitzProducts(P, &B, out);
    else if (T.n)
      LineTileProducts(P, &T, out);
    else if (P->weighted)
      TargetProducts(P, by, i, 1, out);
    else
      TargetProducts(P, by, i, 0, out);
  }
}

static void LineApply(const FenLines *P, double out[])
{
  BY_COST(P, ProductsOfTargets, out);
}

/* ---- factors that are kept ---- */

typedef float vf __attribute__((vector_size(FEN_SIMD * 8)));
typedef float vh __attribute__((vector_size(FEN_SIMD * 4))); /* as many lanes as vd */

FEN_INLINE vf v_loadf(const float *p)
{
  vf x;
  memcpy(&x, p, sizeof(x));
  return x;
}

/* numbers in single precision, to double precision and back */
FEN_INLINE vd v_widen(const float *p)
{
  vh x;
  memcpy(&x, p, sizeof(x));
  return __builtin_convertvector(x, vd);
}

FEN_INLINE vd v_narrow(float *p, vd x)
{
  const vh y = __builtin_convertvector(x, vh);

  memcpy(p, &y, sizeof(y));
  return __builtin_convertvector(y, vd);
}

/* the part of a window whose factors are worth keeping */
FEN_INLINE void KeptOfTargets(const FenLines *P, const int by, const double M[])
{
  for (FenInt i = 0; i < P->nt; i++) {
    const LineTarget T = TargetOfLines(P, by, i);
    FenInt           lo = P->window[2 * i], hi = P->window[2 * i + 1];
    vd               cut[2];

    for (int h = 0; h < 2; h++)
      cut[h] = v_max(v_load(M + i * FEN_GROUP + h * FEN_SIMD) - FEN_KEPT_CUT, v_set(0.5 * FEN_NONE));
    while (lo < hi && IsBelow(&T, by, lo, cut))
      lo++;
    while (hi > lo && IsBelow(&T, by, hi - 1, cut))
      hi--;
    P->kept[2 * i] = (int)lo;
    P->kept[2 * i + 1] = (int)hi;
  }
}

static void LineKept(const FenLines *P, const double M[])
{
  BY_COST(P, KeptOfTargets, M);
}

/* terms of the target's sum, not yet divided by it */
FEN_INLINE void LineTermsKept(const FenLines *P, const int by, FenInt i, const vd m[2], double e[], vd S[2])
{
  const LineTarget T = TargetOfLines(P, by, i);

  for (FenInt j = P->window[2 * i]; j < P->window[2 * i + 1]; j++, e += FEN_GROUP) {
    vd t[2];

    LineScores(&T, by, j, t);
    for (int h = 0; h < 2; h++) {
      t[h] = v_exp2(t[h] - m[h]);
      S[h] += t[h];
      v_store(e + h * FEN_SIMD, t[h]);
    }
  }
}

/* 1 / S, 0 in lanes of no weight, and behind the end of a line that lanes share */
FEN_INLINE void Inverse(const double mi[], const vd S[2], vd r[2])
{
  for (int h = 0; h < 2; h++) {
    const vl some = (vl)(v_load(mi + h * FEN_SIMD) > v_set(0.5 * FEN_NONE)) & (vl)(S[h] > v_set(0.0));

    r[h] = (vd)((vl)(1.0 / S[h]) & some);
  }
}

/* of one target, whose numbers begin at e; where those of the next one do */
FEN_INLINE float *TargetFactors(const FenLines *P, const int by, FenInt i, float *e, double mi[])
{
  const FenInt  n = P->kept[2 * i + 1] - P->kept[2 * i];
  const double *t = P->terms + (P->kept[2 * i] - P->window[2 * i]) * FEN_GROUP;
  float        *missing = e;
  const vd      m[2] = {v_load(mi), v_load(mi + FEN_SIMD)};
  vd            S[2] = {v_set(0.0), v_set(0.0)}, r[2], kept[2] = {v_set(0.0), v_set(0.0)};

  if (n <= 0)
    return e; /* M is FEN_NONE */
  LineTermsKept(P, by, i, m, P->terms, S);
  Inverse(mi, S, r);
  e += FEN_GROUP;
  for (FenInt k = 0; k < n; k++, e += FEN_GROUP, t += FEN_GROUP)
    for (int h = 0; h < 2; h++)
      kept[h] += v_narrow(e + h * FEN_SIMD, r[h] * v_load(t + h * FEN_SIMD));
  for (int h = 0; h < 2; h++) {
    v_store(mi + h * FEN_SIMD, m[h] + v_log2(S[h]));
    v_narrow(missing + h * FEN_SIMD, v_set(1.0) - kept[h]);
  }
  return e;
}

/* the same of a tile */
FEN_INLINE float *TileFactors(const FenLines *P, const Toeplitz *T, const int shared, float *e, double M[])
{
  const double *a = P->scratch - T->lo * FEN_GROUP;
  vd            top[2];

  if (T->lo == T->hi)
    return e;
  ToeplitzSources(P, T, P->u, 0, P->scratch, top);
  for (FenInt i = T->first; i < T->first + T->n; i++) {
    const double *f = ToeplitzOfTarget(P, T, i);
    double       *mi = M + i * FEN_GROUP;
    float        *missing = e;
    vd            S[2] = {v_set(0.0), v_set(0.0)}, r[2], kept[2] = {v_set(0.0), v_set(0.0)};

    if (P->kept[2 * i] >= P->kept[2 * i + 1])
      continue;
    for (FenInt j = P->window[2 * i]; j < P->window[2 * i + 1]; j++)
      for (int h = 0; h < 2; h++)
        S[h] = v_fma(ToeplitzFactor(f - j, shared, h), v_load(a + j * FEN_GROUP + h * FEN_SIMD), S[h]);
    Inverse(mi, S, r);
    e += FEN_GROUP;
    for (FenInt j = P->kept[2 * i]; j < P->kept[2 * i + 1]; j++, e += FEN_GROUP)
      for (int h = 0; h < 2; h++) {
        const vd t = ToeplitzFactor(f - j, shared, h) * v_load(a + j * FEN_GROUP + h * FEN_SIMD);

        kept[h] += v_narrow(e + h * FEN_SIMD, r[h] * t);
      }
    for (int h = 0; h < 2; h++) {
      v_store(mi + h * FEN_SIMD, top[h] + (v_log2(S[h]) + ToeplitzTarget(P, T, i - T->first, h)));
      v_narrow(missing + h * FEN_SIMD, v_set(1.0) - kept[h]);
    }
  }
  return e;
}

FEN_INLINE void FactorsOfTargets(const FenLines *P, const int by, double M[])
{
  float *e = P->e;

  for (FenInt i = 0, n; i < P->nt; i += n) {
    const Toeplitz T = ToeplitzFew(P, P->window, 0, 0, i);

    n = T.n ? T.n : 1;
    if (!T.n)
      e = TargetFactors(P, by, i, e, M + i * FEN_GROUP);
    else if (P->apart > 1)
      e = TileFactors(P, &T, 1, e, M);
    else
      e = TileFactors(P, &T, 0, e, M);
  }
}

static void LineFactors(const FenLines *P, double M[])
{
  BY_COST(P, FactorsOfTargets, M);
}

static void LineMult(const FenLines *P, double out[])
{
  const float *e = P->e;

  for (FenInt i = 0; i < P->nt; i++) {
    const double *v = P->v + P->kept[2 * i] * FEN_GROUP;
    const FenInt  n = P->kept[2 * i + 1] - P->kept[2 * i];
    const float  *missing = e;
    vd            S[2] = {v_set(0.0), v_set(0.0)};

    e += n > 0 ? FEN_GROUP : 0;
    for (FenInt k = 0; k < n; k++, e += FEN_GROUP, v += FEN_GROUP) {
      S[0] = v_fma(v_widen(e), v_load(v), S[0]);
      S[1] = v_fma(v_widen(e + FEN_SIMD), v_load(v + FEN_SIMD), S[1]);
    }
    for (int h = 0; h < 2; h++)
      v_store(out + i * FEN_GROUP + h * FEN_SIMD, n > 0 ? v_fma(v_widen(missing + h * FEN_SIMD), S[h], S[h]) : S[h]);
  }
}

FEN_INLINE void SpreadFactors(const FenLines *P, const int squares, double out[])
{
  const float *e = P->e;

  memset(out, 0, (size_t)(P->ns * FEN_GROUP) * sizeof(double));
  for (FenInt i = 0; i < P->nt; i++) {
    const FenInt n = P->kept[2 * i + 1] - P->kept[2 * i];
    double      *o = out + P->kept[2 * i] * FEN_GROUP;
    vd           v[2];

    if (n <= 0)
      continue;
    for (int h = 0; h < 2; h++) {
      const vd missing = v_widen(e + h * FEN_SIMD);

      v[h] = v_load(P->v + i * FEN_GROUP + h * FEN_SIMD);
      v[h] = v_fma(missing, v[h], v[h]);
      if (squares)
        v[h] = v_fma(missing, v[h], v[h]);
    }
    e += FEN_GROUP;
    for (FenInt k = 0; k < n; k++, e += FEN_GROUP, o += FEN_GROUP)
      for (int h = 0; h < 2; h++) {
        const vd f = v_widen(e + h * FEN_SIMD);

        v_store(o + h * FEN_SIMD, v_fma(squares ? f * f : f, v[h], v_load(o + h * FEN_SIMD)));
      }
  }
}

static void LineMultTranspose(const FenLines *P, int squares, double out[])
{
  if (squares)
    SpreadFactors(P, 1, out);
  else
    SpreadFactors(P, 0, out);
}

FEN_INLINE void TargetSpread(const FenLines *P, const int by, FenInt i, double out[])
{
  const LineTarget T = TargetOfLines(P, by, i);
  const double    *vi = P->v + i * FEN_GROUP, *wi = P->w + i * FEN_GROUP;
  const vd         v[2] = {v_load(vi), v_load(vi + FEN_SIMD)}, w[2] = {v_load(wi), v_load(wi + FEN_SIMD)};
  double          *o = out + P->window[2 * i] * FEN_GROUP;

  for (FenInt j = P->window[2 * i]; j < P->window[2 * i + 1]; j++, o += FEN_GROUP) {
    vd e[2];

    LineTerms(&T, by, j, w, 0, e);
    v_store(o, v_fma(e[0], v[0], v_load(o)));
    v_store(o + FEN_SIMD, v_fma(e[1], v[1], v_load(o + FEN_SIMD)));
  }
}

/* the same of a tile */
FEN_INLINE void TileSpread(const FenLines *P, const Toeplitz *T, const int shared, double out[])
{
  const FenInt n = 2 * (T->hi - T->lo);
  double      *a = P->scratch, *S = P->terms, *o = out + T->lo * FEN_GROUP;
  vd           top[2];

  if (!n)
    return;
  ToeplitzSources(P, T, P->u, 0, a, top);
  memset(S, 0, (size_t)n * sizeof(vd));
  for (FenInt i = T->first; i < T->first + T->n; i++) {
    const double *f = ToeplitzOfTarget(P, T, i);
    vd            v[2];

    for (int h = 0; h < 2; h++)
      v[h] = ToeplitzScale(P, T, P->w, top, i, h) * v_load(P->v + i * FEN_GROUP + h * FEN_SIMD);
    for (FenInt j = P->window[2 * i]; j < P->window[2 * i + 1]; j++)
      for (int h = 0; h < 2; h++) {
        double *s = S + (j - T->lo) * FEN_GROUP + h * FEN_SIMD;

        v_store(s, v_fma(ToeplitzFactor(f - j, shared, h), v[h], v_load(s)));
      }
  }
  for (FenInt k = 0; k < n; k++)
    v_store(o + k * FEN_SIMD, v_fma(v_load(a + k * FEN_SIMD), v_load(S + k * FEN_SIMD), v_load(o + k * FEN_SIMD)));
}

FEN_INLINE void SpreadOfTargets(const FenLines *P, const int by, double out[])
{
  memset(out, 0, (size_t)(P->ns * FEN_GROUP) * sizeof(double));
  for (FenInt i = 0, n; i < P->nt; i += n) {
    const Toeplitz T = ToeplitzFew(P, P->window, 0, 0, i);

    n = T.n ? T.n : 1;
    if (!T.n)
      TargetSpread(P, by, i, out);
    else if (P->apart > 1)
      TileSpread(P, &T, 1, out);
    else
      TileSpread(P, &T, 0, out);
  }
}

static void LineSpread(const FenLines *P, double out[])
{
  BY_COST(P, SpreadOfTargets, out);
}

/* ---- couplings of targets of a plan ---- */

/* f of target i of the other line in the window of the first and the offsets around it; 0 where it has no sources */
FEN_INLINE void OtherFactors(const FenLines *P, const int by, const FenLineCouple *C, FenInt i)
{
  LineTarget    T = TargetOfLines(P, by, i);
  const double *mi = C->minus + i * FEN_GROUP;
  const vd      w[2] = {v_load(mi), v_load(mi + FEN_SIMD)}, none = v_set(0.0);
  double       *f = C->f;

  T.u = C->u;
  for (FenInt j = P->kept[2 * i] + C->first; j < P->kept[2 * i + 1] + C->last; j++, f += FEN_GROUP) {
    vd t[2] = {none, none};

    if (j >= C->lo && j < C->hi)
      LineTerms(&T, by, j, w, 0, t);
    v_store(f, t[0]);
    v_store(f + FEN_SIMD, t[1]);
  }
}

/* the same of a target of a tile, whose sources' exponentials are in P->scratch */
FEN_INLINE void OtherTileFactors(const FenLines *P, const FenLineCouple *C, const Toeplitz *T, const vd top[2],
                                 const int shared, FenInt i)
{
  const FenInt  lo = P->kept[2 * i] + C->first, hi = P->kept[2 * i + 1] + C->last;
  const double *from = ToeplitzOfTarget(P, T, i);
  vd            w[2];

  for (int h = 0; h < 2; h++)
    w[h] = ToeplitzScale(P, T, C->minus, top, i, h);
  for (FenInt j = lo; j < hi; j++)
    for (int h = 0; h < 2; h++) {
      vd f = v_set(0.0);

      if (j >= T->lo && j < T->hi)
        f = ToeplitzFactor(from - j, shared, h) * v_load(P->scratch + (j - T->lo) * FEN_GROUP + h * FEN_SIMD);
      v_store(C->f + (j - lo) * FEN_GROUP + h * FEN_SIMD, w[h] * f);
    }
}

/* a target's sums, whose factors begin at e; where those of the next one do */
FEN_INLINE const float *TargetCouple(const FenLines *P, const FenLineCouple *C, FenInt i, const float *e)
{
  const FenInt  n = C->last - C->first + 1, ld = P->ns * FEN_GROUP;
  const double *vi = P->v + i * FEN_GROUP;
  vd            v[2] = {v_load(vi), v_load(vi + FEN_SIMD)};

  for (int h = 0; h < 2; h++)
    v[h] = v_fma(v_widen(e + h * FEN_SIMD), v[h], v[h]);
  e += FEN_GROUP;
  for (FenInt j = P->kept[2 * i], k = 0; j < P->kept[2 * i + 1]; j++, k++, e += FEN_GROUP) {
    const vd a[2] = {v[0] * v_widen(e), v[1] * v_widen(e + FEN_SIMD)};
    double  *o = C->out + j * FEN_GROUP, *f = C->f + k * FEN_GROUP;

    for (FenInt s = 0; s < n; s++, o += ld, f += FEN_GROUP) {
      v_store(o, v_fma(a[0], v_load(f), v_load(o)));
      v_store(o + FEN_SIMD, v_fma(a[1], v_load(f + FEN_SIMD), v_load(o + FEN_SIMD)));
    }
  }
  return e;
}

FEN_INLINE void CoupleTargets(const FenLines *P, const int by, const FenLineCouple *C)
{
  const float *e = P->e;

  for (FenInt first = 0, n; first < P->nt; first += n) {
    Toeplitz T = ToeplitzFew(P, P->kept, -C->first, C->last, first);
    vd       top[2];

    n = T.n ? T.n : 1;
    T.lo = T.lo < C->lo ? C->lo : T.lo;
    T.hi = T.hi > C->hi ? C->hi : T.hi;
    if (T.n && T.lo < T.hi)
      ToeplitzSources(P, &T, C->u, 0, P->scratch, top);
    else
      T.n = 0;
    for (FenInt i = first; i < first + n; i++) {
      if (P->kept[2 * i] >= P->kept[2 * i + 1])
        continue;
      if (!T.n)
        OtherFactors(P, by, C, i);
      else if (P->apart > 1)
        OtherTileFactors(P, C, &T, top, 1, i);
      else
        OtherTileFactors(P, C, &T, top, 0, i);
      e = TargetCouple(P, C, i, e);
    }
  }
}

static void LineCouple(const FenLines *P, const FenLineCouple *C)
{
  BY_COST(P, CoupleTargets, C);
}
