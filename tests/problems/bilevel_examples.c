/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Statistical problems on examples from files (make_examples.py): exact values on the diabetes and digits data,
   scikit-learn's solutions, the same problem from every format, and files that must be refused.
*/
#include "bilevelcheck.h"
#include <fenchelio.h>

static char folder[256];

static const char *Path(const char name[], int slot)
{
  static char path[4][1024];

  snprintf(path[slot], sizeof(path[slot]), "%s/%s", folder, name);
  return path[slot];
}

static void Open(const char name[], const char options[], const char train[], Case *c)
{
  const FenBilevelData data = {Path(train, 0), NULL};

  CaseOpen(MPI_COMM_WORLD, name, options, &data, c);
}

static void Fill(const Case *c, double value, double theta[])
{
  for (FenInt k = 0; k < c->nt; k++)
    theta[k] = value;
}

/* f and |df| at a theta that all ranks know */
static double At(const Case *c, double tol, const double all[], double df[])
{
  double *theta = CaseNew(c->nt), *x = CaseNew(c->nx), f;

  for (FenInt k = 0; k < c->nt; k++)
    theta[k] = all[c->part.theta0 + k];
  f = CaseHyper(c, tol, theta, x, df);
  FEN_OK(PetscFree(theta));
  FEN_OK(PetscFree(x));
  return f;
}

#define DIABETES "-ridge_train_rows 221 -ridge_standardize "

static void Diabetes(void **state)
{
  static const double slopes[10] = {0.38808289, 10.18599495, 106.96742694, 48.03240567, -0.14738132,
                                    0.75602856, 20.32748636, 7.22529001,   58.78721518, -11.1911225};
  Case                c;
  double              theta[10] = {0}, df[10] = {0}, sum;

  (void)state;
  Open("ridge", DIABETES, "diabetes.h5", &c);
  FEN_ASSERT_NEAR(At(&c, 1e-9, theta, df), 1669.9303305347, 1e-9);
  FEN_ASSERT_NEAR(CaseSum(&c, c.nt ? df[0] : 0), 241.33142674780, 1e-9);
  theta[0] = -2.83418218;
  FEN_ASSERT_NEAR(At(&c, 1e-9, theta, df), 1472.2515412594, 1e-9);
  FEN_ASSERT_NEAR(CaseSum(&c, c.nt ? df[0] : 0), 0, 1e-5);
  FEN_OK(FenBilevelProblemDestroy(&c.p));
  Open("ridge", DIABETES "-ridge_parameters weight", "diabetes.h5", &c);
  theta[0] = 0;
  (void)At(&c, 1e-9, theta, df);
  for (FenInt k = 0; k < 10; k++) {
    const FenInt mine = k - c.part.theta0;

    sum = CaseSum(&c, mine >= 0 && mine < c.nt ? df[mine] : 0);
    FEN_ASSERT_NEAR(sum, slopes[k], 1e-7);
  }
  FEN_OK(FenBilevelProblemDestroy(&c.p));
}

static void Expected(const char name[], FenInt n, double values[])
{
  FenFile file;

  FEN_OK(FenFileOpen(MPI_COMM_WORLD, Path("expected.h5", 1), FEN_FILE_READ, &file));
  FEN_OK(FenFileReadReals(file, name, n, values));
  FEN_OK(FenFileClose(&file));
}

/* SciPy's minimum in the box [-8, 8] is one of ours: value, and slopes that only point out of the box */
static void DiabetesBox(void **state)
{
  Case   c;
  double theta[10], df[10], lower[10], upper[10];

  (void)state;
  Open("ridge", DIABETES "-ridge_parameters weight -ridge_box 8", "diabetes.h5", &c);
  Expected("ridge_theta", 10, theta);
  FEN_ASSERT_NEAR(At(&c, 1e-10, theta, df), 1422.0244948919, 1e-8);
  FEN_OK((*c.call->box)(c.p, lower, upper));
  for (FenInt k = 0; k < c.nt; k++) {
    const double t = theta[c.part.theta0 + k];

    assert_true(lower[k] == -8 && upper[k] == 8 && fabs(t) <= 8);
    assert_true(fabs(df[k]) <= 2e-3 || (t == 8 && df[k] < 0) || (t == -8 && df[k] > 0));
  }
  FEN_OK(FenBilevelProblemDestroy(&c.p));
}

