/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Weights: checked, scaled to mass one, and corrected until their exact sum rounds to one.
*/
#include "measureimpl.h"
#include <math.h>

#define FEN_MASS_RTOL  1e-6 /* measures that differ by more are not balanced by mistake */
#define FEN_MAX_ROUNDS 8

/* global number of my k-th entry */
static PetscErrorCode FenGlobalIndex(FenLayout layout, FenInt k, FenInt *global)
{
  FenInt        nruns, length;
  const FenInt *start;

  PetscFunctionBegin;
  PetscCall(FenLayoutGetRuns(layout, &nruns, &length, &start));
  *global = start[k / length] + k % length;
  PetscFunctionReturn(0);
}

PetscErrorCode FenMeasureIndexText_Private(FenLayout layout, FenInt global, char text[], size_t length)
{
  FenInt   shape[FEN_MAX_DIM];
  PetscInt dim;

  PetscFunctionBegin;
  PetscCall(FenLayoutGetDim(layout, &dim));
  PetscCall(FenLayoutGetShape(layout, shape));
  text[0] = 0;
  if (dim == 2)
    PetscCall(PetscSNPrintf(text, length, " (%" FENINT_FMT ",%" FENINT_FMT ")", global / shape[1], global % shape[1]));
  if (dim == 3)
    PetscCall(PetscSNPrintf(text, length, " (%" FENINT_FMT ",%" FENINT_FMT ",%" FENINT_FMT ")",
                            global / shape[2] / shape[1], global / shape[2] % shape[1], global % shape[2]));
  PetscFunctionReturn(0);
}

/* the first weight that is negative or no number is the error */
static PetscErrorCode FenWeightsCheck(FenMeasure m, const char name[])
{
  FenFault fault = {0, ""};
  FenInt   local, global = -1;
  char     index[80];

  PetscFunctionBegin;
  PetscCall(FenLayoutGetLocalSize(m->layout, &local));
  for (FenInt k = 0; k < local && !fault.code; k++) {
    if (m->weights[k] >= 0 && isfinite(m->weights[k]))
      continue;
    PetscCall(FenGlobalIndex(m->layout, k, &global));
    PetscCall(FenMeasureIndexText_Private(m->layout, global, index, sizeof(index)));
    FenFaultSet(&fault, FEN_ERR_VALUE, "%s%s: weight %" FENINT_FMT "%s is %.17g; rule: weights are finite and >= 0",
                name, m->dataset, global, index, m->weights[k]);
  }
  PetscCall(FenFaultAgree(PetscObjectComm((PetscObject)m), &fault));
  PetscFunctionReturn(0);
}

/* local number of the globally first among the largest weights, -1 on ranks that do not own it */
static PetscErrorCode FenLargestWeight(FenMeasure m, FenInt *mine)
{
  const MPI_Comm comm = PetscObjectComm((PetscObject)m);
  double         largest = 0;
  FenInt         local, first = -1, global = INT64_MAX, winner;

  PetscFunctionBegin;
  PetscCall(FenLayoutGetLocalSize(m->layout, &local));
  for (FenInt k = 0; k < local; k++)
    largest = PetscMax(largest, m->weights[k]);
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &largest, 1, MPI_DOUBLE, MPI_MAX, comm));
  for (FenInt k = 0; k < local && first < 0; k++)
    if (m->weights[k] == largest)
      first = k;
  if (first >= 0)
    PetscCall(FenGlobalIndex(m->layout, first, &global));
  PetscCallMPI(MPI_Allreduce(&global, &winner, 1, MPI_FENINT, MPI_MIN, comm));
  *mine = global == winner ? first : -1;
  PetscFunctionReturn(0);
}

/* one minus the sum of the weights, without rounding the sum first */
static PetscErrorCode FenResidual(FenMeasure m, double *residual)
{
  const MPI_Comm comm = PetscObjectComm((PetscObject)m);
  FenDD          sum = {0, 0};
  FenInt         local;
  PetscMPIInt    rank;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCall(FenLayoutGetLocalSize(m->layout, &local));
  for (FenInt k = 0; k < local; k++)
    FenDDAdd(&sum, -m->weights[k]);
  if (!rank)
    FenDDAdd(&sum, 1);
  PetscCall(FenDDReduce(comm, 1, &sum, residual));
  PetscFunctionReturn(0);
}

/* the weights sum to one but for rounding: the largest takes the difference */
static PetscErrorCode FenWeightsCorrect(FenMeasure m)
{
  const MPI_Comm comm = PetscObjectComm((PetscObject)m);
  FenInt         local, largest;
  double         residual, sum = 0;

  PetscFunctionBegin;
  PetscCall(FenLayoutGetLocalSize(m->layout, &local));
  PetscCall(FenLargestWeight(m, &largest));
  for (int round = 0; round < FEN_MAX_ROUNDS && sum != 1; round++) {
    PetscCall(FenResidual(m, &residual));
    if (largest >= 0)
      m->weights[largest] += residual;
    PetscCall(FenSum(comm, local, m->weights, &sum));
  }
  FEN_CHECK(sum == 1, comm, FEN_ERR_INTERNAL, "weights sum to %.17g after normalisation, not to 1", sum);
  PetscFunctionReturn(0);
}

