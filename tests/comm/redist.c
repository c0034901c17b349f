/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Redistribution: every entry holds a number made from its global index, so the result is checked against a formula.
*/
#include <fentest.h>
#include <fenchellayout.h>
#include <stdlib.h>

#define NLAYOUTS 16

/* calls f for every entry of my box in storage order: k-th entry has this global number */
static void Visit(FenLayout l, double x[], int (*f)(double *, FenInt))
{
  FenInt   shape[FEN_MAX_DIM], i[FEN_MAX_DIM], stride[FEN_MAX_DIM], k = 0;
  PetscInt o[FEN_MAX_DIM];
  FenBox   b;
  int      good = 1;

  FEN_OK(FenLayoutGetShape(l, shape));
  FEN_OK(FenLayoutGetOrder(l, o));
  FEN_OK(FenLayoutGetStrides(l, -1, stride));
  FEN_OK(FenLayoutGetBox(l, -1, &b));
  for (i[o[0]] = b.lo[o[0]]; i[o[0]] < b.hi[o[0]]; i[o[0]]++)
    for (i[o[1]] = b.lo[o[1]]; i[o[1]] < b.hi[o[1]]; i[o[1]]++)
      for (i[o[2]] = b.lo[o[2]]; i[o[2]] < b.hi[o[2]]; i[o[2]]++) {
        FenInt place = 0;

        for (int d = 0; d < FEN_MAX_DIM; d++)
          place += (i[d] - b.lo[d]) * stride[d];
        good &= place == k && f(&x[k], (i[0] * shape[1] + i[1]) * shape[2] + i[2]);
        k++;
      }
  FEN_ASSERT_ALL(good);
}

static int Fill(double *x, FenInt global)
{
  *x = 3.5 + (double)global;
  return 1;
}

static int IsFilled(double *x, FenInt global)
{
  return *x == 3.5 + (double)global;
}

static double *Allocate(FenLayout l)
{
  FenInt n;

  FEN_OK(FenLayoutGetLocalSize(l, &n));
  return (double *)calloc((size_t)n + 1, sizeof(double));
}

static void Move(FenLayout from, FenLayout to)
{
  double   *x = Allocate(from), *y = Allocate(to);
  FenRedist plan;

  FEN_OK(FenRedistCreate(from, to, &plan));
  Visit(from, x, Fill);
  for (int again = 0; again < 2; again++) { /* a plan is used many times */
    FEN_OK(FenRedistBegin(plan, x, y));
    FEN_OK(FenRedistEnd(plan, x, y));
    Visit(to, y, IsFilled);
  }
  FEN_OK(FenRedistDestroy(&plan));
  assert_null(plan);
  free(x);
  free(y);
}

/* any box, in any order: ranks ask for different ones, some for nothing, some for all */
static void Fetch(FenLayout l)
{
  static const PetscInt orders[3][FEN_MAX_DIM] = {{0, 1, 2}, {2, 0, 1}, {1, 2, 0}};
  FenInt                shape[FEN_MAX_DIM], i[FEN_MAX_DIM], k;
  double               *own = Allocate(l), *x;
  PetscMPIInt           rank;
  int                   good = 1;

  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  FEN_OK(FenLayoutGetShape(l, shape));
  Visit(l, own, Fill);
  for (int turn = 0; turn < 4; turn++) {
    const PetscInt *o = orders[turn % 3];
    FenBox          b;

    for (int d = 0; d < FEN_MAX_DIM; d++) {
      b.lo[d] = turn == 3 ? 0 : shape[d] * (rank + turn) / (2 * rank + turn + 3);
      b.hi[d] = (rank + turn) % 4 == 2 ? b.lo[d] : turn == 3 ? shape[d] : PetscMin(shape[d], b.lo[d] + 3 + turn);
    }
    x = (double *)calloc((size_t)(shape[0] * shape[1] * shape[2]) + 1, sizeof(double));
    FEN_OK(FenLayoutFetch(l, &b, o, own, x));
    k = 0;
    for (i[o[0]] = b.lo[o[0]]; i[o[0]] < b.hi[o[0]]; i[o[0]]++)
      for (i[o[1]] = b.lo[o[1]]; i[o[1]] < b.hi[o[1]]; i[o[1]]++)
        for (i[o[2]] = b.lo[o[2]]; i[o[2]] < b.hi[o[2]]; i[o[2]]++)
          good &= IsFilled(&x[k++], (i[0] * shape[1] + i[1]) * shape[2] + i[2]);
    good &= x[k] == 0;
    free(x);
  }
  FEN_ASSERT_ALL(good);
  free(own);
}

