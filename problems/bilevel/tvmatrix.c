/* SPDX-License-Identifier: BSD-2-Clause */
/*
   H of smoothed total variation as numbers: diagonal, sparse matrix, tridiagonal factors.

   A pixel's A couples it with its neighbours in positive directions, and these with each other.
*/
#include "tvimpl.h"

#define MOST ((FEN_DENOISE_AXES + 1) * (FEN_DENOISE_AXES + 1)) /* numbers of an element matrix */

/* pixel itself first; d[c]: distance of the neighbour along component c in the array of pixels */
static void Distances(const FenTvForm *f, FenInt d[FEN_DENOISE_AXES])
{
  d[0] = f->width;
  d[1] = 1;
  d[2] = f->line;
}

static double Entry(const FenTvForm *f, const double A[], FenInt j, PetscInt c, PetscInt e)
{
  const PetscInt lo = PetscMin(c, e), hi = PetscMax(c, e);

  if (c == e)
    return A[c * f->width + j];
  if (!f->isotropic)
    return 0;
  return A[(f->dim + (lo == 0 ? hi - 1 : 2)) * f->width + j];
}

/* K[(dim+1)^2]: pixel and neighbours, sum of A_ce b_c b_e^T, b_c = (-1 at the pixel, 1 at neighbour c) */
static void Element(const FenTvForm *f, const double A[], FenInt j, double K[])
{
  const PetscInt n = f->dim + 1;

  for (PetscInt k = 0; k < MOST; k++)
    K[k] = 0;
  for (PetscInt c = 0; c < f->dim; c++)
    for (PetscInt e = 0; e < f->dim; e++) {
      const double a = Entry(f, A, j, c, e);

      K[0] += a;
      K[e + 1] -= a;
      K[(c + 1) * n] -= a;
      K[(c + 1) * n + e + 1] += a;
    }
}

/* the element of the last pixel when the difference with the left end has its place */
static PetscBool IsLeft(const FenTv *t, FenInt i)
{
  return t->form.left && t->bottom && i == t->rows - 1 ? PETSC_TRUE : PETSC_FALSE;
}

/* out += what A of the row itself, and of the row above it, have on the diagonal */
static void AddDiagonal(const FenTvForm *f, const double above[], const double A[], double out[])
{
  const FenInt   n = f->width, line = f->line;
  const PetscInt all = FenTvTensorSize_Private(f);

  for (PetscInt k = 0; k < all; k++)
    for (FenInt j = 0; j < n; j++)
      out[j] += (k < f->dim ? 1 : 2) * A[k * n + j];
  for (FenInt j = 0; above && j < n; j++)
    out[j] += above[j];
  for (FenInt j = 1; f->dim > 1 && j < n; j++) /* 0 at the end of a line */
    out[j] += A[n + j - 1];
  for (FenInt j = line; f->dim > 2 && j < n; j++)
    out[j] += A[2 * n + j - line];
}

PetscErrorCode FenTvDiagonal_Private(FenBilevelProblem pr, double d[])
{
  FenTv       *t = (FenTv *)pr->ctx;
  const FenInt n = t->form.width;

  PetscFunctionBegin;
  for (FenInt i = 0; i < t->nx; i++)
    d[i] = 1 + t->form.ridge;
  for (FenInt i = 0; i < t->rows; i++)
    if (IsLeft(t, i)) {
      d[0] += FenTvA_Private(t, i)[0];
      if (i > 0)
        d[i] += FenTvA_Private(t, i - 1)[0];
    } else
      AddDiagonal(&t->form, i > 0 || !t->top ? FenTvA_Private(t, i - 1) : NULL, FenTvA_Private(t, i), d + i * n);
  PetscFunctionReturn(0);
}

static PetscErrorCode MakeMatrix(FenBilevelProblem pr, FenTv *t)
{
  static const PetscInt row[] = {0, 3, 7, 13};
  PetscInt              n, N, on;
  FenInt                all;

  PetscFunctionBegin;
  PetscCall(FenIntMult(pr->size.rows, pr->size.width, &all));
  PetscCall(FenIntCast(all, &N));
  PetscCall(FenIntCast(t->nx, &n));
  on = row[t->form.dim];
  PetscCall(MatCreate(pr->info.team, &t->H));
  PetscCall(MatSetSizes(t->H, n, n, N, N));
  PetscCall(MatSetType(t->H, MATAIJ));
  PetscCall(MatSeqAIJSetPreallocation(t->H, on, NULL));
  PetscCall(MatMPIAIJSetPreallocation(t->H, on, NULL, PetscMin(on, 6), NULL));
  PetscCall(MatSetOption(t->H, MAT_NO_OFF_PROC_ENTRIES, PETSC_TRUE));
  PetscCall(MatSetOption(t->H, MAT_SYMMETRIC, PETSC_TRUE));
  PetscCall(MatSetOption(t->H, MAT_SPD, PETSC_TRUE));
  PetscFunctionReturn(0);
}

