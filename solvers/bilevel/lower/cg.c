/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Conjugate gradients for the systems of several samples side by side, plain or scaled by the diagonal: products share
   one exchange and sums one message, but every sample has its own scalars and its own end, so that its numbers are
   those that it would have alone.

   Hestenes and Stiefel, J. Res. NBS 49, 1952. A step costs a product and 12 n flops a sample; memory: 5 arrays a
   sample. In a team of several ranks all sums of a step go in one message, for all samples: with s = H p, those of r, z
   and s tell what |r - alpha s|^2 and its product with the new z will be. These serve the test and beta; alpha is made
   of the sums of the r that there is, so that rounding errors do not add up. Where r becomes so much smaller in one
   step that these differences would be inaccurate, its sums are asked for by a message of their own. Meurant, Parallel
   Comput. 5, 1987; D'Azevedo, Eijkhout and Romine, LAPACK Working Note 56, 1993. (That of Chronopoulos and Gear, J.
   Comput. Appl. Math. 25, 1989, takes one product more a solve.) 12 n flops more; a rank alone has no message to save.
*/
#include "systemimpl.h"
#include <math.h>
#include <petscblaslapack.h>

#define CLOSE 1e-4 /* of the larger of both terms, their difference is known to 1e-12 */

/* sums of a step */
enum { PS, RR, RS, SS, RZ, ZS, SZ, SUMS };
typedef double Four __attribute__((vector_size(32), aligned(8), may_alias));

typedef struct {
  FenSystemTask *t;
  double        *r, *z, *p, *Hp, *diag;
  double         stop, norm, rz, size, before;
  FenInt         most;
  const double  *in, *a, *b; /* of the next product, of the next sums */
  double        *out, ab, bb;
  double         sums[SUMS];
} Way;

static PetscErrorCode Room(FenSystem S, FenInt n, FenSystemTask task[], Way ways[], Way *list[])
{
  FenInt all;

  PetscFunctionBegin;
  if (n > S->nroom) {
    PetscCall(PetscFree(S->room));
    PetscCall(FenIntMult(5 * n, S->n, &all));
    PetscCall(PetscMalloc1((size_t)all + 1, &S->room));
    S->nroom = n;
  }
  for (FenInt k = 0; k < n; k++) {
    double *room = S->room + 5 * k * S->n;

    ways[k] = (Way){.t = &task[k],
                    .r = room,
                    .z = room + S->n,
                    .p = room + 2 * S->n,
                    .Hp = room + 3 * S->n,
                    .diag = room + 4 * S->n,
                    .before = INFINITY};
    list[k] = &ways[k];
    task[k].answer = (FenSystemAnswer){0};
  }
  PetscFunctionReturn(0);
}

/* out = H in, one exchange */
static PetscErrorCode Products(FenSystem S, FenInt n, Way *const w[])
{
  const double *in[FEN_BILEVEL_TOGETHER] = {NULL};
  double       *out[FEN_BILEVEL_TOGETHER] = {NULL};
  FenInt        s[FEN_BILEVEL_TOGETHER] = {0};

  PetscFunctionBegin;
  for (FenInt k = 0; k < n; k++) {
    in[k] = w[k]->in;
    out[k] = w[k]->out;
    s[k] = w[k]->t->s;
    w[k]->t->answer.iterations++;
  }
  PetscCall(FenBatchHessians(S->problem, n, s, in, out));
  PetscFunctionReturn(0);
}

/* ab = a.b, and if wanted bb = b.b, one message; a rank's own part is rounded as it comes */
static PetscErrorCode Dots(FenSystem S, FenInt n, Way *const w[], PetscBool squares)
{
  const PetscBLASInt one = 1;
  FenDD              parts[2 * FEN_BILEVEL_TOGETHER] = {{0, 0}};
  double             sums[2 * FEN_BILEVEL_TOGETHER];
  PetscBLASInt       length;
  PetscInt           m = 0;

  PetscFunctionBegin;
  PetscCall(PetscBLASIntCast(S->n, &length));
  for (FenInt k = 0; k < n; k++) {
    parts[m++].hi = BLASdot_(&length, w[k]->a, &one, w[k]->b, &one);
    if (squares)
      parts[m++].hi = BLASdot_(&length, w[k]->b, &one, w[k]->b, &one);
  }
  if (m)
    PetscCall(FenDDReduce(S->team, m, parts, sums));
  for (FenInt k = 0; k < n; k++) {
    w[k]->ab = sums[squares ? 2 * k : k];
    w[k]->bb = squares ? sums[2 * k + 1] : 0;
  }
  PetscFunctionReturn(0);
}

