/* SPDX-License-Identifier: BSD-2-Clause */
/*
   FenMDPModel: life, view, and what belongs to a model beside its rows.
*/
#include "mdpmodelimpl.h"
#include <math.h>
#include <petscviewer.h>

const char *const FenMDPCriteria[] = {"discounted", "finite", "total", "average", "FenMDPCriterion", "FEN_MDP_", NULL};
const char *const FenMDPSenses[] = {"max", "min", "FenMDPSense", "FEN_MDP_", NULL};

/*@
  FenMDPModelView - Prints what a model is.

  Collective

  Input Parameters:
+ model  - the model
- viewer - an ASCII viewer, or NULL for standard output

  Level: beginner

.seealso: `FenMDPModelGenerate()`
@*/
PetscErrorCode FenMDPModelView(FenMDPModel model, PetscViewer viewer)
{
  FenMDPSizes sizes;
  PetscBool   ascii;

  PetscFunctionBegin;
  if (!viewer)
    PetscCall(PetscViewerASCIIGetStdout(PetscObjectComm((PetscObject)model), &viewer));
  PetscCall(PetscObjectTypeCompare((PetscObject)viewer, PETSCVIEWERASCII, &ascii));
  if (!ascii)
    PetscFunctionReturn(0);
  PetscCall(FenMDPModelGetSizes(model, &sizes));
  PetscCall(PetscObjectPrintClassNamePrefixType((PetscObject)model, viewer));
  if (model->name)
    PetscCall(PetscViewerASCIIPrintf(viewer, "  %s\n", model->name));
  PetscCall(PetscViewerASCIIPrintf(
      viewer,
      "  %" FENINT_FMT " states, %" FENINT_FMT " rows, %" FENINT_FMT " successors, at most %" FENINT_FMT " a row%s%s\n",
      sizes.states, sizes.rows, sizes.nnz, sizes.max_next, sizes.stored ? "" : ", made on demand",
      sizes.substochastic ? ", rows may sum to less than one" : ""));
  PetscCall(PetscViewerASCIIPrintf(viewer, "  %s, %s, rewards %g to %g%s\n", FenMDPCriteria[model->criterion],
                                   FenMDPSenses[model->sense], sizes.reward_min, sizes.reward_max,
                                   sizes.by_next ? ", by successor" : ""));
  if (!isnan(model->discount))
    PetscCall(PetscViewerASCIIPrintf(viewer, "  discount %g\n", model->discount));
  if (model->criterion == FEN_MDP_FINITE)
    PetscCall(PetscViewerASCIIPrintf(viewer, "  horizon %" FENINT_FMT "\n", model->horizon));
  if (model->grid[0])
    PetscCall(PetscViewerASCIIPrintf(viewer, "  states on a grid of %" FENINT_FMT " x %" FENINT_FMT "\n",
                                     model->grid[0], model->grid[1]));
  PetscFunctionReturn(0);
}

/*@
  FenMDPModelDestroy - Gives a model back; it is freed when nobody holds it any longer.

  Collective

  Input Parameter:
. model - the model, NULL on return

  Level: beginner

.seealso: `FenMDPModelCreateRows()`
@*/
PetscErrorCode FenMDPModelDestroy(FenMDPModel *model)
{
  PetscFunctionBegin;
  if (!*model)
    PetscFunctionReturn(0);
  if (--((PetscObject)*model)->refct > 0) {
    *model = NULL;
    PetscFunctionReturn(0);
  }
  if ((*model)->generator.destroy)
    PetscCall((*model)->generator.destroy((*model)->generator.ctx));
  PetscCall(FenLayoutDestroy(&(*model)->layout));
  PetscCall(FenMDPRowsFree_Private(&(*model)->rows));
  PetscCall(PetscFree((*model)->terminal));
  PetscCall(PetscFree((*model)->weight));
  PetscCall(PetscFree((*model)->name));
  PetscCall(PetscHeaderDestroy(model));
  PetscFunctionReturn(0);
}

