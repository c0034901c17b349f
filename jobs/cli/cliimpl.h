/* SPDX-License-Identifier: BSD-2-Clause */
/*
   The command `fenchel`: what its files share. Every verb is one file; the rest are the parts that all verbs use.
*/
#pragma once
#include <fenchelio.h>
#include <fenchelmdp.h>
#include <fenchelot.h>

/* exit statuses that are not an error of the catalogue */
#define FEN_EXIT_CONVERGED     0
#define FEN_EXIT_INTERNAL      1
#define FEN_EXIT_USAGE         2
#define FEN_EXIT_NOT_CONVERGED 3
#define FEN_EXIT_STOPPED       75

/* one option as -help shows it */
typedef struct {
  char group[64], name[64], value[128], text[512];
} FenOptionLine;

/*S FenCLI - one run of the command S*/
typedef struct {
  MPI_Comm       comm;
  PetscMPIInt    rank, size;
  const char    *verb;
  const char    *argument; /* the verb's file, NULL if it takes none */
  char         **more;     /* further files, where the verb takes several */
  int            nmore;
  double         start;    /* FenWallTime at start */
  PetscBool      quiet;    /* one run of many: no header, no progress, no footer */
  PetscInt       noptions; /* all options of the verb */
  FenOptionLine *options;
} FenCLI;

typedef struct {
  const char *name;
  const char *argument; /* how the help text calls the file after the verb; NULL: the verb takes none */
  const char *usage, *summary;
  int (*script)(int, char **);            /* verbs that need neither MPI nor PETSc */
  PetscErrorCode (*run)(FenCLI *, int *); /* the others */
  PetscErrorCode (*options)(FenCLI *);    /* runs every options block of the verb, for help and suggestions */
  int several;                            /* files may follow the first one */
} FenVerb;

/* ---- errors (clierror.c) ---- */
extern PetscErrorCode FenCLIErrorCatch_Private(void);
extern PetscErrorCode FenCLIErrorPrepare_Private(MPI_Comm);
extern int            FenCLIErrorReport_Private(PetscErrorCode);
/* the sentence of an error that ends only a part of the work; the next error is a first one again */
extern PetscErrorCode FenCLIErrorTake_Private(PetscErrorCode, char[], size_t, int *status);

/* ---- options (options.c, optionlist.c) ---- */
extern PetscErrorCode FenCLIOptionsCheck_Private(FenCLI *);
extern PetscErrorCode FenCLIOptionsWarnUnused_Private(FenCLI *);
extern PetscErrorCode FenCLIOptionsHelp_Private(FenCLI *, const FenVerb *);
extern PetscErrorCode FenCLIOptionsCollect_Private(FenCLI *, const FenVerb *);
extern int            FenCLIEditDistance_Private(const char[], const char[]);

/* ---- header and footer of a run (header.c, summary.c) ---- */
extern PetscErrorCode FenCLIHeaderBegin_Private(FenCLI *);
extern PetscErrorCode FenCLIBytesText_Private(double, char[], size_t);

typedef enum { FEN_FIELD_TEXT, FEN_FIELD_INT, FEN_FIELD_REAL } FenFieldKind;
typedef struct {
  const char  *key;
  FenFieldKind kind;
  char         text[128];
  FenInt       integer;
  double       real;
} FenField;
#define FEN_SUMMARY_MAX 64
typedef struct {
  int      n;
  FenField field[FEN_SUMMARY_MAX];
} FenSummary;
extern PetscErrorCode FenSummaryText_Private(FenSummary *, const char[], const char[]);
extern PetscErrorCode FenSummaryInt_Private(FenSummary *, const char[], FenInt);
extern PetscErrorCode FenSummaryReal_Private(FenSummary *, const char[], double);
extern PetscErrorCode FenSummaryWrite_Private(FenSummary *, MPI_Comm, const char[]);
extern PetscErrorCode FenSummaryPrint_Private(FenSummary *, MPI_Comm);
/* the members of the JSON object, each line after an indent; a text as JSON writes it */
extern void FenSummaryMembers_Private(FILE *, const FenSummary *, const char indent[]);
extern void FenJSONText_Private(FILE *, const char[]);
/* local: a text file that is complete or not there */
extern void FenTextFileReplace_Private(const char path[], const char text[], FenFault *);

