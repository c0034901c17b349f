/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Our own format: a group (default /mdp) with

     sa_ptr[n+1]     rows of state s are sa_ptr[s] .. sa_ptr[s+1]-1
     action_id[L]    the number of a row's action
     row_ptr[L+1]    entries of row k are row_ptr[k] .. row_ptr[k+1]-1
     col[nnz], val[nnz]              successors and probabilities
     reward[L] or reward_next[nnz]   rewards of rows, or of successors
     prob_low[nnz], prob_up[nnz]     optional: bounds of the probabilities
     terminal[n]     optional: values of terminal states
     weight[n]       optional: weights of successors in the norms l1 and linf

   and attributes, all optional: discount, sense, criterion, horizon, substochastic, height, width. Every rank reads the
   rows of its part of the states.
*/
#include "mdpfileimpl.h"
#include <limits.h>
#include <math.h>

#define FEN_MDP_FORMAT "fenchel-mdp"

typedef struct {
  const FenMDPFile *f;
  FenFile           file;
  FenInt            n, nrows, nnz; /* in all */
  FenInt            start, nlocal; /* my states */
  FenMDPRows        rows;
} FenH5Model;

static PetscErrorCode FenMember(const FenH5Model *h, const char name[], char path[], size_t size)
{
  PetscFunctionBegin;
  PetscCall(PetscSNPrintf(path, size, "%s/%s", h->f->path, name));
  PetscFunctionReturn(0);
}

static PetscErrorCode FenMemberLength(const FenH5Model *h, const char name[], FenInt *n)
{
  char        path[PETSC_MAX_PATH_LEN];
  FenDataInfo info;

  PetscFunctionBegin;
  PetscCall(FenMember(h, name, path, sizeof(path)));
  PetscCall(FenFileGetInfo(h->file, path, &info));
  FEN_MDP_CHECK(info.rank == 1, h->f->comm, FEN_ERR_SHAPE, "%sdata set '%s' has %d axes, one is expected", h->f->where,
                path, (int)info.rank);
  *n = info.shape[0];
  PetscFunctionReturn(0);
}

static PetscErrorCode FenMemberHas(const FenH5Model *h, const char name[], PetscBool *has)
{
  char path[PETSC_MAX_PATH_LEN];

  PetscFunctionBegin;
  PetscCall(FenMember(h, name, path, sizeof(path)));
  PetscCall(FenFileHas(h->file, path, has));
  PetscFunctionReturn(0);
}

static PetscErrorCode FenReadInts(const FenH5Model *h, const char name[], FenInt start, FenInt n, FenInt values[])
{
  char path[PETSC_MAX_PATH_LEN];

  PetscFunctionBegin;
  PetscCall(FenMember(h, name, path, sizeof(path)));
  PetscCall(FenFileReadIntPart(h->file, path, start, n, values));
  PetscFunctionReturn(0);
}

static PetscErrorCode FenReadReals(const FenH5Model *h, const char name[], FenInt start, FenInt n, double values[])
{
  char path[PETSC_MAX_PATH_LEN];

  PetscFunctionBegin;
  PetscCall(FenMember(h, name, path, sizeof(path)));
  PetscCall(FenFileReadRealPart(h->file, path, start, n, values));
  PetscFunctionReturn(0);
}

/* lengths of all data sets fit */
static PetscErrorCode FenH5Lengths(FenH5Model *h)
{
  const MPI_Comm comm = h->f->comm;
  FenInt         length;

  PetscFunctionBegin;
  PetscCall(FenMemberLength(h, "sa_ptr", &h->n));
  PetscCall(FenMemberLength(h, "action_id", &h->nrows));
  PetscCall(FenMemberLength(h, "row_ptr", &length));
  PetscCall(FenMemberLength(h, "col", &h->nnz));
  FEN_MDP_CHECK(h->n-- >= 2, comm, FEN_ERR_SHAPE,
                "%sdata set '%s/sa_ptr' has %" FENINT_FMT " entries; rule: one more than states", h->f->where,
                h->f->path, h->n + 1);
  FEN_MDP_CHECK(length == h->nrows + 1, comm, FEN_ERR_SHAPE,
                "%sdata set '%s/row_ptr' has %" FENINT_FMT " entries, %" FENINT_FMT " rows need one more", h->f->where,
                h->f->path, length, h->nrows);
  PetscCall(FenMemberLength(h, "val", &length));
  FEN_MDP_CHECK(length == h->nnz, comm, FEN_ERR_SHAPE,
                "%sdata sets '%s/col' and '%s/val' have %" FENINT_FMT " and %" FENINT_FMT " entries; rule: as many",
                h->f->where, h->f->path, h->f->path, h->nnz, length);
  PetscFunctionReturn(0);
}

