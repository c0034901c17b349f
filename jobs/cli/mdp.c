/* SPDX-License-Identifier: BSD-2-Clause */
/*
   fenchel mdp: reads or makes a model, solves, certifies, writes.
*/
#include "linearrun.h"

#define GIVE_LIMIT 64e6 /* bytes of rows from which on memory matters */

static PetscErrorCode ReadProblem(FenRun *base)
{
  FenMDPRun *run = (FenMDPRun *)base;

  PetscFunctionBegin;
  PetscCall(FenMDPSourceRead_Private(base->cli->comm, &run->opt->source, &run->model));
  PetscCall(FenMDPModelGetSizes(run->model, &run->sizes));
  PetscFunctionReturn(0);
}

/* rows that no output needs, of models whose size matters, are the solver's */
static PetscErrorCode GiveRows(FenMDPRun *run)
{
  const double    bytes = 16 * (double)run->sizes.nnz;
  const PetscBool kept = (PetscBool)(run->opt->store_model_set && run->opt->store_model);

  PetscFunctionBegin;
  PetscCall(FenMDPModelSetExpendable(run->model, (PetscBool)(bytes >= GIVE_LIMIT && !kept)));
  PetscFunctionReturn(0);
}

static PetscErrorCode MakeSolver(FenRun *base)
{
  FenMDPRun *run = (FenMDPRun *)base;

  PetscFunctionBegin;
  if (base->ckpt->dir[0] ||
      base->out->result[0]) /* a pass over all rows, for those who will read it, while they last */
    PetscCall(FenMDPModelFingerprint(run->model, &run->print));
  PetscCall(GiveRows(run));
  PetscCall(FenMDPCreate(base->cli->comm, &run->mdp));
  base->solver = (FenSolver)run->mdp;
  PetscCall(FenMDPSetModel(run->mdp, run->model));
  PetscCall(FenMDPSetFromOptions(run->mdp));
  if (run->opt->kernel) /* its rows are of the model's states */
    PetscCall(FenMDPSetPartition(run->mdp, FEN_MDP_PARTITION_NONE));
  PetscFunctionReturn(0);
}

static PetscErrorCode PrintModel(FenMDPRun *run)
{
  MPI_Comm           comm = run->run.cli->comm;
  const FenMDPSizes *n = &run->sizes;
  char               source[PETSC_MAX_PATH_LEN + 64];
  FenMDPSense        sense;
  FenMDPCriterion    criterion;
  FenInt             horizon;
  double             discount;

  PetscFunctionBegin;
  PetscCall(FenMDPSourceDescribe_Private(&run->opt->source, source, sizeof(source)));
  PetscCall(FenMDPModelGetSense(run->model, &sense));
  PetscCall(FenMDPModelGetCriterion(run->model, &criterion, &horizon));
  PetscCall(FenMDPGetDiscount(run->mdp, &discount));
  PetscCall(PetscPrintf(
      comm, "  model      %s: %" FENINT_FMT " states, %" FENINT_FMT " rows, %" FENINT_FMT " probabilities\n", source,
      n->states, n->rows, n->nnz));
  PetscCall(PetscPrintf(comm, "  criterion  %s, %s", FenMDPSenses[sense], FenMDPCriteria[criterion]));
  if (criterion == FEN_MDP_FINITE)
    PetscCall(PetscPrintf(comm, ", %" FENINT_FMT " steps", horizon));
  if (discount >= 0 && criterion != FEN_MDP_AVERAGE)
    PetscCall(PetscPrintf(comm, ", discount %.10g", discount));
  PetscCall(PetscPrintf(comm, "\n"));
  PetscFunctionReturn(0);
}

