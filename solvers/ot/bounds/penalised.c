/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Certified bounds where marginals are penalised, from the potential g alone, valid whatever g is.

   Lower bound: with f the best potential for g, and g+ the best one for f, the dual value of (f + t, g+ - t), t the
   best shift. Upper bound: every P >= 0 whose exact marginals hold is feasible. The plan of potentials (f, h), P_ij =
   a_i b_j exp((f_i + h_j - C_ij)/eps) with marginals r and c, costs

     <C,P> + eps KL(P | a x b) + F_a(r) + F_b(c)
       = dual value of (f, h) + sum_i (F_a(r_i) + F_a*(-f_i) + f_i r_i) + the same sum of h, c,

   where no cost occurs and each term is >= 0 and 0 at the optimum: the square of what is missing. h = g if the target's
   marginal may differ, so that two passes do; h = g+, whose plan has exact columns, if not. Exact rows: f = T(g).

   Unregularised: the dual value of hard transforms, shifted; <C,P> + F_a(r) + F_b(c) of the same plan.

   Rounding errors are those of certify.c; the mass of a row or column, an exponential, has the relative error of
   numbers as large as potentials over eps, and changes the upper bound by its price, which is 0 at the optimum; the
   upper bound of the unregularised problem by the derivative of the penalty, which is not.
*/
#include "../otimpl.h"
#include <math.h>

/* of one side */
enum { DUAL, MASS, SIZE, EXCESS, PENALTY, PRICE, ERROR, POTENTIAL, NSUMS };

typedef struct {
  const FenMarginal *M;
  FenInt             n;
  const double *w, *h, *soft; /* weights, potential, T of the other potential: mass of a point w e^((h-soft)/eps) */
} Side;

/* what bounds are made of: g+ and the sides of the feasible plan, which the operator has */
typedef struct {
  double  mass[2]; /* of the measures */
  Side    best[2]; /* f and g+ */
  Side    plan[2];
  double *soft, *r; /* of the feasible plan's rows, where it is not that of g */
} Plan;

/* `shift` is added to the potential where the dual is evaluated */
static void SumSide(const Side *s, double eps, double shift, FenDD sum[NSUMS])
{
  const FenMarginalOps *ops = s->M->ops;

  for (FenInt i = 0; i < s->n; i++) {
    const double w = s->w[i], h = s->h[i], l = s->M->exact ? 0 : PetscMin((h - s->soft[i]) / eps, 700.0);
    const double p = w * exp(l), wanted = FenMarginalWanted(s->M, w, h);

    if (!(w > 0))
      continue;
    FenMarginalDual(s->M, w, h + shift, &sum[DUAL]);
    FenDDAdd(&sum[MASS], p);
    FenDDAdd(&sum[SIZE], fabs(h + shift) * (w + FenMarginalWanted(s->M, w, h + shift) + p));
    FenDDAdd(&sum[EXCESS], ops->excess(s->M, w, h, l));
    FenDDAdd(&sum[PENALTY], ops->penalty(s->M, w, l));
    FenDDAdd(&sum[PRICE], p * fabs(ops->price(s->M, h, l)));
    FenDDAdd(&sum[ERROR], fabs(p - wanted));
    FenDDAdd(&sum[POTENTIAL], w * fabs(h));
  }
}

/* sums of both sides in v[2][NSUMS] */
static PetscErrorCode SumSides(FenOT ot, const Side side[2], double shift, double v[2][NSUMS])
{
  FenDD sum[2][NSUMS] = {{{0, 0}}};

  PetscFunctionBegin;
  SumSide(&side[0], ot->eps, shift, sum[0]);
  SumSide(&side[1], ot->eps, -shift, sum[1]);
  PetscCall(FenDDReduce(ot->op->comm, 2 * NSUMS, sum[0], v[0]));
  PetscFunctionReturn(0);
}

/* the best shift of two potentials */
static PetscErrorCode Shift(FenOT ot, const double f[], const double g[], double *t)
{
  FenDD  sum[2] = {{0, 0}};
  double wanted[2];

  PetscFunctionBegin;
  for (FenInt i = 0; i < ot->n; i++)
    FenDDAdd(&sum[0], FenMarginalWanted(&ot->marginal[0], ot->a[i], f[i]));
  for (FenInt j = 0; j < ot->m; j++)
    FenDDAdd(&sum[1], FenMarginalWanted(&ot->marginal[1], ot->b[j], g[j]));
  PetscCall(FenDDReduce(ot->op->comm, 2, sum, wanted));
  *t = FenMarginalShift(ot->marginal, wanted[0], wanted[1]);
  PetscFunctionReturn(0);
}

/* hard transforms of g: f, then h */
static PetscErrorCode LowerUnregularised(FenOT ot, double *lower)
{
  FenDD  sum[2] = {{0, 0}};
  double v[2], t, *f, *h = ot->wm2;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(ot->n, &f));
  PetscCall(FenOTHardTransform(ot->op, FEN_TO_SOURCE, ot->g, f));
  PetscCall(FenOTHardTransform(ot->op, FEN_TO_TARGET, f, h));
  PetscCall(Shift(ot, f, h, &t));
  for (FenInt i = 0; i < ot->n; i++)
    FenMarginalDual(&ot->marginal[0], ot->a[i], f[i] + t, &sum[0]);
  for (FenInt j = 0; j < ot->m; j++)
    FenMarginalDual(&ot->marginal[1], ot->b[j], h[j] - t, &sum[1]);
  PetscCall(PetscFree(f));
  PetscCall(FenDDReduce(ot->op->comm, 2, sum, v));
  *lower = v[0] + v[1];
  PetscFunctionReturn(0);
}

