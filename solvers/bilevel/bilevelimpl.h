/* SPDX-License-Identifier: BSD-2-Clause */
/*
   What FenBilevel and its types share.

   A FenPoint is a theta with the lower solutions, adjoints, values and bounds that belong to it. A type moves between
   two points: `cur`, where it is, and `trial`, where it may go. One iteration of a type is one decision: a
   hypergradient or one trial of a line search, so that a run can be stopped and continued between any two.
*/
#pragma once
#include <fenchelbilevel.h>
#include "../solverimpl.h"
#include "lower/lower.h"

/* what is known of one sample at a point; all whole numbers of the team */
enum {
  FEN_SAMPLE_EPS,   /* |x - argmin h| is at most this */
  FEN_SAMPLE_GRAD,  /* |grad h(x)| */
  FEN_SAMPLE_VALUE, /* g(x) */
  FEN_SAMPLE_GNORM, /* |grad g(x)| */
  FEN_SAMPLE_LO,    /* g(argmin h) lies between LO and UP */
  FEN_SAMPLE_UP,
  FEN_SAMPLE_DELTA, /* |grad g(x) - H q| */
  FEN_SAMPLE_QNORM, /* |q| */
  FEN_SAMPLE_ZNORM, /* |J^T q| */
  FEN_SAMPLE_OMEGA, /* |dg/dtheta as computed - true| is at most this */
  FEN_SAMPLE_MU,    /* modulus of h at the theta that was solved last; not above 0: none */
  FEN_SAMPLE_SLOPE, /* Lipschitz constants there: of grad g, of the Hessian of h; 0: unknown */
  FEN_SAMPLE_BEND,
  FEN_SAMPLE_N
};
typedef double FenSample[FEN_SAMPLE_N];

typedef struct {
  double    *theta, *z;     /* as theta is kept (theta.c) */
  double    *x, *w, *q, *h; /* my samples one by one; h: grad h at x */
  FenSample *s;             /* my samples */
  double     f, lower, upper;
  double     regulariser;
  double     reached;      /* 1: all lower solutions have the accuracy that was asked for */
  double     eps;          /* largest of all samples */
  double     znorm;        /* of the projected hypergradient */
  double     omega;        /* its certified error */
  double     soft;         /* F of the values at x, without the regulariser; not finite: not yet */
  double     plain, curve; /* half widths of f's bracket: at a unit of eps without adjoints, of eps^2 with them */
  double     slope, least; /* of all samples: the smallest L_g (1 where that is unknown) and |grad g| */
  FenInt     has_x, fresh; /* x belongs to theta; z, q to x */
  FenInt     has_z;        /* the type is done with the hypergradient here: trials follow */
} FenPoint;

typedef enum { FEN_ERROR_NONE = 0, FEN_ERROR_CERTIFIED = 1, FEN_ERROR_GOAL = 2 } FenBilevelError;
PETSC_INTERN const char *const FenBilevelErrors[];
typedef enum { FEN_PREDICT_NONE = 0, FEN_PREDICT_TANGENT, FEN_PREDICT_SECANT, FEN_PREDICT_AUTO } FenPredict;

struct _p_FenBilevel {
  struct _p_FenSolver base; /* first: a FenBilevel is a FenSolver */
  /* user parameters */
  FenBilevelProblem  problem;
  double            *start;  /* my part of theta_0, NULL: the problem's */
  double             budget; /* lower + adjoint iterations; 0: no limit */
  char               lower_name[32];
  FenLowerParameters lower_par;
  PetscInt           upper;                  /* FenBilevelUpper; -1: the problem's */
  double             temperature;            /* of the KL-robust mean */
  FenBilevelError    error;                  /* what is added to |z| before it is compared with the tolerance */
  FenPredict         predict_asked, predict; /* where lower solves of trials start; the latter without AUTO */
  PetscBool          correct;                /* values corrected by the adjoint where it is known */
  double             eps0, delta0;           /* first accuracies; 0: chosen */
  double             adjoint_share;          /* of |grad g_s| that is the most an adjoint may leave; 0: no limit */
  PetscInt           lower_max_it, adjoint_max_it; /* of one sample's solve */
  double             box[2];                       /* further bounds of all hyperparameters */
  PetscInt           team_size;
  PetscInt           batch; /* samples that advance together; 0: chosen */
  double             pull;  /* r += pull/2 |theta - theta_0|^2 */
  /* parts */
  FenBilevelSizes      size;
  FenBilevelPart       part;
  FenTeamsInfo         team;
  const FenBilevelOps *call;
  FenLower             lower;
  FenSystem            adjoint;
  FenInt               nt, nb;   /* hyperparameters that I keep, my samples */
  FenInt               t0, mine; /* of those that I keep, my part of the team's: the first and how many */
  FenInt               whole;    /* up to so many hyperparameters are kept by every rank */
  PetscBool            all;      /* they are */
  MPI_Comm             tcomm;    /* the ranks that a vector of hyperparameters is cut over */
  FenInt               together; /* of my samples, at once */
  double              *theta0, *lo, *up;
  /* points */
  FenPoint  point[3];
  FenPoint *cur, *trial;
  FenPoint *final; /* after the loop: cur, or point[2] with the hypergradient that cur has not */
  /* state */
  FenBilevelWork work;
  double         missed;   /* lower problems of my team that were not solved to their accuracy just now; -1: none was */
  double         ahead[2]; /* lower and adjoint iterations of my team that the next decision adds to `work` */
  FenInt         decisions; /* of this solve */
  FenFault       fault;     /* of my team since the last decision */
  /* work space: of the size of x for each of the samples that advance together (three), of theta (two) */
  double          *wx[3], *wt[2];
  FenLayout        lx, lw, ltheta, lsample;
  FenBilevelBounds bounds;
};

