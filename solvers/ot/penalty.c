/* SPDX-License-Identifier: BSD-2-Clause */
/* FenOT: what holds the marginals of the plan to their measures, by calls and by options. */
#include "otimpl.h"
#include <math.h>

/*@
  FenOTSetMarginalPenalty - Penalises the marginals of the plan instead of prescribing them (unbalanced transport).

  Logically Collective

  Input Parameters:
+ ot   - the solver
. kind - of the source's and of the target's marginal
- rho  - strengths, in units of the cost; not read where the kind is FEN_MARGINAL_EQUALITY

  Options Database Keys:
+ -ot_marginal            - equality or kl, both marginals
. -ot_marginal_source     - the source's alone, also -ot_marginal_target
. -ot_marginal_rho        - strength of both penalties
- -ot_marginal_rho_source - the source's alone, also -ot_marginal_rho_target

  Notes:
  With FEN_MARGINAL_KL plans P >= 0 of any mass are allowed, and rho KL(P 1 | a) is paid, KL(p|a) = sum p log(p/a) - p +
a. A unit of mass that is not transported costs rho on either side; what travels at cost c falls like exp(-c/(2 rho)).
  Masses of the two measures may differ; weights are taken as they are.

  Errors:
  `FEN_ERR_OPTION` if a strength is not a positive, finite number.

  Level: intermediate

.seealso: `FenOTSetMeasures()`, `FenOTComputeBounds()`
@*/
PetscErrorCode FenOTSetMarginalPenalty(FenOT ot, const FenMarginalKind kind[2], const double rho[2])
{
  static const char *const names[2] = {"source", "target"};

  PetscFunctionBegin;
  for (int s = 0; s < 2; s++)
    PetscCheck(kind[s] == FEN_MARGINAL_EQUALITY || (rho[s] > 0 && isfinite(rho[s])), PetscObjectComm((PetscObject)ot),
               (PetscErrorCode)FEN_ERR_OPTION,
               "the penalty of the %s's marginal is %g: give a positive number in units of the cost, -ot_marginal_rho",
               names[s], rho[s]);
  for (int s = 0; s < 2; s++)
    if (ot->marginal[s].kind != kind[s] || (kind[s] != FEN_MARGINAL_EQUALITY && ot->marginal[s].rho != rho[s])) {
      PetscCall(FenSolverReset((FenSolver)ot));
      FenMarginalSet(&ot->marginal[s], kind[s], rho[s]);
    }
  ot->relaxed = (PetscBool) !(ot->marginal[0].exact && ot->marginal[1].exact);
  PetscFunctionReturn(0);
}

/*@
  FenOTGetMarginalPenalty - How the marginals are held.

  Not Collective

  Output Parameters:
+ kind - of the source's and of the target's marginal
- rho  - strengths, 0 where the kind is FEN_MARGINAL_EQUALITY

  Level: intermediate

.seealso: `FenOTSetMarginalPenalty()`
@*/
PetscErrorCode FenOTGetMarginalPenalty(FenOT ot, FenMarginalKind kind[2], double rho[2])
{
  PetscFunctionBegin;
  for (int s = 0; s < 2; s++) {
    kind[s] = ot->marginal[s].kind;
    rho[s] = ot->marginal[s].rho;
  }
  PetscFunctionReturn(0);
}

/* both marginals, then each of them */
PetscErrorCode FenOTMarginalsFromOptions_Private(FenOT ot, PetscOptionItems *PetscOptionsObject)
{
  static const char *const names[2][2] = {{"-ot_marginal_source", "-ot_marginal_rho_source"},
                                          {"-ot_marginal_target", "-ot_marginal_rho_target"}};
  FenMarginalKind          kind[2];
  double                   rho[2];
  PetscEnum                k;
  PetscReal                r;
  PetscBool                given, any[2];

  PetscFunctionBegin;
  PetscCall(FenOTGetMarginalPenalty(ot, kind, rho));
  k = (PetscEnum)kind[0];
  r = rho[0];
  PetscCall(PetscOptionsEnum("-ot_marginal",
                             "what holds the marginals: equality, or the penalty rho KL(marginal|measure)",
                             "FenOTSetMarginalPenalty", FenMarginalKinds, k, &k, &given));
  PetscCall(PetscOptionsReal("-ot_marginal_rho", "strength of the penalty of both marginals, in units of the cost",
                             "FenOTSetMarginalPenalty", r, &r, &any[0]));
  any[1] = any[0];
  for (int s = 0; s < 2; s++) {
    PetscEnum side = given ? k : (PetscEnum)kind[s];
    PetscReal strength = any[s] ? r : rho[s];
    PetscBool own;

    PetscCall(PetscOptionsEnum(names[s][0], "the same of this marginal alone", "FenOTSetMarginalPenalty",
                               FenMarginalKinds, side, &side, NULL));
    PetscCall(PetscOptionsReal(names[s][1], "the same of this marginal alone", "FenOTSetMarginalPenalty", strength,
                               &strength, &own));
    PetscCheck(!own || (FenMarginalKind)side != FEN_MARGINAL_EQUALITY, PetscObjectComm((PetscObject)ot),
               (PetscErrorCode)FEN_ERR_OPTION, "%s %g: the marginal is exact; a penalty needs -ot_marginal kl",
               names[s][1], (double)strength);
    PetscCheck((FenMarginalKind)side == FEN_MARGINAL_EQUALITY || own || any[s] || rho[s] > 0,
               PetscObjectComm((PetscObject)ot), (PetscErrorCode)FEN_ERR_OPTION,
               "-ot_marginal kl needs -ot_marginal_rho, the strength of the penalty in units of the cost");
    kind[s] = (FenMarginalKind)side;
    rho[s] = (double)strength;
  }
  PetscCheck(!any[0] || kind[0] != FEN_MARGINAL_EQUALITY || kind[1] != FEN_MARGINAL_EQUALITY,
             PetscObjectComm((PetscObject)ot), (PetscErrorCode)FEN_ERR_OPTION,
             "-ot_marginal_rho %g: both marginals are exact; a penalty needs -ot_marginal kl", (double)r);
  PetscCall(FenOTSetMarginalPenalty(ot, kind, rho));
  PetscFunctionReturn(0);
}
