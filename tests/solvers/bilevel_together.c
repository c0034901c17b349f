/* SPDX-License-Identifier: BSD-2-Clause */
/* Samples of a team that advance together: the same numbers to the bit as one after the other, with fewer messages. */
#include "bilevelsolve.h"

static int size;

static int Setup(void **state)
{
  (void)state;
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  return 0;
}

static const struct {
  const char *name, *options;
} problems[] = {
    {"foe", "-foe_size 20 -foe_count 5 -foe_filters 3 -foe_width 3"},
    {"foe", "-foe_size 20 -foe_count 5 -foe_filters 3 -foe_width 3 -foe_cache 0 -bilevel_lower_pc_type none"},
    {"tv", "-tv_size 20 -tv_count 5"},
    {"tv", "-tv_size 20 -tv_count 5 -tv_isotropic 0 -bilevel_lower newton"},
    {"tv", "-tv_size 20 -tv_count 5 -bilevel_lower fista -bilevel_adjoint_ksp_type minres"}};
#define NPROBLEMS (sizeof(problems) / sizeof(problems[0]))

typedef struct {
  double           theta[64], messages, reductions;
  FenBilevelWork   work;
  FenBilevelBounds bounds;
} Outcome;

/* some decisions of `certified` with all ranks in one team */
static void Solve(size_t k, int batch, Outcome *o)
{
  FenBilevelProblem p;
  FenBilevelPart    part;
  FenBilevel        b;
  const double     *theta;
  char              text[256];

  memset(o, 0, sizeof(*o));
  snprintf(text, sizeof(text), "%s -bilevel_batch %d", problems[k].options, batch);
  FEN_OK(PetscOptionsClear(NULL));
  FEN_OK(PetscOptionsInsertString(NULL, text));
  FEN_OK(FenBilevelProblemGenerate(MPI_COMM_WORLD, problems[k].name, NULL, NULL, &p));
  FEN_OK(FenBilevelProblemSetTeamSize(p, size));
  b = BilevelMake(p, FENBILEVELCERTIFIED, 0, 4);
  FEN_OK(FenSolverSetUp((FenSolver)b));
  o->messages = -petsc_isend_ct - petsc_send_ct;
  o->reductions = -petsc_allreduce_ct;
  FEN_OK(FenBilevelSolve(b));
  o->messages += petsc_isend_ct + petsc_send_ct;
  o->reductions += petsc_allreduce_ct;
  FEN_OK(FenBilevelGetTheta(b, &theta));
  FEN_OK(FenBilevelProblemGetPart(p, &part));
  assert_true(part.theta1 - part.theta0 <= 64);
  memcpy(o->theta, theta, sizeof(double) * (size_t)(part.theta1 - part.theta0));
  FEN_OK(FenBilevelGetWork(b, &o->work));
  FEN_OK(FenBilevelGetBounds(b, &o->bounds));
  FEN_OK(FenBilevelDestroy(&b));
  FEN_OK(FenBilevelProblemDestroy(&p));
  FEN_OK(PetscOptionsClear(NULL));
}

static void TestSameNumbers(void **state)
{
  (void)state;
  for (size_t k = 0; k < NPROBLEMS; k++) {
    Outcome alone;

    Solve(k, 1, &alone);
    assert_true(alone.work.steps > 0);
    for (int batch = 0; batch <= (k ? 0 : 3); batch += 3) {
      Outcome together;

      Solve(k, batch, &together);
      FEN_ASSERT_ALL(!memcmp(alone.theta, together.theta, sizeof(alone.theta)));
      FEN_ASSERT_ALL(!memcmp(&alone.work, &together.work, sizeof(alone.work)));
      FEN_ASSERT_ALL(!memcmp(&alone.bounds, &together.bounds, sizeof(alone.bounds)));
      if (size == 1 || k + 1 == NPROBLEMS) /* the last has no part that goes together */
        continue;
      FEN_ASSERT_ALL(together.messages < (batch ? 0.6 : 0.4) * alone.messages);
      FEN_ASSERT_ALL(together.reductions < (batch ? 0.6 : 0.45) * alone.reductions);
    }
  }
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(TestSameNumbers)};
  int                     status;

  if (!FenTestStart(&argc, &argv))
    return 1;
  status = cmocka_run_group_tests_name("bilevel_together", tests, Setup, NULL);
  return FenTestEnd(status);
}
