/* SPDX-License-Identifier: BSD-2-Clause */
/* What tests of bilevel solves share: registered types, the quadratic problem with its exact answers. */
#pragma once
#include "bilevelimpl.h"
#include "fentest.h"
#include <math.h>

#define BILEVEL_NAME(name, Type) name,
static const char *const bilevel_types[] = {FEN_BILEVEL_TYPE_LIST(BILEVEL_NAME)};
#undef BILEVEL_NAME
#define NBILEVELTYPES ((int)(sizeof(bilevel_types) / sizeof(bilevel_types[0])))

enum { QP = 4, QMAX = 16 };

static inline FenBilevelProblem Quadratic(int samples, double condition, int seed)
{
  FenBilevelProblem p;
  char              text[64];

  snprintf(text, sizeof(text), "%d", samples);
  FEN_OK(PetscOptionsSetValue(NULL, "-quadratic_samples", text));
  snprintf(text, sizeof(text), "%.17g", condition);
  FEN_OK(PetscOptionsSetValue(NULL, "-quadratic_condition", text));
  snprintf(text, sizeof(text), "%d", seed);
  FEN_OK(PetscOptionsSetValue(NULL, "-quadratic_seed", text));
  FEN_OK(FenBilevelProblemGenerate(MPI_COMM_WORLD, "quadratic", NULL, NULL, &p));
  FEN_OK(FenBilevelProblemSetUp(p));
  return p;
}

/* f and its gradient from the problem's own factors, to rounding; samples are whole on a rank */
static inline double QuadraticExact(FenBilevelProblem p, const double theta[QP], double grad[QP])
{
  const FenBilevelOps *call;
  FenBilevelPart       part;
  FenBilevelSizes      size;
  double               f = 0, sum[QP + 1] = {0};

  FEN_OK(FenBilevelProblemGetOps(p, &call));
  FEN_OK(FenBilevelProblemGetPart(p, &part));
  FEN_OK(FenBilevelProblemGetSizes(p, &size));
  FEN_OK((*call->settheta)(p, theta));
  for (FenInt s = part.start; s < part.end; s++) {
    double x[QMAX] = {0}, g[QMAX], q[QMAX], t[QP];

    FEN_OK((*call->gradient)(p, s, x, NULL, g));
    FEN_OK((*call->linearise)(p, s, x));
    FEN_OK((*call->solve)(p, g, x));
    for (FenInt i = 0; i < part.nx; i++)
      x[i] = -x[i];
    FEN_OK((*call->upper)(p, s, x, &f, g));
    FEN_OK((*call->solve)(p, g, q));
    FEN_OK((*call->jacobiantranspose)(p, q, t));
    sum[QP] += f;
    for (int k = 0; k < QP; k++)
      sum[k] -= t[k];
  }
  MPI_Allreduce(MPI_IN_PLACE, sum, QP + 1, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
  for (int k = 0; k < QP; k++)
    grad[k] = sum[k] / (double)size.samples;
  return sum[QP] / (double)size.samples;
}

/* f is a parabola: its Hessian from differences of gradients, its minimum from one Newton step */
static inline double QuadraticMinimum(FenBilevelProblem p, double theta[QP], double *largest)
{
  double A[QP][QP + 1], g0[QP], g[QP], zero[QP] = {0};

  *largest = 0;
  QuadraticExact(p, zero, g0);
  for (int k = 0; k < QP; k++) {
    double e[QP] = {0};

    e[k] = 1;
    QuadraticExact(p, e, g);
    for (int i = 0; i < QP; i++)
      A[i][k] = g[i] - g0[i];
    A[k][QP] = -g0[k];
  }
  for (int k = 0; k < QP; k++)
    *largest += A[k][k]; /* the trace: at least the largest eigenvalue */
  for (int k = 0; k < QP; k++)
    for (int i = 0; i < QP; i++)
      if (i != k) {
        const double m = A[i][k] / A[k][k];

        for (int j = k; j <= QP; j++)
          A[i][j] -= m * A[k][j];
      }
  for (int k = 0; k < QP; k++)
    theta[k] = A[k][QP] / A[k][k];
  return QuadraticExact(p, theta, g);
}

static inline FenBilevel BilevelMake(FenBilevelProblem p, const char *type, double tol, FenInt max_it)
{
  FenBilevel b;

  FEN_OK(FenBilevelCreate(MPI_COMM_WORLD, &b));
  FEN_OK(FenBilevelSetType(b, type));
  FEN_OK(FenBilevelSetProblem(b, p));
  FEN_OK(FenSolverSetTolerances((FenSolver)b, 0, tol, max_it));
  FEN_OK(FenBilevelSetFromOptions(b));
  return b;
}

static inline FenReason BilevelReason(FenBilevel b)
{
  FenReason reason;

  FEN_OK(FenSolverGetConvergedReason((FenSolver)b, &reason));
  return reason;
}
