/* SPDX-License-Identifier: BSD-2-Clause */
/*
   S = diag(c) - E^T diag(a) E is a graph Laplacian on the targets: S 1 = 0, off-diagonal entries <= 0. Masses range
   over hundreds of decades, so the system is solved for y = d/scale with scale = 1/sqrt(min(c, floor)), floor a small
   share of the mean mass: among ordinary masses this is the Laplacian itself, whose null vector is constant, as
   multigrid takes it to be; in the tails the diagonal is 1. The null vector is 1/scale. A product is two passes.

   Where marginals are penalised, rows r of the plan and what is wanted of it depend on the potentials. With the decays
   d_a, d_b >= 0 of marginal.h the system is S = diag(c + eps d_b) - E^T diag(r^2/(r + eps d_a)) E, definite; for kl the
   rows are rho/(rho + eps) r. It is scaled so that the plan has mass one.

   Preconditioners:

     jacobi   the diagonal, c_j - sum_i a_i E_ij^2, one pass
     sparse   the Laplacian of the plan's graph, see newtongraph.c, from the entries of E that are large in their row or
              their column; by any PC of PETSc (-ot_newton_pc_type): a factorisation in one dimension, for small grids
              in two and where entries are few, algebraic multigrid otherwise. The diagonal while a source sends to many
              targets
     band     on one line, unless the band is wide and sources send to few targets: the factors of what the plan's kept
              factors couple, which is nearly all, see newtonband.c.
              They solve: a product with kept factors differs from the columns c, which are of double precision, by more
              than the smallest eigenvalues of a long line
     cycle    on grids of two or three axes: a V-cycle on the graph of the plan's couplings between near neighbours,
              which cost two or three passes to find, see couplings.c and gridcycle.c. Where others are many at some
              targets, five products (seven with three axes) tell how coarse grids make up for them, see gridmoments.c
     coarse   on grids, where sources send to many targets: what the plan couples is seen on a coarser grid, see
              newtoncoarse.c
     auto     the least time: band where it is there. Where a pass costs n m exponentials entries of a plan are kept for
   products if they are few, and this is jacobi until its iterations would pay for sparse. On grids a pass is cheap, and
   an assembled matrix costs hundreds of them: this is cycle while sources send to few targets, coarse otherwise, and
   jacobi in small volumes, where there is no coarser grid, and where cycle is in vain, again until its iterations would
   pay for sparse
*/
#include "newtonsystem.h"
#include <math.h>

const char *const FenPreconditions[] = {"auto", "jacobi", "sparse", "cycle", "FenPrecondition", "FEN_PRECONDITION_",
                                        NULL};
const char *const FenPreconditioners[] = {"jacobi", "sparse", "band", "cycle", "coarse"};

#define UNEVEN       0.05   /* couplings that reach far are so much more of them at some targets: see gridmoments.c */
#define TAIL         1e-4   /* masses below this share of the mean are scaled to a unit diagonal */
#define DIRECT_MOST  5e5    /* links that are factorised in place of V-cycles; more are left to algebraic multigrid */
#define DENSE        100    /* links a point, of a graph that would be as slow as V-cycles */
#define DIRECT_CG    100    /* iterations with it at most */
#define DIRECT_SHARE 1e-3   /* entries of the plan kept for it: share of the row's largest, or of the column's */
#define RAYS_SHARE   1e-2   /* ... where they are many anyway */
#define KEEP_TARGETS 60.0   /* between points: entries are kept up to this effective number of targets a source, */
#define KEEP_SHARE   16.0   /* ... if these are one in so many of all, */
#define KEEP_LEAST   1e-10  /* those that are at least this share of their row or column, */
#define KEEP_MOST    800    /* ... at most so many a source in the mean, */
#define KEEP_RANK    8e6    /* ... and on a rank: its search takes 50 bytes for each */
#define LEAST_SHIFT  1e-10  /* with a factorisation: parts of a plan may hang together by less than rounding errors */
#define LINE_LIMIT   100000 /* one dimension: factorise up to this size, */
#define THIN         3      /* and so many lines next to each other */
#define DIRECT_LIMIT 10000  /* two dimensions: factorise up to this size */
#define DIRECT_ALONE 1.25   /* ... of scattered targets, while a source sends to so many of them */
#define SMALL_AXIS   34     /* points of a volume's axes at most, where the diagonal takes the place of V-cycles */
#define ALONE        4      /* in volumes: one target in so many has a next neighbour on its line at most */

/* diagonal of the scaled diag(c): 1 in the tails and for targets without mass */
static double ScaledMass(const FenNewtonSystem *N, FenInt j)
{
  return N->scale[j] > 0 ? N->c[j] * N->scale[j] * N->scale[j] : 1;
}

/* 1/scale, and 0 where that is 0: see Rescale() */
static inline double Unscale(const FenNewtonSystem *N, FenInt j)
{
  return N->scale[j] * PetscMin(N->c[j], TAIL / (double)N->ot->op->N[1]);
}

