/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Contract of every type of FenBilevel: a solve that is stopped after any decision, in the middle of a line search too,
   saved, loaded into another solver and continued ends as one that was not, to the last bit; and the answer is the same
   on any number of ranks and teams.
*/
#include "bilevelsolve.h"
#include "snapshot.h"

typedef struct {
  FenInt           iteration;
  double           theta[QP];
  FenBilevelBounds B;
  FenBilevelWork   work;
} Answer;

static Answer Take(FenBilevel b)
{
  Answer        A;
  FenProgress   p;
  const double *theta;

  memset(&A, 0, sizeof(A));
  FEN_OK(FenSolverGetProgress((FenSolver)b, &p));
  A.iteration = p.iteration;
  FEN_OK(FenBilevelGetTheta(b, &theta));
  memcpy(A.theta, theta, sizeof(double) * (size_t)PetscMin(b->mine, QP));
  FEN_OK(FenBilevelGetBounds(b, &A.B));
  FEN_OK(FenBilevelGetWork(b, &A.work));
  return A;
}

static void Everywhere(FenBilevelProblem p, const char *type, FenInt max_it)
{
  FenBilevel b = BilevelMake(p, type, 1e-4, max_it);
  Answer     whole, pieces;

  FEN_OK(FenBilevelSolve(b));
  whole = Take(b);
  assert_true(whole.iteration > 4);
  FEN_OK(FenBilevelDestroy(&b));
  for (FenInt k = 1; k < whole.iteration; k++) {
    Saver S = {.stop = k};

    b = BilevelMake(p, type, 1e-4, max_it);
    FEN_OK(FenSolverSetSave((FenSolver)b, SaverPoll, SaverSave, &S));
    FEN_OK(FenBilevelSolve(b));
    assert_int_equal(BilevelReason(b), FEN_STOPPED);
    assert_int_equal(S.saved, 1);
    FEN_OK(FenBilevelDestroy(&b));
    b = BilevelMake(p, type, 1e-4, max_it);
    SnapshotPut((FenSolver)b, &S.snapshot);
    FEN_OK(FenBilevelSolve(b));
    pieces = Take(b);
    if (memcmp(&whole, &pieces, sizeof(whole)))
      print_error("%s stopped at %d of %d: f %.17g, whole %.17g\n", type, (int)k, (int)whole.iteration,
                  pieces.B.objective, whole.B.objective);
    FEN_ASSERT_ALL(!memcmp(&whole, &pieces, sizeof(whole)));
    SnapshotFree(&S.snapshot);
    FEN_OK(FenBilevelDestroy(&b));
  }
}

static void TestEveryDecision(void **state)
{
  static const char *const lower[] = {"newton", "fista"};
  FenBilevelProblem        p = Quadratic(4, 2.5, 5);

  (void)state;
  for (int l = 0; l < 2; l++) {
    FEN_OK(PetscOptionsSetValue(NULL, "-bilevel_lower", lower[l]));
    for (int t = 0; t < NBILEVELTYPES; t++)
      Everywhere(p, bilevel_types[t], 60);
  }
  FEN_OK(FenBilevelProblemDestroy(&p));
}

/* starts of lower solves that are predicted, samples that advance together, and lower solvers that remember */
static void TestPrediction(void **state)
{
  static const char *const lower[] = {"fista", "lbfgs", "pdnewton"};
  FenBilevelProblem        p;
  PetscMPIInt              size;

  (void)state;
  FEN_OK(PetscOptionsInsertString(NULL, "-tv_size 12 -tv_count 3"));
  FEN_OK(FenBilevelProblemGenerate(MPI_COMM_WORLD, "tv", NULL, NULL, &p));
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  FEN_OK(FenBilevelProblemSetTeamSize(p, size));
  for (int l = 0; l < 3; l++) {
    FEN_OK(PetscOptionsSetValue(NULL, "-bilevel_lower", lower[l]));
    Everywhere(p, FENBILEVELCERTIFIED, 10);
  }
  FEN_OK(FenBilevelProblemDestroy(&p));
}

/* against one rank: the sum of theta, which every rank has, is compared with that of a solve on MPI_COMM_SELF */
static void TestRanks(void **state)
{
  (void)state;
  FEN_OK(PetscOptionsSetValue(NULL, "-bilevel_lower", "gd"));
  for (int t = 0; t < NBILEVELTYPES; t++) {
    FenBilevelProblem p = Quadratic(5, 2.5, 9), alone;
    FenBilevel        b = BilevelMake(p, bilevel_types[t], 1e-4, 60), one;
    Answer            A, B;

    FEN_OK(FenBilevelSolve(b));
    A = Take(b);
    FEN_OK(FenBilevelProblemGenerate(PETSC_COMM_SELF, "quadratic", NULL, NULL, &alone));
    FEN_OK(FenBilevelCreate(PETSC_COMM_SELF, &one));
    FEN_OK(FenBilevelSetType(one, bilevel_types[t]));
    FEN_OK(FenBilevelSetProblem(one, alone));
    FEN_OK(FenSolverSetTolerances((FenSolver)one, 0, 1e-4, 60));
    FEN_OK(FenBilevelSetFromOptions(one));
    FEN_OK(FenBilevelSolve(one));
    B = Take(one);
    FEN_ASSERT_ALL(A.iteration == B.iteration && fabs(A.B.objective - B.B.objective) <= 1e-12 * B.B.objective);
    for (int k = 0; k < QP; k++)
      FEN_ASSERT_ALL(fabs(A.theta[k] - B.theta[k]) <= 1e-11 * (1 + fabs(B.theta[k])));
    FEN_ASSERT_ALL(fabs(A.work.lower_iterations - B.work.lower_iterations) <= 0);
    FEN_OK(FenBilevelDestroy(&one));
    FEN_OK(FenBilevelProblemDestroy(&alone));
    FEN_OK(FenBilevelDestroy(&b));
    FEN_OK(FenBilevelProblemDestroy(&p));
  }
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(TestEveryDecision), cmocka_unit_test(TestPrediction),
                                          cmocka_unit_test(TestRanks)};

FEN_TEST_MAIN(tests)
