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

static PetscErrorCode AddMeasureKeys(FenMeasure measure, const char *const names[2], FenKeys *keys)
{
  char           text[128];
  FenFingerprint print;

  PetscFunctionBegin;
  PetscCall(FenOTDescribe_Private(measure, text, sizeof(text)));
  PetscCall(FenKeysAdd_Private(keys, names[0], text));
  PetscCall(FenMeasureFingerprint(measure, &print));
  PetscCall(FenKeysAddFingerprint_Private(keys, names[1], &print));
  PetscFunctionReturn(0);
}

/* exact marginals add nothing */
static PetscErrorCode AddMarginalKeys(FenOTRun *run, FenKeys *keys)
{
  static const char *const names[2][2] = {{"-ot_marginal_source", "-ot_marginal_rho_source"},
                                          {"-ot_marginal_target", "-ot_marginal_rho_target"}};
  FenMarginalKind          kind[2];
  double                   rho[2];

  PetscFunctionBegin;
  PetscCall(FenOTGetMarginalPenalty(run->ot, kind, rho));
  for (int s = 0; s < 2; s++)
    if (kind[s] != FEN_MARGINAL_EQUALITY) {
      PetscCall(FenKeysAdd_Private(keys, names[s][0], FenMarginalKinds[kind[s]]));
      PetscCall(FenKeysAddReal_Private(keys, names[s][1], rho[s]));
    }
  PetscFunctionReturn(0);
}

/* what a checkpoint must have in common with the run that goes on from it; tolerances may change, the problem may not
 */
PetscErrorCode FenOTKeys_Private(FenRun *base, FenKeys *keys)
{
  static const char *const source[] = {"source", "source content"}, *const target[] = {"target", "target content"};
  FenOTRun   *run = (FenOTRun *)base;
  const char *type;
  double      eps;
  FenCostKind cost;

  PetscFunctionBegin;
  PetscCall(FenKeysAdd_Private(keys, "verb", base->cli->verb));
  PetscCall(FenSolverGetType(base->solver, &type));
  PetscCall(FenKeysAdd_Private(keys, "-ot_type", type));
  PetscCall(FenOTGetEpsilon(run->ot, &eps));
  PetscCall(FenKeysAddReal_Private(keys, "-ot_eps", eps));
  PetscCall(AddMarginalKeys(run, keys));
  PetscCall(FenCostGetKind(run->cost, &cost));
  PetscCall(FenKeysAdd_Private(keys, "-ot_cost", FenCostKinds[cost]));
  if (cost == FEN_COST_POWER)
    PetscCall(FenKeysAddReal_Private(keys, "-ot_cost_power", (double)run->opt->cost_power));
  if (cost == FEN_COST_MATRIX)
    PetscCall(FenKeysAdd_Private(keys, "-ot_cost_matrix", run->opt->cost_matrix));
  PetscCall(AddMeasureKeys(run->source, source, keys));
  PetscCall(AddMeasureKeys(run->target, target, keys));
  PetscFunctionReturn(0);
}
