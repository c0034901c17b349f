/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Conjugate gradients for the systems of several samples side by side, plain or scaled by the diagonal: products share
   one exchange and sums one message, but every sample has its own scalars and its own end, so that its numbers are
   those that it would have alone.

   Hestenes and Stiefel, J. Res. NBS 49, 1952. A step costs a product and 12 n flops a sample, and two messages in the
   team for all of them; memory: 5 arrays a sample.
*/
#include "systemimpl.h"
#include <math.h>
#include <petscblaslapack.h>

typedef struct {
  FenSystemTask *t;
  double        *r, *z, *p, *Hp, *diag;
  double         stop, norm, rz, size, before;
  FenInt         most;
  const double  *in, *a, *b; /* of the next product, of the next sums */
  double        *out, ab, bb;
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

static PetscErrorCode Scale(FenSystem S, FenInt n, Way *const w[])
{
  PetscFunctionBegin;
  for (FenInt k = 0; k < n; k++) {
    for (PetscInt i = 0; i < S->n; i++)
      w[k]->z[i] = S->kind == FEN_PC_DIAGONAL ? w[k]->r[i] / w[k]->diag[i] : w[k]->r[i];
    w[k]->a = w[k]->z;
    w[k]->b = w[k]->r;
  }
  PetscCall(Dots(S, n, w, PETSC_TRUE));
  PetscFunctionReturn(0);
}

/* each from its r until its own end */
static PetscErrorCode Run(FenSystem S, FenInt all, Way *const list[])
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
