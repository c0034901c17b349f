/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Solves the problem in a text file with every type and prints one line of JSON for each: oracle.py compares them with
   independent programs. The file: cost name, dim, n, m, eps, relative gap; then n source points with weight, m target
   points with weight; for cost "matrix" (dim 0) the n x m entries follow.
*/
#include "solve.h"
#include <stdlib.h>

typedef struct {
  FenCostKind kind;
  int         dim;
  FenInt      n[2];
  double      eps, gap;
  double     *x[2], *w[2], *C;
} Problem;

static double Number(FILE *file)
{
  double x = NAN;

  if (fscanf(file, "%lf", &x) != 1)
    exit(2);
  return x;
}

static Problem Read(const char name[])
{
  FILE   *file = fopen(name, "r");
  Problem P = {.kind = FEN_COST_SQEUCLIDEAN};
  char    cost[32];

  if (!file || fscanf(file, "%31s", cost) != 1)
    exit(2);
  while (strcmp(FenCostKinds[P.kind], cost))
    if (P.kind++ == FEN_COST_MATRIX)
      exit(2);
  P.dim = (int)Number(file);
  P.n[0] = (FenInt)Number(file);
  P.n[1] = (FenInt)Number(file);
  P.eps = Number(file);
  P.gap = Number(file);
  for (int s = 0; s < 2; s++) {
    P.x[s] = (double *)calloc((size_t)(P.n[s] * PetscMax(P.dim, 1)), sizeof(double));
    P.w[s] = (double *)malloc((size_t)P.n[s] * sizeof(double));
    for (FenInt i = 0; i < P.n[s]; i++) {
      for (int k = 0; k < P.dim; k++)
        P.x[s][i * P.dim + k] = Number(file);
      P.w[s][i] = Number(file);
    }
  }
  P.C = (double *)malloc((size_t)(2 * P.n[0] * P.n[1]) * sizeof(double));
  for (FenInt k = 0; P.kind == FEN_COST_MATRIX && k < P.n[0] * P.n[1]; k++)
    P.C[k] = P.C[P.n[0] * P.n[1] + (k % P.n[1]) * P.n[0] + k / P.n[1]] = Number(file);
  fclose(file);
  return P;
}

static void Array(const char name[], FenInt n, const double x[])
{
  printf(", \"%s\": [", name);
  for (FenInt i = 0; i < n; i++)
    printf("%s%.17g", i ? ", " : "", x[i]);
  printf("]");
}

static void Print(const char *type, FenMeasure m[2], FenCost cost, const Problem *P)
{
  FenOT         ot = SolveMake(type, m, cost, P->eps, P->gap);
  const double *f, *g;
  FenOTBounds   B;
  double        value;

  FEN_OK(FenOTSolve(ot));
  FEN_OK(FenSolverGetBounds((FenSolver)ot, &value, NULL, NULL));
  FEN_OK(FenOTComputeBounds(ot, &B));
  FEN_OK(FenOTGetPotentials(ot, &f, &g));
  printf("{\"type\": \"%s\", \"reason\": %d, \"value\": %.17g, \"lower\": %.17g, \"upper\": %.17g, ", type,
         (int)SolveReason(ot), value, B.lower, B.upper);
  printf("\"ot_lower\": %.17g, \"ot_upper\": %.17g, \"marginal_error\": %.17g", B.ot_lower, B.ot_upper,
         B.marginal_error);
  Array("f", P->n[0], f);
  Array("g", P->n[1], g);
  printf("}\n");
  FEN_OK(FenOTDestroy(&ot));
}

int main(int argc, char **argv)
{
  FenMeasure m[2];
  FenLayout  layout[2];
  FenCost    cost;
  Problem    P;

  if (argc < 2 || FenInitialize(&argc, &argv, NULL, NULL))
    return 2;
  P = Read(argv[1]);
  for (int s = 0; s < 2; s++) {
    m[s] = SolvePoints(P.n[s], PetscMax(P.dim, 1), P.x[s], P.w[s]);
    FEN_OK(FenMeasureGetLayout(m[s], &layout[s]));
  }
  FEN_OK(FenMeasureBalance(m[0], m[1], PETSC_TRUE));
  if (P.kind == FEN_COST_MATRIX)
    FEN_OK(FenCostCreateMatrix(layout[0], layout[1], P.C, P.C + P.n[0] * P.n[1], &cost));
  else
    FEN_OK(FenCostCreate(PETSC_COMM_SELF, P.kind, &cost));
  for (int t = 0; t < NTYPES; t++)
    Print(solve_types[t], m, cost, &P);
  for (int s = 0; s < 2; s++) {
    FEN_OK(FenMeasureDestroy(&m[s]));
    free(P.x[s]);
    free(P.w[s]);
  }
  free(P.C);
  FEN_OK(FenCostDestroy(&cost));
  return FenFinalize() != 0;
}
