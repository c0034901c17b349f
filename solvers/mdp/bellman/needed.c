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

/* from U, where values are known, to V */
static Move MoveTo(FenBellman b, const double V[])
{
  const double none = b->substochastic ? 0 : -INFINITY;
  Move         m = {none, none, 0};

  for (FenInt s = 0; s < b->nlocal; s++) {
    const double rise = V[s] - b->plain_V[s], v = fabs(V[s]), u = fabs(b->plain_V[s]);

    m.rise = rise > m.rise ? rise : m.rise;
    m.top = V[s] > m.top ? V[s] : m.top;
    m.size = v > m.size ? v : m.size;
    m.size = u > m.size ? u : m.size;
  }
  return m;
}

/* the listed rows get their values at V; number of their entries */
static double Read(FenBellman b, FenInt n, const double V[])
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
  b->kernels->some_rows(R, n, b->plain_list, ahead, V);
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

/* the incumbents get their values at V. Most will stay, so that rows that are long are read into the policy's chunks at
   once; of short ones what is swept counts more, which should be the policy after this sweep. Number of entries that
   were read beside those of chunks that are there */
static PetscErrorCode ReadIncumbents(FenBellman b, const double V[], const int policy[], double *entries)
{
  const FenPlainRows *R = &b->plain;
  PetscBool           extracted;
  FenInt              n = 0;

  PetscFunctionBegin;
  *entries = 0;
  if ((!b->policy_of || b->policy_of[0] < 0) && R->row_ptr[R->rows] >= LONG * R->rows) {
    PetscCall(FenBellmanSetPolicy(b, policy, NULL));
    *entries = (double)(FEN_LANES * b->policy.ncolumns);
  }
  extracted = (PetscBool)(b->policy_of && b->policy_of[0] >= 0);
  memset(b->plain_read, 0, (size_t)R->rows);
  FenBellmanShortValues_Private(b, V);
  if (extracted)
    b->kernels->values(&b->policy.view, 0, b->policy.nchunks, V, b->plain_least);
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
  *entries += Read(b, n, V);
  PetscFunctionReturn(0);
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

PetscErrorCode FenBellmanReadSome_Private(FenBellman b, const double V[], const int policy[], PetscBool *some)
{
  const double all = (double)b->plain.row_ptr[b->plain.state_ptr[b->nlocal]], discount = b->options.discount;
  double       entries, more = 0;
  FenInt       n;
  Move         m;

  PetscFunctionBegin;
  *some = PETSC_FALSE;
  if (!b->plain_known)
    PetscFunctionReturn(0);
  m = MoveTo(b, V);
  if (!isfinite(m.rise) || !isfinite(m.size) || !AllHaveRows(b, policy))
    PetscFunctionReturn(0);
  PetscCall(ReadIncumbents(b, V, policy, &entries));
  Least(b, policy, FenBellmanSlack_Private(b, m.size));
  if (b->windows)
    FenBellmanRaiseNear_Private(b, V);
  else
    Raise(b, discount * m.rise, discount * m.top);
  n = List(b);
  for (FenInt k = 0; k < n; k++)
    more += (double)(b->plain.row_ptr[b->plain_list[k] + 1] - b->plain.row_ptr[b->plain_list[k]]);
  if (more > FEW * all)
    PetscFunctionReturn(0);
  entries += Read(b, n, V);
  b->plain_work += entries / all;
  PetscCall(PetscInfo(b->model, "%.0f of %.0f entries are read\n", entries, all));
  *some = PETSC_TRUE;
  PetscFunctionReturn(0);
}

PetscErrorCode FenBellmanRewardsTell(FenBellman b, const double TV[], double margin, PetscBool *tell)
{
  const FenPlainRows *R = &b->plain;
  const FenInt        step = b->nlocal / SAMPLE + 1;
  FenInt              near = 0, all = 0;

  PetscFunctionBegin;
  *tell = (PetscBool)(FenBellmanIsPlain(b) && b->plain_known && !b->listable);
  if (!*tell)
    PetscFunctionReturn(0);
  for (FenInt s = 0; s < b->nlocal; s += step)
    for (FenInt r = R->state_ptr[s]; r < R->state_ptr[s + 1]; r++) {
      const FenInt entries = R->row_ptr[r + 1] - R->row_ptr[r];

      near += R->q[r] >= TV[s] - margin ? entries : 0;
      all += entries;
    }
  *tell = (PetscBool)((double)near <= TELLING * (double)all);
  PetscFunctionReturn(0);
}
