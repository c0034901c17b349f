/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Rows made on demand, and single rows of any model.
*/
#include "mdpmodelimpl.h"
#include <math.h>

static FenMDPRowView FenRowView(FenMDPRow *row)
{
  return (FenMDPRowView){.n = row->n,
                         .action = row->action,
                         .next = row->next,
                         .prob = row->prob,
                         .reward_next = row->by_next ? row->reward_next : NULL,
                         .reward = &row->reward};
}

static void FenFillRewards(FenMDPRow *row)
{
  for (FenInt i = 0; i < row->n && !row->by_next; i++)
    row->reward_next[i] = row->reward;
}

#if !defined(NDEBUG)
static PetscBool FenSameRow(const FenMDPRow *a, const FenMDPRow *b)
{
  const size_t n = (size_t)a->n * sizeof(double);

  return a->n == b->n && a->action == b->action && a->by_next == b->by_next &&
                 (a->by_next || !memcmp(&a->reward, &b->reward, sizeof(double))) && !memcmp(a->next, b->next, n) &&
                 !memcmp(a->prob, b->prob, n) && (!a->by_next || !memcmp(a->reward_next, b->reward_next, n))
             ? PETSC_TRUE
             : PETSC_FALSE;
}
#endif

/* a generator's row as it comes; a debug build asks twice */
static void FenMakeRow(FenMDPModel model, FenInt state, int k, FenMDPRow *row, FenFault *fault)
{
  const FenMDPGenerator *g = &model->generator;
  PetscErrorCode         code;

  row->n = 0;
  row->action = k;
  row->reward = 0;
  row->by_next = PETSC_FALSE;
  row->prob_low = row->prob_up = NULL;
  code = g->row(g->ctx, state, k, row);
  if (code)
    FenFaultSet(fault, (int)code, "state %" FENINT_FMT ", row %d: the generator failed with error %d", state, k,
                (int)code);
  else if (row->n < 0 || row->n > g->max_next)
    FenFaultSet(fault, FEN_ERR_VALUE,
                "state %" FENINT_FMT ", action %d: the generator makes %" FENINT_FMT
                " successors; rule: at most %" FENINT_FMT,
                state, row->action, row->n, g->max_next);
#if !defined(NDEBUG)
  if (!fault->code) {
    FenMDPRow again = {.n = 0};

    again.action = k;
    again.reward = 0;
    code = g->row(g->ctx, state, k, &again);
    if (code || !FenSameRow(row, &again))
      FenFaultSet(fault, FEN_ERR_VALUE,
                  "state %" FENINT_FMT ", action %d: the generator made another row when asked again; rule: the same "
                  "row on every call",
                  state, row->action);
  }
#endif
}

static void FenCountState(FenMDPModel model, const FenMDPRule *rule, FenInt state, FenMDPRow *row, FenFault *fault)
{
  FenMDPSizes *sizes = &model->sizes;
  int          n, before = -1;

  if (FenMDPModelGetStateRows(model, state - model->start, &n)) {
    FenFaultSet(fault, FEN_ERR_VALUE, "state %" FENINT_FMT ": the generator does not say how many actions it has",
                state);
    return;
  }
  for (int k = 0; k < n && !fault->code; k++) {
    FenMDPRowView view;

    FenMakeRow(model, state, k, row, fault);
    view = FenRowView(row);
    if (!fault->code)
      FenMDPRowCheck_Private(rule, state, &view, fault);
    if (fault->code)
      return;
    if (row->action <= before)
      FenFaultSet(fault, FEN_ERR_VALUE,
                  "state %" FENINT_FMT ": action %d follows action %d; rule: each action once, in ascending order",
                  state, row->action, before);
    before = row->action;
    FenMDPRowFinish_Private(rule, &view);
    model->nrows++;
    model->nnz += view.n;
    sizes->actions = PetscMax(sizes->actions, row->action + 1);
    sizes->max_next = PetscMax(sizes->max_next, view.n);
    sizes->by_next = sizes->by_next || row->by_next ? PETSC_TRUE : PETSC_FALSE;
    for (FenInt i = 0; i < (row->by_next ? view.n : 1); i++) {
      const double r = row->by_next ? row->reward_next[i] : row->reward;

      sizes->reward_min = PetscMin(sizes->reward_min, r);
      sizes->reward_max = PetscMax(sizes->reward_max, r);
    }
  }
}

