/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Measures and cost matrices of every file type, made by make_measures.py: the good ones give NumPy's numbers, the bad
   ones end in the right error on all ranks, which names file, data set, number, value and rule.
*/
#include <fenchelmeasure.h>
#include "fentest.h"
#include <stdlib.h>

#define MAX_FIELDS 8

static char folder[400];
static int  size;

static int Setup(void **state)
{
  (void)state;
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  return 0;
}

static FILE *OpenTable(const char name[])
{
  char  path[600];
  FILE *table;

  snprintf(path, sizeof(path), "%s/%s", folder, name);
  table = fopen(path, "r");
  assert_non_null(table);
  return table;
}

/* the fields of the next line; their number, 0 at the end */
static int NextCase(FILE *table, char line[1024], char *field[MAX_FIELDS])
{
  int n = 1;

  if (!fgets(line, 1024, table))
    return 0;
  line[strcspn(line, "\n")] = 0;
  field[0] = line;
  for (char *tab = strchr(line, '\t'); tab && n < MAX_FIELDS; tab = strchr(tab, '\t')) {
    *tab++ = 0;
    field[n++] = tab;
  }
  return n;
}

/* at most `max` numbers between commas; - is none */
static PetscInt ParseList(const char text[], PetscInt max, FenInt list[])
{
  PetscInt n = 0;

  for (const char *p = text; *p && *p != '-' && n < max; p += *p == ',') {
    char *end;
    list[n++] = strtoll(p, &end, 10);
    p = end;
  }
  return n;
}

static void FilePath(const char spec[], char path[], size_t n)
{
  if (spec[0] == '/')
    assert_true((size_t)snprintf(path, n, "%s", spec) < n);
  else
    assert_true((size_t)snprintf(path, n, "%s/%s", folder, spec) < n);
}

/* kind;height,width;shape;any */
static void ParseSource(const char spec[], char options[], FenMeasureSource *source)
{
  char *part[4] = {strtok(options, ";"), strtok(NULL, ";"), strtok(NULL, ";"), strtok(NULL, ";")};

  memset(source, 0, sizeof(*source));
  FilePath(spec, source->spec, sizeof(source->spec));
  snprintf(source->default_path, sizeof(source->default_path), "/source");
  assert_non_null(part[3]);
  source->kind = (int)strtol(part[0], NULL, 10);
  ParseList(part[1], 2, source->resize);
  source->nshape = ParseList(part[2], 4, source->shape);
  source->allow_any_mass = *part[3] == '1' ? PETSC_TRUE : PETSC_FALSE;
}

static double *ReadNumbers(const char name[], FenInt n)
{
  char    path[600];
  double *x = (double *)malloc((size_t)n * sizeof(double));
  FILE   *file;

  FilePath(name, path, sizeof(path));
  file = fopen(path, "rb");
  assert_non_null(file);
  assert_non_null(x);
  assert_int_equal(fread(x, sizeof(double), (size_t)n, file), n);
  fclose(file);
  return x;
}

/* |a - b| within tol of the largest weight or coordinate's scale; 0: equal */
static int Near(double a, double b, double tol)
{
  return fabs(a - b) <= tol * PetscMax(fabs(b), 1);
}

static int SameEntries(FenMeasure m, const double expected[], double tol)
{
  FenLayout     layout;
  FenInt        nruns, length, n, k = 0;
  const FenInt *start;
  PetscInt      dim;
  const double *w, *x;
  int           same = 1;

  FEN_OK(FenMeasureGetLayout(m, &layout));
  FEN_OK(FenMeasureGetDim(m, &dim));
  FEN_OK(FenMeasureGetSize(m, &n, NULL));
  FEN_OK(FenMeasureGetWeights(m, &w));
  FEN_OK(FenMeasureGetPoints(m, &x));
  FEN_OK(FenLayoutGetRuns(layout, &nruns, &length, &start));
  for (FenInt r = 0; r < nruns; r++)
    for (FenInt i = start[r]; i < start[r] + length; i++, k++) {
      same = same && fabs(w[k] - expected[i]) <= (tol > 0 ? tol : 1e-15) * expected[i];
      for (PetscInt d = 0; d < dim; d++)
        same = same && Near(x[k * dim + d], expected[n + i * dim + d], tol);
    }
  return same;
}

