/* SPDX-License-Identifier: BSD-2-Clause */
/*
   HDF5 files: what k ranks write, all ranks read, for every k; failures leave nothing behind and an earlier file
   intact.
*/
#include <fenchelio.h>
#include "scratch.h"

static int rank, size;

/* the value at a global number, different for every component */
static double Value(FenInt index, PetscInt c)
{
  return sin((double)index) + 1000. * (double)c;
}

/* fills or checks my part of an array, in the layout's order */
static int Walk(FenLayout layout, PetscInt ncomp, double x[], int check)
{
  FenInt   shape[3] = {1, 1, 1}, extent[3], index[3];
  PetscInt dim, order[3], nc = PetscMax(ncomp, 1);
  FenBox   box;
  int      ok = 1;

  FEN_OK(FenLayoutGetDim(layout, &dim));
  FEN_OK(FenLayoutGetShape(layout, shape));
  FEN_OK(FenLayoutGetOrder(layout, order));
  FEN_OK(FenLayoutGetBox(layout, -1, &box));
  for (PetscInt a = 0; a < 3; a++)
    if (a >= dim) {
      order[a] = a;
      shape[a] = 1;
    }
  for (PetscInt a = 0; a < 3; a++)
    extent[a] = box.hi[order[a]] - box.lo[order[a]];
  for (FenInt k = 0; k < extent[0] * extent[1] * extent[2]; k++) {
    index[order[0]] = box.lo[order[0]] + k / (extent[1] * extent[2]);
    index[order[1]] = box.lo[order[1]] + k / extent[2] % extent[1];
    index[order[2]] = box.lo[order[2]] + k % extent[2];
    for (PetscInt c = 0; c < nc; c++) {
      const double v = Value((index[0] * shape[1] + index[1]) * shape[2] + index[2], c);
      if (check)
        ok &= x[k * nc + c] == v;
      else
        x[k * nc + c] = v;
    }
  }
  return ok;
}

static void WriteOn(FenFile file, const char path[], FenLayout layout, PetscInt ncomp)
{
  FenInt  n;
  double *x;

  FEN_OK(FenLayoutGetLocalSize(layout, &n));
  FEN_OK(PetscMalloc1((size_t)(n * PetscMax(ncomp, 1)), &x));
  Walk(layout, ncomp, x, 0);
  FEN_OK(FenFileWriteArray(file, path, layout, ncomp, x));
  FEN_OK(PetscFree(x));
}

static void ReadOn(FenFile file, const char path[], FenLayout layout, PetscInt ncomp)
{
  FenInt  n;
  double *x;

  FEN_OK(FenLayoutGetLocalSize(layout, &n));
  FEN_OK(PetscCalloc1((size_t)(n * PetscMax(ncomp, 1)), &x));
  FEN_OK(FenFileReadArray(file, path, layout, ncomp, x));
  FEN_ASSERT_ALL(Walk(layout, ncomp, x, 1));
  FEN_OK(PetscFree(x));
}

/* 64 KiB and more are chunked with checksums; some ranks may own nothing */
static const struct {
  const char *path;
  PetscInt    dim, ncomp;
  FenInt      shape[3];
} arrays[] = {{"/one", 1, 0, {17}},
              {"/tiny", 1, 0, {1}},
              {"/deep/down/points", 1, 3, {5000}},
              {"/column", 1, 1, {100}},
              {"/grid", 2, 0, {150, 131}},
              {"/flat", 2, 0, {2, 20000}},
              {"/colour", 2, 3, {40, 50}},
              {"/cube", 3, 0, {30, 20, 25}},
              {"/vectors", 3, 3, {9, 8, 7}},
              {"/packed_one_row", 2, 0, {1, 9000}}};
#define NARRAYS (sizeof(arrays) / sizeof(arrays[0]))

