/* SPDX-License-Identifier: BSD-2-Clause */
/*
   The linear system of a policy, and what makes it easy. I - gamma P_pi is an M-matrix: incomplete factors exist and
   are stable, each rank takes those of its own block. Aggregation adds a coarse system of all ranks before them. Direct
   means dense factors of the whole, for small models; the Krylov method around them refines. Models of two colours are
   reduced to one of them instead (reduced.c).

   References: Meijerink and van der Vorst, Math. Comp. 31, 1977; Gargiani, Liao-McPherson, Zanelli, Lygeros, arXiv
   2211.04299.
*/
#include "policysystem.h"

#define DENSE_MOST 20000 /* states that may be solved for by dense factors */

const char *const FenPolicyPCs[] = {"auto",        "colour",         "ilu", "none", "aggregation", "direct",
                                    "FenPolicyPC", "FEN_POLICY_PC_", NULL};

static PetscErrorCode Mult(void *ctx, const double x[], double y[])
{
  PetscFunctionBegin;
  PetscCall(FenBellmanPolicyMult(((FenPolicySystem *)ctx)->mdp->op, x, y));
  PetscFunctionReturn(0);
}

static PetscErrorCode ApplyLocal(void *ctx, const double b[], double x[])
{
  const FenPolicySystem *S = (const FenPolicySystem *)ctx;

  PetscFunctionBegin;
  PetscCall(VecPlaceArray(S->b_local, b));
  PetscCall(VecPlaceArray(S->x_local, x));
  PetscCall(PCApply(S->local, S->b_local, S->x_local));
  PetscCall(VecResetArray(S->b_local));
  PetscCall(VecResetArray(S->x_local));
  PetscFunctionReturn(0);
}

/* the coarse system, then the factors of my block for what it leaves */
static PetscErrorCode ApplyAggregation(void *ctx, const double b[], double x[])
{
  FenPolicySystem *S = (FenPolicySystem *)ctx;
  const FenInt     n = S->mdp->n;
  double          *coarse = S->work, *rest = S->work + n;

  PetscFunctionBegin;
  PetscCall(FenAggregationSolve(&S->aggregation, b, coarse));
  PetscCall(FenBellmanPolicyMult(S->mdp->op, coarse, rest));
  for (FenInt k = 0; k < n; k++)
    rest[k] = b[k] - rest[k];
  PetscCall(ApplyLocal(S, rest, x));
  for (FenInt k = 0; k < n; k++)
    x[k] += coarse[k];
  PetscFunctionReturn(0);
}

static PetscErrorCode ApplyDense(void *ctx, const double b[], double x[])
{
  PetscFunctionBegin;
  PetscCall(FenDenseSystemSolve(((FenPolicySystem *)ctx)->dense, b, x));
  PetscFunctionReturn(0);
}

/* what was asked for, if the model allows it */
static PetscErrorCode Choose(FenPolicySystem *S)
{
  MPI_Comm  comm = PetscObjectComm((PetscObject)S->mdp);
  PetscBool two = PETSC_FALSE;

  PetscFunctionBegin;
  S->kind = S->asked;
  if (S->mdp->criterion == FEN_MDP_TOTAL && S->asked == FEN_POLICY_PC_AUTO) { /* its policies are changed on the way */
    S->kind = FEN_POLICY_PC_ILU;
    PetscFunctionReturn(0);
  }
  PetscCheck(S->mdp->criterion != FEN_MDP_TOTAL || S->asked != FEN_POLICY_PC_COLOUR, comm,
             (PetscErrorCode)FEN_ERR_OPTION, "-mdp_precondition colour: not for the criterion total");
  PetscCheck(S->mdp->partition != FEN_MDP_PARTITION_GRAPH || S->asked != FEN_POLICY_PC_DIRECT, comm,
             (PetscErrorCode)FEN_ERR_OPTION,
             "-mdp_precondition direct: needs consecutive states on each rank, not -mdp_partition graph");
  if (S->asked == FEN_POLICY_PC_AUTO || S->asked == FEN_POLICY_PC_COLOUR)
    PetscCall(FenBellmanHasTwoColours(S->mdp->op, &two));
  PetscCheck(two || S->asked != FEN_POLICY_PC_COLOUR, comm, (PetscErrorCode)FEN_ERR_OPTION,
             "-mdp_precondition colour: needs stored nominal rows that never lead to a state of the same of two "
             "colours; this model has none such");
  PetscCheck(S->mdp->nstates <= DENSE_MOST || S->asked != FEN_POLICY_PC_DIRECT, comm, (PetscErrorCode)FEN_ERR_OPTION,
             "-mdp_precondition direct: %" FENINT_FMT " states are too many for dense factors; at most %d",
             S->mdp->nstates, DENSE_MOST);
  if (S->asked == FEN_POLICY_PC_AUTO)
    S->kind = two ? FEN_POLICY_PC_COLOUR : FEN_POLICY_PC_ILU;
  PetscFunctionReturn(0);
}

PetscErrorCode FenPolicySystemCreate(FenMDP mdp, FenPolicySystem *S)
{
  FenProductFn precondition = ApplyLocal;
  PetscInt     n;

  PetscFunctionBegin;
  S->mdp = mdp;
  PetscCall(Choose(S));
  PetscCall(FenIntCast(mdp->n, &n));
  PetscCall(VecCreateSeqWithArray(PETSC_COMM_SELF, 1, n, NULL, &S->x_local));
  PetscCall(VecCreateSeqWithArray(PETSC_COMM_SELF, 1, n, NULL, &S->b_local));
  if (S->kind == FEN_POLICY_PC_NONE || S->kind == FEN_POLICY_PC_COLOUR)
    precondition = NULL;
  if (S->kind == FEN_POLICY_PC_AGGREGATION) {
    precondition = ApplyAggregation;
    PetscCall(FenAggregationCreate(mdp, &S->aggregation));
    PetscCall(PetscMalloc1((size_t)(2 * mdp->n), &S->work));
  }
  if (S->kind == FEN_POLICY_PC_DIRECT) {
    precondition = ApplyDense;
    PetscCall(FenDenseSystemCreate(PetscObjectComm((PetscObject)mdp), n, &S->dense));
  }
  PetscCall(FenKrylovCreate(mdp, mdp->n, Mult, precondition, S, &S->krylov));
  S->krylov.max_it = S->max_it;
  PetscFunctionReturn(0);
}

