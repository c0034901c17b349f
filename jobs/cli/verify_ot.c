/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Bounds of entropic transport from the potentials alone. Weak duality gives the lower bound for any potentials; the
   upper bound comes from a coupling that is feasible by construction: P scaled down to its marginals (Altschuler, Weed,
   Rigollet 2017) plus a coupling of what is left over.
*/
#include "verifyimpl.h"
#include <math.h>

typedef struct {
  double *f, *g;         /* the potentials of the scaled plan Q */
  double *fsoft, *gsoft; /* transforms */
  double *qa, *qb;       /* marginals of Q */
  double *ea, *eb;       /* residuals */
  double *cost;          /* mean cost of a row of Q */
} Work;

PetscErrorCode FenVerifySum_Private(MPI_Comm comm, double *x)
{
  PetscFunctionBegin;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, x, 1, MPI_DOUBLE, MPI_SUM, comm));
  PetscFunctionReturn(0);
}

static PetscErrorCode Pair(FenVerify *v, const double f[], const double g[], double *sum)
{
  PetscFunctionBegin;
  *sum = 0;
  for (FenInt i = 0; i < v->a.nlocal; i++)
    if (v->a.weight[i] > 0)
      *sum += v->a.weight[i] * f[i];
  for (FenInt j = 0; j < v->b.nlocal; j++)
    if (v->b.weight[j] > 0)
      *sum += v->b.weight[j] * g[j];
  PetscCall(FenVerifySum_Private(v->comm, sum));
  PetscFunctionReturn(0);
}

static PetscErrorCode Scale(FenVerify *v, double *scale)
{
  PetscFunctionBegin;
  *scale = 0;
  for (FenInt i = 0; i < v->a.nlocal; i++)
    *scale += v->a.weight[i] * fabs(v->a.potential[i]);
  for (FenInt j = 0; j < v->b.nlocal; j++)
    *scale += v->b.weight[j] * fabs(v->b.potential[j]);
  PetscCall(FenVerifySum_Private(v->comm, scale));
  *scale += v->eps;
  PetscFunctionReturn(0);
}

/* the stored f against the transform of the stored g; the dual value of both; the row marginal's error */
static PetscErrorCode CheckSoft(FenVerify *v, Work *w, FenVerifyAnswer *answer, double *row_error)
{
  double mass = 0, error = 0, value;

  PetscFunctionBegin;
  PetscCall(FenVerifySoft_Private(v, FEN_VERIFY_FORWARD, v->b.potential, w->fsoft, NULL));
  *row_error = 0;
  for (FenInt i = 0; i < v->a.nlocal; i++) {
    const double f = v->a.potential[i], row = v->a.weight[i] * exp((f - w->fsoft[i]) / v->eps);

    error = fmax(error, fabs(f - w->fsoft[i]));
    mass += row - v->a.weight[i];
    *row_error += fabs(row - v->a.weight[i]);
    w->f[i] = fmin(f, w->fsoft[i]);
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &error, 1, MPI_DOUBLE, MPI_MAX, v->comm));
  PetscCall(FenVerifySum_Private(v->comm, &mass));
  PetscCall(FenVerifySum_Private(v->comm, row_error));
  answer->soft_error = error;
  PetscCall(Pair(v, v->a.potential, v->b.potential, &value));
  answer->bounds.value = value - v->eps * mass;
  PetscCall(Pair(v, w->fsoft, v->b.potential, &value));
  answer->bounds.lower = fmax(answer->bounds.value, value);
  PetscFunctionReturn(0);
}

/* Q = R P S below both marginals, its marginals and what is left over */
static PetscErrorCode ScaleDown(FenVerify *v, Work *w, FenVerifyAnswer *answer, double row_error)
{
  double value, column_error = 0;

  PetscFunctionBegin;
  PetscCall(FenVerifySoft_Private(v, FEN_VERIFY_BACKWARD, w->f, w->gsoft, NULL));
  PetscCall(Pair(v, w->f, w->gsoft, &value));
  answer->bounds.lower = fmax(answer->bounds.lower, value);
  for (FenInt j = 0; j < v->b.nlocal; j++) {
    const double g = v->b.potential[j], b = v->b.weight[j];

    w->g[j] = fmin(g, w->gsoft[j]);
    w->qb[j] = b > 0 ? b * exp((w->g[j] - w->gsoft[j]) / v->eps) : 0;
    w->eb[j] = fmax(0., b - w->qb[j]);
    if (b > 0)
      column_error += fabs(b * exp((g - w->gsoft[j]) / v->eps) - b);
  }
  PetscCall(FenVerifySum_Private(v->comm, &column_error));
  answer->bounds.marginal_error = row_error + column_error;
  PetscCall(FenVerifySoft_Private(v, FEN_VERIFY_FORWARD, w->g, w->fsoft, w->cost));
  for (FenInt i = 0; i < v->a.nlocal; i++) {
    const double a = v->a.weight[i];

    w->qa[i] = a > 0 ? a * exp((w->f[i] - w->fsoft[i]) / v->eps) : 0;
    w->ea[i] = fmax(0., a - w->qa[i]);
  }
  PetscFunctionReturn(0);
}

