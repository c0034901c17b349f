/* SPDX-License-Identifier: BSD-2-Clause */
/*
   What other programs open: PNG pictures (read back by our reader and by Pillow), XDMF files and HDF5 files
   (check_export.py reads them with h5py). The folder is named on the command line and stays.
*/
#include <fenchelio.h>
#include "scratch.h"

static char folder[512];
static int  rank, size;

static const char *Out(const char name[])
{
  static char path[2][1024];
  static int  next = 0;

  next = 1 - next;
  snprintf(path[next], sizeof(path[next]), "%s/%s", folder, name);
  return path[next];
}

/* colour c of a pixel, a multiple of 1/255 */
static double Pixel(FenInt y, FenInt x, PetscInt c)
{
  return (double)((7 * y + 3 * x + 50 * c) % 256) / 255.;
}

static int FillImage(FenLayout grid, PetscInt channels, double image[], int check)
{
  FenBox box;
  int    ok = 1;
  FenInt k = 0;

  FEN_OK(FenLayoutGetBox(grid, -1, &box));
  for (FenInt y = box.lo[0]; y < box.hi[0]; y++)
    for (FenInt x = box.lo[1]; x < box.hi[1]; x++)
      for (PetscInt c = 0; c < channels; c++, k++) {
        if (check)
          ok &= fabs(image[k] - Pixel(y, x, c)) < 1e-15;
        else
          image[k] = Pixel(y, x, c);
      }
  return ok;
}

static void TestPNG(void **state)
{
  const FenInt shapes[3][2] = {{61, 43}, {1, 7}, {700, 900}}; /* the last in several blocks */
  char         name[64];

  (void)state;
  for (int s = 0; s < 3; s++)
    for (PetscInt channels = 1; channels <= 3; channels += 2)
      for (int axis = 0; axis < 2; axis++) {
        PetscMPIInt procs[2] = {1, 1};
        FenLayout   grid;
        FenArray    array;
        FenInt      n;
        double     *image;
        procs[axis] = size;
        FEN_OK(FenLayoutCreateGrid(MPI_COMM_WORLD, 2, shapes[s], procs, &grid));
        FEN_OK(FenLayoutGetLocalSize(grid, &n));
        FEN_OK(PetscCalloc1((size_t)(n * channels), &image));
        FillImage(grid, channels, image, 0);
        snprintf(name, sizeof(name), "picture%d_%d.png", s, (int)channels);
        FEN_OK(FenImageWritePNG(MPI_COMM_WORLD, Out(name), grid, channels, image));
        FEN_OK(PetscMemzero(image, (size_t)(n * channels) * sizeof(double)));
        FEN_OK(FenArrayOpen(MPI_COMM_WORLD, Out(name), 0, NULL, &array));
        FEN_OK(FenArrayRead(array, grid, channels, image));
        FEN_OK(FenArrayClose(&array));
        FEN_ASSERT_ALL(FillImage(grid, channels, image, 1));
        FEN_OK(PetscFree(image));
        FEN_OK(FenLayoutDestroy(&grid));
      }
}

/* values outside 0..1 and NaN have colours too; failures leave nothing */
static void TestPNGLimits(void **state)
{
  const FenInt shape[2] = {1, 5};
  const double values[5] = {-1., 2., (double)NAN, (double)INFINITY, 0.5};
  FenLayout    grid;
  FenArray     array;
  double       back[5] = {0};
  FenInt       n;

  (void)state;
  FEN_OK(FenLayoutCreateGrid(MPI_COMM_WORLD, 2, shape, NULL, &grid));
  FEN_OK(FenLayoutGetLocalSize(grid, &n));
  FEN_OK(FenImageWritePNG(MPI_COMM_WORLD, Out("limits.png"), grid, 1, values));
  FEN_OK(FenArrayOpen(MPI_COMM_WORLD, Out("limits.png"), 0, NULL, &array));
  FEN_OK(FenArrayRead(array, grid, 1, back));
  FEN_OK(FenArrayClose(&array));
  FEN_ASSERT_ALL(!n || (back[0] == 0. && back[1] == 1. && back[2] == 0. && back[3] == 1. && back[4] == 128. / 255.));
  FEN_ERROR(FenImageWritePNG(MPI_COMM_WORLD, Out("no/folder.png"), grid, 1, values), FEN_ERR_FILE_WRITE,
            "No such file");
  FEN_ERROR(FenImageWritePNG(MPI_COMM_WORLD, Out("two.png"), grid, 2, values), FEN_ERR_SHAPE, "1 or 3");
  FEN_OK(FenLayoutDestroy(&grid));
  assert_int_equal(ScratchCount(folder, "folder.png"), 0);
  assert_int_equal(ScratchCount(folder, "limits.png"), 1);
}

