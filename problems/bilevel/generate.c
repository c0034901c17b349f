/* SPDX-License-Identifier: BSD-2-Clause */
/* The list of bundled problems, and what their option blocks share. */
#include "bilevelproblemimpl.h"

const char *const FenBilevelProblemNames[] = {
#define FEN_BILEVEL_NAME(name, Stem, text) name,
    FEN_BILEVEL_PROBLEM_LIST(FEN_BILEVEL_NAME)
#undef FEN_BILEVEL_NAME
        NULL};

static const struct {
  const char *name, *text;
  PetscErrorCode (*options)(FenOptionItems, MPI_Comm, void **);
  PetscErrorCode (*make)(MPI_Comm, void *, const FenBilevelData *, FenBilevelProblem *);
} bundled[] = {
#define FEN_BILEVEL_ENTRY(name, Stem, text) {name, text, Stem##Options_Private, Stem##Make_Private},
    FEN_BILEVEL_PROBLEM_LIST(FEN_BILEVEL_ENTRY)
#undef FEN_BILEVEL_ENTRY
        {NULL, NULL, NULL, NULL}};

PetscErrorCode FenBilevelOptionInt_Private(FenOptionItems items, MPI_Comm comm, const char option[], const char text[],
                                           FenInt least, FenInt most, FenInt *value)
{
  PetscFunctionBegin;
  PetscCall(FenProblemOptionInt_Private(items, comm, option, text, "FenBilevelProblemGenerate", least, most, value));
  PetscFunctionReturn(0);
}

PetscErrorCode FenBilevelOptionReal_Private(FenOptionItems items, MPI_Comm comm, const char option[], const char text[],
                                            double least, double most, double *value)
{
  PetscFunctionBegin;
  PetscCall(FenProblemOptionReal_Private(items, comm, option, text, "FenBilevelProblemGenerate", least, most, value));
  PetscFunctionReturn(0);
}

static PetscErrorCode Find(MPI_Comm comm, const char name[], int *k)
{
  char      list[512] = "";
  PetscBool same = PETSC_FALSE;

  PetscFunctionBegin;
  for (*k = 0; bundled[*k].name; (*k)++) {
    PetscCall(PetscStrcmp(name, bundled[*k].name, &same));
    if (same)
      PetscFunctionReturn(0);
    PetscCall(PetscStrlcat(list, " ", sizeof(list)));
    PetscCall(PetscStrlcat(list, bundled[*k].name, sizeof(list)));
  }
  SETERRQ(comm, (PetscErrorCode)FEN_ERR_OPTION, "no bilevel problem is called '%s'; there are%s", name, list);
}

static PetscErrorCode ReadOptions(MPI_Comm comm, const char name[], const char prefix[], int *k, void **ctx)
{
  char title[160];

  PetscFunctionBegin;
  PetscCall(Find(comm, name, k));
  PetscCall(PetscSNPrintf(title, sizeof(title), "Problem %s: %s", name, bundled[*k].text));
  PetscOptionsBegin(comm, prefix, title, "FenBilevelProblemGenerate");
  PetscCall((*bundled[*k].options)(PetscOptionsObject, comm, ctx));
  PetscOptionsEnd();
  PetscFunctionReturn(0);
}

/*@C
  FenBilevelProblemListOptions - Runs the options block of a bundled problem, so that -help shows it.

  Collective

  Level: developer

.seealso: `FenBilevelProblemGenerate()`
@*/
PetscErrorCode FenBilevelProblemListOptions(MPI_Comm comm, const char name[], const char prefix[])
{
  void *ctx = NULL;
  int   k;

  PetscFunctionBegin;
  PetscCall(ReadOptions(comm, name, prefix, &k, &ctx));
  PetscCall(PetscFree(ctx));
  PetscFunctionReturn(0);
}

/*@C
  FenBilevelProblemGenerate - A bundled problem, with its options and data read.

  Collective

  Input Parameters:
+ comm   - the ranks
. name   - one of FenBilevelProblemNames
. prefix - of its options, which are -NAME_...; NULL: none
- data   - files of the problem; NULL if it makes its own

  Output Parameter:
. problem - destroy it with `FenBilevelProblemDestroy()`

  Errors:
  `FEN_ERR_OPTION` for an unknown name, the message lists the known ones, and for values out of range; errors of the
  readers for bad files.

  Level: beginner

.seealso: `FenBilevelProblemCreate()`, `FenBilevelSetProblem()`
@*/
PetscErrorCode FenBilevelProblemGenerate(MPI_Comm comm, const char name[], const char prefix[],
                                         const FenBilevelData *data, FenBilevelProblem *problem)
{
  const FenBilevelData none = {NULL, NULL};
  void                *ctx = NULL;
  int                  k;

  PetscFunctionBegin;
  *problem = NULL;
  PetscCall(ReadOptions(comm, name, prefix, &k, &ctx));
  PetscCall((*bundled[k].make)(comm, ctx, data ? data : &none, problem));
  PetscFunctionReturn(0);
}
