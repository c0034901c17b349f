/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Reads examples:
     FILE.h5[:/group]      features X (array, or a group with a CSR matrix) and targets y
     FILE.npy, FILE.csv    a matrix whose last column is the target
     X,Y                   features and targets in two files of any kind that FenArray reads, or of idx kind
                           (the bytes of the MNIST files; images become rows of numbers 0..1)
     any other file        LIBSVM text, "target index:value index:value ...", indices from 1 and growing
   The last one is parsed in parallel, every rank its share of the lines.
*/
#include "datasetimpl.h"
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- LIBSVM ---- */
typedef struct {
  const char *file;
  FenInt      line, d, nnz, nnzroom, rows, rowroom;
  FenDataset *a;
  FenFault   *fault;
} Text;

static void Bad(const Text *t, const char line[], const char rule[])
{
  const int n = (int)PetscMin(strcspn(line, "\r\n"), 60);

  FenFaultSet(t->fault, FEN_ERR_FILE_FORMAT, "file '%s', line %" FENINT_FMT ": '%.*s': %s", t->file, t->line, n, line,
              rule);
}

static PetscErrorCode Room(Text *t)
{
  PetscFunctionBegin;
  if (t->rows == t->rowroom) {
    t->rowroom = 2 * t->rowroom + 256;
    PetscCall(PetscRealloc((size_t)(t->rowroom + 1) * sizeof(double), &t->a->y));
    PetscCall(PetscRealloc((size_t)(t->rowroom + 1) * sizeof(FenInt), &t->a->csr.ptr));
  }
  if (t->nnz == t->nnzroom) {
    t->nnzroom = 2 * t->nnzroom + 4096;
    PetscCall(PetscRealloc((size_t)t->nnzroom * sizeof(FenInt), &t->a->csr.idx));
    PetscCall(PetscRealloc((size_t)t->nnzroom * sizeof(double), &t->a->csr.val));
  }
  PetscFunctionReturn(0);
}

static PetscBool Ends(const char *p)
{
  return (PetscBool)(!*p || *p == '\n' || *p == '#');
}

static const char *Blanks(const char *p)
{
  while (*p == ' ' || *p == '\t' || *p == '\r')
    p++;
  return p;
}

static PetscErrorCode Line(Text *t, const char line[])
{
  const char *p = Blanks(line);
  char       *stop;
  FenInt      last = 0;

  PetscFunctionBegin;
  if (Ends(p))
    PetscFunctionReturn(0);
  PetscCall(Room(t));
  t->a->y[t->rows] = strtod(p, &stop);
  if (stop == p || (!isspace((unsigned char)*stop) && *stop))
    Bad(t, line, "a target is expected at its beginning");
  for (p = Blanks(stop); !Ends(p) && !t->fault->code; p = Blanks(stop)) {
    const long long index = strtoll(p, &stop, 10);

    if (stop == p || *stop != ':' || index <= last) {
      Bad(t, line, "rule: target index:value ..., indices are at least 1 and grow");
      break;
    }
    p = stop + 1;
    PetscCall(Room(t));
    t->a->csr.idx[t->nnz] = index - 1;
    t->a->csr.val[t->nnz++] = strtod(p, &stop);
    if (isspace((unsigned char)*p) || stop == p || (!isspace((unsigned char)*stop) && *stop))
      Bad(t, line, "a number is expected after each colon");
    last = index;
  }
  t->d = PetscMax(t->d, last);
  t->a->csr.ptr[++t->rows] = t->nnz;
  PetscFunctionReturn(0);
}

static PetscErrorCode ReadText(MPI_Comm comm, const char file[], FenDataset *a)
{
  FenFault  fault = {0, ""};
  Text      t = {.file = file, .a = a, .fault = &fault};
  FenStream stream;
  char     *text;
  FenInt    n, line;

  PetscFunctionBegin;
  PetscCall(FenStreamOpen(comm, file, FEN_FILE_READ, &stream));
  PetscCall(FenStreamReadLines(stream, 0, 1, &text, &n, &line));
  PetscCall(FenStreamClose(&stream));
  PetscCall(Room(&t));
  a->csr.ptr[0] = 0;
  t.line = line;
  for (const char *p = text; *p && !fault.code; t.line++) {
    PetscCall(Line(&t, p));
    p += strcspn(p, "\n");
    p += *p ? 1 : 0;
  }
  PetscCall(PetscFree(text));
  PetscCall(FenFaultAgree(comm, &fault));
  PetscCall(FenIntCast(t.rows, &a->rows));
  PetscCallMPI(MPI_Allreduce(&t.d, &a->d, 1, MPI_FENINT, MPI_MAX, comm));
  PetscFunctionReturn(0);
}

