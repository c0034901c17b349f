/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Lines and the numbers on them; text that grows.
*/
#include "mdpfileimpl.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FEN_SCAN_BLANKS " \t\r,;"
#define FEN_SCAN_WORD   40
#define FEN_SCAN_HEAD   ((FenInt)1 << 20)

PetscErrorCode FenMDPScanHead_Private(MPI_Comm comm, const char file[], const char comment[], char head[], size_t size,
                                      FenInt *from, FenInt *line)
{
  FenStream      stream;
  FenFault       fault = {0, ""};
  FenMDPScan     scan = {.file = file, .next = 1, .fault = &fault};
  FenInt         bytes;
  PetscErrorCode code;

  PetscFunctionBegin;
  PetscCall(FenStreamOpen(comm, file, FEN_FILE_READ, &stream));
  PetscCall(FenStreamGetSize(stream, &bytes));
  bytes = PetscMin(bytes, FEN_SCAN_HEAD);
  PetscCall(PetscMalloc1((size_t)bytes + 1, &scan.text));
  code = FenStreamRead(stream, 0, bytes, scan.text);
  PetscCall(FenStreamClose(&stream));
  scan.text[bytes] = 0;
  scan.at = scan.text;
  head[0] = 0;
  *from = 0;
  *line = 1;
  if (!code && FenMDPScanLine_Private(&scan, comment)) {
    PetscCall(PetscStrncpy(head, scan.p, size));
    *from = (FenInt)(scan.at - scan.text);
    *line = scan.next;
  }
  PetscCall(PetscFree(scan.text));
  PetscCall(code);
  PetscFunctionReturn(0);
}

PetscErrorCode FenMDPScanOpen_Private(MPI_Comm comm, const char file[], FenInt from, FenInt line, FenFault *fault,
                                      FenMDPScan *scan)
{
  FenStream      stream;
  FenInt         n;
  PetscErrorCode code;

  PetscFunctionBegin;
  *scan = (FenMDPScan){.file = file, .fault = fault};
  PetscCall(FenStreamOpen(comm, file, FEN_FILE_READ, &stream));
  code = FenStreamReadLines(stream, from, line, &scan->text, &n, &scan->next);
  PetscCall(FenStreamClose(&stream));
  PetscCall(code);
  scan->at = scan->text;
  PetscFunctionReturn(0);
}

PetscErrorCode FenMDPScanClose_Private(FenMDPScan *scan)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(scan->text));
  PetscFunctionReturn(0);
}

PetscBool FenMDPScanLine_Private(FenMDPScan *scan, const char comment[])
{
  while (*scan->at && !scan->fault->code) {
    const size_t length = strcspn(scan->at, "\n");
    char        *p = scan->at + strspn(scan->at, FEN_SCAN_BLANKS);

    scan->at += length + (scan->at[length] ? 1 : 0);
    scan->line = scan->next++;
    if (*p == '\n' || !*p || !strncmp(p, comment, strlen(comment)))
      continue;
    p[strcspn(p, "\n")] = 0;
    scan->p = p;
    return PETSC_TRUE;
  }
  return PETSC_FALSE;
}

void FenMDPScanFault_Private(FenMDPScan *scan, const char what[])
{
  const int length = (int)PetscMin(strcspn(scan->p, FEN_SCAN_BLANKS), FEN_SCAN_WORD);

  FenFaultSet(scan->fault, FEN_ERR_FILE_FORMAT, "file '%s', line %" FENINT_FMT ": '%.*s' where %s is expected",
              scan->file, scan->line, length, scan->p, what);
}

/* TRUE if a number ends here; the blanks behind it are skipped */
static PetscBool FenScanned(FenMDPScan *scan, char *end)
{
  if (end == scan->p || (*end && !strchr(FEN_SCAN_BLANKS, *end)))
    return PETSC_FALSE;
  scan->p = end + strspn(end, FEN_SCAN_BLANKS);
  return PETSC_TRUE;
}

