/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Reads all that verification needs from the result file and checks that the content is what was written: fingerprints,
   finite numbers, masses.
*/
#include "verifyimpl.h"
#include <math.h>

#define MASS_TOLERANCE 1e-12

static PetscErrorCode CheckNumbers(FenVerify *v, const char path[], FenInt first, FenInt n, const double data[],
                                   PetscBool negative_allowed)
{
  FenFault fault = {0};

  PetscFunctionBegin;
  for (FenInt i = 0; i < n; i++) {
    if (isfinite(data[i]) && (negative_allowed || data[i] >= 0))
      continue;
    FenFaultSet(&fault, FEN_ERR_VERIFY, "%s: entry %" FENINT_FMT " is %g, %s", path, first + i, data[i],
                negative_allowed ? "numbers must be finite" : "weights must be finite and not negative");
    break;
  }
  PetscCall(FenFaultAgree(v->comm, &fault));
  PetscFunctionReturn(0);
}

static PetscErrorCode ReadChecked(FenVerify *v, const char path[], FenVerifySide *side, PetscInt ncomp,
                                  PetscBool negative_allowed, double **data)
{
  const PetscInt width = ncomp ? ncomp : 1;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1((size_t)(side->nlocal * width + 1), data));
  PetscCall(FenFileReadArray(v->file, path, side->layout, ncomp, *data));
  PetscCall(CheckNumbers(v, path, side->first * width, side->nlocal * width, *data, negative_allowed));
  PetscCall(FenVerifyFingerprint_Private(v->file, path, side->layout, width, *data));
  PetscFunctionReturn(0);
}

static PetscErrorCode ReadGrid(FenVerify *v, const char group[], FenVerifySide *side)
{
  char path[64];

  PetscFunctionBegin;
  PetscCall(PetscSNPrintf(path, sizeof(path), "%s/shape", group));
  PetscCall(FenFileReadInts(v->file, path, side->dim, side->shape));
  PetscCall(PetscSNPrintf(path, sizeof(path), "%s/spacing", group));
  PetscCall(FenFileReadReals(v->file, path, side->dim, side->spacing));
  PetscCall(PetscSNPrintf(path, sizeof(path), "%s/origin", group));
  PetscCall(FenFileReadReals(v->file, path, side->dim, side->origin));
  side->n = side->inner = 1;
  for (PetscInt k = 0; k < side->dim; k++) {
    PetscCheck(side->shape[k] > 0, v->comm, (PetscErrorCode)FEN_ERR_VERIFY,
               "%s/shape: axis %" PetscInt_FMT " has length %" FENINT_FMT, group, k, side->shape[k]);
    PetscCall(FenIntMult(side->n, side->shape[k], &side->n));
    if (k)
      side->inner *= side->shape[k];
  }
  PetscCall(FenLayoutCreateGrid(v->comm, side->dim, side->shape, NULL, &side->layout));
  PetscFunctionReturn(0);
}

static PetscErrorCode ReadLayout(FenVerify *v, const char group[], FenVerifySide *side)
{
  char        path[64];
  FenDataInfo info;
  FenBox      box;
  PetscBool   has;

  PetscFunctionBegin;
  PetscCall(PetscSNPrintf(path, sizeof(path), "%s/points", group));
  PetscCall(FenFileHas(v->file, path, &has));
  side->grid = has ? PETSC_FALSE : PETSC_TRUE;
  if (side->grid) {
    PetscCheck(side->dim >= 1 && side->dim <= FEN_MAX_DIM, v->comm, (PetscErrorCode)FEN_ERR_VERIFY,
               "%s: a grid of %" PetscInt_FMT " axes", group, side->dim);
    PetscCall(ReadGrid(v, group, side));
  } else {
    PetscCall(FenFileGetInfo(v->file, path, &info));
    PetscCheck(info.rank == 2 && info.shape[1] == side->dim, v->comm, (PetscErrorCode)FEN_ERR_VERIFY,
               "%s is not n x %" PetscInt_FMT, path, side->dim);
    side->n = info.shape[0];
    side->inner = 1;
    PetscCall(FenLayoutCreateRows(v->comm, side->n, &side->layout));
  }
  PetscCall(FenLayoutGetBox(side->layout, -1, &box));
  side->first = box.lo[0] * side->inner;
  side->nlocal = (box.hi[0] - box.lo[0]) * side->inner;
  PetscFunctionReturn(0);
}

