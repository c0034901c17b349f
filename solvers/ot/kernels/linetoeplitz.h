/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Neighbouring targets of a line together, where targets and sources are in steps of one length: the factor of a pair
   depends on how many steps it is apart only, and comes from a table. Included by linekernel.h.

   Sources y_j and targets x_i = x_m + d_i, shifted by D, so that all of a tile are near each other:

     -c_ij = -(x_i - y_j - D)^2 + D^2 - 2 D (x_m - y_j) - 2 D d_i ,
     sum_j 2^(u_j - c_ij) v_j = 2^(M - 2 D d_i) sum_j t_ij 2^(b_j - M) v_j ,   b_j = u_j + D^2 - 2 D (x_m - y_j) ,

   with t_ij = 2^-(x_i - y_j - D)^2 from the table, and M = max_j b_j: an exponential for each source of a tile and a
   multiply-add for each pair, that is, a product of matrices with the lanes as columns. Nothing runs over, and what is
   lost below is small relative to each sum: the source with b_j = M is in all of them, with a factor of at least
   2^-FEN_TOEPLITZ_BITS, and makes entries 2^(w_i + u_j - c_ij) <= 1 of a plan bound what sums are multiplied by.
   Logarithms of sums that far from M are rounded to 1e-13, which is 1e-16 of the largest cost in the table. With other
   costs than |x-y|^2 there is no shift: all pairs of a tile are in the table as they are.
*/
#define TOEPLITZ_ROWS  (FEN_SIMD == 8 ? 12 : 6) /* targets whose sums are in registers */
#define TOEPLITZ_LEAST 12                       /* targets of a tile */

typedef struct {
  FenInt n, first;   /* targets; 0: a tile is not worth it, or too far apart */
  FenInt lo, hi;     /* their sources */
  FenInt at, middle; /* steps from source 0 to the first target, and those of D */
} Toeplitz;

/* steps from a tile's sources to its targets */
FEN_INLINE FenInt ToeplitzLeast(const Toeplitz *B)
{
  return B->at - (B->hi - 1);
}

FEN_INLINE FenInt ToeplitzMost(const FenLines *P, const Toeplitz *B)
{
  return B->at + (B->n - 1) * P->apart + (P->apart > 1 ? FEN_GROUP - 1 : 0) - B->lo;
}

/* Are all pairs of a tile in the table? Then D is zero if it can be */
FEN_INLINE int ToeplitzFits(const FenLines *P, Toeplitz *B)
{
  const FenInt least = ToeplitzLeast(B), most = ToeplitzMost(P, B), reach = P->toeplitz->reach;

  B->middle = most <= reach && -least <= reach ? 0 : (least + most) / 2;
  if (B->middle && P->cost)
    return 0;
  return most - B->middle <= reach && B->middle - least <= reach && B->hi - B->lo <= FEN_TOEPLITZ_MOST;
}

/* the tile that begins with a target: of all that are left, or as many as cost least for each of them */
FEN_INLINE Toeplitz ToeplitzOf(const FenLines *P, FenInt first)
{
  const FenInt left = P->nt - first,
               sizes[] = {left, 8 * TOEPLITZ_LEAST, 4 * TOEPLITZ_LEAST, 2 * TOEPLITZ_LEAST, TOEPLITZ_LEAST};
  const FenInt width = P->window[2 * first + 1] - P->window[2 * first];
  double       least = EXP_WORK * (double)width;
  Toeplitz     best = {.n = 0}, B = {.first = first, .lo = P->window[2 * first], .at = P->at + first * P->apart};

  if (P->whole)
    return (Toeplitz){.n = width ? P->nt : 0, .lo = B.lo, .hi = B.lo + width, .at = P->at};
  for (int k = 0; k < 5 && width >= TILE_WIDE; k++) {
    double work;

    B.n = sizes[k];
    if (B.n > left || B.n < TOEPLITZ_LEAST)
      continue;
    B.hi = P->window[2 * (first + B.n - 1) + 1];
    work = (double)(B.hi - B.lo) * (double)(EXP_WORK + B.n) / (double)B.n;
    if (B.hi <= B.lo || work >= least || !ToeplitzFits(P, &B)) /* huge exponents let ends of windows cross */
      continue;
    least = work;
    best = B;
  }
  return best;
}

/* 2 D and x_m - y_j - D */
FEN_INLINE double ToeplitzTwice(const FenLines *P, const Toeplitz *B)
{
  return 2 * (double)B->middle * P->toeplitz->step;
}

