/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Rows of a model: what they must obey, and the one form in which they are kept.
*/
#include "mdpmodelimpl.h"
#include <math.h>

#define FEN_INSERTION_MAX ((FenInt)24)

static void FenSwapDoubles(double x[], FenInt i, FenInt j)
{
  const double t = x ? x[i] : 0;

  if (!x)
    return;
  x[i] = x[j];
  x[j] = t;
}

static void FenSwapEntries(FenMDPRowView *r, FenInt i, FenInt j)
{
  const FenInt next = r->next[i];

  r->next[i] = r->next[j];
  r->next[j] = next;
  FenSwapDoubles(r->prob, i, j);
  FenSwapDoubles(r->reward_next, i, j);
  FenSwapDoubles(r->prob_low, i, j);
  FenSwapDoubles(r->prob_up, i, j);
}

static void FenInsertionSort(FenMDPRowView *r)
{
  for (FenInt i = 1; i < r->n; i++)
    for (FenInt j = i; j > 0 && r->next[j - 1] > r->next[j]; j--)
      FenSwapEntries(r, j - 1, j);
}

static void FenSiftDown(FenMDPRowView *r, FenInt root, FenInt n)
{
  for (FenInt child = 2 * root + 1; child < n; child = 2 * root + 1) {
    if (child + 1 < n && r->next[child] < r->next[child + 1])
      child++;
    if (r->next[root] >= r->next[child])
      return;
    FenSwapEntries(r, root, child);
    root = child;
  }
}

static void FenHeapSort(FenMDPRowView *r)
{
  for (FenInt i = r->n / 2; i-- > 0;)
    FenSiftDown(r, i, r->n);
  for (FenInt n = r->n; n-- > 1;) {
    FenSwapEntries(r, 0, n);
    FenSiftDown(r, 0, n);
  }
}

static void FenSortRow(FenMDPRowView *r)
{
  FenInt i = 1;

  while (i < r->n && r->next[i - 1] <= r->next[i])
    i++;
  if (i >= r->n)
    return;
  if (r->n <= FEN_INSERTION_MAX)
    FenInsertionSort(r);
  else
    FenHeapSort(r);
}

/* entry i is one more of the successor of entry k */
static void FenAddEntry(FenMDPRowView *r, FenInt k, FenInt i)
{
  const double p = r->prob[k] + r->prob[i];

  if (r->reward_next && p > 0)
    r->reward_next[k] = (r->prob[k] * r->reward_next[k] + r->prob[i] * r->reward_next[i]) / p;
  r->prob[k] = p;
  if (r->prob_low) {
    r->prob_low[k] = PetscMin(r->prob_low[k] + r->prob_low[i], 1);
    r->prob_up[k] = PetscMin(r->prob_up[k] + r->prob_up[i], 1);
  }
}

static void FenMoveEntry(FenMDPRowView *r, FenInt k, FenInt i)
{
  r->next[k] = r->next[i];
  r->prob[k] = r->prob[i];
  if (r->reward_next)
    r->reward_next[k] = r->reward_next[i];
  if (r->prob_low) {
    r->prob_low[k] = r->prob_low[i];
    r->prob_up[k] = r->prob_up[i];
  }
}

/* a sorted row: entries of one successor are added; zeros go unless they list a successor that nature may use */
static void FenMergeRow(const FenMDPRule *rule, FenMDPRowView *r)
{
  FenInt n = 0;

  for (FenInt i = 0; i < r->n; i++) {
    if (r->prob[i] == 0 && !rule->listed && !(r->prob_up && r->prob_up[i] > 0))
      continue;
    if (n && r->next[n - 1] == r->next[i])
      FenAddEntry(r, n - 1, i);
    else
      FenMoveEntry(r, n++, i);
  }
  r->n = n;
}

