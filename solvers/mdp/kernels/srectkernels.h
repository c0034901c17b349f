/* SPDX-License-Identifier: BSD-2-Clause */
/* s-rectangular states of a chunk side by side: kl, burg and hellinger around stored rows without rewards of successors
 */
#pragma once
#include "bellmankernels.h"
#include <fenchelsrect.h>

#define FEN_SRECT_NUMBERS 8 /* that a row needs of work */

typedef struct {
  FenSRectKind     kind;
  double           budget;
  const FenChunks *chunks;
  double          *d, *numbers; /* work of the fullest chunk: FEN_LANES a column; as many times the numbers a slot */
} FenSRectRuns;

/* u, tau: start in, answer out, as FenSRectSolve() has them; only where `good` is positive is it an answer */
typedef struct {
  double  u[FEN_LANES], scale[FEN_LANES], spread[FEN_LANES], good[FEN_LANES]; /* scale: sum of tau */
  double *tau, *mix;                                                          /* FEN_LANES a slot of the chunk */
} FenSRectStates;
