/* SPDX-License-Identifier: BSD-2-Clause */
/*
   What a run of fenchel mdp writes into its result file: value, policy and bounds, and the model or how it is made
   again, enough to verify and to draw the result from the file.
*/
#include "cliimpl.h"

#define STORE_MODEL_LIMIT 64e6 /* bytes */

/* the operator that was solved: all that the bounds depend on beside the rows */
static PetscErrorCode WriteOperator(FenMDPRun *run, FenFile file)
{
  FenMDPSense     sense;
  FenMDPCriterion criterion;
  FenInt          horizon;
  FenAmbiguity    a;
  double          discount;

  PetscFunctionBegin;
  PetscCall(FenMDPModelGetSense(run->model, &sense));
  PetscCall(FenMDPModelGetCriterion(run->model, &criterion, &horizon));
  PetscCall(FenMDPGetDiscount(run->mdp, &discount));
  PetscCall(FenMDPGetAmbiguity(run->mdp, &a));
  PetscCall(FenFileWriteStringAttribute(file, "/", "criterion", FenMDPCriteria[criterion]));
  PetscCall(FenFileWriteStringAttribute(file, "/", "sense", FenMDPSenses[sense]));
  PetscCall(FenFileWriteIntAttribute(file, "/", "horizon", horizon));
  PetscCall(FenFileWriteRealAttribute(file, "/", "discount", discount));
  PetscCall(FenFileWriteStringAttribute(file, "/", "ambiguity", a.name));
  PetscCall(FenFileWriteRealAttribute(file, "/", "alpha", a.alpha));
  PetscCall(FenFileWriteRealAttribute(file, "/", "radius", a.radius));
  PetscCall(FenFileWriteRealAttribute(file, "/", "penalty", a.penalty));
  PetscCall(FenFileWriteStringAttribute(file, "/", "rectangular", FenRectangulars[a.rectangular]));
  PetscCall(FenFileWriteStringAttribute(file, "/", "support", FenSupports[a.support]));
  PetscCall(FenFileWriteStringAttribute(file, "/", "distance", FenDistances[a.distance]));
  PetscCall(FenFileWriteRealAttribute(file, "/", "distance_scale", a.distance_scale > 0 ? a.distance_scale : 1));
  PetscCall(FenFileWriteRealAttribute(file, "/", "distance_power", a.distance_power > 0 ? a.distance_power : 1));
  PetscFunctionReturn(0);
}

/* a file may change or go away, a built-in problem is made again: so only models of files are kept without being asked
 */
static PetscErrorCode StoreModel(FenMDPRun *run, FenFile file)
{
  const FenMDPSizes *n = &run->sizes;
  const double       bytes = 16. * (double)n->nnz + 24. * (double)n->rows + 8. * (double)n->states;
  PetscBool          store = run->opt->store_model;

  PetscFunctionBegin;
  if (!run->opt->store_model_set)
    store = run->opt->source.file[0] && bytes <= STORE_MODEL_LIMIT ? PETSC_TRUE : PETSC_FALSE;
  if (store)
    PetscCall(FenMDPModelWriteGroup(run->model, file, "/mdp"));
  PetscFunctionReturn(0);
}

static PetscErrorCode WriteModel(FenMDPRun *run, FenFile file)
{
  const FenMDPSource *source = &run->opt->source;
  const char         *method;
  char                text[64];

  PetscFunctionBegin;
  PetscCall(FenFingerprintText_Private(&run->print, text, sizeof(text)));
  PetscCall(FenMDPGetChoice(run->mdp, &method, NULL));
  PetscCall(FenFileWriteStringAttribute(file, "/", "method", method));
  PetscCall(FenFileWriteStringAttribute(file, "/", "model_fingerprint", text));
  PetscCall(FenFileWriteStringAttribute(file, "/", source->file[0] ? "model_file" : "problem",
                                        source->file[0] ? source->file : source->problem));
  PetscCall(FenFileWriteIntAttribute(file, "/", "states", run->sizes.states));
  PetscCall(FenFileWriteIntAttribute(file, "/", "actions", run->sizes.actions));
  PetscCall(FenFileWriteIntAttribute(file, "/", "rows", run->sizes.rows));
  PetscCall(FenFileWriteIntAttribute(file, "/", "nnz", run->sizes.nnz));
  PetscCall(StoreModel(run, file));
  PetscFunctionReturn(0);
}

