/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Sparse matrices: a group with shape[2], indptr[n+1], indices[nnz], data[nnz], as SciPy and AnnData have it.
*/
#include "h5impl.h"

/* my part of a data set with one axis */
static FenSlab Part(FenInt total, FenInt start, FenInt count)
{
  return (FenSlab){.rank = 1, .shape = {total}, .start = {start}, .count = {count}};
}

static PetscErrorCode MemberPath(const char group[], const char member[], char path[], size_t n)
{
  PetscFunctionBegin;
  PetscCall(PetscSNPrintf(path, n, "%s/%s", group, member));
  PetscFunctionReturn(0);
}

/* length of a member with one axis; integers only if asked */
static PetscErrorCode MemberLength(FenFile file, const char path[], PetscBool integers, FenInt *n)
{
  FenDataInfo info;

  PetscFunctionBegin;
  PetscCall(FenFileGetInfo(file, path, &info));
  PetscCheck(info.rank == 1, file->comm, FEN_ERR_SHAPE, "file '%s': '%s' has %" PetscInt_FMT " axes, one is expected",
             file->name, path, info.rank);
  PetscCheck(info.type == FEN_DATA_INT || (!integers && info.type == FEN_DATA_REAL), file->comm, FEN_ERR_FILE_FORMAT,
             "file '%s': '%s' does not hold %s", file->name, path, integers ? "integers" : "numbers");
  *n = info.shape[0];
  PetscFunctionReturn(0);
}

/* row pointers grow from the first to the last entry; local */
static void CheckPointers(FenFile file, const char path[], FenInt start, FenInt n, const FenInt ptr[], FenInt nnz,
                          FenFault *fault)
{
  for (FenInt i = 0; i < n; i++)
    if (ptr[i] > ptr[i + 1] || ptr[i] < 0 || ptr[i + 1] > nnz) {
      FenFaultSet(fault, FEN_ERR_VALUE,
                  "file '%s', data set '%s': entries %" FENINT_FMT " and %" FENINT_FMT " are %" FENINT_FMT
                  " and %" FENINT_FMT "; they must grow from 0 to %" FENINT_FMT,
                  file->name, path, start + i, start + i + 1, ptr[i], ptr[i + 1], nnz);
      return;
    }
}

static void CheckColumns(FenFile file, const char path[], FenInt start, FenInt n, const FenInt idx[], FenInt ncols,
                         FenFault *fault)
{
  for (FenInt k = 0; k < n; k++)
    if (idx[k] < 0 || idx[k] >= ncols) {
      FenFaultSet(fault, FEN_ERR_VALUE,
                  "file '%s', data set '%s': entry %" FENINT_FMT " is %" FENINT_FMT
                  "; a column must be in [0,%" FENINT_FMT ")",
                  file->name, path, start + k, idx[k], ncols);
      return;
    }
}

/* row pointers of my rows, still global */
static PetscErrorCode ReadPointers(FenFile file, const char path[], FenLayout rows, FenInt nnz, FenInt ptr[])
{
  FenInt   start, end, n, total;
  FenFault fault = {0};

  PetscFunctionBegin;
  PetscCall(FenLayoutGetSize(rows, &total));
  PetscCall(FenLayoutGetRange(rows, &start, &end));
  PetscCall(MemberLength(file, path, PETSC_TRUE, &n));
  PetscCheck(n == total + 1, file->comm, FEN_ERR_SHAPE,
             "file '%s': data set '%s' has %" FENINT_FMT " entries, %" FENINT_FMT " rows need %" FENINT_FMT, file->name,
             path, n, total, total + 1);
  {
    const FenSlab part = Part(n, start, end - start + 1);
    PetscCall(FenH5ReadSlab_Private(file, path, &part, H5T_NATIVE_INT64, sizeof(FenInt), ptr));
  }
  CheckPointers(file, path, start, end - start, ptr, nnz, &fault);
  if ((start == 0 && ptr[0] != 0) || (end == total && ptr[end - start] != nnz))
    FenFaultSet(&fault, FEN_ERR_VALUE,
                "file '%s', data set '%s': begins with %" FENINT_FMT " and ends with %" FENINT_FMT
                "; 0 and %" FENINT_FMT " are expected",
                file->name, path, ptr[0], ptr[end - start], nnz);
  PetscCall(FenFileAgree_Private(file, &fault));
  PetscFunctionReturn(0);
}

static PetscErrorCode ReadEntries(FenFile file, const char group[], FenInt nnz, FenInt nlocal, FenInt ncols,
                                  FenSparse *matrix)
{
  char          path[PETSC_MAX_PATH_LEN];
  const FenInt  first = matrix->ptr[0], mine = matrix->ptr[nlocal] - first;
  const FenSlab part = Part(nnz, first, mine);
  FenFault      fault = {0};

  PetscFunctionBegin;
  PetscCall(PetscMalloc1((size_t)mine, &matrix->idx));
  PetscCall(PetscMalloc1((size_t)mine, &matrix->val));
  PetscCall(MemberPath(group, "indices", path, sizeof(path)));
  PetscCall(FenH5ReadSlab_Private(file, path, &part, H5T_NATIVE_INT64, sizeof(FenInt), matrix->idx));
  CheckColumns(file, path, first, mine, matrix->idx, ncols, &fault);
  PetscCall(FenFileAgree_Private(file, &fault));
  PetscCall(MemberPath(group, "data", path, sizeof(path)));
  PetscCall(FenH5ReadSlab_Private(file, path, &part, H5T_NATIVE_DOUBLE, sizeof(double), matrix->val));
  for (FenInt i = nlocal; i >= 0; i--)
    matrix->ptr[i] -= first;
  PetscFunctionReturn(0);
}