#define DIGITS "-logistic_train_rows 1000 -logistic_parameters "

static void Digits(void **state)
{
  static const double best[10] = {-13.371, -9.605, -15.617, -7.463, -9.743, -8.802, -9.208, -9.943, -6.816, -7.463};
  Case                c;
  double              theta[10], df[10] = {0}, share, *x;

  (void)state;
  Open("logistic", DIGITS "class", "digits.h5", &c);
  for (int k = 0; k < 10; k++)
    theta[k] = -3;
  FEN_ASSERT_NEAR(At(&c, 1e-12, theta, df), 0.98061281142236, 1e-12);
  FEN_ASSERT_NEAR(CaseDistance(&c, c.nt, df, NULL), 0.13325710, 1e-8);
  share = c.part.theta0 <= 3 && c.part.theta1 > 3 ? df[3 - c.part.theta0] : 0;
  FEN_ASSERT_NEAR(CaseSum(&c, share), 0.0394690235, 1e-10);
  FEN_ASSERT_NEAR(At(&c, 1e-12, best, df), 0.20202821360, 3e-9); /* theta is rounded to three digits */
  FEN_ASSERT_NEAR(CaseDistance(&c, c.nt, df, NULL), 0, 1e-4);
  FEN_OK(FenBilevelProblemDestroy(&c.p));
  Open("logistic", DIGITS "scalar", "digits.h5", &c);
  theta[0] = -8.3685476;
  FEN_ASSERT_NEAR(At(&c, 1e-12, theta, df), 0.24754188406, 1e-11);
  FEN_ASSERT_NEAR(CaseSum(&c, c.nt ? df[0] : 0), 0, 1e-8);
  x = CaseNew(c.nx);
  CaseSolve(&c, 1e-10, x);
  FEN_OK((*c.call->metrics)(c.p, 0, x, &share));
  assert_true(share > 0.9 && share < 1);
  FEN_OK(PetscFree(x));
  FEN_OK(FenBilevelProblemDestroy(&c.p));
}

/* our solution is scikit-learn's */
static void Same(const char name[], const char options[], const char train[], const double theta[],
                 const char expected[], double tol)
{
  Case    c;
  double *all, *x, *t, far = 0;

  Open(name, options, train, &c);
  x = CaseNew(c.nx);
  t = CaseNew(c.nt);
  all = CaseNew(c.size.rows * c.size.width);
  Expected(expected, c.size.rows * c.size.width, all);
  for (FenInt k = 0; k < c.nt; k++)
    t[k] = theta[c.part.theta0 + k];
  FEN_OK((*c.call->settheta)(c.p, t));
  if (c.call->native)
    CaseNative(&c, 1e-11, x);
  else
    CaseSolve(&c, 1e-12, x);
  for (FenInt k = 0; k < c.nx; k++)
    far = PetscMax(far, fabs(x[k] - all[c.part.row0 * c.size.width + k]));
  FEN_ASSERT_ALL(far <= tol);
  FEN_OK(PetscFree(all));
  FEN_OK(PetscFree(x));
  FEN_OK(PetscFree(t));
  FEN_OK(FenBilevelProblemDestroy(&c.p));
}

