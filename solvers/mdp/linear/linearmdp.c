/* SPDX-License-Identifier: BSD-2-Clause */
/* FenLinearMDP: the family. Set-up, answers after the loop, life. */
#include "linearmdpimpl.h"
#include <math.h>

PetscClassId     FENLINEARMDP_CLASSID;
static PetscBool packageinitialized = PETSC_FALSE;

static const FenSolverTypeEntry types[] = {
#define FEN_LINEARMDP_ENTRY(name, Type) {name, FenLinearMDPCreate_##Type},
    FEN_LINEARMDP_TYPE_LIST(FEN_LINEARMDP_ENTRY)
#undef FEN_LINEARMDP_ENTRY
        {NULL, NULL}};

static PetscErrorCode Finalize(void)
{
  PetscFunctionBegin;
  packageinitialized = PETSC_FALSE;
  PetscFunctionReturn(0);
}

PetscErrorCode FenLinearMDPInitializePackage_Private(void)
{
  PetscFunctionBegin;
  if (packageinitialized)
    PetscFunctionReturn(0);
  packageinitialized = PETSC_TRUE;
  PetscCall(FenSolverInitializePackage_Private());
  PetscCall(FenClassRegister("Linear Markov decision process", "fenlinearmdp", &FENLINEARMDP_CLASSID));
  PetscCall(PetscRegisterFinalize(Finalize));
  PetscFunctionReturn(0);
}

/* the ambiguity that a type means */
static PetscErrorCode ChooseAmbiguity(FenLinearMDP m)
{
  MPI_Comm             comm = PetscObjectComm((PetscObject)m);
  const FenLinearRule *r = m->rule;
  FenAmbiguity        *a = &m->use;
  const PetscBool      none = (PetscBool)!strcmp(m->ambiguity.name, "none");
  char                 word[40], words[80];

  PetscFunctionBegin;
  *a = m->ambiguity;
  if (!r)
    PetscFunctionReturn(0);
  if (!r->ambiguities) {
    PetscCheck(none && a->radius <= 0 && a->penalty <= 0, comm, (PetscErrorCode)FEN_ERR_OPTION,
               "-mdp_type %s is not robust: -mdp_ambiguity %s has no meaning with it", r->name, a->name);
    PetscFunctionReturn(0);
  }
  PetscCall(PetscSNPrintf(words, sizeof(words), " %s ", r->ambiguities));
  if (none)
    (void)sscanf(r->ambiguities, "%31s", a->name);
  PetscCall(PetscSNPrintf(word, sizeof(word), " %s ", a->name));
  PetscCheck(strstr(words, word), comm, (PetscErrorCode)FEN_ERR_OPTION,
             "-mdp_type %s does not know -mdp_ambiguity %s; it knows: %s", r->name, a->name, r->ambiguities);
  PetscCheck(r->radius ? a->penalty <= 0 : a->radius <= 0, comm, (PetscErrorCode)FEN_ERR_OPTION,
             "-mdp_type %s takes %s, not %s", r->name, r->radius ? "-mdp_radius" : "-mdp_penalty",
             r->radius ? "-mdp_penalty" : "-mdp_radius");
  PetscCheck(r->radius || a->penalty > 0, comm, (PetscErrorCode)FEN_ERR_OPTION,
             "-mdp_type %s needs -mdp_penalty, the price of a change; it must be positive", r->name);
  PetscCheck(!r->radius || m->ambiguity.radius >= 0, comm, (PetscErrorCode)FEN_ERR_OPTION,
             "-mdp_type %s needs -mdp_radius", r->name);
  PetscFunctionReturn(0);
}

static PetscErrorCode TakeData(FenLinearMDP m)
{
  FenLayout layout;
  FenInt    end;

  PetscFunctionBegin;
  PetscCheck(m->data, PetscObjectComm((PetscObject)m), (PetscErrorCode)FEN_ERR_USAGE,
             "FenLinearMDPSetTrajectories() must be called before the solve");
  PetscCall(FenTrajectoriesGetSizes(m->data, &m->size));
  PetscCall(FenTrajectoriesGetArrays(m->data, &m->a));
  PetscCall(FenTrajectoriesGetLayout(m->data, &layout));
  PetscCall(FenLayoutGetRange(layout, &m->start, &end));
  m->nvalue = m->a.n;
  PetscFunctionReturn(0);
}

