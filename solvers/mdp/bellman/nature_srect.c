/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Nature state by state (s-rectangular): one budget for the laws of all actions, against which a policy is randomised.
   A sweep solves each state, warm from the sweep before, and keeps the policy: kl, burg and hellinger around stored
   rows eight states at a time (kernels/srectloops.h), the others and what is left there by FenSRectSolve. A policy's
   row is the mixture of the actions' rows with nature's laws against that policy, FenSRectPolicyValue, each successor
   once.

   Cost: about 3 rounds over the rows of a state in a sweep; memory 16 bytes a row and 16 a state.

   Reference: Ho, Petrik, Wiesemann, NeurIPS 2022.
*/
#include "nature.h"
#include "../kernels/naturekernels.h"
#include <math.h>

#define ACCURACY 1e-13 /* of a state's value, relative to the spread of what its successors yield */
#define UNIT     0x1p-53

/* what a state's value may miss: the c_a are near one, or of the size of tau times the spread, and rounded */
static double Miss(FenBellman b, FenInt rows, double taus, double spread)
{
  const double rounding = (double)(b->longest + 16) * UNIT;

  return (ACCURACY + 2 * rounding) * spread + (taus > 0 ? rounding * (double)rows / taus : 0);
}

typedef struct {
  FenSRect       solver;
  double         budget;
  PetscInt       most;      /* rows of a state, over all ranks */
  FenInt        *first;     /* row of each of my states */
  double        *u, *scale; /* of states: value; sum of tau */
  double        *tau, *mix; /* of rows: multiplier and probability */
  FenInt        *ptr;       /* a state: its rows, one after another */
  double        *q, *z, *law;
  int           *col, *place; /* place of a state among a mixture's entries, -1: none */
  int           *mixed;       /* the mixture */
  double        *prob;
  FenSRectRuns   runs; /* eight states at a time */
  FenSRectStates states;
  void (*together)(const FenSRectRuns *, FenInt, const double[], FenSRectStates *); /* NULL: one by one */
} SRect;

static PetscErrorCode Able(FenBellman b, PetscBool *able)
{
  const FenAmbiguity *a = &b->options.ambiguity;
  const double       *weight;
  PetscInt            k = 0;

  PetscFunctionBegin;
  *able = (PetscBool)(a->rectangular == FEN_RECTANGULAR_S);
  if (!*able)
    PetscFunctionReturn(0);
  while (k <= FEN_SRECT_HELLINGER && strcmp(a->name, FenSRectKinds[k]) != 0)
    k++;
  PetscCheck(k <= FEN_SRECT_HELLINGER, b->comm, (PetscErrorCode)FEN_ERR_OPTION,
             "-mdp_rectangular s with -mdp_ambiguity %s: s-rectangular sets are l1, kl, burg, pearson and hellinger",
             a->name);
  PetscCheck(a->radius > 0, b->comm, (PetscErrorCode)FEN_ERR_OPTION,
             "-mdp_rectangular s with -mdp_penalty: nature has a budget there, give -mdp_radius");
  PetscCall(FenMDPModelGetWeight(b->model, &weight));
  PetscCheck(!weight || k != FEN_SRECT_L1, b->comm, (PetscErrorCode)FEN_ERR_OPTION,
             "-mdp_rectangular s with -mdp_ambiguity l1: the model has weights, which are for -mdp_rectangular sa");
  PetscFunctionReturn(0);
}

static PetscErrorCode Allocate(FenBellman b, SRect *N)
{
  const size_t n = (size_t)(b->nlocal + 1), all = (size_t)(b->nlocal + b->nghost + 1);
  size_t       rows, room;
  int          most = 0, here;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(n, &N->first));
  N->first[0] = 0;
  for (FenInt s = 0; s < b->nlocal; s++) {
    PetscCall(FenBellmanNumberOfRows_Private(b, s, &here));
    N->first[s + 1] = N->first[s] + here;
    most = PetscMax(most, here);
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &most, 1, MPI_INT, MPI_MAX, b->comm));
  N->most = most;
  rows = (size_t)(N->first[b->nlocal] + 1);
  room = (size_t)(most * b->longest + 1);
  PetscCall(PetscCalloc4(n, &N->u, n, &N->scale, rows, &N->tau, rows, &N->mix));
  PetscCall(PetscMalloc5((size_t)most + 1, &N->ptr, room, &N->q, room, &N->z, room, &N->law, room, &N->prob));
  PetscCall(PetscMalloc3(room, &N->col, room, &N->mixed, all, &N->place));
  for (size_t k = 0; k < all; k++)
    N->place[k] = -1;
  PetscFunctionReturn(0);
}

