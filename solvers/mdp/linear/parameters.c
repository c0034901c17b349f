/* SPDX-License-Identifier: BSD-2-Clause */
/* Problem, ambiguity and parameters of a FenLinearMDP, by functions and by options. */
#include "linearmdpimpl.h"
#include <math.h>

const char *const FenPublishedNames[] = {"none", "linear", "put", "FenPublished", "FEN_PUBLISHED_", NULL};

/*@C
  FenLinearMDPSetType - Chooses the method, see FenLinearMDPType.

  Logically Collective

  Options Database Key:
. -mdp_type - name of the method

  Level: beginner

.seealso: `FenSolverSetType()`
@*/
PetscErrorCode FenLinearMDPSetType(FenLinearMDP m, FenLinearMDPType type)
{
  PetscFunctionBegin;
  PetscCall(FenSolverSetType((FenSolver)m, type));
  PetscFunctionReturn(0);
}

/*@
  FenLinearMDPSetTrajectories - The data to learn from; they are referenced, and must not change afterwards.

  Collective

  Level: beginner

.seealso: `FenTrajectoriesRead()`, `FenTrajectoriesGenerate()`
@*/
PetscErrorCode FenLinearMDPSetTrajectories(FenLinearMDP m, FenTrajectories data)
{
  PetscFunctionBegin;
  PetscCall(FenSolverReset((FenSolver)m));
  PetscCall(PetscObjectReference((PetscObject)data));
  PetscCall(FenTrajectoriesDestroy(&m->data));
  m->data = data;
  PetscFunctionReturn(0);
}

/*@
  FenLinearMDPSetProblem - The problem itself, for the type "exact"; it must outlive the solver.

  Logically Collective

  Level: intermediate

.seealso: `FenLinearProblemCreate()`
@*/
PetscErrorCode FenLinearMDPSetProblem(FenLinearMDP m, FenLinearProblem problem)
{
  PetscFunctionBegin;
  PetscCall(FenSolverReset((FenSolver)m));
  m->problem = problem;
  PetscFunctionReturn(0);
}

/*@C
  FenLinearMDPSetAmbiguity - What nature may do with every factor.

  Logically Collective

  Input Parameters:
+ mdp       - the solver
- ambiguity - name, and either radius or penalty; each type knows some, "exact" all divergences

  Options Database Keys:
+ -mdp_ambiguity - name
. -mdp_alpha     - order, of "alpha"
. -mdp_radius    - radius of the balls
- -mdp_penalty   - price of the divergence

  Level: beginner

.seealso: `FenLinearMDPGetAmbiguity()`
@*/
PetscErrorCode FenLinearMDPSetAmbiguity(FenLinearMDP m, const FenAmbiguity *a)
{
  MPI_Comm comm = PetscObjectComm((PetscObject)m);

  PetscFunctionBegin;
  PetscCheck(isfinite(a->radius) && a->radius >= 0, comm, (PetscErrorCode)FEN_ERR_OPTION,
             "-mdp_radius %g: must not be negative", a->radius);
  PetscCheck(isfinite(a->penalty) && a->penalty >= 0, comm, (PetscErrorCode)FEN_ERR_OPTION,
             "-mdp_penalty %g: must be positive", a->penalty);
  PetscCheck(isfinite(a->alpha), comm, (PetscErrorCode)FEN_ERR_OPTION, "-mdp_alpha %g: must be a finite number",
             a->alpha);
  PetscCheck(!(a->radius > 0 && a->penalty > 0), comm, (PetscErrorCode)FEN_ERR_OPTION,
             "-mdp_radius %g and -mdp_penalty %g: only one of them can be used", a->radius, a->penalty);
  PetscCall(FenSolverReset((FenSolver)m));
  m->ambiguity = *a;
  PetscFunctionReturn(0);
}

/*@C
  FenLinearMDPGetAmbiguity - What nature may do, and after the set-up what the type means by it.

  Not Collective

  Level: beginner

.seealso: `FenLinearMDPSetAmbiguity()`
@*/
PetscErrorCode FenLinearMDPGetAmbiguity(FenLinearMDP m, FenAmbiguity *ambiguity)
{
  PetscFunctionBegin;
  *ambiguity = m->base.isset ? m->use : m->ambiguity;
  PetscFunctionReturn(0);
}

/*@
  FenLinearMDPSetParameters - Numbers of the methods.

  Logically Collective

  Options Database Keys:
+ -mdp_ridge      - zeta, added to the diagonal of every regression
. -mdp_pessimism  - beta, weight of what the data do not know
. -mdp_clip       - values are at most this times the steps left; 0: no upper cut
. -mdp_correction - taken off estimated variances
. -mdp_split      - variances from the even trajectories, the rest from the odd ones
. -mdp_dense      - matrices up to this size are factored on every rank, larger ones by all together
- -mdp_published  - do as this published program does, deviations from its paper included

  Errors:
  `FEN_ERR_OPTION` for numbers out of range.

  Level: beginner

.seealso: `FenLinearMDPGetParameters()`
@*/
PetscErrorCode FenLinearMDPSetParameters(FenLinearMDP m, const FenLinearMDPParameters *p)
{
  MPI_Comm comm = PetscObjectComm((PetscObject)m);

  PetscFunctionBegin;
  PetscCheck(isfinite(p->ridge) && p->ridge > 0, comm, (PetscErrorCode)FEN_ERR_OPTION,
             "-mdp_ridge %g: must be positive", p->ridge);
  PetscCheck(isfinite(p->pessimism) && p->pessimism >= 0, comm, (PetscErrorCode)FEN_ERR_OPTION,
             "-mdp_pessimism %g: must not be negative", p->pessimism);
  PetscCheck(isfinite(p->clip) && p->clip >= 0, comm, (PetscErrorCode)FEN_ERR_OPTION,
             "-mdp_clip %g: must not be negative", p->clip);
  PetscCheck(isfinite(p->correction) && p->correction >= 0, comm, (PetscErrorCode)FEN_ERR_OPTION,
             "-mdp_correction %g: must not be negative", p->correction);
  PetscCheck(p->dense >= 0, comm, (PetscErrorCode)FEN_ERR_OPTION, "-mdp_dense %" PetscInt_FMT ": must not be negative",
             p->dense);
  PetscCall(FenSolverReset((FenSolver)m));
  m->par = *p;
  PetscFunctionReturn(0);
}

