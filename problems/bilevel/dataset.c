/* SPDX-License-Identifier: BSD-2-Clause */
/* Sets of examples: options, generated sets, checks and preparation. */
#include "datasetimpl.h"
#include <math.h>

PetscErrorCode FenDatasetOptions_Private(FenOptionItems PetscOptionsObject, MPI_Comm comm, const char name[],
                                         PetscBool images, FenDatasetOptions *o)
{
  const struct {
    const char *name, *text;
    FenInt      least, most, *value;
  } list[] = {
      {"rows", "rows of the generated training set", 1, 100000000, &o->rows},
      {"valid_rows", "rows of the generated validation set", 1, 100000000, &o->valid_rows},
      {"features", "features of the generated sets", 1, 10000000, &o->features},
      {"seed", "seed of the generated sets", 0, PETSC_MAX_INT, &o->seed},
      {"train_rows", "a file without -valid: its first rows train, 0: four fifths", 0, PETSC_MAX_INT, &o->train_rows},
      {"classes", "classes; 0: as many as the labels say", 0, 100000, &o->classes},
      {"resize", "square images: new side, averages of areas; 0: as they are", 0, 10000, &o->resize}};
  char option[64];

  PetscFunctionBegin;
  for (size_t k = 0; k < sizeof(list) / sizeof(list[0]); k++) {
    if ((list[k].value == &o->classes && o->target == FEN_TARGET_REAL) || (list[k].value == &o->resize && !images))
      continue;
    PetscCall(PetscSNPrintf(option, sizeof(option), "-%s_%s", name, list[k].name));
    PetscCall(FenBilevelOptionInt_Private(PetscOptionsObject, comm, option, list[k].text, list[k].least, list[k].most,
                                          list[k].value));
  }
  PetscCall(PetscSNPrintf(option, sizeof(option), "-%s_noise", name));
  PetscCall(FenBilevelOptionReal_Private(PetscOptionsObject, comm, option, "deviation of the generated targets' noise",
                                         0, 1e6, &o->noise));
  PetscCall(PetscSNPrintf(option, sizeof(option), "-%s_standardize", name));
  PetscCall(PetscOptionsBool(option, "features of both sets together get mean 0, variance 1; real targets mean 0",
                             "FenBilevelProblemGenerate", o->standardize, &o->standardize, NULL));
  PetscCall(PetscSNPrintf(option, sizeof(option), "-%s_intercept", name));
  PetscCall(PetscOptionsBool(option, "a last feature of ones, regularised like the others", "FenBilevelProblemGenerate",
                             o->intercept, &o->intercept, NULL));
  PetscFunctionReturn(0);
}

PetscErrorCode FenDatasetFree_Private(FenDataset *a)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(a->X));
  PetscCall(PetscFree(a->csr.ptr));
  PetscCall(PetscFree(a->csr.idx));
  PetscCall(PetscFree(a->csr.val));
  PetscCall(PetscFree(a->y));
  PetscFunctionReturn(0);
}

PetscErrorCode FenDatasetView_Private(const FenDataset *train, const FenDataset *valid, PetscViewer viewer)
{
  const FenDataset *set[2] = {train, valid};

  PetscFunctionBegin;
  for (int s = 0; s < 2; s++)
    PetscCall(PetscViewerASCIIPrintf(viewer, "%s: %" FENINT_FMT " rows of %" FENINT_FMT " features, %s, of %s\n",
                                     s ? "validation" : "training", set[s]->n, set[s]->d,
                                     set[s]->X ? "dense" : "sparse", set[s]->name));
  PetscFunctionReturn(0);
}

/* ---- generated sets ---- */

enum { STREAM_X = 1, STREAM_W, STREAM_NOISE };

/* Gaussian features and weights of a linear model; targets with noise, or the class of the largest noisy score */
static double Target(const FenDatasetOptions *o, FenInt row, FenInt c, const double x[], const double W[])
{
  const double scale = 1 / sqrt((double)(o->support ? PetscMin(o->support, o->features) : o->features));
  double       best = 0, most = -PETSC_INFINITY;

  for (FenInt k = 0; k < c; k++) {
    double score = 0;

    for (FenInt j = 0; j < o->features; j++)
      score += x[j] * W[j * c + k];
    score = score * scale + o->noise * FenRandomNormal((uint64_t)o->seed, (uint64_t)(row * c + k), STREAM_NOISE);
    if (o->target == FEN_TARGET_REAL)
      return score;
    if (score > most) {
      most = score;
      best = (double)k;
    }
  }
  return best;
}

