/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Which preconditioner a Newton system gets, from what is known of the plan and was seen of earlier solves, and when it
   gets another one; what they are: newtonsystem.c.
*/
#include "newtonsystem.h"

#define CYCLE_TARGETS 60.0  /* the V-cycle is worth its while up to this effective number of targets a source, */
#define COARSE_EPS    32.0  /* a coarser grid is, from so many (squared) pixels of epsilon on */
#define CYCLE_LEAST   500   /* on grids of at least this many points */
#define BAND_MOST     6.4e7 /* numbers of banded factors at most */
#define BAND_WORK     2e7   /* multiply-adds that they cost whatever their entries, */
#define BAND_LONG     5e3   /* and targets on a line that is always factorised as a band */
#define FEW_TARGETS   60.0  /* assemble up to this effective number of targets a source */
#define ALONE_TARGETS 2.0   /* ... and without waiting for the diagonal, where targets are scattered */
#define SLOW_2D       100   /* auto, grids: CG iterations of the diagonal that an assembled matrix is worth */
#define SLOW_3D       400
#define GRAPH_CYCLES  100  /* V-cycles that the plan's graph and its factors or coarse grids cost on images, */
#define GRAPH_VOLUME  50   /* ... and in volumes, where a V-cycle costs more, */
#define VOLUME_CYCLE  5    /* as many products as this, */
#define GRAPH_PLAIN   1500 /* ... iterations with the diagonal in small volumes, */
#define GRAPH_POINTS  1e5  /* and as many more for each so many targets */
#define MANY_CG       20   /* iterations after which a fresh multigrid is made of more entries, */
#define TRIM_MOST     3    /* at most so often ten times smaller ones */

static PetscBool IsPlain(const FenNewtonSystem *N)
{
  return (PetscBool)(N->seen.plain == FEN_PLAIN_IN_USE || N->seen.plain == FEN_PLAIN_FIRST);
}

/* few targets, or voxels that are alone, see newtonsystem.c */
static PetscBool IsLoose(const FenNewtonSystem *N)
{
  return (PetscBool)(N->ot->op->separable && N->scattered && N->seen.plain != FEN_PLAIN_FIRST &&
                     (N->ot->op->dim > 2 || N->seen.average <= ALONE_TARGETS));
}

/* Where a source reaches many targets an assembled matrix would be as good as dense. Once they are few, they are fewer
   as epsilon falls: the pass that counts them is saved */
static PetscBool WantSparse(const FenNewtonSystem *N)
{
  if (N->precondition == FEN_PRECONDITION_JACOBI || N->seen.average <= 0 || N->seen.average > FEW_TARGETS)
    return PETSC_FALSE;
  if (N->diagonal_only)
    return (PetscBool)(N->seen.direct == FEN_GRAPH_IN_USE);
  return (PetscBool)(N->precondition == FEN_PRECONDITION_SPARSE || N->seen.slow || N->seen.direct == FEN_GRAPH_IN_USE ||
                     N->thin || IsLoose(N));
}

/* Where a source sends to few targets or many, the Laplacian couples near neighbours or all; the diagonal is good
   enough for the latter */
static PetscErrorCode WantCycle(const FenNewtonSystem *N, PetscBool *want)
{
  FenLayout       layout;
  const PetscBool chosen = (PetscBool)(N->precondition == FEN_PRECONDITION_AUTO && N->ot->op->N[1] >= CYCLE_LEAST);

  PetscFunctionBegin;
  *want = (PetscBool)((N->precondition == FEN_PRECONDITION_CYCLE || (chosen && !N->scattered && !IsPlain(N))) &&
                      !N->diagonal_only && N->seen.direct != FEN_GRAPH_IN_USE && FenOTHasCouplings(N->ot->op) &&
                      N->seen.average > 0 && N->seen.average <= CYCLE_TARGETS);
  if (*want) {
    PetscCall(FenMeasureGetLayout(N->ot->op->measure[1], &layout));
    PetscCall(FenGridCycleFits(layout, want));
  }
  PetscFunctionReturn(0);
}

/* Bands of plans that reach far, as windows do from a heavy source to the tails of a target, have few entries that
   matter: the graph of those costs less, where sources send to few targets and the line is not so long that its
   smallest eigenvalues get lost in a product */
