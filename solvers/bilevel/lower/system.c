/* SPDX-License-Identifier: BSD-2-Clause */
/*
   FenSystem: H q = b by conjugate gradients (cg.c), or a Krylov method of PETSc on a shell matrix over the team,
   stopped by the true residual; by iterative refinement where H^{-1} is at hand. What KSP, factors and preconditioners
   of PETSc send they send for one sample after the other.

   Hestenes and Stiefel, J. Res. NBS 49, 1952. A step of CG costs a product, a preconditioner, 10 n flops, and two to
   three sums in the team; memory: CG's 3 to 4 arrays and 3 more. Objects are made once; arrays are put into them.
*/
#include "systemimpl.h"
#include <math.h>
#include <string.h>

PetscErrorCode FenSystemProduct(FenSystem S, const double v[], double Hv[])
{
  PetscFunctionBegin;
  S->count++;
  PetscCall((*S->call->hessian)(S->problem, v, Hv));
  PetscFunctionReturn(0);
}

PetscErrorCode FenSystemVec(FenSystem S, Vec *v)
{
  PetscMPIInt size;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(S->team, &size));
  if (size == 1)
    PetscCall(VecCreateSeqWithArray(S->team, 1, S->n, NULL, v));
  else
    PetscCall(VecCreateMPIWithArray(S->team, 1, S->n, PETSC_DETERMINE, NULL, v));
  PetscFunctionReturn(0);
}

static PetscErrorCode Call(FenSystem S, PetscErrorCode (*f)(FenSystem, const double[], double[]), Vec x, Vec y)
{
  const double *px;
  double       *py;

  PetscFunctionBegin;
  PetscCall(VecGetArrayRead(x, &px));
  PetscCall(VecGetArrayWrite(y, &py));
  PetscCall((*f)(S, px, py));
  PetscCall(VecRestoreArrayRead(x, &px));
  PetscCall(VecRestoreArrayWrite(y, &py));
  PetscFunctionReturn(0);
}

static PetscErrorCode Mult(Mat A, Vec x, Vec y)
{
  FenSystem S;

  PetscFunctionBegin;
  PetscCall(MatShellGetContext(A, &S));
  PetscCall(Call(S, FenSystemProduct, x, y));
  PetscFunctionReturn(0);
}

static PetscErrorCode Precondition(PC pc, Vec x, Vec y)
{
  FenSystem S;

  PetscFunctionBegin;
  PetscCall(PCShellGetContext(pc, &S));
  PetscCall(Call(S, FenSystemPCApply, x, y));
  PetscFunctionReturn(0);
}

static PetscErrorCode Test(KSP ksp, PetscInt it, PetscReal norm, KSPConvergedReason *reason, void *ctx)
{
  FenSystem S = (FenSystem)ctx;

  (void)ksp, (void)it;
  PetscFunctionBegin;
  S->last = norm;
  *reason = KSP_CONVERGED_ITERATING;
  if (!isfinite(norm))
    *reason = KSP_DIVERGED_NANORINF;
  else if (norm <= S->stop)
    *reason = KSP_CONVERGED_ATOL;
  else if (S->count >= S->most)
    *reason = KSP_DIVERGED_ITS;
  PetscFunctionReturn(0);
}

/* norms of residuals, not of preconditioned ones, where the method can have them */
static PetscErrorCode SetNorm(KSP ksp)
{
  PetscBool able;

  PetscFunctionBegin;
  PetscCall(PetscObjectTypeCompareAny((PetscObject)ksp, &able, KSPCG, KSPFCG, KSPPIPECG, KSPGROPPCG, KSPPIPEFCG, ""));
  if (able)
    PetscCall(KSPSetNormType(ksp, KSP_NORM_UNPRECONDITIONED));
  PetscFunctionReturn(0);
}

static PetscErrorCode MakeKSP(FenSystem S)
{
  PC pc;

  PetscFunctionBegin;
  PetscCall(MatCreateShell(S->team, S->n, S->n, PETSC_DETERMINE, PETSC_DETERMINE, S, &S->A));
  PetscCall(MatShellSetOperation(S->A, MATOP_MULT, (void (*)(void))Mult));
  PetscCall(MatSetOption(S->A, MAT_SYMMETRIC, PETSC_TRUE));
  PetscCall(FenSystemVec(S, &S->b));
  PetscCall(FenSystemVec(S, &S->x));
  PetscCall(KSPCreate(S->team, &S->ksp));
  PetscCall(KSPSetOptionsPrefix(S->ksp, S->prefix));
  PetscCall(KSPSetType(S->ksp, KSPCG));
  PetscCall(KSPSetSkipPCSetFromOptions(S->ksp, PETSC_TRUE));
  PetscCall(KSPSetOperators(S->ksp, S->A, S->A));
  PetscCall(KSPGetPC(S->ksp, &pc));
  PetscCall(PCSetType(pc, S->kind == FEN_PC_NONE ? PCNONE : PCSHELL));
  if (S->kind != FEN_PC_NONE) {
    PetscCall(PCShellSetContext(pc, S));
    PetscCall(PCShellSetApply(pc, Precondition));
  }
  PetscCall(KSPSetFromOptions(S->ksp));
  PetscCall(SetNorm(S->ksp));
  PetscCall(KSPSetTolerances(S->ksp, PETSC_DEFAULT, PETSC_DEFAULT, PETSC_DEFAULT, PETSC_MAX_INT));
  PetscCall(KSPSetConvergenceTest(S->ksp, Test, S, NULL));
  PetscFunctionReturn(0);
}