/* the same for eight states at once; done: they were counted */
static PetscErrorCode FenCountLanes(FenMDPModel model, FenInt state, FenMDPRowLanes *lanes, PetscBool *done,
                                    FenFault *fault)
{
  FenMDPSizes *sizes = &model->sizes;
  double       least = sizes->reward_min, most = sizes->reward_max;
  FenInt       longest = sizes->max_next, nnz = 0;

  PetscFunctionBegin;
  *done = PETSC_FALSE;
  for (int k = 0; k < model->generator.nactions; k++) {
    PetscCall(FenMDPModelMakeLanes(model, state, k, lanes));
    if (lanes->n < 0)
      PetscFunctionReturn(0);
    if (!FenMDPLanesCheck_Private(model, lanes)) {
      FenFaultSet(fault, FEN_ERR_VALUE,
                  "states %" FENINT_FMT " to %" FENINT_FMT
                  ", row %d: the generator's lanes break a rule; rule: finished "
                  "rows, successors ascending, probabilities positive that sum to one, finite rewards",
                  state, state + FEN_MDP_LANES - 1, k);
      PetscFunctionReturn(0);
    }
    for (int l = 0; l < FEN_MDP_LANES; l++) {
      least = PetscMin(least, lanes->reward[l]);
      most = PetscMax(most, lanes->reward[l]);
    }
    longest = PetscMax(longest, lanes->n);
    nnz += FEN_MDP_LANES * lanes->n;
  }
  sizes->reward_min = least;
  sizes->reward_max = most;
  sizes->max_next = longest;
  sizes->actions = PetscMax(sizes->actions, model->generator.nactions);
  model->nrows += FEN_MDP_LANES * model->generator.nactions;
  model->nnz += nnz;
  *done = PETSC_TRUE;
  PetscFunctionReturn(0);
}

PetscErrorCode FenMDPModelCount_Private(FenMDPModel model)
{
  const FenMDPRule rule = {.where = "", .nstates = model->sizes.states};
  FenFault         fault = {0, ""};
  FenMDPRow       *row;
  FenMDPRowLanes   lanes;

  PetscFunctionBegin;
  PetscCall(PetscMalloc(sizeof(*row), &row));
  lanes.next = row->next; /* wide enough, see FenMDPModelCreateGenerator() */
  lanes.prob = row->prob;
  model->nrows = model->nnz = 0;
  for (FenInt s = 0; s < model->nlocal && !fault.code;) {
    PetscBool done = PETSC_FALSE;

    if (model->generator.lanes && s + FEN_MDP_LANES <= model->nlocal)
      PetscCall(FenCountLanes(model, model->start + s, &lanes, &done, &fault));
    if (!done)
      FenCountState(model, &rule, model->start + s, row, &fault);
    s += done ? FEN_MDP_LANES : 1;
  }
  PetscCall(PetscFree(row));
  PetscCall(FenFaultAgree(PetscObjectComm((PetscObject)model), &fault));
  PetscCall(FenMDPModelReduceSizes_Private(model));
  PetscFunctionReturn(0);
}