static PetscErrorCode WantBand(FenNewtonSystem *N, double d[], PetscBool *want)
{
  const double n = (double)N->ot->op->N[1];
  FenInt       band;

  PetscFunctionBegin;
  *want = PETSC_FALSE;
  if (N->precondition == FEN_PRECONDITION_AUTO && !N->diagonal_only && !N->indefinite && N->ot->op->separable)
    PetscCall(FenBandFits(N->ot->op, BAND_MOST, want));
  if (!*want || n > BAND_LONG)
    PetscFunctionReturn(0);
  PetscCall(FenOTBandwidth(N->ot->op, &band));
  if (n * (double)band * (double)band <= BAND_WORK)
    PetscFunctionReturn(0);
  if (!(N->seen.average > 0))
    PetscCall(FenNewtonSystemDiagonal(N, d));
  *want = (PetscBool)(N->seen.average > FEW_TARGETS);
  N->seen.slow = (FenInt)PetscNot(*want);
  PetscFunctionReturn(0);
}

/* `least`: the smallest epsilon for it, in (squared) pixels. A plan that blurs over several pixels is seen on a coarser
   grid, however many targets the sources send to. With |x-y|^p, p > 2, it is the narrower the farther mass moves,
   whatever epsilon is: there they are counted */
static PetscErrorCode WantCoarse(FenNewtonSystem *N, double least, double d[], PetscBool *want)
{
  const FenOT  ot = N->ot;
  const double pixel = ot->at ? ot->level[ot->at].blur : ot->pixel;
  double       power;

  PetscFunctionBegin;
  *want = PETSC_FALSE;
  if (N->precondition == FEN_PRECONDITION_AUTO && !N->diagonal_only && !N->seen.slow && !IsPlain(N) &&
      ot->op->eps >= least * pixel)
    PetscCall(FenNewtonCoarseFits(ot, want));
  PetscCall(FenCostGetPower(ot->op->cost, &power));
  if (!*want || power <= 2)
    PetscFunctionReturn(0);
  PetscCall(FenNewtonSystemDiagonal(N, d));
  *want = (PetscBool)(N->seen.average > CYCLE_TARGETS);
  PetscFunctionReturn(0);
}

/* the first that is wanted; the diagonal of S in d if it is that. How many targets the sources send to is known from
   the preconditioner before, or from the diagonal */
PetscErrorCode FenNewtonSystemChoose(FenNewtonSystem *N, double d[])
{
  PetscBool want;

  PetscFunctionBegin;
  N->use = FEN_USES_BAND;
  PetscCall(WantBand(N, d, &want));
  if (want)
    PetscFunctionReturn(0);
  N->use = FEN_USES_COARSE;
  PetscCall(WantCoarse(N, COARSE_EPS, d, &want));
  if (want)
    PetscFunctionReturn(0);
  N->use = FEN_USES_CYCLE;
  PetscCall(WantCycle(N, &want));
  if (want)
    PetscFunctionReturn(0);
  N->use = FEN_USES_GRAPH;
  if (WantSparse(N))
    PetscFunctionReturn(0);
  PetscCall(FenNewtonSystemDiagonal(N, d));
  N->use = FEN_USES_CYCLE;
  PetscCall(WantCycle(N, &want));
  if (want)
    PetscFunctionReturn(0);
  N->use = FEN_USES_COARSE;
  PetscCall(WantCoarse(N, 0, d, &want));
  if (want)
    PetscFunctionReturn(0);
  N->use = WantSparse(N) ? FEN_USES_GRAPH : FEN_USES_DIAGONAL;
  PetscFunctionReturn(0);
}

/* Targets in the tails of a density take a little from very many sources: what the diagonal is good for, and V-cycles
   do not see */
static PetscBool TryDiagonal(FenNewtonSystem *N)
{
  const PetscInt dim = N->ot->op->dim;

  if (N->precondition != FEN_PRECONDITION_AUTO)
    return PETSC_FALSE;
  if (N->use == FEN_USES_CYCLE && N->seen.plain == FEN_PLAIN_NOT_YET && N->seen.vain > 0) {
    N->seen.plain = FEN_PLAIN_IN_USE;
    return PETSC_TRUE;
  }
  if (N->use == FEN_USES_DIAGONAL && N->seen.plain == FEN_PLAIN_IN_USE && N->seen.its >= FEN_PLAIN_MOST(dim)) {
    N->seen.plain = FEN_PLAIN_SLOW;
    N->seen.vain += dim > 2 ? N->seen.its / VOLUME_CYCLE : 0;
    return PETSC_TRUE;
  }
  return PETSC_FALSE;
}

