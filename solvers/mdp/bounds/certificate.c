/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Certified bounds of values and of the loss of a policy.

   T is monotone, and T(V + c) <= TV + gamma c for constants c >= 0, >= for c <= 0; equality holds if all rows sum to
   one and no state is terminal. With lo <= TV - V <= hi in all states, and the policy that attains TV,

     TV + f lo  <=  V_policy  <=  V*  <=  TV + f hi,     f = gamma/(1-gamma),

   where lo is cut at 0 from above and hi from below if equality does not hold. Sweeps that are wrong by e at most widen
   each side by e/(1-gamma): once for TV, f times for lo or hi. Average reward: lo <= gain of the policy <= best gain <=
   hi. Reference: MacQueen 1966, Porteus 1971; Puterman, Markov Decision Processes, sections 6.3 and 8.5.
*/
#include "../mdpimpl.h"
#include <math.h>

#define BLOCK        512
#define FLAT_VALUES  1e-4 /* the range of values counts as at least this share of their size */
#define FLAT_GAIN    1e-6 /* a gain counts as at least this share of the range of values */
#define STALLED_MOST 5
#define SMALL        0.1

static double Low(FenMDP mdp, const FenSweepStats *stats)
{
  return mdp->shift ? stats->lo : PetscMin(stats->lo, 0);
}
static double High(FenMDP mdp, const FenSweepStats *stats)
{
  return mdp->shift ? stats->hi : PetscMax(stats->hi, 0);
}

double FenMDPNorm_Private(FenMDP mdp, const FenSweepStats *stats)
{
  return High(mdp, stats) - Low(mdp, stats);
}

double FenMDPBestShift_Private(FenMDP mdp, const FenSweepStats *stats)
{
  return mdp->shift && mdp->gamma < 1 ? (stats->lo + stats->hi) / 2 / (1 - mdp->gamma) : 0;
}

/* what a gap is relative to: the range of the values; their size counts with the constant that V may lack. A gain that
   is nothing beside the values counts as zero, of which a share would be asked in vain */
static double Scale(FenMDP mdp)
{
  const FenSweepStats *s = &mdp->stats;
  const double         c = mdp->gamma * FenMDPBestShift_Private(mdp, s);

  if (mdp->criterion == FEN_MDP_AVERAGE)
    return PetscMax(PetscMax(fabs(s->lo), fabs(s->hi)), FLAT_GAIN * (s->vmax - s->vmin));
  return PetscMax(s->vmax - s->vmin, FLAT_VALUES * PetscMax(fabs(s->vmin + c), fabs(s->vmax + c)));
}

/* widest gap that the tolerances allow */
static double GapWanted(FenMDP mdp)
{
  const FenSolver s = (FenSolver)mdp;
  double          gap = HUGE_VAL;

  if (s->residual > 0)
    gap = PetscMin(gap, s->residual);
  if (s->gap_rel > 0)
    gap = PetscMin(gap, s->gap_rel * Scale(mdp));
  return isfinite(gap) ? gap : 0;
}

double FenMDPTarget_Private(FenMDP mdp)
{
  const double gap = GapWanted(mdp), gamma = mdp->gamma, slack = 2 * mdp->stats.slack;

  if (mdp->criterion == FEN_MDP_TOTAL)
    return FenTotalTarget_Private(mdp, gap);
  if (mdp->criterion == FEN_MDP_AVERAGE)
    return PetscMax(gap - slack, 0);
  return gamma > 0 ? PetscMax(gap * (1 - gamma) - slack, 0) / gamma : gap;
}

/* whether what rounding leaves of the gap is less than what is wanted */
static PetscBool InReach(FenMDP mdp)
{
  const double width = mdp->criterion == FEN_MDP_AVERAGE ? 1 : 1 - mdp->gamma;

  return (PetscBool)(mdp->criterion == FEN_MDP_TOTAL || 2 * mdp->stats.slack <= width * GapWanted(mdp));
}

PetscBool FenMDPMet_Private(FenMDP mdp)
{
  return (PetscBool)(InReach(mdp) && FenMDPNorm_Private(mdp, &mdp->stats) <= FenMDPTarget_Private(mdp));
}