/*@C
  FenMDPModelCreateGenerator - Makes a model whose rows are made on demand.

  Collective

  Input Parameters:
+ comm      - the ranks that share the model
- generator - number of states, callbacks and their context, the same on all ranks; copied. States are cut evenly

  Output Parameter:
. model - the model; it owns the context and calls `destroy` in the end, also if this function fails

  Notes:
  `row` is a function of state and action alone: every call gives the same row (checked in debug builds). Rows obey the
  rules of `FenMDPModelCreateRows()`; they are checked when `FenMDPModelGetSizes()` counts them.

  Errors:
  `FEN_ERR_USAGE`, `FEN_ERR_SHAPE` for a generator that cannot be.

  Level: intermediate

.seealso: `FenMDPModelStore()`, `FenMDPModelGetRow()`
@*/
PetscErrorCode FenMDPModelCreateGenerator(MPI_Comm comm, const FenMDPGenerator *generator, FenMDPModel *model)
{
  FenLayout layout = NULL;
  FenInt    local;
  FenFault  fault = {0, ""};

  PetscFunctionBegin;
  *model = NULL;
  if (!generator->row || generator->nactions < 1)
    FenFaultSet(&fault, FEN_ERR_USAGE, "a generator of a model has a callback `row` and at least one action");
  if (generator->nstates < 1)
    FenFaultSet(&fault, FEN_ERR_SHAPE, "a generator of %" FENINT_FMT " states; rule: at least one", generator->nstates);
  if (generator->max_next < 1 || generator->max_next > FEN_MDP_ROW_MAX)
    FenFaultSet(&fault, FEN_ERR_SHAPE,
                "a generator with at most %" FENINT_FMT " successors a row; rule: 1 to %" FENINT_FMT,
                generator->max_next, FEN_MDP_ROW_MAX);
  if (generator->lanes && (generator->nrows || generator->max_next > FEN_MDP_ROW_MAX / FEN_MDP_LANES))
    FenFaultSet(&fault, FEN_ERR_USAGE,
                "a generator with lanes; rule: nactions rows in every state, at most %" FENINT_FMT " successors a row",
                FEN_MDP_ROW_MAX / FEN_MDP_LANES);
  if (fault.code && generator->destroy)
    PetscCall(generator->destroy(generator->ctx));
  PetscCall(FenFaultAgree(comm, &fault));
  PetscCall(FenLayoutCreateRows(comm, generator->nstates, &layout));
  PetscCall(FenLayoutGetLocalSize(layout, &local));
  PetscCall(FenLayoutDestroy(&layout));
  PetscCall(FenMDPModelCreate_Private(comm, local, model));
  (*model)->generator = *generator;
  PetscFunctionReturn(0);
}

/*@
  FenMDPModelMakeStateRows - Gives the number of rows of any state of a model whose rows are made on demand.

  Not Collective

  Input Parameters:
+ model - a model of `FenMDPModelCreateGenerator()`
- state - global number of the state, whichever rank owns it

  Output Parameter:
. n - its rows; 0: it is terminal

  Level: developer

.seealso: `FenMDPModelMakeRow()`, `FenMDPModelGetStateRows()`
@*/
PetscErrorCode FenMDPModelMakeStateRows(FenMDPModel model, FenInt state, int *n)
{
  const FenMDPGenerator *g = &model->generator;

  PetscFunctionBegin;
  *n = g->nactions;
  if (!g->nrows)
    PetscFunctionReturn(0);
  PetscCall(g->nrows(g->ctx, state, n));
  FEN_MDP_CHECK(*n >= 0 && *n <= g->nactions, PETSC_COMM_SELF, FEN_ERR_VALUE,
                "state %" FENINT_FMT ": the generator says %d actions; rule: 0 to %d", state, *n, g->nactions);
  PetscFunctionReturn(0);
}

/*@
  FenMDPModelGetStateRows - Gives the number of rows of one of my states.

  Not Collective

  Input Parameters:
+ model - the model
- k     - local number of the state

  Output Parameter:
. n - its rows; 0: it is terminal

  Level: intermediate

.seealso: `FenMDPModelGetRow()`
@*/
PetscErrorCode FenMDPModelGetStateRows(FenMDPModel model, FenInt k, int *n)
{
  PetscFunctionBegin;
  FEN_MDP_CHECK(k >= 0 && k < model->nlocal, PETSC_COMM_SELF, FEN_ERR_USAGE,
                "state %" FENINT_FMT " of %" FENINT_FMT " on this rank", k, model->nlocal);
  if (model->stored)
    *n = (int)(model->rows.state_ptr[k + 1] - model->rows.state_ptr[k]);
  else
    PetscCall(FenMDPModelMakeStateRows(model, model->start + k, n));
  PetscFunctionReturn(0);
}

