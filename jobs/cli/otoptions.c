/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Options of `fenchel ot` that belong to the command: inputs, cost, outputs. The method's options are the solver's own.
*/
#include "otpairs.h"

/* one side: every option exists twice, with the names in the order below */
typedef struct {
  const char *title, *file, *kind, *shape, *resize, *path;
} SideNames;
static const SideNames   source_names = {"Source",        "-source",        "-source_kind",
                                         "-source_shape", "-source_resize", "/source"};
static const SideNames   target_names = {"Target",        "-target",        "-target_kind",
                                         "-target_shape", "-target_resize", "/target"};
static const char *const kinds[] = {"auto", "points", "grid", "rgb"};
static const char *const costs[] = {"sqeuclidean", "euclidean", "l1", "power", "matrix"};
static const FenCostKind cost_kinds[] = {FEN_COST_SQEUCLIDEAN, FEN_COST_EUCLIDEAN, FEN_COST_L1, FEN_COST_POWER,
                                         FEN_COST_MATRIX};
static const char kind_text[] = "what the file holds: by content, points (n x d), density on a grid, or an image's "
                                "colours as points";
static const char file_text[] = "FILE or FILE:/path: HDF5, PNG, PGM/PPM, .npy, .csv, or raw with a shape; several: "
                                "A,B,C or @LIST or a folder";
static const char *const shape_text = "shape n,m of a raw file of doubles";
static const char *const resize_text = "height,width to which an image is averaged";

static PetscErrorCode ReadSide(MPI_Comm comm, const SideNames *names, FenMeasureSource *side)
{
  PetscInt  shape[4] = {0, 0, 0, 0}, resize[2] = {0, 0}, nshape = 4, nresize = 2, kind = 0;
  PetscBool set;

  PetscFunctionBegin;
  PetscOptionsBegin(comm, NULL, names->title, NULL);
  PetscCall(PetscStrncpy(side->default_path, names->path, sizeof(side->default_path)));
  PetscCall(PetscOptionsString(names->file, file_text, NULL, side->spec, side->spec, sizeof(side->spec), NULL));
  PetscCall(PetscOptionsEList(names->kind, kind_text, NULL, kinds, 4, kinds[0], &kind, NULL));
  side->kind = (int)kind;
  PetscCall(PetscOptionsIntArray(names->shape, shape_text, NULL, shape, &nshape, &set));
  for (PetscInt k = 0; set && k < nshape; k++) {
    PetscCheck(shape[k] > 0, comm, (PetscErrorCode)FEN_ERR_OPTION,
               "%s: axis %" PetscInt_FMT " has length %" PetscInt_FMT ", lengths must be positive", names->shape, k,
               shape[k]);
    side->shape[k] = shape[k];
  }
  side->nshape = set ? nshape : 0;
  PetscCall(PetscOptionsIntArray(names->resize, resize_text, NULL, resize, &nresize, &set));
  PetscCheck(!set || (nresize == 2 && resize[0] > 0 && resize[1] > 0), comm, (PetscErrorCode)FEN_ERR_OPTION,
             "%s takes two positive numbers, height,width", names->resize);
  PetscOptionsEnd();
  for (int k = 0; k < 2; k++)
    side->resize[k] = resize[k];
  PetscFunctionReturn(0);
}

static PetscErrorCode ReadRanks(FenCLI *cli, FenOTOptions *o)
{
  PetscInt  ranks[FEN_MAX_DIM] = {0}, n = FEN_MAX_DIM;
  PetscBool set;

  PetscFunctionBegin;
  PetscOptionsBegin(cli->comm, NULL, "Distribution", NULL);
  PetscCall(PetscOptionsIntArray("-ot_ranks",
                                 "grid of ranks p,q,... over which grids are cut; by default by their shapes", NULL,
                                 ranks, &n, &set));
  PetscOptionsEnd();
  for (PetscInt k = 0; set && k < n; k++) {
    PetscCheck(ranks[k] > 0, cli->comm, (PetscErrorCode)FEN_ERR_OPTION,
               "-ot_ranks: %" PetscInt_FMT " along axis %" PetscInt_FMT ", numbers must be positive", ranks[k], k);
    PetscCall(FenMPIIntCast(ranks[k], &o->source.ranks[k]));
  }
  o->source.nranks = set ? n : 0;
  o->target.nranks = o->source.nranks;
  PetscCall(PetscArraycpy(o->target.ranks, o->source.ranks, FEN_MAX_DIM));
  PetscFunctionReturn(0);
}