FEN_INLINE double ToeplitzAway(const FenLines *P, const Toeplitz *B, FenInt j)
{
  return (double)(B->at - B->middle - j) * P->toeplitz->step + P->toeplitz->delta;
}

/* 2^(b_j - M) for the tile's sources with exponents `of`, times v_j if valued */
FEN_INLINE void ToeplitzSources(const FenLines *P, const Toeplitz *B, const double of[], const int valued, double a[],
                                vd M[2])
{
  const double *u = of + B->lo * FEN_GROUP, *v = P->v + B->lo * FEN_GROUP;
  const FenInt  n = (B->hi - B->lo) * 2;
  const double  twice = ToeplitzTwice(P, B);

  M[0] = M[1] = v_load(u);
  for (FenInt k = 0; k < n; k++) {
    const double away = ToeplitzAway(P, B, B->lo + k / 2);
    const vd     b = v_load(u + k * FEN_SIMD) - twice * (away + 0.25 * twice);

    M[k % 2] = k < 2 ? b : v_max(M[k % 2], b);
    v_store(a + k * FEN_SIMD, b);
  }
  for (FenInt k = 0; k < n; k++) {
    const vd e = v_exp2(v_load(a + k * FEN_SIMD) - M[k % 2]);

    v_store(a + k * FEN_SIMD, valued ? e * v_load(v + k * FEN_SIMD) : e);
  }
}

/* S_r += sum_j f_(r apart - j) a_j for some targets r; `shared`: lanes are shares of one line, one step apart */
FEN_INLINE void ToeplitzRows(const double *f, FenInt apart, const int shared, const double a[], FenInt n,
                             const int rows, double S[])
{
  vd s[TOEPLITZ_ROWS][2];

  for (int r = 0; r < rows; r++)
    s[r][0] = s[r][1] = v_set(0.0);
  for (FenInt j = 0; j < n; j++, a += FEN_GROUP, f--) {
    const vd a0 = v_load(a), a1 = v_load(a + FEN_SIMD);

    V_UNKNOWN(f); /* no factors of the next source in registers: there are not so many */
    for (int r = 0; r < rows; r++) {
      const double *e = f + r * apart;

      s[r][0] = v_fma(shared ? v_load(e) : v_set(*e), a0, s[r][0]);
      s[r][1] = v_fma(shared ? v_load(e + FEN_SIMD) : v_set(*e), a1, s[r][1]);
    }
  }
  for (int r = 0; r < rows; r++)
    for (int h = 0; h < 2; h++) {
      double *to = S + r * FEN_GROUP + h * FEN_SIMD;

      v_store(to, v_load(to) + s[r][h]);
    }
}

/* sums of a tile's targets, f the factors by steps between them and sources less `middle` */
FEN_INLINE void ToeplitzSums(const FenLines *P, const Toeplitz *B, const double f[], const double a[], const int shared,
                             double S[])
{
  const FenInt ns = B->hi - B->lo, apart = shared ? P->apart : 1;

  memset(S, 0, (size_t)(B->n * FEN_GROUP) * sizeof(double));
  for (FenInt j = 0; j < ns; j += FEN_TOEPLITZ_SUM) {
    const FenInt  some = ns - j < FEN_TOEPLITZ_SUM ? ns - j : FEN_TOEPLITZ_SUM;
    const double *from = a + j * FEN_GROUP, *g = f + (B->at - B->middle - B->lo - j);
    FenInt        i = 0;

    for (; i + TOEPLITZ_ROWS <= B->n; i += TOEPLITZ_ROWS)
      ToeplitzRows(g + i * apart, apart, shared, from, some, TOEPLITZ_ROWS, S + i * FEN_GROUP);
    for (; i + 3 <= B->n; i += 3)
      ToeplitzRows(g + i * apart, apart, shared, from, some, 3, S + i * FEN_GROUP);
    for (; i < B->n; i++)
      ToeplitzRows(g + i * apart, apart, shared, from, some, 1, S + i * FEN_GROUP);
  }
}

static void ToeplitzSumsOf(const FenLines *P, const Toeplitz *B, const double f[], const double a[], double S[])
{
  if (P->apart > 1)
    ToeplitzSums(P, B, f, a, 1, S);
  else
    ToeplitzSums(P, B, f, a, 0, S);
}

/* -2 D d_i of a target, numbers by vector */
FEN_INLINE vd ToeplitzTarget(const FenLines *P, const Toeplitz *B, FenInt i, int h)
{
  vd d = v_set((double)(i * P->apart));

  for (int l = 0; P->apart > 1 && l < FEN_SIMD; l++)
    d[l] += (double)(h * FEN_SIMD + l);
  return d * (-ToeplitzTwice(P, B) * P->toeplitz->step);
}