/* any option of PETSc's KSP asks for it */
static PetscErrorCode ChooseMethod(FenSystem S)
{
  char *options, name[96];

  PetscFunctionBegin;
  PetscCall(PetscSNPrintf(name, sizeof(name), "-%sksp_", S->prefix));
  PetscCall(PetscOptionsGetAll(NULL, &options));
  S->own = (PetscBool)!strstr(options, name);
  PetscCall(PetscFree(options));
  PetscFunctionReturn(0);
}

PetscErrorCode FenSystemCreate(FenBilevelProblem problem, const char prefix[], FenSystem *system)
{
  FenTeams     teams;
  FenTeamsInfo info;
  FenSystem    S;

  PetscFunctionBegin;
  PetscCall(PetscNew(&S));
  S->problem = problem;
  PetscCall(FenBilevelProblemGetOps(problem, &S->call));
  PetscCall(FenBilevelProblemGetTeams(problem, &teams));
  PetscCall(FenTeamsGetInfo(teams, &info));
  S->team = info.team;
  PetscCall(FenBilevelProblemGetPart(problem, &S->part));
  S->sample = S->part.start;
  PetscCall(FenIntCast(S->part.nx, &S->n));
  PetscCall(PetscStrncpy(S->prefix, prefix, sizeof(S->prefix)));
  PetscCall(PetscMalloc3((size_t)S->n, &S->r, (size_t)S->n, &S->z, (size_t)S->n, &S->t));
  PetscCall(FenSystemPCCreate(S));
  PetscCall(MakeKSP(S));
  PetscCall(ChooseMethod(S));
  *system = S;
  PetscFunctionReturn(0);
}

PetscErrorCode FenSystemDestroy(FenSystem *system)
{
  FenSystem S = *system;

  PetscFunctionBegin;
  if (!S)
    PetscFunctionReturn(0);
  PetscCall(FenSystemPCDestroy(S));
  PetscCall(KSPDestroy(&S->ksp));
  PetscCall(MatDestroy(&S->A));
  PetscCall(VecDestroy(&S->b));
  PetscCall(VecDestroy(&S->x));
  PetscCall(PetscFree3(S->r, S->z, S->t));
  PetscCall(PetscFree(S->room));
  PetscCall(PetscFree(*system));
  PetscFunctionReturn(0);
}

PetscErrorCode FenSystemSetShell(FenSystem S, PetscErrorCode (*apply)(void *, FenInt, const double[], double[]),
                                 void     *ctx)
{
  PetscFunctionBegin;
  S->shell = apply;
  S->ctx = ctx;
  PetscFunctionReturn(0);
}

PetscErrorCode FenSystemTrust(FenSystem S)
{
  PetscFunctionBegin;
  S->trust = PETSC_TRUE;
  PetscFunctionReturn(0);
}

PetscErrorCode FenSystemSamePoint(FenSystem S)
{
  PetscFunctionBegin;
  S->same = S->isset;
  PetscFunctionReturn(0);
}

PetscErrorCode FenSystemIsExact(FenSystem S, PetscBool *exact)
{
  PetscFunctionBegin;
  if (!S->same)
    PetscCall(FenSystemPCSetUp(S));
  S->same = PETSC_TRUE;
  *exact = S->exact;
  PetscFunctionReturn(0);
}

/* r = b - H q */
static PetscErrorCode Residual(FenSystem S, const double b[], const double q[], double r[], double *norm)
{
  PetscFunctionBegin;
  PetscCall(FenSystemProduct(S, q, r));
  for (PetscInt i = 0; i < S->n; i++)
    r[i] = b[i] - r[i];
  PetscCall(FenTeamNorm(S->team, S->n, r, norm));
  PetscFunctionReturn(0);
}

