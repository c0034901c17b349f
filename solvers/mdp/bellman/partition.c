/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Which rank works on which states. Work of a state: entries of its rows, and two more for each row.

     block   consecutive states, cut where the sum of the work passes k/P of all; the model's own cut stays if no rank
             has more than 5 % above the mean, since moving rows would gain less than it costs
     graph   PT-Scotch on the graph of states: an edge for s -> s' by any action, weight 2 where both directions are
             there, so that the weight that is cut bounds the values sent: sum over states of (ranks that need its
             value - 1)

   Reference: F. Pellegrini, PT-Scotch; U. Catalyurek, C. Aykanat, IEEE TPDS 10(7), 1999, for the metric.
   Cost: block one pass over the states and two reductions; graph about 100 bytes an edge.
*/
#include "bellmanimpl.h"

#define ROW_WORK  2    /* of a row beside its entries */
#define KEEP      1.05 /* imbalance of the model's cut that is left alone */
#define WORK_MOST 5e8  /* sum of the weights that PT-Scotch is given */

/* of one of my states; rows made on demand count as the longest */
static PetscErrorCode StateWork(FenBellman b, FenInt s, FenInt *work)
{
  int rows;

  PetscFunctionBegin;
  PetscCall(FenBellmanNumberOfRows_Private(b, s, &rows));
  *work = 1 + ROW_WORK * rows;
  if (b->rows)
    *work += b->rows->row_ptr[b->rows->state_ptr[s + 1]] - b->rows->row_ptr[b->rows->state_ptr[s]];
  else
    *work += rows * b->longest;
  PetscFunctionReturn(0);
}

PetscErrorCode FenBellmanWork_Private(FenBellman b, double *mine)
{
  FenInt work = 0, sum = 0;

  PetscFunctionBegin;
  for (FenInt s = 0; s < b->nlocal; s++) {
    PetscCall(StateWork(b, s, &work));
    sum += work;
  }
  *mine = (double)sum;
  PetscFunctionReturn(0);
}

static PetscErrorCode Block(FenBellman b, PetscMPIInt **owner)
{
  FenInt work = 0, before = 0, total, most;
  double sum;

  PetscFunctionBegin;
  PetscCall(FenBellmanWork_Private(b, &sum));
  work = (FenInt)sum;
  PetscCallMPI(MPI_Scan(&work, &before, 1, MPI_FENINT, MPI_SUM, b->comm));
  PetscCallMPI(MPI_Allreduce(&work, &total, 1, MPI_FENINT, MPI_SUM, b->comm));
  PetscCallMPI(MPI_Allreduce(&work, &most, 1, MPI_FENINT, MPI_MAX, b->comm));
  before -= work;
  if ((double)most * b->size <= KEEP * (double)total)
    PetscFunctionReturn(0);
  PetscCall(PetscMalloc1(PetscMax(1, b->nlocal), owner));
  for (FenInt s = 0; s < b->nlocal; s++) {
    double middle;

    PetscCall(StateWork(b, s, &work));
    middle = (double)before + (double)work / 2;
    (*owner)[s] = PetscMin(b->size - 1, (PetscMPIInt)(middle / (double)total * b->size));
    before += work;
  }
  PetscFunctionReturn(0);
}

/* the numbers of the states that a state's rows reach, each once, without itself */
static PetscErrorCode Neighbours(FenBellman b, FenInt s, FenInt *capacity, PetscInt **list, PetscInt *n)
{
  const FenInt self = b->model_start + s;
  PetscInt     m = 0, k = 0;
  int          rows;

  PetscFunctionBegin;
  PetscCall(FenBellmanNumberOfRows_Private(b, s, &rows));
  for (int a = 0; a < rows; a++) {
    const FenInt *next;
    FenInt        length;

    PetscCall(FenBellmanNext_Private(b, s, a, &length, &next));
    if (m + length > *capacity) {
      *capacity = 2 * (m + length);
      PetscCall(PetscRealloc((size_t)*capacity * sizeof(PetscInt), list));
    }
    for (FenInt j = 0; j < length; j++)
      if (next[j] != self)
        (*list)[m++] = (PetscInt)next[j];
  }
  PetscCall(PetscSortInt(m, *list));
  for (PetscInt j = 0; j < m; j++)
    if (!j || (*list)[j] != (*list)[j - 1])
      (*list)[k++] = (*list)[j];
  *n = k;
  PetscFunctionReturn(0);
}

