/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Arrays that lie in a file as they are: NumPy's .npy (format 1 to 3) and raw little-endian doubles. Every rank reads
   its own pieces.
*/
#include "arrayimpl.h"
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAX_HEADER 65535
#define BUFFER     ((size_t)1 << 20)

/* ---- header: a Python dictionary with the keys descr, fortran_order and shape ---- */

static const char *SkipBlanks(const char *p)
{
  while (*p == ' ' || *p == '\n' || *p == '\t')
    p++;
  return p;
}

/* moves over `word`, or makes the position NULL */
static const char *Expect(const char *p, const char word[])
{
  const size_t n = strlen(word);

  if (p)
    p = SkipBlanks(p);
  return p && !strncmp(p, word, n) ? p + n : NULL;
}

/* '<f8' and the like: byte order, letter, bytes */
static const char *ParseType(const char *p, FenArrayHeader *head)
{
  char  order;
  char *end;

  p = Expect(p, "'");
  if (!p || !strchr("<>|=", *p) || !*p)
    return NULL;
  order = *p++;
  if (!*p || !strchr("fiub", *p))
    return NULL;
  head->letter = *p++;
  if (!isdigit((unsigned char)*p))
    return NULL;
  head->width = (int)strtol(p, &end, 10);
  head->swap = order == '>' ? PETSC_TRUE : PETSC_FALSE;
  if (head->letter == 'f' && head->width != 2 && head->width != 4 && head->width != 8 && head->width != 16)
    return NULL;
  if (head->letter == 'f' && head->width == 16 && (head->swap || sizeof(long double) != 16))
    return NULL; /* the machine's own extended numbers only */
  if (head->letter != 'f' && head->width != 1 && head->width != 2 && head->width != 4 && head->width != 8)
    return NULL;
  return Expect(end, "'");
}

static const char *ParseBool(const char *p, PetscBool *value)
{
  const char *after = Expect(p, "True");

  *value = after ? PETSC_TRUE : PETSC_FALSE;
  return after ? after : Expect(p, "False");
}

static const char *ParseShape(const char *p, FenArrayHeader *head)
{
  char *end;

  p = Expect(p, "(");
  for (head->rank = 0; p && *(p = SkipBlanks(p)) != ')';) {
    if (!isdigit((unsigned char)*p) || head->rank == FEN_IO_MAX_RANK)
      return NULL;
    errno = 0;
    head->shape[head->rank++] = strtoll(p, &end, 10);
    if (errno)
      return NULL;
    p = SkipBlanks(end);
    if (*p == ',')
      p++;
    else if (*p != ')')
      return NULL;
  }
  return p ? p + 1 : NULL;
}

static PetscBool ParseHeader(const char *p, FenArrayHeader *head)
{
  int seen = 0;

  for (p = Expect(p, "{"); p && *(p = SkipBlanks(p)) != '}';) {
    const char *after;
    if ((after = Expect(p, "'descr':"))) {
      p = ParseType(after, head);
      seen |= 1;
    } else if ((after = Expect(p, "'fortran_order':"))) {
      p = ParseBool(after, &head->fortran);
      seen |= 2;
    } else if ((after = Expect(p, "'shape':"))) {
      p = ParseShape(after, head);
      seen |= 4;
    } else
      return PETSC_FALSE;
    if (p && *(p = SkipBlanks(p)) == ',')
      p++;
    else if (p && *p != '}')
      return PETSC_FALSE;
  }
  return p && seen == 7 ? PETSC_TRUE : PETSC_FALSE;
}

/* the numbers must fill the file to its last byte */
static void CheckSize(FenArray array, FenInt size, FenFault *fault)
{
  FenInt bytes = array->head.width, total;
  char   text[200] = "";

  (void)FenShapeText_Private(array->head.rank, array->head.shape, text, sizeof(text));
  for (PetscInt a = 0; a < array->head.rank; a++)
    if (array->head.shape[a] < 0 || __builtin_mul_overflow(bytes, array->head.shape[a], &bytes)) {
      FenFaultSet(fault, FEN_ERR_FILE_FORMAT, "file '%s': the shape %s is impossible", array->file, text);
      return;
    }
  if (__builtin_add_overflow(bytes, array->head.offset, &total) || total != size)
    FenFaultSet(fault, array->kind == FEN_ARRAY_RAW ? FEN_ERR_SHAPE : FEN_ERR_FILE_FORMAT,
                "file '%s' has %" FENINT_FMT " bytes of numbers, the shape %s with %d bytes each needs %" FENINT_FMT,
                array->file, size - array->head.offset, text, array->head.width, bytes);
}

