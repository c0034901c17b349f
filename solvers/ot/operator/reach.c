/* SPDX-License-Identifier: BSD-2-Clause */
/*
   A potential of a cost |x-y|^p with p > 1 is as steep as its points lie far off: bounds by the largest value in a box
   would put nothing out of reach. A box therefore has a slope along each axis as well, fitted by least squares, and the
   largest of what the slopes leave; what they do along an axis is a function of the distance alone, concave, whose
   largest value on an interval is known.
*/
#include "reach.h"

#define ROUNDED  1e-12 /* of the size of what cancels in a bound */
#define PRODUCTS 16    /* twice the largest power that is made of products and a root */

PetscErrorCode FenReachSet(FenOTOperator op, PetscInt dim, PetscBool by_column, FenReach *R)
{
  double halves;

  PetscFunctionBegin;
  R->dim = (int)dim;
  R->by_column = by_column;
  R->root = (PetscBool)(op->kind == FEN_COST_EUCLIDEAN);
  R->unbounded = (PetscBool)(op->kind == FEN_COST_MATRIX);
  R->power = 2;
  if (op->kind == FEN_COST_POWER)
    PetscCall(FenCostGetPower(op->cost, &R->power));
  if (op->kind == FEN_COST_L1)
    R->power = 1;
  halves = 2 * R->power;
  R->halves = halves <= PRODUCTS && halves == floor(halves) ? (int)halves : 0;
  PetscFunctionReturn(0);
}

/* t^power, t >= 0 */
static double Raised(const FenReach *R, double t)
{
  double s = R->halves % 2 ? sqrt(t) : 1;

  if (!R->halves)
    return pow(t, R->power);
  for (int k = 1; k < R->halves; k += 2)
    s *= t;
  return s;
}

static PetscBool Steep(const FenReach *R)
{
  return (PetscBool)(R->power > 1 && !R->root);
}

/* t^(1/(power - 1)), t >= 0 */
static double Inverse(const FenReach *R, double t)
{
  if (R->halves == 4)
    return t;
  if (R->halves == 6)
    return sqrt(t);
  if (R->halves == 8)
    return cbrt(t);
  return R->halves == 3 ? t * t : pow(t, 1 / (R->power - 1));
}

/* largest q z - |z|^power for lo <= z <= hi; what cancels in it is added to the size */
static double Most(const FenReach *R, double q, double lo, double hi, double *size)
{
  const double best = Inverse(R, fabs(q) / R->power);
  const double z = PetscMax(lo, PetscMin(hi, copysign(best, q))), cost = Raised(R, fabs(z));

  *size += fabs(q * z) + cost;
  return q * z - cost;
}

/* ---- boxes: lowest and highest coordinates, then for each value the slopes and the largest of what they leave ---- */

static const double *Slope(const FenReach *R, const double box[], int value)
{
  return box + 2 * R->dim + value * (R->dim + 1);
}

/* of the values u along y, by least squares */
static double FitSlope(FenInt from, FenInt to, const double y[], const double u[])
{
  const double count = (double)(to - from);
  double       sum = 0, squares = 0, total = 0, mixed = 0;

  for (FenInt j = from; j < to; j++) {
    const double t = y[j] - y[from], r = u[j] - u[from];

    sum += t;
    squares += t * t;
    total += r;
    mixed += t * r;
  }
  squares = squares * count - sum * sum;
  return squares > 0 ? (mixed * count - sum * total) / squares : 0;
}

void FenReachEnclose(const FenReach *R, const FenReachPoints *P, FenInt from, FenInt to, double box[])
{
  const int d = R->dim, values = R->by_column ? 2 : 1;

  for (int k = 0; k < d; k++) {
    const double *y = P->x + k * P->ld;

    box[k] = HUGE_VAL;
    box[d + k] = -HUGE_VAL;
    for (FenInt j = from; j < to; j++) {
      box[k] = PetscMin(box[k], y[j]);
      box[d + k] = PetscMax(box[d + k], y[j]);
    }
  }
  for (int v = 0; v < values; v++) {
    double *slope = box + 2 * d + v * (d + 1), *most = slope + d, size = 0;

    for (int k = 0; k < d; k++) {
      slope[k] = Steep(R) ? FitSlope(from, to, P->x + k * P->ld, P->value[v]) : 0;
      size += fabs(slope[k]) * PetscMax(fabs(box[k]), fabs(box[d + k]));
    }
    *most = -HUGE_VAL;
    for (FenInt j = from; j < to; j++) {
      double r = P->value[v][j];

      for (int k = 0; k < d; k++)
        r -= slope[k] * P->x[k * P->ld + j];
      *most = PetscMax(*most, r);
    }
    *most += ROUNDED * (size + (isfinite(*most) ? fabs(*most) : 0));
  }
}

