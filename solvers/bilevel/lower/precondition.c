/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Preconditioners of the systems H q = b: the problem's own solve, an exact tridiagonal factor, the diagonal, L-BFGS
   pairs of the lower solver, and all of PETSc's for the matrix that the problem assembles.

   auto stops at the diagonal. For total variation in two dimensions (mu = 1, so that the condition does not grow with
   the picture) incomplete factors halve and multigrid quarters the steps of CG, but neither is faster, and both depend
   on how a picture is cut over ranks, which the iterates would show.
   For softmax models the blocks of the classes, A^T diag(p_k (1 - p_k)) A/n and the regulariser, take about half of the
   diagonal's steps (digits, 1,440 learned regularisers: 22 for 42 to 1e-2, 50 for 132 to 1e-6). But their factors cost
   30 products at every point, more than most systems of Newton's method, factors of an old point are no better than
   the diagonal, and a Kronecker product of Gram matrix and mean curvature is worse where regularisers differ.
*/
#include "systemimpl.h"
#include <math.h>

static const struct {
  const char *name;
  FenPCKind   kind;
} own[] = {{"auto", FEN_PC_AUTO},         {"solve", FEN_PC_SOLVE},     {"tridiagonal", FEN_PC_TRIDIAGONAL},
           {"diagonal", FEN_PC_DIAGONAL}, {"jacobi", FEN_PC_DIAGONAL}, {"lbfgs", FEN_PC_LBFGS},
           {"none", FEN_PC_NONE}};

PetscErrorCode FenSystemSetOptions(FenOptionItems PetscOptionsObject, const char name[])
{
  char value[64] = "auto";

  PetscFunctionBegin;
  PetscCall(PetscOptionsString(name, "auto, solve, tridiagonal, diagonal, lbfgs, none or a PC type of PETSc",
                               "FenBilevelSetLowerType", value, value, sizeof(value), NULL));
  PetscFunctionReturn(0);
}

static PetscErrorCode Needs(FenSystem S, PetscBool has, const char what[])
{
  PetscFunctionBegin;
  PetscCheck(has, S->team, (PetscErrorCode)FEN_ERR_OPTION, "-%spc_type %s: %s", S->prefix, S->pcname, what);
  PetscFunctionReturn(0);
}

PetscErrorCode FenSystemPCCreate(FenSystem S)
{
  PetscBool given, same;

  PetscFunctionBegin;
  PetscCall(PetscStrncpy(S->pcname, "auto", sizeof(S->pcname)));
  PetscCall(PetscOptionsGetString(NULL, S->prefix, "-pc_type", S->pcname, sizeof(S->pcname), &given));
  S->kind = FEN_PC_PETSC;
  for (size_t k = 0; k < sizeof(own) / sizeof(own[0]); k++) {
    PetscCall(PetscStrcmp(S->pcname, own[k].name, &same));
    if (same)
      S->kind = own[k].kind;
  }
  if (S->kind == FEN_PC_AUTO && S->call->solve)
    S->kind = FEN_PC_SOLVE;
  else if (S->kind == FEN_PC_AUTO && !S->call->assemble)
    S->kind = S->call->diagonal ? FEN_PC_DIAGONAL : FEN_PC_NONE;
  if (S->kind == FEN_PC_SOLVE)
    PetscCall(Needs(S, (PetscBool)(S->call->solve != NULL), "the problem has no solve of its own"));
  if (S->kind == FEN_PC_DIAGONAL)
    PetscCall(Needs(S, (PetscBool)(S->call->diagonal || S->call->assemble), "the problem gives no diagonal"));
  if (S->kind == FEN_PC_TRIDIAGONAL || S->kind == FEN_PC_PETSC)
    PetscCall(Needs(S, (PetscBool)(S->call->assemble != NULL), "the problem assembles no matrix"));
  S->exact = (PetscBool)(S->kind == FEN_PC_SOLVE);
  PetscFunctionReturn(0);
}

/* a problem may assemble what is only near H: then a factor of it is a preconditioner and no solve */
static PetscErrorCode Compare(FenSystem S, Mat M)
{
  const double *parts[2];
  double        dots[2];
  Vec           v, Mv;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < S->n; i++)
    S->z[i] = FenRandomUniform(1, (uint64_t)(S->part.row0 + i), 0) - 0.5;
  PetscCall(FenSystemVec(S, &v));
  PetscCall(FenSystemVec(S, &Mv));
  PetscCall(VecPlaceArray(v, S->z));
  PetscCall(VecPlaceArray(Mv, S->t));
  PetscCall(MatMult(M, v, Mv));
  PetscCall(VecResetArray(v));
  PetscCall(VecResetArray(Mv));
  PetscCall(VecDestroy(&v));
  PetscCall(VecDestroy(&Mv));
  PetscCall((*S->call->hessian)(S->problem, S->z, S->r));
  for (PetscInt i = 0; i < S->n; i++)
    S->t[i] -= S->r[i];
  parts[0] = S->t;
  parts[1] = S->r;
  PetscCall(FenTeamDots(S->team, S->n, 2, parts, parts, dots));
  S->exact = (PetscBool)(dots[0] <= 1e-24 * dots[1]);
  PetscFunctionReturn(0);
}

