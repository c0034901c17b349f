/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Text files in parts: a rank gets the lines that begin in its share of the bytes.
*/
#include "../ioimpl.h"
#include "streamimpl.h"
#include <string.h>

#define LINE_PIECE ((FenInt)65536)

typedef struct {
  char  *text;
  FenInt n, room;
} Buffer;

static PetscErrorCode Room(Buffer *b, FenInt more)
{
  PetscFunctionBegin;
  if (b->n + more + 1 > b->room) {
    b->room = b->n + b->n / 2 + more + 1;
    PetscCall(PetscRealloc((size_t)b->room, &b->text));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode Load(FenStream s, FenInt offset, FenInt n, Buffer *b, FenFault *fault)
{
  int err;

  PetscFunctionBegin;
  PetscCall(Room(b, n));
  err = FenPosixRead_Private(s->fd, b->text + b->n, (size_t)n, (off_t)offset);
  if (err)
    FenFaultSet(fault, FEN_ERR_FILE_OPEN, "file '%s' cannot be read: %s", s->name, strerror(err));
  b->n += n;
  PetscFunctionReturn(0);
}

/* bytes [begin,end) and what is missing of the last line that begins there; begin > from: the byte before tells whether
   a line begins at begin */
static PetscErrorCode LoadLines(FenStream s, FenInt from, FenInt begin, FenInt end, Buffer *b, FenFault *fault)
{
  const FenInt before = begin > from ? 1 : 0;
  FenInt       scanned, skip = 0;

  PetscFunctionBegin;
  PetscCall(Room(b, 0));
  if (begin == end)
    PetscFunctionReturn(0);
  PetscCall(Load(s, begin - before, end - begin + before, b, fault));
  if (before && !fault->code) {
    const char *first = (const char *)memchr(b->text, '\n', (size_t)b->n);

    skip = first ? (FenInt)(first - b->text) + 1 : b->n;
  }
  if (skip < b->n)
    while (!fault->code && b->text[b->n - 1] != '\n' && end < s->size) {
      const FenInt n = PetscMin(LINE_PIECE, s->size - end);
      const char  *stop;

      scanned = b->n;
      PetscCall(Load(s, end, n, b, fault));
      end += n;
      stop = fault->code ? NULL : (const char *)memchr(b->text + scanned, '\n', (size_t)n);
      if (stop)
        b->n = (FenInt)(stop - b->text) + 1;
    }
  b->n -= skip;
  (void)memmove(b->text, b->text + skip, (size_t)b->n);
  PetscFunctionReturn(0);
}

static FenInt CountLines(const Buffer *b)
{
  FenInt lines = 0;

  for (const char *p = b->text, *end = b->text + b->n; p < end; lines++) {
    const char *stop = (const char *)memchr(p, '\n', (size_t)(end - p));

    p = stop ? stop + 1 : end;
  }
  return lines;
}

/*@C
  FenStreamReadLines - reads the lines of a text file, every rank a part of them

  Collective

  Input Parameters:
+ stream - a file that is read
. from   - first byte, where a line begins
- line   - number of that line, from 1

  Output Parameters:
+ text  - my lines, ended by a zero byte; free with PetscFree()
. n     - its length
- first - number of my first line

  Errors: FEN_ERR_FILE_FORMAT (zero bytes: not text), FEN_ERR_FILE_OPEN

  Level: intermediate

.seealso: FenStreamOpen()
@*/
PetscErrorCode FenStreamReadLines(FenStream stream, FenInt from, FenInt line, char *text[], FenInt *n, FenInt *first)
{
  const FenInt   share = PetscMax(stream->size - from, 0) / stream->nranks;
  const FenInt   begin = PetscMin(from + stream->rank * share, stream->size);
  const FenInt   end = stream->rank == stream->nranks - 1 ? PetscMax(stream->size, begin) : begin + share;
  Buffer         b = {NULL, 0, 0};
  FenFault       fault = {0};
  FenInt         lines, before = 0;
  PetscErrorCode code;

  PetscFunctionBegin;
  PetscCall(LoadLines(stream, from, begin, end, &b, &fault));
  b.text[b.n] = 0;
  if (!fault.code && memchr(b.text, 0, (size_t)b.n))
    FenFaultSet(&fault, FEN_ERR_FILE_FORMAT, "file '%s' is not text: it has zero bytes", stream->name);
  code = FenFaultAgree(stream->comm, &fault);
  if (code)
    PetscCall(PetscFree(b.text));
  PetscCall(code);
  lines = CountLines(&b);
  PetscCallMPI(MPI_Exscan(&lines, &before, 1, MPI_FENINT, MPI_SUM, stream->comm));
  *first = line + (stream->rank ? before : 0);
  *text = b.text;
  *n = b.n;
  PetscFunctionReturn(0);
}