static PetscErrorCode Generate(MPI_Comm comm, const FenDatasetOptions *o, FenInt first, FenInt n, FenDataset *a)
{
  const FenInt d = o->features, c = o->target == FEN_TARGET_REAL ? 1 : PetscMax(o->classes, 2);
  FenLayout    rows;
  FenInt       size;
  double      *W;

  PetscFunctionBegin;
  *a = (FenDataset){.comm = comm, .n = n, .d = d};
  PetscCall(PetscStrncpy(a->name, first ? "generated validation set" : "generated training set", sizeof(a->name)));
  PetscCall(FenLayoutCreateRows(comm, n, &rows));
  PetscCall(FenLayoutGetRange(rows, &a->row0, &a->row1));
  PetscCall(FenLayoutDestroy(&rows));
  PetscCall(FenIntCast(a->row1 - a->row0, &a->rows));
  PetscCall(FenIntMult(a->row1 - a->row0, d, &size));
  PetscCall(PetscMalloc1((size_t)size + 1, &a->X));
  PetscCall(PetscMalloc1((size_t)a->rows + 1, &a->y));
  PetscCall(PetscMalloc1((size_t)(d * c), &W));
  for (FenInt k = 0; k < d * c; k++)
    W[k] = o->support && k / c >= o->support ? 0 : FenRandomNormal((uint64_t)o->seed, (uint64_t)k, STREAM_W);
  for (PetscInt i = 0; i < a->rows; i++) {
    double *x = a->X + (size_t)i * (size_t)d;

    for (FenInt j = 0; j < d; j++)
      x[j] = FenRandomNormal((uint64_t)o->seed, (uint64_t)((first + a->row0 + i) * d + j), STREAM_X);
    a->y[i] = Target(o, first + a->row0 + i, c, x, W);
  }
  PetscCall(PetscFree(W));
  PetscFunctionReturn(0);
}

/* ---- reading one file or two ---- */

/* dense where more than a quarter of the entries are there */
static PetscErrorCode Densify(FenDataset *a)
{
  FenInt nnz;

  PetscFunctionBegin;
  if (a->X)
    PetscFunctionReturn(0);
  nnz = a->csr.ptr[a->rows];
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &nnz, 1, MPI_FENINT, MPI_SUM, a->comm));
  if ((double)nnz > 0.25 * (double)a->n * (double)a->d)
    PetscCall(FenDatasetDense_Private(a));
  PetscFunctionReturn(0);
}

static PetscErrorCode ReadOne(MPI_Comm comm, const FenDatasetOptions *o, const char spec[], FenDataset *train,
                              FenDataset *valid)
{
  FenDataset     raw;
  FenInt         rows = o->train_rows;
  PetscErrorCode code;

  PetscFunctionBegin;
  code = FenDatasetRead_Private(comm, spec, &raw);
  if (code)
    PetscCall(FenDatasetFree_Private(&raw));
  PetscCall(code);
  rows = valid ? (rows ? rows : (4 * raw.n + 4) / 5) : raw.n;
  if (rows >= raw.n + (valid ? 0 : 1) || !raw.n)
    PetscCall(FenDatasetFree_Private(&raw));
  FEN_BILEVEL_CHECK(raw.n > 0, comm, FEN_ERR_SHAPE, "'%s' has no rows; rule: at least one", spec);
  FEN_BILEVEL_CHECK(!valid || rows < raw.n, comm, FEN_ERR_SHAPE,
                    "'%s' has %" FENINT_FMT " rows, %" FENINT_FMT
                    " of them train: none is left for validation; give -valid or fewer -train_rows",
                    spec, raw.n, rows);
  PetscCall(FenDatasetCut_Private(&raw, 0, rows, train));
  if (valid)
    PetscCall(FenDatasetCut_Private(&raw, rows, raw.n, valid));
  PetscCall(FenDatasetFree_Private(&raw));
  PetscFunctionReturn(0);
}

