/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Contract of every type: a NaN ends the solve within one iteration, an iteration limit ends it with valid bounds, and
   wrong parameters are refused by name on all ranks.
*/
#include "solve.h"
#include "cases.h"
#include "dense.h"

typedef struct {
  FenInt at;    /* iteration after which */
  double value; /* goes into g */
  FenInt done;
} Injection;

/* a point with weight of the last rank that has one gets the value, through the state as a load would do it, on the
   level of the grid that the iteration is on */
static PetscErrorCode Inject(FenSolver s, const FenProgress *p, void *ctx)
{
  Injection           *inj = (Injection *)ctx;
  const FenOT          ot = (FenOT)s;
  const FenStateEntry *e;
  FenState             state;
  PetscInt             n;
  int                  rank, last;
  FenInt               j = 0;
  char                 name[16];

  PetscFunctionBegin;
  if (p->iteration != inj->at)
    PetscFunctionReturn(0);
  while (j < ot->m && ot->b[j] <= 0)
    j++;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  rank = j < ot->m ? rank : -1;
  MPI_Allreduce(&rank, &last, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
  snprintf(name, sizeof(name), "g_%d", (int)ot->at);
  if (!ot->at)
    name[1] = 0;
  PetscCall(FenSolverGetState(s, &state));
  PetscCall(FenStateGetEntries(state, &n, &e));
  for (PetscInt k = 0; k < n; k++)
    if (rank == last && !strcmp(e[k].name, name))
      ((double *)e[k].data)[j] = inj->value;
  PetscCall(FenStateDestroy(&state));
  inj->done++;
  PetscFunctionReturn(0);
}

static void TestNaN(void **state)
{
  (void)state;
  for (int k = 0; k < NCASES; k++)
    for (int t = 0; t < NTYPES; t++)
      for (FenInt at = 1; at <= 5; at += 2)
        for (int inf = 0; inf < 2; inf++) {
          Injection   inj = {.at = at, .value = inf ? HUGE_VAL : NAN};
          FenMeasure  m[2];
          FenCost     cost;
          FenOT       ot;
          FenProgress p;
          double      eps;

          CaseMake(&cases[k], MPI_COMM_WORLD, NULL, m, &cost);
          FEN_OK(FenCostGetMaximum(cost, m[0], m[1], &eps));
          ot = SolveMake(solve_types[t], m, cost, 0.005 * eps, 0);
          FEN_OK(FenSolverSetTolerances((FenSolver)ot, 0, 0, 10)); /* nothing else ends it before */
          FEN_OK(FenSolverMonitorSet((FenSolver)ot, Inject, &inj, NULL));
          FEN_OK(FenOTSolve(ot));
          FEN_OK(FenSolverGetProgress((FenSolver)ot, &p));
          assert_int_equal(inj.done, 1);
          if (SolveReason(ot) != FEN_DIVERGED_NAN || p.iteration != at + 1)
            print_error("%s, %s, %g after %d: reason %d, iteration %d\n", cases[k].name, solve_types[t], inj.value,
                        (int)at, (int)SolveReason(ot), (int)p.iteration);
          assert_int_equal(SolveReason(ot), FEN_DIVERGED_NAN);
          assert_int_equal(p.iteration, at + 1);
          FEN_OK(FenOTDestroy(&ot));
          CaseDestroy(m, &cost);
        }
}

/* no iteration at all, one, two, three, ten: valid bounds, the right count */
static void TestMaximum(void **state)
{
  static const FenInt limits[] = {0, 1, 2, 3, 10};

  (void)state;
  for (int k = 0; k < NCASES; k++) {
    FenMeasure m[2];
    FenCost    cost;
    Dense      D;
    double     truth;

    CaseMake(&cases[k], PETSC_COMM_SELF, NULL, m, &cost);
    D = DenseMake(m, cost);
    CaseDestroy(m, &cost);
    truth = (double)DenseOptimum(&D, 0.1 * D.largest, 1e-10L);
    CaseMake(&cases[k], MPI_COMM_WORLD, NULL, m, &cost);
    for (int t = 0; t < NTYPES; t++)
      for (int l = 0; l < 5; l++) {
        FenOT       ot = SolveMake(solve_types[t], m, cost, 0.1 * D.largest, 0);
        FenProgress p;
        FenOTBounds B;

        FEN_OK(FenSolverSetTolerances((FenSolver)ot, 0, 0, limits[l])); /* no tolerance: the limit ends it */
        FEN_OK(FenOTSolve(ot));
        FEN_OK(FenSolverGetProgress((FenSolver)ot, &p));
        assert_int_equal(SolveReason(ot), FEN_DIVERGED_MAX_IT);
        assert_int_equal(p.iteration, limits[l]);
        FEN_OK(FenOTComputeBounds(ot, &B));
        /* weights of another number of ranks differ in their last bits */
        assert_true(B.lower <= truth + 1e-14 * D.largest && truth <= B.upper + 1e-14 * D.largest);
        assert_true(isfinite(B.lower) && isfinite(B.upper) && B.ot_lower <= B.ot_upper);
        FEN_OK(FenOTDestroy(&ot));
      }
    CaseDestroy(m, &cost);
    DenseFree(&D);
  }
}

/* measures of the first case and a solver of the default type */
static FenOT Begin(FenMeasure m[2], FenCost *cost)
{
  FenOT ot;

  CaseMake(&cases[0], MPI_COMM_WORLD, NULL, m, cost);
  FEN_OK(FenOTCreate(MPI_COMM_WORLD, &ot));
  FEN_OK(FenOTSetMeasures(ot, m[0], m[1]));
  return ot;
}

static void TestEpsilon(void **state)
{
  FenMeasure m[2];
  FenCost    cost;
  FenOT      ot = Begin(m, &cost);

  (void)state;
  FEN_ERROR(FenOTSetEpsilon(ot, -1), FEN_ERR_OPTION, "-ot_eps -1");
  FEN_ERROR(FenOTSetEpsilon(ot, NAN), FEN_ERR_OPTION, "-ot_eps");
  FEN_ERROR(FenOTSetEpsilon(ot, HUGE_VAL), FEN_ERR_OPTION, "-ot_eps");
  FEN_ERROR(FenOTSolve(ot), FEN_ERR_OPTION, "-ot_eps is 0"); /* none was set */
  FEN_OK(FenOTSetEpsilon(ot, 1e-15));
  FEN_ERROR(FenOTSolve(ot), FEN_ERR_OPTION, "too small");
  FEN_OK(FenOTSetEpsilon(ot, 0.1)); /* a refused solver is as good as new */
  SolveRun(ot);
  FEN_OK(FenOTDestroy(&ot));
  CaseDestroy(m, &cost);
}

static void TestUse(void **state)
{
  FenMeasure m[2];
  FenCost    cost;
  FenOT      ot = Begin(m, &cost), empty;

  (void)state;
  FEN_ERROR(FenOTSetType(ot, "simplex"), FEN_ERR_OPTION, "simplex");
  for (int t = 0; t < NTYPES; t++)
    assert_non_null(strstr(FenTestMessage(), solve_types[t])); /* says what there is */
  FEN_ERROR(FenSolverSetTolerances((FenSolver)ot, PETSC_DEFAULT, PETSC_DEFAULT, -7), FEN_ERR_OPTION, "-ot_max_it -7");
  FEN_OK(FenOTCreate(MPI_COMM_WORLD, &empty));
  FEN_OK(FenOTSetEpsilon(empty, 1));
  FEN_ERROR(FenOTSolve(empty), FEN_ERR_USAGE, "FenOTSetMeasures");
  FEN_OK(FenOTDestroy(&empty));
  FEN_OK(FenOTSetEpsilon(ot, 0.1));
  SolveRun(ot);
  FEN_OK(FenOTDestroy(&ot));
  CaseDestroy(m, &cost);
}

static void TestOptions(void **state)
{
  static const char *const wrong[][3] = {{"-ot_type", "simplex", ""},
                                         {"-ot_eps", "-2", "-ot_eps -2"},
                                         {"-ot_eps", "nan", "-ot_eps"},
                                         {"-ot_max_it", "-5", "-ot_max_it -5"},
                                         {"-ot_gap_rel", "nan", "gap_rel"},
                                         {"-ot_eps_factor", "2", "-ot_eps_factor 2"},
                                         {"-ot_eps_factor", "0", "-ot_eps_factor 0"},
                                         {"-ot_eps_level_tol", "-1", "-ot_eps_level_tol -1"}};

  (void)state;
  for (size_t k = 0; k < sizeof(wrong) / sizeof(wrong[0]); k++) {
    FenMeasure m[2];
    FenCost    cost;
    FenOT      ot = Begin(m, &cost);

    FEN_OK(PetscOptionsSetValue(NULL, wrong[k][0], wrong[k][1]));
    FEN_ERROR(FenOTSetFromOptions(ot), FEN_ERR_OPTION, wrong[k][2]);
    FEN_OK(PetscOptionsClearValue(NULL, wrong[k][0]));
    FEN_OK(FenOTDestroy(&ot));
    CaseDestroy(m, &cost);
  }
}

/* an instruction set that this processor cannot have is refused when the solver is set up */
static void TestInstructionSet(void **state)
{
  FenMeasure m[2];
  FenCost    cost;
  FenOT      ot = Begin(m, &cost);

  (void)state;
  FEN_OK(PetscOptionsSetValue(NULL, "-fen_simd", "mmx"));
  FEN_OK(PetscOptionsSetValue(NULL, "-ot_eps", "0.1"));
  FEN_OK(FenOTSetFromOptions(ot));
  FEN_OK(PetscOptionsClearValue(NULL, "-fen_simd"));
  FEN_OK(PetscOptionsClearValue(NULL, "-ot_eps"));
  FEN_ERROR(FenOTSolve(ot), FEN_ERR_OPTION, "mmx");
  FEN_OK(FenOTDestroy(&ot));
  CaseDestroy(m, &cost);
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(TestNaN),     cmocka_unit_test(TestMaximum),
                                     cmocka_unit_test(TestEpsilon), cmocka_unit_test(TestUse),
                                     cmocka_unit_test(TestOptions), cmocka_unit_test(TestInstructionSet)};

  if (!FenTestStart(&argc, &argv))
    return 1;
  return FenTestEnd(cmocka_run_group_tests_name(__FILE__, tests, NULL, NULL));
}
