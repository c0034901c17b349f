/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Lines are taken in blocks, one in each lane of the line kernels. Those of the last axis are transposed on their way
   in and out; along other axes lines lie next to each other as lanes do. When fewer lines than half of the lanes
   remain, each takes r lanes, which share its targets: lane l + n k works on targets k, k + r, k + 2r, ... of line l.
   Parts of lines come as the kernels take them.
*/
#include "sweepsimpl.h"

#define TILE 8 /* points of a line that are transposed together: a cache line */

FenBlock FenBlockOf(const FenSweep *s, FenInt first)
{
  const PetscBool whole = (PetscBool)(s->whole || s->span || s->kind == FEN_TILE_L1);
  FenBlock        b = {.lanes = s->kernels->linelanes, .inner = PetscMax(1, s->span ? s->nlines : s->inner)};

  b.n = PetscMin(b.lanes, s->nlines - first);
  b.r = whole ? 1 : PetscMax(1, PetscMin(b.lanes / b.n, s->nt));
  b.rows = (s->nt + b.r - 1) / b.r;
  for (FenInt l = 0; l < b.lanes; l++) {
    b.line[l] = first + l % b.n;
    b.share[l] = PetscMin(l / b.n, b.r - 1);
  }
  return b;
}

/* rows beyond the last target repeat it */
static inline FenInt Target(const FenBlock *b, FenInt row, FenInt lane, FenInt nt)
{
  return PetscMin(row * b->r + b->share[lane], nt - 1);
}

/* where the line of a lane begins */
static inline FenInt Begin(const FenBlock *b, FenInt lane, FenInt length)
{
  return FenSweepLine(b->inner, length, b->line[lane]);
}

/* do the lines of all lanes lie next to each other? */
static PetscBool AreNeighbours(const FenBlock *b)
{
  PetscBool yes = (PetscBool)(b->line[0] % b->inner + b->lanes <= b->inner);

  for (FenInt l = 1; l < b->lanes; l++)
    yes = (PetscBool)(yes && b->line[l] == b->line[0] + l);
  return yes;
}