/* q += H^{-1} r while that makes r smaller */
static PetscErrorCode Refine(FenSystem S, const double b[], double tol, FenInt max_it, PetscBool zero, double q[],
                             double *norm)
{
  double next;

  PetscFunctionBegin;
  if (zero) {
    PetscCall(FenSystemPCApply(S, b, q));
    *norm = INFINITY;
    if (tol == INFINITY)
      PetscFunctionReturn(0);
  }
  PetscCall(Residual(S, b, q, S->r, norm));
  while (*norm > tol && S->count + 2 <= max_it) {
    const double before = *norm;

    PetscCall(FenSystemPCApply(S, S->r, S->z));
    for (PetscInt i = 0; i < S->n; i++)
      S->z[i] += q[i];
    PetscCall(Residual(S, b, S->z, S->t, &next));
    if (!(next < before))
      break;
    PetscCall(PetscArraycpy(q, S->z, S->n));
    PetscCall(PetscArraycpy(S->r, S->t, S->n));
    *norm = next;
    if (next > before / 2)
      break;
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode Run(FenSystem S, const double b[], PetscBool zero, double q[])
{
  PetscFunctionBegin;
  PetscCall(KSPSetInitialGuessNonzero(S->ksp, (PetscBool)!zero));
  PetscCall(VecPlaceArray(S->b, b));
  PetscCall(VecPlaceArray(S->x, q));
  PetscCall(KSPSolve(S->ksp, S->b, S->x));
  PetscCall(VecResetArray(S->b));
  PetscCall(VecResetArray(S->x));
  PetscFunctionReturn(0);
}

/* The norm that the method carries along drifts away from |b - H q|, and may be another one: run again from q with a
   smaller stop as long as the true residual halves. It is never below the rounding errors of b alone. */
static PetscErrorCode Krylov(FenSystem S, const double b[], double tol, FenInt max_it, PetscBool zero, double q[],
                             double *norm)
{
  double size, before = INFINITY;

  PetscFunctionBegin;
  PetscCall(FenTeamNorm(S->team, S->n, b, &size));
  S->stop = PetscMax(tol, PETSC_MACHINE_EPSILON / 4 * size);
  S->most = PetscMax(max_it - (S->trust ? 0 : 1), 1);
  if (zero && size <= S->stop) {
    PetscCall(PetscArrayzero(q, S->n));
    *norm = size;
    PetscFunctionReturn(0);
  }
  for (;;) {
    PetscCall(Run(S, b, zero, q));
    if (S->trust) {
      *norm = S->last;
      break;
    }
    PetscCall(Residual(S, b, q, S->r, norm));
    if (!isfinite(*norm)) {
      PetscCall(PetscArrayzero(q, S->n));
      *norm = size;
    }
    if (*norm <= tol || !(*norm < before / 2) || S->count + 3 > max_it)
      break;
    before = *norm;
    S->stop *= PetscMin(0.5 * tol / *norm, 0.5);
    S->stop = PetscMax(S->stop, PETSC_MACHINE_EPSILON / 4 * size);
    zero = PETSC_FALSE;
  }
  PetscFunctionReturn(0);
}

static PetscBool UsesCG(FenSystem S)
{
  return (PetscBool)(S->own && !S->exact && (S->kind == FEN_PC_DIAGONAL || S->kind == FEN_PC_NONE));
}

PetscErrorCode FenSystemApply(FenSystem S, const double b[], double tol, FenInt max_it, PetscBool zero, double q[],
                              FenSystemAnswer *answer)
{
  FenSystemTask task = {.s = -1, .b = b, .q = q, .tol = tol, .max_it = max_it, .zero = zero};

  PetscFunctionBegin;
  if (!S->same)
    PetscCall(FenSystemPCSetUp(S));
  S->same = PETSC_FALSE;
  if (UsesCG(S)) {
    PetscCall(FenSystemCG(S, 1, &task));
    *answer = task.answer;
    PetscFunctionReturn(0);
  }
  S->count = 0;
  if (zero)
    PetscCall(PetscArrayzero(q, S->n));
  if (S->exact)
    PetscCall(Refine(S, b, tol, max_it, zero, q, &answer->residual));
  else
    PetscCall(Krylov(S, b, tol, max_it, zero, q, &answer->residual));
  answer->iterations = S->count;
  answer->reached = (PetscBool)(answer->residual <= tol);
  PetscFunctionReturn(0);
}

PetscErrorCode FenSystemApplyAll(FenSystem S, FenInt n, FenSystemTask task[])
{
  PetscBool exact = PETSC_FALSE;

  PetscFunctionBegin;
  for (FenInt k = 0; k < n; k++) {
    FenSystemTask *t = &task[k];

    PetscCall(FenBatchAt(S->problem, t->s));
    S->sample = t->s;
    PetscCall(FenSystemIsExact(S, &exact));
    if (n > 1 && UsesCG(S)) { /* only now it is known */
      S->same = PETSC_FALSE;
      PetscCall(FenSystemCG(S, n, task));
      break;
    }
    PetscCall(FenSystemApply(S, t->b, exact && S->trust ? INFINITY : t->tol, t->max_it, (PetscBool)(t->zero || exact),
                             t->q, &t->answer));
  }
  PetscFunctionReturn(0);
}
