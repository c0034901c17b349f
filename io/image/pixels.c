/* SPDX-License-Identifier: BSD-2-Clause */
/*
   What all image types share: shape and transparency.
*/
#include "../array/arrayimpl.h"

void FenImageShape_Private(FenArrayHeader *head, FenInt height, FenInt width, PetscInt channels)
{
  head->rank = channels >= 3 ? 3 : 2;
  head->shape[0] = height;
  head->shape[1] = width;
  head->shape[2] = channels >= 3 ? 3 : 0;
}

void FenImageCompose_Private(FenInt width, PetscInt channels, double row[])
{
  const PetscInt colours = channels >= 3 ? 3 : 1;

  if (channels == colours)
    return;
  for (FenInt x = 0; x < width; x++) /* the target never overtakes the source */
    for (PetscInt c = 0; c < colours; c++)
      row[x * colours + c] = row[x * channels + c] * row[x * channels + colours];
}
