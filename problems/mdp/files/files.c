/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Models from files and into files: which format a name means, and the options that all of them share.
*/
#include "mdpfileimpl.h"
#include <compat.h>
#include <fencheldivergence.h>

static const struct {
  const char   *ending;
  FenMDPReadFn  read;
  FenMDPWriteFn write;
} fen_formats[] = {{".h5", FenMDPReadHDF5_Private, FenMDPWriteHDF5_Private},
                   {".hdf5", FenMDPReadHDF5_Private, FenMDPWriteHDF5_Private},
                   {".bin", FenMDPReadBinary_Private, FenMDPWriteBinary_Private},
                   {".tra", FenMDPReadPRISM_Private, FenMDPWritePRISM_Private},
                   {".drn", FenMDPReadDRN_Private, FenMDPWriteDRN_Private},
                   {".csv", FenMDPReadCSV_Private, FenMDPWriteCSV_Private}};
#define FEN_FORMATS ((int)(sizeof(fen_formats) / sizeof(fen_formats[0])))

static PetscErrorCode FenEnding(const char name[], const char ending[], PetscBool *has)
{
  size_t n, k;

  PetscFunctionBegin;
  PetscCall(PetscStrlen(name, &n));
  PetscCall(PetscStrlen(ending, &k));
  *has = PETSC_FALSE;
  if (n > k)
    PetscCall(PetscStrcasecmp(name + n - k, ending, has));
  PetscFunctionReturn(0);
}

/* the format by the name's ending; -1: none */
static PetscErrorCode FenFormat(const char name[], int *format)
{
  PetscFunctionBegin;
  *format = -1;
  for (int k = 0; k < FEN_FORMATS && *format < 0; k++) {
    PetscBool has;

    PetscCall(FenEnding(name, fen_formats[k].ending, &has));
    if (has)
      *format = k;
  }
  PetscFunctionReturn(0);
}

/* FILE, FILE:/path or P.bin,g.bin */
static PetscErrorCode FenSplit(const char spec[], FenMDPFile *f)
{
  char     *comma;
  char      first[PETSC_MAX_PATH_LEN];
  PetscBool binary;

  PetscFunctionBegin;
  PetscCall(FenPathSplit(spec, f->file, sizeof(f->file), f->path, sizeof(f->path)));
  PetscCall(PetscStrncpy(first, f->file, sizeof(first)));
  PetscCall(PetscStrchr(first, ',', &comma));
  if (comma) {
    *comma = 0;
    PetscCall(FenEnding(first, ".bin", &binary));
    if (binary) {
      PetscCall(PetscStrncpy(f->rewards, comma + 1, sizeof(f->rewards)));
      PetscCall(PetscStrncpy(f->file, first, sizeof(f->file)));
    }
  }
  if (!f->path[0])
    PetscCall(PetscStrncpy(f->path, "/mdp", sizeof(f->path)));
  PetscCall(PetscSNPrintf(f->where, sizeof(f->where), "file '%s': ", f->file));
  PetscFunctionReturn(0);
}

static PetscErrorCode FenFileOptions(FenMDPFile *f, PetscInt *sense)
{
  static const char *const rows[2] = {"stochastic", "substochastic"};
  PetscInt                 kind = 0;
  PetscEnum                support = (PetscEnum)FEN_SUPPORT_NOMINAL;

  PetscFunctionBegin;
  PetscOptionsBegin(f->comm, NULL, "Model files", "FenMDPModelRead");
  PetscCall(PetscOptionsString("-model_rewards", "rewards that go with a stacked matrix (.bin)", "FenMDPModelRead",
                               f->rewards, f->rewards, sizeof(f->rewards), NULL));
  PetscCall(PetscOptionsString("-model_terminal", "label of the terminal states (.tra with .lab, .drn)",
                               "FenMDPModelRead", f->terminal, f->terminal, sizeof(f->terminal), NULL));
  PetscCall(PetscOptionsEList("-model_sense", "maximise rewards or minimise costs, if not as the file says",
                              "FenMDPModelSetSense", FenMDPSenses, 2, FenMDPSenses[*sense < 0 ? 0 : *sense], sense,
                              NULL));
  PetscCall(PetscOptionsEList("-mdp_rows", "rows sum to one, or to at most one", "FenMDPModelCreateRows", rows, 2,
                              rows[kind], &kind, NULL));
  PetscOptionsEnd();
  PetscCall(PetscOptionsGetEnum(NULL, NULL, "-mdp_support", FenSupports, &support, NULL)); /* the solver's */
  f->listed = support == (PetscEnum)FEN_SUPPORT_LIST ? PETSC_TRUE : PETSC_FALSE;
  f->substochastic = kind ? PETSC_TRUE : PETSC_FALSE;
  PetscFunctionReturn(0);
}