static void LineToeplitzLSE(const FenLines *P, const Toeplitz *B, double M[])
{
  double *m = M + B->first * FEN_GROUP;
  vd      top[2];

  ToeplitzSources(P, B, P->u, 0, P->scratch, top);
  ToeplitzSumsOf(P, B, P->toeplitz->factor, P->scratch, m);
  for (FenInt k = 0; k < 2 * B->n; k++) {
    double *to = m + k * FEN_SIMD;

    v_store(to, top[k % 2] + (v_log2(v_load(to)) + ToeplitzTarget(P, B, k / 2, (int)(k % 2))));
  }
}

/* factors times costs, for the pairs of a tile */
FEN_INLINE const double *ToeplitzWeighted(const FenLines *P, const Toeplitz *B, double f[])
{
  const FenInt least = ToeplitzLeast(B), most = ToeplitzMost(P, B);

  for (FenInt o = least; o <= most; o++) {
    const double d = (double)o * P->toeplitz->step + P->toeplitz->delta;

    f[o - least] = P->toeplitz->factor[o - B->middle] * (P->cost ? P->cost[o - P->at] : d * d);
  }
  return f + (B->middle - least);
}

/* 2^(w_i + M - 2 D d_i) of a target, numbers by vector. Of a plan's targets these are at most 2^FEN_TOEPLITZ_BITS, but
   not of lanes behind the end of a line that they share, whose sums are not used: they stay finite */
FEN_INLINE vd ToeplitzScale(const FenLines *P, const Toeplitz *B, const double w[], const vd M[2], FenInt i, int h)
{
  const vd e = v_load(w + i * FEN_GROUP + h * FEN_SIMD) + (M[h] + ToeplitzTarget(P, B, i - B->first, h));

  return v_exp2(-v_max(-e, v_set(-1000.0)));
}

static void LineToeplitzProducts(const FenLines *P, const Toeplitz *B, double out[])
{
  const double *f = P->toeplitz->factor;
  double       *o = out + B->first * FEN_GROUP;
  vd            top[2];

  ToeplitzSources(P, B, P->u, 1, P->scratch, top);
  if (P->weighted)
    f = ToeplitzWeighted(P, B, P->scratch + (B->hi - B->lo) * FEN_GROUP);
  ToeplitzSumsOf(P, B, f, P->scratch, o);
  for (FenInt k = 0; k < 2 * B->n; k++)
    v_store(o + k * FEN_SIMD,
            ToeplitzScale(P, B, P->w, top, B->first + k / 2, (int)(k % 2)) * v_load(o + k * FEN_SIMD));
}

/* ---- narrow windows: a few targets share the exponentials of their sources ---- */

#define FEW_MOST 24

/* Targets from `first` on as long as their pairs, with `before` and `after` sources more than the windows have, are in
   the table. n 0: sharing saves nothing; lo = hi: all windows are empty */
FEN_INLINE Toeplitz ToeplitzFew(const FenLines *P, const int window[], FenInt before, FenInt after, FenInt first)
{
  const FenInt end = P->nt - first < FEW_MOST ? P->nt : first + FEW_MOST, more = P->apart > 1 ? FEN_GROUP : 1;
  Toeplitz     T = {.n = 0};
  FenInt       pairs = 0, lo = P->ns, hi = 0, i = first;

  if (!P->toeplitz)
    return T;
  for (; i < end; i++) {
    const FenInt from = window[2 * i], to = window[2 * i + 1];
    const FenInt a = from < to && from < lo ? from : lo, b = from < to && to > hi ? to : hi;

    if (b > a && (i - first) * P->apart + more + (b - a) + before + after > 2 * P->toeplitz->reach)
      break;
    lo = a;
    hi = b;
    pairs += to - from;
  }
  T = (Toeplitz){.n = i - first, .first = first, .lo = lo - before, .hi = hi + after};
  T.at = P->at + first * P->apart;
  if (hi <= lo)
    T.hi = T.lo;
  else if (2 * (hi - lo) > pairs || !ToeplitzFits(P, &T))
    T.n = 0;
  return T;
}

/* where a target's factors with sources are: that of source j is j numbers before */
FEN_INLINE const double *ToeplitzOfTarget(const FenLines *P, const Toeplitz *T, FenInt i)
{
  return P->toeplitz->factor + (T->at + (i - T->first) * P->apart - T->middle);
}

FEN_INLINE vd ToeplitzFactor(const double *f, const int shared, int h)
{
  return shared ? v_load(f + h * FEN_SIMD) : v_set(*f);
}
