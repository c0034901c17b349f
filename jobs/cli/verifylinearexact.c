/* SPDX-License-Identifier: BSD-2-Clause */
/*
   The robust equation of a known problem once more. Worst cases come from the dual, by golden sections that need the
   conjugate f* alone,

     min over laws p of <p,z> + lambda D(p|q) = max over eta of eta - lambda sum q f*((eta - z)/lambda),

   eta at most low + lambda f'(inf) because mass may go to the smallest value of all states; and for a ball the maximum
   over lambda of that minus lambda rho. Every factor is done on every rank.
*/
#include "verifylinear.h"
#include <math.h>

enum { STEPS = 200 };
#define GOLDEN 0.6180339887498949

typedef struct {
  FenDivergence f;
  FenInt        n;
  const double *q, *z;
  double        low, recession, *y, *conjugate;
} Dual;

static PetscErrorCode AtEta(const Dual *D, double lambda, double eta, double *value)
{
  double sum = 0;

  PetscFunctionBegin;
  for (FenInt j = 0; j < D->n; j++)
    D->y[j] = (eta - D->z[j]) / lambda;
  PetscCall(FenDivergenceConjugate(D->f, D->n, D->y, D->conjugate, NULL, NULL));
  for (FenInt j = 0; j < D->n; j++)
    sum += D->q[j] * D->conjugate[j];
  *value = isfinite(sum) ? eta - lambda * sum : -HUGE_VAL;
  PetscFunctionReturn(0);
}

static PetscErrorCode Penalised(const Dual *D, double lambda, double *best)
{
  double left = HUGE_VAL, right = -HUGE_VAL, most = D->low + lambda * D->recession, value;

  PetscFunctionBegin;
  for (FenInt j = 0; j < D->n; j++) {
    left = fmin(left, D->z[j]);
    right = fmax(right, D->z[j]);
  }
  left = fmin(left, most);
  right = fmin(right, most);
  PetscCall(AtEta(D, lambda, left, best));
  PetscCall(AtEta(D, lambda, right, &value));
  *best = fmax(*best, value);
  for (int k = 0; k < STEPS && right - left > 1e-15 * (fabs(left) + fabs(right)); k++) {
    const double a = right - GOLDEN * (right - left), b = left + GOLDEN * (right - left);
    double       fa, fb;

    PetscCall(AtEta(D, lambda, a, &fa));
    PetscCall(AtEta(D, lambda, b, &fb));
    *best = fmax(*best, fmax(fa, fb));
    if (fa < fb)
      left = a;
    else
      right = b;
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode Ball(const Dual *D, double rho, double *best)
{
  double left = 1e-9, right = 1 - 1e-9; /* lambda/(1 + lambda) */

  PetscFunctionBegin;
  *best = D->low; /* lambda = 0, when mass can go anywhere; too small otherwise */
  for (int k = 0; k < STEPS && right - left > 1e-15; k++) {
    const double a = right - GOLDEN * (right - left), b = left + GOLDEN * (right - left);
    double       fa, fb;

    PetscCall(Penalised(D, a / (1 - a), &fa));
    PetscCall(Penalised(D, b / (1 - b), &fb));
    fa -= rho * a / (1 - a);
    fb -= rho * b / (1 - b);
    *best = fmax(*best, fmax(fa, fb));
    if (fa < fb)
      left = a;
    else
      right = b;
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode Factor(const FenVerifyLinear *v, FenDivergence f, const double V[], int h, int i, double *w)
{
  const FenInt           S = v->problem->nstates;
  const double           radius = v->ambiguity.radius * v->problem->radius_scale[(FenInt)h * v->n.features + i];
  double                *law, *q, *z, *y, *conjugate, mean = 0, low = HUGE_VAL;
  FenDivergenceConstants c = {.recession = HUGE_VAL};
  FenInt                 n = 0;

  PetscFunctionBegin;
  PetscCall(PetscMalloc5((size_t)S, &law, (size_t)S, &q, (size_t)S, &z, (size_t)S, &y, (size_t)S, &conjugate));
  (*v->problem->factor)(v->problem, h, i, law);
  for (FenInt s = 0; s < S; s++) {
    low = fmin(low, V[s]);
    mean += law[s] * V[s];
    if (law[s] > 0) {
      q[n] = law[s];
      z[n++] = V[s];
    }
  }
  *w = mean;
  if (f) {
    PetscCall(FenDivergenceGetConstants(f, &c));
    {
      const Dual D = {
          .f = f, .n = n, .q = q, .z = z, .low = low, .recession = c.recession, .y = y, .conjugate = conjugate};

      if (v->ambiguity.penalty > 0)
        PetscCall(Penalised(&D, v->ambiguity.penalty, w));
      else if (radius > 0)
        PetscCall(Ball(&D, radius, w));
    }
  }
  PetscCall(PetscFree5(law, q, z, y, conjugate));
  PetscFunctionReturn(0);
}

PetscErrorCode FenVerifyLinearExact_Private(FenVerifyLinear *v)
{
  const int     d = (int)v->n.features;
  const FenInt  S = v->problem->nstates;
  FenDivergence f = NULL;
  FenLinearView view;
  double       *V;

  PetscFunctionBegin;
  PetscCheck(S > 0, v->cli->comm, (PetscErrorCode)FEN_ERR_VERIFY, "%s: the problem has no list of states",
             v->cli->argument);
  if (v->ambiguity.penalty > 0 || v->ambiguity.radius > 0)
    PetscCall(FenDivergenceCreate(PETSC_COMM_SELF, v->ambiguity.name, v->ambiguity.alpha, &f));
  PetscCall(PetscCalloc1((size_t)S, &V));
  PetscCall(PetscMalloc1((size_t)v->n.actions * (size_t)d, &view.features));
  for (int h = (int)v->n.horizon - 1; h >= 0; h--) {
    for (int i = 0; i < d; i++) {
      double w;

      PetscCall(Factor(v, f, V, h, i, &w));
      v->stage.w[(FenInt)h * d + i] = w;
      v->stage.theta[(FenInt)h * d + i] = v->problem->theta[(FenInt)h * d + i];
    }
    for (FenInt s = 0; s < S; s++) {
      int action;

      (*v->problem->look)(v->problem, h, v->problem->states[s], &view);
      V[s] =
          (double)FenVerifyLinearValue_Private(v, view.features, v->n.stop ? &view.stop : NULL, view.fail, h, &action);
    }
  }
  PetscCall(PetscFree(view.features));
  PetscCall(PetscFree(V));
  PetscCall(FenDivergenceDestroy(&f));
  PetscFunctionReturn(0);
}

PetscErrorCode FenVerifyLinearExactValue_Private(FenVerdict *verdict, const FenVerifyLinear *v)
{
  const double  start = (*v->problem->start)(v->problem, 0, 0.5, 0.5, PETSC_FALSE);
  FenLinearView view;
  double        now;
  int           action;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1((size_t)v->n.actions * (size_t)v->n.features, &view.features));
  (*v->problem->look)(v->problem, 0, start, &view);
  now = (double)FenVerifyLinearValue_Private(v, view.features, v->n.stop ? &view.stop : NULL, view.fail, 0, &action);
  PetscCall(PetscFree(view.features));
  PetscCall(FenJudgeBound_Private(verdict, FEN_CLAIM_BELOW, "lower", v->lower, now, 1e-9 * (1 + fabs(now))));
  PetscCall(FenJudgeBound_Private(verdict, FEN_CLAIM_ABOVE, "upper", v->upper, now, 1e-9 * (1 + fabs(now))));
  PetscFunctionReturn(0);
}