static PetscErrorCode MultShell(Mat A, Vec x, Vec y)
{
  FenNewtonSystem *N;
  FenOT            ot;
  const double    *px;
  double          *py;

  PetscFunctionBegin;
  PetscCall(MatShellGetContext(A, &N));
  ot = N->ot;
  PetscCall(VecGetArrayRead(x, &px));
  PetscCall(VecGetArray(y, &py));
  for (FenInt j = 0; j < ot->m; j++)
    ot->wm2[j] = px[j] * N->scale[j];
  PetscCall(FenOTMultNormal(ot->op, ot->wm2, py));
  for (FenInt j = 0; j < ot->m; j++) /* scale = 0: targets without mass are decoupled */
    py[j] = (1 + N->shift + N->least) * ScaledMass(N, j) * px[j] - py[j] * N->scale[j];
  PetscCall(VecRestoreArrayRead(x, &px));
  PetscCall(VecRestoreArray(y, &py));
  PetscFunctionReturn(0);
}

PetscErrorCode FenNewtonSystemCreate(FenOT ot, FenNewtonSystem *N)
{
  MPI_Comm    comm = PetscObjectComm((PetscObject)ot);
  const char *prefix = ((PetscObject)ot)->prefix;
  PetscInt    m;

  PetscFunctionBegin;
  N->ot = ot;
  PetscCall(FenIntCast(ot->m, &m));
  PetscCall(MatCreateShell(comm, m, m, PETSC_DETERMINE, PETSC_DETERMINE, N, &N->S));
  PetscCall(MatShellSetOperation(N->S, MATOP_MULT, (void (*)(void))MultShell));
  PetscCall(MatSetOption(N->S, MAT_SYMMETRIC, PETSC_TRUE));
  PetscCall(VecCreateMPIWithArray(comm, 1, m, PETSC_DETERMINE, NULL, &N->x));
  PetscCall(VecCreateMPIWithArray(comm, 1, m, PETSC_DETERMINE, NULL, &N->rhs));
  PetscCall(PetscMalloc1(ot->m, &N->scale));
  N->unit = N->mass = 1;
  if (ot->relaxed)
    PetscCall(PetscCalloc2(ot->m, &N->diagonal, ot->n, &N->rows));
  ot->op->keep = PETSC_TRUE;
  PetscCall(KSPCreate(comm, &N->ksp));
  PetscCall(KSPSetOptionsPrefix(N->ksp, prefix));
  PetscCall(KSPAppendOptionsPrefix(N->ksp, "ot_newton_"));
  PetscFunctionReturn(0);
}

PetscErrorCode FenNewtonSystemDestroy(FenNewtonSystem *N)
{
  PetscFunctionBegin;
  PetscCall(KSPDestroy(&N->ksp));
  PetscCall(MatDestroy(&N->S));
  PetscCall(MatDestroy(&N->P));
  PetscCall(VecDestroy(&N->x));
  PetscCall(VecDestroy(&N->rhs));
  PetscCall(FenGridCycleDestroy(&N->cycle));
  PetscCall(FenNewtonCoarseDestroy(&N->coarse));
  PetscCall(FenBandDestroy(&N->band));
  PetscCall(FenPlanGraphDestroy(&N->graph));
  PetscCall(PetscFree(N->scale));
  PetscCall(PetscFree2(N->diagonal, N->rows));
  PetscFunctionReturn(0);
}

PetscErrorCode FenNewtonSystemSetColumns(FenNewtonSystem *N, const double c[], double mass)
{
  FenOT              ot = N->ot;
  const FenMarginal *M = ot->marginal;
  const double       eps = ot->op->eps;

  PetscFunctionBegin;
  N->c = c;
  if (!ot->relaxed)
    PetscFunctionReturn(0);
  N->unit = 1 / mass;
  for (FenInt i = 0; i < ot->n; i++) {
    const double r = ot->r[i], all = r + eps * M[0].ops->decay(&M[0], ot->a[i], ot->f[i]);

    N->rows[i] = r > 0 ? N->unit * r * (r / all) : 0;
  }
  for (FenInt j = 0; j < ot->m; j++)
    N->diagonal[j] = N->unit * (c[j] + eps * M[1].ops->decay(&M[1], ot->b[j], ot->g[j]));
  N->c = N->diagonal;
  PetscCall(FenOTOperatorSetRows(ot->op, N->rows));
  PetscFunctionReturn(0);
}

/* rows of the sum E^T diag(rows) E */
static const double *Rows(const FenNewtonSystem *N)
{
  return N->rows ? N->rows : N->ot->a;
}

