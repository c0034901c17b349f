/* SPDX-License-Identifier: BSD-2-Clause */
/*
   FenLower: solves lower problems, x = argmin h_s(., theta), to a distance that it can prove.

   A type ("fista", "gd", "hb", "lbfgs", "newton", "pdnewton", "native", "direct") is one file in this folder and one
   line in the list. theta has been set in the problem. A solve starts from what is in x (and w, the dual variables of
   pdnewton, which the caller starts by the problem's `dualstart`) and ends when |grad h(x)| <= tol, after max_it
   iterations, or when rounding errors allow no more. It reports what was achieved, whatever happened; a tolerance that
   cannot be reached is no error. A start where h or its gradient is not finite comes back with that gradient.

   An iteration is one gradient, one product with H, one application of a preconditioner, or one solve with a factor;
   they are counted per sample. Scaling by the diagonal is part of the product.
*/
#pragma once
#include "batch.h"
#include <compat.h>
#include <petscksp.h>

typedef struct _p_FenLower *FenLower;

typedef struct {
  double    gradient;   /* |grad h| of the team at the x returned */
  double    value;      /* h there, whole */
  FenInt    iterations; /* of this call */
  PetscBool reached;    /* gradient <= tol */
} FenLowerAnswer;

/* one lower problem among several */
typedef struct {
  FenInt         s;
  double         tol;
  FenInt         max_it;
  double        *x, *w; /* start and answer; duals or NULL */
  double        *g;     /* out: grad h at x, if tol was reached */
  FenLowerAnswer answer;
} FenLowerTask;

typedef struct {
  const char *name;
  const char *(*refuse)(const FenBilevelOps *); /* why a problem does not suit; NULL: it does */
  PetscErrorCode (*setup)(FenLower);
  /* different samples side by side, with messages in common. resume: x, w, theta are as the last call on these samples
     left them; memory of that call may be used */
  PetscErrorCode (*solve)(FenLower, FenInt n, PetscBool resume, FenLowerTask[]);
  PetscErrorCode (*destroy)(FenLower);
} FenLowerType;

typedef struct _p_FenSystem *FenSystem;

typedef struct {
  FenInt check;  /* option -bilevel_lower_check: first-order methods look at |grad h| this often */
  FenInt memory; /* option -bilevel_lower_memory: pairs of lbfgs */
} FenLowerParameters;

struct _p_FenLower {
  MPI_Comm             team;
  FenBilevelProblem    problem;
  const FenBilevelOps *call;
  FenBilevelPart       part;
  const FenLowerType  *type;
  char                 prefix[64]; /* of KSP and PC options: bilevel_lower_ behind that of the solver */
  FenLowerParameters   par;
  PetscBool            isset;  /* setup has run: in the first solve */
  FenSystem            system; /* Newton types */
  double              *room;   /* four arrays for each of nroom samples */
  FenInt               nroom;
  void                *data; /* the type's */
};

/* name "auto": pdnewton where the problem has duals, native where the problem has one, fista where there is an l1 norm,
   otherwise newton */
PETSC_INTERN PetscErrorCode FenLowerCreate(FenBilevelProblem, const char name[], FenLower *);
/* of the solver: its options are -PREFIXbilevel_lower_...; before the first solve */
PETSC_INTERN PetscErrorCode FenLowerSetPrefix(FenLower, const char prefix[]);
/* in the solver's options block */
PETSC_INTERN PetscErrorCode FenLowerSetOptions(FenOptionItems, MPI_Comm, FenLowerParameters *);
PETSC_INTERN void           FenLowerSetParameters(FenLower, const FenLowerParameters *);
/* what they are if nobody says anything */
PETSC_INTERN void           FenLowerParametersDefault(FenLowerParameters *);
PETSC_INTERN PetscErrorCode FenLowerGetName(FenLower, const char *[]);
PETSC_INTERN PetscErrorCode FenLowerSolve(FenLower, FenInt s, double tol, FenInt max_it, PetscBool resume, double x[],
                                          double w[], FenLowerAnswer *);
/* n different samples, side by side: the same numbers as one after the other */
PETSC_INTERN PetscErrorCode FenLowerSolveAll(FenLower, FenInt n, PetscBool resume, FenLowerTask[]);
PETSC_INTERN PetscErrorCode FenLowerDestroy(FenLower *);
/* the inverse of H that the pairs of the sample's last lbfgs solve approximate, b itself without pairs; for
   FenSystemSetShell() */