/* every rule that the weights of one measure obey */
static PetscErrorCode FenMeasureCheck(FenMeasure m, const char name[])
{
  const MPI_Comm comm = PetscObjectComm((PetscObject)m);
  FenInt         size;

  PetscFunctionBegin;
  PetscCall(FenLayoutGetSize(m->layout, &size));
  FEN_CHECK(size > 0, comm, FEN_ERR_VALUE, "%s%s: no entries; rule: a measure has at least one point", name,
            m->dataset);
  PetscCall(FenWeightsCheck(m, name));
  FEN_CHECK(isfinite(m->mass), comm, FEN_ERR_VALUE,
            "%s%s: the sum of all weights is larger than a double; rule: the mass is finite", name, m->dataset);
  FEN_CHECK(m->mass > 0, comm, FEN_ERR_VALUE, "%s%s: all %" FENINT_FMT " weights are 0; rule: at least one is positive",
            name, m->dataset, size);
  PetscFunctionReturn(0);
}

/*@
  FenMeasureCheckWeights - Refuses a measure without points, or with weights that are negative, not finite or all zero.

  Collective

  Input Parameters:
+ m    - the measure
- name - its name in messages if it has none of its own (`FenMeasureSetName()`)

  Notes:
  `FenMeasureBalance()` does this too; measures that are not balanced, for transport with penalised marginals, need it.

  Errors:
  `FEN_ERR_VALUE`, with name, global index, value and rule.

  Level: intermediate

.seealso: `FenMeasureBalance()`
@*/
PetscErrorCode FenMeasureCheckWeights(FenMeasure m, const char name[])
{
  PetscFunctionBegin;
  PetscCall(FenMeasureCheck(m, m->name ? m->name : name));
  PetscFunctionReturn(0);
}

static PetscErrorCode FenMeasureScale(FenMeasure m)
{
  FenInt local;

  PetscFunctionBegin;
  if (m->balanced)
    PetscFunctionReturn(0);
  PetscCall(FenLayoutGetLocalSize(m->layout, &local));
  for (FenInt k = 0; k < local; k++)
    m->weights[k] /= m->mass;
  PetscCall(FenWeightsCorrect(m));
  m->balanced = PETSC_TRUE;
  PetscFunctionReturn(0);
}

PetscErrorCode FenMeasureNormalize_Private(FenMeasure m)
{
  PetscFunctionBegin;
  PetscCall(FenMeasureCheck(m, m->name ? m->name : "measure"));
  PetscCall(FenMeasureScale(m));
  m->any_mass = PETSC_TRUE;
  PetscFunctionReturn(0);
}

/*@
  FenMeasureBalance - Checks the weights of two measures and scales both to mass one, equal to the last bit.

  Collective

  Input Parameters:
+ source         - a measure
. target         - a measure
- allow_any_mass - TRUE: masses may differ, FALSE: by 1e-6 relative at most

  Options Database Keys (of the command):
. -ot_normalize - allow any mass

  Notes:
  The sum, in exact arithmetic, of the weights of either measure then rounds to 1: what is left by the division goes to
the largest weight (the first of the largest). Other numbers of ranks give the same weights to 1e-15 relative. A measure
is scaled once; its original mass stays available through `FenMeasureGetMass()` and is what is compared. Densities read
from images have mass one by definition.

  Errors:
  `FEN_ERR_VALUE` for a measure without points, weights that are negative or not finite, and weights that are all zero
or whose sum overflows; `FEN_ERR_MASS` for masses that differ. Messages name the measure (`FenMeasureSetName()`, or
source and target), global index, value and rule. Neither measure has been changed then.

  Level: intermediate

.seealso: `FenMeasureGetMass()`, `FenMeasureSetName()`
@*/
PetscErrorCode FenMeasureBalance(FenMeasure source, FenMeasure target, PetscBool allow_any_mass)
{
  const double ms = source->any_mass ? 1 : source->mass, mt = target->any_mass ? 1 : target->mass;
  const char  *s = source->name ? source->name : "source", *t = target->name ? target->name : "target";

  PetscFunctionBegin;
  PetscCall(FenMeasureCheck(source, s));
  PetscCall(FenMeasureCheck(target, t));
  FEN_CHECK(
      allow_any_mass || PetscAbs(ms - mt) <= FEN_MASS_RTOL * PetscMax(ms, mt), PetscObjectComm((PetscObject)source),
      FEN_ERR_MASS,
      "%s has mass %.10g, %s has mass %.10g; rule: masses differ by at most %g relative; -ot_normalize scales both "
      "to mass one",
      s, ms, t, mt, FEN_MASS_RTOL);
  PetscCall(FenMeasureScale(source));
  PetscCall(FenMeasureScale(target));
  PetscFunctionReturn(0);
}
