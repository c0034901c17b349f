/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Sums that do not depend on the number of ranks but by some 1e-31 of the sum of absolute values.

   Inside a rank, every one of eight lanes keeps three numbers: the sum, the sum of its rounding errors, and the sum of
   the rounding errors of those (T. Ogita, S. Rump, S. Oishi, Accurate sum and dot product, SIAM J. Sci. Comput. 26
   (2005) 1955, doi 10.1137/030601818, with K = 3). Between ranks, double-double numbers are added by an MPI operation.
*/
#include "../commimpl.h"
#include <math.h>

#define FEN_LANES 8
#define FEN_WIDTH 4 /* lanes that one variable holds */

typedef double FenVector __attribute__((vector_size(8 * FEN_WIDTH), aligned(8), may_alias));

typedef struct {
  FenVector s[FEN_LANES / FEN_WIDTH], e[FEN_LANES / FEN_WIDTH], d[FEN_LANES / FEN_WIDTH];
} FenLanes;

#define FEN_INLINE static inline __attribute__((always_inline))

static MPI_Datatype fen_dd_type = MPI_DATATYPE_NULL;
static MPI_Op       fen_dd_op = MPI_OP_NULL;

/* error of the floating-point sum s = a + b, exactly (Knuth) */
FEN_INLINE double FenSumError(double a, double b, double s)
{
  const double z = s - a;

  return (a - (s - z)) + (b - z);
}

/* commutative to the last bit, because both errors are exact; they mean nothing once a sum is Inf or NaN */
FEN_INLINE FenDD FenDDMerge(FenDD a, FenDD b)
{
  const double hi = a.hi + b.hi, lo = a.lo + b.lo;
  const double e = FenSumError(a.hi, b.hi, hi) + lo, s = hi + e;
  const double f = FenSumError(a.lo, b.lo, lo);

  if (isinf(a.lo) || isinf(b.lo)) /* maxima; NaN wins */
    return (FenDD){a.hi > b.hi || isnan(a.hi) ? a.hi : b.hi, -HUGE_VAL};
  return isfinite(hi) ? (FenDD){s, (e - (s - hi)) + f} : (FenDD){hi, 0};
}

static void MPIAPI FenDDFunction(void *in, void *inout, PetscMPIInt *n, MPI_Datatype *type)
{
  const FenDD *a = (const FenDD *)in;
  FenDD       *b = (FenDD *)inout;

  (void)type;
  for (PetscMPIInt i = 0; i < *n; i++)
    b[i] = FenDDMerge(a[i], b[i]);
}

PetscErrorCode FenSumInitialize_Private(void)
{
  PetscFunctionBegin;
  PetscCallMPI(MPI_Type_contiguous(2, MPI_DOUBLE, &fen_dd_type));
  PetscCallMPI(MPI_Type_commit(&fen_dd_type));
  PetscCallMPI(MPI_Op_create(FenDDFunction, 1, &fen_dd_op));
  PetscFunctionReturn(0);
}

PetscErrorCode FenSumFinalize_Private(void)
{
  PetscFunctionBegin;
  PetscCallMPI(MPI_Op_free(&fen_dd_op));
  PetscCallMPI(MPI_Type_free(&fen_dd_type));
  PetscFunctionReturn(0);
}

/*@C
  FenDDReduce - Adds double-double numbers over all ranks.

  Collective

  Input Parameters:
+ comm - the ranks
. n    - how many sums
- mine - this rank's part of each sum

  Output Parameter:
. sums - the sums, rounded to double, the same on all ranks; Inf and NaN stay what they are

  Notes:
  An entry that was made by `FenDDMaximum()` on all ranks is not added up: its largest value comes out, so that sums and
  maxima travel in one message.

  Level: developer

.seealso: `FenSum()`, `FenDot()`
@*/
PetscErrorCode FenDDReduce(MPI_Comm comm, PetscInt n, const FenDD mine[], double sums[])
{
  FenDD       small[16], *all = small;
  PetscMPIInt count;

  PetscFunctionBegin;
  PetscCall(FenInitializePackage());
  PetscCall(FenMPIIntCast(n, &count));
  if (n > 16)
    PetscCall(PetscMalloc1((size_t)n, &all));
  PetscCallMPI(MPI_Allreduce(mine, all, count, fen_dd_type, fen_dd_op, comm));
  for (PetscInt i = 0; i < n; i++)
    sums[i] = isfinite(all[i].hi) && isfinite(all[i].lo) ? all[i].hi + all[i].lo : all[i].hi;
  if (n > 16)
    PetscCall(PetscFree(all));
  PetscFunctionReturn(0);
}

/* x is added to lanes v*FEN_WIDTH and following */
FEN_INLINE void FenLanesAdd(FenLanes *l, int v, const FenVector *x)
{
  const FenVector a = l->s[v], s = a + *x, z = s - a, error = (a - (s - z)) + (*x - z);
  const FenVector b = l->e[v], e = b + error, y = e - b;

  l->d[v] += (b - (e - y)) + (error - y);
  l->e[v] = e;
  l->s[v] = s;
}

FEN_INLINE FenDD FenLanesTotal(const FenLanes *l)
{
  FenDD total = {0, 0};

  for (int i = 0; i < FEN_LANES; i++) {
    const int v = i / FEN_WIDTH, k = i % FEN_WIDTH;

    total = FenDDMerge(total, (FenDD){l->s[v][k], 0});
    if (isfinite(l->s[v][k]))
      total = FenDDMerge(total, (FenDD){l->e[v][k], l->d[v][k]});
  }
  return total;
}

