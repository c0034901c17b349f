/* SPDX-License-Identifier: BSD-2-Clause */
/* Samples of a team that advance together: the same numbers to the bit as one after the other, with fewer messages. */
#include "bilevelsolve.h"

static int size, rank;

static int Setup(void **state)
{
  (void)state;
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  return 0;
}

static const struct {
  const char *name, *options;
} problems[] = {
    {"foe", "-foe_size 20 -foe_count 5 -foe_filters 3 -foe_width 3"},
    {"foe", "-foe_size 20 -foe_count 5 -foe_filters 3 -foe_width 3 -foe_cache 0 -bilevel_lower_pc_type none"},
    {"tv", "-tv_size 20 -tv_count 5"},
    {"tv", "-tv_size 20 -tv_count 5 -tv_isotropic 0 -bilevel_lower newton"},
    {"tv", "-tv_size 20 -tv_count 5 -bilevel_lower hb"},
    {"tv", "-tv_size 20 -tv_count 5 -bilevel_lower gd -tv_nu 0.1"},
    {"tv", "-tv_size 20 -tv_count 5 -bilevel_lower fista"},
    {"foe", "-foe_size 20 -foe_count 5 -foe_filters 3 -foe_width 3 -bilevel_lower lbfgs"},
    {"tv", "-tv_size 20 -tv_count 5 -bilevel_lower fista -bilevel_adjoint_ksp_type minres"}};
#define NPROBLEMS (sizeof(problems) / sizeof(problems[0]))

typedef struct {
  double           theta[64], messages, reductions;
  FenBilevelWork   work;
  FenBilevelBounds bounds;
} Outcome;

