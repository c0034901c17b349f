/* SPDX-License-Identifier: BSD-2-Clause */
/* The tile kernels for one instruction set; included by kernel_*.c with FEN_SIMD and FEN_KERNELS defined. */
#include "kernels.h"
#include "../../simd/simd.h"

#define FEN_GROUP  (2 * FEN_SIMD) /* targets worked on together: two vectors */
#define FEN_LOWDIM 8              /* coordinates kept in registers up to this dimension */

typedef struct {
  vd     x[FEN_LOWDIM][2];
  double lo[FEN_LOWDIM], hi[FEN_LOWDIM];
  FenInt i0, n; /* first target, number of true lanes */
} Group;

/* lanes beyond the last target repeat it, so that they never change what is skipped */
FEN_INLINE void LoadLanes(const double *a, FenInt n, vd out[2])
{
  double t[FEN_GROUP];

  if (n >= FEN_GROUP) {
    out[0] = v_load(a);
    out[1] = v_load(a + FEN_SIMD);
    return;
  }
  for (FenInt l = 0; l < FEN_GROUP; l++)
    t[l] = a[l < n ? l : n - 1];
  out[0] = v_load(t);
  out[1] = v_load(t + FEN_SIMD);
}

FEN_INLINE void LoadGroup(const FenTile *T, FenInt i0, const int dim, Group *g)
{
  g->i0 = i0;
  g->n = T->nt - i0 < FEN_GROUP ? T->nt - i0 : FEN_GROUP;
  for (int k = 0; k < dim; k++) {
    const double *a = T->xt + k * T->ldt + i0;

    LoadLanes(a, g->n, g->x[k]);
    g->lo[k] = g->hi[k] = a[0];
    for (FenInt l = 1; l < g->n; l++) {
      g->lo[k] = a[l] < g->lo[k] ? a[l] : g->lo[k];
      g->hi[k] = a[l] > g->hi[k] ? a[l] : g->hi[k];
    }
  }
}

/* upper bounds of t over a group and each chunk; the number of the chunk with the largest */
FEN_INLINE FenInt ChunkBounds(const FenTile *T, const Group *g, const FenTileKind kind, const int dim)
{
  const FenInt nc = FenTileChunks(T);
  const double *restrict box = T->box, *restrict umax = box + 2 * dim * nc;
  double *restrict bound = T->box + (2 * dim + 1) * nc;
  FenInt best = 0;

  for (FenInt c = 0; c < nc; c++) {
    double s = 0;

    for (int k = 0; k < dim; k++) {
      const double below = box[k * nc + c] - g->hi[k], above = g->lo[k] - box[(dim + k) * nc + c];
      const double gap = below > above ? below : above, d = gap > 0 ? gap : 0;

      s += kind == FEN_TILE_L1 ? d : d * d;
    }
    bound[c] = umax[c] - (kind == FEN_TILE_EUCLIDEAN ? sqrt(s) : s);
  }
  for (FenInt c = 1; c < nc; c++)
    best = bound[c] > bound[best] ? c : best;
  return best;
}

/* scaled costs of a group against source j */
FEN_INLINE void Costs(const FenTile *T, const Group *g, FenInt j, const FenTileKind kind, const int dim, vd c[2])
{
  if (kind == FEN_TILE_MATRIX) {
    double t[FEN_GROUP];

    for (FenInt l = 0; l < FEN_GROUP; l++)
      t[l] = T->cost[(g->i0 + (l < g->n ? l : g->n - 1)) * T->ldc + j];
    c[0] = v_load(t) * T->scale;
    c[1] = v_load(t + FEN_SIMD) * T->scale;
    return;
  }
  c[0] = c[1] = v_set(0.0);
  for (int k = 0; k < dim; k++) {
    const vd y = v_set(T->xs[k * T->lds + j]), d0 = g->x[k][0] - y, d1 = g->x[k][1] - y;

    if (kind == FEN_TILE_L1) {
      c[0] += v_abs(d0);
      c[1] += v_abs(d1);
    } else {
      c[0] = v_fma(d0, d0, c[0]);
      c[1] = v_fma(d1, d1, c[1]);
    }
  }
  if (kind == FEN_TILE_EUCLIDEAN) {
    c[0] = v_sqrt(c[0]);
    c[1] = v_sqrt(c[1]);
  }
}

