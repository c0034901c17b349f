/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Lines of a grid with the cost |x-y|, in linear time; see FenCones. Included by tilekernel.h.

   Left of a target, 2^-|x-y| is a product of what lies between: with the sources in ascending order a sum over those on
   the left is the sum at the point before, times 2^-(distance), and one more term. So two passes over all points, up
   and down, take the place of windows. A sum is kept as S 2^(U - |x - Y|), where U and Y are exponent and coordinate of
   its largest term: exponents are never added up along the way, so that they are as accurate as those of single terms.

   LSE: one exponential for each source and pass, one and a logarithm for each target. A plan keeps them: products and
   their transposes are multiply-adds.
*/
typedef struct {
  vd U, Y, S;
} Cone;

FEN_INLINE vd v_select(vl mask, vd yes, vd no)
{
  return (vd)(((vl)yes & mask) | ((vl)no & ~mask));
}

FEN_INLINE Cone EmptyCone(void)
{
  return (Cone){v_set(FEN_NONE), v_set(0.0), v_set(0.0)};
}

/* A term v 2^u at y, apart from |y - Y| by `away`, joins; how the sums must be scaled for it: those before by 2^-d, or
   the term if the sign is minus */
#define CONE_LEAST 1e-200 /* keeps a sign */
FEN_INLINE vd ConeAdd(Cone *c, vd u, vd away, double y, vd v)
{
  const vd d = u - (c->U - away), e = v_max(v_exp2(-v_abs(d)), v_set(CONE_LEAST));
  const vl up = d > 0.0;

  c->S = v_select(up, v_fma(e, c->S, v), v_fma(e, v, c->S));
  c->U = v_select(up, u, c->U);
  c->Y = v_select(up, v_set(y), c->Y);
  return v_select(up, -e, e);
}

/* scales of the sums before and of the term */
FEN_INLINE void ConeScales(const double *s, const int squares, vd *before, vd *term)
{
  const vd x = v_load(s), e = v_abs(x), f = squares ? e * e : e, one = v_set(1.0);
  const vl up = x < 0.0;

  *before = v_select(up, f, one);
  *term = v_select(up, one, f);
}

/* two passes over sources and targets: `up` has for each target the sources at most as far, `down` those beyond */
typedef struct {
  double *up, *down; /* scales of sources */
  double *reach[2];  /* of targets */
} ConeScale;

FEN_INLINE ConeScale ScalesOf(const FenCones *P)
{
  double *s = P->scale;

  return (ConeScale){s, s + P->ns * FEN_GROUP, {s + 2 * P->ns * FEN_GROUP, s + (2 * P->ns + P->nt) * FEN_GROUP}};
}

FEN_INLINE void ConesUp(const FenCones *P, const int keep, double top[], double sum[])
{
  const ConeScale scale = ScalesOf(P);
  Cone            c[2] = {EmptyCone(), EmptyCone()};

  for (FenInt i = 0, j = 0; i < P->nt; i++) {
    for (; j < P->ns && P->xs[j] <= P->xt[i]; j++)
      for (int h = 0; h < 2; h++) {
        const FenInt k = j * FEN_GROUP + h * FEN_SIMD;
        const vd     s = ConeAdd(&c[h], v_load(P->u + k), P->xs[j] - c[h].Y, P->xs[j], v_set(1.0));

        if (keep)
          v_store(scale.up + k, s);
      }
    for (int h = 0; h < 2; h++) {
      v_store(top + i * FEN_GROUP + h * FEN_SIMD, c[h].U - (P->xt[i] - c[h].Y));
      v_store(sum + i * FEN_GROUP + h * FEN_SIMD, c[h].S);
    }
  }
}

/* the log sum of a target from those of both sides; and what a plan keeps */
FEN_INLINE vd ConesMeet(const FenCones *P, const int keep, FenInt k, vd top, vd sum, vd down, vd S)
{
  const ConeScale scale = ScalesOf(P);
  const vd        d = top - down, e = v_exp2(-v_abs(d)), one = v_set(1.0), m = v_max(top, down);
  const vl        up = d > 0.0;
  const vd        a = v_select(up, one, e), b = v_select(up, e, one), all = v_fma(a, sum, b * S);

  if (keep) { /* a line without weight has no plan */
    const vd r = v_select(m > 0.5 * FEN_NONE, one / all, v_set(0.0));

    v_store(scale.reach[0] + k, a * r);
    v_store(scale.reach[1] + k, b * r);
  }
  return m + v_log2(all);
}

FEN_INLINE void ConesSum(const FenCones *P, const int keep, double L[])
{
  double *top = P->work, *sum = P->work + P->nt * FEN_GROUP;
  Cone    c[2] = {EmptyCone(), EmptyCone()};

  ConesUp(P, keep, top, sum);
  for (FenInt i = P->nt - 1, j = P->ns - 1; i >= 0; i--) {
    for (; j >= 0 && P->xs[j] > P->xt[i]; j--)
      for (int h = 0; h < 2; h++) {
        const FenInt k = j * FEN_GROUP + h * FEN_SIMD;
        const vd     s = ConeAdd(&c[h], v_load(P->u + k), c[h].Y - P->xs[j], P->xs[j], v_set(1.0));

        if (keep)
          v_store(ScalesOf(P).down + k, s);
      }
    for (int h = 0; h < 2; h++) {
      const FenInt k = i * FEN_GROUP + h * FEN_SIMD;

      v_store(L + k, ConesMeet(P, keep, k, v_load(top + k), v_load(sum + k), c[h].U - (c[h].Y - P->xt[i]), c[h].S));
    }
  }
}

