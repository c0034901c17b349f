/* SPDX-License-Identifier: BSD-2-Clause */
/* Coordinate descent, see descentimpl.h. */
#include "descentimpl.h"
#include <math.h>
#include <petscblaslapack.h>

#define REST 3 /* sweeps with the same signs before the equations on the support are tried */

double FenLeastSubgradient_Private(double g, double b, double l1)
{
  if (b != 0)
    return g + copysign(l1, b);
  return fabs(g) > l1 ? g - copysign(l1, g) : 0;
}

/* r = G b - c anew, and |least subgradient| */
static double Residual(FenDescent *q, const double b[])
{
  double sum = 0;

  for (PetscInt j = 0; j < q->d; j++)
    q->r[j] = -q->c[j];
  for (PetscInt j = 0; j < q->d; j++)
    for (PetscInt i = 0; i < q->d && b[j] != 0; i++)
      q->r[i] += b[j] * q->G[(size_t)j * (size_t)q->d + (size_t)i];
  for (PetscInt j = 0; j < q->d; j++) {
    const double g = FenLeastSubgradient_Private(q->r[j] + q->l2 * b[j], b[j], q->l1[j]);

    sum += g * g;
  }
  return sqrt(sum);
}

/* one pass over n coordinates (list NULL: all of them); true if a sign changed */
static PetscBool Sweep(FenDescent *q, PetscInt n, const PetscInt list[], double b[])
{
  PetscBool changed = PETSC_FALSE;

  for (PetscInt k = 0; k < n; k++) {
    const PetscInt j = list ? list[k] : k;
    const double  *G = q->G + (size_t)j * (size_t)q->d;
    const double   z = G[j] * b[j] - q->r[j], old = b[j];
    double         step;

    b[j] = fabs(z) > q->l1[j] ? (z - copysign(q->l1[j], z)) / (G[j] + q->l2) : 0;
    step = b[j] - old;
    if (step == 0)
      continue;
    for (PetscInt i = 0; i < q->d; i++)
      q->r[i] += step * G[i];
    changed = changed || b[j] * old <= 0;
  }
  return changed;
}

static PetscInt Support(FenDescent *q, const double b[])
{
  PetscInt n = 0;

  for (PetscInt j = 0; j < q->d; j++)
    if (b[j] != 0)
      q->list[n++] = j;
  return n;
}

/* (G_SS + l2) b_S = c_S - l1 sign; b is left as it is if signs change or the matrix is not positive definite */
static PetscErrorCode Equations(FenDescent *q, PetscInt n, double b[])
{
  PetscBLASInt m, one = 1, info;
  double      *x = q->work, *M = q->work + q->d;

  PetscFunctionBegin;
  PetscCall(PetscBLASIntCast(n, &m));
  for (PetscInt k = 0; k < n; k++) {
    const PetscInt j = q->list[k];

    x[k] = q->c[j] - copysign(q->l1[j], b[j]);
    for (PetscInt l = 0; l < n; l++)
      M[(size_t)k * (size_t)n + (size_t)l] = q->G[(size_t)j * (size_t)q->d + (size_t)q->list[l]] + (k == l ? q->l2 : 0);
  }
  LAPACKpotrf_("L", &m, M, &m, &info);
  if (!info)
    LAPACKpotrs_("L", &m, &one, M, &m, x, &m, &info);
  for (PetscInt k = 0; k < n && !info; k++)
    info = x[k] * b[q->list[k]] > 0 ? 0 : 1;
  for (PetscInt k = 0; k < n && !info; k++)
    b[q->list[k]] = x[k];
  PetscFunctionReturn(0);
}

PetscErrorCode FenDescentSolve_Private(FenDescent *q, double tol, FenInt max_it, double b[], FenInt *iterations)
{
  double   norm = Residual(q, b), best = norm;
  PetscInt n = Support(q, b), rest = 0, bad = 0;

  PetscFunctionBegin;
  for (*iterations = 0; norm > tol && *iterations < max_it && bad < 20; (*iterations)++) {
    const PetscBool all = (PetscBool)!rest, changed = Sweep(q, all ? q->d : n, all ? NULL : q->list, b);

    rest = changed ? 0 : rest + 1;
    n = Support(q, b);
    if (rest <= REST)
      continue;
    PetscCall(PetscFPTrapPush(PETSC_FP_TRAP_OFF));
    PetscCall(Equations(q, n, b));
    PetscCall(PetscFPTrapPop());
    norm = Residual(q, b);
    bad = norm < 0.99 * best ? 0 : bad + 1; /* rounding errors allow no more */
    best = PetscMin(best, norm);
    rest = 0; /* all coordinates once more */
  }
  PetscFunctionReturn(0);
}
