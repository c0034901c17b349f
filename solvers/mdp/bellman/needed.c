/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Which of the rows that are stored a sweep needs. Each row has a number from the last sweep, at U: its value, or a
   bound above it. At V a row is worth at most that number plus discount max(V - U), and at most its reward plus
   discount max V, since its probabilities sum to one (or to less: then neither maximum is taken below zero); the maxima
   are over all states, or over those near the row's own where that is worth it, see windows.c. A state is
   worth what its incumbent is, at least. Rows that cannot reach that are not read, their numbers rise. The sweep is
   that over all rows, rounding included.

   After the first sweep, at zero, the numbers are the rewards, and often tell enough to leave most rows alone for ever.

   Rows of the policy's chunks and of the short list have their values from there: chunks lie together.

   Cost: three passes over a number a row, beside the rows that are read.

   Reference: Hastings and van Nunen, The action elimination algorithm for Markov decision processes, in Markov Decision
   Theory, Mathematical Centre Tracts 93, 1977.
*/
#include "bellmanimpl.h"
#include <math.h>

#define AHEAD_ENTRIES 256  /* that are fetched before their turn */
#define FEW           0.75 /* share of the entries above which all rows are read in their order */
#define LONG          32   /* entries of a row, in the mean */
#define SAMPLE        1009 /* states whose rewards are looked at: no multiple of what models repeat */
#define TELLING       0.5  /* share of the entries below which rewards tell rows apart */

typedef struct {
  double rise, top; /* largest V - U and V that rows may see */
  double size;      /* largest |V| or |U| */
} Move;

/* from U, where values are known, to x; both by number, and neither may be seen where there is no value */
static Move MoveTo(FenBellman b, const double x[])
{
  const double none = b->substochastic ? 0 : -INFINITY, *U = b->plain_V;
  Move         m = {none, none, 0};

  for (FenInt k = 0; k < b->reach_n; k++) {
    const double rise = x[k] - U[k], v = fabs(x[k]), u = fabs(U[k]);

    m.rise = rise > m.rise ? rise : m.rise;
    m.top = x[k] > m.top ? x[k] : m.top;
    m.size = v > m.size ? v : m.size;
    m.size = u > m.size ? u : m.size;
  }
  return m;
}

/* the listed rows get their values at V; number of their entries */
static double Read(FenBellman b, FenInt n, const double x[])
{
  const FenPlainRows *R = &b->plain;
  const FenInt        ahead = PetscMin(FEN_ROWS_AHEAD, PetscMax(1, AHEAD_ENTRIES / b->longest));
  double              entries = 0;

  for (FenInt k = 0; k < n; k++) {
    entries += (double)(R->row_ptr[b->plain_list[k] + 1] - R->row_ptr[b->plain_list[k]]);
    b->plain_read[b->plain_list[k]] = 1;
  }
  for (FenInt k = 0; k < ahead; k++)
    b->plain_list[n + k] = 0;
  b->kernels->some_rows(R, n, b->plain_list, ahead, x - b->reach_first);
  return entries;
}

static PetscBool AllHaveRows(FenBellman b, const int policy[])
{
  const FenInt *ptr = b->plain.state_ptr;
  int           all = 1;

  for (FenInt s = 0; s < b->nlocal; s++)
    all &= ptr[s] == ptr[s + 1] || (policy[s] >= 0 && policy[s] < ptr[s + 1] - ptr[s]);
  return (PetscBool)all;
}

/* Most incumbents will stay, so that rows that are long are read into the policy's chunks at once; of short ones what
   is swept counts more, which should be the policy after this sweep. Chunks that reach no ghost have values at V */
PetscErrorCode FenBellmanPlainBegin_Private(FenBellman b, const double V[], const int policy[], FenSweepPart *part)
{
  const FenPlainRows *R = &b->plain;

  PetscFunctionBegin;
  b->plain_begun = (PetscBool)(b->plain_known && AllHaveRows(b, policy));
  if (!b->plain_begun)
    PetscFunctionReturn(0);
  if (!FenBellmanHasPolicy(b) && R->row_ptr[R->rows] >= LONG * R->rows) {
    PetscCall(FenBellmanSetPolicy(b, policy, NULL));
    part->entries = (double)(FEN_LANES * b->policy.ncolumns);
  }
  if (FenBellmanHasPolicy(b))
    FenBellmanValuesOfRuns_Private(b, &b->inner, &b->policy, V, b->plain_least);
  PetscFunctionReturn(0);
}

