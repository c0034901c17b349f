/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Loading: the newest checkpoint that is intact, on any number of ranks. Damage is passed over with a note; a
   checkpoint of another problem is an error that lists every difference.
*/
#include "ckptimpl.h"
#include <errno.h>
#include <stdarg.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define LIST_BYTES 1800 /* of a message that PETSc passes on */

static void Append(char text[], size_t n, const char format[], ...) __attribute__((format(printf, 3, 4)));
static void Append(char text[], size_t n, const char format[], ...)
{
  const size_t used = strlen(text);
  va_list      args;

  va_start(args, format);
  (void)vsnprintf(text + used, n - used, format, args);
  va_end(args);
}

static const char *FindKey(PetscInt n, const FenCkptKey keys[], const char name[])
{
  for (PetscInt i = 0; i < n; i++)
    if (!strcmp(keys[i].name, name))
      return keys[i].value;
  return NULL;
}

static void CompareKeys(FenCkpt ckpt, const FenManifest *m, char list[], size_t n)
{
  for (PetscInt i = 0; i < ckpt->nkeys; i++) {
    const char *value = FindKey(m->nkeys, m->keys, ckpt->keys[i].name);
    if (!value || strcmp(value, ckpt->keys[i].value))
      Append(list, n, "\n  %s: checkpoint %s, now %s", ckpt->keys[i].name, value ? value : "(nothing)",
             ckpt->keys[i].value);
  }
  for (PetscInt i = 0; i < m->nkeys; i++)
    if (!FindKey(ckpt->nkeys, ckpt->keys, m->keys[i].name))
      Append(list, n, "\n  %s: checkpoint %s, now (nothing)", m->keys[i].name, m->keys[i].value);
}

/* what may differ is the number of rows of a table and of non-zeros of a matrix */
static PetscBool SameShape(const FenCkptItem *a, const FenCkptItem *b)
{
  if (a->kind != b->kind)
    return PETSC_FALSE;
  for (PetscInt d = 0; d < a->ndata; d++) {
    if (a->data[d].rank != b->data[d].rank)
      return PETSC_FALSE;
    for (PetscInt k = 0; k < a->data[d].rank; k++)
      if (a->data[d].shape[k] != b->data[d].shape[k] && !(a->kind == FEN_STATE_LOG && k == 0) &&
          !(a->kind == FEN_STATE_CSR && d > 0))
        return PETSC_FALSE;
  }
  return a->kind != FEN_STATE_CSR || a->data[1].shape[0] == a->data[2].shape[0] ? PETSC_TRUE : PETSC_FALSE;
}

static const FenCkptItem *FindItem(PetscInt n, const FenCkptItem items[], const char name[])
{
  for (PetscInt i = 0; i < n; i++)
    if (!strcmp(items[i].name, name))
      return &items[i];
  return NULL;
}

static PetscErrorCode ItemText(const FenCkptItem *item, char text[], size_t n)
{
  char shape[128];

  PetscFunctionBegin;
  if (item) {
    PetscCall(FenShapeText_Private(item->data[0].rank, item->data[0].shape, shape, sizeof(shape)));
    PetscCall(PetscSNPrintf(text, n, "%s %s", FenCkptKindNames_Private[item->kind], shape));
  } else
    PetscCall(PetscStrncpy(text, "(nothing)", n));
  PetscFunctionReturn(0);
}

static PetscErrorCode CompareItems(PetscInt nmine, const FenCkptItem mine[], const FenManifest *m, char list[],
                                   size_t n)
{
  char then[160], now[160];

  PetscFunctionBegin;
  for (PetscInt i = 0; i < nmine; i++) {
    const FenCkptItem *item = FindItem(m->nitems, m->items, mine[i].name);
    if (item && SameShape(item, &mine[i]))
      continue;
    PetscCall(ItemText(item, then, sizeof(then)));
    PetscCall(ItemText(&mine[i], now, sizeof(now)));
    Append(list, n, "\n  state %s: checkpoint %s, now %s", mine[i].name, then, now);
  }
  for (PetscInt i = 0; i < m->nitems; i++)
    if (!FindItem(nmine, mine, m->items[i].name)) {
      PetscCall(ItemText(&m->items[i], then, sizeof(then)));
      Append(list, n, "\n  state %s: checkpoint %s, now (nothing)", m->items[i].name, then);
    }
  PetscFunctionReturn(0);
}