/* ---- log-sum-exp ---- */
FEN_INLINE void LSEAbsorb(vd M[2], vd S[2], const vd bm[2])
{
  if (v_any_less(M[0], bm[0]) || v_any_less(M[1], bm[1])) {
    const vd m0 = v_max(M[0], bm[0]), m1 = v_max(M[1], bm[1]);

    S[0] *= v_exp2(M[0] - m0);
    S[1] *= v_exp2(M[1] - m1);
    M[0] = m0;
    M[1] = m1;
  }
}

FEN_INLINE void LSEChunk(const FenTile *T, const Group *g, FenInt c, const FenTileKind kind, const int dim, vd M[2],
                         vd S[2])
{
  const FenInt j0 = c * T->chunk, n = T->ns - j0 < T->chunk ? T->ns - j0 : T->chunk;
  vd           buf[FEN_CHUNK][2], bm[2] = {v_set(FEN_NONE), v_set(FEN_NONE)}, s0 = v_set(0.0), s1 = v_set(0.0);

  for (FenInt j = 0; j < n; j++) {
    const vd u = v_set(T->u[j0 + j]);
    vd       cost[2];

    Costs(T, g, j0 + j, kind, dim, cost);
    buf[j][0] = u - cost[0];
    buf[j][1] = u - cost[1];
    bm[0] = v_max(bm[0], buf[j][0]);
    bm[1] = v_max(bm[1], buf[j][1]);
  }
  if (v_min_lane(M[0] - bm[0]) > FEN_CUT && v_min_lane(M[1] - bm[1]) > FEN_CUT)
    return;
  LSEAbsorb(M, S, bm);
  for (FenInt j = 0; j < n; j++) {
    s0 += v_exp2(buf[j][0] - M[0]);
    s1 += v_exp2(buf[j][1] - M[1]);
  }
  S[0] += s0;
  S[1] += s1;
}

FEN_INLINE void LoadPairs(const double *MS, FenInt n, vd M[2], vd S[2])
{
  double m[FEN_GROUP], s[FEN_GROUP];

  for (FenInt l = 0; l < FEN_GROUP; l++) {
    m[l] = MS[2 * (l < n ? l : n - 1)];
    s[l] = MS[2 * (l < n ? l : n - 1) + 1];
  }
  for (int h = 0; h < 2; h++) {
    M[h] = v_load(m + h * FEN_SIMD);
    S[h] = v_load(s + h * FEN_SIMD);
  }
}

FEN_INLINE void StorePairs(double *MS, FenInt n, const vd M[2], const vd S[2])
{
  double m[FEN_GROUP], s[FEN_GROUP];

  for (int h = 0; h < 2; h++) {
    v_store(m + h * FEN_SIMD, M[h]);
    v_store(s + h * FEN_SIMD, S[h]);
  }
  for (FenInt l = 0; l < n; l++) {
    MS[2 * l] = m[l];
    MS[2 * l + 1] = s[l];
  }
}

/* the chunk that promises the largest term comes first: it sets M high enough to pass over most others */
FEN_INLINE void LSE(const FenTile *T, double MS[], const FenTileKind kind, const int dim)
{
  const FenInt  nc = FenTileChunks(T);
  const double *bound = T->box ? T->box + (2 * dim + 1) * nc : NULL;
  Group         g;

  for (FenInt i0 = 0; i0 < T->nt; i0 += FEN_GROUP) {
    FenInt first = 0;
    double reach;
    vd     M[2], S[2];

    LoadGroup(T, i0, dim, &g);
    LoadPairs(MS + 2 * i0, g.n, M, S);
    if (bound)
      first = ChunkBounds(T, &g, kind, dim);
    LSEChunk(T, &g, first, kind, dim, M, S);
    reach = fmin(v_min_lane(M[0]), v_min_lane(M[1])) - FEN_CUT;
    for (FenInt c = 0; c < nc; c++)
      if (c != first && (!bound || bound[c] >= reach))
        LSEChunk(T, &g, c, kind, dim, M, S);
    StorePairs(MS + 2 * i0, g.n, M, S);
  }
}