/* pointers of my part, from 0 to `total` over all parts; then made local */
static PetscErrorCode FenReadPointers(const FenH5Model *h, const char name[], FenInt start, FenInt n, FenInt all,
                                      FenInt total, FenInt ptr[], FenInt *first)
{
  FenFault fault = {0, ""};

  PetscFunctionBegin;
  PetscCall(FenReadInts(h, name, start, n + 1, ptr));
  for (FenInt i = 0; i <= n && !fault.code; i++)
    if (ptr[i] < (i ? ptr[i - 1] : 0) || ptr[i] > total)
      FenFaultSet(&fault, FEN_ERR_VALUE,
                  "%sdata set '%s/%s', entry %" FENINT_FMT " is %" FENINT_FMT
                  "; rule: ascending from 0 to %" FENINT_FMT,
                  h->f->where, h->f->path, name, start + i, ptr[i], total);
  if ((start == 0 && ptr[0] != 0) || (start + n == all && ptr[n] != total))
    FenFaultSet(&fault, FEN_ERR_VALUE,
                "%sdata set '%s/%s' begins with %" FENINT_FMT " and ends with %" FENINT_FMT
                "; rule: 0 and %" FENINT_FMT,
                h->f->where, h->f->path, name, ptr[0], ptr[n], total);
  PetscCall(FenFaultAgree(h->f->comm, &fault));
  *first = ptr[0];
  for (FenInt i = n; i >= 0; i--)
    ptr[i] -= ptr[0];
  PetscFunctionReturn(0);
}

static PetscErrorCode FenReadActions(const FenH5Model *h, FenInt first, FenInt n, int action[])
{
  FenFault fault = {0, ""};
  FenInt  *wide;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1((size_t)n + 1, &wide));
  PetscCall(FenReadInts(h, "action_id", first, n, wide));
  for (FenInt k = 0; k < n && !fault.code; k++) {
    if (wide[k] < 0 || wide[k] >= INT_MAX)
      FenFaultSet(&fault, FEN_ERR_VALUE,
                  "%sdata set '%s/action_id', entry %" FENINT_FMT " is %" FENINT_FMT "; rule: 0 to %d", h->f->where,
                  h->f->path, first + k, wide[k], INT_MAX - 1);
    else
      action[k] = (int)wide[k];
  }
  PetscCall(PetscFree(wide));
  PetscCall(FenFaultAgree(h->f->comm, &fault));
  PetscFunctionReturn(0);
}