/* the better of the couplings, for each of the two bounds */
static PetscErrorCode UpperBounds(FenVerify *v, Work *w, FenVerifyAnswer *answer)
{
  FenVerifyCoupling product;
  double            eta[2] = {0, 0}, mass, base = 0, cost = 0, rest, rest_eps;

  PetscFunctionBegin;
  for (FenInt i = 0; i < v->a.nlocal; i++) {
    eta[0] += w->ea[i];
    if (!(w->qa[i] > 0))
      continue;
    base += w->qa[i] * w->f[i];
    cost += w->qa[i] * w->cost[i];
  }
  for (FenInt j = 0; j < v->b.nlocal; j++) {
    eta[1] += w->eb[j];
    if (w->qb[j] > 0)
      base += w->qb[j] * w->g[j];
  }
  PetscCall(FenVerifySum_Private(v->comm, &eta[0]));
  PetscCall(FenVerifySum_Private(v->comm, &eta[1]));
  PetscCall(FenVerifySum_Private(v->comm, &base));
  PetscCall(FenVerifySum_Private(v->comm, &cost));
  mass = fmin(1., fmax(eta[0], eta[1]));
  PetscCall(FenVerifyCoupleProduct_Private(v, w->ea, w->eb, mass, &product));
  rest = product.cost;
  rest_eps = product.cost + v->eps * product.entropy;
  PetscCall(FenVerifyCoupleTree_Private(v, w->ea, w->eb, &rest, &rest_eps));
  if (mass < 1)
    base -= v->eps * (1 - mass) * log1p(-mass);
  answer->bounds.upper = base + rest_eps;
  answer->bounds.ot_upper = fmin(cost + rest, answer->bounds.upper);
  answer->bounds.cost = answer->bounds.ot_upper;
  PetscFunctionReturn(0);
}

static PetscErrorCode Entropy(MPI_Comm comm, const FenVerifySide *side, double *entropy)
{
  PetscFunctionBegin;
  *entropy = 0;
  for (FenInt i = 0; i < side->nlocal; i++)
    if (side->weight[i] > 0)
      *entropy -= side->weight[i] * log(side->weight[i]);
  PetscCall(FenVerifySum_Private(comm, entropy));
  PetscFunctionReturn(0);
}

/* potentials that hard transforms have made feasible, starting from one side */
static PetscErrorCode HardBound(FenVerify *v, Work *w, PetscBool from_source, double *bound)
{
  PetscFunctionBegin;
  if (from_source) {
    PetscCall(FenVerifyHard_Private(v, FEN_VERIFY_BACKWARD, v->a.potential, w->gsoft));
    PetscCall(FenVerifyHard_Private(v, FEN_VERIFY_FORWARD, w->gsoft, w->fsoft));
  } else {
    PetscCall(FenVerifyHard_Private(v, FEN_VERIFY_FORWARD, v->b.potential, w->fsoft));
    PetscCall(FenVerifyHard_Private(v, FEN_VERIFY_BACKWARD, w->fsoft, w->gsoft));
  }
  PetscCall(Pair(v, w->fsoft, w->gsoft, bound));
  PetscCallMPI(MPI_Bcast(bound, 1, MPI_DOUBLE, 0, v->comm)); /* decisions must not differ in a last bit */
  PetscFunctionReturn(0);
}

/* also OT >= OT_eps - eps min(H(a), H(b)) */
static PetscErrorCode LowerBoundOfTransport(FenVerify *v, Work *w, double claimed, FenVerifyAnswer *answer)
{
  double bound, other, ha, hb;

  PetscFunctionBegin;
  PetscCall(HardBound(v, w, PETSC_FALSE, &bound));
  if (claimed > bound) {
    PetscCall(HardBound(v, w, PETSC_TRUE, &other));
    bound = fmax(bound, other);
  }
  PetscCall(Entropy(v->comm, &v->a, &ha));
  PetscCall(Entropy(v->comm, &v->b, &hb));
  answer->bounds.ot_lower = fmax(bound, answer->bounds.lower - v->eps * fmin(ha, hb));
  PetscFunctionReturn(0);
}

/* collective */
PetscErrorCode FenVerifyCompute_Private(FenVerify *v, const FenVerifyBounds *claimed, FenVerifyAnswer *answer)
{
  const FenInt n = v->a.nlocal + 1, m = v->b.nlocal + 1;
  Work         w;
  double       row_error;

  PetscFunctionBegin;
  PetscCall(PetscMalloc5(n, &w.f, n, &w.fsoft, n, &w.qa, n, &w.ea, n, &w.cost));
  PetscCall(PetscMalloc4(m, &w.g, m, &w.gsoft, m, &w.qb, m, &w.eb));
  PetscCall(Scale(v, &answer->scale));
  PetscCall(CheckSoft(v, &w, answer, &row_error));
  PetscCall(ScaleDown(v, &w, answer, row_error));
  PetscCall(UpperBounds(v, &w, answer));
  PetscCall(LowerBoundOfTransport(v, &w, claimed->ot_lower, answer));
  PetscCall(PetscFree5(w.f, w.fsoft, w.qa, w.ea, w.cost));
  PetscCall(PetscFree4(w.g, w.gsoft, w.qb, w.eb));
  PetscFunctionReturn(0);
}
