/* SPDX-License-Identifier: BSD-2-Clause */
/*
   What a checkpoint must have in common with the run that goes on from it.
*/
#include "cliimpl.h"

/* a measure in a few words */
PetscErrorCode FenOTDescribe_Private(FenMeasure measure, char text[], size_t length)
{
  FenMeasureKind kind;
  PetscInt       dim;
  FenInt         n, shape[FEN_MAX_DIM];
  char           axis[32];

  PetscFunctionBegin;
  PetscCall(FenMeasureGetKind(measure, &kind));
  PetscCall(FenMeasureGetDim(measure, &dim));
  PetscCall(FenMeasureGetSize(measure, &n, NULL));
  if (kind == FEN_MEASURE_POINTS) {
    PetscCall(PetscSNPrintf(text, length, "%" FENINT_FMT " points in %" PetscInt_FMT " dimensions", n, dim));
    PetscFunctionReturn(0);
  }
  PetscCall(FenMeasureGetGrid(measure, shape, NULL, NULL));
  PetscCall(PetscStrncpy(text, "grid ", length));
  for (PetscInt k = 0; k < dim; k++) {
    PetscCall(PetscSNPrintf(axis, sizeof(axis), k ? " x %" FENINT_FMT : "%" FENINT_FMT, shape[k]));
    PetscCall(PetscStrlcat(text, axis, length));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode AddKey(PetscInt max, PetscInt *n, FenCkptKey keys[], const char name[], const char value[])
{
  PetscFunctionBegin;
  PetscCheck(*n < max, PETSC_COMM_SELF, (PetscErrorCode)FEN_ERR_INTERNAL, "more than %" PetscInt_FMT " checkpoint keys",
             max);
  keys[*n].name = name;
  PetscCall(PetscStrncpy(keys[*n].value, value, sizeof(keys[*n].value)));
  (*n)++;
  PetscFunctionReturn(0);
}

static PetscErrorCode AddMeasureKeys(FenMeasure measure, const char *const names[2], PetscInt max, PetscInt *n,
                                     FenCkptKey keys[])
{
  char           text[128];
  FenFingerprint print;

  PetscFunctionBegin;
  PetscCall(FenOTDescribe_Private(measure, text, sizeof(text)));
  PetscCall(AddKey(max, n, keys, names[0], text));
  PetscCall(FenMeasureFingerprint(measure, &print));
  PetscCall(PetscSNPrintf(text, sizeof(text), "%016" PRIx64 "%016" PRIx64, print.lane[0], print.lane[1]));
  PetscCall(AddKey(max, n, keys, names[1], text));
  PetscFunctionReturn(0);
}

/* what a checkpoint must have in common with the run that goes on from it; tolerances may change, the problem may not
 */
PetscErrorCode FenOTKeys_Private(FenOTRun *run, PetscInt max, PetscInt *n, FenCkptKey keys[])
{
  static const char *const source[] = {"source", "source content"}, *const target[] = {"target", "target content"};
  const char *type;
  char        text[128];
  double      eps;
  FenCostKind cost;

  PetscFunctionBegin;
  *n = 0;
  PetscCall(AddKey(max, n, keys, "verb", run->cli->verb));
  PetscCall(FenSolverGetType((FenSolver)run->ot, &type));
  PetscCall(AddKey(max, n, keys, "-ot_type", type));
  PetscCall(FenOTGetEpsilon(run->ot, &eps));
  (void)snprintf(text, sizeof(text), "%.15g", eps);
  if (strtod(text, NULL) < eps || strtod(text, NULL) > eps) /* 0.7 is not 0.69999999999999996 to a reader */
    (void)snprintf(text, sizeof(text), "%.17g", eps);
  PetscCall(AddKey(max, n, keys, "-ot_eps", text));
  PetscCall(FenCostGetKind(run->cost, &cost));
  PetscCall(AddKey(max, n, keys, "-ot_cost", FenCostKinds[cost]));
  if (cost == FEN_COST_MATRIX)
    PetscCall(AddKey(max, n, keys, "-ot_cost_matrix", run->opt->cost_matrix));
  PetscCall(AddMeasureKeys(run->source, source, max, n, keys));
  PetscCall(AddMeasureKeys(run->target, target, max, n, keys));
  PetscFunctionReturn(0);
}