PetscErrorCode FenMDPModelCreate_Private(MPI_Comm comm, FenInt nlocal, FenMDPModel *model)
{
  FenMDPModel m;
  FenLayout   layout;
  FenInt      end, size;

  PetscFunctionBegin;
  PetscCall(FenProblemsInitialize_Private());
  PetscCall(FenLayoutCreateRowsLocal(comm, nlocal, &layout));
  PetscCall(FenLayoutGetSize(layout, &size));
  if (size < 1)
    PetscCall(FenLayoutDestroy(&layout));
  FEN_MDP_CHECK(size >= 1, comm, FEN_ERR_SHAPE, "a model without states; rule: at least one");
  PetscCall(PetscHeaderCreate(m, FENMDPMODEL_CLASSID, "FenMDPModel", "Markov decision process", "FenMDPModel", comm,
                              FenMDPModelDestroy, FenMDPModelView));
  m->layout = layout;
  PetscCall(FenLayoutGetRange(layout, &m->start, &end));
  m->nlocal = nlocal;
  m->discount = NAN;
  m->sizes.states = size;
  m->sizes.reward_min = INFINITY;
  m->sizes.reward_max = -INFINITY;
  *model = m;
  PetscFunctionReturn(0);
}

PetscErrorCode FenMDPModelReduceSizes_Private(FenMDPModel model)
{
  const MPI_Comm comm = PetscObjectComm((PetscObject)model);
  FenMDPSizes   *s = &model->sizes;
  FenInt         sum[2] = {model->nrows, model->nnz}, most[3] = {s->actions, s->max_next, s->by_next};
  double         reward[2] = {-s->reward_min, s->reward_max};

  PetscFunctionBegin;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sum, 2, MPI_FENINT, MPI_SUM, comm));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, most, 3, MPI_FENINT, MPI_MAX, comm));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, reward, 2, MPI_DOUBLE, MPI_MAX, comm));
  s->rows = sum[0];
  s->nnz = sum[1];
  s->actions = most[0];
  s->max_next = most[1];
  s->by_next = most[2] ? PETSC_TRUE : PETSC_FALSE;
  s->reward_min = isfinite(reward[0]) ? -reward[0] : 0; /* no reward at all: 0 */
  s->reward_max = isfinite(reward[1]) ? reward[1] : 0;
  s->stored = model->stored;
  model->counted = PETSC_TRUE;
  PetscFunctionReturn(0);
}

PetscErrorCode FenMDPModelCopyTraits_Private(FenMDPModel from, FenMDPModel to)
{
  PetscFunctionBegin;
  to->sense = from->sense;
  to->discount = from->discount;
  to->criterion = from->criterion;
  to->horizon = from->horizon;
  to->grid[0] = from->grid[0];
  to->grid[1] = from->grid[1];
  PetscCall(FenMDPModelSetTerminal(to, from->terminal));
  PetscCall(FenMDPModelSetWeight(to, from->weight));
  PetscCall(FenMDPModelSetName(to, from->name));
  PetscFunctionReturn(0);
}

/*@
  FenMDPModelSetSense - Says whether values are maximised (the default) or minimised.

  Logically Collective

  Input Parameters:
+ model - the model
- sense - `FEN_MDP_MAX` for rewards, `FEN_MDP_MIN` for costs

  Level: beginner

.seealso: `FenMDPModelGetSense()`
@*/
PetscErrorCode FenMDPModelSetSense(FenMDPModel model, FenMDPSense sense)
{
  PetscFunctionBegin;
  FEN_MDP_CHECK(sense == FEN_MDP_MAX || sense == FEN_MDP_MIN, PetscObjectComm((PetscObject)model), FEN_ERR_USAGE,
                "sense %d of a model is not known", (int)sense);
  model->sense = sense;
  PetscFunctionReturn(0);
}

/*@
  FenMDPModelGetSense - Says whether values are maximised or minimised.

  Not Collective

  Input Parameter:
. model - the model

  Output Parameter:
. sense - maximised or minimised

  Level: beginner

.seealso: `FenMDPModelSetSense()`
@*/
PetscErrorCode FenMDPModelGetSense(FenMDPModel model, FenMDPSense *sense)
{
  PetscFunctionBegin;
  *sense = model->sense;
  PetscFunctionReturn(0);
}

