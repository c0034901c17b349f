/* SPDX-License-Identifier: BSD-2-Clause */
/*
   What a marginal p of the plan costs that is not the measure w it should be: F(p) = sum_i F_i(p_i), convex. All that
   solvers and bounds know of it is here, point by point; h is the potential of the point.

     primal  min over P >= 0 of  <C,P> + eps KL(P | a x b) + F_a(P 1) + F_b(P^T 1)
     dual    max over f, g of    -F_a*(-f) - F_b*(-g) - eps (sum a b exp((f+g-C)/eps) - sum a sum b)

                 update            -F*(-h)               F(p)          marginal wanted at h, its decay
     equality    T                 w h                   p = w         w, 0
     kl          rho T/(rho+eps)   rho w (1-e^(-h/rho))  rho KL(p|w)   w e^(-h/rho), w e^(-h/rho)/rho

   T is the soft transform of the other side's potential. A new penalty is one more row: a table of functions.

   Source: Chizat, Peyre, Schmitzer, Vialard, Math. Comp. 87, 2018.
*/
#pragma once
#include <fenchelot.h>

typedef struct _FenMarginal FenMarginal;

/* update, dual and wanted: through the functions below, which an exact marginal answers without a call */
typedef struct {
  /* the potential that maximises the dual for the other side's */
  double (*update)(const FenMarginal *, double eps, double soft);
  /* adds -F*(-h) */
  void (*dual)(const FenMarginal *, double w, double h, FenDD *);
  /* the marginal that h asks for: derivative of the dual term; and minus its second derivative */
  double (*wanted)(const FenMarginal *, double w, double h);
  double (*decay)(const FenMarginal *, double w, double h);
  /* p = w e^logratio: F(p) + F*(-h) + h p >= 0, what p and h lack of optimality */
  double (*excess)(const FenMarginal *, double w, double h, double logratio);
  /* F(p), and the derivative of F(p) + h p */
  double (*penalty)(const FenMarginal *, double w, double logratio);
  double (*price)(const FenMarginal *, double h, double logratio);
} FenMarginalOps;

struct _FenMarginal {
  const FenMarginalOps *ops;
  FenMarginalKind       kind;
  PetscBool             exact;      /* plans must have the measure as their marginal */
  double                rho;        /* strength of the penalty */
  double                compliance; /* 1/rho, 0 if exact */
};

PETSC_INTERN void FenMarginalSet(FenMarginal *, FenMarginalKind, double rho);
/* t for which (f + t, g - t) has the largest dual value, from the sums of what f and g want; plans do not see it */
PETSC_INTERN double FenMarginalShift(const FenMarginal[2], double wanted_source, double wanted_target);

static inline double FenMarginalUpdate(const FenMarginal *M, double eps, double soft)
{
  return M->exact ? soft : M->ops->update(M, eps, soft);
}

static inline double FenMarginalWanted(const FenMarginal *M, double w, double h)
{
  return M->exact ? w : M->ops->wanted(M, w, h);
}

static inline void FenMarginalDual(const FenMarginal *M, double w, double h, FenDD *sum)
{
  if (M->exact)
    FenDDAddProduct(sum, w, w > 0 ? h : 0);
  else
    M->ops->dual(M, w, h, sum);
}

/* of all points */
static inline void FenMarginalDuals(const FenMarginal *M, FenInt n, const double w[], const double h[], FenDD *sum)
{
  double used[FEN_DD_PIECE];

  for (FenInt i = 0; !M->exact && i < n; i++)
    M->ops->dual(M, w[i], h[i], sum);
  for (FenInt i = 0; M->exact && i < n; i += FEN_DD_PIECE) {
    const FenInt many = PetscMin(FEN_DD_PIECE, n - i);

    for (FenInt k = 0; k < many; k++)
      used[k] = w[i + k] > 0 ? h[i + k] : 0;
    FenDDAddDot(sum, many, w + i, used);
  }
}
