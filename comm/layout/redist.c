/* SPDX-License-Identifier: BSD-2-Clause */
/*
   FenRedist: moves an array from one layout to another. Every rank computes from the two layouts which boxes it shares
   with whom; nothing is communicated to make the plan, and only ranks that share entries exchange messages.
*/
#include "../commimpl.h"

/* what I exchange with one rank */
typedef struct {
  PetscMPIInt rank;
  FenBox      box;
  FenInt      n, offset; /* entries, and where they begin in the buffer */
  PetscMPIInt request;   /* first request of the message */
} FenPeer;

typedef struct {
  PetscMPIInt n;
  FenPeer    *peer;
  FenInt      size; /* entries of all messages */
  double     *buffer;
  FenRequests requests;
} FenTraffic;

struct _p_FenRedist {
  FenLayout   from, to;
  MPI_Comm    comm;
  PetscMPIInt rank, tag;
  FenBox      own; /* what stays with me */
  FenTraffic  out, in;
  PetscBool   active; /* between begin and end */
};

/* peers in the order rank+1, rank+2, ..., so that not all ranks send to the same one at once; `sign` -1 mirrors it */
static PetscErrorCode FenTrafficPlan(FenTraffic *t, const FenBox *mine, FenLayout theirs, PetscMPIInt rank, int sign)
{
  PetscMPIInt size, capacity = 0;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(PetscObjectComm((PetscObject)theirs), &size));
  for (int pass = 0; pass < 2; pass++) {
    t->n = 0;
    for (PetscMPIInt k = 1; k < size; k++) {
      const PetscMPIInt r = (PetscMPIInt)(((FenInt)rank + sign * k + size) % size);
      FenBox            box, shared;
      FenInt            n;

      PetscCall(FenLayoutGetBox(theirs, r, &box));
      n = FenBoxIntersect_Private(mine, &box, &shared);
      if (!n)
        continue;
      if (pass) {
        t->peer[t->n] = (FenPeer){r, shared, n, t->size, 0};
        t->size += n;
      }
      t->n++;
    }
    capacity = t->n;
    if (!pass)
      PetscCall(PetscMalloc1((size_t)capacity, &t->peer));
  }
  PetscCall(PetscMalloc1((size_t)t->size, &t->buffer));
  PetscFunctionReturn(0);
}

static PetscErrorCode FenTrafficDestroy(FenTraffic *t)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(t->peer));
  PetscCall(PetscFree(t->buffer));
  PetscCall(FenRequestsDestroy_Private(&t->requests));
  PetscFunctionReturn(0);
}

/*@
  FenRedistCreate - Plans how an array moves from one layout to another.

  Collective

  Input Parameters:
+ from - the layout the array has
- to   - the layout it shall have: the same shape on the same ranks

  Output Parameter:
. redist - the plan; it keeps references to both layouts

  Errors:
  `FEN_ERR_SHAPE` if the shapes differ, `FEN_ERR_USAGE` if the ranks differ.

  Level: intermediate

.seealso: `FenRedistBegin()`, `FenLayoutCreatePencil()`, `FenRedistDestroy()`
@*/
PetscErrorCode FenRedistCreate(FenLayout from, FenLayout to, FenRedist *redist)
{
  FenRedist r;
  int       compared;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_compare(PetscObjectComm((PetscObject)from), PetscObjectComm((PetscObject)to), &compared));
  PetscCheck(compared == MPI_IDENT || compared == MPI_CONGRUENT, PetscObjectComm((PetscObject)from), FEN_ERR_USAGE,
             "the two layouts are on different ranks");
  for (int d = 0; d < FEN_MAX_DIM; d++)
    PetscCheck(from->shape[d] == to->shape[d] && from->dim == to->dim, PetscObjectComm((PetscObject)from),
               FEN_ERR_SHAPE, "axis %d has %" FENINT_FMT " entries in one layout and %" FENINT_FMT " in the other", d,
               from->shape[d], to->shape[d]);
  PetscCall(PetscNew(&r));
  PetscCall(PetscObjectReference((PetscObject)from));
  PetscCall(PetscObjectReference((PetscObject)to));
  r->from = from;
  r->to = to;
  r->comm = PetscObjectComm((PetscObject)from);
  PetscCall(PetscObjectGetNewTag((PetscObject)from, &r->tag));
  PetscCallMPI(MPI_Comm_rank(r->comm, &r->rank));
  (void)FenBoxIntersect_Private(&from->box, &to->box, &r->own);
  PetscCall(FenTrafficPlan(&r->out, &from->box, to, r->rank, 1));
  PetscCall(FenTrafficPlan(&r->in, &to->box, from, r->rank, -1));
  *redist = r;
  PetscFunctionReturn(0);
}

