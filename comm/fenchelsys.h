/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Fenchel, layer 1: the library as a whole. Version, start and end, errors that all ranks agree on, reproducible sums,
   counter-based random numbers, clocks and signals. Needs MPI and PETSc only.
*/
#pragma once
#include <petscsys.h>
#include <stdint.h>
#include <inttypes.h>

#if defined(__cplusplus)
extern "C" {
#endif

#define FEN_VERSION_MAJOR  0
#define FEN_VERSION_MINOR  1
#define FEN_VERSION_PATCH  0
#define FEN_VERSION_STRING "0.1.0"
#define FEN_VERSION_GE(a, b, c)                                                                                        \
  (FEN_VERSION_MAJOR > (a) || (FEN_VERSION_MAJOR == (a) && FEN_VERSION_MINOR > (b)) ||                                 \
   (FEN_VERSION_MAJOR == (a) && FEN_VERSION_MINOR == (b) && FEN_VERSION_PATCH >= (c)))

/*E FenInt - global sizes and indices; 64 bits whatever PetscInt is E*/
typedef int64_t FenInt;
#define FENINT_FMT PRId64
#define MPI_FENINT MPI_INT64_T

/* Fenchel's functions are visible outside the library only if marked so */
#define FEN_EXTERN extern __attribute__((visibility("default")))

/* ---- start and end (comm/sys/init.c) ---- */
FEN_EXTERN PetscErrorCode FenInitialize(int *, char ***, const char[], const char[]);
FEN_EXTERN PetscErrorCode FenFinalize(void);
FEN_EXTERN PetscErrorCode FenInitializePackage(void);
FEN_EXTERN PetscErrorCode FenClassRegister(const char[], const char[], PetscClassId *);
FEN_EXTERN PetscErrorCode FenGetVersion(const char *[]);
FEN_EXTERN PetscErrorCode FenGetConfiguration(char[], size_t);
FEN_EXTERN PetscErrorCode FenSetLibraryThreads(int);

/* ---- errors (comm/sys/errors.c) ----
   One list makes the codes, the sentences, the exit statuses and the documentation page.
   X(NAME, exit status of the command, sentence, what the user can do) */
#define FEN_ERROR_LIST(X)                                                                                              \
  X(USAGE, 2, "wrong use of a function or of the command", "see the help text of the verb: fenchel VERB -help")        \
  X(OPTION, 2, "unknown option or wrong option value", "fenchel VERB -help lists all options with their defaults")     \
  X(FILE_OPEN, 2, "a file cannot be opened", "check the name and the permissions")                                     \
  X(FILE_FORMAT, 2, "a file is not what its name says, or is damaged", "fenchel info FILE says what is in a file")     \
  X(FILE_MISSING, 2, "a data set, group or attribute is missing from a file", "fenchel info FILE lists what is there") \
  X(FILE_WRITE, 2, "an output cannot be written", "check the folder, its permissions and the free space")              \
  X(FILE_EXISTS, 2, "an output exists already", "choose another name or give -overwrite")                              \
  X(VALUE, 2, "a value in the input breaks a rule of the problem", "correct the value named in the message")           \
  X(SHAPE, 2, "sizes or shapes do not fit together", "correct the sizes named in the message")                         \
  X(MASS, 2, "the two measures have different masses", "-ot_normalize scales both to mass one")                        \
  X(SIZE, 2, "a size is too large for this build", "use more ranks or the 64-bit-index build")                         \
  X(CKPT_MISMATCH, 2, "a checkpoint belongs to another problem", "use another -ckpt_dir or leave out -restart")        \
  X(CKPT_NONE, 2, "no checkpoint in the folder is intact", "start afresh in another -ckpt_dir")                        \
  X(VERIFY, 2, "a result does not satisfy the bounds it claims", "the file was changed or is damaged: solve again")    \
  X(NUMERIC, 1, "a computation produced NaN or Inf", "please report this with the command line")                       \
  X(INTERNAL, 1, "an internal contract was violated", "please report this with the command line")                      \
  X(MEMORY, 2, "there is not enough memory", "use more nodes, a smaller problem, or rows made on demand (-matrix_free)")

typedef enum {
  FEN_ERR_FIRST = 1000,
#define FEN_ERROR_ENUM(name, status, sentence, remedy) FEN_ERR_##name,
  FEN_ERROR_LIST(FEN_ERROR_ENUM)
#undef FEN_ERROR_ENUM
      FEN_ERR_LAST
} FenErrorCode;

FEN_EXTERN PetscErrorCode FenErrorGet(int, const char *[], const char *[], const char *[], int *);

/*S FenFault - an error seen by one rank only, on its way to being agreed by all S*/
typedef struct {
  int  code; /* 0: none; a FenErrorCode otherwise */
  char message[1024];
} FenFault;
/* keeps the first fault only; printf-like, no newline; names file, data set, index, value and rule */
FEN_EXTERN void FenFaultSet(FenFault *, int, const char[], ...) __attribute__((format(printf, 3, 4)));
/* collective: the fault of the lowest rank that has one becomes the error of all ranks; no error if none has */
FEN_EXTERN PetscErrorCode FenFaultAgree(MPI_Comm, const FenFault *);

/* ---- checked sizes (comm/sys/sizes.c) ---- */
FEN_EXTERN PetscErrorCode FenIntMult(FenInt, FenInt, FenInt *);
FEN_EXTERN PetscErrorCode FenIntCast(FenInt, PetscInt *);
FEN_EXTERN PetscErrorCode FenMPIIntCast(FenInt, PetscMPIInt *);
FEN_EXTERN PetscErrorCode FenBytes(FenInt, size_t, size_t *);

/* ---- reproducible sums (comm/reduce/sum.c): double-double accumulators, combined by an MPI operation ---- */
typedef struct {
  double hi, lo;
} FenDD;
static inline void FenDDAdd(FenDD *s, double x)
{
  const double t = s->hi + x;
  const double z = t - s->hi;
  s->lo += (s->hi - (t - z)) + (x - z);
  s->hi = t;
}
/* adds a*b with the rounding error of the product */
static inline void FenDDAddProduct(FenDD *s, double a, double b)
{
  const double p = a * b;
  FenDDAdd(s, p);
  s->lo += __builtin_fma(a, b, -p);
}
/* an entry of FenDDReduce whose largest value is wanted instead of the sum */
static inline FenDD FenDDMaximum(double x)
{
  return (FenDD){x, -__builtin_inf()};
}
/* all of an array, of products of two arrays: many times as fast as one by one */
FEN_EXTERN void FenDDAddSum(FenDD *, FenInt, const double[]);
FEN_EXTERN void FenDDAddDot(FenDD *, FenInt, const double[], const double[]);
#define FEN_DD_PIECE 512 /* terms that are made before they are added up so */
FEN_EXTERN PetscErrorCode FenDDReduce(MPI_Comm, PetscInt, const FenDD[], double[]);
FEN_EXTERN PetscErrorCode FenSum(MPI_Comm, FenInt, const double[], double *);
FEN_EXTERN PetscErrorCode FenDot(MPI_Comm, FenInt, const double[], const double[], double *);

/* ---- log-sum-exp pairs (comm/reduce/logsumexp.c): (M,S) is M + log2 S = log2 Σ 2^t; (-inf,0) is neutral ---- */
FEN_EXTERN PetscErrorCode FenLSEGetOp(MPI_Datatype *, MPI_Op *);

/* ---- fingerprints (comm/reduce/fingerprint.c): order-free, hence the same on any number of ranks ---- */
typedef struct {
  uint64_t lane[2];
} FenFingerprint;
FEN_EXTERN void           FenFingerprintDoubles(FenFingerprint *, FenInt first_index, FenInt n, const double[]);
FEN_EXTERN PetscErrorCode FenFingerprintReduce(MPI_Comm, FenFingerprint *);

/* ---- counter-based random numbers (comm/sys/random.c): Philox4x32-10 keyed by (seed, global index) ---- */
FEN_EXTERN void   FenPhilox4x32(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);
FEN_EXTERN double FenRandomUniform(uint64_t seed, uint64_t index, uint32_t stream);
FEN_EXTERN double FenRandomNormal(uint64_t seed, uint64_t index, uint32_t stream);

/* ---- time (comm/sys/clock.c) and signals (comm/sys/signal.c): handlers are installed by programs only ---- */
FEN_EXTERN double         FenWallTime(void);      /* seconds, monotonic */
FEN_EXTERN double         FenWallTimeLimit(void); /* seconds left that the batch system grants, or +inf */
FEN_EXTERN PetscErrorCode FenSignalCatch(int);
FEN_EXTERN int            FenSignalCaught(int); /* how often since FenSignalCatch */

/* ---- instruction sets that hot kernels are compiled for (comm/sys/simd.c), in ascending order ---- */
typedef enum { FEN_SIMD_PORTABLE, FEN_SIMD_AVX2, FEN_SIMD_AVX512 } FenSimdType;
#define FEN_SIMD_TYPES 3
FEN_EXTERN const char *const FenSimdTypes[];
FEN_EXTERN FenSimdType       FenSimdBest(void);
FEN_EXTERN PetscErrorCode    FenSimdFind(const char[], FenSimdType *);
/* a table of kernels, one for each */
#if defined(FEN_HAVE_X86_KERNELS)
  #define FEN_SIMD_TABLE(kernels)                                                                                      \
    {                                                                                                                  \
      &kernels##_portable, &kernels##_avx2, &kernels##_avx512                                                          \
    }
#else
  #define FEN_SIMD_TABLE(kernels)                                                                                      \
    {                                                                                                                  \
      &kernels##_portable, NULL, NULL                                                                                  \
    }
#endif

/* ---- memory of a rank (comm/sys/memory.c) ---- */
FEN_EXTERN PetscErrorCode FenMemoryPeak(MPI_Comm, double *);
FEN_EXTERN PetscErrorCode FenMemoryReturn(void);
FEN_EXTERN PetscErrorCode FenMemoryLargePages(void *, size_t);
FEN_EXTERN PetscErrorCode FenMemoryAvailable(MPI_Comm, double *);

#if defined(__cplusplus)
}
#endif
