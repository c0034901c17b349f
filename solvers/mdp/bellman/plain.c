/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Rows swept as they are stored. Chunks cost a copy of all rows, which as many sweeps have to pay as it takes longer to
   read 16 bytes an entry instead of 12; solvers that hope for few sweeps start without them.

   What is more, most sweeps need few rows, and need not read others that are long. Values of all rows at an earlier U
   are kept, or bounds above them. At V no row is worth more than at U plus discount max(V - U), and no state less than
   its row of the last policy, whose rows are in chunks: rows below that are not read, their bounds rise. The sweep is
   that over all rows, rounding included.

   On one rank, for nominal rows of eight entries in the mean or more: the sums of shorter ones are mostly ends.

   Of |computed - exact| of an entry of TV, in units of rounding, 5 more than in create.c: parts of sums are added by
   pairs, thrice, and so are those of probabilities, whose sum has two roundings more than a sum of double-doubles.

   Reference: Hastings and van Nunen, The action elimination algorithm for Markov decision processes, in Markov Decision
   Theory, Mathematical Centre Tracts 93, 1977.
*/
#include "bellmanimpl.h"
#include <math.h>

#define MEAN_ENTRIES 8
#define MOST_AHEAD   32   /* rows: of MEAN_ENTRIES each */
#define MOST_WORK    8.0  /* sweeps; the next one makes chunks */
#define LONG         64   /* entries of a row in the mean: where fewer, rows are read in their order ... */
#define SMALL        0.1  /* ... unless values moved by less than this share of the range of the rewards */
#define FEW          0.75 /* share of the entries above which all rows are read in their order */

typedef struct {
  double rise, fall; /* largest V - U and U - V */
  double size;       /* largest |V| or |U| */
} Move;

PetscErrorCode FenBellmanPlainCreate_Private(FenBellman b, PetscBool give_back)
{
  const FenMDPRows *R = b->rows;
  const FenInt      rows = R->state_ptr[b->nlocal];

  PetscFunctionBegin;
  b->give_back = give_back;
  b->plain = (FenPlainRows){.n = b->nlocal,
                            .state_ptr = R->state_ptr,
                            .row_ptr = R->row_ptr,
                            .next = R->next,
                            .prob = R->prob,
                            .reward = R->reward,
                            .sign = b->sign,
                            .discount = b->options.discount,
                            .lossy = b->substochastic};
  PetscCall(PetscMalloc4((size_t)(rows + FEN_LANES), &b->plain.q, (size_t)(rows + MOST_AHEAD), &b->plain_list,
                         b->nlocal, &b->plain_V, (size_t)(b->nlocal + FEN_LANES), &b->plain_least));
  b->plain_known = PETSC_FALSE;
  b->plain_work = 0;
  PetscFunctionReturn(0);
}

PetscBool FenBellmanPlainPays_Private(FenBellman b)
{
  const FenInt rows = b->stored && b->size == 1 ? b->rows->state_ptr[b->nlocal] : 0;

  return (PetscBool)(rows > 0 && b->options.few_sweeps && !b->scattered &&
                     b->rows->row_ptr[rows] >= MEAN_ENTRIES * rows);
}

PetscErrorCode FenBellmanPlainDestroy_Private(FenBellman b)
{
  PetscFunctionBegin;
  PetscCall(PetscFree4(b->plain.q, b->plain_list, b->plain_V, b->plain_least));
  b->plain.n = 0;
  PetscFunctionReturn(0);
}

PetscErrorCode FenBellmanStore(FenBellman b)
{
  PetscFunctionBegin;
  if (!FenBellmanIsPlain(b))
    PetscFunctionReturn(0);
  PetscCall(FenBellmanPlainDestroy_Private(b));
  PetscCall(FenBellmanShortlistDestroy_Private(b));
  PetscCall(FenBellmanStoreAll_Private(b, b->give_back));
  PetscFunctionReturn(0);
}

double FenBellmanSlack_Private(FenBellman b, double vabs)
{
  return (b->slack + (FenBellmanIsPlain(b) ? 5 * 0x1p-53 : 0)) * (b->reward_abs + b->options.discount * vabs);
}

