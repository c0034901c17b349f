/* SPDX-License-Identifier: BSD-2-Clause */
/*
   FenOT: regularised optimal transport between two measures,

     OT_eps(a,b) = min over couplings P of  <C,P> + eps KL(P | a x b),   KL(P|R) = sum P log(P/R) - P + R,

   solved through its dual; every answer comes with certified bounds of OT_eps and of the unregularised optimum.
   Marginals may also be penalised instead of prescribed, rho KL(P 1 | a) + rho KL(P^T 1 | b): unbalanced transport.
*/
#pragma once
#include <fenchelsolver.h>
#include <fenchelmeasure.h>

#if defined(__cplusplus)
extern "C" {
#endif

typedef struct _p_FenOT *FenOT;
FEN_EXTERN PetscClassId  FENOT_CLASSID;

/*J FenOTType - name of a method: FENOTSINKHORN, FENOTNEWTON, FENOTMULTIGRID, FENOTDOMDEC J*/
typedef const char *FenOTType;
#define FENOTSINKHORN  "sinkhorn"
#define FENOTNEWTON    "newton"
#define FENOTMULTIGRID "multigrid"
#define FENOTDOMDEC    "domdec"

FEN_EXTERN PetscErrorCode FenOTCreate(MPI_Comm, FenOT *);
FEN_EXTERN PetscErrorCode FenOTSetType(FenOT, FenOTType);
FEN_EXTERN PetscErrorCode FenOTSetMeasures(FenOT, FenMeasure source, FenMeasure target); /* referenced */
FEN_EXTERN PetscErrorCode FenOTGetMeasures(FenOT, FenMeasure *, FenMeasure *);
FEN_EXTERN PetscErrorCode FenOTSetCost(FenOT, FenCost); /* default |x-y|^2 */
FEN_EXTERN PetscErrorCode FenOTGetCost(FenOT, FenCost *);
FEN_EXTERN PetscErrorCode FenOTSetEpsilon(FenOT, double);
FEN_EXTERN PetscErrorCode FenOTGetEpsilon(FenOT, double *);
/*E FenMarginalKind - what holds a marginal of the plan to its measure: equality, or rho KL(marginal | measure) E*/
typedef enum { FEN_MARGINAL_EQUALITY, FEN_MARGINAL_KL } FenMarginalKind;
FEN_EXTERN const char *const FenMarginalKinds[];
/* of source and target; rho[s] is not read where kind[s] is equality */
FEN_EXTERN PetscErrorCode FenOTSetMarginalPenalty(FenOT, const FenMarginalKind kind[2], const double rho[2]);
FEN_EXTERN PetscErrorCode FenOTGetMarginalPenalty(FenOT, FenMarginalKind kind[2], double rho[2]);
FEN_EXTERN PetscErrorCode FenOTSetFromOptions(FenOT);
FEN_EXTERN PetscErrorCode FenOTCheck(FenOT);
FEN_EXTERN PetscErrorCode FenOTSolve(FenOT);
FEN_EXTERN PetscErrorCode FenOTDestroy(FenOT *);

/* potentials on the measures' layouts; f is the best one for g, its soft transform if the source's marginal is exact;
   owned by the solver */
FEN_EXTERN PetscErrorCode FenOTGetPotentials(FenOT, const double *f[], const double *g[]);
typedef struct {
  double lower, upper;       /* of OT_eps */
  double ot_lower, ot_upper; /* of the unregularised optimum */
  double cost;               /* <C,P> of a feasible plan (= ot_upper if both marginals are exact) */
  double marginal_error;     /* L1, both marginals; penalised ones: against what the potentials want, over the mass */
  double slack;              /* how much the bounds were widened for rounding errors */
  double mass;               /* of the plan: 1 if both marginals are exact */
} FenOTBounds;
/* collective; recomputed from the potentials with full, unwindowed passes */
FEN_EXTERN PetscErrorCode FenOTComputeBounds(FenOT, FenOTBounds *);
/* barycentric image of each of my source points: n_local x dim, caller's array */
FEN_EXTERN PetscErrorCode FenOTComputeMap(FenOT, double map[]);
/* plan entries of at least `threshold` times the largest in their row, as sparse rows on the source's layout */
FEN_EXTERN PetscErrorCode FenOTComputePlan(FenOT, double threshold, FenSparse *);
FEN_EXTERN PetscErrorCode FenSparseFree(FenSparse *);
/* grids: densities at times t in [0,1] between source (0) and target (1), on a grid that holds both */
FEN_EXTERN PetscErrorCode FenOTGetFrameGrid(FenOT, FenLayout *, double spacing[FEN_MAX_DIM],
                                            double origin[FEN_MAX_DIM]);
FEN_EXTERN PetscErrorCode FenOTComputeFrames(FenOT, PetscInt nframes, const double t[], FenLayout,
                                             const double spacing[], const double origin[], double *frames[],
                                             double *lumps);
/* kernel evaluations so far: passes over all pairs, and pairs (or exponentials, on grids) */
FEN_EXTERN PetscErrorCode FenOTGetWork(FenOT, double *passes, double *pairs);
FEN_EXTERN PetscErrorCode FenOTGetMemoryEstimate(FenOT, double *bytes_per_rank, double *most);

#if defined(__cplusplus)
}
#endif
