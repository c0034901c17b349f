/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Reads a manifest back: exactly what manifest.c prints, with hard limits, after its own hash was found right. Names in
   it are data: the file is always state.h5, data sets are named after their entries, so nothing can point elsewhere.
*/
#include "ckptimpl.h"
#include <string.h>

#define LAST_LINE 48 /* "checksum": "32 digits"} and the end of the line */

typedef struct {
  const char *begin, *p, *end;
  FenFault   *fault;
} Cursor;

static void Fail(Cursor *c, const char expected[])
{
  FenFaultSet(c->fault, FEN_ERR_FILE_FORMAT, "byte %td: %s was expected", c->p - c->begin, expected);
}

static void Literal(Cursor *c, const char text[])
{
  const size_t n = strlen(text);

  if (c->fault->code)
    return;
  if ((size_t)(c->end - c->p) < n || memcmp(c->p, text, n))
    Fail(c, text);
  else
    c->p += n;
}

/* TRUE, and moves on, if the text comes next */
static PetscBool Next(Cursor *c, const char text[])
{
  const size_t n = strlen(text);

  if (c->fault->code || (size_t)(c->end - c->p) < n || memcmp(c->p, text, n))
    return PETSC_FALSE;
  c->p += n;
  return PETSC_TRUE;
}

/* 0 <= value < 2^62, no sign, no leading zeros */
static FenInt Integer(Cursor *c)
{
  FenInt value = 0;
  int    digits = 0;

  if (c->fault->code)
    return 0;
  for (; c->p < c->end && *c->p >= '0' && *c->p <= '9' && digits < 19; c->p++, digits++)
    value = digits < 18 ? 10 * value + (*c->p - '0') : -1;
  if (!digits || value < 0)
    Fail(c, "a number below 10^18");
  return value < 0 ? 0 : value;
}

static int HexDigit(char ch)
{
  return ch >= '0' && ch <= '9' ? ch - '0' : ch >= 'a' && ch <= 'f' ? ch - 'a' + 10 : -1;
}

/* 128 bits as a string of 32 digits */
static void Hash(Cursor *c, uint64_t hash[2])
{
  Literal(c, "\"");
  hash[0] = hash[1] = 0;
  for (int k = 0; k < 32 && !c->fault->code; k++) {
    const int d = c->p < c->end ? HexDigit(*c->p) : -1;
    if (d < 0)
      Fail(c, "a digit of a hash");
    else {
      hash[k / 16] = 16 * hash[k / 16] + (uint64_t)d;
      c->p++;
    }
  }
  Literal(c, "\"");
}

/* \" \\ and \u00xx are all the escapes that are written */
static int Escaped(Cursor *c)
{
  int value = 0;

  if (Next(c, "\""))
    return '"';
  if (Next(c, "\\"))
    return '\\';
  Literal(c, "u00");
  for (int k = 0; k < 2 && !c->fault->code; k++) {
    const int d = c->p < c->end ? HexDigit(*c->p) : -1;
    if (d < 0)
      Fail(c, "an escape");
    value = 16 * value + d;
    c->p++;
  }
  return value;
}

static void String(Cursor *c, char text[], size_t n)
{
  size_t used = 0;

  Literal(c, "\"");
  while (!c->fault->code && !Next(c, "\"")) {
    int ch = 0;
    if (c->p < c->end && (unsigned char)*c->p >= 32)
      ch = (unsigned char)*c->p++;
    if (ch == '\\')
      ch = Escaped(c);
    if (!ch || used + 1 >= n)
      Fail(c, "the end of a shorter text");
    else
      text[used++] = (char)ch;
  }
  text[used] = 0;
}

