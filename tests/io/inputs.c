/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Arrays of every file type, made by make_inputs.py: the good ones give the expected numbers on every layout, the bad
   ones end in the right error on all ranks with a message that names them, and damage anywhere never does anything
   else.
*/
#include <fenchelio.h>
#include "scratch.h"

static char folder[512];
static int  rank, size;

static void InputPath(const char name[], char path[], size_t n)
{
  assert_true((size_t)snprintf(path, n, "%s/%s", folder, name) < n);
}

/* the next line of a table, split at its three tabs; the last field takes the rest */
static int NextCase(FILE *table, char line[1024], char *field[4])
{
  if (!fgets(line, 1024, table))
    return 0;
  line[strcspn(line, "\n")] = 0;
  field[0] = line;
  for (int k = 1; k < 4; k++) {
    char *tab = strchr(field[k - 1], '\t');
    assert_non_null(tab);
    *tab = 0;
    field[k] = tab + 1;
  }
  return 1;
}

static PetscInt ParseShape(const char text[], FenInt shape[8])
{
  PetscInt n = 0;

  if (strcmp(text, "-"))
    for (const char *p = text; *p; p += strspn(p, ",")) {
      char *end;
      shape[n++] = strtoll(p, &end, 10);
      p = end;
    }
  return n;
}

static double *ReadExpected(const char name[], FenInt n)
{
  char    path[1024];
  double *x = (double *)malloc((size_t)n * sizeof(double) + 1);
  FILE   *f;

  InputPath(name, path, sizeof(path));
  f = fopen(path, "rb");
  assert_non_null(f);
  assert_int_equal(fread(x, sizeof(double), (size_t)n, f), n);
  fclose(f);
  return x;
}

/* my box of the array, read and compared; images may differ by rounding */
static int SameOnLayout(FenArray array, FenLayout layout, const FenInt shape[], PetscInt nshape,
                        const double expected[], double tol)
{
  PetscInt dim;
  FenBox   box;
  FenInt   ncomp = 1, n, full[3] = {1, 1, 1};
  double  *x;
  int      same = 1;

  FEN_OK(FenLayoutGetDim(layout, &dim));
  FEN_OK(FenLayoutGetBox(layout, -1, &box));
  FEN_OK(FenLayoutGetLocalSize(layout, &n));
  for (PetscInt a = 0; a < nshape; a++) {
    if (a < dim)
      full[a] = shape[a];
    else
      ncomp *= shape[a];
  }
  FEN_OK(PetscCalloc1((size_t)(n * ncomp), &x));
  FEN_OK(FenArrayRead(array, layout, (PetscInt)ncomp, x));
  for (FenInt k = 0; k < n * ncomp; k++) {
    const FenInt n1 = box.hi[1] - box.lo[1], n2 = box.hi[2] - box.lo[2], p = k / ncomp;
    const FenInt i = box.lo[0] + p / (n1 * n2), j = box.lo[1] + p / n2 % n1, l = box.lo[2] + p % n2;
    const double e = expected[((i * full[1] + j) * full[2] + l) * ncomp + k % ncomp];
    if (tol == 0.) {
      const double y = isnan(e) && isnan(x[k]) ? e : x[k];
      same &= !memcmp(&y, &e, sizeof(e));
    } else
      same &= fabs(x[k] - e) <= tol;
  }
  FEN_OK(PetscFree(x));
  return same;
}