static PetscErrorCode FenCopyRow(FenMDPModel model, FenInt k, int number, FenMDPRow *row)
{
  const FenMDPRows *r = &model->rows;
  const FenInt      j = r->state_ptr[k] + number, first = r->row_ptr[j];
  const size_t      n = (size_t)(r->row_ptr[j + 1] - first);

  PetscFunctionBegin;
  PetscCall(FenMDPModelCheckEntries_Private(model));
  FEN_MDP_CHECK(n <= (size_t)FEN_MDP_ROW_MAX, PETSC_COMM_SELF, FEN_ERR_SIZE,
                "state %" FENINT_FMT ", action %d: %zu successors; rule: at most %" FENINT_FMT " in a single row",
                model->start + k, r->action[j], n, FEN_MDP_ROW_MAX);
  row->n = (FenInt)n;
  row->action = r->action[j];
  row->reward = r->reward[j];
  row->by_next = r->reward_next ? PETSC_TRUE : PETSC_FALSE;
  row->prob_low = r->prob_low ? r->prob_low + first : NULL;
  row->prob_up = r->prob_up ? r->prob_up + first : NULL;
  PetscCall(PetscArraycpy(row->next, r->next + first, n));
  PetscCall(PetscArraycpy(row->prob, r->prob + first, n));
  if (r->reward_next)
    PetscCall(PetscArraycpy(row->reward_next, r->reward_next + first, n));
  PetscFunctionReturn(0);
}

/*@C
  FenMDPModelGetRow - Gives one row of one of my states, successors ascending and each once.

  Not Collective

  Input Parameters:
+ model  - the model
. k      - local number of the state
- number - which of its rows, from 0

  Output Parameter:
. row - a copy; `reward_next` is filled also where the reward is the row's

  Note:
  Rows of generators are made; they are checked by `FenMDPModelGetSizes()`, which should be called before.

  Errors:
  `FEN_ERR_SIZE` for a stored row of more than 1024 successors (see `FenMDPModelGetRows()`); `FEN_ERR_VALUE` in debug
  builds for a generator that changes its mind.

  Level: intermediate

.seealso: `FenMDPModelGetStateRows()`, `FenMDPModelGetRows()`
@*/
PetscErrorCode FenMDPModelGetRow(FenMDPModel model, FenInt k, int number, FenMDPRow *row)
{
  int n;

  PetscFunctionBegin;
  PetscCall(FenMDPModelGetStateRows(model, k, &n));
  FEN_MDP_CHECK(number >= 0 && number < n, PETSC_COMM_SELF, FEN_ERR_USAGE,
                "row %d of state %" FENINT_FMT ", which has %d", number, model->start + k, n);
  if (!model->stored) {
    PetscCall(FenMDPModelMakeRow(model, model->start + k, number, row));
    PetscFunctionReturn(0);
  }
  PetscCall(FenCopyRow(model, k, number, row));
  FenFillRewards(row);
  PetscFunctionReturn(0);
}

