/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Bounds of transport with penalised marginals from the potentials alone:

     minimise  <C,P> + eps KL(P | a x b) + rho_a KL(P 1 | a) + rho_b KL(P^T 1 | b)  over P >= 0,

   a side without penalty being exact. The dual value of any potentials is a lower bound. The plan of potentials (f, h)
   has the marginals r and c and the primal value <f,r> + <h,c> - eps (mass - sum a sum b) + rho_a KL(r|a) +
   rho_b KL(c|b), an upper bound if exact marginals hold: by f = T(h) the source's, by h = T(f) the target's.
*/
#include "verifyimpl.h"
#include <math.h>

typedef struct {
  double *f, *fsoft, *r, *cost; /* of my sources; cost: mean cost of a row */
  double *g, *gsoft, *c;        /* of my targets */
} Work;

/* the best potential for the other one's soft transform */
static double Best(const FenVerify *v, const FenVerifySide *s, double soft)
{
  return s->rho > 0 ? soft * s->rho / (s->rho + v->eps) : soft;
}

static PetscErrorCode DualTerm(FenVerify *v, const FenVerifySide *s, const double h[], double shift, double *sum)
{
  PetscFunctionBegin;
  *sum = 0;
  for (FenInt i = 0; i < s->nlocal; i++)
    if (s->weight[i] > 0)
      *sum += s->weight[i] * (s->rho > 0 ? -s->rho * expm1(-(h[i] + shift) / s->rho) : h[i] + shift);
  PetscCall(FenVerifySum_Private(v->comm, sum));
  PetscFunctionReturn(0);
}

/* the mass that potentials ask for */
static PetscErrorCode Asked(FenVerify *v, const FenVerifySide *s, const double h[], double *sum)
{
  PetscFunctionBegin;
  *sum = 0;
  for (FenInt i = 0; i < s->nlocal; i++)
    if (s->weight[i] > 0)
      *sum += s->weight[i] * (s->rho > 0 ? exp(-h[i] / s->rho) : 1);
  PetscCall(FenVerifySum_Private(v->comm, sum));
  PetscFunctionReturn(0);
}

/* -F_a*(-f-t) - F_b*(-g+t) with the best t: exp(t (1/rho_a + 1/rho_b)) is the ratio of what both sides ask for */
static PetscErrorCode ShiftedDual(FenVerify *v, const double f[], const double g[], double *sum)
{
  const double stiffness = (v->a.rho > 0 ? 1 / v->a.rho : 0) + (v->b.rho > 0 ? 1 / v->b.rho : 0);
  double       asked[2], term[2], t;

  PetscFunctionBegin;
  PetscCall(Asked(v, &v->a, f, &asked[0]));
  PetscCall(Asked(v, &v->b, g, &asked[1]));
  t = asked[0] > 0 && asked[1] > 0 ? log(asked[0] / asked[1]) / stiffness : 0;
  PetscCall(DualTerm(v, &v->a, f, t, &term[0]));
  PetscCall(DualTerm(v, &v->b, g, -t, &term[1]));
  *sum = term[0] + term[1];
  PetscFunctionReturn(0);
}

/* masses of rows (columns) of the plan: w exp((h - soft)/eps) */
static PetscErrorCode Masses(FenVerify *v, const FenVerifySide *s, const double h[], const double soft[], double p[],
                             double *sum)
{
  PetscFunctionBegin;
  *sum = 0;
  for (FenInt i = 0; i < s->nlocal; i++) {
    p[i] = s->weight[i] > 0 ? s->weight[i] * exp((h[i] - soft[i]) / v->eps) : 0;
    *sum += p[i];
  }
  PetscCall(FenVerifySum_Private(v->comm, sum));
  PetscFunctionReturn(0);
}

/* <h,p>, rho KL(p|w) and the error of p: |p - w exp(-h/rho)| */
static PetscErrorCode PrimalTerms(FenVerify *v, const FenVerifySide *s, const double h[], const double p[],
                                  double sum[3])
{
  PetscFunctionBegin;
  sum[0] = sum[1] = sum[2] = 0;
  for (FenInt i = 0; i < s->nlocal; i++) {
    const double w = s->weight[i];

    if (!(w > 0))
      continue;
    sum[0] += p[i] * h[i];
    if (s->rho > 0)
      sum[1] += s->rho * ((p[i] > 0 ? p[i] * log(p[i] / w) : 0) - p[i] + w);
    sum[2] += fabs(p[i] - w * (s->rho > 0 ? exp(-h[i] / s->rho) : 1));
  }
  for (int k = 0; k < 3; k++)
    PetscCall(FenVerifySum_Private(v->comm, &sum[k]));
  PetscFunctionReturn(0);
}

/* dual values of (f, g) and of (f, best for f), shifted */
static PetscErrorCode Lower(FenVerify *v, Work *w, FenVerifyAnswer *answer)
{
  const double product = v->a.mass * v->b.mass;
  double       mass, value;

  PetscFunctionBegin;
  PetscCall(Masses(v, &v->a, w->f, w->fsoft, w->r, &mass));
  PetscCall(ShiftedDual(v, w->f, v->b.potential, &value));
  answer->bounds.value = value - v->eps * (mass - product);
  for (FenInt j = 0; j < v->b.nlocal; j++)
    w->g[j] = Best(v, &v->b, w->gsoft[j]);
  PetscCall(Masses(v, &v->b, w->g, w->gsoft, w->c, &mass));
  PetscCall(ShiftedDual(v, w->f, w->g, &value));
  answer->bounds.lower = fmax(answer->bounds.value, value - v->eps * (mass - product));
  PetscFunctionReturn(0);
}

