/* SPDX-License-Identifier: BSD-2-Clause */
/* Rows of a model of two colours in an order of their own, and sweeps in place over one colour after the other. */
#include "colouredimpl.h"

PetscErrorCode FenColouredGetBlackSize(FenColoured C, FenInt *n)
{
  PetscFunctionBegin;
  *n = FEN_LANES * C->chunks[FEN_BLACK];
  PetscFunctionReturn(0);
}

/* of a state of mine or a ghost */
static int Colour(FenColoured C, FenInt k)
{
  return C->colours == 2 ? C->b->colour[k] : FEN_RED;
}

/* states of a colour keep their order */
static PetscErrorCode Order(FenColoured C)
{
  FenBellman b = C->b;
  FenInt     count[2] = {0}, at[2] = {0};

  PetscFunctionBegin;
  for (FenInt s = 0; s < b->nlocal; s++)
    count[Colour(C, s)]++;
  for (int k = 0; k < 2; k++)
    C->chunks[k] = FenChunkCount(count[k]);
  C->n = FEN_LANES * (C->chunks[0] + C->chunks[1]);
  at[FEN_BLACK] = FEN_LANES * C->chunks[FEN_RED];
  PetscCall(PetscMalloc2((size_t)(b->nlocal + b->nghost), &C->position, C->n, &C->state));
  for (FenInt k = 0; k < C->n; k++)
    C->state[k] = -1;
  for (FenInt s = 0; s < b->nlocal; s++) {
    C->position[s] = (int)at[Colour(C, s)]++;
    C->state[C->position[s]] = (int)s;
  }
  for (FenInt k = 0; k < b->nghost; k++)
    C->position[b->nlocal + k] = (int)(C->n + k);
  PetscFunctionReturn(0);
}

/* ghosts of one colour come from the positions that their owners gave them */
static PetscErrorCode MakeExchange(FenColoured C, int colour, const int there[])
{
  FenBellman         b = C->b;
  const PetscSFNode *from;
  PetscSFNode       *remote;
  PetscInt          *leaf, n = 0, roots;

  PetscFunctionBegin;
  PetscCall(PetscSFGetGraph(b->exchange, NULL, NULL, NULL, &from));
  PetscCall(PetscMalloc1(b->nghost, &remote));
  PetscCall(PetscMalloc1(b->nghost, &leaf));
  for (FenInt k = 0; k < b->nghost; k++)
    if (Colour(C, b->nlocal + k) == colour) {
      leaf[n] = (PetscInt)(C->n + k);
      remote[n].rank = from[k].rank;
      remote[n++].index = there[k];
    }
  PetscCall(FenIntCast(C->n, &roots));
  PetscCall(PetscSFCreate(b->comm, &C->exchange[colour]));
  PetscCall(PetscSFSetGraph(C->exchange[colour], roots, n, leaf, PETSC_OWN_POINTER, remote, PETSC_OWN_POINTER));
  PetscCall(PetscSFSetUp(C->exchange[colour]));
  PetscFunctionReturn(0);
}

static PetscErrorCode MakeExchanges(FenColoured C)
{
  FenBellman b = C->b;
  int       *there;

  PetscFunctionBegin;
  if (!b->exchange)
    PetscFunctionReturn(0);
  PetscCall(PetscMalloc1(b->nghost + 1, &there));
  PetscCall(PetscSFBcastBegin(b->exchange, MPI_INT, C->position, there, MPI_REPLACE));
  PetscCall(PetscSFBcastEnd(b->exchange, MPI_INT, C->position, there, MPI_REPLACE));
  for (int k = 0; k < C->colours; k++)
    PetscCall(MakeExchange(C, k, there));
  PetscCall(PetscFree(there));
  PetscFunctionReturn(0);
}

PetscErrorCode FenColouredExchange_Private(FenColoured C, int colour, double x[])
{
  PetscFunctionBegin;
  if (!C->exchange[colour])
    PetscFunctionReturn(0);
  PetscCall(PetscSFBcastBegin(C->exchange[colour], MPI_DOUBLE, x, x, MPI_REPLACE));
  PetscCall(PetscSFBcastEnd(C->exchange[colour], MPI_DOUBLE, x, x, MPI_REPLACE));
  PetscFunctionReturn(0);
}

/* where the operator keeps action a of a state: first entry, columns; false: there is no such row */
static PetscBool Lane(FenBellman b, FenInt s, FenInt a, FenInt *slot, FenInt *first, FenInt *columns)
{
  const FenChunkStore *A = &b->all;
  const FenInt         c = s / FEN_LANES;

  if (a >= A->chunk_ptr[c + 1] - A->chunk_ptr[c])
    return PETSC_FALSE;
  *slot = A->chunk_ptr[c] + a;
  *first = FEN_LANES * A->slot_ptr[*slot] + s % FEN_LANES;
  *columns = A->slot_ptr[*slot + 1] - A->slot_ptr[*slot];
  return PETSC_TRUE;
}