/* a grid of a few lines next to each other */
static PetscErrorCode IsThin(FenNewtonSystem *N)
{
  const FenOTOperator op = N->ot->op;
  FenInt              shape[FEN_MAX_DIM];
  FenMeasureKind      kind;
  PetscInt            wide = 0;

  PetscFunctionBegin;
  N->thin = PETSC_FALSE;
  PetscCall(FenMeasureGetKind(op->measure[1], &kind));
  if (kind != FEN_MEASURE_GRID || op->dim == 1)
    PetscFunctionReturn(0);
  PetscCall(FenMeasureGetGrid(op->measure[1], shape, NULL, NULL));
  for (PetscInt k = 0; k < op->dim; k++)
    wide += shape[k] > THIN;
  N->thin = (PetscBool)(wide <= 1);
  PetscFunctionReturn(0);
}

/* Few targets have mass. In a volume they must also be alone, as particles are: in heaps of voxels, as in one that is
   mostly empty space, V-cycles find the neighbours that they live by */
static PetscErrorCode IsScattered(FenNewtonSystem *N)
{
  const FenOTOperator op = N->ot->op;
  const double       *b = N->ot->b;
  FenMeasureKind      kind;
  FenLayout           layout;
  FenBox              box;
  FenInt              row, pairs = 0;

  PetscFunctionBegin;
  N->scattered = (PetscBool)(op->dim > 1 && N->points[1] <= op->N[1] / FEN_OT_SPARSE);
  PetscCall(FenMeasureGetKind(op->measure[1], &kind));
  if (!N->scattered || op->dim == 2 || kind != FEN_MEASURE_GRID)
    PetscFunctionReturn(0);
  PetscCall(FenMeasureGetLayout(op->measure[1], &layout));
  PetscCall(FenLayoutGetBox(layout, -1, &box));
  row = PetscMax(1, box.hi[op->dim - 1] - box.lo[op->dim - 1]);
  for (FenInt j = 1; j < N->ot->m; j++)
    pairs += j % row && b[j] > 0 && b[j - 1] > 0;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &pairs, 1, MPI_FENINT, MPI_SUM, op->comm));
  N->scattered = (PetscBool)(pairs <= N->points[1] / ALONE);
  PetscFunctionReturn(0);
}

/* A product costs a fraction of a V-cycle in a volume, and the diagonal needs few iterations more while no axis is long
 */
static PetscErrorCode IsSmallVolume(const FenNewtonSystem *N, PetscBool *small)
{
  const FenOTOperator op = N->ot->op;
  FenInt              shape[FEN_MAX_DIM];

  PetscFunctionBegin;
  *small = (PetscBool)(N->precondition == FEN_PRECONDITION_AUTO && N->diagonal_it == 0 && op->separable && op->dim > 2);
  if (!*small)
    PetscFunctionReturn(0);
  PetscCall(FenMeasureGetGrid(op->measure[1], shape, NULL, NULL));
  for (PetscInt k = 0; k < op->dim; k++)
    *small = (PetscBool)(*small && shape[k] > 1 && shape[k] <= SMALL_AXIS);
  PetscFunctionReturn(0);
}

PetscErrorCode FenNewtonSystemMove(FenNewtonSystem *N)
{
  PetscBool small;

  PetscFunctionBegin;
  PetscCall(FenNewtonSystemDestroy(N));
  PetscCall(FenNewtonSystemCreate(N->ot, N));
  N->use = FEN_USES_DIAGONAL;
  N->multigrid = N->diagonal_only = N->indefinite = PETSC_FALSE;
  N->least = 0;
  N->seen = (FenNewtonSeen){.most = FEN_FEWEST_CYCLES};
  PetscCall(IsSmallVolume(N, &small));
  if (small)
    N->seen.plain = FEN_PLAIN_FIRST;
  N->points[0] = N->points[1] = 0;
  for (FenInt i = 0; i < N->ot->n; i++)
    N->points[0] += N->ot->a[i] > 0;
  for (FenInt j = 0; j < N->ot->m; j++)
    N->points[1] += N->ot->b[j] > 0;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, N->points, 2, MPI_FENINT, MPI_SUM, N->ot->op->comm));
  PetscCall(IsScattered(N));
  PetscCall(IsThin(N));
  PetscFunctionReturn(0);
}

static void Rescale(FenNewtonSystem *N)
{
  const FenOT  ot = N->ot;
  const double mean = 1 / (double)ot->op->N[1], floor = TAIL * mean, least = FEN_NEGLIGIBLE * mean;

  for (FenInt j = 0; j < ot->m; j++)
    N->scale[j] =
        PetscMax(N->c[j], N->unit * ot->b[j]) > least && N->c[j] > 1e-290 ? 1 / sqrt(PetscMin(N->c[j], floor)) : 0;
}

/* effective number of targets a source sends to, from my part of the sum of all rows_i E_ij^2 */
static PetscErrorCode CountTargets(FenNewtonSystem *N, const FenDD *squares)
{
  double total;

  PetscFunctionBegin;
  PetscCall(FenDDReduce(N->ot->op->comm, 1, squares, &total));
  N->seen.average = 1 / PetscMax(total, 1e-300);
  PetscFunctionReturn(0);
}