/* rows that miss one by more than rounding are scaled, so that all that is built on stochastic rows holds */
static void FenScaleRow(const FenMDPRule *rule, FenMDPRowView *r)
{
  double sum = 0;

  for (FenInt i = 0; i < r->n; i++)
    sum += r->prob[i];
  if (fabs(sum - 1) <= 2 * (double)(r->n + 1) * PETSC_MACHINE_EPSILON || (rule->substochastic && sum < 1))
    return;
  for (FenInt i = 0; i < r->n; i++)
    r->prob[i] /= sum;
}

void FenMDPRowFinish_Private(const FenMDPRule *rule, FenMDPRowView *r)
{
  FenSortRow(r);
  FenMergeRow(rule, r);
  FenScaleRow(rule, r);
  if (!r->reward_next)
    return;
  *r->reward = 0;
  for (FenInt i = 0; i < r->n; i++)
    *r->reward += r->prob[i] * r->reward_next[i];
}

/* the i-th entry obeys the rules */
static void FenCheckEntry(const FenMDPRule *rule, FenInt state, const FenMDPRowView *r, FenInt i, FenFault *fault)
{
  if (r->next[i] < 0 || r->next[i] >= rule->nstates)
    FenFaultSet(fault, FEN_ERR_VALUE,
                "%sstate %" FENINT_FMT ", action %d: successor %" FENINT_FMT
                "; rule: states are numbered from 0 to %" FENINT_FMT,
                rule->where, state, r->action, r->next[i], rule->nstates - 1);
  else if (!(isfinite(r->prob[i]) && r->prob[i] >= 0))
    FenFaultSet(fault, FEN_ERR_VALUE,
                "%sstate %" FENINT_FMT ", action %d: probability of successor %" FENINT_FMT
                " is %g; rule: probabilities are finite and not negative",
                rule->where, state, r->action, r->next[i], r->prob[i]);
  else if (r->reward_next && !isfinite(r->reward_next[i]))
    FenFaultSet(fault, FEN_ERR_VALUE,
                "%sstate %" FENINT_FMT ", action %d: reward of successor %" FENINT_FMT
                " is %g; rule: rewards are finite",
                rule->where, state, r->action, r->next[i], r->reward_next[i]);
  else if (r->prob_low && !(r->prob_low[i] >= 0 && r->prob_low[i] <= r->prob[i] + FEN_MDP_ROW_TOL &&
                            r->prob[i] <= r->prob_up[i] + FEN_MDP_ROW_TOL && r->prob_up[i] <= 1))
    FenFaultSet(fault, FEN_ERR_VALUE,
                "%sstate %" FENINT_FMT ", action %d: probability of successor %" FENINT_FMT
                " is %g in [%g,%g]; rule: 0 <= lower <= probability <= upper <= 1",
                rule->where, state, r->action, r->next[i], r->prob[i], r->prob_low[i], r->prob_up[i]);
}

void FenMDPRowCheck_Private(const FenMDPRule *rule, FenInt state, const FenMDPRowView *r, FenFault *fault)
{
  const double tol = FEN_MDP_ROW_TOL * (double)PetscMax(r->n, 1);
  double       sum = 0;

  if (r->action < 0)
    FenFaultSet(fault, FEN_ERR_VALUE, "%sstate %" FENINT_FMT ": action %d; rule: actions are numbered from 0",
                rule->where, state, r->action);
  if (!r->reward_next && !isfinite(*r->reward))
    FenFaultSet(fault, FEN_ERR_VALUE, "%sstate %" FENINT_FMT ", action %d: reward is %g; rule: rewards are finite",
                rule->where, state, r->action, *r->reward);
  if (!r->n && !rule->substochastic)
    FenFaultSet(fault, FEN_ERR_VALUE,
                "%sstate %" FENINT_FMT ", action %d: the row is empty; rule: its probabilities sum to one; leave out "
                "actions that do not exist",
                rule->where, state, r->action);
  for (FenInt i = 0; i < r->n && !fault->code; i++) {
    FenCheckEntry(rule, state, r, i, fault);
    sum += r->prob[i];
  }
  if (!fault->code && (sum > 1 + tol || (sum < 1 - tol && !rule->substochastic)))
    FenFaultSet(fault, FEN_ERR_VALUE,
                "%sstate %" FENINT_FMT ", action %d: the probabilities sum to %.15g; rule: a row sums to %sone within "
                "%g",
                rule->where, state, r->action, sum, rule->substochastic ? "at most " : "", tol);
}

