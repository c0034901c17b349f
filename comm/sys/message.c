/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Point-to-point messages of any length: cut into pieces that MPI can count.
*/
#include "../commimpl.h"

#define FEN_MESSAGE_MAX ((FenInt)1 << 28) /* doubles, 2 GiB */

static PetscErrorCode FenRequestsNext(FenRequests *r, MPI_Request **next)
{
  PetscFunctionBegin;
  if (r->n == r->capacity) {
    const PetscMPIInt capacity = 2 * r->capacity + 8;
    MPI_Request      *grown;

    PetscCall(PetscMalloc1((size_t)capacity, &grown));
    for (PetscMPIInt i = 0; i < r->n; i++)
      grown[i] = r->request[i];
    PetscCall(PetscFree(r->request));
    r->request = grown;
    r->capacity = capacity;
  }
  *next = &r->request[r->n++];
  PetscFunctionReturn(0);
}

PetscErrorCode FenRequestsDestroy_Private(FenRequests *r)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(r->request));
  r->n = r->capacity = 0;
  PetscFunctionReturn(0);
}

PetscErrorCode FenRequestsWait_Private(FenRequests *r)
{
  PetscFunctionBegin;
  if (r->n)
    PetscCallMPI(MPI_Waitall(r->n, r->request, MPI_STATUSES_IGNORE));
  r->n = 0;
  PetscFunctionReturn(0);
}

/* lets MPI move data; many implementations do so only inside calls */
PetscErrorCode FenRequestsTest_Private(FenRequests *r)
{
  int done;

  PetscFunctionBegin;
  if (r->n)
    PetscCallMPI(MPI_Testall(r->n, r->request, &done, MPI_STATUSES_IGNORE));
  PetscFunctionReturn(0);
}

PetscErrorCode FenIsend_Private(const double x[], FenInt n, PetscMPIInt to, PetscMPIInt tag, MPI_Comm comm,
                                FenRequests *r)
{
  PetscFunctionBegin;
  for (FenInt k = 0; k < n; k += FEN_MESSAGE_MAX) {
    MPI_Request *request;

    PetscCall(FenRequestsNext(r, &request));
    PetscCallMPI(MPI_Isend(x + k, (PetscMPIInt)PetscMin(n - k, FEN_MESSAGE_MAX), MPI_DOUBLE, to, tag, comm, request));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode FenIrecv_Private(double x[], FenInt n, PetscMPIInt from, PetscMPIInt tag, MPI_Comm comm, FenRequests *r)
{
  PetscFunctionBegin;
  for (FenInt k = 0; k < n; k += FEN_MESSAGE_MAX) {
    MPI_Request *request;

    PetscCall(FenRequestsNext(r, &request));
    PetscCallMPI(MPI_Irecv(x + k, (PetscMPIInt)PetscMin(n - k, FEN_MESSAGE_MAX), MPI_DOUBLE, from, tag, comm, request));
  }
  PetscFunctionReturn(0);
}
