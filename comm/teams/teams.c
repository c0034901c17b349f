/* SPDX-License-Identifier: BSD-2-Clause */
/* FenTeams: ranks split into teams of equal size. */
#include "../commimpl.h"
#include <fenchelteams.h>

struct _p_FenTeams {
  FenTeamsInfo info;
};

static FenInt Cut(FenInt n, FenInt r, FenInt p)
{
  return n / p * r + n % p * r / p;
}

/*@
  FenTeamsChooseSize - The size of a team with which m samples are done soonest.

  Not Collective

  Input Parameters:
+ nranks - of the communicator
. m      - samples, all alike
- most   - parts that a sample can be cut into

  Returns:
  A divisor s of `nranks`, at most `most` unless `nranks` has no such divisor but one. The time of one pass is taken as
  ceil(m s/nranks) (1 + (s - 1)/20)/s: a sample cut in two costs one twentieth more for its messages.

  Level: developer

.seealso: `FenTeamsCreate()`
@*/
PetscMPIInt FenTeamsChooseSize(PetscMPIInt nranks, FenInt m, FenInt most)
{
  PetscMPIInt best = 1;
  double      least = -1;

  for (PetscMPIInt s = 1; s <= nranks && s <= most; s++) {
    const FenInt teams = nranks / s;
    const FenInt passes = (m + teams - 1) / teams;
    const double time = (double)passes * (1 + (s - 1) / 20.0) / s;

    if (nranks % s == 0 && (least < 0 || time < least)) {
      least = time;
      best = s;
    }
  }
  return best;
}

/*@
  FenTeamsCreate - Splits ranks into teams.

  Collective

  Input Parameters:
+ comm - the ranks
- size - of a team; divides the number of ranks

  Output Parameter:
. teams - destroy it with `FenTeamsDestroy()`

  Level: advanced

.seealso: `FenTeamsChooseSize()`, `FenTeamsGetInfo()`
@*/
PetscErrorCode FenTeamsCreate(MPI_Comm comm, PetscMPIInt size, FenTeams *teams)
{
  FenTeams      t;
  FenTeamsInfo *i;
  PetscMPIInt   rank, nranks;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &nranks));
  PetscCheck(size > 0 && nranks % size == 0, comm, (PetscErrorCode)FEN_ERR_USAGE,
             "teams of %d ranks do not divide %d ranks", size, nranks);
  PetscCall(PetscNew(&t));
  i = &t->info;
  i->nteams = nranks / size;
  i->size = size;
  i->index = rank / size;
  i->rank = rank % size;
  PetscCallMPI(MPI_Comm_dup(comm, &i->world));
  PetscCallMPI(MPI_Comm_split(comm, i->index, i->rank, &i->team));
  PetscCallMPI(MPI_Comm_split(comm, i->rank, i->index, &i->across));
  *teams = t;
  PetscFunctionReturn(0);
}

/*@
  FenTeamsDestroy - Gives teams back.

  Collective

  Level: advanced

.seealso: `FenTeamsCreate()`
@*/
PetscErrorCode FenTeamsDestroy(FenTeams *teams)
{
  PetscFunctionBegin;
  if (!*teams)
    PetscFunctionReturn(0);
  PetscCallMPI(MPI_Comm_free(&(*teams)->info.across));
  PetscCallMPI(MPI_Comm_free(&(*teams)->info.team));
  PetscCallMPI(MPI_Comm_free(&(*teams)->info.world));
  PetscCall(PetscFree(*teams));
  PetscFunctionReturn(0);
}

/*@
  FenTeamsGetInfo - Communicators and my place.

  Not Collective

  Level: advanced

.seealso: `FenTeamsCreate()`
@*/
PetscErrorCode FenTeamsGetInfo(FenTeams t, FenTeamsInfo *info)
{
  PetscFunctionBegin;
  *info = t->info;
  PetscFunctionReturn(0);
}

/*@
  FenTeamsGetSamples - The samples of my team out of m.

  Not Collective

  Level: advanced

.seealso: `FenTeamsGetRange()`
@*/
PetscErrorCode FenTeamsGetSamples(FenTeams t, FenInt m, FenInt *start, FenInt *end)
{
  PetscFunctionBegin;
  *start = Cut(m, t->info.index, t->info.nteams);
  *end = Cut(m, t->info.index + 1, t->info.nteams);
  PetscFunctionReturn(0);
}

/*@
  FenTeamsGetRange - My part of n numbers that are cut over the ranks of a team, the same in every team.

  Not Collective

  Level: advanced

.seealso: `FenTeamsGetSamples()`
@*/
PetscErrorCode FenTeamsGetRange(FenTeams t, FenInt n, FenInt *start, FenInt *end)
{
  PetscFunctionBegin;
  *start = Cut(n, t->info.rank, t->info.size);
  *end = Cut(n, t->info.rank + 1, t->info.size);
  PetscFunctionReturn(0);
}

/*@
  FenTeamsCreateLayout - The layout of m samples of rows x width numbers: a sample is its team's, its rows are cut.

  Collective

  Level: advanced

.seealso: `FenTeamsGetSamples()`, `FenTeamsGetRange()`
@*/
PetscErrorCode FenTeamsCreateLayout(FenTeams t, FenInt m, FenInt rows, FenInt width, FenLayout *layout)
{
  const FenInt      shape[3] = {m, rows, width};
  const PetscMPIInt nprocs[3] = {t->info.nteams, t->info.size, 1};

  PetscFunctionBegin;
  PetscCall(FenLayoutCreateGrid(t->info.world, 3, shape, nprocs, layout));
  PetscFunctionReturn(0);
}
