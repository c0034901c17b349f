/* SPDX-License-Identifier: BSD-2-Clause */
/*
   FenState: the restartable state of a solver, described once.

   A solver type lists named numbers and arrays with their layouts; the list is then used to save, to load, to
   fingerprint, to estimate sizes and to view. Pointers stay owned by the solver: loading writes through them.
*/
#pragma once
#include <fenchellayout.h>

#if defined(__cplusplus)
extern "C" {
#endif

typedef struct _p_FenState *FenState;

typedef enum {
  FEN_STATE_INT,   /* one FenInt, the same on all ranks */
  FEN_STATE_REAL,  /* one double, the same on all ranks */
  FEN_STATE_REALS, /* n doubles, the same on all ranks */
  FEN_STATE_LOG,   /* table with a growing number of rows and fixed columns, the same on all ranks */
  FEN_STATE_ARRAY, /* array on a layout, ncomp doubles an entry (component runs fastest) */
  FEN_STATE_CSR    /* one sparse row per index of a one-axis layout, int64 columns and doubles */
} FenStateKind;

/*S FenLog - table that grows by rows, replicated on all ranks S*/
typedef struct {
  FenInt   nrows, capacity;
  PetscInt ncols;
  double  *data; /* row by row, PetscMalloc'ed */
} FenLog;

/*S FenSparse - CSR rows owned by this rank; the arrays are PetscMalloc'ed and may be replaced by a load S*/
typedef struct {
  FenInt *ptr; /* local rows + 1 */
  FenInt *idx;
  double *val;
} FenSparse;

typedef struct {
  const char  *name;
  FenStateKind kind;
  FenInt       n;      /* REALS: length; ARRAY: local entries */
  PetscInt     ncomp;  /* ARRAY */
  FenLayout    layout; /* ARRAY, CSR */
  void        *data;   /* FenInt*, double*, FenLog*, FenSparse* */
} FenStateEntry;

FEN_EXTERN PetscErrorCode FenStateCreate(MPI_Comm, FenState *);
FEN_EXTERN PetscErrorCode FenStateDestroy(FenState *);
FEN_EXTERN PetscErrorCode FenStateAddInt(FenState, const char[], FenInt *);
FEN_EXTERN PetscErrorCode FenStateAddReal(FenState, const char[], double *);
FEN_EXTERN PetscErrorCode FenStateAddReals(FenState, const char[], FenInt, double[]);
FEN_EXTERN PetscErrorCode FenStateAddLog(FenState, const char[], FenLog *);
FEN_EXTERN PetscErrorCode FenStateAddArray(FenState, const char[], FenLayout, PetscInt, double[]);
FEN_EXTERN PetscErrorCode FenStateAddCSR(FenState, const char[], FenLayout, FenSparse *);
FEN_EXTERN PetscErrorCode FenStateGetEntries(FenState, PetscInt *, const FenStateEntry *[]);
FEN_EXTERN PetscErrorCode FenStateGetComm(FenState, MPI_Comm *);
FEN_EXTERN PetscErrorCode FenStateGetBytes(FenState, double *global_bytes);
FEN_EXTERN PetscErrorCode FenStateFingerprint(FenState, PetscInt entry, FenFingerprint *); /* collective */
FEN_EXTERN PetscErrorCode FenStateView(FenState, PetscViewer);

FEN_EXTERN PetscErrorCode FenLogAppend(FenLog *, const double row[]);
FEN_EXTERN PetscErrorCode FenLogReset(FenLog *);

#if defined(__cplusplus)
}
#endif