PetscErrorCode FenNewtonSystemDiagonal(FenNewtonSystem *N, double d[])
{
  FenOT ot = N->ot;
  FenDD squares = {0, 0};

  PetscFunctionBegin;
  PetscCall(FenOTMultTransposeSquares(ot->op, Rows(N), d));
  FenDDAddSum(&squares, ot->m, d);
  for (FenInt j = 0; j < ot->m; j++)
    d[j] = PetscMax((1 + N->shift) * ScaledMass(N, j) - d[j] * N->scale[j] * N->scale[j], 1e-10 * ScaledMass(N, j));
  PetscCall(CountTargets(N, &squares));
  PetscFunctionReturn(0);
}

/* entries of the plan for products, if it may have few and they are not kept yet: a search costs what a pass does, and
   is in vain where there are too many */
static PetscErrorCode KeepEntries(FenNewtonSystem *N)
{
  FenOT         ot = N->ot;
  FenOTOperator op = ot->op;
  const double  average = N->seen.average;
  PetscBool     kept;

  PetscFunctionBegin;
  if (op->sparse || op->separable || !(average > 0 && average <= KEEP_TARGETS) ||
      average * KEEP_SHARE > (double)N->points[1] || (N->seen.full > 0 && average > 0.5 * N->seen.full))
    PetscFunctionReturn(0);
  PetscCall(FenOTKeepEntries(op, FenOTSoft_Private(ot), ot->g, N->c, KEEP_LEAST,
                             PetscMin(KEEP_MOST * op->n[0], (FenInt)KEEP_RANK), N->scale, &kept));
  N->seen.full = kept ? 0 : average;
  PetscFunctionReturn(0);
}

/* factors of nearly all entries are cheap */
static PetscBool SmallSystem(const FenNewtonSystem *N)
{
  const FenOTOperator op = N->ot->op;
  const PetscBool     line = (PetscBool)(op->dim == 1 || N->thin);

  return (PetscBool)((line && op->N[1] <= LINE_LIMIT) || (op->dim == 2 && op->N[1] <= DIRECT_LIMIT) ||
                     (op->dim == 2 && N->scattered && N->points[1] <= DIRECT_LIMIT && N->seen.average <= DIRECT_ALONE));
}

/* Where costs are distances, mass may stop anywhere on its ray: a source has hundreds of entries of the plan that are
   not small, whatever epsilon is */
static PetscBool IsAlongRays(const FenNewtonSystem *N)
{
  const FenOTOperator op = N->ot->op;

  return (PetscBool)(!op->separable && op->dim > 1 &&
                     (op->kind == FEN_COST_EUCLIDEAN || op->kind == FEN_COST_L1 || op->kind == FEN_COST_FUNCTION));
}

/* entries that a factorisation can afford make it nearly exact; multigrid wants few */
static double Share(const FenNewtonSystem *N)
{
  if (N->share > 0)
    return N->share;
  if (N->seen.direct == FEN_GRAPH_IN_USE || FenOTOnSupport_Private(N->ot))
    return DIRECT_SHARE * pow(0.01, (double)N->seen.trimmed);
  if (IsAlongRays(N))
    return RAYS_SHARE * pow(0.1, (double)N->seen.trimmed);
  if (!SmallSystem(N)) /* weak links matter where a source has hardly any others */
    return (N->seen.average <= 4 ? 0.01 : 0.1) * pow(0.1, (double)N->seen.trimmed);
  return 1e-8;
}

/* of the large entries */
static PetscErrorCode CountTargetsOf(FenNewtonSystem *N, const FenSparse *E)
{
  FenOT ot = N->ot;
  FenDD squares = {0, 0};

  PetscFunctionBegin;
  for (FenInt i = 0; i < ot->n; i++)
    for (FenInt k = E->ptr[i]; k < E->ptr[i + 1]; k++)
      FenDDAdd(&squares, Rows(N)[i] * E->val[k] * E->val[k]);
  PetscCall(CountTargets(N, &squares));
  PetscFunctionReturn(0);
}

/* an array of couplings, see FenOTCouplings(): edges of the graph; the one of no offset gives the average */
static PetscErrorCode TakeCoupling(void *ctx, const FenInt offset[], const double v[])
{
  FenNewtonSystem *N = (FenNewtonSystem *)ctx;
  FenLayout        layout;
  FenInt           n;
  FenDD            squares = {0, 0};

  PetscFunctionBegin;
  if (offset[0] || offset[1] || offset[2]) {
    PetscCall(FenGridCycleSetCouplings(N->cycle, offset, v));
    PetscFunctionReturn(0);
  }
  PetscCall(FenGridCycleSetMass(N->cycle, N->ot->relaxed ? N->ot->wm : N->c, v));
  PetscCall(FenOTCouplingsLayout(N->ot->op, &layout));
  PetscCall(FenLayoutGetLocalSize(layout, &n));
  FenDDAddSum(&squares, n, v);
  PetscCall(CountTargets(N, &squares));
  PetscFunctionReturn(0);
}