/* r = b - H q */
static PetscErrorCode Residuals(FenSystem S, FenInt n, Way *const w[])
{
  PetscFunctionBegin;
  for (FenInt k = 0; k < n; k++) {
    w[k]->in = w[k]->t->q;
    w[k]->out = w[k]->r;
  }
  PetscCall(Products(S, n, w));
  for (FenInt k = 0; k < n; k++)
    for (PetscInt i = 0; i < S->n; i++)
      w[k]->r[i] = w[k]->t->b[i] - w[k]->r[i];
  PetscFunctionReturn(0);
}

/* p = z + beta p with z = r scaled; false: this one has ended */
static PetscBool Turn(FenSystem S, Way *w, double before)
{
  const double beta = before > 0 ? w->ab / before : 0;

  w->norm = sqrt(w->bb);
  w->rz = w->ab;
  if (!isfinite(w->norm) || w->norm <= w->stop || w->t->answer.iterations >= w->most)
    return PETSC_FALSE;
  for (PetscInt i = 0; i < S->n; i++)
    w->p[i] = w->z[i] + (before > 0 ? beta * w->p[i] : 0);
  w->in = w->a = w->p;
  w->out = w->Hp;
  w->b = w->Hp;
  return PETSC_TRUE;
}

static PetscBool Step(FenSystem S, Way *w)
{
  const double alpha = w->rz / w->ab;

  if (!(w->ab > 0))
    return PETSC_FALSE;
  for (PetscInt i = 0; i < S->n; i++) {
    w->t->q[i] += alpha * w->p[i];
    w->r[i] -= alpha * w->Hp[i];
  }
  return PETSC_TRUE;
}

static void Precondition(const FenSystem S, Way *w)
{
  for (PetscInt i = 0; i < S->n; i++)
    w->z[i] = S->kind == FEN_PC_DIAGONAL ? w->r[i] / w->diag[i] : w->r[i];
}

static PetscErrorCode Scale(FenSystem S, FenInt n, Way *const w[])
{
  PetscFunctionBegin;
  for (FenInt k = 0; k < n; k++) {
    Precondition(S, w[k]);
    w[k]->a = w[k]->z;
    w[k]->b = w[k]->r;
  }
  PetscCall(Dots(S, n, w, PETSC_TRUE));
  PetscFunctionReturn(0);
}

/* each from its r until its own end */
static PetscErrorCode RunAlone(FenSystem S, FenInt all, Way *const list[])
{
  Way   *on[FEN_BILEVEL_TOGETHER] = {NULL};
  double before[FEN_BILEVEL_TOGETHER] = {0};
  FenInt n = all, m;

  PetscFunctionBegin;
  PetscCall(PetscArraycpy(on, list, all));
  while (n) {
    PetscCall(Scale(S, n, on));
    m = 0;
    for (FenInt k = 0; k < n; k++)
      if (Turn(S, on[k], before[k]))
        on[m++] = on[k];
    n = m;
    PetscCall(Products(S, n, on));
    PetscCall(Dots(S, n, on, PETSC_FALSE));
    m = 0;
    for (FenInt k = 0; k < n; k++)
      if (Step(S, on[k])) {
        before[m] = on[k]->rz;
        on[m++] = on[k];
      }
    n = m;
  }
  PetscFunctionReturn(0);
}

#define AT(x, i) (*(const Four *)((x) + (i)))