/* ---- progress (progress.c) ---- */
typedef struct _p_FenCLIProgress *FenCLIProgress;
extern PetscErrorCode FenCLIProgressCreate_Private(FenCLI *, FenSolver, const char parameter[], FenCLIProgress *);
extern PetscErrorCode FenCLIProgressDestroy_Private(FenCLIProgress *);

/* ---- checkpoints (checkpoint.c) ---- */
typedef struct _p_FenCLICkpt *FenCLICkpt;
typedef struct {
  char      dir[PETSC_MAX_PATH_LEN];
  PetscReal interval, walltime;
  PetscInt  keep;
  PetscBool restart;
} FenCLICkptOptions;
extern PetscErrorCode FenCLICkptReadOptions_Private(FenCLI *, FenCLICkptOptions *);
extern PetscErrorCode FenCLICkptCreate_Private(FenCLI *, const FenCLICkptOptions *, FenSolver, PetscInt,
                                               const FenCkptKey[], FenCLICkpt *);
extern PetscErrorCode FenCLICkptRestart_Private(FenCLICkpt);
extern PetscErrorCode FenCLICkptFinish_Private(FenCLICkpt, PetscBool *stopped_and_saved);
extern PetscErrorCode FenCLICkptGetTime_Private(FenCLICkpt, double *);
extern PetscErrorCode FenCLICkptGetPath_Private(FenCLICkpt, const char *[]);
extern PetscErrorCode FenCLICkptDestroy_Private(FenCLICkpt *);
/* collective: between two runs of many, has somebody asked to stop, or is the time up? */
extern PetscErrorCode FenCLIStopAsked_Private(FenCLI *, const FenCLICkptOptions *, PetscBool *);

/* ---- outputs (output.c) ---- */
extern PetscErrorCode FenCLIOutputCheck_Private(FenCLI *, const char path[], PetscBool overwrite);

/* ---- one run of a verb that solves (run.c, runsummary.c): all families do this alike ---- */
typedef struct {
  char      result[PETSC_MAX_PATH_LEN], summary[PETSC_MAX_PATH_LEN];
  PetscBool overwrite;
} FenOutputs;
extern PetscErrorCode FenOutputsReadOptions_Private(FenOutputs *, PetscOptionItems *);
extern PetscErrorCode FenOutputsCheck_Private(FenCLI *, const FenOutputs *);

#define FEN_KEYS_MAX 24
typedef struct {
  PetscInt   n;
  FenCkptKey key[FEN_KEYS_MAX];
} FenKeys;
extern PetscErrorCode FenKeysAdd_Private(FenKeys *, const char name[], const char value[]);
extern PetscErrorCode FenKeysAddReal_Private(FenKeys *, const char name[], double);
extern PetscErrorCode FenKeysAddFingerprint_Private(FenKeys *, const char name[], const FenFingerprint *);

/* what a family adds to a run */
typedef struct _FenRun FenRun;
typedef struct {
  const char *parameter;              /* name of FenProgress.parameter in a progress line; NULL: it is not shown */
  PetscErrorCode (*read)(FenRun *);   /* the problem */
  PetscErrorCode (*make)(FenRun *);   /* the solver, options read */
  PetscErrorCode (*header)(FenRun *); /* after make, before memory is taken */
  PetscErrorCode (*keys)(FenRun *, FenKeys *);          /* what a checkpoint must have in common with the run */
  PetscErrorCode (*certify)(FenRun *, PetscBool hurry); /* final bounds: lower, upper, gap_rel */
  PetscErrorCode (*write)(FenRun *, FenFile);           /* the problem and the answer */
  PetscErrorCode (*side)(FenRun *);                     /* files beside the result; optional */
  PetscErrorCode (*footer)(FenRun *);                   /* lines before the summary's table; NULL: none */
  PetscErrorCode (*summarise)(FenRun *, FenSummary *);  /* the family's keys */
  PetscErrorCode (*destroy)(FenRun *);
} FenRunOps;

