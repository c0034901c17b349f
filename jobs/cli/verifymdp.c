/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Claims of a result of fenchel mdp against what one sweep proves.

   Discounted: with e the claimed error of the values v, u = v + e and w = v - e in all states that are not terminal.
   T u <= u + a proves V* <= u + a/(1-gamma), and T_policy w >= w + b proves V_policy >= w + b/(1-gamma); a may be
   negative and b positive only if constants pass through the operator, that is without terminal states and with rows
   that sum to one. An honest claim has a <= 0 <= b up to rounding. Average reward: the steps themselves bound the gain.
   Finite horizon: all steps are made again.

   Total reward: with the margins m in the file, u = v + m and w = v - m. If T u < u and T_policy w > w strictly, by
   more than rounding, in all states that do not end, then w <= V_policy <= V* <= u: adding T u <= u - a along the way
   of any policy, k steps give a total of at most u - E u(k-th state) - a E min(k, steps), which is minus infinity if
   the policy does not end, and u otherwise; the same for w with the other sign. A state that only stays, without
   reward, is an end of value 0.
*/
#include "verifyimpl.h"
#include <math.h>

/* what the file's values and policy prove, for a maximisation; tolerance: what rounding may do to it */
typedef struct {
  double lower, upper, policy_gap, value_error, tolerance;
} Proof;

typedef struct {
  double   *u, *w, *tu, *tw;
  FenGhosts gu, gw;
} Work;

static PetscErrorCode WorkCreate(FenVerifyMDP *v, Work *work)
{
  const size_t n = (size_t)v->n + 1;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(n, &work->u));
  PetscCall(PetscMalloc1(n, &work->w));
  PetscCall(PetscMalloc1(n, &work->tu));
  PetscCall(PetscMalloc1(n, &work->tw));
  PetscCall(FenGhostsCreate_Private(v->model, &work->gu));
  PetscCall(FenGhostsCreate_Private(v->model, &work->gw));
  PetscFunctionReturn(0);
}

static PetscErrorCode WorkDestroy(Work *work)
{
  PetscFunctionBegin;
  PetscCall(FenGhostsDestroy_Private(&work->gu));
  PetscCall(FenGhostsDestroy_Private(&work->gw));
  PetscCall(PetscFree(work->u));
  PetscCall(PetscFree(work->w));
  PetscCall(PetscFree(work->tu));
  PetscCall(PetscFree(work->tw));
  PetscFunctionReturn(0);
}

static PetscErrorCode Mean(FenVerifyMDP *v, const double x[], double *mean)
{
  PetscFunctionBegin;
  PetscCall(FenSum(v->cli->comm, v->n, x, mean));
  *mean /= (double)v->sizes.states;
  PetscFunctionReturn(0);
}

static PetscErrorCode Size(FenVerifyMDP *v, const double x[], double *size)
{
  PetscFunctionBegin;
  *size = 0;
  for (FenInt k = 0; k < v->n; k++)
    *size = fmax(*size, fabs(x[k]));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, size, 1, MPI_DOUBLE, MPI_MAX, v->cli->comm));
  PetscFunctionReturn(0);
}

static PetscErrorCode ProveDiscounted(FenVerifyMDP *v, Work *work, Proof *proof)
{
  const double    e = v->stored.value_error, still = 1 - v->discount;
  const double    share = 1 - (double)v->nterminal / (double)v->sizes.states;
  const PetscBool shift = (PetscBool)(!v->nterminal && !v->sizes.substochastic);
  FenVerifySweep  sweep;
  double          a, b, size;
  int             rows;

  PetscFunctionBegin;
  for (FenInt k = 0; k < v->n; k++) {
    PetscCall(FenMDPModelGetStateRows(v->model, k, &rows));
    work->u[k] = v->sign * v->value[k] + (rows ? e : 0);
    work->w[k] = v->sign * v->value[k] - (rows ? e : 0);
  }
  PetscCall(FenVerifySweep_Private(v, work->gu, work->gw, work->u, work->w, work->tu, work->tw, &sweep));
  PetscCall(Size(v, v->value, &size));
  a = (shift ? sweep.up : fmax(sweep.up, 0.)) / still;
  b = (shift ? sweep.down : fmin(sweep.down, 0.)) / still;
  PetscCall(Mean(v, work->u, &proof->upper));
  PetscCall(Mean(v, work->w, &proof->lower));
  proof->upper += share * a;
  proof->lower += share * b;
  proof->policy_gap = 2 * e + a - b;
  proof->value_error = e + fmax(a, -b);
  proof->tolerance = 2 * sweep.slack / still + 1e-14 * size;
  PetscFunctionReturn(0);
}