/* mean over all states of all ranks; a NaN anywhere makes it NaN */
static PetscErrorCode Mean(FenMDP mdp, const double x[], double *mean)
{
  FenDD sum = {0, 0};

  PetscFunctionBegin;
  for (FenInt start = 0; start < mdp->n; start += BLOCK) {
    const FenInt n = PetscMin(BLOCK, mdp->n - start);
    double       s[8] = {0};
    FenInt       k = 0;

    for (; k + 8 <= n; k += 8)
      for (int l = 0; l < 8; l++)
        s[l] += x[start + k + l];
    for (; k < n; k++)
      s[k % 8] += x[start + k];
    FenDDAdd(&sum, ((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7])));
  }
  PetscCall(FenSolverReduce_Private((FenSolver)mdp, 1, &sum, mean));
  *mean /= (double)mdp->nstates;
  PetscFunctionReturn(0);
}

/* what every report says, bounds or not */
static PetscErrorCode CountWork(FenMDP mdp)
{
  FenProgress *p = &mdp->base.progress;

  PetscFunctionBegin;
  p->parameter = FenMDPNorm_Private(mdp, &mdp->stats);
  PetscCall(FenBellmanGetWork(mdp->op, &mdp->sweeps, &mdp->matvecs));
  mdp->sweeps -= mdp->sweeps_offset;
  mdp->matvecs -= mdp->matvecs_offset;
  p->work = mdp->sweeps;
  PetscFunctionReturn(0);
}

/* The certificate of an iterate holds whatever came before: while the iteration runs progress shows the best bounds
   that were met, since policies on the way may be worse than earlier ones. The answer has the bounds of its own values
   and policy, which can be verified from them. */
static PetscErrorCode ShowBounds(FenMDP mdp, double value)
{
  FenSolver     s = (FenSolver)mdp;
  FenMDPBounds *B = &mdp->bounds;

  PetscFunctionBegin;
  mdp->best_lower = PetscMax(mdp->best_lower, B->lower);
  mdp->best_upper = PetscMin(mdp->best_upper, B->upper);
  if (s->reason == FEN_ITERATING && isfinite(value)) {
    PetscCall(FenSolverUpdateBounds_Private(s, mdp->best_lower, mdp->best_upper, 0));
    s->progress.value = PetscMax(mdp->best_lower, PetscMin(mdp->best_upper, value));
  } else {
    PetscCall(FenSolverUpdateBounds_Private(s, B->lower, B->upper, 0));
    s->progress.value = value;
  }
  PetscFunctionReturn(0);
}

/* the mean of V* is in `mean` + [low, high], values of single states in an interval of width `gap` */
static PetscErrorCode SetMeans(FenMDP mdp, double mean, double low, double high, double gap, double slack)
{
  FenSolver     s = (FenSolver)mdp;
  FenProgress  *p = &s->progress;
  FenMDPBounds *B = &mdp->bounds;
  const double  rounding = 80 * PETSC_MACHINE_EPSILON * PetscMax(fabs(mdp->stats.vmin), fabs(mdp->stats.vmax));
  const double  lower = mean + low - rounding, upper = mean + high + rounding;

  PetscFunctionBegin;
  B->policy_gap = gap;
  B->value_error = gap / 2;
  B->slack = slack;
  B->lower = mdp->sign > 0 ? lower : -upper;
  B->upper = mdp->sign > 0 ? upper : -lower;
  PetscCall(ShowBounds(mdp, mdp->sign * (mean + (low + high) / 2)));
  p->residual = B->policy_gap;
  p->gap_rel = B->policy_gap / PetscMax(Scale(mdp), 1e-300);
  PetscCall(CountWork(mdp));
  PetscFunctionReturn(0);
}

/* low and high: what must be added to TV in the states that are not terminal; `mean` of TV */
static PetscErrorCode SetBounds(FenMDP mdp, double mean, double low, double high, double slack)
{
  const double share = (double)mdp->nalive / (double)mdp->nstates;

  PetscFunctionBegin;
  PetscCall(SetMeans(mdp, mean, share * low, share * high, high - low, slack));
  PetscFunctionReturn(0);
}

/* no bound is known; the residual is what falls meanwhile */
static PetscErrorCode SetNoBounds(FenMDP mdp, double mean)
{
  FenProgress *p = &mdp->base.progress;

  PetscFunctionBegin;
  mdp->bounds = (FenMDPBounds){.policy_gap = HUGE_VAL, .value_error = HUGE_VAL, .lower = -HUGE_VAL, .upper = HUGE_VAL};
  p->value = mdp->sign * mean;
  p->lower = mdp->base.reason == FEN_ITERATING ? mdp->best_lower : -PETSC_INFINITY;
  p->upper = mdp->base.reason == FEN_ITERATING ? mdp->best_upper : PETSC_INFINITY;
  p->gap_rel = PETSC_INFINITY;
  p->residual = FenMDPNorm_Private(mdp, &mdp->stats);
  PetscCall(CountWork(mdp));
  PetscFunctionReturn(0);
}

