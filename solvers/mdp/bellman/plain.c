/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Rows swept as they are stored. Chunks cost a copy of all rows, which as many sweeps have to pay as it takes longer to
   read 16 bytes an entry instead of 12; solvers that hope for few sweeps start without them.

   What is more, most sweeps need few rows, and need not read others: needed.c.

   Successors keep the model's numbers. On several ranks a sweep first puts the values of my states and of ghosts where
   these numbers say, in an array from the least number that my rows reach to the largest; numbers among them that they
   do not reach have no value, a NaN. That array must be small beside the rows.

   For nominal rows of eight entries in the mean or more: the sums of shorter ones are mostly ends.

   Of |computed - exact| of an entry of TV, in units of rounding, 5 more than in create.c: parts of sums are added by
   pairs, thrice, and so are those of probabilities, whose sum has two roundings more than a sum of double-doubles.
*/
#include "bellmanimpl.h"
#include <math.h>

#define MEAN_ENTRIES 8
#define MOST_REACH   0.5 /* numbers that my rows reach over, for each of their entries */
#define MOST_WORK    8.0 /* sweeps; the next one makes chunks */
#define PASSES       8.0 /* entries a row as which it counts to find what rows are needed */
#define AHEAD        256 /* entries that are fetched before their turn */

/* from the least number of my states and ghosts, which ascend, to the largest */
static void FindReach(FenBellman b)
{
  FenInt first = INT64_MAX, last = -1;

  if (b->nlocal) {
    first = FenBellmanNumber(b, 0);
    last = FenBellmanNumber(b, b->nlocal - 1);
  }
  if (b->nghost) {
    first = PetscMin(first, b->ghost[0]);
    last = PetscMax(last, b->ghost[b->nghost - 1]);
  }
  b->reach_first = last < 0 ? 0 : first;
  b->reach_n = last < 0 ? 0 : last - first + 1;
  b->reach_all = (PetscBool)(!b->scattered && b->reach_n == b->nlocal + b->nghost);
}

PetscErrorCode FenBellmanPlainPays_Private(FenBellman b, PetscBool *pays)
{
  FenMDPSizes sizes;
  int         small;

  PetscFunctionBegin;
  PetscCall(FenMDPModelGetSizes(b->model, &sizes));
  *pays = (PetscBool)(b->stored && b->options.few_sweeps && sizes.rows > 0 &&
                      (double)sizes.nnz >= MEAN_ENTRIES * (double)sizes.rows);
  if (!*pays)
    PetscFunctionReturn(0);
  FindReach(b);
  b->plain_entries = (double)sizes.nnz;
  small = b->size == 1 || (double)b->reach_n <= MOST_REACH * (double)b->rows->row_ptr[b->rows->state_ptr[b->nlocal]];
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &small, 1, MPI_INT, MPI_MIN, b->comm));
  *pays = (PetscBool)small;
  PetscFunctionReturn(0);
}

PetscErrorCode FenBellmanPlainCreate_Private(FenBellman b, PetscBool give_back)
{
  const FenMDPRows *R = b->rows;
  const FenInt      rows = R->state_ptr[b->nlocal];

  PetscFunctionBegin;
  b->is_plain = PETSC_TRUE;
  b->give_back = give_back;
  b->plain = (FenPlainRows){.n = b->nlocal,
                            .rows = rows,
                            .reach = b->reach_n,
                            .ahead = PetscMax(1, AHEAD * rows / PetscMax(1, R->row_ptr[rows])),
                            .state_ptr = R->state_ptr,
                            .row_ptr = R->row_ptr,
                            .next = R->next,
                            .prob = R->prob,
                            .reward = R->reward,
                            .sign = b->sign,
                            .discount = b->options.discount,
                            .lossy = b->substochastic};
  PetscCall(PetscMalloc3((size_t)(rows + FEN_LANES), &b->plain.q, (size_t)(rows + FEN_ROWS_AHEAD), &b->plain_list,
                         (size_t)(b->nlocal + FEN_LANES), &b->plain_least));
  PetscCall(PetscMalloc1((size_t)rows, &b->plain_read));
  PetscCall(PetscMalloc1(b->reach_n, &b->plain_V));
  if (b->size > 1) {
    PetscCall(PetscMalloc1(b->reach_n, &b->plain_now));
    for (FenInt k = 0; k < b->reach_n; k++)
      b->plain_now[k] = b->plain_V[k] = NAN;
  }
  PetscCall(FenBellmanWindowsCreate_Private(b));
  b->plain_known = PETSC_FALSE;
  b->plain_work = b->plain_looked = 0;
  PetscFunctionReturn(0);
}

PetscErrorCode FenBellmanPlainDestroy_Private(FenBellman b)
{
  PetscFunctionBegin;
  PetscCall(PetscFree3(b->plain.q, b->plain_list, b->plain_least));
  PetscCall(PetscFree(b->plain_V));
  PetscCall(PetscFree(b->plain_now));
  PetscCall(PetscFree(b->plain_read));
  PetscCall(FenBellmanWindowsDestroy_Private(b));
  b->is_plain = PETSC_FALSE;
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

/* values to where numbers say, zeros if V is NULL */
static void Spread(FenBellman b, const double V[], double x[])
{
  if (b->scattered)
    for (FenInt s = 0; s < b->nlocal; s++)
      x[b->number[s] - b->reach_first] = V ? V[s] : 0;
  else
    for (FenInt s = 0; s < b->nlocal; s++)
      x[b->start - b->reach_first + s] = V ? V[s] : 0;
  for (FenInt k = 0; k < b->nghost; k++)
    x[b->ghost[k] - b->reach_first] = V ? V[b->nlocal + k] : 0;
}

PetscErrorCode FenBellmanPlainSweep_Private(FenBellman b, PetscBool zero, const double V[], double TV[], int policy[],
                                            FenSweepPart *part)
{
  const FenInt  rows = b->plain.rows;
  double       *now = b->plain_now;
  const double *x = now ? now : V;
  FenRowsPass   pass = FEN_ROWS_REWARD;
  PetscBool     some = PETSC_FALSE;

  PetscFunctionBegin;
  if (now)
    Spread(b, zero ? NULL : V, now);
  if (!zero) {
    PetscCall(FenBellmanReadSome_Private(b, V, x, policy, &part->entries, &some));
    part->entries = some ? part->entries : (double)b->plain.row_ptr[rows];
    part->looked = some ? (double)rows : 0;
    pass = some ? FEN_ROWS_KNOWN : FEN_ROWS_ALL;
  }
  if (!some)
    memset(b->plain_read, 1, (size_t)rows);
  b->kernels->rows(&b->plain, V, x - b->reach_first, TV, policy, pass, part);
  if (now) {
    b->plain_now = b->plain_V;
    b->plain_V = now;
  } else
    PetscCall(PetscArraycpy(b->plain_V, V, b->nlocal));
  b->plain_known = PETSC_TRUE;
  b->listable = (PetscBool)!zero;
  PetscFunctionReturn(0);
}

/* before a sweep over all rows; all ranks know the work of all */
PetscErrorCode FenBellmanPlainEnough_Private(FenBellman b)
{
  PetscFunctionBegin;
  if (FenBellmanIsPlain(b) && b->plain_work + PASSES * b->plain_looked >= MOST_WORK)
    PetscCall(FenBellmanStore(b));
  PetscFunctionReturn(0);
}