PETSC_INTERN PetscErrorCode FenLowerInverse(void *lower, FenInt s, const double b[], double q[]);
/* names for help and errors, "auto" first, NULL last */
PETSC_INTERN PetscErrorCode FenLowerGetTypes(const char *const *names[]);

#define FEN_LOWER_TYPE_LIST(X)  X(fista) X(gd) X(hb) X(lbfgs) X(newton) X(pdnewton) X(native) X(direct)
#define FEN_LOWER_DECLARE(name) PETSC_INTERN const FenLowerType FenLowerType_##name;
FEN_LOWER_TYPE_LIST(FEN_LOWER_DECLARE)
#undef FEN_LOWER_DECLARE

/* ---- for the types (way.c, search.c) ---- */
typedef struct {
  double value, norm, slope, size; /* h, |grad h|, grad h . d, |x| */
} FenLowerPoint;
/* a sample on its way */
typedef struct {
  FenLowerTask *t;
  FenInt        k;               /* its number among my team's */
  double       *g, *d, *xt, *gt; /* gradient at x, direction, trial point and its gradient; types may swap them */
  FenLowerPoint at;
  FenInt        count; /* iterations */
  PetscBool     found;
  double        first, before; /* |grad h| at the start, before the step */
  FenInt        stale;         /* steps that changed nothing but rounding errors */
  void         *own;           /* what a FenLowerMethod keeps of it */
} FenLowerWay;
/* a way for each task, and the list of all of them */
PETSC_INTERN PetscErrorCode FenLowerWays(FenLower, FenInt n, FenLowerTask[], FenLowerWay ways[], FenLowerWay *list[]);
/* answers and gradients, from `at` and `g` */
PETSC_INTERN PetscErrorCode FenLowerArrive(FenLower, FenInt n, FenLowerWay ways[]);
/* a first-order method: what it does with samples that go side by side, each until its own end */
typedef struct {
  size_t size; /* of a way's own numbers */
  PetscErrorCode (*start)(FenLower, PetscBool resume, FenLowerWay *);
  /* h and its gradient are known at x: is there a next step? */
  PetscErrorCode (*look)(FenLower, FenLowerWay *, PetscBool *goes);
  PetscErrorCode (*step)(FenLower, FenInt n, FenLowerWay *const[]); /* x moves on until the next look */
  PetscErrorCode (*end)(FenLower, FenLowerWay *);                   /* optional: the answer is another x */
} FenLowerMethod;
PETSC_INTERN PetscErrorCode FenLowerDescend(FenLower, const FenLowerMethod *, FenInt n, PetscBool resume,
                                            FenLowerTask[]);
/* the data of a type with momentum */
typedef struct {
  double *before; /* the x before: nx for each of my samples */
  double *t;      /* 0: no momentum yet */
} FenLowerMomentum;
PETSC_INTERN PetscErrorCode FenLowerMomentumSetUp(FenLower);
PETSC_INTERN PetscErrorCode FenLowerMomentumDestroy(FenLower);
/* h and its gradient at x of one sample */
PETSC_INTERN PetscErrorCode FenLowerEvaluate(FenLower, FenInt s, const double x[], double g[], FenLowerPoint *);
/* of n ways (trial: at xt, into gt), one exchange and one message; counted */
PETSC_INTERN PetscErrorCode FenLowerEvaluateAll(FenLower, FenInt n, FenLowerWay *const[], PetscBool trial,
                                                FenLowerPoint[]);
/* H at x of n ways; duals: with w of their tasks */
PETSC_INTERN PetscErrorCode FenLowerLinearise(FenLower, FenInt n, FenLowerWay *const[], PetscBool duals);
/* d = -(g.g / g.Hg) g, steepest descent with the length that is best for a quadratic h, and its slope; counted */
PETSC_INTERN PetscErrorCode FenLowerSteepest(FenLower, FenInt n, FenLowerWay *const[]);
/* along d from x: Armijo, and where differences of h are rounding errors, falling gradients. Where that is found x and
   g are those of the new point; count grows by the gradients, up to max_it of the task */