/* ---- hard transform ---- */
FEN_INLINE void MaxChunk(const FenTile *T, const Group *g, FenInt c, const FenTileKind kind, const int dim, vd M[2])
{
  const FenInt j1 = (c + 1) * T->chunk < T->ns ? (c + 1) * T->chunk : T->ns;

  for (FenInt j = c * T->chunk; j < j1; j++) {
    const vd u = v_set(T->u[j]);
    vd       cost[2];

    Costs(T, g, j, kind, dim, cost);
    M[0] = v_max(M[0], u - cost[0]);
    M[1] = v_max(M[1], u - cost[1]);
  }
}

FEN_INLINE void Max(const FenTile *T, double m[], const FenTileKind kind, const int dim)
{
  const FenInt  nc = FenTileChunks(T);
  const double *bound = T->box ? T->box + (2 * dim + 1) * nc : NULL;
  Group         g;

  for (FenInt i0 = 0; i0 < T->nt; i0 += FEN_GROUP) {
    double t[FEN_GROUP], reach;
    FenInt first = 0;
    vd     M[2];

    LoadGroup(T, i0, dim, &g);
    LoadLanes(m + i0, g.n, M);
    if (bound)
      first = ChunkBounds(T, &g, kind, dim);
    MaxChunk(T, &g, first, kind, dim, M);
    reach = fmin(v_min_lane(M[0]), v_min_lane(M[1]));
    for (FenInt c = 0; c < nc; c++)
      if (c != first && (!bound || bound[c] >= reach))
        MaxChunk(T, &g, c, kind, dim, M);
    v_store(t, M[0]);
    v_store(t + FEN_SIMD, M[1]);
    memcpy(m + i0, t, (size_t)g.n * sizeof(double));
  }
}

/* ---- weighted sums with known exponents ---- */
FEN_INLINE void ApplyChunk(const FenTile *T, const Group *g, FenInt c, const FenTileKind kind, const int dim,
                           const vd w[2], const int nv, const int weighted, vd o[][2])
{
  const FenInt j1 = (c + 1) * T->chunk < T->ns ? (c + 1) * T->chunk : T->ns;

  for (FenInt j = c * T->chunk; j < j1; j++) {
    const vd u = v_set(T->u[j]);
    vd       cost[2], e0, e1;

    Costs(T, g, j, kind, dim, cost);
    e0 = v_exp2((w[0] + u) - cost[0]);
    e1 = v_exp2((w[1] + u) - cost[1]);
    if (weighted) {
      e0 *= cost[0];
      e1 *= cost[1];
    }
    for (int k = 0; k < nv; k++) {
      const vd v = v_set(T->v[k * T->ldv + j]);

      o[k][0] = v_fma(e0, v, o[k][0]);
      o[k][1] = v_fma(e1, v, o[k][1]);
    }
  }
}

/* what is passed over is small relative to the largest term of each target, however small that is */
FEN_INLINE void Apply(const FenTile *T, double out[], const FenTileKind kind, const int dim, const int nv,
                      const int weighted)
{
  const FenInt  nc = FenTileChunks(T);
  const double *bound = T->box ? T->box + (2 * dim + 1) * nc : NULL;
  Group         g;

  for (FenInt i0 = 0; i0 < T->nt; i0 += FEN_GROUP) {
    double reach = -HUGE_VAL, t[FEN_GROUP];
    vd     w[2], o[4][2], M[2] = {v_set(FEN_NONE), v_set(FEN_NONE)};

    LoadGroup(T, i0, dim, &g);
    LoadLanes(T->w + i0, g.n, w);
    for (int k = 0; k < nv; k++)
      o[k][0] = o[k][1] = v_set(0.0);
    if (bound) {
      MaxChunk(T, &g, ChunkBounds(T, &g, kind, dim), kind, dim, M);
      reach = fmin(v_min_lane(M[0]), v_min_lane(M[1])) - FEN_CUT;
    }
    for (FenInt c = 0; c < nc; c++)
      if (!bound || bound[c] >= reach)
        ApplyChunk(T, &g, c, kind, dim, w, nv, weighted, o);
    for (int k = 0; k < nv; k++) {
      v_store(t, o[k][0]);
      v_store(t + FEN_SIMD, o[k][1]);
      for (FenInt l = 0; l < g.n; l++)
        out[(i0 + l) * nv + k] += t[l];
    }
  }
}