static PetscErrorCode CheckMass(FenVerify *v, const char group[], FenVerifySide *side)
{
  PetscFunctionBegin;
  side->mass = 0;
  for (FenInt i = 0; i < side->nlocal; i++)
    side->mass += side->weight[i];
  PetscCall(FenVerifySum_Private(v->comm, &side->mass));
  PetscCheck(FenVerifyIsPenalised_Private(v) || fabs(side->mass - 1) <= MASS_TOLERANCE, v->comm,
             (PetscErrorCode)FEN_ERR_VERIFY, "%s/weights: the mass is 1 %+g, it must be 1", group, side->mass - 1);
  PetscCheck(side->mass > 0 && isfinite(side->mass), v->comm, (PetscErrorCode)FEN_ERR_VERIFY,
             "%s/weights: the mass is %g", group, side->mass);
  PetscFunctionReturn(0);
}

static PetscErrorCode ReadSide(FenVerify *v, const char group[], const char potential[], FenVerifySide *side)
{
  char path[64];

  PetscFunctionBegin;
  PetscCall(ReadLayout(v, group, side));
  PetscCall(PetscSNPrintf(path, sizeof(path), "%s/weights", group));
  PetscCall(ReadChecked(v, path, side, 0, PETSC_FALSE, &side->weight));
  if (!side->grid) {
    PetscCall(PetscSNPrintf(path, sizeof(path), "%s/points", group));
    PetscCall(ReadChecked(v, path, side, side->dim, PETSC_TRUE, &side->point));
  }
  PetscCall(ReadChecked(v, potential, side, 0, PETSC_TRUE, &side->potential));
  PetscCall(CheckMass(v, group, side));
  PetscFunctionReturn(0);
}

static PetscErrorCode ReadBounds(FenVerify *v, FenVerifyBounds *b)
{
  const char *const names[] = {"/bounds/value",    "/bounds/lower", "/bounds/upper",         "/bounds/ot_lower",
                               "/bounds/ot_upper", "/bounds/cost",  "/bounds/marginal_error"};
  double *const values[] = {&b->value, &b->lower, &b->upper, &b->ot_lower, &b->ot_upper, &b->cost, &b->marginal_error};

  PetscFunctionBegin;
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
    PetscCall(FenFileReadReals(v->file, names[i], 1, values[i]));
    PetscCheck(isfinite(*values[i]), v->comm, (PetscErrorCode)FEN_ERR_VERIFY, "%s is %g, which bounds nothing",
               names[i], *values[i]);
  }
  b->mass = 1;
  if (FenVerifyIsPenalised_Private(v))
    PetscCall(FenFileReadReals(v->file, "/bounds/mass", 1, &b->mass));
  PetscFunctionReturn(0);
}

static PetscErrorCode ReadMarginal(FenVerify *v, const char kind[], const char strength[], double *rho)
{
  char      text[64];
  PetscBool has;

  PetscFunctionBegin;
  PetscCall(FenFileHasAttribute(v->file, "/", kind, &has));
  if (!has)
    PetscFunctionReturn(0);
  PetscCall(FenFileReadStringAttribute(v->file, "/", kind, text, sizeof(text)));
  PetscCheck(!strcmp(text, "kl"), v->comm, (PetscErrorCode)FEN_ERR_FILE_FORMAT, "%s '%s' is not known", kind, text);
  PetscCall(FenFileReadRealAttribute(v->file, "/", strength, rho));
  PetscCheck(isfinite(*rho) && *rho > 0, v->comm, (PetscErrorCode)FEN_ERR_VERIFY, "%s is %g, it must be positive",
             strength, *rho);
  PetscFunctionReturn(0);
}

