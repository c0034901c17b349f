/* SPDX-License-Identifier: BSD-2-Clause */
/*
   A cheap coupling of the residuals ra (on the source) and rb (on the target), local first.

   Rank-one rounding moves residual mass across the whole domain. Here the domain is cut into 2^L cells an axis; what
   source and target have in common in a cell is coupled inside it (as a product), the rest goes to the cell of twice
   the size, up to the whole domain. For |x-y|^2 the cost of a product of two residuals needs their moments only; for
   |x-y| and l1 Jensen's inequality bounds it by them, for |x-y|^p with p above 2 the width of the cell beside. So one
   sum over ranks of a few numbers a cell is all: O(n+m) work.

   Entropy: for E = sum_T E_T, E_T = alpha beta^T/eta_T, log-sum inequality gives
   sum E log(E/(eta_T a x b)) <= sum_T [sum alpha log(alpha/a) + sum beta log(beta/b) - 2 eta_T log eta_T]; with
   alpha = (eta_T/A) ra this is (eta_T/A) sum ra log(ra/a) - eta_T log A, the same for beta.
*/
#include "../otimpl.h"
#include <math.h>

typedef struct {
  PetscInt dim, axes; /* coordinates; axes that are cut */
  PetscInt levels;    /* 2^levels cells an axis */
  PetscInt width;     /* numbers a cell: mass, entropy, first and second moments */
  FenInt   cells;
  double  *lo, *hi;
  double  *cell[2];
} Tree;

/* coordinates of my points; those of a grid are not stored for this */
typedef struct {
  const double *stored; /* NULL: grid */
  PetscInt      dim;
  FenInt        lo[FEN_MAX_DIM], width[FEN_MAX_DIM];
  double        spacing[FEN_MAX_DIM], origin[FEN_MAX_DIM], x[FEN_MAX_DIM];
} Points;

static PetscErrorCode PointsOf(FenMeasure mu, Points *P)
{
  FenMeasureKind kind;
  FenLayout      layout;
  FenBox         box;

  PetscFunctionBegin;
  *P = (Points){0};
  PetscCall(FenMeasureGetDim(mu, &P->dim));
  PetscCall(FenMeasureGetKind(mu, &kind));
  if (kind != FEN_MEASURE_GRID) {
    PetscCall(FenMeasureGetPoints(mu, &P->stored));
    PetscFunctionReturn(0);
  }
  PetscCall(FenMeasureGetGrid(mu, NULL, P->spacing, P->origin));
  PetscCall(FenMeasureGetLayout(mu, &layout));
  PetscCall(FenLayoutGetBox(layout, -1, &box));
  for (int k = 0; k < FEN_MAX_DIM; k++) {
    P->lo[k] = box.lo[k];
    P->width[k] = PetscMax(1, box.hi[k] - box.lo[k]);
  }
  PetscFunctionReturn(0);
}

static inline const double *Point(Points *P, FenInt i)
{
  if (P->stored)
    return P->stored + i * P->dim;
  for (PetscInt k = P->dim - 1; k >= 0; k--) {
    P->x[k] = P->origin[k] + (double)(P->lo[k] + i % P->width[k]) * P->spacing[k];
    i /= P->width[k];
  }
  return P->x;
}

