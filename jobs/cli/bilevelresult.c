/* SPDX-License-Identifier: BSD-2-Clause */
/*
   What a run of fenchel bilevel writes: hyperparameters and hypergradient, lower solutions and adjoints, what is known
   of each sample, bounds, and the validation set; enough to verify, to draw and to use the result from the file.
*/
#include "bilevelrun.h"

#define STORE_IMAGES_LIMIT 64e6 /* bytes */

/* what the bounds depend on beside the problem */
static PetscErrorCode WriteRoot(FenBilevelRun *run, FenFile file)
{
  FenBilevelParameters p;
  const FenBilevelOps *call;
  const char          *lower;

  PetscFunctionBegin;
  PetscCall(FenBilevelGetParameters(run->bilevel, &p));
  PetscCall(FenBilevelGetLowerName(run->bilevel, &lower));
  PetscCall(FenBilevelProblemGetOps(run->problem, &call));
  PetscCall(FenBilevelSourceWrite_Private(&run->opt->source, file));
  PetscCall(FenFileWriteStringAttribute(file, "/", "data_fingerprint", run->print));
  PetscCall(FenFileWriteIntAttribute(file, "/", "samples", run->sizes.samples));
  PetscCall(FenFileWriteIntAttribute(file, "/", "rows", run->sizes.rows));
  PetscCall(FenFileWriteIntAttribute(file, "/", "width", run->sizes.width));
  PetscCall(FenFileWriteIntAttribute(file, "/", "hyperparameters", run->sizes.p));
  PetscCall(FenFileWriteStringAttribute(file, "/", "lower_method", lower));
  PetscCall(FenFileWriteStringAttribute(file, "/", "upper_level", FenBilevelUppers[p.upper]));
  PetscCall(FenFileWriteRealAttribute(file, "/", "temperature", p.temperature));
  PetscCall(FenFileWriteRealAttribute(file, "/", "pull", p.pull));
  PetscCall(FenFileWriteRealAttribute(file, "/", "box_lower", p.box[0]));
  PetscCall(FenFileWriteRealAttribute(file, "/", "box_upper", p.box[1]));
  PetscCall(FenFileWriteIntAttribute(file, "/", "observations", call->data ? 1 : 0));
  PetscFunctionReturn(0);
}

/* attribute NAME = first number of the group, `groups` = the names in order */
static PetscErrorCode WriteGroups(FenBilevelRun *run, FenFile file)
{
  PetscInt           n;
  const char *const *names;
  const FenInt      *counts;
  char               all[1024] = "", name[128];
  FenInt             at = 0;

  PetscFunctionBegin;
  PetscCall(FenBilevelProblemGetGroups(run->problem, &n, &names, &counts));
  for (PetscInt k = 0; k < n; k++) {
    if (k)
      PetscCall(PetscStrlcat(all, ",", sizeof(all)));
    PetscCall(PetscStrlcat(all, names[k], sizeof(all)));
    PetscCall(PetscSNPrintf(name, sizeof(name), "first_%s", names[k]));
    PetscCall(FenFileWriteIntAttribute(file, "/theta", name, at));
    at += counts[k];
  }
  if (n)
    PetscCall(FenFileWriteStringAttribute(file, "/theta", "groups", all));
  PetscFunctionReturn(0);
}

static PetscErrorCode WriteTheta(FenBilevelRun *run, FenFile file)
{
  const double *theta, *z, *start;
  FenLayout     layout;

  PetscFunctionBegin;
  PetscCall(FenBilevelThetaLayout_Private(run->problem, &layout));
  PetscCall(FenBilevelGetTheta(run->bilevel, &theta));
  PetscCall(FenBilevelGetHypergradient(run->bilevel, &z));
  PetscCall(FenBilevelGetStart(run->bilevel, &start));
  PetscCall(FenResultWriteArray_Private(file, "/theta", layout, 0, theta));
  PetscCall(FenResultWriteArray_Private(file, "/hypergradient", layout, 0, z));
  PetscCall(FenResultWriteArray_Private(file, "/theta_start", layout, 0, start));
  PetscCall(FenLayoutDestroy(&layout));
  PetscCall(WriteGroups(run, file));
  PetscFunctionReturn(0);
}