static PetscErrorCode Allocate(FenLinearMDP m)
{
  const size_t n = (size_t)m->a.n + 1, d = (size_t)m->d;
  FenInt       features;

  PetscFunctionBegin;
  PetscCall(FenIntMult((FenInt)n, m->d, &features));
  PetscCall(PetscMalloc3((size_t)features, &m->phi, (size_t)features, &m->C, m->nstages > 1 ? (size_t)features : 1,
                         &m->scaled));
  PetscCall(PetscCalloc5(n, &m->v, n, &m->dv, n, &m->f, n, &m->df, 2 * n, &m->weight));
  PetscCall(PetscMalloc6(d * d, &m->Lambda, d * d, &m->X, d * d, &m->absX, d * d, &m->absE, 12 * d, &m->vector, d,
                         &m->localw));
  PetscFunctionReturn(0);
}

static PetscErrorCode LinearSetUp(FenSolver s)
{
  FenLinearMDP m = (FenLinearMDP)s;

  PetscFunctionBegin;
  m->a = (FenTrajectoriesArrays){.n = 0};
  m->start = 0;
  m->nstages = m->rule && m->rule->variances ? 2 : 1;
  PetscCall(ChooseAmbiguity(m));
  if (m->rule)
    PetscCall(TakeData(m));
  else {
    PetscCheck(m->problem, PetscObjectComm((PetscObject)m), (PetscErrorCode)FEN_ERR_USAGE,
               "-mdp_type exact needs -problem: data do not say what the factors are");
    m->size = m->problem->sizes;
    m->nvalue = 1;
  }
  m->H = m->size.horizon;
  m->d = m->size.features;
  for (FenInt k = 0; k < m->nstages; k++)
    PetscCall(FenLinearStageCreate_Private(m, (PetscBool)(m->rule && m->rule->inverse), &m->stage[k]));
  PetscCall(Allocate(m));
  PetscCall(PetscCalloc2((size_t)m->nvalue + 1, &m->value, (size_t)m->nvalue + 1, &m->action));
  PetscFunctionReturn(0);
}

static PetscErrorCode LinearState(FenSolver s, FenState state)
{
  (void)s, (void)state;
  PetscFunctionBegin; /* all of it is the types' */
  PetscFunctionReturn(0);
}

static PetscErrorCode LinearBegin(FenSolver s)
{
  FenLinearMDP m = (FenLinearMDP)s;

  PetscFunctionBegin;
  m->bounds.lower = -HUGE_VAL;
  m->bounds.upper = HUGE_VAL;
  if (!s->restarted)
    m->bounds.value_error = HUGE_VAL;
  m->bounds.step_error = m->bounds.ridge_error = HUGE_VAL;
  PetscFunctionReturn(0);
}

/* values and actions of the first states; a solve that stopped on the way has those of the steps it made only */
static PetscErrorCode LinearFinish(FenSolver s)
{
  FenLinearMDP          m = (FenLinearMDP)s;
  const FenLinearStage *last = &m->stage[m->nstages - 1];
  FenLinearMDPBounds   *b = &m->bounds;
  const FenInt          width = (FenInt)m->size.actions * m->d;

  PetscFunctionBegin;
  if (m->step < m->nstages * m->H)
    PetscFunctionReturn(0);
  if (!m->rule) {
    FenLinearView view;

    PetscCall(PetscMalloc1((size_t)width, &view.features));
    (*m->problem->look)(m->problem, 0, (*m->problem->start)(m->problem, 0, 0.5, 0.5, PETSC_FALSE), &view);
    m->value[0] = FenLinearValue_Private(m, last, 0, view.features, m->size.stop ? &view.stop : NULL,
                                         (PetscBool)(view.fail != 0), m->action, NULL);
    PetscCall(PetscFree(view.features));
  }
  for (FenInt k = 0; m->rule && k < m->a.n; k++)
    m->value[k] =
        FenLinearValue_Private(m, last, 0, m->a.features + k * m->H * width, m->a.stop ? m->a.stop + k * m->H : NULL,
                               (PetscBool)(m->a.fail[k * m->H] > 0), m->action + k, NULL);
  b->lower = s->progress.lower;
  b->upper = s->progress.upper;
  b->ridge_error = m->eta;
  b->step_error = m->local;
  PetscFunctionReturn(0);
}

