/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Total reward (discount 1, stochastic shortest paths): start and certificate.

   Claim. Let U be finite, equal to the terminal values where states end, and TU <= U - a in all other states with a
   number a > 0. Then V* <= U. Let L be such, and T_pi L >= L + a for a policy pi. Then V_pi >= L; and if a U exists,
   pi ends with probability one.

   Proof. Let any policy act, depending on the past or not, nature (if there is one) answering with the laws that attain
   TU; let s_k be the state after k steps, R_k the rewards so far, N the number of steps until the end. Adding up
   r(s,a) + E U(next) <= U(s) - a along the way gives E R_k <= U(s_0) - E U(s_k) - a E min(k, N). If E N is infinite the
   right-hand side tends to minus infinity. If not, P(N > k) tends to 0, E U(s_k) to the expected terminal value, and
   the value is at most U(s_0). For L all signs change, nature is free: where E N is infinite the total is +infinity,
   otherwise at least L. Both at once leave E N finite.

   Nothing is assumed about proper or improper policies: the margin a excludes cycles that cost nothing. It also makes
   the claim one of finite precision: a sweep returns an entry of TU within `slack` of the exact one for the very
   numbers U that it was given, so that a computed TU <= U - 2 slack proves a = slack. No error accumulates over steps.

   Where U and L come from. Let omega be the expected number of steps of a policy that is greedy or nearly so, and
   |TV - V| <= d. If omega >= 1 + P omega - 1/8 for all rows whose value at V is within what c omega can change,

     U = V + c omega,  L = V - c omega   with   c = 5/4 d + 4 slack

   satisfy both inequalities: weighted by omega, T contracts. So the answer is V with the margin c omega in each state,
   V - c omega <= V_pi <= V* <= V + c omega, and omega is all that another program needs to verify it with one sweep.
   omega is that of pi; where a sweep at U finds a row that does not satisfy the inequality (actions of the same value
   and another number of steps; laws of nature at L), the greedy policy there takes pi's place, as in policy iteration.
   omega itself may be as inexact as it likes: only the inequalities count.

   Methods start at the value of a policy that ends (value iteration at zero): from there modified policy iteration
   meets policies that end only, up to rounding.

   Cost of a certificate: one linear system or more, two sweeps each; tried when TV - V is small enough for the gap that
   is wanted, given the largest omega that was met, hence a few times a solve. Memory: four arrays.

   References: Bertsekas and Tsitsiklis, Math. Oper. Res. 16, 1991; Patek and Bertsekas, SIAM J. Control Optim. 37,
   1999; Hartmanns and Kaminski, CAV 2020 (inductive bounds from a guess); Puterman and Shin, Management Science 24,
   1978.
*/
#include "total.h"
#include "../bellman/bellman.h"
#include <math.h>

#define INEXACT      0.1 /* |1 - (I - P) omega| of a solve */
#define ROUNDS       50  /* policies tried for one certificate */
#define SOLVE_ROUNDS 12
#define SWEEPS_FIRST 50 /* Richardson after a Krylov solve; twice as many each round */

/* residual = b - x + P x and its largest entry */
static PetscErrorCode Residual(FenMDP mdp, const double b[], const double x[], double residual[], double *norm)
{
  double most = 0;

  PetscFunctionBegin;
  PetscCall(FenBellmanPolicyMult(mdp->op, x, residual));
  for (FenInt k = 0; k < mdp->n; k++) {
    residual[k] = b[k] - residual[k];
    most = fabs(residual[k]) <= most ? most : fabs(residual[k]); /* NaN stays */
  }
  most = isfinite(most) ? most : HUGE_VAL;
  PetscCallMPI(MPI_Allreduce(&most, norm, 1, MPI_DOUBLE, MPI_MAX, PetscObjectComm((PetscObject)mdp)));
  PetscFunctionReturn(0);
}

/* (I - P) x = b for the policy's rows, |residual| <= stop. A Krylov method for what mixes, plain steps for what is
   nilpotent (shortest paths): they end after as many steps as the longest path has */
static PetscErrorCode Solve(FenMDP mdp, const double b[], double stop, double x[], PetscBool *solved)
{
  FenTotal *t = mdp->total;
  double   *d, norm = HUGE_VAL, after;
  FenInt    sweeps = SWEEPS_FIRST;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(mdp->n + 1, &d));
  PetscCall(PetscArrayzero(x, mdp->n));
  PetscCall(Residual(mdp, b, x, t->work, &norm));
  for (int round = 0; round < SOLVE_ROUNDS && norm > stop; round++, sweeps *= 2) {
    PetscBool failed;

    PetscCall(FenPolicySystemSolve(&t->system, t->work, 0.5 * stop, d, &failed));
    for (FenInt k = 0; k < mdp->n && !failed; k++)
      d[k] += x[k];
    if (!failed) {
      PetscCall(Residual(mdp, b, d, t->work, &after));
      if (after < norm)
        PetscCall(PetscArraycpy(x, d, mdp->n));
    }
    PetscCall(Residual(mdp, b, x, t->work, &norm));
    for (FenInt k = 0; k < sweeps && norm > stop && norm < HUGE_VAL; k++) {
      for (FenInt i = 0; i < mdp->n; i++)
        x[i] += t->work[i];
      PetscCall(Residual(mdp, b, x, t->work, &norm));
    }
  }
  *solved = (PetscBool)(norm <= stop);
  PetscCall(PetscFree(d));
  PetscFunctionReturn(0);
}

