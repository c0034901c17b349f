/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Which rank has which box of the V-cycle's grids, and how points travel.

   The finest grid is cut along the axes along which the caller's layout is, into boxes of at least four points a side;
   where there are more ranks than that makes, the last ones have none. A coarse point is made by the owner of the finer
   point 2i. When some rank would have fewer than four along an axis, ranks go together in pairs along it, the last
   three if their number is odd, along several axes at once if need be: one takes the boxes of the others, which wait
   until it has solved. So all grids cost a rank a few points, whatever the number of ranks is. A grid of at most 4,096
   points that would be cut too thin, and any of at most 1,024, is put together on all ranks that are left, which do the
   same work on it: less than what messages would take.

   Cuts are those of axes, so that every rank knows all boxes.

   Halos come axis by axis. Those of axis 0 are whole planes and travel as they are; those of the other axes are packed,
   with what has come of the axes before, so that corners need no messages of their own.
*/
#include "gridcycleimpl.h"

#define FEW_POINTS 4096
#define VERY_FEW   1024

enum { TAG_FACE = 0, TAG_TOGETHER = 6, TAG_APART }; /* two for each axis */

static void Copy(const FenBox *box, const float from[], const FenGridMap *A, float to[], const FenGridMap *B)
{
  for (FenInt i = box->lo[0]; i < box->hi[0]; i++)
    for (FenInt k = box->lo[1]; k < box->hi[1]; k++) {
      const float *a = from + FenGridAt(A, i, k, box->lo[2]);
      float       *b = to + FenGridAt(B, i, k, box->lo[2]);

      for (FenInt j = 0; j < box->hi[2] - box->lo[2]; j++)
        b[j] = a[j];
    }
}

static FenGridMap Packed(const FenBox *b)
{
  const FenInt row = FenGridExtent(b, 2);

  return (FenGridMap){{b->lo[0], b->lo[1], b->lo[2]}, FenGridExtent(b, 1) * row, row};
}

static FenInt Points(const FenBox *b)
{
  return FenGridExtent(b, 0) * FenGridExtent(b, 1) * FenGridExtent(b, 2);
}

/* what a finer grid takes of a coarse box and around it; inside the grid along axes 1 and 2, where there need not be
   pads */
static FenBox Around(const FenGrid *fine, const FenGrid *G, const FenBox *b)
{
  const FenInt planes = fine->deep ? FEN_GRID_HALO : 1;
  FenBox       more;

  for (int a = 0; a < 3; a++) {
    more.lo[a] = a ? PetscMax(0, b->lo[a] - 1) : b->lo[a] - planes;
    more.hi[a] = a ? PetscMin(G->n[a], b->hi[a] + 1) : b->hi[a] + planes;
  }
  return more;
}

/* ---- halos ---- */

PetscErrorCode FenGridPlanesBegin(FenGridCycle C, const FenGrid *G, FenInt planes, PetscMPIInt m, float *v)
{
  const FenInt n = planes * G->at.plane;
  float       *first = v + G->front, *end = first + G->size;
  MPI_Datatype type = MPI_FLOAT;
  PetscMPIInt  count;

  PetscFunctionBegin;
  PetscCall(FenMPIIntCast(n, &count));
  if (m > 1) {
    PetscCallMPI(MPI_Type_create_hvector(m, count, (MPI_Aint)((size_t)G->ld * sizeof(float)), MPI_FLOAT, &type));
    PetscCallMPI(MPI_Type_commit(&type));
    count = 1;
  }
  for (int s = 0; s < 2; s++)
    PetscCallMPI(
        MPI_Irecv(s ? end : first - n, count, type, G->near[0][s], TAG_FACE + 1 - s, C->comm, &C->request[2 + s]));
  for (int s = 0; s < 2; s++)
    PetscCallMPI(MPI_Isend(s ? end - n : first, count, type, G->near[0][s], TAG_FACE + s, C->comm, &C->request[s]));
  if (m > 1)
    PetscCallMPI(MPI_Type_free(&type));
  PetscFunctionReturn(0);
}

PetscErrorCode FenGridPlanesEnd(FenGridCycle C)
{
  PetscFunctionBegin;
  PetscCallMPI(MPI_Waitall(4, C->request, MPI_STATUSES_IGNORE));
  PetscFunctionReturn(0);
}

