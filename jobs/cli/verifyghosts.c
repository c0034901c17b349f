/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Values of states that other ranks own, as far as my rows reach them: found in one pass over the rows, fetched before
   each sweep.
*/
#include "verifyimpl.h"
#include <math.h>
#include <petscsf.h>

struct _p_FenGhosts {
  FenInt        first, n, nghost;
  FenInt       *state; /* ghosts, ascending */
  double       *value;
  const double *mine;
  PetscSF       sf;
};

static int CompareInts(const void *a, const void *b)
{
  const FenInt x = *(const FenInt *)a, y = *(const FenInt *)b;

  return x < y ? -1 : x > y;
}

static void SortUnique(FenInt *n, FenInt x[])
{
  FenInt kept = 0;

  if (*n)
    qsort(x, (size_t)*n, sizeof(FenInt), CompareInts);
  for (FenInt i = 0; i < *n; i++)
    if (!i || x[i] != x[kept - 1])
      x[kept++] = x[i];
  *n = kept;
}

/* the list is made short whenever it is full, so that it stays of the order of what is kept */
static PetscErrorCode AddRow(FenGhosts g, const FenMDPRow *row, FenInt *capacity)
{
  PetscFunctionBegin;
  if (g->nghost + row->n > *capacity) {
    SortUnique(&g->nghost, g->state);
    if (2 * (g->nghost + row->n) > *capacity) {
      *capacity = 2 * *capacity + row->n;
      PetscCall(PetscRealloc((size_t)*capacity * sizeof(FenInt), &g->state));
    }
  }
  for (FenInt j = 0; j < row->n; j++)
    if (row->next[j] < g->first || row->next[j] >= g->first + g->n)
      g->state[g->nghost++] = row->next[j];
  PetscFunctionReturn(0);
}

static PetscErrorCode Find(FenGhosts g, FenMDPModel model)
{
  FenMDPRow *row;
  FenInt     capacity = 4096;
  int        nrows;

  PetscFunctionBegin;
  PetscCall(PetscMalloc(sizeof(*row), &row));
  PetscCall(PetscMalloc1((size_t)capacity, &g->state));
  for (FenInt k = 0; k < g->n; k++) {
    PetscCall(FenMDPModelGetStateRows(model, k, &nrows));
    for (int r = 0; r < nrows; r++) {
      PetscCall(FenMDPModelGetRow(model, k, r, row));
      PetscCall(AddRow(g, row, &capacity));
    }
  }
  SortUnique(&g->nghost, g->state);
  PetscCall(PetscFree(row));
  PetscFunctionReturn(0);
}

static PetscErrorCode Connect(FenGhosts g, FenLayout layout)
{
  MPI_Comm     comm = PetscObjectComm((PetscObject)layout);
  PetscSFNode *remote;
  PetscMPIInt  owner = 0;
  PetscInt     nroots, nleaves;
  FenBox       box;

  PetscFunctionBegin;
  PetscCall(FenIntCast(g->n, &nroots));
  PetscCall(FenIntCast(g->nghost, &nleaves));
  PetscCall(PetscMalloc1((size_t)(nleaves + 1), &remote));
  PetscCall(FenLayoutGetBox(layout, owner, &box));
  for (PetscInt i = 0; i < nleaves; i++) {
    while (g->state[i] >= box.hi[0])
      PetscCall(FenLayoutGetBox(layout, ++owner, &box));
    remote[i].rank = owner;
    PetscCall(FenIntCast(g->state[i] - box.lo[0], &remote[i].index));
  }
  PetscCall(PetscSFCreate(comm, &g->sf));
  PetscCall(PetscSFSetGraph(g->sf, nroots, nleaves, NULL, PETSC_OWN_POINTER, remote, PETSC_OWN_POINTER));
  PetscFunctionReturn(0);
}

PetscErrorCode FenGhostsCreate_Private(FenMDPModel model, FenGhosts *ghosts)
{
  FenLayout layout;
  FenInt    end;
  FenGhosts g;

  PetscFunctionBegin;
  PetscCall(PetscNew(&g));
  PetscCall(FenMDPModelGetLayout(model, &layout));
  PetscCall(FenLayoutGetRange(layout, &g->first, &end));
  g->n = end - g->first;
  PetscCall(Find(g, model));
  PetscCall(PetscMalloc1((size_t)(g->nghost + 1), &g->value));
  PetscCall(Connect(g, layout));
  *ghosts = g;
  PetscFunctionReturn(0);
}

PetscErrorCode FenGhostsDestroy_Private(FenGhosts *ghosts)
{
  FenGhosts g = *ghosts;

  PetscFunctionBegin;
  if (!g)
    PetscFunctionReturn(0);
  PetscCall(PetscSFDestroy(&g->sf));
  PetscCall(PetscFree(g->state));
  PetscCall(PetscFree(g->value));
  PetscCall(PetscFree(*ghosts));
  PetscFunctionReturn(0);
}

PetscErrorCode FenGhostsFetch_Private(FenGhosts g, const double x[])
{
  PetscFunctionBegin;
  g->mine = x;
  PetscCall(PetscSFBcastBegin(g->sf, MPI_DOUBLE, x, g->value, MPI_REPLACE));
  PetscCall(PetscSFBcastEnd(g->sf, MPI_DOUBLE, x, g->value, MPI_REPLACE));
  PetscFunctionReturn(0);
}

double FenGhostsValue_Private(FenGhosts g, FenInt state)
{
  const FenInt *at;

  if (state >= g->first && state < g->first + g->n)
    return g->mine[state - g->first];
  at = (const FenInt *)bsearch(&state, g->state, (size_t)g->nghost, sizeof(FenInt), CompareInts);
  return at ? g->value[at - g->state] : NAN;
}