/* v = E^T rows, of each target the sum of its couplings; `more`: what the diagonal has beside it, a share of it in the
   mean */
static PetscErrorCode Couplings(FenNewtonSystem *N, double v[], double *more)
{
  FenDD  sum[2] = {{0, 0}};
  double s[2];

  PetscFunctionBegin;
  PetscCall(FenOTMultTranspose(N->ot->op, N->rows, v));
  for (FenInt j = 0; j < N->ot->m; j++) {
    FenDDAdd(&sum[0], PetscMax(0.0, N->c[j] - v[j]));
    FenDDAdd(&sum[1], v[j]);
  }
  PetscCall(FenDDReduce(N->ot->op->comm, 2, sum, s));
  *more = s[0] / PetscMax(s[1], 1e-300);
  PetscFunctionReturn(0);
}

/* places of my targets along an axis, counted from the middle of the grid */
static PetscErrorCode Places(FenNewtonSystem *N, FenLayout layout, PetscInt axis, double x[])
{
  FenInt shape[FEN_MAX_DIM], stride = 1, n;
  FenBox box;

  PetscFunctionBegin;
  PetscCall(FenLayoutGetShape(layout, shape));
  PetscCall(FenLayoutGetBox(layout, -1, &box));
  n = PetscMax(1, box.hi[axis] - box.lo[axis]);
  for (PetscInt k = axis + 1; k < N->ot->op->dim; k++)
    stride *= box.hi[k] - box.lo[k];
  for (FenInt j = 0; j < N->ot->m; j++)
    x[j] = (double)(box.lo[axis] + j / stride % n) - 0.5 * (double)shape[axis];
  PetscFunctionReturn(0);
}

/* Second moments along all axes of all couplings B = E^T diag(rows) E: sum_j' B_jj' (x_j' - x_j)^2 from products with
   1, x and x^2. What rounding makes of kept factors is part of B, so that the terms cancel */
static PetscErrorCode Moments(FenNewtonSystem *N, FenLayout layout)
{
  FenOT   ot = N->ot;
  double *in = ot->wm, *x = ot->wm2, *sum, *first, *second;
  FenInt  shape[FEN_MAX_DIM];

  PetscFunctionBegin;
  PetscCall(FenLayoutGetShape(layout, shape));
  PetscCall(PetscMalloc3(ot->m, &sum, ot->m, &first, ot->m, &second));
  for (FenInt j = 0; j < ot->m; j++)
    in[j] = 1;
  PetscCall(FenOTMultNormal(ot->op, in, sum));
  for (PetscInt axis = 0; axis < ot->op->dim; axis++) {
    if (shape[axis] == 1)
      continue;
    PetscCall(Places(N, layout, axis, x));
    PetscCall(FenOTMultNormal(ot->op, x, first));
    for (FenInt j = 0; j < ot->m; j++)
      in[j] = x[j] * x[j];
    PetscCall(FenOTMultNormal(ot->op, in, second));
    for (FenInt j = 0; j < ot->m; j++)
      second[j] += x[j] * (x[j] * sum[j] - 2 * first[j]);
    PetscCall(FenGridCycleSetMoments(N->cycle, axis, second));
  }
  PetscCall(PetscFree3(sum, first, second));
  PetscFunctionReturn(0);
}

/* the graph of the present plan's couplings between near neighbours, and its coarse grids */
static PetscErrorCode BuildCycle(FenNewtonSystem *N)
{
  FenOT     ot = N->ot;
  FenLayout layout, edges;
  double    more = 0, spacing[FEN_MAX_DIM], uneven;

  PetscFunctionBegin;
  PetscCall(FenMeasureGetLayout(ot->op->measure[1], &layout));
  if (!N->cycle) {
    PetscCall(FenOTCouplingsLayout(ot->op, &edges));
    PetscCall(FenMeasureGetGrid(ot->op->measure[1], NULL, spacing, NULL));
    PetscCall(FenGridCycleCreate(layout, spacing, edges, ot->op->kernels, &N->cycle));
  }
  if (ot->relaxed)
    PetscCall(Couplings(N, ot->wm, &more));
  PetscCall(FenOTCouplings(ot->op, FEN_GRID_RADIUS, (double *[2]){ot->wm2, ot->wm}, ot->most, TakeCoupling, N));
  PetscCall(FenGridCycleComplete(N->cycle, N->shift + more, &uneven));
  if (uneven > UNEVEN)
    PetscCall(Moments(N, layout));
  PetscCall(FenGridCycleBuild(N->cycle));
  PetscCall(PetscInfo(ot, "V-cycle: shares of far couplings differ by %g\n", uneven));
  PetscFunctionReturn(0);
}