/* room for the fullest chunk */
static PetscErrorCode AllocateStates(FenBellman b, SRect *N, FenSRectKind kind)
{
  const FenChunkStore    *C = &b->all;
  const FenNatureKernels *kernels;
  FenInt                  columns = 1, slots = 1;

  PetscFunctionBegin;
  if (!b->rows || b->rows->reward_next || kind == FEN_SRECT_L1 || kind == FEN_SRECT_PEARSON)
    PetscFunctionReturn(0);
  for (FenInt c = 0; c < C->nchunks; c++) {
    slots = PetscMax(slots, C->chunk_ptr[c + 1] - C->chunk_ptr[c]);
    columns = PetscMax(columns, C->slot_ptr[C->chunk_ptr[c + 1]] - C->slot_ptr[C->chunk_ptr[c]]);
  }
  N->runs = (FenSRectRuns){.kind = kind, .budget = N->budget, .chunks = &C->view};
  PetscCall(PetscMalloc4((size_t)(FEN_LANES * columns), &N->runs.d, (size_t)(FEN_LANES * FEN_SRECT_NUMBERS * slots),
                         &N->runs.numbers, (size_t)(FEN_LANES * slots), &N->states.tau, (size_t)(FEN_LANES * slots),
                         &N->states.mix));
  PetscCall(FenNatureKernelsGet(b->kernels->name, &kernels));
  N->together = kernels->states;
  PetscFunctionReturn(0);
}

static PetscErrorCode Create(FenBellman b, void **data)
{
  const FenAmbiguity *a = &b->options.ambiguity;
  PetscInt            kind = 0;
  SRect              *N;

  PetscFunctionBegin;
  PetscCall(PetscNew(&N));
  while (strcmp(a->name, FenSRectKinds[kind]) != 0)
    kind++;
  PetscCall(FenSRectCreate((FenSRectKind)kind, &N->solver));
  N->budget = a->radius;
  PetscCall(Allocate(b, N));
  PetscCall(AllocateStates(b, N, (FenSRectKind)kind));
  *data = N;
  PetscFunctionReturn(0);
}

static PetscErrorCode Destroy(FenBellman b, void **data)
{
  SRect *N = (SRect *)*data;

  PetscFunctionBegin;
  (void)b;
  if (!N)
    PetscFunctionReturn(0);
  PetscCall(FenSRectDestroy(&N->solver));
  PetscCall(PetscFree(N->first));
  PetscCall(PetscFree4(N->u, N->scale, N->tau, N->mix));
  PetscCall(PetscFree5(N->ptr, N->q, N->z, N->law, N->prob));
  PetscCall(PetscFree3(N->col, N->mixed, N->place));
  PetscCall(PetscFree4(N->runs.d, N->runs.numbers, N->states.tau, N->states.mix));
  PetscCall(PetscFree(N));
  *data = NULL;
  PetscFunctionReturn(0);
}

/* the rows of a state, without entries of no mass; V: NULL if only columns are wanted */
static PetscErrorCode Gather(FenBellman b, SRect *N, FenInt s, const double V[], double *spread)
{
  const int rows = (int)(N->first[s + 1] - N->first[s]);
  FenInt    n = 0;
  double    low = HUGE_VAL, high = -HUGE_VAL;

  PetscFunctionBegin;
  N->ptr[0] = 0;
  for (int a = 0; a < rows; a++) {
    FenRowView row;

    PetscCall(FenBellmanRow_Private(b, s, a, &row));
    for (FenInt j = 0; j < row.n; j++) {
      if (!(row.prob[j] > 0))
        continue;
      N->col[n] = row.col[j];
      N->q[n] = row.prob[j];
      N->z[n] = !V ? 0 : (row.reward_next ? row.reward_next[j] : row.reward) + b->options.discount * V[row.col[j]];
      low = PetscMin(low, N->z[n]);
      high = PetscMax(high, N->z[n]);
      n++;
    }
    N->ptr[a + 1] = n;
  }
  *spread = high - low;
  PetscFunctionReturn(0);
}

