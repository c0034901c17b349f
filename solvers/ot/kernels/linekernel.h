/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Lines of a grid with the cost |x-y|^2, one in each lane of two vectors; see FenLines. Included by tilekernel.h.

   Windows by bisection: with the windows of targets i-h and i+h known, that of i begins not before the first and ends
   not after the second. Each halving of h reads the sources once plus once for each overlap of neighbours: about
   ns log2 nt + nt w differences and maxima for windows of w sources, against nt w exponentials. With windows as long
   as the line this is one maximum for each term.

   Neighbouring targets with wide windows share exponentials, see TileSums(): w (1 + 12/n) multiply-adds a target for
   n of them.
*/
#define LINE_WIDE 32  /* windows this many times wider than the distance to the neighbour may be inherited from it */
#define LINE_NEAR 8.0 /* ... with M, as far from the true one; its rounding errors then stay below 1e-15 */
#define LINE_SUM  64  /* terms added up before they are added to the sum: keeps rounding errors from adding up */

typedef struct {
  const double *u, *xs;
  vd            x[2];
} LineTarget;

FEN_INLINE LineTarget TargetOfLines(const FenLines *P, FenInt i)
{
  const double *x = P->xt + i * FEN_GROUP;

  return (LineTarget){.u = P->u, .xs = P->xs, .x = {v_load(x), v_load(x + FEN_SIMD)}};
}

/* a - c_ij */
FEN_INLINE void LessCost(const LineTarget *T, FenInt j, const vd a[2], vd t[2])
{
  const vd y = v_set(T->xs[j]);

  for (int h = 0; h < 2; h++) {
    const vd d = T->x[h] - y;

    t[h] = v_fnma(d, d, a[h]);
  }
}

FEN_INLINE void LineScores(const LineTarget *T, FenInt j, vd t[2])
{
  const double *u = T->u + j * FEN_GROUP;
  const vd      a[2] = {v_load(u), v_load(u + FEN_SIMD)};

  LessCost(T, j, a, t);
}

/* is t_ij below the cut in all lanes? */
FEN_INLINE int IsBelow(const LineTarget *T, FenInt j, const vd cut[2])
{
  vd t[2];

  LineScores(T, j, t);
  return v_all_less(t[0], cut[0]) && v_all_less(t[1], cut[1]);
}

/* M and the window of target i, known to lie in [lo, hi); empty when all sources of all lanes weigh zero */
FEN_INLINE void LineWindow(const FenLines *P, FenInt i, FenInt lo, FenInt hi, double M[])
{
  const LineTarget T = TargetOfLines(P, i);
  vd               m[2] = {v_set(FEN_NONE), v_set(FEN_NONE)}, cut[2], t[2];

  for (FenInt j = lo; j < hi; j++) {
    LineScores(&T, j, t);
    m[0] = v_max(m[0], t[0]);
    m[1] = v_max(m[1], t[1]);
  }
  for (int h = 0; h < 2; h++) {
    v_store(M + i * FEN_GROUP + h * FEN_SIMD, m[h]);
    cut[h] = v_max(m[h] - FEN_CUT, v_set(0.5 * FEN_NONE)); /* a lane without weights asks for nothing */
  }
  while (lo < hi && IsBelow(&T, lo, cut))
    lo++;
  while (hi > lo && IsBelow(&T, hi - 1, cut))
    hi--;
  P->window[2 * i] = (int)lo;
  P->window[2 * i + 1] = (int)hi;
}

/* is |c_ij - c_kj| at most LINE_NEAR for all sources j in [lo, hi)? The difference is monotone in j. */
FEN_INLINE int IsNear(const FenLines *P, FenInt i, FenInt k, FenInt lo, FenInt hi)
{
  const LineTarget T = TargetOfLines(P, i), K = TargetOfLines(P, k);
  const vd         zero[2] = {v_set(0.0), v_set(0.0)}, near = v_set(LINE_NEAR);
  const FenInt     ends[2] = {lo, hi - 1};
  int              yes = 1;

  for (int e = 0; e < 2; e++) {
    vd t[2], s[2];

    LessCost(&T, ends[e], zero, t);
    LessCost(&K, ends[e], zero, s);
    for (int h = 0; h < 2; h++)
      yes &= v_all_less(v_abs(t[h] - s[h]), near);
  }
  return yes;
}

