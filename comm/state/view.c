/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Sizes of a state, and its list for people.
*/
#include "stateimpl.h"
#include <petscviewer.h>

static const char *const fen_state_kinds[] = {"integer", "number", "numbers", "table", "array", "sparse array"};

/* entries of the whole thing; a sparse array counts its non-zeros */
static PetscErrorCode FenStateCount(FenState s, const FenStateEntry *e, FenInt *n)
{
  const FenSparse *sparse = (const FenSparse *)e->data;
  FenInt           mine;

  PetscFunctionBegin;
  switch (e->kind) {
  case FEN_STATE_LOG:
    *n = ((const FenLog *)e->data)->nrows;
    break;
  case FEN_STATE_ARRAY:
    PetscCall(FenLayoutGetSize(e->layout, n));
    break;
  case FEN_STATE_CSR:
    mine = sparse->ptr ? sparse->ptr[e->n] - sparse->ptr[0] : 0;
    PetscCallMPI(MPI_Allreduce(&mine, n, 1, MPI_FENINT, MPI_SUM, s->comm));
    break;
  default:
    *n = e->n;
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode FenStateBytes(FenState s, const FenStateEntry *e, FenInt *n, double *bytes)
{
  FenInt rows;

  PetscFunctionBegin;
  PetscCall(FenStateCount(s, e, n));
  *bytes = 8. * (double)*n * (double)e->ncomp;
  if (e->kind == FEN_STATE_CSR) {
    PetscCall(FenLayoutGetSize(e->layout, &rows));
    *bytes = 8. * (double)(rows + 1) + 16. * (double)*n;
  }
  PetscFunctionReturn(0);
}

/*@
  FenStateGetBytes - Bytes that the state takes when it is saved, names and headers apart.

  Collective

  Input Parameter:
. state - the list

  Output Parameter:
. global_bytes - bytes of all ranks together; what is the same on all ranks counts once

  Level: developer

.seealso: `FenStateView()`
@*/
PetscErrorCode FenStateGetBytes(FenState state, double *global_bytes)
{
  PetscFunctionBegin;
  *global_bytes = 0;
  for (PetscInt i = 0; i < state->n; i++) {
    double bytes = 0;
    FenInt n = 0;

    PetscCall(FenStateBytes(state, &state->entry[i], &n, &bytes));
    *global_bytes += bytes;
  }
  PetscFunctionReturn(0);
}

/*@C
  FenStateView - Prints the list: name, kind, size and fingerprint of every entry.

  Collective

  Input Parameters:
+ state  - the list
- viewer - an ASCII viewer

  Level: developer

.seealso: `FenStateGetEntries()`, `FenStateFingerprint()`
@*/
PetscErrorCode FenStateView(FenState state, PetscViewer viewer)
{
  PetscFunctionBegin;
  PetscCall(PetscViewerASCIIPrintf(viewer, "State of %d entries\n", (int)state->n));
  for (PetscInt i = 0; i < state->n; i++) {
    const FenStateEntry *e = &state->entry[i];
    FenFingerprint       f;
    double               bytes = 0;
    FenInt               n = 0;

    PetscCall(FenStateBytes(state, e, &n, &bytes));
    PetscCall(FenStateFingerprint(state, i, &f));
    PetscCall(PetscViewerASCIIPrintf(viewer,
                                     "  %-20s %-12s %" FENINT_FMT " x %d, %.0f bytes, %016" PRIx64 "%016" PRIx64 "\n",
                                     e->name, fen_state_kinds[e->kind], n, (int)e->ncomp, bytes, f.lane[0], f.lane[1]));
  }
  PetscFunctionReturn(0);
}
