/* SPDX-License-Identifier: BSD-2-Clause */
/*
   States move from the model's cut to the operator's, once, with all that belongs to them. A rank's new states come in
   the order of their numbers: ranks hold ascending ranges of the model, and each sends its own in ascending order.
   Afterwards values go both ways through one PetscSF.

   Rows go from rank to rank in as many steps as there are ranks, one partner at a time, so that a rank needs room for
   one partner's share beside its own rows, and counts may pass 2^31.
*/
#include "bellmanimpl.h"

#define PIECE ((FenInt)1 << 30) /* bytes of a message */

/* who sends how many states to whom */
typedef struct {
  MPI_Comm    comm;
  PetscMPIInt rank, size;
  FenInt     *send, *recv; /* size + 1: where a rank's share of `order`, and of my new states, begins */
  FenInt     *order;       /* the model's states, local numbers, by their new owners */
} Plan;

/* things of which each state has some */
typedef struct {
  size_t        bytes; /* of one */
  const FenInt *from;  /* where those of each of the model's states begin, and the last end */
  const FenInt *to;    /* where those of my new states begin */
} Items;

static PetscErrorCode PlanCreate(FenBellman b, const PetscMPIInt owner[], Plan *p)
{
  FenInt *at;

  PetscFunctionBegin;
  *p = (Plan){.comm = b->comm};
  PetscCallMPI(MPI_Comm_rank(b->comm, &p->rank));
  PetscCallMPI(MPI_Comm_size(b->comm, &p->size));
  PetscCall(PetscCalloc3(p->size + 1, &p->send, p->size + 1, &p->recv, b->model_n, &p->order));
  PetscCall(PetscMalloc1(p->size + 1, &at));
  for (FenInt s = 0; s < b->model_n; s++)
    p->send[owner[s] + 1]++;
  PetscCallMPI(MPI_Alltoall(p->send + 1, 1, MPI_FENINT, p->recv + 1, 1, MPI_FENINT, b->comm));
  for (PetscMPIInt r = 0; r < p->size; r++) {
    p->send[r + 1] += p->send[r];
    p->recv[r + 1] += p->recv[r];
    at[r] = p->send[r];
  }
  for (FenInt s = 0; s < b->model_n; s++)
    p->order[at[owner[s]]++] = s;
  PetscCall(PetscFree(at));
  PetscFunctionReturn(0);
}

static PetscErrorCode PlanDestroy(Plan *p)
{
  PetscFunctionBegin;
  PetscCall(PetscFree3(p->send, p->recv, p->order));
  PetscFunctionReturn(0);
}

/* what goes to a rank, one state after the other */
static void Pack(const Plan *p, PetscMPIInt rank, const Items *items, const char *from, char *out)
{
  for (FenInt k = p->send[rank]; k < p->send[rank + 1]; k++) {
    const FenInt first = items->from[p->order[k]], end = items->from[p->order[k] + 1];
    const size_t bytes = (size_t)(end - first) * items->bytes;

    if (bytes)
      memcpy(out, from + (size_t)first * items->bytes, bytes);
    out += bytes;
  }
}

static size_t PackedBytes(const Plan *p, PetscMPIInt rank, const Items *items)
{
  FenInt n = 0;

  for (FenInt k = p->send[rank]; k < p->send[rank + 1]; k++)
    n += items->from[p->order[k] + 1] - items->from[p->order[k]];
  return (size_t)n * items->bytes;
}

/* two lengths that differ, in pieces that MPI can count */
static PetscErrorCode Exchange(const Plan *p, PetscMPIInt dest, FenInt nout, const char *out, PetscMPIInt source,
                               FenInt nin, char *in)
{
  PetscFunctionBegin;
  for (FenInt done = 0; done < PetscMax(nout, nin); done += PIECE) {
    const FenInt give = PetscMax(0, PetscMin(PIECE, nout - done)), take = PetscMax(0, PetscMin(PIECE, nin - done));

    PetscCallMPI(MPI_Sendrecv(give ? out + done : NULL, (PetscMPIInt)give, MPI_BYTE, give ? dest : MPI_PROC_NULL, 0,
                              take ? in + done : NULL, (PetscMPIInt)take, MPI_BYTE, take ? source : MPI_PROC_NULL, 0,
                              p->comm, MPI_STATUS_IGNORE));
  }
  PetscFunctionReturn(0);
}

/* all items of all states; items that arrive follow each other, so that they need no unpacking */
static PetscErrorCode Ship(const Plan *p, const Items *items, const void *from, void *to)
{
  PetscFunctionBegin;
  for (PetscMPIInt d = 0; d < p->size; d++) {
    const PetscMPIInt dest = (p->rank + d) % p->size, source = (p->rank - d + p->size) % p->size;
    const size_t      first = (size_t)items->to[p->recv[source]] * items->bytes;
    const size_t      nin = (size_t)items->to[p->recv[source + 1]] * items->bytes - first;
    const size_t      nout = PackedBytes(p, dest, items);
    char             *in = (char *)to + first, *out;

    if (!d) {
      Pack(p, dest, items, (const char *)from, in);
      continue;
    }
    PetscCall(PetscMalloc(nout, &out));
    Pack(p, dest, items, (const char *)from, out);
    PetscCall(Exchange(p, dest, (FenInt)nout, out, source, (FenInt)nin, in));
    PetscCall(PetscFree(out));
  }
  PetscFunctionReturn(0);
}

