/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Coarse correction by aggregation: blocks of consecutive states of a rank are one coarse state each; W is constant on
   blocks, R takes means, and R (I - gamma P) W is itself the system of a small chain. Every rank holds it and its dense
   factors. It removes what local factors and sweeps leave: errors that are smooth over many states.

   Cost: the blocks' sums once through the policy's rows, two thirds of MOST^3 flops and an all-reduce of MOST^2 numbers
   for each policy; an all-reduce of MOST numbers for each application.
   Reference: Bertsekas, Castanon, IEEE Trans. Automat. Control 34(6), 1989.
*/
#include "aggregation.h"

#define MOST 256 /* aggregates of all ranks, one a rank at least */

PetscErrorCode FenAggregationCreate(FenMDP mdp, FenAggregation *A)
{
  MPI_Comm comm = PetscObjectComm((PetscObject)mdp);
  PetscInt last;
  FenInt  *count;
  double  *number;

  PetscFunctionBegin;
  A->op = mdp->op;
  A->mine = (PetscInt)PetscMin(mdp->n, 1 + mdp->n * (MOST - 1) / PetscMax(1, mdp->nstates));
  PetscCallMPI(MPI_Scan(&A->mine, &last, 1, MPIU_INT, MPI_SUM, comm));
  PetscCallMPI(MPI_Allreduce(&A->mine, &A->n, 1, MPIU_INT, MPI_SUM, comm));
  A->first = last - A->mine;
  PetscCall(PetscMalloc2((size_t)(mdp->n + mdp->nghost), &A->of_state, mdp->n, &A->share));
  PetscCall(PetscCalloc2((size_t)A->mine + 1, &count, (size_t)(mdp->n + mdp->nghost), &number));
  for (FenInt s = 0; s < mdp->n; s++) {
    const FenInt a = s * A->mine / mdp->n;

    count[a]++;
    number[s] = (double)(A->first + a);
  }
  for (FenInt s = 0; s < mdp->n; s++)
    A->share[s] = 1 / (double)count[(FenInt)number[s] - A->first];
  PetscCall(FenBellmanExchange(mdp->op, number));
  for (FenInt s = 0; s < mdp->n + mdp->nghost; s++)
    A->of_state[s] = (int)number[s];
  PetscCall(PetscFree2(count, number));
  PetscCall(MatCreateSeqDense(PETSC_COMM_SELF, A->n, A->n, NULL, &A->coarse));
  PetscCall(MatCreateVecs(A->coarse, &A->x, &A->b));
  PetscFunctionReturn(0);
}

PetscErrorCode FenAggregationDestroy(FenAggregation *A)
{
  PetscFunctionBegin;
  PetscCall(PetscFree2(A->of_state, A->share));
  PetscCall(MatDestroy(&A->coarse));
  PetscCall(MatDestroy(&A->factors));
  PetscCall(VecDestroy(&A->x));
  PetscCall(VecDestroy(&A->b));
  PetscFunctionReturn(0);
}

PetscErrorCode FenAggregationBuild(FenAggregation *A)
{
  MatFactorInfo info;
  PetscScalar  *a;
  PetscMPIInt   entries;
  FenInt        n, nghost;

  PetscFunctionBegin;
  PetscCall(FenBellmanGetSizes(A->op, &n, &nghost));
  PetscCall(MatZeroEntries(A->coarse));
  PetscCall(MatDenseGetArray(A->coarse, &a));
  for (FenInt s = 0; s < n; s++) {
    FenPolicyRow row;

    PetscCall(FenBellmanPolicyRow(A->op, s, &row));
    a[A->of_state[s] + A->of_state[s] * A->n] += A->share[s];
    for (FenInt j = 0; j < row.n; j++)
      a[A->of_state[s] + A->of_state[row.col[j * row.stride]] * A->n] -=
          A->share[s] * row.discount * row.prob[j * row.stride];
  }
  PetscCall(FenMPIIntCast((FenInt)A->n * A->n, &entries));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, a, entries, MPI_DOUBLE, MPI_SUM, FenBellmanComm(A->op)));
  PetscCall(MatDenseRestoreArray(A->coarse, &a));
  PetscCall(MatFactorInfoInitialize(&info));
  PetscCall(MatDestroy(&A->factors));
  PetscCall(MatGetFactor(A->coarse, MATSOLVERPETSC, MAT_FACTOR_LU, &A->factors));
  PetscCall(MatLUFactorSymbolic(A->factors, A->coarse, NULL, NULL, &info));
  PetscCall(MatLUFactorNumeric(A->factors, A->coarse, &info));
  PetscFunctionReturn(0);
}

PetscErrorCode FenAggregationSolve(FenAggregation *A, const double b[], double x[])
{
  PetscScalar       *means;
  const PetscScalar *answer;
  PetscMPIInt        entries;
  FenInt             n, nghost;

  PetscFunctionBegin;
  PetscCall(FenBellmanGetSizes(A->op, &n, &nghost));
  PetscCall(FenMPIIntCast(A->n, &entries));
  PetscCall(VecGetArray(A->b, &means));
  PetscCall(PetscArrayzero(means, A->n));
  for (FenInt s = 0; s < n; s++)
    means[A->of_state[s]] += A->share[s] * b[s];
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, means, entries, MPI_DOUBLE, MPI_SUM, FenBellmanComm(A->op)));
  PetscCall(VecRestoreArray(A->b, &means));
  PetscCall(MatSolve(A->factors, A->b, A->x));
  PetscCall(VecGetArrayRead(A->x, &answer));
  for (FenInt s = 0; s < n; s++)
    x[s] = answer[A->of_state[s]];
  PetscCall(VecRestoreArrayRead(A->x, &answer));
  PetscFunctionReturn(0);
}
