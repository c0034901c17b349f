/* SPDX-License-Identifier: BSD-2-Clause */
/* What system.c (Krylov method, residuals) and precondition.c (everything that is near H^{-1}) share. */
#pragma once
#include "lower.h"
#include "tridiagonal.h"

typedef enum {
  FEN_PC_AUTO,
  FEN_PC_SOLVE,
  FEN_PC_TRIDIAGONAL,
  FEN_PC_DIAGONAL,
  FEN_PC_LBFGS,
  FEN_PC_NONE,
  FEN_PC_PETSC
} FenPCKind;

struct _p_FenSystem {
  MPI_Comm             team;
  FenBilevelProblem    problem;
  const FenBilevelOps *call;
  FenBilevelPart       part;
  char                 prefix[64], pcname[64];
  FenPCKind            kind;
  PetscBool            isset, exact; /* after the first set-up at a point */
  PetscBool            same, trust;
  PetscBool            own;  /* cg.c unless options ask for a method of PETSc */
  double              *room; /* its arrays, of nroom samples */
  FenInt               nroom;
  /* preconditioners */
  double        *diag;
  FenTridiagonal tri;
  PC             pc;
  PetscErrorCode (*shell)(void *, FenInt, const double[], double[]);
  void  *ctx;
  FenInt sample; /* whose system it is */
  /* Krylov method */
  KSP      ksp;
  Mat      A;
  Vec      b, x;
  PetscInt n;
  double   stop, last; /* norm to stop at, and the last one seen */
  FenInt   most;       /* counts to stop at */
  double  *r, *z, *t;  /* work */
  FenInt   count;      /* of this call */
};

/* names of options, resolved as far as the problem's functions alone tell */
PETSC_INTERN PetscErrorCode FenSystemPCCreate(FenSystem);
/* at a new point: factors, diagonal, hierarchy; the first one decides what auto is */
PETSC_INTERN PetscErrorCode FenSystemPCSetUp(FenSystem);
PETSC_INTERN PetscErrorCode FenSystemPCApply(FenSystem, const double b[], double x[]);
PETSC_INTERN PetscErrorCode FenSystemPCDestroy(FenSystem);
/* an array of mine as a vector of the team */
PETSC_INTERN PetscErrorCode FenSystemVec(FenSystem, Vec *);
/* counted product */
PETSC_INTERN PetscErrorCode FenSystemProduct(FenSystem, const double v[], double Hv[]);
/* conjugate gradients for all tasks side by side (cg.c): no preconditioner or the diagonal; s < 0: the present point,
   whose preconditioner is set up */
PETSC_INTERN PetscErrorCode FenSystemCG(FenSystem, FenInt n, FenSystemTask[]);
