/* SPDX-License-Identifier: BSD-2-Clause */
/* Fields of Experts: extension of images at their borders and its adjoint, and the walk over response lines. */
#include "foeimpl.h"

FenInt FenFoePixel_Private(FenFoeRule rule, FenInt i, FenInt n)
{
  if (i >= 0 && i < n)
    return i;
  if (rule == FEN_FOE_ZERO)
    return -1;
  if (rule == FEN_FOE_REFLECT)
    return i < 0 ? -i : 2 * (n - 1) - i;
  return i < 0 ? -1 - i : 2 * n - 1 - i;
}

static void ExtendRow(const FenFoe *f, const double row[], double out[])
{
  const FenInt P = f->padding;

  for (FenInt j = 0; j < f->columns; j++)
    out[j] = j >= P && j < P + f->W ? row[j - P] : f->column[j] < 0 ? 0 : row[f->column[j]];
}

/* rows: mine from index 0, with halo if own is false */
void FenFoeExtend_Private(const FenFoe *f, const double rows[], PetscBool own, double extended[])
{
  for (FenInt q = 0; q < f->lines; q++) {
    const FenInt i = FenFoePixel_Private(f->rule, f->first + q, f->H) - f->row0, at = f->first + q - f->row0;
    const int    inner = at >= 0 && at < f->rows;

    if (inner != (own ? 1 : 0) || i + f->row0 < 0)
      continue; /* lines outside stay 0 */
    ExtendRow(f, rows + i * f->W, extended + q * f->stride);
  }
}

void FenFoeFold_Private(const FenFoe *f, const double g[], double out[])
{
  const FenInt P = f->padding;

  for (FenInt q = 0; q < f->lines; q++) {
    const FenInt  i = FenFoePixel_Private(f->rule, f->first + q, f->H) - f->row0;
    const double *row = g + q * f->stride;

    if (i < 0 || i >= f->rows)
      continue;
    for (FenInt j = 0; j < f->W; j++)
      out[i * f->W + j] += row[P + j];
    for (FenInt j = 0; j < P; j++)
      for (FenInt side = 0; side < 2; side++) {
        const FenInt c = side ? P + f->W + j : j;

        if (f->column[c] >= 0)
          out[i * f->W + f->column[c]] += row[c];
      }
  }
}

FenFoeBank FenFoeBank_Private(const FenFoe *f, PetscBool dot)
{
  return (FenFoeBank){.w = f->w,
                      .taps = f->taps,
                      .K = f->K,
                      .stride = f->stride,
                      .by_tap = dot ? f->dot_by_tap : f->by_tap,
                      .by_filter = dot ? f->dot_by_filter : f->by_filter};
}

const double *FenFoeMask_Private(const FenFoe *f, FenInt b)
{
  static const double all[FEN_FOE_BLOCK] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};

  return b + 1 == f->blocks ? f->mask : all;
}

PetscBool FenFoeMine_Private(const FenFoe *f, FenInt o)
{
  const FenInt middle = f->first + o + f->r;

  return middle >= f->row0 && middle < f->row0 + f->rows ? PETSC_TRUE : PETSC_FALSE;
}

void FenFoeInner_Private(const FenFoe *f, FenInt *from, FenInt *to)
{
  *from = f->row0 - f->first;
  *to = PetscMax(*from, f->row0 + f->rows - f->w + 1 - f->first);
}

PetscErrorCode FenFoeRun_Private(FenFoe *f, const double v[], double extended[], FenFoeLines lines, void *ctx)
{
  const double *rows;
  FenInt        from, to;

  PetscFunctionBegin;
  PetscCall(FenHaloBegin_Private(&f->halo, v));
  FenFoeExtend_Private(f, v, PETSC_TRUE, extended);
  FenFoeInner_Private(f, &from, &to);
  (*lines)(f, from, to, ctx);
  PetscCall(FenHaloEnd_Private(&f->halo, v, &rows));
  FenFoeExtend_Private(f, rows, PETSC_FALSE, extended);
  (*lines)(f, 0, from, ctx);
  (*lines)(f, to, f->responses, ctx);
  PetscFunctionReturn(0);
}