/* rows of others and pixels that are none are left out by number -1 */
static PetscErrorCode AddElement(FenTv *t, FenInt i, FenInt j, const FenInt far[])
{
  const PetscInt m = t->form.dim + 1;
  const FenInt   first = t->row0 * t->form.width, pixel = first + i * t->form.width + j;
  PetscInt       rows[4], cols[4];
  double         K[MOST];

  PetscFunctionBegin;
  Element(&t->form, FenTvA_Private(t, i), j, K);
  for (PetscInt c = 0; c < m; c++) {
    FenInt at = c ? pixel + far[c - 1] : pixel;

    if (IsLeft(t, i))
      at = c == 1 ? first : -1;
    else if (c && K[c * m + c] == 0) /* no difference there: at the end of its axis */
      at = -1;
    PetscCall(FenIntCast(at, &cols[c]));
    rows[c] = at >= first && at < first + t->nx ? cols[c] : -1;
  }
  PetscCall(MatSetValues(t->H, m, rows, m, cols, K, ADD_VALUES));
  PetscFunctionReturn(0);
}

PetscErrorCode FenTvAssemble_Private(FenBilevelProblem pr, Mat *H)
{
  FenTv       *t = (FenTv *)pr->ctx;
  const FenInt n = t->form.width;
  FenInt       far[FEN_DENOISE_AXES];

  PetscFunctionBegin;
  if (!t->H)
    PetscCall(MakeMatrix(pr, t));
  Distances(&t->form, far);
  PetscCall(MatZeroEntries(t->H));
  for (FenInt i = -t->halo.above; i < t->rows; i++)
    for (FenInt j = 0; j < n; j++)
      PetscCall(AddElement(t, i, j, far));
  for (FenInt i = 0; i < t->nx; i++) {
    const double diagonal = 1 + t->form.ridge;
    PetscInt     row;

    PetscCall(FenIntCast(t->row0 * n + i, &row));
    PetscCall(MatSetValues(t->H, 1, &row, 1, &row, &diagonal, ADD_VALUES));
  }
  PetscCall(MatAssemblyBegin(t->H, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(t->H, MAT_FINAL_ASSEMBLY));
  *H = t->H;
  PetscFunctionReturn(0);
}

/* ---- one axis, one rank: H = L D L^T, off-diagonal entries -A_i ---- */
static PetscErrorCode Factor(FenBilevelProblem pr, FenTv *t)
{
  const FenInt  n = t->rows;
  const double *A = FenTvA_Private(t, 0);

  PetscFunctionBegin;
  if (!t->pivot)
    PetscCall(PetscMalloc2((size_t)n, &t->pivot, (size_t)n, &t->ratio));
  PetscCall(FenTvDiagonal_Private(pr, t->pivot));
  for (FenInt i = 1; i < n; i++) {
    t->ratio[i] = -A[i - 1] / t->pivot[i - 1];
    t->pivot[i] += t->ratio[i] * A[i - 1];
  }
  t->have_factor = PETSC_TRUE;
  PetscFunctionReturn(0);
}

PetscErrorCode FenTvSolve_Private(FenBilevelProblem pr, const double b[], double x[])
{
  FenTv       *t = (FenTv *)pr->ctx;
  const FenInt n = t->rows;

  PetscFunctionBegin;
  if (!t->have_factor)
    PetscCall(Factor(pr, t));
  x[0] = b[0];
  for (FenInt i = 1; i < n; i++)
    x[i] = b[i] - t->ratio[i] * x[i - 1];
  for (FenInt i = 0; i < n; i++)
    x[i] /= t->pivot[i];
  for (FenInt i = n - 1; i > 0; i--)
    x[i - 1] -= t->ratio[i] * x[i];
  PetscFunctionReturn(0);
}
