/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Certified bounds from the potential g alone, valid whatever g is.

   With f = T(g) the plan P = diag(a) E has exact rows; c = P^T 1. Weak duality: for g+ = T(f) the dual value is
   <a,f> + <b,g+> <= OT_eps. Feasible rounding (Altschuler, Weed, Rigollet, NIPS 2017) on the column side: Q = P diag(S)
   with S = min(1, b/c), residuals ra = a - Q 1 and rb = b - Q^T 1 of mass eta, a coupling of them added. With
   Q_ij = a_i b_j exp((f_i + g_j + eps log S_j - C_ij)/eps) the cost cancels, and by the log-sum inequality

     OT_eps <= <Q1, f> + <Q^T 1, g + eps log S> - eps (1-eta) log(1-eta) + cost(E) + eps entropy(E).

   Unregularised: hard transforms make a feasible dual, <C, Q + E> is the cost of a feasible plan.

   Rounding errors: exponents are computed to a few units of the largest cost, passed-over terms are below
   (n+m) 2^-64; both bounds are widened by the sum of such errors. Masses of the rounded plan are exponentials, whose
   relative errors are those of numbers as large as potentials over eps; upper bounds weigh these masses with potentials
   and costs and are widened by that as well. `slack` is the larger of the two.
*/
#include "../otimpl.h"
#include <math.h>

/* S = min(1, b/c), c from g and g+; fills wm = S, wm2 = S c, and sums what needs the columns. Targets without mass,
   which no plan reaches, get the potential that extends the others */
static void Columns(FenOT ot, const double gplus[], FenDD sum[])
{
  const double eps = ot->eps;

  for (FenInt j0 = 0; j0 < ot->m; j0 += FEN_DD_PIECE) {
    const FenInt j1 = PetscMin(j0 + FEN_DD_PIECE, ot->m);
    double       kept[FEN_DD_PIECE], price[FEN_DD_PIECE], off[FEN_DD_PIECE], large[FEN_DD_PIECE];

    FenDDAddDot(&sum[0], j1 - j0, ot->b + j0, gplus + j0);
    for (FenInt j = j0, k = 0; j < j1; j++, k++) {
      const double d = (ot->g[j] - gplus[j]) / eps, b = ot->b[j];
      const double ratio = b > 0 ? exp(PetscMin(d, 700.0)) : 1; /* c/b */
      const double S = PetscMin(1.0, 1 / ratio);

      kept[k] = S * ratio * b;
      price[k] = ot->g[j] + (d > 0 ? -eps * d : 0);
      off[k] = b * fabs(ratio - 1);
      large[k] = fabs(gplus[j]);
      if (!(b > 0))
        ot->g[j] = gplus[j];
      ot->wm[j] = S; /* gplus may be this array */
      ot->wm2[j] = PetscMax(0.0, b - kept[k]);
    }
    FenDDAddDot(&sum[1], j1 - j0, kept, price);
    FenDDAddSum(&sum[2], j1 - j0, off);
    FenDDAddDot(&sum[3], j1 - j0, ot->b + j0, large);
  }
}

static PetscErrorCode Unregularised(FenOT ot, FenOTBounds *B, double coupling_cost)
{
  double *f, *g = ot->wm2, lower[2];
  FenDD   sum[3] = {{0, 0}};

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(ot->n, &f));
  PetscCall(FenOTMultCost(ot->op, ot->wm, f)); /* wm still holds S */
  for (FenInt i = 0; i < ot->n; i++)
    FenDDAddProduct(&sum[0], ot->a[i], f[i]);
  PetscCall(FenDDReduce(ot->op->comm, 1, sum, &B->cost));
  B->cost += coupling_cost + B->slack;
  PetscCall(FenOTHardTransform(ot->op, FEN_TO_SOURCE, ot->g, f));
  PetscCall(FenOTHardTransform(ot->op, FEN_TO_TARGET, f, g));
  for (FenInt i = 0; i < ot->n; i++)
    FenDDAddProduct(&sum[1], ot->a[i], ot->a[i] > 0 ? f[i] : 0);
  for (FenInt j = 0; j < ot->m; j++)
    FenDDAddProduct(&sum[2], ot->b[j], ot->b[j] > 0 ? g[j] : 0);
  PetscCall(PetscFree(f));
  PetscCall(FenDDReduce(ot->op->comm, 2, sum + 1, lower));
  B->ot_lower = lower[0] + lower[1] - B->slack;
  B->ot_upper = B->cost;
  PetscFunctionReturn(0);
}

