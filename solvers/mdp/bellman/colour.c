/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Two colours for the graph of state and successor, over all actions, staying left out.

   Each rank joins its states and ghosts into components, with the parity of the way to the component's root; an odd
   circle ends the search at once, and models that mix well have one among their first rows. Components of different
   ranks then agree on the smallest number of a state in them, whose colour is red: keys 2 number + parity go to ghosts
   and back until none falls. A last exchange looks whether all ghosts have the colours of their states.

   Cost: once through the rows, and one exchange for each rank that a component's label passes.
*/
#include "coloured.h"
#include "bellmanimpl.h"

#define PLACES 16
#define WIDTH  4    /* chunks */
#define ROUNDS 4096 /* a component that winds through the ranks more often than this has no colours */

/* nodes: my states, then ghosts; parity: of the way to the parent */
typedef struct {
  int   n, *parent;
  char *parity;
} Forest;

/* root of a node, and the parity of the way there; nodes on the way are hung to the root */
static int Root(Forest *F, int node, char *parity)
{
  int  root = node;
  char odd = 0;

  while (F->parent[root] != root) {
    odd ^= F->parity[root];
    root = F->parent[root];
  }
  *parity = odd;
  while (F->parent[node] != root && node != root) {
    const int  next = F->parent[node];
    const char step = F->parity[node];

    F->parent[node] = root;
    F->parity[node] = odd;
    odd ^= step;
    node = next;
  }
  return root;
}

/* a and b get different colours; false: they cannot */
static PetscBool Join(Forest *F, int a, int b)
{
  char      pa, pb;
  const int ra = Root(F, a, &pa), rb = Root(F, b, &pb);

  if (ra == rb)
    return (PetscBool)(pa != pb);
  F->parent[PetscMax(ra, rb)] = PetscMin(ra, rb);
  F->parity[PetscMax(ra, rb)] = (char)(1 ^ pa ^ pb);
  return PETSC_TRUE;
}

/* states s0 .. s1-1 whose rows are as they are stored */
static PetscBool JoinPlain(FenBellman b, Forest *F, FenInt s0, FenInt s1)
{
  const FenPlainRows *R = &b->plain;

  for (FenInt s = s0; s < s1; s++)
    for (FenInt j = R->row_ptr[R->state_ptr[s]]; j < R->row_ptr[R->state_ptr[s + 1]]; j++) {
      const int next = FenBellmanLocal_Private(b, R->next[j]);

      if (R->prob[j] != 0 && next != s && !Join(F, (int)s, next))
        return PETSC_FALSE;
    }
  return PETSC_TRUE;
}

/* chunks c0 .. c1-1; false: they have an odd circle */
static PetscBool JoinChunks(FenBellman b, Forest *F, FenInt c0, FenInt c1)
{
  const FenChunkStore *C = &b->all;

  if (FenBellmanIsPlain(b))
    return JoinPlain(b, F, FEN_LANES * c0, PetscMin(FEN_LANES * c1, b->nlocal));
  for (FenInt c = c0; c < PetscMin(c1, C->nchunks); c++)
    for (FenInt j = FEN_LANES * C->slot_ptr[C->chunk_ptr[c]]; j < FEN_LANES * C->slot_ptr[C->chunk_ptr[c + 1]]; j++) {
      const FenInt s = FEN_LANES * c + j % FEN_LANES;

      if (s < b->nlocal && C->val[j] != 0 && C->col[j] != s && !Join(F, (int)s, C->col[j]))
        return PETSC_FALSE;
    }
  return PETSC_TRUE;
}

/* some chunks here and there first, the last ones among them: where there are odd circles one is mostly near */
static PetscErrorCode JoinRows(FenBellman b, Forest *F, PetscBool *possible)
{
  const FenInt n = FenChunkCount(b->nlocal);

  PetscFunctionBegin;
  F->n = (int)(b->nlocal + b->nghost); /* local numbers are 32 bits wide */
  PetscCall(PetscMalloc2(F->n, &F->parent, F->n, &F->parity));
  for (int k = 0; k < F->n; k++) {
    F->parent[k] = k;
    F->parity[k] = 0;
  }
  *possible = PETSC_TRUE;
  for (FenInt k = PLACES; k > 0 && n > PLACES * WIDTH && *possible; k--)
    *possible = JoinChunks(b, F, n * k / PLACES - WIDTH, n * k / PLACES);
  if (*possible)
    *possible = JoinChunks(b, F, 0, n);
  PetscFunctionReturn(0);
}

