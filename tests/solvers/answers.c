/* SPDX-License-Identifier: BSD-2-Clause */
/* Map and plan of a solved problem against the written-out matrix, on all ranks and for all cuts of a grid. */
#include "solve.h"
#include "cases.h"
#include "dense.h"

#define MOST 100

typedef struct {
  Dense       D;
  double      eps, *points; /* all target points */
  PetscInt    dim;
  FenMeasure  m[2];
  FenCost     cost;
  FenOT       ot;
  FenInt     *number[2], n;
  long double g[MOST]; /* all */
} Setting;

static void Begin(Setting *S, const Case *c, const PetscMPIInt cut[])
{
  const double *g, *y;
  double        mine[MOST] = {0}, all[MOST];
  FenMeasure    self[2];
  FenCost       selfcost;
  FenInt        m;

  CaseMake(c, PETSC_COMM_SELF, NULL, self, &selfcost);
  S->D = DenseMake(self, selfcost);
  S->dim = c->dim;
  FEN_OK(FenMeasureGetPoints(self[1], &y));
  S->points = (double *)malloc((size_t)(S->D.m * c->dim) * sizeof(double));
  memcpy(S->points, y, (size_t)(S->D.m * c->dim) * sizeof(double));
  CaseDestroy(self, &selfcost);
  CaseMake(c, MPI_COMM_WORLD, cut, S->m, &S->cost);
  S->eps = S->D.largest / 50;
  S->ot = SolveMake(solve_types[0], S->m, S->cost, S->eps, 1e-6);
  SolveRun(S->ot);
  FEN_OK(FenOTGetPotentials(S->ot, NULL, &g));
  FEN_OK(FenMeasureGetSize(S->m[0], NULL, &S->n));
  FEN_OK(FenMeasureGetSize(S->m[1], NULL, &m));
  for (int s = 0; s < 2; s++)
    S->number[s] = CaseNumbers(S->m[s]);
  for (FenInt k = 0; k < m; k++)
    mine[S->number[1][k]] = g[k];
  MPI_Allreduce(mine, all, MOST, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
  for (FenInt j = 0; j < S->D.m; j++)
    S->g[j] = all[j];
}

static void End(Setting *S)
{
  FEN_OK(FenOTDestroy(&S->ot));
  CaseDestroy(S->m, &S->cost);
  DenseFree(&S->D);
  free(S->points);
  free(S->number[0]);
  free(S->number[1]);
}

/* row of E, which sums to one */
static void Row(const Setting *S, FenInt i, long double E[])
{
  const long double f = DenseSoft(&S->D, 0, S->eps, S->g, i);

  for (FenInt j = 0; j < S->D.m; j++)
    E[j] = S->D.b[j] * expl((f + S->g[j] - S->D.C[i * S->D.m + j]) / S->eps);
}

/* barycentres of the rows; lies within the targets */
static double MapError(const Setting *S)
{
  double     *map = (double *)malloc((size_t)(S->n * S->dim + 1) * sizeof(double));
  long double E[MOST];
  double      worst = 0;

  FEN_OK(FenOTComputeMap(S->ot, map));
  for (FenInt k = 0; k < S->n; k++) {
    Row(S, S->number[0][k], E);
    for (PetscInt d = 0; d < S->dim; d++) {
      long double mean = 0;

      for (FenInt j = 0; j < S->D.m; j++)
        mean += E[j] * S->points[j * S->dim + d];
      worst = fmax(worst, fabs(map[k * S->dim + d] - (double)mean) + (isnan(map[k * S->dim + d]) ? HUGE_VAL : 0));
    }
  }
  free(map);
  return worst;
}

/* entries of at least the share of their row's largest, no others, by global numbers; masses a_i E_ij */
static int PlanErrors(const Setting *S, double share)
{
  FenSparse P;
  int       errors = 0;

  FEN_OK(FenOTComputePlan(S->ot, share, &P));
  for (FenInt k = 0; k < S->n; k++) {
    const FenInt i = S->number[0][k];
    long double  E[MOST], top = 0;
    double       got[MOST];

    Row(S, i, E);
    for (FenInt j = 0; j < S->D.m; j++) {
      top = fmaxl(top, E[j]);
      got[j] = -1;
    }
    for (FenInt l = P.ptr[k]; l < P.ptr[k + 1]; l++) {
      errors += P.idx[l] < 0 || P.idx[l] >= S->D.m || got[P.idx[l]] >= 0;
      got[P.idx[l]] = P.val[l];
    }
    for (FenInt j = 0; j < S->D.m; j++) {
      if (got[j] >= 0)
        errors += fabs(got[j] - S->D.a[i] * (double)E[j]) > 1e-10 * S->D.a[i] * (double)E[j];
      if (fabsl(E[j] - share * top) > 1e-6L * top)
        errors += (got[j] >= 0) != (E[j] > share * top);
    }
  }
  FEN_OK(FenSparseFree(&P));
  return errors;
}

static void Check(const Case *c, const PetscMPIInt cut[])
{
  Setting S;

  Begin(&S, c, cut);
  FEN_ASSERT_ALL(MapError(&S) <= 1e-11 * 10);
  FEN_ASSERT_ALL(PlanErrors(&S, 1e-3) == 0);
  FEN_ASSERT_ALL(PlanErrors(&S, 0.5) == 0);
  End(&S);
}

static void TestSlabs(void **state)
{
  (void)state;
  for (int k = 0; k < NCASES; k++)
    Check(&cases[k], NULL);
}

static void TestCuts(void **state)
{
  PetscMPIInt size;

  (void)state;
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  for (int k = 0; k < NCASES; k++)
    if (cases[k].grid && cases[k].dim > 1) {
      PetscMPIInt cut[3] = {1, 1, 1};

      cut[cases[k].dim - 1] = size;
      Check(&cases[k], cut);
    }
}

static void TestThreshold(void **state)
{
  Setting   S;
  FenSparse P;

  (void)state;
  Begin(&S, &cases[0], NULL);
  FEN_ERROR(FenOTComputePlan(S.ot, 0, &P), FEN_ERR_OPTION, "threshold 0");
  FEN_ERROR(FenOTComputePlan(S.ot, 1.5, &P), FEN_ERR_OPTION, "threshold 1.5");
  End(&S);
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(TestSlabs), cmocka_unit_test(TestCuts),
                                     cmocka_unit_test(TestThreshold)};

  if (!FenTestStart(&argc, &argv))
    return 1;
  return FenTestEnd(cmocka_run_group_tests_name(__FILE__, tests, NULL, NULL));
}
