/* SPDX-License-Identifier: BSD-2-Clause */
/*
   fenchel bilevel -apply RESULT.h5 -input DATA: learned hyperparameters on other data. Samples that are observations
   (images) are solved as they are; for a table the lower problem of the training data is solved again, and the new rows
   are predicted and measured.
*/
#include "bilevelrun.h"

/* the problem's own options of the result, but those that choose and spoil its data: the input is taken as it is */
static PetscErrorCode OwnOptions(const char problem[], const char stored[], PetscBool as_it_is, char text[],
                                 size_t length)
{
  static const char *const data[] = {"noise", "count", "crop", "size", "noisy"};
  char                     stem[80], name[128], *copy, *save = NULL, *word;
  PetscBool                take = PETSC_FALSE;

  PetscFunctionBegin;
  PetscCall(PetscSNPrintf(stem, sizeof(stem), "-%s_", problem));
  for (char *c = stem + 1; *c; c++)
    *c = (char)(*c == '-' ? '_' : *c);
  text[0] = 0;
  PetscCall(PetscStrallocpy(stored, &copy));
  for (word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
    if (word[0] == '-' && !strchr("0123456789.", word[1]))
      take = (PetscBool)!strncmp(word, stem, strlen(stem));
    for (size_t k = 0; as_it_is && k < sizeof(data) / sizeof(data[0]); k++) {
      PetscCall(PetscSNPrintf(name, sizeof(name), "%s%s", stem, data[k]));
      take = (PetscBool)(take && strcmp(word, name));
    }
    if (take) {
      PetscCall(PetscStrlcat(text, word, length));
      PetscCall(PetscStrlcat(text, " ", length));
    }
  }
  PetscCall(PetscFree(copy));
  PetscCall(PetscSNPrintf(name, sizeof(name), "%snoise 0", stem));
  if (as_it_is)
    PetscCall(PetscStrlcat(text, name, length));
  PetscFunctionReturn(0);
}

/* options of the command line win over those of the result */
static PetscErrorCode AddOptions(const char text[])
{
  char *given;

  PetscFunctionBegin;
  PetscCall(PetscOptionsGetAll(NULL, &given));
  PetscCall(PetscOptionsInsertString(NULL, text));
  PetscCall(PetscOptionsInsertString(NULL, given));
  PetscCall(PetscFree(given));
  PetscFunctionReturn(0);
}

static PetscErrorCode MakeProblem(FenCLI *cli, const FenBilevelOptions *o, FenBilevelSource *source,
                                  FenBilevelProblem *problem)
{
  FenFile   file;
  FenInt    images;
  char      stored[8192], text[8192];
  PetscBool has;

  PetscFunctionBegin;
  PetscCall(FenFileOpen(cli->comm, o->apply, FEN_FILE_READ, &file));
  PetscCall(FenFileHasAttribute(file, "/", "observations", &has));
  PetscCheck(has, cli->comm, (PetscErrorCode)FEN_ERR_FILE_FORMAT, "-apply %s: not a result of fenchel bilevel",
             o->apply);
  PetscCall(FenBilevelSourceRead_Private(file, source));
  PetscCall(FenFileReadIntAttribute(file, "/", "observations", &images));
  PetscCall(FenFileReadStringAttribute(file, "/", "options", stored, sizeof(stored)));
  PetscCall(FenFileClose(&file));
  PetscCall(OwnOptions(source->problem, stored, (PetscBool)(images != 0), text, sizeof(text)));
  PetscCall(AddOptions(text));
  if (images) {
    PetscCall(PetscStrncpy(source->train, o->input, sizeof(source->train)));
    source->valid[0] = 0;
  } else
    PetscCall(PetscStrncpy(source->valid, o->input, sizeof(source->valid)));
  PetscCall(FenBilevelSourceMake_Private(cli->comm, source, problem));
  PetscFunctionReturn(0);
}

/* class of a row of probabilities */
static double Label(PetscInt width, const double p[])
{
  PetscInt top = 0;

  if (width == 1)
    return p[0] > 0.5 ? 1 : 0;
  for (PetscInt k = 1; k < width; k++)
    top = p[k] > p[top] ? k : top;
  return (double)top;
}

/* /output/prediction, and for classes /output/label, of every row of the input; one sample, which the ranks share */
static PetscErrorCode WritePredictions(const FenBilevelTrial *t, FenFile file)
{
  const FenBilevelOps  *call;
  FenBilevelPart        part;
  FenBilevelPredictions what;
  FenLayout             layout;
  double               *out, *label;

  PetscFunctionBegin;
  PetscCall(FenBilevelProblemGetOps(t->problem, &call));
  PetscCall(FenBilevelProblemGetPart(t->problem, &part));
  if (!call->predict)
    PetscFunctionReturn(0);
  PetscCall((*call->predict)(t->problem, part.start, t->x, &what, NULL));
  PetscCall(PetscMalloc2((size_t)what.rows * (size_t)what.width + 1, &out, (size_t)what.rows + 1, &label));
  PetscCall((*call->predict)(t->problem, part.start, t->x, &what, out));
  PetscCall(FenLayoutCreateRowsLocal(PetscObjectComm((PetscObject)t->problem), what.rows, &layout));
  PetscCall(FenResultWriteArray_Private(file, "/output/prediction", layout, what.width > 1 ? what.width : 0, out));
  for (FenInt i = 0; i < what.rows; i++)
    label[i] = Label(what.width, out + i * what.width);
  if (what.classes)
    PetscCall(FenResultWriteArray_Private(file, "/output/label", layout, 0, label));
  PetscCall(FenLayoutDestroy(&layout));
  PetscCall(PetscFree2(out, label));
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
  PetscCall(FenBilevelTrialWrite_Private(t, file, "/output", FEN_TRIAL_SOLUTIONS));
  PetscCall(WritePredictions(t, file));
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
  PetscCall(FenRedistMove(redist, t->x, picture));
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
  PetscCall(FenBilevelTrialSetUp_Private(problem));
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
