/* SPDX-License-Identifier: BSD-2-Clause */
/* Sweeps over blocks of lines, see sweepblocks.c. */
#include "sweepsimpl.h"
#include <math.h>

#define SAMPLES 8 /* blocks of lines that are looked at first */
#define EARLY   4 /* factors of the first blocks of lines may be as many as so much of all could have */

static FenInt FirstLine(const FenSweep *s)
{
  return s->span ? s->from * s->kernels->linelanes : 0;
}

static FenInt EndLine(const FenSweep *s)
{
  return !s->nt || !s->ns ? 0 : s->span ? PetscMin(s->nlines, s->to * s->kernels->linelanes) : s->nlines;
}

/* where lanes are lines, or all of one */
static const FenToeplitz *Table(const FenSweep *s, const FenBlock *b)
{
  return b->r == 1 || b->r == b->lanes ? s->toeplitz : NULL;
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
                    .cost = s->cost ? s->cost + span.lo * s->stride : NULL,
                    .stride = s->stride,
                    .step = s->ns > 1 ? (s->xs[s->ns - 1] - s->xs[0]) / (double)(s->ns - 1) : 0,
                    .u = work[0],
                    .v = work[1],
                    .xt = work[2],
                    .w = work[3],
                    .terms = work[5],
                    .window = s->windows ? s->windows + block * 2 * s->nt : NULL,
                    .kept = F ? F->windows + block * 2 * s->nt : NULL,
                    .toeplitz = Table(s, b),
                    .at = s->toeplitz ? s->toeplitz->at + s->first - span.lo : 0,
                    .apart = b->r,
                    .scratch = s->work + FEN_ARRAYS * longest * s->kernels->linelanes};
}

static double *ScratchEnd(const FenSweep *s)
{
  const FenInt lanes = s->kernels->linelanes, longest = PetscMax(s->nt, s->ns);

  return s->work + FEN_ARRAYS * longest * lanes + FenToeplitzScratch(longest, (int)lanes);
}

/* has none of the lanes weight at a source? */
static PetscBool IsEmpty(const FenSweep *s, const double u[])
{
  for (FenInt l = 0; l < s->kernels->linelanes; l++)
    if (u[l] > FEN_NONE)
      return PETSC_FALSE;
  return PETSC_TRUE;
}

/* all sources from the first one with weight to the last, as far as that does not change which terms are added up
   together; none: that is the result */
static void WholeWindows(const FenSweep *s, const FenLines *P, double M[])
{
  const FenInt lanes = s->kernels->linelanes;
  FenInt       lo = 0, hi = P->ns;

  while (lo < hi && IsEmpty(s, P->u + lo * lanes))
    lo++;
  while (hi > lo && IsEmpty(s, P->u + (hi - 1) * lanes))
    hi--;
  lo -= hi > lo ? lo % FEN_TOEPLITZ_SUM : 0;
  for (FenInt i = 0; i < P->nt; i++) {
    P->window[2 * i] = (int)lo;
    P->window[2 * i + 1] = (int)hi;
  }
  for (FenInt k = 0; hi == lo && k < P->nt * lanes; k++)
    M[k] = FEN_NONE;
}

/* windows of a block, and of each target the largest exponent, unless they are there already or are not needed */
static void Windows(const FenSweep *s, const FenBlock *b, FenLines *P, double M[])
{
  P->whole = Table(s, b) && FenSweepIsWhole(s);
  if (P->whole)
    WholeWindows(s, P, M);
  else if (!s->have)
    s->kernels->linewindows(P, M);
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
      P.window = (int *)ScratchEnd(s);
    FenBlockCoordinates(s, &b, work[2]);
    FenBlockGatherSources(s, &b, s->u, s->ucame, work[0]);
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
  Windows(s, b, P, work[4]);
  if (s->visits)
    Count(s, b, P);
  s->kernels->linelse(P, work[4]);
}

static void BlockMax(const FenSweep *s, const FenBlock *b, FenLines *P, double *work[])
{
  (void)b;
  s->kernels->linewindows(P, work[4]);
}

static void BlockApply(const FenSweep *s, const FenBlock *b, FenLines *P, double *work[])
{
  FenBlockGatherSources(s, b, s->v, s->vcame, work[1]);
  FenBlockGatherTargets(b, s->nt, s->w, work[3]);
  Windows(s, b, P, work[4]);
  s->kernels->lineapply(P, work[4]);
}

FenInt FenSweepWindows(const FenKernels *kernels, FenInt nt, FenInt nlines)
{
  return 2 * nt * ((nlines + kernels->linelanes - 1) / kernels->linelanes);
}

FenInt FenSweepWork(const FenKernels *kernels, FenInt longest)
{
  return longest * (FEN_ARRAYS * kernels->linelanes + 1) + FenToeplitzScratch(longest, kernels->linelanes);
}

void FenSweepLSE(const FenSweep *s)
{
  if (s->kind == FEN_TILE_L1)
    FenConesLSE(s);
  else
    ForBlocks(s, BlockLSE);
}