static PetscErrorCode ReadProblem(FenCLI *cli, FenVerify *v)
{
  char   text[64];
  FenInt dim;
  int    kind;

  PetscFunctionBegin;
  PetscCall(FenFileReadRealAttribute(v->file, "/", "eps", &v->eps));
  PetscCheck(isfinite(v->eps) && v->eps > 0, v->comm, (PetscErrorCode)FEN_ERR_VERIFY,
             "%s: eps is %g, it must be positive", cli->argument, v->eps);
  PetscCall(ReadMarginal(v, "marginal_source", "rho_source", &v->a.rho));
  PetscCall(ReadMarginal(v, "marginal_target", "rho_target", &v->b.rho));
  PetscCall(FenFileReadIntAttribute(v->file, "/", "dim", &dim));
  v->a.dim = v->b.dim = (PetscInt)dim;
  PetscCall(FenFileReadStringAttribute(v->file, "/", "cost", text, sizeof(text)));
  for (kind = FEN_COST_SQEUCLIDEAN; kind <= FEN_COST_POWER; kind++)
    if (!strcmp(text, FenCostKinds[kind]))
      break;
  PetscCheck(kind <= FEN_COST_POWER, v->comm, (PetscErrorCode)FEN_ERR_FILE_FORMAT, "%s: cost '%s' is not known",
             cli->argument, text);
  v->kind = (FenCostKind)kind;
  if (v->kind != FEN_COST_POWER)
    PetscFunctionReturn(0);
  PetscCall(FenFileReadRealAttribute(v->file, "/", "cost_power", &v->power));
  PetscCheck(v->power >= 1 && v->power <= 16, v->comm, (PetscErrorCode)FEN_ERR_VERIFY,
             "%s: cost_power is %g, it must be from 1 to 16", cli->argument, v->power);
  PetscFunctionReturn(0);
}

/* a grid and a cloud, and grids whose cost is no sum over axes, are treated as two clouds */
static PetscErrorCode MakePoints(FenVerifySide *side)
{
  PetscFunctionBegin;
  PetscCall(PetscMalloc1((size_t)(side->nlocal * side->dim + 1), &side->point));
  for (FenInt i = 0; i < side->nlocal; i++) {
    FenInt rest = side->first + i;

    for (PetscInt k = side->dim - 1; k >= 0; k--) {
      side->point[i * side->dim + k] = side->origin[k] + side->spacing[k] * (double)(rest % side->shape[k]);
      rest /= side->shape[k];
    }
  }
  PetscFunctionReturn(0);
}

PetscErrorCode FenVerifyOpen_Private(FenCLI *cli, FenFile file, FenVerify *v, FenVerifyBounds *stored)
{
  PetscFunctionBegin;
  PetscCall(PetscMemzero(v, sizeof(*v)));
  v->comm = cli->comm;
  v->file = file;
  PetscCall(ReadProblem(cli, v));
  PetscCall(ReadBounds(v, stored));
  PetscCall(ReadSide(v, "/source", "/potential/f", &v->a));
  PetscCall(ReadSide(v, "/target", "/potential/g", &v->b));
  if (v->kind == FEN_COST_MATRIX)
    PetscCall(FenVerifyReadMatrix_Private(v));
  else if (v->kind == FEN_COST_POWER)
    PetscCheck(v->a.grid && v->b.grid, v->comm, (PetscErrorCode)FEN_ERR_VERIFY,
               "%s: the cost power belongs to two grids", cli->argument);
  else if (v->a.grid != v->b.grid || v->kind == FEN_COST_EUCLIDEAN) {
    if (v->a.grid)
      PetscCall(MakePoints(&v->a));
    if (v->b.grid)
      PetscCall(MakePoints(&v->b));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode CloseSide(FenVerifySide *side)
{
  PetscFunctionBegin;
  PetscCall(FenLayoutDestroy(&side->layout));
  PetscCall(PetscFree(side->weight));
  PetscCall(PetscFree(side->point));
  PetscCall(PetscFree(side->potential));
  PetscFunctionReturn(0);
}

PetscErrorCode FenVerifyClose_Private(FenVerify *v)
{
  PetscFunctionBegin;
  PetscCall(CloseSide(&v->a));
  PetscCall(CloseSide(&v->b));
  PetscCall(PetscFree2(v->byrow, v->bycol));
  PetscFunctionReturn(0);
}
