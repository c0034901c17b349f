/* SPDX-License-Identifier: BSD-2-Clause */
/*
   The plan in the result file: sparse rows in global row order. The solver has them on the source's layout, which for a
   grid need not be a cut of consecutive rows; they are sent to the ranks of an even cut, which the file format takes.
*/
#include "cliimpl.h"

typedef struct {
  FenInt row, col;
  double value;
} Entry;

/* owner of a row in the even cut: sizes differ by at most one, the larger ones first or as the layout says */
static PetscErrorCode Owner(FenLayout rows, PetscMPIInt size, FenInt row, PetscMPIInt *guess)
{
  FenBox box;

  PetscFunctionBegin;
  for (PetscMPIInt k = 0; k < size; k++) {
    PetscCall(FenLayoutGetBox(rows, *guess, &box));
    if (row >= box.lo[0] && row < box.hi[0])
      PetscFunctionReturn(0);
    *guess = (*guess + 1) % size;
  }
  SETERRQ(PETSC_COMM_SELF, (PetscErrorCode)FEN_ERR_INTERNAL, "row %" FENINT_FMT " has no owner", row);
}

/* my entries as triplets with global rows, ordered by owner because local rows run upwards */
static PetscErrorCode Pack(FenLayout layout, const FenSparse *plan, FenLayout rows, PetscMPIInt size, FenInt count[],
                           Entry entries[])
{
  FenInt        nruns, length, k = 0;
  const FenInt *start;
  PetscMPIInt   owner = 0;

  PetscFunctionBegin;
  PetscCall(FenLayoutGetRuns(layout, &nruns, &length, &start));
  for (FenInt local = 0; local < nruns * length; local++) {
    const FenInt row = start[local / length] + local % length;

    if (plan->ptr[local] == plan->ptr[local + 1])
      continue;
    PetscCall(Owner(rows, size, row, &owner));
    count[owner] += plan->ptr[local + 1] - plan->ptr[local];
    for (FenInt e = plan->ptr[local]; e < plan->ptr[local + 1]; e++, k++)
      entries[k] = (Entry){.row = row, .col = plan->idx[e], .value = plan->val[e]};
  }
  PetscFunctionReturn(0);
}

static int CompareEntries(const void *a, const void *b)
{
  const Entry *x = (const Entry *)a, *y = (const Entry *)b;

  if (x->row != y->row)
    return x->row < y->row ? -1 : 1;
  return x->col < y->col ? -1 : x->col > y->col;
}

/* counts are in entries and stay below the limit of MPI's int, which is checked */
static PetscErrorCode Exchange(MPI_Comm comm, PetscMPIInt size, const FenInt count[], const Entry send[], FenInt *nrecv,
                               Entry **recv)
{
  PetscMPIInt *scount, *sdispl, *rcount, *rdispl;
  FenInt       stotal = 0, rtotal = 0;
  MPI_Datatype type;

  PetscFunctionBegin;
  PetscCall(PetscMalloc4(size, &scount, size, &sdispl, size, &rcount, size, &rdispl));
  for (PetscMPIInt r = 0; r < size; r++) {
    PetscCall(FenMPIIntCast(count[r], &scount[r]));
    PetscCall(FenMPIIntCast(stotal, &sdispl[r]));
    stotal += count[r];
  }
  PetscCallMPI(MPI_Alltoall(scount, 1, MPI_INT, rcount, 1, MPI_INT, comm));
  for (PetscMPIInt r = 0; r < size; r++) {
    PetscCall(FenMPIIntCast(rtotal, &rdispl[r]));
    rtotal += rcount[r];
  }
  PetscCall(PetscMalloc1(rtotal + 1, recv));
  PetscCallMPI(MPI_Type_contiguous((int)sizeof(Entry), MPI_BYTE, &type));
  PetscCallMPI(MPI_Type_commit(&type));
  PetscCallMPI(MPI_Alltoallv(send, scount, sdispl, type, *recv, rcount, rdispl, type, comm));
  PetscCallMPI(MPI_Type_free(&type));
  PetscCall(PetscFree4(scount, sdispl, rcount, rdispl));
  *nrecv = rtotal;
  PetscFunctionReturn(0);
}

