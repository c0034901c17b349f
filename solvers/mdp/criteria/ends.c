/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Where a total ends. Two questions that the graph of a model answers, before any value is computed:

   - is there a way to an end from every state? If so, taking it is a policy that ends with probability one from all
     states: in every n steps it does so with a positive one. If not, the total of that state is no number;
   - can some policy go on for ever in rows without cost? Then the total is infinite, or not decided by T (an end
     component without reward), and the model is refused.

   Sets of states that are reached grow until nothing changes: first inside a rank, going through the rest forwards and
   backwards in turn, then marks are exchanged. Cost: a pass over the rows of the rest for each turn of the longest way,
   one exchange and one reduction for each time that it changes ranks; a byte and a double for each state.

   Robust models: a way that nature can close is none. The mass that nature cannot keep from a set is the value of a row
   without rewards whose values are one in the set, so that any ambiguity is asked in the same words.

   Reference: de Alfaro, Formal Verification of Probabilistic Systems, 1997; Bertsekas, Tsitsiklis, Math. Oper. Res. 16,
   1991.
*/
#include "total.h"
#include "../bellman/bellmanimpl.h"

#define LOSS 1e-10 /* times the length of a row: less is rounding */
#define KEPT 1e-12 /* robust: mass that nature cannot keep from a set */

/* ---- sets that grow ---- */
/* which rows of a state have to reach the set before the state belongs to it */
typedef enum { SOME_ROW, EVERY_FREE_ROW, POLICY_ROW } Rule;

typedef struct {
  FenMDP     mdp;
  FenBellman op;
  Rule       rule;
  double    *mark; /* 1: in the set; ghosts too */
  FenInt    *rest, nrest;
  int       *policy; /* the row that reached the set, or NULL */
  const int *given;  /* POLICY_ROW: the only row that counts */
} Growth;

/* mass of a row in the set, or lost on the way */
static double Mass(const Growth *G, const FenRowView *row)
{
  double in = 0, sum = 0;

  for (FenInt j = 0; j < row->n; j++) {
    in += row->prob[j] * G->mark[row->col[j]];
    sum += row->prob[j];
  }
  return in + (G->op->substochastic && sum < 1 - LOSS * (double)(row->n + 1) ? 1 - sum : 0);
}

/* can nobody lose by this row? */
static PetscBool Free(const Growth *G, const FenRowView *row)
{
  double least = row->reward;

  if (G->mdp->robust && row->reward_next)
    for (FenInt j = 0; j < row->n; j++)
      least = PetscMin(least, row->reward_next[j]);
  return (PetscBool)(least >= 0);
}

static PetscErrorCode Joins(Growth *G, FenInt s, PetscBool *joins)
{
  double best = 0;
  int    rows;

  PetscFunctionBegin;
  PetscCall(FenBellmanNumberOfRows_Private(G->op, s, &rows));
  *joins = (PetscBool)(!rows || G->rule == EVERY_FREE_ROW);
  for (int a = 0; a < rows; a++) {
    FenRowView row;
    double     mass;

    if (G->rule == POLICY_ROW && a != G->given[s])
      continue;
    PetscCall(FenBellmanRow_Private(G->op, s, a, &row));
    mass = Mass(G, &row);
    if (G->rule == EVERY_FREE_ROW) {
      if (Free(G, &row) && !(mass > 0))
        *joins = PETSC_FALSE;
    } else if (mass > best) {
      *joins = PETSC_TRUE;
      best = mass;
      if (G->policy)
        G->policy[s] = a;
    }
  }
  PetscFunctionReturn(0);
}

/* the rest once, forwards or backwards; marks count at once */
static PetscErrorCode Pass(Growth *G, PetscBool forwards, FenInt *joined)
{
  FenInt kept = 0;

  PetscFunctionBegin;
  *joined = 0;
  for (FenInt i = 0; i < G->nrest; i++) {
    const FenInt s = G->rest[forwards ? i : G->nrest - 1 - i];
    PetscBool    joins = PETSC_FALSE;

    PetscCall(Joins(G, s, &joins));
    if (joins)
      G->mark[s] = 1;
    *joined += joins;
  }
  for (FenInt i = 0; i < G->nrest; i++)
    if (G->mark[G->rest[i]] == 0)
      G->rest[kept++] = G->rest[i];
  G->nrest = kept;
  PetscFunctionReturn(0);
}

