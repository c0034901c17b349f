/* SPDX-License-Identifier: BSD-2-Clause */
/*
   The entries of a plan that matter, on grids with a separable cost. The exponent of an entry is f_i + u_j - c_0 - c_1
   - c_2, costs of the three axes in this order (a missing axis has one point). With

     M_2(j0,j1; i2) = max over j2 of u_j - c_2,     M_1(j0; i1,i2) = max over j1 of M_2 - c_1,

   which all sources with these i2, i1 share, a source finds its targets axis by axis: j0 with M_1 - c_0 large enough,
   for these j1 with M_2 - c_1 - c_0 large enough, for these j2. Nothing else is visited, however rough the potentials
   are, and sources on a line that go on with the same j0, or (j0, j1), look through what follows together.

   Subtraction of rounded numbers is monotone, so that a bound in the order of the sum is one of rounded exponents, too.
   The longest axis comes first. Along it sources, and along the last axis targets, are passed over in blocks where even
   the best of a block would be too far away.

   Blocks of targets circulate. Work: at most n_2 m + n m_0 + n_1 n_2 m_0 m_1 numbers, in axes of n_k sources and m_k
   targets, of which blocks leave a FAR-th, and what is found; twice by column. Memory: costs along the axes, by
   distance, or of pairs where spacings differ, two numbers for each target of the largest block, 24 bytes an entry on
   the rank of its row. Messages: P - 1 blocks.
*/
#include "entries.h"
#include <fenchelpairs.h>
#include <math.h>

#define LONGEST 2048 /* points of an axis whose costs are stored by pairs */
#define PAIRS   5000 /* if pairs are looked at: the time of a source is at most that of so many numbers */
#define LANES   16   /* numbers that are compared together */
#define BLOCK   32   /* points that are passed over together, */
#define WIDE    512  /* and on long lines of sources so many, */
#define FAR     4    /* which leaves this part of the work, or less */

typedef struct {
  FenOTOperator    op;
  const FenWanted *wanted;
  FenEntries      *found;
  FenLayout        layout[2];
  PetscMPIInt      size, at;                        /* ranks; whose targets came last */
  PetscInt         axis[3];                         /* of the grid, -1: missing */
  double           h[2][3], x[2][3];                /* spacing, first coordinate */
  FenInt           n[2][3], lo[2][3], stride[2][3]; /* of my sources, and the targets that are here */
  FenInt           first;                           /* number of the first of these */
  double          *w;                               /* kappa f */
  double          *least[2];                        /* what u_j - c must be, by row and by column */
  double          *u[2], *top[2];                   /* of the targets, in natural order; largest of blocks of a line */
  double          *c[3];                            /* costs: rows j0 of all i0, i1 of all j1, i2 of all j2, */
  FenInt           row0[3], row[3];                 /* which begin at row0 + their number x row */
  double          *M2, *thr;                        /* [j0][j1]; of a line of sources, */
  double          *block, *wide;                    /* the least of blocks of these */
  FenInt          *peak;                            /* [j0][j1]: the block where M2 is taken */
  FenInt          *user, *part;                     /* sources of the line that go on with j0; with (j0, j1) */
} Axes;

/* where a search is: a line of sources along axis 0 */
typedef struct {
  int           value;           /* by row, by column */
  FenInt        i1, i2, nearest; /* along axis 2: a target */
  const double *c1, *c2;
} Line;

/* the longest axis first, a missing one in the middle */
static PetscErrorCode ChooseAxes(FenOTOperator op, PetscInt axis[3], FenInt n[2][3])
{
  FenInt   shape[2][FEN_MAX_DIM];
  PetscInt order[3] = {0, 1, 2};
  double   shortness[3] = {0, 0, 0};

  PetscFunctionBegin;
  for (int s = 0; s < 2; s++)
    PetscCall(FenMeasureGetGrid(op->measure[s], shape[s], NULL, NULL));
  for (PetscInt d = 0; d < op->dim; d++)
    shortness[d] = -(double)(shape[0][d] + shape[1][d]);
  PetscCall(PetscSortRealWithArrayInt(op->dim, shortness, order));
  axis[0] = order[0];
  axis[1] = op->dim == 3 ? order[1] : -1;
  axis[2] = order[op->dim - 1];
  for (int s = 0; s < 2; s++)
    for (int k = 0; k < 3; k++)
      n[s][k] = axis[k] < 0 ? 1 : shape[s][axis[k]];
  PetscFunctionReturn(0);
}