static void CheckGood(const char spec[], const char kind[], const char shapetext[], const char expectname[])
{
  char         path[1024];
  FenInt       shape[8], have[8], n = 1;
  PetscInt     nshape = ParseShape(shapetext, shape), rankhave;
  FenArray     array;
  FenArrayKind k;
  double      *expected;

  InputPath(spec, path, sizeof(path));
  FEN_OK(FenArrayOpen(MPI_COMM_WORLD, path, !strcmp(kind, "raw") ? nshape : 0, shape, &array));
  FEN_OK(FenArrayGetKind(array, &k));
  assert_string_equal(FenArrayKinds[k], kind);
  FEN_OK(FenArrayGetShape(array, &rankhave, have));
  assert_int_equal(rankhave, nshape);
  for (PetscInt a = 0; a < nshape; a++) {
    assert_int_equal(have[a], shape[a]);
    n *= shape[a];
  }
  expected = ReadExpected(expectname, n);
  for (PetscInt dim = 1; dim <= PetscMin(nshape, 3); dim++)
    for (PetscInt axis = 0; axis < dim; axis++) { /* ranks along each axis in turn */
      PetscMPIInt procs[3] = {1, 1, 1};
      FenLayout   layout;
      procs[axis] = size;
      FEN_OK(FenLayoutCreateGrid(MPI_COMM_WORLD, dim, shape, procs, &layout));
      FEN_ASSERT_ALL(SameOnLayout(array, layout, shape, nshape, expected, k == FEN_ARRAY_IMAGE ? 1e-15 : 0.));
      FEN_OK(FenLayoutDestroy(&layout));
    }
  free(expected);
  FEN_OK(FenArrayClose(&array));
}

static FILE *OpenTable(const char name[])
{
  char  path[1024];
  FILE *table;

  InputPath(name, path, sizeof(path));
  table = fopen(path, "r");
  assert_non_null(table);
  return table;
}

static void TestGood(void **state)
{
  FILE *table = OpenTable("good.txt");
  char  line[1024], *field[4];
  int   n = 0;

  (void)state;
  for (; NextCase(table, line, field); n++)
    print_message("         %s\n", field[0]), CheckGood(field[0], field[1], field[2], field[3]);
  fclose(table);
  assert_true(n > 150);
}

/* opens and reads with rows on all ranks; the first error */
static PetscErrorCode OpenAndRead(const char path[], PetscInt nshape, const FenInt shape[])
{
  FenArray       array;
  FenLayout      layout;
  FenInt         have[8], ncomp = 1, n;
  PetscInt       rankhave;
  double        *x = NULL;
  PetscErrorCode ierr = FenArrayOpen(MPI_COMM_WORLD, path, nshape, shape, &array);

  if (ierr)
    return ierr;
  FEN_OK(FenArrayGetShape(array, &rankhave, have));
  if (rankhave > 0) {
    FEN_OK(FenLayoutCreateRows(MPI_COMM_WORLD, have[0], &layout));
    for (PetscInt a = 1; a < rankhave; a++)
      ncomp *= have[a];
    FEN_OK(FenLayoutGetLocalSize(layout, &n));
    if (n * ncomp < 1 << 24) {
      FEN_OK(PetscMalloc1((size_t)(n * ncomp), &x));
      ierr = FenArrayRead(array, layout, (PetscInt)ncomp, x);
      FEN_OK(PetscFree(x));
    }
    FEN_OK(FenLayoutDestroy(&layout));
  }
  FEN_OK(FenArrayClose(&array));
  return ierr;
}

static int CodeOf(const char name[])
{
  for (int code = FEN_ERR_FIRST + 1; code < FEN_ERR_LAST; code++) {
    const char *text;
    FEN_OK(FenErrorGet(code, &text, NULL, NULL, NULL));
    if (!strcmp(text, name))
      return code;
  }
  return 0;
}

static void TestBad(void **state)
{
  FILE *table = OpenTable("bad.txt");
  char  line[1024], path[1024], *field[4];
  int   n = 0;

  (void)state;
  for (; NextCase(table, line, field); n++) {
    FenInt         shape[8];
    const PetscInt nshape = ParseShape(field[2], shape);
    InputPath(field[0], path, sizeof(path));
    print_message("         %s\n", field[0]);
    FEN_ERROR(OpenAndRead(path, nshape, shape), CodeOf(field[1]), field[3]);
    FEN_ERROR(OpenAndRead(path, nshape, shape), CodeOf(field[1]), folder); /* names the file */
  }
  fclose(table);
  assert_true(n > 60);
}

