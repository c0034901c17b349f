/* SPDX-License-Identifier: BSD-2-Clause */
/* FenTeams: ranks split into teams of equal size. */
#include "../commimpl.h"
#include <fenchelteams.h>

struct _p_FenTeams {
  FenTeamsInfo info;
  FenInt       shared, given; /* items of a share; with one team, how many are given away */
  FenInt      *next;          /* on rank 0 of all: the same for several teams */
  MPI_Win      window;        /* on `next`, MPI_WIN_NULL without a share */
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
  t->window = MPI_WIN_NULL;
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
  PetscCall(FenTeamsShareEnd(*teams));
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

/*@
  FenTeamsShareBegin - Items of unlike cost that teams take one by one.

  Collective

  Input Parameters:
+ t - the teams
- m - items, numbered from 0

  Note:
  A counter on one rank is read and raised by the others without its help, so that no team waits for another one. What
  team an item goes to differs from run to run.

  Level: advanced

.seealso: `FenTeamsShareNext()`, `FenTeamsGetSamples()`
@*/
PetscErrorCode FenTeamsShareBegin(FenTeams t, FenInt m)
{
  PetscMPIInt rank;

  PetscFunctionBegin;
  PetscCall(FenTeamsShareEnd(t));
  t->shared = m;
  t->given = 0;
  if (t->info.nteams == 1)
    PetscFunctionReturn(0);
  PetscCallMPI(MPI_Comm_rank(t->info.world, &rank));
  PetscCallMPI(MPI_Win_allocate(rank ? 0 : (MPI_Aint)sizeof(FenInt), (int)sizeof(FenInt), MPI_INFO_NULL, t->info.world,
                                &t->next, &t->window));
  if (!rank) {
    PetscCallMPI(MPI_Win_lock(MPI_LOCK_EXCLUSIVE, 0, 0, t->window));
    *t->next = 0;
    PetscCallMPI(MPI_Win_unlock(0, t->window));
  }
  PetscCallMPI(MPI_Barrier(t->info.world));
  PetscFunctionReturn(0);
}

/*@
  FenTeamsShareNext - The next item for my team.

  Collective on the team

  Output Parameter:
. item - its number, -1 if all are given away

  Level: advanced

.seealso: `FenTeamsShareBegin()`
@*/
PetscErrorCode FenTeamsShareNext(FenTeams t, FenInt *item)
{
  const FenInt one = 1;
  FenInt       mine = 0;

  PetscFunctionBegin;
  if (t->window == MPI_WIN_NULL) {
    mine = t->given++;
  } else {
    if (!t->info.rank) {
      PetscCallMPI(MPI_Win_lock(MPI_LOCK_SHARED, 0, 0, t->window));
      PetscCallMPI(MPI_Fetch_and_op(&one, &mine, MPI_FENINT, 0, 0, MPI_SUM, t->window));
      PetscCallMPI(MPI_Win_unlock(0, t->window));
    }
    PetscCallMPI(MPI_Bcast(&mine, 1, MPI_FENINT, 0, t->info.team));
  }
  *item = mine < t->shared ? mine : -1;
  PetscFunctionReturn(0);
}

/*@
  FenTeamsShareEnd - Ends a share.

  Collective

  Level: advanced

.seealso: `FenTeamsShareBegin()`
@*/
PetscErrorCode FenTeamsShareEnd(FenTeams t)
{
  PetscFunctionBegin;
  if (t->window != MPI_WIN_NULL)
    PetscCallMPI(MPI_Win_free(&t->window));
  t->shared = t->given = 0;
  PetscFunctionReturn(0);
}
