/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Arrays of another size. "average": a new pixel is the mean over the old ones that it covers. "linear": old pixels are
   weighted by a triangle around the middle of the new one, half as wide as two new pixels, and never less than two old
   ones: smoother, and what Pillow and torchvision do when they shrink an image bilinearly.
*/
#include "imagesfile.h"
#include "../ot/measureimpl.h"

const char *const FenDenoiseResizes[] = {"average", "linear", "FenDenoiseResize", "FEN_RESIZE_", NULL};

/* n x inner numbers averaged to N x inner */
static PetscErrorCode Average(FenInt n, FenInt N, FenInt inner, const double old[], double resized[])
{
  const FenInt shape[2][2] = {{n, 1}, {N, 1}};
  FenLayout    from, to;
  PetscInt     components;

  PetscFunctionBegin;
  PetscCall(FenIntCast(inner, &components));
  PetscCall(FenLayoutCreateGrid(PETSC_COMM_SELF, 2, shape[0], NULL, &from));
  PetscCall(FenLayoutCreateGrid(PETSC_COMM_SELF, 2, shape[1], NULL, &to));
  PetscCall(FenResizeImage_Private(from, to, components, old, resized));
  PetscCall(FenLayoutDestroy(&from));
  PetscCall(FenLayoutDestroy(&to));
  PetscFunctionReturn(0);
}

static void Linear(FenInt n, FenInt N, FenInt inner, const double old[], double resized[])
{
  const double step = (double)n / (double)N, reach = PetscMax(step, 1);

  for (FenInt i = 0; i < N; i++) {
    const double middle = ((double)i + 0.5) * step - 0.5; /* in old pixels */
    const FenInt from = PetscMax(0, (FenInt)PetscFloorReal(middle - reach)), to = (FenInt)(middle + reach) + 1;
    double       all = 0;

    for (FenInt j = 0; j < inner; j++)
      resized[i * inner + j] = 0;
    for (FenInt k = from; k <= PetscMin(to, n - 1); k++) {
      const double weight = PetscMax(0, 1 - PetscAbsReal((double)k - middle) / reach);

      for (FenInt j = 0; j < inner; j++)
        resized[i * inner + j] += weight * old[k * inner + j];
      all += weight;
    }
    for (FenInt j = 0; j < inner; j++)
      resized[i * inner + j] /= all;
  }
}

/* axis by axis, the last first; an array with fewer axes has ones for the others */
PetscErrorCode FenImageResize_Private(const FenDenoise *d, const FenInt n[], double **pixels)
{
  FenInt inner = 1;

  PetscFunctionBegin;
  for (PetscInt a = FEN_DENOISE_AXES - 1; a >= 0; a--) {
    const FenInt N = d->shape[a];
    FenInt       outer = 1;
    double      *resized;

    for (PetscInt o = 0; o < a; o++)
      outer *= n[o];
    PetscCall(PetscMalloc1((size_t)(outer * N * inner), &resized));
    for (FenInt o = 0; o < outer && n[a] != N; o++)
      if (d->resize == FEN_RESIZE_AVERAGE)
        PetscCall(Average(n[a], N, inner, *pixels + o * n[a] * inner, resized + o * N * inner));
      else
        Linear(n[a], N, inner, *pixels + o * n[a] * inner, resized + o * N * inner);
    if (n[a] == N)
      PetscCall(PetscArraycpy(resized, *pixels, outer * N * inner));
    PetscCall(PetscFree(*pixels));
    *pixels = resized;
    inner *= N;
  }
  PetscFunctionReturn(0);
}