static FenInt Behind(FenInt points)
{
  return points == FEN_GRID_HALO ? FEN_GRID_BEHIND : points;
}

/* what an exchange along axis 1 or 2 sends before and behind and what comes in there; halos of the axes before it, as
   far as they are on the grid, are part of it */
static void Faces(const FenGrid *G, int axis, FenInt points, FenBox out[2], FenBox in[2])
{
  FenBox box = G->box;

  for (int a = 0; a < axis; a++) {
    box.lo[a] -= G->near[a][0] == MPI_PROC_NULL ? 0 : points;
    box.hi[a] += G->near[a][1] == MPI_PROC_NULL ? 0 : a ? Behind(points) : points;
  }
  out[0] = out[1] = in[0] = in[1] = box;
  out[0].hi[axis] = box.lo[axis] + Behind(points);
  out[1].lo[axis] = box.hi[axis] - points;
  in[0].lo[axis] = box.lo[axis] - points;
  in[0].hi[axis] = box.lo[axis];
  in[1].lo[axis] = box.hi[axis];
  in[1].hi[axis] = box.hi[axis] + Behind(points);
}

static PetscErrorCode ExchangeFaces(FenGridCycle C, const FenGrid *G, int axis, FenInt points, PetscMPIInt m,
                                    float *const face[4], float *v)
{
  const int   tag = TAG_FACE + 2 * axis;
  float      *mine = v + G->front;
  FenBox      out[2], in[2];
  FenGridMap  map;
  PetscMPIInt count;

  PetscFunctionBegin;
  Faces(G, axis, points, out, in);
  for (int s = 0; s < 2; s++) {
    PetscCall(FenMPIIntCast(m * Points(&in[s]), &count));
    PetscCallMPI(MPI_Irecv(face[2 + s], count, MPI_FLOAT, G->near[axis][s], tag + 1 - s, C->comm, &C->request[2 + s]));
  }
  for (int s = 0; s < 2; s++) {
    map = Packed(&out[s]);
    for (PetscMPIInt k = 0; k < m && G->near[axis][s] != MPI_PROC_NULL; k++)
      Copy(&out[s], mine + k * G->ld, &G->at, face[s] + k * Points(&out[s]), &map);
    PetscCall(FenMPIIntCast(m * Points(&out[s]), &count));
    PetscCallMPI(MPI_Isend(face[s], count, MPI_FLOAT, G->near[axis][s], tag + s, C->comm, &C->request[s]));
  }
  PetscCallMPI(MPI_Waitall(4, C->request, MPI_STATUSES_IGNORE));
  for (int s = 0; s < 2; s++) {
    map = Packed(&in[s]);
    for (PetscMPIInt k = 0; k < m && G->near[axis][s] != MPI_PROC_NULL; k++)
      Copy(&in[s], face[2 + s] + k * Points(&in[s]), &map, mine + k * G->ld, &G->at);
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode Exchange(FenGridCycle C, const FenGrid *G, FenInt points, PetscMPIInt m, float *const face[4],
                               float *v)
{
  PetscFunctionBegin;
  if (G->all)
    PetscFunctionReturn(0);
  if (G->parts[0] > 1) {
    PetscCall(FenGridPlanesBegin(C, G, points, m, v));
    PetscCall(FenGridPlanesEnd(C));
  }
  for (int axis = 1; axis < 3; axis++)
    if (G->parts[axis] > 1)
      PetscCall(ExchangeFaces(C, G, axis, points, m, face, v));
  PetscFunctionReturn(0);
}

PetscErrorCode FenGridExchange(FenGridCycle C, const FenGrid *G, FenInt points, float *v)
{
  PetscFunctionBegin;
  PetscCall(Exchange(C, G, points, 1, C->face, v));
  PetscFunctionReturn(0);
}

/* points of the largest face of an exchange of whole halos */
static FenInt LargestFace(const FenGrid *G)
{
  FenInt most = 0;

  for (int axis = 1; axis < 3 && G->active && !G->all; axis++) {
    FenBox out[2], in[2];

    Faces(G, axis, FEN_GRID_HALO, out, in);
    most = PetscMax(most, G->parts[axis] > 1 ? Points(&in[1]) : 0);
  }
  return most;
}

PetscErrorCode FenGridExchangeEdges(FenGridCycle C, FenGrid *G)
{
  const size_t n = (size_t)(C->nk * LargestFace(G));
  PetscMPIInt  m;
  float       *face[4];

  PetscFunctionBegin;
  PetscCall(FenMPIIntCast(C->nk, &m));
  PetscCall(PetscMalloc4(n, &face[0], n, &face[1], n, &face[2], n, &face[3]));
  PetscCall(Exchange(C, G, G->halo, m, face, G->edge));
  PetscCall(PetscFree4(face[0], face[1], face[2], face[3]));
  PetscFunctionReturn(0);
}

/* ---- the cut ---- */

/* part number `at` along each axis of a grid that is cut as `cut` is */
static FenBox Part(FenGridCycle C, const FenGrid *cut, const FenInt n[3], const PetscMPIInt at[3])
{
  FenBox b;

  for (int a = 0; a < 3; a++) {
    b.lo[a] = C->cut[a][at[a] * cut->stride[a]];
    b.hi[a] = at[a] + 1 < cut->parts[a] ? C->cut[a][(at[a] + 1) * cut->stride[a]] : n[a];
  }
  return b;
}

static FenBox MyBox(FenGridCycle C, const FenGrid *G)
{
  PetscMPIInt at[3];

  if (!G->active)
    return (FenBox){{0}, {0}};
  if (G->all)
    return (FenBox){{0}, {G->n[0], G->n[1], G->n[2]}};
  for (int a = 0; a < 3; a++)
    at[a] = C->place[a] / G->stride[a];
  return Part(C, G, G->n, at);
}

/* points along an axis of the part that has least */
static FenInt Thinnest(FenGridCycle C, const FenGrid *G, int a)
{
  FenInt least = G->n[a];

  for (PetscMPIInt p = 0; p < G->parts[a]; p++) {
    const FenInt *begin = C->cut[a] + p * G->stride[a];
    const FenInt  end = p + 1 < G->parts[a] ? begin[G->stride[a]] : G->n[a];

    least = PetscMin(least, end - *begin);
  }
  return least;
}

/* Neighbours of my box. A slab is deep if all its parts have as many planes as they give, and four are no more than two
   of the next grid */
static void Neighbours(FenGridCycle C, FenGrid *G)
{
  PetscBool halved[3];

  for (int a = 0; a < 3; a++) {
    const PetscMPIInt at = C->place[a] / G->stride[a], step = G->stride[a] * C->step[a];
    const PetscBool   cut = (PetscBool)(G->active && !G->all);

    G->near[a][0] = cut && at > 0 ? C->rank - step : MPI_PROC_NULL;
    G->near[a][1] = cut && at + 1 < G->parts[a] ? C->rank + step : MPI_PROC_NULL;
  }
  FenGridHalves(G, halved);
  G->deep = (PetscBool)(!G->all && G->parts[0] > 1 && G->parts[1] == 1 && G->parts[2] == 1 && halved[0] &&
                        Thinnest(C, G, 0) >= FEN_GRID_DEEP);
  G->halo = G->deep ? FEN_GRID_DEEP : FEN_GRID_HALO;
}

PetscErrorCode FenGridCutFinest(FenGridCycle C, FenLayout layout)
{
  FenGrid    *G = &C->grid[0];
  FenInt      shape[FEN_MAX_DIM];
  PetscMPIInt np[FEN_MAX_DIM], place[FEN_MAX_DIM], step[FEN_MAX_DIM];
  PetscInt    dim;

  PetscFunctionBegin;
  PetscCall(FenLayoutGetDim(layout, &dim));
  PetscCall(FenLayoutGetShape(layout, shape));
  PetscCall(FenLayoutGetRanks(layout, np, NULL));
  for (PetscInt d = 0; d < dim; d++)
    np[d] = (PetscMPIInt)PetscMax(1, PetscMin(np[d], shape[d] / FEN_GRID_LEAST));
  PetscCall(FenLayoutCreateGrid(C->comm, dim, shape, np, &C->boxes));
  PetscCall(FenLayoutGetPlace(C->boxes, place, step));
  for (int a = 0; a < 3; a++) {
    G->n[a] = 1;
    G->stride[a] = C->procs[a] = C->step[a] = 1;
  }
  for (PetscInt d = 0; d < dim; d++) {
    const int a = C->axis[d];

    if (a < 0)
      continue;
    G->n[a] = shape[d];
    C->procs[a] = np[d];
    C->step[a] = step[d];
    C->place[a] = place[d];
  }
  for (int a = 0; a < 3; a++) {
    G->parts[a] = C->procs[a];
    PetscCall(PetscCalloc1(C->procs[a], &C->cut[a]));
  }
  for (PetscInt d = 0; d < dim; d++)
    for (PetscMPIInt p = 0; p < np[d] && C->axis[d] >= 0; p++) {
      FenBox box;

      PetscCall(FenLayoutGetBox(C->boxes, p * step[d], &box));
      C->cut[C->axis[d]][p] = box.lo[d];
    }
  G->active = PetscNot(place[0] < 0);
  G->box = MyBox(C, G);
  Neighbours(C, G);
  PetscFunctionReturn(0);
}

/* ranks of the finer grid go together along axes: who takes what I make, and of whom I take what */
static void Pair(FenGridCycle C, const FenGrid *fine, const PetscBool thin[3], FenGrid *G)
{
  G->leader = 0;
  for (int a = 0; a < 3; a++) {
    const PetscMPIInt at = C->place[a] / fine->stride[a], pair = thin[a] ? 2 : 1;
    PetscMPIInt       group, first;

    G->parts[a] = fine->parts[a] / pair;
    G->stride[a] = fine->stride[a] * pair;
    if (!fine->active)
      continue;
    group = PetscMin(at / pair, G->parts[a] - 1);
    first = group * pair;
    G->leader += group * G->stride[a] * C->step[a];
    G->members[a] = group + 1 < G->parts[a] ? pair : fine->parts[a] - first;
    for (PetscMPIInt p = 0; p < G->members[a]; p++)
      G->from[a][p] = C->cut[a][(first + p) * fine->stride[a]];
    G->from[a][G->members[a]] = group + 1 < G->parts[a] ? C->cut[a][(first + pair) * fine->stride[a]] : G->n[a];
  }
  G->active = (PetscBool)(fine->active && G->leader == C->rank);
}

/* part number r of the finer grid, in the order of ranks, of one that all of them have */
static FenBox PartOfAll(FenGridCycle C, const FenGrid *fine, const FenGrid *G, PetscMPIInt r)
{
  const PetscMPIInt *p = fine->parts, at[3] = {r / p[2] / p[1], r / p[2] % p[1], r % p[2]};

  return Part(C, fine, G->n, at);
}

/* all ranks of the finer grid have all of this one */
static PetscErrorCode All(FenGridCycle C, const FenGrid *fine, FenGrid *G)
{
  const PetscMPIInt parts = fine->parts[0] * fine->parts[1] * fine->parts[2];

  PetscFunctionBegin;
  G->all = PETSC_TRUE;
  PetscCallMPI(MPI_Comm_split(C->comm, fine->active ? 0 : MPI_UNDEFINED, C->rank, &C->among));
  if (!fine->active)
    PetscFunctionReturn(0);
  PetscCall(PetscMalloc2(parts, &C->counts, parts, &C->starts));
  for (PetscMPIInt r = 0, sum = 0; r < parts; sum += C->counts[r++]) {
    const FenBox b = PartOfAll(C, fine, G, r);

    PetscCall(FenMPIIntCast(Points(&b), &C->counts[r]));
    C->starts[r] = sum;
  }
  PetscFunctionReturn(0);
}

PetscErrorCode FenGridCut(FenGridCycle C, const FenGrid *fine, FenGrid *G)
{
  PetscBool thin[3], some = PETSC_FALSE, cut = PETSC_FALSE;
  FenInt    points;

  PetscFunctionBegin;
  G->active = fine->active;
  G->all = fine->all;
  G->leader = -1;
  for (int a = 0; a < 3; a++) {
    G->parts[a] = fine->parts[a];
    G->stride[a] = fine->stride[a];
    for (PetscMPIInt p = 0; p < C->procs[a] && !G->all && G->n[a] != fine->n[a]; p++)
      C->cut[a][p] = (C->cut[a][p] + 1) / 2;
    thin[a] = (PetscBool)(!G->all && G->parts[a] > 1 && Thinnest(C, G, a) < FEN_GRID_LEAST);
    cut = (PetscBool)(cut || (!G->all && G->parts[a] > 1));
    some = (PetscBool)(some || thin[a]);
  }
  G->made = MyBox(C, G);
  points = G->n[0] * G->n[1] * G->n[2];
  if (cut && points <= (some ? FEW_POINTS : VERY_FEW))
    PetscCall(All(C, fine, G));
  else if (some)
    Pair(C, fine, thin, G);
  G->box = MyBox(C, G);
  Neighbours(C, G);
  PetscFunctionReturn(0);
}

/* ---- boxes that travel ---- */

/* of a group of ranks: the rank and its box, which becomes empty after the last one */
static FenBox Member(FenGridCycle C, const FenGrid *fine, const FenGrid *G, PetscMPIInt m, PetscMPIInt *rank)
{
  FenBox      b;
  PetscMPIInt rest = m;

  *rank = C->rank;
  for (int a = 2; a >= 0; a--) {
    const PetscMPIInt p = rest % G->members[a];

    rest /= G->members[a];
    *rank += p * fine->stride[a] * C->step[a];
    b.lo[a] = G->from[a][p];
    b.hi[a] = G->from[a][p + 1];
  }
  return b;
}

static PetscMPIInt Members(const FenGrid *G)
{
  return G->members[0] * G->members[1] * G->members[2];
}

/* points of the largest box that comes or goes at once, with one more around it where boxes go back */
static FenInt LargestBox(FenGridCycle C, const FenGrid *fine, const FenGrid *G)
{
  FenInt most = G->all && C->among != MPI_COMM_NULL ? Points(&G->box) : 0;

  for (PetscMPIInt m = 1, rank; G->active && m < Members(G); m++) {
    FenBox b = Member(C, fine, G, m, &rank);

    b = Around(fine, G, &b);
    most = PetscMax(most, Points(&b));
  }
  return most;
}

PetscErrorCode FenGridSpace(FenGridCycle C)
{
  FenInt moved = 0, face = 0, plane = 0, row = 0;

  PetscFunctionBegin;
  for (PetscInt l = 0; l < C->ngrids; l++) {
    const FenGrid *G = &C->grid[l];
    const FenBox   around = Around(l ? G - 1 : G, G, &G->made);

    if (l && !C->grid[l - 1].active)
      break;
    if (l)
      moved = PetscMax(moved, Points(&around));
    plane = PetscMax(plane, PetscMax(G->at.plane, FenGridExtent(&around, 1) * FenGridExtent(&around, 2)));
    row = PetscMax(row, PetscMax(G->at.row, FenGridExtent(&around, 2)));
    face = PetscMax(face, LargestFace(G));
    face = PetscMax(face, LargestBox(C, G - 1, G));
  }
  PetscCall(PetscMalloc3(moved, &C->moved, plane, &C->plane, row, &C->row));
  PetscCall(PetscMalloc1(4, &C->request));
  PetscCall(PetscMalloc4(face, &C->face[0], face, &C->face[1], face, &C->face[2], face, &C->face[3]));
  PetscFunctionReturn(0);
}

/* packed arrays of a box, one after the other, to their places */
static void Unpack(const FenGrid *G, const FenBox *b, PetscMPIInt arrays, const float in[], float out[])
{
  const FenGridMap map = Packed(b);

  for (PetscMPIInt k = 0; k < arrays; k++)
    Copy(b, in + k * Points(b), &map, out + k * G->ld, &G->at);
}

static PetscErrorCode TogetherAll(FenGridCycle C, const FenGrid *fine, const FenGrid *coarse, PetscMPIInt arrays,
                                  MPI_Datatype type, const float made[], float space[], float out[])
{
  const PetscMPIInt parts = fine->parts[0] * fine->parts[1] * fine->parts[2];
  /* slabs lie one after the other */
  const PetscBool there = (PetscBool)(arrays == 1 && parts == fine->parts[0] && coarse->at.row == coarse->n[2]);
  float          *in = there ? out : space;
  PetscMPIInt     count;

  PetscFunctionBegin;
  PetscCall(FenMPIIntCast(Points(&coarse->made), &count));
  PetscCallMPI(MPI_Allgatherv(made, count, type, in, C->counts, C->starts, type, C->among));
  for (PetscMPIInt r = 0; r < parts && !there; r++) {
    const FenBox b = PartOfAll(C, fine, coarse, r);

    Unpack(coarse, &b, arrays, in + arrays * C->starts[r], out);
  }
  PetscFunctionReturn(0);
}

/* type: so many numbers; space: for the largest box of so many arrays */
static PetscErrorCode Together(FenGridCycle C, const FenGrid *fine, const FenGrid *coarse, PetscMPIInt arrays,
                               MPI_Datatype type, const float made[], float space[], float out[])
{
  PetscMPIInt count, rank;

  PetscFunctionBegin;
  PetscCall(FenMPIIntCast(Points(&coarse->made), &count));
  if (coarse->all && !FenGridStays(fine, coarse)) {
    PetscCall(TogetherAll(C, fine, coarse, arrays, type, made, space, out));
  } else if (!coarse->active) {
    PetscCallMPI(MPI_Send(made, count, type, coarse->leader, TAG_TOGETHER, C->comm));
  } else {
    Unpack(coarse, &coarse->made, arrays, made, out);
    for (PetscMPIInt m = 1; m < Members(coarse); m++) {
      const FenBox b = Member(C, fine, coarse, m, &rank);

      PetscCall(FenMPIIntCast(Points(&b), &count));
      PetscCallMPI(MPI_Recv(space, count, type, rank, TAG_TOGETHER, C->comm, MPI_STATUS_IGNORE));
      Unpack(coarse, &b, arrays, space, out);
    }
  }
  PetscFunctionReturn(0);
}

PetscErrorCode FenGridTogether(FenGridCycle C, const FenGrid *fine, const FenGrid *coarse, const float made[],
                               float out[])
{
  PetscFunctionBegin;
  PetscCall(Together(C, fine, coarse, 1, MPI_FLOAT, made, C->face[0], out));
  PetscFunctionReturn(0);
}

PetscErrorCode FenGridTogetherEdges(FenGridCycle C, const FenGrid *fine, FenGrid *coarse, const float made[])
{
  MPI_Datatype type;
  PetscMPIInt  m;
  float       *space;

  PetscFunctionBegin;
  PetscCall(FenMPIIntCast(C->nk, &m));
  PetscCallMPI(MPI_Type_contiguous(m, MPI_FLOAT, &type));
  PetscCallMPI(MPI_Type_commit(&type));
  PetscCall(PetscMalloc1((size_t)(m * LargestBox(C, fine, coarse)), &space));
  PetscCall(Together(C, fine, coarse, m, type, made, space, coarse->active ? coarse->edge + coarse->front : NULL));
  PetscCall(PetscFree(space));
  PetscCallMPI(MPI_Type_free(&type));
  PetscFunctionReturn(0);
}

PetscErrorCode FenGridApart(FenGridCycle C, const FenGrid *fine, const FenGrid *coarse, const float with_halo[],
                            const float **v, FenGridMap *at)
{
  PetscMPIInt count, rank;

  PetscFunctionBegin;
  if (!coarse->active) {
    const FenBox b = Around(fine, coarse, &coarse->made);

    PetscCall(FenMPIIntCast(Points(&b), &count));
    PetscCallMPI(MPI_Recv(C->moved, count, MPI_FLOAT, coarse->leader, TAG_APART, C->comm, MPI_STATUS_IGNORE));
    *v = C->moved;
    *at = Packed(&b);
    PetscFunctionReturn(0);
  }
  *v = with_halo + coarse->front;
  *at = coarse->at;
  for (PetscMPIInt m = 1; m < Members(coarse); m++) {
    FenBox     b = Member(C, fine, coarse, m, &rank);
    FenGridMap map;

    b = Around(fine, coarse, &b);
    map = Packed(&b);
    Copy(&b, *v, at, C->face[0], &map);
    PetscCall(FenMPIIntCast(Points(&b), &count));
    PetscCallMPI(MPI_Send(C->face[0], count, MPI_FLOAT, rank, TAG_APART, C->comm));
  }
  PetscFunctionReturn(0);
}