PetscErrorCode FenMDPRowsFree_Private(FenMDPRows *rows)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(rows->state_ptr));
  PetscCall(PetscFree(rows->action));
  PetscCall(PetscFree(rows->row_ptr));
  PetscCall(PetscFree(rows->next));
  PetscCall(PetscFree(rows->prob));
  PetscCall(PetscFree(rows->reward));
  PetscCall(PetscFree(rows->reward_next));
  PetscCall(PetscFree(rows->prob_low));
  PetscCall(PetscFree(rows->prob_up));
  PetscFunctionReturn(0);
}

PetscErrorCode FenMDPRowsAllocate_Private(FenInt nstates, FenInt nrows, FenInt nnz, PetscBool by_next, FenMDPRows *rows)
{
  size_t states, actions, row_ptrs, words, rewards;

  PetscFunctionBegin;
  PetscCall(PetscMemzero(rows, sizeof(*rows)));
  PetscCall(FenBytes(nstates + 1, sizeof(FenInt), &states));
  PetscCall(FenBytes(nrows, sizeof(int), &actions));
  PetscCall(FenBytes(nrows + 1, sizeof(FenInt), &row_ptrs));
  PetscCall(FenBytes(nrows, sizeof(double), &rewards));
  PetscCall(FenBytes(nnz, sizeof(double), &words));
  rows->nstates = nstates;
  PetscCall(PetscMalloc(states, &rows->state_ptr));
  PetscCall(PetscMalloc(actions, &rows->action));
  PetscCall(PetscMalloc(row_ptrs, &rows->row_ptr));
  PetscCall(PetscMalloc(words, &rows->next));
  PetscCall(PetscMalloc(words, &rows->prob));
  PetscCall(FenMemoryLargePages(rows->next, words));
  PetscCall(FenMemoryLargePages(rows->prob, words));
  PetscCall(PetscMalloc(rewards, &rows->reward));
  if (by_next)
    PetscCall(PetscMalloc(words, &rows->reward_next));
  rows->state_ptr[0] = rows->row_ptr[0] = 0;
  PetscFunctionReturn(0);
}

/* pointers grow from 0, actions ascend inside a state */
static void FenCheckPointers(const FenMDPRule *rule, FenInt start, const FenMDPRows *rows, FenFault *fault)
{
  const FenInt n = rows->nstates;

  if (rows->state_ptr[0] != 0 || rows->row_ptr[0] != 0)
    FenFaultSet(fault, FEN_ERR_SHAPE, "%sthe row pointers begin with %" FENINT_FMT " and %" FENINT_FMT "; rule: with 0",
                rule->where, rows->state_ptr[0], rows->row_ptr[0]);
  for (FenInt s = 0; s < n && !fault->code; s++) {
    if (rows->state_ptr[s + 1] < rows->state_ptr[s])
      FenFaultSet(fault, FEN_ERR_SHAPE, "%sstate %" FENINT_FMT ": its rows end before they begin", rule->where,
                  start + s);
    for (FenInt k = rows->state_ptr[s]; k < rows->state_ptr[s + 1] && !fault->code; k++) {
      if (rows->row_ptr[k + 1] < rows->row_ptr[k])
        FenFaultSet(fault, FEN_ERR_SHAPE, "%sstate %" FENINT_FMT ", action %d: the row ends before it begins",
                    rule->where, start + s, rows->action[k]);
      if (k > rows->state_ptr[s] && rows->action[k] <= rows->action[k - 1])
        FenFaultSet(fault, FEN_ERR_VALUE,
                    "%sstate %" FENINT_FMT ": action %d follows action %d; rule: each action once, in ascending order",
                    rule->where, start + s, rows->action[k], rows->action[k - 1]);
    }
  }
}

