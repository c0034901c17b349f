/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Rows that a solver takes: where memory is short, a model's entries are kept once, in the solver's form.
*/
#include "mdpmodelimpl.h"

PetscErrorCode FenMDPModelCheckEntries_Private(FenMDPModel model)
{
  PetscFunctionBegin;
  FEN_MDP_CHECK(
      !model->taken, PetscObjectComm((PetscObject)model), FEN_ERR_USAGE,
      "a solver has taken the rows of this model, as FenMDPModelSetExpendable() allowed; make or read it again");
  PetscFunctionReturn(0);
}

/*@
  FenMDPModelSetExpendable - Says whether a solver may take the rows of a stored model instead of copying them.

  Logically Collective

  Input Parameters:
+ model      - the model
- expendable - `PETSC_TRUE`: the first solver of a nominal problem may take them; by default it may not

  Notes:
  A solver keeps rows in a form of its own, 12 bytes an entry beside the 16 of the model. If it takes them the model's
are given back piece by piece while the others are made. Afterwards the model knows its sizes, layout and the number of
rows of each state, and all that needs the rows themselves is an error: another solver, the same one with another
discount, a fingerprint, a file.

  Level: intermediate

.seealso: `FenMDPModelStore()`, `FenMDPSetModel()`
@*/
PetscErrorCode FenMDPModelSetExpendable(FenMDPModel model, PetscBool expendable)
{
  PetscFunctionBegin;
  model->expendable = expendable;
  PetscFunctionReturn(0);
}

/*@C
  FenMDPModelTakeEntries - Takes successors and probabilities out of a model, if it allows that.

  Logically Collective

  Input Parameter:
. model - the model

  Output Parameters:
+ next  - successors, see FenMDPRows; now the caller's, to be freed by PetscFree()
. prob  - probabilities, likewise
- taken - `PETSC_FALSE` if the model keeps them: its rows are made on demand, or it is not expendable

  Level: developer

.seealso: `FenMDPModelSetExpendable()`
@*/
PetscErrorCode FenMDPModelTakeEntries(FenMDPModel model, FenInt *next[], double *prob[], PetscBool *taken)
{
  PetscFunctionBegin;
  *next = NULL;
  *prob = NULL;
  *taken = (PetscBool)(model->stored && model->expendable && !model->taken);
  if (!*taken)
    PetscFunctionReturn(0);
  *next = model->rows.next;
  *prob = model->rows.prob;
  model->rows.next = NULL;
  model->rows.prob = NULL;
  PetscCall(PetscFree(model->rows.reward_next));
  model->taken = PETSC_TRUE;
  PetscFunctionReturn(0);
}
