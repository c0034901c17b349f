/* SPDX-License-Identifier: BSD-2-Clause */
/* Ways of the operator's sums (FenOTWays) in states: a run that goes on on as many ranks does so to the last bit. On
   another number of ranks they mean nothing, and sums are taken as it is best from the start. */
#include "otimpl.h"

enum { RANKS, PLAN, WAITS }; /* and what was waited, by direction and stage */

static double Ranks(FenOT ot)
{
  PetscMPIInt ranks = 0;

  (void)MPI_Comm_size(PetscObjectComm((PetscObject)ot), &ranks);
  return ranks;
}

void FenOTKeepWays_Private(FenOT ot)
{
  double *w = ot->ways + WAITS;

  ot->ways[RANKS] = Ranks(ot);
  ot->ways[PLAN] = (double)ot->op->ways.plan;
  for (int dir = 0; dir < 2; dir++)
    for (int s = 0; s < FEN_MAX_DIM; s++) {
      *w++ = (double)ot->op->ways.wait[dir][s];
      *w++ = (double)ot->op->ways.waited[dir][s];
    }
}

PetscErrorCode FenOTStateWays_Private(FenOT ot, FenState state)
{
  PetscFunctionBegin;
  if (ot->op)
    FenOTKeepWays_Private(ot);
  PetscCall(FenStateAddReals(state, "ways", FEN_OT_WAYS, ot->ways));
  PetscFunctionReturn(0);
}

void FenOTTellWays_Private(FenOT ot, FenInt plan)
{
  if (ot->ways[RANKS] == Ranks(ot))
    ot->op->told = plan < 0 ? (FenInt)ot->ways[PLAN] : plan;
}

void FenOTResumeWays_Private(FenOT ot)
{
  const double *w = ot->ways + WAITS;
  FenOTWays     ways = {.plan = (FenInt)ot->ways[PLAN]};

  for (int dir = 0; dir < 2; dir++)
    for (int s = 0; s < FEN_MAX_DIM; s++) {
      ways.wait[dir][s] = (FenInt)*w++;
      ways.waited[dir][s] = (FenInt)*w++;
    }
  ot->op->told = -1;
  if (ot->ways[RANKS] == Ranks(ot))
    ot->op->ways = ways;
  ot->loaded = PETSC_FALSE;
}
