/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Errors of the command: the first one is kept while the calls unwind, then printed once with its remedy.

   An error that all ranks have is reported by rank 0 and the program ends in order. An error that only some ranks have
   (a contract broken inside a library) leaves the others waiting in a collective call: these ranks wait a few seconds
   for company, then report and end the whole job, so that no allocation is burnt by a hang.
*/
#include "cliimpl.h"

#define FEN_ERROR_PATIENCE 10.0 /* seconds */

static struct {
  PetscErrorCode code;
  int            line, in_options; /* in_options: PETSc complains about what the user wrote */
  char           message[2048], function[128], file[256];
} first;
static MPI_Comm agree_comm = MPI_COMM_NULL;

static PetscErrorCode ErrorKeep(MPI_Comm comm, int line, const char *function, const char *file, PetscErrorCode code,
                                PetscErrorType type, const char *message, void *ctx)
{
  (void)comm;
  (void)ctx;
  if (type == PETSC_ERROR_INITIAL && !first.code) {
    first.code = code;
    first.line = line;
    (void)snprintf(first.message, sizeof(first.message), "%s", message ? message : "");
    (void)snprintf(first.function, sizeof(first.function), "%s", function ? function : "");
    (void)snprintf(first.file, sizeof(first.file), "%s", file ? file : "");
  }
  /* the calls that unwind pass by here: an error below a function that reads options is the user's */
  if (first.code == code && function && strstr(function, "Options"))
    first.in_options = 1;
  return code;
}

PetscErrorCode FenCLIErrorCatch_Private(void)
{
  return PetscPushErrorHandler(ErrorKeep, NULL);
}

/* the agreement at the end needs a communicator on which nothing else is under way */
PetscErrorCode FenCLIErrorPrepare_Private(MPI_Comm comm)
{
  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_dup(comm, &agree_comm));
  PetscFunctionReturn(0);
}

static int StatusOf(PetscErrorCode code, const char **remedy)
{
  const char *name, *sentence;
  int         status;

  if ((int)code > FEN_ERR_FIRST && (int)code < FEN_ERR_LAST &&
      !FenErrorGet((int)code, &name, &sentence, remedy, &status))
    return status;
  if (first.in_options) {
    *remedy = "fenchel VERB -help lists all options with their defaults";
    return FEN_EXIT_USAGE;
  }
  *remedy = code == PETSC_ERR_MEM ? "use more ranks or a smaller problem" : "please report this with the command line";
  return FEN_EXIT_INTERNAL;
}

/* PETSc says which text is wrong but not which option had it */
static void PrintOptionWithValue(FILE *out, const char message[])
{
  char *all = NULL, *token, *save = NULL, *option = NULL;

  if (PetscOptionsGetAll(NULL, &all) || !all)
    return;
  for (token = strtok_r(all, " ", &save); token; token = strtok_r(NULL, " ", &save)) {
    if (token[0] == '-' && !strpbrk(token + 1, "0123456789")) {
      option = token;
    } else if (option && strlen(token) > 0 && strstr(message, token)) {
      (void)fprintf(out, "fenchel: this is the value of option %s\n", option);
      break;
    }
  }
  (void)PetscFree(all);
}

static void PrintError(PetscErrorCode code, const char remedy[], int status)
{
  const char *sentence = NULL;

  (void)fflush(stdout);
  if (!first.message[0] && !PetscErrorMessage(code, &sentence, NULL) && sentence)
    (void)snprintf(first.message, sizeof(first.message), "%s", sentence);
  (void)fprintf(stderr, "fenchel: error: %s\n", first.message[0] ? first.message : "unknown error");
  if ((int)code < FEN_ERR_FIRST && status == FEN_EXIT_USAGE)
    PrintOptionWithValue(stderr, first.message);
  if (status == FEN_EXIT_INTERNAL)
    (void)fprintf(stderr, "  code %d in %s (%s:%d)\n", (int)code, first.function, first.file, first.line);
  (void)fprintf(stderr, "  hint: %s\n", remedy);
  (void)fflush(stderr);
}

/* true if all ranks come here within the patience */
static int AllRanksFail(void)
{
  MPI_Request  request;
  int          done = 0;
  const double until = FenWallTime() + FEN_ERROR_PATIENCE;

  if (agree_comm == MPI_COMM_NULL)
    return 1;
  if (MPI_Ibarrier(agree_comm, &request) != MPI_SUCCESS)
    return 0;
  while (!done && FenWallTime() < until) {
    if (MPI_Test(&request, &done, MPI_STATUS_IGNORE) != MPI_SUCCESS)
      return 0;
    if (!done)
      (void)PetscSleep(0.01);
  }
  return done;
}

PetscErrorCode FenCLIErrorTake_Private(PetscErrorCode code, char message[], size_t length, int *status)
{
  const char *remedy = NULL;

  PetscFunctionBegin;
  *status = StatusOf(code, &remedy);
  PetscCall(PetscStrncpy(message, first.message, length));
  memset(&first, 0, sizeof(first));
  PetscFunctionReturn(0);
}

int FenCLIErrorReport_Private(PetscErrorCode code)
{
  const char *remedy = NULL;
  const int   status = StatusOf(code, &remedy);
  int         rank = 0, initialized = 0;

  (void)MPI_Initialized(&initialized);
  if (initialized)
    (void)MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  if (!initialized || AllRanksFail()) {
    if (rank == 0)
      PrintError(code, remedy, status);
    return status;
  }
  PrintError(code, remedy, status);
  (void)MPI_Abort(MPI_COMM_WORLD, status);
  return status;
}