/* does the k-th of my states end: no rows, or rows that stay there without reward */
static PetscErrorCode Ends(FenVerifyMDP *v, FenInt k, FenMDPRow *row, PetscBool *ends)
{
  int rows;

  PetscFunctionBegin;
  PetscCall(FenMDPModelGetStateRows(v->model, k, &rows));
  *ends = PETSC_TRUE;
  for (int r = 0; r < rows && *ends; r++) {
    PetscCall(FenMDPModelGetRow(v->model, k, r, row));
    *ends = (PetscBool)(row->n == 1 && row->next[0] == v->first + k && row->reward == 0);
  }
  PetscFunctionReturn(0);
}

/* the two inequalities of a state; the first that does not hold becomes the fault */
static PetscErrorCode CheckTotal(FenVerifyMDP *v, const Work *work, FenInt k, FenMDPRow *row, double slack,
                                 FenFault *fault)
{
  double    up = work->tu[k] - work->u[k], down = work->tw[k] - work->w[k], value = 0;
  PetscBool ends;
  int       rows;

  PetscFunctionBegin;
  PetscCall(Ends(v, k, row, &ends));
  if (ends) {
    PetscCall(FenMDPModelGetStateRows(v->model, k, &rows));
    if (!rows && v->terminal)
      value = v->sign * v->terminal[k];
    if (!(work->u[k] >= value && work->w[k] <= value))
      FenFaultSet(fault, FEN_ERR_VERIFY,
                  "/value: state %" FENINT_FMT " ends with %.17g, which is outside %.17g +- %.3g", v->first + k,
                  v->sign * value, v->value[k], v->margin[k]);
    PetscFunctionReturn(0);
  }
  if (!(up + slack < 0) || !(down - slack > 0))
    FenFaultSet(fault, FEN_ERR_VERIFY,
                "/margin: state %" FENINT_FMT " claims %.17g +- %.3g, and one step leads out of it by %.3g",
                v->first + k, v->value[k], v->margin[k], fmax(up, -down) + slack);
  PetscFunctionReturn(0);
}

static PetscErrorCode ProveTotal(FenVerifyMDP *v, Work *work, Proof *proof)
{
  FenVerifySweep sweep;
  FenFault       fault = {0};
  FenMDPRow     *row;
  double         size;

  PetscFunctionBegin;
  for (FenInt k = 0; k < v->n; k++) {
    work->u[k] = v->sign * v->value[k] + v->margin[k];
    work->w[k] = v->sign * v->value[k] - v->margin[k];
  }
  PetscCall(FenVerifySweep_Private(v, work->gu, work->gw, work->u, work->w, work->tu, work->tw, &sweep));
  PetscCall(PetscMalloc1(1, &row));
  for (FenInt k = 0; k < v->n && !fault.code; k++)
    PetscCall(CheckTotal(v, work, k, row, 2 * sweep.slack, &fault));
  PetscCall(PetscFree(row));
  PetscCall(FenFaultAgree(v->cli->comm, &fault));
  PetscCall(Size(v, v->margin, &proof->value_error));
  PetscCall(Size(v, v->value, &size));
  PetscCall(Mean(v, work->u, &proof->upper));
  PetscCall(Mean(v, work->w, &proof->lower));
  proof->policy_gap = 2 * proof->value_error;
  proof->tolerance = 1e-13 * size;
  PetscFunctionReturn(0);
}

static PetscErrorCode ProveAverage(FenVerifyMDP *v, Work *work, Proof *proof)
{
  FenVerifySweep sweep;

  PetscFunctionBegin;
  for (FenInt k = 0; k < v->n; k++)
    work->u[k] = work->w[k] = v->sign * v->value[k];
  PetscCall(FenVerifySweep_Private(v, work->gu, work->gw, work->u, work->w, work->tu, work->tw, &sweep));
  proof->upper = sweep.up;
  proof->lower = sweep.down;
  proof->policy_gap = sweep.up - sweep.down;
  proof->value_error = proof->policy_gap / 2;
  proof->tolerance = 4 * sweep.slack;
  PetscFunctionReturn(0);
}

static PetscErrorCode ProveFinite(FenVerifyMDP *v, Work *work, Proof *proof)
{
  FenVerifySweep sweep;
  double         error = 0, most[2] = {0, 0}; /* |value - V_0|, V_0 - T_policy V_1 */

  PetscFunctionBegin;
  for (FenInt k = 0; k < v->n; k++)
    work->u[k] = v->terminal ? v->sign * v->terminal[k] : 0;
  for (FenInt step = v->horizon; step > 0; step--) {
    const PetscBool last = (PetscBool)(step == 1);

    if (step < v->horizon)
      PetscCall(PetscArraycpy(work->u, work->tu, v->n));
    PetscCall(FenVerifySweep_Private(v, work->gu, work->gw, work->u, last ? work->u : NULL, work->tu,
                                     last ? work->tw : NULL, &sweep));
    error = v->discount * error + sweep.slack;
  }
  for (FenInt k = 0; k < v->n; k++) {
    most[0] = fmax(most[0], fabs(v->sign * v->value[k] - work->tu[k]));
    most[1] = fmax(most[1], work->tu[k] - work->tw[k]);
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, most, 2, MPI_DOUBLE, MPI_MAX, v->cli->comm));
  PetscCall(Mean(v, work->tu, &proof->lower));
  proof->upper = proof->lower;
  proof->value_error = most[0];
  proof->policy_gap = most[1];
  proof->tolerance = 4 * error;
  PetscFunctionReturn(0);
}