/* omega of a policy, with nature's laws at V, and its largest entry */
static PetscErrorCode Steps(FenMDP mdp, const int policy[], double V[], double omega[], double *most, PetscBool *solved)
{
  double *one;

  PetscFunctionBegin;
  *most = 1;
  PetscCall(FenTotalProper_Private(mdp, policy, solved));
  if (!*solved) /* steps without end */
    PetscFunctionReturn(0);
  PetscCall(FenBellmanSetPolicy(mdp->op, policy, V));
  PetscCall(FenPolicySystemBuild(&mdp->total->system));
  PetscCall(PetscMalloc1(mdp->n + 1, &one));
  for (FenInt k = 0; k < mdp->n; k++)
    one[k] = policy[k] < 0 ? 0 : 1;
  PetscCall(Solve(mdp, one, INEXACT, omega, solved));
  for (FenInt k = 0; k < mdp->n; k++)
    *most = PetscMax(*most, omega[k]);
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, most, 1, MPI_DOUBLE, MPI_MAX, PetscObjectComm((PetscObject)mdp)));
  PetscCall(PetscFree(one));
  PetscFunctionReturn(0);
}

/* U <- V + c omega in states that do not end, and how far TU - U is above -2 slack there, U - TU for negative c: T
 * above, T_pi below */
static PetscErrorCode Try(FenMDP mdp, double c, double *excess)
{
  FenTotal       *t = mdp->total;
  const PetscBool below = (PetscBool)(c < 0);
  FenSweepStats   stats;
  double          most = -HUGE_VAL;

  PetscFunctionBegin;
  for (FenInt k = 0; k < mdp->n; k++)
    t->U[k] = mdp->V[k] + (mdp->policy[k] < 0 ? 0 : c * t->omega[k]);
  if (below) {
    PetscCall(FenBellmanSetPolicy(mdp->op, mdp->policy, t->U));
    PetscCall(FenBellmanPolicySweep(mdp->op, (FenSolver)mdp, t->U, t->TU, &stats));
  } else {
    for (FenInt k = 0; k < mdp->n; k++) /* no incumbent: c omega decides between equals */
      t->policy[k] = -1;
    PetscCall(FenBellmanSweep(mdp->op, (FenSolver)mdp, t->U, t->TU, t->policy, &stats));
  }
  for (FenInt k = 0; k < mdp->n; k++) {
    const double d = below ? t->U[k] - t->TU[k] : t->TU[k] - t->U[k];

    if (mdp->policy[k] >= 0)
      most = d <= most ? most : d;
  }
  most = isnan(most) ? HUGE_VAL : most;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &most, 1, MPI_DOUBLE, MPI_MAX, PetscObjectComm((PetscObject)mdp)));
  /* a frozen law's reward is the difference of two numbers of the size of U: two roundings more */
  *excess = most + (mdp->robust && below ? 4 : 2) * PetscMax(stats.slack, mdp->stats.slack);
  PetscFunctionReturn(0);
}

/* omega such that V +- c omega are bounds: policies and laws are renewed until it is one */
static PetscErrorCode Certify(FenMDP mdp, double c, PetscBool *proved)
{
  FenTotal *t = mdp->total;
  double    excess, most;
  PetscBool solved;

  PetscFunctionBegin;
  *proved = PETSC_FALSE;
  PetscCall(Steps(mdp, mdp->policy, mdp->V, t->omega, &most, &solved));
  for (int round = 0; round < ROUNDS && solved; round++) {
    t->steps = PetscMax(t->steps, most);
    PetscCall(Try(mdp, c, &excess));
    if (excess < 0) {
      PetscCall(Try(mdp, -c, &excess));
      if (excess < 0) {
        *proved = PETSC_TRUE;
        t->steps = most;
        break;
      }
      if (!mdp->robust)
        break;
      PetscCall(PetscArraycpy(t->policy, mdp->policy, mdp->n)); /* nature's laws at L */
    }
    PetscCall(Steps(mdp, t->policy, t->U, t->omega, &most, &solved));
  }
  PetscFunctionReturn(0);
}

double FenTotalSteps_Private(FenMDP mdp)
{
  return mdp->total->steps;
}

/* a norm at which the gap that is wanted may be certified: twice c omega with c = 5/4 norm + 4 slack, and a reserve */
double FenTotalTarget_Private(FenMDP mdp, double gap)
{
  const FenTotal *t = mdp->total;

  return PetscMin(t->retry, PetscMax(gap / t->steps - 8 * mdp->stats.slack, 0) / 3);
}

