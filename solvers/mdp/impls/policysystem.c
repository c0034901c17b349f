/* SPDX-License-Identifier: BSD-2-Clause */
/*
   The linear system of a policy. I - gamma P_pi is an M-matrix: incomplete factors exist and are stable, each rank
   takes those of its own block. Preconditioned from the right and tested in the unpreconditioned norm, because the
   residual itself is what the next sweep sees. BiCGStab needs few vectors and no restart; -mdp_ksp_type changes it.

   References: Meijerink and van der Vorst, Math. Comp. 31, 1977; Gargiani, Liao-McPherson, Zanelli, Lygeros, arXiv
   2211.04299.
*/
#include "policysystem.h"
#include <math.h>

const char *const FenPolicyPCs[] = {"ilu", "none", "FenPolicyPC", "FEN_POLICY_PC_", NULL};

static PetscErrorCode Mult(Mat A, Vec x, Vec y)
{
  FenPolicySystem *S;
  const double    *px;
  double          *py;

  PetscFunctionBegin;
  PetscCall(MatShellGetContext(A, &S));
  PetscCall(VecGetArrayRead(x, &px));
  PetscCall(VecGetArrayWrite(y, &py));
  PetscCall(FenBellmanPolicyMult(S->mdp->op, px, py));
  PetscCall(VecRestoreArrayRead(x, &px));
  PetscCall(VecRestoreArrayWrite(y, &py));
  PetscFunctionReturn(0);
}

static PetscErrorCode ApplyLocal(PC pc, Vec x, Vec y)
{
  FenPolicySystem *S;
  const double    *px;
  double          *py;

  PetscFunctionBegin;
  PetscCall(PCShellGetContext(pc, &S));
  PetscCall(VecGetArrayRead(x, &px));
  PetscCall(VecGetArrayWrite(y, &py));
  PetscCall(VecPlaceArray(S->b_local, px));
  PetscCall(VecPlaceArray(S->x_local, py));
  PetscCall(PCApply(S->local, S->b_local, S->x_local));
  PetscCall(VecResetArray(S->b_local));
  PetscCall(VecResetArray(S->x_local));
  PetscCall(VecRestoreArrayRead(x, &px));
  PetscCall(VecRestoreArrayWrite(y, &py));
  PetscFunctionReturn(0);
}

static PetscErrorCode Test(KSP ksp, PetscInt it, PetscReal norm, KSPConvergedReason *reason, void *ctx)
{
  const FenPolicySystem *S = (const FenPolicySystem *)ctx;

  PetscFunctionBegin;
  (void)ksp;
  *reason = KSP_CONVERGED_ITERATING;
  if (!isfinite(norm))
    *reason = KSP_DIVERGED_NANORINF;
  else if (norm <= S->stop)
    *reason = KSP_CONVERGED_ATOL;
  else if (it >= S->max_it)
    *reason = KSP_DIVERGED_ITS;
  PetscFunctionReturn(0);
}

static PetscErrorCode CreateKSP(FenPolicySystem *S)
{
  FenMDP mdp = S->mdp;
  PC     pc;

  PetscFunctionBegin;
  PetscCall(KSPCreate(PetscObjectComm((PetscObject)mdp), &S->ksp));
  PetscCall(KSPSetOptionsPrefix(S->ksp, ((PetscObject)mdp)->prefix));
  PetscCall(KSPAppendOptionsPrefix(S->ksp, "mdp_"));
  PetscCall(KSPSetType(S->ksp, KSPBCGS));
  PetscCall(KSPSetPCSide(S->ksp, PC_RIGHT));
  PetscCall(KSPSetNormType(S->ksp, KSP_NORM_UNPRECONDITIONED));
  PetscCall(KSPSetConvergenceTest(S->ksp, Test, S, NULL));
  PetscCall(KSPSetOperators(S->ksp, S->A, S->A));
  PetscCall(KSPGetPC(S->ksp, &pc));
  PetscCall(PCSetType(pc, S->kind == FEN_POLICY_PC_ILU ? PCSHELL : PCNONE));
  if (S->kind == FEN_POLICY_PC_ILU) {
    PetscCall(PCShellSetContext(pc, S));
    PetscCall(PCShellSetApply(pc, ApplyLocal));
    PetscCall(PCShellSetName(pc, "factors of my block"));
  }
  PetscCall(KSPSetFromOptions(S->ksp));
  PetscFunctionReturn(0);
}