static PetscErrorCode ReadState(FenCkpt ckpt, FenState state, const FenManifest *m, char why[], size_t nwhy)
{
  char                 path[2 * PETSC_MAX_PATH_LEN];
  const FenStateEntry *entries;
  PetscInt             n;
  int                  fd, err = 0;

  PetscFunctionBegin;
  FenCkptPath_Private(ckpt->options.dir, m->number, "state.h5", path, sizeof(path));
  PetscCall(FenStateGetEntries(state, &n, &entries));
  fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    err = errno;
  for (PetscInt i = 0; i < n && !err; i++)
    PetscCall(FenCkptTransfer_Private(&entries[i], FindItem(m->nitems, m->items, entries[i].name), ckpt->rank, fd,
                                      PETSC_FALSE, &err));
  if (fd >= 0)
    (void)FenPosixClose_Private(fd);
  if (err)
    FenCkptWhy_Private(why, nwhy, "%s: %s", path, strerror(err));
  PetscCall(FenCkptAgree_Private(ckpt->comm, why, nwhy));
  PetscFunctionReturn(0);
}

/* memory is what was in memory when it was saved */
static PetscErrorCode CompareFingerprints(FenCkpt ckpt, FenState state, const FenManifest *m, char why[], size_t nwhy)
{
  const FenStateEntry *entries;
  PetscInt             n;

  PetscFunctionBegin;
  PetscCall(FenStateGetEntries(state, &n, &entries));
  for (PetscInt i = 0; i < n && !why[0]; i++) {
    const FenFingerprint *then = &FindItem(m->nitems, m->items, entries[i].name)->fingerprint;
    FenFingerprint        now;
    PetscCall(FenStateFingerprint(state, i, &now));
    if (then->lane[0] != now.lane[0] || then->lane[1] != now.lane[1])
      FenCkptWhy_Private(why, nwhy,
                         "%s/%06" PRId64 ": fingerprint of '%s': expected %016" PRIx64 "%016" PRIx64
                         ", found %016" PRIx64 "%016" PRIx64,
                         ckpt->options.dir, m->number, entries[i].name, then->lane[0], then->lane[1], now.lane[0],
                         now.lane[1]);
  }
  PetscFunctionReturn(0);
}

/* one checkpoint; why is empty if it was loaded */
static PetscErrorCode LoadManifest(FenCkpt ckpt, FenState state, const FenManifest *m, char why[], size_t nwhy)
{
  char         list[LIST_BYTES] = "";
  PetscInt     n;
  FenCkptItem *items;

  PetscFunctionBegin;
  PetscCall(FenCkptDescribe_Private(state, PETSC_FALSE, &n, &items));
  CompareKeys(ckpt, m, list, sizeof(list));
  PetscCall(CompareItems(n, items, m, list, sizeof(list)));
  PetscCall(PetscFree(items));
  PetscCheck(!list[0], ckpt->comm, FEN_ERR_CKPT_MISMATCH, "checkpoint '%s/%06" PRId64 "' belongs to another problem:%s",
             ckpt->options.dir, m->number, list);
  PetscCall(FenCkptVerify_Private(ckpt->comm, ckpt->options.dir, m, why, nwhy));
  if (!why[0])
    PetscCall(ReadState(ckpt, state, m, why, nwhy));
  if (!why[0])
    PetscCall(CompareFingerprints(ckpt, state, m, why, nwhy));
  PetscFunctionReturn(0);
}