/* some decisions of `certified` in teams of so many ranks */
static void Run(FenBilevelProblem p, int team, Outcome *o)
{
  FenBilevelPart part;
  FenBilevel     b;
  const double  *theta;

  memset(o, 0, sizeof(*o));
  FEN_OK(FenBilevelProblemSetTeamSize(p, team));
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

static void Solve(size_t k, int batch, int team, Outcome *o)
{
  FenBilevelProblem p;
  char              text[256];

  snprintf(text, sizeof(text), "%s -bilevel_batch %d", problems[k].options, batch);
  FEN_OK(PetscOptionsClear(NULL));
  FEN_OK(PetscOptionsInsertString(NULL, text));
  FEN_OK(FenBilevelProblemGenerate(MPI_COMM_WORLD, problems[k].name, NULL, NULL, &p));
  Run(p, team, o);
}

static void AssertSame(const Outcome *a, const Outcome *b)
{
  FEN_ASSERT_ALL(!memcmp(a->theta, b->theta, sizeof(a->theta)));
  FEN_ASSERT_ALL(!memcmp(&a->work, &b->work, sizeof(a->work)));
  FEN_ASSERT_ALL(!memcmp(&a->bounds, &b->bounds, sizeof(a->bounds)));
}

static void TestSameNumbers(void **state)
{
  (void)state;
  for (size_t k = 0; k < NPROBLEMS; k++) {
    Outcome alone;

    Solve(k, 1, size, &alone);
    assert_true(alone.work.steps > 0);
    for (int batch = 0; batch <= (k ? 0 : 3); batch += 3) {
      Outcome together;

      Solve(k, batch, size, &together);
      AssertSame(&alone, &together);
      if (size == 1)
        continue;
      if (k + 1 == NPROBLEMS) { /* KSP takes one after the other */
        FEN_ASSERT_ALL(together.messages < alone.messages);
        continue;
      }
      FEN_ASSERT_ALL(together.messages < (batch ? 0.5 : 0.35) * alone.messages);
      FEN_ASSERT_ALL(together.reductions < (batch ? 0.6 : 0.45) * alone.reductions);
    }
  }
}

/* samples over teams, and each cut over the ranks of its team */
static void TestTeams(void **state)
{
  (void)state;
  if (size != 4)
    return;
  for (size_t k = 0; k < NPROBLEMS; k++) {
    Outcome alone, together;

    Solve(k, 1, 2, &alone);
    Solve(k, 0, 2, &together);
    AssertSame(&alone, &together);
  }
}

/* the same picture of side 16 so many times, with the same noise */
static void Write(const char name[], int copies, double noise)
{
  char  header[129];
  FILE *f = fopen(name, "wb");

  assert_non_null(f);
  memset(header, ' ', sizeof(header));
  header[snprintf(header, sizeof(header), "{'descr': '<f8', 'fortran_order': False, 'shape': (%d, 16, 16), }",
                  copies)] = ' ';
  header[117] = '\n';
  assert_int_equal(fwrite("\x93NUMPY\x01\x00\x76\x00", 1, 10, f), 10);
  assert_int_equal(fwrite(header, 1, 118, f), 118);
  for (int k = 0; k < copies; k++)
    for (int i = 0; i < 256; i++) {
      const double clean = i % 16 < 9 && i / 16 > 4 ? 0.8 : 0.2;
      const double value = clean + noise * FenRandomNormal(7, (uint64_t)i, 0);

      assert_int_equal(fwrite(&value, sizeof(value), 1, f), 1);
    }
  assert_int_equal(fclose(f), 0);
}

/* four equal samples take exactly the decisions of one, and exactly its messages: those do not grow with samples */
static void TestMessages(void **state)
{
  static const struct {
    const char *name, *options;
  } cases[] = {{"tv", "-tv_nu 0.05"},
               {"tv", "-tv_nu 0.05 -bilevel_lower newton -bilevel_error goal"},
               {"tv", "-tv_nu 0.05 -bilevel_lower fista"},
               {"tv", "-tv_nu 0.05 -bilevel_lower hb"},
               {"tv", "-tv_nu 0.1 -bilevel_lower gd"},
               {"tv", "-tv_nu 0.05 -bilevel_lower lbfgs"},
               {"foe", "-foe_filters 3 -foe_width 3"},
               {"foe", "-foe_filters 3 -foe_width 3 -bilevel_lower fista"},
               {"foe", "-foe_filters 3 -foe_width 3 -bilevel_lower lbfgs"}};
  (void)state;
  for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]) && size > 1; k++) {
    Outcome o[2];

    for (int four = 0; four < 2; four++) {
      FenBilevelProblem p;
      char              text[512], names[2][64];

      for (int noisy = 0; noisy < 2; noisy++) {
        snprintf(names[noisy], sizeof(names[noisy]), "together%d_%d_%d.npy", size, four, noisy);
        if (rank == 0)
          Write(names[noisy], four ? 4 : 1, noisy ? 0.1 : 0);
      }
      MPI_Barrier(MPI_COMM_WORLD);
      snprintf(text, sizeof(text), "%s -%s_noisy %s", cases[k].options, cases[k].name, names[1]);
      FEN_OK(PetscOptionsClear(NULL));
      FEN_OK(PetscOptionsInsertString(NULL, text));
      FEN_OK(FenBilevelProblemGenerate(MPI_COMM_WORLD, cases[k].name, NULL, &(FenBilevelData){.train = names[0]}, &p));
      Run(p, size, &o[four]);
    }
    FEN_ASSERT_ALL(!memcmp(o[0].theta, o[1].theta, sizeof(o[0].theta)));
    assert_true(o[0].work.steps > 0 && o[1].work.lower_iterations == 4 * o[0].work.lower_iterations);
    assert_true(o[1].work.adjoint_iterations == 4 * o[0].work.adjoint_iterations);
    FEN_ASSERT_ALL(o[0].messages > 0 && o[0].reductions > 0);
    FEN_ASSERT_ALL(o[1].messages == o[0].messages);
    FEN_ASSERT_ALL(o[1].reductions == o[0].reductions);
  }
}

