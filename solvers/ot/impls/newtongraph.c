/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Sources and targets are the nodes of a graph, entries P_ij = a_i E_ij of the plan its links. Its Laplacian

     L = [ diag(a)   -P     ]
         [ -P^T     diag(c) ]

   has S = diag(c) - E^T diag(a) E as its Schur complement, so that S d = r is L (x, d) = (0, r). L has one entry a link
   where S has one for each pair of links that meet in a source: a heavy source that feeds the tails of a target, pixels
   of next to no mass, couples them all with each other, but most of them hang on nothing else, which a factorisation
   and algebraic multigrid both see at once. Multigrid takes one or two iterations a digit, whatever the shapes.

   Unknowns are scaled, those of targets as in newtonsystem.c, those of sources alike.

   Work and memory: those of the PC for n + m nodes and the links, all distributed as the points are; a factorisation is
   made by every rank for itself, for parallel ones add up in the order in which messages arrive, and the answer would
   not be the same twice.
*/
#include "newtongraph.h"
#include <petscksp.h>
#include <math.h>

#if defined(PETSC_HAVE_HYPRE)
  #define FEN_MULTIGRID PCHYPRE /* BoomerAMG */
#else
  #define FEN_MULTIGRID PCGAMG
#endif
#define TAIL 1e-4 /* sources of less mass than this share of the mean have a unit diagonal */

struct _p_FenPlanGraph {
  FenInt n, m;
  Mat    A;
  Vec    r, z; /* of all nodes: my sources, then my targets */
  PC     pc;
};

/* -P scaled, rows of E have their full sum; scale[0], scale[1] of sources and targets */
static PetscErrorCode Links(FenOTOperator op, const FenPlanGraphParts *parts, const double source[], Mat *links)
{
  const FenSparse *E = parts->E;
  PetscInt        *ptr, *idx, n, m, nnz;
  PetscScalar     *val;
  Vec              left, right;

  PetscFunctionBegin;
  PetscCall(FenIntCast(op->n[0], &n));
  PetscCall(FenIntCast(op->n[1], &m));
  PetscCall(FenIntCast(E->ptr[n], &nnz));
  PetscCall(PetscMalloc3(n + 1, &ptr, nnz, &idx, nnz, &val));
  for (PetscInt i = 0; i <= n; i++)
    ptr[i] = (PetscInt)E->ptr[i];
  for (PetscInt i = 0; i < n; i++) {
    double sum = 0;

    for (PetscInt k = ptr[i]; k < ptr[i + 1]; k++)
      sum += E->val[k];
    for (PetscInt k = ptr[i]; k < ptr[i + 1]; k++) {
      idx[k] = (PetscInt)E->idx[k];
      val[k] = -parts->rows[i] * E->val[k] / sum;
    }
  }
  PetscCall(MatCreate(op->comm, links));
  PetscCall(MatSetSizes(*links, n, m, PETSC_DETERMINE, PETSC_DETERMINE));
  PetscCall(MatSetType(*links, MATAIJ));
  PetscCall(MatSeqAIJSetPreallocationCSR(*links, ptr, idx, val));
  PetscCall(MatMPIAIJSetPreallocationCSR(*links, ptr, idx, val));
  PetscCall(PetscFree3(ptr, idx, val));
  PetscCall(VecCreateMPIWithArray(op->comm, 1, n, PETSC_DETERMINE, source, &left));
  PetscCall(VecCreateMPIWithArray(op->comm, 1, m, PETSC_DETERMINE, parts->scale, &right));
  PetscCall(MatDiagonalScale(*links, left, right));
  PetscCall(VecDestroy(&left));
  PetscCall(VecDestroy(&right));
  PetscFunctionReturn(0);
}

