/* SPDX-License-Identifier: BSD-2-Clause */
/*
   History and provenance of a result: how it came about. Everything that differs between two equal runs is kept in
   /provenance, so that `h5diff --exclude-path /provenance` says whether they agree.
*/
#include "cliimpl.h"
#include <time.h>

PetscErrorCode FenResultWriteHistory_Private(FenRun *run, FenFile file)
{
  static const char *const columns[FEN_PROGRESS_COLUMNS] = {
      "/history/iteration", "/history/residual",  "/history/value", "/history/lower",     "/history/upper",
      "/history/gap_rel",   "/history/parameter", "/history/work",  "/provenance/seconds"};
  const FenLog *log;
  double       *column;

  PetscFunctionBegin;
  PetscCall(FenSolverGetHistory(run->solver, &log));
  PetscCall(FenFileMakeGroup(file, "/history"));
  if (!log->nrows)
    PetscFunctionReturn(0);
  PetscCall(PetscMalloc1(log->nrows, &column));
  for (PetscInt c = 0; c < PetscMin(log->ncols, FEN_PROGRESS_COLUMNS); c++) {
    for (FenInt r = 0; r < log->nrows; r++)
      column[r] = log->data[r * log->ncols + c];
    PetscCall(FenFileWriteReals(file, columns[c], 1, &log->nrows, column));
  }
  PetscCall(PetscFree(column));
  PetscFunctionReturn(0);
}

/* options that do not change what is computed: where it is written, when it is saved */
static PetscBool IsVolatile(const char option[])
{
  static const char *const names[] = {"-o",        "-overwrite",       "-summary",     "-ckpt_",   "-restart",
                                      "-walltime", "-ot_ranks",        "-log_",        "-malloc_", "-memory_",
                                      "-options_", "-skip_petscrc",    "-ot_monitor",  "-ot_view", "-mdp_monitor",
                                      "-mdp_view", "-bilevel_monitor", "-bilevel_view"};

  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
    const size_t length = strlen(names[i]);

    if (names[i][length - 1] == '_' ? !strncmp(option, names[i], length) : !strcmp(option, names[i]))
      return PETSC_TRUE;
  }
  return PETSC_FALSE;
}

static PetscErrorCode WriteOptions(FenFile file)
{
  char     *all, *copy, *kept, *save = NULL, *word;
  PetscBool skip = PETSC_FALSE;
  size_t    length;

  PetscFunctionBegin;
  PetscCall(PetscOptionsGetAll(NULL, &all));
  PetscCall(FenFileWriteStringAttribute(file, "/provenance", "options", all));
  length = strlen(all) + 2;
  PetscCall(PetscStrallocpy(all, &copy));
  PetscCall(PetscCalloc1(length, &kept));
  for (word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
    if (word[0] == '-' && !strchr("0123456789.", word[1]))
      skip = IsVolatile(word);
    if (skip)
      continue;
    if (kept[0])
      PetscCall(PetscStrlcat(kept, " ", length));
    PetscCall(PetscStrlcat(kept, word, length));
  }
  PetscCall(FenFileWriteStringAttribute(file, "/", "options", kept));
  PetscCall(PetscFree(kept));
  PetscCall(PetscFree(copy));
  PetscCall(PetscFree(all));
  PetscFunctionReturn(0);
}

PetscErrorCode FenResultWriteProvenance_Private(FenRun *run, FenFile file)
{
  char      date[64], petsc[32], configuration[1024];
  time_t    now = time(NULL);
  struct tm local;
  double    setup, solve;

  PetscFunctionBegin;
  PetscCall(FenFileMakeGroup(file, "/provenance"));
  (void)strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S%z", localtime_r(&now, &local));
  PetscCallMPI(MPI_Bcast(date, (int)sizeof(date), MPI_CHAR, 0, run->cli->comm)); /* clocks differ between nodes */
  PetscCall(FenSolverGetTimes(run->solver, &setup, &solve));
  PetscCall(PetscSNPrintf(petsc, sizeof(petsc), "%d.%d.%d", PETSC_VERSION_MAJOR, PETSC_VERSION_MINOR,
                          PETSC_VERSION_SUBMINOR));
  PetscCall(FenGetConfiguration(configuration, sizeof(configuration)));
  PetscCall(FenFileWriteStringAttribute(file, "/provenance", "date", date));
  PetscCall(FenFileWriteStringAttribute(file, "/provenance", "petsc", petsc));
  PetscCall(FenFileWriteStringAttribute(file, "/provenance", "configuration", configuration));
  PetscCall(FenFileWriteIntAttribute(file, "/provenance", "ranks", run->cli->size));
  PetscCall(FenFileWriteRealAttribute(file, "/provenance", "time_setup", setup));
  PetscCall(FenFileWriteRealAttribute(file, "/provenance", "time_solve", solve));
  PetscCall(WriteOptions(file));
  PetscFunctionReturn(0);
}
