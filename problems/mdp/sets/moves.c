/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Sets in which mass moves between entries at a cost, l1 and wasserstein. At a price for the cost every entry chooses
   its move by itself. The worst case within a radius is the maximum over prices of (value at the price - price radius),
   concave and piecewise linear: tangents from both sides meet above it, and at it once they belong to its two pieces;
   the law is then the mixture of both sides that uses the radius up. Exact, a few evaluations.
*/
#include "setsimpl.h"

#define MAX_PIECES 200

static void Evaluate(FenSetWork s, const FenMoveSet *set, double price, FenInt to[], FenMoves *m)
{
  m->price = price;
  set->moves(s, set, price, to, m);
}

static void Move(const FenMoveSet *set, const FenInt to[], double share, double law[])
{
  for (FenInt j = 0; j < set->n; j++)
    law[to[j]] += share * set->q[j];
}

static void SwapMoves(FenInt **a, FenInt **b)
{
  FenInt *const t = *a;

  *a = *b;
  *b = t;
}

/* from no cost on the right to too much on the left; `upper` is a bound of the maximum, which is returned */
static double Search(FenSetWork s, const FenMoveSet *set, double radius, double tol, FenMoves *left, FenMoves *right,
                     double *upper, FenInt *its)
{
  double best = PetscMax(left->value - left->price * radius, right->value - right->price * radius);

  *upper = HUGE_VAL;
  for (*its = 2; *its < MAX_PIECES; (*its)++) {
    const double sl = left->amount - radius, sr = right->amount - radius;
    const double gl = left->value - left->price * radius, gr = right->value - right->price * radius;
    const double meet = (gr - gl + sl * left->price - sr * right->price) / (sl - sr);
    FenMoves     m;

    *upper = PetscMax(best, PetscMin(*upper, gl + sl * (meet - left->price)));
    if (*upper - best <= tol || !(meet > left->price && meet < right->price))
      break;
    Evaluate(s, set, meet, s->to, &m);
    best = PetscMax(best, m.value - meet * radius);
    if (m.amount > radius) {
      *left = m;
      SwapMoves(&s->to, &s->left);
    } else {
      *right = m;
      SwapMoves(&s->to, &s->right);
    }
  }
  return best;
}

PetscErrorCode FenMovesRadius_Private(FenSetWork s, const FenMoveSet *set, const double z[], double radius,
                                      double law[], FenWorstCase *out)
{
  const FenInt n = set->n;
  double       zmin, spread, e, best, upper, share;
  FenMoves     left, right;
  FenInt       its = 1;

  PetscFunctionBegin;
  PetscCall(FenSetWorkReserve_Private(s, n));
  zmin = FenSetWorkCentre_Private(s, n, z, &spread);
  e = FenRowRounding(n, spread, zmin);
  Evaluate(s, set, 0, s->left, &left);
  if (left.amount <= radius || spread <= 0) {
    best = upper = left.value;
    share = 1;
  } else {
    Evaluate(s, set, 2 * set->high * spread, s->right, &right); /* beyond what rounding could tip */
    best = Search(s, set, radius, 0.5 * e, &left, &right, &upper, &its);
    share = left.amount > right.amount ? (radius - right.amount) / (left.amount - right.amount) : 0;
    share = PetscMin(PetscMax(share, 0), 1);
  }
  if (law) {
    PetscCall(PetscArrayzero(law, n));
    Move(set, s->left, share, law);
    if (share < 1)
      Move(set, s->right, 1 - share, law);
  }
  *out = (FenWorstCase){.value = zmin + best - e, .slack = upper - best + 2 * e, .its = its};
  PetscFunctionReturn(0);
}

PetscErrorCode FenMovesPrice_Private(FenSetWork s, const FenMoveSet *set, const double z[], double price, double law[],
                                     FenWorstCase *out)
{
  double   zmin, spread, e;
  FenMoves m;

  PetscFunctionBegin;
  PetscCall(FenSetWorkReserve_Private(s, set->n));
  zmin = FenSetWorkCentre_Private(s, set->n, z, &spread);
  e = FenRowRounding(set->n, spread, zmin);
  Evaluate(s, set, price, s->to, &m);
  if (law) {
    PetscCall(PetscArrayzero(law, set->n));
    Move(set, s->to, 1, law);
  }
  *out = (FenWorstCase){.value = zmin + m.value - e, .slack = 2 * e, .its = 1};
  PetscFunctionReturn(0);
}
