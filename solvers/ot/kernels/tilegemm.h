/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Tiles in many dimensions: inner products by DGEMM on blocks that stay in cache, exponentials on its output. For the
   squared distance t_ij = (u_j - |y_j|^2) + 2 x_i.y_j - |x_i|^2, clouds centred beforehand; the last term is constant
   in a row and added to M. Distances themselves (cost |x-y|, l1) are summed coordinate by coordinate instead.
*/
#include <petscblaslapack.h>

#define FEN_GEMM_T 128 /* targets in a block */
#define FEN_GEMM_S 192 /* sources in a block */

typedef struct {
  double t[FEN_GEMM_S][FEN_GEMM_T]; /* minus the scaled cost, source by source */
} Block;

/* rounding errors must not make a distance negative; written so that compilers make vectors of it */
FEN_INLINE double MinusDistance(double twice_product, double squares)
{
  const double d = twice_product - squares;

  return d < 0 ? d : 0;
}

static void NegativeCosts(const FenTile *T, FenInt i0, FenInt ni, FenInt j0, FenInt nj, const double x2[],
                          const double y2[], Block *B)
{
  if (T->kind == FEN_TILE_SQEUCLIDEAN) {
    const PetscBLASInt m = (PetscBLASInt)ni, n = (PetscBLASInt)nj, k = (PetscBLASInt)T->dim, ldx = (PetscBLASInt)T->ldt,
                       ldy = (PetscBLASInt)T->lds, ldb = FEN_GEMM_T;
    const double two = 2.0, zero = 0.0;

    BLASgemm_("N", "T", &m, &n, &k, &two, T->xt + i0, &ldx, T->xs + j0, &ldy, &zero, &B->t[0][0], &ldb);
    for (FenInt j = 0; j < nj; j++)
      for (FenInt i = 0; i < ni; i++)
        B->t[j][i] = MinusDistance(B->t[j][i], x2[i] + y2[j]);
    return;
  }
  for (FenInt j = 0; j < nj; j++) {
    memset(B->t[j], 0, (size_t)ni * sizeof(double));
    for (int k = 0; k < T->dim; k++) {
      const double *x = T->xt + k * T->ldt + i0, y = T->xs[k * T->lds + j0 + j];

      for (FenInt i = 0; i < ni; i++)
        B->t[j][i] -= T->kind == FEN_TILE_L1 ? fabs(x[i] - y) : (x[i] - y) * (x[i] - y);
    }
    for (FenInt i = 0; T->kind == FEN_TILE_EUCLIDEAN && i < ni; i++)
      B->t[j][i] = -sqrt(-B->t[j][i]);
  }
}

static void Squares(const double *x, FenInt ld, int dim, FenInt n, double s[])
{
  memset(s, 0, (size_t)n * sizeof(double));
  for (int k = 0; k < dim; k++)
    for (FenInt i = 0; i < n; i++)
      s[i] += x[k * ld + i] * x[k * ld + i];
}

/* calls `use` for every block of a tile; lanes beyond ni are filled with copies of the last target */
typedef void (*BlockFn)(const FenTile *, FenInt i0, FenInt ni, FenInt j0, FenInt nj, const Block *, double *);
static void ForBlocks(const FenTile *T, BlockFn use, double out[])
{
  static _Thread_local Block B;
  double                     x2[FEN_GEMM_T], y2[FEN_GEMM_S];

  for (FenInt j0 = 0; j0 < T->ns; j0 += FEN_GEMM_S) {
    const FenInt nj = T->ns - j0 < FEN_GEMM_S ? T->ns - j0 : FEN_GEMM_S;

    Squares(T->xs + j0, T->lds, T->dim, nj, y2);
    for (FenInt i0 = 0; i0 < T->nt; i0 += FEN_GEMM_T) {
      const FenInt ni = T->nt - i0 < FEN_GEMM_T ? T->nt - i0 : FEN_GEMM_T;

      Squares(T->xt + i0, T->ldt, T->dim, ni, x2);
      NegativeCosts(T, i0, ni, j0, nj, x2, y2, &B);
      for (FenInt j = 0; j < nj; j++)
        for (FenInt i = ni; i % FEN_GROUP; i++)
          B.t[j][i] = B.t[j][ni - 1];
      use(T, i0, ni, j0, nj, &B, out);
    }
  }
}

static void BlockLSE(const FenTile *T, FenInt i0, FenInt ni, FenInt j0, FenInt nj, const Block *B, double MS[])
{
  for (FenInt i = 0; i < ni; i += FEN_GROUP) {
    const FenInt n = ni - i < FEN_GROUP ? ni - i : FEN_GROUP;
    vd           M[2], S[2], bm[2] = {v_set(FEN_NONE), v_set(FEN_NONE)};

    LoadPairs(MS + 2 * (i0 + i), n, M, S);
    for (FenInt j = 0; j < nj; j++)
      for (int h = 0; h < 2; h++)
        bm[h] = v_max(bm[h], v_load(&B->t[j][i + h * FEN_SIMD]) + T->u[j0 + j]);
    if (v_min_lane(M[0] - bm[0]) > FEN_CUT && v_min_lane(M[1] - bm[1]) > FEN_CUT)
      continue;
    LSEAbsorb(M, S, bm);
    for (FenInt j = 0; j < nj; j++)
      for (int h = 0; h < 2; h++)
        S[h] += v_exp2((v_load(&B->t[j][i + h * FEN_SIMD]) + T->u[j0 + j]) - M[h]);
    StorePairs(MS + 2 * (i0 + i), n, M, S);
  }
}

static void BlockMax(const FenTile *T, FenInt i0, FenInt ni, FenInt j0, FenInt nj, const Block *B, double m[])
{
  for (FenInt j = 0; j < nj; j++)
    for (FenInt i = 0; i < ni; i++)
      m[i0 + i] = fmax(m[i0 + i], B->t[j][i] + T->u[j0 + j]);
}

static void BlockApply(const FenTile *T, FenInt i0, FenInt ni, FenInt j0, FenInt nj, const Block *B, double out[])
{
  for (FenInt i = 0; i < ni; i += FEN_SIMD) {
    const FenInt n = ni - i < FEN_SIMD ? ni - i : FEN_SIMD;
    double       t[FEN_SIMD];
    vd           w, o[4];

    for (FenInt l = 0; l < FEN_SIMD; l++)
      t[l] = T->w[i0 + i + (l < n ? l : n - 1)];
    w = v_load(t);
    for (int k = 0; k < T->nv; k++)
      o[k] = v_set(0.0);
    for (FenInt j = 0; j < nj; j++) {
      const vd c = v_load(&B->t[j][i]);
      vd       e = v_exp2((w + T->u[j0 + j]) + c);

      if (T->weighted)
        e *= -c;
      for (int k = 0; k < T->nv; k++)
        o[k] = v_fma(e, v_set(T->v[k * T->ldv + j0 + j]), o[k]);
    }
    for (int k = 0; k < T->nv; k++) {
      v_store(t, o[k]);
      for (FenInt l = 0; l < n; l++)
        out[(i0 + i + l) * T->nv + k] += t[l];
    }
  }
}

static void GemmLSE(const FenTile *T, double MS[])
{
  ForBlocks(T, BlockLSE, MS);
}
static void GemmMax(const FenTile *T, double m[])
{
  ForBlocks(T, BlockMax, m);
}
static void GemmApply(const FenTile *T, double out[])
{
  ForBlocks(T, BlockApply, out);
}