void FenSweepMax(const FenSweep *s)
{
  ForBlocks(s, BlockMax);
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

/* factors of a lane, windows known */
static FenInt Size(const FenLines *P)
{
  FenInt size = 0;

  for (FenInt i = 0; i < P->nt; i++)
    size += P->kept[2 * i + 1] > P->kept[2 * i] ? 1 + P->kept[2 * i + 1] - P->kept[2 * i] : 0;
  return size;
}

/* Room for the factors of a block whose windows are known, hardly more than they need; false: with those of the blocks
   before they are too many, of which the first may have more than their share */
static PetscErrorCode Room(const FenSweep *s, const FenLines *P, FenInt b, FenFactors *F, PetscBool *fits)
{
  const FenInt lanes = s->kernels->linelanes, size = Size(P) * lanes;
  const FenInt lines = PetscMin(s->nlines, (b + 1 + F->nblocks / EARLY) * lanes); /* the last block may have few */

  PetscFunctionBegin;
  F->used += size;
  *fits = (PetscBool)(F->used <= FEN_FACTORS_MOST * s->nt * lines);
  if (!*fits || (size <= F->room[b] && 5 * size > 3 * F->room[b]))
    PetscFunctionReturn(0);
  PetscCall(PetscFree(F->e[b]));
  F->room[b] = size + size / 16;
  PetscCall(PetscMalloc1(F->room[b], &F->e[b]));
  PetscFunctionReturn(0);
}

/* a block, its sources and coordinates in place, with its windows and what of them is kept */
static FenLines KeptWindows(const FenSweep *s, const FenFactors *F, const FenBlock *b, double *work[])
{
  const FenLines P = BlockLines(s, F, b, work);

  FenBlockCoordinates(s, b, work[2]);
  FenBlockGatherSources(s, b, s->u, s->ucame, work[0]);
  s->kernels->linewindows(&P, work[4]);
  s->kernels->linekept(&P, work[4]);
  return P;
}

/* Windows of some blocks say whether factors can be few enough */
static PetscBool AreFew(const FenSweep *s, const FenFactors *F)
{
  const FenInt lanes = s->kernels->linelanes, end = EndLine(s);
  const FenInt step = PetscMax(1, (end - FirstLine(s)) / lanes / SAMPLES) * lanes;
  FenInt       some = 0, size = 0;

  if (!s->toeplitz || (double)s->toeplitz->reach * sqrt(FEN_KEPT_CUT / FEN_TOEPLITZ_BITS) < FEN_FACTORS_MOST)
    return PETSC_TRUE; /* of smooth lines they are few */
  for (FenInt first = FirstLine(s); first < end; first += step) {
    const FenBlock b = FenBlockOf(s, first);
    double        *work[FEN_ARRAYS];
    FenLines       P = KeptWindows(s, F, &b, work);

    size += Size(&P);
    some += P.nt;
  }
  return (PetscBool)(size <= 2 * FEN_FACTORS_MOST * some);
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
  F->have = (PetscBool)(F->have && AreFew(s, F));
  if (!F->have) {
    FenSweepLSE(s);
    PetscFunctionReturn(0);
  }
  for (FenInt first = FirstLine(s); first < EndLine(s); first += lanes) {
    const FenBlock b = FenBlockOf(s, first);
    double        *work[FEN_ARRAYS];
    FenLines       P = KeptWindows(s, F, &b, work);

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
    double        *work[FEN_ARRAYS];
    FenLines       P = BlockLines(s, F, &b, work);

    P.e = F->e[first / lanes];
    if (nin)
      FenBlockGatherSources(s, &b, s->v, s->vcame, work[1]);
    else
      FenBlockGatherValues(&b, s->nt, s->v, work[1]);
    if (nin)
      s->kernels->linemult(&P, work[4]);
    if (product == FEN_SWEEP_FORWARD) {
      FenBlockScatter(&b, s->nt, work[4], s->out);
      continue;
    }
    if (product == FEN_SWEEP_BOTH) {
      FenBlockGatherValues(&b, s->nt, s->w, work[3]);
      for (FenInt k = 0; k < b.rows * lanes; k++)
        work[3][k] *= work[4][k];
      P.v = work[3];
    }
    s->kernels->linemulttranspose(&P, product == FEN_SWEEP_SQUARES, work[4]);
    FenBlockScatterSources(s, &b, work[4], s->out, s->go);
  }
}

void FenSweepSpread(const FenSweep *s)
{
  const FenInt lanes = s->kernels->linelanes;

  for (FenInt first = FirstLine(s); first < EndLine(s); first += lanes) {
    const FenBlock b = FenBlockOf(s, first);
    double        *work[FEN_ARRAYS];
    FenLines       P = BlockLines(s, NULL, &b, work);

    FenBlockCoordinates(s, &b, work[2]);
    FenBlockGatherSources(s, &b, s->u, s->ucame, work[0]);
    FenBlockGatherValues(&b, s->nt, s->v, work[1]);
    FenBlockGatherTargets(&b, s->nt, s->w, work[3]);
    s->kernels->linespread(&P, work[4]);
    FenBlockScatterSources(s, &b, work[4], s->out, s->go);
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
  other.next = (PetscBool)(b->next && !c->other);
  for (FenInt l = 0; c->other && l < b->lanes; l++)
    other.line[l] = PetscMax(0, c->other[b->line[l]]);
  if (to > from)
    FenBlockGather(&other, to - from, c->length, c->u + (from - c->lo) * other.inner, u);
  FenBlockGatherTargets(&other, s->nt, c->minus, minus);
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
    FenBlockGatherTargets(b, s->nt, c->minus, minus);
    FenBlockGatherSources(s, b, c->u, s->ucame, u);
    C->u = u;
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

    FenBlockCoordinates(s, &b, work[2]);
    P.e = F->e[first / lanes];
    FenBlockGatherValues(&b, s->nt, s->v, work[1]);
    Others(s, c, &b, work[0], work[3], &C);
    C.out = c->work + (s->ns + n) * lanes;
    memset(C.out, 0, (size_t)(n * P.ns * lanes) * sizeof(double));
    s->kernels->linecouple(&P, &C);
    for (FenInt o = 0; o < n; o++)
      FenBlockScatterSources(s, &b, C.out + o * P.ns * lanes, c->out[o], c->go ? c->go[o] : NULL);
  }
}