static void Data(Cursor *c, FenCkptItem *item, PetscInt d)
{
  FenCkptData *data = &item->data[d];
  char         path[sizeof(data->path)];
  FenInt       size = 8;

  Literal(c, "{\"path\": ");
  String(c, path, sizeof(path));
  if (!c->fault->code && strcmp(path, data->path))
    Fail(c, "the data set's proper name");
  Literal(c, data->integers ? ", \"type\": \"int64\", \"shape\": [" : ", \"type\": \"float64\", \"shape\": [");
  for (data->rank = 0; !c->fault->code && !Next(c, "]"); data->rank++) {
    if (data->rank)
      Literal(c, ", ");
    if (data->rank == FEN_MAX_DIM + 1)
      Fail(c, "the end of a shape");
    else
      data->shape[data->rank] = Integer(c);
    if (!c->fault->code && __builtin_mul_overflow(size, data->shape[data->rank], &size))
      Fail(c, "a possible shape");
  }
  Literal(c, ", \"offset\": ");
  data->offset = Integer(c);
  Literal(c, "}");
}

static void Item(Cursor *c, FenCkptItem *item)
{
  char kind[16];
  int  k = 0;

  Literal(c, "{\"name\": ");
  String(c, item->name, sizeof(item->name));
  if (item->name[strspn(item->name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")])
    Fail(c, "an entry's name of letters, digits and underscores");
  Literal(c, ", \"kind\": ");
  String(c, kind, sizeof(kind));
  while (FenCkptKindNames_Private[k] && strcmp(FenCkptKindNames_Private[k], kind))
    k++;
  if (!FenCkptKindNames_Private[k]) {
    Fail(c, "a kind of entry");
    return;
  }
  item->kind = (FenStateKind)k;
  FenCkptNameData_Private(item);
  Literal(c, ", \"fingerprint\": ");
  Hash(c, item->fingerprint.lane);
  Literal(c, ", \"data\": [");
  for (PetscInt d = 0; d < item->ndata && !c->fault->code; d++) {
    if (d)
      Literal(c, ", ");
    Data(c, item, d);
  }
  Literal(c, "]}");
}

/* lines up to "]": their number bounds the memory */
static PetscInt CountLines(const Cursor *c)
{
  PetscInt n = 0;

  for (const char *p = c->p; p < c->end && *p != ']' && n <= FEN_CKPT_MAX_ITEMS; n++) {
    p = (const char *)memchr(p, '\n', (size_t)(c->end - p));
    if (!p)
      break;
    p++;
  }
  return n;
}

static PetscErrorCode Keys(Cursor *c, FenManifest *m)
{
  PetscFunctionBegin;
  m->nkeys = CountLines(c);
  if (m->nkeys > FEN_CKPT_MAX_KEYS)
    Fail(c, "a smaller number of keys");
  if (c->fault->code)
    PetscFunctionReturn(0);
  PetscCall(PetscCalloc1(m->nkeys, &m->keys));
  PetscCall(PetscCalloc1(m->nkeys, &m->keynames));
  for (PetscInt i = 0; i < m->nkeys; i++) {
    Literal(c, "{\"name\": ");
    String(c, m->keynames[i], FEN_CKPT_NAME);
    Literal(c, ", \"value\": ");
    String(c, m->keys[i].value, sizeof(m->keys[i].value));
    Literal(c, i + 1 < m->nkeys ? "},\n" : "}\n");
    m->keys[i].name = m->keynames[i];
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode Items(Cursor *c, FenManifest *m)
{
  PetscFunctionBegin;
  m->nitems = CountLines(c);
  if (m->nitems > FEN_CKPT_MAX_ITEMS)
    Fail(c, "a smaller number of entries");
  if (c->fault->code)
    PetscFunctionReturn(0);
  PetscCall(PetscCalloc1(m->nitems, &m->items));
  for (PetscInt i = 0; i < m->nitems; i++) {
    Item(c, &m->items[i]);
    Literal(c, i + 1 < m->nitems ? ",\n" : "\n");
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode Hashes(Cursor *c, FenManifest *m)
{
  PetscFunctionBegin;
  m->nhashes = (m->size + FEN_CKPT_BLOCK - 1) / FEN_CKPT_BLOCK;
  if ((c->end - c->p) / 34 < m->nhashes)
    Fail(c, "a hash for every block");
  if (c->fault->code)
    PetscFunctionReturn(0);
  PetscCall(PetscMalloc1((size_t)(2 * m->nhashes), &m->hashes));
  for (FenInt b = 0; b < m->nhashes; b++) {
    Hash(c, &m->hashes[2 * b]);
    Literal(c, b + 1 < m->nhashes ? ",\n" : "\n");
  }
  PetscFunctionReturn(0);
}

/* data sets lie inside the file */
static void CheckOffsets(const FenManifest *m, FenFault *fault)
{
  for (PetscInt i = 0; i < m->nitems; i++)
    for (PetscInt d = 0; d < m->items[i].ndata; d++) {
      const FenCkptData *data = &m->items[i].data[d];
      if (data->offset > m->size || 8 * FenCkptElements_Private(data) > m->size - data->offset)
        FenFaultSet(fault, FEN_ERR_FILE_FORMAT, "data set '%s' does not fit into %" FENINT_FMT " bytes", data->path,
                    m->size);
    }
}

static PetscErrorCode CheckOwnHash(Cursor *c)
{
  uint64_t expected[2], found[2];
  Cursor   last = *c;

  PetscFunctionBegin;
  if (c->end - c->begin <= LAST_LINE) {
    FenFaultSet(c->fault, FEN_ERR_FILE_FORMAT, "truncated to %td bytes", c->end - c->begin);
    PetscFunctionReturn(0);
  }
  last.p = c->end - LAST_LINE;
  FenCkptHash_Private(c->begin, (size_t)(last.p - c->begin), found);
  c->end = last.p;
  Literal(&last, "\"checksum\": ");
  Hash(&last, expected);
  Literal(&last, "}\n");
  if (!c->fault->code && memcmp(expected, found, sizeof(found)))
    FenFaultSet(c->fault, FEN_ERR_FILE_FORMAT,
                "checksum: expected %016" PRIx64 "%016" PRIx64 ", found %016" PRIx64 "%016" PRIx64, expected[0],
                expected[1], found[0], found[1]);
  PetscFunctionReturn(0);
}

PetscErrorCode FenManifestParse_Private(const char text[], size_t n, FenManifest *m, FenFault *fault)
{
  Cursor c = {text, text, text + n, fault};
  FenInt version;

  PetscFunctionBegin;
  PetscCall(PetscMemzero(m, sizeof(*m)));
  PetscCall(CheckOwnHash(&c));
  Literal(&c, "{\"format\": \"fenchel-checkpoint\",\n\"format_version\": ");
  version = Integer(&c);
  if (!fault->code && version != FEN_CKPT_FORMAT)
    FenFaultSet(fault, FEN_ERR_FILE_FORMAT, "format version: this program reads %d, found %" FENINT_FMT,
                FEN_CKPT_FORMAT, version);
  Literal(&c, ",\n\"suite\": ");
  String(&c, m->suite, sizeof(m->suite));
  Literal(&c, ",\n\"number\": ");
  m->number = Integer(&c);
  Literal(&c, ",\n\"keys\": [\n");
  PetscCall(Keys(&c, m));
  Literal(&c, "],\n\"entries\": [\n");
  PetscCall(Items(&c, m));
  Literal(&c, "],\n\"file\": \"state.h5\",\n\"size\": ");
  m->size = Integer(&c);
  Literal(&c, ",\n\"block\": 8388608,\n\"hash\": \"XXH3-128\",\n\"hashes\": [\n");
  PetscCall(Hashes(&c, m));
  Literal(&c, "],\n");
  if (!fault->code && c.p != c.end)
    Fail(&c, "the checksum");
  if (!fault->code)
    CheckOffsets(m, fault);
  PetscFunctionReturn(0);
}