static PetscErrorCode ReadInputs(FenCLI *cli, FenOTOptions *o)
{
  PetscInt  cost = 0;
  PetscBool power = PETSC_FALSE;

  PetscFunctionBegin;
  PetscCall(ReadSide(cli->comm, &source_names, &o->source));
  PetscCall(ReadSide(cli->comm, &target_names, &o->target));
  PetscOptionsBegin(cli->comm, NULL, "Masses and cost", NULL);
  PetscCall(PetscOptionsBool("-ot_normalize", "scale both measures to mass one, whatever their masses are", NULL,
                             o->normalize, &o->normalize, NULL));
  PetscCall(PetscOptionsEList("-ot_cost",
                              "ground cost: |x-y|^2, |x-y|, sum |x_k-y_k|, sum |x_k-y_k|^p (grids only), or a matrix",
                              NULL, costs, 5, costs[0], &cost, NULL));
  PetscCall(PetscOptionsReal("-ot_cost_power", "p of -ot_cost power, at least 1", NULL, o->cost_power, &o->cost_power,
                             &power));
  PetscCall(PetscOptionsString("-ot_cost_matrix", "FILE.h5:/path of the n x m matrix of -ot_cost matrix", NULL,
                               o->cost_matrix, o->cost_matrix, sizeof(o->cost_matrix), NULL));
  PetscOptionsEnd();
  o->cost = cost_kinds[cost];
  PetscCheck(!power || o->cost == FEN_COST_POWER, cli->comm, (PetscErrorCode)FEN_ERR_OPTION,
             "-ot_cost_power %g is read only with -ot_cost power", (double)o->cost_power);
  PetscCall(ReadRanks(cli, o));
  o->source.allow_any_mass = o->target.allow_any_mass = o->normalize;
  PetscFunctionReturn(0);
}

static PetscErrorCode ReadPairs(FenCLI *cli, FenOTOptions *o)
{
  PetscFunctionBegin;
  PetscOptionsBegin(cli->comm, NULL, "Many pairs", NULL);
  PetscCall(PetscOptionsEList("-pairs",
                              "of several sources and targets: auto (one with all, or one with one), pairwise, all "
                              "with all, or upper (the pairs i < j of one list)",
                              NULL, FenOTPairings, 4, FenOTPairings[0], &o->pairing, NULL));
  PetscCall(PetscOptionsInt("-pairs_team_size", "ranks that share a pair, a divisor of all ranks; 0: chosen", NULL,
                            o->team_size, &o->team_size, NULL));
  PetscOptionsEnd();
  PetscCheck(o->team_size >= 0 && (!o->team_size || cli->size % o->team_size == 0), cli->comm,
             (PetscErrorCode)FEN_ERR_OPTION, "-pairs_team_size %d does not divide %d ranks", (int)o->team_size,
             (int)cli->size);
  PetscFunctionReturn(0);
}