static PetscErrorCode Grow(Growth *G)
{
  FenInt change[2], joined, here;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(G->mdp->n + 1, &G->rest));
  for (G->nrest = 0; G->nrest < G->mdp->n; G->nrest++)
    G->rest[G->nrest] = G->nrest;
  PetscCall(PetscArrayzero(G->mark, G->mdp->n + G->mdp->nghost));
  do {
    PetscBool forwards = PETSC_FALSE;

    PetscCall(FenBellmanExchangeBegin_Private(G->op, G->mark));
    PetscCall(FenBellmanExchangeEnd_Private(G->op, G->mark));
    here = 0;
    do {
      PetscCall(Pass(G, forwards, &joined));
      forwards = (PetscBool)!forwards;
      here += joined;
    } while (joined && G->nrest);
    change[0] = here;
    change[1] = G->nrest;
    PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, change, 2, MPI_FENINT, MPI_SUM, G->op->comm));
  } while (change[0] && change[1]);
  PetscFunctionReturn(0);
}

/* the model's numbers of my states */
static PetscErrorCode Numbers(FenMDP mdp, double number[])
{
  double *outside;
  FenInt  first, end;

  PetscFunctionBegin;
  PetscCall(FenLayoutGetRange(mdp->outside, &first, &end));
  PetscCall(PetscMalloc1(mdp->nout + 1, &outside));
  for (FenInt k = 0; k < mdp->nout; k++)
    outside[k] = mdp->sign * (double)(first + k);
  PetscCall(FenBellmanFromModel(mdp->op, outside, number));
  PetscCall(PetscFree(outside));
  PetscFunctionReturn(0);
}

/* the first state that was not reached, by the model's numbers; -1: none */
static PetscErrorCode FirstOutside(const Growth *G, FenInt *state)
{
  const FenInt none = INT64_MAX;
  FenInt       mine = none;
  double      *number;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(G->mdp->n + 1, &number));
  PetscCall(Numbers(G->mdp, number));
  for (FenInt i = 0; i < G->nrest; i++)
    mine = PetscMin(mine, (FenInt)number[G->rest[i]]);
  PetscCallMPI(MPI_Allreduce(&mine, state, 1, MPI_FENINT, MPI_MIN, G->op->comm));
  *state = *state == none ? -1 : *state;
  PetscCall(PetscFree(number));
  PetscFunctionReturn(0);
}

/* ---- nature ---- */
/* one step: states with a row whose mass nature cannot keep from the set */
static PetscErrorCode Reach(FenMDP mdp, FenBellman free, Growth *G, double q[], FenInt *joined)
{
  FenInt row = 0;

  PetscFunctionBegin;
  *joined = 0;
  PetscCall(FenBellmanRowValues(free, G->mark, q));
  G->nrest = 0;
  for (FenInt s = 0; s < mdp->n; s++) {
    double best = KEPT;
    int    rows;

    PetscCall(FenBellmanNumberOfRows_Private(free, s, &rows));
    for (int a = 0; a < rows; a++, row++)
      if (G->mark[s] == 0 && q[row] > best) {
        best = q[row];
        G->policy[s] = a;
      }
    if (G->mark[s] == 0 && best > KEPT) {
      G->mark[s] = 2; /* counts from the next step on */
      (*joined)++;
    } else if (G->mark[s] == 0)
      G->rest[G->nrest++] = s;
  }
  for (FenInt s = 0; s < mdp->n; s++)
    G->mark[s] = G->mark[s] > 0;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, joined, 1, MPI_FENINT, MPI_SUM, free->comm));
  PetscFunctionReturn(0);
}

