/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Samples of a team that advance together: one exchange and one sum for all of them in every step of their lower solves
   and adjoints, each with its own scalars and its own end. In a team of one rank there are no messages to share, and
   one sample after the other finds its data in the cache.
*/
#include "bilevelimpl.h"

PetscErrorCode FenBilevelTogetherOptions_Private(FenBilevel b, PetscOptionItems *PetscOptionsObject)
{
  PetscFunctionBegin;
  PetscCall(PetscOptionsInt("-bilevel_batch",
                            "samples of a team that advance together and share messages (0: all in teams of several "
                            "ranks, otherwise one)",
                            "FenBilevelProblemSetTeamSize", b->batch, &b->batch, NULL));
  PetscCheck(b->batch >= 0 && b->batch <= FEN_BILEVEL_TOGETHER, PetscObjectComm((PetscObject)b),
             (PetscErrorCode)FEN_ERR_OPTION, "-bilevel_batch %" PetscInt_FMT "; rule: 0 to %d", b->batch,
             FEN_BILEVEL_TOGETHER);
  PetscFunctionReturn(0);
}

PetscErrorCode FenBilevelTogether_Private(FenBilevel b, FenInt *n)
{
  const FenBilevelOps *call;
  FenBilevelPart       part;
  FenTeams             teams;
  FenTeamsInfo         info;

  PetscFunctionBegin;
  PetscCall(FenBilevelProblemGetOps(b->problem, &call));
  PetscCall(FenBilevelProblemGetPart(b->problem, &part));
  PetscCall(FenBilevelProblemGetTeams(b->problem, &teams));
  PetscCall(FenTeamsGetInfo(teams, &info));
  *n = b->batch > 0 ? b->batch : info.size > 1 ? FEN_BILEVEL_TOGETHER : 1;
  *n = call->hessians ? PetscMax(1, PetscMin(*n, part.end - part.start)) : 1;
  PetscFunctionReturn(0);
}

PetscErrorCode FenBilevelTogetherSetUp_Private(FenBilevel b)
{
  PetscFunctionBegin;
  PetscCall(FenBilevelTogether_Private(b, &b->together));
  if (b->call->together)
    PetscCall((*b->call->together)(b->problem, b->together));
  PetscFunctionReturn(0);
}