/* is it less work than to look at pairs? */
PetscErrorCode FenEntriesHaveAxes(FenOTOperator op, const FenWanted *W, PetscBool *axes)
{
  FenInt   n[2][3];
  PetscInt axis[3];
  double   kept[2] = {(double)W->n[0], (double)W->n[1]}, h[2][FEN_MAX_DIM], work;

  PetscFunctionBegin;
  *axes = (PetscBool)(op->separable && op->dim > 1);
  if (!*axes)
    PetscFunctionReturn(0);
  PetscCall(ChooseAxes(op, axis, n));
  for (int s = 0; s < 2; s++)
    PetscCall(FenMeasureGetGrid(op->measure[s], NULL, h[s], NULL));
  for (int k = 0; k < 3; k++)
    *axes =
        (PetscBool)(*axes && (axis[k] < 0 || h[0][axis[k]] == h[1][axis[k]] || PetscMax(n[0][k], n[1][k]) <= LONGEST));
  work = ((double)n[0][2] * (double)op->N[1] + (double)op->N[0] * (double)n[1][0]) / FAR +
         (double)(n[0][1] * n[0][2]) * (double)(n[1][0] * n[1][1]);
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, kept, 2, MPI_DOUBLE, MPI_SUM, op->comm));
  *axes = (PetscBool)(*axes && work <= kept[0] * PetscMin(kept[1], PAIRS) / 4);
  PetscFunctionReturn(0);
}

/* the box of a rank */
static PetscErrorCode SetBox(Axes *A, int side, PetscMPIInt rank)
{
  FenInt stride[FEN_MAX_DIM];
  FenBox box;

  PetscFunctionBegin;
  PetscCall(FenLayoutGetBox(A->layout[side], rank, &box));
  PetscCall(FenLayoutGetStrides(A->layout[side], rank, stride));
  for (int k = 0; k < 3; k++) {
    const PetscInt d = A->axis[k];

    A->n[side][k] = d < 0 ? 1 : box.hi[d] - box.lo[d];
    A->lo[side][k] = d < 0 ? 0 : box.lo[d];
    A->stride[side][k] = d < 0 ? 0 : stride[d];
  }
  PetscFunctionReturn(0);
}

/* of numbers of the grid, i and j, along the axes in their order: a function of i - j where spacings are the same */
static double CostOf(const Axes *A, int k, FenInt i, FenInt j)
{
  const double hs = A->h[0][k], ht = A->h[1][k];
  const double d = A->x[0][k] - A->x[1][k] + (hs == ht ? (double)(i - j) * hs : (double)i * hs - (double)j * ht);

  return A->axis[k] < 0 ? 0 : A->op->kappa * FenCostOfDistance(A->op->cost, fabs(d));
}

static PetscErrorCode MakeCosts(Axes *A)
{
  PetscFunctionBegin;
  for (int k = 0; k < 3; k++) {
    const int    r = k ? 0 : 1; /* whose numbers are those of rows */
    const FenInt rows = A->n[r][k], n = A->n[1 - r][k], lo = A->lo[r][k], at = A->lo[1 - r][k];
    const int    alike = A->h[0][k] == A->h[1][k];
    FenInt       size = rows + n - 1;

    if (!alike)
      PetscCall(FenIntMult(rows, n, &size));
    A->row[k] = alike ? -1 : n;
    A->row0[k] = alike ? rows - 1 : 0;
    PetscCall(PetscMalloc1((size_t)size, &A->c[k]));
    for (FenInt t = 0; t < size; t++) {
      const FenInt row = alike ? PetscMax(0, rows - 1 - t) : t / n, q = alike ? PetscMax(0, t - rows + 1) : t % n;

      A->c[k][t] = r ? CostOf(A, k, at + q, lo + row) : CostOf(A, k, lo + row, at + q);
    }
  }
  PetscFunctionReturn(0);
}