static PetscErrorCode BuildCoarse(FenNewtonSystem *N, const double g[])
{
  PetscFunctionBegin;
  if (N->coarse && !FenNewtonCoarseServes(N->coarse))
    PetscCall(FenNewtonCoarseDestroy(&N->coarse));
  if (!N->coarse)
    PetscCall(FenNewtonCoarseCreate(N->ot, &N->coarse));
  PetscCall(FenNewtonCoarseBuild(N->coarse, g, N->shift));
  PetscFunctionReturn(0);
}

/* the V-cycle and the coarser grid work in unscaled numbers */
static PetscErrorCode ApplyUnscaled(PC pc, Vec r, Vec z)
{
  FenNewtonSystem *N;
  const double    *pr;
  double          *pz, *u;
  PetscBool        solved = PETSC_TRUE;

  PetscFunctionBegin;
  PetscCall(PCShellGetContext(pc, &N));
  u = N->ot->wm2;
  PetscCall(VecGetArrayRead(r, &pr));
  PetscCall(VecGetArray(z, &pz));
  for (FenInt j = 0; j < N->ot->m; j++)
    u[j] = pr[j] * Unscale(N, j);
  if (N->use == FEN_USES_CYCLE)
    PetscCall(FenGridCycleApply(N->cycle, u, pz));
  else
    PetscCall(FenNewtonCoarseApply(N->coarse, N->c, u, pz, &solved));
  for (FenInt j = 0; j < N->ot->m; j++)
    pz[j] = N->scale[j] > 0 ? pz[j] * Unscale(N, j) : pr[j];
  if (!solved)
    PetscCall(VecSet(z, HUGE_VAL)); /* the solve ends, and is found to have failed */
  PetscCall(VecRestoreArray(z, &pz));
  PetscCall(VecRestoreArrayRead(r, &pr));
  PetscFunctionReturn(0);
}

/* what the diagonal has beside couplings, of which those that are not there are no part */
static PetscErrorCode BuildBand(FenNewtonSystem *N, PetscBool *built)
{
  FenOT   ot = N->ot;
  double *excess, *alone, more;

  PetscFunctionBegin;
  if (!N->band)
    PetscCall(FenBandCreate(ot->op, &N->band));
  PetscCall(PetscCalloc2(ot->m, &excess, ot->m, &alone));
  if (ot->relaxed)
    PetscCall(Couplings(N, excess, &more));
  for (FenInt j = 0; j < ot->m; j++) {
    excess[j] = (ot->relaxed ? PetscMax(0.0, N->c[j] - excess[j]) : 0) + (N->shift + N->least) * N->c[j];
    alone[j] = ScaledMass(N, j);
  }
  PetscCall(FenBandBuild(N->band, N->scale, excess, alone, &N->seen.average, built));
  PetscCall(PetscFree2(excess, alone));
  N->indefinite = PetscNot(*built);
  PetscFunctionReturn(0);
}

static PetscErrorCode ApplyBand(PC pc, Vec r, Vec z)
{
  FenNewtonSystem *N;
  const double    *pr;
  double          *pz;

  PetscFunctionBegin;
  PetscCall(PCShellGetContext(pc, &N));
  PetscCall(VecGetArrayRead(r, &pr));
  PetscCall(VecGetArray(z, &pz));
  PetscCall(FenBandSolve(N->band, pr, pz));
  PetscCall(VecRestoreArray(z, &pz));
  PetscCall(VecRestoreArrayRead(r, &pr));
  PetscFunctionReturn(0);
}

/* The graph of the plan's large entries. Of the decoupled targets none are looked for. A graph in place of V-cycles is
   given up where it is dense, as it is where many light targets take from a large part of all sources */