/* edges in both directions: pairs (row, column), those of others' rows included */
static PetscErrorCode ListEdges(FenBellman b, PetscCount *n, PetscInt **row, PetscInt **col)
{
  PetscInt *list = NULL, m = 0;
  FenInt    capacity = 0, edges = 0, room = 16 * b->nlocal + 16;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(room, row));
  PetscCall(PetscMalloc1(room, col));
  for (FenInt s = 0; s < b->nlocal; s++) {
    PetscCall(Neighbours(b, s, &capacity, &list, &m));
    if (edges + 2 * m > room) {
      room = 2 * (edges + 2 * m);
      PetscCall(PetscRealloc((size_t)room * sizeof(PetscInt), row));
      PetscCall(PetscRealloc((size_t)room * sizeof(PetscInt), col));
    }
    for (PetscInt j = 0; j < m; j++) {
      (*row)[edges] = (*col)[edges + 1] = (PetscInt)(b->model_start + s);
      (*col)[edges] = (*row)[edges + 1] = list[j];
      edges += 2;
    }
  }
  PetscCall(PetscFree(list));
  *n = (PetscCount)edges;
  PetscFunctionReturn(0);
}

/* sums of equal pairs and the way to their owners are the matrix's business */
static PetscErrorCode MakeGraph(FenBellman b, Mat *graph)
{
  PetscInt     n, total, *row, *col;
  PetscScalar *one;
  PetscCount   edges;
  Mat          A;

  PetscFunctionBegin;
  PetscCall(FenIntCast(b->nlocal, &n));
  PetscCall(FenIntCast(b->total, &total));
  PetscCall(ListEdges(b, &edges, &row, &col));
  PetscCall(MatCreate(b->comm, &A));
  PetscCall(MatSetSizes(A, n, n, total, total));
  PetscCall(MatSetType(A, MATMPIAIJ));
  PetscCall(MatSetPreallocationCOO(A, edges, row, col));
  PetscCall(PetscFree(row));
  PetscCall(PetscFree(col));
  PetscCall(PetscMalloc1(PetscMax(1, edges), &one));
  for (PetscCount k = 0; k < edges; k++)
    one[k] = 1;
  PetscCall(MatSetValuesCOO(A, one, INSERT_VALUES));
  PetscCall(PetscFree(one));
  PetscCall(MatConvert(A, MATMPIADJ, MAT_INITIAL_MATRIX, graph));
  PetscCall(MatDestroy(&A));
  PetscFunctionReturn(0);
}

/* work as 32-bit weights whose sum fits too */
static PetscErrorCode Weights(FenBellman b, PetscInt **weight)
{
  FenInt work = 0, scale;
  double sum;

  PetscFunctionBegin;
  PetscCall(FenBellmanWork_Private(b, &sum));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &sum, 1, MPI_DOUBLE, MPI_SUM, b->comm));
  scale = 1 + (FenInt)(sum / WORK_MOST);
  PetscCall(PetscMalloc1(PetscMax(1, b->nlocal), weight));
  for (FenInt s = 0; s < b->nlocal; s++) {
    PetscCall(StateWork(b, s, &work));
    (*weight)[s] = (PetscInt)(1 + work / scale);
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode Graph(FenBellman b, PetscMPIInt **owner)
{
  MatPartitioning part;
  const PetscInt *index;
  PetscInt       *weight;
  Mat             graph;
  IS              is;

  PetscFunctionBegin;
  PetscCheck(b->total < PETSC_MAX_INT, b->comm, (PetscErrorCode)FEN_ERR_SIZE,
             "%" FENINT_FMT " states are too many for -mdp_partition graph with this PETSc's integers; use block",
             b->total);
  PetscCall(MakeGraph(b, &graph));
  PetscCall(Weights(b, &weight));
  PetscCall(MatPartitioningCreate(b->comm, &part));
  PetscCall(MatPartitioningSetType(part, MATPARTITIONINGPTSCOTCH));
  PetscCall(MatPartitioningSetAdjacency(part, graph));
  PetscCall(MatPartitioningSetUseEdgeWeights(part, PETSC_TRUE));
  PetscCall(MatPartitioningSetVertexWeights(part, weight)); /* freed with it */
  PetscCall(MatPartitioningApply(part, &is));
  PetscCall(PetscMalloc1(PetscMax(1, b->nlocal), owner));
  PetscCall(ISGetIndices(is, &index));
  for (FenInt s = 0; s < b->nlocal; s++)
    (*owner)[s] = (PetscMPIInt)index[s];
  PetscCall(ISRestoreIndices(is, &index));
  PetscCall(ISDestroy(&is));
  PetscCall(MatPartitioningDestroy(&part));
  PetscCall(MatDestroy(&graph));
  PetscFunctionReturn(0);
}

PetscErrorCode FenBellmanPartition_Private(FenBellman b, PetscMPIInt **owner)
{
  PetscFunctionBegin;
  *owner = NULL;
  if (b->size == 1)
    PetscFunctionReturn(0);
  if (b->options.partition == FEN_MDP_PARTITION_BLOCK)
    PetscCall(Block(b, owner));
  if (b->options.partition == FEN_MDP_PARTITION_GRAPH)
    PetscCall(Graph(b, owner));
  PetscFunctionReturn(0);
}
