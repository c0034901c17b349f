/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Fingerprints of a state's entries: the same on any number of ranks and in any storage order, because every number is
   hashed together with its global index.
*/
#include "stateimpl.h"

/* parts of one entry use ranges of indices that cannot meet */
#define FEN_PART(k) ((uint64_t)(k) << 60)

/* a box in any storage order: lines along the fastest axis have a constant step in the global number */
static void FenStateHashArray(const FenStateEntry *e, FenFingerprint *f)
{
  const FenLayout l = e->layout;
  const FenInt    stride[FEN_MAX_DIM] = {l->shape[1] * l->shape[2], l->shape[2], 1};
  const PetscInt  a = l->order[0], b = l->order[1], c = l->order[2], ncomp = e->ncomp;
  const FenInt    line = l->box.hi[c] - l->box.lo[c];
  const double   *x = (const double *)e->data;

  if (!l->local)
    return;
  for (FenInt i = l->box.lo[a]; i < l->box.hi[a]; i++)
    for (FenInt j = l->box.lo[b]; j < l->box.hi[b]; j++) {
      const FenInt first = (i * stride[a] + j * stride[b] + l->box.lo[c] * stride[c]) * ncomp;

      if (stride[c] == 1) {
        FenFingerprintDoubles(f, first, line * ncomp, x);
        x += line * ncomp;
        continue;
      }
      for (FenInt k = 0; k < line; k++, x += ncomp)
        FenFingerprintDoubles(f, first + k * stride[c] * ncomp, ncomp, x);
    }
}

/* the number of a non-zero is global: those of the ranks before come first */
static PetscErrorCode FenStateHashCSR(MPI_Comm comm, const FenStateEntry *e, FenFingerprint *f)
{
  const FenSparse *s = (const FenSparse *)e->data;
  const FenInt     n = s->ptr ? s->ptr[e->n] - s->ptr[0] : 0;
  FenInt           before = 0, start;
  PetscMPIInt      rank;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Exscan(&n, &before, 1, MPI_FENINT, MPI_SUM, comm));
  if (rank == 0)
    before = 0;
  PetscCall(FenLayoutGetRange(e->layout, &start, NULL));
  for (FenInt i = 0; i < e->n; i++) {
    const FenInt length = s->ptr ? s->ptr[i + 1] - s->ptr[i] : 0;

    FenFingerprintWords_Private(f, (uint64_t)(start + i), 1, 1, &length);
  }
  FenFingerprintWords_Private(f, FEN_PART(1) + (uint64_t)before, 1, n, s->idx);
  FenFingerprintWords_Private(f, FEN_PART(2) + (uint64_t)before, 1, n, s->val);
  PetscFunctionReturn(0);
}

/*@C
  FenStateFingerprint - Fingerprint of one entry's present values.

  Collective

  Input Parameters:
+ state - the list
- entry - number of the entry

  Output Parameter:
. f - the fingerprint, the same on all ranks and for any number of ranks

  Errors:
  `FEN_ERR_INTERNAL` if there is no such entry.

  Level: developer

.seealso: `FenStateGetEntries()`, `FenFingerprintDoubles()`
@*/
PetscErrorCode FenStateFingerprint(FenState state, PetscInt entry, FenFingerprint *f)
{
  const FenStateEntry *e;
  const FenLog        *log;

  PetscFunctionBegin;
  PetscCheck(entry >= 0 && entry < state->n, state->comm, FEN_ERR_INTERNAL, "entry %d of a state of %d", (int)entry,
             (int)state->n);
  e = &state->entry[entry];
  f->lane[0] = f->lane[1] = 0;
  switch (e->kind) {
  case FEN_STATE_INT:
  case FEN_STATE_REAL:
  case FEN_STATE_REALS:
    FenFingerprintWords_Private(f, 0, 1, e->n, e->data);
    break;
  case FEN_STATE_LOG:
    log = (const FenLog *)e->data;
    FenFingerprintWords_Private(f, 0, 1, log->nrows * log->ncols, log->data);
    break;
  case FEN_STATE_ARRAY:
    FenStateHashArray(e, f);
    PetscCall(FenFingerprintReduce(state->comm, f));
    break;
  case FEN_STATE_CSR:
    PetscCall(FenStateHashCSR(state->comm, e, f));
    PetscCall(FenFingerprintReduce(state->comm, f));
    break;
  }
  PetscFunctionReturn(0);
}
