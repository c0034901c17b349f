/* SPDX-License-Identifier: BSD-2-Clause */
static char help[] = "Transport between two Gaussians on a grid, by both methods, against the closed form.\n\
  mpirun -n 2 ./ex1                        as it is\n\
  mpirun -n 2 ./ex1 -points 200            another grid\n\
  mpirun -n 2 ./ex1 -ot_monitor            what happens in each iteration\n\n";

#include <fenchelot.h>
#include <math.h>

#define DIM 2
static const double mean_a[DIM] = {-1.0, 0.5}, mean_b[DIM] = {1.0, -0.5};
static const double dev_a[DIM] = {1.0, 1.2}, dev_b[DIM] = {1.5, 0.8};

/*
   OT_eps between normal laws with variances A and B: the axes are independent, so their values add up. With s = eps/2
   and D = sqrt(4AB + s^2), one axis gives
     (m_a - m_b)^2 + A + B - D + s (1 - log 2s) + s log(D + s)
   (Janati, Muzellec, Peyre, Cuturi, NeurIPS 2020).
*/
static double ClosedForm(double eps)
{
  const double s = 0.5 * eps;
  double       sum = 0.0;

  for (int k = 0; k < DIM; k++) {
    const double A = dev_a[k] * dev_a[k], B = dev_b[k] * dev_b[k], D = sqrt(4.0 * A * B + s * s);
    sum += (mean_a[k] - mean_b[k]) * (mean_a[k] - mean_b[k]) + A + B - D + s * (1.0 - log(2.0 * s)) + s * log(D + s);
  }
  return sum;
}

/* the same grid for both: [-12,12] in each direction, where nothing of the densities is left */
static PetscErrorCode CreateMeasures(MPI_Comm comm, FenInt n, FenMeasure *a, FenMeasure *b)
{
  const FenInt shape[DIM] = {n, n};
  const double h = 24.0 / (double)(n - 1), spacing[DIM] = {h, h}, origin[DIM] = {-12.0, -12.0};

  PetscFunctionBegin;
  PetscCall(FenMeasureGenerateGaussianGrid(comm, DIM, shape, spacing, origin, mean_a, dev_a, a));
  PetscCall(FenMeasureGenerateGaussianGrid(comm, DIM, shape, spacing, origin, mean_b, dev_b, b));
  PetscCall(FenMeasureBalance(*a, *b, PETSC_FALSE)); /* masses equal to the last bit */
  PetscFunctionReturn(0);
}

/* solves with one method and says what came out; *good: the closed form lies between the bounds */
static PetscErrorCode SolveWith(FenOTType type, FenMeasure a, FenMeasure b, double eps, PetscBool *good)
{
  MPI_Comm     comm = PetscObjectComm((PetscObject)a);
  const double exact = ClosedForm(eps), rounding = 1e-9 * exact;
  FenOT        ot;
  FenReason    reason;
  FenProgress  progress;
  FenOTBounds  bounds;
  double       value;
  const char  *word;

  PetscFunctionBegin;
  PetscCall(FenOTCreate(comm, &ot));
  PetscCall(FenOTSetType(ot, type));
  PetscCall(FenOTSetMeasures(ot, a, b));
  PetscCall(FenOTSetEpsilon(ot, eps));
  PetscCall(FenSolverSetTolerances((FenSolver)ot, 1e-7, 0.0, 1000)); /* stop at this certified relative gap */
  PetscCall(FenOTSetFromOptions(ot));
  PetscCall(FenOTSolve(ot));

  PetscCall(FenSolverGetConvergedReason((FenSolver)ot, &reason));
  PetscCall(FenReasonGet(reason, &word, NULL));
  PetscCall(FenSolverGetProgress((FenSolver)ot, &progress));
  PetscCall(FenSolverGetBounds((FenSolver)ot, &value, NULL, NULL));
  PetscCall(FenOTComputeBounds(ot, &bounds)); /* afresh, from the potentials alone */
  PetscCall(PetscPrintf(comm, "%-9s %s after %" FENINT_FMT " iterations\n", type, word, progress.iteration));
  PetscCall(PetscPrintf(comm, "  regularised   %.9f <= %.9f <= %.9f\n", bounds.lower, value, bounds.upper));
  PetscCall(PetscPrintf(comm, "  closed form   %.9f, difference %.1e\n", exact, fabs(value - exact)));
  PetscCall(PetscPrintf(comm, "  unregularised between %.6f and %.6f\n", bounds.ot_lower, bounds.ot_upper));
  *good = (PetscBool)(reason > 0 && bounds.lower <= exact + rounding && exact - rounding <= bounds.upper);
  PetscCall(FenOTDestroy(&ot));
  PetscFunctionReturn(0);
}

int main(int argc, char **argv)
{
  FenMeasure a, b;
  PetscInt   points = 65;
  PetscReal  eps = 0.5;
  PetscBool  sinkhorn, newton;

  PetscCall(FenInitialize(&argc, &argv, NULL, help));
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-points", &points, NULL));
  PetscCall(PetscOptionsGetReal(NULL, NULL, "-eps", &eps, NULL));
  PetscCall(CreateMeasures(PETSC_COMM_WORLD, points, &a, &b));
  PetscCall(SolveWith(FENOTSINKHORN, a, b, (double)eps, &sinkhorn));
  PetscCall(SolveWith(FENOTNEWTON, a, b, (double)eps, &newton));
  PetscCall(FenMeasureDestroy(&a));
  PetscCall(FenMeasureDestroy(&b));
  PetscCall(FenFinalize());
  return sinkhorn && newton ? 0 : 1;
}