static void MakeLayout(MPI_Comm comm, size_t a, int blocks, FenLayout *layout)
{
  PetscMPIInt procs[3] = {1, 1, 1}, n;

  MPI_Comm_size(comm, &n);
  procs[blocks ? arrays[a].dim - 1 : 0] = n;
  if (blocks && arrays[a].dim > 1 && n % 2 == 0) {
    procs[0] = 2;
    procs[arrays[a].dim - 1] = n / 2;
  }
  FEN_OK(FenLayoutCreateGrid(comm, arrays[a].dim, arrays[a].shape, procs, layout));
}

static void TestAnyRanks(void **state)
{
  (void)state;
  for (int k = 1; k <= size; k++) {
    MPI_Comm  sub = FirstRanks(k);
    FenFile   file;
    FenLayout layout;

    for (size_t a = 0; sub != MPI_COMM_NULL && a < NARRAYS; a++) {
      if (!a)
        FEN_OK(FenFileOpen(sub, ScratchPath("any.h5"), FEN_FILE_REPLACE, &file));
      MakeLayout(sub, a, (int)a % 2, &layout);
      WriteOn(file, arrays[a].path, layout, arrays[a].ncomp);
      FEN_OK(FenLayoutDestroy(&layout));
    }
    if (sub != MPI_COMM_NULL) {
      FEN_OK(FenFileClose(&file));
      MPI_Comm_free(&sub);
    }
    MPI_Barrier(MPI_COMM_WORLD);
    FEN_OK(FenFileOpen(MPI_COMM_WORLD, ScratchPath("any.h5"), FEN_FILE_READ, &file));
    for (size_t a = 0; a < NARRAYS; a++)
      for (int blocks = 0; blocks < 2; blocks++) {
        MakeLayout(MPI_COMM_WORLD, a, blocks, &layout);
        ReadOn(file, arrays[a].path, layout, arrays[a].ncomp);
        FEN_OK(FenLayoutDestroy(&layout));
      }
    FEN_OK(FenFileClose(&file));
  }
}

static void TestPencils(void **state)
{
  const FenInt shape[3] = {12, 10, 14};
  FenLayout    grid, pencil;
  FenFile      file;

  (void)state;
  FEN_OK(FenLayoutCreateGrid(MPI_COMM_WORLD, 3, shape, NULL, &grid));
  FEN_OK(FenFileOpen(MPI_COMM_WORLD, ScratchPath("pencil.h5"), FEN_FILE_CREATE, &file));
  WriteOn(file, "/grid", grid, 0);
  for (PetscInt axis = 0; axis < 3; axis++) {
    char path[16];
    FEN_OK(FenLayoutCreatePencil(grid, axis, &pencil));
    snprintf(path, sizeof(path), "/pencil%d", (int)axis);
    WriteOn(file, path, pencil, 2);
    FEN_OK(FenLayoutDestroy(&pencil));
  }
  FEN_OK(FenFileClose(&file));
  FEN_OK(FenFileOpen(MPI_COMM_WORLD, ScratchPath("pencil.h5"), FEN_FILE_READ, &file));
  for (PetscInt axis = 0; axis < 3; axis++) {
    FEN_OK(FenLayoutCreatePencil(grid, axis, &pencil));
    ReadOn(file, "/grid", pencil, 0);
    ReadOn(file, "/pencil1", pencil, 2);
    FEN_OK(FenLayoutDestroy(&pencil));
  }
  ReadOn(file, "/pencil0", grid, 2);
  FEN_OK(FenFileClose(&file));
  FEN_OK(FenLayoutDestroy(&grid));
}