/* both marginals exact */
static PetscErrorCode RegularisedExact(FenOT ot)
{
  FenOTBounds *B = &ot->bounds;
  const double eps = ot->eps;
  double      *gplus = ot->wm, *q, s[7]; /* q: rows of Q, then what is kept of them, then their residuals */
  FenDD        sum[7] = {{0, 0}};
  FenRounding *R = &ot->rounding;

  PetscFunctionBegin;
  if (!ot->planned)
    PetscCall(FenOTSetPlan(ot->op, ot->g, ot->f));
  PetscCall(FenOTSoftTransform(ot->op, FEN_TO_TARGET, ot->f, gplus));
  Columns(ot, gplus, sum);
  PetscCall(PetscMalloc1(ot->n, &q));
  PetscCall(FenOTMult(ot->op, 1, ot->wm, q));
  for (FenInt i0 = 0; i0 < ot->n; i0 += FEN_DD_PIECE) {
    const FenInt i1 = PetscMin(i0 + FEN_DD_PIECE, ot->n);
    double       large[FEN_DD_PIECE];

    for (FenInt i = i0; i < i1; i++) {
      q[i] = ot->a[i] * PetscMin(1.0, q[i]);
      large[i - i0] = fabs(ot->f[i]);
    }
    FenDDAddDot(&sum[5], i1 - i0, q + i0, ot->f + i0);
    FenDDAddDot(&sum[6], i1 - i0, ot->a + i0, large);
  }
  FenDDAddDot(&sum[4], ot->n, ot->a, ot->f);
  for (FenInt i = 0; i < ot->n; i++)
    q[i] = ot->a[i] - q[i];
  PetscCall(FenDDReduce(ot->op->comm, 7, sum, s));
  PetscCall(FenOTCoupleResiduals_Private(ot, q, ot->wm2, R));
  PetscCall(PetscFree(q));
  B->marginal_error = s[2];
  B->slack = 16 * PETSC_MACHINE_EPSILON * (s[3] + s[6] + ot->cost_max + eps) +
             eps * ldexp((double)(ot->op->N[0] + ot->op->N[1]), -64);
  B->lower = s[4] + s[0] - B->slack;
  B->slack += 1.5 * PETSC_MACHINE_EPSILON * (s[3] + s[6]) * ((s[3] + s[6]) / eps);
  B->upper =
      s[5] + s[1] - eps * (1 - R->mass) * log1p(-PetscMin(R->mass, 1 - 1e-16)) + R->cost + eps * R->entropy + B->slack;
  B->mass = 1;
  ot->base.progress.value = s[4] + s[0];
  PetscFunctionReturn(0);
}

static PetscErrorCode Regularised(FenOT ot)
{
  const FenOTBounds *B = &ot->bounds;

  PetscFunctionBegin;
  PetscCall(ot->relaxed ? FenOTRegularisedPenalised_Private(ot) : RegularisedExact(ot));
  PetscCall(FenSolverUpdateBounds_Private((FenSolver)ot, B->lower, B->upper, 0));
  if (PetscMax(fabs(B->lower), fabs(B->upper)) <= 4 * B->slack) /* zero, but for rounding: no gap is small beside it */
    ot->base.progress.gap_rel = 0;
  ot->certified_at = ot->base.progress.iteration;
  PetscFunctionReturn(0);
}

PetscErrorCode FenOTCertify_Private(FenOT ot, FenBoundsWanted wanted)
{
  PetscFunctionBegin;
  if (ot->certified_at != ot->base.progress.iteration) { /* once an iteration: g does not change after it */
    const FenOTWays before = ot->op->ways;
    const FenInt    told = ot->op->told;

    ot->op->told = told < 0 ? before.plan : told; /* a plan that is made again stays what it is */
    FenOTSetWays_Private(ot->op, NULL);           /* and bounds depend on potentials alone */
    PetscCall(Regularised(ot));
    FenOTSetWays_Private(ot->op, &before);
    ot->op->told = told;
  }
  if (wanted == FEN_BOUNDS_ALL)
    PetscCall(ot->relaxed ? FenOTUnregularisedPenalised_Private(ot)
                          : Unregularised(ot, &ot->bounds, ot->rounding.cost));
  PetscFunctionReturn(0);
}

PetscErrorCode FenOTCheckGap_Private(FenOT ot, FenGapSchedule *when, double error)
{
  const FenProgress *p = &ot->base.progress;
  const double       goal = ot->base.gap_rel;
  double             shrink = 0.5;

  PetscFunctionBegin;
  if ((error > when->error || goal <= 0) && p->iteration - when->iteration < 100)
    PetscFunctionReturn(0);
  PetscCall(FenOTCertify_Private(ot, FEN_BOUNDS_REGULARISED));
  when->iteration = p->iteration;
  if (goal > 0 && p->gap_rel > 0) /* the gap is about proportional to the error; of penalties, to its square */
    shrink = PetscMax(0.05, PetscMin(pow(0.8 * goal / p->gap_rel, ot->relaxed ? 0.55 : 1.1), 0.7));
  when->error = error * shrink;
  PetscFunctionReturn(0);
}
