/* SPDX-License-Identifier: BSD-2-Clause */
/* A copy of a solver's state in memory, taken and put back through the public description alone; a solve that is
 * stopped. */
#pragma once
#include <fenchelsolver.h>
#include "fentest.h"
#include <stdlib.h>

#define SNAP_MAX 96

/* a sparse array: local rows, and its three parts one after the other */
static inline FenInt SnapshotRows(const FenStateEntry *e)
{
  FenInt n;

  FEN_OK(FenLayoutGetLocalSize(e->layout, &n));
  return n;
}

typedef struct {
  PetscInt n;
  char     name[SNAP_MAX][64];
  size_t   size[SNAP_MAX];
  void    *data[SNAP_MAX];
} Snapshot;

static inline size_t SnapshotBytes(const FenStateEntry *e)
{
  switch (e->kind) {
  case FEN_STATE_INT:
    return sizeof(FenInt);
  case FEN_STATE_REAL:
    return sizeof(double);
  case FEN_STATE_REALS:
    return (size_t)e->n * sizeof(double);
  case FEN_STATE_ARRAY:
    return (size_t)(e->n * e->ncomp) * sizeof(double);
  case FEN_STATE_LOG:
    return (size_t)(((FenLog *)e->data)->nrows * ((FenLog *)e->data)->ncols) * sizeof(double);
  case FEN_STATE_CSR:
    return (size_t)(SnapshotRows(e) + 1) * sizeof(FenInt) +
           (size_t)((FenSparse *)e->data)->ptr[SnapshotRows(e)] * (sizeof(FenInt) + sizeof(double));
  }
  return 0;
}

static inline void SnapshotTake(FenState state, Snapshot *S)
{
  const FenStateEntry *e;

  FEN_OK(FenStateGetEntries(state, &S->n, &e));
  assert_true(S->n > 0 && S->n <= SNAP_MAX);
  for (PetscInt k = 0; k < S->n; k++) {
    snprintf(S->name[k], sizeof(S->name[k]), "%s", e[k].name);
    for (PetscInt l = 0; l < k; l++)
      assert_string_not_equal(S->name[k], S->name[l]);
    S->size[k] = SnapshotBytes(&e[k]);
    S->data[k] = malloc(S->size[k] + 1);
    if (e[k].kind == FEN_STATE_CSR) {
      const FenSparse *A = (const FenSparse *)e[k].data;
      const FenInt     rows = SnapshotRows(&e[k]), nnz = A->ptr[rows];
      FenInt          *to = (FenInt *)S->data[k];

      memcpy(to, A->ptr, (size_t)(rows + 1) * sizeof(FenInt));
      memcpy(to + rows + 1, A->idx, (size_t)nnz * sizeof(FenInt));
      memcpy(to + rows + 1 + nnz, A->val, (size_t)nnz * sizeof(double));
    } else
      memcpy(S->data[k], e[k].kind == FEN_STATE_LOG ? (void *)((FenLog *)e[k].data)->data : e[k].data, S->size[k]);
  }
}

static inline void SnapshotPut(FenSolver s, const Snapshot *S)
{
  const FenStateEntry *e;
  FenState             state;
  PetscInt             n;

  FEN_OK(FenSolverSetUp(s));
  FEN_OK(FenSolverGetState(s, &state));
  FEN_OK(FenStateGetEntries(state, &n, &e));
  assert_int_equal(n, S->n);
  for (PetscInt k = 0; k < n; k++) {
    assert_string_equal(e[k].name, S->name[k]);
    if (e[k].kind == FEN_STATE_LOG) {
      FenLog *log = (FenLog *)e[k].data;

      log->nrows = 0;
      for (size_t row = 0; row < S->size[k] / sizeof(double); row += (size_t)log->ncols)
        FEN_OK(FenLogAppend(log, (double *)S->data[k] + row));
    } else if (e[k].kind == FEN_STATE_CSR) { /* as a reader of files does it: new arrays */
      FenSparse    *A = (FenSparse *)e[k].data;
      const FenInt *from = (const FenInt *)S->data[k], rows = SnapshotRows(&e[k]), nnz = from[rows];

      memcpy(A->ptr, from, (size_t)(rows + 1) * sizeof(FenInt));
      FEN_OK(PetscRealloc((size_t)(nnz + 1) * sizeof(FenInt), &A->idx));
      FEN_OK(PetscRealloc((size_t)(nnz + 1) * sizeof(double), &A->val));
      memcpy(A->idx, from + rows + 1, (size_t)nnz * sizeof(FenInt));
      memcpy(A->val, from + rows + 1 + nnz, (size_t)nnz * sizeof(double));
    } else {
      assert_int_equal(SnapshotBytes(&e[k]), S->size[k]);
      memcpy(e[k].data, S->data[k], S->size[k]);
    }
  }
  FEN_OK(FenStateDestroy(&state));
  FEN_OK(FenSolverSetRestarted(s));
}

static inline void SnapshotFree(Snapshot *S)
{
  for (PetscInt k = 0; k < S->n; k++)
    free(S->data[k]);
  S->n = 0;
}

/* asks an iteration for something, and keeps what is saved */
typedef struct {
  FenInt     stop;    /* at this iteration */
  int        request; /* 0: save and stop */
  int        saved;   /* how often */
  FenRequest seen;
  Snapshot   snapshot;
} Saver;

static inline PetscErrorCode SaverPoll(FenSolver s, void *ctx, FenRequest *request)
{
  const Saver *S = (const Saver *)ctx;
  FenProgress  p;

  PetscFunctionBegin;
  PetscCall(FenSolverGetProgress(s, &p));
  *request = FEN_REQUEST_NONE;
  if (p.iteration == S->stop)
    *request = S->request ? (FenRequest)S->request : (FenRequest)(FEN_REQUEST_SAVE | FEN_REQUEST_STOP);
  PetscFunctionReturn(0);
}

static inline PetscErrorCode SaverSave(FenSolver s, FenState state, FenRequest request, void *ctx)
{
  Saver *S = (Saver *)ctx;

  PetscFunctionBegin;
  (void)s;
  S->saved++;
  S->seen = request;
  SnapshotTake(state, &S->snapshot);
  PetscFunctionReturn(0);
}
