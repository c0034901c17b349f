/* SPDX-License-Identifier: BSD-2-Clause */
/* FenBilevelProblem: life, teams and parts, sums that the problems share. */
#include "bilevelproblemimpl.h"

const char *const FenBilevelUppers[] = {"mean", "sum", "kl", "FenBilevelUpper", "FEN_UPPER_", NULL};

static PetscErrorCode DestroyObject(FenBilevelProblem *p)
{
  PetscFunctionBegin;
  PetscCall(FenBilevelProblemDestroy(p));
  PetscFunctionReturn(0);
}

/*@C
  FenBilevelProblemCreate - A bilevel problem made of callbacks.

  Collective

  Input Parameters:
+ comm - the ranks
. name - for people and results
. size - the same on all ranks
. ops  - the functions; copied
- ctx  - their data, see `FenBilevelProblemGetContext()`; freed by `ops->destroy`

  Output Parameter:
. problem - destroy it with `FenBilevelProblemDestroy()`

  Errors:
  `FEN_ERR_USAGE` for a missing required callback or an impossible size.

  Level: intermediate

.seealso: `FenBilevelSetProblem()`, `FenBilevelProblemGenerate()`
@*/
PetscErrorCode FenBilevelProblemCreate(MPI_Comm comm, const char name[], const FenBilevelSizes *size,
                                       const FenBilevelOps *ops, void *ctx, FenBilevelProblem *problem)
{
  FenBilevelProblem p;

  PetscFunctionBegin;
  PetscCall(FenProblemsInitialize_Private());
  FEN_BILEVEL_CHECK(ops->settheta && ops->gradient && ops->linearise && ops->hessian && ops->jacobiantranspose &&
                        ops->upper && ops->upperhessian && ops->constants,
                    comm, FEN_ERR_USAGE,
                    "problem %s: settheta, gradient, linearise, hessian, jacobiantranspose, upper, upperhessian and "
                    "constants are required",
                    name);
  FEN_BILEVEL_CHECK(size->samples > 0 && size->rows > 0 && size->width > 0 && size->p > 0 && size->parts > 0, comm,
                    FEN_ERR_USAGE, "problem %s: samples, rows, width, hyperparameters and parts must be positive",
                    name);
  PetscCall(PetscHeaderCreate(p, FENBILEVELPROBLEM_CLASSID, "FenBilevelProblem", "bilevel problem", "Bilevel", comm,
                              DestroyObject, FenBilevelProblemView));
  PetscCall(PetscObjectSetName((PetscObject)p, name));
  p->size = *size;
  p->call = *ops;
  p->ctx = ctx;
  *problem = p;
  PetscFunctionReturn(0);
}

static PetscErrorCode FreeGroups(FenBilevelProblem p)
{
  PetscFunctionBegin;
  for (PetscInt k = 0; k < p->ngroups; k++)
    PetscCall(PetscFree(p->groups[k]));
  PetscCall(PetscFree2(p->groups, p->counts));
  p->ngroups = 0;
  PetscFunctionReturn(0);
}

/*@
  FenBilevelProblemDestroy - Gives a problem back; it is freed when nobody holds it any longer.

  Collective

  Level: intermediate

.seealso: `FenBilevelProblemCreate()`
@*/
PetscErrorCode FenBilevelProblemDestroy(FenBilevelProblem *p)
{
  PetscFunctionBegin;
  if (!*p)
    PetscFunctionReturn(0);
  if (--((PetscObject)*p)->refct > 0) {
    *p = NULL;
    PetscFunctionReturn(0);
  }
  if ((*p)->call.destroy)
    PetscCall((*(*p)->call.destroy)(*p));
  PetscCall(FreeGroups(*p));
  PetscCall(FenTeamsDestroy(&(*p)->teams));
  PetscCall(PetscHeaderDestroy(p));
  PetscFunctionReturn(0);
}

/*@
  FenBilevelProblemSetTeamSize - Ranks that share a sample; 0, the default, lets `FenTeamsChooseSize()` decide.

  Logically Collective

  Errors:
  `FEN_ERR_OPTION` at set-up if it does not divide the number of ranks or a sample has fewer parts.

  Level: intermediate

.seealso: `FenBilevelProblemSetUp()`
@*/
PetscErrorCode FenBilevelProblemSetTeamSize(FenBilevelProblem p, PetscMPIInt size)
{
  PetscFunctionBegin;
  FEN_BILEVEL_CHECK(!p->isset || size == p->info.size, PetscObjectComm((PetscObject)p), FEN_ERR_USAGE,
                    "the team size must be set before the problem is set up");
  p->team_size = size;
  PetscFunctionReturn(0);
}

