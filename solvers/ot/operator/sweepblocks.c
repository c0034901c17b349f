/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Lines are taken in blocks, one in each lane of the line kernels. Those of the last axis are transposed on their way
   in and out; along other axes lines lie next to each other as lanes do. When fewer lines than half of the lanes
   remain, each takes r lanes, which share its targets: lane l + n k works on targets k, k + r, k + 2r, ... of line l.

   Parts of lines: my own sources are taken from where they are and put back there, a block at a time, so that what is
   swept is in the cache; others have come, and go, as the kernels take them.
*/
#include "sweepsimpl.h"

#define TILE  8  /* points of a line that are transposed together: a cache line */
#define AHEAD 12 /* rows that lie far apart are asked for so many rows before they are copied */

FenBlock FenBlockOf(const FenSweep *s, FenInt first)
{
  const PetscBool whole = (PetscBool)(s->span || s->kind == FEN_TILE_L1);
  FenBlock        b;
  FenInt          line = first, share = 0;

  b.lanes = s->kernels->linelanes;
  b.inner = PetscMax(1, s->span ? s->nlines : s->inner);
  b.n = PetscMin(b.lanes, s->nlines - first);
  b.r = whole || (s->nlines > 1 && FenSweepIsWhole(s)) ? 1 : PetscMax(1, PetscMin(b.lanes / b.n, s->nt));
  if (s->cost && b.r < b.lanes)
    b.r = 1; /* lanes take one cost, or costs of neighbours */
  b.rows = (s->nt + b.r - 1) / b.r;
  b.next = (PetscBool)(b.n == b.lanes);
  for (FenInt l = 0; l < b.lanes; l++) {
    b.line[l] = line;
    b.share[l] = PetscMin(share, b.r - 1);
    if (++line == first + b.n) {
      line = first;
      share++;
    }
  }
  return b;
}

/* rows beyond the last target repeat it */
static inline FenInt Target(const FenBlock *b, FenInt row, FenInt lane, FenInt nt)
{
  return PetscMin(row * b->r + b->share[lane], nt - 1);
}

/* where the lanes' lines begin in an array, and how far apart points of a line are */
typedef struct {
  FenInt    begin[FEN_LANES], row;
  PetscBool neighbours; /* do the lines of all lanes lie next to each other? Then the first one's is enough */
} Place;

static void AreNeighbours(const FenBlock *b, Place *p)
{
  p->neighbours = PETSC_TRUE;
  for (FenInt l = 1; l < b->lanes; l++)
    p->neighbours = (PetscBool)(p->neighbours && p->begin[l] == p->begin[0] + l);
}

static Place PlaceOf(const FenBlock *b, FenInt length)
{
  Place p;

  p.row = b->inner;
  p.begin[0] = FenSweepLine(b->inner, length, b->line[0]);
  p.neighbours = (PetscBool)(b->next && (length == 1 || b->line[0] % b->inner + b->lanes <= b->inner));
  if (p.neighbours)
    return p;
  for (FenInt l = 1; l < b->lanes; l++)
    p.begin[l] = FenSweepLine(b->inner, length, b->line[l]);
  AreNeighbours(b, &p);
  return p;
}

static inline void CopyRows(FenInt n, size_t lanes, const double from[], FenInt from_row, double to[], FenInt to_row)
{
  for (FenInt j = 0; j < n; j++) {
    const FenInt next = PetscMin(j + AHEAD, n - 1);

    __builtin_prefetch(from + next * from_row, 0);
    __builtin_prefetch(to + next * to_row, 1);
    memcpy(to + j * to_row, from + j * from_row, lanes * sizeof(double));
  }
}

/* rows of all lanes; so many are usual, and are copied without calls */
static void MoveRows(FenInt n, FenInt lanes, const double from[], FenInt from_row, double to[], FenInt to_row)
{
  if (lanes == 16)
    CopyRows(n, 16, from, from_row, to, to_row);
  else if (lanes == 8)
    CopyRows(n, 8, from, from_row, to, to_row);
  else
    CopyRows(n, (size_t)lanes, from, from_row, to, to_row);
}

/* two points of two lines, which registers hold */
typedef double Pair __attribute__((vector_size(2 * sizeof(double)), aligned(sizeof(double)), may_alias));