/* systems of n samples, each with a right side and a tolerance of its own: sums that were asked for */
static double Systems(FenBilevelProblem p, FenSystem S, const FenBilevelPart *part, FenInt n, double *q, double *steps)
{
  const FenInt  nx = part->nx;
  FenSystemTask task[4];
  double       *b, sums;

  FEN_OK(PetscMalloc1((size_t)(4 * nx) + 1, &b));
  for (FenInt k = 0; k < n; k++) {
    for (FenInt i = 0; i < nx; i++) {
      b[k * nx + i] = FenRandomNormal(3, (uint64_t)(k * 1000 + part->row0 * 20 + i), 0);
      q[k * nx + i] = 0;
    }
    FEN_OK(FenBatchLinearise(p, 1, &k, &(const double *){b + k * nx}, NULL));
    task[k] = (FenSystemTask){.s = k,
                              .b = b + k * nx,
                              .q = q + k * nx,
                              .tol = pow(10, -2 - 2 * (double)k),
                              .max_it = 500,
                              .zero = PETSC_TRUE};
  }
  sums = -petsc_allreduce_ct;
  FEN_OK(FenSystemApplyAll(S, n, task));
  sums += petsc_allreduce_ct;
  *steps = 0;
  for (FenInt k = 0; k < n; k++) {
    assert_true(task[k].answer.reached && task[k].answer.iterations > 5);
    *steps = PetscMax(*steps, (double)task[k].answer.iterations);
  }
  FEN_OK(PetscFree(b));
  return sums;
}

/* conjugate gradients in a team of several ranks ask for one sum a step, however many samples there are */
static void TestSteps(void **state)
{
  static const char *const options[] = {"-bilevel_adjoint_pc_type diagonal", "-bilevel_adjoint_pc_type none"};

  (void)state;
  for (int k = 0; k < 2 && size > 1; k++) {
    FenBilevelProblem    p;
    FenBilevelPart       part;
    const FenBilevelOps *call;
    FenSystem            S;
    double              *q, *alone, steps, one, sums;

    FEN_OK(PetscOptionsClear(NULL));
    FEN_OK(PetscOptionsInsertString(NULL, "-tv_size 20 -tv_count 4 -tv_nu 0.05"));
    FEN_OK(PetscOptionsInsertString(NULL, options[k]));
    FEN_OK(FenBilevelProblemGenerate(MPI_COMM_WORLD, "tv", NULL, NULL, &p));
    FEN_OK(FenBilevelProblemSetTeamSize(p, size));
    FEN_OK(FenBilevelProblemSetUp(p));
    FEN_OK(FenBilevelProblemGetPart(p, &part));
    FEN_OK(FenBilevelProblemGetOps(p, &call));
    FEN_OK((*call->together)(p, 4));
    FEN_OK((*call->settheta)(p, (double[]){-1, -1}));
    FEN_OK(FenSystemCreate(p, "bilevel_adjoint_", &S));
    FEN_OK(PetscMalloc2((size_t)(4 * part.nx) + 1, &q, (size_t)(4 * part.nx) + 1, &alone));
    (void)Systems(p, S, &part, 4, q, &steps); /* the first one makes exchanges of each number of samples */
    sums = Systems(p, S, &part, 1, alone, &one);
    FEN_ASSERT_ALL(sums <= one + 4 && sums >= one - 1);
    sums = Systems(p, S, &part, 4, q, &steps);
    FEN_ASSERT_ALL(steps > one + 5 && sums <= steps + 4);
    FEN_ASSERT_ALL(!memcmp(q, alone, sizeof(double) * (size_t)part.nx));
    FEN_OK(PetscFree2(q, alone));
    FEN_OK(FenSystemDestroy(&S));
    FEN_OK(FenBilevelProblemDestroy(&p));
  }
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(TestSameNumbers), cmocka_unit_test(TestTeams),
                                     cmocka_unit_test(TestMessages), cmocka_unit_test(TestSteps)};
  int                     status;

  if (!FenTestStart(&argc, &argv))
    return 1;
  status = cmocka_run_group_tests_name("bilevel_together", tests, Setup, NULL);
  return FenTestEnd(status);
}