/* lengths after each other become places; in: length k at k + 1 */
static void Accumulate(FenInt n, FenInt ptr[])
{
  ptr[0] = 0;
  for (FenInt k = 0; k < n; k++)
    ptr[k + 1] += ptr[k];
}

/* how many rows my new states have, and how many entries these */
static PetscErrorCode ShipPointers(const Plan *p, const FenMDPRows *R, FenMDPRows *M)
{
  const FenInt rows = R->state_ptr[R->nstates];
  const Items  lengths = {sizeof(FenInt), R->state_ptr, M->state_ptr};
  FenInt      *one_from, *one_to, *count, n = PetscMax(R->nstates, M->nstates);
  Items        ones = {sizeof(FenInt), NULL, NULL};

  PetscFunctionBegin;
  PetscCall(PetscMalloc3(n + 1, &one_from, n + 1, &one_to, PetscMax(R->nstates, rows) + 1, &count));
  for (FenInt s = 0; s <= n; s++)
    one_from[s] = one_to[s] = s;
  ones.from = one_from;
  ones.to = one_to;
  for (FenInt s = 0; s < R->nstates; s++)
    count[s] = R->state_ptr[s + 1] - R->state_ptr[s];
  PetscCall(Ship(p, &ones, count, M->state_ptr + 1));
  Accumulate(M->nstates, M->state_ptr);
  PetscCall(PetscMalloc1(M->state_ptr[M->nstates] + 1, &M->row_ptr));
  for (FenInt r = 0; r < rows; r++)
    count[r] = R->row_ptr[r + 1] - R->row_ptr[r];
  PetscCall(Ship(p, &lengths, count, M->row_ptr + 1));
  Accumulate(M->state_ptr[M->nstates], M->row_ptr);
  PetscCall(PetscFree3(one_from, one_to, count));
  PetscFunctionReturn(0);
}

static PetscErrorCode EntryPointers(const FenMDPRows *R, FenInt **ptr)
{
  PetscFunctionBegin;
  PetscCall(PetscMalloc1(R->nstates + 1, ptr));
  for (FenInt s = 0; s <= R->nstates; s++)
    (*ptr)[s] = R->row_ptr[R->state_ptr[s]];
  PetscFunctionReturn(0);
}

static PetscErrorCode ShipRows(const Plan *p, const FenMDPRows *R, FenMDPRows *M)
{
  Items   items;
  FenInt *from, *to, rows, entries;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(M->nstates + 1, &M->state_ptr));
  PetscCall(ShipPointers(p, R, M));
  rows = M->state_ptr[M->nstates];
  entries = M->row_ptr[rows];
  PetscCall(PetscMalloc1(rows, &M->action));
  PetscCall(PetscMalloc1(rows, &M->reward));
  PetscCall(PetscMalloc1(entries, &M->next));
  PetscCall(PetscMalloc1(entries, &M->prob));
  if (R->reward_next)
    PetscCall(PetscMalloc1(entries, &M->reward_next));
  items = (Items){sizeof(int), R->state_ptr, M->state_ptr};
  PetscCall(Ship(p, &items, R->action, M->action));
  items.bytes = sizeof(double);
  PetscCall(Ship(p, &items, R->reward, M->reward));
  PetscCall(EntryPointers(R, &from));
  PetscCall(EntryPointers(M, &to));
  items = (Items){sizeof(double), from, to};
  PetscCall(Ship(p, &items, R->next, M->next));
  PetscCall(Ship(p, &items, R->prob, M->prob));
  if (R->reward_next)
    PetscCall(Ship(p, &items, R->reward_next, M->reward_next));
  PetscCall(PetscFree(from));
  PetscCall(PetscFree(to));
  PetscFunctionReturn(0);
}

