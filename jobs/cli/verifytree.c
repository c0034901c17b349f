/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Tighter couplings of two residuals: mass is matched inside small cells first, what is left inside cells twice as
   wide, and so on. Inside a cell the coupling is a product, whose cost comes from moments about the cell's centre for
   |x-y|^2; for norms and powers the moments (Jensen), the distances to the centre or the cell's width bound it from
   above.

   The pieces of one level have disjoint supports; the convexity of t log t, with each level's mass as its share, bounds
   the entropy of their sum. Cells are kept on all ranks, at most 4096 of them; memory and messages O(4096) a level.
*/
#include "verifyimpl.h"
#include <math.h>

#define TREE_CELLS 4096
#define TREE_DIM   8 /* coordinates at most; the first three are cut */

/* one side of a cell, positions relative to the cell's centre */
typedef struct {
  double mass, distance, first[TREE_DIM], square[TREE_DIM];
} Part;

typedef struct {
  FenVerify *v;
  PetscInt   dim, axes;
  FenInt     side, ncells; /* cells along an axis, cells */
  double     lo[TREE_DIM], width[TREE_DIM];
  Part (*cell)[2]; /* of source and target */
} Tree;

static void Position(const FenVerifySide *side, FenInt i, double x[])
{
  FenInt rest = side->first + i;

  for (PetscInt k = side->dim - 1; k >= 0; k--) {
    if (side->point) {
      x[k] = side->point[i * side->dim + k];
    } else {
      x[k] = side->origin[k] + side->spacing[k] * (double)(rest % side->shape[k]);
      rest /= side->shape[k];
    }
  }
}

/* the cell of a point, whose position becomes relative to the cell's centre */
static FenInt CellOf(const Tree *t, double x[])
{
  FenInt cell = 0;

  for (PetscInt k = 0; k < t->dim; k++) {
    const FenInt side = k < t->axes ? t->side : 1;
    const double at = t->width[k] > 0 ? (double)side * ((x[k] - t->lo[k]) / t->width[k]) : 0;
    const FenInt c = PetscMax(0, PetscMin(side - 1, (FenInt)at));

    cell = cell * side + c;
    x[k] -= t->lo[k] + ((double)c + 0.5) * t->width[k] / (double)side;
  }
  return cell;
}

static double Norm(const Tree *t, const double x[])
{
  double sum = 0;

  for (PetscInt k = 0; k < t->dim; k++)
    sum += t->v->kind == FEN_COST_L1 ? fabs(x[k]) : x[k] * x[k];
  return t->v->kind == FEN_COST_L1 ? sum : sqrt(sum);
}

static PetscErrorCode Extent(Tree *t)
{
  const FenVerifySide *sides[2] = {&t->v->a, &t->v->b};
  double               x[TREE_DIM], box[2 * TREE_DIM];

  PetscFunctionBegin;
  for (int k = 0; k < 2 * TREE_DIM; k++)
    box[k] = -INFINITY;
  for (int s = 0; s < 2; s++) {
    for (FenInt i = 0; i < sides[s]->nlocal; i++) {
      Position(sides[s], i, x);
      for (PetscInt k = 0; k < t->dim; k++) {
        box[2 * k] = fmax(box[2 * k], -x[k]);
        box[2 * k + 1] = fmax(box[2 * k + 1], x[k]);
      }
    }
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, box, 2 * TREE_DIM, MPI_DOUBLE, MPI_MAX, t->v->comm));
  for (PetscInt k = 0; k < t->dim; k++) {
    t->lo[k] = -box[2 * k];
    t->width[k] = box[2 * k + 1] + box[2 * k];
  }
  PetscFunctionReturn(0);
}

static void AddSide(Tree *t, const FenVerifySide *side, int s, const double e[])
{
  double x[TREE_DIM];

  for (FenInt i = 0; i < side->nlocal; i++) {
    Part *part;

    if (!(e[i] > 0))
      continue;
    Position(side, i, x);
    part = &t->cell[CellOf(t, x)][s];
    part->mass += e[i];
    part->distance += e[i] * Norm(t, x);
    for (PetscInt k = 0; k < t->dim; k++) {
      part->first[k] += e[i] * x[k];
      part->square[k] += e[i] * x[k] * x[k];
    }
  }
}