static void FenCountRow(FenMDPSizes *sizes, const FenMDPRowView *r)
{
  sizes->actions = PetscMax(sizes->actions, r->action + 1);
  sizes->max_next = PetscMax(sizes->max_next, r->n);
  if (!r->reward_next) {
    sizes->reward_min = PetscMin(sizes->reward_min, *r->reward);
    sizes->reward_max = PetscMax(sizes->reward_max, *r->reward);
  }
  for (FenInt i = 0; i < r->n && r->reward_next; i++) {
    sizes->reward_min = PetscMin(sizes->reward_min, r->reward_next[i]);
    sizes->reward_max = PetscMax(sizes->reward_max, r->reward_next[i]);
  }
}

/* a sorted row */
static void FenCheckUnique(const FenMDPRule *rule, FenInt state, const FenMDPRowView *r, FenFault *fault)
{
  for (FenInt i = 1; i < r->n; i++)
    if (r->next[i] == r->next[i - 1]) {
      FenFaultSet(fault, FEN_ERR_VALUE,
                  "%sstate %" FENINT_FMT ", action %d: successor %" FENINT_FMT
                  " comes twice; rule: each successor once in a row",
                  rule->where, state, r->action, r->next[i]);
      return;
    }
}

static void FenMoveDown(double array[], FenInt at, const double from[], FenInt n)
{
  if (array)
    (void)memmove(array + at, from, (size_t)n * sizeof(double));
}

/* all rows checked and brought into their form, in place: rows only become shorter */
static void FenFinishRows(const FenMDPRule *rule, FenMDPModel model, FenFault *fault)
{
  FenMDPRows  *rows = &model->rows;
  const FenInt nrows = rows->state_ptr[rows->nstates];
  FenInt       begin = 0, end = 0;

  for (FenInt s = 0, k = 0; s < rows->nstates && !fault->code; s++)
    for (; k < rows->state_ptr[s + 1] && !fault->code; k++) {
      FenMDPRowView r = {.n = rows->row_ptr[k + 1] - begin,
                         .action = rows->action[k],
                         .next = rows->next + begin,
                         .prob = rows->prob + begin,
                         .reward_next = rows->reward_next ? rows->reward_next + begin : NULL,
                         .prob_low = rows->prob_low ? rows->prob_low + begin : NULL,
                         .prob_up = rows->prob_up ? rows->prob_up + begin : NULL,
                         .reward = rows->reward + k};
      FenMDPRowCheck_Private(rule, model->start + s, &r, fault);
      FenSortRow(&r);
      if (rule->unique)
        FenCheckUnique(rule, model->start + s, &r, fault);
      if (fault->code)
        return;
      FenMDPRowFinish_Private(rule, &r);
      FenCountRow(&model->sizes, &r);
      if (end < begin) {
        (void)memmove(rows->next + end, r.next, (size_t)r.n * sizeof(FenInt));
        FenMoveDown(rows->prob, end, r.prob, r.n);
        FenMoveDown(rows->reward_next, end, r.reward_next, r.n);
        FenMoveDown(rows->prob_low, end, r.prob_low, r.n);
        FenMoveDown(rows->prob_up, end, r.prob_up, r.n);
      }
      begin = rows->row_ptr[k + 1];
      end += r.n;
      rows->row_ptr[k + 1] = end;
    }
  model->nrows = nrows;
  model->nnz = end;
}

