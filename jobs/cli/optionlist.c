/* SPDX-License-Identifier: BSD-2-Clause */
/*
   The list of all options of a verb, taken from the program itself: the verb's options blocks run once in PETSc's help
   mode on an empty options database, and what they print is caught. Help texts, suggestions for misspelt names and the
   documentation come from this one list.
*/
#include "cliimpl.h"
#include <ctype.h>
#include <stdarg.h>

static char  *caught;
static size_t caught_length, caught_capacity;

static PetscErrorCode CatchV(FILE *out, const char format[], va_list arguments)
{
  char   line[8192];
  size_t length;

  (void)out;
  PetscFunctionBegin;
  PetscCall(PetscVSNPrintf(line, sizeof(line), format, NULL, arguments));
  length = strlen(line);
  if (caught_length + length + 1 > caught_capacity) {
    caught_capacity = 2 * (caught_length + length + 4096);
    PetscCall(PetscRealloc(caught_capacity, &caught));
  }
  memcpy(caught + caught_length, line, length + 1);
  caught_length += length;
  PetscFunctionReturn(0);
}

static PetscErrorCode Catch(MPI_Comm comm, const char format[], ...) __attribute__((format(printf, 2, 3)));

static PetscErrorCode Catch(MPI_Comm comm, const char format[], ...)
{
  PetscMPIInt rank;
  va_list     arguments;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  va_start(arguments, format);
  if (rank == 0)
    PetscCall(CatchV(NULL, format, arguments));
  va_end(arguments);
  PetscFunctionReturn(0);
}

/* the default in angle brackets, "<now VALUE : formerly VALUE>", "<VALUE : VALUE>" or "<VALUE>"; returns what follows
 */
static char *ParseValue(char *text, FenOptionLine *o)
{
  char *end = strchr(text, '>'), *both;
  int   length;

  while (*text && strchr(": ", *text))
    text++;
  if (*text != '<' || !end)
    return text;
  text++;
  if (!strncmp(text, "now ", 4))
    text += 4;
  both = strstr(text, " : ");
  length = (int)((both && both < end ? both : end) - text);
  if (length > 1 && text[length - 1] == '.') /* 600. */
    length--;
  (void)snprintf(o->value, sizeof(o->value), "%.*s", length, text);
  return end + 1;
}

/* "  -name: <...>: text (Function)" */
static PetscBool ParseLine(char *line, const char group[], FenOptionLine *o)
{
  char *end, *text, *tail;

  while (*line == ' ')
    line++;
  if (line[0] != '-' || !isalpha((unsigned char)line[1]))
    return PETSC_FALSE;
  memset(o, 0, sizeof(*o));
  end = strpbrk(line, ": <");
  if (!end)
    return PETSC_FALSE;
  (void)snprintf(o->name, sizeof(o->name), "%.*s", (int)(end - line), line);
  (void)snprintf(o->group, sizeof(o->group), "%s", strncmp(group, "Viewer ", 7) ? group : "Views and monitors");
  text = ParseValue(end, o);
  while (*text && strchr(": ", *text))
    text++;
  /* the function that the option belongs to, in parentheses at the end, is of no use on a command line */
  tail = strrchr(text, '(');
  if (tail && !strstr(tail, "one of") && strchr(tail, ')'))
    *tail = 0;
  for (size_t n = strlen(text); n && isspace((unsigned char)text[n - 1]); n--)
    text[n - 1] = 0;
  (void)snprintf(o->text, sizeof(o->text), "%s", text);
  return PETSC_TRUE;
}

static PetscErrorCode ParseAll(PetscInt *n, FenOptionLine **list)
{
  char          group[64] = "";
  char         *save = NULL, *line;
  PetscInt      capacity = 1;
  FenOptionLine o;

  PetscFunctionBegin;
  for (size_t i = 0; i < caught_length; i++)
    if (caught[i] == '\n')
      capacity++;
  PetscCall(PetscMalloc1(capacity, list));
  *n = 0;
  for (line = caught ? strtok_r(caught, "\n", &save) : NULL; line; line = strtok_r(NULL, "\n", &save)) {
    const size_t length = strlen(line);
    PetscBool    twice = PETSC_FALSE;

    if (ParseLine(line, group, &o)) {
      for (PetscInt i = 0; i < *n && !twice; i++)
        twice = (*list)[i].name[0] && !strcmp((*list)[i].name, o.name);
      if (!twice)
        (*list)[(*n)++] = o;
    } else if (length && line[length - 1] == ':' && line[0] != ' ') {
      (void)snprintf(group, sizeof(group), "%.*s", (int)(length - 1), line);
    }
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode RunBlocks(FenCLI *cli, const FenVerb *verb)
{
  PetscOptions empty;
  PetscErrorCode (*print)(MPI_Comm, const char[], ...) = PetscHelpPrintf;
  PetscErrorCode (*vprint)(FILE *, const char[], va_list) = PetscVFPrintf;

  PetscFunctionBegin;
  PetscCall(PetscOptionsCreate(&empty));
  PetscCall(PetscOptionsPush(empty));
  PetscCall(PetscOptionsSetValue(NULL, "-help", NULL));
  PetscHelpPrintf = Catch;
  PetscVFPrintf = CatchV; /* lists of types do not go through PetscHelpPrintf */
  PetscCall(verb->options(cli));
  PetscHelpPrintf = print;
  PetscVFPrintf = vprint;
  PetscCall(PetscOptionsPop());
  PetscCall(PetscOptionsDestroy(&empty));
  PetscFunctionReturn(0);
}

/* rank 0 caught the text, and all ranks must decide alike */
static PetscErrorCode Share(MPI_Comm comm)
{
  FenInt      length = (FenInt)caught_length;
  PetscMPIInt count;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Bcast(&length, 1, MPI_FENINT, 0, comm));
  PetscCall(PetscRealloc((size_t)length + 1, &caught));
  caught_length = (size_t)length;
  PetscCall(FenMPIIntCast(length, &count));
  PetscCallMPI(MPI_Bcast(caught, count, MPI_CHAR, 0, comm));
  caught[length] = 0;
  PetscFunctionReturn(0);
}

/* collective, before the verb reads its options: PETSc prints the help of a block only the first time it is run */
PetscErrorCode FenCLIOptionsCollect_Private(FenCLI *cli, const FenVerb *verb)
{
  PetscFunctionBegin;
  caught_length = 0;
  PetscCall(RunBlocks(cli, verb));
  PetscCall(Share(cli->comm));
  PetscCall(ParseAll(&cli->noptions, &cli->options));
  PetscCall(PetscFree(caught));
  caught_length = caught_capacity = 0;
  PetscFunctionReturn(0);
}
