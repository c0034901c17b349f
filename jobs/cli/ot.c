/* SPDX-License-Identifier: BSD-2-Clause */
/*
   fenchel ot: reads two measures, solves, certifies, writes.
*/
#include "otpairs.h"
#include <math.h>

static PetscErrorCode ReadProblem(FenRun *base)
{
  FenOTRun     *run = (FenOTRun *)base;
  FenCLI       *cli = base->cli;
  FenOTOptions *o = run->opt;

  PetscFunctionBegin;
  PetscCall(FenMeasureRead(cli->comm, &o->source, &run->source));
  PetscCall(FenMeasureRead(cli->comm, &o->target, &run->target));
  if (o->cost == FEN_COST_MATRIX) {
    FenLayout rows, cols;

    PetscCall(FenMeasureGetLayout(run->source, &rows));
    PetscCall(FenMeasureGetLayout(run->target, &cols));
    PetscCall(FenCostReadMatrix(rows, cols, o->cost_matrix, &run->cost));
  } else if (o->cost == FEN_COST_POWER) {
    PetscCall(FenCostCreatePower(cli->comm, (double)o->cost_power, &run->cost));
  } else {
    PetscCall(FenCostCreate(cli->comm, o->cost, &run->cost));
  }
  PetscCall(FenCostCheck(run->cost, run->source, run->target));
  PetscFunctionReturn(0);
}

/* exact marginals need equal masses; penalised ones take the weights as they are, unless they are to be scaled */
static PetscErrorCode Balance(FenOTRun *run)
{
  FenMarginalKind kind[2];
  double          rho[2];

  PetscFunctionBegin;
  PetscCall(FenOTGetMarginalPenalty(run->ot, kind, rho));
  if (run->opt->normalize || (kind[0] == FEN_MARGINAL_EQUALITY && kind[1] == FEN_MARGINAL_EQUALITY))
    PetscCall(FenMeasureBalance(run->source, run->target, run->opt->normalize));
  PetscFunctionReturn(0);
}

static PetscErrorCode MakeSolver(FenRun *base)
{
  FenOTRun *run = (FenOTRun *)base;

  PetscFunctionBegin;
  PetscCall(FenOTCreate(base->cli->comm, &run->ot));
  base->solver = (FenSolver)run->ot;
  PetscCall(FenOTSetMeasures(run->ot, run->source, run->target));
  PetscCall(FenOTSetCost(run->ot, run->cost));
  PetscCall(FenOTSetFromOptions(run->ot));
  PetscCall(Balance(run));
  PetscCall(FenOTCheckFields_Private(run));
  PetscFunctionReturn(0);
}

static PetscErrorCode PrintMarginals(FenOTRun *run)
{
  static const char *const names[2] = {"source", "target"};
  FenMarginalKind          kind[2];
  FenMeasure               measure[2] = {run->source, run->target};
  double                   rho[2], mass;

  PetscFunctionBegin;
  PetscCall(FenOTGetMarginalPenalty(run->ot, kind, rho));
  if (kind[0] == FEN_MARGINAL_EQUALITY && kind[1] == FEN_MARGINAL_EQUALITY)
    PetscFunctionReturn(0);
  for (int s = 0; s < 2; s++) {
    PetscCall(FenMeasureGetTotal(measure[s], &mass));
    PetscCall(
        PetscPrintf(run->run.cli->comm, s ? ", %s %s" : "  marginals  %s %s", names[s], FenMarginalKinds[kind[s]]));
    if (kind[s] != FEN_MARGINAL_EQUALITY)
      PetscCall(PetscPrintf(run->run.cli->comm, " rho %g", rho[s]));
    PetscCall(PetscPrintf(run->run.cli->comm, " (mass %g)", mass));
  }
  PetscCall(PetscPrintf(run->run.cli->comm, "\n"));
  PetscFunctionReturn(0);
}

