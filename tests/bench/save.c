/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Checkpoints of a state of a given size: seconds and bytes of each save. Prints one JSON object.

     bench_save -dir EMPTY_FOLDER [-n 1048576] [-arrays 2] [-runs 5]      n doubles an array over all ranks
*/
#include "benchmain.h"
#include <fenchelio.h>

typedef struct {
  char     dir[PETSC_MAX_PATH_LEN];
  PetscInt n, arrays, runs;
} Bench;

static PetscErrorCode ReadOptions(Bench *b)
{
  PetscBool given;

  PetscFunctionBegin;
  *b = (Bench){.n = 1048576, .arrays = 2, .runs = 5};
  PetscCall(PetscOptionsGetString(NULL, NULL, "-dir", b->dir, sizeof(b->dir), &given));
  PetscCheck(given, PETSC_COMM_WORLD, FEN_ERR_OPTION, "-dir FOLDER is missing");
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-n", &b->n, NULL));
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-arrays", &b->arrays, NULL));
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-runs", &b->runs, NULL));
  PetscCheck(b->n > 0 && b->arrays > 0 && b->runs > 0 && b->runs <= 64, PETSC_COMM_WORLD, FEN_ERR_OPTION,
             "sizes and numbers of runs must be positive, runs at most 64");
  PetscFunctionReturn(0);
}

static int Ascending(const void *a, const void *b)
{
  const double x = *(const double *)a, y = *(const double *)b;

  return (x > y) - (x < y);
}

static PetscErrorCode SaveOften(const Bench *b, FenState state, double x[], FenInt local)
{
  FenCkptOptions options = {.keep = 2};
  char           why[512], path[PETSC_MAX_PATH_LEN];
  double         t[64], bytes, seconds;
  PetscMPIInt    ranks;
  PetscBool      saved;
  FenCkpt        ckpt;

  PetscFunctionBegin;
  PetscCall(PetscStrncpy(options.dir, b->dir, sizeof(options.dir)));
  PetscCall(FenCkptCreate(PETSC_COMM_WORLD, &options, 0, NULL, &ckpt));
  for (PetscInt r = 0; r < b->runs; r++) {
    const double start = FenWallTime();

    PetscCall(FenCkptSave(ckpt, state, &saved, why, sizeof(why)));
    t[r] = FenWallTime() - start;
    PetscCheck(saved, PETSC_COMM_WORLD, FEN_ERR_FILE_WRITE, "%s", why);
    for (FenInt k = 0; k < local; k++)
      x[k] += 1;
  }
  PetscCall(FenCkptGetLast(ckpt, path, sizeof(path), &bytes, &seconds));
  PetscCall(FenCkptDestroy(&ckpt));
  qsort(t, (size_t)b->runs, sizeof(double), Ascending);
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &ranks));
  PetscCall(PetscPrintf(PETSC_COMM_WORLD,
                        "{\"ranks\": %d, \"bytes\": %.0f, \"best\": %.6e, \"median\": %.6e, \"worst\": %.6e}\n",
                        (int)ranks, bytes, t[0], t[b->runs / 2], t[b->runs - 1]));
  PetscFunctionReturn(0);
}

static PetscErrorCode Run(void)
{
  Bench     b;
  FenLayout layout;
  FenState  state;
  FenInt    local, first, end;
  double   *x;

  PetscFunctionBegin;
  PetscCall(ReadOptions(&b));
  PetscCall(FenLayoutCreateRows(PETSC_COMM_WORLD, b.n, &layout));
  PetscCall(FenLayoutGetRange(layout, &first, &end));
  local = end - first;
  PetscCall(PetscMalloc1((size_t)(local * b.arrays), &x));
  for (FenInt k = 0; k < local * b.arrays; k++)
    x[k] = FenRandomUniform(4, (uint64_t)(first * b.arrays + k), 0);
  PetscCall(FenStateCreate(PETSC_COMM_WORLD, &state));
  for (PetscInt a = 0; a < b.arrays; a++) {
    char name[32];

    PetscCall(PetscSNPrintf(name, sizeof(name), "array_%d", (int)a));
    PetscCall(FenStateAddArray(state, name, layout, 1, x + a * local));
  }
  PetscCall(SaveOften(&b, state, x, local * b.arrays));
  PetscCall(FenStateDestroy(&state));
  PetscCall(FenLayoutDestroy(&layout));
  PetscCall(PetscFree(x));
  PetscFunctionReturn(0);
}

int main(int argc, char **argv)
{
  return BenchMain(argc, argv, Run);
}