/*@
  FenBilevelProblemSetSampleSet - Which of many sets of samples a problem has: what is random in one, such as noise that
  is added to images, is independent of the others.

  Logically Collective

  Input Parameters:
+ problem - before `FenBilevelProblemSetUp()`
- set     - 0, the default, for samples that are learned from; the command validates on set 1

  Level: intermediate

.seealso: `FenBilevelProblemGenerate()`
@*/
PetscErrorCode FenBilevelProblemSetSampleSet(FenBilevelProblem p, uint32_t set)
{
  PetscFunctionBegin;
  FEN_BILEVEL_CHECK(!p->isset, PetscObjectComm((PetscObject)p), FEN_ERR_USAGE,
                    "the set of samples must be chosen before the problem is set up");
  p->set = set;
  PetscFunctionReturn(0);
}

static PetscErrorCode MakeTeams(FenBilevelProblem p)
{
  MPI_Comm    comm = PetscObjectComm((PetscObject)p);
  PetscMPIInt nranks, size = p->team_size;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(comm, &nranks));
  if (!size)
    size = FenTeamsChooseSize(nranks, p->size.samples, p->size.parts);
  FEN_BILEVEL_CHECK(size > 0 && nranks % size == 0, comm, FEN_ERR_OPTION,
                    "teams of %d ranks: the number of ranks, %d, is no multiple of it", size, nranks);
  FEN_BILEVEL_CHECK(size <= p->size.parts, comm, FEN_ERR_OPTION,
                    "teams of %d ranks: a sample of this problem can be cut into %" FENINT_FMT " parts at most", size,
                    p->size.parts);
  PetscCall(FenTeamsCreate(comm, size, &p->teams));
  PetscCall(FenTeamsGetInfo(p->teams, &p->info));
  PetscFunctionReturn(0);
}

/*@
  FenBilevelProblemSetUp - Makes the teams and lets the problem allocate. Solvers call it.

  Collective

  Level: advanced

.seealso: `FenBilevelProblemSetTeamSize()`, `FenBilevelProblemGetPart()`
@*/
PetscErrorCode FenBilevelProblemSetUp(FenBilevelProblem p)
{
  FenBilevelPart *part = &p->part;

  PetscFunctionBegin;
  if (p->isset)
    PetscFunctionReturn(0);
  PetscCall(MakeTeams(p));
  PetscCall(FenTeamsGetSamples(p->teams, p->size.samples, &part->start, &part->end));
  PetscCall(FenTeamsGetRange(p->teams, p->size.rows, &part->row0, &part->row1));
  PetscCall(FenTeamsGetRange(p->teams, p->size.p, &part->theta0, &part->theta1));
  PetscCall(FenIntMult(part->row1 - part->row0, p->size.width, &part->nx));
  PetscCall(FenIntMult(part->row1 - part->row0, p->size.duals, &part->nw));
  p->isset = PETSC_TRUE;
  if (p->call.setup)
    PetscCall((*p->call.setup)(p));
  PetscFunctionReturn(0);
}

/*@
  FenBilevelProblemView - Shows name, sizes and teams.

  Collective

  Level: beginner

.seealso: `FenBilevelProblemCreate()`
@*/
PetscErrorCode FenBilevelProblemView(FenBilevelProblem p, PetscViewer viewer)
{
  const FenBilevelSizes *n = &p->size;
  PetscBool              ascii;

  PetscFunctionBegin;
  PetscCall(PetscObjectTypeCompare((PetscObject)viewer, PETSCVIEWERASCII, &ascii));
  if (!ascii)
    PetscFunctionReturn(0);
  PetscCall(PetscViewerASCIIPrintf(viewer,
                                   "problem %s: %" FENINT_FMT " samples of %" FENINT_FMT " x %" FENINT_FMT
                                   " numbers, %" FENINT_FMT " hyperparameters, upper %s\n",
                                   ((PetscObject)p)->name, n->samples, n->rows, n->width, n->p,
                                   FenBilevelUppers[n->upper]));
  if (p->isset)
    PetscCall(PetscViewerASCIIPrintf(viewer, "%d teams of %d ranks\n", p->info.nteams, p->info.size));
  if (p->call.view)
    PetscCall((*p->call.view)(p, viewer));
  PetscFunctionReturn(0);
}

/*@C
  FenBilevelProblemSetGroups - Names for ranges of hyperparameters, in order.

  Logically Collective

  Input Parameters:
+ problem - the problem
. n       - groups
. names   - one for each
- counts  - hyperparameters of each; their sum is p

  Level: intermediate

.seealso: `FenBilevelProblemGetGroups()`
@*/
PetscErrorCode FenBilevelProblemSetGroups(FenBilevelProblem p, PetscInt n, const char *const names[],
                                          const FenInt counts[])
{
  PetscFunctionBegin;
  PetscCall(FreeGroups(p));
  PetscCall(PetscMalloc2(n, &p->groups, n, &p->counts));
  for (PetscInt k = 0; k < n; k++) {
    PetscCall(PetscStrallocpy(names[k], &p->groups[k]));
    p->counts[k] = counts[k];
  }
  p->ngroups = n;
  PetscFunctionReturn(0);
}

