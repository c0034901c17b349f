/* SPDX-License-Identifier: BSD-2-Clause */
/*
   FenTeams: ranks split into teams of equal size that work on different samples at once; within a team every sample
   is cut over its ranks. Rank r belongs to team r / size. Team t has the samples [t m / T, (t+1) m / T).
*/
#pragma once
#include <fenchellayout.h>

#if defined(__cplusplus)
extern "C" {
#endif

typedef struct _p_FenTeams *FenTeams;

typedef struct {
  MPI_Comm    world, team, across; /* across: the ranks that have my place in the other teams */
  PetscMPIInt nteams, size;        /* teams, ranks of each */
  PetscMPIInt index, rank;         /* my team, my place in it */
} FenTeamsInfo;

/* collective; size: ranks of a team, must divide the ranks of the communicator */
FEN_EXTERN PetscErrorCode FenTeamsCreate(MPI_Comm, PetscMPIInt size, FenTeams *);
FEN_EXTERN PetscErrorCode FenTeamsDestroy(FenTeams *);
FEN_EXTERN PetscErrorCode FenTeamsGetInfo(FenTeams, FenTeamsInfo *);
/* the divisor of nranks that finishes m samples soonest when a sample can be cut into `most` parts at best */
FEN_EXTERN PetscMPIInt FenTeamsChooseSize(PetscMPIInt nranks, FenInt m, FenInt most);
/* samples of my team */
FEN_EXTERN PetscErrorCode FenTeamsGetSamples(FenTeams, FenInt m, FenInt *start, FenInt *end);
/* m samples of rows x width numbers, rows cut over a team: three axes, sample by sample in natural order */
FEN_EXTERN PetscErrorCode FenTeamsCreateLayout(FenTeams, FenInt m, FenInt rows, FenInt width, FenLayout *);
/* m items of unlike cost, handed to teams one by one as they become free: item = -1 when all are given away. Begin and
   End are collective on all ranks, Next on those of a team */
FEN_EXTERN PetscErrorCode FenTeamsShareBegin(FenTeams, FenInt m);
FEN_EXTERN PetscErrorCode FenTeamsShareNext(FenTeams, FenInt *item);
FEN_EXTERN PetscErrorCode FenTeamsShareEnd(FenTeams);
/* n numbers cut over the ranks of a team, the same in every team: my range */
FEN_EXTERN PetscErrorCode FenTeamsGetRange(FenTeams, FenInt n, FenInt *start, FenInt *end);

#if defined(__cplusplus)
}
#endif