/* a family's run has this as its first member */
struct _FenRun {
  FenCLI                  *cli;
  const FenRunOps         *ops;
  const FenOutputs        *out;
  const FenCLICkptOptions *ckpt;
  FenSolver                solver;
  FenProgress              progress;
  FenReason                reason;
  double                   lower, upper, gap_rel; /* certified */
  /* what somebody wants to do with the answer before it is destroyed; may be NULL */
  PetscErrorCode (*done)(FenRun *, int status, const FenSummary *, void *);
  void *done_ctx;
};
extern PetscErrorCode FenRunExecute_Private(FenRun *, int *status);
extern PetscErrorCode FenRunSummarise_Private(FenRun *, FenSummary *, int status, double time_io);
extern PetscErrorCode FenRunFooter_Private(FenRun *, FenSummary *, FenCLICkpt, int status);
/* options that a solver asks for outside of any block: -STEM_monitor and the like */
extern PetscErrorCode FenRunListViews_Private(FenCLI *, const char stem[]);

/* ---- result files: the common part (result.c, resultprovenance.c) ---- */
extern PetscErrorCode FenResultWrite_Private(FenRun *);
extern PetscErrorCode FenResultWriteArray_Private(FenFile, const char path[], FenLayout, PetscInt ncomp,
                                                  const double[]);
extern PetscErrorCode FenResultWriteNumber_Private(FenFile, const char path[], double);
/* group /bounds with the solver's value and these two; a family adds its own */
extern PetscErrorCode FenResultWriteBounds_Private(FenFile, FenSolver, double lower, double upper);
extern PetscErrorCode FenResultWriteHistory_Private(FenRun *, FenFile);
extern PetscErrorCode FenResultWriteProvenance_Private(FenRun *, FenFile);
extern PetscErrorCode FenResultSideName_Private(const char result[], const char ending[], char name[], size_t);
extern PetscErrorCode FenLayoutFingerprint_Private(FenLayout, PetscInt ncomp, const double[], char[], size_t);
extern PetscErrorCode FenFingerprintText_Private(const FenFingerprint *, char[], size_t);

/* ---- fenchel ot ---- */
#define FEN_FRAMES_MAX 1000
typedef struct {
  FenMeasureSource  source, target;
  PetscBool         normalize;
  FenCostKind       cost;
  PetscReal         cost_power;
  char              cost_matrix[PETSC_MAX_PATH_LEN];
  FenOutputs        out;
  PetscBool         map, displacement, store_cost, store_cost_set;
  PetscInt          frames;             /* 0: none */
  PetscReal         plan_threshold;     /* < 0: no plan */
  PetscInt          pairing, team_size; /* many pairs, see otpairs.h */
  FenCLICkptOptions ckpt;
} FenOTOptions;

typedef struct {
  FenRun        run;
  FenOTOptions *opt;
  FenMeasure    source, target;
  FenCost       cost;
  FenOT         ot;
  FenOTBounds   bounds;
} FenOTRun;