static void TestTables(void **state)
{
  const FenInt shape[2] = {2, 3}, ints[4] = {1, -5, INT64_MAX, INT64_MIN};
  const double reals[6] = {1., 2., 3., 4., 5., 6.}, pi = 3.25;
  FenInt       back[4];
  double       got[6], slab[4], one;
  FenFile      file;
  PetscBool    has;
  FenDataInfo  info;

  (void)state;
  FEN_OK(FenFileOpen(MPI_COMM_WORLD, ScratchPath("tables.h5"), FEN_FILE_CREATE, &file));
  FEN_OK(FenFileWriteReals(file, "/t/reals", 2, shape, reals));
  FEN_OK(FenFileWriteReals(file, "/t/one", 0, NULL, &pi));
  FEN_OK(FenFileWriteInts(file, "/t/ints", 4, ints));
  FEN_OK(FenFileMakeGroup(file, "/empty/group"));
  FEN_OK(FenFileMakeGroup(file, "/empty"));
  FEN_OK(FenFileClose(&file));
  FEN_OK(FenFileOpen(MPI_COMM_WORLD, ScratchPath("tables.h5"), FEN_FILE_READ, &file));
  FEN_OK(FenFileReadReals(file, "/t/reals", 6, got));
  FEN_ASSERT_ALL(!memcmp(got, reals, sizeof(reals)));
  FEN_OK(FenFileReadReals(file, "/t/one", 1, &one));
  FEN_ASSERT_ALL(one == pi);
  FEN_OK(FenFileReadInts(file, "/t/ints", 4, back));
  FEN_ASSERT_ALL(!memcmp(back, ints, sizeof(ints)));
  FEN_OK(FenFileReadSlab(file, "/t/reals", rank % 2, 1, 1, 2, slab));
  FEN_ASSERT_ALL(slab[0] == 3 * (rank % 2) + 2 && slab[1] == 3 * (rank % 2) + 3);
  FEN_OK(FenFileGetInfo(file, "/empty/group", &info));
  assert_int_equal(info.type, FEN_DATA_GROUP);
  FEN_OK(FenFileGetInfo(file, "/t/reals", &info));
  assert_true(info.type == FEN_DATA_REAL && info.rank == 2 && info.shape[0] == 2 && info.shape[1] == 3);
  FEN_OK(FenFileHas(file, "/t/ints", &has));
  assert_true(has);
  FEN_OK(FenFileHas(file, "/no/such/thing", &has));
  assert_false(has);
  FEN_ERROR(FenFileReadInts(file, "/t/reals", 6, back), FEN_ERR_FILE_FORMAT, "real numbers");
  FEN_ERROR(FenFileReadReals(file, "/t/reals", 5, got), FEN_ERR_SHAPE, "6 entries, 5");
  FEN_ERROR(FenFileReadSlab(file, "/t/reals", 1, 2, 0, 1, slab), FEN_ERR_SHAPE, "[1,3)");
  FEN_ERROR(FenFileReadReals(file, "/t/real", 6, got), FEN_ERR_FILE_MISSING, "nearest names are 'reals'");
  FEN_ERROR(FenFileReadReals(file, "/tt/reals", 6, got), FEN_ERR_FILE_MISSING, "tables.h5' has no '/tt/reals'");
  FEN_ERROR(FenFileReadReals(file, "/empty", 6, got), FEN_ERR_FILE_FORMAT, "a group");
  FEN_ERROR(FenFileWriteInts(file, "/t/more", 4, ints), FEN_ERR_USAGE, "opened for reading");
  FEN_OK(FenFileClose(&file));
}