/* V-cycles see neither what lies far apart nor how weak links are, and fail where parts of the plan hang together by
   less than rounding errors, as they do far below a squared pixel of epsilon; then the diagonal takes their place. The
   graph of the plan is made once as many iterations with them have been in vain as it costs; on large grids its factors
   or coarse grids cost more, and so does each solve */
static PetscBool Slow(const FenNewtonSystem *N)
{
  const double unseen = N->ot->op->dim > 2 ? GRAPH_VOLUME : GRAPH_CYCLES;
  const double cycles = N->seen.plain == FEN_PLAIN_FIRST ? GRAPH_PLAIN : unseen;
  const double cost = cycles * (1 + (double)N->points[1] / GRAPH_POINTS);

  return (PetscBool)((double)N->seen.vain >= cost && N->seen.average <= FEW_TARGETS);
}

PetscBool FenNewtonSystemReconsider(FenNewtonSystem *N)
{
  const PetscBool first = (PetscBool)(N->seen.plain == FEN_PLAIN_FIRST);
  const PetscBool unseen = (PetscBool)(N->use == FEN_USES_CYCLE || N->diagonal_only || first);
  const FenInt    chosen = N->ot->op->dim > 2 || N->ot->op->sparse ? SLOW_3D : SLOW_2D,
               slow = N->diagonal_it > 0 ? N->diagonal_it : chosen;

  if (TryDiagonal(N))
    return PETSC_TRUE;
  if (unseen && N->seen.direct == FEN_GRAPH_NOT_YET && N->precondition == FEN_PRECONDITION_AUTO && Slow(N)) {
    N->seen.direct = FEN_GRAPH_IN_USE;
    return PETSC_TRUE;
  }
  if ((N->use == FEN_USES_DIAGONAL || N->use == FEN_USES_COARSE) && !N->seen.slow && !first &&
      N->precondition == FEN_PRECONDITION_AUTO && N->seen.its >= slow) {
    N->seen.slow = 1;
    return PETSC_TRUE;
  }
  if ((N->multigrid ||
       (N->use == FEN_USES_GRAPH && (N->seen.direct == FEN_GRAPH_IN_USE || FenOTOnSupport_Private(N->ot)))) &&
      N->share <= 0 && N->seen.its_fresh > MANY_CG && N->seen.trimmed < TRIM_MOST) {
    N->seen.trimmed++;
    return PETSC_TRUE;
  }
  return PETSC_FALSE;
}

/* A nearly exact factorisation of the present plan, or its coarse grid, costs less than CG iterations of an old one;
   couplings and coarse grids of a V-cycle cost as much as about four. A digit should not take many more iterations than
   it did at first */
PetscBool FenNewtonSystemIsOld(const FenNewtonSystem *N)
{
  if (N->use == FEN_USES_BAND || N->use == FEN_USES_COARSE || (N->use == FEN_USES_GRAPH && !N->multigrid))
    return PETSC_TRUE;
  if (N->use == FEN_USES_CYCLE)
    return (PetscBool)(N->seen.effort > N->seen.effort_fresh + 1.5 || N->seen.its >= N->seen.most);
  return (PetscBool)(N->seen.its > 2 * N->seen.its_fresh);
}

PetscErrorCode FenNewtonSeenState(FenNewtonSeen *seen, FenState state)
{
  PetscFunctionBegin;
  PetscCall(FenStateAddInt(state, "cg_its", &seen->its));
  PetscCall(FenStateAddInt(state, "cg_its_fresh", &seen->its_fresh));
  PetscCall(FenStateAddReal(state, "cg_effort", &seen->effort));
  PetscCall(FenStateAddReal(state, "cg_effort_fresh", &seen->effort_fresh));
  PetscCall(FenStateAddInt(state, "cg_most", &seen->most));
  PetscCall(FenStateAddInt(state, "slow", &seen->slow));
  PetscCall(FenStateAddInt(state, "vain", &seen->vain));
  PetscCall(FenStateAddInt(state, "plain", &seen->plain));
  PetscCall(FenStateAddInt(state, "direct", &seen->direct));
  PetscCall(FenStateAddInt(state, "trimmed", &seen->trimmed));
  PetscCall(FenStateAddReal(state, "average", &seen->average));
  PetscCall(FenStateAddReal(state, "average_before", &seen->average_before));
  PetscCall(FenStateAddReal(state, "full", &seen->full));
  PetscCall(FenStateAddReal(state, "full_before", &seen->full_before));
  PetscFunctionReturn(0);
}