extern PetscErrorCode FenVerbOT_Private(FenCLI *, int *);
/* a run of one pair, nothing read yet */
extern void           FenOTRunBegin_Private(FenCLI *, FenOTOptions *, FenOTRun *);
extern PetscErrorCode FenVerbOTOptions_Private(FenCLI *);
extern PetscErrorCode FenOTOptionsRead_Private(FenCLI *, FenOTOptions *);
extern PetscErrorCode FenOTOptionsCheck_Private(FenCLI *, FenOTOptions *);
extern PetscErrorCode FenOTKeys_Private(FenRun *, FenKeys *);
extern PetscErrorCode FenOTDescribe_Private(FenMeasure, char[], size_t);
extern PetscErrorCode FenOTSummarise_Private(FenRun *, FenSummary *);
extern PetscErrorCode FenOTWrite_Private(FenRun *, FenFile);
extern PetscErrorCode FenOTWritePlan_Private(FenOTRun *, FenFile);
extern PetscErrorCode FenOTXDMF_Private(FenRun *);
/* barycentric map, displacement, frames (otfields.c) */
extern PetscErrorCode FenOTWriteFields_Private(FenOTRun *, FenFile);
extern PetscErrorCode FenOTCheckFields_Private(FenOTRun *);

/* ---- fenchel mdp ---- */
/* where a model comes from, and what the command changes in it; also read from a result, to make the model again */
typedef struct {
  char      file[PETSC_MAX_PATH_LEN], problem[64]; /* one of them */
  PetscBool matrix_free;
  int       sense, criterion; /* -1: the model's own */
  FenInt    horizon;
} FenMDPSource;

typedef struct {
  FenMDPSource      source;
  FenOutputs        out;
  PetscBool         store_model, store_model_set, kernel;
  FenCLICkptOptions ckpt;
} FenMDPOptions;

typedef struct {
  FenRun         run;
  FenMDPOptions *opt;
  FenMDPModel    model;
  FenMDPSizes    sizes;
  FenFingerprint print; /* of the model */
  FenMDP         mdp;
  FenMDPBounds   bounds;
} FenMDPRun;

extern PetscErrorCode FenVerbMDP_Private(FenCLI *, int *);
extern PetscErrorCode FenVerbMDPOptions_Private(FenCLI *);
extern PetscErrorCode FenMDPOptionsRead_Private(FenCLI *, FenMDPOptions *);
extern PetscErrorCode FenMDPOptionsCheck_Private(FenCLI *, FenMDPOptions *);
extern PetscErrorCode FenMDPSourceRead_Private(MPI_Comm, const FenMDPSource *, FenMDPModel *);
extern PetscErrorCode FenMDPSourceDescribe_Private(const FenMDPSource *, char[], size_t);
extern PetscErrorCode FenMDPWrite_Private(FenRun *, FenFile);
extern PetscErrorCode FenMDPXDMF_Private(FenRun *);
/* randomised policies and the worst-case kernel (mdplaw.c) */
extern PetscErrorCode FenMDPWriteLaw_Private(FenMDPRun *, FenFile);
extern PetscErrorCode FenMDPWriteKernel_Private(FenMDPRun *, FenFile);
/* numbers of states in a result: one axis, or the picture's two */
extern PetscErrorCode FenStatesWrite_Private(FenFile, const char path[], FenLayout, const FenInt grid[2],
                                             const double[]);
extern PetscErrorCode FenStatesWriteInts_Private(FenFile, const char path[], FenLayout, const FenInt grid[2],
                                                 const double[]);
extern PetscErrorCode FenStatesRead_Private(FenFile, const char path[], FenLayout, const FenInt grid[2], double[]);

/* ---- fenchel bilevel ---- */
extern PetscErrorCode FenVerbBilevel_Private(FenCLI *, int *);
extern PetscErrorCode FenVerbBilevelOptions_Private(FenCLI *);

/* ---- the other verbs ---- */
extern PetscErrorCode FenVerbVerify_Private(FenCLI *, int *);
extern PetscErrorCode FenVerbVerifyOptions_Private(FenCLI *);
extern PetscErrorCode FenVerbInfo_Private(FenCLI *, int *);
extern PetscErrorCode FenVerbInfoOptions_Private(FenCLI *);
extern int            FenVerbPlot_Private(int, char **);
extern int            FenCLIIsFirst_Private(void);
