/* SPDX-License-Identifier: BSD-2-Clause */
/*
   State lists: entries, sizes, and fingerprints that neither ranks nor storage order change.
*/
#include <fentest.h>
#include <fenchelstate.h>
#include <petscviewer.h>
#include <stdlib.h>

static int Same(FenFingerprint a, FenFingerprint b)
{
  return a.lane[0] == b.lane[0] && a.lane[1] == b.lane[1];
}

static void EntriesAreWhatWasAdded(void **state)
{
  static const FenStateKind kinds[] = {FEN_STATE_INT, FEN_STATE_REAL,  FEN_STATE_REALS,
                                       FEN_STATE_LOG, FEN_STATE_ARRAY, FEN_STATE_CSR};
  FenState                  s;
  FenLayout                 l;
  FenInt                    i = 4, local;
  double                    r = 2, v[5] = {1, 2, 3, 4, 5}, bytes, *x;
  FenLog                    log = {0, 0, 3, NULL};
  FenSparse                 sparse = {NULL, NULL, NULL};
  const FenStateEntry      *e;
  PetscInt                  n;
  MPI_Comm                  comm;
  int                       compared;

  (void)state;
  FEN_OK(FenLayoutCreateRows(MPI_COMM_WORLD, 10, &l));
  FEN_OK(FenLayoutGetLocalSize(l, &local));
  x = (double *)calloc((size_t)(2 * local + 1), sizeof(double));
  FEN_OK(FenStateCreate(MPI_COMM_WORLD, &s));
  FEN_OK(FenStateAddInt(s, "i", &i));
  FEN_OK(FenStateAddReal(s, "r", &r));
  FEN_OK(FenStateAddReals(s, "v", 5, v));
  FEN_OK(FenStateAddLog(s, "log", &log));
  FEN_OK(FenStateAddArray(s, "x", l, 2, x));
  FEN_OK(FenStateAddCSR(s, "sparse", l, &sparse));
  FEN_OK(FenLayoutDestroy(&l)); /* the list holds it */
  FEN_OK(FenLogAppend(&log, v));
  FEN_OK(FenLogAppend(&log, v + 1));
  FEN_OK(FenStateGetEntries(s, &n, &e));
  assert_int_equal(n, 6);
  for (PetscInt k = 0; k < n; k++)
    assert_int_equal(e[k].kind, kinds[k]);
  assert_string_equal(e[4].name, "x");
  assert_true(e[4].n == local && e[4].ncomp == 2 && e[4].data == x && e[2].n == 5);
  FEN_OK(FenStateGetBytes(s, &bytes));
  assert_true(bytes == 8 + 8 + 5 * 8 + 2 * 3 * 8 + 10 * 2 * 8 + 11 * 8);
  FEN_OK(FenStateGetComm(s, &comm));
  MPI_Comm_compare(comm, MPI_COMM_WORLD, &compared);
  assert_int_equal(compared, MPI_CONGRUENT);
  FEN_ERROR(FenStateAddReal(s, "r", &r), FEN_ERR_INTERNAL, "\"r\" is listed twice");
  FEN_ERROR(FenStateAddReal(s, "a/b", &r), FEN_ERR_INTERNAL, "\"a/b\"");
  FEN_ERROR(FenStateAddReal(s, "", &r), FEN_ERR_INTERNAL, "letters");
  FEN_OK(FenStateDestroy(&s));
  FEN_OK(FenLogReset(&log));
  free(x);
}

static void ManyEntries(void **state)
{
  FenState             s;
  double               v[100];
  const FenStateEntry *e;
  PetscInt             n;

  (void)state;
  FEN_OK(FenStateCreate(MPI_COMM_WORLD, &s));
  for (int k = 0; k < 100; k++) {
    char name[16];

    snprintf(name, sizeof(name), "v%d", k);
    FEN_OK(FenStateAddReal(s, name, &v[k]));
  }
  FEN_OK(FenStateGetEntries(s, &n, &e));
  assert_int_equal(n, 100);
  assert_string_equal(e[7].name, "v7");
  assert_true(e[99].data == &v[99]);
  FEN_OK(FenStateDestroy(&s));
}

static double Value(FenInt i)
{
  return FenRandomNormal(9, (uint64_t)i, 0);
}