/*@
  FenMDPModelSetDiscount - Sets the discount that belongs to a model.

  Logically Collective

  Input Parameters:
+ model    - the model
- discount - in [0,1]; 1 only where the criterion is not `FEN_MDP_DISCOUNTED`; NAN: the model does not say

  Errors:
  `FEN_ERR_VALUE` for another number.

  Level: beginner

.seealso: `FenMDPModelGetDiscount()`
@*/
PetscErrorCode FenMDPModelSetDiscount(FenMDPModel model, double discount)
{
  PetscFunctionBegin;
  FEN_MDP_CHECK(isnan(discount) || (discount >= 0 && discount <= 1), PetscObjectComm((PetscObject)model), FEN_ERR_VALUE,
                "%s%sdiscount %g; rule: 0 <= discount <= 1", model->name ? model->name : "", model->name ? ": " : "",
                discount);
  model->discount = discount;
  PetscFunctionReturn(0);
}

/*@
  FenMDPModelGetDiscount - Gives the discount that belongs to a model.

  Not Collective

  Input Parameter:
. model - the model

  Output Parameter:
. discount - NAN if the model does not say

  Level: beginner

.seealso: `FenMDPModelSetDiscount()`
@*/
PetscErrorCode FenMDPModelGetDiscount(FenMDPModel model, double *discount)
{
  PetscFunctionBegin;
  *discount = model->discount;
  PetscFunctionReturn(0);
}

/*@
  FenMDPModelSetCriterion - Says what a policy is worth.

  Logically Collective

  Input Parameters:
+ model     - the model
. criterion - discounted (the default), finite horizon, total or average
- horizon   - steps of a finite horizon, at least 1; not used otherwise

  Errors:
  `FEN_ERR_VALUE` for a horizon below 1.

  Level: beginner

.seealso: `FenMDPModelGetCriterion()`, `FenMDPModelSetDiscount()`
@*/
PetscErrorCode FenMDPModelSetCriterion(FenMDPModel model, FenMDPCriterion criterion, FenInt horizon)
{
  const MPI_Comm comm = PetscObjectComm((PetscObject)model);

  PetscFunctionBegin;
  FEN_MDP_CHECK(criterion >= FEN_MDP_DISCOUNTED && criterion <= FEN_MDP_AVERAGE, comm, FEN_ERR_USAGE,
                "criterion %d of a model is not known", (int)criterion);
  FEN_MDP_CHECK(criterion != FEN_MDP_FINITE || horizon >= 1, comm, FEN_ERR_VALUE,
                "horizon %" FENINT_FMT "; rule: at least 1", horizon);
  model->criterion = criterion;
  model->horizon = criterion == FEN_MDP_FINITE ? horizon : 0;
  PetscFunctionReturn(0);
}

/*@
  FenMDPModelGetCriterion - Says what a policy is worth.

  Not Collective

  Input Parameter:
. model - the model

  Output Parameters:
+ criterion - discounted, finite, total or average
- horizon   - steps of a finite horizon, 0 otherwise; may be NULL

  Level: beginner

.seealso: `FenMDPModelSetCriterion()`
@*/
PetscErrorCode FenMDPModelGetCriterion(FenMDPModel model, FenMDPCriterion *criterion, FenInt *horizon)
{
  PetscFunctionBegin;
  *criterion = model->criterion;
  if (horizon)
    *horizon = model->horizon;
  PetscFunctionReturn(0);
}

/*@
  FenMDPModelSetTerminal - Sets the values of states without rows and, with a finite horizon, of the last step.

  Collective

  Input Parameters:
+ model    - the model
- terminal - one value for each of my states, copied; NULL (on all ranks): zero everywhere

  Errors:
  `FEN_ERR_VALUE` naming the state whose value is not finite.

  Level: intermediate

.seealso: `FenMDPModelGetTerminal()`, `FenMDPModelSetCriterion()`
@*/
PetscErrorCode FenMDPModelSetTerminal(FenMDPModel model, const double terminal[])
{
  FenFault fault = {0, ""};
  size_t   bytes;

  PetscFunctionBegin;
  for (FenInt i = 0; terminal && i < model->nlocal; i++)
    if (!isfinite(terminal[i]))
      FenFaultSet(&fault, FEN_ERR_VALUE, "%s%sterminal value of state %" FENINT_FMT " is %g; rule: finite",
                  model->name ? model->name : "", model->name ? ": " : "", model->start + i, terminal[i]);
  PetscCall(FenFaultAgree(PetscObjectComm((PetscObject)model), &fault));
  PetscCall(PetscFree(model->terminal));
  if (!terminal)
    PetscFunctionReturn(0);
  PetscCall(FenBytes(PetscMax(model->nlocal, 1), sizeof(double), &bytes)); /* not NULL where there is no state */
  PetscCall(PetscMalloc(bytes, &model->terminal));
  PetscCall(PetscArraycpy(model->terminal, terminal, (size_t)model->nlocal));
  PetscFunctionReturn(0);
}

