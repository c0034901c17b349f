/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Fenchel, layer 3, transport problems: discrete measures and ground costs. Mathematics and data, no iteration.
*/
#pragma once
#include <fenchellayout.h>

#if defined(__cplusplus)
extern "C" {
#endif

/*S FenMeasure - a discrete probability measure: weighted points in R^d, or weights on a regular grid (d = 1, 2, 3) S*/
typedef struct _p_FenMeasure *FenMeasure;
FEN_EXTERN PetscClassId       FENMEASURE_CLASSID;
typedef enum { FEN_MEASURE_POINTS, FEN_MEASURE_GRID } FenMeasureKind;
FEN_EXTERN const char *const FenMeasureKinds[];

/* my points (n_local x dim, row by row) and weights (NULL: uniform); copied. Global order is rank order */
FEN_EXTERN PetscErrorCode FenMeasureCreatePoints(MPI_Comm, FenInt nlocal, PetscInt dim, const double points[],
                                                 const double weights[], FenMeasure *);
/* weights on my box of the layout; spacing and origin per axis (NULL: 1 and 0); copied */
FEN_EXTERN PetscErrorCode FenMeasureCreateGrid(FenLayout, const double weights[], const double spacing[],
                                               const double origin[], FenMeasure *);
FEN_EXTERN PetscErrorCode FenMeasureDestroy(FenMeasure *);
FEN_EXTERN PetscErrorCode FenMeasureView(FenMeasure, PetscViewer);
/* the cloud of a grid's points, in the grid's global order */
FEN_EXTERN PetscErrorCode FenMeasureToPoints(FenMeasure grid, FenMeasure *points);
/* levels of grids: sums over blocks of two pixels along the axes that are halved; the fine measure itself if none is */
FEN_EXTERN PetscErrorCode FenMeasureCoarsen(FenMeasure fine, const PetscBool halved[], FenMeasure *coarse);
/* sums over the blocks of the coarse grid, and what a block has to each of its pixels */
FEN_EXTERN PetscErrorCode FenMeasureSumBlocks(FenMeasure fine, FenMeasure coarse, const double v[], double out[]);
FEN_EXTERN PetscErrorCode FenMeasureSpreadBlocks(FenMeasure coarse, FenMeasure fine, const double v[], double out[]);
/* values on the points of the coarse grid, interpolated to those of the fine one */
FEN_EXTERN PetscErrorCode FenMeasureInterpolate(FenMeasure coarse, FenMeasure fine, const double v[], double out[]);
/* for messages: the file a measure came from; NULL (no name): source or target */
FEN_EXTERN PetscErrorCode FenMeasureSetName(FenMeasure, const char[]);
FEN_EXTERN PetscErrorCode FenMeasureGetName(FenMeasure, const char *[]);

/* how a measure is read from a file */
typedef struct {
  char     spec[PETSC_MAX_PATH_LEN]; /* FILE or FILE:/path (design section 3) */
  char     default_path[64];         /* group taken when spec has no path: /source or /target */
  PetscInt nshape;                   /* shape of a raw file; 0 otherwise */
  FenInt   shape[4];
  int      kind; /* 0: by content; 1: points (n x d array); 2: density on a grid; 3: colours (image pixels as points) */
  FenInt   resize[2];             /* images: new height and width by area averaging; 0: as they are */
  PetscInt nranks;                /* axes of a grid along which ranks are given; 0: they are chosen */
  PetscMPIInt ranks[FEN_MAX_DIM]; /* along each axis of a grid */
  PetscBool   allow_any_mass;     /* scale to mass one whatever the sum is (images always are) */
} FenMeasureSource;
FEN_EXTERN PetscErrorCode FenMeasureRead(MPI_Comm, const FenMeasureSource *, FenMeasure *);

/* built-in instances with known answers, the same on any number of ranks (generate.c); NULL: mean 0, deviation 1 */
FEN_EXTERN PetscErrorCode FenMeasureGenerateGaussian(MPI_Comm, FenInt n, PetscInt dim, const double mean[],
                                                     const double stddev[], uint64_t seed, FenMeasure *);
FEN_EXTERN PetscErrorCode FenMeasureGenerateUniform(MPI_Comm, FenInt n, PetscInt dim, uint64_t seed, FenMeasure *);
FEN_EXTERN PetscErrorCode FenMeasureGenerateGaussianGrid(MPI_Comm, PetscInt dim, const FenInt shape[],
                                                         const double spacing[], const double origin[],
                                                         const double mean[], const double stddev[], FenMeasure *);

FEN_EXTERN PetscErrorCode FenMeasureGetKind(FenMeasure, FenMeasureKind *);
FEN_EXTERN PetscErrorCode FenMeasureGetLayout(FenMeasure, FenLayout *); /* one axis for points; the grid otherwise */
FEN_EXTERN PetscErrorCode FenMeasureGetDim(FenMeasure, PetscInt *);
FEN_EXTERN PetscErrorCode FenMeasureGetSize(FenMeasure, FenInt *global, FenInt *local);
FEN_EXTERN PetscErrorCode FenMeasureGetWeights(FenMeasure, const double *[]);
/* coordinates of my points, row by row (n_local x dim); grids make them on first use; owned by the measure */
FEN_EXTERN PetscErrorCode FenMeasureGetPoints(FenMeasure, const double *[]);
FEN_EXTERN PetscErrorCode FenMeasureGetGrid(FenMeasure, FenInt shape[FEN_MAX_DIM], double spacing[FEN_MAX_DIM],
                                            double origin[FEN_MAX_DIM]);
/* image that points came from (height, width), 0,0 if none; kept in results so that pictures can be redrawn */
FEN_EXTERN PetscErrorCode FenMeasureGetImageShape(FenMeasure, FenInt shape[2]);
FEN_EXTERN PetscErrorCode FenMeasureSetImageShape(FenMeasure, const FenInt shape[2]);
FEN_EXTERN PetscErrorCode FenMeasureGetMass(FenMeasure, double *before_normalisation);
FEN_EXTERN PetscErrorCode FenMeasureGetTotal(FenMeasure, double *of_weights_now);
/* checks weights (finite, >= 0, not all zero), then scales both to mass one, equal to the last bit: the residual goes
   to the largest weight. Masses that differ by more than 1e-6 relative are FEN_ERR_MASS unless allow_any_mass */
FEN_EXTERN PetscErrorCode FenMeasureBalance(FenMeasure, FenMeasure, PetscBool allow_any_mass);
/* the checks alone, for measures that are not balanced; the name serves a message if the measure has none */
FEN_EXTERN PetscErrorCode FenMeasureCheckWeights(FenMeasure, const char name[]);
FEN_EXTERN PetscErrorCode FenMeasureFingerprint(FenMeasure, FenFingerprint *);

/*S FenCost - ground cost c(x,y) between the points of two measures S*/
typedef struct _p_FenCost *FenCost;
FEN_EXTERN PetscClassId    FENCOST_CLASSID;
typedef enum {
  FEN_COST_SQEUCLIDEAN, /* |x-y|^2, points and grids */
  FEN_COST_EUCLIDEAN,   /* |x-y|, points and grids */
  FEN_COST_L1,          /* sum of |x_k-y_k|, points and grids */
  FEN_COST_MATRIX,      /* explicit n x m matrix, kept by rows and by columns */
  FEN_COST_POWER,       /* sum of |x_k-y_k|^p, grids */
  FEN_COST_FUNCTION     /* a function of the program, points and grids */
} FenCostKind;
FEN_EXTERN const char *const FenCostKinds[]; /* sqeuclidean euclidean l1 matrix power function */
FEN_EXTERN PetscErrorCode    FenCostCreate(MPI_Comm, FenCostKind, FenCost *);
/* sum of |x_k-y_k|^p, p >= 1; the cost has the kind of sqeuclidean for p = 2 and of l1 for p = 1 */
FEN_EXTERN PetscErrorCode FenCostCreatePower(MPI_Comm, double p, FenCost *);
FEN_EXTERN PetscErrorCode FenCostGetPower(FenCost, double *);
/* costs between n points x (n x dim) and m points y (m x dim): tile[i*m + j]. Not collective; depends on its arguments
   and the context only, which is the same on all ranks; |cost| is at most `maximum` */
typedef PetscErrorCode (*FenCostFn)(void *ctx, PetscInt dim, FenInt n, const double x[], FenInt m, const double y[],
                                    double tile[]);
FEN_EXTERN PetscErrorCode FenCostCreateFunction(MPI_Comm, FenCostFn, void *ctx, PetscErrorCode (*destroy)(void *),
                                                double maximum, FenCost *);
/* my rows (n_local x m) and my columns (m_local x n) of an explicit cost; copied */
FEN_EXTERN PetscErrorCode FenCostCreateMatrix(FenLayout rows, FenLayout cols, const double byrow[],
                                              const double bycol[], FenCost *);
/* FILE.h5:/path or another array file, read by all ranks; entries must be finite, sizes must fit */
FEN_EXTERN PetscErrorCode FenCostReadMatrix(FenLayout rows, FenLayout cols, const char spec[], FenCost *);
FEN_EXTERN PetscErrorCode FenCostDestroy(FenCost *);
FEN_EXTERN PetscErrorCode FenCostGetKind(FenCost, FenCostKind *);
FEN_EXTERN PetscErrorCode FenCostGetMatrix(FenCost, const double *byrow[], const double *bycol[]);
/* of two points that differ along one axis only */
FEN_EXTERN double FenCostOfDistance(FenCost, double distance);
/* how far a cost blurs what is `width` wide: |x-y|^2 its square, |x-y| the width itself */
FEN_EXTERN PetscErrorCode FenCostBlur(FenCost, FenMeasure, FenMeasure, double width, double *);
/* a sum of costs of the axes: grids take such costs axis by axis */
FEN_EXTERN PetscErrorCode FenCostIsSeparable(FenCost, PetscBool *);
/* n x m costs between points x (n x dim) and y (m x dim); not of a matrix */
FEN_EXTERN PetscErrorCode FenCostEvaluate(FenCost, PetscInt dim, FenInt n, const double x[], FenInt m, const double y[],
                                          double tile[]);
/* refuses a cost that these measures cannot have, by name */
FEN_EXTERN PetscErrorCode FenCostCheck(FenCost, FenMeasure, FenMeasure);
/* upper bound of c over all pairs of points (bounding boxes; maximum for a matrix) */
FEN_EXTERN PetscErrorCode FenCostGetMaximum(FenCost, FenMeasure, FenMeasure, double *);

#if defined(__cplusplus)
}
#endif
