/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Memory that the run has needed.
*/
#include "../commimpl.h"
#include <sys/resource.h>
#if defined(__GLIBC__)
  #include <malloc.h>
#endif

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

/*@C
  FenMemoryReturn - Gives memory that was freed back to the system, so that it no longer counts as the process's.

  Not Collective

  Note:
  MPI libraries that register memory tell the allocator to keep all it has ever got; after something large was freed,
this undoes it. Does nothing where the C library cannot.

  Level: developer

.seealso: `FenMemoryPeak()`
@*/
PetscErrorCode FenMemoryReturn(void)
{
  PetscFunctionBegin;
#if defined(__GLIBC__)
  (void)malloc_trim(0);
#endif
  PetscFunctionReturn(0);
}
