/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Best cases, which are minus the worst cases of minus the values, and many worst cases at once.
*/
#include "divergenceimpl.h"

/* -r behind the 2n numbers that a selection may need */
static PetscErrorCode FenBestNegate(FenDivergence div, FenInt n, const double r[], double *minus[])
{
  double *work;

  PetscFunctionBegin;
  FEN_DIVERGENCE_CHECK(n > 0, FEN_ERR_SHAPE, "a law of %" FENINT_FMT " entries", n);
  PetscCall(FenDivergenceGetWork_Private(div, 3 * n, &work));
  *minus = work + 2 * n;
  for (FenInt i = 0; i < n; i++)
    (*minus)[i] = -r[i];
  PetscFunctionReturn(0);
}

/*@
  FenDivergenceBestPenalty - The regularised maximum: max over laws p of <p,r> - beta D_f(p|q).

  Not Collective

  Input Parameters:
+ div  - the divergence
. n    - number of entries
. q    - the reference law
. r    - the values
. beta - the penalty, > 0
- warm - the multiplier of a similar problem, NAN for none

  Output Parameters:
+ p   - the maximising law (a regularised policy), n entries; NULL if not wanted
- out - value (an upper bound), multiplier: p = q (f*)'((r - multiplier)/beta), slack, passes

  Note:
  No mass goes where q has none.

  Level: intermediate

.seealso: `FenDivergenceBestRadius()`, `FenDivergenceWorstPenalty()`
@*/
PetscErrorCode FenDivergenceBestPenalty(FenDivergence div, FenInt n, const double q[], const double r[], double beta,
                                        double warm, double p[], FenWorstCase *out)
{
  double *minus;

  PetscFunctionBegin;
  PetscCall(FenBestNegate(div, n, r, &minus));
  PetscCall(FenDivergenceWorstPenalty(div, n, q, minus, beta, FEN_SUPPORT_NOMINAL, 0, -warm, p, out));
  out->value = -out->value;
  out->multiplier = -out->multiplier;
  PetscFunctionReturn(0);
}

/*@
  FenDivergenceBestRadius - The largest mean over a ball: max over laws p with D_f(p|q) <= rho of <p,r>.

  Not Collective

  Input Parameters:
+ div  - the divergence
. n    - number of entries
. q    - the centre
. r    - the values
. rho  - the radius, >= 0
- warm - the multiplier of a similar problem, NAN for none

  Output Parameters:
+ p   - a law in the ball that comes within out->slack of the maximum, n entries; NULL if not wanted
- out - value (an upper bound), multiplier lambda, slack, passes

  Level: intermediate

.seealso: `FenDivergenceBestPenalty()`, `FenDivergenceWorstRadius()`
@*/
PetscErrorCode FenDivergenceBestRadius(FenDivergence div, FenInt n, const double q[], const double r[], double rho,
                                       double warm, double p[], FenWorstCase *out)
{
  double *minus;

  PetscFunctionBegin;
  PetscCall(FenBestNegate(div, n, r, &minus));
  PetscCall(FenDivergenceWorstRadius(div, n, q, minus, rho, FEN_SUPPORT_NOMINAL, 0, warm, p, out));
  out->value = -out->value;
  PetscFunctionReturn(0);
}

/*@
  FenDivergenceWorstPenaltyRows - `FenDivergenceWorstPenalty()` for many rows, each on its own support.

  Not Collective

  Input Parameters:
+ div    - the divergence
. nrows  - number of rows
. ptr    - row k is entries ptr[k] .. ptr[k+1]-1, nrows + 1
. q      - probabilities
. v      - values
. lambda - the penalty, > 0
- warm   - a multiplier for each row, NAN for none; replaced by those found; NULL: none

  Output Parameters:
+ p     - the minimising laws, as q; NULL if not wanted
- value - lower bounds of the minima, nrows

  Level: intermediate

.seealso: `FenDivergenceWorstRadiusRows()`
@*/
PetscErrorCode FenDivergenceWorstPenaltyRows(FenDivergence div, FenInt nrows, const FenInt ptr[], const double q[],
                                             const double v[], double lambda, double warm[], double p[], double value[])
{
  FenWorstCase out;

  PetscFunctionBegin;
  for (FenInt k = 0; k < nrows; k++) {
    const FenInt i = ptr[k];

    PetscCall(FenDivergenceWorstPenalty(div, ptr[k + 1] - i, q + i, v + i, lambda, FEN_SUPPORT_NOMINAL, 0,
                                        warm ? warm[k] : NAN, p ? p + i : NULL, &out));
    value[k] = out.value;
    if (warm)
      warm[k] = out.multiplier;
  }
  PetscFunctionReturn(0);
}

/*@
  FenDivergenceWorstRadiusRows - `FenDivergenceWorstRadius()` for many rows, each on its own support.

  Not Collective

  Input Parameters:
+ div   - the divergence
. nrows - number of rows
. ptr   - row k is entries ptr[k] .. ptr[k+1]-1, nrows + 1
. q     - probabilities
. v     - values
. rho   - the radius, >= 0
- warm  - a multiplier for each row, NAN for none; replaced by those found; NULL: none

  Output Parameters:
+ p     - laws in the balls, as q; NULL if not wanted
- value - lower bounds of the minima, nrows

  Level: intermediate

.seealso: `FenDivergenceWorstPenaltyRows()`
@*/
PetscErrorCode FenDivergenceWorstRadiusRows(FenDivergence div, FenInt nrows, const FenInt ptr[], const double q[],
                                            const double v[], double rho, double warm[], double p[], double value[])
{
  FenWorstCase out;

  PetscFunctionBegin;
  for (FenInt k = 0; k < nrows; k++) {
    const FenInt i = ptr[k];

    PetscCall(FenDivergenceWorstRadius(div, ptr[k + 1] - i, q + i, v + i, rho, FEN_SUPPORT_NOMINAL, 0,
                                       warm ? warm[k] : NAN, p ? p + i : NULL, &out));
    value[k] = out.value;
    if (warm)
      warm[k] = out.multiplier;
  }
  PetscFunctionReturn(0);
}
