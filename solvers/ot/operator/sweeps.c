/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Lines are taken in blocks, one in each lane of the line kernels, and are transposed on their way in and out. When
   fewer lines than half of the lanes remain, each takes r lanes, which share its targets: lane l + n k works on targets
   k, k + r, k + 2r, ... of line l.
*/
#include "sweepsimpl.h"

#define TILE 8 /* points of a line that are transposed together: a cache line */

FenBlock FenBlockOf(const FenSweep *s, FenInt first, PetscBool whole)
{
  FenBlock b = {.lanes = s->kernels->linelanes};

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

void FenBlockGather(const FenBlock *b, FenInt n, const double from[], double to[])
{
  const FenInt lanes = b->lanes;

  for (FenInt j0 = 0; j0 < n; j0 += TILE)
    for (FenInt l = 0; l < lanes; l++) {
      const double *p = from + b->line[l] * n;
      const FenInt  j1 = PetscMin(n, j0 + TILE);

      for (FenInt j = j0; j < j1; j++)
        to[j * lanes + l] = p[j];
    }
}

static void GatherTargets(const FenBlock *b, FenInt nt, const double from[], double to[])
{
  if (b->r == 1) {
    FenBlockGather(b, nt, from, to);
    return;
  }
  for (FenInt i = 0; i < b->rows; i++)
    for (FenInt l = 0; l < b->lanes; l++)
      to[i * b->lanes + l] = from[b->line[l] * nt + Target(b, i, l, nt)];
}

static void GatherCoordinates(const FenBlock *b, FenInt nt, const double x[], double to[])
{
  for (FenInt i = 0; i < b->rows; i++)
    for (FenInt l = 0; l < b->lanes; l++)
      to[i * b->lanes + l] = x[Target(b, i, l, nt)];
}

void FenBlockScatter(const FenBlock *b, FenInt nt, const double from[], double to[])
{
  const FenInt rows = (nt + b->r - 1) / b->r;

  for (FenInt i0 = 0; i0 < rows; i0 += TILE)
    for (FenInt l = 0; l < b->n * b->r; l++) {
      double      *q = to + b->line[l] * nt + b->share[l];
      const FenInt left = (nt - b->share[l] + b->r - 1) / b->r, i1 = PetscMin(left, i0 + TILE);

      for (FenInt i = i0; i < i1; i++)
        q[i * b->r] = from[i * b->lanes + l];
    }
}

/* calls `run` for each block, sources' exponents and targets' coordinates in place */
typedef void (*BlockFn)(const FenSweep *, const FenBlock *, FenLines *, double *work[]);
static void ForBlocks(const FenSweep *s, BlockFn run)
{
  const FenInt lanes = s->kernels->linelanes, longest = PetscMax(s->nt, s->ns);
  FenLines     P = {.ns = s->ns, .xs = s->xs, .weighted = (int)s->weighted};
  double      *work[FEN_ARRAYS];
  FenInt       shares = 0;

  if (!s->nt || !s->ns)
    return;
  for (int k = 0; k < FEN_ARRAYS; k++)
    work[k] = s->work + k * longest * lanes;
  P.u = work[0];
  P.v = work[1];
  P.xt = work[2];
  P.w = work[3];
  for (FenInt first = 0; first < s->nlines; first += lanes) {
    const FenBlock b = FenBlockOf(s, first, s->whole);

    P.nt = b.rows;
    P.window = s->windows ? s->windows + (first / lanes) * 2 * s->nt : (int *)(s->work + FEN_ARRAYS * longest * lanes);
    if (b.r != shares)
      GatherCoordinates(&b, s->nt, s->xt, work[2]);
    shares = b.r; /* only the last block can have other shares than the first */
    FenBlockGather(&b, s->ns, s->u, work[0]);
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
  FenBlockGather(b, s->ns, s->v, work[1]);
  GatherTargets(b, s->nt, s->w, work[3]);
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

/* Room for the factors of a block whose windows are known, hardly more than they need; `used`: by the blocks before.
   false: they would be too many */
static PetscErrorCode Room(const FenSweep *s, const FenLines *P, FenInt b, FenFactors *F, FenInt *used, PetscBool *fits)
{
  FenInt size = 0;

  PetscFunctionBegin;
  for (FenInt i = 0; i < P->nt; i++)
    size += P->kept[2 * i + 1] > P->kept[2 * i] ? 1 + P->kept[2 * i + 1] - P->kept[2 * i] : 0;
  size *= s->kernels->linelanes;
  *used += size;
  *fits = (PetscBool)(*used <= FEN_FACTORS_MOST * s->nt * s->kernels->linelanes * F->nblocks);
  if (!*fits || (size <= F->room[b] && 5 * size > 3 * F->room[b]))
    PetscFunctionReturn(0);
  PetscCall(PetscFree(F->e[b]));
  F->room[b] = size + size / 16;
  PetscCall(PetscMalloc1(F->room[b], &F->e[b]));
  PetscFunctionReturn(0);
}

static FenLines BlockLines(const FenSweep *s, const FenFactors *F, FenInt first, double *work[])
{
  const FenInt longest = PetscMax(s->nt, s->ns), block = first / s->kernels->linelanes;

  for (int k = 0; k < FEN_ARRAYS; k++)
    work[k] = s->work + k * longest * s->kernels->linelanes;
  return (FenLines){.ns = s->ns,
                    .nt = s->nt,
                    .xs = s->xs,
                    .u = work[0],
                    .v = work[1],
                    .xt = work[2],
                    .w = work[3],
                    .terms = work[3],
                    .window = s->windows ? s->windows + block * 2 * s->nt : NULL,
                    .kept = F ? F->windows + block * 2 * s->nt : NULL};
}

PetscErrorCode FenSweepFactors(const FenSweep *s, FenFactors *F)
{
  const FenInt lanes = s->kernels->linelanes;
  FenInt       used = 0;

  PetscFunctionBegin;
  F->have = PETSC_TRUE;
  if (s->kind == FEN_TILE_L1) {
    PetscCall(FenConesFactors(s, F));
    PetscFunctionReturn(0);
  }
  for (FenInt first = 0; first < s->nlines && s->nt && s->ns; first += lanes) {
    const FenBlock b = FenBlockOf(s, first, PETSC_TRUE);
    double        *work[FEN_ARRAYS];
    FenLines       P = BlockLines(s, F, first, work);

    if (!first)
      GatherCoordinates(&b, s->nt, s->xt, work[2]);
    FenBlockGather(&b, s->ns, s->u, work[0]);
    s->kernels->linewindows(&P, work[4]);
    s->kernels->linekept(&P, work[4]);
    if (F->have)
      PetscCall(Room(s, &P, first / lanes, F, &used, &F->have));
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
  for (FenInt first = 0; first < s->nlines && s->nt && s->ns; first += lanes) {
    const FenBlock b = FenBlockOf(s, first, PETSC_TRUE);
    double        *work[FEN_ARRAYS];
    FenLines       P = BlockLines(s, F, first, work);

    P.e = F->e[first / lanes];
    FenBlockGather(&b, nin ? s->ns : s->nt, s->v, work[1]);
    if (product == FEN_SWEEP_BOTH) {
      s->kernels->linemult(&P, work[4]);
      FenBlockGather(&b, s->nt, s->w, work[3]);
      for (FenInt k = 0; k < s->nt * lanes; k++)
        work[3][k] *= work[4][k];
      P.v = work[3];
    }
    if (product == FEN_SWEEP_FORWARD)
      s->kernels->linemult(&P, work[4]);
    else
      s->kernels->linemulttranspose(&P, product == FEN_SWEEP_SQUARES, work[4]);
    FenBlockScatter(&b, product == FEN_SWEEP_FORWARD ? s->nt : s->ns, work[4], s->out);
  }
}

void FenSweepSpread(const FenSweep *s)
{
  const FenInt lanes = s->kernels->linelanes;

  for (FenInt first = 0; first < s->nlines && s->nt && s->ns; first += lanes) {
    const FenBlock b = FenBlockOf(s, first, PETSC_TRUE);
    double        *work[FEN_ARRAYS];
    const FenLines P = BlockLines(s, NULL, first, work);

    if (!first)
      GatherCoordinates(&b, s->nt, s->xt, work[2]);
    FenBlockGather(&b, s->ns, s->u, work[0]);
    FenBlockGather(&b, s->nt, s->v, work[1]);
    FenBlockGather(&b, s->nt, s->w, work[3]);
    s->kernels->linespread(&P, work[4]);
    FenBlockScatter(&b, s->ns, work[4], s->out);
  }
}

FenInt FenSweepCoupleWork(const FenKernels *kernels, FenInt ns, FenInt offsets)
{
  return (PetscMax(ns + offsets, 6 * ns) + ns * offsets) * kernels->linelanes;
}

void FenBlockGatherOthers(const FenSweep *s, const FenSweepCouplings *c, const FenBlock *b, double u[], double minus[])
{
  FenBlock other = *b;

  for (FenInt l = 0; l < b->lanes; l++)
    other.line[l] = PetscMax(0, c->other[b->line[l]]);
  FenBlockGather(&other, s->ns, c->u, u);
  FenBlockGather(&other, s->nt, c->minus, minus);
}

/* the other lines of a block; where there is none its factors are zero */
static void GatherOthers(const FenSweep *s, const FenSweepCouplings *c, const FenBlock *b, double u[], double minus[])
{
  FenBlockGatherOthers(s, c, b, u, minus);
  for (FenInt l = 0; l < b->lanes; l++)
    for (FenInt i = 0; c->other[b->line[l]] < 0 && i < s->nt; i++)
      minus[i * b->lanes + l] = FEN_NONE;
}

void FenSweepCouple(const FenSweep *s, const FenFactors *F, const FenSweepCouplings *c)
{
  const FenInt lanes = s->kernels->linelanes, n = c->last - c->first + 1;

  if (s->kind == FEN_TILE_L1) {
    FenConesCouple(s, c);
    return;
  }
  for (FenInt first = 0; first < s->nlines && s->nt && s->ns; first += lanes) {
    const FenBlock b = FenBlockOf(s, first, PETSC_TRUE);
    double        *work[FEN_ARRAYS];
    FenLines       P = BlockLines(s, F, first, work);
    FenLineCouple  C = {.first = c->first, .last = c->last, .u = work[0], .minus = work[3], .f = c->work};

    if (!first)
      GatherCoordinates(&b, s->nt, s->xt, work[2]);
    P.e = F->e[first / lanes];
    FenBlockGather(&b, s->nt, s->v, work[1]);
    GatherOthers(s, c, &b, work[0], work[3]);
    C.out = c->work + (s->ns + n) * lanes;
    memset(C.out, 0, (size_t)(n * s->ns * lanes) * sizeof(double));
    s->kernels->linecouple(&P, &C);
    for (FenInt o = 0; o < n; o++)
      FenBlockScatter(&b, s->ns, C.out + o * s->ns * lanes, c->out[o]);
  }
}
