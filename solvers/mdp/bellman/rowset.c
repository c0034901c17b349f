/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Rows whose laws may change within a set that is no divergence: intervals, linf, l1 with weights, wasserstein; see
   fenchelmdpsets.h. Weights belong to the successors, ground costs to pairs of them.

   Cost: a sort of the row (intervals, linf), or some passes over it; wasserstein off the line n^2 for a row of n.
*/
#include "nature.h"
#include <fenchelmdpsets.h>
#include <math.h>

typedef enum { INTERVAL, LINF, L1, WASSERSTEIN } Kind;

struct _FenRowSet {
  Kind       kind;
  PetscBool  ball;
  double     size; /* radius or penalty */
  FenSetWork work;
  double    *weight, *number; /* of all states that I know: the model's weight, the number in the model; or NULL */
  double    *w, *x, *cost;    /* of a row */
  FenInt     width, costs;
};

PetscBool FenRowSetHas_Private(FenBellman b)
{
  const char *name = b->options.ambiguity.name;

  return (PetscBool)(!strcmp(name, "interval") || !strcmp(name, "linf") || !strcmp(name, "wasserstein"));
}

/* numbers of the model's states become those of the operator's, ghosts included */
static PetscErrorCode Distribute(FenBellman b, const double outside[], double **inside)
{
  PetscFunctionBegin;
  PetscCall(PetscMalloc1((size_t)(b->nlocal + b->nghost + 1), inside));
  PetscCall(FenBellmanFromModel(b, outside, *inside));
  for (FenInt s = 0; s < b->nlocal; s++)
    (*inside)[s] *= b->sign;
  PetscCall(FenBellmanExchangeBegin_Private(b, *inside));
  PetscCall(FenBellmanExchangeEnd_Private(b, *inside));
  PetscFunctionReturn(0);
}

static PetscErrorCode MakeWeights(FenBellman b, FenRowSet N)
{
  const double *weight;
  double       *ones = NULL;
  FenLayout     layout;
  FenInt        n;
  int           any;

  PetscFunctionBegin;
  PetscCall(FenMDPModelGetWeight(b->model, &weight));
  any = weight != NULL;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &any, 1, MPI_INT, MPI_MAX, b->comm));
  if (!any || (N->kind != LINF && N->kind != L1))
    PetscFunctionReturn(0);
  PetscCall(FenMDPModelGetLayout(b->model, &layout));
  PetscCall(FenLayoutGetLocalSize(layout, &n));
  if (!weight) {
    PetscCall(PetscMalloc1((size_t)(n + 1), &ones));
    for (FenInt s = 0; s < n; s++)
      ones[s] = 1;
  }
  PetscCall(Distribute(b, weight ? weight : ones, &N->weight));
  PetscCall(PetscFree(ones));
  PetscFunctionReturn(0);
}

/* numbers in the model of all states that I know, and the width of its grid */
PetscErrorCode FenRowSetNumbers_Private(FenBellman b, double **numbers, FenInt *width)
{
  const FenAmbiguity *a = &b->options.ambiguity;
  FenLayout           layout;
  FenInt              start, end, grid[2];
  double             *number;

  PetscFunctionBegin;
  PetscCall(FenMDPModelGetGrid(b->model, grid));
  PetscCheck(grid[1] > 0 || (a->distance != FEN_DISTANCE_L1 && a->distance != FEN_DISTANCE_L2), b->comm,
             (PetscErrorCode)FEN_ERR_OPTION,
             "-mdp_distance %s: the model's states are no cells of a grid; index is |i - j|",
             FenDistances[a->distance]);
  PetscCheck(a->distance != FEN_DISTANCE_CALLBACK || a->cost, b->comm, (PetscErrorCode)FEN_ERR_OPTION,
             "-mdp_distance callback: FenMDPSetAmbiguity() was given no callback");
  *width = grid[1];
  PetscCall(FenMDPModelGetLayout(b->model, &layout));
  PetscCall(FenLayoutGetRange(layout, &start, &end));
  PetscCall(PetscMalloc1((size_t)(end - start + 1), &number));
  for (FenInt s = start; s < end; s++)
    number[s - start] = (double)s;
  PetscCall(Distribute(b, number, numbers));
  PetscCall(PetscFree(number));
  PetscFunctionReturn(0);
}

PetscErrorCode FenRowSetCreate_Private(FenBellman b, FenRowSet *set)
{
  const FenAmbiguity *a = &b->options.ambiguity;
  FenRowSet           N;

  PetscFunctionBegin;
  PetscCall(PetscNew(&N));
  N->kind = !strcmp(a->name, "interval") ? INTERVAL : !strcmp(a->name, "linf") ? LINF : L1;
  if (!strcmp(a->name, "wasserstein"))
    N->kind = WASSERSTEIN;
  N->ball = (PetscBool)(a->radius > 0);
  N->size = N->ball ? a->radius : a->penalty;
  if (N->kind == WASSERSTEIN && N->ball && a->distance_power > 0)
    N->size = pow(N->size, a->distance_power);
  PetscCall(FenSetWorkCreate(&N->work));
  PetscCall(MakeWeights(b, N));
  if (N->kind == WASSERSTEIN)
    PetscCall(FenRowSetNumbers_Private(b, &N->number, &N->width));
  PetscCall(PetscMalloc2(b->longest, &N->w, b->longest, &N->x));
  *set = N;
  PetscFunctionReturn(0);
}