/* my rows; what is allocated stays in h after an error */
static PetscErrorCode FenReadH5Rows(FenH5Model *h)
{
  FenMDPRows *rows = &h->rows;
  FenInt      first_row, first, nrows, nnz;
  PetscBool   by_next, bounds;

  PetscFunctionBegin;
  PetscCall(FenMemberHas(h, "reward_next", &by_next));
  rows->nstates = h->nlocal;
  PetscCall(PetscMalloc1((size_t)h->nlocal + 1, &rows->state_ptr));
  PetscCall(FenReadPointers(h, "sa_ptr", h->start, h->nlocal, h->n, h->nrows, rows->state_ptr, &first_row));
  nrows = rows->state_ptr[h->nlocal];
  PetscCall(PetscMalloc1((size_t)nrows + 1, &rows->action));
  PetscCall(PetscMalloc1((size_t)nrows + 1, &rows->reward));
  PetscCall(PetscMalloc1((size_t)nrows + 1, &rows->row_ptr));
  PetscCall(FenReadActions(h, first_row, nrows, rows->action));
  PetscCall(FenReadPointers(h, "row_ptr", first_row, nrows, h->nrows, h->nnz, rows->row_ptr, &first));
  nnz = rows->row_ptr[nrows];
  PetscCall(PetscMalloc1((size_t)nnz + 1, &rows->next));
  PetscCall(PetscMalloc1((size_t)nnz + 1, &rows->prob));
  PetscCall(FenMemoryLargePages(rows->next, (size_t)nnz * sizeof(*rows->next)));
  PetscCall(FenMemoryLargePages(rows->prob, (size_t)nnz * sizeof(*rows->prob)));
  PetscCall(FenReadInts(h, "col", first, nnz, rows->next));
  PetscCall(FenReadReals(h, "val", first, nnz, rows->prob));
  if (by_next) {
    PetscCall(PetscMalloc1((size_t)nnz + 1, &rows->reward_next));
    PetscCall(FenReadReals(h, "reward_next", first, nnz, rows->reward_next));
  } else
    PetscCall(FenReadReals(h, "reward", first_row, nrows, rows->reward));
  PetscCall(FenMemberHas(h, "prob_low", &bounds));
  if (bounds) {
    PetscCall(PetscMalloc1((size_t)nnz + 1, &rows->prob_low));
    PetscCall(PetscMalloc1((size_t)nnz + 1, &rows->prob_up));
    PetscCall(FenReadReals(h, "prob_low", first, nnz, rows->prob_low));
    PetscCall(FenReadReals(h, "prob_up", first, nnz, rows->prob_up));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode FenAttributeInt(const FenH5Model *h, const char name[], FenInt *value)
{
  PetscBool has;

  PetscFunctionBegin;
  PetscCall(FenFileHasAttribute(h->file, h->f->path, name, &has));
  if (has)
    PetscCall(FenFileReadIntAttribute(h->file, h->f->path, name, value));
  PetscFunctionReturn(0);
}

/* a word out of a list */
static PetscErrorCode FenAttributeWord(const FenH5Model *h, const char name[], int n, const char *const words[],
                                       int *value)
{
  PetscBool has, same = PETSC_FALSE;
  char      word[64];

  PetscFunctionBegin;
  PetscCall(FenFileHasAttribute(h->file, h->f->path, name, &has));
  if (!has)
    PetscFunctionReturn(0);
  PetscCall(FenFileReadStringAttribute(h->file, h->f->path, name, word, sizeof(word)));
  for (int k = 0; k < n && !same; k++) {
    PetscCall(PetscStrcmp(word, words[k], &same));
    if (same)
      *value = k;
  }
  FEN_MDP_CHECK(same, h->f->comm, FEN_ERR_VALUE, "%sattribute '%s' of '%s' is '%s'; rule: %s, %s, ...", h->f->where,
                name, h->f->path, word, words[0], words[1]);
  PetscFunctionReturn(0);
}

/* optional numbers of my states */
static PetscErrorCode FenReadStates(const FenH5Model *h, const char                                 name[],
                                    PetscErrorCode (*set)(FenMDPModel, const double[]), FenMDPModel model)
{
  PetscBool      has;
  double        *values;
  PetscErrorCode code;

  PetscFunctionBegin;
  PetscCall(FenMemberHas(h, name, &has));
  if (!has)
    PetscFunctionReturn(0);
  PetscCall(PetscMalloc1((size_t)h->nlocal + 1, &values));
  code = FenReadReals(h, name, h->start, h->nlocal, values);
  if (!code)
    code = (*set)(model, values);
  PetscCall(PetscFree(values));
  PetscCall(code);
  PetscFunctionReturn(0);
}

static PetscErrorCode FenReadTraits(const FenH5Model *h, FenMDPModel model)
{
  FenInt    horizon = 0, grid[2] = {0, 0};
  int       sense = FEN_MDP_MAX, criterion = FEN_MDP_DISCOUNTED;
  double    discount = NAN;
  PetscBool has;

  PetscFunctionBegin;
  PetscCall(FenAttributeWord(h, "sense", 2, FenMDPSenses, &sense));
  PetscCall(FenAttributeWord(h, "criterion", 4, FenMDPCriteria, &criterion));
  PetscCall(FenAttributeInt(h, "horizon", &horizon));
  PetscCall(FenAttributeInt(h, "height", &grid[0]));
  PetscCall(FenAttributeInt(h, "width", &grid[1]));
  PetscCall(FenFileHasAttribute(h->file, h->f->path, "discount", &has));
  if (has)
    PetscCall(FenFileReadRealAttribute(h->file, h->f->path, "discount", &discount));
  PetscCall(FenMDPModelSetSense(model, (FenMDPSense)sense));
  PetscCall(FenMDPModelSetCriterion(model, (FenMDPCriterion)criterion, horizon));
  PetscCall(FenMDPModelSetDiscount(model, discount));
  PetscCall(FenMDPModelSetGrid(model, grid));
  PetscCall(FenReadStates(h, "terminal", FenMDPModelSetTerminal, model));
  PetscCall(FenReadStates(h, "weight", FenMDPModelSetWeight, model));
  PetscFunctionReturn(0);
}

static PetscErrorCode FenReadH5(FenH5Model *h, FenMDPModel *model)
{
  FenMDPRule rule = {
      .where = h->f->where, .substochastic = h->f->substochastic, .unique = PETSC_TRUE, .listed = h->f->listed};
  FenInt      substochastic = 0, end;
  FenLayout   layout;
  FenDataInfo info;

  PetscFunctionBegin;
  PetscCall(FenFileGetInfo(h->file, h->f->path, &info));
  FEN_MDP_CHECK(info.type == FEN_DATA_GROUP, h->f->comm, FEN_ERR_FILE_FORMAT, "%s'%s' is no group", h->f->where,
                h->f->path);
  PetscCall(FenH5Lengths(h));
  PetscCall(FenLayoutCreateRows(h->f->comm, h->n, &layout));
  PetscCall(FenLayoutGetRange(layout, &h->start, &end));
  PetscCall(FenLayoutDestroy(&layout));
  h->nlocal = end - h->start;
  PetscCall(FenReadH5Rows(h));
  PetscCall(FenAttributeInt(h, "substochastic", &substochastic));
  rule.substochastic = rule.substochastic || substochastic ? PETSC_TRUE : PETSC_FALSE;
  PetscCall(FenMDPModelTakeRows_Private(h->f->comm, &h->rows, &rule, model));
  PetscCall(FenReadTraits(h, *model));
  PetscFunctionReturn(0);
}

PetscErrorCode FenMDPReadHDF5_Private(const FenMDPFile *f, FenMDPModel *model)
{
  FenH5Model     h = {.f = f};
  PetscErrorCode code;

  PetscFunctionBegin;
  PetscCall(FenFileOpen(f->comm, f->file, FEN_FILE_READ, &h.file));
  code = FenReadH5(&h, model);
  PetscCall(FenMDPRowsFree_Private(&h.rows));
  PetscCall(FenFileClose(&h.file));
  PetscCall(code);
  PetscFunctionReturn(0);
}

/* local pointers become global; the last rank that has the end writes it */
static PetscErrorCode FenWritePointers(const FenH5Model *h, const char name[], PetscBool ends, FenInt n,
                                       const FenInt local[])
{
  char           path[PETSC_MAX_PATH_LEN];
  FenInt        *ptr, before = 0;
  PetscMPIInt    rank;
  PetscErrorCode code;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(h->f->comm, &rank));
  PetscCallMPI(MPI_Exscan(&local[n], &before, 1, MPI_FENINT, MPI_SUM, h->f->comm));
  PetscCall(PetscMalloc1((size_t)n + 1, &ptr));
  for (FenInt i = 0; i <= n; i++)
    ptr[i] = local[i] + (rank ? before : 0);
  PetscCall(FenMember(h, name, path, sizeof(path)));
  code = FenFileWriteIntPart(h->file, path, n + (ends ? 1 : 0), ptr);
  PetscCall(PetscFree(ptr));
  PetscCall(code);
  PetscFunctionReturn(0);
}

static PetscErrorCode FenWriteReals(const FenH5Model *h, const char name[], FenInt n, const double values[])
{
  char path[PETSC_MAX_PATH_LEN];

  PetscFunctionBegin;
  PetscCall(FenMember(h, name, path, sizeof(path)));
  PetscCall(FenFileWriteRealPart(h->file, path, n, values));
  PetscFunctionReturn(0);
}

static PetscErrorCode FenWriteH5Rows(const FenH5Model *h, const FenMDPRows *rows)
{
  const FenInt   nrows = rows->state_ptr[rows->nstates], nnz = rows->row_ptr[nrows];
  char           path[PETSC_MAX_PATH_LEN];
  PetscMPIInt    rank, size;
  PetscBool      last;
  FenInt        *wide;
  PetscErrorCode code;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(h->f->comm, &rank));
  PetscCallMPI(MPI_Comm_size(h->f->comm, &size));
  last = rank == size - 1 ? PETSC_TRUE : PETSC_FALSE;
  PetscCall(FenWritePointers(h, "sa_ptr", last, rows->nstates, rows->state_ptr));
  PetscCall(FenWritePointers(h, "row_ptr", last, nrows, rows->row_ptr));
  PetscCall(PetscMalloc1((size_t)nrows + 1, &wide));
  for (FenInt k = 0; k < nrows; k++)
    wide[k] = rows->action[k];
  PetscCall(FenMember(h, "action_id", path, sizeof(path)));
  code = FenFileWriteIntPart(h->file, path, nrows, wide);
  PetscCall(PetscFree(wide));
  PetscCall(code);
  PetscCall(FenMember(h, "col", path, sizeof(path)));
  PetscCall(FenFileWriteIntPart(h->file, path, nnz, rows->next));
  PetscCall(FenWriteReals(h, "val", nnz, rows->prob));
  PetscCall(FenWriteReals(h, "reward", nrows, rows->reward));
  if (rows->reward_next)
    PetscCall(FenWriteReals(h, "reward_next", nnz, rows->reward_next));
  if (rows->prob_low) {
    PetscCall(FenWriteReals(h, "prob_low", nnz, rows->prob_low));
    PetscCall(FenWriteReals(h, "prob_up", nnz, rows->prob_up));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode FenWriteTraits(const FenH5Model *h, FenMDPModel model)
{
  const char *path = h->f->path;

  PetscFunctionBegin;
  PetscCall(FenFileWriteStringAttribute(h->file, path, "format", FEN_MDP_FORMAT));
  PetscCall(FenFileWriteIntAttribute(h->file, path, "format_version", 1));
  PetscCall(FenFileWriteStringAttribute(h->file, path, "sense", FenMDPSenses[model->sense]));
  PetscCall(FenFileWriteStringAttribute(h->file, path, "criterion", FenMDPCriteria[model->criterion]));
  if (model->criterion == FEN_MDP_FINITE)
    PetscCall(FenFileWriteIntAttribute(h->file, path, "horizon", model->horizon));
  if (!isnan(model->discount))
    PetscCall(FenFileWriteRealAttribute(h->file, path, "discount", model->discount));
  PetscCall(FenFileWriteIntAttribute(h->file, path, "substochastic", model->sizes.substochastic));
  if (model->grid[0]) {
    PetscCall(FenFileWriteIntAttribute(h->file, path, "height", model->grid[0]));
    PetscCall(FenFileWriteIntAttribute(h->file, path, "width", model->grid[1]));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode FenWriteH5(const FenH5Model *h, FenMDPModel model)
{
  int has[2] = {model->terminal != NULL, model->weight != NULL};

  PetscFunctionBegin;
  PetscCall(FenFileMakeGroup(h->file, h->f->path));
  PetscCall(FenWriteH5Rows(h, &model->rows));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, has, 2, MPI_INT, MPI_MAX, h->f->comm));
  if (has[0])
    PetscCall(FenWriteReals(h, "terminal", model->nlocal, model->terminal));
  if (has[1])
    PetscCall(FenWriteReals(h, "weight", model->nlocal, model->weight));
  PetscCall(FenWriteTraits(h, model));
  PetscFunctionReturn(0);
}

PetscErrorCode FenMDPWriteHDF5_Private(const FenMDPFile *f, FenMDPModel model)
{
  FenH5Model     h = {.f = f};
  PetscErrorCode code;

  PetscFunctionBegin;
  PetscCall(FenFileOpen(f->comm, f->file, f->mode, &h.file));
  code = FenWriteH5(&h, model);
  if (code)
    PetscCall(FenFileDiscard(&h.file));
  PetscCall(code);
  PetscCall(FenFileClose(&h.file));
  PetscFunctionReturn(0);
}

/*@C
  FenMDPModelWriteGroup - Writes a model as a group of an HDF5 file that holds other things too.

  Collective

  Input Parameters:
+ model - the model; rows made on demand are stored for the time
. file  - the file, open for writing
- path  - the group that is made; FenMDPModelRead() reads it as FILE.h5:path

  Errors:
  `FEN_ERR_FILE_WRITE`.

  Level: advanced

.seealso: `FenMDPModelWrite()`, `FenMDPModelRead()`
@*/
PetscErrorCode FenMDPModelWriteGroup(FenMDPModel model, FenFile file, const char path[])
{
  FenMDPFile       f = {.comm = PetscObjectComm((PetscObject)model)};
  const FenH5Model h = {.f = &f, .file = file};
  FenMDPModel      stored;
  PetscErrorCode   code;

  PetscFunctionBegin;
  PetscCall(PetscStrncpy(f.path, path, sizeof(f.path)));
  PetscCall(FenMDPModelStore(model, &stored));
  code = FenWriteH5(&h, stored);
  PetscCall(FenMDPModelDestroy(&stored));
  PetscCall(code);
  PetscFunctionReturn(0);
}
