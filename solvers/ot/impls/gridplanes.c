/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Which rank has which planes of the V-cycle's grids, and how planes travel.

   The finest grid is cut into slabs of at least four planes; where there are more ranks than that makes, the last ones
   have none. A coarse plane is made by the owner of the finer plane above it. When a rank would have fewer than four,
   ranks go together in pairs, the last three if their number is odd: one takes the planes of the others, which wait
   until it has solved. So all grids cost a rank a few planes, whatever the number of ranks is. A grid of at most 4,096
   points that would be cut into slabs too thin is put together on all ranks that are left, which do the same work on
   it: less than what messages would take.
*/
#include "gridcycleimpl.h"

#define FEW_POINTS 4096

PetscErrorCode FenGridExchange(FenGridCycle C, const FenGrid *G, FenInt planes, float *v)
{
  const FenInt n = planes * G->plane;
  float       *first = v + G->front, *end = first + G->size;
  PetscMPIInt  count;

  PetscFunctionBegin;
  if (G->all || G->parts == 1)
    PetscFunctionReturn(0);
  PetscCall(FenMPIIntCast(n, &count));
  PetscCallMPI(
      MPI_Sendrecv(first, count, MPI_FLOAT, G->up, 0, end, count, MPI_FLOAT, G->down, 0, C->comm, MPI_STATUS_IGNORE));
  PetscCallMPI(MPI_Sendrecv(end - n, count, MPI_FLOAT, G->down, 1, first - n, count, MPI_FLOAT, G->up, 1, C->comm,
                            MPI_STATUS_IGNORE));
  PetscFunctionReturn(0);
}

/* ---- the cut ---- */

/* the smallest number of planes among the ranks that have some */
static PetscErrorCode Fewest(FenGridCycle C, const FenGrid *G, FenInt *fewest)
{
  FenInt planes = G->active ? G->hi - G->lo : INT64_MAX;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Allreduce(&planes, fewest, 1, MPI_FENINT, MPI_MIN, C->comm));
  PetscFunctionReturn(0);
}

/* ranks of the finer grid go together: who takes what I make, and how much I take of whom */
static PetscErrorCode Pair(FenGridCycle C, const FenGrid *fine, FenGrid *G)
{
  const PetscMPIInt parts = fine->parts / 2, at = C->rank / fine->stride;
  FenInt            planes = G->made[1] - G->made[0];

  PetscFunctionBegin;
  G->parts = parts;
  G->stride = 2 * fine->stride;
  if (!fine->active)
    PetscFunctionReturn(0);
  G->leader = PetscMin(at / 2, parts - 1) * G->stride;
  G->active = PetscNot(G->leader != C->rank);
  if (!G->active) {
    G->lo = G->hi = 0;
    PetscCallMPI(MPI_Send(&planes, 1, MPI_FENINT, G->leader, 2, C->comm));
    PetscFunctionReturn(0);
  }
  for (PetscMPIInt k = 1; k < FEN_GRID_GROUP && at + k < fine->parts; k++) {
    if (PetscMin((at + k) / 2, parts - 1) != at / 2)
      continue;
    PetscCallMPI(MPI_Recv(&G->taken[k], 1, MPI_FENINT, C->rank + k * fine->stride, 2, C->comm, MPI_STATUS_IGNORE));
    G->hi += G->taken[k];
  }
  PetscFunctionReturn(0);
}

/* all ranks of the finer grid have all planes of this one */
static PetscErrorCode All(FenGridCycle C, const FenGrid *fine, FenGrid *G)
{
  PetscMPIInt n;

  PetscFunctionBegin;
  G->all = PETSC_TRUE;
  PetscCallMPI(MPI_Comm_split(C->comm, fine->active ? 0 : MPI_UNDEFINED, C->rank, &C->among));
  if (!fine->active)
    PetscFunctionReturn(0);
  PetscCall(PetscMalloc2(fine->parts, &C->counts, fine->parts, &C->starts));
  PetscCall(FenMPIIntCast((G->made[1] - G->made[0]) * G->n[1] * G->n[2], &n));
  PetscCallMPI(MPI_Allgather(&n, 1, MPI_INT, C->counts, 1, MPI_INT, C->among));
  for (PetscMPIInt r = 0, sum = 0; r < fine->parts; sum += C->counts[r++])
    C->starts[r] = sum;
  G->lo = 0;
  G->hi = G->n[0];
  PetscFunctionReturn(0);
}