/*@
  FenLinearMDPGetParameters - Numbers of the methods.

  Not Collective

  Level: beginner

.seealso: `FenLinearMDPSetParameters()`
@*/
PetscErrorCode FenLinearMDPGetParameters(FenLinearMDP m, FenLinearMDPParameters *p)
{
  PetscFunctionBegin;
  *p = m->par;
  PetscFunctionReturn(0);
}

static PetscErrorCode AmbiguityFromOptions(FenLinearMDP m, PetscOptionItems *PetscOptionsObject)
{
  const FenAmbiguityTexts texts = {.page = "FenLinearMDPSetAmbiguity",
                                   .name = "laws that nature may choose: none or a divergence",
                                   .radius = "largest divergence from a factor",
                                   .penalty = "price of the divergence from a factor"};
  FenAmbiguity            a = m->ambiguity;
  PetscBool               given;

  PetscFunctionBegin;
  PetscCall(FenMDPAmbiguitySize_Private(PetscObjectComm((PetscObject)m), &a, &texts, &given, PetscOptionsObject));
  PetscCall(FenLinearMDPSetAmbiguity(m, &a));
  PetscFunctionReturn(0);
}

PetscErrorCode FenLinearMDPOptions_Private(FenSolver s, PetscOptionItems *PetscOptionsObject)
{
  FenLinearMDP           m = (FenLinearMDP)s;
  FenLinearMDPParameters p = m->par;
  PetscReal              ridge = p.ridge, pessimism = p.pessimism, clip = p.clip, correction = p.correction;
  PetscInt               published = (PetscInt)p.published;

  PetscFunctionBegin;
  PetscCall(AmbiguityFromOptions(m, PetscOptionsObject));
  PetscCall(PetscOptionsReal("-mdp_ridge", "added to the diagonal of every regression", "FenLinearMDPSetParameters",
                             ridge, &ridge, NULL));
  PetscCall(PetscOptionsReal("-mdp_pessimism", "weight of what the data do not know", "FenLinearMDPSetParameters",
                             pessimism, &pessimism, NULL));
  PetscCall(PetscOptionsReal("-mdp_clip", "values are at most this times the steps left (0: no upper cut)",
                             "FenLinearMDPSetParameters", clip, &clip, NULL));
  PetscCall(PetscOptionsReal("-mdp_correction", "taken off estimated variances", "FenLinearMDPSetParameters",
                             correction, &correction, NULL));
  PetscCall(PetscOptionsBool("-mdp_split", "variances from the even trajectories, the rest from the odd ones",
                             "FenLinearMDPSetParameters", p.split, &p.split, NULL));
  PetscCall(PetscOptionsInt("-mdp_dense", "matrices up to this size are factored on every rank",
                            "FenLinearMDPSetParameters", p.dense, &p.dense, NULL));
  PetscCall(PetscOptionsEList("-mdp_published", "do as this published program does, deviations from its paper included",
                              "FenLinearMDPSetParameters", FenPublishedNames, 3, FenPublishedNames[published],
                              &published, NULL));
  p.ridge = ridge;
  p.pessimism = pessimism;
  p.clip = clip;
  p.correction = correction;
  p.published = (FenPublished)published;
  PetscCall(FenLinearMDPSetParameters(m, &p));
  PetscFunctionReturn(0);
}

/*@
  FenLinearMDPSetFromOptions - Options of the solver, see `FenSolverSetFromOptions()`.

  Collective

  Options Database Keys:
+ -mdp_type       - method
. -mdp_ambiguity  - what nature may do with every factor
. -mdp_radius     - radius of the balls
. -mdp_penalty    - or the price
. -mdp_ridge      - ridge of the regressions
- -mdp_pessimism  - weight of what the data do not know

  Level: beginner

.seealso: `FenLinearMDPSetParameters()`, `FenLinearMDPSetAmbiguity()`
@*/
PetscErrorCode FenLinearMDPSetFromOptions(FenLinearMDP m)
{
  PetscFunctionBegin;
  PetscCall(FenSolverSetFromOptions((FenSolver)m));
  PetscFunctionReturn(0);
}

/*@
  FenLinearMDPDuplicate - A solver with the same type, ambiguity and parameters on other ranks, without data.

  Collective on the new ranks

  Level: advanced

.seealso: `FenLinearMDPReplicate()`
@*/
PetscErrorCode FenLinearMDPDuplicate(FenLinearMDP m, MPI_Comm comm, FenLinearMDP *copy)
{
  const char *type;

  PetscFunctionBegin;
  PetscCall(FenLinearMDPCreate(comm, copy));
  PetscCall(FenSolverGetType((FenSolver)m, &type));
  if (type)
    PetscCall(FenLinearMDPSetType(*copy, type));
  (*copy)->ambiguity = m->ambiguity;
  (*copy)->par = m->par;
  (*copy)->base.gap_rel = m->base.gap_rel;
  (*copy)->base.residual = m->base.residual;
  PetscFunctionReturn(0);
}
