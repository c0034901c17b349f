/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Contract of every type: a solve that is stopped at any iteration, saved, loaded into another solver and continued
   ends with the same answer as one that was not, to the last bit.
*/
#include "operator/separableimpl.h"
#include "solve.h"
#include "cases.h"
#include "snapshot.h"

typedef struct {
  FenProgress p;
  FenReason   reason;
  FenOTBounds B;
  FenInt      n, m, rows;
  double     *f, *g, *history;
} Answer;

static Answer Take(FenOT ot)
{
  Answer        A;
  const FenLog *log;
  const double *f, *g;

  FEN_OK(FenSolverGetProgress((FenSolver)ot, &A.p));
  A.reason = SolveReason(ot);
  A.B = ot->bounds;
  A.n = ot->n;
  A.m = ot->m;
  FEN_OK(FenOTGetPotentials(ot, &f, &g));
  A.f = (double *)malloc((size_t)(A.n + A.m + 1) * sizeof(double));
  A.g = A.f + A.n;
  memcpy(A.f, f, (size_t)A.n * sizeof(double));
  memcpy(A.g, g, (size_t)A.m * sizeof(double));
  FEN_OK(FenSolverGetHistory((FenSolver)ot, &log));
  A.rows = log->nrows;
  A.history = (double *)malloc((size_t)(A.rows * log->ncols + 1) * sizeof(double));
  memcpy(A.history, log->data, (size_t)(A.rows * log->ncols) * sizeof(double));
  return A;
}

static void Forget(Answer *A)
{
  free(A->f);
  free(A->history);
}