PetscErrorCode FenDiagonalMatrix(MPI_Comm comm, FenInt n, const double d[], Mat *D)
{
  PetscInt local, start;

  PetscFunctionBegin;
  PetscCall(FenIntCast(n, &local));
  PetscCall(MatCreateAIJ(comm, local, local, PETSC_DETERMINE, PETSC_DETERMINE, 1, NULL, 0, NULL, D));
  PetscCall(MatGetOwnershipRange(*D, &start, NULL));
  for (PetscInt j = 0; j < local; j++)
    PetscCall(MatSetValue(*D, start + j, start + j, d[j], INSERT_VALUES));
  PetscCall(MatAssemblyBegin(*D, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(*D, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(0);
}

/* scales of sources and the diagonal of their nodes */
static void Sources(FenOTOperator op, const FenPlanGraphParts *parts, double scale[], double diagonal[])
{
  const double floor = TAIL / (double)op->N[0];

  for (FenInt i = 0; i < op->n[0]; i++) {
    const double a = parts->rows[i];

    scale[i] = a > 0 ? 1 / sqrt(PetscMin(a, floor)) : 0;
    diagonal[i] = a > 0 ? a * scale[i] * scale[i] : 1;
  }
}

/* diagonal of the targets' nodes: row sums of the Laplacian are what is beside links */
static PetscErrorCode Targets(FenOTOperator op, const FenPlanGraphParts *parts, const double source[], Mat transposed,
                              double diagonal[])
{
  Vec     x, y;
  double *px;

  PetscFunctionBegin;
  PetscCall(MatCreateVecs(transposed, &x, &y));
  PetscCall(VecGetArray(x, &px));
  for (FenInt i = 0; i < op->n[0]; i++)
    px[i] = source[i] > 0 ? 1 / source[i] : 0;
  PetscCall(VecRestoreArray(x, &px));
  PetscCall(MatMult(transposed, x, y));
  PetscCall(VecGetArray(y, &px));
  for (FenInt j = 0; j < op->n[1]; j++) { /* a target that is large in no row is linked to nothing */
    const double sum = -px[j] * parts->scale[j];

    diagonal[j] = sum > 1e-15 * parts->alone[j] ? sum + parts->beside[j] : parts->alone[j];
  }
  PetscCall(VecRestoreArray(y, &px));
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&y));
  PetscFunctionReturn(0);
}

static PetscErrorCode Assemble(FenOTOperator op, const FenPlanGraphParts *parts, Mat *A)
{
  double *scale, *diagonal[2];
  Mat     block[4], nest;

  PetscFunctionBegin;
  PetscCall(PetscMalloc3(op->n[0], &scale, op->n[0], &diagonal[0], op->n[1], &diagonal[1]));
  Sources(op, parts, scale, diagonal[0]);
  PetscCall(Links(op, parts, scale, &block[1]));
  PetscCall(MatTranspose(block[1], MAT_INITIAL_MATRIX, &block[2]));
  PetscCall(Targets(op, parts, scale, block[2], diagonal[1]));
  for (int side = 0; side < 2; side++)
    PetscCall(FenDiagonalMatrix(op->comm, op->n[side], diagonal[side], &block[3 * side]));
  PetscCall(PetscFree3(scale, diagonal[0], diagonal[1]));
  PetscCall(MatCreateNest(op->comm, 2, NULL, 2, NULL, block, &nest));
  PetscCall(MatConvert(nest, MATAIJ, MAT_INITIAL_MATRIX, A));
  PetscCall(MatDestroy(&nest));
  for (int k = 0; k < 4; k++)
    PetscCall(MatDestroy(&block[k]));
  PetscCall(MatSetOption(*A, MAT_SPD, PETSC_TRUE));
  PetscFunctionReturn(0);
}

static PetscBool HaveCholmod(void)
{
#if defined(PETSC_HAVE_SUITESPARSE)
  return (PetscBool)(sizeof(PetscInt) == sizeof(int));
#else
  return PETSC_FALSE;
#endif
}

static PetscErrorCode Factorise(MPI_Comm comm, PC pc)
{
  PetscMPIInt size;
  PC          one = pc;
  KSP         ksp;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(comm, &size));
  if (size > 1) {
    PetscCall(PCSetType(pc, PCREDUNDANT));
    PetscCall(PCRedundantGetKSP(pc, &ksp));
    PetscCall(KSPSetType(ksp, KSPPREONLY));
    PetscCall(KSPGetPC(ksp, &one));
  }
  PetscCall(PCSetType(one, PCCHOLESKY));
  if (HaveCholmod())
    PetscCall(PCFactorSetMatSolverType(one, MATSOLVERCHOLMOD));
  PetscFunctionReturn(0);
}

PetscErrorCode FenPlanGraphCreate(FenOTOperator op, const char prefix[], const FenPlanGraphParts *parts,
                                  FenPlanGraph *graph)
{
  FenPlanGraph G;

  PetscFunctionBegin;
  PetscCall(PetscNew(&G));
  *graph = G;
  G->n = op->n[0];
  G->m = op->n[1];
  PetscCall(Assemble(op, parts, &G->A));
  PetscCall(MatCreateVecs(G->A, &G->z, &G->r));
  PetscCall(VecZeroEntries(G->r));
  PetscCall(PCCreate(op->comm, &G->pc));
  PetscCall(PCSetOperators(G->pc, G->A, G->A));
  PetscCall(PCSetOptionsPrefix(G->pc, prefix));
  PetscCall(PCAppendOptionsPrefix(G->pc, "ot_newton_"));
  if (parts->direct)
    PetscCall(Factorise(op->comm, G->pc));
  else
    PetscCall(PCSetType(G->pc, FEN_MULTIGRID));
  PetscCall(PCSetFromOptions(G->pc));
  PetscCall(PCSetUp(G->pc));
  PetscFunctionReturn(0);
}

PetscErrorCode FenPlanGraphDestroy(FenPlanGraph *graph)
{
  PetscFunctionBegin;
  if (!*graph)
    PetscFunctionReturn(0);
  PetscCall(PCDestroy(&(*graph)->pc));
  PetscCall(MatDestroy(&(*graph)->A));
  PetscCall(VecDestroy(&(*graph)->r));
  PetscCall(VecDestroy(&(*graph)->z));
  PetscCall(PetscFree(*graph));
  PetscFunctionReturn(0);
}

PetscErrorCode FenPlanGraphSolve(FenPlanGraph G, const double r[], double z[])
{
  double       *in;
  const double *out;

  PetscFunctionBegin;
  PetscCall(VecGetArray(G->r, &in));
  PetscCall(PetscArraycpy(in + G->n, r, G->m));
  PetscCall(VecRestoreArray(G->r, &in));
  PetscCall(PCApply(G->pc, G->r, G->z));
  PetscCall(VecGetArrayRead(G->z, &out));
  PetscCall(PetscArraycpy(z, out + G->n, G->m));
  PetscCall(VecRestoreArrayRead(G->z, &out));
  PetscFunctionReturn(0);
}

PetscErrorCode FenPlanGraphGetPC(FenPlanGraph G, PC *pc)
{
  PetscFunctionBegin;
  *pc = G->pc;
  PetscFunctionReturn(0);
}
