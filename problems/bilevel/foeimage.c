/* SPDX-License-Identifier: BSD-2-Clause */
/* Fields of Experts: extension of images at their borders and its adjoint, places, and the walk over response lines. */
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

/* ---- places ---- */
static PetscErrorCode Use(FenFoe *f, FenInt k)
{
  FenFoePlace *at = &f->place[k];

  PetscFunctionBegin;
  if (!at->x) {
    PetscCall(PetscCalloc3((size_t)f->image, &at->x, (size_t)f->image, &at->v, (size_t)f->image, &at->g));
    if ((double)((k + 1) * f->all) * 8e-6 <= f->cache_megabytes)
      PetscCall(PetscMalloc1((size_t)f->all, &at->D));
  }
  f->x = at->x;
  f->v = at->v;
  f->g = at->g;
  f->D = at->D;
  PetscFunctionReturn(0);
}

PetscErrorCode FenFoeAt_Private(FenBilevelProblem pr, FenInt s)
{
  FenFoe *f = (FenFoe *)pr->ctx;

  PetscFunctionBegin;
  PetscCall(Use(f, (s - pr->part.start) % f->together));
  PetscFunctionReturn(0);
}

/* points that were linearised are forgotten */
PetscErrorCode FenFoeTogether_Private(FenBilevelProblem pr, FenInt n)
{
  FenFoe *f = (FenFoe *)pr->ctx;

  PetscFunctionBegin;
  for (FenInt k = 0; k < f->together; k++) {
    PetscCall(PetscFree3(f->place[k].x, f->place[k].v, f->place[k].g));
    PetscCall(PetscFree(f->place[k].D));
  }
  PetscCall(PetscFree(f->place));
  f->together = n;
  if (!n)
    PetscFunctionReturn(0);
  PetscCall(PetscCalloc1((size_t)n, &f->place));
  PetscCall(FenHaloTogether_Private(&f->halo, n));
  PetscCall(Use(f, 0));
  PetscFunctionReturn(0);
}

PetscErrorCode FenFoeRun_Private(FenBilevelProblem pr, FenInt n, const FenInt s[], const double *const v[],
                                 FenFoeTarget target, FenFoeLines lines, void *const ctx[])
{
  FenFoe       *f = (FenFoe *)pr->ctx;
  const double *rows[FEN_BILEVEL_TOGETHER];
  FenInt        from, to;

  PetscFunctionBegin;
  PetscCall(FenHaloBegin_Private(&f->halo, n, v));
  FenFoeInner_Private(f, &from, &to);
  for (FenInt k = 0; k < n; k++) {
    if (s)
      PetscCall(FenFoeAt_Private(pr, s[k]));
    if (target == FEN_FOE_ARGUMENT)
      PetscCall(PetscArrayzero(f->g, f->image));
    FenFoeExtend_Private(f, v[k], PETSC_TRUE, target == FEN_FOE_POINT ? f->x : f->v);
    (*lines)(f, from, to, ctx[k]);
  }
  PetscCall(FenHaloEnd_Private(&f->halo, n, v, rows));
  for (FenInt k = 0; k < n; k++) {
    if (s)
      PetscCall(FenFoeAt_Private(pr, s[k]));
    FenFoeExtend_Private(f, rows[k], PETSC_FALSE, target == FEN_FOE_POINT ? f->x : f->v);
    (*lines)(f, 0, from, ctx[k]);
    (*lines)(f, to, f->responses, ctx[k]);
  }
  PetscFunctionReturn(0);
}