static const double *CostsOf(const Axes *A, int k, FenInt row)
{
  return A->c[k] + A->row0[k] + row * A->row[k];
}

static FenInt SourceOf(const Axes *A, FenInt i0, FenInt i1, FenInt i2)
{
  return i0 * A->stride[0][0] + i1 * A->stride[0][1] + i2 * A->stride[0][2];
}

static FenInt TargetOf(const Axes *A, FenInt j0, FenInt j1, FenInt j2)
{
  return j0 * A->stride[1][0] + j1 * A->stride[1][1] + j2 * A->stride[1][2];
}

/* blocks of a line of n points */
static FenInt Blocks(FenInt n)
{
  return (n + BLOCK - 1) / BLOCK;
}

/* number of the point that is about the nearest to that of a row, see CostsOf(), -2 or more, and one behind the end or
   less */
static FenInt Nearest(const Axes *A, int k, FenInt row)
{
  const int    r = k ? 0 : 1;
  const double x = A->x[r][k] + (double)(A->lo[r][k] + row) * A->h[r][k];
  const double at = (x - A->x[1 - r][k]) / A->h[1 - r][k] - (double)A->lo[1 - r][k];

  return (FenInt)floor(PetscMax(-2, PetscMin((double)A->n[1 - r][k] + 1, at + 0.5)));
}

/* None of the costs from lo to hi is less: they fall towards the nearest point and grow behind it, so that one of the
   ends has the least where the nearest is not among them */
static double LeastCost(const double c[], FenInt lo, FenInt hi, FenInt nearest)
{
  return nearest >= lo - 1 && nearest <= hi ? 0 : PetscMin(c[lo], c[hi - 1]);
}

/* largest u_j - c_j */
static double Largest(FenInt n, const double u[], const double c[])
{
  double most[LANES], largest = -HUGE_VAL;
  FenInt j = 0;

  for (int k = 0; k < LANES; k++)
    most[k] = -HUGE_VAL;
  for (; j + LANES <= n; j += LANES)
    for (int k = 0; k < LANES; k++)
      most[k] = u[j + k] - c[j + k] > most[k] ? u[j + k] - c[j + k] : most[k];
  for (; j < n; j++)
    largest = PetscMax(largest, u[j] - c[j]);
  for (int k = 0; k < LANES; k++)
    largest = PetscMax(largest, most[k]);
  return largest;
}

/* largest most - c_i - thr_i: not negative if and only if most - c_i reaches one of thr */
static double Margin(FenInt n, double most, const double c[], const double thr[])
{
  double margin[LANES], largest = -HUGE_VAL;
  FenInt i = 0;

  for (int k = 0; k < LANES; k++)
    margin[k] = -HUGE_VAL;
  for (; i + LANES <= n; i += LANES)
    for (int k = 0; k < LANES; k++) {
      const double x = most - c[i + k] - thr[i + k];

      margin[k] = x > margin[k] ? x : margin[k];
    }
  for (; i < n; i++)
    largest = PetscMax(largest, most - c[i] - thr[i]);
  for (int k = 0; k < LANES; k++)
    largest = PetscMax(largest, margin[k]);
  return largest;
}

/* largest u_j - c_j from the largest u of blocks; *peak: where a block begins in which it may well be, and then is */
static double Peak(FenInt n, const double u[], const double top[], const double c[], FenInt nearest, FenInt *peak)
{
  const FenInt first = *peak;
  double       largest = Largest(PetscMin(BLOCK, n - first), u + first, c + first);

  for (FenInt b = 0; b < Blocks(n); b++) {
    const FenInt lo = b * BLOCK, hi = PetscMin(n, lo + BLOCK);

    if (lo != first && top[b] - LeastCost(c, lo, hi, nearest) > largest) {
      const double most = Largest(hi - lo, u + lo, c + lo);

      *peak = most > largest ? lo : *peak;
      largest = PetscMax(largest, most);
    }
  }
  return largest;
}

