/* SPDX-License-Identifier: BSD-2-Clause */
/* Neighbouring targets of a line whose windows are wide, together, whatever their steps, with the cost |x-y|^2:
   polynomials, see TileSums(). Included by linekernel.h. */
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
  for (FenInt i = first; n >= TILE_LEAST && i < first + n; i++)
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

    LineScores(&middle, COST_SQUARES, j, e);
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
  double       a[2 * TILE_HALF * FEN_GROUP], d[TILE_MOST * FEN_GROUP], q[2][TILE_MOST * FEN_GROUP];

  for (FenInt i = 0; i < half * T->n; i++) {
    const double *x = P->xt + (T->first + i / half) * FEN_GROUP + i % half * FEN_SIMD;
    const vd      away = v_load(x) - T->x[i % half];

    v_store(d + i * FEN_SIMD, away);
    v_store(q[0] + i * FEN_SIMD, v_exp2(away * (2 * P->step)));
    v_store(q[1] + i * FEN_SIMD, v_exp2(away * (-2 * P->step)));
  }
  memset(S, 0, (size_t)(T->n * FEN_GROUP) * sizeof(double));
  for (FenInt j = T->lo; j < T->hi; j += 2 * TILE_HALF) {
    const FenInt some = T->hi - j < 2 * TILE_HALF ? T->hi - j : 2 * TILE_HALF, n = some + some % 2;
    const FenInt middle = n / 2;
    const double y = P->xs[j] + (double)middle * P->step;
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