static PetscErrorCode Solve(FenBellman b, SRect *N, FenInt s, const double V[], double *value, int *arg,
                            FenSweepPart *part)
{
  const FenInt first = N->first[s], rows = N->first[s + 1] - first;
  double      *mix = N->mix + first, spread;

  PetscFunctionBegin;
  PetscCall(Gather(b, N, s, V, &spread));
  *value = NAN;
  *arg = 0;
  if (!isfinite(spread))
    PetscFunctionReturn(0);
  PetscCall(FenSRectSolve(N->solver, rows, N->ptr, N->q, N->z, NULL, N->budget, &N->u[s], N->tau + first, mix, NULL));
  *value = N->u[s];
  N->scale[s] = 0;
  for (FenInt a = 0; a < rows; a++) {
    N->scale[s] += N->tau[first + a];
    *arg = mix[a] > mix[*arg] ? (int)a : *arg;
  }
  part->inexact = PetscMax(part->inexact, Miss(b, rows, N->scale[s], spread));
  PetscFunctionReturn(0);
}

/* states of a chunk together: fills N->states */
static void SolveTogether(FenBellman b, SRect *N, FenInt c, const double V[])
{
  const FenInt slots = b->all.chunk_ptr[c + 1] - b->all.chunk_ptr[c];

  for (FenInt l = 0; l < FEN_LANES; l++) {
    const FenInt s = FEN_LANES * c + l < b->nlocal ? FEN_LANES * c + l : FEN_LANES * c;
    const FenInt first = N->first[s], rows = N->first[s + 1] - first;

    N->states.u[l] = N->u[s];
    for (FenInt a = 0; a < slots; a++)
      N->states.tau[FEN_LANES * a + l] = a < rows ? N->tau[first + a] : 0;
  }
  N->together(&N->runs, c, V, &N->states);
}

/* a state that was solved with others */
static void TakeState(FenBellman b, SRect *N, FenInt s, FenInt l, double *value, int *arg, FenSweepPart *part)
{
  const FenInt first = N->first[s], rows = N->first[s + 1] - first;
  double      *mix = N->mix + first;

  *value = N->u[s] = N->states.u[l];
  N->scale[s] = N->states.scale[l];
  for (FenInt a = 0; a < rows; a++) {
    N->tau[first + a] = N->states.tau[FEN_LANES * a + l];
    mix[a] = N->states.mix[FEN_LANES * a + l];
    *arg = mix[a] > mix[*arg] ? (int)a : *arg;
  }
  part->inexact = PetscMax(part->inexact, Miss(b, rows, N->scale[s], N->states.spread[l]));
}