/* row i has i % 5 entries */
static void TestCSR(void **state)
{
  const FenInt n = 61, m = 7;

  (void)state;
  for (int k = 1; k <= size; k++) {
    MPI_Comm  sub = FirstRanks(k);
    FenFile   file;
    FenLayout rows;
    FenSparse a;
    FenInt    start, end, ncols, ok = 1, expect = 0;

    if (sub != MPI_COMM_NULL) {
      FEN_OK(FenLayoutCreateRows(sub, n, &rows));
      FEN_OK(FenLayoutGetRange(rows, &start, &end));
      FEN_OK(PetscMalloc3((size_t)(end - start) + 1, &a.ptr, (size_t)(4 * (end - start)) + 1, &a.idx,
                          (size_t)(4 * (end - start)) + 1, &a.val));
      a.ptr[0] = 0;
      for (FenInt i = start; i < end; i++) {
        FenInt p = a.ptr[i - start];
        for (FenInt c = 0; c < i % 5; c++, p++) {
          a.idx[p] = (i + c) % m;
          a.val[p] = Value(i, (PetscInt)c);
        }
        a.ptr[i - start + 1] = p;
      }
      FEN_OK(FenFileOpen(sub, ScratchPath("csr.h5"), FEN_FILE_REPLACE, &file));
      FEN_OK(FenFileWriteCSR(file, "/m/a", rows, m, &a));
      FEN_OK(FenFileClose(&file));
      FEN_OK(PetscFree3(a.ptr, a.idx, a.val));
      FEN_OK(FenLayoutDestroy(&rows));
      MPI_Comm_free(&sub);
    }
    MPI_Barrier(MPI_COMM_WORLD);
    FEN_OK(FenLayoutCreateRows(MPI_COMM_WORLD, n, &rows));
    FEN_OK(FenLayoutGetRange(rows, &start, &end));
    FEN_OK(FenFileOpen(MPI_COMM_WORLD, ScratchPath("csr.h5"), FEN_FILE_READ, &file));
    FEN_OK(FenFileReadCSR(file, "/m/a", rows, &ncols, &a));
    FEN_OK(FenFileClose(&file));
    FEN_ASSERT_ALL(ncols == m && a.ptr[0] == 0);
    for (FenInt i = start; i < end; i++)
      for (FenInt c = 0; c < i % 5; c++, expect++)
        ok &= a.idx[expect] == (i + c) % m && a.val[expect] == Value(i, (PetscInt)c);
    FEN_ASSERT_ALL(ok && a.ptr[end - start] == expect);
    FEN_OK(PetscFree(a.ptr));
    FEN_OK(PetscFree(a.idx));
    FEN_OK(PetscFree(a.val));
    FEN_OK(FenLayoutDestroy(&rows));
  }
}

static void TestAttributes(void **state)
{
  FenFile   file;
  char      text[64], *longtext;
  double    x;
  FenInt    i;
  PetscBool has;

  (void)state;
  FEN_OK(PetscMalloc1(100001, &longtext));
  memset(longtext, 'x', 100000);
  longtext[100000] = 0;
  FEN_OK(FenFileOpen(MPI_COMM_WORLD, ScratchPath("attributes.h5"), FEN_FILE_CREATE, &file));
  FEN_OK(FenFileWriteStringAttribute(file, "/", "format", "fenchel-result \xc3\xbc"));
  FEN_OK(FenFileWriteStringAttribute(file, "/", "nothing", ""));
  FEN_OK(FenFileWriteStringAttribute(file, "/", "long", longtext));
  FEN_OK(FenFileMakeGroup(file, "/bounds"));
  FEN_OK(FenFileWriteRealAttribute(file, "/bounds", "gap", 1.)); /* replaced by the next */
  FEN_OK(FenFileWriteRealAttribute(file, "/bounds", "gap", 0.1 + rank));
  FEN_OK(FenFileWriteIntAttribute(file, "/bounds", "iterations", INT64_C(1) << 40));
  FEN_OK(FenFileClose(&file));
  FEN_OK(FenFileOpen(MPI_COMM_WORLD, ScratchPath("attributes.h5"), FEN_FILE_READ, &file));
  FEN_OK(FenFileReadStringAttribute(file, "/", "format", text, sizeof(text)));
  assert_string_equal(text, "fenchel-result \xc3\xbc");
  FEN_OK(FenFileReadStringAttribute(file, "/", "nothing", text, sizeof(text)));
  assert_string_equal(text, "");
  memset(longtext, 0, 100001);
  FEN_OK(FenFileReadStringAttribute(file, "/", "long", longtext, 100001));
  FEN_ASSERT_ALL(strlen(longtext) == 100000);
  FEN_OK(FenFileReadRealAttribute(file, "/bounds", "gap", &x));
  FEN_ASSERT_ALL(x == 0.1);
  FEN_OK(FenFileReadIntAttribute(file, "/bounds", "iterations", &i));
  FEN_ASSERT_ALL(i == INT64_C(1) << 40);
  FEN_OK(FenFileReadRealAttribute(file, "/bounds", "iterations", &x));
  FEN_ASSERT_ALL(x == 1099511627776.);
  FEN_OK(FenFileHasAttribute(file, "/bounds", "gap", &has));
  assert_true(has);
  FEN_OK(FenFileHasAttribute(file, "/nowhere", "gap", &has));
  assert_false(has);
  FEN_ERROR(FenFileReadRealAttribute(file, "/bounds", "gapp", &x), FEN_ERR_FILE_MISSING, "it has gap, iterations");
  FEN_ERROR(FenFileReadIntAttribute(file, "/bounds", "gap", &i), FEN_ERR_FILE_FORMAT, "not one integer");
  FEN_ERROR(FenFileReadRealAttribute(file, "/", "format", &x), FEN_ERR_FILE_FORMAT, "not one number");
  FEN_ERROR(FenFileReadStringAttribute(file, "/", "format", text, 8), FEN_ERR_FILE_FORMAT, "7 bytes");
  FEN_OK(FenFileClose(&file));
  FEN_OK(PetscFree(longtext));
}