/* the box inside one layout's array; the strides and the place of its first entry */
static FenInt FenBoxPlace(FenLayout l, const FenBox *box, FenInt stride[FEN_MAX_DIM])
{
  FenInt place = 0;

  FenBoxStrides_Private(&l->box, l->order, stride);
  for (int d = 0; d < FEN_MAX_DIM; d++)
    place += (box->lo[d] - l->box.lo[d]) * stride[d];
  return place;
}

/* messages are in the sender's storage order, so that packing copies whole lines; the receiver transposes */
static void FenRedistPack(FenRedist r, const FenPeer *p, const double from[], double buffer[])
{
  FenInt n[FEN_MAX_DIM], fs[FEN_MAX_DIM], bs[FEN_MAX_DIM];
  FenInt place = FenBoxPlace(r->from, &p->box, fs);

  for (int d = 0; d < FEN_MAX_DIM; d++)
    n[d] = p->box.hi[d] - p->box.lo[d];
  FenBoxStrides_Private(&p->box, r->from->order, bs);
  FenBoxCopy_Private(n, fs, from + place, bs, buffer);
}

static void FenRedistUnpack(FenRedist r, const FenPeer *p, const double buffer[], double to[])
{
  FenInt n[FEN_MAX_DIM], ts[FEN_MAX_DIM], bs[FEN_MAX_DIM];
  FenInt place = FenBoxPlace(r->to, &p->box, ts);

  for (int d = 0; d < FEN_MAX_DIM; d++)
    n[d] = p->box.hi[d] - p->box.lo[d];
  FenBoxStrides_Private(&p->box, r->from->order, bs);
  FenBoxCopy_Private(n, bs, buffer, ts, to + place);
}

static void FenRedistOwn(FenRedist r, const double from[], double to[])
{
  FenInt n[FEN_MAX_DIM], fs[FEN_MAX_DIM], ts[FEN_MAX_DIM];

  for (int d = 0; d < FEN_MAX_DIM; d++)
    n[d] = r->own.hi[d] - r->own.lo[d];
  if (FenBoxSize_Private(&r->own)) {
    const FenInt f = FenBoxPlace(r->from, &r->own, fs), t = FenBoxPlace(r->to, &r->own, ts);

    FenBoxCopy_Private(n, fs, from + f, ts, to + t);
  }
}

/*@C
  FenRedistBegin - Starts to move an array.

  Collective

  Input Parameters:
+ redist - the plan
- from   - this rank's part in the layout it has; must not change before `FenRedistEnd()`

  Output Parameter:
. to - this rank's part in the layout it shall have; must not be read before `FenRedistEnd()` and not overlap `from`

  Errors:
  `FEN_ERR_INTERNAL` if another move with this plan has not ended.

  Level: intermediate

.seealso: `FenRedistEnd()`, `FenRedistCreate()`
@*/
PetscErrorCode FenRedistBegin(FenRedist redist, const double from[], double to[])
{
  FenTraffic *in = &redist->in, *out = &redist->out;

  PetscFunctionBegin;
  PetscCheck(!redist->active, redist->comm, FEN_ERR_INTERNAL, "FenRedistBegin twice without FenRedistEnd");
  redist->active = PETSC_TRUE;
  for (PetscMPIInt k = 0; k < in->n; k++) {
    FenPeer *p = &in->peer[k];

    p->request = in->requests.n;
    PetscCall(FenIrecv_Private(in->buffer + p->offset, p->n, p->rank, redist->tag, redist->comm, &in->requests));
  }
  for (PetscMPIInt k = 0; k < out->n; k++) {
    const FenPeer *p = &out->peer[k];

    FenRedistPack(redist, p, from, out->buffer + p->offset);
    PetscCall(FenIsend_Private(out->buffer + p->offset, p->n, p->rank, redist->tag, redist->comm, &out->requests));
  }
  FenRedistOwn(redist, from, to);
  PetscFunctionReturn(0);
}