/* fingerprint of the array of shape 4 x 5 x 3 with two components in some layout; one entry may be changed */
static FenFingerprint ArrayPrint(FenLayout l, FenInt changed)
{
  FenInt         i[FEN_MAX_DIM], shape[FEN_MAX_DIM], local, k = 0;
  PetscInt       o[FEN_MAX_DIM];
  FenFingerprint f;
  FenState       s;
  FenBox         b;
  double        *x;

  FEN_OK(FenLayoutGetLocalSize(l, &local));
  FEN_OK(FenLayoutGetShape(l, shape));
  FEN_OK(FenLayoutGetOrder(l, o));
  FEN_OK(FenLayoutGetBox(l, -1, &b));
  x = (double *)malloc((size_t)(2 * local + 1) * sizeof(double));
  for (i[o[0]] = b.lo[o[0]]; i[o[0]] < b.hi[o[0]]; i[o[0]]++)
    for (i[o[1]] = b.lo[o[1]]; i[o[1]] < b.hi[o[1]]; i[o[1]]++)
      for (i[o[2]] = b.lo[o[2]]; i[o[2]] < b.hi[o[2]]; i[o[2]]++)
        for (FenInt c = 0; c < 2; c++) {
          const FenInt global = ((i[0] * shape[1] + i[1]) * shape[2] + i[2]) * 2 + c;

          x[k++] = global == changed ? nextafter(Value(global), 10) : Value(global);
        }
  FEN_OK(FenStateCreate(MPI_COMM_WORLD, &s));
  FEN_OK(FenStateAddArray(s, "x", l, 2, x));
  FEN_OK(FenStateFingerprint(s, 0, &f));
  FEN_OK(FenStateDestroy(&s));
  free(x);
  return f;
}

static void ArraysInAnyLayoutHaveOneFingerprint(void **state)
{
  const FenInt   shape[3] = {4, 5, 3};
  FenFingerprint whole = {{0, 0}};
  FenLayout      l, pencil;
  double         x[120];

  (void)state;
  for (FenInt i = 0; i < 120; i++)
    x[i] = Value(i);
  FenFingerprintDoubles(&whole, 0, 120, x);
  FEN_OK(FenLayoutCreateGrid(MPI_COMM_WORLD, 3, shape, NULL, &l));
  FEN_ASSERT_ALL(Same(ArrayPrint(l, -1), whole));
  FEN_ASSERT_ALL(!Same(ArrayPrint(l, 77), whole));
  for (PetscInt axis = 0; axis < 3; axis++) {
    FEN_OK(FenLayoutCreatePencil(l, axis, &pencil));
    FEN_ASSERT_ALL(Same(ArrayPrint(pencil, -1), whole));
    FEN_ASSERT_ALL(!Same(ArrayPrint(pencil, 0), whole));
    FEN_OK(FenLayoutDestroy(&pencil));
  }
  FEN_OK(FenLayoutDestroy(&l));
}

/* row i of 12 has i % 4 non-zeros */
static void MakeSparse(FenLayout l, FenSparse *s, FenInt wrong_column)
{
  FenInt start, end, nnz = 0, before = 0;

  FEN_OK(FenLayoutGetRange(l, &start, &end));
  for (FenInt i = 0; i < start; i++)
    before += i % 4;
  for (FenInt i = start; i < end; i++)
    nnz += i % 4;
  FEN_OK(PetscMalloc1((size_t)(end - start + 1), &s->ptr));
  FEN_OK(PetscMalloc1((size_t)nnz, &s->idx));
  FEN_OK(PetscMalloc1((size_t)nnz, &s->val));
  s->ptr[0] = 0;
  for (FenInt i = start; i < end; i++)
    s->ptr[i - start + 1] = s->ptr[i - start] + i % 4;
  for (FenInt k = 0; k < nnz; k++) {
    s->idx[k] = before + k == wrong_column ? 1000 : 7 * (before + k) % 31;
    s->val[k] = Value(before + k);
  }
}

static FenFingerprint SparsePrint(MPI_Comm comm, FenInt wrong_column)
{
  FenFingerprint f;
  FenLayout      l;
  FenSparse      sparse;
  FenState       s;

  FEN_OK(FenLayoutCreateRows(comm, 12, &l));
  MakeSparse(l, &sparse, wrong_column);
  FEN_OK(FenStateCreate(comm, &s));
  FEN_OK(FenStateAddCSR(s, "p", l, &sparse));
  FEN_OK(FenStateFingerprint(s, 0, &f));
  FEN_OK(FenStateDestroy(&s));
  FEN_OK(FenLayoutDestroy(&l));
  FEN_OK(PetscFree(sparse.ptr));
  FEN_OK(PetscFree(sparse.idx));
  FEN_OK(PetscFree(sparse.val));
  return f;
}