/* magic (6), version (2), length of the header (2 or 4), header */
static void ReadHeader(FenArray array, int fd, FenInt size, FenFault *fault)
{
  unsigned char start[12] = {0};
  char          text[MAX_HEADER + 1];
  FenInt        length, prefix;

  if (FenPosixRead_Private(fd, start, (size_t)PetscMin(size, 12), 0) || size < 12) {
    FenFaultSet(fault, FEN_ERR_FILE_FORMAT, "file '%s': truncated .npy header", array->file);
    return;
  }
  prefix = start[6] == 1 ? 10 : 12;
  length = start[8] + 256 * start[9] + (start[6] == 1 ? 0 : 65536 * (start[10] + (FenInt)256 * start[11]));
  if (start[6] < 1 || start[6] > 3 || length > MAX_HEADER || prefix + length > size) {
    FenFaultSet(fault, FEN_ERR_FILE_FORMAT,
                "file '%s': .npy version %d with a header of %" FENINT_FMT " bytes in a file of %" FENINT_FMT,
                array->file, (int)start[6], length, size);
    return;
  }
  text[length] = 0;
  if (FenPosixRead_Private(fd, text, (size_t)length, (off_t)prefix)) {
    FenFaultSet(fault, FEN_ERR_FILE_OPEN, "file '%s': the header cannot be read", array->file);
    return;
  }
  array->head.offset = prefix + length;
  if (!ParseHeader(text, &array->head))
    FenFaultSet(
        fault, FEN_ERR_FILE_FORMAT,
        "file '%s': the .npy header is not understood (plain real numbers or integers, at most %d axes): %.120s",
        array->file, FEN_IO_MAX_RANK, text);
}

static PetscErrorCode OpenNpy(FenArray array, PetscInt nshape, const FenInt shape[], FenFault *fault)
{
  FenInt size;
  int    fd;

  PetscFunctionBegin;
  (void)nshape, (void)shape; /* checked by FenArrayOpen */
  FenPosixOpenInput_Private(array->file, &fd, &size, fault);
  if (fault->code)
    PetscFunctionReturn(0);
  ReadHeader(array, fd, size, fault);
  (void)FenPosixClose_Private(fd);
  if (!fault->code)
    CheckSize(array, size, fault);
  PetscFunctionReturn(0);
}

static PetscErrorCode OpenRaw(FenArray array, PetscInt nshape, const FenInt shape[], FenFault *fault)
{
  FenInt size;
  int    fd;

  PetscFunctionBegin;
  FenPosixOpenInput_Private(array->file, &fd, &size, fault);
  if (fault->code)
    PetscFunctionReturn(0);
  (void)FenPosixClose_Private(fd);
  array->head = (FenArrayHeader){.rank = nshape, .width = 8, .letter = 'f'};
  PetscCall(PetscArraycpy(array->head.shape, shape, nshape));
  CheckSize(array, size, fault);
  PetscFunctionReturn(0);
}

/* ---- numbers ---- */

static double HalfToDouble(uint16_t h)
{
  const int    exponent = (h >> 10) & 31, mantissa = h & 1023;
  const double sign = h & 0x8000 ? -1. : 1.;

  if (exponent == 31)
    return mantissa ? (double)NAN : sign * (double)INFINITY;
  return sign * ldexp(exponent ? 1024 + mantissa : mantissa, (exponent ? exponent : 1) - 25);
}

#define CONVERT(type, bytes)                                                                                           \
  do {                                                                                                                 \
    type value;                                                                                                        \
    memcpy(&value, bytes, sizeof(value));                                                                              \
    return (double)value;                                                                                              \
  } while (0)

