/* SPDX-License-Identifier: BSD-2-Clause */
/* Moves rows: a range of the rows of a set, cut evenly over all ranks whatever their cut was before. */
#include "datasetimpl.h"

typedef struct {
  PetscMPIInt nranks;
  FenInt     *start; /* ranks + 1: wanted rows of every rank */
  FenInt     *have;  /* ranks + 1: rows that it has */
  FenInt      first;
  int        *count, *place, *from, *fromplace; /* for MPI_Alltoallv */
} Plan;

static FenInt Overlap(FenInt a0, FenInt a1, FenInt b0, FenInt b1)
{
  return PetscMax(PetscMin(a1, b1) - PetscMax(a0, b0), 0);
}

static PetscErrorCode PlanMake(const FenDataset *a, FenInt first, FenInt end, Plan *p)
{
  FenLayout rows;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(a->comm, &p->nranks));
  PetscCall(PetscMalloc2((size_t)p->nranks + 1, &p->start, (size_t)p->nranks + 1, &p->have));
  PetscCall(PetscMalloc4((size_t)p->nranks, &p->count, (size_t)p->nranks, &p->place, (size_t)p->nranks, &p->from,
                         (size_t)p->nranks, &p->fromplace));
  PetscCall(FenLayoutCreateRows(a->comm, end - first, &rows));
  p->start[0] = p->have[0] = 0;
  for (PetscMPIInt r = 0; r < p->nranks; r++) {
    FenBox box;

    PetscCall(FenLayoutGetBox(rows, r, &box));
    p->start[r + 1] = box.hi[0];
  }
  PetscCall(FenLayoutDestroy(&rows));
  p->first = first;
  PetscCallMPI(MPI_Allgather(&a->row1, 1, MPI_FENINT, p->have + 1, 1, MPI_FENINT, a->comm));
  PetscFunctionReturn(0);
}

static PetscErrorCode PlanFree(Plan *p)
{
  PetscFunctionBegin;
  PetscCall(PetscFree2(p->start, p->have));
  PetscCall(PetscFree4(p->count, p->place, p->from, p->fromplace));
  PetscFunctionReturn(0);
}

/* my row where rank r's part begins, kept within my rows */
static FenInt Mine(const FenDataset *a, FenInt row)
{
  return PetscMin(PetscMax(row, a->row0), a->row1) - a->row0;
}

/* things of `size` bytes; offset NULL: one a row; otherwise those of row i begin at offset[i], in my old and new rows
 */
static PetscErrorCode Move(Plan *p, const FenDataset *a, const FenDataset *b, const FenInt *old, const FenInt *new,
                           FenInt size, const void *from, void *to)
{
  MPI_Datatype type;
  PetscMPIInt  bytes;

  PetscFunctionBegin;
  for (PetscMPIInt r = 0; r < p->nranks; r++) {
    const FenInt s0 = Mine(a, p->first + p->start[r]), s1 = Mine(a, p->first + p->start[r + 1]);
    FenInt       r0 = 0, n;

    for (PetscMPIInt q = 0; q < r; q++)
      r0 += Overlap(p->first + b->row0, p->first + b->row1, p->have[q], p->have[q + 1]);
    n = Overlap(p->first + b->row0, p->first + b->row1, p->have[r], p->have[r + 1]);
    PetscCall(FenMPIIntCast(old ? old[s0] : s0, &p->place[r]));
    PetscCall(FenMPIIntCast(old ? old[s1] - old[s0] : s1 - s0, &p->count[r]));
    PetscCall(FenMPIIntCast(new ? new[r0] : r0, &p->fromplace[r]));
    PetscCall(FenMPIIntCast(new ? new[r0 + n] - new[r0] : n, &p->from[r]));
  }
  PetscCall(FenMPIIntCast(size, &bytes));
  PetscCallMPI(MPI_Type_contiguous(bytes, MPI_BYTE, &type));
  PetscCallMPI(MPI_Type_commit(&type));
  PetscCallMPI(MPI_Alltoallv(from, p->count, p->place, type, to, p->from, p->fromplace, type, a->comm));
  PetscCallMPI(MPI_Type_free(&type));
  PetscFunctionReturn(0);
}

static PetscErrorCode MoveSparse(Plan *p, const FenDataset *a, FenDataset *b)
{
  FenInt *length;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1((size_t)a->rows + 1, &length));
  for (PetscInt i = 0; i < a->rows; i++)
    length[i] = a->csr.ptr[i + 1] - a->csr.ptr[i];
  PetscCall(PetscMalloc1((size_t)b->rows + 1, &b->csr.ptr));
  PetscCall(Move(p, a, b, NULL, NULL, (FenInt)sizeof(FenInt), length, b->csr.ptr + 1));
  PetscCall(PetscFree(length));
  b->csr.ptr[0] = 0;
  for (PetscInt i = 0; i < b->rows; i++)
    b->csr.ptr[i + 1] += b->csr.ptr[i];
  PetscCall(PetscMalloc1((size_t)b->csr.ptr[b->rows] + 1, &b->csr.idx));
  PetscCall(PetscMalloc1((size_t)b->csr.ptr[b->rows] + 1, &b->csr.val));
  PetscCall(Move(p, a, b, a->csr.ptr, b->csr.ptr, (FenInt)sizeof(FenInt), a->csr.idx, b->csr.idx));
  PetscCall(Move(p, a, b, a->csr.ptr, b->csr.ptr, (FenInt)sizeof(double), a->csr.val, b->csr.val));
  PetscFunctionReturn(0);
}

PetscErrorCode FenDatasetCut_Private(const FenDataset *a, FenInt first, FenInt end, FenDataset *b)
{
  Plan        plan;
  PetscMPIInt rank;

  PetscFunctionBegin;
  PetscCall(PlanMake(a, first, end, &plan));
  PetscCallMPI(MPI_Comm_rank(a->comm, &rank));
  *b = (FenDataset){.comm = a->comm, .n = end - first, .d = a->d, .cols = a->cols};
  b->row0 = plan.start[rank];
  b->row1 = plan.start[rank + 1];
  PetscCall(FenIntCast(b->row1 - b->row0, &b->rows));
  PetscCall(PetscStrncpy(b->name, a->name, sizeof(b->name)));
  PetscCall(PetscMalloc1((size_t)b->rows + 1, &b->y));
  PetscCall(Move(&plan, a, b, NULL, NULL, (FenInt)sizeof(double), a->y, b->y));
  if (a->X) {
    PetscCall(PetscMalloc1((size_t)b->rows * (size_t)b->d + 1, &b->X));
    PetscCall(Move(&plan, a, b, NULL, NULL, a->d * (FenInt)sizeof(double), a->X, b->X));
  } else
    PetscCall(MoveSparse(&plan, a, b));
  PetscCall(PlanFree(&plan));
  PetscFunctionReturn(0);
}

PetscErrorCode FenDatasetDense_Private(FenDataset *a)
{
  PetscFunctionBegin;
  if (a->X)
    PetscFunctionReturn(0);
  PetscCall(PetscCalloc1((size_t)a->rows * (size_t)a->d + 1, &a->X));
  for (PetscInt i = 0; i < a->rows; i++)
    for (FenInt e = a->csr.ptr[i]; e < a->csr.ptr[i + 1]; e++)
      a->X[(size_t)i * (size_t)a->d + (size_t)a->csr.idx[e]] = a->csr.val[e];
  PetscCall(PetscFree(a->csr.ptr));
  PetscCall(PetscFree(a->csr.idx));
  PetscCall(PetscFree(a->csr.val));
  PetscFunctionReturn(0);
}
