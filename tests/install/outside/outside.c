/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Two small measures, one solve, one line. Built against the installed tree, through CMake and through pkg-config.
   Source: points -1 and 1 with masses 1/2; target: the same moved by 3. The plan that only translates costs 9; for eps
   small against the distance of the two points nothing else has mass, so OT_eps = 9 + eps log 2 to within rounding.
*/
#include <fenchelot.h>
#include <math.h>

static PetscErrorCode CreatePair(double shift, FenMeasure *measure)
{
  PetscMPIInt  rank, size;
  const double x = shift;
  double       points[2];
  FenInt       n = 0;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  if (rank == 0) /* the two points lie on the first and on the last rank, which may be the same */
    points[n++] = x - 1.0;
  if (rank == size - 1)
    points[n++] = x + 1.0;
  PetscCall(FenMeasureCreatePoints(PETSC_COMM_WORLD, n, 1, points, NULL, measure));
  PetscFunctionReturn(0);
}

int main(int argc, char **argv)
{
  const double eps = 0.1, exact = 9.0 + eps * log(2.0);
  FenMeasure   source, target;
  FenOT        ot;
  FenReason    reason;
  double       value, lower, upper;
  PetscBool    good;

  PetscCall(FenInitialize(&argc, &argv, NULL, "optimal transport between two pairs of points\n"));
  PetscCall(CreatePair(0.0, &source));
  PetscCall(CreatePair(3.0, &target));
  PetscCall(FenMeasureBalance(source, target, PETSC_FALSE));
  PetscCall(FenOTCreate(PETSC_COMM_WORLD, &ot));
  PetscCall(FenOTSetMeasures(ot, source, target));
  PetscCall(FenOTSetEpsilon(ot, eps));
  PetscCall(FenSolverSetTolerances((FenSolver)ot, 1e-9, 0.0, 10000));
  PetscCall(FenOTSetFromOptions(ot));
  PetscCall(FenOTSolve(ot));
  PetscCall(FenSolverGetConvergedReason((FenSolver)ot, &reason));
  PetscCall(FenSolverGetBounds((FenSolver)ot, &value, &lower, &upper));
  good = (PetscBool)(reason > 0 && lower <= exact + 1e-9 && upper >= exact - 1e-9 && fabs(value - exact) <= 1e-8);
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "value %.10f exact %.10f %s\n", value, exact, good ? "ok" : "WRONG"));
  PetscCall(FenOTDestroy(&ot));
  PetscCall(FenMeasureDestroy(&source));
  PetscCall(FenMeasureDestroy(&target));
  PetscCall(FenFinalize());
  return good ? 0 : 1;
}
