/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Norms among what nature does eight states at a time (nature_lanes.c, kernels/naturemoves.h): linf and intervals of
   one radius, linf at a price, and transport at a price between states on a line or a grid.

   Memory: 16 bytes a state that rows reach, for places on a grid, 8 on a line.
*/
#include "nature.h"
#include <math.h>

#define LONGEST 64 /* rows take n^2 operations */

PetscErrorCode FenNatureNormAble_Private(FenBellman b, PetscBool *able)
{
  const FenAmbiguity *a = &b->options.ambiguity;
  const PetscBool     ball = (PetscBool)(a->radius > 0), plain = (PetscBool)(a->distance != FEN_DISTANCE_CALLBACK);
  PetscBool           has = PETSC_FALSE;
  FenMDPSizes         sizes;
  int                 longer = b->longest > LONGEST;

  PetscFunctionBegin;
  *able = PETSC_FALSE;
  if (!FenRowSetHas_Private(b))
    PetscFunctionReturn(0);
  PetscCall(FenMDPModelGetSizes(b->model, &sizes));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &longer, 1, MPI_INT, MPI_MAX, b->comm));
  if (!strcmp(a->name, "wasserstein"))
    has = (PetscBool)(!ball && plain && (a->distance_power <= 0 || a->distance_power == 1));
  else
    has = (PetscBool)(!strcmp(a->name, "linf") || !sizes.intervals);
  *able = (PetscBool)(has && !longer && a->support == FEN_SUPPORT_NOMINAL);
  PetscFunctionReturn(0);
}

PetscErrorCode FenNatureNormPlaces_Private(FenBellman b, double **x, double **y)
{
  const FenAmbiguity *a = &b->options.ambiguity;
  const double        scale = a->distance_scale > 0 ? a->distance_scale : 1;
  const FenInt        n = b->nlocal + b->nghost;
  FenInt              width;

  PetscFunctionBegin;
  PetscCall(FenRowSetNumbers_Private(b, x, &width));
  if (a->distance == FEN_DISTANCE_L1 || a->distance == FEN_DISTANCE_L2) {
    PetscCall(PetscMalloc1((size_t)n + 1, y));
    for (FenInt s = 0; s < n; s++) {
      const FenInt cell = (FenInt)(*x)[s], down = cell / width;

      (*x)[s] = (double)(cell - down * width);
      (*y)[s] = scale * (double)down;
    }
  }
  for (FenInt s = 0; s < n; s++)
    (*x)[s] *= scale;
  PetscFunctionReturn(0);
}