/* a target takes M of its neighbour and the range that both neighbours leave it, where that costs little */
FEN_INLINE int Inherits(const FenLines *P, FenInt i, FenInt h, FenInt lo, FenInt hi, double M[])
{
  if (hi - lo < LINE_WIDE * h || !IsNear(P, i, i - h, lo, hi))
    return 0;
  memcpy(M + i * FEN_GROUP, M + (i - h) * FEN_GROUP, FEN_GROUP * sizeof(double));
  P->window[2 * i] = (int)lo;
  P->window[2 * i + 1] = (int)hi;
  return 1;
}

FEN_INLINE void Bisect(const FenLines *P, double M[])
{
  const FenInt last = P->nt - 1;
  FenInt       h = 1;

  LineWindow(P, 0, 0, P->ns, M);
  if (last > 0)
    LineWindow(P, last, P->window[0], P->ns, M);
  while (2 * h < last)
    h *= 2;
  for (; h > 0; h /= 2)
    for (FenInt i = h; i < last; i += 2 * h) {
      const FenInt right = i + h < last ? i + h : last, lo = P->window[2 * (i - h)];
      FenInt       hi = P->window[2 * right + 1];

      if (hi <= lo && lo < P->ns)
        hi = lo + 1; /* rounding errors of exponents beyond 2^58 exceed the cut and may cross the ends */
      if (!Inherits(P, i, h, lo, hi, M))
        LineWindow(P, i, lo, hi, M);
    }
}

/* ---- wide windows: neighbouring targets together, see TileSums() ---- */

#define TILE_MOST  64    /* targets of a tile at most, a power of two */
#define TILE_LEAST 4     /* and at least */
#define TILE_WIDE  24    /* windows that are at least so wide */
#define TILE_BITS  200.0 /* largest |2 d z|, see TileSums() */
#define TILE_HALF  16    /* terms on either side of the middle of a polynomial: keeps rounding errors from adding up */
#define EXP_WORK   12    /* multiply-adds that an exponential takes */

typedef struct {
  FenInt n, first;       /* targets; 0: they are not worth it, or too far apart */
  FenInt lo, hi;         /* their sources */
  int    same;           /* all lanes have the same targets */
  vd     x[2], shift[2]; /* coordinates of the middle, exponent that is added */
} Tile;

/* is |2 d z| at most TILE_BITS for the tile's n targets and all sources? */
FEN_INLINE int TileFits(const FenLines *P, const Tile *T)
{
  const double *first = P->xt + T->first * FEN_GROUP, *last = first + (T->n - 1) * FEN_GROUP;
  int           yes = 1;

  for (int h = 0; h < 2; h++) {
    const vd d = v_max(T->x[h] - v_load(first + h * FEN_SIMD), v_load(last + h * FEN_SIMD) - T->x[h]);
    const vd z = v_max(v_abs(v_set(P->xs[T->lo]) - T->x[h]), v_abs(v_set(P->xs[T->hi - 1]) - T->x[h]));

    yes &= v_all_less(2.0 * d * z, v_set(TILE_BITS));
  }
  return yes;
}

/* the tile that begins with a target */
FEN_INLINE Tile TileOf(const FenLines *P, FenInt first)
{
  const double *x0 = P->xt + first * FEN_GROUP;
  Tile          T = {.n = 0, .first = first, .lo = P->window[2 * first], .same = x0[0] >= x0[FEN_GROUP - 1]};
  FenInt        n = TILE_MOST, terms = 0;

  if (P->window[2 * first + 1] - T.lo < TILE_WIDE)
    return T;
  for (; n >= TILE_LEAST; n /= 2) {
    const double *x = P->xt + (first + n / 2) * FEN_GROUP;

    T.n = n;
    T.hi = first + n <= P->nt ? P->window[2 * (first + n - 1) + 1] : 0;
    if (T.hi <= T.lo) /* beyond the line, or ends of windows that rounding errors of huge exponents made cross */
      continue;
    T.x[0] = v_load(x);
    T.x[1] = v_load(x + FEN_SIMD);
    if (TileFits(P, &T))
      break;
  }
  for (FenInt i = first; i < first + n; i++)
    terms += P->window[2 * i + 1] - P->window[2 * i];
  T.n = n >= TILE_LEAST && (T.hi - T.lo) * (EXP_WORK + n) < terms * EXP_WORK ? n : 0;
  return T;
}

