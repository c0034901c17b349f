/* SPDX-License-Identifier: BSD-2-Clause */
/*
   The entries of a plan that matter, as sparse rows: E_ij = b_j exp((f_i + g_j - C_ij)/eps) of at least a given share
   of the largest in their row, or (a_i E_ij) in their column: a light target's entries are small in every row, yet they
   are all that ties it to the others. Grids are searched axis by axis (entriesaxes.c), unless few of their points have
   mass; all else pair by pair (entriespairs.c).
*/
#include "entries.h"
#include "sparseplan.h"

/* log2 of the smallest entry wanted in each row: its largest entry is one hard transform away */
static PetscErrorCode RowCuts(FenOTOperator op, const double f[], const double g[], double share, double cut[])
{
  double *h;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(op->n[1], &h));
  for (FenInt j = 0; j < op->n[1]; j++)
    h[j] = op->logw[1][j] > FEN_NONE ? g[j] + op->logw[1][j] / op->kappa : 0;
  PetscCall(FenOTHardTransform(op, FEN_TO_SOURCE, h, cut));
  for (FenInt i = 0; i < op->n[0]; i++)
    cut[i] = op->kappa * (f[i] - cut[i]) + log2(share) - 1e-9;
  PetscCall(PetscFree(h));
  PetscFunctionReturn(0);
}

/* the same for each column of diag(a) E; +inf (no entry wanted) unless by_column */
static PetscErrorCode ColumnCuts(FenOTOperator op, const double f[], const double g[], double share,
                                 PetscBool by_column, double cut[])
{
  double *h;

  PetscFunctionBegin;
  for (FenInt j = 0; j < op->n[1]; j++)
    cut[j] = HUGE_VAL;
  if (!by_column)
    PetscFunctionReturn(0);
  PetscCall(PetscMalloc1(op->n[0], &h));
  for (FenInt i = 0; i < op->n[0]; i++)
    h[i] = op->logw[0][i] > FEN_NONE ? f[i] + op->logw[0][i] / op->kappa : 0;
  PetscCall(FenOTHardTransform(op, FEN_TO_TARGET, h, cut));
  for (FenInt j = 0; j < op->n[1]; j++)
    cut[j] = op->logw[1][j] > FEN_NONE ? op->kappa * (g[j] - cut[j]) + op->logw[1][j] + log2(share) - 1e-9 : HUGE_VAL;
  PetscCall(PetscFree(h));
  PetscFunctionReturn(0);
}

/* points of mine that are looked at: all, or those with mass, and with something in `among` */
static void Keep(FenOTOperator op, int side, PetscBool all, const double among[], FenWanted *W)
{
  W->n[side] = 0;
  for (FenInt i = 0; i < op->n[side]; i++)
    if (all || (op->logw[side][i] > FEN_NONE && (!among || among[i] > 0)))
      W->kept[side][W->n[side]++] = i;
}

/* at most so many entries that are not below the cuts */
static PetscErrorCode Search(FenOTOperator op, const FenWanted *W, FenInt most, FenSparse *sparse)
{
  FenEntries found = {.most = most};
  PetscBool  axes;

  PetscFunctionBegin;
  PetscCall(FenEntriesHaveAxes(op, W, &axes));
  if (axes)
    PetscCall(FenEntriesByAxes(op, W, &found));
  else
    PetscCall(FenEntriesByPairs(op, W, &found));
  PetscCall(FenEntriesToSparse(&found, op->n[0], sparse));
  PetscCall(PetscFree(found.entry));
  PetscFunctionReturn(0);
}

static PetscErrorCode WantedCreate(FenOTOperator op, const double f[], const double g[], PetscBool by_column,
                                   FenWanted *W)
{
  PetscFunctionBegin;
  *W = (FenWanted){.f = f, .g = g, .by_column = by_column};
  for (int s = 0; s < 2; s++)
    PetscCall(PetscMalloc2(op->n[s], &W->cut[s], op->n[s], &W->kept[s]));
  PetscFunctionReturn(0);
}

static PetscErrorCode WantedDestroy(FenWanted *W)
{
  PetscFunctionBegin;
  for (int s = 0; s < 2; s++)
    PetscCall(PetscFree2(W->cut[s], W->kept[s]));
  PetscFunctionReturn(0);
}

PetscErrorCode FenOTEntries(FenOTOperator op, const double f[], const double g[], double share, PetscBool by_column,
                            const double among[], FenSparse *sparse)
{
  FenWanted W;

  PetscFunctionBegin;
  PetscCall(WantedCreate(op, f, g, by_column, &W));
  Keep(op, 0, PetscNot(by_column), NULL, &W); /* of a plan each row is wanted, whatever it carries */
  Keep(op, 1, PETSC_FALSE, among, &W);
  PetscCall(ColumnCuts(op, f, g, share, by_column, W.cut[1]));
  PetscCall(RowCuts(op, f, g, share, W.cut[0]));
  PetscCall(Search(op, &W, INT64_MAX, sparse));
  PetscCall(WantedDestroy(&W));
  PetscFunctionReturn(0);
}

PetscErrorCode FenOTKeepEntries(FenOTOperator op, const double f[], const double g[], const double c[], double share,
                                FenInt most, const double among[], PetscBool *kept)
{
  FenWanted W;
  FenSparse E;

  PetscFunctionBegin;
  PetscCall(FenSparsePlanDestroy(&op->sparse));
  PetscCall(WantedCreate(op, f, g, PETSC_TRUE, &W));
  Keep(op, 0, PETSC_FALSE, op->rows, &W);
  Keep(op, 1, PETSC_FALSE, among, &W);
  for (FenInt i = 0; i < op->n[0]; i++)
    W.cut[0][i] = log2(share);
  for (FenInt j = 0; j < op->n[1]; j++)
    W.cut[1][j] = c[j] > 0 ? log2(share) + log2(c[j]) : HUGE_VAL;
  PetscCall(Search(op, &W, most + 1, &E));
  op->passes += op->share;
  *kept = (PetscBool)(E.ptr[op->n[0]] <= most);
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, kept, 1, MPIU_BOOL, MPI_LAND, op->comm));
  if (*kept)
    PetscCall(FenSparsePlanCreate(op, &E, &op->sparse));
  PetscCall(FenSparseFree(&E));
  PetscCall(WantedDestroy(&W));
  PetscFunctionReturn(0);
}