static PetscErrorCode Read(MPI_Comm comm, FenDatasetOptions *o, const FenBilevelData *data, FenDataset *train,
                           FenDataset *valid)
{
  const PetscBool two = (PetscBool)(data->valid && data->valid[0]);

  PetscFunctionBegin;
  PetscCall(ReadOne(comm, o, data->train, train, two ? NULL : valid));
  if (two)
    PetscCall(ReadOne(comm, o, data->valid, valid, NULL));
  if (!train->X && !valid->X) /* the last features may not occur in one of them */
    train->d = valid->d = PetscMax(train->d, valid->d);
  FEN_BILEVEL_CHECK(train->d == valid->d, comm, FEN_ERR_SHAPE,
                    "'%s' has %" FENINT_FMT " features, '%s' %" FENINT_FMT "; rule: as many", train->name, train->d,
                    valid->name, valid->d);
  FEN_BILEVEL_CHECK(train->d > 0, comm, FEN_ERR_SHAPE, "'%s' has no features; rule: at least one", train->name);
  PetscCall(FenIntCast(train->d, &train->cols));
  valid->cols = train->cols;
  PetscCall(Densify(train));
  PetscCall(Densify(valid));
  PetscFunctionReturn(0);
}

/* ---- checks ---- */

static void CheckNumbers(const FenDataset *a, FenFault *fault)
{
  for (PetscInt i = 0; i < a->rows && !fault->code; i++) {
    const FenInt  n = a->X ? a->d : a->csr.ptr[i + 1] - a->csr.ptr[i];
    const double *row = a->X ? a->X + (size_t)i * (size_t)a->d : a->csr.val + a->csr.ptr[i];

    for (FenInt k = 0; k < n; k++)
      if (!isfinite(row[k]))
        FenFaultSet(fault, FEN_ERR_VALUE,
                    "'%s', row %" FENINT_FMT ", column %" FENINT_FMT " (both from 0): %g; rule: features are finite",
                    a->name, a->row0 + i, a->X ? k : a->csr.idx[a->csr.ptr[i] + k], row[k]);
    if (!isfinite(a->y[i]))
      FenFaultSet(fault, FEN_ERR_VALUE, "'%s', row %" FENINT_FMT " (from 0): target %g; rule: targets are finite",
                  a->name, a->row0 + i, a->y[i]);
  }
}

/* labels -1 and 1 are classes 0 and 1 */
static PetscErrorCode Labels(FenDatasetOptions *o, FenDataset *a, PetscBool counts)
{
  double   range[2] = {PETSC_INFINITY, PETSC_INFINITY}; /* least, and minus the most */
  FenFault fault = {0, ""};

  PetscFunctionBegin;
  for (PetscInt i = 0; i < a->rows; i++) {
    range[0] = PetscMin(range[0], a->y[i]);
    range[1] = PetscMin(range[1], -a->y[i]);
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, range, 2, MPI_DOUBLE, MPI_MIN, a->comm));
  if (range[0] == -1 && -range[1] <= 1)
    for (PetscInt i = 0; i < a->rows; i++)
      a->y[i] = a->y[i] == -1 ? 0 : a->y[i] == 1 ? 1 : -1;
  if (counts && !o->classes)
    o->classes = range[0] == -1 ? 2 : PetscMax(2, (FenInt)PetscMin(-range[1], 1e5) + 1);
  for (PetscInt i = 0; i < a->rows; i++)
    if (!(a->y[i] >= 0 && a->y[i] < (double)o->classes && a->y[i] == floor(a->y[i])))
      FenFaultSet(&fault, FEN_ERR_VALUE,
                  "'%s', row %" FENINT_FMT " (from 0): label %g; rule: one of 0 ... %" FENINT_FMT
                  ", or -1 and 1 for two classes",
                  a->name, a->row0 + i, a->y[i], o->classes - 1);
  PetscCall(FenFaultAgree(a->comm, &fault));
  PetscFunctionReturn(0);
}

/* ---- preparation ---- */

