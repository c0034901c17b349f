/* SPDX-License-Identifier: BSD-2-Clause */
/*
   FenState: the list of what a solver must keep.
*/
#include "stateimpl.h"

/*@
  FenStateCreate - Makes an empty list of the things that a solver must save to go on later.

  Collective

  Input Parameter:
. comm - the solver's ranks

  Output Parameter:
. state - the list

  Level: developer

.seealso: `FenStateAddReal()`, `FenStateAddArray()`, `FenStateDestroy()`
@*/
PetscErrorCode FenStateCreate(MPI_Comm comm, FenState *state)
{
  FenState s;

  PetscFunctionBegin;
  PetscCall(FenInitializePackage());
  PetscCall(PetscNew(&s));
  PetscCall(PetscCommDuplicate(comm, &s->comm, NULL));
  *state = s;
  PetscFunctionReturn(0);
}

/*@
  FenStateDestroy - Frees the list, not the things on it.

  Collective

  Input Parameter:
. state - the list, NULL on return

  Level: developer

.seealso: `FenStateCreate()`
@*/
PetscErrorCode FenStateDestroy(FenState *state)
{
  FenState s = *state;

  PetscFunctionBegin;
  if (!s)
    PetscFunctionReturn(0);
  for (PetscInt i = 0; i < s->n; i++) {
    PetscCall(PetscFree(s->name[i]));
    PetscCall(FenLayoutDestroy(&s->entry[i].layout));
  }
  PetscCall(PetscFree(s->entry));
  PetscCall(PetscFree(s->name));
  PetscCall(PetscCommDestroy(&s->comm));
  PetscCall(PetscFree(*state));
  PetscFunctionReturn(0);
}

static PetscErrorCode FenStateGrow(FenState s)
{
  const PetscInt capacity = 2 * s->capacity + 8;
  FenStateEntry *entry;
  char         **name;

  PetscFunctionBegin;
  PetscCall(PetscCalloc1((size_t)capacity, &entry));
  PetscCall(PetscCalloc1((size_t)capacity, &name));
  for (PetscInt i = 0; i < s->n; i++) {
    entry[i] = s->entry[i];
    name[i] = s->name[i];
  }
  PetscCall(PetscFree(s->entry));
  PetscCall(PetscFree(s->name));
  s->entry = entry;
  s->name = name;
  s->capacity = capacity;
  PetscFunctionReturn(0);
}

/* names become names of data sets: letters, digits, underscore */
static PetscErrorCode FenStateAdd(FenState s, const char name[], FenStateEntry e)
{
  PetscFunctionBegin;
  PetscCheck(name[0] && !name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")], s->comm,
             FEN_ERR_INTERNAL, "state \"%s\": names are made of letters, digits and underscores", name);
  for (PetscInt i = 0; i < s->n; i++)
    PetscCheck(strcmp(s->name[i], name), s->comm, FEN_ERR_INTERNAL, "state \"%s\" is listed twice", name);
  if (s->n == s->capacity)
    PetscCall(FenStateGrow(s));
  PetscCall(PetscStrallocpy(name, &s->name[s->n]));
  if (e.layout)
    PetscCall(PetscObjectReference((PetscObject)e.layout));
  e.name = s->name[s->n];
  s->entry[s->n++] = e;
  PetscFunctionReturn(0);
}

/*@C
  FenStateAddInt - Lists one integer that is the same on all ranks.

  Logically Collective

  Input Parameters:
+ state - the list
. name  - its name: letters, digits, underscores
- value - where it is; loading writes there

  Errors:
  `FEN_ERR_INTERNAL` if the name is taken or not allowed.

  Level: developer

.seealso: `FenStateAddReal()`, `FenStateGetEntries()`
@*/
PetscErrorCode FenStateAddInt(FenState state, const char name[], FenInt *value)
{
  PetscFunctionBegin;
  PetscCall(FenStateAdd(state, name, (FenStateEntry){.kind = FEN_STATE_INT, .n = 1, .ncomp = 1, .data = value}));
  PetscFunctionReturn(0);
}

/*@C
  FenStateAddReal - Lists one number that is the same on all ranks.

  Logically Collective

  Input Parameters:
+ state - the list
. name  - its name: letters, digits, underscores
- value - where it is; loading writes there

  Errors:
  `FEN_ERR_INTERNAL` if the name is taken or not allowed.

  Level: developer

.seealso: `FenStateAddReals()`, `FenStateGetEntries()`
@*/
PetscErrorCode FenStateAddReal(FenState state, const char name[], double *value)
{
  PetscFunctionBegin;
  PetscCall(FenStateAdd(state, name, (FenStateEntry){.kind = FEN_STATE_REAL, .n = 1, .ncomp = 1, .data = value}));
  PetscFunctionReturn(0);
}