/* ---- idx: two zero bytes, 8 (bytes), number of axes, their lengths as big-endian 32-bit numbers, the bytes ---- */
typedef struct {
  FenInt axes, shape[4], offset;
} Idx;

static FenInt Big(const unsigned char b[4])
{
  return ((FenInt)b[0] << 24) | ((FenInt)b[1] << 16) | ((FenInt)b[2] << 8) | (FenInt)b[3];
}

static PetscErrorCode IdxHead(FenStream stream, Idx *h, PetscBool *is)
{
  unsigned char head[20] = {0};
  FenInt        size, total = 1;

  PetscFunctionBegin;
  PetscCall(FenStreamGetSize(stream, &size));
  PetscCall(FenStreamRead(stream, 0, PetscMin(size, 20), head));
  *is = (PetscBool)(size >= 8 && !head[0] && !head[1] && head[2] == 8 && head[3] >= 1 && head[3] <= 4);
  if (!*is)
    PetscFunctionReturn(0);
  h->axes = head[3];
  h->offset = 4 + 4 * h->axes;
  for (FenInt k = 0; k < h->axes; k++) {
    h->shape[k] = Big(head + 4 + 4 * k);
    PetscCall(FenIntMult(total, h->shape[k], &total));
  }
  *is = (PetscBool)(size == h->offset + total);
  PetscFunctionReturn(0);
}

/* rows [start, end) of n x width numbers, evenly cut; *values is NULL if the file is of another kind */
static PetscErrorCode ReadIdx(MPI_Comm comm, const char file[], double scale, FenInt *n, FenInt *width, double **values)
{
  FenStream      stream;
  Idx            h = {0};
  PetscBool      is = PETSC_FALSE;
  FenLayout      rows;
  FenInt         start, end, count;
  unsigned char *bytes;

  PetscFunctionBegin;
  *values = NULL;
  PetscCall(FenStreamOpen(comm, file, FEN_FILE_READ, &stream));
  PetscCall(IdxHead(stream, &h, &is));
  if (is) {
    *n = h.shape[0];
    *width = 1;
    for (FenInt k = 1; k < h.axes; k++)
      *width *= h.shape[k];
    PetscCall(FenLayoutCreateRows(comm, *n, &rows));
    PetscCall(FenLayoutGetRange(rows, &start, &end));
    PetscCall(FenLayoutDestroy(&rows));
    count = (end - start) * *width;
    PetscCall(PetscMalloc1((size_t)count + 1, &bytes));
    PetscCall(PetscMalloc1((size_t)count + 1, values));
    PetscCall(FenStreamRead(stream, h.offset + start * *width, count, bytes));
    for (FenInt k = 0; k < count; k++)
      (*values)[k] = bytes[k] / scale;
    PetscCall(PetscFree(bytes));
  }
  PetscCall(FenStreamClose(&stream));
  PetscFunctionReturn(0);
}

/* ---- arrays ---- */
static PetscErrorCode ReadArray(MPI_Comm comm, const char spec[], FenInt *n, FenInt *width, double **values)
{
  FenArray  array;
  FenLayout rows;
  PetscInt  axes, w;
  FenInt    shape[8], local;

  PetscFunctionBegin;
  PetscCall(FenArrayOpen(comm, spec, 0, NULL, &array));
  PetscCall(FenArrayGetShape(array, &axes, shape));
  FEN_BILEVEL_CHECK(axes >= 1, comm, FEN_ERR_SHAPE, "'%s' is one number; rows of features or targets are expected",
                    spec);
  *n = shape[0];
  *width = 1;
  for (PetscInt k = 1; k < axes; k++)
    PetscCall(FenIntMult(*width, shape[k], width));
  PetscCall(FenIntCast(*width, &w));
  PetscCall(FenLayoutCreateRows(comm, *n, &rows));
  PetscCall(FenLayoutGetLocalSize(rows, &local));
  PetscCall(PetscMalloc1((size_t)(local * *width) + 1, values));
  PetscCall(FenArrayRead(array, rows, w, *values));
  PetscCall(FenLayoutDestroy(&rows));
  PetscCall(FenArrayClose(&array));
  PetscFunctionReturn(0);
}

