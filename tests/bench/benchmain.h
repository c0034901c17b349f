/* SPDX-License-Identifier: BSD-2-Clause */
/* What every program of the bench does around its work. */
#pragma once
#include <fenchelsys.h>

static inline int BenchMain(int argc, char **argv, PetscErrorCode (*run)(void))
{
  PetscErrorCode code;

  if (FenInitialize(&argc, &argv, NULL, NULL))
    return 1;
  code = run();
  return FenFinalize() || code ? 1 : 0;
}
