/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Fields of Experts: gradient, Hessian products, diagonal. Every response line is walked block by block: responses,
   what is to be done with them, and their adjoint stay in the first-level cache.

   Cost of a product: 4 K w^2 flops a pixel, 6 K w^2 if the curvatures are not kept; memory 8 K bytes a pixel if they
   are. Messages: one exchange of w - 1 rows with each neighbour, hidden behind the lines that do not need it.
*/
#include "foeimpl.h"
#include <math.h>

/* out = v + a y + what was added to f->g */
static void Finish(const FenFoe *f, const double v[], double a, const double y[], double out[])
{
  for (FenInt i = 0; i < f->rows * f->W; i++)
    out[i] = y ? v[i] + a * y[i] : v[i];
  FenFoeFold_Private(f, f->g, out);
}

typedef struct {
  FenFoeBank bank;
  FenDD      sum;
} Work;

static void GradientLines(FenFoe *f, FenInt from, FenInt to, void *ctx)
{
  Work *w = (Work *)ctx;

  for (FenInt o = from; o < to; o++)
    for (FenInt b = 0; b < f->blocks; b++) {
      const FenInt at = o * f->stride + b * FEN_FOE_BLOCK;
      double       value;

      (*f->kernels->forward)(&w->bank, f->v + at, f->T);
      value = (*f->kernels->slope)(f->K, f->s, f->nu2, FenFoeMask_Private(f, b), f->T);
      if (FenFoeMine_Private(f, o))
        FenDDAdd(&w->sum, value);
      (*f->kernels->adjoint)(&w->bank, f->T, f->g + at);
    }
}

PetscErrorCode FenFoeGradient_Private(FenBilevelProblem pr, FenInt s, const double x[], double *value, double g[])
{
  FenFoe       *f = (FenFoe *)pr->ctx;
  const double *y = f->data.dirty[s - pr->part.start];
  Work          w = {.bank = FenFoeBank_Private(f, PETSC_FALSE)};

  PetscFunctionBegin;
  PetscCall(PetscArrayzero(f->g, f->lines * f->stride));
  PetscCall(FenFoeRun_Private(f, x, f->v, GradientLines, &w));
  Finish(f, x, -1, y, g);
  for (FenInt i = 0; i < f->rows; i++) {
    double row = 0;

    for (FenInt j = i * f->W; j < (i + 1) * f->W; j++)
      row += (x[j] - y[j]) * (x[j] - y[j]);
    FenDDAdd(&w.sum, row / 2);
  }
  if (value)
    *value = w.sum.hi + w.sum.lo;
  PetscFunctionReturn(0);
}

static double *Kept(const FenFoe *f, FenInt o, FenInt b)
{
  return f->D + (o * f->blocks + b) * f->K * FEN_FOE_BLOCK;
}

const double *FenFoeCurvatures_Private(FenFoe *f, const FenFoeBank *bank, FenInt o, FenInt b)
{
  if (f->D)
    return Kept(f, o, b);
  (*f->kernels->forward)(bank, f->x + o * f->stride + b * FEN_FOE_BLOCK, f->U);
  (*f->kernels->curvature)(f->K, f->s, f->nu2, FenFoeMask_Private(f, b), f->U, f->U);
  return f->U;
}

static void CurvatureLines(FenFoe *f, FenInt from, FenInt to, void *ctx)
{
  Work *w = (Work *)ctx;

  for (FenInt o = from; o < to && f->D; o++)
    for (FenInt b = 0; b < f->blocks; b++) {
      (*f->kernels->forward)(&w->bank, f->x + o * f->stride + b * FEN_FOE_BLOCK, f->T);
      (*f->kernels->curvature)(f->K, f->s, f->nu2, FenFoeMask_Private(f, b), f->T, Kept(f, o, b));
    }
}

PetscErrorCode FenFoeLinearise_Private(FenBilevelProblem pr, FenInt s, const double x[])
{
  FenFoe *f = (FenFoe *)pr->ctx;
  Work    w = {.bank = FenFoeBank_Private(f, PETSC_FALSE)};

  (void)s;
  PetscFunctionBegin;
  PetscCall(FenFoeRun_Private(f, x, f->x, CurvatureLines, &w));
  PetscFunctionReturn(0);
}

static void ProductLines(FenFoe *f, FenInt from, FenInt to, void *ctx)
{
  Work *w = (Work *)ctx;

  for (FenInt o = from; o < to; o++)
    for (FenInt b = 0; b < f->blocks; b++) {
      const FenInt at = o * f->stride + b * FEN_FOE_BLOCK;

      (*f->kernels->forward)(&w->bank, f->v + at, f->T);
      (*f->kernels->multiply)(f->K, FenFoeCurvatures_Private(f, &w->bank, o, b), f->T);
      (*f->kernels->adjoint)(&w->bank, f->T, f->g + at);
    }
}