static PetscErrorCode ReadOutputs(FenCLI *cli, FenOTOptions *o)
{
  PetscFunctionBegin;
  o->store_cost = PETSC_TRUE;
  o->plan_threshold = -1;
  PetscOptionsBegin(cli->comm, NULL, "Output", NULL);
  PetscCall(FenOutputsReadOptions_Private(&o->out, PetscOptionsObject));
  PetscCall(PetscOptionsBool("-map", "write the barycentric image of every source point to /map", NULL, o->map, &o->map,
                             NULL));
  PetscCall(PetscOptionsBool("-displacement", "write how far every source point moves to /displacement", NULL,
                             o->displacement, &o->displacement, NULL));
  PetscCall(PetscOptionsInt("-frames", "write so many densities between source and target, both included, to /frames",
                            NULL, o->frames, &o->frames, NULL));
  PetscCall(PetscOptionsReal(
      "-plan_threshold", "write plan entries of at least this share of their row's largest to /plan; negative: none",
      NULL, o->plan_threshold, &o->plan_threshold, NULL));
  PetscCall(PetscOptionsBool("-store_cost",
                             "keep an explicit cost matrix in the result; by default if it is below 64 MB", NULL,
                             o->store_cost, &o->store_cost, &o->store_cost_set));
  PetscOptionsEnd();
  PetscCheck(o->frames == 0 || (o->frames >= 2 && o->frames <= FEN_FRAMES_MAX), cli->comm,
             (PetscErrorCode)FEN_ERR_OPTION, "-frames %d: none, or from 2 to %d", (int)o->frames, FEN_FRAMES_MAX);
  PetscCheck(o->plan_threshold < 0 || (o->plan_threshold > 0 && o->plan_threshold <= 1), cli->comm,
             (PetscErrorCode)FEN_ERR_OPTION, "-plan_threshold %g: a share above 0 and at most 1",
             (double)o->plan_threshold);
  PetscFunctionReturn(0);
}

PetscErrorCode FenOTOptionsRead_Private(FenCLI *cli, FenOTOptions *o)
{
  PetscFunctionBegin;
  memset(o, 0, sizeof(*o));
  o->cost_power = 1.5;
  PetscCall(ReadInputs(cli, o));
  PetscCall(ReadPairs(cli, o));
  PetscCall(ReadOutputs(cli, o));
  PetscCall(FenCLICkptReadOptions_Private(cli, &o->ckpt));
  PetscFunctionReturn(0);
}

/* what can be known to be wrong before anything is read */
PetscErrorCode FenOTOptionsCheck_Private(FenCLI *cli, FenOTOptions *o)
{
  PetscFunctionBegin;
  PetscCheck(o->source.spec[0], cli->comm, (PetscErrorCode)FEN_ERR_USAGE, "fenchel ot needs -source FILE");
  PetscCheck(o->target.spec[0], cli->comm, (PetscErrorCode)FEN_ERR_USAGE, "fenchel ot needs -target FILE");
  PetscCheck(o->cost != FEN_COST_MATRIX || o->cost_matrix[0], cli->comm, (PetscErrorCode)FEN_ERR_USAGE,
             "-ot_cost matrix needs -ot_cost_matrix FILE.h5:/path");
  PetscCheck(o->cost == FEN_COST_MATRIX || !o->cost_matrix[0], cli->comm, (PetscErrorCode)FEN_ERR_USAGE,
             "-ot_cost_matrix %s is read only with -ot_cost matrix", o->cost_matrix);
  PetscCheck(o->out.result[0] || (!o->map && !o->displacement && !o->frames && o->plan_threshold < 0), cli->comm,
             (PetscErrorCode)FEN_ERR_USAGE,
             "-map, -displacement, -frames and -plan_threshold write to the result file: name it with -o RESULT.h5");
  PetscFunctionReturn(0);
}

/* every options block of the verb, the solver's included, once for each type */
PetscErrorCode FenVerbOTOptions_Private(FenCLI *cli)
{
  static const FenOTType types[] = {FENOTNEWTON, FENOTSINKHORN, FENOTDOMDEC}; /* the default first: its name is shown */
  FenOTOptions           o;

  PetscFunctionBegin;
  PetscCall(FenOTOptionsRead_Private(cli, &o));
  for (size_t t = 0; t < sizeof(types) / sizeof(types[0]); t++) {
    FenOT ot;

    PetscCall(FenOTCreate(cli->comm, &ot));
    PetscCall(FenOTSetType(ot, types[t]));
    PetscCall(FenOTSetFromOptions(ot));
    PetscCall(FenOTDestroy(&ot));
  }
  PetscCall(FenRunListViews_Private(cli, "ot"));
  PetscFunctionReturn(0);
}