PetscErrorCode FenPolicySystemDestroy(FenPolicySystem *S)
{
  PetscFunctionBegin;
  PetscCall(FenKrylovDestroy(&S->krylov));
  PetscCall(FenAggregationDestroy(&S->aggregation));
  PetscCall(FenDenseSystemDestroy(&S->dense));
  PetscCall(FenReducedDestroy(&S->reduced));
  PetscCall(PCDestroy(&S->local));
  PetscCall(VecDestroy(&S->x_local));
  PetscCall(VecDestroy(&S->b_local));
  PetscCall(PetscFree(S->work));
  PetscFunctionReturn(0);
}

PetscErrorCode FenPolicySystemOptions(FenSolver s, FenPolicySystem *S, PetscOptionItems *PetscOptionsObject)
{
  PetscEnum kind = (PetscEnum)S->asked;
  PetscInt  max_it = S->max_it;

  PetscFunctionBegin;
  PetscCall(PetscOptionsEnum("-mdp_precondition", "what makes a policy's linear system easy", "", FenPolicyPCs, kind,
                             &kind, NULL));
  PetscCall(PetscOptionsInt("-mdp_inner_it", "iterations of a linear solve at most", "", max_it, &max_it, NULL));
  PetscCheck(max_it > 0, PETSC_COMM_SELF, (PetscErrorCode)FEN_ERR_OPTION, "-mdp_inner_it %d: must be positive",
             (int)max_it);
  if (kind != (PetscEnum)S->asked || max_it != S->max_it)
    PetscCall(FenSolverReset(s));
  S->asked = (FenPolicyPC)kind;
  S->max_it = max_it;
  PetscFunctionReturn(0);
}

static PetscErrorCode BuildLocal(FenPolicySystem *S)
{
  Mat block;

  PetscFunctionBegin;
  PetscCall(FenBellmanPolicyLocalMat(S->mdp->op, &block));
  PetscCall(PCDestroy(&S->local));
  PetscCall(PCCreate(PETSC_COMM_SELF, &S->local));
  PetscCall(PCSetType(S->local, PCILU));
  PetscCall(PCSetOperators(S->local, block, block));
  PetscCall(PCSetUp(S->local));
  PetscCall(MatDestroy(&block));
  PetscFunctionReturn(0);
}

static PetscErrorCode BuildDense(FenPolicySystem *S)
{
  FenBellman   op = S->mdp->op;
  PetscInt    *col, longest;
  PetscScalar *val;

  PetscFunctionBegin;
  PetscCall(FenDenseSystemZero(S->dense));
  PetscCall(FenIntCast(FenBellmanLongestRow(op), &longest));
  PetscCall(PetscMalloc2(longest + 1, &col, longest + 1, &val));
  for (FenInt s = 0; s < S->mdp->n; s++) {
    FenPolicyRow row;
    PetscInt     n = 1;

    PetscCall(FenBellmanPolicyRow(op, s, &row));
    col[0] = (PetscInt)FenBellmanGlobal(op, (int)s);
    val[0] = 1;
    for (FenInt j = 0; j < row.n; j++) {
      if (row.prob[j * row.stride] == 0)
        continue;
      col[n] = (PetscInt)FenBellmanGlobal(op, row.col[j * row.stride]);
      val[n++] = -row.discount * row.prob[j * row.stride];
    }
    PetscCall(FenDenseSystemAdd(S->dense, col[0], n, col, val));
  }
  PetscCall(PetscFree2(col, val));
  PetscCall(FenDenseSystemFactor(S->dense));
  PetscFunctionReturn(0);
}

PetscErrorCode FenPolicySystemBuild(FenPolicySystem *S)
{
  PetscFunctionBegin;
  if (S->kind == FEN_POLICY_PC_ILU || S->kind == FEN_POLICY_PC_AGGREGATION)
    PetscCall(BuildLocal(S));
  if (S->kind == FEN_POLICY_PC_AGGREGATION)
    PetscCall(FenAggregationBuild(&S->aggregation));
  if (S->kind == FEN_POLICY_PC_DIRECT)
    PetscCall(BuildDense(S));
  if (S->kind == FEN_POLICY_PC_COLOUR) {
    PetscCall(FenReducedSetUp(S->mdp, S->max_it, &S->reduced));
    PetscCall(FenColouredPut(S->reduced.colours, NULL, S->mdp->policy));
    PetscCall(FenColouredSetPolicy(S->reduced.colours));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode FenPolicySystemSolve(FenPolicySystem *S, const double b[], double stop, double x[], PetscBool *failed)
{
  FenReduced *R = &S->reduced;

  PetscFunctionBegin;
  if (S->kind == FEN_POLICY_PC_COLOUR) {
    PetscCall(FenColouredReduce(R->colours, b, R->d));
    PetscCall(FenKrylovSolve(&R->krylov, R->d, stop, R->x, failed));
    PetscCall(FenColouredExpand(R->colours, b, R->x, x));
  } else
    PetscCall(FenKrylovSolve(&S->krylov, b, stop, x, failed));
  PetscFunctionReturn(0);
}
