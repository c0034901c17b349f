/* SPDX-License-Identifier: BSD-2-Clause */
/*
   One sweep of the Bellman operator for fenchel verify, row by row with plain loops; robust rows by FenDivergence or,
   where no divergence is meant, by loops of their own (verifyset.c), states with one budget by bounds from both sides
   (verifystate.c). Nothing here comes from the solvers.
*/
#include "verifyimpl.h"
#include <math.h>

typedef struct {
  FenVerifyMDP  *v;
  FenDivergence  divergence; /* NULL: none is needed */
  FenVerifySet   set;        /* kind: instead of the divergence */
  FenGhosts      weight;     /* of states; NULL: none */
  FenVerifyState state;      /* one budget for all actions */
  double         radius, penalty;
  PetscBool      robust;
  double         low[2]; /* smallest value of all states, of u and of w */
  double         slack;
  FenMDPRow      row;
  double         z[1024], w[1024], low_bound[1024], up_bound[1024], work[1024];
} Sweep;

static PetscErrorCode PrepareSet(Sweep *s)
{
  FenVerifyMDP *v = s->v;
  FenInt        grid[2];
  const double *weight;

  PetscFunctionBegin;
  PetscCheck(!v->law, v->cli->comm, (PetscErrorCode)FEN_ERR_VERIFY, "%s: ambiguity %s is not known for whole states",
             v->cli->argument, v->ambiguity.name);
  PetscCall(FenMDPModelGetGrid(v->model, grid));
  s->set.ambiguity = &v->ambiguity;
  s->set.width = grid[1];
  s->set.low = s->low_bound;
  s->set.up = s->up_bound;
  s->set.work = s->work;
  PetscCheck(grid[1] > 0 || v->ambiguity.distance == FEN_DISTANCE_INDEX, v->cli->comm, (PetscErrorCode)FEN_ERR_VERIFY,
             "%s: distance %s, but the states are no cells of a grid", v->cli->argument,
             FenDistances[v->ambiguity.distance]);
  if (!v->weighted)
    PetscFunctionReturn(0);
  PetscCall(FenMDPModelGetWeight(v->model, &weight));
  PetscCall(FenGhostsCreate_Private(v->model, &s->weight));
  PetscCall(FenGhostsFetch_Private(s->weight, weight));
  PetscFunctionReturn(0);
}

static PetscErrorCode PrepareState(Sweep *s)
{
  static const char *const names[] = {"l1", "kl", "burg", "pearson", "hellinger"};
  FenVerifyMDP            *v = s->v;
  FenVerifyState          *x = &s->state;
  int                      most = 0, rows, kind = 0;

  PetscFunctionBegin;
  while (kind < 5 && strcmp(v->ambiguity.name, names[kind]) != 0)
    kind++;
  PetscCheck(kind < 5 && v->ambiguity.radius > 0, v->cli->comm, (PetscErrorCode)FEN_ERR_VERIFY,
             "%s: ambiguity %s is not known for whole states", v->cli->argument, v->ambiguity.name);
  x->tilt = (FenVerifyTilt)kind;
  x->budget = v->ambiguity.radius;
  if (x->tilt != FEN_TILT_L1)
    PetscCall(FenDivergenceCreate(PETSC_COMM_SELF, names[kind], 1, &x->divergence));
  for (FenInt k = 0; k < v->n; k++) {
    PetscCall(FenMDPModelGetStateRows(v->model, k, &rows));
    most = rows > most ? rows : most;
  }
  x->room = (most + 1) * (v->sizes.max_next + 1);
  PetscCall(PetscMalloc1((size_t)(most + 1), &x->ptr));
  PetscCall(
      PetscMalloc4((size_t)x->room, &x->q, (size_t)x->room, &x->z, (size_t)x->room, &x->p, (size_t)x->room, &x->v));
  PetscFunctionReturn(0);
}

static PetscErrorCode Prepare(Sweep *s)
{
  FenVerifyMDP       *v = s->v;
  const FenAmbiguity *a = &v->ambiguity;
  const char         *name = a->name;

  PetscFunctionBegin;
  s->radius = a->radius;
  s->penalty = a->penalty;
  s->set.kind = FenVerifySetOf_Private(a, v->weighted);
  s->robust =
      (PetscBool)(strcmp(name, "none") != 0 && (a->radius > 0 || a->penalty > 0 || s->set.kind == FEN_VERIFY_INTERVAL));
  if (!s->robust)
    PetscFunctionReturn(0);
  if (s->set.kind != FEN_VERIFY_DIVERGENCE) {
    PetscCall(PrepareSet(s));
    PetscFunctionReturn(0);
  }
  if (v->law) {
    PetscCall(PrepareState(s));
    PetscFunctionReturn(0);
  }
  if (!strcmp(name, "l1")) { /* the L1 norm is twice the total variation */
    name = "tv";
    s->radius /= 2;
    s->penalty *= 2;
  }
  PetscCall(FenDivergenceCreate(PETSC_COMM_SELF, name, a->alpha, &s->divergence));
  PetscFunctionReturn(0);
}

