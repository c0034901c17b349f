/* SPDX-License-Identifier: BSD-2-Clause */
/* What tests of whole solves share: the registered types, a solver in one line, its answer. */
#pragma once
#include "otimpl.h"
#include "fentest.h"
#include <math.h>

/* every type of the registration list: a new one is tested from the day it is added */
#define SOLVE_NAME(name, Type) name,
static const char *const solve_types[] = {FEN_OT_TYPE_LIST(SOLVE_NAME)};
#undef SOLVE_NAME
#define NTYPES ((int)(sizeof(solve_types) / sizeof(solve_types[0])))

/* mass of a grid's point */
typedef double (*SolveDensity)(const void *ctx, const FenInt at[3]);

/* spacing: NULL for 1 */
static inline FenMeasure SolveGridMake(MPI_Comm comm, PetscInt dim, SolveDensity density, const void *ctx,
                                       const FenInt shape[], const double spacing[])
{
  FenLayout  layout;
  FenMeasure m;
  FenBox     box;
  FenInt     n, p = 0;
  double    *w;

  FEN_OK(FenLayoutCreateGrid(comm, dim, shape, NULL, &layout));
  FEN_OK(FenLayoutGetBox(layout, -1, &box));
  FEN_OK(FenLayoutGetLocalSize(layout, &n));
  w = (double *)malloc((size_t)(n + 1) * sizeof(double));
  for (FenInt i = box.lo[0]; i < box.hi[0]; i++)
    for (FenInt j = box.lo[1]; j < box.hi[1]; j++)
      for (FenInt k = box.lo[2]; k < box.hi[2]; k++)
        w[p++] = density(ctx, (FenInt[3]){i, j, k});
  FEN_OK(FenMeasureCreateGrid(layout, w, spacing, NULL, &m));
  free(w);
  FEN_OK(FenLayoutDestroy(&layout));
  return m;
}

/* mass of pixel (i, j) of a side's image of this shape */
typedef double (*SolveImage)(int side, FenInt seed, const FenInt shape[], FenInt i, FenInt j);

typedef struct {
  SolveImage    image;
  int           side;
  FenInt        seed;
  const FenInt *shape;
} SolveImageOf;

static inline double SolveImageAt(const void *ctx, const FenInt at[3])
{
  const SolveImageOf *of = (const SolveImageOf *)ctx;

  return of->image(of->side, of->seed, of->shape, at[0], at[1]);
}

/* spacing: NULL for 1 */
static inline FenMeasure SolveImageMake(MPI_Comm comm, SolveImage image, int side, FenInt seed, const FenInt shape[],
                                        const double spacing[])
{
  const SolveImageOf of = {image, side, seed, shape};

  return SolveGridMake(comm, 2, SolveImageAt, &of, shape, spacing);
}

/* waves on a background at (x, y) of the unit square, and more mass at one end: it moves by a part of the image */
static inline double SolveWaves(int side, double x, double y)
{
  return (1.3 + sin((side ? 9 : 7) * x) * cos((side ? 5 : 11) * y)) * (side ? 1.2 - y : 0.2 + y);
}

/* domain decomposition needs two grids and a cost of coordinates */
static inline int SolveTakes(const char *type, FenMeasure m[2], FenCost cost)
{
  FenMeasureKind kind[2];
  FenCostKind    c = FEN_COST_SQEUCLIDEAN;

  for (int s = 0; s < 2; s++)
    FEN_OK(FenMeasureGetKind(m[s], &kind[s]));
  if (cost)
    FEN_OK(FenCostGetKind(cost, &c));
  return strcmp(type, FENOTDOMDEC) ||
         (kind[0] == FEN_MEASURE_GRID && kind[1] == FEN_MEASURE_GRID && c != FEN_COST_MATRIX);
}

/* where a type refuses the measures (a test of its own sees to that) another takes its place; NULL: the family's choice
 */
static inline FenOT SolveMake(const char *type, FenMeasure m[2], FenCost cost, double eps, double gap_rel)
{
  FenOT ot;

  FEN_OK(FenOTCreate(PetscObjectComm((PetscObject)m[0]), &ot));
  if (type)
    FEN_OK(FenOTSetType(ot, SolveTakes(type, m, cost) ? type : FENOTNEWTON));
  FEN_OK(FenOTSetMeasures(ot, m[0], m[1]));
  if (cost)
    FEN_OK(FenOTSetCost(ot, cost));
  FEN_OK(FenOTSetEpsilon(ot, eps));
  FEN_OK(FenSolverSetTolerances((FenSolver)ot, gap_rel, 0, 20000));
  return ot;
}

static inline FenReason SolveReason(FenOT ot)
{
  FenReason reason;

  FEN_OK(FenSolverGetConvergedReason((FenSolver)ot, &reason));
  return reason;
}

/* solves, must converge; bounds of the answer */
static inline FenOTBounds SolveRun(FenOT ot)
{
  FenOTBounds B;

  FEN_OK(FenOTSolve(ot));
  assert_true(SolveReason(ot) > 0);
  FEN_OK(FenOTComputeBounds(ot, &B));
  assert_true(B.lower <= B.upper && B.ot_lower <= B.ot_upper);
  return B;
}

/* the same, and the solver is given back */
static inline FenOTBounds SolveOnce(const char *type, FenMeasure m[2], FenCost cost, double eps, double gap_rel)
{
  FenOT       ot = SolveMake(type, m, cost, eps, gap_rel);
  FenOTBounds B = SolveRun(ot);

  FEN_OK(FenOTDestroy(&ot));
  return B;
}

/* the same by the family's choice, which is `type`, in so many passes at most; the measures are given back too */
static inline FenOTBounds SolveInPasses(const char *type, FenMeasure m[2], double power, double eps, double gap_rel,
                                        double most)
{
  FenCost     cost;
  FenOTBounds B;
  FenOT       ot;
  const char *chosen;
  double      work;

  FEN_OK(FenCostCreatePower(PetscObjectComm((PetscObject)m[0]), power, &cost));
  ot = SolveMake(NULL, m, cost, eps, gap_rel);
  B = SolveRun(ot);
  FEN_OK(FenSolverGetType((FenSolver)ot, &chosen));
  assert_string_equal(chosen, type);
  work = ((FenSolver)ot)->progress.work;
  if (work > most)
    print_error("p = %g, eps %g: %g passes\n", power, eps, work);
  FEN_ASSERT_ALL(work <= most);
  FEN_OK(FenOTDestroy(&ot));
  FEN_OK(FenCostDestroy(&cost));
  FEN_OK(FenMeasureDestroy(&m[0]));
  FEN_OK(FenMeasureDestroy(&m[1]));
  return B;
}

/* a known answer lies in the certified interval, which is narrow: `more` is what the answer itself is uncertain by */
#define SOLVE_ENCLOSES(B, answer, narrow, more)                                                                        \
  do {                                                                                                                 \
    const double solve_scale_ = fmax(1, fabs((double)(answer)));                                                       \
    if (!((B).lower <= (answer) + (more) && (B).upper >= (answer) - (more) &&                                          \
          (B).upper - (B).lower <= (narrow)*solve_scale_)) {                                                           \
      print_error("[%.17g, %.17g] and %.17g\n", (B).lower, (B).upper, (double)(answer));                               \
      fail();                                                                                                          \
    }                                                                                                                  \
  } while (0)

/* points on this rank alone */
static inline FenMeasure SolvePoints(FenInt n, PetscInt dim, const double x[], const double w[])
{
  FenMeasure m;

  FEN_OK(FenMeasureCreatePoints(PETSC_COMM_SELF, n, dim, x, w, &m));
  return m;
}