static PetscErrorCode PrintAmbiguity(FenMDPRun *run)
{
  MPI_Comm     comm = run->run.cli->comm;
  FenAmbiguity a;

  PetscFunctionBegin;
  PetscCall(FenMDPGetAmbiguity(run->mdp, &a));
  PetscCall(PetscPrintf(comm, "  ambiguity  %s", a.name));
  if (a.radius > 0)
    PetscCall(PetscPrintf(comm, ", radius %g", a.radius));
  else if (a.penalty > 0)
    PetscCall(PetscPrintf(comm, ", penalty %g", a.penalty));
  else if (!strcmp(a.name, "interval"))
    PetscCall(PetscPrintf(comm, "s of the model"));
  if (a.rectangular == FEN_RECTANGULAR_S)
    PetscCall(PetscPrintf(comm, ", one budget for all actions of a state"));
  if (a.support != FEN_SUPPORT_NOMINAL)
    PetscCall(PetscPrintf(comm, ", support %s", FenSupports[a.support]));
  PetscCall(PetscPrintf(comm, "\n"));
  PetscFunctionReturn(0);
}

static PetscErrorCode PrintHeader(FenRun *base)
{
  FenMDPRun  *run = (FenMDPRun *)base;
  MPI_Comm    comm = base->cli->comm;
  const char *type;
  char        memory[32];
  double      bytes, gap_rel, gap;
  FenInt      max_it;

  PetscFunctionBegin;
  PetscCall(PrintModel(run));
  PetscCall(PrintAmbiguity(run));
  PetscCall(FenSolverGetType(base->solver, &type));
  PetscCall(FenSolverGetTolerances(base->solver, &gap_rel, &gap, &max_it));
  PetscCall(FenMDPGetMemoryEstimate(run->mdp, &bytes));
  PetscCall(FenCLIBytesText_Private(bytes, memory, sizeof(memory)));
  PetscCall(PetscPrintf(comm, "  method     %s, at most %" FENINT_FMT " iterations", type, max_it));
  if (gap_rel > 0)
    PetscCall(PetscPrintf(comm, ", gap_rel <= %g", gap_rel));
  if (gap > 0)
    PetscCall(PetscPrintf(comm, ", gap <= %g", gap));
  PetscCall(PetscPrintf(comm, "\n  memory     about %s a rank beside the model\n", memory));
  PetscFunctionReturn(0);
}

/* what a checkpoint must have in common with the run that goes on from it; tolerances may change, the problem may not
 */
static PetscErrorCode AddKeys(FenRun *base, FenKeys *keys)
{
  FenMDPRun   *run = (FenMDPRun *)base;
  const char  *type;
  double       discount;
  FenAmbiguity a;

  PetscFunctionBegin;
  PetscCall(FenSolverGetType(base->solver, &type));
  PetscCall(FenMDPGetDiscount(run->mdp, &discount));
  PetscCall(FenMDPGetAmbiguity(run->mdp, &a));
  PetscCall(FenKeysAdd_Private(keys, "verb", base->cli->verb));
  PetscCall(FenKeysAdd_Private(keys, "-mdp_type", type));
  PetscCall(FenKeysAddReal_Private(keys, "-mdp_discount", discount));
  PetscCall(FenKeysAdd_Private(keys, "-mdp_ambiguity", a.name));
  PetscCall(FenKeysAddReal_Private(keys, "-mdp_alpha", a.alpha));
  PetscCall(FenKeysAddReal_Private(keys, "-mdp_radius", a.radius));
  PetscCall(FenKeysAddReal_Private(keys, "-mdp_penalty", a.penalty));
  PetscCall(FenKeysAdd_Private(keys, "-mdp_rectangular", FenRectangulars[a.rectangular]));
  PetscCall(FenKeysAdd_Private(keys, "-mdp_support", FenSupports[a.support]));
  PetscCall(FenKeysAdd_Private(keys, "-mdp_distance", FenDistances[a.distance]));
  PetscCall(FenKeysAddReal_Private(keys, "-mdp_distance_scale", a.distance_scale));
  PetscCall(FenKeysAddReal_Private(keys, "-mdp_distance_power", a.distance_power));
  PetscCall(FenKeysAddFingerprint_Private(keys, "model content", &run->print));
  PetscFunctionReturn(0);
}

/* the solver's certificate is made of the last sweep: it costs nothing, in a hurry or not */
static PetscErrorCode Certify(FenRun *base, PetscBool hurry)
{
  FenMDPRun *run = (FenMDPRun *)base;

  (void)hurry;
  PetscFunctionBegin;
  PetscCall(FenMDPGetBounds(run->mdp, &run->bounds));
  base->lower = run->bounds.lower;
  base->upper = run->bounds.upper;
  PetscFunctionReturn(0);
}