/* rewards are by successor on all ranks or on none */
static PetscErrorCode FenAgreeRewards(MPI_Comm comm, FenMDPRows *rows)
{
  int by_next = rows->reward_next ? 1 : 0;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &by_next, 1, MPI_INT, MPI_MAX, comm));
  if (!by_next || rows->reward_next)
    PetscFunctionReturn(0);
  PetscCall(PetscMalloc1((size_t)PetscMax(rows->row_ptr[rows->state_ptr[rows->nstates]], 1), &rows->reward_next));
  for (FenInt k = 0; k < rows->state_ptr[rows->nstates]; k++)
    for (FenInt i = rows->row_ptr[k]; i < rows->row_ptr[k + 1]; i++)
      rows->reward_next[i] = rows->reward[k];
  PetscFunctionReturn(0);
}

/* as with rewards: where they are missing a probability is its own bounds */
static PetscErrorCode FenAgreeBounds(MPI_Comm comm, FenMDPRows *rows, PetscBool *bounds)
{
  const FenInt nnz = rows->row_ptr[rows->state_ptr[rows->nstates]];
  int          any = rows->prob_low && rows->prob_up ? 1 : 0;

  PetscFunctionBegin;
  if (!any) {
    PetscCall(PetscFree(rows->prob_low));
    PetscCall(PetscFree(rows->prob_up));
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &any, 1, MPI_INT, MPI_MAX, comm));
  *bounds = (PetscBool)any;
  if (!any || rows->prob_low)
    PetscFunctionReturn(0);
  PetscCall(PetscMalloc1((size_t)PetscMax(nnz, 1), &rows->prob_low));
  PetscCall(PetscMalloc1((size_t)PetscMax(nnz, 1), &rows->prob_up));
  PetscCall(PetscArraycpy(rows->prob_low, rows->prob, nnz));
  PetscCall(PetscArraycpy(rows->prob_up, rows->prob, nnz));
  PetscFunctionReturn(0);
}

PetscErrorCode FenMDPModelTakeRows_Private(MPI_Comm comm, FenMDPRows *rows, const FenMDPRule *given, FenMDPModel *model)
{
  FenMDPRule     rule = *given;
  FenFault       fault = {0, ""};
  PetscErrorCode code = FenMDPModelCreate_Private(comm, rows->nstates, model);

  PetscFunctionBegin;
  if (code) {
    PetscCall(FenMDPRowsFree_Private(rows));
    PetscCall(code);
  }
  (*model)->stored = PETSC_TRUE;
  (*model)->rows = *rows;
  PetscCall(PetscMemzero(rows, sizeof(*rows)));
  (*model)->sizes.substochastic = rule.substochastic;
  PetscCall(FenLayoutGetSize((*model)->layout, &rule.nstates));
  FenCheckPointers(&rule, (*model)->start, &(*model)->rows, &fault);
  code = FenFaultAgree(comm, &fault);
  if (!code) {
    PetscCall(FenAgreeRewards(comm, &(*model)->rows));
    PetscCall(FenAgreeBounds(comm, &(*model)->rows, &(*model)->sizes.intervals));
    (*model)->sizes.by_next = (*model)->rows.reward_next ? PETSC_TRUE : PETSC_FALSE;
    FenFinishRows(&rule, *model, &fault);
    code = FenFaultAgree(comm, &fault);
  }
  if (code) {
    PetscCall(FenMDPModelDestroy(model));
    PetscCall(code);
  }
  PetscCall(FenMDPModelReduceSizes_Private(*model));
  PetscFunctionReturn(0);
}

/* what this rank gives can be read at all; local */
static void FenCheckArrays(const FenMDPRows *rows, FenFault *fault)
{
  if (rows->nstates < 0)
    FenFaultSet(fault, FEN_ERR_SIZE, "%" FENINT_FMT " states on a rank; rule: not negative", rows->nstates);
  else if (!rows->state_ptr || !rows->row_ptr)
    FenFaultSet(fault, FEN_ERR_USAGE, "a model needs state_ptr and row_ptr on every rank, also where it has no states");
  else if (rows->state_ptr[rows->nstates] < 0 || rows->row_ptr[PetscMax(rows->state_ptr[rows->nstates], 0)] < 0)
    FenFaultSet(fault, FEN_ERR_SHAPE, "a rank's rows end at %" FENINT_FMT "; rule: not negative",
                rows->state_ptr[rows->nstates]);
}