/* X-list of types: one line makes declaration and registration; the default first */
#define FEN_BILEVEL_TYPE_LIST(X)                                                                                       \
  X(FENBILEVELCERTIFIED, Certified)                                                                                    \
  X(FENBILEVELMAID, MAID)                                                                                              \
  X(FENBILEVELMAIDBB, MAIDBB)                                                                                          \
  X(FENBILEVELHOAG, HOAG)                                                                                              \
  X(FENBILEVELFIXED, Fixed)
#define FEN_BILEVEL_DECLARE_TYPE(name, Type) PETSC_INTERN PetscErrorCode FenBilevelCreate_##Type(FenSolver);
FEN_BILEVEL_TYPE_LIST(FEN_BILEVEL_DECLARE_TYPE)
#undef FEN_BILEVEL_DECLARE_TYPE

PETSC_INTERN PetscErrorCode FenBilevelInitializePackage_Private(void);
/* samples that advance together (together.c): their number; the problem is told of it */
PETSC_INTERN PetscErrorCode FenBilevelTogetherOptions_Private(FenBilevel, PetscOptionItems *);
PETSC_INTERN PetscErrorCode FenBilevelTogether_Private(FenBilevel, FenInt *);
PETSC_INTERN PetscErrorCode FenBilevelTogetherSetUp_Private(FenBilevel);
/* teams of the size that was asked for, then the problem's set-up */
PETSC_INTERN PetscErrorCode FenBilevelSetUpProblem_Private(FenBilevel);

/* ---- points (point.c) ---- */
PETSC_INTERN PetscErrorCode FenPointCreate_Private(FenBilevel, FenPoint *);
PETSC_INTERN PetscErrorCode FenPointDestroy_Private(FenPoint *);
/* lower solutions of all samples to |x - argmin h| <= eps, values and bounds of f: one decision. resume: the point was
   solved before at the same theta, and nothing else since */
PETSC_INTERN PetscErrorCode FenPointLower_Private(FenBilevel, FenPoint *, double eps, PetscBool resume);
/* the part of it that my team does by itself */
PETSC_INTERN PetscErrorCode FenPointSolve_Private(FenBilevel, FenPoint *, double eps, PetscBool resume);
/* an error if a lower problem there has no modulus of strong convexity, so that nothing is known of f */
PETSC_INTERN PetscErrorCode FenPointCheckModulus_Private(FenBilevel, const FenPoint *);
/* x, w, q of another point are where this one starts from */
PETSC_INTERN PetscErrorCode FenPointCopyStart_Private(FenBilevel, const FenPoint *from, FenPoint *to);
/* the dual variables that belong to x at its theta, if there are any */
PETSC_INTERN PetscErrorCode FenPointDuals_Private(FenBilevel, FenPoint *);
/* how the samples make the objective: the option's rule, or the problem's */
PETSC_INTERN FenBilevelUpper FenBilevelRule_Private(FenBilevel);
/* trial becomes cur, and its hypergradient is the next decision */
PETSC_INTERN void FenBilevelAccept_Private(FenBilevel);
/* dF/dg_s at the point's values: my samples */
PETSC_INTERN void FenBilevelWeights_Private(FenBilevel, const FenPoint *, double weight[]);

/* ---- decisions (decision.c): the one message over all ranks that each of them costs ---- */
/* sums over all ranks of n more numbers travel along. f and its bracket, accuracies and widths of the point are new,
   iterations are counted, requests from outside are heard, and an error of one team becomes that of all */
PETSC_INTERN PetscErrorCode FenBilevelAgree_Private(FenBilevel, FenPoint *, PetscInt n, const FenDD more[],
                                                    double sums[]);