static PetscErrorCode SweepChunk(FenBellman b, SRect *N, FenInt c, const double V[], double TV[], int policy[],
                                 FenSweepPart *part, PetscBool *finite)
{
  PetscFunctionBegin;
  if (N->together)
    SolveTogether(b, N, c, V);
  for (FenInt s = FEN_LANES * c; s < PetscMin(b->nlocal, FEN_LANES * (c + 1)); s++) {
    const PetscBool terminal = (PetscBool)(N->first[s + 1] == N->first[s]);
    int             arg = 0;

    TV[s] = V[s];
    if (!terminal && N->together && N->states.good[s - FEN_LANES * c] > 0)
      TakeState(b, N, s, s - FEN_LANES * c, &TV[s], &arg, part);
    else if (!terminal)
      PetscCall(Solve(b, N, s, V, &TV[s], &arg, part));
    *finite = (PetscBool)(*finite && isfinite(V[s]) && isfinite(TV[s]));
    part->changes += !terminal && arg != policy[s];
    policy[s] = arg;
    FenNatureCount(part, V[s], TV[s]);
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode Sweep(FenBellman b, void *data, const FenRuns *runs, const double V[], double TV[], int policy[],
                            FenSweepPart *part)
{
  PetscBool finite = PETSC_TRUE;

  PetscFunctionBegin;
  for (FenInt r = 0; r < runs->n; r++)
    for (FenInt c = runs->run[r].c0; c < runs->run[r].c1; c++)
      PetscCall(SweepChunk(b, (SRect *)data, c, V, TV, policy, part, &finite));
  if (!finite)
    part->lo = part->hi = NAN;
  PetscFunctionReturn(0);
}

/* nature's answer is to a policy: single rows have the value that they have when they are the policy */
static PetscErrorCode Values(FenBellman b, void *data, const double V[], double q[])
{
  SRect *N = (SRect *)data;
  double spread;

  PetscFunctionBegin;
  for (FenInt s = 0; s < b->nlocal; s++) {
    const FenInt rows = N->first[s + 1] - N->first[s];

    PetscCall(Gather(b, N, s, V, &spread));
    for (FenInt a = 0; a < rows; a++) {
      const double one = 1;

      PetscCall(FenSRectPolicyValue(N->solver, 1, N->ptr + a, N->q, N->z, NULL, N->budget, &one, &q[N->first[s] + a],
                                    NULL, NULL));
    }
  }
  PetscFunctionReturn(0);
}

/* entries of the state's gathered rows that are in a mixture, each state once, in the order of their first coming */
static FenInt Merge(SRect *N, FenInt nnz, const double share[])
{
  FenInt n = 0;

  for (FenInt i = 0; i < nnz; i++) {
    int *place = &N->place[N->col[i]];

    if (*place < 0) {
      *place = (int)n;
      N->mixed[n] = N->col[i];
      N->prob[n++] = 0;
    }
    if (share)
      N->prob[*place] += share[i];
  }
  for (FenInt i = 0; i < n; i++)
    N->place[N->mixed[i]] = -1;
  return n;
}

static PetscErrorCode Lane(FenBellman b, void *data, FenInt s, int action, const double V[], FenRowView *row)
{
  SRect       *N = (SRect *)data;
  const FenInt first = N->first[s], rows = N->first[s + 1] - first;
  double       mean = 0, value, spread;

  PetscFunctionBegin;
  (void)action;
  PetscCall(Gather(b, N, s, V, &spread));
  PetscCall(FenSRectPolicyValue(N->solver, rows, N->ptr, N->q, N->z, NULL, N->budget, N->mix + first, &value,
                                &N->scale[s], N->law));
  for (FenInt a = 0; a < rows; a++)
    for (FenInt i = N->ptr[a]; i < N->ptr[a + 1]; i++)
      N->law[i] *= N->mix[first + a];
  *row = (FenRowView){.n = Merge(N, N->ptr[rows], N->law), .col = N->mixed, .prob = N->prob};
  for (FenInt j = 0; j < row->n; j++)
    mean += row->prob[j] * V[row->col[j]];
  row->reward = value - b->options.discount * mean;
  PetscFunctionReturn(0);
}

static PetscErrorCode Room(FenBellman b, void *data, FenInt s, FenInt *n)
{
  SRect *N = (SRect *)data;
  double spread;

  PetscFunctionBegin;
  PetscCall(Gather(b, N, s, NULL, &spread));
  *n = Merge(N, N->ptr[N->first[s + 1] - N->first[s]], NULL);
  PetscFunctionReturn(0);
}

static PetscErrorCode Components(FenBellman b, void *data, PetscInt *n)
{
  PetscFunctionBegin;
  (void)b;
  *n = 2 + 2 * ((SRect *)data)->most;
  PetscFunctionReturn(0);
}

static PetscInt Policy(void *data)
{
  return 2 + ((SRect *)data)->most;
}

/* value, scale, multipliers, probabilities; rows that a state has not are zero */
static PetscErrorCode State(FenBellman b, void *data, PetscInt component, PetscBool load, double x[])
{
  SRect         *N = (SRect *)data;
  const PetscInt k = component - 2, a = k < N->most ? k : k - N->most;
  double        *of_states = component ? N->scale : N->u, *of_rows = k < N->most ? N->tau : N->mix;

  PetscFunctionBegin;
  for (FenInt s = 0; s < b->nlocal; s++) {
    double *mine = NULL;

    if (k < 0)
      mine = &of_states[s];
    else if (a < N->first[s + 1] - N->first[s])
      mine = &of_rows[N->first[s] + a];
    if (mine && load)
      *mine = x[s];
    else if (!load)
      x[s] = mine ? *mine : 0;
  }
  PetscFunctionReturn(0);
}

const FenNatureOps FenNatureSRect = {.name = "s-rectangular",
                                     .able = Able,
                                     .create = Create,
                                     .destroy = Destroy,
                                     .sweep = Sweep,
                                     .values = Values,
                                     .lane = Lane,
                                     .room = Room,
                                     .components = Components,
                                     .state = State,
                                     .policy = Policy};
