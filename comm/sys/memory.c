/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Memory that the run has needed.
*/
#include "../commimpl.h"
#include <sys/resource.h>

/*@
  FenMemoryPeak - The largest resident memory that any rank has had so far.

  Collective

  Input Parameter:
. comm - the ranks

  Output Parameter:
. bytes - maximum over the ranks, in bytes

  Level: intermediate
@*/
PetscErrorCode FenMemoryPeak(MPI_Comm comm, double *bytes)
{
  struct rusage usage;
  double        mine = 0;

  PetscFunctionBegin;
  if (!getrusage(RUSAGE_SELF, &usage))
    mine = 1024. * (double)usage.ru_maxrss; /* Linux counts in units of 1024 bytes */
  PetscCallMPI(MPI_Allreduce(&mine, bytes, 1, MPI_DOUBLE, MPI_MAX, comm));
  PetscFunctionReturn(0);
}
