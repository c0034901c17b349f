/* SPDX-License-Identifier: BSD-2-Clause */
/*
   FenBilevelProblem: what a bilevel learner has to know of a problem.

     min over theta in a box of  f(theta) = F(g_1(x_1), ..., g_m(x_m)) + r(theta),   x_s = argmin_x h_s(x, theta),

   F the mean, the sum, or the KL-robust mean. h_s(., theta) is strongly convex with a known constant mu > 0 and twice
   differentiable (or the sum of such a function and an l1 norm).

   Data: m samples, all of one shape, over teams of ranks (FenTeams). The lower variable of a sample has rows x width
   numbers in natural order, rows cut over the ranks of the team; theta has p numbers, cut over the team and the same in
   every team (FenTeamsGetRange). All arrays below are the calling rank's parts, contiguous. Functions are collective in
   the team unless they say "local"; s is a global number of one of the team's samples.

   A problem of one's own: fill FenBilevelOps with functions, say the sizes, and hand both to
   FenBilevelProblemCreate(); see docs/tutorials/ex4.c.
*/
#pragma once
#include <fenchelteams.h>
#include <petscmat.h>
#include <petscviewer.h>

#if defined(__cplusplus)
extern "C" {
#endif

/*S FenBilevelProblem - lower and upper functions of a bilevel problem, their derivatives and constants S*/
typedef struct _p_FenBilevelProblem *FenBilevelProblem;
FEN_EXTERN PetscClassId              FENBILEVELPROBLEM_CLASSID;

typedef enum { FEN_UPPER_MEAN = 0, FEN_UPPER_SUM = 1, FEN_UPPER_KL = 2 } FenBilevelUpper;
FEN_EXTERN const char *const FenBilevelUppers[];

#define FEN_BILEVEL_METRICS  8
#define FEN_BILEVEL_TOGETHER 64 /* samples of a team that advance together, at most */

typedef struct {
  FenInt          samples;     /* m */
  FenInt          rows, width; /* lower variable of a sample */
  FenInt          p;           /* hyperparameters */
  FenInt          parts;       /* ranks that one sample can be cut over at most, at least 1 */
  FenInt          duals;       /* numbers of a primal-dual iteration for each row; 0: it does not apply */
  FenBilevelUpper upper;       /* how the g_s make f, unless an option says otherwise */
  PetscInt        nmetrics;    /* what `metrics` tells of a sample */
  const char     *metrics[FEN_BILEVEL_METRICS]; /* their names: "psnr", "ssim", "accuracy" */
} FenBilevelSizes;

/* true bounds, for sample s at the theta that was set; Lipschitz constants are global in x; infinity: not known */
typedef struct {
  double    mu;        /* h is strongly convex with it */
  double    lipschitz; /* of x -> grad h */
  double    hessian;   /* of x -> H */
  double    inverse;   /* of x -> H^{-1}; infinity: hessian/mu^2 is used */
  double    jacobian;  /* of x -> J */
  double    J;         /* |J| at the linearised point (spectral norm, or more) */
  double    upper;     /* of x -> grad g */
  double    direct;    /* of x -> dg/dtheta; 0 where there is a direct part: not known */
  PetscBool convex;    /* g is convex */
} FenBilevelConstants;

typedef enum { FEN_BILEVEL_OBSERVED = 0, FEN_BILEVEL_TRUTH = 1 } FenBilevelWhich;

/* predictions of my rows of the validation set, in its order over the ranks: numbers of a row; of classes, these are
   probabilities, of the second class if there is one number */
typedef struct {
  FenInt    rows;
  PetscInt  width;
  PetscBool classes;
} FenBilevelPredictions;

/*
   The callbacks. Required: settheta, gradient, linearise, hessian, jacobiantranspose, upper, upperhessian, constants.
   Scalars that are sums over entries (value) are returned as the calling rank's part of the sum; the caller adds up.
   linearise keeps what products at (x, theta) need; hessian, jacobian..., diagonal, assemble, solve, constants.J belong
   to the last linearised point. For h with an l1 norm, gradient is the element of least norm of the subdifferential,
   linearise takes the support and signs of x, and H, J act on the support (H = identity elsewhere, J = 0).
*/
typedef struct {
  PetscErrorCode (*setup)(FenBilevelProblem);                 /* teams are known; allocate; collective in the world */
  PetscErrorCode (*destroy)(FenBilevelProblem);               /* frees FenBilevelProblemGetContext()'s data */
  PetscErrorCode (*view)(FenBilevelProblem, PetscViewer);     /* collective in the world */
  PetscErrorCode (*start)(FenBilevelProblem, double theta[]); /* local: theta_0; zeros without it */
  PetscErrorCode (*box)(FenBilevelProblem, double lower[], double upper[]); /* local: bounds of theta; none without */
  PetscErrorCode (*settheta)(FenBilevelProblem, const double theta[]);
  PetscErrorCode (*initial)(FenBilevelProblem, FenInt s, double x[]); /* local: first x; zeros without it */
  PetscErrorCode (*gradient)(FenBilevelProblem, FenInt s, const double x[], double *value, double g[]);
  PetscErrorCode (*linearise)(FenBilevelProblem, FenInt s, const double x[]);
  PetscErrorCode (*hessian)(FenBilevelProblem, const double v[], double Hv[]);
  PetscErrorCode (*jacobian)(FenBilevelProblem, const double t[], double Jt[]);
  PetscErrorCode (*jacobiantranspose)(FenBilevelProblem, const double q[], double t[]); /* summed over the team */
  PetscErrorCode (*upper)(FenBilevelProblem, FenInt s, const double x[], double *value, double g[]); /* g: or NULL */
  PetscErrorCode (*upperhessian)(FenBilevelProblem, FenInt s, const double x[], const double v[], double Gv[]);
  PetscErrorCode (*direct)(FenBilevelProblem, FenInt s, const double x[], double t[]); /* dg_s/dtheta; none without */
  PetscErrorCode (*regulariser)(FenBilevelProblem, double *value, double t[]); /* r, whole value on every rank */
  PetscErrorCode (*constants)(FenBilevelProblem, FenInt s, FenBilevelConstants *);
  /* how good x is, for people: PSNR, SSIM, accuracy; whole values on every rank of the team */
  PetscErrorCode (*metrics)(FenBilevelProblem, FenInt s, const double x[], double values[]);
  /* of problems that read a validation set: what x makes of its rows; out: NULL for their sizes alone */
  PetscErrorCode (*predict)(FenBilevelProblem, FenInt s, const double x[], FenBilevelPredictions *, double out[]);
  /* of the data: the same on any number of ranks, on all ranks; collective in the world, after set-up */
  PetscErrorCode (*fingerprint)(FenBilevelProblem, FenFingerprint *);
  /* for faster solves */
  PetscErrorCode (*diagonal)(FenBilevelProblem, double d[]); /* of H */
  PetscErrorCode (*assemble)(FenBilevelProblem, Mat *);      /* H, or near it; the problem's, of the team */
  PetscErrorCode (*solve)(FenBilevelProblem, const double b[], double x[]); /* H x = b, to rounding */
  /* h smooth + l1: x <- argmin 1/2 |y-x|^2 + step * l1 part(y), and the gradient of the smooth part alone */
  PetscErrorCode (*prox)(FenBilevelProblem, FenInt s, double step, double x[]);
  PetscErrorCode (*smoothgradient)(FenBilevelProblem, FenInt s, const double x[], double *value, double g[]);
  /* the problem's own lower method (closed form, coordinate descent): |grad h| <= tol, or as small as rounding lets */
  PetscErrorCode (*native)(FenBilevelProblem, FenInt s, double tol, FenInt max_it, double x[], FenInt *iterations);
  /* primal-dual Newton: w has duals x my rows numbers. dualstart: w of x. dualise: like linearise, H made of x and w
     (positive definite for feasible w). dualstep: w <- feasible step along dw(x, dx) */
  PetscErrorCode (*dualstart)(FenBilevelProblem, FenInt s, const double x[], double w[]);
  PetscErrorCode (*dualise)(FenBilevelProblem, FenInt s, const double x[], const double w[]);
  PetscErrorCode (*dualstep)(FenBilevelProblem, FenInt s, const double x[], const double dx[], double w[]);
  /* samples of a team that advance together, so that one exchange serves them all; all five or none. together: up to n
     samples that follow each other keep a linearised point each. at: hessian, jacobian..., diagonal, assemble, solve,
     constants.J belong to the point of sample s from now on, as after linearise. The others do for n samples what those
     for one do; linearises: w NULL, or dualise */
  PetscErrorCode (*together)(FenBilevelProblem, FenInt n);
  PetscErrorCode (*at)(FenBilevelProblem, FenInt s); /* local */
  PetscErrorCode (*gradients)(FenBilevelProblem, FenInt n, const FenInt s[], const double *const x[], double value[],
                              double *const g[]);
  PetscErrorCode (*linearises)(FenBilevelProblem, FenInt n, const FenInt s[], const double *const x[],
                               const double *const w[]);
  PetscErrorCode (*hessians)(FenBilevelProblem, FenInt n, const FenInt s[], const double *const v[],
                             double *const Hv[]);
  /* and more of these, each of which may be missing: then samples go one after the other. s: NULL for one sample at the
     present point. jacobians: of one t. constantsat: sets J and jacobian in c[k], which `constants` need not do then;
     they may belong to the linearised point alone */
  PetscErrorCode (*jacobians)(FenBilevelProblem, FenInt n, const FenInt s[], const double t[], double *const Jt[]);
  PetscErrorCode (*jacobianstranspose)(FenBilevelProblem, FenInt n, const FenInt s[], const double *const q[],
                                       double *const t[]);
  PetscErrorCode (*constantsat)(FenBilevelProblem, FenInt n, const FenInt s[], FenBilevelConstants c[]);
  PetscErrorCode (*dualstarts)(FenBilevelProblem, FenInt n, const FenInt s[], const double *const x[],
                               double *const w[]);
  PetscErrorCode (*dualsteps)(FenBilevelProblem, FenInt n, const FenInt s[], const double *const x[],
                              const double *const dx[], double *const w[]);
  /* samples that are observations of something like x, such as noisy images. local: what is observed, or the truth. A
     problem with this one is made a second time, of other samples, to validate its theta; a problem without it reads
     the validation set itself, for its upper function */
  PetscErrorCode (*data)(FenBilevelProblem, FenInt s, FenBilevelWhich, double a[]);
} FenBilevelOps;

FEN_EXTERN PetscErrorCode FenBilevelProblemCreate(MPI_Comm, const char         name[], const FenBilevelSizes *,
                                                  const FenBilevelOps *, void *ctx, FenBilevelProblem *);
FEN_EXTERN PetscErrorCode FenBilevelProblemDestroy(FenBilevelProblem *);
FEN_EXTERN PetscErrorCode FenBilevelProblemView(FenBilevelProblem, PetscViewer);
FEN_EXTERN PetscErrorCode FenBilevelProblemGetContext(FenBilevelProblem, void *ctx);
FEN_EXTERN PetscErrorCode FenBilevelProblemGetName(FenBilevelProblem, const char *[]);
FEN_EXTERN PetscErrorCode FenBilevelProblemGetSizes(FenBilevelProblem, FenBilevelSizes *);
FEN_EXTERN PetscErrorCode FenBilevelProblemGetOps(FenBilevelProblem, const FenBilevelOps *[]);
/* ranks of a team; 0: chosen by FenTeamsChooseSize(). Before SetUp */
FEN_EXTERN PetscErrorCode FenBilevelProblemSetTeamSize(FenBilevelProblem, PetscMPIInt);
/* number of the set of samples: what is random in one set is independent of the others. Before SetUp */
FEN_EXTERN PetscErrorCode FenBilevelProblemSetSampleSet(FenBilevelProblem, uint32_t);
FEN_EXTERN PetscErrorCode FenBilevelProblemSetUp(FenBilevelProblem);
FEN_EXTERN PetscErrorCode FenBilevelProblemGetTeams(FenBilevelProblem, FenTeams *);
/* of my part: numbers of x, of w, of theta */
typedef struct {
  FenInt start, end;     /* samples of my team */
  FenInt row0, row1;     /* my rows of each */
  FenInt nx, nw;         /* (row1-row0) width, (row1-row0) duals */
  FenInt theta0, theta1; /* my range of theta */
} FenBilevelPart;
FEN_EXTERN PetscErrorCode FenBilevelProblemGetPart(FenBilevelProblem, FenBilevelPart *);
/* the constants of a sample, those at the linearised point included */
FEN_EXTERN PetscErrorCode FenBilevelProblemGetConstants(FenBilevelProblem, FenInt s, FenBilevelConstants *);
/* names of hyperparameters for people; NULL-terminated groups "name count" in order; optional */
FEN_EXTERN PetscErrorCode FenBilevelProblemSetGroups(FenBilevelProblem, PetscInt n, const char *const names[],
                                                     const FenInt counts[]);
FEN_EXTERN PetscErrorCode FenBilevelProblemGetGroups(FenBilevelProblem, PetscInt *n, const char *const *names[],
                                                     const FenInt *counts[]);

/* ---- bundled problems: each reads its options -NAME_... ; FenBilevelProblemNames lists them ---- */
FEN_EXTERN const char *const FenBilevelProblemNames[];
/* data files the problem needs: training set, upper (validation) set; NULL or "": the problem makes its own */
typedef struct {
  const char *train, *valid;
} FenBilevelData;
FEN_EXTERN PetscErrorCode FenBilevelProblemGenerate(MPI_Comm, const char name[], const char prefix[],
                                                    const FenBilevelData *, FenBilevelProblem *);
/* runs the options block of a problem, for help */
FEN_EXTERN PetscErrorCode FenBilevelProblemListOptions(MPI_Comm, const char name[], const char prefix[]);

#if defined(__cplusplus)
}
#endif