/* The norm cannot fall below what rounding makes of zero. Where the slack alone is more than the gap that is wanted, it
   is enough that the norm has become a small part of it; unless worst cases were allowed to be that inexact, which the
   next sweep will not allow */
static void LookForStagnation(FenMDP mdp)
{
  FenSolver       s = (FenSolver)mdp;
  const double    norm = FenMDPNorm_Private(mdp, &mdp->stats), slack = mdp->stats.slack;
  const PetscBool met = mdp->total ? (PetscBool)(mdp->bounds.policy_gap <= GapWanted(mdp)) : FenMDPMet_Private(mdp);
  const PetscBool allowed = (PetscBool)(mdp->robust && slack <= 2 * mdp->inexact);
  const PetscBool small = (PetscBool)(!allowed && !InReach(mdp) && norm <= SMALL * slack);
  const PetscBool flat = (PetscBool)(!allowed && norm >= 0.999 * mdp->norm_best && norm <= 16 * slack);

  mdp->stalled = small || flat ? mdp->stalled + 1 : 0;
  mdp->norm_best = PetscMin(mdp->norm_best, norm);
  if ((small || mdp->stalled >= STALLED_MOST) && s->reason == FEN_ITERATING && !met)
    s->reason = FEN_DIVERGED_STAGNATION;
}

/* V +- margin, where that is worth trying: see criteria/total.c */
static PetscErrorCode ReportTotal(FenMDP mdp)
{
  FenSolver       s = (FenSolver)mdp;
  const double    norm = FenMDPNorm_Private(mdp, &mdp->stats);
  const PetscBool last = (PetscBool)(s->reason != FEN_ITERATING); /* after the loop */
  PetscBool       proved = PETSC_FALSE;
  double          mean, margin, most;

  PetscFunctionBegin;
  if (last && isfinite(mdp->bounds.policy_gap)) /* done in the last iteration */
    PetscFunctionReturn(0);
  PetscCall(Mean(mdp, mdp->V, &mean));
  PetscCall(SetNoBounds(mdp, mean));
  if (last || FenMDPMet_Private(mdp) || norm <= 16 * mdp->stats.slack)
    PetscCall(FenTotalCertify_Private(mdp, norm, GapWanted(mdp), &proved));
  if (proved) {
    PetscCall(FenTotalMargin_Private(mdp, mdp->X, &most));
    PetscCall(Mean(mdp, mdp->X, &margin));
    PetscCall(SetMeans(mdp, mean, -margin, margin, 2 * most, 8 * mdp->stats.slack * FenTotalSteps_Private(mdp)));
  }
  s->intermediate = !proved;
  PetscFunctionReturn(0);
}

PetscErrorCode FenMDPReport_Private(FenMDP mdp)
{
  const FenSweepStats *s = &mdp->stats;
  const PetscBool      average = (PetscBool)(mdp->criterion == FEN_MDP_AVERAGE);
  const double         f = mdp->gamma / (1 - mdp->gamma), e = average ? s->slack : s->slack / (1 - mdp->gamma);
  double               mean = 0;

  PetscFunctionBegin;
  if (mdp->criterion == FEN_MDP_TOTAL) {
    PetscCall(ReportTotal(mdp));
    LookForStagnation(mdp);
    PetscFunctionReturn(0);
  }
  PetscCall(Mean(mdp, mdp->TV, &mean));
  if (average) { /* the value that is bounded is the gain, the same in all states; a NaN must show nevertheless */
    PetscCall(SetBounds(mdp, 0 * mean, s->lo - e, s->hi + e, 2 * e));
  } else
    PetscCall(SetBounds(mdp, mean, f * Low(mdp, s) - e, f * High(mdp, s) + e, 2 * e));
  LookForStagnation(mdp);
  PetscFunctionReturn(0);
}

PetscErrorCode FenMDPReportExact_Private(FenMDP mdp, double error)
{
  double mean;

  PetscFunctionBegin;
  mdp->best_lower = -PETSC_INFINITY; /* earlier steps are other problems */
  mdp->best_upper = PETSC_INFINITY;
  PetscCall(Mean(mdp, mdp->TV, &mean));
  PetscCall(SetBounds(mdp, mean, -error, error, 2 * error));
  PetscFunctionReturn(0);
}