static PetscErrorCode BuildGraph(FenNewtonSystem *N, const double f[], const double g[], PetscBool *built)
{
  FenOT             ot = N->ot;
  FenSparse         E;
  double           *beside, *alone, more, kept;
  FenPlanGraphParts parts = {.E = &E, .rows = Rows(N), .scale = N->scale};

  PetscFunctionBegin;
  PetscCall(FenOTEntries(ot->op, f, g, Share(N), PETSC_TRUE, N->scale, &E));
  ot->op->passes += 1;
  PetscCall(CountTargetsOf(N, &E));
  kept = (double)E.ptr[ot->n];
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &kept, 1, MPI_DOUBLE, MPI_SUM, ot->op->comm));
  *built = PetscNot(N->seen.direct == FEN_GRAPH_IN_USE && kept > DENSE * (double)(N->points[0] + N->points[1]));
  if (!*built) {
    N->seen.direct = FEN_GRAPH_DENSE;
    PetscCall(PetscInfo(ot, "graph of %g links: too dense\n", kept));
    PetscCall(FenSparseFree(&E));
    PetscFunctionReturn(0);
  }
  parts.direct = (PetscBool)(SmallSystem(N) || (N->seen.direct == FEN_GRAPH_IN_USE && kept <= DIRECT_MOST));
  N->multigrid = PetscNot(parts.direct);
  N->least = parts.direct ? LEAST_SHIFT : 0;
  PetscCall(PetscCalloc2(ot->m, &beside, ot->m, &alone));
  if (ot->relaxed)
    PetscCall(Couplings(N, beside, &more));
  for (FenInt j = 0; j < ot->m; j++) {
    alone[j] = ScaledMass(N, j);
    beside[j] = ot->relaxed ? PetscMax(0.0, N->c[j] - beside[j]) * N->scale[j] * N->scale[j] : 0;
    beside[j] += (N->shift + (parts.direct ? N->least : 1e-7)) * alone[j];
  }
  parts.beside = beside;
  parts.alone = alone;
  PetscCall(FenPlanGraphDestroy(&N->graph));
  PetscCall(FenPlanGraphCreate(ot->op, ((PetscObject)ot)->prefix, &parts, &N->graph));
  PetscCall(PetscInfo(ot, "graph of %" FENINT_FMT " sources and %" FENINT_FMT " targets, %g links: %s\n", N->points[0],
                      N->points[1], kept, parts.direct ? "factors" : "multigrid"));
  PetscCall(PetscFree2(beside, alone));
  PetscCall(FenSparseFree(&E));
  PetscFunctionReturn(0);
}

static PetscErrorCode ApplyGraph(PC pc, Vec r, Vec z)
{
  FenNewtonSystem *N;
  const double    *pr;
  double          *pz;

  PetscFunctionBegin;
  PetscCall(PCShellGetContext(pc, &N));
  PetscCall(VecGetArrayRead(r, &pr));
  PetscCall(VecGetArray(z, &pz));
  PetscCall(FenPlanGraphSolve(N->graph, pr, pz));
  PetscCall(VecRestoreArray(z, &pz));
  PetscCall(VecRestoreArrayRead(r, &pr));
  PetscFunctionReturn(0);
}

/* -ot_newton_pc_type is for the PC of the plan's graph, and for the diagonal; the others are no matrices */
static PetscErrorCode ChoosePC(FenNewtonSystem *N)
{
  PC          pc;
  const char *prefix;

  PetscFunctionBegin;
  PetscCall(KSPGetPC(N->ksp, &pc));
  PetscCall(KSPGetOptionsPrefix(N->ksp, &prefix));
  PetscCall(PCSetOptionsPrefix(pc, prefix));
  if (N->use == FEN_USES_DIAGONAL) {
    PetscCall(PCSetType(pc, PCJACOBI));
    PetscFunctionReturn(0);
  }
  PetscCall(PCAppendOptionsPrefix(pc, "shell_"));
  PetscCall(PCSetType(pc, PCSHELL));
  PetscCall(PCShellSetContext(pc, N));
  PetscCall(PCShellSetApply(pc, N->use == FEN_USES_BAND    ? ApplyBand
                                : N->use == FEN_USES_GRAPH ? ApplyGraph
                                                           : ApplyUnscaled));
  PetscFunctionReturn(0);
}

static PetscErrorCode UsePreconditioner(FenNewtonSystem *N)
{
  const PetscBool factors = (PetscBool)(N->use == FEN_USES_BAND);

  PetscFunctionBegin;
  PetscCall(KSPSetOperators(N->ksp, N->S, N->use == FEN_USES_DIAGONAL ? N->P : N->S));
  PetscCall(KSPSetType(N->ksp, factors ? KSPPREONLY : KSPCG));
  PetscCall(KSPSetNormType(N->ksp, factors ? KSP_NORM_NONE : KSP_NORM_NATURAL));
  PetscCall(ChoosePC(N));
  PetscCall(KSPSetFromOptions(N->ksp));
  N->seen.its_fresh = 0;
  PetscFunctionReturn(0);
}

/* `built`: or another one has to be chosen */
static PetscErrorCode Build(FenNewtonSystem *N, const double f[], const double g[], const double d[], PetscBool *built)
{
  PetscFunctionBegin;
  *built = PETSC_TRUE;
  N->multigrid = PETSC_FALSE;
  N->least = 0;
  switch (N->use) {
  case FEN_USES_DIAGONAL:
    PetscCall(MatDestroy(&N->P));
    PetscCall(FenDiagonalMatrix(N->ot->op->comm, N->ot->m, d, &N->P));
    break;
  case FEN_USES_GRAPH:
    PetscCall(BuildGraph(N, f, g, built));
    break;
  case FEN_USES_BAND:
    N->least = LEAST_SHIFT;
    PetscCall(BuildBand(N, built));
    break;
  case FEN_USES_CYCLE:
    PetscCall(BuildCycle(N));
    break;
  case FEN_USES_COARSE:
    PetscCall(BuildCoarse(N, g));
    break;
  }
  PetscFunctionReturn(0);
}