static PetscErrorCode WriteStates(FenMDPRun *run, FenFile file)
{
  FenLayout       layout;
  FenInt          n, grid[2];
  const double   *value, *margin;
  const int      *policy;
  FenMDPCriterion criterion;
  double         *action;

  PetscFunctionBegin;
  PetscCall(FenMDPModelGetLayout(run->model, &layout));
  PetscCall(FenMDPModelGetGrid(run->model, grid));
  PetscCall(FenLayoutGetLocalSize(layout, &n));
  PetscCall(FenMDPGetValue(run->mdp, &value));
  PetscCall(FenMDPGetPolicy(run->mdp, &policy));
  PetscCall(PetscMalloc1((size_t)(n + 1), &action));
  for (FenInt k = 0; k < n; k++)
    action[k] = policy[k];
  if (grid[0] > 0)
    PetscCall(FenFileWriteInts(file, "/grid/shape", 2, grid));
  PetscCall(FenStatesWrite_Private(file, "/value", layout, grid, value));
  PetscCall(FenStatesWriteInts_Private(file, "/policy", layout, grid, action));
  PetscCall(PetscFree(action));
  PetscCall(FenMDPModelGetCriterion(run->model, &criterion, NULL));
  if (criterion == FEN_MDP_TOTAL) { /* the others have the same in all states */
    PetscCall(FenMDPGetMargin(run->mdp, &margin));
    PetscCall(FenStatesWrite_Private(file, "/margin", layout, grid, margin));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode WriteBounds(FenMDPRun *run, FenFile file)
{
  const FenMDPBounds *b = &run->bounds;

  PetscFunctionBegin;
  PetscCall(FenResultWriteBounds_Private(file, run->run.solver, b->lower, b->upper));
  PetscCall(FenResultWriteNumber_Private(file, "/bounds/policy_gap", b->policy_gap));
  PetscCall(FenResultWriteNumber_Private(file, "/bounds/value_error", b->value_error));
  PetscCall(FenResultWriteNumber_Private(file, "/bounds/slack", b->slack));
  PetscFunctionReturn(0);
}

PetscErrorCode FenMDPWrite_Private(FenRun *base, FenFile file)
{
  FenMDPRun *run = (FenMDPRun *)base;

  PetscFunctionBegin;
  PetscCall(WriteOperator(run, file));
  PetscCall(WriteModel(run, file));
  PetscCall(WriteStates(run, file));
  PetscCall(FenMDPWriteLaw_Private(run, file));
  if (run->opt->kernel)
    PetscCall(FenMDPWriteKernel_Private(run, file));
  PetscCall(WriteBounds(run, file));
  PetscFunctionReturn(0);
}

/* ParaView draws the value of grid worlds */
PetscErrorCode FenMDPXDMF_Private(FenRun *base)
{
  FenMDPRun   *run = (FenMDPRun *)base;
  FenXDMFField field = {.name = "value", .path = "/value", .ncomp = 0, .spacing = {1, 1, 1}};
  char         name[PETSC_MAX_PATH_LEN + 8];

  PetscFunctionBegin;
  PetscCall(FenMDPModelGetGrid(run->model, field.shape));
  if (field.shape[0] <= 0)
    PetscFunctionReturn(0);
  PetscCall(FenResultSideName_Private(base->out->result, ".xmf", name, sizeof(name)));
  PetscCall(FenXDMFWrite(base->cli->comm, name, base->out->result, 2, 1, &field));
  PetscFunctionReturn(0);
}
