/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Fields of Experts: derivatives in the hyperparameters. With phi' = t/sqrt(t^2 + nu^2), phi'' its derivative in t and
   psi that in log nu (-t phi''):

     J t:    C_k^T s_k [ (t_scale + t_weight) phi' + t_smooth psi + phi'' (c'_k * x) ] + C'_k^T s_k phi',  c' taps of t
     J^T q:  sums of s_k phi' (C_k q), s_k psi (C_k q), and s_k [phi' (S_a q) + phi'' (C_k q) (S_a x)] for tap a.

   Cost: about twice a product that makes its curvatures again; no message but the halo and one sum over the team.
*/
#include "foeimpl.h"
#include <math.h>

/* ---- J t ---- */
typedef struct {
  FenFoeBank    bank, dot;
  const double *t; /* all hyperparameters' directions */
} Direction;

/* T: responses, U: responses of the direction's filters; to what the two adjoints get */
static void Combine(const FenFoe *f, const double *t, const double m[], double T[], double U[])
{
  for (FenInt k = 0; k < f->K; k++) {
    const double weight = t[0] + t[FEN_FOE_OFFSET_WEIGHTS(f) + k], smooth = t[FEN_FOE_OFFSET_SMOOTH(f) + k];

    for (FenInt i = k * FEN_FOE_BLOCK; i < (k + 1) * FEN_FOE_BLOCK; i++) {
      const double q = T[i] * T[i] + f->nu2[k], s = f->s[k] * m[i % FEN_FOE_BLOCK] / sqrt(q);
      const double first = s * T[i], second = s * f->nu2[k] / q;

      T[i] = weight * first - smooth * second * T[i] + second * U[i];
      U[i] = first;
    }
  }
}

static void JacobianLine(FenFoe *f, const Direction *d, FenInt o)
{
  for (FenInt b = 0; b < f->blocks; b++) {
    const FenInt at = o * f->stride + b * FEN_FOE_BLOCK;

    (*f->kernels->forward)(&d->bank, f->x + at, f->T);
    (*f->kernels->forward)(&d->dot, f->x + at, f->U);
    Combine(f, d->t, FenFoeMask_Private(f, b), f->T, f->U);
    (*f->kernels->adjoint)(&d->bank, f->T, f->g + at);
    (*f->kernels->adjoint)(&d->dot, f->U, f->g + at);
  }
}

PetscErrorCode FenFoeJacobians_Private(FenBilevelProblem pr, FenInt n, const FenInt s[], const double mine[],
                                       double *const Jt[])
{
  FenFoe   *f = (FenFoe *)pr->ctx;
  Direction d = {.bank = FenFoeBank_Private(f, PETSC_FALSE), .dot = FenFoeBank_Private(f, PETSC_TRUE)};
  double   *t;

  PetscFunctionBegin;
  PetscCall(PetscCalloc1((size_t)FEN_FOE_ALL(f), &t));
  PetscCall(FenFoeGather_Private(pr, mine, t));
  d.t = t;
  for (FenInt k = 0; k < f->K; k++)
    for (FenInt a = 0; a < f->taps; a++) {
      const double c = t[FEN_FOE_OFFSET_TAPS(f) + k * f->taps + a];

      f->dot_by_filter[k * f->taps + a] = c;
      f->dot_by_tap[a * f->K + k] = c;
    }
  for (FenInt k = 0; k < n; k++) {
    if (s)
      PetscCall(FenFoeAt_Private(pr, s[k]));
    PetscCall(PetscArrayzero(f->g, f->lines * f->stride));
    for (FenInt o = 0; o < f->responses; o++)
      JacobianLine(f, &d, o);
    PetscCall(PetscArrayzero(Jt[k], f->rows * f->W));
    FenFoeFold_Private(f, f->g, Jt[k]);
  }
  PetscCall(PetscFree(t));
  PetscFunctionReturn(0);
}

PetscErrorCode FenFoeJacobian_Private(FenBilevelProblem pr, const double mine[], double Jt[])
{
  PetscFunctionBegin;
  PetscCall(FenFoeJacobians_Private(pr, 1, NULL, mine, &Jt));
  PetscFunctionReturn(0);
}

