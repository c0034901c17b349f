/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Sweeps with the cost |x-y|: two passes over a line, one lane each; see conekernel.h. A plan's factors are the numbers
   by which sums are scaled on the way, so that a product, its transpose and their squares take 2 (nt + ns)
   multiply-adds for a line, whatever epsilon is.
*/
#include "sweepsimpl.h"

static FenCones Lines(const FenSweep *s, const FenFactors *F, FenInt first, double *work[])
{
  const FenInt lanes = s->kernels->linelanes, longest = PetscMax(s->nt, s->ns);

  for (int k = 0; k < FEN_ARRAYS; k++)
    work[k] = s->work + k * longest * lanes;
  return (FenCones){.nt = s->nt,
                    .ns = s->ns,
                    .xt = s->xt,
                    .xs = s->xs,
                    .u = work[0],
                    .v = work[1],
                    .weighted = (int)s->weighted,
                    .scale = F ? F->scale + first * FenConesKept(s->nt, s->ns) : NULL,
                    .work = work[2]}; /* and work[3] behind it */
}

static void SweepLSE(const FenSweep *s, const FenFactors *F)
{
  for (FenInt first = 0; first < s->nlines && s->nt && s->ns; first += s->kernels->linelanes) {
    const FenBlock b = FenBlockOf(s, first);
    double        *work[FEN_ARRAYS];
    const FenCones P = Lines(s, F, first, work);

    FenBlockGather(&b, s->ns, s->ns, s->u, work[0]);
    s->kernels->conelse(&P, work[4]);
    FenBlockScatter(&b, s->nt, work[4], s->out);
  }
}

void FenConesLSE(const FenSweep *s)
{
  SweepLSE(s, NULL);
}

PetscErrorCode FenConesFactors(const FenSweep *s, FenFactors *F)
{
  const FenInt blocks = FenSweepBlocks(s->kernels, s->nlines);

  PetscFunctionBegin;
  if (!F->scale)
    PetscCall(PetscMalloc1((size_t)(blocks * s->kernels->linelanes * FenConesKept(s->nt, s->ns)), &F->scale));
  SweepLSE(s, F);
  PetscFunctionReturn(0);
}

void FenConesMult(const FenSweep *s, const FenFactors *F, FenSweepProduct product)
{
  const FenInt    lanes = s->kernels->linelanes;
  const PetscBool nin = (PetscBool)(product == FEN_SWEEP_FORWARD || product == FEN_SWEEP_BOTH);

  for (FenInt first = 0; first < s->nlines && s->nt && s->ns; first += lanes) {
    const FenBlock b = FenBlockOf(s, first);
    double        *work[FEN_ARRAYS];
    FenCones       P = Lines(s, F, first, work);

    FenBlockGather(&b, nin ? s->ns : s->nt, nin ? s->ns : s->nt, s->v, work[1]);
    if (nin)
      s->kernels->conemult(&P, work[4]);
    if (product == FEN_SWEEP_BOTH) {
      FenBlockGather(&b, s->nt, s->nt, s->w, work[1]);
      for (FenInt k = 0; k < s->nt * lanes; k++)
        work[1][k] *= work[4][k];
    }
    if (product != FEN_SWEEP_FORWARD)
      s->kernels->conemulttranspose(&P, product == FEN_SWEEP_SQUARES, work[4]);
    FenBlockScatter(&b, product == FEN_SWEEP_FORWARD ? s->nt : s->ns, work[4], s->out);
  }
}

void FenConesCouple(const FenSweep *s, const FenSweepCouplings *c)
{
  const FenInt lanes = s->kernels->linelanes, n = c->last - c->first + 1;

  for (FenInt first = 0; first < s->nlines && s->nt && s->ns; first += lanes) {
    const FenBlock b = FenBlockOf(s, first);
    double        *work[FEN_ARRAYS], *sums = c->work, *u = sums + 4 * s->ns * lanes, *out = u + s->ns * lanes;
    const FenCones P = Lines(s, NULL, first, work);
    FenConeCouple  C = {.first = c->first, .last = c->last, .u = u, .minus = {work[3], work[4]}, .work = sums};

    FenBlockGather(&b, s->ns, s->ns, s->u, work[0]);
    FenBlockGather(&b, s->nt, s->nt, s->v, work[1]);
    FenBlockGather(&b, s->nt, s->nt, s->w, work[3]);
    FenBlockGatherOthers(s, c, &b, 0, s->ns, u, work[4]);
    s->kernels->conecouple(&P, &C, out);
    for (FenInt o = 0; o < n; o++) {
      for (FenInt l = 0; c->other && l < lanes; l++) /* no other line, no coupling */
        for (FenInt j = 0; c->other[b.line[l]] < 0 && j < s->ns; j++)
          out[(o * s->ns + j) * lanes + l] = 0;
      FenBlockScatter(&b, s->ns, out + o * s->ns * lanes, c->out[o]);
    }
  }
}