static PetscErrorCode PrintChoice(FenRun *base)
{
  const char *type, *why;

  PetscFunctionBegin;
  PetscCall(FenMDPGetChoice(((FenMDPRun *)base)->mdp, &type, &why));
  if (why[0])
    PetscCall(PetscPrintf(base->cli->comm, "  chosen: %s, because %s\n", type, why));
  PetscFunctionReturn(0);
}

static PetscErrorCode Summarise(FenRun *base, FenSummary *s)
{
  FenMDPRun         *run = (FenMDPRun *)base;
  const FenMDPSizes *n = &run->sizes;
  const char        *method;
  double             discount, sweeps, matvecs;
  FenAmbiguity       a;

  PetscFunctionBegin;
  PetscCall(FenMDPGetDiscount(run->mdp, &discount));
  PetscCall(FenMDPGetWork(run->mdp, &sweeps, &matvecs));
  PetscCall(FenMDPGetAmbiguity(run->mdp, &a));
  PetscCall(FenMDPGetChoice(run->mdp, &method, NULL));
  PetscCall(FenSummaryInt_Private(s, "states", n->states));
  PetscCall(FenSummaryInt_Private(s, "actions", n->actions));
  PetscCall(FenSummaryInt_Private(s, "rows", n->rows));
  PetscCall(FenSummaryInt_Private(s, "nnz", n->nnz));
  PetscCall(FenSummaryReal_Private(s, "discount", discount));
  PetscCall(FenSummaryReal_Private(s, "policy_gap", run->bounds.policy_gap));
  PetscCall(FenSummaryReal_Private(s, "value_error", run->bounds.value_error));
  PetscCall(FenSummaryInt_Private(s, "sweeps", (FenInt)sweeps));
  PetscCall(FenSummaryInt_Private(s, "matvecs", (FenInt)matvecs));
  PetscCall(FenSummaryText_Private(s, "ambiguity", a.name));
  PetscCall(FenSummaryReal_Private(s, "radius", a.radius));
  PetscCall(FenSummaryReal_Private(s, "penalty", a.penalty));
  PetscCall(FenSummaryText_Private(s, "method", method));
  PetscFunctionReturn(0);
}

static PetscErrorCode Destroy(FenRun *base)
{
  FenMDPRun *run = (FenMDPRun *)base;

  PetscFunctionBegin;
  PetscCall(FenMDPDestroy(&run->mdp));
  PetscCall(FenMDPModelDestroy(&run->model));
  PetscFunctionReturn(0);
}

static const FenRunOps ops = {.read = ReadProblem,
                              .make = MakeSolver,
                              .header = PrintHeader,
                              .keys = AddKeys,
                              .certify = Certify,
                              .write = FenMDPWrite_Private,
                              .side = FenMDPXDMF_Private,
                              .footer = PrintChoice,
                              .summarise = Summarise,
                              .destroy = Destroy};

PetscErrorCode FenVerbMDP_Private(FenCLI *cli, int *status)
{
  FenMDPOptions options;
  FenMDPRun     run = {.run = {.cli = cli, .ops = &ops, .out = &options.out, .ckpt = &options.ckpt}, .opt = &options};
  char          shape[16] = "";

  PetscFunctionBegin;
  PetscCall(PetscOptionsGetString(NULL, NULL, "-mdp_rectangular", shape, sizeof(shape), NULL));
  PetscCheck(!shape[0] || !strcmp(shape, "sa") || !strcmp(shape, "s") || !strcmp(shape, "d"), cli->comm,
             (PetscErrorCode)FEN_ERR_OPTION, "-mdp_rectangular %s: there are sa, s, d", shape);
  if (!strcmp(shape, "d")) { /* linear models are a family of their own */
    PetscCall(FenVerbLinear_Private(cli, status));
    PetscFunctionReturn(0);
  }
  PetscCall(FenMDPOptionsRead_Private(cli, &options));
  PetscCall(FenCLIOptionsCheck_Private(cli));
  PetscCall(FenMDPOptionsCheck_Private(cli, &options));
  PetscCall(FenRunExecute_Private(&run.run, status));
  PetscFunctionReturn(0);
}
