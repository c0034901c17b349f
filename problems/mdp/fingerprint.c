/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Fingerprint of a model: the same for stored and generated rows, on any number of ranks. Every state hashes its rows
   as one list of words, numbered from a place of its own.
*/
#include "mdpmodelimpl.h"

#define FEN_STATE_WORDS ((FenInt)1 << 20) /* longer lists run into those of the next states, which does no harm */
#define FEN_TRAITS      ((FenInt)1 << 62)

static void FenHashInts(FenFingerprint *f, FenInt first, FenInt n, const FenInt x[])
{
  for (FenInt i = 0; i < n; i++) {
    double word;

    memcpy(&word, x + i, sizeof(word));
    FenFingerprintDoubles(f, first + i, 1, &word);
  }
}

static void FenHashRow(FenFingerprint *f, FenInt *place, const FenMDPRowView *r, const double reward_next[])
{
  const FenInt head[2] = {r->action, r->n};

  FenHashInts(f, *place, 2, head);
  FenHashInts(f, *place + 2, r->n, r->next);
  FenFingerprintDoubles(f, *place + 2 + r->n, r->n, r->prob);
  *place += 2 + 2 * r->n;
  if (reward_next)
    FenFingerprintDoubles(f, *place, r->n, reward_next);
  else
    FenFingerprintDoubles(f, *place, 1, r->reward);
  *place += reward_next ? r->n : 1;
  if (r->prob_low) {
    FenFingerprintDoubles(f, *place, r->n, r->prob_low);
    FenFingerprintDoubles(f, *place + r->n, r->n, r->prob_up);
    *place += 2 * r->n;
  }
}

static void FenHashStored(FenMDPModel model, FenFingerprint *f)
{
  FenMDPRows *rows = &model->rows;

  for (FenInt s = 0; s < rows->nstates; s++) {
    FenInt place = (model->start + s) * FEN_STATE_WORDS;

    for (FenInt k = rows->state_ptr[s]; k < rows->state_ptr[s + 1]; k++) {
      const FenInt  first = rows->row_ptr[k];
      FenMDPRowView r = {rows->row_ptr[k + 1] - first,
                         rows->action[k],
                         rows->next + first,
                         rows->prob + first,
                         NULL,
                         rows->prob_low ? rows->prob_low + first : NULL,
                         rows->prob_up ? rows->prob_up + first : NULL,
                         rows->reward + k};

      FenHashRow(f, &place, &r, rows->reward_next ? rows->reward_next + first : NULL);
    }
  }
}

static PetscErrorCode FenHashGenerated(FenMDPModel model, FenMDPRow *row, FenFingerprint *f)
{
  PetscFunctionBegin;
  for (FenInt s = 0; s < model->nlocal; s++) {
    FenInt place = (model->start + s) * FEN_STATE_WORDS;
    int    n;

    PetscCall(FenMDPModelGetStateRows(model, s, &n));
    for (int k = 0; k < n; k++) {
      FenMDPRowView r;

      PetscCall(FenMDPModelGetRow(model, s, k, row));
      r = (FenMDPRowView){row->n, row->action, row->next, row->prob, NULL, NULL, NULL, &row->reward};
      FenHashRow(f, &place, &r, model->sizes.by_next ? row->reward_next : NULL);
    }
  }
  PetscFunctionReturn(0);
}

/*@C
  FenMDPModelFingerprint - Fingerprint of all that determines the answers: rows, sense, discount, criterion, terminal
  values.

  Collective

  Input Parameter:
. model - the model

  Output Parameter:
. f - the same on any number of ranks, and for stored rows and rows made on demand

  Level: developer

.seealso: `FenFingerprintReduce()`
@*/
PetscErrorCode FenMDPModelFingerprint(FenMDPModel model, FenFingerprint *f)
{
  FenMDPSizes sizes;
  FenMDPRow  *row;
  FenInt      first = 0;

  PetscFunctionBegin;
  PetscCall(FenMDPModelGetSizes(model, &sizes));
  PetscCall(FenMDPModelCheckEntries_Private(model));
  PetscCall(PetscMemzero(f, sizeof(*f)));
  if (model->stored)
    FenHashStored(model, f);
  else {
    PetscCall(PetscMalloc(sizeof(*row), &row));
    PetscCall(FenHashGenerated(model, row, f));
    PetscCall(PetscFree(row));
  }
  if (model->terminal)
    FenFingerprintDoubles(f, FEN_TRAITS + 16 + model->start, model->nlocal, model->terminal);
  if (model->weight)
    FenFingerprintDoubles(f, FEN_TRAITS / 2 + model->start, model->nlocal, model->weight);
  PetscCall(FenLayoutGetRange(model->layout, &first, NULL));
  if (!first && model->nlocal) {
    const FenInt traits[5] = {sizes.states, model->sense, model->criterion, model->horizon, sizes.substochastic};

    FenHashInts(f, FEN_TRAITS, 5, traits);
    FenFingerprintDoubles(f, FEN_TRAITS + 5, 1, &model->discount);
  }
  PetscCall(FenFingerprintReduce(PetscObjectComm((PetscObject)model), f));
  PetscFunctionReturn(0);
}
