/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Log-sum-exp in base two, as pairs (M,S) that stand for M + log2 S. The merge law is associative and commutative, so
   partial results of any subsets can be combined by MPI.
*/
#include "../commimpl.h"
#include <math.h>

static MPI_Datatype fen_lse_type = MPI_DATATYPE_NULL;
static MPI_Op       fen_lse_op = MPI_OP_NULL;

/* equal maxima, also two infinite ones, need no power: inf - inf would be NaN */
static void FenLSEMerge(const double a[2], double b[2])
{
  const double m = a[0] > b[0] ? a[0] : b[0];

  if (a[0] == b[0])
    b[1] += a[1];
  else
    b[1] = a[1] * exp2(a[0] - m) + b[1] * exp2(b[0] - m);
  b[0] = m;
}

static void MPIAPI FenLSEFunction(void *in, void *inout, PetscMPIInt *n, MPI_Datatype *type)
{
  const double *a = (const double *)in;
  double       *b = (double *)inout;

  (void)type;
  for (ptrdiff_t i = 0; i < *n; i++)
    FenLSEMerge(a + 2 * i, b + 2 * i);
}

PetscErrorCode FenLSEInitialize_Private(void)
{
  PetscFunctionBegin;
  PetscCallMPI(MPI_Type_contiguous(2, MPI_DOUBLE, &fen_lse_type));
  PetscCallMPI(MPI_Type_commit(&fen_lse_type));
  PetscCallMPI(MPI_Op_create(FenLSEFunction, 1, &fen_lse_op));
  PetscFunctionReturn(0);
}

PetscErrorCode FenLSEFinalize_Private(void)
{
  PetscFunctionBegin;
  PetscCallMPI(MPI_Op_free(&fen_lse_op));
  PetscCallMPI(MPI_Type_free(&fen_lse_type));
  PetscFunctionReturn(0);
}

/*@C
  FenLSEGetOp - MPI type and operation for log-sum-exp pairs of base two.

  Collective on PETSC_COMM_WORLD the first time

  Output Parameters:
+ type - two doubles M and S, standing for M + log2 S; (-inf,0) is the neutral pair
- op   - (M1,S1) and (M2,S2) become (M, S1 2^(M1-M) + S2 2^(M2-M)) with M the larger of M1 and M2

  Note:
  Both stay owned by Fenchel. The operation is commutative; the order changes its result by rounding only.
  NaN stays NaN.

  Level: developer

.seealso: `FenPairsRun()`
@*/
PetscErrorCode FenLSEGetOp(MPI_Datatype *type, MPI_Op *op)
{
  PetscFunctionBegin;
  PetscCall(FenInitializePackage());
  *type = fen_lse_type;
  *op = fen_lse_op;
  PetscFunctionReturn(0);
}