PetscErrorCode FenFoeHessian_Private(FenBilevelProblem pr, const double v[], double Hv[])
{
  FenFoe *f = (FenFoe *)pr->ctx;
  Work    w = {.bank = FenFoeBank_Private(f, PETSC_FALSE)};

  PetscFunctionBegin;
  PetscCall(PetscArrayzero(f->g, f->lines * f->stride));
  PetscCall(FenFoeRun_Private(f, v, f->v, ProductLines, &w));
  Finish(f, v, 0, NULL, Hv);
  PetscFunctionReturn(0);
}

/* ---- diagonal: filters squared; near the border a window can meet a pixel twice, and the square is of the sum ---- */
typedef struct {
  FenInt row[32], column[32]; /* places of a window: the first one that has the same pixel */
  FenInt i[32], j[32];        /* pixels, -1: none */
} Window;

static PetscBool Repeats(const FenFoe *f, FenInt o, FenInt c, Window *w)
{
  const FenInt top = f->first + o, left = c - f->padding;

  if (top >= 0 && top + f->w <= f->H && left >= 0 && left + f->w <= f->W)
    return PETSC_FALSE;
  for (FenInt a = 0; a < f->w; a++) {
    w->i[a] = FenFoePixel_Private(f->rule, top + a, f->H);
    w->j[a] = FenFoePixel_Private(f->rule, left + a, f->W);
    for (w->row[a] = 0; w->i[w->row[a]] != w->i[a];)
      w->row[a]++;
    for (w->column[a] = 0; w->j[w->column[a]] != w->j[a];)
      w->column[a]++;
  }
  return PETSC_TRUE;
}

/* twice the products of taps on one pixel, for filter k and curvature D */
static void AddProducts(const FenFoe *f, const Window *w, FenInt k, double D, double d[])
{
  const double *c = f->by_filter + k * f->taps;
  const FenInt  n = f->w;
  double        sum[32 * 32] = {0};

  for (FenInt a = 0; a < n; a++)
    for (FenInt b = 0; b < n; b++)
      sum[w->row[a] * n + w->column[b]] += c[a * n + b];
  for (FenInt a = 0; a < n; a++)
    for (FenInt b = 0; b < n; b++) {
      const FenInt i = w->i[a] - f->row0;
      const double one = c[a * n + b], all = w->row[a] == a && w->column[b] == b ? sum[a * n + b] : 0;

      if (w->i[a] >= 0 && w->j[b] >= 0 && i >= 0 && i < f->rows)
        d[i * f->W + w->j[b]] += D * (all * all - one * one);
    }
}

static void AddRepeated(FenFoe *f, FenInt o, FenInt b, const double D[], double d[])
{
  Window w;

  for (FenInt i = 0; i < FEN_FOE_BLOCK; i++)
    if (FenFoeMask_Private(f, b)[i] > 0 && Repeats(f, o, b * FEN_FOE_BLOCK + i, &w))
      for (FenInt k = 0; k < f->K; k++)
        AddProducts(f, &w, k, D[k * FEN_FOE_BLOCK + i], d);
}

PetscErrorCode FenFoeDiagonal_Private(FenBilevelProblem pr, double d[])
{
  FenFoe          *f = (FenFoe *)pr->ctx;
  const FenFoeBank bank = FenFoeBank_Private(f, PETSC_FALSE);
  FenFoeBank       squares = bank;
  double          *square;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1((size_t)(f->K * f->taps), &square));
  for (FenInt k = 0; k < f->K * f->taps; k++)
    square[k] = f->by_filter[k] * f->by_filter[k];
  squares.by_filter = square;
  PetscCall(PetscArrayzero(f->g, f->lines * f->stride));
  for (FenInt i = 0; i < f->rows * f->W; i++)
    d[i] = 1;
  for (FenInt o = 0; o < f->responses; o++)
    for (FenInt b = 0; b < f->blocks; b++) {
      const double *D = FenFoeCurvatures_Private(f, &bank, o, b);

      (*f->kernels->adjoint)(&squares, D, f->g + o * f->stride + b * FEN_FOE_BLOCK);
      AddRepeated(f, o, b, D, d);
    }
  FenFoeFold_Private(f, f->g, d);
  PetscCall(PetscFree(square));
  PetscFunctionReturn(0);
}