static PetscErrorCode Unpack(FenLayout rows, FenInt n, Entry entries[], FenSparse *sparse)
{
  FenInt start, end;

  PetscFunctionBegin;
  qsort(entries, (size_t)n, sizeof(Entry), CompareEntries);
  PetscCall(FenLayoutGetRange(rows, &start, &end));
  PetscCall(PetscCalloc1((size_t)(end - start + 1), &sparse->ptr));
  PetscCall(PetscMalloc1(n + 1, &sparse->idx));
  PetscCall(PetscMalloc1(n + 1, &sparse->val));
  for (FenInt e = 0; e < n; e++) {
    sparse->ptr[entries[e].row - start + 1]++;
    sparse->idx[e] = entries[e].col;
    sparse->val[e] = entries[e].value;
  }
  for (FenInt r = 0; r < end - start; r++)
    sparse->ptr[r + 1] += sparse->ptr[r];
  PetscFunctionReturn(0);
}

/* a cut of a grid along its slow axis keeps global order, so that Pack's entries come ordered by owner */
static PetscErrorCode Redistribute(FenOTRun *run, const FenSparse *plan, FenLayout rows, FenSparse *even)
{
  FenLayout layout;
  FenInt    nlocal, n, *count;
  Entry    *send, *recv;

  PetscFunctionBegin;
  PetscCall(FenMeasureGetLayout(run->source, &layout));
  PetscCall(FenMeasureGetSize(run->source, NULL, &nlocal));
  PetscCall(PetscCalloc1(run->run.cli->size, &count));
  PetscCall(PetscMalloc1(plan->ptr[nlocal] + 1, &send));
  PetscCall(Pack(layout, plan, rows, run->run.cli->size, count, send));
  qsort(send, (size_t)plan->ptr[nlocal], sizeof(Entry), CompareEntries);
  PetscCall(Exchange(run->run.cli->comm, run->run.cli->size, count, send, &n, &recv));
  PetscCall(Unpack(rows, n, recv, even));
  PetscCall(PetscFree(recv));
  PetscCall(PetscFree(send));
  PetscCall(PetscFree(count));
  PetscFunctionReturn(0);
}

/* mass of the plan that is not written */
static PetscErrorCode Neglected(FenOTRun *run, const FenSparse *plan, double *mass)
{
  FenInt n;
  FenDD  sum = {0, 0};

  PetscFunctionBegin;
  PetscCall(FenMeasureGetSize(run->source, NULL, &n));
  for (FenInt e = 0; e < plan->ptr[n]; e++)
    FenDDAdd(&sum, plan->val[e]);
  PetscCall(FenDDReduce(run->run.cli->comm, 1, &sum, mass));
  *mass = PetscMax(0.0, run->bounds.mass - *mass);
  PetscFunctionReturn(0);
}

PetscErrorCode FenOTWritePlan_Private(FenOTRun *run, FenFile file)
{
  FenSparse plan = {0}, even = {0};
  FenLayout rows;
  FenInt    n, m;
  double    neglected;

  PetscFunctionBegin;
  if (run->opt->plan_threshold < 0)
    PetscFunctionReturn(0);
  PetscCall(FenMeasureGetSize(run->source, &n, NULL));
  PetscCall(FenMeasureGetSize(run->target, &m, NULL));
  PetscCall(FenOTComputePlan(run->ot, (double)run->opt->plan_threshold, &plan));
  PetscCall(FenLayoutCreateRows(run->run.cli->comm, n, &rows));
  PetscCall(Redistribute(run, &plan, rows, &even));
  PetscCall(FenFileWriteCSR(file, "/plan", rows, m, &even));
  PetscCall(FenFileWriteRealAttribute(file, "/plan", "threshold", (double)run->opt->plan_threshold));
  PetscCall(Neglected(run, &plan, &neglected));
  PetscCall(FenFileWriteRealAttribute(file, "/plan", "neglected_mass", neglected));
  PetscCall(FenLayoutDestroy(&rows));
  PetscCall(FenSparseFree(&plan));
  PetscCall(FenSparseFree(&even));
  PetscFunctionReturn(0);
}
