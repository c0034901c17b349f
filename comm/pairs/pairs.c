/* SPDX-License-Identifier: BSD-2-Clause */
/*
   FenPairs: choice of the schedule, life, and the work on one pair of blocks.
*/
#include "pairsimpl.h"

#define FEN_PAIRS_PORTION 512 /* rows between two looks at the messages */

const char *const FenPairsTypes[] = {"auto", "ring", "grid", "FenPairsType", "FEN_PAIRS_", NULL};

PetscErrorCode FenBufferReserve_Private(FenBuffer *b, FenInt n)
{
  size_t bytes;

  PetscFunctionBegin;
  if (n <= b->capacity)
    PetscFunctionReturn(0);
  PetscCall(PetscFree(b->data));
  b->capacity = 0;
  PetscCall(FenBytes(n, sizeof(double), &bytes));
  PetscCall(PetscMalloc(bytes, &b->data));
  b->capacity = n;
  PetscFunctionReturn(0);
}

PetscErrorCode FenPairsBlockOf_Private(FenLayout layout, PetscMPIInt rank, const double data[], FenPairsBlock *block)
{
  FenBox box;

  PetscFunctionBegin;
  PetscCall(FenLayoutGetBox(layout, rank, &box));
  *block = (FenPairsBlock){box.lo[0], box.hi[0] - box.lo[0], box.hi[0] - box.lo[0], data};
  PetscFunctionReturn(0);
}

PetscErrorCode FenPairsWork_Private(FenPairs pairs, const FenPairsTask *task, const FenPairsBlock *rows,
                                    const FenPairsBlock *cols, double acc[])
{
  PetscFunctionBegin;
  for (FenInt k = 0; k < rows->n && cols->n && !pairs->fault.code; k += FEN_PAIRS_PORTION) {
    const FenInt         n = PetscMin(FEN_PAIRS_PORTION, rows->n - k);
    const FenPairsBlock  part = {rows->first + k, n, rows->stride, rows->data ? rows->data + k : NULL};
    const PetscErrorCode code = task->tile(task->ctx, &part, cols, acc + k * task->nacc);

    if (code)
      FenFaultSet(&pairs->fault, (int)code,
                  "work on rows %" FENINT_FMT " to %" FENINT_FMT ", columns %" FENINT_FMT " to %" FENINT_FMT " failed",
                  part.first, part.first + n, cols->first, cols->first + cols->n);
    PetscCall(FenRequestsTest_Private(&pairs->req_col));
    PetscCall(FenRequestsTest_Private(&pairs->req_row));
    PetscCall(FenRequestsTest_Private(&pairs->req_send));
    PetscCall(FenRequestsTest_Private(&pairs->req_acc));
  }
  PetscFunctionReturn(0);
}

/* p*q = P with the least to send, n/p + m/q; the squarest among equals */
static void FenPairsShape(PetscMPIInt P, FenInt n, FenInt m, PetscMPIInt *p, PetscMPIInt *q)
{
  double best = PETSC_MAX_REAL;

  for (PetscMPIInt a = 1; a <= P; a++) {
    const PetscMPIInt b = P / a;
    const double      cost = (double)n / a + (double)m / b;

    if (P % a || cost > best || (cost == best && PetscAbs(a - b) >= PetscAbs(*p - *q)))
      continue;
    best = cost;
    *p = a;
    *q = b;
  }
}

static PetscBool FenIsPrime(PetscMPIInt P)
{
  for (PetscMPIInt a = 2; a <= P / a; a++)
    if (P % a == 0)
      return PETSC_FALSE;
  return PETSC_TRUE;
}

static PetscErrorCode FenPairsCheckLayouts(FenLayout rows, FenLayout cols)
{
  const MPI_Comm comm = PetscObjectComm((PetscObject)rows);
  int            compared;

  PetscFunctionBegin;
  PetscCheck(rows->dim == 1 && cols->dim == 1, comm, FEN_ERR_USAGE, "pairs need layouts of one axis, not of %d and %d",
             (int)rows->dim, (int)cols->dim);
  PetscCallMPI(MPI_Comm_compare(comm, PetscObjectComm((PetscObject)cols), &compared));
  PetscCheck(compared == MPI_IDENT || compared == MPI_CONGRUENT, comm, FEN_ERR_USAGE,
             "rows and columns are on different ranks");
  PetscFunctionReturn(0);
}