static PetscErrorCode ReadEither(MPI_Comm comm, const char spec[], double scale, FenInt *n, FenInt *width, double **v)
{
  char      file[PETSC_MAX_PATH_LEN], path[PETSC_MAX_PATH_LEN];
  PetscBool hdf5;

  PetscFunctionBegin;
  *v = NULL;
  PetscCall(FenPathSplit(spec, file, sizeof(file), path, sizeof(path)));
  PetscCall(FenPathIsHDF5(comm, file, &hdf5));
  if (!hdf5)
    PetscCall(ReadIdx(comm, file, scale, n, width, v));
  if (!*v)
    PetscCall(ReadArray(comm, spec, n, width, v));
  PetscFunctionReturn(0);
}

/* my evenly cut rows */
static PetscErrorCode Even(FenDataset *a)
{
  FenLayout rows;

  PetscFunctionBegin;
  PetscCall(FenLayoutCreateRows(a->comm, a->n, &rows));
  PetscCall(FenLayoutGetRange(rows, &a->row0, &a->row1));
  PetscCall(FenLayoutDestroy(&rows));
  PetscCall(FenIntCast(a->row1 - a->row0, &a->rows));
  PetscFunctionReturn(0);
}

static PetscErrorCode ReadPair(MPI_Comm comm, const char x[], const char y[], FenDataset *a)
{
  FenInt n, width;

  PetscFunctionBegin;
  PetscCall(ReadEither(comm, x, 255, &a->n, &a->d, &a->X));
  PetscCall(ReadEither(comm, y, 1, &n, &width, &a->y));
  FEN_BILEVEL_CHECK(n == a->n && width == 1, comm, FEN_ERR_SHAPE,
                    "'%s' has %" FENINT_FMT " rows, '%s' %" FENINT_FMT " x %" FENINT_FMT
                    " numbers; rule: one target for each row",
                    x, a->n, y, n, width);
  PetscCall(Even(a));
  PetscFunctionReturn(0);
}

static PetscErrorCode ReadMatrix(MPI_Comm comm, const char spec[], FenDataset *a)
{
  double *all;
  FenInt  width;

  PetscFunctionBegin;
  PetscCall(ReadArray(comm, spec, &a->n, &width, &all));
  if (width < 2)
    PetscCall(PetscFree(all));
  FEN_BILEVEL_CHECK(width >= 2, comm, FEN_ERR_SHAPE,
                    "'%s' has rows of %" FENINT_FMT " numbers; rule: features, then the target", spec, width);
  a->d = width - 1;
  PetscCall(Even(a));
  PetscCall(PetscMalloc1((size_t)a->rows + 1, &a->y));
  PetscCall(PetscMalloc1((size_t)a->rows * (size_t)a->d + 1, &a->X));
  for (PetscInt i = 0; i < a->rows; i++) {
    PetscCall(PetscArraycpy(a->X + (size_t)i * (size_t)a->d, all + (size_t)i * (size_t)width, a->d));
    a->y[i] = all[(size_t)(i + 1) * (size_t)width - 1];
  }
  PetscCall(PetscFree(all));
  PetscFunctionReturn(0);
}

