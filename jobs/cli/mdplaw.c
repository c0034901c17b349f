/* SPDX-License-Identifier: BSD-2-Clause */
/* What a result of fenchel mdp says of laws: randomised policies, and the next state under nature's worst case. */
#include "cliimpl.h"

/* local pointers of all ranks become global ones; the last rank has the end */
static PetscErrorCode WritePointers(FenFile file, MPI_Comm comm, const char path[], FenInt n, const FenInt local[])
{
  PetscMPIInt    rank, size;
  FenInt        *ptr, before = 0;
  PetscErrorCode code;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  PetscCallMPI(MPI_Exscan(&local[n], &before, 1, MPI_FENINT, MPI_SUM, comm));
  PetscCall(PetscMalloc1((size_t)(n + 1), &ptr));
  for (FenInt k = 0; k <= n; k++)
    ptr[k] = local[k] + (rank ? before : 0);
  code = FenFileWriteIntPart(file, path, n + (rank == size - 1), ptr);
  PetscCall(PetscFree(ptr));
  PetscCall(code);
  PetscFunctionReturn(0);
}

/* rows of my states, and the numbers of their actions */
static PetscErrorCode GetActions(FenMDPRun *run, FenInt n, FenInt **state_ptr, FenInt **action)
{
  FenMDPRow *row;
  int        rows;

  PetscFunctionBegin;
  PetscCall(PetscMalloc(sizeof(*row), &row));
  PetscCall(PetscMalloc1((size_t)(n + 1), state_ptr));
  (*state_ptr)[0] = 0;
  for (FenInt k = 0; k < n; k++) {
    PetscCall(FenMDPModelGetStateRows(run->model, k, &rows));
    (*state_ptr)[k + 1] = (*state_ptr)[k] + rows;
  }
  PetscCall(PetscMalloc1((size_t)((*state_ptr)[n] + 1), action));
  for (FenInt k = 0; k < n; k++)
    for (FenInt a = (*state_ptr)[k]; a < (*state_ptr)[k + 1]; a++) {
      PetscCall(FenMDPModelGetRow(run->model, k, (int)(a - (*state_ptr)[k]), row));
      (*action)[a] = row->action;
    }
  PetscCall(PetscFree(row));
  PetscFunctionReturn(0);
}

PetscErrorCode FenMDPWriteLaw_Private(FenMDPRun *run, FenFile file)
{
  MPI_Comm      comm = run->run.cli->comm;
  FenAmbiguity  a;
  FenLayout     layout;
  FenInt        n, *state_ptr, *action;
  const double *law;

  PetscFunctionBegin;
  PetscCall(FenMDPGetAmbiguity(run->mdp, &a));
  if (a.rectangular != FEN_RECTANGULAR_S)
    PetscFunctionReturn(0);
  PetscCall(FenMDPModelGetLayout(run->model, &layout));
  PetscCall(FenLayoutGetLocalSize(layout, &n));
  PetscCall(FenMDPGetPolicyLaw(run->mdp, &law));
  PetscCall(GetActions(run, n, &state_ptr, &action));
  PetscCall(FenFileMakeGroup(file, "/policy_prob"));
  PetscCall(WritePointers(file, comm, "/policy_prob/sa_ptr", n, state_ptr));
  PetscCall(FenFileWriteIntPart(file, "/policy_prob/action_id", state_ptr[n], action));
  PetscCall(FenFileWriteRealPart(file, "/policy_prob/prob", state_ptr[n], law));
  PetscCall(PetscFree(state_ptr));
  PetscCall(PetscFree(action));
  PetscFunctionReturn(0);
}

PetscErrorCode FenMDPWriteKernel_Private(FenMDPRun *run, FenFile file)
{
  MPI_Comm     comm = run->run.cli->comm;
  FenMDPKernel k;
  FenInt       nnz;

  PetscFunctionBegin;
  PetscCall(FenMDPGetKernel(run->mdp, &k));
  nnz = k.row_ptr[k.n];
  PetscCall(FenFileMakeGroup(file, "/kernel"));
  PetscCall(WritePointers(file, comm, "/kernel/row_ptr", k.n, k.row_ptr));
  PetscCall(FenFileWriteIntPart(file, "/kernel/col", nnz, k.next));
  PetscCall(FenFileWriteRealPart(file, "/kernel/val", nnz, k.prob));
  PetscCall(FenMDPKernelDestroy(&k));
  PetscFunctionReturn(0);
}
