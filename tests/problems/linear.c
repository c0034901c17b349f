/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Recorded trajectories: the same on any number of ranks, through a file and back; the laws of the two problems; every
   rule has its error.
*/
#include <fenchellinear.h>
#include "fentest.h"
#include "linearproblem.h"
#include <unistd.h>

static void SamePrint(FenTrajectories a, FenTrajectories b, int same)
{
  FenFingerprint x, y;

  FEN_OK(FenTrajectoriesFingerprint(a, &x));
  FEN_OK(FenTrajectoriesFingerprint(b, &y));
  FEN_ASSERT_ALL((memcmp(&x, &y, sizeof(x)) == 0) == same);
}

static void TestRanks(void **state)
{
  static const char *const options[] = {"-linear_trajectories 23", "-put_trajectories 17 -put_anchors 7"};

  (void)state;
  for (int k = 0; k < 2; k++) {
    FenLinearProblem p = LinearProblemMake(FenLinearProblems[k], options[k]);
    FenTrajectories  mine, all, other;

    FEN_OK(FenTrajectoriesGenerate(MPI_COMM_WORLD, p, &mine));
    FEN_OK(FenTrajectoriesGenerate(MPI_COMM_SELF, p, &all));
    SamePrint(mine, all, 1);
    p->replication = 1;
    FEN_OK(FenTrajectoriesGenerate(MPI_COMM_WORLD, p, &other));
    SamePrint(mine, other, 0);
    FEN_OK(FenTrajectoriesDestroy(&mine));
    FEN_OK(FenTrajectoriesDestroy(&all));
    FEN_OK(FenTrajectoriesDestroy(&other));
    FEN_OK(FenLinearProblemDestroy(&p));
  }
}

static void TestFile(void **state)
{
  static const char *const options[] = {"-linear_trajectories 9", "-put_trajectories 11 -put_anchors 5 -put_hats cut"};
  char                     path[] = "fenchel-linear-XXXXXX";

  (void)state;
  {
    int rank = 0, fd = -1;

    (void)MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    if (!rank)
      fd = mkstemp(path);
    if (fd >= 0)
      (void)close(fd);
    (void)MPI_Bcast(path, sizeof(path), MPI_CHAR, 0, MPI_COMM_WORLD);
  }
  for (int k = 0; k < 2; k++) {
    FenLinearProblem      p = LinearProblemMake(FenLinearProblems[k], options[k]);
    FenTrajectories       t, back;
    FenTrajectoriesArrays a;
    char                  spec[80];

    FEN_OK(FenTrajectoriesGenerate(MPI_COMM_WORLD, p, &t));
    (void)snprintf(spec, sizeof(spec), "%s:/some/data", path);
    FEN_OK(FenTrajectoriesWrite(t, spec, PETSC_TRUE));
    FEN_OK(FenTrajectoriesRead(MPI_COMM_WORLD, spec, &back));
    SamePrint(t, back, 1);
    FEN_OK(FenTrajectoriesDestroy(&back));
    FEN_ERROR(FenTrajectoriesWrite(t, spec, PETSC_FALSE), FEN_ERR_FILE_EXISTS, path);
    FEN_ERROR(FenTrajectoriesRead(MPI_COMM_WORLD, path, &back), FEN_ERR_FILE_MISSING, "trajectories");
    FEN_OK(FenTrajectoriesGetArrays(t, &a));
    for (FenInt i = 0; i < a.n; i++)
      a.features[i * p->sizes.horizon * p->sizes.actions * p->sizes.features] += 2;
    FEN_ERROR(FenTrajectoriesCheck(t, "here: "), FEN_ERR_VALUE,
              "here: features, trajectory 0, step 0, action 0 sum to");
    FEN_OK(FenTrajectoriesDestroy(&t));
    FEN_OK(FenLinearProblemDestroy(&p));
  }
  {
    int rank = 0;

    (void)MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    if (!rank)
      (void)unlink(path);
  }
}

/* one wrong number is named */
static void Wrong(int array, double value, const char *text)
{
  FenLinearProblem      p = LinearProblemMake("put", "-put_trajectories 6 -put_anchors 4 -put_horizon 3");
  FenTrajectories       t;
  FenTrajectoriesArrays a;
  FenLayout             layout;
  FenInt                first, end;

  FEN_OK(FenTrajectoriesGenerate(MPI_COMM_WORLD, p, &t));
  FEN_OK(FenTrajectoriesGetArrays(t, &a));
  FEN_OK(FenTrajectoriesGetLayout(t, &layout));
  FEN_OK(FenLayoutGetRange(layout, &first, &end));
  if (first <= 4 && end > 4) { /* trajectory 4, step 2 */
    double *const arrays[] = {a.features, a.action, a.reward, a.fail, a.stop, a.theta, a.radius_scale};
    const FenInt  at = (4 - first) * 3 + 2;

    arrays[array][array == 0 ? at * 4 + 1 : array < 5 ? at : 5] = value;
  }
  if (array >= 5)
    (array == 5 ? a.theta : a.radius_scale)[5] = value;
  FEN_ERROR(FenTrajectoriesCheck(t, ""), FEN_ERR_VALUE, text);
  FEN_OK(FenTrajectoriesDestroy(&t));
  FEN_OK(FenLinearProblemDestroy(&p));
}