/* ---- J^T q ---- */
typedef struct {
  FenFoeBank bank;
  double    *z; /* all hyperparameters' sums */
} Sums;

/* T: responses of x, U: of q; adds the scalar sums; first <- s phi', second <- s phi'' (C q) */
static void AddScalars(const FenFoe *f, const double m[], const double T[], const double U[], double first[],
                       double second[], double z[])
{
  for (FenInt k = 0; k < f->K; k++) {
    double weight = 0, smooth = 0;

    for (FenInt i = k * FEN_FOE_BLOCK; i < (k + 1) * FEN_FOE_BLOCK; i++) {
      const double q = T[i] * T[i] + f->nu2[k], s = f->s[k] * m[i % FEN_FOE_BLOCK] / sqrt(q);

      first[i] = s * T[i];
      second[i] = s * f->nu2[k] / q * U[i];
      weight += first[i] * U[i];
      smooth -= second[i] * T[i];
    }
    z[0] += weight;
    z[FEN_FOE_OFFSET_WEIGHTS(f) + k] += weight;
    z[FEN_FOE_OFFSET_SMOOTH(f) + k] += smooth;
  }
}

static void TransposeLines(FenFoe *f, FenInt from, FenInt to, void *ctx)
{
  Sums        *s = (Sums *)ctx;
  const FenInt block = f->K * FEN_FOE_BLOCK;
  double      *first = f->row, *second = f->row + f->blocks * block;

  for (FenInt o = from; o < to; o++) {
    if (!FenFoeMine_Private(f, o))
      continue;
    for (FenInt b = 0; b < f->blocks; b++) {
      const FenInt at = o * f->stride + b * FEN_FOE_BLOCK;

      (*f->kernels->forward)(&s->bank, f->x + at, f->T);
      (*f->kernels->forward)(&s->bank, f->v + at, f->U);
      AddScalars(f, FenFoeMask_Private(f, b), f->T, f->U, first + b * block, second + b * block, s->z);
    }
    if (!f->learn[FEN_FOE_TAPS])
      continue;
    (*f->kernels->taps)(&s->bank, f->blocks, first, f->v + o * f->stride, s->z + FEN_FOE_OFFSET_TAPS(f));
    (*f->kernels->taps)(&s->bank, f->blocks, second, f->x + o * f->stride, s->z + FEN_FOE_OFFSET_TAPS(f));
  }
}

PetscErrorCode FenFoeJacobiansTranspose_Private(FenBilevelProblem pr, FenInt n, const FenInt s[],
                                                const double *const q[], double *const t[])
{
  FenFoe      *f = (FenFoe *)pr->ctx;
  Sums         sums[FEN_BILEVEL_TOGETHER];
  void        *ctx[FEN_BILEVEL_TOGETHER];
  const FenInt all = FEN_FOE_ALL(f);
  PetscInt     count;
  double      *z;

  PetscFunctionBegin;
  PetscCall(FenIntCast(n * all, &count));
  PetscCall(PetscCalloc1((size_t)count, &z));
  for (FenInt k = 0; k < n; k++) {
    sums[k] = (Sums){.bank = FenFoeBank_Private(f, PETSC_FALSE), .z = z + k * all};
    ctx[k] = &sums[k];
  }
  PetscCall(FenFoeRun_Private(pr, n, s, q, FEN_FOE_ARGUMENT, TransposeLines, ctx));
  PetscCall(FenBilevelTeamSum_Private(pr, count, z));
  for (FenInt k = 0; k < n; k++)
    FenFoeTake_Private(pr, z + k * all, t[k]);
  PetscCall(PetscFree(z));
  PetscFunctionReturn(0);
}

PetscErrorCode FenFoeJacobianTranspose_Private(FenBilevelProblem pr, const double q[], double t[])
{
  PetscFunctionBegin;
  PetscCall(FenFoeJacobiansTranspose_Private(pr, 1, NULL, &q, &t));
  PetscFunctionReturn(0);
}