/* a little less than the sum of two, whatever was rounded */
static double Below(double least, double cost)
{
  return least + cost - 4 * PETSC_MACHINE_EPSILON * (fabs(least) + fabs(cost));
}

/* sources of the line for which `most` - c is enough; the smallest of what they ask for before c */
static FenInt Users(const Axes *A, FenInt j0, double most, FenInt user[], double *least)
{
  const FenInt  n = A->n[0][0], nearest = Nearest(A, 0, j0);
  const double *c = CostsOf(A, 0, j0);
  FenInt        users = 0;

  *least = HUGE_VAL;
  for (FenInt w = 0; w < n; w += WIDE) {
    const FenInt end = PetscMin(n, w + WIDE);

    if (!(most - LeastCost(c, w, end, nearest) >= A->wide[w / WIDE]))
      continue;
    for (FenInt lo = w; lo < end; lo += BLOCK) {
      const FenInt hi = PetscMin(end, lo + BLOCK);

      if (!(most - LeastCost(c, lo, hi, nearest) >= A->block[lo / BLOCK]) ||
          !(Margin(hi - lo, most, c + lo, A->thr + lo) >= 0))
        continue;
      for (FenInt k = lo; k < hi; k++)
        if (most - c[k] >= A->thr[k]) {
          user[users++] = k;
          *least = PetscMin(*least, Below(A->thr[k], c[k]));
        }
    }
  }
  return users;
}

/* the same among some of them */
static FenInt Among(const Axes *A, FenInt j0, double most, FenInt n, const FenInt user[], FenInt part[], double *least)
{
  const double *c = CostsOf(A, 0, j0);
  FenInt        users = 0;

  *least = HUGE_VAL;
  for (FenInt q = 0; q < n; q++)
    if (most - c[user[q]] >= A->thr[user[q]]) {
      part[users++] = user[q];
      *least = PetscMin(*least, Below(A->thr[user[q]], c[user[q]]));
    }
  return users;
}

/* an entry that is large enough by the line's value; one that is so by row as well was found by row */
static PetscErrorCode Take(Axes *A, const Line *L, FenInt i0, FenInt j0, FenInt j1, FenInt j2)
{
  const FenInt i = SourceOf(A, i0, L->i1, L->i2);
  const FenInt j = (j0 * A->n[1][1] + j1) * A->n[1][2] + j2;
  const double c0 = CostsOf(A, 0, j0)[i0];
  const double t = A->u[0][j] - L->c2[j2] - L->c1[j1] - c0;

  PetscFunctionBegin;
  if (!L->value || !(t >= A->least[0][i]))
    PetscCall(FenEntriesAdd(A->found, i, A->first + TargetOf(A, j0, j1, j2), exp2(A->w[i] + t)));
  PetscFunctionReturn(0);
}

/* users of (j0, j1) look through the targets there */
static PetscErrorCode SearchTargets(Axes *A, const Line *L, FenInt j0, FenInt j1, FenInt users, double least)
{
  const FenInt  m = A->n[1][2], line = j0 * A->n[1][1] + j1;
  const double *u = A->u[L->value] + line * m, *top = A->top[L->value] + line * Blocks(m);
  const double *c = L->c2, c1 = L->c1[j1], *c0 = CostsOf(A, 0, j0);

  PetscFunctionBegin;
  for (FenInt b = 0; b < Blocks(m); b++) {
    const FenInt lo = b * BLOCK, hi = PetscMin(m, lo + BLOCK);

    if (!(top[b] - LeastCost(c, lo, hi, L->nearest) - c1 >= least) || !(Largest(hi - lo, u + lo, c + lo) - c1 >= least))
      continue;
    for (FenInt k = lo; k < hi; k++) {
      const double t = u[k] - c[k] - c1;

      for (FenInt q = 0; t >= least && q < users; q++)
        if (t - c0[A->part[q]] >= A->thr[A->part[q]])
          PetscCall(Take(A, L, A->part[q], j0, j1, k));
    }
  }
  PetscFunctionReturn(0);
}