/* 2^(u_j - c_mj + shift) for the middle m and sources [from, to), times v_j */
FEN_INLINE void TileTerms(const FenLines *P, const Tile *T, FenInt from, FenInt to, const int valued, double a[])
{
  const LineTarget middle = {.u = P->u, .xs = P->xs, .x = {T->x[0], T->x[1]}};

  for (FenInt j = from; j < to; j++, a += FEN_GROUP) {
    vd e[2];

    LineScores(&middle, j, e);
    for (int h = 0; h < 2; h++) {
      e[h] = v_exp2(e[h] + T->shift[h]);
      if (valued)
        e[h] *= v_load(P->v + j * FEN_GROUP + h * FEN_SIMD);
      v_store(a + h * FEN_SIMD, e[h]);
    }
  }
}

/* sum_k a_k q^(k - n/2) for two targets, n even: Horner's rule from both ends, eight sums at a time. `same`: q is that
   of all lanes, which leaves registers for what is loaded */
FEN_INLINE void TilePolynomials(const double a[], FenInt n, const double q[], const double inverse[], const int same,
                                vd s[4])
{
  const double *up = a + (n - 1) * FEN_GROUP;
  vd            f[4], b[4], y[4], z[4];

  for (int h = 0; h < 4; h++) {
    const int k = same ? h / 2 : h;

    y[h] = v_load(q + k * FEN_SIMD);
    z[h] = v_load(inverse + k * FEN_SIMD);
    f[h] = v_load(up + h % 2 * FEN_SIMD);
    b[h] = v_load(a + h % 2 * FEN_SIMD);
  }
  for (FenInt k = 1; k < n / 2; k++) {
    up -= FEN_GROUP;
    a += FEN_GROUP;
    for (int h = 0; h < 4; h++) {
      f[h] = v_fma(f[h], y[same ? h / 2 * 2 : h], v_load(up + h % 2 * FEN_SIMD));
      b[h] = v_fma(b[h], z[same ? h / 2 * 2 : h], v_load(a + h % 2 * FEN_SIMD));
    }
  }
  for (int h = 0; h < 4; h++)
    s[h] = v_fma(b[h], z[h], f[h]);
}