/*@C
  FenBilevelProblemGetGroups - Names for ranges of hyperparameters; none if nobody gave any.

  Not Collective

  Level: intermediate

.seealso: `FenBilevelProblemSetGroups()`
@*/
PetscErrorCode FenBilevelProblemGetGroups(FenBilevelProblem p, PetscInt *n, const char *const *names[],
                                          const FenInt *counts[])
{
  PetscFunctionBegin;
  *n = p->ngroups;
  *names = (const char *const *)p->groups;
  *counts = p->counts;
  PetscFunctionReturn(0);
}

/*@C
  FenBilevelProblemGetContext - The data that was given at creation.

  Not Collective

  Output Parameter:
. ctx - address of a pointer

  Level: intermediate

.seealso: `FenBilevelProblemCreate()`
@*/
PetscErrorCode FenBilevelProblemGetContext(FenBilevelProblem p, void *ctx)
{
  PetscFunctionBegin;
  *(void **)ctx = p->ctx;
  PetscFunctionReturn(0);
}

/*@C
  FenBilevelProblemGetName - The name.

  Not Collective

  Level: beginner

.seealso: `FenBilevelProblemCreate()`
@*/
PetscErrorCode FenBilevelProblemGetName(FenBilevelProblem p, const char *name[])
{
  PetscFunctionBegin;
  *name = ((PetscObject)p)->name;
  PetscFunctionReturn(0);
}

/*@
  FenBilevelProblemGetSizes - The sizes.

  Not Collective

  Level: beginner

.seealso: `FenBilevelProblemCreate()`
@*/
PetscErrorCode FenBilevelProblemGetSizes(FenBilevelProblem p, FenBilevelSizes *size)
{
  PetscFunctionBegin;
  *size = p->size;
  PetscFunctionReturn(0);
}

/*@C
  FenBilevelProblemGetOps - The callbacks.

  Not Collective

  Level: developer

.seealso: `FenBilevelProblemCreate()`
@*/
PetscErrorCode FenBilevelProblemGetOps(FenBilevelProblem p, const FenBilevelOps *ops[])
{
  PetscFunctionBegin;
  *ops = &p->call;
  PetscFunctionReturn(0);
}

/*@
  FenBilevelProblemGetTeams - The teams; the problem's; `NULL` before `FenBilevelProblemSetUp()`.

  Not Collective

  Level: advanced

.seealso: `FenBilevelProblemGetPart()`
@*/
PetscErrorCode FenBilevelProblemGetTeams(FenBilevelProblem p, FenTeams *teams)
{
  PetscFunctionBegin;
  *teams = p->teams;
  PetscFunctionReturn(0);
}

/*@
  FenBilevelProblemGetPart - What the calling rank has, after `FenBilevelProblemSetUp()`.

  Not Collective

  Level: advanced

.seealso: `FenBilevelProblemGetTeams()`
@*/
PetscErrorCode FenBilevelProblemGetPart(FenBilevelProblem p, FenBilevelPart *part)
{
  PetscFunctionBegin;
  *part = p->part;
  PetscFunctionReturn(0);
}

/*@
  FenBilevelProblemGetConstants - The constants of a sample at the theta that is set and the point that is linearised.

  Collective in the team

  Input Parameters:
+ problem - after set-up and `settheta`
- s       - one of my team's samples; it is the one that was linearised last

  Output Parameter:
. c - moduli and Lipschitz constants, those that belong to the linearised point included

  Level: developer

.seealso: `FenBilevelProblemGetOps()`
@*/
PetscErrorCode FenBilevelProblemGetConstants(FenBilevelProblem p, FenInt s, FenBilevelConstants *c)
{
  PetscFunctionBegin;
  PetscCall((*p->call.constants)(p, s, c));
  if (p->call.constantsat)
    PetscCall((*p->call.constantsat)(p, 1, NULL, c));
  PetscFunctionReturn(0);
}

PetscErrorCode FenBilevelTeamSum_Private(FenBilevelProblem p, PetscInt n, double values[])
{
  FenDD *sum;

  PetscFunctionBegin;
  if (p->info.size == 1)
    PetscFunctionReturn(0);
  PetscCall(PetscMalloc1(n, &sum));
  for (PetscInt k = 0; k < n; k++)
    sum[k] = (FenDD){values[k], 0};
  PetscCall(FenDDReduce(p->info.team, n, sum, values));
  PetscCall(PetscFree(sum));
  PetscFunctionReturn(0);
}

PetscErrorCode FenBilevelThetaGather_Private(FenBilevelProblem p, const double theta[], double all[])
{
  PetscInt n;

  PetscFunctionBegin;
  PetscCall(FenIntCast(p->size.p, &n));
  PetscCall(PetscArrayzero(all, n));
  PetscCall(PetscArraycpy(all + p->part.theta0, theta, p->part.theta1 - p->part.theta0));
  PetscCall(FenBilevelTeamSum_Private(p, n, all));
  PetscFunctionReturn(0);
}

void FenBilevelThetaTake_Private(FenBilevelProblem p, const double all[], double theta[])
{
  for (FenInt k = p->part.theta0; k < p->part.theta1; k++)
    theta[k - p->part.theta0] = all[k];
}
