/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Nature row by row ((s,a)-rectangular): a ball around the nominal law, or any law at a price. Every row is one worst
   case of FenDivergence or of another set (rowset.c), whose value is a bound from below; what it may be too low goes
   into the slack of the sweep. Where mass may go beside the successors with a positive probability is the support's
   business: to listed ones, or to the state of the smallest value of all.

   Cost: a few passes over a row for each of nature's answers, see docs/divergences.md and docs/mdp.md.
*/
#include "nature.h"
#include <math.h>

typedef struct {
  FenDivergence divergence;
  FenRowSet     set; /* instead of the divergence */
  PetscBool     ball;
  double        size; /* radius or penalty */
  double       *z, *law;
} Rows;

static PetscErrorCode Able(FenBellman b, PetscBool *able)
{
  const char *name = b->options.ambiguity.name;

  PetscFunctionBegin;
  *able = (PetscBool)(!strcmp(name, "l1") || FenRowSetHas_Private(b));
  for (PetscInt k = 0; FenDivergenceNames[k]; k++)
    *able = (PetscBool)(*able || !strcmp(name, FenDivergenceNames[k]));
  PetscFunctionReturn(0);
}

static PetscErrorCode IsWeighted(FenBellman b, PetscBool *weighted)
{
  const double *weight;
  int           any;

  PetscFunctionBegin;
  PetscCall(FenMDPModelGetWeight(b->model, &weight));
  any = weight != NULL;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &any, 1, MPI_INT, MPI_MAX, b->comm));
  *weighted = (PetscBool)any;
  PetscCheck(!any || strcmp(b->options.ambiguity.name, "l1") || b->options.ambiguity.support != FEN_SUPPORT_ALL,
             b->comm, (PetscErrorCode)FEN_ERR_OPTION,
             "-mdp_support all with -mdp_ambiguity l1: states have weights, and the cheapest need not be the one of "
             "the smallest value; say -mdp_support list");
  PetscFunctionReturn(0);
}

static PetscErrorCode Create(FenBellman b, void **data)
{
  const FenAmbiguity *a = &b->options.ambiguity;
  PetscBool           l1, weighted;
  Rows               *N;

  PetscFunctionBegin;
  PetscCall(PetscNew(&N));
  PetscCall(PetscStrcmp(a->name, "l1", &l1));
  PetscCall(IsWeighted(b, &weighted));
  if (FenRowSetHas_Private(b) || (l1 && weighted))
    PetscCall(FenRowSetCreate_Private(b, &N->set));
  else
    PetscCall(FenDivergenceCreate(PETSC_COMM_SELF, l1 ? "tv" : a->name, a->alpha, &N->divergence));
  N->ball = (PetscBool)(a->radius > 0);
  N->size = N->ball ? (l1 ? a->radius / 2 : a->radius) : (l1 ? 2 * a->penalty : a->penalty);
  PetscCall(PetscMalloc2(b->longest, &N->z, b->longest, &N->law));
  *data = N;
  PetscFunctionReturn(0);
}

static PetscErrorCode Destroy(FenBellman b, void **data)
{
  Rows *N = (Rows *)*data;

  PetscFunctionBegin;
  (void)b;
  if (!N)
    PetscFunctionReturn(0);
  PetscCall(FenDivergenceDestroy(&N->divergence));
  PetscCall(FenRowSetDestroy_Private(&N->set));
  PetscCall(PetscFree2(N->z, N->law));
  PetscCall(PetscFree(N));
  *data = NULL;
  PetscFunctionReturn(0);
}

/* nature's answer to one row at V; law may be NULL */
static PetscErrorCode Answer(FenBellman b, Rows *N, const FenRowView *row, const double V[], double law[],
                             FenWorstCase *w)
{
  const FenSupport support = b->options.ambiguity.support;
  const double     low = row->reward + b->options.discount * b->low;

  PetscFunctionBegin;
  for (FenInt j = 0; j < row->n; j++)
    N->z[j] = (row->reward_next ? row->reward_next[j] : row->reward) + b->options.discount * V[row->col[j]];
  if (N->set)
    PetscCall(FenRowSetAnswer_Private(b, N->set, row, N->z, law, w));
  else if (N->ball)
    PetscCall(FenDivergenceWorstRadius(N->divergence, row->n, row->prob, N->z, N->size, support, low, NAN, law, w));
  else
    PetscCall(FenDivergenceWorstPenalty(N->divergence, row->n, row->prob, N->z, N->size, support, low, NAN, law, w));
  PetscFunctionReturn(0);
}