static PetscErrorCode PrintHeader(FenRun *base)
{
  FenOTRun   *run = (FenOTRun *)base;
  MPI_Comm    comm = base->cli->comm;
  const char *type;
  char        source[128], target[128], memory[32];
  double      eps, bytes, most, gap, residual;
  FenInt      max_it;
  FenCostKind cost;

  PetscFunctionBegin;
  PetscCall(FenOTDescribe_Private(run->source, source, sizeof(source)));
  PetscCall(FenOTDescribe_Private(run->target, target, sizeof(target)));
  PetscCall(FenOTGetEpsilon(run->ot, &eps));
  PetscCall(FenSolverGetType((FenSolver)run->ot, &type));
  PetscCall(FenSolverGetTolerances((FenSolver)run->ot, &gap, &residual, &max_it));
  PetscCall(FenOTGetMemoryEstimate(run->ot, &bytes, &most));
  PetscCall(FenCLIBytesText_Private(bytes, memory, sizeof(memory)));
  PetscCall(FenCostGetKind(run->cost, &cost));
  PetscCall(PetscPrintf(comm, "  source     %s: %s\n", run->opt->source.spec, source));
  PetscCall(PetscPrintf(comm, "  target     %s: %s\n", run->opt->target.spec, target));
  PetscCall(PetscPrintf(comm, "  problem    cost %s, ", FenCostKinds[cost]));
  if (cost == FEN_COST_POWER)
    PetscCall(PetscPrintf(comm, "p %g, ", (double)run->opt->cost_power));
  PetscCall(PetscPrintf(comm, "eps %g\n", eps));
  PetscCall(PrintMarginals(run));
  PetscCall(PetscPrintf(comm, "  method     %s, at most %" FENINT_FMT " iterations", type, max_it));
  if (gap > 0)
    PetscCall(PetscPrintf(comm, ", gap_rel <= %g", gap));
  if (residual > 0)
    PetscCall(PetscPrintf(comm, ", marginal error <= %g", residual));
  PetscCall(PetscPrintf(comm, "\n  memory     about %s a rank", memory));
  if (most > bytes) {
    PetscCall(FenCLIBytesText_Private(most, memory, sizeof(memory)));
    PetscCall(PetscPrintf(comm, ", %s if cells have to help", memory));
  }
  PetscCall(PetscPrintf(comm, "\n"));
  PetscFunctionReturn(0);
}

static PetscErrorCode Certify(FenRun *base, PetscBool hurry)
{
  FenOTRun    *run = (FenOTRun *)base;
  FenOTBounds *b = &run->bounds;
  double       scale;

  PetscFunctionBegin;
  if (hurry) {
    b->lower = base->progress.lower;
    b->upper = base->progress.upper;
    b->marginal_error = base->progress.residual;
    b->ot_lower = b->ot_upper = b->cost = b->slack = b->mass = NAN;
  } else {
    PetscCall(FenOTComputeBounds(run->ot, b));
  }
  base->lower = b->lower;
  base->upper = b->upper;
  scale = fmax(fabs(b->lower), fabs(b->upper));
  base->gap_rel = scale > 0 ? (b->upper - b->lower) / scale : b->upper - b->lower;
  if (scale <= 4 * b->slack) /* the optimum is zero, but for rounding */
    base->gap_rel = 0;
  PetscFunctionReturn(0);
}

static PetscErrorCode Destroy(FenRun *base)
{
  FenOTRun *run = (FenOTRun *)base;

  PetscFunctionBegin;
  PetscCall(FenOTDestroy(&run->ot));
  PetscCall(FenCostDestroy(&run->cost));
  PetscCall(FenMeasureDestroy(&run->source));
  PetscCall(FenMeasureDestroy(&run->target));
  PetscFunctionReturn(0);
}

static const FenRunOps ops = {.parameter = "eps",
                              .read = ReadProblem,
                              .make = MakeSolver,
                              .header = PrintHeader,
                              .keys = FenOTKeys_Private,
                              .certify = Certify,
                              .write = FenOTWrite_Private,
                              .side = FenOTXDMF_Private,
                              .summarise = FenOTSummarise_Private,
                              .destroy = Destroy};

void FenOTRunBegin_Private(FenCLI *cli, FenOTOptions *o, FenOTRun *run)
{
  *run = (FenOTRun){.run = {.cli = cli, .ops = &ops, .out = &o->out, .ckpt = &o->ckpt}, .opt = o};
}

PetscErrorCode FenVerbOT_Private(FenCLI *cli, int *status)
{
  FenOTOptions options;
  FenOTRun     run;
  FenOTPairs   pairs;

  PetscFunctionBegin;
  PetscCall(FenOTOptionsRead_Private(cli, &options));
  PetscCall(FenCLIOptionsCheck_Private(cli));
  PetscCall(FenOTOptionsCheck_Private(cli, &options));
  PetscCall(FenOTPairsMake_Private(cli, &options, &pairs));
  if (pairs.n > 1) {
    PetscCall(FenOTPairsRun_Private(cli, &options, &pairs, status));
  } else {
    PetscCall(FenOTPairsName_Private(&pairs, 0, &options));
    PetscCall(FenOutputsCheck_Private(cli, &options.out));
    FenOTRunBegin_Private(cli, &options, &run);
    PetscCall(FenRunExecute_Private(&run.run, status));
  }
  PetscCall(FenOTPairsDestroy_Private(&pairs));
  PetscFunctionReturn(0);
}
