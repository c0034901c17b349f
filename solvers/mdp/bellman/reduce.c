/* SPDX-License-Identifier: BSD-2-Clause */
/* What all ranks' chunks say about a sweep, in one reduction; a NaN on any rank reaches all. */
#include "bellmanimpl.h"

#define MAXIMA 7
#define SUMS   4

static void MPIAPI Combine(void *in, void *inout, PetscMPIInt *n, MPI_Datatype *type)
{
  const double *a = (const double *)in;
  double       *b = (double *)inout;

  (void)type;
  for (PetscMPIInt i = 0; i < *n; i++, a += MAXIMA + SUMS, b += MAXIMA + SUMS) {
    for (int k = 0; k < MAXIMA; k++)
      b[k] = a[k] > b[k] || a[k] != a[k] ? a[k] : b[k];
    for (int k = MAXIMA; k < MAXIMA + SUMS; k++)
      b[k] += a[k];
  }
}

PetscErrorCode FenBellmanReductionCreate_Private(FenBellman b)
{
  PetscFunctionBegin;
  PetscCallMPI(MPI_Type_contiguous(MAXIMA + SUMS, MPI_DOUBLE, &b->type));
  PetscCallMPI(MPI_Type_commit(&b->type));
  PetscCallMPI(MPI_Op_create(Combine, 1, &b->op));
  PetscFunctionReturn(0);
}

PetscErrorCode FenBellmanReductionDestroy_Private(FenBellman b)
{
  PetscFunctionBegin;
  PetscCallMPI(MPI_Op_free(&b->op));
  PetscCallMPI(MPI_Type_free(&b->type));
  PetscFunctionReturn(0);
}

/* Where mass can be lost T(V + c) - TV lies between 0 and discount c only, and the bounds of TV - V have to include
   zero for the certificate to hold. */
PetscErrorCode FenBellmanAgree_Private(FenBellman b, FenSolver solver, const FenSweepPart *p, FenSweepStats *stats)
{
  double x[MAXIMA + SUMS] = {-p->lo,     p->hi,      -p->vmin,   p->vmax,   p->vabs, p->loss,
                             p->inexact, p->changes, p->entries, p->looked, 0};

  PetscFunctionBegin;
  if (solver)
    PetscCall(FenSolverAskRequests_Private(solver, &x[MAXIMA + 3]));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, x, 1, b->type, b->op, b->comm));
  if (solver)
    FenSolverTakeRequests_Private(solver, x[MAXIMA + 3]);
  stats->lo = b->widen && -x[0] > 0 ? 0 : -x[0];
  stats->hi = b->widen && x[1] < 0 ? 0 : x[1];
  stats->vmin = -x[2];
  stats->vmax = x[3];
  stats->slack = FenBellmanSlack_Private(b, x[4]) + x[5] + x[6];
  stats->changes = (FenInt)x[MAXIMA];
  stats->entries = x[MAXIMA + 1];
  stats->looked = x[MAXIMA + 2];
  PetscFunctionReturn(0);
}
