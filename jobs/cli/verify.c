/* SPDX-License-Identifier: BSD-2-Clause */
/*
   fenchel verify: recomputes the bounds of a result from the file alone and says whether the file may claim them.
*/
#include "verifyimpl.h"
#include <math.h>

#define BOUND_TOLERANCE    1e-12 /* of the size of the numbers that were added */
#define SOFT_TOLERANCE     1e-9
#define MARGINAL_TOLERANCE 1e-9

typedef enum { CLAIM_BELOW, CLAIM_ABOVE } ClaimSide; /* the stored number must be below (above) the recomputed one */

typedef struct {
  FenCLI *cli;
  int     failures;
  char    first[512];
} Verdict;

PetscErrorCode FenVerbVerifyOptions_Private(FenCLI *cli)
{
  (void)cli;
  PetscFunctionBegin;
  PetscFunctionReturn(0);
}

static PetscErrorCode Judge(Verdict *verdict, PetscBool holds, const char name[], double stored, double recomputed,
                            const char rule[])
{
  PetscFunctionBegin;
  PetscCall(PetscPrintf(verdict->cli->comm, "  %-16s %22.14g %22.14g   %s\n", name, stored, recomputed,
                        holds ? "ok" : "REFUSED"));
  if (holds)
    PetscFunctionReturn(0);
  if (!verdict->failures++)
    PetscCall(PetscSNPrintf(verdict->first, sizeof(verdict->first), "%s: stored %.14g, recomputed %.14g: %s", name,
                            stored, recomputed, rule));
  PetscFunctionReturn(0);
}

static PetscErrorCode JudgeBound(Verdict *verdict, ClaimSide side, const char name[], double stored, double recomputed,
                                 double tolerance)
{
  const PetscBool holds = (side == CLAIM_BELOW ? stored <= recomputed + tolerance : stored >= recomputed - tolerance)
                              ? PETSC_TRUE
                              : PETSC_FALSE;

  PetscFunctionBegin;
  PetscCall(Judge(verdict, holds, name, stored, recomputed, "the file claims more than its potentials prove"));
  PetscFunctionReturn(0);
}

static PetscErrorCode JudgeAll(Verdict *verdict, const FenVerify *v, const FenVerifyBounds *stored,
                               const FenVerifyAnswer *answer)
{
  const FenVerifyBounds *now = &answer->bounds;
  const double           size = answer->scale + fabs(now->upper), tolerance = BOUND_TOLERANCE * size;
  const double           loose = MARGINAL_TOLERANCE + 1e-6 * stored->marginal_error + 4 * answer->soft_error / v->eps;

  PetscFunctionBegin;
  PetscCall(PetscPrintf(verdict->cli->comm, "  %-16s %22s %22s\n", "", "stored", "recomputed"));
  PetscCall(Judge(verdict, answer->soft_error <= SOFT_TOLERANCE * size, "f - T(g)", 0., answer->soft_error,
                  "the potential f is not the soft transform of g: one of them was changed"));
  PetscCall(JudgeBound(verdict, CLAIM_BELOW, "lower", stored->lower, now->lower, tolerance));
  PetscCall(JudgeBound(verdict, CLAIM_ABOVE, "upper", stored->upper, now->upper, tolerance));
  PetscCall(JudgeBound(verdict, CLAIM_BELOW, "ot_lower", stored->ot_lower, now->ot_lower, tolerance));
  PetscCall(JudgeBound(verdict, CLAIM_ABOVE, "ot_upper", stored->ot_upper, now->ot_upper, tolerance));
  PetscCall(Judge(verdict, stored->lower <= stored->upper && stored->ot_lower <= stored->ot_upper, "upper - lower",
                  stored->upper - stored->lower, now->upper - now->lower, "a lower bound lies above its upper bound"));
  PetscCall(Judge(verdict, stored->value >= stored->lower - tolerance && stored->value <= stored->upper + tolerance,
                  "value", stored->value, now->value, "the value lies outside its bounds"));
  PetscCall(Judge(verdict, stored->cost >= stored->ot_lower - tolerance && stored->cost >= now->cost - tolerance,
                  "cost", stored->cost, now->cost, "no feasible plan that the potentials give is as cheap"));
  PetscCall(Judge(verdict, stored->marginal_error >= now->marginal_error - loose, "marginal_error",
                  stored->marginal_error, now->marginal_error,
                  "the plan's marginals are further off than the file says"));
  PetscFunctionReturn(0);
}

PetscErrorCode FenVerbVerify_Private(FenCLI *cli, int *status)
{
  FenVerify       v;
  FenVerifyBounds stored;
  FenVerifyAnswer answer;
  Verdict         verdict = {.cli = cli};
  int             failures;

  PetscFunctionBegin;
  PetscCall(FenCLIOptionsCheck_Private(cli));
  PetscCall(FenVerifyOpen_Private(cli, &v, &stored));
  PetscCall(FenVerifyCompute_Private(&v, &stored, &answer));
  PetscCall(PetscPrintf(cli->comm, "%s: cost %s, eps %g, %" FENINT_FMT " x %" FENINT_FMT "\n", cli->argument,
                        FenCostKinds[v.kind], v.eps, v.a.n, v.b.n));
  PetscCall(JudgeAll(&verdict, &v, &stored, &answer));
  PetscCall(FenVerifyClose_Private(&v));
  failures = verdict.failures;
  PetscCallMPI(MPI_Bcast(&failures, 1, MPI_INT, 0, cli->comm)); /* ranks must not differ in the last bit of a verdict */
  PetscCheck(!failures, cli->comm, (PetscErrorCode)FEN_ERR_VERIFY, "%s is refused, %d of its claims do not hold. %s",
             cli->argument, failures, verdict.first);
  PetscCall(PetscPrintf(cli->comm, "verified: the bounds hold, and the content is what was written\n"));
  *status = FEN_EXIT_CONVERGED;
  PetscFunctionReturn(0);
}
