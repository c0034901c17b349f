/* SPDX-License-Identifier: BSD-2-Clause */
/*
   FenLower: solves lower problems, x = argmin h_s(., theta), to a distance that it can prove.

   A type ("fista", "gd", "lbfgs", "newton", "pdnewton", "native", "direct") is one file in this folder and one line in
   the list. theta has been set in the problem. A solve starts from what is in x (and w, the dual variables of pdnewton)
   and ends when |grad h(x)| <= tol, after max_it iterations, or when rounding errors allow no more. It reports what was
   achieved, whatever happened; a tolerance that cannot be reached is no error.

   An iteration is one gradient, one product with H, one application of a preconditioner, or one solve with a factor;
   they are counted per sample.
*/
#pragma once
#include <fenchelbilevelproblem.h>
#include <petscksp.h>

typedef struct _p_FenLower *FenLower;

typedef struct {
  double    gradient;   /* |grad h| of the team at the x returned */
  double    value;      /* h there, whole */
  FenInt    iterations; /* of this call */
  PetscBool reached;    /* gradient <= tol */
} FenLowerAnswer;

typedef struct {
  const char *name;
  PetscErrorCode (*setup)(FenLower);
  /* resume: x, w, theta are as the last call on this sample left them; memory of that call may be used */
  PetscErrorCode (*solve)(FenLower, FenInt s, double tol, FenInt max_it, PetscBool resume, double x[], double w[],
                          FenLowerAnswer *);
  PetscErrorCode (*destroy)(FenLower);
} FenLowerType;

struct _p_FenLower {
  MPI_Comm             team;
  FenBilevelProblem    problem;
  const FenBilevelOps *call;
  FenBilevelPart       part;
  const FenLowerType  *type;
  char                 prefix[64]; /* of KSP and PC options: bilevel_lower_ */
  FenInt               check;      /* option -bilevel_lower_check: first-order methods look at |grad h| this often */
  void                *data;       /* the type's */
};

/* name "auto": pdnewton where the problem has duals, native where the problem has one, otherwise newton */
PETSC_INTERN PetscErrorCode FenLowerCreate(FenBilevelProblem, const char name[], FenLower *);
PETSC_INTERN PetscErrorCode FenLowerSetOptions(FenLower, PetscOptionItems *); /* in the solver's options block */
PETSC_INTERN PetscErrorCode FenLowerGetName(FenLower, const char *[]);
PETSC_INTERN PetscErrorCode FenLowerSolve(FenLower, FenInt s, double tol, FenInt max_it, PetscBool resume, double x[],
                                          double w[], FenLowerAnswer *);
PETSC_INTERN PetscErrorCode FenLowerDestroy(FenLower *);
/* names for help and errors */
PETSC_INTERN PetscErrorCode FenLowerGetTypes(const char *const *names[]);

#define FEN_LOWER_TYPE_LIST(X)  X(fista) X(gd) X(lbfgs) X(newton) X(pdnewton) X(native) X(direct)
#define FEN_LOWER_DECLARE(name) PETSC_INTERN const FenLowerType FenLowerType_##name;
FEN_LOWER_TYPE_LIST(FEN_LOWER_DECLARE)
#undef FEN_LOWER_DECLARE

/* ---- linear systems H q = b at the point that the problem was linearised at (linear.c); lower and adjoint use it ----
 */
typedef struct _p_FenSystem *FenSystem;
typedef struct {
  double    residual;   /* |b - H q|, computed anew at the end */
  FenInt    iterations; /* products, or solves with a factor */
  PetscBool reached;
} FenSystemAnswer;
/* prefix: bilevel_lower_ or bilevel_adjoint_; PC from options -PREFIXpc_type among what the problem offers: auto takes
   the problem's own solve, else an exact factor in one dimension, else GAMG or ILU on what `assemble` gives, else the
   diagonal, else none */
PETSC_INTERN PetscErrorCode FenSystemCreate(FenBilevelProblem, const char prefix[], FenSystem *);
/* q: start and answer; zero start if `zero`; stops at |b - H q| <= tol */
PETSC_INTERN PetscErrorCode FenSystemApply(FenSystem, const double b[], double tol, FenInt max_it, PetscBool zero,
                                           double q[], FenSystemAnswer *);
PETSC_INTERN PetscErrorCode FenSystemDestroy(FenSystem *);

/* ---- sums in a team (lower.c) ---- */
PETSC_INTERN PetscErrorCode FenTeamDots(MPI_Comm team, FenInt n, PetscInt k, const double *const x[],
                                        const double *const y[], double dots[]); /* k <= 8 dots, one message */
PETSC_INTERN PetscErrorCode FenTeamNorm(MPI_Comm team, FenInt n, const double x[], double *norm);