/*@C
  FenMDPModelCreateRows - Makes a model out of rows.

  Collective

  Input Parameters:
+ comm          - the ranks that share the model
. rows          - rows of my states, copied; states are numbered in rank order. `reward` may be NULL if `reward_next`
                  is given
- substochastic - rows may sum to less than one: the missing mass ends in a state of value 0

  Output Parameter:
. model - the model: to be maximised, discounted with a discount that it does not say

  Notes:
  Probabilities are finite and not negative, successors in range, rewards finite, actions ascending inside a state; a
  row sums to one within 1e-10 times its length and is then scaled to sum to one within rounding. Entries of the same
  successor are added (their rewards averaged), zeros dropped unless the rows are `listed` or the upper bound is
  positive. Bounds hold the probabilities within 1e-10. A state without rows is terminal.

  Errors:
  `FEN_ERR_VALUE` naming state, action, value and rule, the same on all ranks; `FEN_ERR_SHAPE`, `FEN_ERR_SIZE`,
  `FEN_ERR_USAGE` for pointers that do not fit.

  Level: beginner

.seealso: `FenMDPModelCreateGenerator()`, `FenMDPModelGenerate()`
@*/
PetscErrorCode FenMDPModelCreateRows(MPI_Comm comm, const FenMDPRows *rows, PetscBool substochastic, FenMDPModel *model)
{
  const FenMDPRule rule = {.where = "", .substochastic = substochastic, .listed = rows->listed};
  FenFault         fault = {0, ""};
  FenMDPRows       copy;
  FenInt           nrows, nnz;

  PetscFunctionBegin;
  *model = NULL;
  FenCheckArrays(rows, &fault);
  PetscCall(FenFaultAgree(comm, &fault));
  nrows = rows->state_ptr[rows->nstates];
  nnz = rows->row_ptr[nrows];
  PetscCall(FenMDPRowsAllocate_Private(rows->nstates, nrows, nnz, rows->reward_next ? PETSC_TRUE : PETSC_FALSE, &copy));
  PetscCall(PetscArraycpy(copy.state_ptr, rows->state_ptr, (size_t)rows->nstates + 1));
  PetscCall(PetscArraycpy(copy.row_ptr, rows->row_ptr, (size_t)nrows + 1));
  if (nrows)
    PetscCall(PetscArraycpy(copy.action, rows->action, (size_t)nrows));
  if (nrows && !rows->reward_next)
    PetscCall(PetscArraycpy(copy.reward, rows->reward, (size_t)nrows));
  if (nnz) {
    PetscCall(PetscArraycpy(copy.next, rows->next, (size_t)nnz));
    PetscCall(PetscArraycpy(copy.prob, rows->prob, (size_t)nnz));
    if (rows->reward_next)
      PetscCall(PetscArraycpy(copy.reward_next, rows->reward_next, (size_t)nnz));
  }
  if (rows->prob_low && rows->prob_up) {
    PetscCall(PetscMalloc1((size_t)PetscMax(nnz, 1), &copy.prob_low));
    PetscCall(PetscMalloc1((size_t)PetscMax(nnz, 1), &copy.prob_up));
    PetscCall(PetscArraycpy(copy.prob_low, rows->prob_low, nnz));
    PetscCall(PetscArraycpy(copy.prob_up, rows->prob_up, nnz));
  }
  PetscCall(FenMDPModelTakeRows_Private(comm, &copy, &rule, model));
  PetscFunctionReturn(0);
}
