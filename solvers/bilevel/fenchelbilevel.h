/* SPDX-License-Identifier: BSD-2-Clause */
/*
   FenBilevel: learning of hyperparameters,

     min over theta in a box of  f(theta) = F(g_1(x_1), ..., g_m(x_m)) + r(theta),   x_s = argmin_x h_s(x, theta),

   with lower problems solved only as accurately as each decision needs, and with bounds of f(theta) and of the
   hypergradient that hold whatever the accuracy was.
*/
#pragma once
#include <fenchelbilevelproblem.h>
#include <fenchelsolver.h>

#if defined(__cplusplus)
extern "C" {
#endif

typedef struct _p_FenBilevel *FenBilevel;
FEN_EXTERN PetscClassId       FENBILEVEL_CLASSID;

/*J FenBilevelType - name of a method J*/
typedef const char *FenBilevelType;
#define FENBILEVELCERTIFIED "certified"
#define FENBILEVELMAID      "maid"
#define FENBILEVELMAIDBB    "maid-bb"
#define FENBILEVELHOAG      "hoag"
#define FENBILEVELFIXED     "fixed"

FEN_EXTERN PetscErrorCode FenBilevelCreate(MPI_Comm, FenBilevel *);
FEN_EXTERN PetscErrorCode FenBilevelSetType(FenBilevel, FenBilevelType);
FEN_EXTERN PetscErrorCode FenBilevelSetProblem(FenBilevel, FenBilevelProblem); /* referenced */
FEN_EXTERN PetscErrorCode FenBilevelGetProblem(FenBilevel, FenBilevelProblem *);
/* first theta, my part as FenBilevelPart cuts it; without it the problem's own */
FEN_EXTERN PetscErrorCode FenBilevelSetStart(FenBilevel, const double theta[]);
/* lower + adjoint iterations of all samples that a solve may use; 0: no limit */
FEN_EXTERN PetscErrorCode FenBilevelSetBudget(FenBilevel, double iterations);
FEN_EXTERN PetscErrorCode FenBilevelSetFromOptions(FenBilevel);
FEN_EXTERN PetscErrorCode FenBilevelSolve(FenBilevel);
/* lower solutions at the first theta to |x - argmin h| <= eps, values and bounds; no step is made */
FEN_EXTERN PetscErrorCode FenBilevelEvaluate(FenBilevel, double eps);
FEN_EXTERN PetscErrorCode FenBilevelDestroy(FenBilevel *);

/* ---- answers; arrays are owned by the solver ---- */
FEN_EXTERN PetscErrorCode FenBilevelGetTheta(FenBilevel, const double *theta[]);     /* my part */
FEN_EXTERN PetscErrorCode FenBilevelGetHypergradient(FenBilevel, const double *z[]); /* my part */
FEN_EXTERN PetscErrorCode FenBilevelGetLower(FenBilevel, const double *x[]);         /* my samples' x, one by one */
FEN_EXTERN PetscErrorCode FenBilevelGetAdjoint(FenBilevel, const double *q[]);       /* their adjoints */
typedef struct {
  double objective;           /* f as computed */
  double lower, upper;        /* f(theta) lies in between: certified */
  double hypergradient;       /* |z|, the step to the box taken off */
  double hypergradient_error; /* |z - grad f| is at most this: certified; infinity where a constant is not known */
  double hypergradient_goal;  /* goal-oriented estimate of the same: no bound */
  double lower_accuracy;      /* largest |x_s - argmin h_s|: certified */
  double adjoint_accuracy;    /* largest |q_s - H^{-1} grad g|: certified */
} FenBilevelBounds;
FEN_EXTERN PetscErrorCode FenBilevelGetBounds(FenBilevel, FenBilevelBounds *);
/* the same afresh, for a solve that was stopped from outside, too */
FEN_EXTERN PetscErrorCode FenBilevelComputeBounds(FenBilevel, FenBilevelBounds *);
typedef struct {
  double lower_iterations, adjoint_iterations; /* summed over samples */
  double upper_evaluations, gradients;         /* values and hypergradients of f */
  double steps, failures;                      /* accepted, and line searches that needed more accuracy */
} FenBilevelWork;
FEN_EXTERN PetscErrorCode FenBilevelGetWork(FenBilevel, FenBilevelWork *);
/* what is known of one of my team's samples, whole numbers of the team */
typedef struct {
  double value, lower, upper; /* g as computed; g(argmin h) lies between the others */
  double lower_accuracy;      /* |x - argmin h| is at most this */
  double adjoint_residual;    /* |grad g(x) - H q| */
  double hypergradient_error; /* |dg/dtheta as computed - true| is at most this */
} FenBilevelSample;
FEN_EXTERN PetscErrorCode FenBilevelGetSample(FenBilevel, FenInt k, FenBilevelSample *); /* k: among my team's */
/* what the objective and the path to its minimum depend on beside the problem */
typedef struct {
  FenBilevelUpper upper;
  double          temperature, pull, box[2];
  double          eps, delta; /* first accuracies; 0: the type's choice */
  PetscBool       correct;
  const char     *error; /* what -bilevel_tol takes into account: none, certified, goal */
  const char     *lower; /* as asked for: auto or a name */
  FenInt          lower_max_it, adjoint_max_it, lower_check, lower_memory;
} FenBilevelParameters;
FEN_EXTERN PetscErrorCode FenBilevelGetParameters(FenBilevel, FenBilevelParameters *);
/* where the search began, and within what bounds it stays: my parts, owned by the solver */
FEN_EXTERN PetscErrorCode FenBilevelGetStart(FenBilevel, const double *theta[]);
FEN_EXTERN PetscErrorCode FenBilevelGetLowerName(FenBilevel, const char *[]);
FEN_EXTERN PetscErrorCode FenBilevelGetMemoryEstimate(FenBilevel, double *bytes_per_rank);

#if defined(__cplusplus)
}
#endif
