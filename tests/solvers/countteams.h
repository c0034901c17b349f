/* SPDX-License-Identifier: BSD-2-Clause */
/* Collective messages between teams: countteams.c stands between the program and MPI. */
#pragma once

typedef struct {
  int    size;  /* in: ranks of a team */
  double count; /* calls on communicators that ranks of several teams belong to */
} CountTeams;
extern CountTeams count_teams;