static inline void CopyRows(FenInt n, size_t lanes, const double from[], FenInt from_row, double to[], FenInt to_row)
{
  for (FenInt j = 0; j < n; j++)
    memcpy(to + j * to_row, from + j * from_row, lanes * sizeof(double));
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

void FenBlockGather(const FenBlock *b, FenInt n, FenInt length, const double from[], double to[])
{
  const FenInt lanes = b->lanes;

  if (AreNeighbours(b)) {
    MoveRows(n, lanes, from + Begin(b, 0, length), b->inner, to, lanes);
    return;
  }
  if (b->inner > 1) {
    for (FenInt l = 0; l < lanes; l++) {
      const double *p = from + Begin(b, l, length);

      for (FenInt j = 0; j < n; j++)
        to[j * lanes + l] = p[j * b->inner];
    }
    return;
  }
  for (FenInt j0 = 0; j0 < n; j0 += TILE)
    for (FenInt l = 0; l < lanes; l++) {
      const double *p = from + b->line[l] * length;
      const FenInt  j1 = PetscMin(n, j0 + TILE);

      for (FenInt j = j0; j < j1; j++)
        to[j * lanes + l] = p[j];
    }
}

static void SharedTargets(const FenBlock *b, FenInt nt, const double from[], double to[])
{
  for (FenInt i = 0; i < b->rows; i++)
    for (FenInt l = 0; l < b->lanes; l++)
      to[i * b->lanes + l] = from[Begin(b, l, nt) + Target(b, i, l, nt) * b->inner];
}

/* of the targets: only the last block can have other shares than the first */
static void Coordinates(const FenSweep *s, const FenBlock *b, double to[])
{
  if (b->line[0] && b->line[0] != s->from * b->lanes && b->r == 1)
    return;
  for (FenInt i = 0; i < b->rows; i++)
    for (FenInt l = 0; l < b->lanes; l++)
      to[i * b->lanes + l] = s->xt[Target(b, i, l, s->nt)];
}

void FenBlockScatter(const FenBlock *b, FenInt nt, const double from[], double to[])
{
  const FenInt rows = (nt + b->r - 1) / b->r;

  if (AreNeighbours(b)) {
    MoveRows(nt, b->lanes, from, b->lanes, to + Begin(b, 0, nt), b->inner);
    return;
  }
  for (FenInt i0 = 0; i0 < rows; i0 += TILE)
    for (FenInt l = 0; l < b->n * b->r; l++) {
      double      *q = to + Begin(b, l, nt) + b->share[l] * b->inner;
      const FenInt left = (nt - b->share[l] + b->r - 1) / b->r, i1 = PetscMin(left, i0 + TILE);

      for (FenInt i = i0; i < i1; i++)
        q[i * b->r * b->inner] = from[i * b->lanes + l];
    }
}

/* what is of the sources of a block: a part as it lies, or gathered in `to` */
static double *Sources(const FenSweep *s, const FenBlock *b, const double from[], double to[])
{
  if (s->span)
    return (double *)from + s->span[b->line[0] / b->lanes].at;
  FenBlockGather(b, s->ns, s->ns, from, to);
  return to;
}

/* what is of the targets; lanes and rows beyond them repeat others */
static void Targets(const FenSweep *s, const FenBlock *b, const double from[], double to[])
{
  if (b->r > 1)
    SharedTargets(b, s->nt, from, to);
  else
    FenBlockGather(b, s->nt, s->nt, from, to);
}

/* the same for values that are summed over targets: those that repeat others are zero */
static void Values(const FenSweep *s, const FenBlock *b, const double from[], double to[])
{
  Targets(s, b, from, to);
  if (b->r == 1)
    return;
  for (FenInt i = 0; i < b->rows; i++)
    for (FenInt l = 0; l < b->lanes; l++)
      if (l >= b->n * b->r || i * b->r + b->share[l] >= s->nt)
        to[i * b->lanes + l] = 0;
}

/* sums of the sources of lines, over the lanes that a line has; parts of lines are where they belong */
static void PutSources(const FenSweep *s, const FenBlock *b, const double from[], double to[])
{
  if (s->span)
    return;
  if (b->r == 1) {
    FenBlockScatter(b, s->ns, from, to);
    return;
  }
  for (FenInt l = 0; l < b->n; l++)
    for (FenInt j = 0; j < s->ns; j++) {
      double sum = 0;

      for (FenInt k = 0; k < b->r; k++)
        sum += from[j * b->lanes + l + k * b->n];
      to[Begin(b, l, s->ns) + j * b->inner] = sum;
    }
}

/* where they are made */
static double *SourcesOut(const FenSweep *s, const FenBlock *b, double out[], double work[])
{
  return s->span ? out + s->span[b->line[0] / b->lanes].at : work;
}

static FenInt FirstLine(const FenSweep *s)
{
  return s->span ? s->from * s->kernels->linelanes : 0;
}

static FenInt EndLine(const FenSweep *s)
{
  return !s->nt || !s->ns ? 0 : s->span ? PetscMin(s->nlines, s->to * s->kernels->linelanes) : s->nlines;
}

static FenLines BlockLines(const FenSweep *s, const FenFactors *F, const FenBlock *b, double *work[])
{
  const FenInt  longest = PetscMax(s->nt, s->ns), block = b->line[0] / b->lanes;
  const FenSpan span = s->span ? s->span[block] : (FenSpan){0, s->ns, 0};

  for (int k = 0; k < FEN_ARRAYS; k++)
    work[k] = s->work + k * longest * s->kernels->linelanes;
  return (FenLines){.ns = span.hi - span.lo,
                    .nt = b->rows,
                    .xs = s->xs + span.lo,
                    .u = work[0],
                    .v = work[1],
                    .xt = work[2],
                    .w = work[3],
                    .terms = work[3],
                    .window = s->windows ? s->windows + block * 2 * s->nt : NULL,
                    .kept = F ? F->windows + block * 2 * s->nt : NULL};
}

/* calls `run` for each block, sources' exponents and targets' coordinates in place */
typedef void (*BlockFn)(const FenSweep *, const FenBlock *, FenLines *, double *work[]);
static void ForBlocks(const FenSweep *s, BlockFn run)
{
  const FenInt lanes = s->kernels->linelanes;

  for (FenInt first = FirstLine(s); first < EndLine(s); first += lanes) {
    const FenBlock b = FenBlockOf(s, first);
    double        *work[FEN_ARRAYS];
    FenLines       P = BlockLines(s, NULL, &b, work);

    P.weighted = (int)s->weighted;
    if (!s->windows)
      P.window = (int *)(s->work + FEN_ARRAYS * PetscMax(s->nt, s->ns) * lanes);
    Coordinates(s, &b, work[2]);
    P.u = Sources(s, &b, s->u, work[0]);
    run(s, &b, &P, work);
    FenBlockScatter(&b, s->nt, work[4], s->out);
  }
}

/* terms, and each point once for what is done for it besides */
static void Count(const FenSweep *s, const FenBlock *b, const FenLines *P)
{
  FenInt n = s->nt + s->ns;

  for (FenInt i = 0; i < P->nt; i++)
    n += b->r * (P->window[2 * i + 1] - P->window[2 * i]);
  for (FenInt l = 0; l < b->n; l++)
    s->visits[b->line[l]] += (double)n;
}

static void BlockLSE(const FenSweep *s, const FenBlock *b, FenLines *P, double *work[])
{
  s->kernels->linewindows(P, work[4]);
  if (s->visits)
    Count(s, b, P);
  s->kernels->linelse(P, work[4]);
}

static void BlockApply(const FenSweep *s, const FenBlock *b, FenLines *P, double *work[])
{
  P->v = Sources(s, b, s->v, work[1]);
  Targets(s, b, s->w, work[3]);
  if (!s->have)
    s->kernels->linewindows(P, work[4]);
  s->kernels->lineapply(P, work[4]);
}

FenInt FenSweepWindows(const FenKernels *kernels, FenInt nt, FenInt nlines)
{
  return 2 * nt * ((nlines + kernels->linelanes - 1) / kernels->linelanes);
}

FenInt FenSweepWork(const FenKernels *kernels, FenInt longest)
{
  return longest * (FEN_ARRAYS * kernels->linelanes + 1);
}

void FenSweepLSE(const FenSweep *s)
{
  if (s->kind == FEN_TILE_L1)
    FenConesLSE(s);
  else
    ForBlocks(s, BlockLSE);
}

void FenSweepApply(const FenSweep *s)
{
  ForBlocks(s, BlockApply);
}

FenInt FenSweepBlocks(const FenKernels *kernels, FenInt nlines)
{
  return (nlines + kernels->linelanes - 1) / kernels->linelanes;
}

PetscErrorCode FenFactorsCreate(const FenKernels *kernels, FenTileKind kind, FenInt nt, FenInt nlines, FenFactors *F)
{
  PetscFunctionBegin;
  if (kind == FEN_TILE_L1)
    PetscFunctionReturn(0);
  F->nblocks = FenSweepBlocks(kernels, nlines);
  PetscCall(PetscCalloc3(F->nblocks, &F->e, F->nblocks, &F->room, FenSweepWindows(kernels, nt, nlines), &F->windows));
  PetscFunctionReturn(0);
}

PetscErrorCode FenFactorsDestroy(FenFactors *F)
{
  PetscFunctionBegin;
  for (FenInt b = 0; b < F->nblocks; b++)
    PetscCall(PetscFree(F->e[b]));
  PetscCall(PetscFree3(F->e, F->room, F->windows));
  PetscCall(PetscFree(F->scale));
  PetscFunctionReturn(0);
}

/* Room for the factors of a block whose windows are known, hardly more than they need; false: with those of the blocks
   before they would be too many */
static PetscErrorCode Room(const FenSweep *s, const FenLines *P, FenInt b, FenFactors *F, PetscBool *fits)
{
  FenInt size = 0;

  PetscFunctionBegin;
  for (FenInt i = 0; i < P->nt; i++)
    size += P->kept[2 * i + 1] > P->kept[2 * i] ? 1 + P->kept[2 * i + 1] - P->kept[2 * i] : 0;
  size *= s->kernels->linelanes;
  F->used += size;
  *fits = (PetscBool)(F->used <= FEN_FACTORS_MOST * s->nt * s->kernels->linelanes * F->nblocks);
  if (!*fits || (size <= F->room[b] && 5 * size > 3 * F->room[b]))
    PetscFunctionReturn(0);
  PetscCall(PetscFree(F->e[b]));
  F->room[b] = size + size / 16;
  PetscCall(PetscMalloc1(F->room[b], &F->e[b]));
  PetscFunctionReturn(0);
}

PetscErrorCode FenSweepFactors(const FenSweep *s, FenFactors *F)
{
  const FenInt lanes = s->kernels->linelanes;

  PetscFunctionBegin;
  if (!s->span || !s->from) {
    F->have = PETSC_TRUE;
    F->used = 0;
  }
  if (s->kind == FEN_TILE_L1) {
    PetscCall(FenConesFactors(s, F));
    PetscFunctionReturn(0);
  }
  for (FenInt first = FirstLine(s); first < EndLine(s); first += lanes) {
    const FenBlock b = FenBlockOf(s, first);
    double        *work[FEN_ARRAYS];
    FenLines       P = BlockLines(s, F, &b, work);

    Coordinates(s, &b, work[2]);
    P.u = Sources(s, &b, s->u, work[0]);
    s->kernels->linewindows(&P, work[4]);
    s->kernels->linekept(&P, work[4]);
    if (F->have)
      PetscCall(Room(s, &P, first / lanes, F, &F->have));
    if (F->have) {
      P.e = F->e[first / lanes];
      s->kernels->linefactors(&P, work[4]);
    } else
      s->kernels->linelse(&P, work[4]);
    FenBlockScatter(&b, s->nt, work[4], s->out);
  }
  PetscFunctionReturn(0);
}

void FenSweepMult(const FenSweep *s, const FenFactors *F, FenSweepProduct product)
{
  const FenInt lanes = s->kernels->linelanes, nin = product == FEN_SWEEP_FORWARD || product == FEN_SWEEP_BOTH;

  if (s->kind == FEN_TILE_L1) {
    FenConesMult(s, F, product);
    return;
  }
  for (FenInt first = FirstLine(s); first < EndLine(s); first += lanes) {
    const FenBlock b = FenBlockOf(s, first);
    double        *work[FEN_ARRAYS], *out;
    FenLines       P = BlockLines(s, F, &b, work);

    P.e = F->e[first / lanes];
    if (nin)
      P.v = Sources(s, &b, s->v, work[1]);
    else
      Values(s, &b, s->v, work[1]);
    if (nin)
      s->kernels->linemult(&P, work[4]);
    if (product == FEN_SWEEP_FORWARD) {
      FenBlockScatter(&b, s->nt, work[4], s->out);
      continue;
    }
    if (product == FEN_SWEEP_BOTH) {
      Values(s, &b, s->w, work[3]);
      for (FenInt k = 0; k < b.rows * lanes; k++)
        work[3][k] *= work[4][k];
      P.v = work[3];
    }
    out = SourcesOut(s, &b, s->out, work[4]);
    s->kernels->linemulttranspose(&P, product == FEN_SWEEP_SQUARES, out);
    PutSources(s, &b, out, s->out);
  }
}

void FenSweepSpread(const FenSweep *s)
{
  const FenInt lanes = s->kernels->linelanes;

  for (FenInt first = FirstLine(s); first < EndLine(s); first += lanes) {
    const FenBlock b = FenBlockOf(s, first);
    double        *work[FEN_ARRAYS], *out;
    FenLines       P = BlockLines(s, NULL, &b, work);

    Coordinates(s, &b, work[2]);
    P.u = Sources(s, &b, s->u, work[0]);
    Values(s, &b, s->v, work[1]);
    Targets(s, &b, s->w, work[3]);
    out = SourcesOut(s, &b, s->out, work[4]);
    s->kernels->linespread(&P, out);
    PutSources(s, &b, out, s->out);
  }
}

FenInt FenSweepCoupleWork(const FenKernels *kernels, FenInt ns, FenInt offsets)
{
  return (PetscMax(ns + offsets, 6 * ns) + ns * offsets) * kernels->linelanes;
}

void FenBlockGatherOthers(const FenSweep *s, const FenSweepCouplings *c, const FenBlock *b, FenInt from, FenInt to,
                          double u[], double minus[])
{
  FenBlock other = *b;

  other.inner = PetscMax(1, c->inner);
  for (FenInt l = 0; c->other && l < b->lanes; l++)
    other.line[l] = PetscMax(0, c->other[b->line[l]]);
  if (to > from)
    FenBlockGather(&other, to - from, c->length, c->u + (from - c->lo) * other.inner, u);
  if (b->r > 1)
    SharedTargets(&other, s->nt, c->minus, minus);
  else
    FenBlockGather(&other, s->nt, s->nt, c->minus, minus);
}

/* The other lines of a block; where there is none its factors are zero. Parts of lines: sources that do not matter to
   a line itself may do so to another one, as far as offsets reach */
static void Others(const FenSweep *s, const FenSweepCouplings *c, const FenBlock *b, double u[], double minus[],
                   FenLineCouple *C)
{
  const FenSpan span = s->span ? s->span[b->line[0] / b->lanes] : (FenSpan){0, s->ns, 0};
  FenInt        from = span.lo, to = span.hi;

  C->minus = minus;
  if (s->span && !c->other) {
    Targets(s, b, c->minus, minus);
    C->u = Sources(s, b, c->u, u);
  } else {
    from = PetscMax(c->lo, span.lo + c->first);
    to = PetscMin(c->lo + c->length, span.hi + c->last);
    FenBlockGatherOthers(s, c, b, from, to, u, minus);
    C->u = u - (from - span.lo) * b->lanes;
  }
  C->lo = from - span.lo;
  C->hi = to - span.lo;
  for (FenInt l = 0; c->other && l < b->lanes; l++)
    for (FenInt i = 0; c->other[b->line[l]] < 0 && i < b->rows; i++)
      minus[i * b->lanes + l] = FEN_NONE;
}

void FenSweepCouple(const FenSweep *s, const FenFactors *F, const FenSweepCouplings *c)
{
  const FenInt lanes = s->kernels->linelanes, n = c->last - c->first + 1;

  if (s->kind == FEN_TILE_L1) {
    FenConesCouple(s, c);
    return;
  }
  for (FenInt first = FirstLine(s); first < EndLine(s); first += lanes) {
    const FenBlock b = FenBlockOf(s, first);
    double        *work[FEN_ARRAYS];
    FenLines       P = BlockLines(s, F, &b, work);
    FenLineCouple  C = {.first = c->first, .last = c->last, .f = c->work};

    Coordinates(s, &b, work[2]);
    P.e = F->e[first / lanes];
    Values(s, &b, s->v, work[1]);
    Others(s, c, &b, work[0], work[3], &C);
    C.out = c->work + (s->ns + n) * lanes;
    memset(C.out, 0, (size_t)(n * P.ns * lanes) * sizeof(double));
    s->kernels->linecouple(&P, &C);
    for (FenInt o = 0; o < n; o++)
      if (s->span)
        memcpy(c->out[o] + s->span[first / lanes].at, C.out + o * P.ns * lanes,
               (size_t)(P.ns * lanes) * sizeof(double));
      else
        PutSources(s, &b, C.out + o * s->ns * lanes, c->out[o]);
  }
}
