/* SPDX-License-Identifier: BSD-2-Clause */
/* A d-rectangular problem by its name, with options of its own. */
#pragma once
#include <fenchellinear.h>
#include "fentest.h"

static inline FenLinearProblem LinearProblemMake(const char *name, const char *options)
{
  FenLinearProblem p;
  PetscOptions     o;

  FEN_OK(PetscOptionsCreate(&o));
  FEN_OK(PetscOptionsInsertString(o, options));
  FEN_OK(PetscOptionsPush(o));
  FEN_OK(FenLinearProblemCreate(MPI_COMM_WORLD, name, NULL, &p));
  FEN_OK(PetscOptionsPop());
  FEN_OK(PetscOptionsDestroy(&o));
  return p;
}
