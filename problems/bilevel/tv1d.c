/* SPDX-License-Identifier: BSD-2-Clause */
/*
   tv1d-reference, tv1d-reference3: one-dimensional denoising as in Ehrhardt and Roberts, J. Math. Imaging Vision 63
   (2021): 256 points on [-2, 2], signals that are 1 on an interval, noise 0.1, f = sum |x - clean|^2. One parameter:
   log10 of the weight, 10 signals; three: log10 of weight, ridge and smoothing, 20 signals, and 1e-6 (L/mu)^2 is added.

   The data are NumPy's RandomState(0) to the last digit: all centres and radii first, then the noise.
*/
#include "tvimpl.h"
#include "legacyrandom.h"
#include <math.h>

#define POINTS 256
#define NOISE  0.1

static PetscErrorCode MakeSignals(FenBilevelProblem pr, FenDenoise *d)
{
  const double    first = -2, last = 2, step = (last - first) / (POINTS - 1);
  double          noise[POINTS], (*interval)[2];
  FenLegacyRandom random;

  PetscFunctionBegin;
  FenLegacyRandomSeed_Private(&random, 0);
  PetscCall(PetscMalloc1((size_t)d->m, &interval));
  for (FenInt s = 0; s < d->m; s++) {
    interval[s][0] = FenLegacyRandomUniform_Private(&random, first / 2, last / 2);
    interval[s][1] = FenLegacyRandomUniform_Private(&random, first / 4, first / 2);
  }
  for (FenInt s = 0; s < d->m; s++) {
    for (int i = 0; i < POINTS; i++)
      noise[i] = FenLegacyRandomNormal_Private(&random);
    for (int i = 0; i < POINTS && s >= pr->part.start && s < pr->part.end; i++) {
      const double at = (i == POINTS - 1 ? last : i * step + first) - interval[s][0];
      const FenInt k = s - pr->part.start;

      d->clean[k][i] = at * at < interval[s][1] * interval[s][1] ? 1 : 0;
      d->dirty[k][i] = d->clean[k][i] + NOISE * noise[i];
    }
  }
  PetscCall(PetscFree(interval));
  PetscFunctionReturn(0);
}

static PetscErrorCode NewReference(const char name[], FenInt signals, void **ctx)
{
  FenTv *t;

  PetscFunctionBegin;
  PetscCall(PetscNew(&t));
  *ctx = t;
  t->data = (FenDenoise){
      .name = name, .dim = 1, .m = signals, .shape = {POINTS, 1, 1}, .weight = 2, .noise = NOISE, .make = MakeSignals};
  t->form = (FenTvForm){.dim = 1, .isotropic = PETSC_TRUE, .left = PETSC_TRUE};
  t->factor = 1;
  t->base = log(10);
  for (int k = 0; k < FEN_TV_MAXP; k++) {
    t->lower[k] = -7;
    t->upper[k] = k == FEN_TV_LAMBDA ? 7 : 0;
  }
  PetscFunctionReturn(0);
}

PetscErrorCode FenBilevelTv1dOptions_Private(FenOptionItems PetscOptionsObject, MPI_Comm comm, void **ctx)
{
  FenTv *t;

  (void)PetscOptionsObject, (void)comm;
  PetscFunctionBegin;
  PetscCall(NewReference("tv1d-reference", 10, ctx));
  t = (FenTv *)*ctx;
  t->learn[FEN_TV_LAMBDA] = PETSC_TRUE;
  t->start[FEN_TV_RIDGE] = t->start[FEN_TV_NU] = -3;
  PetscFunctionReturn(0);
}

PetscErrorCode FenBilevelTv1d3Options_Private(FenOptionItems PetscOptionsObject, MPI_Comm comm, void **ctx)
{
  FenTv *t;

  (void)PetscOptionsObject, (void)comm;
  PetscFunctionBegin;
  PetscCall(NewReference("tv1d-reference3", 20, ctx));
  t = (FenTv *)*ctx;
  t->learn[FEN_TV_LAMBDA] = t->learn[FEN_TV_RIDGE] = t->learn[FEN_TV_NU] = PETSC_TRUE;
  t->start[FEN_TV_RIDGE] = t->start[FEN_TV_NU] = -1;
  t->conditioning = 1e-6;
  PetscFunctionReturn(0);
}

static PetscErrorCode Make(MPI_Comm comm, void *ctx, const FenBilevelData *data, FenBilevelProblem *problem)
{
  FenTv *t = (FenTv *)ctx;

  PetscFunctionBegin;
  FEN_BILEVEL_CHECK(!data->train && !data->valid, comm, FEN_ERR_OPTION,
                    "problem %s makes its own data: -train and -valid have no meaning with it", t->data.name);
  PetscCall(FenTvCreate_Private(comm, t, data, FEN_UPPER_SUM, problem));
  PetscFunctionReturn(0);
}

PetscErrorCode FenBilevelTv1dMake_Private(MPI_Comm comm, void *ctx, const FenBilevelData *data,
                                          FenBilevelProblem *problem)
{
  PetscFunctionBegin;
  PetscCall(Make(comm, ctx, data, problem));
  PetscFunctionReturn(0);
}

PetscErrorCode FenBilevelTv1d3Make_Private(MPI_Comm comm, void *ctx, const FenBilevelData *data,
                                           FenBilevelProblem *problem)
{
  PetscFunctionBegin;
  PetscCall(Make(comm, ctx, data, problem));
  PetscFunctionReturn(0);
}