/*@C
  FenRedistEnd - Ends the move that `FenRedistBegin()` has started.

  Collective

  Input Parameters:
+ redist - the plan
- from   - as given to `FenRedistBegin()`

  Output Parameter:
. to - as given to `FenRedistBegin()`, now complete

  Errors:
  `FEN_ERR_INTERNAL` if no move has begun.

  Level: intermediate

.seealso: `FenRedistBegin()`
@*/
PetscErrorCode FenRedistEnd(FenRedist redist, const double from[], double to[])
{
  FenTraffic *in = &redist->in;

  PetscFunctionBegin;
  (void)from;
  PetscCheck(redist->active, redist->comm, FEN_ERR_INTERNAL, "FenRedistEnd without FenRedistBegin");
  for (PetscMPIInt k = 0; k < in->n; k++) {
    const FenPeer    *p = &in->peer[k];
    const PetscMPIInt end = k + 1 < in->n ? in->peer[k + 1].request : in->requests.n;

    PetscCallMPI(MPI_Waitall(end - p->request, in->requests.request + p->request, MPI_STATUSES_IGNORE));
    FenRedistUnpack(redist, p, in->buffer + p->offset, to);
  }
  in->requests.n = 0;
  PetscCall(FenRequestsWait_Private(&redist->out.requests));
  redist->active = PETSC_FALSE;
  PetscFunctionReturn(0);
}

/*@
  FenRedistMove - Moves an array at once.

  Collective

  Input Parameters:
+ redist - the plan
- from   - array on the first layout

  Output Parameter:
. to - array on the second layout

  Level: intermediate

.seealso: `FenRedistCreate()`, `FenRedistBegin()`, `FenRedistEnd()`
@*/
PetscErrorCode FenRedistMove(FenRedist redist, const double from[], double to[])
{
  PetscFunctionBegin;
  PetscCall(FenRedistBegin(redist, from, to));
  PetscCall(FenRedistEnd(redist, from, to));
  PetscFunctionReturn(0);
}

/*@
  FenRedistDropCopy - Destroys a plan that leaves this rank's part as it is: the array may be used in its place.

  Collective

  Input Parameter:
. redist - the plan; NULL on return if nothing is sent or received here, and the part is stored in the same order

  Notes:
  Some ranks may keep the plan: moves that nobody waits for can be left out by those who have none.

  Level: developer

.seealso: `FenRedistCreate()`, `FenRedistDestroy()`
@*/
PetscErrorCode FenRedistDropCopy(FenRedist *redist)
{
  const FenLayout from = (*redist)->from, to = (*redist)->to;
  FenInt          fs[FEN_MAX_DIM], ts[FEN_MAX_DIM];
  PetscBool       copy = PETSC_TRUE;

  PetscFunctionBegin;
  (void)FenBoxPlace(from, &from->box, fs);
  (void)FenBoxPlace(to, &to->box, ts);
  for (int d = 0; d < FEN_MAX_DIM; d++) {
    const FenInt n = from->box.hi[d] - from->box.lo[d];

    copy = (PetscBool)(copy && from->box.lo[d] == to->box.lo[d] && from->box.hi[d] == to->box.hi[d] &&
                       (n <= 1 || fs[d] == ts[d]));
  }
  if (copy)
    PetscCall(FenRedistDestroy(redist));
  PetscFunctionReturn(0);
}

/*@
  FenRedistDestroy - Frees a plan.

  Collective

  Input Parameter:
. redist - the plan, NULL on return; its last move must have ended

  Level: intermediate

.seealso: `FenRedistCreate()`
@*/
PetscErrorCode FenRedistDestroy(FenRedist *redist)
{
  FenRedist r = *redist;

  PetscFunctionBegin;
  if (!r)
    PetscFunctionReturn(0);
  PetscCall(FenTrafficDestroy(&r->in));
  PetscCall(FenTrafficDestroy(&r->out));
  PetscCall(FenLayoutDestroy(&r->from));
  PetscCall(FenLayoutDestroy(&r->to));
  PetscCall(PetscFree(*redist));
  PetscFunctionReturn(0);
}