/* my parts of the sums of a step, with z where r is scaled by the diagonal */
static void Parts(const FenSystem S, const Way *w, double part[SUMS])
{
  const PetscBool scaled = (PetscBool)(S->kind == FEN_PC_DIAGONAL);
  const PetscInt  end = S->n - S->n % 4;
  Four            sum[SUMS] = {{0}};

  for (PetscInt i = 0; i < end; i += 4) {
    const Four r = AT(w->r, i), s = AT(w->Hp, i);

    sum[PS] += AT(w->p, i) * s;
    sum[RR] += r * r;
    sum[RS] += r * s;
    sum[SS] += s * s;
    if (scaled) {
      const Four z = AT(w->z, i);

      sum[RZ] += r * z;
      sum[ZS] += z * s;
      sum[SZ] += s / AT(w->diag, i) * s;
    }
  }
  for (int k = 0; k < SUMS; k++)
    part[k] = (sum[k][0] + sum[k][1]) + (sum[k][2] + sum[k][3]);
  for (PetscInt i = end; i < S->n; i++) {
    const double r = w->r[i], s = w->Hp[i];

    part[PS] += w->p[i] * s;
    part[RR] += r * r;
    part[RS] += r * s;
    part[SS] += s * s;
    part[RZ] += r * w->z[i];
    part[ZS] += w->z[i] * s;
    part[SZ] += scaled ? s / w->diag[i] * s : 0;
  }
}

/* one message for the steps of n samples */
static PetscErrorCode StepSums(FenSystem S, FenInt n, Way *const w[])
{
  const PetscInt each = S->kind == FEN_PC_DIAGONAL ? SUMS : RZ;
  FenDD          parts[SUMS * FEN_BILEVEL_TOGETHER];
  double         sums[SUMS * FEN_BILEVEL_TOGETHER], part[SUMS];
  PetscInt       m = 0;

  PetscFunctionBegin;
  for (FenInt k = 0; k < n; k++) {
    Parts(S, w[k], part);
    for (PetscInt i = 0; i < each; i++)
      parts[m++] = (FenDD){part[i], 0};
  }
  if (m)
    PetscCall(FenDDReduce(S->team, m, parts, sums));
  for (FenInt k = 0; k < n; k++) {
    PetscCall(PetscArraycpy(w[k]->sums, sums + k * each, each));
    if (each == RZ) {
      w[k]->sums[RZ] = w[k]->sums[RR];
      w[k]->sums[ZS] = w[k]->sums[RS];
      w[k]->sums[SZ] = w[k]->sums[SS];
    }
  }
  PetscFunctionReturn(0);
}

/* a - 2 t b + t^2 c; false: mostly rounding errors */
static PetscBool Ahead(double a, double b, double c, double t, double *value)
{
  *value = a - 2 * t * b + t * t * c;
  return (PetscBool)(*value > CLOSE * PetscMax(a, t * t * c));
}

