/* SPDX-License-Identifier: BSD-2-Clause */
/* Statistical problems of bilevel learning: derivatives, adjoints, constants, ranks. */
#include "bilevelcheck.h"

typedef struct {
  const char *name, *options;
  double      size, spread, far; /* of x, of theta about its start; of pairs of points */
} Trial;

static const Trial trials[] = {
    {"ridge", "-ridge_rows 40 -ridge_valid_rows 30 -ridge_features 7", 1, 0.5, 10},
    {"ridge", "-ridge_rows 40 -ridge_features 7 -ridge_parameters weight -ridge_standardize", 1, 0.5, 10},
    {"ridge", "-ridge_rows 5 -ridge_features 9 -ridge_parameters group -ridge_groups 3 -ridge_dense 0 -ridge_intercept",
     1, 0.5, 10},
    {"ridge", "-ridge_rows 40 -ridge_features 7 -ridge_dense 0 -ridge_parameters weight", 1, 0.5, 10},
    {"logistic", "-logistic_rows 50 -logistic_features 6 -logistic_parameters feature", 0.5, 0.5, 10},
    {"logistic", "-logistic_rows 50 -logistic_features 4 -logistic_classes 3 -logistic_parameters class", 0.5, 0.5, 10},
    {"logistic",
     "-logistic_rows 50 -logistic_features 9 -logistic_classes 4 -logistic_parameters weight "
     "-logistic_resize 2 -logistic_intercept -logistic_upper kl -logistic_upper_temperature 0.5",
     0.5, 0.5, 10},
    {"logistic", "-logistic_rows 50 -logistic_features 4 -logistic_loss softmax -logistic_dense 0", 0.5, 0.5, 10},
    {"cleaning", "-cleaning_rows 40 -cleaning_features 4 -cleaning_classes 3", 0.5, 1, 10},
    {"cleaning", "-cleaning_rows 30 -cleaning_features 3 -cleaning_corrupt 0.5 -cleaning_upper kl -cleaning_reg 0.1",
     0.5, 1, 10},
    {"elastic-net", "-elastic_net_rows 30 -elastic_net_features 8", 0.5, 0.5, 1e-2},
    {"elastic-net", "-elastic_net_rows 30 -elastic_net_features 8 -elastic_net_parameters feature -elastic_net_dense 0",
     0.5, 0.5, 1e-2},
    {"elastic-net", "-elastic_net_rows 60 -elastic_net_features 8 -elastic_net_loss logistic", 0.5, 0.5, 1e-2},
    {"elastic-net",
     "-elastic_net_rows 60 -elastic_net_features 8 -elastic_net_loss logistic -elastic_net_dense 0 -elastic_net_upper "
     "kl",
     0.5, 0.5, 1e-2},
    {"kernel-ridge", "-kernel_ridge_rows 23 -kernel_ridge_valid_rows 11", 0.5, 0.2, 10},
    {"kernel-ridge",
     "-kernel_ridge_rows 23 -kernel_ridge_valid_rows 11 -kernel_ridge_parameters feature -kernel_ridge_upper loo", 0.5,
     0.2, 10},
    {"kernel-ridge",
     "-kernel_ridge_rows 23 -kernel_ridge_valid_rows 11 -kernel_ridge_parameters feature -kernel_ridge_upper evidence "
     "-kernel_ridge_standardize",
     0.5, 0.2, 10},
};
#define NTRIALS (sizeof(trials) / sizeof(trials[0]))

static void Derivatives(void **state)
{
  (void)state;
  for (size_t k = 0; k < NTRIALS; k++) {
    Case c;

    CaseOpen(MPI_COMM_WORLD, trials[k].name, trials[k].options, NULL, &c);
    CheckCase(&c, trials[k].size, trials[k].spread, 1e-4, 1e-7, trials[k].far);
    FEN_OK(FenBilevelProblemDestroy(&c.p));
  }
}

static void Hypergradients(void **state)
{
  (void)state;
  for (size_t k = 0; k < NTRIALS; k++) {
    Case c;

    CaseOpen(MPI_COMM_WORLD, trials[k].name, trials[k].options, NULL, &c);
    CheckHypergradient(&c, 1e-11, 1e-3, 1e-5);
    FEN_OK(FenBilevelProblemDestroy(&c.p));
  }
}

static void Ranks(void **state)
{
  (void)state;
  for (size_t k = 0; k < NTRIALS; k++)
    CheckRanks(trials[k].name, trials[k].options, NULL, trials[k].size);
}