/* cost of the product coupling of mass mu inside one cell, or an upper bound */
static double CellCost(const Tree *t, const Part c[2], double mu)
{
  const FenCostKind kind = t->v->kind;
  const double      pa = mu / c[0].mass, pb = mu / c[1].mass;
  double            squares = 0, roots = 0, powers = 0;

  for (PetscInt k = 0; k < t->dim; k++) {
    const double mixed = 2 * (pa * c[0].first[k]) * (pb * c[1].first[k]) / mu;
    const double axis = fmax(0., pa * c[0].square[k] + pb * c[1].square[k] - mixed);

    squares += axis;
    roots += sqrt(mu * axis);
    if (kind == FEN_COST_POWER) /* Jensen; above 2 no difference is longer than the cell, but for rounding */
      powers += t->v->power <= 2 ? mu * pow(axis / mu, t->v->power / 2)
                                 : axis * pow(t->width[k] / (double)t->side * (1 + 1e-7), t->v->power - 2);
  }
  if (kind == FEN_COST_POWER)
    return powers;
  if (kind == FEN_COST_SQEUCLIDEAN)
    return squares;
  return fmin(pa * c[0].distance + pb * c[1].distance, kind == FEN_COST_L1 ? roots : sqrt(mu * squares));
}

/* takes the matched part out of the residuals and returns its sum p log(p/w) */
static double TakeSide(Tree *t, const FenVerifySide *side, int s, double e[])
{
  double x[TREE_DIM], entropy = 0;

  for (FenInt i = 0; i < side->nlocal; i++) {
    const Part *cell;
    double      share, p;

    if (!(e[i] > 0))
      continue;
    Position(side, i, x);
    cell = t->cell[CellOf(t, x)];
    share = fmin(cell[0].mass, cell[1].mass) / cell[s].mass;
    p = share < 1 ? e[i] * share : e[i];
    if (p > 0)
      entropy += p * log(p / side->weight[i]);
    e[i] = share < 1 ? e[i] - p : 0;
  }
  return entropy;
}

static PetscErrorCode Level(Tree *t, double ea[], double eb[], FenVerifyCoupling *coupling)
{
  double      entropy, eta = 0;
  PetscMPIInt count;

  PetscFunctionBegin;
  PetscCall(FenMPIIntCast(t->ncells * (FenInt)(2 * sizeof(Part) / sizeof(double)), &count));
  PetscCall(PetscArrayzero(t->cell, t->ncells));
  AddSide(t, &t->v->a, 0, ea);
  AddSide(t, &t->v->b, 1, eb);
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, t->cell, count, MPI_DOUBLE, MPI_SUM, t->v->comm));
  entropy = TakeSide(t, &t->v->a, 0, ea) + TakeSide(t, &t->v->b, 1, eb);
  PetscCall(FenVerifySum_Private(t->v->comm, &entropy));
  for (FenInt c = 0; c < t->ncells; c++) {
    const double mu = fmin(t->cell[c][0].mass, t->cell[c][1].mass);

    if (!(mu > 0))
      continue;
    coupling->cost += CellCost(t, t->cell[c], mu);
    entropy -= mu * log(mu);
    eta += mu;
  }
  if (eta > 0)
    coupling->entropy += entropy - eta * log(eta);
  PetscFunctionReturn(0);
}

/* from cells of a given number along an axis up to the whole domain */
static PetscErrorCode Climb(Tree *t, FenInt finest, double ea[], double eb[], FenVerifyCoupling *coupling)
{
  PetscFunctionBegin;
  coupling->cost = coupling->entropy = 0;
  for (t->side = finest; t->side >= 1; t->side /= 2) {
    t->ncells = 1;
    for (PetscInt k = 0; k < t->axes; k++)
      t->ncells *= t->side;
    PetscCall(Level(t, ea, eb, coupling));
  }
  PetscFunctionReturn(0);
}

/* every coupling is feasible, so the best one counts for each of the two bounds; which start is best is not known */
PetscErrorCode FenVerifyCoupleTree_Private(FenVerify *v, const double ea[], const double eb[], double *cost,
                                           double *regularised)
{
  Tree    t = {.v = v, .dim = v->a.dim, .axes = PetscMin(3, v->a.dim)};
  FenInt  side = 1;
  double *la, *lb;

  PetscFunctionBegin;
  if (v->a.dim > TREE_DIM || v->kind == FEN_COST_MATRIX)
    PetscFunctionReturn(0);
  PetscCall(Extent(&t));
  PetscCall(PetscMalloc3(v->a.nlocal + 1, &la, v->b.nlocal + 1, &lb, TREE_CELLS, &t.cell));
  for (; pow((double)side, (double)t.axes) <= TREE_CELLS; side *= 2) {
    FenVerifyCoupling coupling;

    PetscCall(PetscArraycpy(la, ea, v->a.nlocal));
    PetscCall(PetscArraycpy(lb, eb, v->b.nlocal));
    PetscCall(Climb(&t, side, la, lb, &coupling));
    *cost = fmin(*cost, coupling.cost);
    *regularised = fmin(*regularised, coupling.cost + v->eps * coupling.entropy);
  }
  PetscCall(PetscFree3(la, lb, t.cell));
  PetscFunctionReturn(0);
}
