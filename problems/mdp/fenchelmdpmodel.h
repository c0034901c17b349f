/* SPDX-License-Identifier: BSD-2-Clause */
/*
   FenMDPModel: a Markov decision process as rows. A row is a feasible pair (state, action): its successors with their
   probabilities, and a reward. Infeasible pairs are absent; a state without rows is terminal. Mathematics and data, no
   iteration.

   States are numbered globally and owned in contiguous ranges; all rows of a state live on its owner. Costs are
   minimised by FEN_MDP_MIN with rewards that are costs: values have the same sign as what the user gave.
*/
#pragma once
#include <fenchellayout.h>

#if defined(__cplusplus)
extern "C" {
#endif

typedef struct _p_FenMDPModel *FenMDPModel;
FEN_EXTERN PetscClassId        FENMDPMODEL_CLASSID;

typedef enum { FEN_MDP_DISCOUNTED, FEN_MDP_FINITE, FEN_MDP_TOTAL, FEN_MDP_AVERAGE } FenMDPCriterion;
FEN_EXTERN const char *const FenMDPCriteria[]; /* discounted finite total average */
typedef enum { FEN_MDP_MAX, FEN_MDP_MIN } FenMDPSense;
FEN_EXTERN const char *const FenMDPSenses[]; /* max min */

/* the rows of my states, local arrays */
typedef struct {
  FenInt  nstates;     /* mine */
  FenInt *state_ptr;   /* nstates + 1: rows of my k-th state are state_ptr[k] .. state_ptr[k+1]-1 */
  int    *action;      /* the user's number of a row's action, ascending inside a state */
  FenInt *row_ptr;     /* rows + 1 */
  FenInt *next;        /* successors, global numbers, ascending inside a row, no duplicates */
  double *prob;        /* > 0 */
  double *reward;      /* a row's expected reward */
  double *reward_next; /* reward of each successor, or NULL: then it is in `reward`; `reward` is the mean either way */
  /* optional, for robust models: bounds of each probability, both or none; zeros that stay because they list states
     which nature may use */
  double   *prob_low, *prob_up;
  PetscBool listed;
} FenMDPRows;

/* my rows, copied; checked: bounds hold the probabilities, probabilities finite and >= 0, rows sum to one within 1e-10
   times their length (or at most one if substochastic), successors in range, rewards finite, actions ascending.
   Duplicated successors are added, zeros dropped. Errors name state, action, value and rule, and are agreed by all
   ranks */
FEN_EXTERN PetscErrorCode FenMDPModelCreateRows(MPI_Comm, const FenMDPRows *, PetscBool substochastic, FenMDPModel *);

/* Rows made on demand: nothing is stored. `row` fills at most `max_next` successors of the row-th feasible action of a
   state, in any order, duplicates allowed; it must give the same row on every call (checked in debug builds) */
typedef struct {
  FenInt    next[1024];
  double    prob[1024], reward_next[1024];
  FenInt    n;
  int       action;
  double    reward;
  PetscBool by_next; /* reward_next is used */
  /* bounds of the probabilities where the model has them (FenMDPModelGetRow only), otherwise NULL; the model's */
  const double *prob_low, *prob_up;
} FenMDPRow;
/* rows of FEN_MDP_LANES states that follow each other: entry j of lane l is at FEN_MDP_LANES j + l */
#define FEN_MDP_LANES 8
typedef struct {
  FenInt  n; /* entries of each of them; negative: they are not alike, make them one by one */
  FenInt *next;
  double *prob;
  double  reward[FEN_MDP_LANES];
} FenMDPRowLanes;
typedef struct {
  FenInt nstates;  /* in all */
  int    nactions; /* most a state has */
  FenInt max_next;
  PetscErrorCode (*nrows)(void *, FenInt state, int *); /* feasible actions of a state; NULL: nactions everywhere */
  PetscErrorCode (*row)(void *, FenInt state, int k, FenMDPRow *);
  /* for speed, may be NULL: the k-th rows of `state` and the seven states after it, which are those that `row` makes,
     as they are finished: successors ascending and each once, probabilities positive. Rows by successor, states with
     fewer rows than nactions, and actions that are not numbered like rows have no lanes */
  PetscErrorCode (*lanes)(void *, FenInt state, int k, FenMDPRowLanes *);
  PetscErrorCode (*destroy)(void *);
  void *ctx;
} FenMDPGenerator;
FEN_EXTERN PetscErrorCode FenMDPModelCreateGenerator(MPI_Comm, const FenMDPGenerator *, FenMDPModel *);
/* a generated model with its rows stored */
FEN_EXTERN PetscErrorCode FenMDPModelStore(FenMDPModel, FenMDPModel *stored);

/* makes all rows twice: an error if they differ */
FEN_EXTERN PetscErrorCode FenMDPModelCheck(FenMDPModel);

FEN_EXTERN PetscErrorCode FenMDPModelDestroy(FenMDPModel *);
FEN_EXTERN PetscErrorCode FenMDPModelView(FenMDPModel, PetscViewer);

/* what belongs to the model beside the rows; a reader or generator sets them, options may override */
FEN_EXTERN PetscErrorCode FenMDPModelSetSense(FenMDPModel, FenMDPSense);
FEN_EXTERN PetscErrorCode FenMDPModelGetSense(FenMDPModel, FenMDPSense *);
FEN_EXTERN PetscErrorCode FenMDPModelSetDiscount(FenMDPModel, double); /* NAN: the model does not say */
FEN_EXTERN PetscErrorCode FenMDPModelGetDiscount(FenMDPModel, double *);
FEN_EXTERN PetscErrorCode FenMDPModelSetCriterion(FenMDPModel, FenMDPCriterion, FenInt horizon);
FEN_EXTERN PetscErrorCode FenMDPModelGetCriterion(FenMDPModel, FenMDPCriterion *, FenInt *horizon);
/* values of terminal states and, with a finite horizon, of the last step; on my states, copied; NULL: zero */
FEN_EXTERN PetscErrorCode FenMDPModelSetTerminal(FenMDPModel, const double[]);
FEN_EXTERN PetscErrorCode FenMDPModelGetTerminal(FenMDPModel, const double *[]); /* NULL if none was set */
FEN_EXTERN PetscErrorCode FenMDPModelSetName(FenMDPModel, const char[]);
FEN_EXTERN PetscErrorCode FenMDPModelGetName(FenMDPModel, const char *[]);
/* weights of successors in the norms l1 and linf of robust models, > 0; on my states, copied; NULL: one */
FEN_EXTERN PetscErrorCode FenMDPModelSetWeight(FenMDPModel, const double[]);
FEN_EXTERN PetscErrorCode FenMDPModelGetWeight(FenMDPModel, const double *[]); /* NULL if none was set */
/* picture of the states: height, width (row by row), 0,0 if they are no grid */
FEN_EXTERN PetscErrorCode FenMDPModelSetGrid(FenMDPModel, const FenInt[2]);
FEN_EXTERN PetscErrorCode FenMDPModelGetGrid(FenMDPModel, FenInt[2]);

FEN_EXTERN PetscErrorCode FenMDPModelGetLayout(FenMDPModel, FenLayout *); /* one axis: states; owned by the model */
typedef struct {
  FenInt    states, rows, nnz;      /* global; a generated model counts them on first use */
  FenInt    actions;                /* largest action number + 1 */
  FenInt    max_next;               /* longest row */
  double    reward_min, reward_max; /* over all rows and successors */
  PetscBool stored, substochastic, by_next;
  PetscBool intervals; /* probabilities have bounds */
} FenMDPSizes;
FEN_EXTERN PetscErrorCode FenMDPModelGetSizes(FenMDPModel, FenMDPSizes *);
/* stored models: my rows, owned by the model */
FEN_EXTERN PetscErrorCode FenMDPModelGetRows(FenMDPModel, const FenMDPRows *[]);
/* any model: number of rows of my k-th state, and one of them, sorted and with duplicates added. Not collective */
FEN_EXTERN PetscErrorCode FenMDPModelGetStateRows(FenMDPModel, FenInt k, int *);
FEN_EXTERN PetscErrorCode FenMDPModelGetRow(FenMDPModel, FenInt k, int row, FenMDPRow *);
/* rows made on demand: of any state of any rank, by its global number. Not collective */
FEN_EXTERN PetscErrorCode FenMDPModelMakeStateRows(FenMDPModel, FenInt state, int *);
FEN_EXTERN PetscErrorCode FenMDPModelMakeRow(FenMDPModel, FenInt state, int row, FenMDPRow *);
FEN_EXTERN PetscErrorCode FenMDPModelHasLanes(FenMDPModel, PetscBool *);
FEN_EXTERN PetscErrorCode FenMDPModelMakeLanes(FenMDPModel, FenInt state, int row, FenMDPRowLanes *);
/* stored models: a solver may take the entries of the rows instead of copying them; then the model has them no more */
FEN_EXTERN PetscErrorCode FenMDPModelSetExpendable(FenMDPModel, PetscBool);
FEN_EXTERN PetscErrorCode FenMDPModelTakeEntries(FenMDPModel, FenInt *next[], double *prob[], PetscBool *taken);
FEN_EXTERN PetscErrorCode FenMDPModelFingerprint(FenMDPModel, FenFingerprint *);

/* ---- files ---- spec: FILE.h5[:/group], stacked PETSc binary (.bin of probabilities with -model_rewards), PRISM
   explicit (.tra with .srew/.trew/.lab beside it), Storm .drn, .csv (state,action,next,probability,reward) */
FEN_EXTERN PetscErrorCode FenMDPModelRead(MPI_Comm, const char spec[], FenMDPModel *);
FEN_EXTERN PetscErrorCode FenMDPModelWrite(FenMDPModel, const char spec[], PetscBool overwrite);
/* as a group of an HDF5 file that is open for writing (fenchelio.h) */
struct _p_FenFile;
FEN_EXTERN PetscErrorCode FenMDPModelWriteGroup(FenMDPModel, struct _p_FenFile *, const char path[]);

/* ---- built-in problems (spec: chain gridworld maze garnet inventory sis queue forest pendulum machine riverswim
   mortality ring put): sizes and parameters are options -NAME_..., -n; stored unless matrix_free */
FEN_EXTERN const char *const FenMDPProblems[];
FEN_EXTERN PetscErrorCode FenMDPModelGenerate(MPI_Comm, const char name[], const char prefix[], PetscBool matrix_free,
                                              FenMDPModel *);

#if defined(__cplusplus)
}
#endif
