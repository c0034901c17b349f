/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Numbers of states in a result file: a data set with one axis, or with the two axes of the picture if the states are
   cells of a grid. A model's ranges of states need not be whole rows of the picture; they are sent to ranks that hold
   whole rows on the way.
*/
#include "cliimpl.h"

/* the picture, and the same cut as a list of states; without a picture both are NULL */
typedef struct {
  FenLayout grid, rows;
  double   *data;
} Picture;

static PetscErrorCode PictureCreate(FenLayout states, const FenInt grid[2], Picture *p)
{
  MPI_Comm comm = PetscObjectComm((PetscObject)states);
  FenInt   n;

  PetscFunctionBegin;
  *p = (Picture){NULL, NULL, NULL};
  if (grid[0] <= 0 || grid[1] <= 0)
    PetscFunctionReturn(0);
  PetscCall(FenLayoutCreateGrid(comm, 2, grid, NULL, &p->grid));
  PetscCall(FenLayoutGetLocalSize(p->grid, &n));
  PetscCall(FenLayoutCreateRowsLocal(comm, n, &p->rows));
  PetscCall(PetscMalloc1((size_t)(n + 1), &p->data));
  PetscFunctionReturn(0);
}

static PetscErrorCode PictureDestroy(Picture *p)
{
  PetscFunctionBegin;
  PetscCall(FenLayoutDestroy(&p->grid));
  PetscCall(FenLayoutDestroy(&p->rows));
  PetscCall(PetscFree(p->data));
  PetscFunctionReturn(0);
}

static PetscErrorCode Move(FenLayout from, FenLayout to, const double x[], double y[])
{
  FenRedist redist;

  PetscFunctionBegin;
  PetscCall(FenRedistCreate(from, to, &redist));
  PetscCall(FenRedistMove(redist, x, y));
  PetscCall(FenRedistDestroy(&redist));
  PetscFunctionReturn(0);
}

/* written and fingerprinted on the model's layout or the picture's: the fingerprint is of global indices in any case */
static PetscErrorCode Write(FenFile file, const char path[], FenLayout states, const FenInt grid[2], const double x[],
                            PetscBool integers)
{
  Picture       p;
  FenLayout     layout = states;
  const double *data = x;
  char          text[64];

  PetscFunctionBegin;
  PetscCall(PictureCreate(states, grid, &p));
  if (p.grid) {
    PetscCall(Move(states, p.rows, x, p.data));
    layout = p.grid;
    data = p.data;
  }
  PetscCall(integers ? FenFileWriteIntegers(file, path, layout, data) : FenFileWriteArray(file, path, layout, 0, data));
  PetscCall(FenLayoutFingerprint_Private(states, 1, x, text, sizeof(text)));
  PetscCall(FenFileWriteStringAttribute(file, path, "fingerprint", text));
  PetscCall(PictureDestroy(&p));
  PetscFunctionReturn(0);
}

PetscErrorCode FenStatesWrite_Private(FenFile file, const char path[], FenLayout states, const FenInt grid[2],
                                      const double x[])
{
  PetscFunctionBegin;
  PetscCall(Write(file, path, states, grid, x, PETSC_FALSE));
  PetscFunctionReturn(0);
}

PetscErrorCode FenStatesWriteInts_Private(FenFile file, const char path[], FenLayout states, const FenInt grid[2],
                                          const double x[])
{
  PetscFunctionBegin;
  PetscCall(Write(file, path, states, grid, x, PETSC_TRUE));
  PetscFunctionReturn(0);
}

PetscErrorCode FenStatesRead_Private(FenFile file, const char path[], FenLayout states, const FenInt grid[2],
                                     double x[])
{
  Picture p;

  PetscFunctionBegin;
  PetscCall(PictureCreate(states, grid, &p));
  if (p.grid) {
    PetscCall(FenFileReadArray(file, path, p.grid, 0, p.data));
    PetscCall(Move(p.rows, states, p.data, x));
  } else {
    PetscCall(FenFileReadArray(file, path, states, 0, x));
  }
  PetscCall(PictureDestroy(&p));
  PetscFunctionReturn(0);
}