/* rows are images of side s: every new pixel is the mean over its area, parts of old pixels by their share */
static PetscErrorCode Resize(FenInt side, FenDataset *a)
{
  const FenInt s = (FenInt)llround(sqrt((double)a->d));
  double      *B, *half, *X;

  PetscFunctionBegin;
  FEN_BILEVEL_CHECK(s * s == a->d, a->comm, FEN_ERR_SHAPE,
                    "'%s' has %" FENINT_FMT " features; rule: square images can be resized", a->name, a->d);
  FEN_BILEVEL_CHECK(side <= s, a->comm, FEN_ERR_OPTION,
                    "resize %" FENINT_FMT ": images of '%s' have side %" FENINT_FMT " and can only become smaller",
                    side, a->name, s);
  PetscCall(FenDatasetDense_Private(a));
  PetscCall(PetscCalloc2((size_t)(side * s), &B, (size_t)(side * s), &half));
  for (FenInt i = 0; i < side; i++)
    for (FenInt j = 0; j < s; j++) {
      const FenInt from = PetscMax(i * s, j * side), to = PetscMin((i + 1) * s, (j + 1) * side);

      B[i * s + j] = to > from ? (double)(to - from) / (double)s : 0;
    }
  PetscCall(PetscMalloc1((size_t)(a->rows * side * side) + 1, &X));
  for (PetscInt r = 0; r < a->rows; r++) {
    const double *old = a->X + (size_t)(r * a->d);
    double *new = X + (size_t)(r * side * side);

    for (FenInt i = 0; i < side; i++)
      for (FenInt k = 0; k < s; k++) {
        half[i * s + k] = 0;
        for (FenInt j = 0; j < s; j++)
          half[i * s + k] += B[i * s + j] * old[j * s + k];
      }
    for (FenInt i = 0; i < side; i++)
      for (FenInt l = 0; l < side; l++) {
        new[i * side + l] = 0;
        for (FenInt k = 0; k < s; k++)
          new[i * side + l] += half[i * s + k] * B[l * s + k];
      }
  }
  PetscCall(PetscFree2(B, half));
  PetscCall(PetscFree(a->X));
  a->X = X;
  a->d = side * side;
  PetscCall(FenIntCast(a->d, &a->cols));
  PetscFunctionReturn(0);
}

/* mean of every column (and of the target, last), then the mean square of what is left of it */
static PetscErrorCode Moments(const FenDataset *a, const FenDataset *b, PetscInt d, const double mean[], double out[])
{
  const FenDataset *set[2] = {a, b};
  FenDD            *sum;

  PetscFunctionBegin;
  PetscCall(PetscCalloc1((size_t)d + 1, &sum));
  for (int s = 0; s < 2; s++)
    for (PetscInt i = 0; i < set[s]->rows; i++)
      for (PetscInt j = 0; j <= d; j++) {
        const double x = j < d ? set[s]->X[(size_t)i * (size_t)d + (size_t)j] : set[s]->y[i];

        FenDDAdd(&sum[j], mean ? (x - mean[j]) * (x - mean[j]) : x);
      }
  PetscCall(FenDDReduce(a->comm, d + 1, sum, out));
  for (PetscInt j = 0; j <= d; j++)
    out[j] /= (double)(a->n + b->n);
  PetscCall(PetscFree(sum));
  PetscFunctionReturn(0);
}

/* a constant column becomes zero */
static PetscErrorCode Standardize(const FenDatasetOptions *o, FenDataset *a, FenDataset *b)
{
  FenDataset *set[2] = {a, b};
  double     *mean, *square;

  PetscFunctionBegin;
  FEN_BILEVEL_CHECK(a->X && b->X, a->comm, FEN_ERR_OPTION,
                    "'%s' is sparse and would not be after its mean is subtracted: standardize cannot be used",
                    a->X ? b->name : a->name);
  PetscCall(PetscMalloc2((size_t)a->cols + 1, &mean, (size_t)a->cols + 1, &square));
  PetscCall(Moments(a, b, a->cols, NULL, mean));
  PetscCall(Moments(a, b, a->cols, mean, square));
  for (int s = 0; s < 2; s++)
    for (PetscInt i = 0; i < set[s]->rows; i++) {
      double *row = set[s]->X + (size_t)i * (size_t)a->cols;

      for (PetscInt j = 0; j < a->cols; j++)
        row[j] = (row[j] - mean[j]) / (square[j] > 0 ? sqrt(square[j]) : 1);
      if (o->target == FEN_TARGET_REAL)
        set[s]->y[i] -= mean[a->cols];
    }
  PetscCall(PetscFree2(mean, square));
  PetscFunctionReturn(0);
}

