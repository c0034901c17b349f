/* SPDX-License-Identifier: BSD-2-Clause */
/*
   fenchel mdp -mdp_rectangular d: reads or records trajectories, learns a policy, evaluates it, writes.
*/
#include "linearrun.h"
#include <math.h>

PetscErrorCode FenLinearSourceRead_Private(MPI_Comm comm, const FenLinearSource *source, PetscBool data,
                                           FenLinearProblem *problem, FenTrajectories *trajectories)
{
  PetscFunctionBegin;
  *problem = NULL;
  *trajectories = NULL;
  if (source->file[0])
    PetscCall(FenTrajectoriesRead(comm, source->file, trajectories));
  else {
    PetscCall(FenLinearProblemCreate(comm, source->problem, NULL, problem));
    if (data)
      PetscCall(FenTrajectoriesGenerate(comm, *problem, trajectories));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode ReadData(FenRun *base)
{
  FenLinearRun *run = (FenLinearRun *)base;
  char          type[64] = "";

  PetscFunctionBegin;
  PetscCall(PetscOptionsGetString(NULL, NULL, "-mdp_type", type, sizeof(type), NULL));
  PetscCall(FenLinearSourceRead_Private(base->cli->comm, &run->opt->source, (PetscBool)strcmp(type, FENLINEARMDPEXACT),
                                        &run->problem, &run->data));
  if (run->opt->save[0]) {
    PetscCheck(run->data, base->cli->comm, (PetscErrorCode)FEN_ERR_USAGE,
               "-save_trajectories: -mdp_type exact records none");
    PetscCall(FenTrajectoriesWrite(run->data, run->opt->save, base->out->overwrite));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode MakeSolver(FenRun *base)
{
  FenLinearRun *run = (FenLinearRun *)base;

  PetscFunctionBegin;
  PetscCall(FenLinearMDPCreate(base->cli->comm, &run->mdp));
  base->solver = (FenSolver)run->mdp;
  if (run->problem)
    PetscCall(FenLinearMDPSetProblem(run->mdp, run->problem));
  if (run->data)
    PetscCall(FenLinearMDPSetTrajectories(run->mdp, run->data));
  PetscCall(FenLinearMDPSetFromOptions(run->mdp));
  PetscFunctionReturn(0);
}

static PetscErrorCode Sizes(FenLinearRun *run, FenTrajectoriesSizes *n)
{
  PetscFunctionBegin;
  if (run->data)
    PetscCall(FenTrajectoriesGetSizes(run->data, n));
  else
    *n = run->problem->sizes;
  if (!run->data)
    n->count = 0;
  PetscFunctionReturn(0);
}

static PetscErrorCode PrintHeader(FenRun *base)
{
  FenLinearRun          *run = (FenLinearRun *)base;
  const FenLinearSource *source = &run->opt->source;
  MPI_Comm               comm = base->cli->comm;
  FenTrajectoriesSizes   n;
  FenLinearMDPParameters p;
  FenAmbiguity           a;
  const char            *type;
  char                   memory[32];
  double                 bytes;

  PetscFunctionBegin;
  PetscCall(Sizes(run, &n));
  PetscCall(FenLinearMDPGetAmbiguity(run->mdp, &a));
  PetscCall(FenLinearMDPGetParameters(run->mdp, &p));
  PetscCall(FenSolverGetType(base->solver, &type));
  PetscCall(FenLinearMDPGetMemoryEstimate(run->mdp, &bytes));
  PetscCall(FenCLIBytesText_Private(bytes, memory, sizeof(memory)));
  PetscCall(PetscPrintf(comm, "  data       %s %s: ", source->file[0] ? "file" : "problem",
                        source->file[0] ? source->file : source->problem));
  if (run->data)
    PetscCall(PetscPrintf(comm, "%" FENINT_FMT " trajectories, ", n.count));
  PetscCall(PetscPrintf(comm, "%" PetscInt_FMT " steps, %" PetscInt_FMT " actions%s, %" PetscInt_FMT " features\n",
                        n.horizon, n.actions, n.stop ? " and stopping" : "", n.features));
  PetscCall(PetscPrintf(comm, "  ambiguity  %s, d-rectangular", a.name));
  if (a.radius > 0 || a.penalty > 0)
    PetscCall(PetscPrintf(comm, ", %s %g", a.radius > 0 ? "radius" : "penalty", a.radius > 0 ? a.radius : a.penalty));
  PetscCall(PetscPrintf(comm, "\n  method     %s", type));
  if (run->data)
    PetscCall(PetscPrintf(comm, ", ridge %g, pessimism %g", p.ridge, p.pessimism));
  if (p.published != FEN_PUBLISHED_NONE)
    PetscCall(PetscPrintf(comm, ", as the published program for %s", FenPublishedNames[p.published]));
  PetscCall(PetscPrintf(comm, "\n  memory     about %s a rank beside the data\n", memory));
  PetscFunctionReturn(0);
}

PetscErrorCode FenLinearFingerprint_Private(FenLinearRun *run)
{
  const FenLinearProblem p = run->problem;

  PetscFunctionBegin;
  if (run->data) {
    PetscCall(FenTrajectoriesFingerprint(run->data, &run->print));
    PetscFunctionReturn(0);
  }
  run->print = (FenFingerprint){{0, 0}};
  if (run->run.cli->rank == 0) { /* exact: tables and factors */
    const FenInt table = (FenInt)p->sizes.horizon * p->sizes.features;
    double      *law;

    FenFingerprintDoubles(&run->print, 0, table, p->theta);
    FenFingerprintDoubles(&run->print, table, table, p->radius_scale);
    PetscCall(PetscMalloc1((size_t)p->nstates + 1, &law));
    for (FenInt k = 0; p->nstates && k < table; k++) {
      (*p->factor)(p, (PetscInt)(k / p->sizes.features), (PetscInt)(k % p->sizes.features), law);
      FenFingerprintDoubles(&run->print, 2 * table + k * p->nstates, p->nstates, law);
    }
    PetscCall(PetscFree(law));
  }
  PetscCall(FenFingerprintReduce(run->run.cli->comm, &run->print));
  PetscFunctionReturn(0);
}

/* what a checkpoint must have in common with the run that goes on from it */
static PetscErrorCode AddKeys(FenRun *base, FenKeys *keys)
{
  FenLinearRun          *run = (FenLinearRun *)base;
  FenLinearMDPParameters p;
  FenAmbiguity           a;
  const char            *type;

  PetscFunctionBegin;
  PetscCall(FenLinearFingerprint_Private(run));
  PetscCall(FenSolverGetType(base->solver, &type));
  PetscCall(FenLinearMDPGetAmbiguity(run->mdp, &a));
  PetscCall(FenLinearMDPGetParameters(run->mdp, &p));
  PetscCall(FenKeysAdd_Private(keys, "verb", base->cli->verb));
  PetscCall(FenKeysAdd_Private(keys, "-mdp_rectangular", "d"));
  PetscCall(FenKeysAdd_Private(keys, "-mdp_type", type));
  PetscCall(FenKeysAdd_Private(keys, "-mdp_ambiguity", a.name));
  PetscCall(FenKeysAddReal_Private(keys, "-mdp_alpha", a.alpha));
  PetscCall(FenKeysAddReal_Private(keys, "-mdp_radius", a.radius));
  PetscCall(FenKeysAddReal_Private(keys, "-mdp_penalty", a.penalty));
  PetscCall(FenKeysAddReal_Private(keys, "-mdp_ridge", p.ridge));
  PetscCall(FenKeysAddReal_Private(keys, "-mdp_pessimism", p.pessimism));
  PetscCall(FenKeysAddReal_Private(keys, "-mdp_clip", p.clip));
  PetscCall(FenKeysAddReal_Private(keys, "-mdp_correction", p.correction));
  PetscCall(FenKeysAddReal_Private(keys, "-mdp_split", p.split));
  PetscCall(FenKeysAdd_Private(keys, "-mdp_published", FenPublishedNames[p.published]));
  PetscCall(FenKeysAddFingerprint_Private(keys, "data content", &run->print));
  PetscFunctionReturn(0);
}

/* mean and standard error over replications */
static PetscErrorCode Evaluate(FenLinearRun *run)
{
  FenLinearEvaluation *e = &run->opt->evaluation;
  const FenInt         R = e->replications;

  PetscFunctionBegin;
  if (!run->opt->ntargets_set) {
    e->ntargets = run->problem->ntargets;
    for (PetscInt t = 0; t < e->ntargets; t++)
      run->opt->targets[t] = run->problem->targets[t];
  }
  PetscCall(PetscMalloc1((size_t)R * (size_t)e->ntargets, &run->returns));
  PetscCall(FenLinearMDPReplicate(run->mdp, run->problem, e, run->returns));
  for (PetscInt t = 0; t < e->ntargets; t++) {
    double sum = 0, squares = 0;

    for (FenInt r = 0; r < R; r++)
      sum += run->returns[r * e->ntargets + t];
    run->mean[t] = sum / (double)R;
    for (FenInt r = 0; r < R; r++)
      squares += PetscSqr(run->returns[r * e->ntargets + t] - run->mean[t]);
    run->error[t] = R > 1 ? sqrt(squares / (double)(R - 1) / (double)R) : NAN;
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode Certify(FenRun *base, PetscBool hurry)
{
  FenLinearRun *run = (FenLinearRun *)base;

  PetscFunctionBegin;
  PetscCall(FenLinearMDPGetBounds(run->mdp, &run->bounds));
  base->lower = run->bounds.lower;
  base->upper = run->bounds.upper;
  if (run->opt->evaluate && !hurry && (base->reason > 0 || base->reason == FEN_DIVERGED_STAGNATION))
    PetscCall(Evaluate(run));
  PetscFunctionReturn(0);
}

static PetscErrorCode PrintReturns(FenRun *base)
{
  FenLinearRun              *run = (FenLinearRun *)base;
  const FenLinearEvaluation *e = &run->opt->evaluation;

  PetscFunctionBegin;
  if (!run->returns)
    PetscFunctionReturn(0);
  PetscCall(PetscPrintf(base->cli->comm, "  %-18s %14s %14s   (%s; %" FENINT_FMT " replications, %s)\n", "target",
                        "mean reward", "std. error", run->problem->target, e->replications,
                        e->exact ? "expectations" : "sampled episodes"));
  for (PetscInt t = 0; t < e->ntargets; t++) {
    PetscCall(PetscPrintf(base->cli->comm, "  %-18.6g %14.6f", e->targets[t], run->mean[t]));
    if (isfinite(run->error[t]))
      PetscCall(PetscPrintf(base->cli->comm, " %14.6f\n", run->error[t]));
    else
      PetscCall(PetscPrintf(base->cli->comm, " %14s\n", "-"));
  }
  PetscFunctionReturn(0);
}

#define SUMMARY_TARGETS 11 /* more are in the result file only */

static PetscErrorCode SummariseReturns(FenLinearRun *run, FenSummary *s)
{
  const FenLinearEvaluation *e = &run->opt->evaluation;

  PetscFunctionBegin;
  PetscCall(FenSummaryInt_Private(s, "replications", run->returns ? e->replications : 0));
  if (!run->returns)
    PetscFunctionReturn(0);
  for (PetscInt t = 0; t < PetscMin(e->ntargets, SUMMARY_TARGETS); t++) {
    char *mean = run->keys[2 * t], *error = run->keys[2 * t + 1];

    (void)snprintf(mean, sizeof(run->keys[0]), "reward_%g", e->targets[t]);
    (void)snprintf(error, sizeof(run->keys[0]), "reward_%g_error", e->targets[t]);
    PetscCall(FenSummaryReal_Private(s, mean, run->mean[t]));
    PetscCall(FenSummaryReal_Private(s, error, run->error[t]));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode Summarise(FenRun *base, FenSummary *s)
{
  FenLinearRun          *run = (FenLinearRun *)base;
  FenTrajectoriesSizes   n;
  FenLinearMDPParameters p;
  FenAmbiguity           a;

  PetscFunctionBegin;
  PetscCall(Sizes(run, &n));
  PetscCall(FenLinearMDPGetAmbiguity(run->mdp, &a));
  PetscCall(FenLinearMDPGetParameters(run->mdp, &p));
  PetscCall(FenSummaryText_Private(s, "rectangular", "d"));
  PetscCall(FenSummaryInt_Private(s, "states", run->data ? n.count * n.horizon : run->problem->nstates));
  PetscCall(FenSummaryInt_Private(s, "trajectories", n.count));
  PetscCall(FenSummaryInt_Private(s, "horizon", n.horizon));
  PetscCall(FenSummaryInt_Private(s, "actions", n.actions));
  PetscCall(FenSummaryInt_Private(s, "features", n.features));
  PetscCall(FenSummaryReal_Private(s, "discount", 1));
  PetscCall(FenSummaryReal_Private(s, "value_error", run->bounds.value_error));
  PetscCall(FenSummaryReal_Private(s, "step_error", run->bounds.step_error));
  PetscCall(FenSummaryReal_Private(s, "ridge_error", run->bounds.ridge_error));
  PetscCall(FenSummaryInt_Private(s, "sweeps", base->progress.iteration));
  PetscCall(FenSummaryText_Private(s, "ambiguity", a.name));
  PetscCall(FenSummaryReal_Private(s, "radius", a.radius));
  PetscCall(FenSummaryReal_Private(s, "penalty", a.penalty));
  PetscCall(FenSummaryReal_Private(s, "ridge", p.ridge));
  PetscCall(FenSummaryReal_Private(s, "pessimism", p.pessimism));
  PetscCall(SummariseReturns(run, s));
  PetscFunctionReturn(0);
}

static PetscErrorCode Destroy(FenRun *base)
{
  FenLinearRun *run = (FenLinearRun *)base;

  PetscFunctionBegin;
  PetscCall(FenLinearMDPDestroy(&run->mdp));
  PetscCall(FenTrajectoriesDestroy(&run->data));
  PetscCall(FenLinearProblemDestroy(&run->problem));
  PetscCall(PetscFree(run->returns));
  PetscFunctionReturn(0);
}

static const FenRunOps ops = {.read = ReadData,
                              .make = MakeSolver,
                              .header = PrintHeader,
                              .keys = AddKeys,
                              .certify = Certify,
                              .write = FenLinearWrite_Private,
                              .footer = PrintReturns,
                              .summarise = Summarise,
                              .destroy = Destroy};

PetscErrorCode FenVerbLinear_Private(FenCLI *cli, int *status)
{
  FenLinearOptions options;
  FenLinearRun run = {.run = {.cli = cli, .ops = &ops, .out = &options.out, .ckpt = &options.ckpt}, .opt = &options};

  PetscFunctionBegin;
  PetscCall(FenLinearOptionsRead_Private(cli, &options));
  PetscCall(FenCLIOptionsCheck_Private(cli));
  PetscCall(FenLinearOptionsCheck_Private(cli, &options));
  PetscCall(FenRunExecute_Private(&run.run, status));
  PetscFunctionReturn(0);
}