PetscErrorCode FenNewtonSystemBuild(FenNewtonSystem *N, const double f[], const double g[])
{
  double   *d = N->ot->wm2;
  PetscBool built = PETSC_FALSE;

  PetscFunctionBegin;
  Rescale(N);
  PetscCall(KSPReset(N->ksp)); /* gives its memory back before couplings need theirs */
  N->seen.average_before = N->seen.average;
  N->seen.full_before = N->seen.full;
  PetscCall(KeepEntries(N));
  while (!built) {
    PetscCall(FenNewtonSystemChoose(N, d));
    PetscCall(Build(N, f, g, d, &built));
  }
  PetscCall(UsePreconditioner(N));
  PetscFunctionReturn(0);
}

/* Products with kept factors are wrong by 1e-7, and where parts of a plan hang together by less they are not definite.
   Factors are: what CG has made of them until it sees that is as good a direction as there is */
static PetscErrorCode Solve(FenNewtonSystem *N, PetscBool *ok)
{
  KSPConvergedReason reason;
  PetscInt           its;

  PetscFunctionBegin;
  PetscCall(KSPSolve(N->ksp, N->rhs, N->x));
  PetscCall(KSPGetConvergedReason(N->ksp, &reason));
  PetscCall(KSPGetIterationNumber(N->ksp, &its));
  N->seen.its = its;
  if ((N->use == FEN_USES_CYCLE || N->diagonal_only || N->seen.plain == FEN_PLAIN_FIRST) && reason == KSP_DIVERGED_ITS)
    N->seen.vain += its;
  *ok =
      (PetscBool)(reason > 0 || reason == KSP_DIVERGED_ITS || (reason == KSP_DIVERGED_INDEFINITE_MAT && N->least > 0));
  PetscFunctionReturn(0);
}

/* the part of the right-hand side, not scaled yet, that has no solution is taken out: its sum, spread as the mass is */
static PetscErrorCode Project(FenNewtonSystem *N, double r[])
{
  const FenInt m = N->ot->m;
  FenDD        sum[2] = {{0, 0}};
  double       s[2], part[2][FEN_DD_PIECE];

  PetscFunctionBegin;
  for (FenInt j0 = 0; j0 < m; j0 += FEN_DD_PIECE) {
    const FenInt many = PetscMin(FEN_DD_PIECE, m - j0);

    for (FenInt k = 0; k < many; k++) {
      part[0][k] = N->scale[j0 + k] > 0 ? r[j0 + k] : 0;
      part[1][k] = N->scale[j0 + k] > 0 ? N->c[j0 + k] : 0;
    }
    FenDDAddSum(&sum[0], many, part[0]);
    FenDDAddSum(&sum[1], many, part[1]);
  }
  PetscCall(FenDDReduce(N->ot->op->comm, 2, sum, s));
  for (FenInt j = 0; j < m; j++)
    r[j] -= N->scale[j] > 0 ? s[0] / s[1] * N->c[j] : 0;
  PetscFunctionReturn(0);
}

PetscErrorCode FenNewtonSystemSolve(FenNewtonSystem *N, double rhs[], double rtol, double d[], PetscBool *failed)
{
  PetscBool ok = PETSC_FALSE;

  PetscFunctionBegin;
  Rescale(N);
  PetscCall(KeepEntries(N));
  if (!N->ot->relaxed)
    PetscCall(Project(N, rhs));
  for (FenInt j = 0; j < N->ot->m; j++)
    rhs[j] *= N->scale[j];
  PetscCall(VecPlaceArray(N->rhs, rhs));
  PetscCall(VecPlaceArray(N->x, d));
  PetscCall(KSPSetTolerances(N->ksp, rtol, 1e-300, 1e10,
                             N->use == FEN_USES_CYCLE             ? (PetscInt)N->seen.most
                             : N->seen.direct == FEN_GRAPH_IN_USE ? DIRECT_CG
                             : N->seen.plain == FEN_PLAIN_IN_USE  ? FEN_PLAIN_MOST(N->ot->op->dim)
                                                                  : 500));
  PetscCall(Solve(N, &ok));
  PetscCall(VecResetArray(N->rhs));
  PetscCall(VecResetArray(N->x));
  *failed = PetscNot(ok);
  N->seen.effort = (double)N->seen.its / -log10(rtol);
  if (!N->seen.its_fresh) {
    N->seen.its_fresh = N->seen.its;
    N->seen.effort_fresh = N->seen.effort;
  }
  for (FenInt j = 0; j < N->ot->m; j++)
    d[j] *= N->scale[j];
  PetscFunctionReturn(0);
}