/* at most about a thousand cells, so that the one reduction stays small on any number of ranks */
static PetscErrorCode TreeCreate(FenOT ot, Tree *T)
{
  static const PetscInt levels[4] = {0, 10, 5, 3};
  double               *box;

  PetscFunctionBegin;
  PetscCall(FenMeasureGetDim(ot->op->measure[0], &T->dim));
  T->axes = PetscMin(T->dim, 3);
  T->levels = T->dim > 8 ? 0 : levels[T->axes];
  T->width = 2 + 2 * T->dim;
  T->cells = (FenInt)1 << (T->levels * T->axes);
  PetscCall(PetscMalloc1((size_t)(2 * T->dim), &box));
  PetscCall(PetscMalloc1((size_t)(2 * T->dim), &T->lo));
  for (PetscInt k = 0; k < 2 * T->dim; k++)
    box[k] = HUGE_VAL;
  for (int s = 0; s < 2; s++) { /* lower ends and negated upper ends, one reduction */
    const FenMeasure mu = ot->op->measure[s];
    Points           P;

    PetscCall(PointsOf(mu, &P));
    for (FenInt i = 0; i < (s ? ot->m : ot->n); i++) {
      const double *x = Point(&P, i);

      for (PetscInt k = 0; k < T->dim; k++) {
        box[k] = PetscMin(box[k], x[k]);
        box[T->dim + k] = PetscMin(box[T->dim + k], -x[k]);
      }
    }
  }
  PetscCallMPI(MPI_Allreduce(box, T->lo, (PetscMPIInt)(2 * T->dim), MPI_DOUBLE, MPI_MIN, ot->op->comm));
  T->hi = T->lo + T->dim;
  for (PetscInt k = 0; k < T->dim; k++)
    T->hi[k] = -T->hi[k];
  PetscCall(PetscFree(box));
  PetscCall(PetscCalloc1((size_t)(2 * T->cells * T->width), &T->cell[0]));
  T->cell[1] = T->cell[0] + T->cells * T->width;
  PetscFunctionReturn(0);
}

static FenInt CellOf(const Tree *T, const double x[])
{
  const FenInt side = (FenInt)1 << T->levels;
  FenInt       c = 0;

  for (PetscInt k = 0; k < T->axes; k++) {
    const double w = T->hi[k] - T->lo[k];
    FenInt       i = w > 0 ? (FenInt)((double)side * ((x[k] - T->lo[k]) / w)) : 0;

    c = c * side + PetscMax(0, PetscMin(i, side - 1));
  }
  return c;
}

static PetscErrorCode Collect(FenMeasure mu, FenInt n, const double w[], const double r[], const Tree *T, double cell[])
{
  Points P;

  PetscFunctionBegin;
  PetscCall(PointsOf(mu, &P));
  for (FenInt i = 0; i < n; i++) {
    const double *x;
    double       *c;

    if (r[i] <= 0)
      continue;
    x = Point(&P, i);
    c = cell + T->width * CellOf(T, x);
    c[0] += r[i];
    c[1] += r[i] * log(r[i] / w[i]);
    for (PetscInt k = 0; k < T->dim; k++) {
      const double z = x[k] - 0.5 * (T->lo[k] + T->hi[k]);

      c[2 + k] += r[i] * z;
      c[2 + T->dim + k] += r[i] * z * z;
    }
  }
  PetscFunctionReturn(0);
}

/* bound of sum E_ij |x_ik - y_jk|^p over pairs in one cell, from the sum v of squares and the mass */
static double PowerCost(double p, double eta, double v, double width)
{
  return p <= 2 ? eta * pow(v / eta, p / 2) : v * pow(width, p - 2);
}

/* couples what a cell's two sides have in common and takes it away from both */
static void CoupleCell(const Tree *T, FenCostKind kind, double power, PetscInt level, double A[], double B[],
                       FenRounding *R)
{
  const double eta = PetscMin(A[0], B[0]);
  double       s, t, cost = 0;

  if (!(eta > 1e-290))
    return;
  s = eta / A[0];
  t = eta / B[0];
  for (PetscInt k = 0; k < T->dim; k++) {
    const double v = s * A[2 + T->dim + k] + t * B[2 + T->dim + k] - 2 * (s * A[2 + k]) * (t * B[2 + k]) / eta;

    if (kind == FEN_COST_POWER)
      cost += PowerCost(power, eta, PetscMax(v, 0.0), 1.0000001 * ldexp(T->hi[k] - T->lo[k], -(int)level));
    else
      cost += kind == FEN_COST_L1 ? sqrt(eta * PetscMax(v, 0.0)) : PetscMax(v, 0.0);
  }
  R->mass += eta;
  R->cost += kind == FEN_COST_EUCLIDEAN ? sqrt(eta * cost) : cost;
  R->entropy += s * A[1] - eta * log(A[0]) + t * B[1] - eta * log(B[0]);
  for (PetscInt k = 0; k < T->width; k++) {
    A[k] *= 1 - s;
    B[k] *= 1 - t;
  }
}

