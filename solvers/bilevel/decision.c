/* SPDX-License-Identifier: BSD-2-Clause */
/*
   The message of a decision: what teams know of their samples becomes what all ranks know of f.

   One reduction over all ranks carries F of the values and of their bounds, gradients and accuracies, sums that belong
   to a hypergradient, counts of iterations, votes to stop or to save, and whether a team has failed. All ranks go on
   from the same numbers, so that no further message is needed until the next decision. Every rank has the numbers of
   its team's samples; the first one of a team speaks for it.

   The soft maximum adds exponentials, which are taken relative to its last value; where a value is farther from that
   than FAR temperatures, or there is none yet, the reduction is repeated relative to the largest.
*/
#include "bilevelimpl.h"
#include <math.h>

#define UNIT 1.1102230246251565e-16
#define FAR  600.0 /* exponentials of so many times the temperature, and their sums, are numbers */

enum {
  CODE,
  REQUESTS,
  VALUE, /* then those of the bounds */
  LOWER,
  UPPER,
  MOST, /* of each of the three */
  PLAIN = MOST + 3,
  CURVE,
  SLOPE,
  LEAST,
  EPS,
  LOWER_IT,
  ADJOINT_IT,
  MISSED,
  HEAD
};
static const int which[3] = {FEN_SAMPLE_VALUE, FEN_SAMPLE_LO, FEN_SAMPLE_UP};

/* the message goes into b->fault, from where all ranks get it */
static PetscErrorCode Keep(MPI_Comm comm, int line, const char *function, const char *file, PetscErrorCode code,
                           PetscErrorType type, const char *message, void *ctx)
{
  const PetscBool known = (PetscBool)((int)code > FEN_ERR_FIRST && (int)code < FEN_ERR_LAST);

  (void)comm;
  if (type == PETSC_ERROR_INITIAL && known)
    FenFaultSet((FenFault *)ctx, (int)code, "%s", message ? message : "");
  else if (type == PETSC_ERROR_INITIAL)
    FenFaultSet((FenFault *)ctx, (int)code, "%s (%s, %s:%d)", message ? message : "", function, file, line);
  return code;
}

PetscErrorCode FenBilevelTryBegin_Private(FenBilevel b)
{
  PetscFunctionBegin;
  if (b->team.nteams > 1)
    PetscCall(PetscPushErrorHandler(Keep, &b->fault));
  PetscFunctionReturn(0);
}

PetscErrorCode FenBilevelTryEnd_Private(FenBilevel b, PetscErrorCode code)
{
  PetscFunctionBegin;
  if (b->team.nteams > 1) {
    PetscCall(PetscPopErrorHandler());
    if (code)
      FenFaultSet(&b->fault, (int)code, "error in a team of ranks");
    PetscFunctionReturn(0);
  }
  PetscCall(code);
  PetscFunctionReturn(0);
}

/* sums over samples; those of the soft maximum relative to shift */
static void Sums(FenBilevel b, const FenPoint *p, const double shift[3], FenDD part[])
{
  const PetscBool soft = (PetscBool)(FenBilevelRule_Private(b) == FEN_UPPER_KL);

  for (int i = VALUE; i <= CURVE; i++)
    part[i] = (FenDD){0, 0};
  for (int i = 0; i < 3; i++)
    part[MOST + i] = FenDDMaximum(-HUGE_VAL);
  part[SLOPE] = part[LEAST] = FenDDMaximum(-HUGE_VAL);
  part[EPS] = FenDDMaximum(0);
  if (b->team.rank)
    return;
  for (FenInt k = 0; k < b->nb; k++) {
    const double *S = p->s[k], upper = S[FEN_SAMPLE_SLOPE], bend = S[FEN_SAMPLE_BEND];
    const double  weight = soft ? exp((S[FEN_SAMPLE_VALUE] - shift[0]) / b->temperature) : 1;

    for (int i = 0; i < 3; i++) {
      FenDDAdd(&part[VALUE + i], soft ? exp((S[which[i]] - shift[i]) / b->temperature) : S[which[i]]);
      part[MOST + i].hi = PetscMax(part[MOST + i].hi, S[which[i]]);
    }
    FenDDAddProduct(&part[PLAIN], weight, S[FEN_SAMPLE_GNORM]);
    FenDDAddProduct(&part[CURVE], weight, (upper + (bend > 0 ? bend * S[FEN_SAMPLE_QNORM] : 0)) / 2 + upper);
    part[SLOPE].hi = PetscMax(part[SLOPE].hi, -(upper > 0 ? upper : 1));
    part[LEAST].hi = PetscMax(part[LEAST].hi, -S[FEN_SAMPLE_GNORM]);
    part[EPS].hi = PetscMax(part[EPS].hi, S[FEN_SAMPLE_EPS]);
  }
}