static inline void Transpose(const double *a, const double *b, double *c, double *d)
{
  const Pair x = *(const Pair *)a, y = *(const Pair *)b;

  *(Pair *)c = (Pair){x[0], y[0]};
  *(Pair *)d = (Pair){x[1], y[1]};
}

/* a whole tile of lines that are contiguous, of an even number of lanes */
static void GatherTile(FenInt lanes, const FenInt begin[], const double from[], double to[])
{
  for (FenInt l = 0; l < lanes; l += 2)
    for (FenInt j = 0; j < TILE; j += 2)
      Transpose(from + begin[l] + j, from + begin[l + 1] + j, to + j * lanes + l, to + (j + 1) * lanes + l);
}

static void ScatterTile(FenInt lanes, const FenInt begin[], const double from[], double to[])
{
  for (FenInt l = 0; l < lanes; l += 2)
    for (FenInt j = 0; j < TILE; j += 2)
      Transpose(from + j * lanes + l, from + (j + 1) * lanes + l, to + begin[l] + j, to + begin[l + 1] + j);
}

static void Gather(const FenBlock *b, const Place *p, FenInt n, const double from[], double to[])
{
  const FenInt tile = p->row == 1 ? TILE : n;
  FenInt       first = 0;

  if (p->neighbours) {
    MoveRows(n, b->lanes, from + p->begin[0], p->row, to, b->lanes);
    return;
  }
  for (; p->row == 1 && b->lanes % 2 == 0 && first + TILE <= n; first += TILE)
    GatherTile(b->lanes, p->begin, from + first, to + first * b->lanes);
  for (FenInt j0 = first; j0 < n; j0 += tile)
    for (FenInt l = 0; l < b->lanes; l++)
      for (FenInt j = j0; j < PetscMin(n, j0 + tile); j++)
        to[j * b->lanes + l] = from[p->begin[l] + j * p->row];
}

void FenBlockGather(const FenBlock *b, FenInt n, FenInt length, const double from[], double to[])
{
  const Place p = PlaceOf(b, length);

  Gather(b, &p, n, from, to);
}

/* n points of each line, those of a line from all lanes that it has */
static void Scatter(const FenBlock *b, const Place *p, FenInt n, const double from[], double to[])
{
  const FenInt rows = (n + b->r - 1) / b->r, step = b->r * p->row;
  FenInt       first = 0;

  if (p->neighbours) {
    MoveRows(n, b->lanes, from, b->lanes, to + p->begin[0], p->row);
    return;
  }
  for (; step == 1 && b->n == b->lanes && b->lanes % 2 == 0 && first + TILE <= n; first += TILE)
    ScatterTile(b->lanes, p->begin, from + first * b->lanes, to + first);
  for (FenInt i0 = first; i0 < rows; i0 += TILE)
    for (FenInt l = 0; l < b->n * b->r; l++) {
      double      *q = to + p->begin[l] + b->share[l] * p->row;
      const FenInt left = (n - b->share[l] + b->r - 1) / b->r, i1 = PetscMin(left, i0 + TILE);

      for (FenInt i = i0; i < i1; i++)
        q[i * step] = from[i * b->lanes + l];
    }
}

void FenBlockScatter(const FenBlock *b, FenInt nt, const double from[], double to[])
{
  const Place p = PlaceOf(b, nt);

  Scatter(b, &p, nt, from, to);
}

/* ---- sources ---- */

/* of a block's part of lines: rows that came from before mine, mine, and those from after */
typedef struct {
  FenInt before, own, after;
  FenInt first; /* of mine, as a row of the array */
  Place  place;
} Part;

static Part PartOf(const FenSweep *s, const FenBlock *b)
{
  const FenSpan *span = &s->span[b->line[0] / b->lanes];
  const FenOwn  *O = s->own;
  const FenSpan  own = FenOwnSpan(O, span);
  Part p = {.before = own.lo - span->lo, .own = own.hi - own.lo, .after = span->hi - own.hi, .place = {.row = O->row}};

  p.first = p.own ? own.lo - O->lo : 0;
  for (FenInt l = 0; l < b->lanes; l++)
    p.place.begin[l] = FenOwnLine(O, b->line[l]);
  AreNeighbours(b, &p.place);
  return p;
}