/* from U, where values are known, to V */
static Move MoveTo(FenBellman b, const double V[])
{
  Move m = {b->substochastic ? 0 : -INFINITY, b->substochastic ? 0 : -INFINITY, 0};

  for (FenInt s = 0; s < b->nlocal; s++) {
    const double rise = V[s] - b->plain_V[s];

    m.rise = rise > m.rise ? rise : m.rise;
    m.fall = -rise > m.fall ? -rise : m.fall;
    m.size = fmax(m.size, fmax(fabs(V[s]), fabs(b->plain_V[s])));
  }
  return m;
}

/* below this a row cannot matter to a state: neither is it the best, nor an incumbent that stays */
static void Least(FenBellman b, const double V[], double slack)
{
  b->kernels->values(&b->policy.view, 0, b->policy.nchunks, V, b->plain_least);
  for (FenInt s = 0; s < b->nlocal; s++)
    b->plain_least[s] -= 4 * slack + 2 * FEN_INCUMBENT * (1 + fabs(b->plain_least[s]));
}

/* raises the values of the rows to bounds, and lists those that may matter; number of their entries */
static FenInt List(FenBellman b, double rise, FenInt *n)
{
  const FenPlainRows *R = &b->plain;
  FenInt              entries = 0, k = 0;

  for (FenInt s = 0; s < b->nlocal; s++)
    for (FenInt r = R->state_ptr[s]; r < R->state_ptr[s + 1]; r++) { /* without branches: nobody foresees them */
      const double q = R->q[r] + rise;
      const FenInt in = q >= b->plain_least[s];

      R->q[r] = q;
      b->plain_list[k] = r;
      k += in;
      entries += in ? R->row_ptr[r + 1] - R->row_ptr[r] : 0;
    }
  *n = k;
  return entries;
}

/* values at V of the rows that matter; false: those of all are to be found */
static PetscBool FindSome(FenBellman b, const double V[])
{
  const double rows = (double)b->plain.state_ptr[b->nlocal];
  const double all = (double)b->plain.row_ptr[b->plain.state_ptr[b->nlocal]];
  const FenInt ahead = PetscMax(1, MOST_AHEAD * MEAN_ENTRIES / b->longest);
  FenInt       n;
  double       entries;
  Move         m;

  if (!b->plain_known || !b->policy_of || b->policy_of[0] < 0)
    return PETSC_FALSE;
  m = MoveTo(b, V);
  if (!isfinite(m.rise) || !isfinite(m.size) || (all < LONG * rows && m.rise + m.fall > SMALL * b->reward_range))
    return PETSC_FALSE;
  Least(b, V, FenBellmanSlack_Private(b, m.size));
  entries = (double)List(b, b->options.discount * m.rise, &n);
  if (entries > FEW * all)
    return PETSC_FALSE;
  for (FenInt k = 0; k < ahead; k++)
    b->plain_list[n + k] = 0;
  b->kernels->some_rows(&b->plain, n, b->plain_list, ahead, V);
  b->plain_work += entries / all;
  return PETSC_TRUE;
}

PetscErrorCode FenBellmanPlainSweep_Private(FenBellman b, PetscBool zero, const double V[], double TV[], int policy[],
                                            FenSweepPart *part)
{
  FenRowsPass pass = FEN_ROWS_REWARD;

  PetscFunctionBegin;
  if (!zero)
    pass = FindSome(b, V) ? FEN_ROWS_KNOWN : FEN_ROWS_ALL;
  b->plain_work += pass == FEN_ROWS_ALL;
  b->kernels->rows(&b->plain, V, TV, policy, pass, part);
  PetscCall(PetscArraycpy(b->plain_V, V, b->nlocal));
  b->plain_known = PETSC_TRUE;
  b->listable = (PetscBool)!zero;
  PetscFunctionReturn(0);
}

/* before a sweep over all rows */
PetscErrorCode FenBellmanPlainEnough_Private(FenBellman b)
{
  PetscFunctionBegin;
  if (FenBellmanIsPlain(b) && b->plain_work >= MOST_WORK)
    PetscCall(FenBellmanStore(b));
  PetscFunctionReturn(0);
}