/* in words: which names are known */
static PetscErrorCode FenUnknown(MPI_Comm comm, const char file[])
{
  PetscFunctionBegin;
  SETERRQ(comm, (PetscErrorCode)FEN_ERR_FILE_FORMAT,
          "'%s' is no model file; rule: HDF5 (.h5), PETSc binary (.bin), PRISM (.tra), Storm (.drn) or .csv", file);
}

/*@C
  FenMDPModelRead - Reads a model from a file.

  Collective

  Input Parameters:
+ comm - the ranks that share the model
- spec - FILE, FILE.h5:/group or P.bin,g.bin

  Options Database Keys:
+ -model_rewards FILE             - rewards that go with a stacked PETSc matrix
. -model_terminal LABEL           - states with this label (.lab, .drn) become terminal
. -model_sense max|min            - if not as the file says
. -mdp_rows stochastic|substochastic - whether rows may sum to less than one
- -mdp_support list              - probabilities of zero stay: they list successors that nature may use

  Output Parameter:
. model - the model, stored, cut evenly; its name is the file's

  Notes:
  HDF5 is known by its content, other formats by their names' endings. All ranks read parts of a file. Rows that do not
  sum to one, successors that come twice, states out of range, numbers that are not finite and files that end early are
  errors that name file, line or data set, state, action, value and rule.

  Errors:
  `FEN_ERR_FILE_OPEN`, `FEN_ERR_FILE_FORMAT`, `FEN_ERR_FILE_MISSING`, `FEN_ERR_SHAPE`, `FEN_ERR_VALUE`.

  Level: beginner

.seealso: `FenMDPModelWrite()`, `FenMDPModelGenerate()`
@*/
PetscErrorCode FenMDPModelRead(MPI_Comm comm, const char spec[], FenMDPModel *model)
{
  FenMDPFile     f = {.comm = comm};
  PetscInt       sense = -1;
  PetscBool      hdf5;
  int            format;
  PetscErrorCode code;

  PetscFunctionBegin;
  *model = NULL;
  PetscCall(FenSplit(spec, &f));
  PetscCall(FenFileOptions(&f, &sense));
  PetscCall(FenPathIsHDF5(comm, f.file, &hdf5));
  PetscCall(FenFormat(f.file, &format));
  if (hdf5)
    format = 0;
  if (format < 0)
    PetscCall(FenUnknown(comm, f.file));
  code = (*fen_formats[format].read)(&f, model);
  if (!code)
    code = FenMDPModelSetName(*model, spec);
  if (!code && sense >= 0)
    code = FenMDPModelSetSense(*model, (FenMDPSense)sense);
  if (code)
    PetscCall(FenMDPModelDestroy(model));
  PetscCall(code);
  PetscFunctionReturn(0);
}

/*@C
  FenMDPModelWrite - Writes a model to a file.

  Collective

  Input Parameters:
+ model     - the model; rows made on demand are stored for the time
. spec      - FILE, FILE.h5:/group or P.bin,g.bin; the ending says the format
- overwrite - replace an existing file

  Note:
  HDF5 holds everything. The other formats hold rows only, no sense, discount or terminal values; .bin and .drn hold one
  reward a row, .bin needs all actions in every state. What a format cannot hold is refused.

  Errors:
  `FEN_ERR_FILE_EXISTS`, `FEN_ERR_FILE_WRITE`, `FEN_ERR_FILE_FORMAT` for an ending that is not known, `FEN_ERR_USAGE`
  for a model that the format cannot hold.

  Level: beginner

.seealso: `FenMDPModelRead()`
@*/
PetscErrorCode FenMDPModelWrite(FenMDPModel model, const char spec[], PetscBool overwrite)
{
  FenMDPFile  f = {.comm = PetscObjectComm((PetscObject)model), .mode = overwrite ? FEN_FILE_REPLACE : FEN_FILE_CREATE};
  FenMDPModel stored;
  PetscInt    sense = -1;
  int         format;
  PetscErrorCode code;

  PetscFunctionBegin;
  PetscCall(FenSplit(spec, &f));
  PetscCall(FenFileOptions(&f, &sense));
  PetscCall(FenFormat(f.file, &format));
  if (format < 0)
    PetscCall(FenUnknown(f.comm, f.file));
  PetscCall(FenMDPModelStore(model, &stored));
  code = (*fen_formats[format].write)(&f, stored);
  PetscCall(FenMDPModelDestroy(&stored));
  PetscCall(code);
  PetscFunctionReturn(0);
}
