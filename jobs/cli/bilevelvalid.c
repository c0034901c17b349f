/* SPDX-License-Identifier: BSD-2-Clause */
/* Learned hyperparameters on a set of samples: lower solutions, how good they are, what is written of them. */
#include "bilevelrun.h"
#include <math.h>

/* metrics of my samples and their means over all */
static PetscErrorCode Measure(FenBilevelTrial *t, const double theta[])
{
  const FenBilevelOps *call;
  FenBilevelSizes      size;
  FenBilevelPart       part;
  FenTeams             teams;
  FenTeamsInfo         info;
  FenDD                sum[FEN_BILEVEL_METRICS] = {{0, 0}};
  PetscInt             n;

  PetscFunctionBegin;
  PetscCall(FenBilevelProblemGetSizes(t->problem, &size));
  PetscCall(FenBilevelProblemGetOps(t->problem, &call));
  PetscCall(FenBilevelProblemGetPart(t->problem, &part));
  PetscCall(FenBilevelProblemGetTeams(t->problem, &teams));
  PetscCall(FenTeamsGetInfo(teams, &info));
  n = call->metrics ? size.nmetrics : 0;
  PetscCall(PetscMalloc1((size_t)(part.end - part.start) * (size_t)n + 1, &t->metrics));
  PetscCall((*call->settheta)(t->problem, theta));
  for (FenInt k = 0; n && k < part.end - part.start; k++) {
    double *value = t->metrics + k * n;

    PetscCall((*call->metrics)(t->problem, part.start + k, t->x + k * part.nx, value));
    for (PetscInt i = 0; i < n; i++)
      FenDDAdd(&sum[i], value[i]);
  }
  PetscCall(FenDDReduce(info.across, n, sum, t->mean));
  for (PetscInt i = 0; i < n; i++)
    t->mean[i] /= (double)size.samples;
  PetscFunctionReturn(0);
}

PetscErrorCode FenBilevelTrialTake_Private(FenBilevelProblem problem, const double theta[], const double x[],
                                           FenBilevelTrial *t)
{
  PetscFunctionBegin;
  *t = (FenBilevelTrial){.problem = problem, .x = x};
  PetscCall(PetscObjectReference((PetscObject)problem));
  PetscCall(Measure(t, theta));
  PetscFunctionReturn(0);
}

PetscErrorCode FenBilevelTrialSetUp_Private(FenBilevelProblem problem)
{
  FenBilevelSizes n;
  PetscInt        asked = 0;
  PetscMPIInt     size;

  PetscFunctionBegin;
  PetscCall(FenBilevelProblemGetSizes(problem, &n));
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-bilevel_team_size", &asked, NULL));
  if (asked > 0 && asked <= n.parts) {
    PetscCall(FenMPIIntCast(asked, &size));
    PetscCall(FenBilevelProblemSetTeamSize(problem, size));
  }
  PetscCall(FenBilevelProblemSetUp(problem));
  PetscFunctionReturn(0);
}

PetscErrorCode FenBilevelTrialSolve_Private(FenBilevelProblem problem, const double theta[], double accuracy,
                                            FenBilevelTrial *t)
{
  FenBilevelSizes size;

  PetscFunctionBegin;
  *t = (FenBilevelTrial){.problem = problem};
  PetscCall(PetscObjectReference((PetscObject)problem));
  PetscCall(FenBilevelProblemGetSizes(problem, &size));
  PetscCall(FenBilevelCreate(PetscObjectComm((PetscObject)problem), &t->solver));
  PetscCall(FenBilevelSetProblem(t->solver, problem));
  PetscCall(FenBilevelSetFromOptions(t->solver));
  PetscCall(FenBilevelSetStart(t->solver, theta));
  PetscCall(FenBilevelEvaluate(t->solver, accuracy * sqrt((double)size.rows * (double)size.width)));
  PetscCall(FenBilevelGetBounds(t->solver, &t->bounds));
  PetscCall(FenBilevelGetLower(t->solver, &t->x));
  PetscCall(Measure(t, theta));
  PetscFunctionReturn(0);
}