static void TestRules(void **state)
{
  FenTrajectoriesSizes none = {.count = 0, .horizon = 1, .actions = 1, .features = 1};
  FenTrajectories      t;
  FenLinearProblem     p;

  (void)state;
  Wrong(0, NAN, "features, trajectory 4, step 2, action 0, feature 1 is nan");
  Wrong(0, -1, "features, trajectory 4, step 2, action 0, feature 1 is -1");
  Wrong(0, 3, "trajectory 4, step 2, action 0 sum to");
  Wrong(1, 1, "action, trajectory 4, step 2 is 1; rule: a whole number from 0 to 0");
  Wrong(1, .5, "action, trajectory 4, step 2 is 0.5");
  Wrong(2, INFINITY, "reward, trajectory 4, step 2 is inf");
  Wrong(3, 1, "fail, trajectory 4, step 2 is 1");
  Wrong(3, .25, "fail, trajectory 4, step 2 is 0.25");
  Wrong(4, NAN, "stop, trajectory 4, step 2 is nan");
  Wrong(5, NAN, "theta, step 1, feature 1 is nan");
  Wrong(6, -1, "radius_scale, step 1, feature 1 is -1");
  FEN_ERROR(FenTrajectoriesCreate(MPI_COMM_WORLD, &none, &t), FEN_ERR_SHAPE, "0 trajectories");
  FEN_ERROR(FenLinearProblemCreate(MPI_COMM_WORLD, "option", NULL, &p), FEN_ERR_OPTION, "linear put");
}

/* features are laws of factors, and steps mix the factors: sum_i phi_i mu_i is the law of the next state */
static void TestFactors(void **state)
{
  FenLinearProblem p = LinearProblemMake("linear", "-linear_horizon 5 -linear_bits 2 -linear_death 0.05");
  const PetscInt   d = p->sizes.features;
  double           features[4 * 6], law[7], mixed[7];
  FenLinearView    view = {.features = features};

  (void)state;
  assert_int_equal(p->nstates, 7);
  for (PetscInt h = 0; h < 5; h++)
    for (FenInt s = 0; s < 7; s++) {
      if (s < 5 && s != h)
        continue; /* alive states belong to one step */
      p->look(p, h, p->states[s], &view);
      for (int a = 0; a < 4; a++) {
        FenLinearBranches b;

        memset(mixed, 0, sizeof(mixed));
        for (PetscInt i = 0; i < d; i++) {
          p->factor(p, h, i, law);
          for (int k = 0; k < 7; k++)
            mixed[k] += features[a * d + i] * law[k];
        }
        p->step(p, h, p->states[s], features + a * d, NAN, &b);
        for (int k = 0; k < b.n; k++)
          mixed[(int)b.next[k]] -= b.prob[k];
        for (int k = 0; k < 7; k++)
          FEN_ASSERT_NEAR(mixed[k], 0, 1e-15);
      }
    }
  FEN_OK(FenLinearProblemDestroy(&p));
}

/* hats: a partition of unity at every price unless they are cut */
static void TestHats(void **state)
{
  FenLinearProblem whole = LinearProblemMake("put", "-put_anchors 8"),
                   cut = LinearProblemMake("put", "-put_anchors 8 -put_hats cut");
  double        phi[8];
  FenLinearView view = {.features = phi};

  (void)state;
  for (int k = 0; k < 95; k++) {
    const double s = 40 + 1.7 * k;
    double       sum = 0, mean = 0;

    whole->look(whole, 0, s, &view);
    for (int i = 0; i < 8; i++) {
      sum += phi[i];
      mean += phi[i] * (80 + i * 12.5);
    }
    FEN_ASSERT_NEAR(sum, 1, 1e-15);
    FEN_ASSERT_NEAR(mean, fmin(167.5, fmax(80, s)), 1e-12);
    FEN_ASSERT_NEAR(view.stop, fmax(0, 100 - s), 0);
    cut->look(cut, 0, s, &view);
    for (int i = 0; i < 8; i++)
      FEN_ASSERT_NEAR(phi[i], fmax(0, 1 - fabs(s - 80 - i * 12.5) / 12.5), 1e-14);
  }
  FEN_OK(FenLinearProblemDestroy(&whole));
  FEN_OK(FenLinearProblemDestroy(&cut));
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(TestRanks), cmocka_unit_test(TestFile),
                                          cmocka_unit_test(TestRules), cmocka_unit_test(TestFactors),
                                          cmocka_unit_test(TestHats)};

FEN_TEST_MAIN(tests)
