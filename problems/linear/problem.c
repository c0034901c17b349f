/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Built-in linear problems, and the recording of trajectories in them. Random numbers are keyed by (seed, replication;
   trajectory; step), so that data do not depend on the number of ranks.
*/
#include "linearimpl.h"
#include <math.h>

const char *const FenLinearProblems[] = {
#define FEN_LINEAR_NAME(name, function, text) #name,
    FEN_LINEAR_PROBLEM_LIST(FEN_LINEAR_NAME)
#undef FEN_LINEAR_NAME
        NULL};

static const struct {
  const char *name, *text;
  PetscErrorCode (*create)(FenOptionItems, MPI_Comm, FenLinearProblem);
} fen_problems[] = {
#define FEN_LINEAR_ENTRY(name, function, text) {#name, text, function##_Private},
    FEN_LINEAR_PROBLEM_LIST(FEN_LINEAR_ENTRY)
#undef FEN_LINEAR_ENTRY
        {NULL, NULL, NULL}};

static PetscErrorCode FenFill(PetscErrorCode (*create)(FenOptionItems, MPI_Comm, FenLinearProblem), MPI_Comm comm,
                              const char prefix[], const char title[], FenLinearProblem p)
{
  PetscFunctionBegin;
  PetscOptionsBegin(comm, prefix, title, "FenLinearProblemCreate");
  PetscCall((*create)(PetscOptionsObject, comm, p));
  PetscOptionsEnd();
  PetscFunctionReturn(0);
}

/*@C
  FenLinearProblemCreate - A built-in linear Markov decision process, with its options read.

  Collective

  Input Parameters:
+ comm   - the ranks that will use it
. name   - one of FenLinearProblems
- prefix - of its options, which are -NAME_...; NULL: none

  Output Parameter:
. problem - the same on all ranks; destroy it with `FenLinearProblemDestroy()`

  Errors:
  `FEN_ERR_OPTION` for an unknown name, the message lists the known ones, and for values out of range.

  Level: beginner

.seealso: `FenTrajectoriesGenerate()`
@*/
PetscErrorCode FenLinearProblemCreate(MPI_Comm comm, const char name[], const char prefix[], FenLinearProblem *problem)
{
  char             title[80], list[256] = "";
  PetscBool        same = PETSC_FALSE;
  FenLinearProblem p;
  int              k;

  PetscFunctionBegin;
  *problem = NULL;
  for (k = 0; fen_problems[k].name; k++) {
    PetscCall(PetscStrcmp(name, fen_problems[k].name, &same));
    if (same)
      break;
    PetscCall(PetscStrlcat(list, " ", sizeof(list)));
    PetscCall(PetscStrlcat(list, fen_problems[k].name, sizeof(list)));
  }
  FEN_LINEAR_CHECK(same, comm, FEN_ERR_OPTION, "no d-rectangular problem is called '%s'; there are%s", name, list);
  PetscCall(PetscNew(&p));
  p->name = fen_problems[k].name;
  PetscCall(PetscSNPrintf(title, sizeof(title), "Problem %s: %s", name, fen_problems[k].text));
  PetscCall(FenFill(fen_problems[k].create, comm, prefix, title, p));
  *problem = p;
  PetscFunctionReturn(0);
}

/*@
  FenLinearProblemDestroy - Gives a problem back.

  Not Collective

  Level: beginner

.seealso: `FenLinearProblemCreate()`
@*/
PetscErrorCode FenLinearProblemDestroy(FenLinearProblem *p)
{
  PetscFunctionBegin;
  if (!*p)
    PetscFunctionReturn(0);
  PetscCall((*(*p)->destroy)(*p));
  PetscCall(PetscFree2((*p)->theta, (*p)->radius_scale));
  PetscCall(PetscFree(*p));
  PetscFunctionReturn(0);
}

static double FenBranch(const FenLinearBranches *b, double u)
{
  for (int k = 0; k < b->n - 1; k++) {
    if (u < b->prob[k])
      return b->next[k];
    u -= b->prob[k];
  }
  return b->next[b->n - 1];
}

/* one trajectory: k-th of mine, number `index` of all */
static void FenRecord(FenLinearProblem p, uint64_t key, FenInt index, FenInt k, const FenTrajectoriesArrays *a)
{
  const FenTrajectoriesSizes *n = &p->sizes;
  const FenInt                width = (FenInt)n->actions * n->features;
  const uint32_t              far = (uint32_t)1 << 30;
  double                      state = (*p->start)(p, p->replication, FenRandomUniform(key, (uint64_t)index, far),
                             FenRandomUniform(key, 0, far + 1), PETSC_FALSE);

  for (PetscInt h = 0; h < n->horizon; h++) {
    const FenInt      at = k * n->horizon + h;
    FenLinearView     view = {.features = a->features + at * width};
    FenLinearBranches next = {.n = 0};
    const double     *phi;
    double            reward = 0;

    (*p->look)(p, h, state, &view);
    a->fail[at] = view.fail;
    if (a->stop)
      a->stop[at] = view.stop;
    a->action[at] = (*p->behave)(p, h, state, FenRandomUniform(key, (uint64_t)index, 2 * (uint32_t)h));
    phi = view.features + (FenInt)a->action[at] * n->features;
    for (PetscInt i = 0; i < n->features; i++)
      reward += phi[i] * p->theta[h * n->features + i];
    a->reward[at] = reward;
    (*p->step)(p, h, state, phi, NAN, &next);
    state = FenBranch(&next, FenRandomUniform(key, (uint64_t)index, 2 * (uint32_t)h + 1));
  }
}

/*@C
  FenTrajectoriesGenerate - Records trajectories of a problem's source environment under its recorded policy.

  Collective

  Input Parameters:
+ comm    - the ranks that share the trajectories
- problem - with the number of trajectories, the seed and the replication

  Output Parameter:
. trajectories - the same on any number of ranks

  Level: beginner

.seealso: `FenLinearProblemCreate()`, `FenTrajectoriesWrite()`
@*/
PetscErrorCode FenTrajectoriesGenerate(MPI_Comm comm, FenLinearProblem p, FenTrajectories *trajectories)
{
  const FenInt   table = (FenInt)p->sizes.horizon * p->sizes.features;
  const uint64_t key = p->seed + (uint64_t)p->replication * 0x9E3779B97F4A7C15ull;

  PetscFunctionBegin;
  PetscCall(FenTrajectoriesCreate(comm, &p->sizes, trajectories));
  for (FenInt k = 0; k < (*trajectories)->a.n; k++)
    FenRecord(p, key, (*trajectories)->start + k, k, &(*trajectories)->a);
  PetscCall(PetscArraycpy((*trajectories)->a.theta, p->theta, table));
  PetscCall(PetscArraycpy((*trajectories)->a.radius_scale, p->radius_scale, table));
  PetscCall(FenTrajectoriesCheck(*trajectories, ""));
  PetscFunctionReturn(0);
}