typedef struct {
  char text[512];
} Names;

static PetscErrorCode Note(const char path[], const FenDataInfo *info, void *ctx)
{
  Names *names = (Names *)ctx;
  size_t n = strlen(names->text);

  return PetscSNPrintf(names->text + n, sizeof(names->text) - n, "%s:%d ", path, (int)info->type);
}

static void TestVisit(void **state)
{
  const FenInt one = 1;
  FenFile      file;
  Names        names = {""};

  (void)state;
  FEN_OK(FenFileOpen(MPI_COMM_WORLD, ScratchPath("visit.h5"), FEN_FILE_CREATE, &file));
  FEN_OK(FenFileWriteInts(file, "/b/z", 1, &one));
  FEN_OK(FenFileWriteInts(file, "/b/a", 1, &one));
  FEN_OK(FenFileWriteInts(file, "/a", 1, &one));
  FEN_OK(FenFileClose(&file));
  FEN_OK(FenFileOpen(MPI_COMM_WORLD, ScratchPath("visit.h5"), FEN_FILE_READ, &file));
  FEN_OK(FenFileVisit(file, "/", Note, &names));
  FEN_ASSERT_ALL(!strcmp(names.text, "/a:1 /b:3 /b/a:1 /b/z:1 "));
  FEN_OK(FenFileClose(&file));
}

static void Put(FenFileMode mode, const char name[], FenInt value, int discard)
{
  FenFile file;

  FEN_OK(FenFileOpen(MPI_COMM_WORLD, name, mode, &file));
  FEN_OK(FenFileWriteInts(file, "/value", 1, &value));
  FEN_OK(discard ? FenFileDiscard(&file) : FenFileClose(&file));
  assert_null(file);
}

static FenInt Get(const char name[])
{
  FenFile file;
  FenInt  value = -1;

  FEN_OK(FenFileOpen(MPI_COMM_WORLD, name, FEN_FILE_READ, &file));
  FEN_OK(FenFileReadInts(file, "/value", 1, &value));
  FEN_OK(FenFileClose(&file));
  return value;
}