/* the last entries, with zeros behind them: zeros change nothing */
FEN_INLINE const double *FenPadded(const double x[], FenInt n, double buffer[FEN_LANES])
{
  for (int i = 0; i < FEN_LANES; i++)
    buffer[i] = i < n ? x[i] : 0;
  return buffer;
}

FEN_INLINE FenDD FenSumAny(FenInt n, const double x[])
{
  FenLanes lanes = {{{0}}, {{0}}, {{0}}};
  double   rest[FEN_LANES];

  for (FenInt k = 0; k < n; k += FEN_LANES) {
    const double *p = n - k < FEN_LANES ? FenPadded(x + k, n - k, rest) : x + k;

    for (int v = 0; v < FEN_LANES / FEN_WIDTH; v++)
      FenLanesAdd(&lanes, v, (const FenVector *)(p + v * FEN_WIDTH));
  }
  return FenLanesTotal(&lanes);
}

/* every product is hi + lo exactly unless it underflows */
FEN_INLINE FenDD FenDotAny(FenInt n, const double x[], const double y[])
{
  FenLanes lanes = {{{0}}, {{0}}, {{0}}};
  double   xrest[FEN_LANES], yrest[FEN_LANES];

  for (FenInt k = 0; k < n; k += FEN_LANES) {
    const double *p = n - k < FEN_LANES ? FenPadded(x + k, n - k, xrest) : x + k;
    const double *q = n - k < FEN_LANES ? FenPadded(y + k, n - k, yrest) : y + k;

    for (int v = 0; v < FEN_LANES / FEN_WIDTH; v++) {
      FenVector hi = *(const FenVector *)(p + v * FEN_WIDTH) * *(const FenVector *)(q + v * FEN_WIDTH), lo;

      for (int i = 0; i < FEN_WIDTH; i++)
        lo[i] = __builtin_fma(p[v * FEN_WIDTH + i], q[v * FEN_WIDTH + i], -hi[i]);
      FenLanesAdd(&lanes, v, &hi);
      FenLanesAdd(&lanes, v, &lo);
    }
  }
  return FenLanesTotal(&lanes);
}

/* the same arithmetic with the same bits, four times as fast where the processor has wide vectors and fused products */
#if defined(__x86_64__)
__attribute__((target("avx2,fma"))) static FenDD FenSumWide(FenInt n, const double x[])
{
  return FenSumAny(n, x);
}

__attribute__((target("avx2,fma"))) static FenDD FenDotWide(FenInt n, const double x[], const double y[])
{
  return FenDotAny(n, x, y);
}

static int FenHasWide(void)
{
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}
#else
static FenDD FenSumWide(FenInt n, const double x[])
{
  return FenSumAny(n, x);
}

static FenDD FenDotWide(FenInt n, const double x[], const double y[])
{
  return FenDotAny(n, x, y);
}

static int FenHasWide(void)
{
  return 1;
}
#endif

/*@C
  FenDDAddSum - Adds the entries of an array to a double-double number.

  Not Collective

  Input Parameters:
+ n - how many entries
- x - the entries

  Input/Output Parameter:
. sum - the number

  Level: developer

.seealso: `FenDDAddDot()`, `FenDDReduce()`
@*/
void FenDDAddSum(FenDD *sum, FenInt n, const double x[])
{
  *sum = FenDDMerge(*sum, FenHasWide() ? FenSumWide(n, x) : FenSumAny(n, x));
}

/*@C
  FenDDAddDot - Adds the products of the entries of two arrays to a double-double number.

  Not Collective

  Input Parameters:
+ n - how many entries
. x - those of one array
- y - those of the other

  Input/Output Parameter:
. sum - the number

  Level: developer

.seealso: `FenDDAddSum()`, `FenDDReduce()`
@*/
void FenDDAddDot(FenDD *sum, FenInt n, const double x[], const double y[])
{
  *sum = FenDDMerge(*sum, FenHasWide() ? FenDotWide(n, x, y) : FenDotAny(n, x, y));
}

/*@C
  FenSum - Adds up all entries of a distributed array.

  Collective

  Input Parameters:
+ comm - the ranks
. n    - length of this rank's part
- x    - this rank's part

  Output Parameter:
. sum - the sum, the same on all ranks, correctly rounded in all but the most extreme cases

  Note:
  Another number of ranks changes the sum by less than 1e-30 of the sum of absolute values before rounding to double.

  Level: intermediate

.seealso: `FenDot()`, `FenDDReduce()`
@*/
PetscErrorCode FenSum(MPI_Comm comm, FenInt n, const double x[], double *sum)
{
  FenDD total = {0, 0};

  PetscFunctionBegin;
  FenDDAddSum(&total, n, x);
  PetscCall(FenDDReduce(comm, 1, &total, sum));
  PetscFunctionReturn(0);
}

/*@C
  FenDot - Adds up the products of the entries of two distributed arrays.

  Collective

  Input Parameters:
+ comm - the ranks
. n    - length of this rank's parts
. x    - this rank's part of one array
- y    - this rank's part of the other

  Output Parameter:
. dot - the sum of products, the same on all ranks, correctly rounded in all but the most extreme cases

  Note:
  Another number of ranks changes the sum by less than 1e-30 of the sum of absolute values before rounding to double.

  Level: intermediate

.seealso: `FenSum()`, `FenDDReduce()`
@*/
PetscErrorCode FenDot(MPI_Comm comm, FenInt n, const double x[], const double y[], double *dot)
{
  FenDD total = {0, 0};

  PetscFunctionBegin;
  FenDDAddDot(&total, n, x, y);
  PetscCall(FenDDReduce(comm, 1, &total, dot));
  PetscFunctionReturn(0);
}