static PetscErrorCode LinearView(FenSolver s, PetscViewer viewer)
{
  FenLinearMDP m = (FenLinearMDP)s;

  PetscFunctionBegin;
  if (!s->isset)
    PetscFunctionReturn(0);
  PetscCall(PetscViewerASCIIPrintf(viewer, "d-rectangular, %" PetscInt_FMT " features, %" PetscInt_FMT " steps\n", m->d,
                                   m->H));
  if (m->use.radius > 0 || m->use.penalty > 0)
    PetscCall(PetscViewerASCIIPrintf(viewer, "ambiguity %s, %s %g\n", m->use.name,
                                     m->use.radius > 0 ? "radius" : "penalty",
                                     m->use.radius > 0 ? m->use.radius : m->use.penalty));
  if (m->rule)
    PetscCall(PetscViewerASCIIPrintf(viewer, "ridge %g, pessimism %g, cut %g, published %s\n", m->par.ridge,
                                     m->par.pessimism, m->par.clip, FenPublishedNames[m->par.published]));
  PetscFunctionReturn(0);
}

static PetscErrorCode LinearReset(FenSolver s)
{
  FenLinearMDP m = (FenLinearMDP)s;

  PetscFunctionBegin;
  for (FenInt k = 0; k < m->nstages; k++)
    PetscCall(FenLinearStageDestroy_Private(&m->stage[k]));
  PetscCall(PetscFree3(m->phi, m->C, m->scaled));
  PetscCall(PetscFree5(m->v, m->dv, m->f, m->df, m->weight));
  PetscCall(PetscFree6(m->Lambda, m->X, m->absX, m->absE, m->vector, m->localw));
  PetscCall(PetscFree2(m->value, m->action));
  PetscFunctionReturn(0);
}

static PetscErrorCode LinearDestroy(FenSolver s)
{
  PetscFunctionBegin;
  PetscCall(FenTrajectoriesDestroy(&((FenLinearMDP)s)->data));
  PetscFunctionReturn(0);
}

static const FenSolverFamily family = {.name = "FenLinearMDP",
                                       .stem = "mdp",
                                       .residual_option = "gap",
                                       .residual_text = "accept this certified error of a step's weights (0: not used)",
                                       .residual_is_gap = PETSC_TRUE,
                                       .default_type = FENLINEARMDPR2PVI,
                                       .types = types,
                                       .setfromoptions = FenLinearMDPOptions_Private,
                                       .setup = LinearSetUp,
                                       .state = LinearState,
                                       .begin = LinearBegin,
                                       .finish = LinearFinish,
                                       .view = LinearView,
                                       .reset = LinearReset,
                                       .destroy = LinearDestroy};

/*@
  FenLinearMDPCreate - Creates a solver of d-rectangular linear Markov decision processes.

  Collective

  Input Parameter:
. comm - the ranks

  Output Parameter:
. mdp - the solver; destroy it with `FenLinearMDPDestroy()`

  Level: beginner

.seealso: `FenLinearMDPSetTrajectories()`, `FenLinearMDPSolve()`
@*/
PetscErrorCode FenLinearMDPCreate(MPI_Comm comm, FenLinearMDP *mdp)
{
  FenLinearMDP m;

  PetscFunctionBegin;
  PetscCall(FenLinearMDPInitializePackage_Private());
  PetscCall(PetscHeaderCreate(m, FENLINEARMDP_CLASSID, "FenLinearMDP", "linear Markov decision process", "MDP", comm,
                              FenSolverDestroy, FenSolverView));
  PetscCall(FenSolverInitialize_Private((FenSolver)m, &family));
  m->base.residual = 1e-6;
  m->ambiguity = (FenAmbiguity){.name = "none", .alpha = 1};
  m->par = (FenLinearMDPParameters){.ridge = 1, .pessimism = 1, .clip = 1, .split = PETSC_TRUE, .dense = 2000};
  *mdp = m;
  PetscFunctionReturn(0);
}

/*@
  FenLinearMDPSolve - Learns, see `FenSolverSolve()`.

  Collective

  Level: beginner

.seealso: `FenLinearMDPGetValue()`, `FenLinearMDPGetWeights()`, `FenLinearMDPEvaluate()`
@*/
PetscErrorCode FenLinearMDPSolve(FenLinearMDP m)
{
  PetscFunctionBegin;
  PetscCall(FenSolverSolve((FenSolver)m));
  PetscFunctionReturn(0);
}

/*@
  FenLinearMDPDestroy - Gives the solver back.

  Collective

  Level: beginner

.seealso: `FenLinearMDPCreate()`
@*/
PetscErrorCode FenLinearMDPDestroy(FenLinearMDP *m)
{
  PetscFunctionBegin;
  PetscCall(FenSolverDestroy((FenSolver *)m));
  PetscFunctionReturn(0);
}
