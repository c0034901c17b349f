/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Time that has passed and time that is left.
*/
#include "../commimpl.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <time.h>

/*@
  FenWallTime - Seconds since some moment in the past; never runs backwards.

  Not Collective

  Level: developer

.seealso: `FenWallTimeLimit()`
@*/
double FenWallTime(void)
{
  struct timespec t;

  (void)clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/*@
  FenWallTimeLimit - Seconds until the batch system ends the job, or infinity if nobody has said so.

  Not Collective

  Notes:
  Read from SLURM_JOB_END_TIME (seconds since 1970), which Slurm sets. Negative if the moment has passed. Ranks may see
  different values by a little: decide on one rank.

  Level: developer

.seealso: `FenWallTime()`
@*/
double FenWallTimeLimit(void)
{
  const char     *text = getenv("SLURM_JOB_END_TIME");
  struct timespec now;
  char           *rest;
  long long       end;

  if (!text || !*text)
    return HUGE_VAL;
  errno = 0;
  end = strtoll(text, &rest, 10);
  if (errno || *rest || end <= 0)
    return HUGE_VAL;
  (void)clock_gettime(CLOCK_REALTIME, &now);
  return (double)(end - (long long)now.tv_sec) - 1e-9 * (double)now.tv_nsec;
}
