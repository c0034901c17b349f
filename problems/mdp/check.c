/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether rows made on demand are the same every time: two passes over all rows, a fingerprint for each state. */
#include "mdpmodelimpl.h"

static PetscErrorCode FenStateFingerprint(FenMDPModel model, FenInt k, FenMDPRow *row, FenFingerprint *print)
{
  int n;

  PetscFunctionBegin;
  *print = (FenFingerprint){{0, 0}};
  PetscCall(FenMDPModelGetStateRows(model, k, &n));
  for (int r = 0; r < n; r++) {
    double head[3];

    PetscCall(FenMDPModelGetRow(model, k, r, row));
    head[0] = row->action;
    head[1] = row->reward;
    head[2] = (double)row->n;
    FenFingerprintDoubles(print, r * 4096, 3, head);
    FenFingerprintDoubles(print, r * 4096 + 3, row->n, row->prob);
    FenFingerprintDoubles(print, r * 4096 + 1027, row->n, row->reward_next);
    for (FenInt j = 0; j < row->n; j++) {
      const double next = (double)row->next[j];

      FenFingerprintDoubles(print, r * 4096 + 2051 + j, 1, &next);
    }
  }
  PetscFunctionReturn(0);
}

/*@
  FenMDPModelCheck - Sees to it that rows made on demand are the same on every call, by making all of them twice.

  Collective

  Input Parameter:
. model - any model; nothing is done for stored rows

  Errors:
  `FEN_ERR_VALUE` naming the first state whose rows were others in the second pass.

  Level: advanced

.seealso: `FenMDPModelCreateGenerator()`
@*/
PetscErrorCode FenMDPModelCheck(FenMDPModel model)
{
  FenFault        fault = {0, ""};
  FenFingerprint *first, again;
  FenMDPSizes     sizes;
  FenMDPRow      *row;

  PetscFunctionBegin;
  if (model->stored)
    PetscFunctionReturn(0);
  PetscCall(FenMDPModelGetSizes(model, &sizes));
  PetscCall(PetscMalloc1((size_t)(model->nlocal + 1), &first));
  PetscCall(PetscMalloc1(1, &row));
  for (FenInt k = 0; k < model->nlocal; k++)
    PetscCall(FenStateFingerprint(model, k, row, &first[k]));
  for (FenInt k = 0; k < model->nlocal && !fault.code; k++) {
    PetscCall(FenStateFingerprint(model, k, row, &again));
    if (memcmp(&again, &first[k], sizeof(again)))
      FenFaultSet(&fault, FEN_ERR_VALUE,
                  "%s%sstate %" FENINT_FMT ": the generator made other rows in a second pass; rule: the same row on "
                  "every call",
                  model->name ? model->name : "", model->name ? ": " : "", model->start + k);
  }
  PetscCall(PetscFree(row));
  PetscCall(PetscFree(first));
  PetscCall(FenFaultAgree(PetscObjectComm((PetscObject)model), &fault));
  PetscFunctionReturn(0);
}