/* grids of ranks of several forms and all pencils of the first of them */
static int MakeLayouts(PetscInt dim, const FenInt shape[], FenLayout l[NLAYOUTS])
{
  int n = 0, size;

  MPI_Comm_size(MPI_COMM_WORLD, &size);
  for (int cut = 0; cut < dim; cut++) {
    PetscMPIInt np[3] = {1, 1, 1};

    np[cut] = size;
    FEN_OK(FenLayoutCreateGrid(MPI_COMM_WORLD, dim, shape, np, &l[n++]));
  }
  if (dim > 1 && size == 4)
    FEN_OK(FenLayoutCreateGrid(MPI_COMM_WORLD, dim, shape, (const PetscMPIInt[]){2, 2, 1}, &l[n++]));
  if (size > 1)
    FEN_OK(FenLayoutCreateGrid(MPI_COMM_WORLD, dim, shape, (const PetscMPIInt[]){size - 1, 1, 1}, &l[n++]));
  for (int first = 0, end = n; first < end && first < 3; first++)
    for (int axis = 0; axis < dim; axis++)
      FEN_OK(FenLayoutCreatePencil(l[first], axis, &l[n++]));
  if (dim > 1) {
    FEN_OK(FenLayoutCreateOrdered(l[0], dim > 2 ? (const PetscInt[]){1, 2, 0} : (const PetscInt[]){1, 0}, &l[n]));
    n++;
  }
  assert_true(n <= NLAYOUTS);
  return n;
}

static void AllPairs(PetscInt dim, const FenInt shape[])
{
  FenLayout l[NLAYOUTS];
  const int n = MakeLayouts(dim, shape, l);

  for (int a = 0; a < n; a++) {
    for (int b = 0; b < n; b++)
      Move(l[a], l[b]);
    Fetch(l[a]);
  }
  for (int a = 0; a < n; a++)
    FEN_OK(FenLayoutDestroy(&l[a]));
}

static void OneAxis(void **state)
{
  (void)state;
  AllPairs(1, (const FenInt[]){17});
  AllPairs(1, (const FenInt[]){2});
  AllPairs(1, (const FenInt[]){0});
}

static void TwoAxes(void **state)
{
  (void)state;
  AllPairs(2, (const FenInt[]){67, 91}); /* whole tiles and rims */
  AllPairs(2, (const FenInt[]){1, 40});
  AllPairs(2, (const FenInt[]){40, 1});
  AllPairs(2, (const FenInt[]){3, 2});
  AllPairs(2, (const FenInt[]){0, 5});
}

static void ThreeAxes(void **state)
{
  (void)state;
  AllPairs(3, (const FenInt[]){9, 10, 11});
  AllPairs(3, (const FenInt[]){1, 33, 2});
  AllPairs(3, (const FenInt[]){17, 1, 18});
  AllPairs(3, (const FenInt[]){2, 2, 2});
}

/* there and back through a pencil of the slow axis, while something else is computed */
static void RoundTrip(void **state)
{
  const FenInt shape[2] = {128, 200};
  FenLayout    rows, pencil;
  FenRedist    there, back;
  double      *x, *y;

  (void)state;
  FEN_OK(FenLayoutCreateGrid(MPI_COMM_WORLD, 2, shape, NULL, &rows));
  FEN_OK(FenLayoutCreatePencil(rows, 0, &pencil));
  FEN_OK(FenRedistCreate(rows, pencil, &there));
  FEN_OK(FenRedistCreate(pencil, rows, &back));
  x = Allocate(rows);
  y = Allocate(pencil);
  Visit(rows, x, Fill);
  FEN_OK(FenRedistBegin(there, x, y));
  MPI_Barrier(MPI_COMM_WORLD);
  FEN_OK(FenRedistEnd(there, x, y));
  Visit(pencil, y, IsFilled);
  free(x);
  x = Allocate(rows);
  FEN_OK(FenRedistBegin(back, y, x));
  FEN_OK(FenRedistEnd(back, y, x));
  Visit(rows, x, IsFilled);
  free(x);
  free(y);
  FEN_OK(FenRedistDestroy(&there));
  FEN_OK(FenRedistDestroy(&back));
  FEN_OK(FenLayoutDestroy(&rows));
  FEN_OK(FenLayoutDestroy(&pencil));
}

