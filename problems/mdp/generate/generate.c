/* SPDX-License-Identifier: BSD-2-Clause */
/*
   The list of built-in problems, and what their option blocks share.
*/
#include "mdpproblemimpl.h"
#include <math.h>

const char *const FenMDPProblems[] = {
#define FEN_PROBLEM_NAME(name, function, text) #name,
    FEN_MDP_PROBLEM_LIST(FEN_PROBLEM_NAME)
#undef FEN_PROBLEM_NAME
        NULL};

static const struct {
  const char     *name, *text;
  FenMDPProblemFn create;
} fen_problems[] = {
#define FEN_PROBLEM_ENTRY(name, function, text) {#name, text, function##_Private},
    FEN_MDP_PROBLEM_LIST(FEN_PROBLEM_ENTRY)
#undef FEN_PROBLEM_ENTRY
        {NULL, NULL, NULL}};

PetscErrorCode FenMDPProblemFree_Private(void *ctx)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(ctx));
  PetscFunctionReturn(0);
}

PetscErrorCode FenMDPOptionSize_Private(FenOptionItems PetscOptionsObject, MPI_Comm comm, const char option[],
                                        const char text[], FenInt least, FenInt *size)
{
  const FenInt most = PETSC_MAX_INT;

  PetscFunctionBegin;
  PetscCall(FenMDPOptionInt_Private(PetscOptionsObject, comm, "-n", "size of the problem, whichever it is", least, most,
                                    size));
  PetscCall(FenMDPOptionInt_Private(PetscOptionsObject, comm, option, text, least, most, size));
  PetscFunctionReturn(0);
}

PetscErrorCode FenMDPOptionSeed_Private(FenOptionItems PetscOptionsObject, MPI_Comm comm, const char option[],
                                        uint64_t *seed)
{
  FenInt value = (FenInt)*seed;

  PetscFunctionBegin;
  PetscCall(FenMDPOptionInt_Private(PetscOptionsObject, comm, option, "seed of all that is random", 0, PETSC_MAX_INT,
                                    &value));
  *seed = (uint64_t)value;
  PetscFunctionReturn(0);
}

static PetscErrorCode FenFillProblem(FenMDPProblemFn create, const char prefix[], const char title[],
                                     FenMDPProblem *problem)
{
  PetscFunctionBegin;
  PetscOptionsBegin(problem->comm, prefix, title, "FenMDPModelGenerate");
  PetscCall((*create)(PetscOptionsObject, problem));
  PetscOptionsEnd();
  PetscFunctionReturn(0);
}

static PetscErrorCode FenMakeModel(const FenMDPProblem *problem, const char name[], FenMDPModel *model)
{
  PetscFunctionBegin;
  PetscCall(FenMDPModelCreateGenerator(problem->comm, &problem->generator, model));
  PetscCall(FenMDPModelSetName(*model, name));
  PetscCall(FenMDPModelSetSense(*model, problem->sense));
  PetscCall(FenMDPModelSetDiscount(*model, problem->discount));
  PetscCall(FenMDPModelSetGrid(*model, problem->grid));
  if (problem->horizon > 0)
    PetscCall(FenMDPModelSetCriterion(*model, FEN_MDP_FINITE, problem->horizon));
  PetscFunctionReturn(0);
}

/*@C
  FenMDPModelGenerate - Makes a built-in problem.

  Collective

  Input Parameters:
+ comm        - the ranks that share the model
. name        - one of FenMDPProblems
. prefix      - of its options, which are -NAME_...; NULL: none
- matrix_free - rows are made whenever they are needed instead of being stored

  Output Parameter:
. model - the model, the same on any number of ranks; it knows its sense and a discount

  Errors:
  `FEN_ERR_OPTION` for an unknown name and for options out of range; `FEN_ERR_MEMORY` if a rank needs more than its node
  has, as far as a sample of the states tells.

  Level: beginner

.seealso: `FenMDPModelCreateGenerator()`
@*/
PetscErrorCode FenMDPModelGenerate(MPI_Comm comm, const char name[], const char prefix[], PetscBool matrix_free,
                                   FenMDPModel *model)
{
  FenMDPProblem problem = {.comm = comm, .discount = NAN};
  FenMDPModel   generated;
  PetscBool     same = PETSC_FALSE;
  char          title[64], list[512] = "";
  int           k;

  PetscFunctionBegin;
  *model = NULL;
  for (k = 0; fen_problems[k].name; k++) {
    PetscCall(PetscStrcmp(name, fen_problems[k].name, &same));
    if (same)
      break;
    PetscCall(PetscStrlcat(list, " ", sizeof(list)));
    PetscCall(PetscStrlcat(list, fen_problems[k].name, sizeof(list)));
  }
  FEN_MDP_CHECK(same, comm, FEN_ERR_OPTION, "no problem is called '%s'; there are%s", name, list);
  PetscCall(PetscSNPrintf(title, sizeof(title), "Problem %s: %s", name, fen_problems[k].text));
  PetscCall(FenFillProblem(fen_problems[k].create, prefix, title, &problem));
  PetscCall(FenMakeModel(&problem, name, &generated));
  PetscCall(FenMDPModelFits_Private(generated, (PetscBool)!matrix_free));
  if (matrix_free)
    *model = generated;
  else {
    PetscCall(FenMDPModelStore(generated, model));
    PetscCall(FenMDPModelDestroy(&generated));
  }
  PetscFunctionReturn(0);
}
