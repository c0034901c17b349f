/* SPDX-License-Identifier: BSD-2-Clause */
/*
   fenchel bilevel -apply RESULT.h5 -input DATA: learned hyperparameters on other data. Samples that are observations
   (images) are solved as they are; for a table the lower problem of the training data is solved again and measured on
   the new rows.
*/
#include "bilevelrun.h"

/* noise is in the input already, and it is taken whole */
static PetscErrorCode AsItIs(const char problem[], const char stored[], char text[], size_t length)
{
  char stem[80];

  PetscFunctionBegin;
  PetscCall(PetscStrncpy(stem, problem, sizeof(stem)));
  for (char *c = stem; *c; c++)
    *c = (char)(*c == '-' ? '_' : *c);
  PetscCall(PetscSNPrintf(text, length, "%s -%s_noise 0 -%s_count 0 -%s_crop 0 -%s_size 0 -%s_noisy ''", stored, stem,
                          stem, stem, stem, stem));
  PetscFunctionReturn(0);
}

/* by what the result's own problem is: it is made again to know */
static PetscErrorCode MakeProblem(FenCLI *cli, const FenBilevelOptions *o, FenBilevelSource *source,
                                  FenBilevelProblem *problem)
{
  FenFile              file;
  char                 stored[8192], text[8192 + 512];
  const FenBilevelOps *call;

  PetscFunctionBegin;
  PetscCall(FenFileOpen(cli->comm, o->apply, FEN_FILE_READ, &file));
  PetscCall(FenBilevelSourceRead_Private(file, source));
  PetscCall(FenFileReadStringAttribute(file, "/", "options", stored, sizeof(stored)));
  PetscCall(FenFileClose(&file));
  {
    FenBilevelSource table = *source;

    PetscCall(PetscStrncpy(table.valid, o->input, sizeof(table.valid)));
    PetscCall(AsItIs(source->problem, stored, text, sizeof(text)));
    PetscCall(PetscStrncpy(source->train, o->input, sizeof(source->train)));
    source->valid[0] = 0;
    PetscCall(FenBilevelSourceMakeLike_Private(cli->comm, source, text, problem));
    PetscCall(FenBilevelProblemGetOps(*problem, &call));
    if (call->data)
      PetscFunctionReturn(0);
    PetscCall(FenBilevelProblemDestroy(problem));
    PetscCall(FenBilevelSourceMakeLike_Private(cli->comm, &table, stored, problem));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode WriteHDF5(FenCLI *cli, const FenBilevelOptions *o, const FenBilevelSource *source,
                                const FenBilevelTrial *t)
{
  FenFile file;

  PetscFunctionBegin;
  PetscCall(FenFileOpen(cli->comm, o->out.result, o->out.overwrite ? FEN_FILE_REPLACE : FEN_FILE_CREATE, &file));
  PetscCall(FenFileWriteStringAttribute(file, "/", "format", "fenchel-applied"));
  PetscCall(FenFileWriteIntAttribute(file, "/", "format_version", 1));
  PetscCall(FenFileWriteStringAttribute(file, "/", "version", FEN_VERSION_STRING));
  PetscCall(FenFileWriteStringAttribute(file, "/", "problem", source->problem));
  PetscCall(FenFileWriteStringAttribute(file, "/", "result", o->apply));
  PetscCall(FenFileWriteStringAttribute(file, "/", "input", o->input));
  PetscCall(FenFileWriteRealAttribute(file, "/", "lower_accuracy", t->bounds.lower_accuracy));
  PetscCall(FenBilevelTrialWrite_Private(t, file, "/output", PETSC_TRUE));
  PetscCall(FenFileClose(&file));
  PetscFunctionReturn(0);
}

/* one sample of two axes */
static PetscErrorCode WritePNG(FenCLI *cli, const FenBilevelOptions *o, const FenBilevelTrial *t)
{
  FenBilevelSizes size;
  FenLayout       samples, grid;
  FenInt          shape[2], n;
  FenRedist       redist;
  FenLayout       from, to;
  double         *picture;

  PetscFunctionBegin;
  PetscCall(FenBilevelProblemGetSizes(t->problem, &size));
  PetscCheck(size.samples == 1 && size.width > 1, cli->comm, (PetscErrorCode)FEN_ERR_USAGE,
             "-o %s takes one picture, -input %s has %" FENINT_FMT " samples of %" FENINT_FMT " x %" FENINT_FMT
             ": name an .h5 file",
             o->out.result, o->input, size.samples, size.rows, size.width);
  shape[0] = size.rows;
  shape[1] = size.width;
  PetscCall(FenBilevelLowerLayout_Private(t->problem, &samples));
  PetscCall(FenLayoutGetLocalSize(samples, &n));
  PetscCall(FenLayoutCreateRowsLocal(cli->comm, n, &from));
  PetscCall(FenLayoutCreateGrid(cli->comm, 2, shape, NULL, &grid));
  PetscCall(FenLayoutGetLocalSize(grid, &n));
  PetscCall(FenLayoutCreateRowsLocal(cli->comm, n, &to));
  PetscCall(PetscMalloc1((size_t)n + 1, &picture));
  PetscCall(FenRedistCreate(from, to, &redist));
  PetscCall(FenRedistBegin(redist, t->x, picture));
  PetscCall(FenRedistEnd(redist, t->x, picture));
  PetscCall(FenRedistDestroy(&redist));
  PetscCall(FenImageWritePNG(cli->comm, o->out.result, grid, 1, picture));
  PetscCall(PetscFree(picture));
  PetscCall(FenLayoutDestroy(&samples));
  PetscCall(FenLayoutDestroy(&from));
  PetscCall(FenLayoutDestroy(&to));
  PetscCall(FenLayoutDestroy(&grid));
  PetscFunctionReturn(0);
}

static PetscErrorCode Report(FenCLI *cli, const FenBilevelOptions *o, const FenBilevelTrial *t)
{
  FenSummary           s = {0};
  FenBilevelSizes      size;
  FenBilevelWork       work;
  const FenBilevelOps *call;

  PetscFunctionBegin;
  PetscCall(FenBilevelProblemGetSizes(t->problem, &size));
  PetscCall(FenBilevelProblemGetOps(t->problem, &call));
  PetscCall(FenBilevelGetWork(t->solver, &work));
  PetscCall(FenSummaryText_Private(&s, "verb", cli->verb));
  PetscCall(FenSummaryText_Private(&s, "type", "apply"));
  PetscCall(FenSummaryInt_Private(&s, "status", FEN_EXIT_CONVERGED));
  PetscCall(FenSummaryInt_Private(&s, "ranks", cli->size));
  PetscCall(FenSummaryInt_Private(&s, "samples", size.samples));
  PetscCall(FenSummaryReal_Private(&s, "lower_accuracy", t->bounds.lower_accuracy));
  PetscCall(FenSummaryInt_Private(&s, "lower_iterations", (FenInt)work.lower_iterations));
  for (PetscInt k = 0; !call->data && call->metrics && k < size.nmetrics; k++)
    PetscCall(FenSummaryReal_Private(&s, size.metrics[k], t->mean[k])); /* without a truth they would mean nothing */
  PetscCall(FenSummaryWrite_Private(&s, cli->comm, o->out.summary));
  PetscCall(FenSummaryPrint_Private(&s, cli->comm));
  PetscCall(PetscPrintf(cli->comm, "  output             %s\n", o->out.result));
  PetscFunctionReturn(0);
}

PetscErrorCode FenBilevelApply_Private(FenCLI *cli, const FenBilevelOptions *o, int *status)
{
  FenBilevelSource  source;
  FenBilevelProblem problem;
  FenBilevelTrial   trial;
  FenBilevelPart    part;
  const size_t      length = strlen(o->out.result);
  double           *theta;

  PetscFunctionBegin;
  PetscCall(FenCLIHeaderBegin_Private(cli));
  PetscCall(MakeProblem(cli, o, &source, &problem));
  PetscCall(FenBilevelProblemSetUp(problem));
  PetscCall(FenBilevelProblemGetPart(problem, &part));
  PetscCall(PetscMalloc1((size_t)(part.theta1 - part.theta0) + 1, &theta));
  PetscCall(FenBilevelThetaRead_Private(problem, o->apply, theta));
  PetscCall(FenBilevelTrialSolve_Private(problem, theta, (double)o->accuracy, &trial));
  if (length > 4 && !strcmp(o->out.result + length - 4, ".png"))
    PetscCall(WritePNG(cli, o, &trial));
  else
    PetscCall(WriteHDF5(cli, o, &source, &trial));
  PetscCall(Report(cli, o, &trial));
  PetscCall(FenBilevelTrialDestroy_Private(&trial));
  PetscCall(FenBilevelProblemDestroy(&problem));
  PetscCall(PetscFree(theta));
  PetscCall(FenCLIOptionsWarnUnused_Private(cli));
  *status = FEN_EXIT_CONVERGED;
  PetscFunctionReturn(0);
}