/*@
  FenMDPModelGetTerminal - Gives the terminal values of my states.

  Not Collective

  Input Parameter:
. model - the model

  Output Parameter:
. terminal - owned by the model; NULL if none were set: they are zero

  Level: intermediate

.seealso: `FenMDPModelSetTerminal()`
@*/
PetscErrorCode FenMDPModelGetTerminal(FenMDPModel model, const double *terminal[])
{
  PetscFunctionBegin;
  *terminal = model->terminal;
  PetscFunctionReturn(0);
}

/*@
  FenMDPModelSetWeight - Sets what mass that arrives in or leaves a state counts in the norms of robust models.

  Collective

  Input Parameters:
+ model  - the model
- weight - one number for each of my states, copied; NULL (on all ranks): one everywhere

  Errors:
  `FEN_ERR_VALUE` naming the state whose weight is not positive and finite.

  Level: intermediate

.seealso: `FenMDPModelGetWeight()`, `FenWorstL1()`, `FenWorstLinf()`
@*/
PetscErrorCode FenMDPModelSetWeight(FenMDPModel model, const double weight[])
{
  FenFault fault = {0, ""};
  size_t   bytes;

  PetscFunctionBegin;
  for (FenInt i = 0; weight && i < model->nlocal; i++)
    if (!(isfinite(weight[i]) && weight[i] > 0))
      FenFaultSet(&fault, FEN_ERR_VALUE, "%s%sweight of state %" FENINT_FMT " is %g; rule: positive and finite",
                  model->name ? model->name : "", model->name ? ": " : "", model->start + i, weight[i]);
  PetscCall(FenFaultAgree(PetscObjectComm((PetscObject)model), &fault));
  PetscCall(PetscFree(model->weight));
  if (!weight)
    PetscFunctionReturn(0);
  PetscCall(FenBytes(PetscMax(model->nlocal, 1), sizeof(double), &bytes)); /* not NULL where there is no state */
  PetscCall(PetscMalloc(bytes, &model->weight));
  PetscCall(PetscArraycpy(model->weight, weight, (size_t)model->nlocal));
  PetscFunctionReturn(0);
}

/*@
  FenMDPModelGetWeight - Gives the weights of my states.

  Not Collective

  Input Parameter:
. model - the model

  Output Parameter:
. weight - owned by the model; NULL if none were set: they are one

  Level: intermediate

.seealso: `FenMDPModelSetWeight()`
@*/
PetscErrorCode FenMDPModelGetWeight(FenMDPModel model, const double *weight[])
{
  PetscFunctionBegin;
  *weight = model->weight;
  PetscFunctionReturn(0);
}

/*@C
  FenMDPModelSetName - Names a model in messages and views: the file or the problem that it came from.

  Logically Collective

  Input Parameters:
+ model - the model
- name  - copied; NULL: no name

  Level: intermediate

.seealso: `FenMDPModelGetName()`
@*/
PetscErrorCode FenMDPModelSetName(FenMDPModel model, const char name[])
{
  char *copy = NULL;

  PetscFunctionBegin;
  PetscCall(PetscStrallocpy(name, &copy));
  PetscCall(PetscFree(model->name));
  model->name = copy;
  PetscFunctionReturn(0);
}