PETSC_INTERN PetscErrorCode FenLowerSearch(FenLower, FenInt n, FenLowerWay *const[]);
/* mu and L of a first-order method; an error if the problem does not know them */
PETSC_INTERN PetscErrorCode FenLowerConstants(FenLower, FenInt s, double *mu, double *lipschitz);

/* ---- when to give up: no halving of the least |grad h| within a window of iterations ---- */
typedef struct {
  double least;
  FenInt since, window, soon; /* soon: window at the level of rounding errors */
} FenLowerFloor;
PETSC_INTERN void      FenLowerFloorStart(FenLowerFloor *, double window, double soon);
PETSC_INTERN PetscBool FenLowerFloorReached(FenLowerFloor *, FenInt it, double norm, double rounding);

/* ---- linear systems H q = b at the point that the problem was linearised at (system.c); lower and adjoint use it ----
 */
typedef struct {
  double    residual;   /* |b - H q|, computed anew at the end */
  FenInt    iterations; /* products, and applications of factors or other preconditioners but the diagonal */
  PetscBool reached;
} FenSystemAnswer;
/* prefix: bilevel_lower_ or bilevel_adjoint_, with that of the solver before; PC from options -PREFIXpc_type: auto,
   solve (the problem's), tridiagonal, diagonal, lbfgs, none, or a type of PETSc for what `assemble` gives (gamg,
   bjacobi, ...). auto takes the problem's own solve, else an exact factor where `assemble` is tridiagonal, else the
   diagonal, else none. The library's own conjugate gradients (cg.c) with the diagonal or without, else PETSc's KSP, cg
   unless -PREFIXksp_type says otherwise; any option -PREFIXksp_... asks for KSP */
PETSC_INTERN PetscErrorCode FenSystemCreate(FenBilevelProblem, const char prefix[], FenSystem *);
/* shows the options in the solver's options block; name: "-bilevel_lower_pc_type" or "-bilevel_adjoint_pc_type" */
PETSC_INTERN PetscErrorCode FenSystemSetOptions(FenOptionItems, const char name[]);
/* at the present point, of sample s. q: start and answer; zero start if `zero`; stops at |b - H q| <= tol, or where
   rounding errors allow no more. tol infinite: one application of the factor if there is an exact one, unlooked at:
   residual infinite */
PETSC_INTERN PetscErrorCode FenSystemApply(FenSystem, const double b[], double tol, FenInt max_it, PetscBool zero,
                                           double q[], FenSystemAnswer *);
typedef struct {
  FenInt          s; /* of the sample whose point H belongs to */
  const double   *b;
  double         *q;
  double          tol;
  FenInt          max_it;
  PetscBool       zero;
  FenSystemAnswer answer;
} FenSystemTask;
/* the same for samples of which each has been linearised, side by side if the problem and the method can. Where there
   is an exact factor it is applied from zero, and unlooked at after FenSystemTrust() */
PETSC_INTERN PetscErrorCode FenSystemApplyAll(FenSystem, FenInt n, FenSystemTask[]);
/* the residual may be the one that the method carries along: a product less */
PETSC_INTERN PetscErrorCode FenSystemTrust(FenSystem);
/* the next Apply is at the same point as the last one: factors stay */
PETSC_INTERN PetscErrorCode FenSystemSamePoint(FenSystem);
/* solve or a tridiagonal factor of H itself; sets up at the linearised point for the next Apply; collective in the team
 */
PETSC_INTERN PetscErrorCode FenSystemIsExact(FenSystem, PetscBool *);
/* for -PREFIXpc_type lbfgs: q ~ H^{-1} b, at the caller's pleasure a different one each time it is set */
PETSC_INTERN PetscErrorCode FenSystemSetShell(FenSystem,
                                              PetscErrorCode (*apply)(void *, FenInt s, const double b[], double q[]),
                                              void *ctx);
PETSC_INTERN PetscErrorCode FenSystemDestroy(FenSystem *);

/* ---- sums in a team (lower.c) ---- */
#define FEN_TEAM_DOTS 96
/* one message for up to FEN_TEAM_DOTS dots */
PETSC_INTERN PetscErrorCode FenTeamDots(MPI_Comm team, FenInt n, PetscInt k, const double *const x[],
                                        const double *const y[], double dots[]);
PETSC_INTERN PetscErrorCode FenTeamNorm(MPI_Comm team, FenInt n, const double x[], double *norm);