static PetscErrorCode WriteLower(FenBilevelRun *run, FenFile file)
{
  const double *x, *q;
  FenLayout     layout;

  PetscFunctionBegin;
  if (!run->opt->store_lower)
    PetscFunctionReturn(0);
  PetscCall(FenBilevelLowerLayout_Private(run->problem, &layout));
  PetscCall(FenBilevelGetLower(run->bilevel, &x));
  PetscCall(FenBilevelGetAdjoint(run->bilevel, &q));
  PetscCall(FenResultWriteArray_Private(file, "/x", layout, 0, x));
  PetscCall(FenResultWriteArray_Private(file, "/q", layout, 0, q));
  PetscCall(FenLayoutDestroy(&layout));
  PetscFunctionReturn(0);
}

static PetscErrorCode WriteSamples(FenBilevelRun *run, FenFile file)
{
  static const char *const names[] = {
      "value", "lower", "upper", "lower_accuracy", "adjoint_residual", "hypergradient_error"};
  FenBilevelPart   part;
  FenBilevelSample sample;
  FenLayout        layout;
  double          *column;
  char             path[64];

  PetscFunctionBegin;
  PetscCall(FenBilevelProblemGetPart(run->problem, &part));
  PetscCall(FenBilevelSampleLayout_Private(run->problem, &layout));
  PetscCall(PetscMalloc1((size_t)(part.end - part.start) + 1, &column));
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
    for (FenInt k = 0; k < part.end - part.start; k++) {
      PetscCall(FenBilevelGetSample(run->bilevel, k, &sample));
      column[k] = ((const double *)&sample)[i];
    }
    PetscCall(PetscSNPrintf(path, sizeof(path), "/samples/%s", names[i]));
    PetscCall(FenResultWriteArray_Private(file, path, layout, 0, column));
  }
  PetscCall(PetscFree(column));
  PetscCall(FenLayoutDestroy(&layout));
  PetscFunctionReturn(0);
}

static PetscErrorCode WriteBounds(FenBilevelRun *run, FenFile file)
{
  const FenBilevelBounds *b = &run->bounds;

  PetscFunctionBegin;
  PetscCall(FenResultWriteBounds_Private(file, run->run.solver, b->lower, b->upper));
  PetscCall(FenResultWriteNumber_Private(file, "/bounds/objective", b->objective));
  PetscCall(FenResultWriteNumber_Private(file, "/bounds/hypergradient_norm", b->hypergradient));
  PetscCall(FenResultWriteNumber_Private(file, "/bounds/hypergradient_error", b->hypergradient_error));
  PetscCall(FenResultWriteNumber_Private(file, "/bounds/hypergradient_goal", b->hypergradient_goal));
  PetscCall(FenResultWriteNumber_Private(file, "/bounds/lower_accuracy", b->lower_accuracy));
  PetscCall(FenResultWriteNumber_Private(file, "/bounds/adjoint_accuracy", b->adjoint_accuracy));
  PetscFunctionReturn(0);
}

static PetscErrorCode WantImages(const FenBilevelRun *run, const FenBilevelTrial *t, PetscBool *want)
{
  FenBilevelSizes size;

  PetscFunctionBegin;
  PetscCall(FenBilevelProblemGetSizes(t->problem, &size));
  *want = run->opt->store_images;
  if (!run->opt->store_images_set)
    *want = (PetscBool)(24. * (double)size.samples * (double)size.rows * (double)size.width <= STORE_IMAGES_LIMIT);
  PetscFunctionReturn(0);
}

PetscErrorCode FenBilevelWrite_Private(FenRun *base, FenFile file)
{
  FenBilevelRun *run = (FenBilevelRun *)base;
  PetscBool      images = PETSC_FALSE;

  PetscFunctionBegin;
  PetscCall(WriteRoot(run, file));
  PetscCall(WriteTheta(run, file));
  PetscCall(WriteLower(run, file));
  PetscCall(WantImages(run, &run->train, &images));
  PetscCall(FenBilevelTrialWrite_Private(&run->train, file, "/samples", images ? FEN_TRIAL_ALL : FEN_TRIAL_METRICS));
  PetscCall(WriteSamples(run, file));
  PetscCall(WriteBounds(run, file));
  if (run->has_valid) {
    PetscCall(WantImages(run, &run->valid, &images));
    PetscCall(
        FenBilevelTrialWrite_Private(&run->valid, file, "/validation", images ? FEN_TRIAL_ALL : FEN_TRIAL_METRICS));
  }
  PetscFunctionReturn(0);
}