static PetscErrorCode WorstDivergence(Sweep *s, double low, double *value)
{
  const FenMDPRow *row = &s->row;
  FenWorstCase     worst;

  PetscFunctionBegin;
  if (s->radius > 0)
    PetscCall(FenDivergenceWorstRadius(s->divergence, row->n, row->prob, s->z, s->radius, s->v->ambiguity.support, low,
                                       NAN, NULL, &worst));
  else
    PetscCall(FenDivergenceWorstPenalty(s->divergence, row->n, row->prob, s->z, s->penalty, s->v->ambiguity.support,
                                        low, NAN, NULL, &worst));
  *value = worst.value;
  s->slack = fmax(s->slack, worst.slack);
  PetscFunctionReturn(0);
}

static void WorstOfSet(Sweep *s, double *value)
{
  const FenMDPRow *row = &s->row;
  FenVerifySet    *set = &s->set;

  for (FenInt j = 0; s->weight && j < row->n; j++)
    s->w[j] = FenGhostsValue_Private(s->weight, row->next[j]);
  set->n = row->n;
  set->next = row->next;
  set->q = row->prob;
  set->z = s->z;
  set->prob_low = row->prob_low;
  set->prob_up = row->prob_up;
  set->weight = s->weight ? s->w : NULL;
  FenVerifySetRow_Private(set);
  *value = set->value;
  s->slack = fmax(s->slack, set->above);
}

/* the row in s->row at the values in `ghosts` */
static PetscErrorCode RowValue(Sweep *s, FenGhosts ghosts, double low, double *value)
{
  const FenVerifyMDP *v = s->v;
  const FenMDPRow    *row = &s->row;
  double              largest = 0;

  PetscFunctionBegin;
  *value = v->sign * row->reward; /* the mean over successors where they have their own */
  for (FenInt j = 0; j < row->n; j++) {
    const double r = v->sign * (row->by_next ? row->reward_next[j] : row->reward);
    const double next = v->discount * FenGhostsValue_Private(ghosts, row->next[j]);

    s->z[j] = r + next;
    largest = fmax(largest, fabs(r) + fabs(next));
    *value += row->prob[j] * next;
  }
  s->slack = fmax(s->slack, (double)(row->n + 4) * 0x1p-53 * fmax(largest, fabs(row->reward)));
  if (s->robust && s->set.kind != FEN_VERIFY_DIVERGENCE)
    WorstOfSet(s, value);
  else if (s->robust && !s->v->law)
    PetscCall(WorstDivergence(s, v->sign * row->reward + v->discount * low, value));
  PetscFunctionReturn(0);
}

/* best row at u, and the policy's row at w; a policy that names no row is a fault */
static PetscErrorCode StateValue(Sweep *s, FenInt k, int nrows, FenGhosts u, FenGhosts w, double *tu, double *tw,
                                 FenFault *fault)
{
  FenVerifyMDP *v = s->v;
  PetscBool     found = PETSC_FALSE;
  double        q;

  PetscFunctionBegin;
  *tu = -HUGE_VAL;
  for (int r = 0; r < nrows; r++) {
    PetscCall(FenMDPModelGetRow(v->model, k, r, &s->row));
    PetscCall(RowValue(s, u, s->low[0], &q));
    *tu = fmax(*tu, q);
    if (!tw || s->row.action != (int)v->action[k])
      continue;
    found = PETSC_TRUE;
    PetscCall(RowValue(s, w, s->low[1], tw));
  }
  if (tw && !found)
    FenFaultSet(fault, FEN_ERR_VERIFY, "/policy: state %" FENINT_FMT " has no action %d", v->first + k,
                (int)v->action[k]);
  PetscFunctionReturn(0);
}