/*@
  FenFileReadCSR - reads my rows of a sparse matrix

  Collective

  Input Parameters:
+ file - the file
. path - group with shape[2], indptr, indices and data
- rows - layout with one axis

  Output Parameters:
+ ncols  - number of columns
- matrix - my rows; ptr begins with 0; columns are global and as the file has them; free the arrays with PetscFree()

  Errors: FEN_ERR_SHAPE, FEN_ERR_VALUE naming the first index that breaks a rule, FEN_ERR_FILE_MISSING

  Level: intermediate

.seealso: FenFileWriteCSR()
@*/
PetscErrorCode FenFileReadCSR(FenFile file, const char path[], FenLayout rows, FenInt *ncols, FenSparse *matrix)
{
  char           member[PETSC_MAX_PATH_LEN];
  FenInt         shape[2], total, nnz, nval, nlocal;
  PetscErrorCode ierr;

  PetscFunctionBegin;
  PetscCall(PetscMemzero(matrix, sizeof(*matrix)));
  PetscCall(FenLayoutGetSize(rows, &total));
  PetscCall(FenLayoutGetLocalSize(rows, &nlocal));
  PetscCall(MemberPath(path, "shape", member, sizeof(member)));
  PetscCall(FenFileReadInts(file, member, 2, shape));
  PetscCheck(shape[0] == total && shape[1] >= 0, file->comm, FEN_ERR_SHAPE,
             "file '%s': the matrix '%s' is %" FENINT_FMT " x %" FENINT_FMT ", %" FENINT_FMT " rows are expected",
             file->name, path, shape[0], shape[1], total);
  PetscCall(MemberPath(path, "indices", member, sizeof(member)));
  PetscCall(MemberLength(file, member, PETSC_TRUE, &nnz));
  PetscCall(MemberPath(path, "data", member, sizeof(member)));
  PetscCall(MemberLength(file, member, PETSC_FALSE, &nval));
  PetscCheck(nnz == nval, file->comm, FEN_ERR_SHAPE,
             "file '%s': the matrix '%s' has %" FENINT_FMT " indices and %" FENINT_FMT " data", file->name, path, nnz,
             nval);
  PetscCall(PetscMalloc1((size_t)nlocal + 1, &matrix->ptr));
  PetscCall(MemberPath(path, "indptr", member, sizeof(member)));
  ierr = ReadPointers(file, member, rows, nnz, matrix->ptr);
  if (!ierr)
    ierr = ReadEntries(file, path, nnz, nlocal, shape[1], matrix);
  if (ierr) {
    PetscCall(PetscFree(matrix->ptr));
    PetscCall(PetscFree(matrix->idx));
    PetscCall(PetscFree(matrix->val));
    PetscCall(ierr);
  }
  *ncols = shape[1];
  PetscFunctionReturn(0);
}

/*@
  FenFileWriteCSR - writes a sparse matrix

  Collective

  Input Parameters:
+ file   - a file that is written
. path   - absolute path of a new group
. rows   - layout with one axis
. ncols  - number of columns
- matrix - my rows, columns global

  Errors: FEN_ERR_FILE_WRITE

  Level: intermediate

.seealso: FenFileReadCSR()
@*/
PetscErrorCode FenFileWriteCSR(FenFile file, const char path[], FenLayout rows, FenInt ncols, const FenSparse *matrix)
{
  char        member[PETSC_MAX_PATH_LEN];
  FenInt      shape[2] = {0, ncols}, start, end, mine, first = 0, nnz, *ptr;
  PetscMPIInt last;
  FenSlab     part;

  PetscFunctionBegin;
  PetscCall(FenLayoutGetSize(rows, &shape[0]));
  PetscCall(FenLayoutGetRange(rows, &start, &end));
  mine = matrix->ptr[end - start] - matrix->ptr[0];
  PetscCallMPI(MPI_Exscan(&mine, &first, 1, MPI_FENINT, MPI_SUM, file->comm));
  if (!file->rank)
    first = 0;
  PetscCallMPI(MPI_Allreduce(&mine, &nnz, 1, MPI_FENINT, MPI_SUM, file->comm));
  PetscCall(FenFileMakeGroup(file, path));
  PetscCall(MemberPath(path, "shape", member, sizeof(member)));
  PetscCall(FenFileWriteInts(file, member, 2, shape));
  PetscCall(PetscMalloc1((size_t)(end - start) + 1, &ptr));
  for (FenInt i = 0; i <= end - start; i++)
    ptr[i] = matrix->ptr[i] - matrix->ptr[0] + first;
  last = file->size - 1; /* rows lie in rank order: the last rank ends the pointers */
  part = Part(shape[0] + 1, start, end - start + (file->rank == last));
  PetscCall(MemberPath(path, "indptr", member, sizeof(member)));
  PetscCall(FenH5WriteSlab_Private(file, member, &part, H5T_NATIVE_INT64, sizeof(FenInt), ptr));
  PetscCall(PetscFree(ptr));
  part = Part(nnz, first, mine);
  PetscCall(MemberPath(path, "indices", member, sizeof(member)));
  PetscCall(
      FenH5WriteSlab_Private(file, member, &part, H5T_NATIVE_INT64, sizeof(FenInt), matrix->idx + matrix->ptr[0]));
  PetscCall(MemberPath(path, "data", member, sizeof(member)));
  PetscCall(
      FenH5WriteSlab_Private(file, member, &part, H5T_NATIVE_DOUBLE, sizeof(double), matrix->val + matrix->ptr[0]));
  PetscFunctionReturn(0);
}