/* best row of a state, its value, and how far the incumbent is behind it */
static PetscErrorCode Greedy(FenBellman b, Rows *N, FenInt s, int rows, const double V[], int incumbent, int *arg,
                             double *value, FenSweepPart *part)
{
  double kept = -PETSC_INFINITY;

  PetscFunctionBegin;
  *value = -PETSC_INFINITY;
  for (int a = 0; a < rows; a++) {
    FenRowView   row;
    FenWorstCase w;

    PetscCall(FenBellmanRow_Private(b, s, a, &row));
    PetscCall(Answer(b, N, &row, V, NULL, &w));
    part->inexact = PetscMax(part->inexact, w.slack);
    kept = a == incumbent ? w.value : kept;
    if (w.value > *value) {
      *value = w.value;
      *arg = a;
    }
  }
  if (kept >= *value - FEN_INCUMBENT * (1 + fabs(*value))) {
    part->loss = PetscMax(part->loss, *value - kept);
    *arg = incumbent;
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode Sweep(FenBellman b, void *data, const FenRuns *runs, const double V[], double TV[], int policy[],
                            FenSweepPart *part)
{
  PetscBool finite = PETSC_TRUE;

  PetscFunctionBegin;
  for (FenInt r = 0; r < runs->n; r++)
    for (FenInt s = FEN_LANES * runs->run[r].c0; s < PetscMin(b->nlocal, FEN_LANES * runs->run[r].c1); s++) {
      int rows, arg = 0;

      finite = (PetscBool)(finite && isfinite(V[s]));
      TV[s] = V[s]; /* terminal states */
      PetscCall(FenBellmanNumberOfRows_Private(b, s, &rows));
      if (rows)
        PetscCall(Greedy(b, (Rows *)data, s, rows, V, policy[s], &arg, &TV[s], part));
      part->changes += rows && arg != policy[s];
      policy[s] = arg;
      FenNatureCount(part, V[s], TV[s]);
    }
  if (!finite)
    part->lo = part->hi = NAN;
  PetscFunctionReturn(0);
}

static PetscErrorCode Values(FenBellman b, void *data, const double V[], double q[])
{
  FenInt k = 0;

  PetscFunctionBegin;
  for (FenInt s = 0; s < b->nlocal; s++) {
    int rows;

    PetscCall(FenBellmanNumberOfRows_Private(b, s, &rows));
    for (int a = 0; a < rows; a++) {
      FenRowView   row;
      FenWorstCase w;

      PetscCall(FenBellmanRow_Private(b, s, a, &row));
      PetscCall(Answer(b, (Rows *)data, &row, V, NULL, &w));
      q[k++] = w.value;
    }
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode Lane(FenBellman b, void *data, FenInt s, int action, const double V[], FenRowView *row)
{
  Rows        *N = (Rows *)data;
  FenWorstCase w;
  double       mean = 0;

  PetscFunctionBegin;
  PetscCall(FenBellmanRow_Private(b, s, action, row));
  PetscCall(Answer(b, N, row, V, N->law, &w));
  for (FenInt j = 0; j < row->n; j++)
    mean += N->law[j] * V[row->col[j]];
  row->prob = N->law;
  row->popped = w.popped;
  row->reward = w.value - b->options.discount * (mean + (w.popped > 0 ? w.popped * b->low : 0));
  row->reward_next = NULL;
  PetscFunctionReturn(0);
}

const FenNatureOps FenNatureRows = {
    .name = "rows", .able = Able, .create = Create, .destroy = Destroy, .sweep = Sweep, .values = Values, .lane = Lane};
