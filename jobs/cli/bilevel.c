/* SPDX-License-Identifier: BSD-2-Clause */
/*
   fenchel bilevel: makes a problem, learns its hyperparameters, tries them on other samples, writes.
*/
#include "bilevelrun.h"
#include <math.h>

static PetscErrorCode MakeProblem(FenRun *base)
{
  FenBilevelRun    *run = (FenBilevelRun *)base;
  FenBilevelSource *source = &run->opt->source;

  PetscFunctionBegin;
  PetscCall(FenBilevelSourceMake_Private(base->cli->comm, source, &run->problem));
  PetscCall(FenBilevelProblemGetSizes(run->problem, &run->sizes));
  PetscFunctionReturn(0);
}

static PetscErrorCode SetStart(FenBilevelRun *run)
{
  FenBilevelPart part;
  double        *theta;

  PetscFunctionBegin;
  PetscCall(FenBilevelProblemGetPart(run->problem, &part));
  PetscCall(PetscMalloc1((size_t)(part.theta1 - part.theta0) + 1, &theta));
  PetscCall(FenBilevelThetaRead_Private(run->problem, run->opt->theta, theta));
  PetscCall(FenBilevelSetStart(run->bilevel, theta));
  PetscCall(PetscFree(theta));
  PetscFunctionReturn(0);
}

static PetscErrorCode MakeSolver(FenRun *base)
{
  FenBilevelRun *run = (FenBilevelRun *)base;
  double         bytes;

  PetscFunctionBegin;
  PetscCall(FenBilevelCreate(base->cli->comm, &run->bilevel));
  base->solver = (FenSolver)run->bilevel;
  PetscCall(FenBilevelSetProblem(run->bilevel, run->problem));
  PetscCall(FenBilevelSetFromOptions(run->bilevel));
  PetscCall(FenBilevelGetMemoryEstimate(run->bilevel, &bytes)); /* sets the problem up */
  if (run->opt->theta[0])
    PetscCall(SetStart(run));
  PetscFunctionReturn(0);
}

static PetscErrorCode PrintTeams(FenBilevelRun *run)
{
  const FenBilevelSizes *n = &run->sizes;
  MPI_Comm               comm = run->run.cli->comm;
  FenTeams               teams;
  FenTeamsInfo           info;
  PetscInt               asked = 0;

  PetscFunctionBegin;
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-bilevel_team_size", &asked, NULL));
  PetscCall(FenBilevelProblemGetTeams(run->problem, &teams));
  PetscCall(FenTeamsGetInfo(teams, &info));
  PetscCall(PetscPrintf(comm, "  teams      %d of %d rank%s", info.nteams, info.size, info.size > 1 ? "s" : ""));
  if (asked)
    PetscCall(PetscPrintf(comm, ", as -bilevel_team_size says\n"));
  else
    PetscCall(PetscPrintf(comm,
                          ": least ceil(samples/teams) (1 + (ranks - 1)/20)/ranks with at most %" FENINT_FMT
                          " part%s of a sample\n",
                          n->parts, n->parts > 1 ? "s" : ""));
  PetscFunctionReturn(0);
}

static PetscErrorCode PrintHeader(FenRun *base)
{
  FenBilevelRun         *run = (FenBilevelRun *)base;
  const FenBilevelSizes *n = &run->sizes;
  MPI_Comm               comm = base->cli->comm;
  FenBilevelParameters   p;
  const char            *type, *lower;
  char                   memory[32];
  double                 bytes, tol;
  FenInt                 max_it;

  PetscFunctionBegin;
  PetscCall(FenSolverGetType(base->solver, &type));
  PetscCall(FenSolverGetTolerances(base->solver, NULL, &tol, &max_it));
  PetscCall(FenBilevelGetParameters(run->bilevel, &p));
  PetscCall(FenBilevelGetMemoryEstimate(run->bilevel, &bytes));
  PetscCall(FenCLIBytesText_Private(bytes, memory, sizeof(memory)));
  PetscCall(PetscPrintf(comm,
                        "  problem    %s: %" FENINT_FMT " sample%s of %" FENINT_FMT " x %" FENINT_FMT
                        " numbers, %" FENINT_FMT " hyperparameters, upper level %s\n",
                        run->opt->source.problem, n->samples, n->samples > 1 ? "s" : "", n->rows, n->width, n->p,
                        FenBilevelUppers[p.upper]));
  PetscCall(PrintTeams(run));
  PetscCall(PetscPrintf(comm, "  method     %s, at most %" FENINT_FMT " decisions", type, max_it));
  if (tol > 0)
    PetscCall(PetscPrintf(comm, ", hypergradient <= %g", tol));
  PetscCall(PetscPrintf(comm, "\n  memory     about %s a rank beside the data\n", memory));
  PetscCall(FenBilevelGetLowerName(run->bilevel, &lower)); /* takes the memory */
  PetscCall(PetscPrintf(comm, "  lower      %s%s\n", lower, strcmp(p.lower, "auto") ? "" : " (chosen)"));
  PetscFunctionReturn(0);
}