/*@C
  FenMDPModelGetName - Gives the name of a model.

  Not Collective

  Input Parameter:
. model - the model

  Output Parameter:
. name - owned by the model; "model" if it has none

  Level: intermediate

.seealso: `FenMDPModelSetName()`
@*/
PetscErrorCode FenMDPModelGetName(FenMDPModel model, const char *name[])
{
  PetscFunctionBegin;
  *name = model->name ? model->name : "model";
  PetscFunctionReturn(0);
}

/*@
  FenMDPModelSetGrid - Says that states are the cells of a picture, row by row.

  Logically Collective

  Input Parameters:
+ model - the model
- grid  - height and width; 0, 0: states are no grid

  Errors:
  `FEN_ERR_SHAPE` if the product is not the number of states.

  Level: intermediate

.seealso: `FenMDPModelGetGrid()`
@*/
PetscErrorCode FenMDPModelSetGrid(FenMDPModel model, const FenInt grid[2])
{
  const MPI_Comm comm = PetscObjectComm((PetscObject)model);
  FenInt         cells = 0;

  PetscFunctionBegin;
  if (grid[0] > 0 && grid[1] > 0)
    PetscCall(FenIntMult(grid[0], grid[1], &cells));
  FEN_MDP_CHECK((!grid[0] && !grid[1]) || cells == model->sizes.states, comm, FEN_ERR_SHAPE,
                "a grid of %" FENINT_FMT " x %" FENINT_FMT " does not fit %" FENINT_FMT " states", grid[0], grid[1],
                model->sizes.states);
  model->grid[0] = grid[0];
  model->grid[1] = grid[1];
  PetscFunctionReturn(0);
}

/*@
  FenMDPModelGetGrid - Gives height and width of the picture that states are cells of.

  Not Collective

  Input Parameter:
. model - the model

  Output Parameter:
. grid - height and width; 0, 0 if states are no grid

  Level: intermediate

.seealso: `FenMDPModelSetGrid()`
@*/
PetscErrorCode FenMDPModelGetGrid(FenMDPModel model, FenInt grid[2])
{
  PetscFunctionBegin;
  grid[0] = model->grid[0];
  grid[1] = model->grid[1];
  PetscFunctionReturn(0);
}

/*@
  FenMDPModelGetLayout - Gives the layout of the states.

  Not Collective

  Input Parameter:
. model - the model

  Output Parameter:
. layout - one axis, owned by the model

  Level: intermediate

.seealso: `FenMDPModelGetSizes()`
@*/
PetscErrorCode FenMDPModelGetLayout(FenMDPModel model, FenLayout *layout)
{
  PetscFunctionBegin;
  *layout = model->layout;
  PetscFunctionReturn(0);
}

/*@
  FenMDPModelGetSizes - Gives global sizes of a model.

  Collective on the first call for a model whose rows are made on demand: its rows are then made, checked and counted

  Input Parameter:
. model - the model

  Output Parameter:
. sizes - states, rows, successors, actions, range of rewards

  Errors:
  `FEN_ERR_VALUE` for rows of a generator that break a rule.

  Level: beginner

.seealso: `FenMDPModelGetLayout()`
@*/
PetscErrorCode FenMDPModelGetSizes(FenMDPModel model, FenMDPSizes *sizes)
{
  PetscFunctionBegin;
  if (!model->counted)
    PetscCall(FenMDPModelCount_Private(model));
  *sizes = model->sizes;
  PetscFunctionReturn(0);
}

/*@C
  FenMDPModelGetRows - Gives my rows of a stored model.

  Not Collective

  Input Parameter:
. model - a stored model

  Output Parameter:
. rows - owned by the model

  Errors:
  `FEN_ERR_USAGE` if the rows are made on demand, or were taken by a solver.

  Level: intermediate

.seealso: `FenMDPModelGetRow()`, `FenMDPModelStore()`
@*/
PetscErrorCode FenMDPModelGetRows(FenMDPModel model, const FenMDPRows *rows[])
{
  PetscFunctionBegin;
  FEN_MDP_CHECK(model->stored, PetscObjectComm((PetscObject)model), FEN_ERR_USAGE,
                "the rows of this model are made on demand; store it first");
  PetscCall(FenMDPModelCheckEntries_Private(model));
  *rows = &model->rows;
  PetscFunctionReturn(0);
}
