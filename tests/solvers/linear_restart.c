/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Every type of FenLinearMDP, stopped after any step, saved, loaded into another solver and continued, ends with the
   same bits.
*/
#include <fenchellinearmdp.h>
#include "snapshot.h"

static const struct {
  const char *type, *set;
  double      radius, penalty;
} cases[] = {{"r2pvi", "tv", 0, .3}, {"r2pvi", "pearson", 0, .3}, {"pevi", "none", 0, 0},   {"drpvi", "tv", .1, 0},
             {"drvil", "kl", .1, 0}, {"vadrpvi", "tv", .1, 0},    {"var2pvi", "tv", 0, .3}, {"exact", "tv", 0, .3}};

static FenLinearMDP Solver(FenLinearProblem p, FenTrajectories data, int k)
{
  FenAmbiguity a = {.alpha = 1, .radius = cases[k].radius, .penalty = cases[k].penalty};
  FenLinearMDP m;

  (void)snprintf(a.name, sizeof(a.name), "%s", cases[k].set);
  FEN_OK(FenLinearMDPCreate(MPI_COMM_WORLD, &m));
  FEN_OK(FenLinearMDPSetType(m, cases[k].type));
  FEN_OK(FenLinearMDPSetTrajectories(m, data));
  FEN_OK(FenLinearMDPSetProblem(m, p));
  FEN_OK(FenLinearMDPSetAmbiguity(m, &a));
  FEN_OK(FenSolverSetTolerances((FenSolver)m, 0, 0, (FenInt)PETSC_DEFAULT));
  return m;
}

static int Equal(FenInt n, const double a[], const double b[])
{
  for (FenInt i = 0; i < n; i++)
    if (a[i] < b[i] || a[i] > b[i] || isnan(a[i]) || isnan(b[i]))
      return 0;
  return 1;
}

static int Same(FenLinearMDP a, FenLinearMDP b)
{
  FenLinearMDPWeights x, y;
  FenLinearMDPBounds  p, q;
  const double       *u, *v;
  FenProgress         s, t;
  FenInt              n, m;
  FenInt              table;

  FEN_OK(FenLinearMDPGetWeights(a, &x));
  FEN_OK(FenLinearMDPGetWeights(b, &y));
  FEN_OK(FenLinearMDPGetBounds(a, &p));
  FEN_OK(FenLinearMDPGetBounds(b, &q));
  FEN_OK(FenLinearMDPGetValue(a, &n, &u));
  FEN_OK(FenLinearMDPGetValue(b, &m, &v));
  FEN_OK(FenSolverGetProgress((FenSolver)a, &s));
  FEN_OK(FenSolverGetProgress((FenSolver)b, &t));
  table = (FenInt)x.horizon * x.features;
  return Equal(table, x.w, y.w) && Equal(table, x.error, y.error) && Equal(table, x.diagonal, y.diagonal) &&
         Equal(1, &p.lower, &q.lower) && Equal(1, &p.upper, &q.upper) && Equal(1, &p.value_error, &q.value_error) &&
         Equal(1, &p.step_error, &q.step_error) && Equal(1, &p.ridge_error, &q.ridge_error) && n == m &&
         Equal(n, u, v) && s.iteration == t.iteration && Equal(1, &s.value, &t.value);
}

static void TestEveryStep(void **state)
{
  FenLinearProblem p;
  FenTrajectories  data;
  PetscOptions     o;

  (void)state;
  FEN_OK(PetscOptionsCreate(&o));
  FEN_OK(PetscOptionsInsertString(o, "-linear_trajectories 50 -linear_horizon 5 -linear_death 0.1"));
  FEN_OK(PetscOptionsPush(o));
  FEN_OK(FenLinearProblemCreate(MPI_COMM_WORLD, "linear", NULL, &p));
  FEN_OK(PetscOptionsPop());
  FEN_OK(PetscOptionsDestroy(&o));
  FEN_OK(FenTrajectoriesGenerate(MPI_COMM_WORLD, p, &data));
  for (int k = 0; k < (int)(sizeof(cases) / sizeof(cases[0])); k++) {
    FenLinearMDP whole = Solver(p, data, k);
    FenProgress  end;

    FEN_OK(FenLinearMDPSolve(whole));
    FEN_OK(FenSolverGetProgress((FenSolver)whole, &end));
    assert_int_equal(end.iteration, strncmp(cases[k].type, "va", 2) ? 5 : 10);
    for (FenInt stop = 1; stop < end.iteration; stop++) {
      FenLinearMDP m = Solver(p, data, k);
      Saver        S = {.stop = stop};
      FenReason    reason;

      FEN_OK(FenSolverSetSave((FenSolver)m, SaverPoll, SaverSave, &S));
      FEN_OK(FenLinearMDPSolve(m));
      FEN_OK(FenSolverGetConvergedReason((FenSolver)m, &reason));
      assert_int_equal(reason, FEN_STOPPED);
      FEN_OK(FenLinearMDPDestroy(&m));
      m = Solver(p, data, k);
      SnapshotPut((FenSolver)m, &S.snapshot);
      FEN_OK(FenLinearMDPSolve(m));
      if (!Same(whole, m))
        print_error("%s %s stopped after %d\n", cases[k].type, cases[k].set, (int)stop);
      FEN_ASSERT_ALL(Same(whole, m));
      SnapshotFree(&S.snapshot);
      FEN_OK(FenLinearMDPDestroy(&m));
    }
    FEN_OK(FenLinearMDPDestroy(&whole));
  }
  FEN_OK(FenTrajectoriesDestroy(&data));
  FEN_OK(FenLinearProblemDestroy(&p));
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(TestEveryStep)};

FEN_TEST_MAIN(tests)