/* cells of twice the size, in place: the parent of a cell comes no later than the cell */
static void Merge(const Tree *T, PetscInt level, double cell[])
{
  const FenInt side = (FenInt)1 << level, half = side / 2, n = (FenInt)1 << (level * T->axes);
  double       keep[2 + 2 * 8]; /* trees with more than one level have at most eight coordinates */

  for (FenInt c = 0; c < n; c++) {
    FenInt parent = 0, stride = 1, rest = c;

    for (PetscInt k = 0; k < T->axes; k++, stride *= half, rest /= side)
      parent += (rest % side) / 2 * stride;
    memcpy(keep, cell + c * T->width, (size_t)T->width * sizeof(double));
    memset(cell + c * T->width, 0, (size_t)T->width * sizeof(double));
    for (PetscInt k = 0; k < T->width; k++)
      cell[parent * T->width + k] += keep[k];
  }
}

/* nothing is known of the cost of moments: one product, its cost summed exactly */
static PetscErrorCode CoupleMatrix(FenOT ot, const double ra[], const double rb[], FenRounding *R)
{
  FenDD  sum[4] = {{0, 0}};
  double s[4], cost;

  PetscFunctionBegin;
  for (FenInt i = 0; i < ot->n; i++)
    if (ra[i] > 0) {
      FenDDAdd(&sum[0], ra[i]);
      FenDDAddProduct(&sum[1], ra[i], log(ra[i] / ot->a[i]));
    }
  for (FenInt j = 0; j < ot->m; j++)
    if (rb[j] > 0) {
      FenDDAdd(&sum[2], rb[j]);
      FenDDAddProduct(&sum[3], rb[j], log(rb[j] / ot->b[j]));
    }
  PetscCall(FenDDReduce(ot->op->comm, 4, sum, s));
  PetscCall(FenOTProductCost(ot->op, ra, rb, &cost));
  if (PetscMin(s[0], s[2]) > 1e-290) {
    R->mass = PetscMin(s[0], s[2]);
    R->cost = cost * R->mass / (s[0] * s[2]);
    R->entropy = R->mass / s[0] * s[1] - R->mass * log(s[0]) + R->mass / s[2] * s[3] - R->mass * log(s[2]);
  }
  PetscFunctionReturn(0);
}

PetscErrorCode FenOTCoupleResiduals_Private(FenOT ot, const double ra[], const double rb[], FenRounding *R)
{
  Tree   T = {0};
  double power;

  PetscFunctionBegin;
  *R = (FenRounding){0, 0, 0};
  if (ot->op->kind == FEN_COST_MATRIX || ot->op->kind == FEN_COST_FUNCTION) {
    PetscCall(CoupleMatrix(ot, ra, rb, R));
    PetscFunctionReturn(0);
  }
  PetscCall(FenCostGetPower(ot->op->cost, &power));
  PetscCall(TreeCreate(ot, &T));
  PetscCall(Collect(ot->op->measure[0], ot->n, ot->a, ra, &T, T.cell[0]));
  PetscCall(Collect(ot->op->measure[1], ot->m, ot->b, rb, &T, T.cell[1]));
  PetscCallMPI(
      MPI_Allreduce(MPI_IN_PLACE, T.cell[0], (PetscMPIInt)(2 * T.cells * T.width), MPI_DOUBLE, MPI_SUM, ot->op->comm));
  for (PetscInt level = T.levels; level >= 0; level--) {
    const FenInt n = (FenInt)1 << (level * T.axes);

    for (FenInt c = 0; c < n; c++)
      CoupleCell(&T, ot->op->kind, power, level, T.cell[0] + c * T.width, T.cell[1] + c * T.width, R);
    for (int s = 0; level && s < 2; s++)
      Merge(&T, level, T.cell[s]);
  }
  PetscCall(PetscFree(T.lo));
  PetscCall(PetscFree(T.cell[0]));
  PetscFunctionReturn(0);
}