/* the soft maximum relative to the largest where that is too far from shift */
static PetscErrorCode Again(FenBilevel b, const FenPoint *p, PetscBool known, double shift[3], double sums[])
{
  PetscBool again = (PetscBool)!known;
  FenDD     part[HEAD];
  double    out[HEAD];

  PetscFunctionBegin;
  for (int i = 0; i < 3; i++)
    if (isfinite(sums[MOST + i]) && !(fabs(sums[MOST + i] - shift[i]) <= FAR * b->temperature))
      again = PETSC_TRUE;
  if (!again)
    PetscFunctionReturn(0);
  for (int i = 0; i < 3; i++)
    shift[i] = isfinite(sums[MOST + i]) ? sums[MOST + i] : 0;
  Sums(b, p, shift, part);
  PetscCall(FenDDReduce(b->team.world, CURVE + 1 - VALUE, part + VALUE, out + VALUE));
  for (int i = VALUE; i <= CURVE; i++)
    sums[i] = out[i];
  PetscFunctionReturn(0);
}

/* what is known of f now */
static void Take(FenBilevel b, FenPoint *p, const double shift[3], const double sums[])
{
  const FenBilevelUpper rule = FenBilevelRule_Private(b);
  const double          m = (double)b->size.samples, r = b->temperature;
  const double          whole = rule == FEN_UPPER_MEAN ? m : rule == FEN_UPPER_KL ? sums[VALUE] : 1;
  double                F[3];

  for (int i = 0; i < 3; i++)
    F[i] = rule == FEN_UPPER_KL ? shift[i] + r * log(sums[VALUE + i] / m) : sums[VALUE + i] / whole;
  p->soft = F[0];
  p->f = F[0] + p->regulariser;
  p->lower = F[1] + p->regulariser - 64 * UNIT * fabs(p->f);
  p->upper = F[2] + p->regulariser + 64 * UNIT * fabs(p->f);
  p->f = PetscMin(PetscMax(p->f, p->lower), p->upper); /* the adjoint may know better than the value at x */
  p->plain = sums[PLAIN] / whole;
  p->curve = sums[CURVE] / whole;
  p->slope = -sums[SLOPE];
  p->least = -sums[LEAST];
  p->eps = sums[EPS];
  if (sums[MISSED] >= 0)
    p->reached = sums[MISSED] > 0 ? 0 : 1;
}

/* an error that another team has, too */
static PetscErrorCode Fail(FenBilevel b)
{
  const FenFault fault = b->fault;

  PetscFunctionBegin;
  b->fault.code = 0;
  PetscCall(FenFaultAgree(b->team.world, &fault));
  PetscFunctionReturn(0);
}

/* the parts that are not sums over samples */
static PetscErrorCode Head(FenBilevel b, FenDD part[])
{
  PetscFunctionBegin;
  part[CODE] = FenDDMaximum((double)b->fault.code);
  part[MISSED] = b->missed < 0 ? (FenDD){-1, 0} : (FenDD){b->team.rank ? 0 : b->missed, 0};
  part[REQUESTS] = (FenDD){0, 0};
  PetscCall(FenSolverAskRequests_Private((FenSolver)b, &part[REQUESTS].hi));
  for (int i = 0; i < 2; i++)
    part[LOWER_IT + i] = (FenDD){b->team.rank ? 0 : b->ahead[i], 0};
  b->missed = -1;
  b->ahead[0] = b->ahead[1] = 0;
  b->decisions++;
  PetscFunctionReturn(0);
}

PetscErrorCode FenBilevelAgree_Private(FenBilevel b, FenPoint *p, PetscInt n, const FenDD more[], double out[])
{
  const PetscBool known = (PetscBool)isfinite(b->cur->soft);
  const double    ref = known ? b->cur->soft : 0;
  double          shift[3] = {ref, ref, ref}, *sums;
  FenDD          *part;

  PetscFunctionBegin;
  PetscCall(PetscMalloc2((size_t)(HEAD + n), &part, (size_t)(HEAD + n), &sums));
  if (p)
    Sums(b, p, shift, part);
  else
    PetscCall(PetscArrayzero(part, HEAD));
  PetscCall(Head(b, part));
  PetscCall(PetscArraycpy(part + HEAD, more, n));
  PetscCall(FenDDReduce(b->team.world, HEAD + n, part, sums));
  FenSolverTakeRequests_Private((FenSolver)b, sums[REQUESTS]);
  if (sums[CODE] > 0)
    PetscCall(Fail(b));
  b->work.lower_iterations += sums[LOWER_IT];
  b->work.adjoint_iterations += sums[ADJOINT_IT];
  if (p && FenBilevelRule_Private(b) == FEN_UPPER_KL)
    PetscCall(Again(b, p, known, shift, sums));
  if (p)
    Take(b, p, shift, sums);
  PetscCall(PetscArraycpy(out, sums + HEAD, n));
  PetscCall(PetscFree2(part, sums));
  PetscFunctionReturn(0);
}