/*@C
  FenMDPModelMakeRow - Makes one row of any state of a model whose rows are made on demand.

  Not Collective

  Input Parameters:
+ model  - a model of `FenMDPModelCreateGenerator()`
. state  - global number of the state, whichever rank owns it
- number - which of its rows, from 0

  Output Parameter:
. row - as `FenMDPModelGetRow()` gives it

  Level: developer

.seealso: `FenMDPModelMakeStateRows()`, `FenMDPModelGetRow()`
@*/
PetscErrorCode FenMDPModelMakeRow(FenMDPModel model, FenInt state, int number, FenMDPRow *row)
{
  const FenMDPRule rule = {.where = "", .nstates = model->sizes.states};
  FenFault         fault;
  FenMDPRowView    view;

  PetscFunctionBegin;
  fault.code = 0; /* the message is long and stays as it is */
  FenMakeRow(model, state, number, row, &fault);
  FEN_MDP_CHECK(!fault.code, PETSC_COMM_SELF, fault.code, "%s", fault.message);
  view = FenRowView(row);
  FenMDPRowFinish_Private(&rule, &view);
  row->n = view.n;
  FenFillRewards(row);
  PetscFunctionReturn(0);
}

/* my rows, one after the other */
static PetscErrorCode FenStoreRows(FenMDPModel model, FenMDPRow *row, FenMDPRows *rows)
{
  FenInt k = 0, end = 0;

  PetscFunctionBegin;
  for (FenInt s = 0; s < model->nlocal; s++) {
    int n;

    PetscCall(FenMDPModelGetStateRows(model, s, &n));
    for (int j = 0; j < n; j++, k++) {
      PetscCall(FenMDPModelGetRow(model, s, j, row));
      FEN_MDP_CHECK(k < model->nrows && end + row->n <= model->nnz, PETSC_COMM_SELF, FEN_ERR_VALUE,
                    "state %" FENINT_FMT ": the generator makes more than it did when it was counted",
                    model->start + s);
      rows->action[k] = row->action;
      rows->reward[k] = row->reward;
      PetscCall(PetscArraycpy(rows->next + end, row->next, (size_t)row->n));
      PetscCall(PetscArraycpy(rows->prob + end, row->prob, (size_t)row->n));
      if (rows->reward_next)
        PetscCall(PetscArraycpy(rows->reward_next + end, row->reward_next, (size_t)row->n));
      end += row->n;
      rows->row_ptr[k + 1] = end;
    }
    rows->state_ptr[s + 1] = k;
  }
  PetscFunctionReturn(0);
}

/*@
  FenMDPModelStore - Stores the rows of a model that are made on demand.

  Collective

  Input Parameter:
. model - any model

  Output Parameter:
. stored - a model with the same rows, stored; the model itself, with one more reference, if it is stored

  Errors:
  `FEN_ERR_VALUE` for rows that break a rule.

  Level: intermediate

.seealso: `FenMDPModelCreateGenerator()`
@*/
PetscErrorCode FenMDPModelStore(FenMDPModel model, FenMDPModel *stored)
{
  const FenMDPRule rule = {.where = ""};
  FenMDPSizes      sizes;
  FenMDPRows       rows;
  FenMDPRow       *row;
  FenFault         fault = {0, ""};
  PetscErrorCode   code;

  PetscFunctionBegin;
  if (model->stored) {
    PetscCall(PetscObjectReference((PetscObject)model));
    *stored = model;
    PetscFunctionReturn(0);
  }
  PetscCall(FenMDPModelGetSizes(model, &sizes));
  PetscCall(FenMDPRowsAllocate_Private(model->nlocal, model->nrows, model->nnz, sizes.by_next, &rows));
  PetscCall(PetscMalloc(sizeof(*row), &row));
  code = FenStoreRows(model, row, &rows);
  PetscCall(PetscFree(row));
  if (code)
    FenFaultSet(&fault, (int)code, "the rows of a generator cannot be stored");
  code = FenFaultAgree(PetscObjectComm((PetscObject)model), &fault);
  if (code)
    PetscCall(FenMDPRowsFree_Private(&rows));
  PetscCall(code);
  PetscCall(FenMDPModelTakeRows_Private(PetscObjectComm((PetscObject)model), &rows, &rule, stored));
  PetscCall(FenMDPModelCopyTraits_Private(model, *stored));
  PetscFunctionReturn(0);
}