/* columns and slots of the chunk at a position */
static void CountChunk(FenColoured C, FenInt chunk, FenInt *slots, FenInt columns[])
{
  FenBellman           b = C->b;
  const FenChunkStore *A = &b->all;
  FenInt               slot, first, n;

  *slots = 0;
  for (int l = 0; l < FEN_LANES; l++) {
    const int s = C->state[FEN_LANES * chunk + l];

    for (FenInt a = 0; s >= 0 && Lane(b, s, a, &slot, &first, &n); a++) {
      FenInt moves = 0;

      for (FenInt j = 0; j < n; j++)
        moves += A->val[first + FEN_LANES * j] != 0 && A->col[first + FEN_LANES * j] != s;
      if (A->reward[FEN_LANES * slot + s % FEN_LANES] == PETSC_NINFINITY)
        continue;
      for (; *slots <= a; (*slots)++)
        columns[*slots] = 0;
      columns[a] = PetscMax(columns[a], moves);
    }
  }
}

/* one lane: the row without staying, everything over 1 - discount p(s,s); lanes without a state repeat the first */
static void FillLane(FenColoured C, FenInt chunk, FenInt a, FenInt slot, int lane)
{
  FenBellman           b = C->b;
  const FenChunkStore *A = &b->all;
  FenChunkStore       *R = &C->rows;
  const FenInt         at = R->slot_ptr[slot], columns = R->slot_ptr[slot + 1] - at;
  const int            own = C->state[FEN_LANES * chunk + lane];
  const int            s = own >= 0 ? own : C->state[FEN_LANES * chunk], self = C->position[s];
  FenInt               from, first, n = 0, to = 0;
  double               stay = 0, scale;

  R->reward[FEN_LANES * slot + lane] = PETSC_NINFINITY;
  C->scale[FEN_LANES * slot + lane] = 1;
  if (Lane(b, s, a, &from, &first, &n)) {
    for (FenInt j = 0; j < n; j++)
      stay += A->col[first + FEN_LANES * j] == s ? A->val[first + FEN_LANES * j] : 0;
    scale = 1 / (1 - b->options.discount * stay);
    C->scale[FEN_LANES * slot + lane] = scale;
    R->reward[FEN_LANES * slot + lane] = A->reward[FEN_LANES * from + s % FEN_LANES] * scale;
    for (FenInt j = 0; j < n; j++) {
      const FenInt e = first + FEN_LANES * j, o = FEN_LANES * (at + to) + lane;

      if (A->val[e] == 0 || A->col[e] == s)
        continue;
      R->col[o] = C->position[A->col[e]];
      R->val[o] = A->val[e] * scale;
      to++;
    }
  }
  for (; to < columns; to++) {
    R->col[FEN_LANES * (at + to) + lane] = self;
    R->val[FEN_LANES * (at + to) + lane] = 0;
  }
}

