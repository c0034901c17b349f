/* SPDX-License-Identifier: BSD-2-Clause */
/* A monitor that looks whether the bounds of every iteration hold. */
#pragma once
#include <fenchelsolver.h>
#include "fentest.h"
#include <math.h>

typedef struct {
  double truth;
  FenInt looks;  /* iterations seen */
  FenInt bounds; /* with finite bounds */
  int    wrong;
} Watch;

static inline PetscErrorCode WatchLook(FenSolver s, const FenProgress *p, void *ctx)
{
  Watch *w = (Watch *)ctx;

  PetscFunctionBegin;
  (void)s;
  w->looks++;
  w->bounds += isfinite(p->lower) && isfinite(p->upper);
  if (!(p->lower <= w->truth && w->truth <= p->upper)) {
    print_error("iteration %d: [%.17g, %.17g], truth %.17g\n", (int)p->iteration, p->lower, p->upper, w->truth);
    w->wrong++;
  }
  PetscFunctionReturn(0);
}
