/* SPDX-License-Identifier: BSD-2-Clause */
/* What this rank has sent so far, counted where MPI's calls are made: by the program and by all libraries. */
#pragma once

typedef struct {
  double messages, bytes; /* to one other rank each */
  double collectives;
  double collected; /* bytes that this rank gave to them */
} BenchSent;

extern BenchSent bench_sent;