static void Log2Sum(FenInt n, const double MS[], double out[])
{
  for (FenInt i = 0; i < n; i += FEN_GROUP) {
    const FenInt m = n - i < FEN_GROUP ? n - i : FEN_GROUP;
    double       t[FEN_GROUP];
    vd           M[2], S[2];

    LoadPairs(MS + 2 * i, m, M, S);
    v_store(t, M[0] + v_log2(S[0]));
    v_store(t + FEN_SIMD, M[1] + v_log2(S[1]));
    memcpy(out + i, t, (size_t)m * sizeof(double));
  }
}

#include "tilegemm.h"
#include "linekernel.h"
#include "graphkernel.h"
#include "volumekernel.h"
#include "conekernel.h"

/* ---- one specialised loop for each cost and small dimension ---- */
#define FEN_DISPATCH_DIM(CALL, KIND)                                                                                   \
  switch (T->dim) {                                                                                                    \
  case 1:                                                                                                              \
    CALL(KIND, 1);                                                                                                     \
    break;                                                                                                             \
  case 2:                                                                                                              \
    CALL(KIND, 2);                                                                                                     \
    break;                                                                                                             \
  case 3:                                                                                                              \
    CALL(KIND, 3);                                                                                                     \
    break;                                                                                                             \
  default:                                                                                                             \
    CALL(KIND, T->dim);                                                                                                \
  }
#define FEN_DISPATCH(CALL)                                                                                             \
  switch (T->kind) {                                                                                                   \
  case FEN_TILE_SQEUCLIDEAN:                                                                                           \
    FEN_DISPATCH_DIM(CALL, FEN_TILE_SQEUCLIDEAN);                                                                      \
    break;                                                                                                             \
  case FEN_TILE_EUCLIDEAN:                                                                                             \
    FEN_DISPATCH_DIM(CALL, FEN_TILE_EUCLIDEAN);                                                                        \
    break;                                                                                                             \
  case FEN_TILE_L1:                                                                                                    \
    FEN_DISPATCH_DIM(CALL, FEN_TILE_L1);                                                                               \
    break;                                                                                                             \
  default:                                                                                                             \
    CALL(FEN_TILE_MATRIX, 0);                                                                                          \
  }

static void TileLSE(const FenTile *T, double MS[])
{
#define CALL(KIND, DIM) LSE(T, MS, KIND, DIM)
  if (T->dim > FEN_LOWDIM)
    GemmLSE(T, MS);
  else
    FEN_DISPATCH(CALL)
#undef CALL
}

static void TileMax(const FenTile *T, double m[])
{
#define CALL(KIND, DIM) Max(T, m, KIND, DIM)
  if (T->dim > FEN_LOWDIM)
    GemmMax(T, m);
  else
    FEN_DISPATCH(CALL)
#undef CALL
}

/* single products are specialised; several values at once share a general loop */
static void TileApply(const FenTile *T, double out[])
{
#define CALL(KIND, DIM)   Apply(T, out, KIND, DIM, 1, 0)
#define CALLNV(KIND, DIM) Apply(T, out, KIND, DIM, T->nv, T->weighted)
  if (T->dim > FEN_LOWDIM)
    GemmApply(T, out);
  else if (T->nv == 1 && !T->weighted)
    FEN_DISPATCH(CALL)
  else
    FEN_DISPATCH(CALLNV)
#undef CALL
#undef CALLNV
}

const FenKernels FEN_KERNELS = {
    .name = FEN_KERNELS_NAME,
    .lanes = FEN_SIMD,
    .lse = TileLSE,
    .apply = TileApply,
    .max = TileMax,
    .log2sum = Log2Sum,
    .linelanes = FEN_GROUP,
    .linewindows = LineWindows,
    .linelse = LineLSE,
    .lineapply = LineApply,
    .linekept = LineKept,
    .linefactors = LineFactors,
    .linemult = LineMult,
    .linemulttranspose = LineMultTranspose,
    .linespread = LineSpread,
    .linecouple = LineCouple,
    .conelse = ConeLSE,
    .conemult = ConeMult,
    .conemulttranspose = ConeMultTranspose,
    .conecouple = ConeCouple,
    .graph = Graph,
    .volume = Volume,
};