static PetscErrorCode Prove(FenVerifyMDP *v, Proof *proof)
{
  Work work;

  PetscFunctionBegin;
  PetscCall(WorkCreate(v, &work));
  switch (v->criterion) {
  case FEN_MDP_DISCOUNTED:
    PetscCall(ProveDiscounted(v, &work, proof));
    break;
  case FEN_MDP_AVERAGE:
    PetscCall(ProveAverage(v, &work, proof));
    break;
  case FEN_MDP_FINITE:
    PetscCall(ProveFinite(v, &work, proof));
    break;
  case FEN_MDP_TOTAL:
    PetscCall(ProveTotal(v, &work, proof));
    break;
  default:
    SETERRQ(v->cli->comm, (PetscErrorCode)FEN_ERR_VERIFY, "%s: the criterion %s has no bounds", v->cli->argument,
            FenMDPCriteria[v->criterion]);
  }
  PetscCall(WorkDestroy(&work));
  if (v->sign < 0) {
    const double lower = proof->lower;

    proof->lower = -proof->upper;
    proof->upper = -lower;
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode JudgeAll(FenVerdict *verdict, FenVerifyMDP *v, const Proof *p)
{
  const FenVerifyMDPBounds *s = &v->stored;
  const double              t = p->tolerance;

  PetscFunctionBegin;
  PetscCall(PetscPrintf(v->cli->comm, "  %-16s %22s %22s\n", "", "stored", "recomputed"));
  PetscCall(FenJudgeBound_Private(verdict, FEN_CLAIM_ABOVE, "policy_gap", s->policy_gap, p->policy_gap, t));
  PetscCall(FenJudgeBound_Private(verdict, FEN_CLAIM_ABOVE, "value_error", s->value_error, p->value_error, t));
  PetscCall(FenJudgeBound_Private(verdict, FEN_CLAIM_BELOW, "lower", s->lower, p->lower, t));
  PetscCall(FenJudgeBound_Private(verdict, FEN_CLAIM_ABOVE, "upper", s->upper, p->upper, t));
  PetscCall(FenJudge_Private(verdict, (PetscBool)(s->lower <= s->upper), "upper - lower", s->upper - s->lower,
                             p->upper - p->lower, "a lower bound lies above its upper bound"));
  PetscCall(FenJudge_Private(verdict, (PetscBool)(s->value >= s->lower - t && s->value <= s->upper + t), "value",
                             s->value, (p->lower + p->upper) / 2, "the value lies outside its bounds"));
  PetscFunctionReturn(0);
}

/* the file is open and its root is checked */
PetscErrorCode FenVerifyMDP_Private(FenVerdict *verdict, FenFile file)
{
  FenCLI      *cli = verdict->cli;
  FenVerifyMDP v;
  Proof        proof;
  char         shape[16] = "";
  PetscBool    has;

  PetscFunctionBegin;
  PetscCall(FenFileHasAttribute(file, "/", "rectangular", &has));
  if (has)
    PetscCall(FenFileReadStringAttribute(file, "/", "rectangular", shape, sizeof(shape)));
  if (!strcmp(shape, "d")) { /* linear models are a family of their own */
    PetscCall(FenVerifyLinear_Private(verdict, file));
    PetscFunctionReturn(0);
  }
  PetscCall(FenVerifyMDPOpen_Private(cli, file, &v));
  PetscCall(PetscPrintf(cli->comm, "%s: %" FENINT_FMT " states, %" FENINT_FMT " rows, %s, %s, ambiguity %s\n",
                        cli->argument, v.sizes.states, v.sizes.rows, FenMDPSenses[v.sense], FenMDPCriteria[v.criterion],
                        v.ambiguity.name));
  PetscCall(Prove(&v, &proof));
  PetscCall(JudgeAll(verdict, &v, &proof));
  PetscCall(PetscPrintf(cli->comm, "  the policy loses at most %.4g in every state; %s is in [%.14g, %.14g]\n",
                        fmax(0., proof.policy_gap) + proof.tolerance,
                        v.criterion == FEN_MDP_AVERAGE ? "the gain" : "the mean of the best values",
                        proof.lower - proof.tolerance, proof.upper + proof.tolerance));
  PetscCall(FenVerifyMDPClose_Private(&v));
  PetscFunctionReturn(0);
}
