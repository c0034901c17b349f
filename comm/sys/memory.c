/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Memory that the run has needed, and what is left.
*/
#include "../commimpl.h"
#include <math.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>
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

/*@C
  FenMemoryLargePages - Asks for large pages where an array will be that is allocated and not yet written.

  Not Collective

  Input Parameters:
+ array - the array
- bytes - its size

  Note:
  Rows that are read here and there, and arrays that are written for the first time, cost a translation of addresses or
  a fault each page. Only pages that lie in the array are asked for, so that it takes no more memory. Does nothing where
  the system has none.

  Level: developer
@*/
PetscErrorCode FenMemoryLargePages(void *array, size_t bytes)
{
  PetscFunctionBegin;
#if defined(MADV_HUGEPAGE)
  {
    const size_t page = (size_t)1 << 21, skip = (page - (size_t)(uintptr_t)array % page) % page;

    if (bytes >= skip + page)
      (void)madvise((char *)array + skip, (bytes - skip) / page * page, MADV_HUGEPAGE);
  }
#endif
  PetscFunctionReturn(0);
}

/* the number after a word at the beginning of a line of a file; +inf if there is none */
static double NumberIn(const char file[], const char word[])
{
  FILE  *f = fopen(file, "r");
  size_t n = strlen(word);
  char   line[256];
  double number = INFINITY;

  while (f && isinf(number) && fgets(line, sizeof(line), f))
    if (!strncmp(line, word, n) && (line[n] == ' ' || (line[n] >= '0' && line[n] <= '9')))
      number = strtod(line + n, NULL);
  if (f)
    (void)fclose(f);
  return number;
}

/*@
  FenMemoryAvailable - Bytes that a rank may still take: what its node has, shared among the node's ranks, but not more
  than the limit of the process.

  Collective

  Input Parameter:
. comm - the ranks

  Output Parameter:
. bytes - of this rank; +inf if the system does not say

  Level: intermediate

.seealso: `FenMemoryPeak()`
@*/
PetscErrorCode FenMemoryAvailable(MPI_Comm comm, double *bytes)
{
  struct rlimit limit;
  MPI_Comm      node;
  PetscMPIInt   ranks;
  double        mine = 1024 * NumberIn("/proc/meminfo", "MemAvailable:");

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_split_type(comm, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node));
  PetscCallMPI(MPI_Comm_size(node, &ranks));
  PetscCallMPI(MPI_Comm_free(&node));
  mine = PetscMin(mine, NumberIn("/sys/fs/cgroup/memory.max", "")) / ranks; /* says "max" if there is no limit */
  if (!getrlimit(RLIMIT_AS, &limit) && limit.rlim_cur != RLIM_INFINITY)
    mine = PetscMin(mine, (double)limit.rlim_cur - (double)sysconf(_SC_PAGESIZE) * NumberIn("/proc/self/statm", ""));
  *bytes = PetscMax(mine, 0);
  PetscFunctionReturn(0);
}