/* all rows of a state at the values in `ghosts` */
static PetscErrorCode GatherState(Sweep *s, FenInt k, int nrows, FenGhosts ghosts)
{
  FenVerifyState *x = &s->state;
  double          unused;

  PetscFunctionBegin;
  x->rows = nrows;
  x->ptr[0] = 0;
  for (int r = 0; r < nrows; r++) {
    FenInt n = x->ptr[r];

    PetscCall(FenMDPModelGetRow(s->v->model, k, r, &s->row));
    PetscCall(RowValue(s, ghosts, 0, &unused));
    for (FenInt j = 0; j < s->row.n; j++) {
      x->q[n] = s->row.prob[j];
      x->z[n] = s->z[j];
      n += s->row.prob[j] > 0;
    }
    x->ptr[r + 1] = n;
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode BudgetValue(Sweep *s, FenInt k, int nrows, const double law[], FenGhosts u, FenGhosts w,
                                  double *tu, double *tw)
{
  double slack;

  PetscFunctionBegin;
  PetscCall(GatherState(s, k, nrows, u));
  *tu = FenVerifyStateAbove_Private(&s->state, &slack);
  s->slack = fmax(s->slack, slack);
  if (!tw)
    PetscFunctionReturn(0);
  PetscCall(GatherState(s, k, nrows, w));
  PetscCall(FenVerifyStateBelow_Private(&s->state, law, tw));
  PetscFunctionReturn(0);
}

static PetscErrorCode Smallest(FenVerifyMDP *v, const double x[], double *low)
{
  PetscFunctionBegin;
  *low = HUGE_VAL;
  for (FenInt k = 0; x && k < v->n; k++)
    *low = fmin(*low, x[k]);
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, low, 1, MPI_DOUBLE, MPI_MIN, v->cli->comm));
  PetscFunctionReturn(0);
}

static PetscErrorCode AllStates(Sweep *s, FenGhosts gu, FenGhosts gw, const double u[], const double w[], double tu[],
                                double tw[], FenVerifySweep *answer)
{
  FenVerifyMDP *v = s->v;
  FenFault      fault = {0};
  double        most[3] = {-HUGE_VAL, -HUGE_VAL, 0}; /* up, -down, slack */
  FenInt        first = 0;
  int           nrows;

  PetscFunctionBegin;
  for (FenInt k = 0; k < v->n; k++, first += nrows) {
    PetscCall(FenMDPModelGetStateRows(v->model, k, &nrows));
    if (nrows && v->law && s->robust)
      PetscCall(BudgetValue(s, k, nrows, v->law + first, gu, gw, &tu[k], tw ? &tw[k] : NULL));
    else if (nrows)
      PetscCall(StateValue(s, k, nrows, gu, gw, &tu[k], tw ? &tw[k] : NULL, &fault));
    else
      tu[k] = v->sign * (v->terminal ? v->terminal[k] : 0);
    if (!nrows && tw)
      tw[k] = tu[k];
    most[0] = fmax(most[0], tu[k] - u[k]);
    if (w && tw)
      most[1] = fmax(most[1], w[k] - tw[k]);
  }
  PetscCall(FenFaultAgree(v->cli->comm, &fault));
  most[2] = s->slack;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, most, 3, MPI_DOUBLE, MPI_MAX, v->cli->comm));
  *answer = (FenVerifySweep){.up = most[0], .down = -most[1], .slack = most[2]};
  PetscFunctionReturn(0);
}

PetscErrorCode FenVerifySweep_Private(FenVerifyMDP *v, FenGhosts gu, FenGhosts gw, const double u[], const double w[],
                                      double tu[], double tw[], FenVerifySweep *answer)
{
  Sweep *s;

  PetscFunctionBegin;
  PetscCall(PetscNew(&s));
  s->v = v;
  PetscCall(Prepare(s));
  PetscCall(Smallest(v, u, &s->low[0]));
  PetscCall(Smallest(v, w, &s->low[1]));
  PetscCall(FenGhostsFetch_Private(gu, u));
  if (w)
    PetscCall(FenGhostsFetch_Private(gw, w));
  PetscCall(AllStates(s, gu, gw, u, w, tu, tw, answer));
  PetscCall(FenDivergenceDestroy(&s->divergence));
  PetscCall(FenDivergenceDestroy(&s->state.divergence));
  PetscCall(FenGhostsDestroy_Private(&s->weight));
  PetscCall(PetscFree(s->state.ptr));
  PetscCall(PetscFree4(s->state.q, s->state.z, s->state.p, s->state.v));
  PetscCall(PetscFree(s));
  PetscFunctionReturn(0);
}
