/* SPDX-License-Identifier: BSD-2-Clause */
/*
   What a d-rectangular run writes: the equation that was solved, the weights of all steps, first values and actions,
   the table of replications; where the data are, with their fingerprint.
*/
#include "linearrun.h"

static PetscErrorCode WriteEquation(FenLinearRun *run, FenFile file, const FenLinearMDPWeights *w)
{
  FenLinearMDPParameters p;
  FenAmbiguity           a;

  PetscFunctionBegin;
  PetscCall(FenLinearMDPGetAmbiguity(run->mdp, &a));
  PetscCall(FenLinearMDPGetParameters(run->mdp, &p));
  PetscCall(FenFileWriteStringAttribute(file, "/", "rectangular", "d"));
  PetscCall(FenFileWriteStringAttribute(file, "/", "criterion", "finite"));
  PetscCall(FenFileWriteStringAttribute(file, "/", "sense", "max"));
  PetscCall(FenFileWriteIntAttribute(file, "/", "horizon", w->horizon));
  PetscCall(FenFileWriteIntAttribute(file, "/", "features", w->features));
  PetscCall(FenFileWriteRealAttribute(file, "/", "discount", 1));
  PetscCall(FenFileWriteStringAttribute(file, "/", "ambiguity", a.name));
  PetscCall(FenFileWriteRealAttribute(file, "/", "alpha", a.alpha));
  PetscCall(FenFileWriteRealAttribute(file, "/", "radius", a.radius));
  PetscCall(FenFileWriteRealAttribute(file, "/", "penalty", a.penalty));
  PetscCall(FenFileWriteRealAttribute(file, "/", "ridge", p.ridge));
  PetscCall(FenFileWriteRealAttribute(file, "/", "pessimism", p.pessimism));
  PetscCall(FenFileWriteRealAttribute(file, "/", "clip", p.clip));
  PetscCall(FenFileWriteRealAttribute(file, "/", "correction", p.correction));
  PetscCall(FenFileWriteIntAttribute(file, "/", "split", p.split));
  PetscCall(FenFileWriteStringAttribute(file, "/", "published", FenPublishedNames[p.published]));
  PetscFunctionReturn(0);
}

static PetscErrorCode WriteSource(FenLinearRun *run, FenFile file)
{
  const FenLinearSource *source = &run->opt->source;
  char                   text[64];

  PetscFunctionBegin;
  PetscCall(FenFingerprintText_Private(&run->print, text, sizeof(text)));
  PetscCall(FenFileWriteStringAttribute(file, "/", "model_fingerprint", text));
  PetscCall(FenFileWriteStringAttribute(file, "/", source->file[0] ? "model_file" : "problem",
                                        source->file[0] ? source->file : source->problem));
  PetscFunctionReturn(0);
}

static PetscErrorCode WriteWeights(FenFile file, const FenLinearMDPWeights *w)
{
  const char *const   names[] = {"theta", "w", "diagonal", "error", "multiplier"};
  const double *const tables[] = {w->theta, w->w, w->diagonal, w->error, w->multiplier};
  const FenInt        shape[2] = {w->horizon, w->features};
  char                path[64];

  PetscFunctionBegin;
  PetscCall(FenFileMakeGroup(file, "/weights"));
  for (int k = 0; k < 5; k++) {
    PetscCall(PetscSNPrintf(path, sizeof(path), "/weights/%s", names[k]));
    PetscCall(FenFileWriteReals(file, path, 2, shape, tables[k]));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode WriteFirst(FenLinearRun *run, FenFile file)
{
  FenLayout     layout;
  FenInt        n, mine;
  const double *value;
  const int    *policy;
  double       *action;

  PetscFunctionBegin;
  PetscCall(FenLinearMDPGetValue(run->mdp, &n, &value));
  PetscCall(FenLinearMDPGetPolicy(run->mdp, &n, &policy));
  if (run->data)
    PetscCall(FenTrajectoriesGetLayout(run->data, &layout));
  else
    PetscCall(FenLayoutCreateRows(run->run.cli->comm, 1, &layout));
  PetscCall(FenLayoutGetLocalSize(layout, &mine));
  PetscCall(PetscMalloc1((size_t)n + 1, &action));
  for (FenInt k = 0; k < n; k++)
    action[k] = policy[k];
  PetscCall(FenResultWriteArray_Private(file, "/value", layout, 0, value));
  PetscCall(FenFileWriteIntegers(file, "/policy", layout, action));
  PetscCall(PetscFree(action));
  if (!run->data)
    PetscCall(FenLayoutDestroy(&layout));
  PetscFunctionReturn(0);
}

static PetscErrorCode WriteBounds(FenLinearRun *run, FenFile file)
{
  const FenLinearMDPBounds *b = &run->bounds;

  PetscFunctionBegin;
  PetscCall(FenResultWriteBounds_Private(file, run->run.solver, b->lower, b->upper));
  PetscCall(FenResultWriteNumber_Private(file, "/bounds/value_error", b->value_error));
  PetscCall(FenResultWriteNumber_Private(file, "/bounds/step_error", b->step_error));
  PetscCall(FenResultWriteNumber_Private(file, "/bounds/ridge_error", b->ridge_error));
  PetscFunctionReturn(0);
}

static PetscErrorCode WriteReturns(FenLinearRun *run, FenFile file)
{
  const FenLinearEvaluation *e = &run->opt->evaluation;
  const FenInt               n = e->ntargets, shape[2] = {e->replications, n};

  PetscFunctionBegin;
  if (!run->returns)
    PetscFunctionReturn(0);
  PetscCall(FenFileMakeGroup(file, "/evaluation"));
  PetscCall(FenFileWriteStringAttribute(file, "/evaluation", "target", run->problem->target));
  PetscCall(FenFileWriteStringAttribute(file, "/evaluation", "kind", e->exact ? "exact" : "sample"));
  PetscCall(FenFileWriteIntAttribute(file, "/evaluation", "episodes", e->episodes));
  PetscCall(FenFileWriteReals(file, "/evaluation/target", 1, &n, e->targets));
  PetscCall(FenFileWriteReals(file, "/evaluation/mean", 1, &n, run->mean));
  PetscCall(FenFileWriteReals(file, "/evaluation/standard_error", 1, &n, run->error));
  PetscCall(FenFileWriteReals(file, "/evaluation/returns", 2, shape, run->returns));
  PetscFunctionReturn(0);
}

PetscErrorCode FenLinearWrite_Private(FenRun *base, FenFile file)
{
  FenLinearRun       *run = (FenLinearRun *)base;
  FenLinearMDPWeights w;

  PetscFunctionBegin;
  PetscCall(FenLinearMDPGetWeights(run->mdp, &w));
  PetscCall(WriteEquation(run, file, &w));
  PetscCall(WriteSource(run, file));
  PetscCall(WriteWeights(file, &w));
  PetscCall(WriteFirst(run, file));
  PetscCall(WriteBounds(run, file));
  PetscCall(WriteReturns(run, file));
  PetscFunctionReturn(0);
}