static void ConeLSE(const FenCones *P, double L[])
{
  if (P->scale)
    ConesSum(P, 1, L);
  else
    ConesSum(P, 0, L);
}

/* sums F and, for costs, F1 = sum of terms times their distance, move to x */
FEN_INLINE void ConeMove(double distance, const vd F[2], vd F1[2])
{
  for (int h = 0; h < 2; h++)
    F1[h] = v_fma(v_set(distance), F[h], F1[h]);
}

FEN_INLINE void ConeJoin(const double *scale, const double *v, const int weighted, vd F[2], vd F1[2])
{
  for (int h = 0; h < 2; h++) {
    vd before, term;

    ConeScales(scale + h * FEN_SIMD, 0, &before, &term);
    F[h] = v_fma(before, F[h], term * v_load(v + h * FEN_SIMD));
    if (weighted)
      F1[h] *= before;
  }
}

FEN_INLINE void ConesMult(const FenCones *P, const int weighted, double out[])
{
  const ConeScale scale = ScalesOf(P);
  vd              F[2] = {v_set(0.0), v_set(0.0)}, F1[2] = {v_set(0.0), v_set(0.0)};
  double          at = P->xs[0];

  for (FenInt i = 0, j = 0; i < P->nt; i++) {
    for (; j < P->ns && P->xs[j] <= P->xt[i]; j++) {
      if (weighted)
        ConeMove(P->xs[j] - at, F, F1);
      at = P->xs[j];
      ConeJoin(scale.up + j * FEN_GROUP, P->v + j * FEN_GROUP, weighted, F, F1);
    }
    if (weighted)
      ConeMove(P->xt[i] - at, F, F1);
    at = P->xt[i];
    for (int h = 0; h < 2; h++) {
      const FenInt k = i * FEN_GROUP + h * FEN_SIMD;

      v_store(out + k, v_load(scale.reach[0] + k) * (weighted ? F1[h] : F[h]));
    }
  }
  F[0] = F[1] = F1[0] = F1[1] = v_set(0.0);
  at = P->xs[P->ns - 1];
  for (FenInt i = P->nt - 1, j = P->ns - 1; i >= 0; i--) {
    for (; j >= 0 && P->xs[j] > P->xt[i]; j--) {
      if (weighted)
        ConeMove(at - P->xs[j], F, F1);
      at = P->xs[j];
      ConeJoin(scale.down + j * FEN_GROUP, P->v + j * FEN_GROUP, weighted, F, F1);
    }
    if (weighted)
      ConeMove(at - P->xt[i], F, F1);
    at = P->xt[i];
    for (int h = 0; h < 2; h++) {
      const FenInt k = i * FEN_GROUP + h * FEN_SIMD;

      v_store(out + k, v_fma(v_load(scale.reach[1] + k), weighted ? F1[h] : F[h], v_load(out + k)));
    }
  }
}

static void ConeMult(const FenCones *P, double out[])
{
  if (P->weighted)
    ConesMult(P, 1, out);
  else
    ConesMult(P, 0, out);
}

/* targets' values on their way back */
FEN_INLINE void ConeTake(const double *reach, const double *v, const int squares, vd G[2])
{
  for (int h = 0; h < 2; h++) {
    const vd c = v_load(reach + h * FEN_SIMD);

    G[h] = v_fma(squares ? c * c : c, v_load(v + h * FEN_SIMD), G[h]);
  }
}

FEN_INLINE void ConesTransposed(const FenCones *P, const int squares, double out[])
{
  const ConeScale scale = ScalesOf(P);
  vd              G[2] = {v_set(0.0), v_set(0.0)}, before, term;

  for (FenInt j = P->ns - 1, i = P->nt - 1; j >= 0; j--) {
    double *o = out + j * FEN_GROUP;

    for (; i >= 0 && P->xt[i] >= P->xs[j]; i--)
      ConeTake(scale.reach[0] + i * FEN_GROUP, P->v + i * FEN_GROUP, squares, G);
    if (i == P->nt - 1) { /* beyond all targets, the pass did not come here */
      memset(o, 0, FEN_GROUP * sizeof(double));
      continue;
    }
    for (int h = 0; h < 2; h++) {
      ConeScales(scale.up + j * FEN_GROUP + h * FEN_SIMD, squares, &before, &term);
      v_store(o + h * FEN_SIMD, term * G[h]);
      G[h] *= before;
    }
  }
  G[0] = G[1] = v_set(0.0);
  for (FenInt j = 0, i = 0; j < P->ns; j++) {
    double *o = out + j * FEN_GROUP;

    for (; i < P->nt && P->xt[i] < P->xs[j]; i++)
      ConeTake(scale.reach[1] + i * FEN_GROUP, P->v + i * FEN_GROUP, squares, G);
    for (int h = 0; i && h < 2; h++) {
      ConeScales(scale.down + j * FEN_GROUP + h * FEN_SIMD, squares, &before, &term);
      v_store(o + h * FEN_SIMD, v_fma(term, G[h], v_load(o + h * FEN_SIMD)));
      G[h] *= before;
    }
  }
}

