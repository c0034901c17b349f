/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Krylov methods for policies' systems. Preconditioned from the right and tested in the unpreconditioned norm, because
   the residual itself is what the next sweep sees. BiCGStab needs few vectors and no restart; -mdp_ksp_type changes it.
*/
#include "krylov.h"
#include <math.h>

static PetscErrorCode Apply(FenProductFn product, void *ctx, Vec x, Vec y)
{
  const double *px;
  double       *py;

  PetscFunctionBegin;
  PetscCall(VecGetArrayRead(x, &px));
  PetscCall(VecGetArrayWrite(y, &py));
  PetscCall(product(ctx, px, py));
  PetscCall(VecRestoreArrayRead(x, &px));
  PetscCall(VecRestoreArrayWrite(y, &py));
  PetscFunctionReturn(0);
}

static PetscErrorCode Mult(Mat A, Vec x, Vec y)
{
  FenKrylov *K;

  PetscFunctionBegin;
  PetscCall(MatShellGetContext(A, &K));
  PetscCall(Apply(K->mult, K->ctx, x, y));
  PetscFunctionReturn(0);
}

static PetscErrorCode Precondition(PC pc, Vec x, Vec y)
{
  FenKrylov *K;

  PetscFunctionBegin;
  PetscCall(PCShellGetContext(pc, &K));
  PetscCall(Apply(K->precondition, K->ctx, x, y));
  PetscFunctionReturn(0);
}

static PetscErrorCode Test(KSP ksp, PetscInt it, PetscReal norm, KSPConvergedReason *reason, void *ctx)
{
  FenKrylov *K = (FenKrylov *)ctx;

  PetscFunctionBegin;
  (void)ksp;
  K->best = it ? PetscMin(K->best, norm) : norm;
  K->it = it;
  *reason = KSP_CONVERGED_ITERATING;
  if (!isfinite(norm))
    *reason = KSP_DIVERGED_NANORINF;
  else if (norm <= K->stop)
    *reason = KSP_CONVERGED_ATOL;
  else if (it >= K->max_it)
    *reason = KSP_DIVERGED_ITS;
  PetscFunctionReturn(0);
}

PetscErrorCode FenKrylovCreate(FenMDP mdp, FenInt size, FenProductFn mult, FenProductFn precondition, void *ctx,
                               FenKrylov *K)
{
  MPI_Comm comm = PetscObjectComm((PetscObject)mdp);
  PetscInt n;
  PC       pc;

  PetscFunctionBegin;
  PetscCall(FenIntCast(size, &n));
  K->n = size;
  K->mult = mult;
  K->precondition = precondition;
  K->ctx = ctx;
  PetscCall(MatCreateShell(comm, n, n, PETSC_DETERMINE, PETSC_DETERMINE, K, &K->A));
  PetscCall(MatShellSetOperation(K->A, MATOP_MULT, (void (*)(void))Mult));
  PetscCall(VecCreateMPIWithArray(comm, 1, n, PETSC_DETERMINE, NULL, &K->x));
  PetscCall(VecCreateMPIWithArray(comm, 1, n, PETSC_DETERMINE, NULL, &K->b));
  PetscCall(KSPCreate(comm, &K->ksp));
  PetscCall(KSPSetOptionsPrefix(K->ksp, ((PetscObject)mdp)->prefix));
  PetscCall(KSPAppendOptionsPrefix(K->ksp, "mdp_"));
  PetscCall(KSPSetType(K->ksp, KSPBCGS));
  PetscCall(KSPSetPCSide(K->ksp, PC_RIGHT));
  PetscCall(KSPSetNormType(K->ksp, KSP_NORM_UNPRECONDITIONED));
  PetscCall(KSPSetConvergenceTest(K->ksp, Test, K, NULL));
  PetscCall(KSPSetOperators(K->ksp, K->A, K->A));
  PetscCall(KSPGetPC(K->ksp, &pc));
  PetscCall(PCSetType(pc, precondition ? PCSHELL : PCNONE));
  if (precondition) {
    PetscCall(PCShellSetContext(pc, K));
    PetscCall(PCShellSetApply(pc, Precondition));
  }
  PetscCall(KSPSetFromOptions(K->ksp));
  PetscFunctionReturn(0);
}

PetscErrorCode FenKrylovDestroy(FenKrylov *K)
{
  PetscFunctionBegin;
  PetscCall(KSPDestroy(&K->ksp));
  PetscCall(MatDestroy(&K->A));
  PetscCall(VecDestroy(&K->x));
  PetscCall(VecDestroy(&K->b));
  PetscFunctionReturn(0);
}

PetscErrorCode FenKrylovSolve(FenKrylov *K, const double b[], double stop, double x[], PetscBool *failed)
{
  KSPConvergedReason reason;
  PetscReal          norm, last;

  PetscFunctionBegin;
  K->stop = stop;
  PetscCall(PetscArrayzero(x, K->n));
  PetscCall(VecPlaceArray(K->b, b));
  PetscCall(VecPlaceArray(K->x, x));
  PetscCall(VecNorm(K->b, NORM_2, &norm));
  PetscCall(KSPSolve(K->ksp, K->b, K->x));
  PetscCall(KSPGetConvergedReason(K->ksp, &reason));
  PetscCall(KSPGetResidualNorm(K->ksp, &last)); /* that of x: BiCGStab may have been nearer before */
  PetscCall(VecResetArray(K->b));
  PetscCall(VecResetArray(K->x));
  *failed = (PetscBool)(reason <= 0 && !(reason == KSP_DIVERGED_ITS && last < 0.9 * norm));
  PetscFunctionReturn(0);
}

PetscErrorCode FenKrylovNorm(FenKrylov *K, const double b[], double *norm)
{
  PetscReal value;

  PetscFunctionBegin;
  PetscCall(VecPlaceArray(K->b, b));
  PetscCall(VecNorm(K->b, NORM_2, &value));
  PetscCall(VecResetArray(K->b));
  *norm = value;
  PetscFunctionReturn(0);
}
