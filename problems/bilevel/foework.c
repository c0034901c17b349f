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

PetscErrorCode FenFoeGradients_Private(FenBilevelProblem pr, FenInt n, const FenInt s[], const double *const x[],
                                       double value[], double *const g[])
{
  FenFoe          *f = (FenFoe *)pr->ctx;
  const FenFoeBank bank = FenFoeBank_Private(f, PETSC_FALSE);
  Work             w[FEN_BILEVEL_TOGETHER];
  void            *ctx[FEN_BILEVEL_TOGETHER];

  PetscFunctionBegin;
  for (FenInt k = 0; k < n; k++) {
    w[k] = (Work){.bank = bank};
    ctx[k] = &w[k];
  }
  PetscCall(FenFoeRun_Private(pr, n, s, x, FEN_FOE_ARGUMENT, GradientLines, ctx));
  for (FenInt k = 0; k < n; k++) {
    const double *y = f->data.dirty[s[k] - pr->part.start];

    PetscCall(FenFoeAt_Private(pr, s[k]));
    Finish(f, x[k], -1, y, g[k]);
    for (FenInt i = 0; i < f->rows; i++) {
      double row = 0;

      for (FenInt j = i * f->W; j < (i + 1) * f->W; j++)
        row += (x[k][j] - y[j]) * (x[k][j] - y[j]);
      FenDDAdd(&w[k].sum, row / 2);
    }
    value[k] = w[k].sum.hi + w[k].sum.lo;
  }
  PetscFunctionReturn(0);
}