/* keys of components at their roots: 2 (smallest number) + colour of the root */
static PetscErrorCode FirstKeys(FenBellman b, Forest *F, FenInt key[])
{
  char parity;

  PetscFunctionBegin;
  for (int k = 0; k < F->n; k++)
    key[k] = INT64_MAX;
  for (int k = 0; k < F->n; k++) {
    const FenInt number = k < b->nlocal ? FenBellmanNumber(b, k) : b->ghost[k - b->nlocal];
    const int    root = Root(F, k, &parity);

    key[root] = PetscMin(key[root], 2 * number + parity);
  }
  PetscFunctionReturn(0);
}

static FenInt NodeKey(Forest *F, const FenInt key[], int node)
{
  char      parity;
  const int root = Root(F, node, &parity);

  return key[root] ^ parity;
}

/* what others say of a node of mine; does it lower its component's key */
static int Hear(Forest *F, FenInt key[], int node, FenInt said)
{
  char      parity;
  const int root = Root(F, node, &parity);

  if ((said ^ parity) >= key[root])
    return 0;
  key[root] = said ^ parity;
  return 1;
}

static PetscErrorCode Tell(FenBellman b, Forest *F, FenInt key[], FenInt own[], FenInt ghost[], int *news)
{
  const int n = (int)b->nlocal;

  PetscFunctionBegin;
  for (int k = 0; k < F->n; k++)
    (k < n ? own : ghost - n)[k] = NodeKey(F, key, k);
  PetscCall(PetscSFBcastBegin(b->exchange, MPI_FENINT, own, ghost, MPI_MIN));
  PetscCall(PetscSFBcastEnd(b->exchange, MPI_FENINT, own, ghost, MPI_MIN));
  for (int k = n; k < F->n; k++) {
    *news |= Hear(F, key, k, ghost[k - n]);
    ghost[k - n] = NodeKey(F, key, k);
  }
  PetscCall(PetscSFReduceBegin(b->exchange, MPI_FENINT, ghost, own, MPI_MIN));
  PetscCall(PetscSFReduceEnd(b->exchange, MPI_FENINT, ghost, own, MPI_MIN));
  for (int k = 0; k < n; k++)
    *news |= Hear(F, key, k, own[k]);
  PetscFunctionReturn(0);
}

/* until no key falls; then ghosts must have the keys of their states */
static PetscErrorCode Settle(FenBellman b, Forest *F, FenInt key[], PetscBool *two)
{
  FenInt *own, *ghost;
  int     news = 1, wrong = 0;

  PetscFunctionBegin;
  PetscCall(PetscMalloc2(b->nlocal + 1, &own, b->nghost + 1, &ghost));
  for (int round = 0; news && round < ROUNDS; round++) {
    news = 0;
    PetscCall(Tell(b, F, key, own, ghost, &news));
    PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &news, 1, MPI_INT, MPI_MAX, b->comm));
  }
  for (int k = 0; k < (int)b->nlocal; k++)
    own[k] = NodeKey(F, key, k);
  PetscCall(PetscSFBcastBegin(b->exchange, MPI_FENINT, own, ghost, MPI_REPLACE));
  PetscCall(PetscSFBcastEnd(b->exchange, MPI_FENINT, own, ghost, MPI_REPLACE));
  for (int k = 0; k < (int)b->nghost; k++)
    wrong |= ghost[k] != NodeKey(F, key, k + (int)b->nlocal);
  wrong |= news;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &wrong, 1, MPI_INT, MPI_MAX, b->comm));
  *two = (PetscBool)!wrong;
  PetscCall(PetscFree2(own, ghost));
  PetscFunctionReturn(0);
}

static PetscErrorCode Find(FenBellman b, PetscBool *two)
{
  Forest    F = {0};
  PetscBool possible = PETSC_TRUE;
  FenInt   *key;
  int       never;

  PetscFunctionBegin;
  PetscCall(JoinRows(b, &F, &possible));
  never = !possible;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &never, 1, MPI_INT, MPI_MAX, b->comm));
  *two = (PetscBool)!never;
  if (*two) {
    PetscCall(PetscMalloc1(F.n, &key));
    PetscCall(FirstKeys(b, &F, key));
    if (b->exchange)
      PetscCall(Settle(b, &F, key, two));
    if (*two)
      PetscCall(PetscMalloc1(F.n, &b->colour));
    for (int k = 0; *two && k < F.n; k++)
      b->colour[k] = (char)(NodeKey(&F, key, k) & 1);
    PetscCall(PetscFree(key));
  }
  PetscCall(PetscFree2(F.parent, F.parity));
  PetscFunctionReturn(0);
}

PetscErrorCode FenBellmanHasTwoColours(FenBellman b, PetscBool *two)
{
  PetscFunctionBegin;
  if (!b->coloured) {
    PetscBool found = PETSC_FALSE;

    if (b->rows && !b->nature)
      PetscCall(Find(b, &found));
    b->coloured = found ? 2 : 1;
  }
  *two = (PetscBool)(b->coloured == 2);
  PetscFunctionReturn(0);
}