/* w->g is the plan's potential of the target, w->fsoft and w->cost belong to it */
static PetscErrorCode Upper(FenVerify *v, Work *w, FenVerifyAnswer *answer)
{
  FenVerifyBounds *b = &answer->bounds;
  double           rows, source[3], target[3];

  PetscFunctionBegin;
  PetscCall(Masses(v, &v->a, w->f, w->fsoft, w->r, &rows));
  PetscCall(Masses(v, &v->b, w->g, w->gsoft, w->c, &b->mass));
  PetscCall(PrimalTerms(v, &v->a, w->f, w->r, source));
  PetscCall(PrimalTerms(v, &v->b, w->g, w->c, target));
  b->cost = 0;
  for (FenInt i = 0; i < v->a.nlocal; i++)
    if (w->r[i] > 0)
      b->cost += w->r[i] * w->cost[i];
  PetscCall(FenVerifySum_Private(v->comm, &b->cost));
  b->upper = source[0] + target[0] - v->eps * (b->mass - v->a.mass * v->b.mass) + source[1] + target[1];
  b->ot_upper = b->cost + source[1] + target[1];
  b->marginal_error = (source[2] + target[2]) / b->mass;
  PetscFunctionReturn(0);
}

/* potentials that hard transforms have made feasible */
static PetscErrorCode LowerUnregularised(FenVerify *v, Work *w, double *bound)
{
  double other;

  PetscFunctionBegin;
  PetscCall(FenVerifyHard_Private(v, FEN_VERIFY_FORWARD, v->b.potential, w->fsoft));
  PetscCall(FenVerifyHard_Private(v, FEN_VERIFY_BACKWARD, w->fsoft, w->gsoft));
  PetscCall(ShiftedDual(v, w->fsoft, w->gsoft, bound));
  PetscCall(FenVerifyHard_Private(v, FEN_VERIFY_BACKWARD, v->a.potential, w->gsoft));
  PetscCall(FenVerifyHard_Private(v, FEN_VERIFY_FORWARD, w->gsoft, w->fsoft));
  PetscCall(ShiftedDual(v, w->fsoft, w->gsoft, &other));
  *bound = fmax(*bound, other);
  PetscFunctionReturn(0);
}

/* f: the stored one, or T(g) where rows must be exact; the size of what is added */
static PetscErrorCode Begin(FenVerify *v, Work *w, FenVerifyAnswer *answer)
{
  double error = 0, scale = 0;

  PetscFunctionBegin;
  PetscCall(FenVerifySoft_Private(v, FEN_VERIFY_FORWARD, v->b.potential, w->fsoft, w->cost));
  for (FenInt i = 0; i < v->a.nlocal; i++) {
    const double f = v->a.potential[i];

    error = fmax(error, fabs(f - Best(v, &v->a, w->fsoft[i])));
    scale += v->a.weight[i] * fabs(f) * (v->a.rho > 0 ? 1 + exp(-f / v->a.rho) : 1);
    w->f[i] = v->a.rho > 0 ? f : w->fsoft[i];
  }
  for (FenInt j = 0; j < v->b.nlocal; j++)
    scale += v->b.weight[j] * fabs(v->b.potential[j]) * (v->b.rho > 0 ? 1 + exp(-v->b.potential[j] / v->b.rho) : 1);
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &error, 1, MPI_DOUBLE, MPI_MAX, v->comm));
  PetscCall(FenVerifySum_Private(v->comm, &scale));
  answer->soft_error = error;
  answer->scale = scale + v->eps;
  PetscCall(FenVerifySoft_Private(v, FEN_VERIFY_BACKWARD, w->f, w->gsoft, NULL));
  PetscFunctionReturn(0);
}

/* collective */
PetscErrorCode FenVerifyComputePenalised_Private(FenVerify *v, FenVerifyAnswer *answer)
{
  const FenInt n = v->a.nlocal + 1, m = v->b.nlocal + 1;
  Work         w;

  PetscFunctionBegin;
  PetscCall(PetscMalloc4(n, &w.f, n, &w.fsoft, n, &w.r, n, &w.cost));
  PetscCall(PetscMalloc3(m, &w.g, m, &w.gsoft, m, &w.c));
  PetscCall(Begin(v, &w, answer));
  PetscCall(Lower(v, &w, answer));
  if (v->b.rho > 0) {
    PetscCall(PetscArraycpy(w.g, v->b.potential, v->b.nlocal));
  } else { /* exact columns */
    PetscCall(PetscArraycpy(w.g, w.gsoft, v->b.nlocal));
    PetscCall(FenVerifySoft_Private(v, FEN_VERIFY_FORWARD, w.g, w.fsoft, w.cost));
  }
  PetscCall(Upper(v, &w, answer));
  PetscCall(LowerUnregularised(v, &w, &answer->bounds.ot_lower));
  PetscCall(PetscFree4(w.f, w.fsoft, w.r, w.cost));
  PetscCall(PetscFree3(w.g, w.gsoft, w.c));
  PetscFunctionReturn(0);
}