PetscErrorCode FenPolicySystemCreate(FenMDP mdp, FenPolicySystem *S)
{
  MPI_Comm comm = PetscObjectComm((PetscObject)mdp);
  PetscInt n;

  PetscFunctionBegin;
  S->mdp = mdp;
  PetscCall(FenIntCast(mdp->n, &n));
  PetscCall(MatCreateShell(comm, n, n, PETSC_DETERMINE, PETSC_DETERMINE, S, &S->A));
  PetscCall(MatShellSetOperation(S->A, MATOP_MULT, (void (*)(void))Mult));
  PetscCall(VecCreateMPIWithArray(comm, 1, n, PETSC_DETERMINE, NULL, &S->x));
  PetscCall(VecCreateMPIWithArray(comm, 1, n, PETSC_DETERMINE, NULL, &S->b));
  PetscCall(VecCreateSeqWithArray(PETSC_COMM_SELF, 1, n, NULL, &S->x_local));
  PetscCall(VecCreateSeqWithArray(PETSC_COMM_SELF, 1, n, NULL, &S->b_local));
  PetscCall(CreateKSP(S));
  PetscFunctionReturn(0);
}

PetscErrorCode FenPolicySystemDestroy(FenPolicySystem *S)
{
  PetscFunctionBegin;
  PetscCall(KSPDestroy(&S->ksp));
  PetscCall(PCDestroy(&S->local));
  PetscCall(MatDestroy(&S->A));
  PetscCall(VecDestroy(&S->x));
  PetscCall(VecDestroy(&S->b));
  PetscCall(VecDestroy(&S->x_local));
  PetscCall(VecDestroy(&S->b_local));
  PetscFunctionReturn(0);
}

PetscErrorCode FenPolicySystemOptions(FenPolicySystem *S, PetscOptionItems *PetscOptionsObject)
{
  PetscEnum kind = (PetscEnum)S->kind;

  PetscFunctionBegin;
  PetscCall(PetscOptionsEnum("-mdp_precondition", "preconditioner of a policy's linear system", "", FenPolicyPCs, kind,
                             &kind, NULL));
  PetscCall(PetscOptionsInt("-mdp_inner_it", "iterations of a linear solve at most", "", S->max_it, &S->max_it, NULL));
  PetscCheck(S->max_it > 0, PETSC_COMM_SELF, (PetscErrorCode)FEN_ERR_OPTION, "-mdp_inner_it %d: must be positive",
             (int)S->max_it);
  S->kind = (FenPolicyPC)kind;
  PetscFunctionReturn(0);
}

PetscErrorCode FenPolicySystemBuild(FenPolicySystem *S)
{
  Mat block;

  PetscFunctionBegin;
  if (S->kind != FEN_POLICY_PC_ILU)
    PetscFunctionReturn(0);
  PetscCall(FenBellmanPolicyLocalMat(S->mdp->op, &block));
  PetscCall(PCDestroy(&S->local));
  PetscCall(PCCreate(PETSC_COMM_SELF, &S->local));
  PetscCall(PCSetType(S->local, PCILU));
  PetscCall(PCSetOperators(S->local, block, block));
  PetscCall(PCSetUp(S->local));
  PetscCall(MatDestroy(&block));
  PetscFunctionReturn(0);
}

PetscErrorCode FenPolicySystemSolve(FenPolicySystem *S, const double b[], double stop, double x[], PetscBool *failed)
{
  KSPConvergedReason reason;
  PetscReal          norm, last;

  PetscFunctionBegin;
  S->stop = stop;
  PetscCall(PetscArrayzero(x, S->mdp->n));
  PetscCall(VecPlaceArray(S->b, b));
  PetscCall(VecPlaceArray(S->x, x));
  PetscCall(VecNorm(S->b, NORM_2, &norm));
  PetscCall(KSPSolve(S->ksp, S->b, S->x));
  PetscCall(KSPGetConvergedReason(S->ksp, &reason));
  PetscCall(KSPGetResidualNorm(S->ksp, &last)); /* that of x: BiCGStab may have been nearer before */
  PetscCall(VecResetArray(S->b));
  PetscCall(VecResetArray(S->x));
  *failed = (PetscBool)(reason <= 0 && !(reason == KSP_DIVERGED_ITS && last < 0.9 * norm));
  PetscFunctionReturn(0);
}