/* steps against the hypergradient find the rows whose labels were replaced */
static void Cleaning(void **state)
{
  Case    c;
  double *theta, *x, *df, first[4], last[4];

  (void)state;
  CaseOpen(MPI_COMM_WORLD, "cleaning",
           "-cleaning_rows 120 -cleaning_valid_rows 120 -cleaning_features 4 -cleaning_classes 3 "
           "-cleaning_corrupt 0.25 -cleaning_reg 0.01",
           NULL, &c);
  theta = CaseNew(c.nt);
  df = CaseNew(c.nt);
  x = CaseNew(c.nx);
  for (int it = 0; it < 40; it++) {
    double norm;

    (void)CaseHyper(&c, 1e-6, theta, x, df);
    FEN_OK((*c.call->metrics)(c.p, 0, x, it ? last : first));
    norm = CaseDistance(&c, c.nt, df, NULL);
    CaseAxpy(c.nt, -3 / norm, df, theta, theta);
  }
  FEN_ASSERT_NEAR(first[3], 0, 0); /* all weights are one half */
  assert_true(last[0] >= first[0] && last[1] > 0.6 && last[2] > 0.8);
  FEN_OK(PetscFree(theta));
  FEN_OK(PetscFree(df));
  FEN_OK(PetscFree(x));
  FEN_OK(FenBilevelProblemDestroy(&c.p));
}

/* conditions of optimality, coordinate descent against the proximal gradient, support and margin */
static void ElasticNet(void **state)
{
  static const char *const losses[] = {"squared", "logistic"};

  (void)state;
  for (int l = 0; l < 2; l++) {
    Case   c;
    Room   r;
    char   options[256];
    double values[3], support = 0, most = 0, value;

    snprintf(options, sizeof(options), "-elastic_net_loss %s -elastic_net_l1 0.3 -elastic_net_seed 4", losses[l]);
    CaseOpen(MPI_COMM_WORLD, "elastic-net", options, NULL, &c);
    r = RoomNew(&c);
    FEN_OK((*c.call->start)(c.p, r.theta));
    FEN_OK((*c.call->settheta)(c.p, r.theta));
    CaseNative(&c, 1e-12, r.x);
    CaseFista(&c, 1e-12, r.y);
    FEN_ASSERT_NEAR(CaseDistance(&c, c.nx, r.x, r.y), 0, 1e-10);
    FEN_OK((*c.call->smoothgradient)(c.p, 0, r.x, &value, r.g));
    for (FenInt k = 0; k < c.nx; k++) {
      support += r.x[k] != 0 ? 1 : 0;
      most = r.x[k] != 0 ? most : PetscMax(most, fabs(r.g[k]));
    }
    support = CaseSum(&c, support);
    FEN_OK(MPI_Allreduce(MPI_IN_PLACE, &most, 1, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD));
    value = exp(CaseSum(&c, c.part.theta0 == 0 && c.nt ? r.theta[0] : 0)); /* l1 */
    for (FenInt k = 0; k < c.nx; k++)
      assert_true(r.x[k] == 0 || fabs(r.g[k] + copysign(value, r.x[k])) <= 1e-12);
    FEN_OK((*c.call->metrics)(c.p, 0, r.x, values));
    assert_true(support > 0 && support < (double)c.size.rows / 2);
    FEN_ASSERT_NEAR(values[0], support, 0);
    FEN_ASSERT_NEAR(values[1], 1 - most / value, 1e-13);
    assert_true(values[1] > 0);
    RoomFree(&r);
    FEN_OK(FenBilevelProblemDestroy(&c.p));
  }
}

/* the KL-robust mean lies between mean and worst row, and is the mean up to variance/(2 r) for a large temperature r */
static void Robust(void **state)
{
  static const char *const options[] = {"", "-logistic_upper kl -logistic_upper_temperature 1e6",
                                        "-logistic_upper kl -logistic_upper_temperature 1e-3"};
  double                   f[3];

  (void)state;
  for (int k = 0; k < 3; k++) {
    Case c;
    Room r;

    CaseOpen(MPI_COMM_WORLD, "logistic", options[k], NULL, &c);
    r = RoomNew(&c);
    CaseX(&c, 3, 1, r.x);
    f[k] = CaseUpper(&c, r.x, NULL);
    RoomFree(&r);
    FEN_OK(FenBilevelProblemDestroy(&c.p));
  }
  assert_true(f[1] > f[0] && f[1] < f[0] + 1e-4 && f[2] > 2 * f[0]);
}

/* one sample: teams of fewer ranks than there are would leave the others without rows */
static void Teams(void **state)
{
  static const char *const names[] = {"ridge", "cleaning", "kernel-ridge"};
  int                      nranks = 0;

  (void)state;
  FEN_OK(MPI_Comm_size(MPI_COMM_WORLD, &nranks));
  for (size_t k = 0; k < 3 && nranks > 1; k++) {
    FenBilevelProblem p;

    FEN_OK(PetscOptionsClear(NULL));
    FEN_OK(FenBilevelProblemGenerate(MPI_COMM_WORLD, names[k], NULL, NULL, &p));
    FEN_OK(FenBilevelProblemSetTeamSize(p, 1));
    FEN_ERROR(FenBilevelProblemSetUp(p), FEN_ERR_OPTION, "teams of 1 ranks");
    FEN_OK(FenBilevelProblemDestroy(&p));
  }
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(Derivatives), cmocka_unit_test(Hypergradients),
                                          cmocka_unit_test(Ranks),       cmocka_unit_test(Cleaning),
                                          cmocka_unit_test(ElasticNet),  cmocka_unit_test(Robust),
                                          cmocka_unit_test(Teams)};
FEN_TEST_MAIN(tests)