static PetscErrorCode ReadCSR(MPI_Comm comm, const char file[], const char x[], const char y[], FenDataset *a)
{
  FenFile     f;
  FenDataInfo info;
  FenLayout   rows;

  PetscFunctionBegin;
  PetscCall(FenFileOpen(comm, file, FEN_FILE_READ, &f));
  PetscCall(FenFileGetInfo(f, y, &info));
  a->n = info.rank > 0 ? info.shape[0] : 1;
  PetscCall(FenLayoutCreateRows(comm, a->n, &rows));
  PetscCall(FenFileReadCSR(f, x, rows, &a->d, &a->csr));
  PetscCall(FenLayoutGetRange(rows, &a->row0, &a->row1));
  PetscCall(FenIntCast(a->row1 - a->row0, &a->rows));
  PetscCall(PetscMalloc1((size_t)a->rows + 1, &a->y));
  PetscCall(FenFileReadArray(f, y, rows, 0, a->y));
  PetscCall(FenLayoutDestroy(&rows));
  PetscCall(FenFileClose(&f));
  PetscFunctionReturn(0);
}

static PetscErrorCode ReadHDF5(MPI_Comm comm, const char file[], const char path[], FenDataset *a)
{
  FenFile     f;
  FenDataInfo info;
  char        x[PETSC_MAX_PATH_LEN], y[PETSC_MAX_PATH_LEN], xs[2 * PETSC_MAX_PATH_LEN], ys[2 * PETSC_MAX_PATH_LEN];
  const char *group = path[0] && strcmp(path, "/") ? path : "";

  PetscFunctionBegin;
  PetscCall(PetscSNPrintf(x, sizeof(x), "%s/X", group));
  PetscCall(PetscSNPrintf(y, sizeof(y), "%s/y", group));
  PetscCall(PetscSNPrintf(xs, sizeof(xs), "%s:%s", file, x));
  PetscCall(PetscSNPrintf(ys, sizeof(ys), "%s:%s", file, y));
  PetscCall(FenFileOpen(comm, file, FEN_FILE_READ, &f));
  PetscCall(FenFileGetInfo(f, x, &info));
  PetscCall(FenFileClose(&f));
  if (info.type == FEN_DATA_GROUP)
    PetscCall(ReadCSR(comm, file, x, y, a));
  else
    PetscCall(ReadPair(comm, xs, ys, a));
  PetscFunctionReturn(0);
}

static PetscBool Suffix(const char file[], const char suffix[])
{
  const size_t n = strlen(file), m = strlen(suffix);

  return (PetscBool)(n > m && !strcmp(file + n - m, suffix));
}

static PetscErrorCode ReadAny(MPI_Comm comm, const char spec[], FenDataset *a)
{
  char        file[PETSC_MAX_PATH_LEN], path[PETSC_MAX_PATH_LEN];
  const char *comma = strchr(spec, ',');
  PetscBool   hdf5;

  PetscFunctionBegin;
  if (comma) {
    PetscCheck((size_t)(comma - spec) < sizeof(file), comm, (PetscErrorCode)FEN_ERR_OPTION, "name too long: %s", spec);
    PetscCall(PetscStrncpy(file, spec, (size_t)(comma - spec) + 1));
    PetscCall(ReadPair(comm, file, comma + 1, a));
    PetscFunctionReturn(0);
  }
  PetscCall(FenPathSplit(spec, file, sizeof(file), path, sizeof(path)));
  PetscCall(FenPathIsHDF5(comm, file, &hdf5));
  if (hdf5)
    PetscCall(ReadHDF5(comm, file, path, a));
  else if (Suffix(file, ".npy") || Suffix(file, ".csv"))
    PetscCall(ReadMatrix(comm, file, a));
  else
    PetscCall(ReadText(comm, file, a));
  PetscFunctionReturn(0);
}

PetscErrorCode FenDatasetRead_Private(MPI_Comm comm, const char spec[], FenDataset *a)
{
  FenInt rows;

  PetscFunctionBegin;
  *a = (FenDataset){.comm = comm};
  PetscCall(PetscStrncpy(a->name, spec, sizeof(a->name)));
  PetscCall(ReadAny(comm, spec, a));
  rows = a->rows;
  PetscCallMPI(MPI_Allreduce(&rows, &a->n, 1, MPI_FENINT, MPI_SUM, comm));
  PetscCallMPI(MPI_Scan(&rows, &a->row1, 1, MPI_FENINT, MPI_SUM, comm));
  a->row0 = a->row1 - rows;
  PetscFunctionReturn(0);
}