static void Solutions(void **state)
{
  const double ridge[] = {0.7}, three[] = {-3}, net[] = {log(3), log(0.5)}, kernel[] = {log(2), log(0.3)};

  (void)state;
  Same("ridge", DIABETES, "diabetes.h5", ridge, "ridge", 1e-10);
  Same("elastic-net", "-elastic_net_train_rows 221 -elastic_net_standardize", "diabetes.h5", net, "elastic", 1e-9);
  Same("logistic", DIGITS "scalar", "digits.h5", three, "softmax", 1e-9);
  Same("logistic", "-logistic_train_rows 45", "sparse_csr.h5", three, "binary", 1e-9);
  Same("kernel-ridge", "-kernel_ridge_train_rows 100", "kernel.h5", kernel, "kernel", 1e-11);
}

static void KernelLosses(void **state)
{
  static const char *const names[] = {"holdout", "loo", "evidence"};
  const double             theta[] = {log(2), log(0.3)};

  (void)state;
  for (int k = 0; k < 3; k++) {
    Case   c;
    char   text[256];
    double df[2], expected;

    snprintf(text, sizeof(text), "-kernel_ridge_train_rows 100 -kernel_ridge_upper %s", names[k]);
    Open("kernel-ridge", text, "kernel.h5", &c);
    snprintf(text, sizeof(text), "kernel_%s", names[k]);
    Expected(text, 1, &expected);
    FEN_ASSERT_NEAR(At(&c, 1e-10, theta, df), expected, 1e-10 * fabs(expected));
    FEN_OK(FenBilevelProblemDestroy(&c.p));
  }
}

/* f and |df| of the diabetes problem from every format */
static void Formats(void **state)
{
  static const char *const files[] = {"diabetes_csr.h5", "diabetes.svm", "diabetes.npy", "diabetes.csv",
                                      "diabetes.h5:/"};
  Case                     c;
  double                   theta = 0, df, pair[2] = {1669.9303305347, 241.33142674780};
  char                     spec[2048];

  (void)state;
  for (size_t k = 0; k < sizeof(files) / sizeof(files[0]); k++) {
    Open("ridge", DIABETES, files[k], &c);
    FEN_ASSERT_NEAR(At(&c, 1e-9, &theta, &df), pair[0], 1e-9);
    FEN_ASSERT_NEAR(CaseSum(&c, c.nt ? df : 0), pair[1], 1e-9);
    FEN_OK(FenBilevelProblemDestroy(&c.p));
  }
  for (int k = 0; k < 2; k++) {
    const FenBilevelData two = {Path("diabetes_train.svm", 0), Path("diabetes_valid.svm", 1)};
    const FenBilevelData one = {spec, NULL};

    snprintf(spec, sizeof(spec), "%s,%s", Path("diabetes_X.npy", 2), Path("diabetes_y.npy", 3));
    CaseOpen(MPI_COMM_WORLD, "ridge", k ? DIABETES : "-ridge_standardize", k ? &one : &two, &c);
    FEN_ASSERT_NEAR(At(&c, 1e-9, &theta, &df), pair[0], 1e-9);
    FEN_OK(FenBilevelProblemDestroy(&c.p));
  }
}

/* the same numbers out of two files, at a random point */
static void Equal(const char name[], const char options[], const char other[], const FenBilevelData *data,
                  const FenBilevelData *reference)
{
  Case   a, b;
  Room   r, s;
  double f, g;

  CaseOpen(MPI_COMM_WORLD, name, options, data, &a);
  CaseOpen(MPI_COMM_WORLD, name, other, reference, &b);
  assert_int_equal(a.nx, b.nx);
  r = RoomNew(&a);
  s = RoomNew(&b);
  CaseX(&a, 3, 0.3, r.x);
  CaseX(&a, 4, 1, r.v);
  FEN_OK((*a.call->settheta)(a.p, r.theta));
  FEN_OK((*b.call->settheta)(b.p, r.theta));
  f = CaseValue(&a, r.x, r.g) + CaseUpper(&a, r.x, NULL);
  g = CaseValue(&b, r.x, s.g) + CaseUpper(&b, r.x, NULL);
  FEN_ASSERT_NEAR(f, g, 1e-13 * fabs(g));
  FEN_ASSERT_NEAR(CaseDistance(&a, a.nx, r.g, s.g), 0, 1e-13 * CaseDistance(&a, a.nx, s.g, NULL));
  FEN_OK((*a.call->linearise)(a.p, 0, r.x));
  FEN_OK((*b.call->linearise)(b.p, 0, r.x));
  FEN_OK((*a.call->hessian)(a.p, r.v, r.g));
  FEN_OK((*b.call->hessian)(b.p, r.v, s.g));
  FEN_ASSERT_NEAR(CaseDistance(&a, a.nx, r.g, s.g), 0, 1e-13 * CaseDistance(&a, a.nx, s.g, NULL));
  FEN_OK((*a.call->diagonal)(a.p, r.g));
  FEN_OK((*b.call->diagonal)(b.p, s.g));
  FEN_ASSERT_NEAR(CaseDistance(&a, a.nx, r.g, s.g), 0, 1e-13 * CaseDistance(&a, a.nx, s.g, NULL));
  RoomFree(&r);
  RoomFree(&s);
  FEN_OK(FenBilevelProblemDestroy(&a.p));
  FEN_OK(FenBilevelProblemDestroy(&b.p));
}