/* the way of values between the layouts, and the numbers of my new states */
static PetscErrorCode MakeMove(FenBellman b, const Plan *p)
{
  PetscMPIInt *nsend, *send, *nrecv, *recv;
  PetscInt    *index, *arrived, n, nroots;
  PetscSFNode *remote;
  FenInt      *starts;

  PetscFunctionBegin;
  PetscCall(FenIntCast(b->nlocal, &n));
  PetscCall(FenIntCast(b->model_n, &nroots));
  PetscCall(PetscMalloc5(p->size, &nsend, p->size, &send, p->size, &nrecv, p->size, &recv, p->size, &starts));
  PetscCall(PetscMalloc2(nroots, &index, n, &arrived));
  for (PetscInt k = 0; k < nroots; k++)
    index[k] = (PetscInt)p->order[k];
  for (PetscMPIInt r = 0; r < p->size; r++) {
    send[r] = (PetscMPIInt)p->send[r];
    recv[r] = (PetscMPIInt)p->recv[r];
    nsend[r] = (PetscMPIInt)(p->send[r + 1] - p->send[r]);
    nrecv[r] = (PetscMPIInt)(p->recv[r + 1] - p->recv[r]);
  }
  PetscCallMPI(MPI_Alltoallv(index, nsend, send, MPIU_INT, arrived, nrecv, recv, MPIU_INT, b->comm));
  PetscCallMPI(MPI_Allgather(&b->model_start, 1, MPI_FENINT, starts, 1, MPI_FENINT, b->comm));
  PetscCall(PetscMalloc1(n, &remote));
  PetscCall(PetscMalloc1(n, &b->number));
  for (PetscMPIInt r = 0; r < p->size; r++)
    for (FenInt k = p->recv[r]; k < p->recv[r + 1]; k++) {
      remote[k] = (PetscSFNode){r, arrived[k]};
      b->number[k] = starts[r] + arrived[k];
    }
  PetscCall(PetscFree2(index, arrived));
  PetscCall(PetscFree5(nsend, send, nrecv, recv, starts));
  PetscCall(PetscSFCreate(b->comm, &b->move));
  PetscCall(PetscSFSetGraph(b->move, nroots, n, NULL, PETSC_OWN_POINTER, remote, PETSC_OWN_POINTER));
  PetscCall(PetscSFSetUp(b->move));
  PetscFunctionReturn(0);
}

/* numbers that follow each other on all ranks need no list */
static PetscErrorCode Contiguous(FenBellman b)
{
  FenInt end;
  int    same = 1;

  PetscFunctionBegin;
  PetscCall(FenLayoutGetRange(b->layout, &b->start, &end));
  for (FenInt k = 0; k < b->nlocal; k++)
    same = same && b->number[k] == b->start + k;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &same, 1, MPI_INT, MPI_MIN, b->comm));
  b->scattered = (PetscBool)!same;
  if (same)
    PetscCall(PetscFree(b->number));
  PetscFunctionReturn(0);
}

/* numbers of my states that do not follow each other are found through a set */
static PetscErrorCode MakeSet(FenBellman b)
{
  FenInt n;

  PetscFunctionBegin;
  if (!b->scattered)
    PetscFunctionReturn(0);
  PetscCall(FenIndexSetCreateOf(&b->mine, b->total, b->nlocal, b->number, &n));
  PetscFunctionReturn(0);
}

PetscErrorCode FenBellmanMove_Private(FenBellman b, const PetscMPIInt owner[])
{
  Plan p;

  PetscFunctionBegin;
  PetscCall(PlanCreate(b, owner, &p));
  b->nlocal = p.recv[p.size];
  PetscCall(FenLayoutCreateRowsLocal(b->comm, b->nlocal, &b->layout));
  b->own_layout = PETSC_TRUE;
  PetscCall(MakeMove(b, &p));
  PetscCall(Contiguous(b));
  PetscCall(MakeSet(b));
  if (b->rows) {
    FenMDPRows moved = {.nstates = b->nlocal};

    PetscCall(ShipRows(&p, b->rows, &moved));
    b->held = moved;
    b->rows = &b->held;
    b->own_rows = b->own_entries = PETSC_TRUE;
  }
  PetscCall(PlanDestroy(&p));
  PetscFunctionReturn(0);
}

PetscErrorCode FenBellmanScatter(FenBellman b, const double outside[], double inside[])
{
  PetscFunctionBegin;
  if (!b->move) {
    PetscCall(PetscArraycpy(inside, outside, (size_t)b->nlocal));
    PetscFunctionReturn(0);
  }
  PetscCall(PetscSFBcastBegin(b->move, MPI_DOUBLE, outside, inside, MPI_REPLACE));
  PetscCall(PetscSFBcastEnd(b->move, MPI_DOUBLE, outside, inside, MPI_REPLACE));
  PetscFunctionReturn(0);
}

PetscErrorCode FenBellmanGather(FenBellman b, const double inside[], double outside[])
{
  PetscFunctionBegin;
  if (!b->move) {
    PetscCall(PetscArraycpy(outside, inside, (size_t)b->nlocal));
    PetscFunctionReturn(0);
  }
  PetscCall(PetscSFReduceBegin(b->move, MPI_DOUBLE, inside, outside, MPI_REPLACE));
  PetscCall(PetscSFReduceEnd(b->move, MPI_DOUBLE, inside, outside, MPI_REPLACE));
  PetscFunctionReturn(0);
}

PetscErrorCode FenBellmanMoves(FenBellman b, PetscBool *moves)
{
  PetscFunctionBegin;
  *moves = (PetscBool)(b->move != NULL);
  PetscFunctionReturn(0);
}