PetscErrorCode FenRowSetDestroy_Private(FenRowSet *set)
{
  FenRowSet N = *set;

  PetscFunctionBegin;
  if (!N)
    PetscFunctionReturn(0);
  PetscCall(FenSetWorkDestroy(&N->work));
  PetscCall(PetscFree(N->weight));
  PetscCall(PetscFree(N->number));
  PetscCall(PetscFree(N->cost));
  PetscCall(PetscFree2(N->w, N->x));
  PetscCall(PetscFree(*set));
  PetscFunctionReturn(0);
}

static double CellDistance(const FenAmbiguity *a, FenInt width, double i, double j)
{
  const FenInt p = (FenInt)i, q = (FenInt)j;
  const FenInt down = p / width - q / width;
  const double y = (double)down, x = (double)(p % width - q % width);

  return a->distance == FEN_DISTANCE_L1 ? fabs(x) + fabs(y) : sqrt(x * x + y * y);
}

static PetscErrorCode PairCost(const FenAmbiguity *a, FenInt width, double i, double j, double *cost)
{
  const double scale = a->distance_scale > 0 ? a->distance_scale : 1;

  PetscFunctionBegin;
  *cost = 0;
  if (a->distance == FEN_DISTANCE_CALLBACK) {
    PetscCall((*a->cost)(a->cost_ctx, (FenInt)i, (FenInt)j, cost));
    PetscCheck(isfinite(*cost) && *cost >= 0, PETSC_COMM_SELF, (PetscErrorCode)FEN_ERR_VALUE,
               "the ground cost of states %.0f and %.0f is %g; rule: finite and not negative", i, j, *cost);
    *cost *= scale;
  } else
    *cost = scale * (a->distance == FEN_DISTANCE_INDEX ? fabs(i - j) : CellDistance(a, width, i, j));
  if (a->distance_power > 0 && a->distance_power != 1)
    *cost = pow(*cost, a->distance_power);
  PetscFunctionReturn(0);
}

/* successors ascend in the model's numbering, so that costs |i - j| need no table */
static PetscErrorCode Ground(FenBellman b, FenRowSet N, const FenRowView *row, FenGround *g)
{
  const FenAmbiguity *a = &b->options.ambiguity;
  const FenInt        n = row->n;
  PetscBool           ascending = PETSC_TRUE;

  PetscFunctionBegin;
  for (FenInt j = 0; j < n; j++) {
    N->x[j] = N->number[row->col[j]];
    ascending = (PetscBool)(ascending && (!j || N->x[j] > N->x[j - 1]));
  }
  if (a->distance == FEN_DISTANCE_INDEX && ascending && (a->distance_power <= 0 || a->distance_power == 1)) {
    for (FenInt j = 0; j < n && a->distance_scale > 0; j++)
      N->x[j] *= a->distance_scale;
    *g = (FenGround){.x = N->x};
    PetscFunctionReturn(0);
  }
  if (n * n > N->costs) {
    N->costs = n * n;
    PetscCall(PetscRealloc((size_t)N->costs * sizeof(double), &N->cost));
  }
  for (FenInt j = 0; j < n; j++)
    for (FenInt k = 0; k < n; k++) {
      N->cost[j * n + k] = 0;
      if (j != k)
        PetscCall(PairCost(a, N->width, N->x[j], N->x[k], &N->cost[j * n + k]));
    }
  *g = (FenGround){.cost = N->cost};
  PetscFunctionReturn(0);
}

PetscErrorCode FenRowSetAnswer_Private(FenBellman b, FenRowSet N, const FenRowView *row, const double z[], double law[],
                                       FenWorstCase *out)
{
  const double *w = N->weight ? N->w : NULL;
  FenGround     g = {NULL, NULL};

  PetscFunctionBegin;
  for (FenInt j = 0; w && j < row->n; j++)
    N->w[j] = N->weight[row->col[j]];
  switch (N->kind) {
  case INTERVAL:
    if (row->low)
      PetscCall(FenWorstIntervals(N->work, row->n, row->low, row->up, z, law, out));
    else
      PetscCall(FenWorstLinf(N->work, row->n, row->prob, NULL, z, N->size, law, out));
    break;
  case LINF:
    PetscCall((N->ball ? FenWorstLinf : FenWorstLinfPrice)(N->work, row->n, row->prob, w, z, N->size, law, out));
    break;
  case L1:
    PetscCall((N->ball ? FenWorstL1 : FenWorstL1Price)(N->work, row->n, row->prob, w, z, N->size, law, out));
    break;
  default:
    PetscCall(Ground(b, N, row, &g));
    PetscCall((N->ball ? FenWorstWasserstein : FenWorstWassersteinPrice)(N->work, row->n, row->prob, g, z, N->size, law,
                                                                         out));
  }
  PetscFunctionReturn(0);
}
