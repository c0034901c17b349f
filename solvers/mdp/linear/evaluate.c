/* SPDX-License-Identifier: BSD-2-Clause */
/*
   How good a policy is in other environments: sampled episodes, or expectations over all branches. Episodes are keyed
   by (seed, replication; episode; step) and spread over ranks; every target sees the same random numbers. The exact
   expectation moves a law over states forward, equal states put together.
*/
#include "linearmdpimpl.h"
#include <math.h>
#include <stdlib.h>

#define SAME_STATE 1e-11 /* relative: products of the same factors in another order */

typedef struct {
  double state, mass;
} Atom;

typedef struct {
  FenLinearMDP     m;
  FenLinearProblem p;
  FenLinearView    view;
  Atom            *now, *next;
  FenInt           n, room;
} Walk;

/* what the policy earns in this state; phi of the action it takes, NULL if it ends */
static PetscErrorCode Act(Walk *w, PetscInt h, double state, double *reward, const double **phi)
{
  const FenInt d = w->p->sizes.features;
  int          action;

  PetscFunctionBegin;
  (*w->p->look)(w->p, h, state, &w->view);
  PetscCall(FenLinearMDPGetAction(w->m, h, &w->view, NULL, &action));
  *phi = NULL;
  *reward = w->view.earned;
  if (action >= w->p->sizes.actions)
    PetscFunctionReturn(0);
  *phi = w->view.features + (FenInt)action * d;
  *reward = 0;
  for (FenInt i = 0; i < d; i++)
    *reward += (*phi)[i] * w->p->theta[(FenInt)h * d + i];
  PetscFunctionReturn(0);
}

static PetscErrorCode Sample(Walk *w, uint64_t key, FenInt episode, double state, double target, double *total)
{
  PetscFunctionBegin;
  *total = 0;
  for (PetscInt h = 0; h < w->p->sizes.horizon; h++) {
    FenLinearBranches b;
    double            reward, u = FenRandomUniform(key, (uint64_t)episode, (uint32_t)h);
    const double     *phi;
    int               k = 0;

    PetscCall(Act(w, h, state, &reward, &phi));
    *total += reward;
    if (!phi)
      break;
    (*w->p->step)(w->p, h, state, phi, target, &b);
    while (k < b.n - 1 && u >= b.prob[k])
      u -= b.prob[k++];
    state = b.next[k];
  }
  PetscFunctionReturn(0);
}

static int ByState(const void *a, const void *b)
{
  const double x = ((const Atom *)a)->state, y = ((const Atom *)b)->state;

  return (x > y) - (x < y);
}

/* equal states become one */
static void Merge(Walk *w)
{
  FenInt n = 0;

  qsort(w->now, (size_t)w->n, sizeof(Atom), ByState);
  for (FenInt k = 0; k < w->n; k++) {
    if (n && w->now[k].state - w->now[n - 1].state <= SAME_STATE * fabs(w->now[k].state))
      w->now[n - 1].mass += w->now[k].mass;
    else
      w->now[n++] = w->now[k];
  }
  w->n = n;
}

static PetscErrorCode Expect(Walk *w, double start, double target, double *total)
{
  PetscFunctionBegin;
  w->n = 1;
  w->now[0] = (Atom){start, 1};
  *total = 0;
  for (PetscInt h = 0; h < w->p->sizes.horizon; h++) {
    FenInt n = 0;
    Atom  *other;

    if (w->n * FEN_LINEAR_BRANCHES > w->room) {
      w->room = 2 * w->n * FEN_LINEAR_BRANCHES;
      PetscCall(PetscRealloc((size_t)w->room * sizeof(Atom), &w->now));
      PetscCall(PetscRealloc((size_t)w->room * sizeof(Atom), &w->next));
    }
    for (FenInt k = 0; k < w->n; k++) {
      FenLinearBranches b;
      double            reward;
      const double     *phi;

      PetscCall(Act(w, h, w->now[k].state, &reward, &phi));
      *total += w->now[k].mass * reward;
      if (!phi)
        continue;
      (*w->p->step)(w->p, h, w->now[k].state, phi, target, &b);
      for (int j = 0; j < b.n; j++)
        w->next[n++] = (Atom){b.next[j], w->now[k].mass * b.prob[j]};
    }
    other = w->now;
    w->now = w->next;
    w->next = other;
    w->n = n;
    Merge(w);
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode WalkCreate(FenLinearMDP m, FenLinearProblem p, Walk *w)
{
  PetscFunctionBegin;
  *w = (Walk){.m = m, .p = p, .room = 256};
  PetscCall(PetscMalloc1((size_t)p->sizes.actions * (size_t)p->sizes.features, &w->view.features));
  PetscCall(PetscMalloc1((size_t)w->room, &w->now));
  PetscCall(PetscMalloc1((size_t)w->room, &w->next));
  PetscFunctionReturn(0);
}

static PetscErrorCode WalkDestroy(Walk *w)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(w->view.features));
  PetscCall(PetscFree(w->now));
  PetscCall(PetscFree(w->next));
  PetscFunctionReturn(0);
}