/* rows of others; lanes that remain repeat others, as everywhere */
static void TakeOthers(const FenBlock *b, FenInt n, const double from[], double to[])
{
  memcpy(to, from, (size_t)(n * b->lanes) * sizeof(double));
  for (FenInt j = 0; b->n < b->lanes && j < n; j++)
    for (FenInt l = b->n; l < b->lanes; l++)
      to[j * b->lanes + l] = to[j * b->lanes + l % b->n];
}

static void GatherPart(const FenSweep *s, const FenBlock *b, const double from[], const double came[], double to[])
{
  const Part p = PartOf(s, b);

  came += s->span[b->line[0] / b->lanes].at;
  TakeOthers(b, p.before, came, to);
  to += p.before * b->lanes;
  Gather(b, &p.place, p.own, from + p.first * p.place.row, to);
  to += p.own * b->lanes;
  TakeOthers(b, p.after, came + p.before * b->lanes, to);
}

void FenBlockGatherSources(const FenSweep *s, const FenBlock *b, const double from[], const double came[], double to[])
{
  if (s->span)
    GatherPart(s, b, from, came, to);
  else
    FenBlockGather(b, s->ns, s->ns, from, to);
}

/* rows [from, to) of my own */
static void Zero(const FenBlock *b, const Place *p, FenInt from, FenInt to, double out[])
{
  for (FenInt j = from; j < to; j++)
    for (FenInt l = 0; l < b->n; l++)
      out[p->begin[l] + j * p->row] = 0;
}

static void ScatterPart(const FenSweep *s, const FenBlock *b, const double from[], double to[], double go[])
{
  const FenInt lanes = b->lanes;
  const Part   p = PartOf(s, b);

  go += s->span[b->line[0] / lanes].at;
  memcpy(go, from, (size_t)(p.before * lanes) * sizeof(double));
  from += p.before * lanes;
  Zero(b, &p.place, 0, p.first, to);
  Scatter(b, &p.place, p.own, from, to + p.first * p.place.row);
  Zero(b, &p.place, p.first + p.own, s->own->hi - s->own->lo, to);
  from += p.own * lanes;
  memcpy(go + p.before * lanes, from, (size_t)(p.after * lanes) * sizeof(double));
}

void FenBlockScatterSources(const FenSweep *s, const FenBlock *b, const double from[], double to[], double go[])
{
  if (s->span) {
    ScatterPart(s, b, from, to, go);
    return;
  }
  if (b->r == 1) {
    FenBlockScatter(b, s->ns, from, to);
    return;
  }
  for (FenInt l = 0; l < b->n; l++)
    for (FenInt j = 0; j < s->ns; j++) {
      double sum = 0;

      for (FenInt k = 0; k < b->r; k++)
        sum += from[j * b->lanes + l + k * b->n];
      to[FenSweepLine(b->inner, s->ns, b->line[l]) + j * b->inner] = sum;
    }
}

/* ---- targets ---- */

void FenBlockCoordinates(const FenSweep *s, const FenBlock *b, double to[])
{
  if (b->line[0] && b->line[0] != s->from * b->lanes && b->r == 1)
    return;
  for (FenInt i = 0; i < b->rows; i++)
    for (FenInt l = 0; l < b->lanes; l++)
      to[i * b->lanes + l] = s->xt[Target(b, i, l, s->nt)];
}

void FenBlockGatherTargets(const FenBlock *b, FenInt nt, const double from[], double to[])
{
  if (b->r == 1) {
    FenBlockGather(b, nt, nt, from, to);
    return;
  }
  for (FenInt i = 0; i < b->rows; i++)
    for (FenInt l = 0; l < b->lanes; l++)
      to[i * b->lanes + l] = from[FenSweepLine(b->inner, nt, b->line[l]) + Target(b, i, l, nt) * b->inner];
}

void FenBlockGatherValues(const FenBlock *b, FenInt nt, const double from[], double to[])
{
  FenBlockGatherTargets(b, nt, from, to);
  if (b->r == 1)
    return;
  for (FenInt i = 0; i < b->rows; i++)
    for (FenInt l = 0; l < b->lanes; l++)
      if (l >= b->n * b->r || i * b->r + b->share[l] >= nt)
        to[i * b->lanes + l] = 0;
}
