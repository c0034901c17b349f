/* SPDX-License-Identifier: BSD-2-Clause */
/*
   FenCkpt: where checkpoints go, how many are kept, and what a checkpoint and the running problem must have in common.
*/
#include "ckptimpl.h"

static PetscErrorCode CopyKeys(FenCkpt ckpt, PetscInt n, const FenCkptKey keys[])
{
  PetscFunctionBegin;
  PetscCheck(n >= 0 && n <= FEN_CKPT_MAX_KEYS, ckpt->comm, FEN_ERR_INTERNAL, "%" PetscInt_FMT " keys, at most %d", n,
             FEN_CKPT_MAX_KEYS);
  PetscCall(PetscCalloc1(n, &ckpt->keys));
  PetscCall(PetscCalloc1(n, &ckpt->keynames));
  ckpt->nkeys = n;
  for (PetscInt i = 0; i < n; i++) {
    PetscCheck(strlen(keys[i].name) < FEN_CKPT_NAME, ckpt->comm, FEN_ERR_INTERNAL,
               "key '%.40s...': the name is too long", keys[i].name);
    PetscCall(PetscStrncpy(ckpt->keynames[i], keys[i].name, FEN_CKPT_NAME));
    PetscCall(PetscStrncpy(ckpt->keys[i].value, keys[i].value, sizeof(keys[i].value)));
    ckpt->keys[i].name = ckpt->keynames[i];
  }
  PetscFunctionReturn(0);
}

/*@C
  FenCkptCreate - makes the object that saves and loads checkpoints

  Collective

  Input Parameters:
+ comm    - the solver's ranks
. options - folder, which the first save makes if there is none, and number of checkpoints kept, at least 2
. nkeys   - number of keys
- keys    - names and values, compared as text, that a checkpoint must have in common with the running problem

  Output Parameter:
. ckpt - the object

  Errors: FEN_ERR_OPTION (no folder, or fewer than two checkpoints to keep)

  Level: intermediate

.seealso: FenCkptSave(), FenCkptLoad(), FenCkptDestroy()
@*/
PetscErrorCode FenCkptCreate(MPI_Comm comm, const FenCkptOptions *options, PetscInt nkeys, const FenCkptKey keys[],
                             FenCkpt *newckpt)
{
  FenCkpt        ckpt;
  PetscErrorCode ierr;

  PetscFunctionBegin;
  *newckpt = NULL;
  PetscCheck(options->dir[0], comm, FEN_ERR_OPTION, "checkpoints need a folder, -ckpt_dir DIR");
  PetscCheck(options->keep >= 2 && options->keep <= FEN_CKPT_MAX_KEEP, comm, FEN_ERR_OPTION,
             "-ckpt_keep is %" PetscInt_FMT ", it must be between 2 and %d", options->keep, FEN_CKPT_MAX_KEEP);
  PetscCall(PetscNew(&ckpt));
  PetscCallMPI(MPI_Comm_dup(comm, &ckpt->comm));
  PetscCallMPI(MPI_Comm_rank(comm, &ckpt->rank));
  PetscCallMPI(MPI_Comm_size(comm, &ckpt->size));
  ckpt->options = *options;
  ckpt->last = -1;
  ierr = CopyKeys(ckpt, nkeys, keys);
  if (ierr) {
    PetscCall(FenCkptDestroy(&ckpt));
    PetscCall(ierr);
  }
  *newckpt = ckpt;
  PetscFunctionReturn(0);
}

/*@C
  FenCkptGetLast - the newest checkpoint that was saved or loaded

  Not Collective

  Input Parameters:
+ ckpt - the object
- n    - size of path

  Output Parameters:
+ path    - its folder; an empty text if there is none
. bytes   - size of its state.h5
- seconds - how long the last save took, 0 if there was none

  Level: intermediate

.seealso: FenCkptSave()
@*/
PetscErrorCode FenCkptGetLast(FenCkpt ckpt, char path[], size_t n, double *bytes, double *seconds)
{
  PetscFunctionBegin;
  if (ckpt->last < 0)
    PetscCall(PetscStrncpy(path, "", n));
  else
    FenCkptPath_Private(ckpt->options.dir, ckpt->last, "", path, n);
  if (bytes)
    *bytes = ckpt->bytes;
  if (seconds)
    *seconds = ckpt->seconds;
  PetscFunctionReturn(0);
}

/*@
  FenCkptDestroy - frees the object, not the checkpoints

  Collective

  Input Parameter:
. ckpt - the object, NULL afterwards

  Level: intermediate

.seealso: FenCkptCreate()
@*/
PetscErrorCode FenCkptDestroy(FenCkpt *ckpt)
{
  PetscFunctionBegin;
  if (!*ckpt)
    PetscFunctionReturn(0);
  PetscCallMPI(MPI_Comm_free(&(*ckpt)->comm));
  PetscCall(PetscFree((*ckpt)->keys));
  PetscCall(PetscFree((*ckpt)->keynames));
  PetscCall(PetscFree(*ckpt));
  PetscFunctionReturn(0);
}