/* distance of two intervals, from the least and the last difference of their points */
static double Apart(double least, double last)
{
  return PetscMax(0.0, PetscMax(least, -last));
}

/* With slopes p, s the exponents of an axis are p x + s y - |x-y|^power = (p+s) (x+y)/2 + (p-s)/2 (x-y) - |x-y|^power,
   and p+s is small where entries are large */
static PetscBool MeetsSteep(const FenReach *R, const double a[], const double b[], int value)
{
  const int     d = R->dim;
  const double *p = Slope(R, a, value), *s = Slope(R, b, value);
  double        most = p[d] + s[d], size = 0;

  for (int k = 0; k < d; k++) {
    const double both = p[k] + s[k], q = (p[k] - s[k]) / 2;
    const double middle = (both > 0 ? a[d + k] + b[d + k] : a[k] + b[k]) / 2;

    most += both * middle + Most(R, q, a[k] - b[d + k], a[d + k] - b[k], &size);
    size += (fabs(p[k]) + fabs(s[k])) * fabs(middle);
  }
  return (PetscBool)(most + ROUNDED * size >= 0);
}

PetscBool FenReachMeets(const FenReach *R, const double a[], const double b[])
{
  const int d = R->dim, values = R->by_column ? 2 : 1;
  double    cost = 0;

  if (R->unbounded)
    return PETSC_TRUE;
  for (int v = 0; Steep(R) && v < values; v++)
    if (MeetsSteep(R, a, b, v))
      return PETSC_TRUE;
  if (Steep(R))
    return PETSC_FALSE;
  for (int k = 0; k < d; k++)
    cost += Raised(R, Apart(a[k] - b[d + k], a[d + k] - b[k]));
  if (R->root)
    cost = sqrt(cost);
  for (int v = 0; v < values; v++)
    if (Slope(R, a, v)[d] + Slope(R, b, v)[d] - cost + ROUNDED * cost >= 0)
      return PETSC_TRUE;
  return PETSC_FALSE;
}

/* with y = x - z the exponent of an axis is s x - s z - |z|^power */
double FenReachFrom(const FenReach *R, const double x[], FenInt ld, const double box[], int by_column)
{
  const int     d = R->dim;
  const double *slope = Slope(R, box, by_column);
  double        most = slope[d], cost = 0, size = 0;

  if (R->unbounded)
    return HUGE_VAL;
  for (int k = 0; k < d; k++) {
    const double at = x[k * ld], lo = at - box[d + k], hi = at - box[k]; /* of z */

    if (Steep(R)) {
      most += slope[k] * at + Most(R, -slope[k], lo, hi, &size);
      size += fabs(slope[k] * at);
    } else
      cost += Raised(R, Apart(lo, hi));
  }
  return most - (R->root ? sqrt(cost) : cost) + ROUNDED * size;
}

/* ---- pairs ---- */

/* distances along an axis to their powers */
static void RaiseAll(const FenReach *R, FenInt n, double t[])
{
  double s[FEN_CHUNK];

  if (!R->halves)
    for (FenInt j = 0; j < n; j++)
      t[j] = pow(t[j], R->power);
  if (R->halves <= 2)
    return;
  for (FenInt j = 0; j < n; j++)
    s[j] = R->halves % 2 ? sqrt(t[j]) : 1;
  for (int k = 1; k < R->halves; k += 2)
    for (FenInt j = 0; j < n; j++)
      s[j] *= t[j];
  for (FenInt j = 0; j < n; j++)
    t[j] = s[j];
}

void FenReachCosts(const FenReach *R, const double x[], FenInt ld, FenInt n, const double y[], FenInt lds, double t[])
{
  double sum[FEN_CHUNK] = {0}, power[FEN_CHUNK];

  for (int k = 0; k < R->dim; k++) {
    const double *yk = y + k * lds, xk = x[k * ld];

    if (R->halves == 4) {
      for (FenInt j = 0; j < n; j++)
        sum[j] += (xk - yk[j]) * (xk - yk[j]);
      continue;
    }
    for (FenInt j = 0; j < n; j++)
      power[j] = fabs(xk - yk[j]);
    RaiseAll(R, n, power);
    for (FenInt j = 0; j < n; j++)
      sum[j] += power[j];
  }
  for (FenInt j = 0; j < n; j++)
    t[j] -= R->root ? sqrt(sum[j]) : sum[j];
}