/*
   Targets x_m + d and sources x_m + z around the middle x_m of a tile: -c_ij = -z^2 + 2 d z - d^2, where z runs in
   equal steps, so that

     sum_j 2^(u_j - c_ij) v_j = 2^(-d^2) sum_j (2^(u_j - z_j^2) v_j) q^(j - j0) 2^(2 d z_j0) ,   q = 2^(2 d step) .

   The numbers in brackets are the same for all targets: an exponential for each source, and a multiply-add for each
   pair. Powers of q go from the middle of a few sources to both sides and stay small; 2 d z is bounded, so that what
   comes near the ends of double precision are terms that do not matter to any target.

   S_i: these sums, times 2^shift
*/
FEN_INLINE void TileSums(const FenLines *P, const Tile *T, const int valued, const int same, double S[])
{
  const FenInt half = same ? 1 : 2; /* vectors of a target */
  const double step = (P->xs[P->ns - 1] - P->xs[0]) / (double)(P->ns - 1);
  double       a[2 * TILE_HALF * FEN_GROUP], d[TILE_MOST * FEN_GROUP], q[2][TILE_MOST * FEN_GROUP];

  for (FenInt i = 0; i < half * T->n; i++) {
    const double *x = P->xt + (T->first + i / half) * FEN_GROUP + i % half * FEN_SIMD;
    const vd      away = v_load(x) - T->x[i % half];

    v_store(d + i * FEN_SIMD, away);
    v_store(q[0] + i * FEN_SIMD, v_exp2(away * (2 * step)));
    v_store(q[1] + i * FEN_SIMD, v_exp2(away * (-2 * step)));
  }
  memset(S, 0, (size_t)(T->n * FEN_GROUP) * sizeof(double));
  for (FenInt j = T->lo; j < T->hi; j += 2 * TILE_HALF) {
    const FenInt some = T->hi - j < 2 * TILE_HALF ? T->hi - j : 2 * TILE_HALF, n = some + some % 2;
    const FenInt middle = n / 2;
    const double y = P->xs[j] + (double)middle * step;
    const vd     z[2] = {y - T->x[0], y - T->x[1]};

    if (n > some)
      memset(a + some * FEN_GROUP, 0, FEN_GROUP * sizeof(double));
    TileTerms(P, T, j, j + some, valued, a);
    for (FenInt i = 0; i < T->n; i += 2) {
      const FenInt k = i * half * FEN_SIMD;
      double      *sum = S + i * FEN_GROUP;
      vd           s[4], e[4];

      TilePolynomials(a, n, q[0] + k, q[1] + k, same, s);
      for (FenInt h = 0; h < 2 * half; h++) {
        const vd x = v_load(d + k + h * FEN_SIMD);

        e[h] = v_exp2(x * (2.0 * z[h % half] - x));
      }
      for (int h = 0; h < 4; h++)
        v_store(sum + h * FEN_SIMD, v_fma(e[same ? h / 2 : h], s[h], v_load(sum + h * FEN_SIMD)));
    }
  }
}

static void LineTileLSE(const FenLines *P, Tile *T, double M[])
{
  double  S[TILE_MOST * FEN_GROUP];
  double *m = M + (T->first + T->n / 2) * FEN_GROUP;

  for (int h = 0; h < 2; h++)
    T->shift[h] = -v_load(m + h * FEN_SIMD);
  if (T->same)
    TileSums(P, T, 0, 1, S);
  else
    TileSums(P, T, 0, 0, S);
  for (FenInt i = 0; i < 2 * T->n; i++)
    v_store(M + T->first * FEN_GROUP + i * FEN_SIMD, v_log2(v_load(S + i * FEN_SIMD)) - T->shift[i % 2]);
}

/* scaled by the largest factor of the tile: entries 2^(w_i + t_ij) are at most one, or not much larger */
static void LineTileProducts(const FenLines *P, Tile *T, double out[])
{
  const double *w = P->w + T->first * FEN_GROUP;
  double       *o = out + T->first * FEN_GROUP;

  for (int h = 0; h < 2; h++)
    T->shift[h] = v_load(w + h * FEN_SIMD);
  for (FenInt i = 2; i < 2 * T->n; i++)
    T->shift[i % 2] = v_max(T->shift[i % 2], v_load(w + i * FEN_SIMD));
  for (int h = 0; h < 2; h++)
    T->shift[h] = v_max(T->shift[h], v_set(0.5 * FEN_NONE)); /* lines of no weight: terms are next to nothing */
  if (T->same)
    TileSums(P, T, 1, 1, o);
  else
    TileSums(P, T, 1, 0, o);
  for (FenInt i = 0; i < 2 * T->n; i++)
    v_store(o + i * FEN_SIMD, v_exp2(v_load(w + i * FEN_SIMD) - T->shift[i % 2]) * v_load(o + i * FEN_SIMD));
}

/* ---- target by target ---- */

FEN_INLINE void TargetLSE(const FenLines *P, FenInt i, double mi[])
{
  const LineTarget T = TargetOfLines(P, i);
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
      LineScores(&T, j, t);
      s[0] += v_exp2(t[0] - m[0]);
      s[1] += v_exp2(t[1] - m[1]);
    }
    S[0] += s[0];
    S[1] += s[1];
  }
  v_store(mi, m[0] + v_log2(S[0]));
  v_store(mi + FEN_SIMD, m[1] + v_log2(S[1]));
}