PetscErrorCode FenBilevelTrialDestroy_Private(FenBilevelTrial *t)
{
  PetscFunctionBegin;
  PetscCall(FenBilevelDestroy(&t->solver));
  PetscCall(FenBilevelProblemDestroy(&t->problem));
  PetscCall(PetscFree(t->metrics));
  PetscFunctionReturn(0);
}

static PetscErrorCode WriteMetrics(const FenBilevelTrial *t, FenFile file, const char group[])
{
  const FenBilevelOps *call;
  FenBilevelSizes      size;
  FenBilevelPart       part;
  FenLayout            layout;
  double              *column;
  char                 path[128];

  PetscFunctionBegin;
  PetscCall(FenBilevelProblemGetSizes(t->problem, &size));
  PetscCall(FenBilevelProblemGetOps(t->problem, &call));
  PetscCall(FenBilevelProblemGetPart(t->problem, &part));
  PetscCall(FenBilevelSampleLayout_Private(t->problem, &layout));
  PetscCall(PetscMalloc1((size_t)(part.end - part.start) + 1, &column));
  for (PetscInt i = 0; call->metrics && i < size.nmetrics; i++) {
    for (FenInt k = 0; k < part.end - part.start; k++)
      column[k] = t->metrics[k * size.nmetrics + i];
    PetscCall(PetscSNPrintf(path, sizeof(path), "%s/%s", group, size.metrics[i]));
    PetscCall(FenResultWriteArray_Private(file, path, layout, 0, column));
  }
  PetscCall(PetscFree(column));
  PetscCall(FenLayoutDestroy(&layout));
  PetscFunctionReturn(0);
}

static PetscErrorCode WriteImages(const FenBilevelTrial *t, FenFile file, const char group[], int kinds)
{
  static const char *const names[] = {"observed", "truth"};
  const FenBilevelOps     *call;
  FenBilevelPart           part;
  FenLayout                layout;
  double                  *a;
  char                     path[128];

  PetscFunctionBegin;
  PetscCall(FenBilevelProblemGetOps(t->problem, &call));
  PetscCall(FenBilevelProblemGetPart(t->problem, &part));
  PetscCall(FenBilevelLowerLayout_Private(t->problem, &layout));
  if (t->solver) { /* the run's own lower solutions stand under /x */
    PetscCall(PetscSNPrintf(path, sizeof(path), "%s/x", group));
    PetscCall(FenResultWriteArray_Private(file, path, layout, 0, t->x));
  }
  PetscCall(PetscMalloc1((size_t)((part.end - part.start) * part.nx) + 1, &a));
  for (int which = 0; call->data && which < kinds; which++) {
    for (FenInt k = 0; k < part.end - part.start; k++)
      PetscCall((*call->data)(t->problem, part.start + k, (FenBilevelWhich)which, a + k * part.nx));
    PetscCall(PetscSNPrintf(path, sizeof(path), "%s/%s", group, names[which]));
    PetscCall(FenResultWriteArray_Private(file, path, layout, 0, a));
  }
  PetscCall(PetscFree(a));
  PetscCall(FenLayoutDestroy(&layout));
  PetscFunctionReturn(0);
}

PetscErrorCode FenBilevelTrialWrite_Private(const FenBilevelTrial *t, FenFile file, const char group[],
                                            FenTrialContent content)
{
  const FenBilevelOps *call;

  PetscFunctionBegin;
  PetscCall(FenBilevelProblemGetOps(t->problem, &call));
  PetscCall(FenFileMakeGroup(file, group));
  if (content != FEN_TRIAL_SOLUTIONS || !call->data) /* without a truth they say nothing */
    PetscCall(WriteMetrics(t, file, group));
  if (content != FEN_TRIAL_METRICS)
    PetscCall(WriteImages(t, file, group, content == FEN_TRIAL_ALL ? 2 : 1));
  PetscFunctionReturn(0);
}