/*@C
  FenLinearMDPEvaluate - Mean reward of the policy in target environments.

  Collective

  Input Parameters:
+ mdp        - the solver, after the solve
. problem    - the environment, with its replication
- evaluation - targets, episodes, sampled or exact

  Output Parameter:
. mean - one number a target

  Level: beginner

.seealso: `FenLinearMDPReplicate()`
@*/
PetscErrorCode FenLinearMDPEvaluate(FenLinearMDP m, FenLinearProblem p, const FenLinearEvaluation *e, double mean[])
{
  MPI_Comm       comm = PetscObjectComm((PetscObject)m);
  const uint64_t key = ~p->seed + (uint64_t)p->replication * 0x9E3779B97F4A7C15ull; /* not the recording's */
  const double   together = FenRandomUniform(key, 0, (uint32_t)1 << 31);
  FenLayout      layout;
  FenInt         first, end;
  FenDD         *sums;
  Walk           w;

  PetscFunctionBegin;
  PetscCheck(e->episodes >= 1, comm, (PetscErrorCode)FEN_ERR_OPTION, "%" FENINT_FMT " episodes: at least one is needed",
             e->episodes);
  PetscCall(FenLayoutCreateRows(comm, e->episodes, &layout));
  PetscCall(FenLayoutGetRange(layout, &first, &end));
  PetscCall(FenLayoutDestroy(&layout));
  PetscCall(WalkCreate(m, p, &w));
  PetscCall(PetscCalloc1((size_t)e->ntargets, &sums));
  for (FenInt k = first; k < end; k++) {
    const double u =
        e->exact ? ((double)k + 0.5) / (double)e->episodes : FenRandomUniform(key, (uint64_t)k, (uint32_t)1 << 31);
    const double start = (*p->start)(p, p->replication, u, together, PETSC_TRUE);

    for (PetscInt t = 0; t < e->ntargets; t++) {
      double total;

      if (e->exact)
        PetscCall(Expect(&w, start, e->targets[t], &total));
      else
        PetscCall(Sample(&w, key, k, start, e->targets[t], &total));
      FenDDAdd(&sums[t], total);
    }
  }
  PetscCall(FenDDReduce(comm, e->ntargets, sums, mean));
  for (PetscInt t = 0; t < e->ntargets; t++)
    mean[t] /= (double)e->episodes;
  PetscCall(PetscFree(sums));
  PetscCall(WalkDestroy(&w));
  PetscFunctionReturn(0);
}

/* one more data set, learnt from and evaluated by a team */
static PetscErrorCode One(FenLinearMDP model, MPI_Comm comm, FenLinearProblem p, const FenLinearEvaluation *e,
                          double mean[])
{
  FenLinearMDP    m;
  FenTrajectories data = NULL;

  PetscFunctionBegin;
  PetscCall(FenLinearMDPDuplicate(model, comm, &m));
  PetscCall(FenLinearMDPSetProblem(m, p));
  if (model->rule) {
    PetscCall(FenTrajectoriesGenerate(comm, p, &data));
    PetscCall(FenLinearMDPSetTrajectories(m, data));
  }
  PetscCall(FenLinearMDPSolve(m));
  PetscCall(FenLinearMDPEvaluate(m, p, e, mean));
  PetscCall(FenLinearMDPDestroy(&m));
  PetscCall(FenTrajectoriesDestroy(&data));
  PetscFunctionReturn(0);
}