static double ToDouble(const FenArrayHeader *head, const unsigned char bytes[16])
{
  uint16_t half;

  switch (head->letter == 'b' ? 'b' : head->letter * 32 + head->width) {
  case 'b':
    CONVERT(uint8_t, bytes);
  case 'i' * 32 + 1:
    CONVERT(int8_t, bytes);
  case 'i' * 32 + 2:
    CONVERT(int16_t, bytes);
  case 'i' * 32 + 4:
    CONVERT(int32_t, bytes);
  case 'i' * 32 + 8:
    CONVERT(int64_t, bytes);
  case 'u' * 32 + 1:
    CONVERT(uint8_t, bytes);
  case 'u' * 32 + 2:
    CONVERT(uint16_t, bytes);
  case 'u' * 32 + 4:
    CONVERT(uint32_t, bytes);
  case 'u' * 32 + 8:
    CONVERT(uint64_t, bytes);
  case 'f' * 32 + 2:
    memcpy(&half, bytes, 2);
    return HalfToDouble(half);
  case 'f' * 32 + 4:
    CONVERT(float, bytes);
  case 'f' * 32 + 16:
    CONVERT(long double, bytes);
  default:
    CONVERT(double, bytes);
  }
}

/* reading pieces through a buffer; entries go to out with a stride */
typedef struct {
  FenArray       array;
  int            fd;
  unsigned char *buffer;
  double        *out;
  FenFault      *fault;
} Pieces;

static void Unpack(const FenArrayHeader *head, const unsigned char raw[], FenInt n, double out[], FenInt stride)
{
  const size_t width = (size_t)head->width;

  for (FenInt k = 0; k < n; k++) {
    unsigned char number[16];
    for (size_t b = 0; b < width; b++)
      number[b] = raw[(size_t)k * width + (head->swap ? width - 1 - b : b)];
    out[k * stride] = ToDouble(head, number);
  }
}

static void ReadRun(Pieces *p, FenInt start, FenInt n, double out[], FenInt stride)
{
  const FenArrayHeader *head = &p->array->head;
  const FenInt          piece = (FenInt)BUFFER / head->width;

  for (FenInt done = 0; done < n && !p->fault->code; done += piece) {
    const FenInt m = PetscMin(piece, n - done);
    const int    err = FenPosixRead_Private(p->fd, p->buffer, (size_t)(m * head->width),
                                            (off_t)(head->offset + (start + done) * head->width));
    if (err)
      FenFaultSet(p->fault, FEN_ERR_FILE_FORMAT, "file '%s': entries from %" FENINT_FMT " on cannot be read: %s",
                  p->array->file, start + done, strerror(err));
    else
      Unpack(head, p->buffer, m, out + done * stride, stride);
  }
}

static PetscErrorCode ReadCRun(void *ctx, FenInt file, FenInt box, FenInt n)
{
  Pieces *p = (Pieces *)ctx;

  ReadRun(p, file, n, p->out + box, 1);
  return 0;
}

/* first axis fastest: runs along axis 0, their entries far apart in the box */
static void ReadFortran(Pieces *p, const FenSlab *slab)
{
  FenInt       index[FEN_IO_MAX_RANK] = {0};
  const FenInt stride = FenSlabSize_Private(slab) / slab->count[0];

  for (PetscInt axis = 1; axis > 0;) {
    FenInt start = 0, box = 0;
    for (PetscInt a = slab->rank - 1; a > 0; a--)
      start = (start + slab->start[a] + index[a]) * slab->shape[a - 1];
    for (PetscInt a = 1; a < slab->rank; a++)
      box = box * slab->count[a] + index[a];
    ReadRun(p, start + slab->start[0], slab->count[0], p->out + box, stride);
    for (axis = slab->rank - 1; axis > 0; axis--) {
      if (++index[axis] < slab->count[axis])
        break;
      index[axis] = 0;
    }
  }
}

static PetscErrorCode ReadPieces(FenArray array, const FenSlab *slab, double out[], FenFault *fault)
{
  Pieces p = {.array = array, .out = out, .fault = fault};
  FenInt size;

  PetscFunctionBegin;
  FenPosixOpenInput_Private(array->file, &p.fd, &size, fault);
  if (fault->code)
    PetscFunctionReturn(0);
  PetscCall(PetscMalloc1(BUFFER, &p.buffer));
  if (array->head.fortran && slab->rank > 1)
    ReadFortran(&p, slab);
  else
    PetscCall(FenSlabRuns_Private(slab, ReadCRun, &p));
  PetscCall(PetscFree(p.buffer));
  (void)FenPosixClose_Private(p.fd);
  PetscFunctionReturn(0);
}

const FenArrayOps FenArrayOps_Npy = {OpenNpy, ReadPieces};
const FenArrayOps FenArrayOps_Raw = {OpenRaw, ReadPieces};