static void SparseArraysDoNotDependOnRanks(void **state)
{
  const FenFingerprint serial = SparsePrint(MPI_COMM_SELF, -1);

  (void)state;
  FEN_ASSERT_ALL(Same(SparsePrint(MPI_COMM_WORLD, -1), serial));
  FEN_ASSERT_ALL(!Same(SparsePrint(MPI_COMM_WORLD, 9), serial));
}

static void ReplicatedValuesHaveFingerprints(void **state)
{
  FenFingerprint before[3], after;
  FenState       s;
  FenInt         i = 4;
  double         v[3] = {1, 2, 3};
  FenLog         log = {0, 0, 2, NULL};

  (void)state;
  FEN_OK(FenStateCreate(MPI_COMM_WORLD, &s));
  FEN_OK(FenStateAddInt(s, "i", &i));
  FEN_OK(FenStateAddReals(s, "v", 3, v));
  FEN_OK(FenStateAddLog(s, "log", &log));
  FEN_OK(FenLogAppend(&log, v));
  for (PetscInt k = 0; k < 3; k++)
    FEN_OK(FenStateFingerprint(s, k, &before[k]));
  i++;
  v[2] = -3;
  FEN_OK(FenLogAppend(&log, (const double[]){0, 0}));
  for (PetscInt k = 0; k < 3; k++) {
    FEN_OK(FenStateFingerprint(s, k, &after));
    assert_false(Same(before[k], after));
  }
  FEN_ERROR(FenStateFingerprint(s, 3, &after), FEN_ERR_INTERNAL, "entry 3 of a state of 3");
  FEN_OK(FenStateDestroy(&s));
  FEN_OK(FenLogReset(&log));
}

static void LogsGrow(void **state)
{
  FenLog log = {0, 0, 3, NULL}, none = {0, 0, 0, NULL};

  (void)state;
  for (int k = 0; k < 1000; k++)
    FEN_OK(FenLogAppend(&log, (const double[]){k, 2 * k, 3 * k}));
  assert_true(log.nrows == 1000 && log.capacity >= 1000);
  for (int k = 0; k < 1000; k++)
    assert_true(log.data[3 * k] == k && log.data[3 * k + 2] == 3 * k);
  FEN_OK(FenLogReset(&log));
  assert_true(log.nrows == 0 && log.ncols == 3 && !log.data);
  FEN_OK(FenLogAppend(&log, (const double[]){1, 2, 3}));
  assert_true(log.nrows == 1 && log.data[1] == 2);
  FEN_OK(FenLogReset(&log));
  FEN_ERROR(FenLogAppend(&none, NULL), FEN_ERR_INTERNAL, "without columns");
}

static void ViewNamesTheEntries(void **state)
{
  FenState    s;
  PetscViewer viewer;
  double      r = 1;
  char        text[1024];
  FILE       *memory = fmemopen(text, sizeof(text), "w");

  (void)state;
  FEN_OK(FenStateCreate(MPI_COMM_SELF, &s));
  FEN_OK(FenStateAddReal(s, "damping", &r));
  FEN_OK(PetscViewerASCIIOpenWithFILE(MPI_COMM_SELF, memory, &viewer));
  FEN_OK(FenStateView(s, viewer));
  FEN_OK(PetscViewerDestroy(&viewer));
  FEN_OK(FenStateDestroy(&s));
  fclose(memory);
  assert_non_null(strstr(text, "State of 1 entries"));
  assert_non_null(strstr(text, "damping"));
  assert_non_null(strstr(text, "8 bytes"));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(EntriesAreWhatWasAdded),
    cmocka_unit_test(ManyEntries),
    cmocka_unit_test(ArraysInAnyLayoutHaveOneFingerprint),
    cmocka_unit_test(SparseArraysDoNotDependOnRanks),
    cmocka_unit_test(ReplicatedValuesHaveFingerprints),
    cmocka_unit_test(LogsGrow),
    cmocka_unit_test(ViewNamesTheEntries),
};
FEN_TEST_MAIN(tests)