/*@
  FenPairsCreate - Prepares work on all pairs of a row and a column.

  Collective

  Input Parameters:
+ rows - layout of one axis
. cols - layout of one axis on the same ranks
- type - `FEN_PAIRS_RING`, `FEN_PAIRS_GRID` or `FEN_PAIRS_AUTO`

  Output Parameter:
. pairs - the schedule; it keeps references to both layouts

  Notes:
  With n rows, m columns, P ranks, R pairs a second and rank, start-up time a and transfer time b of a number, and w
  numbers a column,

     ring   t = n m/(P R) + (P-1) max(0, a + b w m/P - n m/(P^2 R)) + P a
     grid   t = n m/(P R) + (p+q) a + what the first block's work does not hide of b w (n/p + m/q)

  The ring hides everything while a block's work takes longer than its transfer, and never merges accumulators; its
  messages grow with m whatever P is. The grid's shrink like the square root of P. So automatic choice takes the ring up
  to four ranks and for prime numbers of ranks, and the grid of least n/p + m/q otherwise.

  Errors:
  `FEN_ERR_USAGE` if a layout has more than one axis or the ranks differ.

  Level: developer

.seealso: `FenPairsRun()`, `FenPairsGetType()`, `FenPairsGetGrid()`, `FenPairsDestroy()`
@*/
PetscErrorCode FenPairsCreate(FenLayout rows, FenLayout cols, FenPairsType type, FenPairs *pairs)
{
  FenPairs x;

  PetscFunctionBegin;
  PetscCall(FenPairsCheckLayouts(rows, cols));
  PetscCall(PetscNew(&x));
  PetscCall(PetscObjectReference((PetscObject)rows));
  PetscCall(PetscObjectReference((PetscObject)cols));
  x->rows = rows;
  x->cols = cols;
  x->comm = PetscObjectComm((PetscObject)rows);
  PetscCallMPI(MPI_Comm_rank(x->comm, &x->rank));
  PetscCallMPI(MPI_Comm_size(x->comm, &x->size));
  PetscCall(PetscObjectGetNewTag((PetscObject)rows, &x->tag_row));
  PetscCall(PetscObjectGetNewTag((PetscObject)rows, &x->tag_col));
  PetscCall(PetscObjectGetNewTag((PetscObject)rows, &x->tag_acc));
  x->type = type;
  if (type == FEN_PAIRS_AUTO)
    x->type = x->size <= 4 || FenIsPrime(x->size) ? FEN_PAIRS_RING : FEN_PAIRS_GRID;
  x->p = x->size;
  x->q = 1;
  if (x->type == FEN_PAIRS_GRID)
    FenPairsShape(x->size, rows->size, cols->size, &x->p, &x->q);
  *pairs = x;
  PetscFunctionReturn(0);
}

/*@
  FenPairsGetType - The schedule in use.

  Not Collective

  Input Parameter:
. pairs - the schedule

  Output Parameter:
. type - `FEN_PAIRS_RING` or `FEN_PAIRS_GRID`

  Level: developer

.seealso: `FenPairsCreate()`
@*/
PetscErrorCode FenPairsGetType(FenPairs pairs, FenPairsType *type)
{
  PetscFunctionBegin;
  *type = pairs->type;
  PetscFunctionReturn(0);
}

/*@
  FenPairsGetGrid - The grid of ranks in use.

  Not Collective

  Input Parameter:
. pairs - the schedule

  Output Parameters:
+ p - a rank works on the p-th part of the rows
- q - and the q-th part of the columns; 1 for the ring

  Level: developer

.seealso: `FenPairsCreate()`
@*/
PetscErrorCode FenPairsGetGrid(FenPairs pairs, PetscMPIInt *p, PetscMPIInt *q)
{
  PetscFunctionBegin;
  *p = pairs->p;
  *q = pairs->q;
  PetscFunctionReturn(0);
}

/*@
  FenPairsRun - Works on all pairs.

  Collective

  Input Parameters:
+ pairs - the schedule
- task  - what to do; its accumulators hold their neutral elements on entry and the results on return

  Notes:
  The tile function gets blocks of at most 512 rows with all columns of one rank. Rows and columns of one rank come in
  the same order in every run, and accumulators are merged in a fixed order: runs on the same number of ranks agree to
  the last bit.

  Errors:
  If the tile function fails on a rank, all ranks get the error of the lowest one, after all messages have arrived.

  Level: developer

.seealso: `FenPairsCreate()`
@*/
PetscErrorCode FenPairsRun(FenPairs pairs, FenPairsTask *task)
{
  PetscFunctionBegin;
  PetscCheck(task->nacc >= 1 && task->nacc <= 16 && task->nrow >= 0 && task->ncol >= 0, pairs->comm, FEN_ERR_INTERNAL,
             "%d numbers a row, %d a column, %d an accumulator (1 to 16)", (int)task->nrow, (int)task->ncol,
             (int)task->nacc);
  pairs->fault.code = 0;
  if (pairs->type == FEN_PAIRS_GRID)
    PetscCall(FenPairsRun_Grid(pairs, task));
  else
    PetscCall(FenPairsRun_Ring(pairs, task));
  PetscCall(FenFaultAgree(pairs->comm, &pairs->fault));
  PetscFunctionReturn(0);
}

/*@
  FenPairsDestroy - Frees a schedule and its buffers.

  Collective

  Input Parameter:
. pairs - the schedule, NULL on return

  Level: developer

.seealso: `FenPairsCreate()`
@*/
PetscErrorCode FenPairsDestroy(FenPairs *pairs)
{
  FenPairs x = *pairs;

  PetscFunctionBegin;
  if (!x)
    PetscFunctionReturn(0);
  PetscCall(PetscFree(x->row.data));
  PetscCall(PetscFree(x->col.data));
  PetscCall(PetscFree(x->acc_out.data));
  PetscCall(PetscFree(x->acc_in.data));
  PetscCall(FenRequestsDestroy_Private(&x->req_row));
  PetscCall(FenRequestsDestroy_Private(&x->req_col));
  PetscCall(FenRequestsDestroy_Private(&x->req_send));
  PetscCall(FenRequestsDestroy_Private(&x->req_acc));
  PetscCall(FenLayoutDestroy(&x->rows));
  PetscCall(FenLayoutDestroy(&x->cols));
  PetscCall(PetscFree(*pairs));
  PetscFunctionReturn(0);
}
