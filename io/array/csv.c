/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Numbers as text, one row a line, separated by commas, semicolons or blanks. '#' starts a comment; the first line may
   be a header. Every rank parses the file and keeps its own rows: for small things.
*/
#include "arrayimpl.h"
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_LINE ((size_t)1 << 30)

typedef struct {
  FenArray  array;
  FILE     *stream;
  char     *line;
  size_t    capacity;
  FenInt    number; /* of the line, from 1 */
  FenInt    ncols;  /* 0: not known yet */
  FenInt    nrows;  /* rows so far */
  double   *row;    /* ncols numbers */
  FenInt    room;   /* of row */
  PetscBool header; /* the first line with text may still be one */
  FenFault *fault;
} Reader;

static const char *SkipBlanks(const char *p)
{
  while (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n')
    p++;
  return p;
}

static PetscErrorCode Append(Reader *r, FenInt n, double value)
{
  PetscFunctionBegin;
  if (n >= r->room) {
    r->room = 2 * r->room + 64;
    PetscCall(PetscRealloc((size_t)r->room * sizeof(double), &r->row));
  }
  r->row[n] = value;
  PetscFunctionReturn(0);
}

/* numbers of one line; *n < 0: the word in column -n is no number */
static PetscErrorCode ParseLine(Reader *r, FenInt *n, const char **word)
{
  const char *p = SkipBlanks(r->line);

  PetscFunctionBegin;
  for (*n = 0; *p;) {
    char        *end;
    const double value = strtod(p, &end);
    *word = p;
    if (end == p || (*end && !strchr(" \t\r\n,;", *end))) {
      *n = -(*n + 1);
      PetscFunctionReturn(0);
    }
    PetscCall(Append(r, (*n)++, value));
    p = SkipBlanks(end);
    if (*p == ',' || *p == ';') {
      p = SkipBlanks(p + 1);
      if (!*p) { /* nothing behind the last separator */
        *word = "";
        *n = -(*n + 1);
        PetscFunctionReturn(0);
      }
    }
  }
  PetscFunctionReturn(0);
}

static void FaultWord(Reader *r, FenInt column, const char word[])
{
  FenFaultSet(r->fault, FEN_ERR_FILE_FORMAT,
              "file '%s', line %" FENINT_FMT ", column %" FENINT_FMT ": '%.*s' is no number", r->array->file, r->number,
              column, (int)PetscMin(strcspn(word, " \t\r\n,;"), 40), word);
}

/* the next row with numbers; *n = 0 at the end */
static PetscErrorCode NextRow(Reader *r, FenInt *n)
{
  const char *word = "";
  ssize_t     length;

  PetscFunctionBegin;
  for (*n = 0; *n == 0 && !r->fault->code;) {
    if ((length = getline(&r->line, &r->capacity, r->stream)) < 0)
      break;
    r->number++;
    if (strlen(r->line) != (size_t)length || (size_t)length > MAX_LINE) {
      FenFaultSet(r->fault, FEN_ERR_FILE_FORMAT, "file '%s', line %" FENINT_FMT ": not text", r->array->file,
                  r->number);
      break;
    }
    r->line[strcspn(r->line, "#")] = 0;
    PetscCall(ParseLine(r, n, &word));
    if (*n < 0 && r->header && !r->nrows && isalpha((unsigned char)*SkipBlanks(r->line)))
      *n = 0; /* names of the columns */
    else if (*n < 0)
      FaultWord(r, -*n, word);
    if (*SkipBlanks(r->line))
      r->header = PETSC_FALSE;
  }
  if (ferror(r->stream))
    FenFaultSet(r->fault, FEN_ERR_FILE_OPEN, "file '%s': %s", r->array->file, strerror(errno));
  if (*n > 0 && r->ncols && *n != r->ncols)
    FenFaultSet(r->fault, FEN_ERR_FILE_FORMAT,
                "file '%s', line %" FENINT_FMT " has %" FENINT_FMT " numbers, the first row has %" FENINT_FMT,
                r->array->file, r->number, *n, r->ncols);
  if (*n > 0 && !r->ncols)
    r->ncols = *n;
  r->nrows += *n > 0;
  PetscFunctionReturn(0);
}

/* all rows of the file; slab = NULL: only counted */
static PetscErrorCode ReadRows(Reader *r, const FenSlab *slab, double out[])
{
  FenInt n = 1, size;
  int    fd;

  PetscFunctionBegin;
  FenPosixOpenInput_Private(r->array->file, &fd, &size, r->fault);
  if (r->fault->code)
    PetscFunctionReturn(0);
  r->stream = fdopen(fd, "r");
  PetscCheck(r->stream, PETSC_COMM_SELF, FEN_ERR_INTERNAL, "no stream for '%s'", r->array->file);
  r->header = PETSC_TRUE;
  while (n > 0 && !r->fault->code) {
    PetscCall(NextRow(r, &n));
    if (slab && n > 0 && !r->fault->code)
      FenSlabKeepRow_Private(slab, r->nrows - 1, r->row, out);
  }
  (void)fclose(r->stream);
  free(r->line); /* getline's */
  PetscCall(PetscFree(r->row));
  PetscFunctionReturn(0);
}

static PetscErrorCode OpenCSV(FenArray array, PetscInt nshape, const FenInt shape[], FenFault *fault)
{
  Reader r = {.array = array, .fault = fault};

  PetscFunctionBegin;
  (void)nshape, (void)shape; /* checked by FenArrayOpen */
  PetscCall(ReadRows(&r, NULL, NULL));
  if (!r.nrows)
    FenFaultSet(fault, FEN_ERR_FILE_FORMAT, "file '%s' has no numbers", array->file);
  array->head.rank = r.ncols > 1 ? 2 : 1;
  array->head.shape[0] = r.nrows;
  array->head.shape[1] = r.ncols > 1 ? r.ncols : 0;
  PetscFunctionReturn(0);
}

static PetscErrorCode ReadCSV(FenArray array, const FenSlab *slab, double out[], FenFault *fault)
{
  Reader r = {.array = array, .fault = fault, .ncols = array->head.rank > 1 ? array->head.shape[1] : 1};

  PetscFunctionBegin;
  PetscCall(ReadRows(&r, slab, out));
  if (r.nrows != array->head.shape[0])
    FenFaultSet(fault, FEN_ERR_FILE_FORMAT, "file '%s' changed while it was read", array->file);
  PetscFunctionReturn(0);
}

const FenArrayOps FenArrayOps_CSV = {OpenCSV, ReadCSV};