/* a policy that ends whatever nature does, or the first state from which there is none */
static PetscErrorCode AgainstNature(FenMDP mdp, Growth *G, FenInt *state)
{
  FenBellmanOptions options = {.discount = 1, .ambiguity = mdp->ambiguity};
  FenMDPModel       model;
  FenBellman        free;
  double           *q;
  FenInt            rows = 0, joined;

  PetscFunctionBegin;
  PetscCall(FenTotalFree_Private(mdp->solved, &model));
  PetscCall(PetscStrcpy(options.simd, mdp->simd));
  PetscCall(FenMDPPartitionInUse_Private(mdp, &options.partition)); /* the same cut as mdp->op has */
  PetscCall(FenBellmanCreate(model, &options, &free));
  for (FenInt s = 0; s < mdp->n; s++) {
    int n;

    PetscCall(FenBellmanNumberOfRows_Private(free, s, &n));
    G->mark[s] = !n;
    rows += n;
  }
  PetscCall(PetscMalloc1((size_t)(rows + 1), &q));
  do
    PetscCall(Reach(mdp, free, G, q, &joined));
  while (joined);
  PetscCall(FirstOutside(G, state));
  PetscCall(PetscFree(q));
  PetscCall(FenBellmanDestroy(&free));
  PetscCall(FenMDPModelDestroy(&model));
  PetscFunctionReturn(0);
}

/* ---- the questions ---- */
static PetscErrorCode Refuse(FenMDP mdp, FenInt state, const char why[])
{
  const char *name;

  PetscFunctionBegin;
  PetscCall(FenMDPModelGetName(mdp->model, &name));
  PetscCheck(state < 0, PetscObjectComm((PetscObject)mdp), (PetscErrorCode)FEN_ERR_VALUE,
             "criterion total, %s: state %" FENINT_FMT " %s", name, state, why);
  PetscFunctionReturn(0);
}

PetscErrorCode FenTotalProper_Private(FenMDP mdp, const int policy[], PetscBool *proper)
{
  Growth G = {.mdp = mdp, .op = mdp->op, .rule = POLICY_ROW, .given = policy};
  FenInt first;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1((size_t)(mdp->n + mdp->nghost + 1), &G.mark));
  PetscCall(Grow(&G));
  PetscCall(FirstOutside(&G, &first));
  *proper = (PetscBool)(first < 0);
  PetscCall(PetscFree(G.rest));
  PetscCall(PetscFree(G.mark));
  PetscFunctionReturn(0);
}

PetscErrorCode FenTotalEnds_Private(FenMDP mdp, int proper[])
{
  Growth      G = {.mdp = mdp, .op = mdp->op, .rule = SOME_ROW, .policy = proper};
  FenMDPSizes sizes;
  FenInt      endless, idle, closed = -1;

  PetscFunctionBegin;
  for (FenInt k = 0; k < mdp->n; k++)
    proper[k] = -1;
  PetscCall(PetscMalloc1((size_t)(mdp->n + mdp->nghost + 1), &G.mark));
  PetscCall(Grow(&G));
  PetscCall(FirstOutside(&G, &endless));
  PetscCall(PetscFree(G.rest));
  G.rule = EVERY_FREE_ROW;
  G.policy = NULL;
  PetscCall(Grow(&G));
  PetscCall(FirstOutside(&G, &idle));
  PetscCall(FenMDPModelGetSizes(mdp->solved, &sizes));
  if (mdp->robust && endless < 0 && idle < 0) {
    G.policy = proper;
    PetscCall(AgainstNature(mdp, &G, &closed));
    if (mdp->sign > 0 ? sizes.reward_min >= 0 : sizes.reward_max <= 0)
      closed = -1; /* nature does not want to go on */
  }
  PetscCall(PetscFree(G.rest));
  PetscCall(PetscFree(G.mark));
  PetscCall(Refuse(mdp, endless, "has no way to a terminal state: its total is no number"));
  PetscCall(Refuse(mdp, idle,
                   "can go on for ever in rows without cost, so that its total is infinite or undecided; make one "
                   "terminal state of such states, or give their rows a cost"));
  PetscCall(
      Refuse(mdp, closed,
             "can be kept from ending by nature, at a cost: its total is infinite; a smaller -mdp_radius leaves a "
             "way"));
  PetscFunctionReturn(0);
}