static void Sparse(void **state)
{
  static const char *const options = "-logistic_train_rows 45 -logistic_intercept";
  const FenBilevelData     dense = {Path("sparse.npy", 0), NULL}, csr = {Path("sparse_csr.h5", 1), NULL};
  const FenBilevelData     text = {Path("sparse.svm", 2), NULL};
  Case                     c;

  (void)state;
  Equal("logistic", options, options, &csr, &dense);
  Equal("logistic", options, options, &text, &dense);
  CheckRanks("logistic", options, &csr, 0.5);
  CaseOpen(MPI_COMM_WORLD, "logistic", options, &csr, &c);
  CheckCase(&c, 0.5, 0.5, 1e-4, 1e-7, 10);
  FEN_OK(FenBilevelProblemDestroy(&c.p));
}

static void Images(void **state)
{
  char                 spec[2048];
  const FenBilevelData idx = {spec, NULL}, four = {Path("digits4.h5", 0), NULL}, three = {Path("digits3.h5", 1), NULL};

  (void)state;
  snprintf(spec, sizeof(spec), "%s,%s", Path("digits-images-idx3-ubyte", 2), Path("digits-labels-idx1-ubyte", 3));
  Equal("logistic", "-logistic_resize 4", "", &idx, &four);
  Equal("logistic", "-logistic_resize 3", "", &idx, &three);
}

