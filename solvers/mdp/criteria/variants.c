/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Models that differ a little from the one that was given: states that only stay, without reward, made terminal, so
   that a total ends there; rows without rewards. Stored rows are copied, rows made on demand are changed on their way.
*/
#include "total.h"

/* ---- states that only stay ---- */
/* row r of my state k; pointers into the model or into `row` */
typedef struct {
  FenInt        n;
  const FenInt *next;
  const double *prob, *reward_next;
  double        reward;
  int           action;
} Row;

static PetscErrorCode GetRow(FenMDPModel model, const FenMDPRows *R, FenInt k, int r, FenMDPRow *work, Row *row)
{
  PetscFunctionBegin;
  if (R) {
    const FenInt j = R->state_ptr[k] + r, first = R->row_ptr[j];

    *row = (Row){R->row_ptr[j + 1] - first,
                 R->next + first,
                 R->prob + first,
                 R->reward_next ? R->reward_next + first : NULL,
                 R->reward[j],
                 R->action[j]};
  } else {
    PetscCall(FenMDPModelGetRow(model, k, r, work));
    *row = (Row){work->n, work->next, work->prob, work->by_next ? work->reward_next : NULL, work->reward, work->action};
  }
  PetscFunctionReturn(0);
}

/* my states that are ends although they have rows */
static PetscErrorCode FindStaying(FenMDPModel model, PetscBool staying[], FenInt *n)
{
  const FenMDPRows *R = NULL;
  FenMDPSizes       sizes;
  FenLayout         layout;
  FenMDPRow        *work;
  FenInt            first, end;

  PetscFunctionBegin;
  PetscCall(FenMDPModelGetSizes(model, &sizes));
  PetscCall(FenMDPModelGetLayout(model, &layout));
  PetscCall(FenLayoutGetRange(layout, &first, &end));
  if (sizes.stored)
    PetscCall(FenMDPModelGetRows(model, &R));
  PetscCall(PetscMalloc1(1, &work));
  *n = 0;
  for (FenInt k = 0; k < end - first; k++) {
    int rows;

    PetscCall(FenMDPModelGetStateRows(model, k, &rows));
    staying[k] = (PetscBool)(rows > 0);
    for (int r = 0; r < rows && staying[k]; r++) {
      Row row = {.n = 0};

      PetscCall(GetRow(model, R, k, r, work, &row));
      staying[k] = (PetscBool)(row.n == 1 && row.next[0] == first + k && row.reward == 0);
    }
    *n += staying[k];
  }
  PetscCall(PetscFree(work));
  PetscFunctionReturn(0);
}

/* ---- models with some states without rows, or without rewards ---- */
typedef struct {
  FenMDPModel model;
  FenInt      first;
  PetscBool  *drop; /* NULL: none */
  PetscBool   free; /* no rewards */
} Variant;

static PetscErrorCode VariantRows(void *ctx, FenInt s, int *rows)
{
  const Variant *v = (const Variant *)ctx;

  PetscFunctionBegin;
  *rows = 0;
  if (!v->drop || !v->drop[s - v->first])
    PetscCall(FenMDPModelGetStateRows(v->model, s - v->first, rows));
  PetscFunctionReturn(0);
}

static PetscErrorCode VariantRow(void *ctx, FenInt s, int r, FenMDPRow *row)
{
  const Variant *v = (const Variant *)ctx;

  PetscFunctionBegin;
  PetscCall(FenMDPModelGetRow(v->model, s - v->first, r, row));
  if (v->free)
    row->by_next = PETSC_FALSE, row->reward = 0;
  PetscFunctionReturn(0);
}

static PetscErrorCode VariantDestroy(void *ctx)
{
  Variant *v = (Variant *)ctx;

  PetscFunctionBegin;
  PetscCall(FenMDPModelDestroy(&v->model));
  PetscCall(PetscFree(v->drop));
  PetscCall(PetscFree(v));
  PetscFunctionReturn(0);
}

/* rows made on demand stay so; generators cut states as the model is cut, because it was made by one */
static PetscErrorCode VariantGenerator(Variant *v, const FenMDPSizes *sizes, FenMDPModel *out)
{
  FenMDPGenerator g = {.nstates = sizes->states,
                       .max_next = sizes->max_next,
                       .nrows = VariantRows,
                       .row = VariantRow,
                       .destroy = VariantDestroy,
                       .ctx = v};
  FenLayout       layout;
  FenInt          n;
  int             most = 1;

  PetscFunctionBegin;
  PetscCall(FenMDPModelGetLayout(v->model, &layout));
  PetscCall(FenLayoutGetLocalSize(layout, &n));
  for (FenInt k = 0; k < n; k++) {
    int rows;

    PetscCall(FenMDPModelGetStateRows(v->model, k, &rows));
    most = PetscMax(most, rows);
  }
  PetscCallMPI(MPI_Allreduce(&most, &g.nactions, 1, MPI_INT, MPI_MAX, PetscObjectComm((PetscObject)v->model)));
  PetscCall(FenMDPModelCreateGenerator(PetscObjectComm((PetscObject)v->model), &g, out));
  PetscFunctionReturn(0);
}

