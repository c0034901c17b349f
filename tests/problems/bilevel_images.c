/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Folders and stacks of images, made by make_images.py: good ones give NumPy's numbers on any teams, bad ones end in
   the right error on all ranks; metrics as scikit-image has them; NumPy's random numbers.
*/
#include "imagingcheck.h"
#include "bilevel/legacyrandom.h"

#define LINE 4096

static char folder[400];
static int  size;

static int Setup(void **state)
{
  (void)state;
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  return 0;
}

static FILE *OpenHere(const char name[])
{
  char  path[600];
  FILE *file;

  snprintf(path, sizeof(path), "%s/%s", folder, name);
  file = fopen(path, "r");
  assert_non_null(file);
  return file;
}

static int NextCase(FILE *table, char line[LINE], char *field[5])
{
  int n = 1;

  if (!fgets(line, LINE, table))
    return 0;
  line[strcspn(line, "\n")] = 0;
  field[0] = line;
  for (char *tab = strchr(line, '\t'); tab && n < 5; tab = strchr(tab, '\t')) {
    *tab++ = 0;
    field[n++] = tab;
  }
  return n;
}

static double *ReadDoubles(const char path[], FenInt *n)
{
  FILE   *file = fopen(path, "rb");
  double *values;

  assert_non_null(file);
  fseek(file, 0, SEEK_END);
  *n = ftell(file) / (FenInt)sizeof(double);
  rewind(file);
  values = CheckNew(*n);
  assert_int_equal(fread(values, sizeof(double), (size_t)*n, file), *n);
  fclose(file);
  return values;
}

/* clean samples are the gradient of |x - clean|^2/2 at 0, with the other sign */
static void TestGood(void **state)
{
  FILE *table = OpenHere("good.txt");
  char  line[LINE], *f[5];
  int   cases = 0;

  (void)state;
  for (; NextCase(table, line, f); cases++)
    for (int team = 1; team <= size; team++) {
      const FenBilevelData data = {f[2], NULL};
      Check                c;
      FenInt               n, whole;
      double              *all, *g, *x, value, spread = 0, worst = 0, count;

      if (size % team)
        continue;
      CheckOpen(MPI_COMM_WORLD, f[0], f[1], &data, team, &c);
      all = ReadDoubles(f[4], &n);
      whole = c.size.rows * c.size.width;
      assert_int_equal(c.size.samples, strtol(f[3], NULL, 10));
      assert_int_equal(n, c.size.samples * whole);
      g = CheckNew(c.part.nx), x = CheckNew(c.part.nx);
      for (FenInt s = c.part.start; s < c.part.end; s++) {
        const double *clean = all + s * whole + c.part.row0 * c.size.width;

        FEN_OK((*c.call->upper)(c.p, s, x, &value, g));
        for (FenInt i = 0; i < c.part.nx; i++)
          worst = fmax(worst, fabs(-g[i] - clean[i]));
        FEN_OK((*c.call->initial)(c.p, s, g));
        for (FenInt i = 0; i < c.part.nx; i++)
          spread += (g[i] - clean[i]) * (g[i] - clean[i]);
      }
      FEN_ASSERT_ALL(worst <= 1e-14);
      FEN_OK(FenSum(MPI_COMM_WORLD, 1, &spread, &value));
      count = (double)n;
      FEN_ASSERT_NEAR(value / count, 0.01, 0.01 * 6 * sqrt(2 / count)); /* noise of variance 0.01 */
      free(all), free(g), free(x);
      CheckClose(&c);
    }
  assert_true(cases >= 10);
  fclose(table);
}