static void LineLSE(const FenLines *P, double M[])
{
  for (FenInt i = 0; i < P->nt;) {
    Tile T = TileOf(P, i);

    if (T.n)
      LineTileLSE(P, &T, M);
    else
      TargetLSE(P, i, M + i * FEN_GROUP);
    i += T.n ? T.n : 1;
  }
}

/* 2^(w + u_j - c_ij), times the cost if weighted */
FEN_INLINE void LineTerms(const LineTarget *T, FenInt j, const vd w[2], const int weighted, vd e[2])
{
  const double *u = T->u + j * FEN_GROUP;
  const vd      a[2] = {w[0] + v_load(u), w[1] + v_load(u + FEN_SIMD)}, y = v_set(T->xs[j]);

  LessCost(T, j, a, e);
  for (int h = 0; h < 2; h++) {
    const vd d = T->x[h] - y;

    e[h] = v_exp2(e[h]);
    if (weighted)
      e[h] *= d * d;
  }
}

FEN_INLINE void TargetProducts(const FenLines *P, FenInt i, const int weighted, double out[])
{
  const LineTarget T = TargetOfLines(P, i);
  const FenInt     hi = P->window[2 * i + 1];
  const double    *wi = P->w + i * FEN_GROUP;
  const vd         w[2] = {v_load(wi), v_load(wi + FEN_SIMD)};
  vd               S[2] = {v_set(0.0), v_set(0.0)};

  for (FenInt j = P->window[2 * i]; j < hi;) {
    const FenInt end = hi - j > LINE_SUM ? j + LINE_SUM : hi;
    vd           s[2] = {v_set(0.0), v_set(0.0)}, e[2];

    for (; j < end; j++) {
      const double *v = P->v + j * FEN_GROUP;

      LineTerms(&T, j, w, weighted, e);
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
    Bisect(P, M);
}

static void LineApply(const FenLines *P, double out[])
{
  for (FenInt i = 0; i < P->nt;) {
    Tile T = {.n = 0};

    if (P->weighted)
      TargetProducts(P, i, 1, out);
    else if ((T = TileOf(P, i)).n)
      LineTileProducts(P, &T, out);
    else
      TargetProducts(P, i, 0, out);
    i += T.n ? T.n : 1;
  }
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
static void LineKept(const FenLines *P, const double M[])
{
  for (FenInt i = 0; i < P->nt; i++) {
    const LineTarget T = TargetOfLines(P, i);
    FenInt           lo = P->window[2 * i], hi = P->window[2 * i + 1];
    vd               cut[2];

    for (int h = 0; h < 2; h++)
      cut[h] = v_max(v_load(M + i * FEN_GROUP + h * FEN_SIMD) - FEN_KEPT_CUT, v_set(0.5 * FEN_NONE));
    while (lo < hi && IsBelow(&T, lo, cut))
      lo++;
    while (hi > lo && IsBelow(&T, hi - 1, cut))
      hi--;
    P->kept[2 * i] = (int)lo;
    P->kept[2 * i + 1] = (int)hi;
  }
}

/* terms of the target's sum, not yet divided by it */
FEN_INLINE void LineTermsKept(const FenLines *P, FenInt i, const vd m[2], double e[], vd S[2])
{
  const LineTarget T = TargetOfLines(P, i);

  for (FenInt j = P->window[2 * i]; j < P->window[2 * i + 1]; j++, e += FEN_GROUP) {
    vd t[2];

    LineScores(&T, j, t);
    for (int h = 0; h < 2; h++) {
      t[h] = v_exp2(t[h] - m[h]);
      S[h] += t[h];
      v_store(e + h * FEN_SIMD, t[h]);
    }
  }
}

static void LineFactors(const FenLines *P, double M[])
{
  float *e = P->e;
  double inverse[FEN_GROUP];

  for (FenInt i = 0; i < P->nt; i++) {
    const FenInt  n = P->kept[2 * i + 1] - P->kept[2 * i];
    const double *t = P->terms + (P->kept[2 * i] - P->window[2 * i]) * FEN_GROUP;
    float        *missing = e;
    double       *mi = M + i * FEN_GROUP;
    const vd      m[2] = {v_load(mi), v_load(mi + FEN_SIMD)};
    vd            S[2] = {v_set(0.0), v_set(0.0)}, r[2], kept[2] = {v_set(0.0), v_set(0.0)};

    if (n <= 0)
      continue; /* M is FEN_NONE */
    LineTermsKept(P, i, m, P->terms, S);
    for (int h = 0; h < 2; h++)
      v_store(inverse + h * FEN_SIMD, v_set(1.0) / S[h]);
    for (int l = 0; l < FEN_GROUP; l++)
      inverse[l] = mi[l] > 0.5 * FEN_NONE ? inverse[l] : 0;
    for (int h = 0; h < 2; h++) {
      v_store(mi + h * FEN_SIMD, m[h] + v_log2(S[h]));
      r[h] = v_load(inverse + h * FEN_SIMD);
    }
    e += FEN_GROUP;
    for (FenInt k = 0; k < n; k++, e += FEN_GROUP, t += FEN_GROUP)
      for (int h = 0; h < 2; h++)
        kept[h] += v_narrow(e + h * FEN_SIMD, r[h] * v_load(t + h * FEN_SIMD));
    for (int h = 0; h < 2; h++)
      v_narrow(missing + h * FEN_SIMD, v_set(1.0) - kept[h]);
  }
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

static void LineSpread(const FenLines *P, double out[])
{
  memset(out, 0, (size_t)(P->ns * FEN_GROUP) * sizeof(double));
  for (FenInt i = 0; i < P->nt; i++) {
    const LineTarget T = TargetOfLines(P, i);
    const double    *vi = P->v + i * FEN_GROUP, *wi = P->w + i * FEN_GROUP;
    const vd         v[2] = {v_load(vi), v_load(vi + FEN_SIMD)}, w[2] = {v_load(wi), v_load(wi + FEN_SIMD)};
    double          *o = out + P->window[2 * i] * FEN_GROUP;

    for (FenInt j = P->window[2 * i]; j < P->window[2 * i + 1]; j++, o += FEN_GROUP) {
      vd e[2];

      LineTerms(&T, j, w, 0, e);
      v_store(o, v_fma(e[0], v[0], v_load(o)));
      v_store(o + FEN_SIMD, v_fma(e[1], v[1], v_load(o + FEN_SIMD)));
    }
  }
}

/* ---- couplings of targets of a plan ---- */

/* f of target i of the other line in the window of the first and the offsets around it; 0 where it has no sources */
FEN_INLINE void OtherFactors(const FenLines *P, const FenLineCouple *C, FenInt i)
{
  LineTarget    T = TargetOfLines(P, i);
  const double *mi = C->minus + i * FEN_GROUP;
  const vd      w[2] = {v_load(mi), v_load(mi + FEN_SIMD)}, none = v_set(0.0);
  double       *f = C->f;

  T.u = C->u;
  for (FenInt j = P->kept[2 * i] + C->first; j < P->kept[2 * i + 1] + C->last; j++, f += FEN_GROUP) {
    vd t[2] = {none, none};

    if (j >= C->lo && j < C->hi)
      LineTerms(&T, j, w, 0, t);
    v_store(f, t[0]);
    v_store(f + FEN_SIMD, t[1]);
  }
}

static void LineCouple(const FenLines *P, const FenLineCouple *C)
{
  const FenInt n = C->last - C->first + 1, ld = P->ns * FEN_GROUP;
  const float *e = P->e;

  for (FenInt i = 0; i < P->nt; i++) {
    const double *vi = P->v + i * FEN_GROUP;
    vd            v[2] = {v_load(vi), v_load(vi + FEN_SIMD)};

    if (P->kept[2 * i] >= P->kept[2 * i + 1])
      continue;
    OtherFactors(P, C, i);
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
  }
}
