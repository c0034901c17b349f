/* SPDX-License-Identifier: BSD-2-Clause */
/*
   fenchel info: what is in a result, a checkpoint directory or an input file.
*/
#include "cliimpl.h"
#include <sys/stat.h>
#include <unistd.h>

PetscErrorCode FenVerbInfoOptions_Private(FenCLI *cli)
{
  (void)cli;
  PetscFunctionBegin;
  PetscFunctionReturn(0);
}

static const char *TypeName(FenDataType type)
{
  switch (type) {
  case FEN_DATA_REAL:
    return "real";
  case FEN_DATA_INT:
    return "integer";
  case FEN_DATA_STRING:
    return "text";
  case FEN_DATA_GROUP:
    return "group";
  default:
    return "other";
  }
}

static void ShapeText(PetscInt rank, const FenInt shape[], char text[], size_t length)
{
  size_t at = 0;

  text[0] = 0;
  for (PetscInt k = 0; k < rank && at < length; k++)
    at += (size_t)snprintf(text + at, length - at, k ? " x %" FENINT_FMT : "%" FENINT_FMT, shape[k]);
}

static PetscErrorCode PrintObject(const char path[], const FenDataInfo *info, void *ctx)
{
  char shape[256];

  PetscFunctionBegin;
  ShapeText(info->rank, info->shape, shape, sizeof(shape));
  PetscCall(PetscPrintf(*(MPI_Comm *)ctx, "  %-28s %-8s %s\n", path, TypeName(info->type), shape));
  PetscFunctionReturn(0);
}

static PetscErrorCode PrintText(FenCLI *cli, FenFile file, const char name[])
{
  char      text[4096];
  PetscBool has;

  PetscFunctionBegin;
  PetscCall(FenFileHasAttribute(file, "/", name, &has));
  if (!has)
    PetscFunctionReturn(0);
  PetscCall(FenFileReadStringAttribute(file, "/", name, text, sizeof(text)));
  PetscCall(PetscPrintf(cli->comm, "  %-28s %s\n", name, text));
  PetscFunctionReturn(0);
}

static PetscErrorCode PrintReal(FenCLI *cli, FenFile file, const char path[])
{
  double    value;
  PetscBool has;

  PetscFunctionBegin;
  PetscCall(FenFileHas(file, path, &has));
  if (!has)
    PetscFunctionReturn(0);
  PetscCall(FenFileReadReals(file, path, 1, &value));
  PetscCall(PetscPrintf(cli->comm, "  %-28s %.12g\n", path, value));
  PetscFunctionReturn(0);
}

static PetscErrorCode PrintRealAttribute(FenCLI *cli, FenFile file, const char name[])
{
  double    value;
  PetscBool has;

  PetscFunctionBegin;
  PetscCall(FenFileHasAttribute(file, "/", name, &has));
  if (!has)
    PetscFunctionReturn(0);
  PetscCall(FenFileReadRealAttribute(file, "/", name, &value));
  PetscCall(PetscPrintf(cli->comm, "  %-28s %.12g\n", name, value));
  PetscFunctionReturn(0);
}

/* what results of any verb may have; each has some of it */
static PetscErrorCode PrintResult(FenCLI *cli, FenFile file)
{
  static const char *const texts[] = {
      "version",         "verb",         "type",      "method", "cost",        "problem",   "marginal_source",
      "marginal_target", "model_file",   "criterion", "sense",  "rectangular", "ambiguity", "support",
      "upper_level",     "lower_method", "train",     "valid",  "reason",      "options"};
  static const char *const numbers[] = {"eps",     "rho_source", "rho_target", "discount",    "radius",
                                        "penalty", "ridge",      "pessimism",  "temperature", "pull"};
  static const char *const reals[] = {"/bounds/value",
                                      "/bounds/lower",
                                      "/bounds/upper",
                                      "/bounds/ot_lower",
                                      "/bounds/ot_upper",
                                      "/bounds/marginal_error",
                                      "/bounds/mass",
                                      "/bounds/policy_gap",
                                      "/bounds/value_error",
                                      "/bounds/step_error",
                                      "/bounds/hypergradient_norm",
                                      "/bounds/hypergradient_error",
                                      "/bounds/hypergradient_goal",
                                      "/bounds/lower_accuracy",
                                      "/bounds/adjoint_accuracy"};

  PetscFunctionBegin;
  for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
    PetscCall(PrintText(cli, file, texts[i]));
  for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
    PetscCall(PrintRealAttribute(cli, file, numbers[i]));
  for (size_t i = 0; i < sizeof(reals) / sizeof(reals[0]); i++)
    PetscCall(PrintReal(cli, file, reals[i]));
  PetscFunctionReturn(0);
}