static void Bad(void **state)
{
  static const struct {
    const char *problem, *options, *train, *valid, *text;
    int         code;
  } list[] = {
      {"ridge", "", "words.svm", NULL, "line 2: '1 one:2'", FEN_ERR_FILE_FORMAT},
      {"ridge", "", "falling.svm", NULL, "line 1: '1 3:2 2:1': rule", FEN_ERR_FILE_FORMAT},
      {"ridge", "", "zero.svm", NULL, "line 1: '1 0:2'", FEN_ERR_FILE_FORMAT},
      {"ridge", "", "novalue.svm", NULL, "line 3: '1 2:': a number", FEN_ERR_FILE_FORMAT},
      {"ridge", "", "nan.svm", NULL, "row 1, column 1 (both from 0): nan", FEN_ERR_VALUE},
      {"ridge", "", "nan.h5", NULL, "row 3, column 1 (both from 0): nan", FEN_ERR_VALUE},
      {"ridge", "", "short.h5", NULL, "one target for each row", FEN_ERR_SHAPE},
      {"ridge", "", "empty.svm", NULL, "no rows", FEN_ERR_SHAPE},
      {"ridge", "", "one.svm", NULL, "none is left for validation", FEN_ERR_SHAPE},
      {"ridge", "-ridge_train_rows 442", "diabetes.h5", NULL, "442 rows, 442 of them train", FEN_ERR_SHAPE},
      {"ridge", "", "diabetes.h5", "wide.h5", "has 10 features", FEN_ERR_SHAPE},
      {"ridge", "", "missing.h5", NULL, "missing.h5", FEN_ERR_FILE_OPEN},
      {"ridge", "-ridge_start -800 -ridge_box 1000", NULL, NULL, "mu > 0", FEN_ERR_VALUE},
      {"ridge", "-ridge_start -30", NULL, NULL, "outside their box", FEN_ERR_OPTION},
      {"ridge", "-ridge_parameters group -ridge_groups 30", NULL, NULL, "30 groups of 20 features", FEN_ERR_OPTION},
      {"ridge", "-ridge_standardize", "sparse_csr.h5", NULL, "is sparse", FEN_ERR_OPTION},
      {"ridge", "", NULL, "diabetes.h5", "without -train", FEN_ERR_OPTION},
      {"logistic", "", "label.svm", NULL, "row 2 (from 0): label 1.5", FEN_ERR_VALUE},
      {"logistic", "-logistic_classes 9", "digits.h5", NULL, "label 9; rule: one of 0 ... 8", FEN_ERR_VALUE},
      {"logistic", "-logistic_loss binary", "digits.h5", NULL, "10 classes", FEN_ERR_OPTION},
      {"logistic", "-logistic_resize 4", "wide.h5", NULL, "square images", FEN_ERR_SHAPE},
      {"logistic", "-logistic_resize 9", "digits.h5", NULL, "can only become smaller", FEN_ERR_OPTION},
      {"elastic-net", "-elastic_net_loss logistic", "digits.h5", NULL, "10 classes", FEN_ERR_OPTION},
      {"kernel-ridge", "-kernel_ridge_noise 1e-7", NULL, NULL, "outside -kernel_ridge_box", FEN_ERR_OPTION},
  };

  (void)state;
  for (size_t k = 0; k < sizeof(list) / sizeof(list[0]); k++) {
    const FenBilevelData data = {list[k].train ? Path(list[k].train, 0) : NULL,
                                 list[k].valid ? Path(list[k].valid, 1) : NULL};
    FenBilevelProblem p;

    FEN_OK(PetscOptionsClear(NULL));
    FEN_OK(PetscOptionsInsertString(NULL, list[k].options));
    FEN_ERROR(FenBilevelProblemGenerate(MPI_COMM_WORLD, list[k].problem, NULL, &data, &p), list[k].code, list[k].text);
  }
}

/* a theta whose exponential vanishes on one rank is an error of all */
static void Underflow(void **state)
{
  static const char *const names[] = {"ridge", "logistic", "elastic-net", "kernel-ridge"};

  (void)state;
  for (size_t k = 0; k < 4; k++) {
    Case    c;
    double *theta;

    CaseOpen(MPI_COMM_WORLD, names[k], "-ridge_parameters weight -logistic_parameters weight", NULL, &c);
    theta = CaseNew(c.nt);
    Fill(&c, 0, theta);
    if (c.part.theta1 == c.size.p)
      theta[c.nt - 1] = -800;
    FEN_ERROR((*c.call->settheta)(c.p, theta), FEN_ERR_VALUE, "is -800, its exponential 0");
    FEN_OK(PetscFree(theta));
    FEN_OK(FenBilevelProblemDestroy(&c.p));
  }
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(Diabetes),     cmocka_unit_test(DiabetesBox),
                                     cmocka_unit_test(Digits),       cmocka_unit_test(Solutions),
                                     cmocka_unit_test(KernelLosses), cmocka_unit_test(Formats),
                                     cmocka_unit_test(Sparse),       cmocka_unit_test(Images),
                                     cmocka_unit_test(Bad),          cmocka_unit_test(Underflow)};

  snprintf(folder, sizeof(folder), "%s", argc > 1 ? argv[1] : "examples");
  if (!FenTestStart(&argc, &argv))
    return 1;
  return FenTestEnd(cmocka_run_group_tests_name(__FILE__, tests, NULL, NULL));
}