static PetscErrorCode Intercept(FenDataset *a)
{
  const FenInt d = a->d;

  PetscFunctionBegin;
  a->d = d + 1;
  PetscCall(FenIntCast(a->d, &a->cols));
  if (a->X) {
    double *X;

    PetscCall(PetscMalloc1((size_t)(a->rows * a->d) + 1, &X));
    for (PetscInt i = 0; i < a->rows; i++) {
      PetscCall(PetscArraycpy(X + (size_t)(i * a->d), a->X + (size_t)(i * d), d));
      X[(i + 1) * a->d - 1] = 1;
    }
    PetscCall(PetscFree(a->X));
    a->X = X;
    PetscFunctionReturn(0);
  }
  PetscCall(PetscRealloc((size_t)(a->csr.ptr[a->rows] + a->rows + 1) * sizeof(FenInt), &a->csr.idx));
  PetscCall(PetscRealloc((size_t)(a->csr.ptr[a->rows] + a->rows + 1) * sizeof(double), &a->csr.val));
  for (PetscInt i = a->rows; i-- > 0;) { /* from the end: rows move up by as many places as there are rows before */
    const FenInt first = a->csr.ptr[i], n = a->csr.ptr[i + 1] - first;

    PetscCall(PetscArraymove(a->csr.idx + first + i, a->csr.idx + first, n));
    PetscCall(PetscArraymove(a->csr.val + first + i, a->csr.val + first, n));
    a->csr.idx[first + i + n] = d;
    a->csr.val[first + i + n] = 1;
    a->csr.ptr[i + 1] += i + 1;
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode Prepare(FenDatasetOptions *o, FenDataset *train, FenDataset *valid)
{
  FenFault fault = {0, ""};

  PetscFunctionBegin;
  CheckNumbers(train, &fault);
  CheckNumbers(valid, &fault);
  PetscCall(FenFaultAgree(train->comm, &fault));
  if (o->target == FEN_TARGET_CLASS) {
    PetscCall(Labels(o, train, PETSC_TRUE));
    PetscCall(Labels(o, valid, PETSC_FALSE));
  }
  if (o->resize) {
    PetscCall(Resize(o->resize, train));
    PetscCall(Resize(o->resize, valid));
  }
  if (o->standardize)
    PetscCall(Standardize(o, train, valid));
  if (o->intercept) {
    PetscCall(Intercept(train));
    PetscCall(Intercept(valid));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode Load(MPI_Comm comm, FenDatasetOptions *o, const FenBilevelData *data, FenDataset *train,
                           FenDataset *valid)
{
  PetscFunctionBegin;
  if (data->train && data->train[0])
    PetscCall(Read(comm, o, data, train, valid));
  else {
    FEN_BILEVEL_CHECK(!data->valid || !data->valid[0], comm, FEN_ERR_OPTION,
                      "-valid %s without -train: no rows to train with", data->valid);
    PetscCall(Generate(comm, o, 0, o->rows, train));
    PetscCall(Generate(comm, o, o->rows, o->valid_rows, valid));
    PetscCall(FenIntCast(train->d, &train->cols));
    valid->cols = train->cols;
  }
  PetscCall(Prepare(o, train, valid));
  PetscFunctionReturn(0);
}

PetscErrorCode FenDatasetLoad_Private(MPI_Comm comm, FenDatasetOptions *o, const FenBilevelData *data,
                                      FenDataset *train, FenDataset *valid)
{
  PetscErrorCode code;

  PetscFunctionBegin;
  *train = *valid = (FenDataset){.comm = comm};
  code = Load(comm, o, data, train, valid);
  if (code) {
    PetscCall(FenDatasetFree_Private(train));
    PetscCall(FenDatasetFree_Private(valid));
  }
  PetscCall(code);
  PetscFunctionReturn(0);
}