static PetscErrorCode VariantStored(const Variant *v, const FenMDPSizes *sizes, FenMDPModel *out)
{
  const FenMDPRows *R;
  FenMDPRows        S;
  FenInt            rows = 0, nnz = 0;

  PetscFunctionBegin;
  PetscCall(FenMDPModelGetRows(v->model, &R));
  S = *R;
  rows = R->state_ptr[R->nstates];
  nnz = R->row_ptr[rows];
  PetscCall(
      PetscMalloc5(R->nstates + 1, &S.state_ptr, rows + 1, &S.row_ptr, rows, &S.action, rows, &S.reward, nnz, &S.next));
  PetscCall(PetscMalloc2(nnz, &S.prob, R->reward_next && !v->free ? nnz : 0, &S.reward_next));
  if (!R->reward_next || v->free)
    S.reward_next = NULL;
  S.state_ptr[0] = S.row_ptr[0] = rows = nnz = 0;
  for (FenInt k = 0; k < R->nstates; k++) {
    for (FenInt r = R->state_ptr[k]; r < R->state_ptr[k + 1] && !(v->drop && v->drop[k]); r++) {
      const FenInt first = R->row_ptr[r], n = R->row_ptr[r + 1] - first;

      S.action[rows] = R->action[r];
      S.reward[rows] = v->free ? 0 : R->reward[r];
      PetscCall(PetscArraycpy(S.next + nnz, R->next + first, n));
      PetscCall(PetscArraycpy(S.prob + nnz, R->prob + first, n));
      if (S.reward_next)
        PetscCall(PetscArraycpy(S.reward_next + nnz, R->reward_next + first, n));
      nnz += n;
      S.row_ptr[++rows] = nnz;
    }
    S.state_ptr[k + 1] = rows;
  }
  PetscCall(FenMDPModelCreateRows(PetscObjectComm((PetscObject)v->model), &S, sizes->substochastic, out));
  PetscCall(PetscFree2(S.prob, S.reward_next));
  PetscCall(PetscFree5(S.state_ptr, S.row_ptr, S.action, S.reward, S.next));
  PetscFunctionReturn(0);
}

/* takes `drop` over */
static PetscErrorCode MakeVariant(FenMDPModel model, PetscBool *drop, PetscBool free, FenMDPModel *out)
{
  FenMDPSizes sizes;
  FenMDPSense sense;
  FenLayout   layout;
  FenInt      end;
  Variant    *v;

  PetscFunctionBegin;
  PetscCall(PetscNew(&v));
  *v = (Variant){.model = model, .drop = drop, .free = free};
  PetscCall(PetscObjectReference((PetscObject)model));
  PetscCall(FenMDPModelGetSizes(model, &sizes));
  PetscCall(FenMDPModelGetSense(model, &sense));
  PetscCall(FenMDPModelGetLayout(model, &layout));
  PetscCall(FenLayoutGetRange(layout, &v->first, &end));
  if (sizes.stored) {
    PetscCall(VariantStored(v, &sizes, out));
    PetscCall(VariantDestroy(v));
  } else
    PetscCall(VariantGenerator(v, &sizes, out));
  PetscCall(FenMDPModelSetSense(*out, free ? FEN_MDP_MAX : sense));
  PetscFunctionReturn(0);
}

PetscErrorCode FenTotalFree_Private(FenMDPModel model, FenMDPModel *out)
{
  FenLayout layout;
  FenInt    n;
  double   *one;

  PetscFunctionBegin;
  PetscCall(MakeVariant(model, NULL, PETSC_TRUE, out));
  PetscCall(FenMDPModelGetLayout(*out, &layout));
  PetscCall(FenLayoutGetLocalSize(layout, &n));
  PetscCall(PetscMalloc1(n + 1, &one));
  for (FenInt k = 0; k < n; k++)
    one[k] = 1;
  PetscCall(FenMDPModelSetTerminal(*out, one));
  PetscCall(PetscFree(one));
  PetscFunctionReturn(0);
}

/* values of terminal states, 0 in those that became so */
static PetscErrorCode CopyTerminal(FenMDPModel model, const PetscBool staying[], FenInt n, FenMDPModel out)
{
  const double *terminal;
  double       *copy;

  PetscFunctionBegin;
  PetscCall(FenMDPModelGetTerminal(model, &terminal));
  if (!terminal)
    PetscFunctionReturn(0);
  PetscCall(PetscMalloc1(n + 1, &copy));
  for (FenInt k = 0; k < n; k++)
    copy[k] = staying[k] ? 0 : terminal[k];
  PetscCall(FenMDPModelSetTerminal(out, copy));
  PetscCall(PetscFree(copy));
  PetscFunctionReturn(0);
}

PetscErrorCode FenTotalModel_Private(FenMDPModel model, FenMDPModel *out)
{
  FenLayout  layout;
  FenInt     n, found, all;
  PetscBool *staying, *drop;

  PetscFunctionBegin;
  PetscCall(FenMDPModelGetLayout(model, &layout));
  PetscCall(FenLayoutGetLocalSize(layout, &n));
  PetscCall(PetscMalloc1(n + 1, &staying));
  PetscCall(FindStaying(model, staying, &found));
  PetscCallMPI(MPI_Allreduce(&found, &all, 1, MPI_FENINT, MPI_SUM, PetscObjectComm((PetscObject)model)));
  if (all) {
    PetscCall(PetscMalloc1(n + 1, &drop));
    PetscCall(PetscArraycpy(drop, staying, n));
    PetscCall(MakeVariant(model, drop, PETSC_FALSE, out));
    PetscCall(CopyTerminal(model, staying, n, *out));
  } else {
    PetscCall(PetscObjectReference((PetscObject)model));
    *out = model;
  }
  PetscCall(PetscFree(staying));
  PetscFunctionReturn(0);
}

PetscErrorCode FenTotalAction_Private(FenMDP mdp, FenInt k, int *action)
{
  FenMDPRow *row;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(1, &row));
  PetscCall(FenMDPModelGetRow(mdp->model, k, 0, row));
  *action = row->action;
  PetscCall(PetscFree(row));
  PetscFunctionReturn(0);
}