/* sources of a line, their i1 and i2 given */
static PetscErrorCode SearchLine(Axes *A, const Line *L)
{
  const FenInt m1 = A->n[1][1];

  PetscFunctionBegin;
  for (FenInt i = 0; i < A->n[0][0]; i++) {
    A->thr[i] = A->least[L->value][SourceOf(A, i, L->i1, L->i2)];
    A->block[i / BLOCK] = i % BLOCK ? PetscMin(A->block[i / BLOCK], A->thr[i]) : A->thr[i];
    A->wide[i / WIDE] = i % WIDE ? PetscMin(A->wide[i / WIDE], A->thr[i]) : A->thr[i];
  }
  for (FenInt j0 = 0; j0 < A->n[1][0] && A->found->n < A->found->most; j0++) {
    const double *M2 = A->M2 + j0 * m1;
    double        least, part;
    const FenInt  users = Users(A, j0, Largest(m1, M2, L->c1), A->user, &least);

    for (FenInt j1 = 0; users && j1 < m1; j1++) {
      const double most = M2[j1] - L->c1[j1];
      FenInt       n;

      if (!(most >= least))
        continue;
      n = Among(A, j0, most, users, A->user, A->part, &part);
      if (n)
        PetscCall(SearchTargets(A, L, j0, j1, n, part));
    }
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode SearchBlock(Axes *A)
{
  const FenInt *n = A->n[0], *m = A->n[1];

  PetscFunctionBegin;
  for (int value = 0; value < (A->wanted->by_column ? 2 : 1); value++)
    for (FenInt i2 = 0; i2 < n[2]; i2++) {
      Line L = {.value = value, .i2 = i2, .c2 = CostsOf(A, 2, i2), .nearest = Nearest(A, 2, i2)};

      for (FenInt j = 0; j < m[0] * m[1]; j++)
        A->M2[j] = Peak(m[2], A->u[value] + j * m[2], A->top[value] + j * Blocks(m[2]), L.c2, L.nearest, A->peak + j);
      for (L.i1 = 0; L.i1 < n[1]; L.i1++) {
        L.c1 = CostsOf(A, 1, L.i1);
        PetscCall(SearchLine(A, &L));
      }
    }
  PetscFunctionReturn(0);
}

/* exponents of a value from the order in which their rank stores them to the natural one, and their blocks */
static void TakeTargets(Axes *A, int value, const double col[])
{
  const FenInt m2 = A->n[1][2];
  double      *u = A->u[value], *top = A->top[value];

  for (FenInt j0 = 0; j0 < A->n[1][0]; j0++)
    for (FenInt j1 = 0; j1 < A->n[1][1]; j1++, u += m2, top += Blocks(m2))
      for (FenInt j2 = 0; j2 < m2; j2++) {
        u[j2] = col[TargetOf(A, j0, j1, j2)];
        top[j2 / BLOCK] = j2 % BLOCK ? PetscMax(top[j2 / BLOCK], u[j2]) : u[j2];
      }
}

/* columns: exponents by row and by column */
static PetscErrorCode Search(void *ctx, const FenPairsBlock *rows, const FenPairsBlock *cols, double acc[])
{
  Axes  *A = (Axes *)ctx;
  FenInt lines, blocks;

  PetscFunctionBegin;
  (void)rows;
  (void)acc;
  do { /* ranks' targets come in their order; some have none */
    A->at = (A->at + 1) % A->size;
    PetscCall(SetBox(A, 1, A->at));
  } while (A->n[1][0] * A->n[1][1] * A->n[1][2] == 0);
  A->first = cols->first;
  lines = A->n[1][0] * A->n[1][1];
  blocks = lines * Blocks(A->n[1][2]);
  PetscCall(MakeCosts(A));
  PetscCall(PetscMalloc4(cols->n, &A->u[0], cols->n, &A->u[1], blocks, &A->top[0], blocks, &A->top[1]));
  PetscCall(PetscCalloc2(lines, &A->M2, lines, &A->peak));
  for (int value = 0; value < 2; value++)
    TakeTargets(A, value, cols->data + value * cols->stride);
  PetscCall(SearchBlock(A));
  PetscCall(PetscFree2(A->M2, A->peak));
  PetscCall(PetscFree4(A->u[0], A->u[1], A->top[0], A->top[1]));
  for (int d = 0; d < 3; d++)
    PetscCall(PetscFree(A->c[d]));
  PetscFunctionReturn(0);
}

/* what my sources ask for, and what my targets have */
static void Fill(Axes *A, double col[])
{
  const FenOTOperator op = A->op;
  const FenWanted    *W = A->wanted;

  for (FenInt i = 0; i < op->n[0]; i++) {
    A->w[i] = op->kappa * W->f[i];
    A->least[0][i] = A->least[1][i] = HUGE_VAL;
  }
  for (FenInt q = 0; q < W->n[0]; q++) {
    const FenInt i = W->kept[0][q];

    A->least[0][i] = W->cut[0][i] - A->w[i];
    if (op->rows[i] > 0)
      A->least[1][i] = -(A->w[i] + log2(op->rows[i]));
  }
  for (FenInt j = 0; j < 2 * op->n[1]; j++)
    col[j] = -HUGE_VAL;
  for (FenInt q = 0; q < W->n[1]; q++) {
    const FenInt j = W->kept[1][q];

    col[j] = op->kappa * W->g[j] + op->logw[1][j];
    col[op->n[1] + j] = col[j] - W->cut[1][j];
  }
}

PetscErrorCode FenEntriesByAxes(FenOTOperator op, const FenWanted *wanted, FenEntries *found)
{
  FenPairsTask task = {.ncol = 2, .nacc = 1, .per_row = 1, .type = MPI_DOUBLE, .op = MPI_SUM, .tile = Search};
  Axes         A = {.op = op, .wanted = wanted, .found = found};
  FenLayout    layout[2];
  FenInt       shape[2][3];
  FenPairs     pairs;
  PetscMPIInt  rank;
  double      *col, acc = 0;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(op->comm, &rank));
  PetscCallMPI(MPI_Comm_size(op->comm, &A.size));
  A.at = (rank + A.size - 1) % A.size;
  PetscCall(ChooseAxes(op, A.axis, shape));
  for (int s = 0; s < 2; s++) {
    double h[FEN_MAX_DIM], x[FEN_MAX_DIM];

    PetscCall(FenMeasureGetLayout(op->measure[s], &A.layout[s]));
    PetscCall(FenMeasureGetGrid(op->measure[s], NULL, h, x));
    for (int k = 0; k < 3; k++) {
      A.h[s][k] = A.axis[k] < 0 ? 0 : h[A.axis[k]];
      A.x[s][k] = A.axis[k] < 0 ? 0 : x[A.axis[k]];
    }
  }
  PetscCall(SetBox(&A, 0, rank));
  PetscCall(PetscMalloc4(op->n[0], &A.w, op->n[0], &A.least[0], op->n[0], &A.least[1], (size_t)(2 * op->n[1]), &col));
  PetscCall(PetscMalloc5(A.n[0][0], &A.thr, Blocks(A.n[0][0]), &A.block, Blocks(A.n[0][0]), &A.wide, A.n[0][0], &A.user,
                         A.n[0][0], &A.part));
  Fill(&A, col);
  /* all sources of a rank are one row: their block is what is worked on together */
  PetscCall(FenLayoutCreateRowsLocal(op->comm, op->n[0] > 0, &layout[0]));
  PetscCall(FenLayoutCreateRowsLocal(op->comm, op->n[1], &layout[1]));
  PetscCall(FenPairsCreate(layout[0], layout[1], FEN_PAIRS_RING, &pairs));
  task.col = col;
  task.acc = &acc;
  task.ctx = &A;
  PetscCall(FenPairsRun(pairs, &task));
  PetscCall(FenPairsDestroy(&pairs));
  for (int s = 0; s < 2; s++)
    PetscCall(FenLayoutDestroy(&layout[s]));
  PetscCall(PetscFree5(A.thr, A.block, A.wide, A.user, A.part));
  PetscCall(PetscFree4(A.w, A.least[0], A.least[1], col));
  PetscFunctionReturn(0);
}