PetscErrorCode FenTotalCertify_Private(FenMDP mdp, double norm, double gap, PetscBool *proved)
{
  FenTotal    *t = mdp->total;
  const double slack = mdp->stats.slack;
  double       wide;

  PetscFunctionBegin;
  *proved = PETSC_FALSE;
  if (!isfinite(norm))
    PetscFunctionReturn(0);
  t->margin = 1.25 * norm + PetscMax(4 * slack, 1e-300);
  PetscCall(Certify(mdp, t->margin, proved));
  wide = 0.4 * gap / t->steps;
  if (!*proved && wide > 4 * t->margin) { /* what rounding hides between equals, a wider margin shows */
    t->margin = wide;
    PetscCall(Certify(mdp, t->margin, proved));
  }
  t->retry = *proved ? HUGE_VAL : 0.3 * norm;
  PetscCall(PetscInfo(mdp, "margin %g, at most %g steps: %s\n", t->margin, t->steps, *proved ? "proved" : "no proof"));
  PetscFunctionReturn(0);
}

/* the margin of the worst state, and all of them in the operator's order */
PetscErrorCode FenTotalMargin_Private(FenMDP mdp, double margin[], double *most)
{
  const FenTotal *t = mdp->total;

  PetscFunctionBegin;
  *most = 0;
  for (FenInt k = 0; k < mdp->n; k++) {
    margin[k] = mdp->policy[k] < 0 ? 0 : t->margin * t->omega[k];
    *most = PetscMax(*most, margin[k]);
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, most, 1, MPI_DOUBLE, MPI_MAX, PetscObjectComm((PetscObject)mdp)));
  PetscFunctionReturn(0);
}

/* V <- value of the policy that ends, roughly */
PetscErrorCode FenTotalStart_Private(FenMDP mdp)
{
  FenTotal     *t = mdp->total;
  FenSweepStats stats;
  double       *b;
  PetscBool     solved, vi;

  PetscFunctionBegin;
  t->steps = 1;
  t->retry = HUGE_VAL;
  PetscCall(PetscObjectTypeCompare((PetscObject)mdp, FENMDPVI, &vi));
  if (vi)
    PetscFunctionReturn(0);
  PetscCall(PetscArraycpy(mdp->policy, t->proper, mdp->n));
  PetscCall(PetscMalloc1(mdp->n + 1, &b));
  PetscCall(FenBellmanSetPolicy(mdp->op, mdp->policy, mdp->V));
  PetscCall(FenPolicySystemBuild(&t->system));
  PetscCall(FenBellmanPolicySweep(mdp->op, (FenSolver)mdp, mdp->V, mdp->TV, &stats));
  for (FenInt k = 0; k < mdp->n; k++)
    b[k] = mdp->policy[k] < 0 ? 0 : mdp->TV[k] - mdp->V[k];
  PetscCall(Solve(mdp, b, 1e-3 * PetscMax(fabs(stats.lo), fabs(stats.hi)), t->omega, &solved));
  for (FenInt k = 0; k < mdp->n && solved; k++)
    mdp->V[k] += t->omega[k];
  PetscCall(PetscFree(b));
  PetscFunctionReturn(0);
}

PetscErrorCode FenTotalState_Private(FenMDP mdp, FenState state)
{
  PetscFunctionBegin;
  PetscCall(FenStateAddReal(state, "total_steps", &mdp->total->steps));
  PetscCall(FenStateAddReal(state, "total_retry", &mdp->total->retry));
  PetscFunctionReturn(0);
}

PetscErrorCode FenTotalSetUp_Private(FenMDP mdp)
{
  const FenInt all = mdp->n + mdp->nghost + 1;
  FenTotal    *t;

  PetscFunctionBegin;
  PetscCall(PetscNew(&t));
  mdp->total = t;
  t->steps = 1;
  t->retry = HUGE_VAL;
  PetscCall(PetscCalloc4(all, &t->U, all, &t->TU, all, &t->omega, all, &t->work));
  PetscCall(PetscCalloc2(mdp->n + 1, &t->policy, mdp->n + 1, &t->proper));
  PetscCall(FenTotalEnds_Private(mdp, t->proper));
  t->system.max_it = 200;
  PetscCall(FenPolicySystemCreate(mdp, &t->system));
  PetscFunctionReturn(0);
}

PetscErrorCode FenTotalReset_Private(FenMDP mdp)
{
  FenTotal *t = mdp->total;

  PetscFunctionBegin;
  if (!t)
    PetscFunctionReturn(0);
  PetscCall(FenPolicySystemDestroy(&t->system));
  PetscCall(PetscFree4(t->U, t->TU, t->omega, t->work));
  PetscCall(PetscFree2(t->policy, t->proper));
  PetscCall(PetscFree(mdp->total));
  PetscFunctionReturn(0);
}
