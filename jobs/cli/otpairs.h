/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Many pairs in one run of `fenchel ot`: what its files share.
*/
#pragma once
#include "cliimpl.h"
#include <fenchelteams.h>

typedef enum { FEN_PAIRING_AUTO, FEN_PAIRING_PAIRWISE, FEN_PAIRING_ALL, FEN_PAIRING_UPPER } FenOTPairing;
extern const char *const FenOTPairings[];

/* names as the options give them, the same on all ranks */
typedef struct {
  FenInt n;
  char  *text; /* all names, each ended by a zero byte */
  char **name;
} FenOTNames;

/* pair k is source[k], target[k] of the lists */
typedef struct {
  FenOTNames source, target;
  FenInt     n, *i, *j;
} FenOTPairs;

/* what is known of a pair when it is done */
typedef struct {
  int    status, known; /* known: the numbers are; otherwise the pair was not solved */
  FenInt iterations;
  double lower, upper, gap_rel, seconds;
  char   type[32], reason[64];
} FenOTPairLine;
typedef struct {
  FenInt        pair;
  FenOTPairLine line;
  char         *json; /* members of the pair's object in the summary; malloc'ed, on the first rank of the team */
} FenOTRecord;

/* lists (otlist.c) */
extern PetscErrorCode FenOTPairsMake_Private(FenCLI *, const FenOTOptions *, FenOTPairs *);
extern PetscErrorCode FenOTPairsDestroy_Private(FenOTPairs *);
/* the inputs of a pair become those of the options */
extern PetscErrorCode FenOTPairsName_Private(const FenOTPairs *, FenInt pair, FenOTOptions *);
/* the same with the pair's own result file and folder of checkpoints */
extern PetscErrorCode FenOTPairsOptions_Private(const FenOTPairs *, FenInt pair, const FenOTOptions *, FenOTOptions *);
/* refuses result files that exist already, and two pairs with one result file; resumed: a checkpoint's pair may */
extern PetscErrorCode FenOTPairsCheckOutputs_Private(FenCLI *, const FenOTPairs *, const FenOTOptions *);

/* all of it (otpairs.c) */
extern PetscErrorCode FenOTPairsRun_Private(FenCLI *, FenOTOptions *, FenOTPairs *, int *status);

/* records (otrecord.c) */
extern PetscErrorCode FenOTRecordMake_Private(const FenOTRun *, FenInt pair, int status, double seconds,
                                              const FenSummary *, FenOTRecord *);
extern PetscErrorCode FenOTRecordRefused_Private(const FenOTOptions *, FenInt pair, int status, const char why[],
                                                 FenOTRecord *);
extern PetscErrorCode FenOTRecordSave_Private(const FenOTRun *, const FenOTRecord *);
/* made, not solved: found is true if the same pair was finished under the same tolerances */
extern PetscErrorCode FenOTRecordLoad_Private(const FenOTRun *, FenInt pair, FenOTRecord *, PetscBool *found);
extern PetscErrorCode FenOTRecordForget_Private(const FenOTOptions *, FenCLI *);
/* one line, by the first rank of a team; the table and the summary, by the first rank of all */
extern void           FenOTRecordPrint_Private(const FenOTPairs *, const FenOTRecord *);
extern PetscErrorCode FenOTRecordsGather_Private(FenTeams, FenInt n, FenOTRecord *mine, FenInt npairs,
                                                 FenOTRecord all[]);
extern PetscErrorCode FenOTRecordsReport_Private(FenCLI *, const FenTeamsInfo *, const FenOTPairs *,
                                                 const FenOTOptions *, FenInt before, FenOTRecord all[], int *status);