/* everything but the clock, bit by bit; names what differs */
static int Same(const char *type, const Answer *A, const Answer *B)
{
  int same = A->reason == B->reason && A->p.iteration == B->p.iteration && A->rows == B->rows;

  if (!same)
    print_error("%s: reason %d %d, iterations %d %d\n", type, A->reason, B->reason, (int)A->p.iteration,
                (int)B->p.iteration);
#define SAME(what)                                                                                                     \
  if (memcmp(&A->what, &B->what, sizeof(A->what))) {                                                                   \
    print_error("%s: " #what " %.17g %.17g\n", type, A->what, B->what);                                                \
    same = 0;                                                                                                          \
  }
  SAME(p.value)
  SAME(p.lower)
  SAME(p.upper)
  SAME(p.residual)
  SAME(p.parameter)
  SAME(p.work)
  SAME(B.ot_lower)
  SAME(B.ot_upper)
#undef SAME
  same = same && !memcmp(A->f, B->f, (size_t)(A->n + A->m) * sizeof(double));
  for (FenInt r = 0; same && r < A->rows; r++)
    same = !memcmp(A->history + r * FEN_PROGRESS_COLUMNS, B->history + r * FEN_PROGRESS_COLUMNS,
                   (FEN_PROGRESS_COLUMNS - 1) * sizeof(double));
  return same;
}

typedef struct {
  const char *type;
  FenMeasure  m[2];
  FenCost     cost;
  double      eps, gap;
  PetscBool   waits; /* a run from the start sees no use in blocks on the last level of epsilon, see Wait(), */
  FenInt      since; /* from this iteration on */
  FenInt      every; /* so many iterations one stops */
} Task;

/* as if on pencils all were less: nothing else tells a run that goes on that it is still waiting */
static PetscErrorCode Wait(FenSolver s, const FenProgress *p, void *ctx)
{
  Task *T = (Task *)ctx;
  FenOT ot = (FenOT)s;

  PetscFunctionBegin;
  if (p->iteration == 1)
    T->since = 0;
  if (!T->since && ot->op->eps == ot->eps && ot->at == 0) {
    T->since = p->iteration;
    for (int k = 0; k < 2 * FEN_MAX_DIM; k++) {
      ((FenSeparable *)ot->op->data)->coming[k % 2][k / 2].planned = PETSC_FALSE;
      ot->op->ways.wait[k % 2][k / 2] = 1000;
    }
  }
  PetscFunctionReturn(0);
}

static FenOT Make(Task *T)
{
  FenOT ot = SolveMake(T->type, T->m, T->cost, T->eps, T->gap);

  FEN_OK(FenSolverSetFromOptions((FenSolver)ot));
  if (T->waits)
    FEN_OK(FenSolverMonitorSet((FenSolver)ot, Wait, T, NULL));
  return ot;
}

/* the state of a solve that is stopped at iteration k */
static Snapshot StopAt(Task *T, FenInt k)
{
  Saver S = {.stop = k, .request = FEN_REQUEST_SAVE | FEN_REQUEST_STOP};
  FenOT ot = Make(T);

  FEN_OK(FenSolverSetSave((FenSolver)ot, SaverPoll, SaverSave, &S));
  FEN_OK(FenOTSolve(ot));
  assert_int_equal(SolveReason(ot), FEN_STOPPED);
  assert_int_equal(S.saved, 1);
  assert_int_equal(S.seen, FEN_REQUEST_SAVE | FEN_REQUEST_STOP);
  FEN_OK(FenOTDestroy(&ot));
  return S.snapshot;
}

/* continued from the state: in a new solver or in one that has solved before */
static void GoOn(Task *T, const Snapshot *S, PetscBool used, const Answer *whole)
{
  FenOT  ot = Make(T);
  FenInt restarts;
  Answer A;

  FEN_OK(FenSolverMonitorCancel((FenSolver)ot));
  if (used)
    FEN_OK(FenOTSolve(ot));
  SnapshotPut((FenSolver)ot, S);
  FEN_OK(FenOTSolve(ot));
  FEN_OK(FenSolverGetRestarts((FenSolver)ot, &restarts));
  assert_int_equal(restarts, 1);
  A = Take(ot);
  if (!Same(T->type, whole, &A)) {
    print_error("%s: from iteration %d of %d\n", T->type, (int)*(const FenInt *)S->data[0], (int)whole->p.iteration);
    FEN_ASSERT_ALL(0);
  }
  FEN_ASSERT_ALL(1);
  Forget(&A);
  FEN_OK(FenOTDestroy(&ot));
}

static void ForCase(const Case *c, void (*test)(Task *))
{
  for (int t = 0; t < NTYPES; t++) {
    Task T = {.type = solve_types[t], .gap = 1e-5, .every = 1};

    CaseMake(c, MPI_COMM_WORLD, NULL, T.m, &T.cost);
    FEN_OK(FenCostGetMaximum(T.cost, T.m[0], T.m[1], &T.eps));
    T.eps *= 0.02;
    test(&T);
    CaseDestroy(T.m, &T.cost);
  }
}

static void Everywhere(Task *T, PetscBool used)
{
  FenOT  ot = Make(T);
  Answer whole;

  SolveRun(ot);
  whole = Take(ot);
  FEN_OK(FenOTDestroy(&ot));
  assert_true(whole.p.iteration > 2);
  for (FenInt k = PetscMax(1, T->since); k < whole.p.iteration; k += T->every) {
    Snapshot S = StopAt(T, k);

    GoOn(T, &S, used, &whole);
    SnapshotFree(&S);
  }
  Forget(&whole);
}

static void EveryIteration(Task *T)
{
  Everywhere(T, PETSC_FALSE);
}
static void InUsedSolver(Task *T)
{
  Everywhere(T, PETSC_TRUE);
}

/* a save without a stop changes nothing, and its state leads to the same end */
static void SaveOnly(Task *T)
{
  Saver  S = {.stop = 2, .request = FEN_REQUEST_SAVE};
  FenOT  ot = Make(T), with = Make(T);
  Answer A, B;

  SolveRun(ot);
  A = Take(ot);
  FEN_OK(FenSolverSetSave((FenSolver)with, SaverPoll, SaverSave, &S));
  SolveRun(with);
  B = Take(with);
  assert_int_equal(S.saved, 1);
  assert_int_equal(S.seen, FEN_REQUEST_SAVE);
  FEN_ASSERT_ALL(Same(T->type, &A, &B));
  GoOn(T, &S.snapshot, PETSC_FALSE, &A);
  SnapshotFree(&S.snapshot);
  Forget(&A);
  Forget(&B);
  FEN_OK(FenOTDestroy(&ot));
  FEN_OK(FenOTDestroy(&with));
}

/* the state of a solver that ended goes to another one, which runs; the first one is gone */
static void Another(Task *T, FenOT *ot)
{
  FenState state;
  Snapshot S;

  FEN_OK(FenSolverGetState((FenSolver)*ot, &state));
  SnapshotTake(state, &S);
  FEN_OK(FenStateDestroy(&state));
  FEN_OK(FenOTDestroy(ot));
  *ot = Make(T);
  SnapshotPut((FenSolver)*ot, &S);
  FEN_OK(FenOTSolve(*ot));
  SnapshotFree(&S);
}

/* a solve that had finished is finished after a restart, too */
static void Finished(Task *T)
{
  FenOT  ot = Make(T);
  Answer A, B;

  SolveRun(ot);
  A = Take(ot);
  Another(T, &ot);
  B = Take(ot);
  assert_int_equal(B.p.iteration, A.p.iteration);
  assert_int_equal(B.reason, A.reason);
  assert_true(A.p.lower == B.p.lower && A.p.upper == B.p.upper);
  FEN_ASSERT_ALL(!memcmp(A.f, B.f, (size_t)(A.n + A.m) * sizeof(double)));
  Forget(&A);
  Forget(&B);
  FEN_OK(FenOTDestroy(&ot));
}

/* half of the iterations, which end on an early level of epsilon, and bounds; then the others */
static void InTwo(Task *T)
{
  FenOT  ot = Make(T);
  Answer whole, rest;

  SolveRun(ot);
  whole = Take(ot);
  FEN_OK(FenOTDestroy(&ot));
  ot = Make(T);
  FEN_OK(FenSolverSetTolerances((FenSolver)ot, PETSC_DEFAULT, PETSC_DEFAULT, whole.p.iteration / 2));
  FEN_OK(FenOTSolve(ot));
  assert_int_equal(SolveReason(ot), FEN_DIVERGED_MAX_IT);
  Another(T, &ot);
  rest = Take(ot);
  rest.rows = whole.rows = 0; /* in between there are bounds */
  FEN_ASSERT_ALL(Same(T->type, &whole, &rest));
  Forget(&whole);
  Forget(&rest);
  FEN_OK(FenOTDestroy(&ot));
}

static void TestClouds(void **state)
{
  (void)state;
  ForCase(&cases[0], EveryIteration);
  ForCase(&cases[1], EveryIteration);
  ForCase(&cases[2], EveryIteration);
}

static void TestGrids(void **state)
{
  (void)state;
  ForCase(&cases[5], EveryIteration);
  ForCase(&cases[8], EveryIteration);
}

/* on blocks of pixels first */
static void TestLevels(void **state)
{
  (void)state;
  ForCase(&cases[14], EveryIteration);
  ForCase(&cases[16], EveryIteration);
}

/* the preconditioner changes on the way */
static void TestAssembledLate(void **state)
{
  (void)state;
  FEN_OK(PetscOptionsSetValue(NULL, "-ot_newton_diagonal_it", "3"));
  ForCase(&cases[8], EveryIteration);
  FEN_OK(PetscOptionsClearValue(NULL, "-ot_newton_diagonal_it"));
}

/* On several ranks sums are taken on pencils while epsilon is large, and across blocks then; or on pencils all along.
   Their last bits differ. Runs that go on do as they would have done */
static void TestAcross(void **state)
{
  const Case  across[] = {{"slabs", FEN_COST_SQEUCLIDEAN, 2, {{40, 9}, {40, 9}}, PETSC_TRUE, 4, 0},
                          {"blocks", FEN_COST_SQEUCLIDEAN, 3, {{3, 5, 40}, {3, 4, 36}}, PETSC_TRUE, -1, 0},
                          {"slabs, power", FEN_COST_POWER, 2, {{40, 9}, {40, 9}}, PETSC_TRUE, 4, 1.75}};
  PetscMPIInt ranks;

  (void)state;
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  for (int k = 0; k < 5; k++)
    for (int t = 0; t < NTYPES; t++) {
      const int         blocks = k / 2 == 1, multigrid = !strcmp(solve_types[t], FENOTMULTIGRID);
      Task              T = {.type = solve_types[t], .eps = 0.06, .gap = 1e-6, .waits = k % 2, .every = 7};
      const PetscMPIInt cut[FEN_MAX_DIM] = {blocks ? 1 : ranks, 1, blocks ? ranks : 1};
      FenOT             ot;

      if (k > 1 && !multigrid)
        continue;
      CaseMake(&across[k / 2], MPI_COMM_WORLD, cut, T.m, &T.cost);
      ot = Make(&T);
      SolveRun(ot);
      if (multigrid)
        assert_int_equal(ot->op->ways.plan, ranks == 1 || T.waits ? 0 : blocks ? 1 : 2);
      FEN_OK(FenOTDestroy(&ot));
      if (ranks > 1)
        EveryIteration(&T);
      Finished(&T);
      if (multigrid && !T.waits)
        InTwo(&T);
      CaseDestroy(T.m, &T.cost);
    }
}

static void TestMatrix(void **state)
{
  (void)state;
  ForCase(&cases[NCASES - 1], EveryIteration);
}

static void TestUsedSolver(void **state)
{
  (void)state;
  ForCase(&cases[0], InUsedSolver);
  ForCase(&cases[8], InUsedSolver);
}

static void TestSaveOnly(void **state)
{
  (void)state;
  for (int k = 0; k < NCASES; k++)
    ForCase(&cases[k], SaveOnly);
}

static void TestFinished(void **state)
{
  (void)state;
  for (int k = 0; k < NCASES; k++)
    ForCase(&cases[k], Finished);
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(TestClouds),        cmocka_unit_test(TestGrids),    cmocka_unit_test(TestMatrix),
      cmocka_unit_test(TestSaveOnly),      cmocka_unit_test(TestFinished), cmocka_unit_test(TestUsedSolver),
      cmocka_unit_test(TestAssembledLate), cmocka_unit_test(TestLevels),   cmocka_unit_test(TestAcross)};

  if (!FenTestStart(&argc, &argv))
    return 1;
  return FenTestEnd(cmocka_run_group_tests_name(__FILE__, tests, NULL, NULL));
}