static void ConeMultTranspose(const FenCones *P, int squares, double out[])
{
  if (squares)
    ConesTransposed(P, 1, out);
  else
    ConesTransposed(P, 0, out);
}

/* ---- couplings of targets of a plan ---- */

/* Two factors of a target: beyond both sources their costs fall together, twice as fast. Sums over the targets left of
   each source, and over the others, with exponents that both lines have in common */
FEN_INLINE void ConesPairs(const FenCones *P, const double m[], double *const top[2], double *const sum[2])
{
  Cone c[2] = {EmptyCone(), EmptyCone()};

  for (FenInt j = 0, i = 0; j < P->ns; j++) {
    for (; i < P->nt && P->xt[i] < P->xs[j]; i++)
      for (int h = 0; h < 2; h++) {
        const FenInt k = i * FEN_GROUP + h * FEN_SIMD;

        ConeAdd(&c[h], v_load(m + k), 2.0 * (P->xt[i] - c[h].Y), P->xt[i], v_load(P->v + k));
      }
    for (int h = 0; h < 2; h++) {
      v_store(top[0] + j * FEN_GROUP + h * FEN_SIMD, c[h].U - 2.0 * (P->xs[j] - c[h].Y));
      v_store(sum[0] + j * FEN_GROUP + h * FEN_SIMD, c[h].S);
    }
  }
  c[0] = c[1] = EmptyCone();
  for (FenInt j = P->ns - 1, i = P->nt - 1; j >= 0; j--) {
    for (; i >= 0 && P->xt[i] >= P->xs[j]; i--)
      for (int h = 0; h < 2; h++) {
        const FenInt k = i * FEN_GROUP + h * FEN_SIMD;

        ConeAdd(&c[h], v_load(m + k), 2.0 * (c[h].Y - P->xt[i]), P->xt[i], v_load(P->v + k));
      }
    for (int h = 0; h < 2; h++) {
      v_store(top[1] + j * FEN_GROUP + h * FEN_SIMD, c[h].U - 2.0 * (c[h].Y - P->xs[j]));
      v_store(sum[1] + j * FEN_GROUP + h * FEN_SIMD, c[h].S);
    }
  }
}

/* targets [from, to) lie between the two sources: the costs sum to the sources' distance */
FEN_INLINE void ConesCoupled(const FenCones *P, const double m[], double *const top[2], double *const sum[2],
                             const FenInt at[2], const FenInt between[2], const double *u, const double *other,
                             double out[])
{
  for (int h = 0; h < 2; h++) {
    const FenInt left = at[0] * FEN_GROUP + h * FEN_SIMD, right = at[1] * FEN_GROUP + h * FEN_SIMD;
    const vd     base = v_load(u + h * FEN_SIMD) + v_load(other + h * FEN_SIMD) - (P->xs[at[1]] - P->xs[at[0]]);
    vd           s = v_exp2(base + v_load(top[0] + left)) * v_load(sum[0] + left);

    s = v_fma(v_exp2(base + v_load(top[1] + right)), v_load(sum[1] + right), s);
    for (FenInt i = between[0]; i < between[1]; i++) {
      const FenInt k = i * FEN_GROUP + h * FEN_SIMD;

      s = v_fma(v_exp2(base + v_load(m + k)), v_load(P->v + k), s);
    }
    v_store(out + h * FEN_SIMD, s);
  }
}

static void ConeCouple(const FenCones *P, const FenConeCouple *C, double out[])
{
  const FenInt  nt = P->nt * FEN_GROUP, ns = P->ns * FEN_GROUP;
  double       *m = P->work;
  double *const top[2] = {C->work, C->work + ns}, *const sum[2] = {C->work + 2 * ns, C->work + 3 * ns};

  for (FenInt k = 0; k < nt; k++)
    m[k] = C->minus[0][k] + C->minus[1][k];
  ConesPairs(P, m, top, sum);
  for (FenInt o = C->first; o <= C->last; o++, out += ns) {
    FenInt between[2] = {0, 0};

    for (FenInt j = 0; j < P->ns; j++) {
      const FenInt k = j + o, at[2] = {k < j ? k : j, k < j ? j : k};

      if (k < 0 || k >= P->ns) {
        memset(out + j * FEN_GROUP, 0, FEN_GROUP * sizeof(double));
        continue;
      }
      for (int e = 0; e < 2; e++)
        while (between[e] < P->nt && P->xt[between[e]] < P->xs[at[e]])
          between[e]++;
      ConesCoupled(P, m, top, sum, at, between, P->u + j * FEN_GROUP, C->u + k * FEN_GROUP, out + j * FEN_GROUP);
    }
  }
}