static PetscErrorCode InfoHDF5(FenCLI *cli)
{
  FenFile   file;
  char      format[64] = "";
  PetscBool has;

  PetscFunctionBegin;
  PetscCall(FenFileOpen(cli->comm, cli->argument, FEN_FILE_READ, &file));
  PetscCall(FenFileHasAttribute(file, "/", "format", &has));
  if (has)
    PetscCall(FenFileReadStringAttribute(file, "/", "format", format, sizeof(format)));
  if (!strcmp(format, "fenchel-result")) {
    PetscCall(PetscPrintf(cli->comm, "%s: result of Fenchel\n", cli->argument));
    PetscCall(PrintResult(cli, file));
  } else {
    PetscCall(PetscPrintf(cli->comm, "%s: HDF5 file\n", cli->argument));
  }
  PetscCall(FenFileVisit(file, "/", PrintObject, &cli->comm));
  PetscCall(FenFileClose(&file));
  PetscFunctionReturn(0);
}

static PetscErrorCode InfoArray(FenCLI *cli)
{
  FenArray     array;
  FenArrayKind kind;
  PetscInt     rank;
  FenInt       shape[8];
  char         text[256];

  PetscFunctionBegin;
  PetscCall(FenArrayOpen(cli->comm, cli->argument, 0, NULL, &array));
  PetscCall(FenArrayGetKind(array, &kind));
  PetscCall(FenArrayGetShape(array, &rank, shape));
  ShapeText(rank, shape, text, sizeof(text));
  PetscCall(PetscPrintf(cli->comm, "%s: %s array, %s\n", cli->argument, FenArrayKinds[kind], text));
  PetscCall(FenArrayClose(&array));
  PetscFunctionReturn(0);
}

/* checkpoints of many pairs: a folder for each; *n is their number, 0 if this is no such folder */
static PetscErrorCode InfoPairs(FenCLI *cli, int *n)
{
  char path[PETSC_MAX_PATH_LEN + 64];
  int  finished = 0;

  PetscFunctionBegin;
  *n = 0;
  while (cli->rank == 0) {
    int done;

    (void)snprintf(path, sizeof(path), "%s/pair-%04d", cli->argument, *n);
    if (access(path, F_OK))
      break;
    (void)strncat(path, "/finished", sizeof(path) - strlen(path) - 1);
    done = !access(path, F_OK);
    finished += done;
    (void)printf("  pair-%04d  %s\n", (*n)++, done ? "finished" : "begun");
  }
  PetscCallMPI(MPI_Bcast(n, 1, MPI_INT, 0, cli->comm));
  if (*n)
    PetscCall(PetscPrintf(cli->comm, "%s: checkpoints of many pairs, %d of %d that were begun are finished\n",
                          cli->argument, finished, *n));
  PetscFunctionReturn(0);
}

PetscErrorCode FenVerbInfo_Private(FenCLI *cli, int *status)
{
  struct stat info;
  int         folder = 0, pairs = 0;
  PetscBool   hdf5;

  PetscFunctionBegin;
  PetscCall(FenCLIOptionsCheck_Private(cli));
  if (cli->rank == 0)
    folder = !stat(cli->argument, &info) && S_ISDIR(info.st_mode);
  PetscCallMPI(MPI_Bcast(&folder, 1, MPI_INT, 0, cli->comm));
  if (folder)
    PetscCall(InfoPairs(cli, &pairs));
  if (folder && !pairs) {
    PetscCall(FenCkptInspect(cli->comm, cli->argument, PETSC_VIEWER_STDOUT_(cli->comm)));
  } else if (!folder) {
    PetscCall(FenPathIsHDF5(cli->comm, cli->argument, &hdf5));
    if (hdf5)
      PetscCall(InfoHDF5(cli));
    else
      PetscCall(InfoArray(cli));
  }
  *status = FEN_EXIT_CONVERGED;
  PetscFunctionReturn(0);
}