PetscErrorCode FenFoeGradient_Private(FenBilevelProblem pr, FenInt s, const double x[], double *value, double g[])
{
  double whole;

  PetscFunctionBegin;
  PetscCall(FenFoeGradients_Private(pr, 1, &s, &x, value ? value : &whole, &g));
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

/* there are no duals: w does not matter. The last sample's place is the present one */
PetscErrorCode FenFoeLinearises_Private(FenBilevelProblem pr, FenInt n, const FenInt s[], const double *const x[],
                                        const double *const w[])
{
  Work  work = {.bank = FenFoeBank_Private((FenFoe *)pr->ctx, PETSC_FALSE)};
  void *ctx[FEN_BILEVEL_TOGETHER];

  (void)w;
  PetscFunctionBegin;
  for (FenInt k = 0; k < n; k++)
    ctx[k] = &work;
  PetscCall(FenFoeRun_Private(pr, n, s, x, FEN_FOE_POINT, CurvatureLines, ctx));
  PetscFunctionReturn(0);
}

PetscErrorCode FenFoeLinearise_Private(FenBilevelProblem pr, FenInt s, const double x[])
{
  PetscFunctionBegin;
  PetscCall(FenFoeLinearises_Private(pr, 1, &s, &x, NULL));
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

/* s: NULL, or whose points; then one of them is the present place afterwards */
PetscErrorCode FenFoeHessians_Private(FenBilevelProblem pr, FenInt n, const FenInt s[], const double *const v[],
                                      double *const Hv[])
{
  FenFoe *f = (FenFoe *)pr->ctx;
  Work    work = {.bank = FenFoeBank_Private(f, PETSC_FALSE)};
  void   *ctx[FEN_BILEVEL_TOGETHER];

  PetscFunctionBegin;
  for (FenInt k = 0; k < n; k++)
    ctx[k] = &work;
  PetscCall(FenFoeRun_Private(pr, n, s, v, FEN_FOE_ARGUMENT, ProductLines, ctx));
  for (FenInt k = 0; k < n; k++) {
    if (s)
      PetscCall(FenFoeAt_Private(pr, s[k]));
    Finish(f, v[k], 0, NULL, Hv[k]);
  }
  PetscFunctionReturn(0);
}

PetscErrorCode FenFoeHessian_Private(FenBilevelProblem pr, const double v[], double Hv[])
{
  PetscFunctionBegin;
  PetscCall(FenFoeHessians_Private(pr, 1, NULL, &v, &Hv));
  PetscFunctionReturn(0);
}

/* ---- diagonal: filters squared; near the border a window can meet a pixel twice along an axis, and the square is of
   the sum of its taps ---- */
#define WIDEST 31

typedef struct {
  FenInt n;
  struct {
    FenInt pixel; /* in my rows, or outside of them */
    FenInt count, tap[4];
  } meeting[WIDEST * WIDEST]; /* pixels that are met more than once */
} Window;

/* of places start, start + 1, ... of an axis of n pixels: their pixels, and the later place of the same pixel, -1 if
   there is none, -2 if this is the later one */
static void Meet(const FenFoe *f, FenInt start, FenInt n, FenInt pixel[], FenInt later[])
{
  for (FenInt a = 0; a < f->w; a++) {
    pixel[a] = FenFoePixel_Private(f->rule, start + a, n);
    later[a] = -1;
    for (FenInt b = 0; b < a; b++)
      if (pixel[b] == pixel[a]) {
        later[b] = a;
        later[a] = -2;
      }
  }
}

static void Repeats(const FenFoe *f, FenInt top, FenInt left, Window *w)
{
  FenInt i[WIDEST], j[WIDEST], down[WIDEST], right[WIDEST];

  w->n = 0;
  Meet(f, top, f->H, i, down);
  Meet(f, left, f->W, j, right);
  for (FenInt a = 0; a < f->w; a++)
    for (FenInt b = 0; b < f->w; b++) {
      const FenInt rows[2] = {a, down[a]}, columns[2] = {b, right[b]};

      if (i[a] < 0 || j[b] < 0 || down[a] == -2 || right[b] == -2 || down[a] + right[b] == -2)
        continue;
      w->meeting[w->n].pixel = (i[a] - f->row0) * f->W + j[b];
      w->meeting[w->n].count = 0;
      for (int k = 0; k < 4; k++)
        if (rows[k / 2] >= 0 && columns[k % 2] >= 0)
          w->meeting[w->n].tap[w->meeting[w->n].count++] = rows[k / 2] * f->w + columns[k % 2];
      w->n++;
    }
}

/* twice the products of taps on one pixel: the square of their sum without their squares */
static void AddProducts(const FenFoe *f, const Window *w, const double c[], double D, double d[])
{
  for (FenInt e = 0; e < w->n; e++) {
    double sum = 0, squares = 0;

    for (FenInt k = 0; k < w->meeting[e].count; k++) {
      const double tap = c[w->meeting[e].tap[k]];

      sum += tap;
      squares += tap * tap;
    }
    if (w->meeting[e].pixel >= 0 && w->meeting[e].pixel < f->rows * f->W)
      d[w->meeting[e].pixel] += D * (sum * sum - squares);
  }
}

static void AddRepeated(const FenFoe *f, Window *w, FenInt o, FenInt b, const double D[], double d[])
{
  const FenInt top = f->first + o;

  for (FenInt i = 0; i < FEN_FOE_BLOCK && f->rule != FEN_FOE_ZERO; i++) {
    const FenInt left = b * FEN_FOE_BLOCK + i - f->padding;

    if (FenFoeMask_Private(f, b)[i] == 0 ||
        (top >= 0 && top + f->w <= f->H && left >= 0 && left + f->w <= f->W)) /* inside: nothing twice */
      continue;
    Repeats(f, top, left, w);
    for (FenInt k = 0; k < f->K; k++)
      AddProducts(f, w, f->by_filter + k * f->taps, D[k * FEN_FOE_BLOCK + i], d);
  }
}

PetscErrorCode FenFoeDiagonal_Private(FenBilevelProblem pr, double d[])
{
  FenFoe          *f = (FenFoe *)pr->ctx;
  const FenFoeBank bank = FenFoeBank_Private(f, PETSC_FALSE);
  FenFoeBank       squares = bank;
  double          *square;
  Window          *w;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1((size_t)(f->K * f->taps), &square));
  PetscCall(PetscNew(&w));
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
      AddRepeated(f, w, o, b, D, d);
    }
  FenFoeFold_Private(f, f->g, d);
  PetscCall(PetscFree(square));
  PetscCall(PetscFree(w));
  PetscFunctionReturn(0);
}
