/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Products E^T diag(a) E v with the entries of a plan that matter. A source's sum goes back to its targets as soon as
   it is there, so that one product reads the entries once.

   Work: 4 flops an entry and 12 bytes read. Memory: 12 bytes an entry on the rank of its row, two numbers for each
   target that my sources send to. Messages: values of those that are others' from their ranks, and sums back to them
   (PetscSF).
*/
#include "sparseplan.h"
#include <indexset.h>
#include <petscsf.h>

struct _FenSparsePlan {
  FenInt   n, m;
  double   size; /* entries on all ranks */
  FenInt  *ptr;
  int     *idx; /* into near[], or with one rank into targets */
  double  *val;
  PetscSF  sf; /* targets that my sources send to; NULL with one rank */
  PetscInt nnear;
  double  *near[2]; /* their values, and sums for them */
};

/* distinct ones of n numbers below `end`, ascending; places of all among them */
static PetscErrorCode Number(FenInt n, const FenInt idx[], FenInt end, FenInt *ndistinct, FenInt **distinct,
                             int place[])
{
  FenIndexSet set;

  PetscFunctionBegin;
  PetscCall(FenIndexSetCreateOf(&set, end, n, idx, ndistinct));
  PetscCall(PetscMalloc1(*ndistinct, distinct));
  FenIndexSetList(&set, *distinct);
  for (FenInt k = 0; k < n; k++)
    place[k] = FenIndexSetRank(&set, idx[k]);
  PetscCall(FenIndexSetDestroy(&set));
  PetscFunctionReturn(0);
}

PetscErrorCode FenSparsePlanCreate(FenOTOperator op, const FenSparse *E, FenSparsePlan *plan)
{
  const FenInt  n = op->n[0], nnz = E->ptr[n];
  PetscMPIInt   ranks;
  FenInt        nnear, *number;
  PetscInt      local, *global;
  PetscLayout   layout;
  FenSparsePlan S;

  PetscFunctionBegin;
  PetscCall(PetscNew(&S));
  *plan = S;
  S->n = n;
  S->m = op->n[1];
  PetscCall(FenIntCast(S->m, &local));
  PetscCall(PetscMalloc3(n + 1, &S->ptr, nnz, &S->idx, nnz, &S->val));
  PetscCall(PetscArraycpy(S->ptr, E->ptr, n + 1));
  PetscCall(PetscArraycpy(S->val, E->val, nnz));
  S->size = (double)nnz;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &S->size, 1, MPI_DOUBLE, MPI_SUM, op->comm));
  PetscCallMPI(MPI_Comm_size(op->comm, &ranks));
  if (ranks == 1) {
    for (FenInt k = 0; k < nnz; k++)
      S->idx[k] = (int)E->idx[k];
    PetscFunctionReturn(0);
  }
  PetscCall(Number(nnz, E->idx, op->N[1], &nnear, &number, S->idx));
  PetscCall(FenIntCast(nnear, &S->nnear));
  PetscCall(PetscMalloc1(nnear, &global));
  for (FenInt k = 0; k < nnear; k++)
    PetscCall(FenIntCast(number[k], &global[k]));
  PetscCall(PetscLayoutCreateFromSizes(op->comm, local, PETSC_DECIDE, 1, &layout));
  PetscCall(PetscSFCreate(op->comm, &S->sf));
  PetscCall(PetscSFSetGraphLayout(S->sf, layout, S->nnear, NULL, PETSC_OWN_POINTER, global));
  PetscCall(PetscSFSetUp(S->sf));
  PetscCall(PetscLayoutDestroy(&layout));
  PetscCall(PetscFree(number));
  PetscCall(PetscFree(global));
  PetscCall(PetscMalloc2(S->nnear, &S->near[0], S->nnear, &S->near[1]));
  PetscFunctionReturn(0);
}

PetscErrorCode FenSparsePlanDestroy(FenSparsePlan *plan)
{
  PetscFunctionBegin;
  if (!*plan)
    PetscFunctionReturn(0);
  PetscCall(PetscSFDestroy(&(*plan)->sf));
  PetscCall(PetscFree2((*plan)->near[0], (*plan)->near[1]));
  PetscCall(PetscFree3((*plan)->ptr, (*plan)->idx, (*plan)->val));
  PetscCall(PetscFree(*plan));
  PetscFunctionReturn(0);
}

static void Normal(const struct _FenSparsePlan *S, const double rows[], const double v[], double out[])
{
  for (FenInt i = 0; i < S->n; i++) {
    double sum = 0;

    for (FenInt k = S->ptr[i]; k < S->ptr[i + 1]; k++)
      sum += S->val[k] * v[S->idx[k]];
    sum *= rows[i];
    for (FenInt k = S->ptr[i]; k < S->ptr[i + 1]; k++)
      out[S->idx[k]] += S->val[k] * sum;
  }
}

static void Squares(const struct _FenSparsePlan *S, const double v[], double out[])
{
  for (FenInt i = 0; i < S->n; i++)
    for (FenInt k = S->ptr[i]; k < S->ptr[i + 1]; k++)
      out[S->idx[k]] += v[i] * S->val[k] * S->val[k];
}

/* sums for targets that my sources send to, to their ranks */
static PetscErrorCode AddUp(FenSparsePlan S, double out[])
{
  PetscFunctionBegin;
  PetscCall(PetscSFReduceBegin(S->sf, MPI_DOUBLE, S->near[1], out, MPI_SUM));
  PetscCall(PetscSFReduceEnd(S->sf, MPI_DOUBLE, S->near[1], out, MPI_SUM));
  PetscFunctionReturn(0);
}

double FenSparsePlanSize(FenSparsePlan S)
{
  return S->size;
}

PetscErrorCode FenSparsePlanMultSquares(FenSparsePlan S, const double v[], double out[])
{
  PetscFunctionBegin;
  PetscCall(PetscArrayzero(out, S->m));
  if (!S->sf) {
    Squares(S, v, out);
    PetscFunctionReturn(0);
  }
  PetscCall(PetscArrayzero(S->near[1], S->nnear));
  Squares(S, v, S->near[1]);
  PetscCall(AddUp(S, out));
  PetscFunctionReturn(0);
}

PetscErrorCode FenSparsePlanMultNormal(FenSparsePlan S, const double rows[], const double v[], double out[])
{
  PetscFunctionBegin;
  PetscCall(PetscArrayzero(out, S->m));
  if (!S->sf) {
    Normal(S, rows, v, out);
    PetscFunctionReturn(0);
  }
  PetscCall(PetscSFBcastBegin(S->sf, MPI_DOUBLE, v, S->near[0], MPI_REPLACE));
  PetscCall(PetscArrayzero(S->near[1], S->nnear));
  PetscCall(PetscSFBcastEnd(S->sf, MPI_DOUBLE, v, S->near[0], MPI_REPLACE));
  Normal(S, rows, S->near[0], S->near[1]);
  PetscCall(AddUp(S, out));
  PetscFunctionReturn(0);
}
