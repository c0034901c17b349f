/* SPDX-License-Identifier: BSD-2-Clause */
/*
   One s-rectangular state with S successors an action and A actions, on one core: JSON, one object for each divergence.
   Cold: no guess and no multipliers; warm: those of the same state with all values moved a little, as in a sweep.

     bench_srect [-states 400] [-actions 400] [-budget 1] [-runs 5]

   Laws: uniform numbers, normalised; values: uniform in [0, 10].
*/
#include "benchmain.h"
#include <fenchelsrect.h>
#include <math.h>
#include <stdlib.h>

typedef struct {
  PetscInt  S, A, runs;
  PetscReal budget;
  FenInt   *ptr;
  double   *q, *z, *moved, *tau, *policy;
} Bench;

static PetscErrorCode Make(Bench *b)
{
  const FenInt n = (FenInt)b->S * b->A;

  PetscFunctionBegin;
  PetscCheck(b->S > 0 && b->A > 0 && b->runs > 0, PETSC_COMM_SELF, (PetscErrorCode)FEN_ERR_OPTION,
             "sizes and numbers of runs must be positive");
  PetscCall(PetscMalloc3(n, &b->q, n, &b->z, n, &b->moved));
  PetscCall(PetscMalloc3(b->A + 1, &b->ptr, b->A, &b->tau, b->A, &b->policy));
  for (FenInt a = 0; a <= b->A; a++)
    b->ptr[a] = a * b->S;
  for (FenInt a = 0; a < b->A; a++) {
    double sum = 0;

    for (FenInt k = b->ptr[a]; k < b->ptr[a + 1]; k++) {
      b->q[k] = 1e-3 + FenRandomUniform(1, (uint64_t)k, 0);
      b->z[k] = 10 * FenRandomUniform(2, (uint64_t)k, 0);
      b->moved[k] = b->z[k] + 1e-3 * FenRandomUniform(3, (uint64_t)k, 0);
      sum += b->q[k];
    }
    for (FenInt k = b->ptr[a]; k < b->ptr[a + 1]; k++)
      b->q[k] /= sum;
  }
  PetscFunctionReturn(0);
}

static int Ascending(const void *a, const void *b)
{
  const double x = *(const double *)a, y = *(const double *)b;

  return (x > y) - (x < y);
}

static PetscErrorCode Measure(Bench *b, FenSRectKind kind)
{
  double   t[2][64], u = NAN;
  FenSRect s;

  PetscFunctionBegin;
  PetscCall(FenSRectCreate(kind, &s));
  for (int r = 0; r < b->runs; r++)
    for (int warm = 0; warm < 2; warm++) {
      double start;

      if (!warm) {
        u = NAN;
        PetscCall(PetscArrayzero(b->tau, b->A));
      }
      start = FenWallTime();
      PetscCall(
          FenSRectSolve(s, b->A, b->ptr, b->q, warm ? b->moved : b->z, NULL, b->budget, &u, b->tau, b->policy, NULL));
      t[warm][r] = FenWallTime() - start;
    }
  for (int warm = 0; warm < 2; warm++)
    qsort(t[warm], (size_t)b->runs, sizeof(double), Ascending);
  printf("{\"divergence\": \"%s\", \"states\": %d, \"actions\": %d, \"budget\": %g, \"cold\": %.6e, \"warm\": %.6e, "
         "\"value\": %.15g}\n",
         FenSRectKinds[kind], (int)b->S, (int)b->A, b->budget, t[0][b->runs / 2], t[1][b->runs / 2], u);
  PetscCall(FenSRectDestroy(&s));
  PetscFunctionReturn(0);
}

static PetscErrorCode Run(void)
{
  Bench b = {.S = 400, .A = 400, .runs = 5, .budget = 1};

  PetscFunctionBegin;
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-states", &b.S, NULL));
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-actions", &b.A, NULL));
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-runs", &b.runs, NULL));
  PetscCall(PetscOptionsGetReal(NULL, NULL, "-budget", &b.budget, NULL));
  b.runs = PetscMin(b.runs, 64);
  PetscCall(Make(&b));
  for (int kind = FEN_SRECT_L1; kind <= FEN_SRECT_HELLINGER; kind++)
    PetscCall(Measure(&b, (FenSRectKind)kind));
  PetscCall(PetscFree3(b.q, b.z, b.moved));
  PetscCall(PetscFree3(b.ptr, b.tau, b.policy));
  PetscFunctionReturn(0);
}

int main(int argc, char **argv)
{
  return BenchMain(argc, argv, Run);
}