/* the same options on other samples */
static PetscErrorCode Validate(FenBilevelRun *run, const double theta[])
{
  const FenBilevelSource source = run->opt->source;
  FenBilevelSource       other = {.train = ""};
  FenBilevelProblem      problem;
  FenBilevelSizes        size;
  FenBilevelPart         part;
  double                *moved;

  PetscFunctionBegin;
  PetscCall(PetscStrncpy(other.problem, source.problem, sizeof(other.problem)));
  PetscCall(PetscStrncpy(other.train, source.valid, sizeof(other.train)));
  PetscCall(FenBilevelSourceMake_Private(run->run.cli->comm, &other, &problem));
  PetscCall(FenBilevelProblemGetSizes(problem, &size));
  PetscCheck(size.p == run->sizes.p, run->run.cli->comm, (PetscErrorCode)FEN_ERR_SHAPE,
             "-valid %s makes a problem of %" FENINT_FMT " hyperparameters, -train one of %" FENINT_FMT, source.valid,
             size.p, run->sizes.p);
  PetscCall(FenBilevelProblemSetSampleSet(problem, 1));
  PetscCall(FenBilevelTrialSetUp_Private(problem));
  PetscCall(FenBilevelProblemGetPart(problem, &part));
  PetscCall(PetscMalloc1((size_t)(part.theta1 - part.theta0) + 1, &moved));
  PetscCall(FenBilevelThetaMove_Private(run->problem, theta, problem, moved));
  PetscCall(FenBilevelTrialSolve_Private(problem, moved, (double)run->opt->accuracy, &run->valid));
  PetscCall(FenBilevelProblemDestroy(&problem));
  PetscCall(PetscFree(moved));
  run->has_valid = PETSC_TRUE;
  PetscFunctionReturn(0);
}

static PetscErrorCode Certify(FenRun *base, PetscBool hurry)
{
  FenBilevelRun       *run = (FenBilevelRun *)base;
  const FenBilevelOps *call;
  const double        *theta, *x;

  PetscFunctionBegin;
  PetscCall(FenBilevelGetBounds(run->bilevel, &run->bounds));
  if (hurry) /* saved and told to stop: what the last decision knew has to do */
    PetscFunctionReturn(0);
  if (base->reason == FEN_STOPPED && isfinite(base->progress.upper))
    PetscCall(FenBilevelComputeBounds(run->bilevel, &run->bounds));
  base->lower = run->bounds.lower;
  base->upper = run->bounds.upper;
  PetscCall(FenBilevelProblemGetOps(run->problem, &call));
  PetscCall(FenBilevelGetTheta(run->bilevel, &theta));
  PetscCall(FenBilevelGetLower(run->bilevel, &x));
  PetscCall(FenBilevelTrialTake_Private(run->problem, theta, x, &run->train));
  run->has_train = PETSC_TRUE;
  if (call->data && run->opt->source.valid[0])
    PetscCall(Validate(run, theta));
  PetscFunctionReturn(0);
}

static PetscErrorCode Destroy(FenRun *base)
{
  FenBilevelRun *run = (FenBilevelRun *)base;

  PetscFunctionBegin;
  if (run->has_train)
    PetscCall(FenBilevelTrialDestroy_Private(&run->train));
  if (run->has_valid)
    PetscCall(FenBilevelTrialDestroy_Private(&run->valid));
  PetscCall(FenBilevelDestroy(&run->bilevel));
  PetscCall(FenBilevelProblemDestroy(&run->problem));
  PetscFunctionReturn(0);
}

static const FenRunOps ops = {.parameter = NULL,
                              .read = MakeProblem,
                              .make = MakeSolver,
                              .header = PrintHeader,
                              .keys = FenBilevelKeys_Private,
                              .certify = Certify,
                              .write = FenBilevelWrite_Private,
                              .footer = NULL,
                              .summarise = FenBilevelSummarise_Private,
                              .destroy = Destroy};

PetscErrorCode FenVerbBilevel_Private(FenCLI *cli, int *status)
{
  FenBilevelOptions options;
  FenBilevelRun run = {.run = {.cli = cli, .ops = &ops, .out = &options.out, .ckpt = &options.ckpt}, .opt = &options};

  PetscFunctionBegin;
  PetscCall(FenBilevelOptionsRead_Private(cli, &options));
  PetscCall(FenCLIOptionsCheck_Private(cli));
  PetscCall(FenBilevelOptionsCheck_Private(cli, &options));
  if (options.apply[0])
    PetscCall(FenBilevelApply_Private(cli, &options, status));
  else
    PetscCall(FenRunExecute_Private(&run.run, status));
  PetscFunctionReturn(0);
}