static int CodeOf(const char name[])
{
#define CODE(NAME, status, sentence, remedy)                                                                           \
  if (!strcmp(name, #NAME))                                                                                            \
    return FEN_ERR_##NAME;
  FEN_ERROR_LIST(CODE)
#undef CODE
  fail();
  return 0;
}

static PetscErrorCode Read(const char name[], const FenBilevelData *data, FenBilevelProblem *p)
{
  PetscFunctionBegin;
  PetscCall(FenBilevelProblemGenerate(MPI_COMM_WORLD, name, NULL, data, p));
  PetscCall(FenBilevelProblemSetUp(*p));
  PetscFunctionReturn(0);
}

static void TestBad(void **state)
{
  FILE *table = OpenHere("bad.txt");
  char  line[LINE], *f[5];
  int   cases = 0;

  (void)state;
  for (; NextCase(table, line, f) == 5; cases++) {
    FenBilevelData    data = {f[2], NULL};
    FenBilevelProblem p = NULL;
    char             *valid = strchr(f[2], ';');

    if (valid)
      *valid++ = 0;
    data.valid = valid;
    FEN_OK(PetscOptionsClear(NULL));
    FEN_OK(PetscOptionsInsertString(NULL, f[1]));
    FEN_ERROR(Read(f[0], &data, &p), CodeOf(f[3]), f[4]);
    FEN_OK(PetscOptionsClear(NULL));
    FEN_OK(FenBilevelProblemDestroy(&p));
  }
  assert_true(cases >= 20);
  fclose(table);
}

/* noisy images given: they are the start */
static void TestNoisy(void **state)
{
  char                 train[600], options[700];
  const FenBilevelData data = {train, NULL};
  Check                c;
  double              *x, *g, value;

  (void)state;
  snprintf(train, sizeof(train), "%s/stack.npy", folder);
  snprintf(options, sizeof(options), "-tv_noisy %s/stack.h5:/set", folder);
  CheckOpen(MPI_COMM_WORLD, "tv", options, &data, 1, &c);
  x = CheckNew(c.part.nx), g = CheckNew(c.part.nx);
  for (FenInt s = c.part.start; s < c.part.end; s++) {
    FEN_OK((*c.call->initial)(c.p, s, x));
    FEN_OK((*c.call->upper)(c.p, s, x, &value, g));
    FEN_ASSERT_NEAR(value, 0, 0);
  }
  free(x), free(g);
  CheckClose(&c);
}

static void TestMetrics(void **state)
{
  FILE *table = OpenHere("metrics.txt");
  char  line[LINE], *f[5];
  int   cases = 0;

  (void)state;
  for (; NextCase(table, line, f) == 4; cases++) {
    const FenBilevelData data = {f[1], NULL};
    char                 options[40];
    Check                c;
    FenInt               n;
    double              *all, metrics[FEN_BILEVEL_METRICS], psnr, ssim;

    snprintf(options, sizeof(options), "-tv_dim %s -tv_count 1", f[0]);
    CheckOpen(MPI_COMM_WORLD, "tv", options, &data, size, &c);
    all = ReadDoubles(f[2], &n);
    FEN_OK((*c.call->metrics)(c.p, 0, all + c.part.row0 * c.size.width, metrics));
    assert_int_equal(sscanf(f[3], "%lf %lf", &psnr, &ssim), 2);
    FEN_ASSERT_NEAR(metrics[0], psnr, 1e-11);
    FEN_ASSERT_NEAR(metrics[1], ssim, 1e-11);
    free(all);
    CheckClose(&c);
  }
  assert_int_equal(cases, 3);
  fclose(table);
}

static void TestRandom(void **state)
{
  FILE           *table = OpenHere("random.txt");
  FenLegacyRandom r;
  double          value;

  (void)state;
  FenLegacyRandomSeed_Private(&r, 0);
  for (int k = 0; k < 1401; k++) {
    assert_int_equal(fscanf(table, "%lf", &value), 1);
    FEN_ASSERT_NEAR(k < 700 ? FenLegacyRandomUniform_Private(&r, -0.5, -1) : FenLegacyRandomNormal_Private(&r), value,
                    0);
  }
  fclose(table);
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(TestGood), cmocka_unit_test(TestBad), cmocka_unit_test(TestNoisy),
                                     cmocka_unit_test(TestMetrics), cmocka_unit_test(TestRandom)};
  int                     status;

  if (argc < 2)
    return 1;
  snprintf(folder, sizeof(folder), "%s", argv[1]);
  if (!FenTestStart(&argc, &argv))
    return 1;
  status = cmocka_run_group_tests_name("bilevel_images", tests, Setup, NULL);
  return FenTestEnd(status);
}
