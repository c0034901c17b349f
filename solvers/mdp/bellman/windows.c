/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Where rows reach. In models whose states have neighbours, as stocks, queues or numbers of people, the successors of a
   row are in a window that is small beside all states. The largest V - U of a window bounds what the row's value has
   risen by far closer than the largest of all: V and U differ much from one end of the states to the other, and little
   from one state to the next. needed.c takes these bounds then, and sweeps of a slow model read few rows.

   Maxima are over blocks of states, and over 2, 4 and 8 blocks from each block on. Two of these cover what a row
   reaches; a row that reaches farther has the maximum over all.

   Cost: two numbers a row are read once and two kept; a pass over the states a sweep, four numbers a row from tables
   that stay in the caches.
*/
#include "bellmanimpl.h"
#include <math.h>

#define SAMPLE 199   /* rows that are looked at: no multiple of what models repeat */
#define SMALL  0.125 /* mean share of the states that windows may have to be worth it */
#define BLOCKS 6     /* of a mean window */
#define LEAST  8     /* states of a block */
#define LEVELS 4     /* maxima over 2^k blocks, 0 <= k < LEVELS */
#define AHEAD  16    /* rows */

struct _FenWindows {
  FenInt  first;          /* number of the first state */
  FenInt  block, nblocks; /* states of one; how many */
  int    *of;             /* two numbers in the tables, of each row */
  double *rise, *top;     /* tables: maxima of V - U and of V by level and block; over all; of nothing */
};

/* states that a row covers in the mean, as some of the rows tell */
static FenInt MeanWidth(const FenPlainRows *R)
{
  FenInt width = 0, n = 0;

  for (FenInt r = 0; r < R->rows; r += R->rows / SAMPLE + 1, n++)
    if (R->row_ptr[r + 1] > R->row_ptr[r])
      width += R->next[R->row_ptr[r + 1] - 1] - R->next[R->row_ptr[r]] + 1;
  return n ? width / n : 0;
}

/* the two numbers of a row that has successors; they ascend */
static void Find(const FenWindows *W, const FenPlainRows *R, FenInt r, int of[2])
{
  const FenInt first = (R->next[R->row_ptr[r]] - W->first) / W->block;
  const FenInt last = (R->next[R->row_ptr[r + 1] - 1] - W->first) / W->block;
  int          k = 0;

  while (k + 1 < LEVELS && (2 << k) <= last - first + 1)
    k++;
  if (last - first + 1 > (2 << k))
    of[0] = of[1] = (int)(LEVELS * W->nblocks);
  else {
    of[0] = (int)(k * W->nblocks + first);
    of[1] = (int)(k * W->nblocks + last - (1 << k) + 1);
  }
}

PetscErrorCode FenBellmanWindowsCreate_Private(FenBellman b)
{
  const FenPlainRows *R = &b->plain;
  const FenInt        width = MeanWidth(R);
  FenWindows         *W;

  PetscFunctionBegin;
  if (!width || (double)width > SMALL * (double)b->reach_n)
    PetscFunctionReturn(0);
  PetscCall(PetscNew(&W));
  W->block = PetscMax(LEAST, (width + BLOCKS - 1) / BLOCKS);
  W->first = b->reach_first;
  W->nblocks = (b->reach_n + W->block - 1) / W->block;
  PetscCall(PetscMalloc3((size_t)(2 * R->rows), &W->of, (size_t)(LEVELS * W->nblocks + 2), &W->rise,
                         (size_t)(LEVELS * W->nblocks + 2), &W->top));
  for (FenInt r = 0; r < R->rows; r++) {
    __builtin_prefetch(R->next + R->row_ptr[PetscMin(r + AHEAD, R->rows - 1)]);
    if (R->row_ptr[r + 1] > R->row_ptr[r])
      Find(W, R, r, W->of + 2 * r);
    else
      W->of[2 * r] = W->of[2 * r + 1] = (int)(LEVELS * W->nblocks + 1);
  }
  b->windows = W;
  PetscFunctionReturn(0);
}

PetscErrorCode FenBellmanWindowsDestroy_Private(FenBellman b)
{
  PetscFunctionBegin;
  if (b->windows)
    PetscCall(PetscFree3(b->windows->of, b->windows->rise, b->windows->top));
  PetscCall(PetscFree(b->windows));
  PetscFunctionReturn(0);
}

/* tables of x - y, or of x where y is NULL; maxima are `none` at least */
static void Maxima(const FenWindows *W, FenInt n, const double x[], const double y[], double none, double table[])
{
  const FenInt blocks = W->nblocks;
  double       all = none;

  for (FenInt i = 0; i < blocks; i++) {
    double most = none;

    for (FenInt s = W->block * i; s < PetscMin(n, W->block * (i + 1)); s++) {
      const double z = y ? x[s] - y[s] : x[s];

      most = z > most ? z : most;
    }
    table[i] = most;
    all = most > all ? most : all;
  }
  for (FenInt k = 1; k < LEVELS; k++)
    for (FenInt i = 0; i < blocks; i++) {
      const double *half = table + (k - 1) * blocks;

      table[k * blocks + i] = PetscMax(half[i], half[PetscMin(blocks - 1, i + (1 << (k - 1)))]);
    }
  table[LEVELS * blocks] = all;
  table[LEVELS * blocks + 1] = 0;
}

void FenBellmanRaiseNear_Private(FenBellman b, const double x[])
{
  const FenWindows *W = b->windows;
  const FenInt      rows = b->plain.rows;
  const double      none = b->substochastic ? 0 : -INFINITY, discount = b->options.discount, sign = b->plain.sign;
  const double     *reward = b->plain.reward, *rise = W->rise, *top = W->top;
  const char       *read = b->plain_read;
  double           *q = b->plain.q;

  Maxima(W, b->reach_n, x, b->plain_V, none, W->rise);
  Maxima(W, b->reach_n, x, NULL, none, W->top);
  for (FenInt r = 0; r < rows; r++) {
    const int    i = W->of[2 * r], j = W->of[2 * r + 1];
    const double most = top[i] > top[j] ? top[i] : top[j], more = rise[i] > rise[j] ? rise[i] : rise[j];
    const double high = sign * reward[r] + discount * most, last = q[r] + discount * more;

    q[r] = read[r] ? q[r] : last < high ? last : high;
  }
}