/* a plan is dropped where the array is there already as it shall be, and those that stay move what they should */
static void CopiesAreDropped(void **state)
{
  const FenInt   shape[3] = {12, 9, 10};
  const PetscInt natural[3] = {0, 1, 2};
  FenLayout      rows, pencil, ordered[2];
  FenRedist      plan;
  PetscMPIInt    size;

  (void)state;
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  FEN_OK(FenLayoutCreateGrid(MPI_COMM_WORLD, 3, shape, (const PetscMPIInt[]){size, 1, 1}, &rows));
  FEN_OK(FenLayoutCreatePencil(rows, 1, &pencil));
  FEN_OK(FenLayoutCreateOrdered(pencil, natural, &ordered[0]));
  FEN_OK(FenLayoutCreateOrdered(rows, (const PetscInt[]){0, 2, 1}, &ordered[1]));
  FEN_OK(FenRedistCreate(rows, ordered[0], &plan));
  FEN_OK(FenRedistDropCopy(&plan));
  assert_null(plan); /* axis 1 is not cut */
  FEN_OK(FenRedistCreate(rows, ordered[1], &plan));
  FEN_OK(FenRedistDropCopy(&plan));
  assert_non_null(plan);
  FEN_OK(FenRedistDestroy(&plan));
  FEN_OK(FenLayoutDestroy(&pencil));
  FEN_OK(FenLayoutCreatePencil(rows, 0, &pencil));
  FEN_OK(FenRedistCreate(rows, pencil, &plan));
  FEN_OK(FenRedistDropCopy(&plan));
  assert_non_null(plan);
  FEN_OK(FenRedistDestroy(&plan));
  FEN_OK(FenLayoutDestroy(&rows));
  FEN_OK(FenLayoutDestroy(&pencil));
  for (int k = 0; k < 2; k++)
    FEN_OK(FenLayoutDestroy(&ordered[k]));
}

static void MisuseIsNamed(void **state)
{
  FenLayout a, b, self;
  FenRedist plan;
  double    x[8], y[8];
  int       size;

  (void)state;
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  FEN_OK(FenLayoutCreateRows(MPI_COMM_WORLD, 8, &a));
  FEN_OK(FenLayoutCreateRows(MPI_COMM_WORLD, 9, &b));
  FEN_OK(FenLayoutCreateRows(MPI_COMM_SELF, 8, &self));
  FEN_ERROR(FenRedistCreate(a, b, &plan), FEN_ERR_SHAPE, "8 entries in one layout and 9");
  if (size > 1)
    FEN_ERROR(FenRedistCreate(a, self, &plan), FEN_ERR_USAGE, "different ranks");
  FEN_OK(FenRedistCreate(a, a, &plan));
  FEN_ERROR(FenRedistEnd(plan, x, y), FEN_ERR_INTERNAL, "without FenRedistBegin");
  Visit(a, x, Fill);
  FEN_OK(FenRedistBegin(plan, x, y));
  FEN_ERROR(FenRedistBegin(plan, x, y), FEN_ERR_INTERNAL, "twice");
  FEN_OK(FenRedistEnd(plan, x, y));
  Visit(a, y, IsFilled);
  FEN_OK(FenRedistDestroy(&plan));
  FEN_OK(FenLayoutDestroy(&a));
  FEN_OK(FenLayoutDestroy(&b));
  FEN_OK(FenLayoutDestroy(&self));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(OneAxis),   cmocka_unit_test(TwoAxes),          cmocka_unit_test(ThreeAxes),
    cmocka_unit_test(RoundTrip), cmocka_unit_test(CopiesAreDropped), cmocka_unit_test(MisuseIsNamed),
};
FEN_TEST_MAIN(tests)