static void CheckGood(char *field[MAX_FIELDS])
{
  FenMeasureSource source;
  FenMeasure       m;
  FenMeasureKind   kind;
  FenInt           shape[4], image[4], found[FEN_MAX_DIM], n = 1, total;
  PetscInt         nshape = ParseList(field[3], 4, shape), dim;
  double          *expected, mass;
  const char      *name;
  int              same;

  ParseSource(field[0], field[1], &source);
  FEN_OK(FenMeasureRead(MPI_COMM_WORLD, &source, &m));
  FEN_OK(FenMeasureGetKind(m, &kind));
  assert_string_equal(FenMeasureKinds[kind], field[2]);
  FEN_OK(FenMeasureGetDim(m, &dim));
  FEN_OK(FenMeasureGetSize(m, &total, NULL));
  if (kind == FEN_MEASURE_GRID) {
    assert_int_equal(dim, nshape);
    FEN_OK(FenMeasureGetGrid(m, found, NULL, NULL));
    for (PetscInt k = 0; k < dim; k++) {
      assert_int_equal(found[k], shape[k]);
      n *= shape[k];
    }
  } else {
    assert_int_equal(dim, shape[1]);
    n = shape[0];
  }
  assert_int_equal(total, n);
  FEN_OK(FenMeasureGetMass(m, &mass));
  FEN_ASSERT_NEAR(mass / strtod(field[4], NULL), 1, 1e-12);
  ParseList(field[6], 4, image);
  FEN_OK(FenMeasureGetImageShape(m, found));
  assert_int_equal(found[0], image[0]);
  assert_int_equal(found[1], image[1]);
  FEN_OK(FenMeasureGetName(m, &name));
  assert_non_null(strstr(name, source.spec));
  expected = ReadNumbers(field[7], n * (1 + dim));
  same = SameEntries(m, expected, strtod(field[5], NULL));
  if (!same)
    print_error("%s, kind %d\n", field[0], source.kind);
  FEN_ASSERT_ALL(same);
  free(expected);
  FEN_OK(FenMeasureDestroy(&m));
}

static void TestGood(void **state)
{
  FILE *table = OpenTable("good.txt");
  char  line[1024], *field[MAX_FIELDS];
  int   n = 0;

  (void)state;
  for (; NextCase(table, line, field) == 8; n++)
    CheckGood(field);
  fclose(table);
  assert_true(n > 40);
}

/* the same bits on one rank and on all */
static void TestRankIndependence(void **state)
{
  FILE *table = OpenTable("good.txt");
  char  line[1024], *field[MAX_FIELDS];

  (void)state;
  while (NextCase(table, line, field) == 8) {
    FenMeasureSource source;
    FenMeasure       all, self;
    FenFingerprint   f, g;

    ParseSource(field[0], field[1], &source);
    FEN_OK(FenMeasureRead(MPI_COMM_WORLD, &source, &all));
    FEN_OK(FenMeasureRead(PETSC_COMM_SELF, &source, &self));
    FEN_OK(FenMeasureFingerprint(all, &f));
    FEN_OK(FenMeasureFingerprint(self, &g));
    FEN_ASSERT_ALL(!memcmp(&f, &g, sizeof(f)));
    FEN_OK(FenMeasureDestroy(&all));
    FEN_OK(FenMeasureDestroy(&self));
  }
  fclose(table);
}

static PetscErrorCode ReadAndBalance(const FenMeasureSource *source)
{
  FenMeasure     m, other;
  PetscErrorCode code;

  PetscFunctionBegin;
  PetscCall(FenMeasureRead(MPI_COMM_WORLD, source, &m));
  PetscCall(FenMeasureGenerateUniform(MPI_COMM_WORLD, 10, 1, 1, &other));
  code = FenMeasureBalance(m, other, PETSC_TRUE);
  PetscCall(FenMeasureDestroy(&m));
  PetscCall(FenMeasureDestroy(&other));
  PetscCall(code);
  PetscFunctionReturn(0);
}