static PetscErrorCode LoadNumber(FenCkpt ckpt, FenState state, FenInt number, char why[], size_t nwhy)
{
  FenManifest    m;
  PetscErrorCode ierr = 0;

  PetscFunctionBegin;
  PetscCall(FenCkptReadManifest_Private(ckpt->comm, ckpt->options.dir, number, &m, why, nwhy));
  if (why[0])
    PetscFunctionReturn(0);
  ierr = LoadManifest(ckpt, state, &m, why, nwhy);
  if (!why[0] && !ierr) {
    ckpt->last = number;
    ckpt->bytes = (double)m.size;
  }
  PetscCall(FenManifestDestroy_Private(&m));
  PetscCall(ierr);
  PetscFunctionReturn(0);
}

/* rank 0's list for all */
static PetscErrorCode ListAll(FenCkpt ckpt, PetscInt *n, FenInt *numbers[])
{
  FenFault    fault = {0};
  int         err;
  PetscMPIInt count;

  PetscFunctionBegin;
  *n = 0;
  *numbers = NULL;
  if (!ckpt->rank) {
    PetscCall(FenCkptList_Private(ckpt->options.dir, n, numbers, &err));
    if (err)
      FenFaultSet(&fault, FEN_ERR_FILE_OPEN, "the checkpoint folder '%s' cannot be read: %s", ckpt->options.dir,
                  strerror(err));
  }
  PetscCall(FenFaultAgree(ckpt->comm, &fault));
  PetscCallMPI(MPI_Bcast(n, 1, MPIU_INT, 0, ckpt->comm));
  if (ckpt->rank)
    PetscCall(PetscMalloc((size_t)*n * sizeof(FenInt), numbers));
  PetscCall(FenMPIIntCast(*n, &count));
  PetscCallMPI(MPI_Bcast(*numbers, count, MPI_FENINT, 0, ckpt->comm));
  PetscFunctionReturn(0);
}

static void Note(FenCkpt ckpt, FenInt number, const char why[], char notes[], size_t n)
{
  Append(notes, n, "%schecks of checkpoint %06" PRId64 " failed, it is passed over: %s", notes[0] ? "\n" : "", number,
         why);
  if (ckpt->nbad < FEN_CKPT_MAX_KEEP)
    ckpt->bad[ckpt->nbad++] = number;
}

/*@C
  FenCkptLoad - restores a state from the newest intact checkpoint

  Collective

  Input Parameters:
+ ckpt  - the object
. state - what to restore, described as when it was saved; the number of ranks may differ
- n     - size of notes

  Output Parameters:
+ loaded - PETSC_FALSE if the folder has no checkpoint at all
- notes  - a line for each damaged checkpoint that was passed over: file, check, expected, found

  Errors: FEN_ERR_CKPT_MISMATCH listing all differing keys and entries with both values; FEN_ERR_CKPT_NONE if all
  checkpoints are damaged; FEN_ERR_FILE_OPEN. The state's values are not to be used after an error.

  Level: intermediate

.seealso: FenCkptSave()
@*/
PetscErrorCode FenCkptLoad(FenCkpt ckpt, FenState state, PetscBool *loaded, char notes[], size_t n)
{
  PetscInt       count;
  FenInt        *numbers;
  PetscErrorCode ierr = 0;

  PetscFunctionBegin;
  *loaded = PETSC_FALSE;
  notes[0] = 0;
  ckpt->nbad = 0;
  PetscCall(ListAll(ckpt, &count, &numbers));
  for (PetscInt i = 0; i < count && !*loaded && !ierr; i++) {
    char why[1024] = "";
    ierr = LoadNumber(ckpt, state, numbers[i], why, sizeof(why));
    if (why[0])
      Note(ckpt, numbers[i], why, notes, n);
    else
      *loaded = ierr ? PETSC_FALSE : PETSC_TRUE;
  }
  PetscCall(PetscFree(numbers));
  PetscCall(ierr);
  PetscCheck(*loaded || !count, ckpt->comm, FEN_ERR_CKPT_NONE, "no checkpoint in '%s' is intact:\n%.*s",
             ckpt->options.dir, LIST_BYTES, notes);
  PetscFunctionReturn(0);
}
