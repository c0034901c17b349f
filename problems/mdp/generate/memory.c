/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether a built-in problem fits into memory, before it is made: an estimate from a sample of its states. */
#include "mdpproblemimpl.h"

#define SAMPLE   64   /* states of a rank */
#define STATE    32.0 /* bytes: values, their image, answers */
#define ROW      20.0 /* bytes of a stored row beside its entries: pointer, reward, action */
#define ENTRY    16.0 /* bytes: successor and probability */
#define MISTAKEN 0.9  /* the sample may say too much */

/* rows and entries of the sampled states, in the mean */
static PetscErrorCode FenSampleRows(FenMDPModel model, double *rows, double *entries)
{
  const FenInt n = PetscMin(SAMPLE, model->nlocal);
  FenMDPRow   *row;

  PetscFunctionBegin;
  PetscCall(PetscMalloc(sizeof(*row), &row));
  *rows = *entries = 0;
  for (FenInt k = 0; k < n; k++) {
    const FenInt s = model->start + k * (model->nlocal / n);
    int          m;

    PetscCall(FenMDPModelMakeStateRows(model, s, &m));
    *rows += m / (double)n;
    for (int a = 0; a < PetscMin(m, SAMPLE); a++) {
      PetscCall(FenMDPModelMakeRow(model, s, a, row));
      *entries += (double)row->n / (double)n * PetscMax(1, (double)m / SAMPLE);
    }
  }
  PetscCall(PetscFree(row));
  PetscFunctionReturn(0);
}

PetscErrorCode FenMDPModelFits_Private(FenMDPModel model, PetscBool stored)
{
  const MPI_Comm comm = PetscObjectComm((PetscObject)model);
  FenFault       fault = {0, ""};
  double         available, rows = 0, entries = 0, needed;

  PetscFunctionBegin;
  PetscCall(FenMemoryAvailable(comm, &available));
  if (stored && model->nlocal)
    PetscCall(FenSampleRows(model, &rows, &entries));
  needed = (double)model->nlocal * (STATE + ROW * rows + ENTRY * entries);
  if (MISTAKEN * needed > available)
    FenFaultSet(&fault, FEN_ERR_MEMORY,
                "%" FENINT_FMT " states on a rank need about %.0f bytes%s; a rank may take %.0f bytes", model->nlocal,
                needed, stored ? " with their rows" : "", available);
  PetscCall(FenFaultAgree(comm, &fault));
  PetscFunctionReturn(0);
}