static PetscErrorCode CountAll(FenColoured C, FenInt work[], FenInt *nslots, FenInt *ncolumns)
{
  const FenInt nchunks = C->n / FEN_LANES;

  PetscFunctionBegin;
  *nslots = *ncolumns = 0;
  for (FenInt c = 0; c < nchunks; c++) {
    FenInt slots;

    CountChunk(C, c, &slots, work);
    *nslots += slots;
    for (FenInt a = 0; a < slots; a++)
      *ncolumns += work[a];
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode Store(FenColoured C)
{
  const FenChunkStore *A = &C->b->all;
  const FenInt         nchunks = C->n / FEN_LANES;
  FenInt               most = 1, *work, nslots, ncolumns;

  PetscFunctionBegin;
  for (FenInt c = 0; c < A->nchunks; c++)
    most = PetscMax(most, A->chunk_ptr[c + 1] - A->chunk_ptr[c]);
  PetscCall(PetscMalloc1(most, &work));
  PetscCall(CountAll(C, work, &nslots, &ncolumns));
  PetscCall(FenChunksAllocate_Private(&C->rows, C->n, nchunks, nslots, ncolumns, C->b->options.discount));
  PetscCall(PetscMalloc1((size_t)(FEN_LANES * nslots), &C->scale));
  for (FenInt c = 0; c < nchunks; c++) {
    const FenInt first = C->rows.chunk_ptr[c];
    FenInt       slots;

    CountChunk(C, c, &slots, work);
    C->rows.chunk_ptr[c + 1] = first + slots;
    for (FenInt a = 0; a < slots; a++) {
      C->rows.slot_ptr[first + a + 1] = C->rows.slot_ptr[first + a] + work[a];
      for (int l = 0; l < FEN_LANES; l++)
        FillLane(C, c, a, first + a, l);
    }
  }
  PetscCall(PetscFree(work));
  PetscCall(FenChunksFindReach_Private(&C->rows));
  PetscCall(FenChunksFindCodes_Private(&C->rows));
  PetscFunctionReturn(0);
}

PetscErrorCode FenColouredCreate(FenBellman b, int colours, FenColoured *out)
{
  FenColoured C;
  PetscBool   two = PETSC_TRUE;

  PetscFunctionBegin;
  if (colours == 2)
    PetscCall(FenBellmanHasTwoColours(b, &two));
  PetscCheck(two && b->rows && !b->nature, b->comm, (PetscErrorCode)FEN_ERR_INTERNAL,
             "the model does not have two colours, or no nominal rows that are stored");
  PetscCall(FenBellmanStore(b));
  PetscCall(PetscNew(&C));
  C->b = b;
  C->colours = colours;
  PetscCall(Order(C));
  PetscCall(MakeExchanges(C));
  PetscCall(Store(C));
  PetscCall(PetscCalloc4((size_t)(C->n + b->nghost), &C->x, (size_t)(C->n + b->nghost), &C->y, C->n, &C->image, C->n,
                         &C->policy));
  PetscCall(FenColouredPolicyCreate_Private(C));
  *out = C;
  PetscFunctionReturn(0);
}

PetscErrorCode FenColouredDestroy(FenColoured *C)
{
  PetscFunctionBegin;
  if (!*C)
    PetscFunctionReturn(0);
  PetscCall(FenChunksDestroy_Private(&(*C)->rows));
  PetscCall(FenChunksDestroy_Private(&(*C)->kept));
  PetscCall(FenPackedDestroy_Private(&(*C)->packed));
  PetscCall(PetscFree((*C)->scale));
  PetscCall(PetscFree2((*C)->kept_action, (*C)->kept_scale));
  PetscCall(PetscSFDestroy(&(*C)->exchange[FEN_RED]));
  PetscCall(PetscSFDestroy(&(*C)->exchange[FEN_BLACK]));
  PetscCall(PetscFree2((*C)->position, (*C)->state));
  PetscCall(PetscFree4((*C)->x, (*C)->y, (*C)->image, (*C)->policy));
  PetscCall(PetscFree(*C));
  PetscFunctionReturn(0);
}

PetscErrorCode FenColouredPut(FenColoured C, const double V[], const int policy[])
{
  PetscFunctionBegin;
  for (FenInt k = 0; k < C->n; k++) {
    const int s = C->state[k] >= 0 ? C->state[k] : C->state[k - k % FEN_LANES];

    if (V)
      C->x[k] = V[s];
    if (policy)
      C->policy[k] = PetscMax(0, policy[s]);
  }
  if (V)
    PetscCall(FenColouredExchange_Private(C, C->colours == 2 ? FEN_BLACK : FEN_RED, C->x));
  PetscFunctionReturn(0);
}

PetscErrorCode FenColouredTake(FenColoured C, double V[])
{
  PetscFunctionBegin;
  for (FenInt s = 0; s < C->b->nlocal; s++)
    V[s] = C->x[C->position[s]];
  PetscFunctionReturn(0);
}

/* of one colour */
static PetscErrorCode HalfSweep(FenColoured C, int colour, double image[], FenSweepPart *part)
{
  const FenInt first = FenColouredFirst(C, colour);

  PetscFunctionBegin;
  FenSweepPartInit(part);
  C->b->kernels->sweep(&C->rows.view, first, first + C->chunks[colour], C->x, C->x, image, C->policy, part);
  C->b->sweeps += 1. / C->colours;
  if (image == C->x)
    PetscCall(FenColouredExchange_Private(C, colour, C->x));
  PetscFunctionReturn(0);
}

PetscErrorCode FenColouredSweeps(FenColoured C, PetscInt n)
{
  FenSweepPart part;

  PetscFunctionBegin;
  for (PetscInt k = 0; k < n; k++)
    for (int colour = 0; colour < C->colours; colour++)
      PetscCall(HalfSweep(C, colour, C->x, &part));
  PetscFunctionReturn(0);
}

PetscErrorCode FenColouredResidual(FenColoured C, double d[], double *lo, double *hi)
{
  const FenInt first = FEN_LANES * C->chunks[FEN_RED], n = FEN_LANES * C->chunks[FEN_BLACK];
  FenSweepPart part;
  double       range[2];

  PetscFunctionBegin;
  PetscCall(HalfSweep(C, FEN_RED, C->x, &part));
  PetscCall(HalfSweep(C, FEN_BLACK, C->image, &part));
  for (FenInt k = 0; k < n; k++)
    d[k] = C->state[first + k] < 0 ? 0 : C->image[first + k] - C->x[first + k];
  range[0] = part.lo < 0 ? -part.lo : 0;
  range[1] = part.hi > 0 ? part.hi : 0;
  if (isnan(part.lo)) /* infinite on all ranks, whatever MPI does with a NaN */
    range[0] = range[1] = PETSC_INFINITY;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, range, 2, MPI_DOUBLE, MPI_MAX, C->b->comm));
  *lo = -range[0];
  *hi = range[1];
  PetscFunctionReturn(0);
}

/* Jacobi: all states at once, from the values before */
PetscErrorCode FenColouredJacobi(FenColoured C, PetscInt n)
{
  FenSweepPart part;

  PetscFunctionBegin;
  for (PetscInt k = 0; k < n; k++) {
    PetscCall(HalfSweep(C, FEN_RED, C->image, &part));
    PetscCall(PetscArraycpy(C->x, C->image, C->n));
    PetscCall(FenColouredExchange_Private(C, FEN_RED, C->x));
  }
  PetscFunctionReturn(0);
}
