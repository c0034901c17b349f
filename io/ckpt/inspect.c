/* SPDX-License-Identifier: BSD-2-Clause */
/*
   What is in a checkpoint folder, for people.
*/
#include "ckptimpl.h"
#include <petscviewer.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

static PetscErrorCode ViewItem(const FenCkptItem *item, PetscViewer viewer)
{
  const FenCkptData *data = &item->data[item->kind == FEN_STATE_CSR ? 1 : 0];
  char               shape[128];

  PetscFunctionBegin;
  PetscCall(FenShapeText_Private(data->rank, data->shape, shape, sizeof(shape)));
  PetscCall(PetscViewerASCIIPrintf(viewer, "%-24s %-6s %-20s %016" PRIx64 "%016" PRIx64 "\n", item->name,
                                   FenCkptKindNames_Private[item->kind], shape, item->fingerprint.lane[0],
                                   item->fingerprint.lane[1]));
  PetscFunctionReturn(0);
}

static PetscErrorCode ViewManifest(const FenManifest *m, PetscViewer viewer)
{
  PetscFunctionBegin;
  PetscCall(PetscViewerASCIIPushTab(viewer));
  PetscCall(PetscViewerASCIIPrintf(viewer, "written by Fenchel %s, %.0f bytes\n", m->suite, (double)m->size));
  for (PetscInt i = 0; i < m->nkeys; i++)
    PetscCall(PetscViewerASCIIPrintf(viewer, "%s = %s\n", m->keys[i].name, m->keys[i].value));
  for (PetscInt i = 0; i < m->nitems; i++)
    PetscCall(ViewItem(&m->items[i], viewer));
  PetscCall(PetscViewerASCIIPopTab(viewer));
  PetscFunctionReturn(0);
}

static PetscErrorCode InspectNumber(MPI_Comm comm, const char dir[], FenInt number, PetscViewer viewer)
{
  FenManifest m;
  char        why[1024];

  PetscFunctionBegin;
  PetscCall(FenCkptReadManifest_Private(comm, dir, number, &m, why, sizeof(why)));
  if (!why[0])
    PetscCall(FenCkptVerify_Private(comm, dir, &m, why, sizeof(why)));
  PetscCall(
      PetscViewerASCIIPrintf(viewer, "checkpoint %06" PRId64 ": %s%s\n", number, why[0] ? "damaged: " : "intact", why));
  if (m.nitems)
    PetscCall(ViewManifest(&m, viewer));
  PetscCall(FenManifestDestroy_Private(&m));
  PetscFunctionReturn(0);
}

/*@C
  FenCkptInspect - says what is in a checkpoint folder and whether it is intact

  Collective

  Input Parameters:
+ comm   - the ranks that look
. dir    - the folder
- viewer - ASCII viewer on comm

  Errors: FEN_ERR_FILE_OPEN (no such folder), FEN_ERR_FILE_MISSING (a folder without checkpoints)

  Level: intermediate

.seealso: FenCkptLoad()
@*/
PetscErrorCode FenCkptInspect(MPI_Comm comm, const char dir[], PetscViewer viewer)
{
  PetscMPIInt rank, count;
  PetscInt    n = 0;
  FenInt     *numbers = NULL;
  FenFault    fault = {0};
  struct stat st;
  int         err;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  if (!rank) {
    PetscCall(FenCkptList_Private(dir, &n, &numbers, &err));
    if (err || stat(dir, &st) < 0)
      FenFaultSet(&fault, FEN_ERR_FILE_OPEN, "the checkpoint folder '%s' cannot be read: %s", dir,
                  strerror(err ? err : errno));
    else if (!n)
      FenFaultSet(&fault, FEN_ERR_FILE_MISSING,
                  "the folder '%s' has no checkpoint (a folder with a number of six digits)", dir);
  }
  PetscCall(FenFaultAgree(comm, &fault));
  PetscCallMPI(MPI_Bcast(&n, 1, MPIU_INT, 0, comm));
  PetscCall(FenMPIIntCast(n, &count));
  if (rank)
    PetscCall(PetscMalloc1(n, &numbers));
  PetscCallMPI(MPI_Bcast(numbers, count, MPI_FENINT, 0, comm));
  PetscCall(PetscViewerASCIIPrintf(viewer, "folder %s: %" PetscInt_FMT " checkpoint%s, newest first\n", dir, n,
                                   n == 1 ? "" : "s"));
  for (PetscInt i = 0; i < n; i++)
    PetscCall(InspectNumber(comm, dir, numbers[i], viewer));
  PetscCall(PetscFree(numbers));
  PetscFunctionReturn(0);
}