/* what only my team sees goes wrong between these two waits in b->fault for the next decision */
PETSC_INTERN PetscErrorCode FenBilevelTryBegin_Private(FenBilevel);
PETSC_INTERN PetscErrorCode FenBilevelTryEnd_Private(FenBilevel, PetscErrorCode);

/* ---- hypergradients (hypergradient.c) ---- */
/* lower solutions to eps and the hypergradient there in one decision, unless weights of samples have to be known in
   between: those of the soft maximum */
PETSC_INTERN PetscErrorCode FenPointBoth_Private(FenBilevel, FenPoint *, double eps, double delta);
/* z, adjoints to |residual| <= delta, certified error, corrected bounds of f: one decision */
PETSC_INTERN PetscErrorCode FenPointGradient_Private(FenBilevel, FenPoint *, double delta);
/* goal-oriented estimate of |z - grad f|; costs ten iterations a sample at most; one decision */
PETSC_INTERN PetscErrorCode FenPointGoal_Private(FenBilevel, FenPoint *, double *estimate);

/* ---- lower solutions at another theta, to first order (predict.c): nothing if that is switched off ---- */
PETSC_INTERN PetscErrorCode FenPointPredict_Private(FenBilevel, const FenPoint *from, FenPoint *to, double eps);
/* to: the point at theta, its lower solves and adjoints start from those of `from`, or from the line through those and
   what `to` had before if it has `secant`: solutions at its own theta */
PETSC_INTERN PetscErrorCode FenPointStart_Private(FenBilevel, const FenPoint *from, const double theta[],
                                                  PetscBool secant, FenPoint *to);

/* ---- hyperparameters (theta.c): every rank keeps all of up to this many, more than that are cut over a team ---- */
#define FEN_THETA_WHOLE 16384
/* after nt, t0, mine and tcomm of FenBilevel were set here, arrays have nt entries, of which a problem sees its part */
PETSC_INTERN PetscErrorCode FenThetaSetUp_Private(FenBilevel);
/* each rank of the team has its part of width numbers a hyperparameter in place: all get the rest */
PETSC_INTERN PetscErrorCode FenThetaSpread_Private(FenBilevel, FenInt width, double array[]);
/* the same for what only the first team has */
PETSC_INTERN PetscErrorCode FenThetaShare_Private(FenBilevel, FenInt width, double array[]);
/* the problem's theta */
PETSC_INTERN PetscErrorCode FenThetaUse_Private(FenBilevel, const double theta[]);
PETSC_INTERN PetscErrorCode FenThetaDots_Private(FenBilevel, PetscInt n, const double *const x[],
                                                 const double *const y[], double dots[]);
PETSC_INTERN PetscErrorCode FenThetaNorm_Private(FenBilevel, const double x[], double *norm);
/* y = P(x + a d), P the projection onto the box */
PETSC_INTERN void FenThetaStep_Private(FenBilevel, const double x[], double a, const double d[], double y[]);
/* |P(theta - z) - theta| */
PETSC_INTERN PetscErrorCode FenThetaProjectedNorm_Private(FenBilevel, const double theta[], const double z[],
                                                          double *norm);
/* |x - y|^2 */
PETSC_INTERN PetscErrorCode FenThetaSquare_Private(FenBilevel, const double x[], const double y[], double *square);
/* z^T (theta - theta of the trial): what the trial lowers f by, to first order */
PETSC_INTERN PetscErrorCode FenBilevelDecrease_Private(FenBilevel, double *decrease);

/* ---- common to types (iterate.c) ---- */
/* progress, bounds and the test of the tolerance after a decision; parameter: the step length */
PETSC_INTERN PetscErrorCode FenBilevelReport_Private(FenBilevel, double parameter);
/* after a state was loaded: all teams get what one had saved */
PETSC_INTERN PetscErrorCode FenBilevelResume_Private(FenSolver);
/* theta_0, first x; the point is not solved yet */
PETSC_INTERN PetscErrorCode FenBilevelBegin_Private(FenBilevel);
/* arrays that one team has saved reach the others */
PETSC_INTERN PetscErrorCode FenBilevelShare_Private(FenBilevel, PetscInt n, double *const theta_like[]);
/* of types whose data are one piece of memory */
PETSC_INTERN PetscErrorCode FenBilevelFreeData_Private(FenSolver);
/* a hyperparameter-like array of a type as part of its state */
PETSC_INTERN PetscErrorCode FenBilevelStateTheta_Private(FenBilevel, FenState, const char name[], double array[]);
/* no step that can be proved to help is left: rounding limits what can be seen */
PETSC_INTERN void FenBilevelFloor_Private(FenBilevel);
