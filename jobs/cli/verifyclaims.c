/* SPDX-License-Identifier: BSD-2-Clause */
/*
   The claims of a transport result against what its potentials prove.
*/
#include "verifyimpl.h"
#include <math.h>

#define BOUND_TOLERANCE    1e-12 /* of the size of the numbers that were added */
#define SOFT_TOLERANCE     1e-9
#define MARGINAL_TOLERANCE 1e-9
#define PLAN_TOLERANCE     1e-9

static PetscErrorCode JudgeAll(FenVerdict *verdict, const FenVerify *v, const FenVerifyBounds *stored,
                               const FenVerifyAnswer *answer)
{
  const FenVerifyBounds *now = &answer->bounds;
  const double           size = answer->scale + fabs(now->upper), tolerance = BOUND_TOLERANCE * size;
  const double           loose = MARGINAL_TOLERANCE + 1e-6 * stored->marginal_error + 4 * answer->soft_error / v->eps;

  PetscFunctionBegin;
  PetscCall(PetscPrintf(verdict->cli->comm, "  %-16s %22s %22s\n", "", "stored", "recomputed"));
  PetscCall(FenJudge_Private(verdict, answer->soft_error <= SOFT_TOLERANCE * size, "f - T(g)", 0., answer->soft_error,
                             "the potential f is not the soft transform of g: one of them was changed"));
  PetscCall(FenJudgeBound_Private(verdict, FEN_CLAIM_BELOW, "lower", stored->lower, now->lower, tolerance));
  PetscCall(FenJudgeBound_Private(verdict, FEN_CLAIM_ABOVE, "upper", stored->upper, now->upper, tolerance));
  PetscCall(FenJudgeBound_Private(verdict, FEN_CLAIM_BELOW, "ot_lower", stored->ot_lower, now->ot_lower, tolerance));
  PetscCall(FenJudgeBound_Private(verdict, FEN_CLAIM_ABOVE, "ot_upper", stored->ot_upper, now->ot_upper, tolerance));
  PetscCall(FenJudge_Private(verdict, stored->lower <= stored->upper && stored->ot_lower <= stored->ot_upper,
                             "upper - lower", stored->upper - stored->lower, now->upper - now->lower,
                             "a lower bound lies above its upper bound"));
  PetscCall(FenJudge_Private(verdict,
                             stored->value >= stored->lower - tolerance && stored->value <= stored->upper + tolerance,
                             "value", stored->value, now->value, "the value lies outside its bounds"));
  if (FenVerifyIsPenalised_Private(v)) { /* cost and mass of the plan of the potentials */
    PetscCall(FenJudge_Private(verdict, fabs(stored->cost - now->cost) <= tolerance + PLAN_TOLERANCE * fabs(now->cost),
                               "cost", stored->cost, now->cost, "it is not that of the plan of the potentials"));
    PetscCall(FenJudge_Private(verdict, fabs(stored->mass - now->mass) <= PLAN_TOLERANCE * now->mass, "mass",
                               stored->mass, now->mass, "it is not that of the plan of the potentials"));
  } else
    PetscCall(
        FenJudge_Private(verdict, stored->cost >= stored->ot_lower - tolerance && stored->cost >= now->cost - tolerance,
                         "cost", stored->cost, now->cost, "no feasible plan that the potentials give is as cheap"));
  PetscCall(FenJudge_Private(verdict, stored->marginal_error >= now->marginal_error - loose, "marginal_error",
                             stored->marginal_error, now->marginal_error,
                             "the plan's marginals are further off than the file says"));
  PetscFunctionReturn(0);
}

/* the file is open and its root is checked */
PetscErrorCode FenVerifyOT_Private(FenVerdict *verdict, FenFile file)
{
  FenCLI         *cli = verdict->cli;
  FenVerify       v;
  FenVerifyBounds stored;
  FenVerifyAnswer answer;

  PetscFunctionBegin;
  PetscCall(FenVerifyOpen_Private(cli, file, &v, &stored));
  if (FenVerifyIsPenalised_Private(&v))
    PetscCall(FenVerifyComputePenalised_Private(&v, &answer));
  else
    PetscCall(FenVerifyCompute_Private(&v, &stored, &answer));
  PetscCall(PetscPrintf(cli->comm, "%s: cost %s, eps %g, %" FENINT_FMT " x %" FENINT_FMT "\n", cli->argument,
                        FenCostKinds[v.kind], v.eps, v.a.n, v.b.n));
  PetscCall(JudgeAll(verdict, &v, &stored, &answer));
  PetscCall(FenVerifyClose_Private(&v));
  PetscFunctionReturn(0);
}
