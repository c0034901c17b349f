/* SPDX-License-Identifier: BSD-2-Clause */
/*
   A small job for faults.py: what a program does with its disk, once, with a result that a script can read.

   faultjob save DIR SEED ROWS    loads the newest checkpoint if there is one, saves a new one: "saved" or "refused:
   WHY" faultjob load DIR ROWS         loads and checks every value: "loaded SEED" faultjob result FILE ROWS      writes
   a result file: "written" or "refused: WHY"
*/
#include "../io/statefix.h"

static void Say(const char word[], const char why[])
{
  int rank;

  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  if (!rank)
    printf("%s%s\n", word, why);
}

static FenCkpt Open(const char dir[])
{
  FenCkptOptions options;
  FenCkpt        ckpt;
  FenCkptKey     key = {"problem", "fault test"};

  FixtureOptions(&options, dir, 2);
  FEN_OK(FenCkptCreate(MPI_COMM_WORLD, &options, 1, &key, &ckpt));
  return ckpt;
}

static int Load(FenCkpt ckpt, Fixture *f)
{
  PetscBool loaded;
  char      notes[4096];
  int       ok;

  if (FenCkptLoad(ckpt, f->state, &loaded, notes, sizeof(notes)))
    return -1;
  ok = !loaded || FixtureCheck(f, f->iteration);
  MPI_Allreduce(MPI_IN_PLACE, &ok, 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD);
  return !ok ? -1 : loaded ? (int)f->iteration : 0;
}

static int Checkpoint(const char dir[], int seed, FenInt rows)
{
  Fixture   f;
  FenCkpt   ckpt = Open(dir);
  PetscBool saved = PETSC_FALSE;
  char      why[1024] = "", word[32];
  int       status = 0, found;

  FixtureCreate(MPI_COMM_WORLD, rows, &f);
  found = Load(ckpt, &f);
  snprintf(word, sizeof(word), "loaded %d", found);
  Say(word, "");
  if (seed && found >= 0) {
    FixtureFill(&f, seed);
    FEN_OK(FenCkptSave(ckpt, f.state, &saved, why, sizeof(why)));
    Say(saved ? "saved" : "refused: ", why);
  }
  status = found < 0;
  FixtureDestroy(&f);
  FEN_OK(FenCkptDestroy(&ckpt));
  return status;
}

static PetscErrorCode WriteResult(const char name[], FenLayout rows, const double x[])
{
  FenFile file;

  PetscFunctionBegin;
  PetscCall(FenFileOpen(MPI_COMM_WORLD, name, FEN_FILE_REPLACE, &file));
  PetscCall(FenFileWriteArray(file, "/x", rows, 0, x));
  PetscCall(FenFileWriteStringAttribute(file, "/", "format", "fenchel-result"));
  PetscCall(FenFileClose(&file));
  PetscFunctionReturn(0);
}

static int Result(const char name[], FenInt nrows)
{
  FenLayout rows;
  FenInt    n, start, end;
  double   *x;
  int       code;

  FEN_OK(FenLayoutCreateRows(MPI_COMM_WORLD, nrows, &rows));
  FEN_OK(FenLayoutGetLocalSize(rows, &n));
  FEN_OK(FenLayoutGetRange(rows, &start, &end));
  FEN_OK(PetscMalloc1((size_t)n, &x));
  for (FenInt i = 0; i < n; i++)
    x[i] = (double)(start + i);
  code = (int)WriteResult(name, rows, x);
  Say(code ? "refused: " : "written", code ? FenTestMessage() : "");
  FEN_OK(PetscFree(x));
  FEN_OK(FenLayoutDestroy(&rows));
  return 0;
}

int main(int argc, char **argv)
{
  int status = 1;

  if (!FenTestStart(&argc, &argv))
    return 1;
  (void)PetscPushErrorHandler(FenTestHandler, NULL);
  if (argc == 5 && !strcmp(argv[1], "save"))
    status = Checkpoint(argv[2], (int)strtol(argv[3], NULL, 10), strtoll(argv[4], NULL, 10));
  else if (argc == 4 && !strcmp(argv[1], "load"))
    status = Checkpoint(argv[2], 0, strtoll(argv[3], NULL, 10));
  else if (argc == 4 && !strcmp(argv[1], "result"))
    status = Result(argv[2], strtoll(argv[3], NULL, 10));
  (void)PetscPopErrorHandler();
  return FenTestEnd(status);
}