/* a result as the solvers write it, with its side file; check_export.py reads both */
static void TestResult(void **state)
{
  const FenInt shape[2] = {120, 90}, table[2] = {4, 2}, ints[3] = {1, -2, 3};
  const double history[8] = {0, 1, 2, 3, 4, 5, 6, 7}, objective = 2.5;
  PetscMPIInt  procs[2] = {1, size};
  FenXDMFField fields[3] = {{"potential <f>", "/potential/f", 0, {120, 90}, {1., 2.}, {0.5, 0.25}, NULL, 0},
                            {"map", "/map", 2, {120, 90}, {1., 2.}, {0.5, 0.25}, NULL, 0},
                            {"other", "/potential/f", 0, {120, 90}, {0., 0.}, {1., 1.}, NULL, 0}};
  FenLayout    grid, rows;
  FenFile      file;
  FenInt       n, start, end;
  double      *f;
  FenSparse    a;

  (void)state;
  FEN_OK(FenLayoutCreateGrid(MPI_COMM_WORLD, 2, shape, procs, &grid));
  FEN_OK(FenLayoutGetLocalSize(grid, &n));
  FEN_OK(PetscCalloc1((size_t)(3 * n), &f));
  FEN_OK(FenFileOpen(MPI_COMM_WORLD, Out("result.h5"), FEN_FILE_REPLACE, &file));
  FillImage(grid, 1, f, 0);
  FEN_OK(FenFileWriteArray(file, "/potential/f", grid, 0, f));
  FillImage(grid, 2, f, 0);
  FEN_OK(FenFileWriteArray(file, "/map", grid, 2, f));
  FEN_OK(PetscFree(f));
  FEN_OK(FenFileWriteReals(file, "/history", 2, table, history));
  FEN_OK(FenFileWriteReals(file, "/bounds/objective", 0, NULL, &objective));
  FEN_OK(FenFileWriteInts(file, "/ints", 3, ints));
  FEN_OK(FenFileWriteStringAttribute(file, "/", "format", "fenchel-result"));
  FEN_OK(FenFileWriteIntAttribute(file, "/", "format_version", 1));
  FEN_OK(FenFileWriteRealAttribute(file, "/potential", "eps", 0.125));
  FEN_OK(FenLayoutCreateRows(MPI_COMM_WORLD, 5, &rows)); /* the matrix diag(0, 1, 2, 3, 4) */
  FEN_OK(FenLayoutGetRange(rows, &start, &end));
  FEN_OK(PetscMalloc3((size_t)(end - start) + 1, &a.ptr, (size_t)(end - start) + 1, &a.idx, (size_t)(end - start) + 1,
                      &a.val));
  for (FenInt i = start; i <= end; i++) {
    a.ptr[i - start] = a.idx[i - start] = i - start;
    a.idx[i - start] = i;
    a.val[i - start] = (double)i;
  }
  FEN_OK(FenFileWriteCSR(file, "/plan", rows, 5, &a));
  FEN_OK(PetscFree3(a.ptr, a.idx, a.val));
  FEN_OK(FenFileClose(&file));
  FEN_OK(FenXDMFWrite(MPI_COMM_WORLD, Out("result.xmf"), Out("result.h5"), 2, 3, fields));
  FEN_ERROR(FenXDMFWrite(MPI_COMM_WORLD, Out("no/result.xmf"), "result.h5", 2, 1, fields), FEN_ERR_FILE_WRITE,
            "No such file");
  FEN_ERROR(FenXDMFWrite(MPI_COMM_WORLD, Out("result.xmf"), "result.h5", 4, 1, fields), FEN_ERR_SHAPE, "4 axes");
  FEN_OK(FenLayoutDestroy(&rows));
  FEN_OK(FenLayoutDestroy(&grid));
}

static int Start(void **state)
{
  (void)state;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  if (!rank && mkdir(folder, 0755) < 0 && access(folder, W_OK) < 0)
    return -1;
  return MPI_Barrier(MPI_COMM_WORLD);
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(TestPNG), cmocka_unit_test(TestPNGLimits),
                                     cmocka_unit_test(TestResult)};

  snprintf(folder, sizeof(folder), "%s", argc > 1 ? argv[1] : "export");
  if (!FenTestStart(&argc, &argv))
    return 1;
  return FenTestEnd(cmocka_run_group_tests_name(__FILE__, tests, Start, NULL));
}