/* the same with one message a step; those whose sums ahead are no good ask for them */
static PetscErrorCode RunTogether(FenSystem S, FenInt all, Way *const list[])
{
  Way   *on[FEN_BILEVEL_TOGETHER] = {NULL}, *ask[FEN_BILEVEL_TOGETHER] = {NULL};
  FenInt n = 0;

  PetscFunctionBegin;
  PetscCall(Scale(S, all, list));
  for (FenInt k = 0; k < all; k++)
    if (Turn(S, list[k], 0))
      on[n++] = list[k];
  while (n) {
    FenInt m = 0, asked = 0;

    PetscCall(Products(S, n, on));
    PetscCall(StepSums(S, n, on));
    for (FenInt k = 0; k < n; k++) {
      Way    *w = on[k];
      double *sums = w->sums, alpha;

      w->rz = sums[RZ];
      w->ab = sums[PS];
      alpha = w->rz / w->ab;
      if (!Step(S, w))
        continue;
      if (!Ahead(sums[RR], sums[RS], sums[SS], alpha, &w->bb) || !Ahead(sums[RZ], sums[ZS], sums[SZ], alpha, &w->ab))
        ask[asked++] = w;
      else
        Precondition(S, w);
      on[m++] = w;
    }
    PetscCall(Scale(S, asked, ask));
    n = 0;
    for (FenInt k = 0; k < m; k++)
      if (Turn(S, on[k], on[k]->rz))
        on[n++] = on[k];
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode Run(FenSystem S, FenInt n, Way *const list[])
{
  PetscMPIInt size;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(S->team, &size));
  PetscCall(size > 1 ? RunTogether(S, n, list) : RunAlone(S, n, list));
  PetscFunctionReturn(0);
}

/* diagonals, norms of right sides; those that are done already leave the list */
static PetscErrorCode Start(FenSystem S, FenInt *n, Way *list[])
{
  FenInt m = 0;

  PetscFunctionBegin;
  for (FenInt k = 0; k < *n; k++) {
    Way *w = list[k];

    if (w->t->s >= 0) {
      PetscCall(FenBatchAt(S->problem, w->t->s));
      PetscCall(FenSystemPCSetUp(S));
    }
    if (S->kind == FEN_PC_DIAGONAL)
      PetscCall(PetscArraycpy(w->diag, S->diag, S->n));
    w->a = w->b = w->t->b;
  }
  PetscCall(Dots(S, *n, list, PETSC_FALSE));
  for (FenInt k = 0; k < *n; k++) {
    Way *w = list[k];

    w->size = sqrt(w->ab);
    w->stop = PetscMax(w->t->tol, PETSC_MACHINE_EPSILON / 4 * w->size);
    w->most = PetscMax(w->t->max_it - (S->trust ? 0 : 1), 1);
    if (w->t->zero)
      PetscCall(PetscArrayzero(w->t->q, S->n));
    w->t->answer.residual = w->size;
    if (!w->t->zero || !(w->size <= w->stop))
      list[m++] = w;
  }
  *n = m;
  PetscFunctionReturn(0);
}

/* after a run: is the true residual small enough, or the method at its end? Otherwise with a smaller stop */
static PetscErrorCode Another(FenSystem S, Way *w, double residual, PetscBool *again)
{
  FenSystemTask *t = w->t;

  PetscFunctionBegin;
  if (!isfinite(residual)) {
    PetscCall(PetscArrayzero(t->q, S->n));
    residual = w->size;
  }
  t->answer.residual = residual;
  *again = (PetscBool) !(residual <= t->tol || !(residual < w->before / 2) || t->answer.iterations + 3 > t->max_it);
  w->before = residual;
  w->stop *= PetscMin(0.5 * t->tol / residual, 0.5);
  w->stop = PetscMax(w->stop, PETSC_MACHINE_EPSILON / 4 * w->size);
  PetscFunctionReturn(0);
}

/* The norm that the method carries along drifts away from |b - H q|: run again from q with a smaller stop as long as
   the true residual halves. It is never below the rounding errors of b alone. */
PetscErrorCode FenSystemCG(FenSystem S, FenInt all, FenSystemTask task[])
{
  Way    ways[FEN_BILEVEL_TOGETHER], *list[FEN_BILEVEL_TOGETHER] = {NULL}, *warm[FEN_BILEVEL_TOGETHER] = {NULL};
  FenInt n = all, m = 0;

  PetscFunctionBegin;
  PetscCall(Room(S, n, task, ways, list));
  PetscCall(Start(S, &n, list));
  for (FenInt k = 0; k < n; k++)
    if (list[k]->t->zero)
      PetscCall(PetscArraycpy(list[k]->r, list[k]->t->b, S->n));
    else
      warm[m++] = list[k];
  PetscCall(Residuals(S, m, warm));
  while (n) {
    PetscCall(Run(S, n, list));
    for (FenInt k = 0; k < n && S->trust; k++)
      list[k]->t->answer.residual = list[k]->norm;
    if (S->trust)
      break;
    PetscCall(Residuals(S, n, list));
    for (FenInt k = 0; k < n; k++)
      list[k]->a = list[k]->b = list[k]->r;
    PetscCall(Dots(S, n, list, PETSC_FALSE));
    m = 0;
    for (FenInt k = 0; k < n; k++) {
      PetscBool again;

      PetscCall(Another(S, list[k], sqrt(list[k]->ab), &again));
      if (again)
        list[m++] = list[k];
    }
    n = m;
  }
  for (FenInt k = 0; k < all; k++)
    task[k].answer.reached = (PetscBool)(task[k].answer.residual <= task[k].tol);
  PetscFunctionReturn(0);
}