FenInt FenMDPScanInt_Private(FenMDPScan *scan, const char what[], FenInt least, FenInt most)
{
  char  *end;
  FenInt value;

  errno = 0;
  value = (FenInt)strtoll(scan->p, &end, 10);
  if (errno || !FenScanned(scan, end)) {
    FenMDPScanFault_Private(scan, what);
    return least;
  }
  if (value < least || value > most) {
    FenFaultSet(scan->fault, FEN_ERR_VALUE,
                "file '%s', line %" FENINT_FMT ": %s is %" FENINT_FMT "; rule: %" FENINT_FMT " to %" FENINT_FMT,
                scan->file, scan->line, what, value, least, most);
    return least;
  }
  return value;
}

double FenMDPScanReal_Private(FenMDPScan *scan, const char what[])
{
  char  *end;
  double value;

  value = strtod(scan->p, &end);
  if (!FenScanned(scan, end))
    FenMDPScanFault_Private(scan, what);
  return value;
}

void FenMDPScanProb_Private(FenMDPScan *scan, FenMDPRecord *r)
{
  char *end;

  if (*scan->p != '[') {
    r->prob = FenMDPScanReal_Private(scan, "a probability");
    return;
  }
  r->low = strtod(scan->p + 1, &end);
  end += strspn(end, " \t");
  if (*end != ',') {
    FenMDPScanFault_Private(scan, "[lower,upper]");
    return;
  }
  r->up = strtod(end + 1, &end);
  end += strspn(end, " \t");
  if (*end != ']' || !(r->low >= 0 && r->low <= r->up && r->up <= 1)) {
    FenMDPScanFault_Private(scan, "[lower,upper] with 0 <= lower <= upper <= 1");
    return;
  }
  r->prob = (r->low + r->up) / 2;
  scan->p = end + 1;
  scan->p += strspn(scan->p, FEN_SCAN_BLANKS);
}

PetscBool FenMDPScanEnd_Private(FenMDPScan *scan)
{
  return *scan->p ? PETSC_FALSE : PETSC_TRUE;
}

PetscErrorCode FenMDPTextPut_Private(FenMDPText *t, const char format[], ...)
{
  va_list args;
  int     n;

  PetscFunctionBegin;
  va_start(args, format);
  n = vsnprintf(t->text ? t->text + t->n : NULL, t->room - t->n, format, args);
  va_end(args);
  FEN_MDP_CHECK(n >= 0, PETSC_COMM_SELF, FEN_ERR_INTERNAL, "no text from '%s'", format);
  if (t->n + (size_t)n >= t->room) {
    t->room = 2 * (t->n + (size_t)n) + 4096;
    PetscCall(PetscRealloc(t->room, &t->text));
    va_start(args, format);
    (void)vsnprintf(t->text + t->n, t->room - t->n, format, args);
    va_end(args);
  }
  t->n += (size_t)n;
  PetscFunctionReturn(0);
}

PetscErrorCode FenMDPTextWrite_Private(const FenMDPFile *f, const char file[], FenMDPText *t)
{
  FenStream      stream = NULL;
  PetscErrorCode code = FenStreamOpen(f->comm, file, f->mode, &stream);

  PetscFunctionBegin;
  if (!code)
    code = FenStreamAppend(stream, (FenInt)t->n, t->text);
  PetscCall(PetscFree(t->text));
  *t = (FenMDPText){NULL, 0, 0};
  if (code)
    PetscCall(FenStreamDiscard(&stream));
  PetscCall(code);
  PetscCall(FenStreamClose(&stream));
  PetscFunctionReturn(0);
}

PetscErrorCode FenMDPSibling_Private(const char file[], const char ending[], char name[], size_t size)
{
  const char  *dot = strrchr(file, '.'), *slash = strrchr(file, '/');
  const size_t stem = dot && (!slash || dot > slash) ? (size_t)(dot - file) : strlen(file);

  PetscFunctionBegin;
  FEN_MDP_CHECK(stem + strlen(ending) < size, PETSC_COMM_SELF, FEN_ERR_USAGE, "the file name '%.100s' is too long",
                file);
  PetscCall(PetscSNPrintf(name, size, "%.*s%s", (int)stem, file, ending));
  PetscFunctionReturn(0);
}
