/* SPDX-License-Identifier: BSD-2-Clause */
/*
   What a run says about itself: one flat JSON object with stable keys, and the same as a table in the footer.
*/
#include "cliimpl.h"
#include <errno.h>
#include <math.h>
#include <unistd.h>

static PetscErrorCode FieldNew(FenSummary *s, const char key[], FenFieldKind kind, FenField **field)
{
  PetscFunctionBegin;
  PetscCheck(s->n < FEN_SUMMARY_MAX, PETSC_COMM_SELF, (PetscErrorCode)FEN_ERR_INTERNAL, "summary has more than %d keys",
             FEN_SUMMARY_MAX);
  *field = &s->field[s->n++];
  (*field)->key = key;
  (*field)->kind = kind;
  PetscFunctionReturn(0);
}

PetscErrorCode FenSummaryText_Private(FenSummary *s, const char key[], const char value[])
{
  FenField *field = NULL;

  PetscFunctionBegin;
  PetscCall(FieldNew(s, key, FEN_FIELD_TEXT, &field));
  PetscCall(PetscStrncpy(field->text, value, sizeof(field->text)));
  PetscFunctionReturn(0);
}

PetscErrorCode FenSummaryInt_Private(FenSummary *s, const char key[], FenInt value)
{
  FenField *field = NULL;

  PetscFunctionBegin;
  PetscCall(FieldNew(s, key, FEN_FIELD_INT, &field));
  field->integer = value;
  PetscFunctionReturn(0);
}

PetscErrorCode FenSummaryReal_Private(FenSummary *s, const char key[], double value)
{
  FenField *field = NULL;

  PetscFunctionBegin;
  PetscCall(FieldNew(s, key, FEN_FIELD_REAL, &field));
  field->real = value;
  PetscFunctionReturn(0);
}

void FenJSONText_Private(FILE *out, const char text[])
{
  (void)fputc('"', out);
  for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
    if (*c == '"' || *c == '\\')
      (void)fprintf(out, "\\%c", *c);
    else if (*c < 0x20)
      (void)fprintf(out, "\\u%04x", *c);
    else
      (void)fputc(*c, out);
  }
  (void)fputc('"', out);
}

/* JSON has no NaN and no infinity: such a number is not known, null */
static void WriteField(FILE *out, const FenField *field)
{
  (void)fprintf(out, "\"%s\": ", field->key);
  if (field->kind == FEN_FIELD_TEXT)
    FenJSONText_Private(out, field->text);
  else if (field->kind == FEN_FIELD_INT)
    (void)fprintf(out, "%" FENINT_FMT, field->integer);
  else if (!isfinite(field->real))
    (void)fprintf(out, "null");
  else
    (void)fprintf(out, "%.17g", field->real);
}

void FenSummaryMembers_Private(FILE *out, const FenSummary *s, const char indent[])
{
  for (int i = 0; i < s->n; i++) {
    (void)fputs(indent, out);
    WriteField(out, &s->field[i]);
    (void)fputs(i + 1 < s->n ? ",\n" : "\n", out);
  }
}

void FenTextFileReplace_Private(const char path[], const char text[], FenFault *fault)
{
  char  temporary[PETSC_MAX_PATH_LEN + 32];
  FILE *out;
  int   bad;

  (void)snprintf(temporary, sizeof(temporary), "%s.tmp-%ld", path, (long)getpid());
  out = fopen(temporary, "w");
  if (!out) {
    FenFaultSet(fault, FEN_ERR_FILE_WRITE, "%s cannot be written: %s", path, strerror(errno));
    return;
  }
  (void)fputs(text, out);
  bad = fflush(out) || fsync(fileno(out)) || ferror(out);
  if (fclose(out))
    bad = 1;
  if (bad || rename(temporary, path)) {
    FenFaultSet(fault, FEN_ERR_FILE_WRITE, "%s cannot be written: %s", path, strerror(errno));
    (void)unlink(temporary);
  }
}

static void WriteFile(const FenSummary *s, const char path[], FenFault *fault)
{
  char  *text = NULL;
  size_t length;
  FILE  *out = open_memstream(&text, &length);

  if (out) {
    (void)fprintf(out, "{\n");
    FenSummaryMembers_Private(out, s, "  ");
    (void)fprintf(out, "}\n");
    (void)fclose(out);
  }
  if (text)
    FenTextFileReplace_Private(path, text, fault);
  else
    FenFaultSet(fault, FEN_ERR_MEMORY, "no memory for the summary %s", path);
  free(text);
}

/* collective; an empty path writes nothing */
PetscErrorCode FenSummaryWrite_Private(FenSummary *s, MPI_Comm comm, const char path[])
{
  FenFault    fault = {0};
  PetscMPIInt rank;

  PetscFunctionBegin;
  if (!path[0])
    PetscFunctionReturn(0);
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  if (rank == 0)
    WriteFile(s, path, &fault);
  PetscCall(FenFaultAgree(comm, &fault));
  PetscFunctionReturn(0);
}

PetscErrorCode FenSummaryPrint_Private(FenSummary *s, MPI_Comm comm)
{
  PetscFunctionBegin;
  for (int i = 0; i < s->n; i++) {
    const FenField *f = &s->field[i];

    PetscCall(PetscPrintf(comm, "  %-18s ", f->key));
    if (f->kind == FEN_FIELD_TEXT)
      PetscCall(PetscPrintf(comm, "%s\n", f->text));
    else if (f->kind == FEN_FIELD_INT)
      PetscCall(PetscPrintf(comm, "%" FENINT_FMT "\n", f->integer));
    else if (!isfinite(f->real))
      PetscCall(PetscPrintf(comm, "not known\n"));
    else
      PetscCall(PetscPrintf(comm, "%.10g\n", f->real));
  }
  PetscFunctionReturn(0);
}