/* one folder in the scratch folder, so that left-overs can be counted */
static void TestReplace(void **state)
{
  char         dir[300], name[320];
  const double junk = 1.;
  FenFile      file;

  (void)state;
  snprintf(dir, sizeof(dir), "%s/replace", scratch);
  snprintf(name, sizeof(name), "%s/r.h5", dir);
  if (!rank)
    assert_int_equal(mkdir(dir, 0755), 0);
  MPI_Barrier(MPI_COMM_WORLD);
  Put(FEN_FILE_CREATE, name, 1, 0);
  FEN_ERROR(FenFileOpen(MPI_COMM_WORLD, name, FEN_FILE_CREATE, &file), FEN_ERR_FILE_EXISTS, "give -overwrite");
  Put(FEN_FILE_REPLACE, name, 2, 1);
  FEN_ASSERT_ALL(Get(name) == 1);
  Put(FEN_FILE_REPLACE, name, 3, 0);
  FEN_ASSERT_ALL(Get(name) == 3);
  /* a write that fails (the name is taken) spoils the whole file */
  FEN_OK(FenFileOpen(MPI_COMM_WORLD, name, FEN_FILE_REPLACE, &file));
  FEN_OK(FenFileWriteReals(file, "/x", 0, NULL, &junk));
  FEN_ERROR(FenFileWriteReals(file, "/x", 0, NULL, &junk), FEN_ERR_FILE_WRITE, "r.h5', object '/x'");
  FEN_ERROR(FenFileClose(&file), FEN_ERR_FILE_WRITE, "earlier write");
  assert_null(file);
  FEN_ASSERT_ALL(Get(name) == 3);
  assert_int_equal(ScratchCount(dir, ""), 1);
  FEN_ERROR(FenFileOpen(MPI_COMM_WORLD, ScratchPath("no/such/folder.h5"), FEN_FILE_CREATE, &file), FEN_ERR_FILE_WRITE,
            "No such file");
  FEN_ERROR(FenFileOpen(MPI_COMM_WORLD, dir, FEN_FILE_REPLACE, &file), FEN_ERR_FILE_WRITE, "is a folder");
  FEN_ERROR(FenFileOpen(MPI_COMM_WORLD, ScratchPath("replace/r.h5/below"), FEN_FILE_CREATE, &file), FEN_ERR_FILE_WRITE,
            "Not a directory");
}

/* whoever makes the name while we write keeps it */
static void TestRace(void **state)
{
  char    name[300];
  FenFile file;
  FenInt  one = 1;

  (void)state;
  snprintf(name, sizeof(name), "%s/race.h5", scratch);
  FEN_OK(FenFileOpen(MPI_COMM_WORLD, name, FEN_FILE_CREATE, &file));
  FEN_OK(FenFileWriteInts(file, "/value", 1, &one));
  Put(FEN_FILE_CREATE, ScratchPath("other.h5"), 7, 0);
  if (!rank)
    assert_int_equal(rename(ScratchPath("other.h5"), name), 0);
  MPI_Barrier(MPI_COMM_WORLD);
  FEN_ERROR(FenFileClose(&file), FEN_ERR_FILE_EXISTS, "somebody else");
  FEN_ASSERT_ALL(Get(name) == 7);
}

/* the temporary file of this process */
static int LeftOpen(void)
{
  char temp[64];

  snprintf(temp, sizeof(temp), "left-open.h5.tmp-%ld", (long)getpid());
  return access(temp, F_OK) == 0;
}

/* a file that an error left open goes away at the end of the program */
static void TestLeftOpen(void **state)
{
  FenFile file;

  (void)state;
  FEN_OK(FenFileOpen(MPI_COMM_WORLD, "left-open.h5", FEN_FILE_REPLACE, &file));
  FEN_ASSERT_ALL(rank || LeftOpen());
}

static int Start(void **state)
{
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  return ScratchOpen(state);
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(TestAnyRanks), cmocka_unit_test(TestPencils),    cmocka_unit_test(TestTables),
      cmocka_unit_test(TestCSR),      cmocka_unit_test(TestAttributes), cmocka_unit_test(TestVisit),
      cmocka_unit_test(TestReplace),  cmocka_unit_test(TestRace),       cmocka_unit_test(TestLeftOpen)};
  int status;

  if (!FenTestStart(&argc, &argv))
    return 1;
  status = cmocka_run_group_tests_name(__FILE__, tests, Start, ScratchClose);
  status = FenTestEnd(status);
  return status || LeftOpen();
}