/* f, wm = T(f), wm2 = g+, and the plan */
static PetscErrorCode PlanMake(FenOT ot, Plan *p)
{
  const FenMarginal *M = ot->marginal;

  PetscFunctionBegin;
  PetscCall(PetscMemzero(p, sizeof(*p)));
  if (!ot->planned)
    PetscCall(FenOTPlan_Private(ot, ot->g));
  PetscCall(FenMeasureGetTotal(ot->source, &p->mass[0]));
  PetscCall(FenMeasureGetTotal(ot->target, &p->mass[1]));
  PetscCall(FenOTSoftTransform(ot->op, FEN_TO_TARGET, ot->f, ot->wm));
  for (FenInt j = 0; j < ot->m; j++) {
    ot->wm2[j] = FenMarginalUpdate(&M[1], ot->eps, ot->wm[j]);
    if (!(ot->b[j] > 0)) /* which no plan reaches: the potential that extends the others */
      ot->g[j] = ot->wm2[j];
  }
  p->best[0] = p->plan[0] = (Side){.M = &M[0], .n = ot->n, .w = ot->a, .h = ot->f, .soft = ot->soft};
  p->best[1] = p->plan[1] = (Side){.M = &M[1], .n = ot->m, .w = ot->b, .h = ot->wm2, .soft = ot->wm};
  if (M[1].exact) {
    PetscCall(PetscMalloc2(ot->n, &p->soft, ot->n, &p->r));
    PetscCall(FenOTSetPlan(ot->op, ot->wm2, p->soft));
    for (FenInt i = 0; i < ot->n; i++)
      p->r[i] = ot->a[i] > 0 ? ot->a[i] * exp((ot->f[i] - p->soft[i]) / ot->eps) : 0;
    p->plan[0].soft = p->soft;
  } else
    p->plan[1].h = ot->g;
  PetscFunctionReturn(0);
}

/* the operator's plan is that of g again */
static PetscErrorCode PlanDestroy(FenOT ot, Plan *p)
{
  PetscFunctionBegin;
  if (p->r)
    PetscCall(FenOTPlan_Private(ot, ot->g));
  PetscCall(PetscFree2(p->soft, p->r));
  PetscFunctionReturn(0);
}

/* relative error of the mass of a row or column */
static double Relative(FenOT ot, const Plan *P, double v[2][NSUMS])
{
  return 1.5 * PETSC_MACHINE_EPSILON * (v[0][POTENTIAL] / P->mass[0] + v[1][POTENTIAL] / P->mass[1]) / ot->eps;
}

PetscErrorCode FenOTRegularisedPenalised_Private(FenOT ot)
{
  FenOTBounds *B = &ot->bounds;
  const double eps = ot->eps;
  const double product = ot->product;
  double       low[2][NSUMS], up[2][NSUMS], t, relative, dual;
  Plan         P;

  PetscFunctionBegin;
  PetscCall(PlanMake(ot, &P));
  PetscCall(Shift(ot, P.best[0].h, P.best[1].h, &t));
  PetscCall(SumSides(ot, P.best, t, low));
  PetscCall(SumSides(ot, P.plan, 0, up));
  relative = Relative(ot, &P, up);
  PetscCall(PlanDestroy(ot, &P));
  dual = low[0][DUAL] + low[1][DUAL] - eps * (low[1][MASS] - product);
  B->slack =
      16 * PETSC_MACHINE_EPSILON * (low[0][SIZE] + low[1][SIZE] + low[1][MASS] * (ot->cost_max + eps) + eps * product) +
      eps * low[1][MASS] * ldexp((double)(ot->op->N[0] + ot->op->N[1]), -64);
  B->lower = dual - B->slack;
  B->slack += 16 * PETSC_MACHINE_EPSILON * (up[0][SIZE] + up[1][SIZE] + up[1][MASS] * ot->cost_max) +
              relative * (up[0][PRICE] + up[1][PRICE]);
  B->upper = up[0][DUAL] + up[1][DUAL] - eps * (up[1][MASS] - product) + up[0][EXCESS] + up[1][EXCESS] + B->slack;
  B->mass = up[1][MASS];
  B->marginal_error = (up[0][ERROR] + up[1][ERROR]) * FenOTErrorScale_Private(ot, B->mass);
  ot->base.progress.value = dual;
  PetscFunctionReturn(0);
}

PetscErrorCode FenOTUnregularisedPenalised_Private(FenOT ot)
{
  FenOTBounds  *B = &ot->bounds;
  double       *mean, v[2][NSUMS], slack;
  FenDD         sum = {0, 0};
  Plan          P;
  const double *rows;

  PetscFunctionBegin;
  PetscCall(PlanMake(ot, &P));
  PetscCall(SumSides(ot, P.plan, 0, v));
  rows = P.r ? P.r : ot->r;
  /* the penalty's derivative is price - h: of the size of the potentials */
  slack = B->slack + Relative(ot, &P, v) * (v[0][PRICE] + v[1][PRICE] + v[0][SIZE] + v[1][SIZE]);
  PetscCall(PetscMalloc1(ot->n, &mean));
  for (FenInt j = 0; j < ot->m; j++)
    ot->wm2[j] = 1;
  PetscCall(FenOTMultCost(ot->op, ot->wm2, mean));
  for (FenInt i = 0; i < ot->n; i++)
    FenDDAddProduct(&sum, rows[i], mean[i]);
  PetscCall(PetscFree(mean));
  PetscCall(PlanDestroy(ot, &P));
  PetscCall(FenDDReduce(ot->op->comm, 1, &sum, &B->cost));
  B->ot_upper = B->cost + v[0][PENALTY] + v[1][PENALTY] + slack;
  PetscCall(LowerUnregularised(ot, &B->ot_lower));
  B->ot_lower -= B->slack;
  PetscFunctionReturn(0);
}