/* the incumbents get their values at V; number of entries that were read beside those of chunks that are there */
static double ReadIncumbents(FenBellman b, const double V[], const double x[], const int policy[])
{
  const FenPlainRows *R = &b->plain;
  const PetscBool     extracted = FenBellmanHasPolicy(b);
  FenInt              n = 0;

  memset(b->plain_read, 0, (size_t)R->rows);
  FenBellmanShortValues_Private(b, V);
  if (extracted)
    FenBellmanValuesOfRuns_Private(b, &b->outer, &b->policy, V, b->plain_least);
  for (FenInt s = 0; s < b->nlocal; s++) {
    const FenInt r = R->state_ptr[s] + policy[s];

    if (R->state_ptr[s] == R->state_ptr[s + 1] || b->plain_read[r])
      continue;
    if (extracted && policy[s] == b->policy_of[s]) {
      R->q[r] = b->plain_least[s];
      b->plain_read[r] = 1;
    } else
      b->plain_list[n++] = r;
  }
  return Read(b, n, x);
}

/* below this a row cannot matter to a state: neither is it the best, nor an incumbent that stays */
static void Least(FenBellman b, const int policy[], double slack)
{
  for (FenInt s = 0; s < b->nlocal; s++) {
    const double q = b->plain.q[b->plain.state_ptr[s] + policy[s]];

    b->plain_least[s] = q - 4 * slack - 2 * FEN_INCUMBENT * (1 + fabs(q));
  }
}

/* raises the numbers of rows that were not read to bounds at V */
static void Raise(FenBellman b, double rise, double top)
{
  const FenInt rows = b->plain.state_ptr[b->nlocal];
  const double sign = b->plain.sign, *reward = b->plain.reward;
  const char  *read = b->plain_read;
  double      *q = b->plain.q;

  for (FenInt r = 0; r < rows; r++) {
    const double high = sign * reward[r] + top, last = q[r] + rise, bound = last < high ? last : high;

    q[r] = read[r] ? q[r] : bound;
  }
}

/* rows that may matter and were not read; how many */
static FenInt List(FenBellman b)
{
  const FenPlainRows *R = &b->plain;
  FenInt              n = 0;

  for (FenInt s = 0; s < b->nlocal; s++) {
    const double least = b->plain_least[s];

    for (FenInt r = R->state_ptr[s]; r < R->state_ptr[s + 1]; r++) { /* without branches: nobody foresees them */
      b->plain_list[n] = r;
      n += !b->plain_read[r] & (R->q[r] >= least);
    }
  }
  return n;
}

PetscErrorCode FenBellmanReadSome_Private(FenBellman b, const double V[], const double x[], const int policy[],
                                          double *entries, PetscBool *some)
{
  const double all = (double)b->plain.row_ptr[b->plain.rows], discount = b->options.discount;
  double       more = 0;
  FenInt       n;
  Move         m;

  PetscFunctionBegin;
  *some = PETSC_FALSE;
  if (!b->plain_begun)
    PetscFunctionReturn(0);
  m = MoveTo(b, x);
  if (!isfinite(m.size) || (b->reach_n && !isfinite(m.rise)))
    PetscFunctionReturn(0);
  *entries += ReadIncumbents(b, V, x, policy);
  Least(b, policy, FenBellmanSlack_Private(b, m.size));
  if (b->windows)
    FenBellmanRaiseNear_Private(b, x);
  else
    Raise(b, discount * m.rise, discount * m.top);
  n = List(b);
  for (FenInt k = 0; k < n; k++)
    more += (double)(b->plain.row_ptr[b->plain_list[k] + 1] - b->plain.row_ptr[b->plain_list[k]]);
  if (more > FEW * all)
    PetscFunctionReturn(0);
  *entries += Read(b, n, x);
  PetscCall(PetscInfo(b->model, "%.0f of %.0f entries are read\n", *entries, all));
  *some = PETSC_TRUE;
  PetscFunctionReturn(0);
}

PetscErrorCode FenBellmanRewardsTell(FenBellman b, const double TV[], double margin, PetscBool *tell)
{
  const FenPlainRows *R = &b->plain;
  const FenInt        step = b->nlocal / SAMPLE + 1;
  double              sum[2] = {0, 0}; /* near, all */

  PetscFunctionBegin;
  *tell = (PetscBool)(FenBellmanIsPlain(b) && b->plain_known && !b->listable);
  if (!*tell)
    PetscFunctionReturn(0);
  for (FenInt s = 0; s < b->nlocal; s += step)
    for (FenInt r = R->state_ptr[s]; r < R->state_ptr[s + 1]; r++) {
      const double entries = (double)(R->row_ptr[r + 1] - R->row_ptr[r]);

      sum[0] += R->q[r] >= TV[s] - margin ? entries : 0;
      sum[1] += entries;
    }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sum, 2, MPI_DOUBLE, MPI_SUM, b->comm)); /* once a solve */
  *tell = (PetscBool)(sum[0] <= TELLING * sum[1]);
  PetscFunctionReturn(0);
}
