/* SPDX-License-Identifier: BSD-2-Clause */
/*
   The ring: in step s a rank works on the columns of the rank s places further on, while it passes them to the rank
   before it and gets the next ones from the rank behind it. Every row meets the columns of rank r, r+1, ... in this
   order, which does not depend on timing.
*/
#include "pairsimpl.h"

PetscErrorCode FenPairsRun_Ring(FenPairs pairs, FenPairsTask *task)
{
  const PetscMPIInt P = pairs->size, next = (pairs->rank + 1) % P, before = (pairs->rank + P - 1) % P;
  FenPairsBlock     rows, cols, coming = {0};
  FenInt            half = 0;

  PetscFunctionBegin;
  /* two buffers as large as the largest block: what is worked on, and what is coming */
  for (PetscMPIInt r = 0; r < P; r++) {
    PetscCall(FenPairsBlockOf_Private(pairs->cols, r, NULL, &cols));
    half = PetscMax(half, task->ncol * cols.n);
  }
  if (P > 1)
    PetscCall(FenBufferReserve_Private(&pairs->col, P > 2 ? 2 * half : half));
  PetscCall(FenPairsBlockOf_Private(pairs->rows, pairs->rank, task->row, &rows));
  PetscCall(FenPairsBlockOf_Private(pairs->cols, pairs->rank, task->col, &cols));
  for (PetscMPIInt s = 0; s < P; s++) {
    if (s + 1 < P) {
      double *to = pairs->col.data + (s % 2) * half;

      PetscCall(FenPairsBlockOf_Private(pairs->cols, (PetscMPIInt)(((FenInt)pairs->rank + s + 1) % P), to, &coming));
      PetscCall(FenIrecv_Private(to, task->ncol * coming.n, next, pairs->tag_col, pairs->comm, &pairs->req_col));
      PetscCall(
          FenIsend_Private(cols.data, task->ncol * cols.n, before, pairs->tag_col, pairs->comm, &pairs->req_send));
    }
    PetscCall(FenPairsWork_Private(pairs, task, &rows, &cols, task->acc));
    PetscCall(FenRequestsWait_Private(&pairs->req_col));
    PetscCall(FenRequestsWait_Private(&pairs->req_send));
    cols = coming;
  }
  PetscFunctionReturn(0);
}
