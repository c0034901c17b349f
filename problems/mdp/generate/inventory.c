/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Inventory: order, then meet a Poisson demand, with a limited backlog. State: stock + backlog limit. Orders that do
   not fit are no actions. Rewards depend on what is sold, hence on the successor.
*/
#include "mdpproblemimpl.h"
#include <math.h>

typedef struct {
  FenInt capacity, backlog, order, most; /* most: largest demand */
  double mean, price, variable, fixed, holding, penalty;
  double demand[FEN_MDP_ROW_MAX];
} FenStock;

static PetscErrorCode FenStockRows(void *ctx, FenInt s, int *n)
{
  const FenStock *i = (const FenStock *)ctx;

  PetscFunctionBegin;
  *n = (int)PetscMin(i->order, i->capacity - (s - i->backlog)) + 1;
  PetscFunctionReturn(0);
}

static PetscErrorCode FenStockRow(void *ctx, FenInt s, int order, FenMDPRow *row)
{
  const FenStock *i = (const FenStock *)ctx;
  const FenInt    stock = s - i->backlog + order;
  const double    paid = i->variable * order + (order ? i->fixed : 0);

  PetscFunctionBegin;
  for (FenInt d = 0; d <= i->most; d++) {
    const FenInt left = PetscMax(stock - d, -i->backlog);
    const double reward = i->price * (double)(stock - left) - paid - i->holding * (double)PetscMax(left, 0) -
                          i->penalty * (double)PetscMax(-left, 0);

    FenMDPRowAddReward(row, left + i->backlog, i->demand[d], reward);
  }
  PetscFunctionReturn(0);
}

/* Poisson probabilities of 0 .. most, scaled to sum one */
static void FenStockDemand(FenStock *i)
{
  double sum = 0;

  for (FenInt d = 0; d <= i->most; d++) {
    i->demand[d] = i->mean > 0 ? exp((double)d * log(i->mean) - i->mean - lgamma((double)d + 1)) : d == 0;
    sum += i->demand[d];
  }
  for (FenInt d = 0; d <= i->most; d++)
    i->demand[d] /= sum;
}

static PetscErrorCode FenStockPrices(FenOptionItems PetscOptionsObject, MPI_Comm comm, FenStock *i)
{
  const struct {
    const char *name, *text;
    double     *value;
  } prices[] = {{"-inventory_price", "earned for a piece", &i->price},
                {"-inventory_variable", "paid for a piece", &i->variable},
                {"-inventory_fixed", "paid for an order", &i->fixed},
                {"-inventory_holding", "paid for a piece in stock", &i->holding},
                {"-inventory_penalty", "paid for a piece owed", &i->penalty}};

  PetscFunctionBegin;
  for (size_t k = 0; k < sizeof(prices) / sizeof(prices[0]); k++)
    PetscCall(FenMDPOptionReal_Private(PetscOptionsObject, comm, prices[k].name, prices[k].text, -1e100, 1e100,
                                       prices[k].value));
  PetscFunctionReturn(0);
}

PetscErrorCode FenInventory_Private(FenOptionItems PetscOptionsObject, FenMDPProblem *p)
{
  FenStock *i;

  PetscFunctionBegin;
  PetscCall(PetscNew(&i));
  *i = (FenStock){.capacity = 20,
                  .order = 10,
                  .mean = 10,
                  .most = 30,
                  .price = 4.99,
                  .variable = 2.49,
                  .fixed = 0.49,
                  .holding = 0.05,
                  .penalty = 0.15};
  p->generator.ctx = i;
  p->generator.destroy = FenMDPProblemFree_Private;
  PetscCall(FenMDPOptionSize_Private(PetscOptionsObject, p->comm, "-inventory_n", "pieces in stock at most", 0,
                                     &i->capacity));
  PetscCall(FenMDPOptionInt_Private(PetscOptionsObject, p->comm, "-inventory_backlog", "pieces owed at most", 0,
                                    PETSC_MAX_INT / 2, &i->backlog));
  PetscCall(FenMDPOptionInt_Private(PetscOptionsObject, p->comm, "-inventory_order", "pieces ordered at most", 0,
                                    PETSC_MAX_INT / 2, &i->order));
  PetscCall(
      FenMDPOptionReal_Private(PetscOptionsObject, p->comm, "-inventory_demand", "mean demand", 0, 1e6, &i->mean));
  PetscCall(FenMDPOptionInt_Private(PetscOptionsObject, p->comm, "-inventory_demand_max", "largest demand", 0,
                                    FEN_MDP_ROW_MAX - 1, &i->most));
  FEN_MDP_CHECK(i->mean <= 2 * (double)i->most, p->comm, FEN_ERR_OPTION,
                "-inventory_demand %g; rule: at most twice -inventory_demand_max %" FENINT_FMT, i->mean, i->most);
  PetscCall(FenStockPrices(PetscOptionsObject, p->comm, i));
  FenStockDemand(i);
  p->generator.nstates = i->backlog + i->capacity + 1;
  p->generator.nactions = (int)i->order + 1;
  p->generator.max_next = i->most + 1;
  p->generator.nrows = FenStockRows;
  p->generator.row = FenStockRow;
  p->discount = 0.95;
  PetscFunctionReturn(0);
}