/* flips bits or cuts; rank 0 writes, all ranks read: the same outcome on all, whatever it is */
static void Damage(const char from[], const char to[], uint64_t trial)
{
  FILE *f = fopen(from, "rb"), *g = fopen(to, "wb");
  char  data[1 << 16];
  long  n, at;

  assert_true(f && g);
  n = (long)fread(data, 1, sizeof(data), f);
  at = (long)(FenRandomUniform(7, trial, 0) * (double)n);
  if (trial % 3)
    data[at] = (char)(data[at] ^ (1 << trial % 8));
  else
    n = at;
  assert_int_equal(fwrite(data, 1, (size_t)n, g), n);
  fclose(f);
  fclose(g);
}

static void TestDamaged(void **state)
{
  static const char *const names[] = {"t0C2.npy",    "t3F3.npy",  "comma.csv", "dos.csv",   "grey4n.png", "rgb16i.png",
                                      "clear2n.png", "plain.pgm", "raw.ppm",   "plain.pbm", "rgba.pam"};
  char                     from[1024];
  const char              *to = ScratchPath("damaged");
  int                      refused = 0;

  (void)state;
  FEN_OK(PetscPushErrorHandler(FenTestHandler, NULL));
  for (uint64_t k = 0; k < sizeof(names) / sizeof(names[0]); k++)
    for (uint64_t trial = 0; trial < 40; trial++) {
      int code, low, high;
      InputPath(names[k], from, sizeof(from));
      if (!rank)
        Damage(from, to, 1000 * k + trial);
      MPI_Barrier(MPI_COMM_WORLD);
      code = (int)OpenAndRead(to, 0, NULL);
      MPI_Allreduce(&code, &low, 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD);
      MPI_Allreduce(&code, &high, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
      assert_int_equal(low, high);
      assert_true(code == 0 || code == FEN_ERR_FILE_FORMAT || code == FEN_ERR_SIZE);
      refused += code != 0;
    }
  FEN_OK(PetscPopErrorHandler());
  assert_true(refused > 200);
}

static void TestPathSplit(void **state)
{
  char file[32], path[32];

  (void)state;
  FEN_OK(FenPathSplit("a.h5:/b/c", file, sizeof(file), path, sizeof(path)));
  assert_string_equal(file, "a.h5");
  assert_string_equal(path, "/b/c");
  FEN_OK(FenPathSplit("d:e/a.npy", file, sizeof(file), path, sizeof(path)));
  assert_string_equal(file, "d:e/a.npy");
  assert_string_equal(path, "");
  FEN_ERROR(FenPathSplit(":/b", file, sizeof(file), path, sizeof(path)), FEN_ERR_USAGE, "names no file");
  FEN_ERROR(FenPathSplit("0123456789012345678901234567890123", file, sizeof(file), path, sizeof(path)), FEN_ERR_USAGE,
            "too long");
}

static void TestLayoutMismatch(void **state)
{
  char      path[1024];
  double    x[512];
  FenArray  array;
  FenLayout layout;

  (void)state;
  InputPath("row.csv", path, sizeof(path));
  FEN_OK(FenArrayOpen(MPI_COMM_WORLD, path, 0, NULL, &array));
  FEN_OK(FenLayoutCreateRows(MPI_COMM_WORLD, 2, &layout));
  FEN_ERROR(FenArrayRead(array, layout, 3, x), FEN_ERR_SHAPE, "has shape (1,3), (2) with 3 components");
  FEN_OK(FenLayoutDestroy(&layout));
  FEN_OK(FenArrayClose(&array));
}

static int Start(void **state)
{
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  return ScratchOpen(state);
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(TestGood), cmocka_unit_test(TestBad),
                                     cmocka_unit_test(TestDamaged), cmocka_unit_test(TestPathSplit),
                                     cmocka_unit_test(TestLayoutMismatch)};

  snprintf(folder, sizeof(folder), "%s", argc > 1 ? argv[1] : "inputs");
  if (!FenTestStart(&argc, &argv))
    return 1;
  return FenTestEnd(cmocka_run_group_tests_name(__FILE__, tests, Start, ScratchClose));
}