/* keeps the sentence of an error instead of printing it */
static PetscErrorCode Keep(MPI_Comm comm, int line, const char *function, const char *file, PetscErrorCode code,
                           PetscErrorType type, const char *message, void *ctx)
{
  (void)comm, (void)line, (void)function, (void)file;
  if (type == PETSC_ERROR_INITIAL && message)
    (void)snprintf((char *)ctx, 512, "%s", message);
  return code;
}

/* an error of one team must not leave the others waiting: it becomes everybody's when all are done */
static PetscErrorCode TryOne(FenLinearMDP m, MPI_Comm team, FenLinearProblem p, const FenLinearEvaluation *e,
                             double mean[], FenFault *fault)
{
  char sentence[512] = "";
  int  code;

  PetscFunctionBegin;
  PetscCall(PetscPushErrorHandler(Keep, sentence));
  code = (int)One(m, team, p, e, mean);
  PetscCall(PetscPopErrorHandler());
  if (!code)
    PetscFunctionReturn(0);
  if (code <= FEN_ERR_FIRST || code >= FEN_ERR_LAST)
    code = FEN_ERR_INTERNAL;
  FenFaultSet(fault, code, "replication %" FENINT_FMT ": %s", p->replication, sentence);
  PetscFunctionReturn(0);
}

/*@C
  FenLinearMDPReplicate - Evaluates the policy, and those learnt from other data sets of the same problem.

  Collective

  Input Parameters:
+ mdp        - the solver, after the solve of replication 0
. problem    - the same on all ranks; its replication is 0 afterwards
- evaluation - with the number of replications and of teams; each team has its share of ranks and of replications

  Output Parameter:
. returns - replications x targets, on all ranks

  Level: intermediate

.seealso: `FenLinearMDPEvaluate()`
@*/
PetscErrorCode FenLinearMDPReplicate(FenLinearMDP m, FenLinearProblem p, const FenLinearEvaluation *e, double returns[])
{
  MPI_Comm    comm = PetscObjectComm((PetscObject)m), team;
  PetscMPIInt rank, size, teams, mine, place, count;
  FenFault    fault = {0};

  PetscFunctionBegin;
  PetscCheck(e->replications >= 1, comm, (PetscErrorCode)FEN_ERR_OPTION,
             "-mdp_replications %" FENINT_FMT ": must be at least 1", e->replications);
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  PetscCheck(e->teams >= 0 && e->teams <= size, comm, (PetscErrorCode)FEN_ERR_OPTION,
             "-mdp_teams %d: there are %d ranks", e->teams, size);
  teams = e->teams ? e->teams : (PetscMPIInt)PetscMin((FenInt)size, PetscMax(1, e->replications - 1));
  mine = (PetscMPIInt)((FenInt)rank * teams / size);
  PetscCall(FenMPIIntCast(e->replications * e->ntargets, &count));
  PetscCall(PetscArrayzero(returns, (size_t)count));
  p->replication = 0;
  PetscCall(FenLinearMDPEvaluate(m, p, e, returns));
  if (rank)
    PetscCall(PetscArrayzero(returns, e->ntargets));
  PetscCallMPI(MPI_Comm_split(comm, mine, rank, &team));
  PetscCallMPI(MPI_Comm_rank(team, &place));
  for (FenInt r = 1 + mine; r < e->replications; r += teams) {
    double *mean = returns + r * e->ntargets;

    p->replication = r;
    PetscCall(TryOne(m, team, p, e, mean, &fault));
    if (fault.code)
      break;
    if (place)
      PetscCall(PetscArrayzero(mean, e->ntargets));
  }
  p->replication = 0;
  PetscCallMPI(MPI_Comm_free(&team));
  PetscCall(FenFaultAgree(comm, &fault));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, returns, count, MPI_DOUBLE, MPI_SUM, comm)); /* one number and zeros each */
  PetscFunctionReturn(0);
}