PetscErrorCode FenGridCut(FenGridCycle C, const FenGrid *fine, FenGrid *G)
{
  const PetscBool halved = PetscNot(G->n[0] == fine->n[0]);
  FenInt          fewest = FEN_GRID_LEAST;

  PetscFunctionBegin;
  G->made[0] = halved ? (fine->lo + 1) / 2 : fine->lo;
  G->made[1] = halved ? (fine->hi + 1) / 2 : fine->hi;
  G->lo = G->made[0];
  G->hi = G->made[1];
  G->parts = fine->parts;
  G->stride = fine->stride;
  G->active = fine->active;
  G->all = fine->all;
  G->leader = -1;
  if (!G->all && G->parts > 1)
    PetscCall(Fewest(C, G, &fewest));
  if (fewest < FEN_GRID_LEAST && G->n[0] * G->n[1] * G->n[2] <= FEW_POINTS)
    PetscCall(All(C, fine, G));
  else if (fewest < FEN_GRID_LEAST)
    PetscCall(Pair(C, fine, G));
  if (fine->active && G->leader >= 0)
    PetscCall(PetscMalloc1((size_t)((G->made[1] - G->made[0] + 2) * G->n[1] * G->n[2]), &G->around));
  G->up = G->active && !G->all && G->lo > 0 ? C->rank - G->stride : MPI_PROC_NULL;
  G->down = G->active && !G->all && G->hi < G->n[0] ? C->rank + G->stride : MPI_PROC_NULL;
  PetscFunctionReturn(0);
}

/* ---- planes that travel ---- */

PetscErrorCode FenGridTogether(FenGridCycle C, const FenGrid *fine, const FenGrid *coarse, const float made[],
                               float out[])
{
  const FenInt n = (coarse->made[1] - coarse->made[0]) * coarse->plane;
  PetscMPIInt  count;

  PetscFunctionBegin;
  PetscCall(FenMPIIntCast(n, &count));
  if (FenGridStays(fine, coarse)) {
    PetscCall(PetscArraycpy(out, made, n));
  } else if (coarse->all) {
    PetscCallMPI(MPI_Allgatherv(made, count, MPI_FLOAT, out, C->counts, C->starts, MPI_FLOAT, C->among));
  } else if (!coarse->active) {
    PetscCallMPI(MPI_Send(made, count, MPI_FLOAT, coarse->leader, 3, C->comm));
  } else {
    PetscCall(PetscArraycpy(out, made, n));
    out += n;
    for (PetscMPIInt k = 1; k < FEN_GRID_GROUP; k++) {
      if (!coarse->taken[k])
        continue;
      PetscCall(FenMPIIntCast(coarse->taken[k] * coarse->plane, &count));
      PetscCallMPI(MPI_Recv(out, count, MPI_FLOAT, C->rank + k * fine->stride, 3, C->comm, MPI_STATUS_IGNORE));
      out += count;
    }
  }
  PetscFunctionReturn(0);
}

PetscErrorCode FenGridApart(FenGridCycle C, const FenGrid *fine, const FenGrid *coarse, float with_halo[],
                            const float **planes, FenInt *first)
{
  PetscMPIInt count;
  float      *at;

  PetscFunctionBegin;
  if (!coarse->active) {
    PetscCall(FenMPIIntCast((coarse->made[1] - coarse->made[0] + 2) * coarse->plane, &count));
    PetscCallMPI(MPI_Recv(coarse->around, count, MPI_FLOAT, coarse->leader, 4, C->comm, MPI_STATUS_IGNORE));
    *planes = coarse->around;
    *first = coarse->made[0] - 1;
    PetscFunctionReturn(0);
  }
  *planes = at = with_halo + coarse->front;
  *first = coarse->lo;
  at += (coarse->made[1] - coarse->made[0]) * coarse->plane;
  for (PetscMPIInt k = 1; k < FEN_GRID_GROUP; k++) {
    if (!coarse->taken[k])
      continue;
    PetscCall(FenMPIIntCast((coarse->taken[k] + 2) * coarse->plane, &count));
    PetscCallMPI(MPI_Send(at - coarse->plane, count, MPI_FLOAT, C->rank + k * fine->stride, 4, C->comm));
    at += coarse->taken[k] * coarse->plane;
  }
  PetscFunctionReturn(0);
}
