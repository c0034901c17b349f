/* SPDX-License-Identifier: BSD-2-Clause */
/* Marginal penalties: one table of functions each, see marginal.h. */
#include "marginal.h"
#include <math.h>

const char *const FenMarginalKinds[] = {"equality", "kl", "FenMarginalKind", "FEN_MARGINAL_", NULL};

/* ---- equality ---- */

static double EqualityDecay(const FenMarginal *M, double w, double h)
{
  (void)M;
  (void)w;
  (void)h;
  return 0;
}

/* the plan has this marginal: bounds are made of plans that do */
static double EqualityExcess(const FenMarginal *M, double w, double h, double logratio)
{
  (void)M;
  (void)w;
  (void)h;
  (void)logratio;
  return 0;
}

static double EqualityPenalty(const FenMarginal *M, double w, double logratio)
{
  (void)M;
  (void)w;
  (void)logratio;
  return 0;
}

/* a marginal that cannot change has no price */
static double EqualityPrice(const FenMarginal *M, double h, double logratio)
{
  (void)M;
  (void)h;
  (void)logratio;
  return 0;
}

/* ---- Kullback-Leibler ---- */

static double KLUpdate(const FenMarginal *M, double eps, double soft)
{
  return soft * (M->rho / (M->rho + eps));
}

static void KLDual(const FenMarginal *M, double w, double h, FenDD *sum)
{
  FenDDAdd(sum, w > 0 ? -M->rho * w * expm1(-h * M->compliance) : 0);
}

static double KLWanted(const FenMarginal *M, double w, double h)
{
  return w > 0 ? w * exp(-h * M->compliance) : 0;
}

static double KLDecay(const FenMarginal *M, double w, double h)
{
  return KLWanted(M, w, h) * M->compliance;
}

/* rho KL(p | q), q = w e^(-h/rho); without cancellation where p is near q */
static double KLExcess(const FenMarginal *M, double w, double h, double logratio)
{
  const double d = logratio + h * M->compliance, q = KLWanted(M, w, h);

  if (!(w > 0))
    return 0;
  return M->rho * (fabs(d) < 1 ? q * (exp(d) * d - expm1(d)) : w * exp(logratio) * (d - 1) + q);
}

static double KLPenalty(const FenMarginal *M, double w, double logratio)
{
  return w > 0 ? M->rho * w * (exp(logratio) * logratio - expm1(logratio)) : 0;
}

static double KLPrice(const FenMarginal *M, double h, double logratio)
{
  return h + M->rho * logratio;
}

static const FenMarginalOps tables[] = {
    {.decay = EqualityDecay, .excess = EqualityExcess, .penalty = EqualityPenalty, .price = EqualityPrice},
    {.update = KLUpdate,
     .dual = KLDual,
     .wanted = KLWanted,
     .decay = KLDecay,
     .excess = KLExcess,
     .penalty = KLPenalty,
     .price = KLPrice},
};

void FenMarginalSet(FenMarginal *M, FenMarginalKind kind, double rho)
{
  M->ops = &tables[kind];
  M->kind = kind;
  M->exact = (PetscBool)(kind == FEN_MARGINAL_EQUALITY);
  M->rho = M->exact ? 0 : rho;
  M->compliance = M->exact ? 0 : 1 / rho;
}

/* what both sides want becomes equal: A e^(-t/rho_a) = B e^(t/rho_b); an exact side wants what it wants */
double FenMarginalShift(const FenMarginal M[2], double wanted_source, double wanted_target)
{
  const double compliance = M[0].compliance + M[1].compliance;

  return compliance > 0 && wanted_source > 0 && wanted_target > 0 ? log(wanted_source / wanted_target) / compliance : 0;
}
