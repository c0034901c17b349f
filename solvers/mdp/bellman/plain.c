/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Rows swept as they are stored. Chunks cost a copy of all rows, which as many sweeps have to pay as it takes longer to
   read 16 bytes an entry instead of 12; solvers that hope for few sweeps start without them.

   What is more, most sweeps need few rows, and need not read others: needed.c.

   On one rank, for nominal rows of eight entries in the mean or more: the sums of shorter ones are mostly ends.

   Of |computed - exact| of an entry of TV, in units of rounding, 5 more than in create.c: parts of sums are added by
   pairs, thrice, and so are those of probabilities, whose sum has two roundings more than a sum of double-doubles.
*/
#include "bellmanimpl.h"

#define MEAN_ENTRIES 8
#define MOST_WORK    8.0 /* sweeps; the next one makes chunks */
#define PASSES       8.0 /* entries a row as which it counts to find what rows are needed */
#define AHEAD        256 /* entries that are fetched before their turn */

PetscErrorCode FenBellmanPlainCreate_Private(FenBellman b, PetscBool give_back)
{
  const FenMDPRows *R = b->rows;
  const FenInt      rows = R->state_ptr[b->nlocal];

  PetscFunctionBegin;
  b->give_back = give_back;
  b->plain = (FenPlainRows){.n = b->nlocal,
                            .rows = rows,
                            .ahead = PetscMax(1, AHEAD * rows / PetscMax(1, R->row_ptr[rows])),
                            .state_ptr = R->state_ptr,
                            .row_ptr = R->row_ptr,
                            .next = R->next,
                            .prob = R->prob,
                            .reward = R->reward,
                            .sign = b->sign,
                            .discount = b->options.discount,
                            .lossy = b->substochastic};
  PetscCall(PetscMalloc4((size_t)(rows + FEN_LANES), &b->plain.q, (size_t)(rows + FEN_ROWS_AHEAD), &b->plain_list,
                         b->nlocal, &b->plain_V, (size_t)(b->nlocal + FEN_LANES), &b->plain_least));
  PetscCall(PetscMalloc1((size_t)rows, &b->plain_read));
  PetscCall(FenBellmanWindowsCreate_Private(b));
  b->plain_known = PETSC_FALSE;
  b->plain_work = 0;
  b->plain_some = 0;
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
  PetscCall(PetscFree(b->plain_read));
  PetscCall(FenBellmanWindowsDestroy_Private(b));
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

PetscErrorCode FenBellmanPlainSweep_Private(FenBellman b, PetscBool zero, const double V[], double TV[], int policy[],
                                            FenSweepPart *part)
{
  FenRowsPass pass = FEN_ROWS_REWARD;
  PetscBool   some = PETSC_FALSE;

  PetscFunctionBegin;
  if (!zero) {
    PetscCall(FenBellmanReadSome_Private(b, V, policy, &some));
    pass = some ? FEN_ROWS_KNOWN : FEN_ROWS_ALL;
  }
  if (!some)
    memset(b->plain_read, 1, (size_t)b->plain.state_ptr[b->nlocal]);
  b->plain_some += some;
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
  double work = b->plain_work;

  PetscFunctionBegin;
  if (FenBellmanIsPlain(b))
    work += PASSES * (double)b->plain.rows / (double)b->plain.row_ptr[b->plain.rows] * (double)b->plain_some;
  if (FenBellmanIsPlain(b) && work >= MOST_WORK)
    PetscCall(FenBellmanStore(b));
  PetscFunctionReturn(0);
}