/* PETSc's, by name; without one incomplete factors of the ranks' blocks */
static PetscErrorCode MakePC(FenSystem S, Mat M)
{
  PetscFunctionBegin;
  PetscCall(PCCreate(S->team, &S->pc));
  PetscCall(PCSetOptionsPrefix(S->pc, S->prefix));
  PetscCall(MatSetOption(M, MAT_SPD, PETSC_TRUE));
  PetscCall(PCSetType(S->pc, PCBJACOBI));
  PetscCall(PCSetFromOptions(S->pc));
  PetscFunctionReturn(0);
}

/* what the pattern of the matrix decides, once */
static PetscErrorCode Decide(FenSystem S, Mat M)
{
  PetscBool fits = PETSC_FALSE;

  PetscFunctionBegin;
  if (S->kind != FEN_PC_PETSC)
    PetscCall(FenTridiagonalFits(M, &fits));
  if (S->kind == FEN_PC_TRIDIAGONAL)
    PetscCall(Needs(S, fits, "the matrix of this problem has more diagonals"));
  if (S->kind == FEN_PC_AUTO)
    S->kind = fits ? FEN_PC_TRIDIAGONAL : FEN_PC_DIAGONAL;
  if (S->kind == FEN_PC_TRIDIAGONAL) {
    PetscCall(FenTridiagonalCreate(M, &S->tri));
    PetscCall(Compare(S, M));
  } else if (S->kind == FEN_PC_PETSC)
    PetscCall(MakePC(S, M));
  PetscFunctionReturn(0);
}

static PetscErrorCode Diagonal(FenSystem S)
{
  Vec d;
  Mat M;

  PetscFunctionBegin;
  if (!S->diag)
    PetscCall(PetscMalloc1((size_t)S->n, &S->diag));
  if (S->call->diagonal) {
    PetscCall((*S->call->diagonal)(S->problem, S->diag));
    PetscFunctionReturn(0);
  }
  PetscCall((*S->call->assemble)(S->problem, &M));
  PetscCall(FenSystemVec(S, &d));
  PetscCall(VecPlaceArray(d, S->diag));
  PetscCall(MatGetDiagonal(M, d));
  PetscCall(VecResetArray(d));
  PetscCall(VecDestroy(&d));
  PetscFunctionReturn(0);
}

PetscErrorCode FenSystemPCSetUp(FenSystem S)
{
  Mat M = NULL;

  PetscFunctionBegin;
  PetscCheck(S->kind != FEN_PC_LBFGS || S->shell, S->team, (PetscErrorCode)FEN_ERR_OPTION,
             "-%spc_type lbfgs: the lower solver is not lbfgs", S->prefix);
  if (S->kind == FEN_PC_AUTO || S->kind == FEN_PC_TRIDIAGONAL || S->kind == FEN_PC_PETSC)
    PetscCall((*S->call->assemble)(S->problem, &M));
  if (M && !S->isset)
    PetscCall(Decide(S, M));
  S->isset = PETSC_TRUE;
  if (S->kind == FEN_PC_TRIDIAGONAL)
    PetscCall(FenTridiagonalFactor(S->tri, M));
  if (S->kind == FEN_PC_DIAGONAL)
    PetscCall(Diagonal(S));
  if (S->kind == FEN_PC_PETSC) {
    PetscCall(PCSetOperators(S->pc, M, M));
    PetscCall(PCSetUp(S->pc));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode ApplyPC(FenSystem S, const double b[], double x[])
{
  Vec vb, vx;

  PetscFunctionBegin;
  PetscCall(FenSystemVec(S, &vb));
  PetscCall(FenSystemVec(S, &vx));
  PetscCall(VecPlaceArray(vb, b));
  PetscCall(VecPlaceArray(vx, x));
  PetscCall(PCApply(S->pc, vb, vx));
  PetscCall(VecResetArray(vb));
  PetscCall(VecResetArray(vx));
  PetscCall(VecDestroy(&vb));
  PetscCall(VecDestroy(&vx));
  PetscFunctionReturn(0);
}

PetscErrorCode FenSystemPCApply(FenSystem S, const double b[], double x[])
{
  PetscFunctionBegin;
  if (S->kind == FEN_PC_DIAGONAL || S->kind == FEN_PC_NONE) {
    for (PetscInt i = 0; i < S->n; i++)
      x[i] = S->kind == FEN_PC_DIAGONAL ? b[i] / S->diag[i] : b[i];
    PetscFunctionReturn(0);
  }
  S->count++;
  if (S->kind == FEN_PC_SOLVE)
    PetscCall((*S->call->solve)(S->problem, b, x));
  else if (S->kind == FEN_PC_TRIDIAGONAL)
    PetscCall(FenTridiagonalSolve(S->tri, b, x));
  else if (S->kind == FEN_PC_LBFGS)
    PetscCall((*S->shell)(S->ctx, S->sample, b, x));
  else
    PetscCall(ApplyPC(S, b, x));
  PetscFunctionReturn(0);
}

PetscErrorCode FenSystemPCDestroy(FenSystem S)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(S->diag));
  PetscCall(FenTridiagonalDestroy(&S->tri));
  PetscCall(PCDestroy(&S->pc));
  PetscFunctionReturn(0);
}