/*@C
  FenStateAddReals - Lists an array of fixed length that is the same on all ranks.

  Logically Collective

  Input Parameters:
+ state  - the list
. name   - its name: letters, digits, underscores
. n      - its length
- values - where it is; loading writes there

  Errors:
  `FEN_ERR_INTERNAL` if the name is taken or not allowed.

  Level: developer

.seealso: `FenStateAddArray()`, `FenStateGetEntries()`
@*/
PetscErrorCode FenStateAddReals(FenState state, const char name[], FenInt n, double values[])
{
  PetscFunctionBegin;
  PetscCall(FenStateAdd(state, name, (FenStateEntry){.kind = FEN_STATE_REALS, .n = n, .ncomp = 1, .data = values}));
  PetscFunctionReturn(0);
}

/*@C
  FenStateAddLog - Lists a table that grows, the same on all ranks.

  Logically Collective

  Input Parameters:
+ state - the list
. name  - its name: letters, digits, underscores
- log   - the table; loading replaces its rows

  Errors:
  `FEN_ERR_INTERNAL` if the name is taken or not allowed, or the table has no columns.

  Level: developer

.seealso: `FenLogAppend()`, `FenStateGetEntries()`
@*/
PetscErrorCode FenStateAddLog(FenState state, const char name[], FenLog *log)
{
  PetscFunctionBegin;
  PetscCheck(log->ncols > 0, state->comm, FEN_ERR_INTERNAL, "state \"%s\": a table without columns", name);
  PetscCall(FenStateAdd(state, name, (FenStateEntry){.kind = FEN_STATE_LOG, .ncomp = log->ncols, .data = log}));
  PetscFunctionReturn(0);
}

/*@C
  FenStateAddArray - Lists a distributed array.

  Logically Collective

  Input Parameters:
+ state  - the list
. name   - its name: letters, digits, underscores
. layout - the array's layout; the list keeps a reference
. ncomp  - numbers an entry has
- values - this rank's part, ncomp times the local size, the components of an entry side by side

  Errors:
  `FEN_ERR_INTERNAL` if the name is taken or not allowed, or ncomp is not positive.

  Level: developer

.seealso: `FenStateAddCSR()`, `FenStateGetEntries()`
@*/
PetscErrorCode FenStateAddArray(FenState state, const char name[], FenLayout layout, PetscInt ncomp, double values[])
{
  FenStateEntry e = {.kind = FEN_STATE_ARRAY, .ncomp = ncomp, .layout = layout, .data = values};

  PetscFunctionBegin;
  PetscCheck(ncomp > 0, state->comm, FEN_ERR_INTERNAL, "state \"%s\": an array of %d components", name, (int)ncomp);
  PetscCall(FenLayoutGetLocalSize(layout, &e.n));
  PetscCall(FenStateAdd(state, name, e));
  PetscFunctionReturn(0);
}

/*@C
  FenStateAddCSR - Lists a distributed sparse array: one row of (index, value) for each index of a layout.

  Logically Collective

  Input Parameters:
+ state  - the list
. name   - its name: letters, digits, underscores
. layout - layout of one axis; the list keeps a reference
- sparse - this rank's rows; loading frees the three arrays and puts new ones there

  Errors:
  `FEN_ERR_INTERNAL` if the name is taken or not allowed, or the layout has more than one axis.

  Level: developer

.seealso: `FenStateAddArray()`, `FenStateGetEntries()`
@*/
PetscErrorCode FenStateAddCSR(FenState state, const char name[], FenLayout layout, FenSparse *sparse)
{
  FenStateEntry e = {.kind = FEN_STATE_CSR, .ncomp = 1, .layout = layout, .data = sparse};
  PetscInt      dim;

  PetscFunctionBegin;
  PetscCall(FenLayoutGetDim(layout, &dim));
  PetscCheck(dim == 1, state->comm, FEN_ERR_INTERNAL, "state \"%s\": rows on a layout of %d axes", name, (int)dim);
  PetscCall(FenLayoutGetLocalSize(layout, &e.n));
  PetscCall(FenStateAdd(state, name, e));
  PetscFunctionReturn(0);
}

/*@C
  FenStateGetEntries - The list.

  Not Collective

  Input Parameter:
. state - the list

  Output Parameters:
+ n       - number of entries
- entries - the entries, in the order in which they were added; valid until another one is added

  Level: developer

.seealso: `FenStateFingerprint()`, `FenStateGetBytes()`
@*/
PetscErrorCode FenStateGetEntries(FenState state, PetscInt *n, const FenStateEntry *entries[])
{
  PetscFunctionBegin;
  *n = state->n;
  *entries = state->entry;
  PetscFunctionReturn(0);
}

/*@C
  FenStateGetComm - The ranks that share the state.

  Not Collective

  Input Parameter:
. state - the list

  Output Parameter:
. comm - a communicator owned by the list

  Level: developer

.seealso: `FenStateCreate()`
@*/
PetscErrorCode FenStateGetComm(FenState state, MPI_Comm *comm)
{
  PetscFunctionBegin;
  *comm = state->comm;
  PetscFunctionReturn(0);
}