static PetscErrorCode ReadMatrix(FenInt n, FenInt m, const char spec[], FenCost *cost)
{
  FenLayout      rows, cols;
  PetscErrorCode code;

  PetscFunctionBegin;
  PetscCall(FenLayoutCreateRows(MPI_COMM_WORLD, n, &rows));
  PetscCall(FenLayoutCreateRows(MPI_COMM_WORLD, m, &cols));
  code = FenCostReadMatrix(rows, cols, spec, cost);
  PetscCall(FenLayoutDestroy(&rows));
  PetscCall(FenLayoutDestroy(&cols));
  PetscCall(code);
  PetscFunctionReturn(0);
}

static int CodeNamed(const char text[])
{
  for (int code = FEN_ERR_FIRST + 1; code < FEN_ERR_LAST; code++) {
    const char *name;

    FEN_OK(FenErrorGet(code, &name, NULL, NULL, NULL));
    if (!strcmp(name, text))
      return code;
  }
  return -1;
}

static void TestBad(void **state)
{
  FILE *table = OpenTable("bad.txt");
  char  line[1024], *field[MAX_FIELDS];
  int   n = 0;

  (void)state;
  for (; NextCase(table, line, field) == 4; n++) {
    FenMeasureSource source;

    ParseSource(field[0], field[1], &source);
    FEN_ERROR(ReadAndBalance(&source), CodeNamed(field[2]), field[3]);
  }
  fclose(table);
  assert_true(n > 30);
}

static void CheckMatrix(FenInt n, FenInt m, const char path[], const char file[])
{
  double       *c = ReadNumbers(file, n * m), maximum, largest = -INFINITY;
  const double *byrow, *bycol;
  FenLayout     rows, cols;
  FenInt        i0, i1, j0, j1;
  FenCost       cost;
  int           same = 1;

  FEN_OK(ReadMatrix(n, m, path, &cost));
  FEN_OK(FenLayoutCreateRows(MPI_COMM_WORLD, n, &rows));
  FEN_OK(FenLayoutCreateRows(MPI_COMM_WORLD, m, &cols));
  FEN_OK(FenLayoutGetRange(rows, &i0, &i1));
  FEN_OK(FenLayoutGetRange(cols, &j0, &j1));
  FEN_OK(FenCostGetMatrix(cost, &byrow, &bycol));
  for (FenInt i = 0; i < n; i++)
    for (FenInt j = 0; j < m; j++) {
      largest = PetscMax(largest, c[i * m + j]);
      same = same && (i < i0 || i >= i1 || byrow[(i - i0) * m + j] == c[i * m + j]);
      same = same && (j < j0 || j >= j1 || bycol[(j - j0) * n + i] == c[i * m + j]);
    }
  FEN_ASSERT_ALL(same);
  FEN_OK(FenCostGetMaximum(cost, NULL, NULL, &maximum));
  assert_true(maximum == largest);
  FEN_OK(FenCostDestroy(&cost));
  FEN_OK(FenLayoutDestroy(&rows));
  FEN_OK(FenLayoutDestroy(&cols));
  free(c);
}

static void TestMatrix(void **state)
{
  FILE *table = OpenTable("matrix.txt");
  char  line[1024], *field[MAX_FIELDS], path[600];
  int   n = 0, fields;

  (void)state;
  for (; (fields = NextCase(table, line, field)) >= 4; n++) {
    const FenInt rows = strtoll(field[1], NULL, 10), cols = strtoll(field[2], NULL, 10);
    FenCost      cost;

    FilePath(field[0], path, sizeof(path));
    if (fields == 4)
      CheckMatrix(rows, cols, path, field[3]);
    else
      FEN_ERROR(ReadMatrix(rows, cols, path, &cost), CodeNamed(field[4]), field[5]);
  }
  fclose(table);
  assert_true(n > 15);
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(TestGood), cmocka_unit_test(TestRankIndependence),
                                     cmocka_unit_test(TestBad), cmocka_unit_test(TestMatrix)};

  snprintf(folder, sizeof(folder), "%s", argc > 1 ? argv[1] : "measures");
  if (!FenTestStart(&argc, &argv))
    return 1;
  return FenTestEnd(cmocka_run_group_tests_name(__FILE__, tests, Setup, NULL));
}
