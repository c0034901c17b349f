/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Options that nobody asked for are errors, with the nearest known name; and the help text of a verb.
*/
#include "cliimpl.h"

/* Levenshtein's distance with rows of bounded length; longer names are cut */
int FenCLIEditDistance_Private(const char a[], const char b[])
{
  enum { MAX = 64 };
  int          row[MAX + 1];
  const size_t n = PetscMin(strlen(a), (size_t)MAX), m = PetscMin(strlen(b), (size_t)MAX);

  for (size_t j = 0; j <= m; j++)
    row[j] = (int)j;
  for (size_t i = 1; i <= n; i++) {
    int diagonal = row[0];

    row[0] = (int)i;
    for (size_t j = 1; j <= m; j++) {
      const int replace = diagonal + (a[i - 1] != b[j - 1]);

      diagonal = row[j];
      row[j] = PetscMin(replace, PetscMin(row[j], row[j - 1]) + 1);
    }
  }
  return row[m];
}

/* options that PETSc looks at when it ends */
static PetscBool IsLate(const char name[])
{
  static const char *const late[] = {
      "options_left", "options_view", "objects_dump", "citations",    "get_total_flops",  "saws_", "log_",
      "malloc_",      "memory_view",  "on_error_",    "mpi_",         "fp_trap",          "info",  "skip_petscrc",
      "nox",          "help",         "version",      "process_view", "no_signal_handler"};

  for (size_t i = 0; i < sizeof(late) / sizeof(late[0]); i++)
    if (!strncmp(name, late[i], strlen(late[i])))
      return PETSC_TRUE;
  return PETSC_FALSE;
}

static const char *Nearest(const FenCLI *cli, const char name[])
{
  const char *best = NULL;
  int         distance = 1 + (int)strlen(name) / 2;

  for (PetscInt i = 0; i < cli->noptions; i++) {
    const int d = FenCLIEditDistance_Private(name, cli->options[i].name + 1);
    if (d < distance) {
      distance = d;
      best = cli->options[i].name;
    }
  }
  return best;
}

static PetscBool IsKnown(const FenCLI *cli, const char name[])
{
  for (PetscInt i = 0; i < cli->noptions; i++)
    if (!strcmp(name, cli->options[i].name + 1))
      return PETSC_TRUE;
  return PETSC_FALSE;
}

/* the inner linear solver reads its options when it is first used */
static PetscBool IsInner(const char name[])
{
  return (PetscBool)(!strncmp(name, "ot_newton_", 10) || !strncmp(name, "ot_glue_", 8) ||
                     !strncmp(name, "bilevel_lower_ksp_", 18) || !strncmp(name, "bilevel_lower_pc_", 17) ||
                     !strncmp(name, "bilevel_adjoint_ksp_", 20) || !strncmp(name, "bilevel_adjoint_pc_", 19));
}

/* collective, before the work begins */
PetscErrorCode FenCLIOptionsCheck_Private(FenCLI *cli)
{
  PetscInt    nleft;
  char      **left, **values;
  const char *near;

  PetscFunctionBegin;
  PetscCall(PetscOptionsLeftGet(NULL, &nleft, &left, &values));
  for (PetscInt i = 0; i < nleft; i++) {
    if (IsLate(left[i]) || IsInner(left[i]) || IsKnown(cli, left[i]))
      continue;
    near = Nearest(cli, left[i]);
    PetscCheck(near, cli->comm, (PetscErrorCode)FEN_ERR_OPTION, "unknown option -%s", left[i]);
    SETERRQ(cli->comm, (PetscErrorCode)FEN_ERR_OPTION, "unknown option -%s; did you mean %s?", left[i], near);
  }
  PetscCall(PetscOptionsLeftRestore(NULL, &nleft, &left, &values));
  PetscFunctionReturn(0);
}

/* known options that this run had no use for, such as those of another type */
PetscErrorCode FenCLIOptionsWarnUnused_Private(FenCLI *cli)
{
  PetscInt nleft;
  char   **left, **values;

  PetscFunctionBegin;
  PetscCall(PetscOptionsLeftGet(NULL, &nleft, &left, &values));
  for (PetscInt i = 0; i < nleft; i++)
    if (!IsLate(left[i]))
      PetscCall(PetscFPrintf(cli->comm, stderr, "fenchel: warning: option -%s had no effect in this run\n", left[i]));
  PetscCall(PetscOptionsLeftRestore(NULL, &nleft, &left, &values));
  PetscFunctionReturn(0);
}

/* name and default, then the text in the columns from 38 to 118 */
static PetscErrorCode PrintOption(FenCLI *cli, const FenOptionLine *o)
{
  enum { LEFT = 36, WIDTH = 80 };
  char        name[256];
  const char *text = o->text;

  PetscFunctionBegin;
  PetscCall(PetscSNPrintf(name, sizeof(name), o->value[0] ? "%s <%s>" : "%s", o->name, o->value));
  do {
    int n = (int)strlen(text), next;

    if (n > WIDTH) {
      for (n = WIDTH; n > 1 && text[n] != ' '; n--)
        ;
    }
    for (next = n; text[next] == ' '; next++)
      ;
    PetscCall(PetscPrintf(cli->comm, "  %-*s %.*s\n", LEFT, name, n, text));
    name[0] = 0;
    text += next;
  } while (*text);
  PetscFunctionReturn(0);
}

static PetscInt FirstOfGroup(const FenCLI *cli, PetscInt i)
{
  PetscInt k = 0;

  while (strcmp(cli->options[k].group, cli->options[i].group))
    k++;
  return k;
}

PetscErrorCode FenCLIOptionsHelp_Private(FenCLI *cli, const FenVerb *verb)
{
  PetscFunctionBegin;
  PetscCall(PetscPrintf(cli->comm, "fenchel %s %s\n  %s\n", verb->name, verb->usage, verb->summary));
  for (PetscInt i = 0; i < cli->noptions; i++) {
    if (FirstOfGroup(cli, i) < i) /* a group may be listed in parts; it is printed where it begins */
      continue;
    PetscCall(PetscPrintf(cli->comm, "\n%s\n", cli->options[i].group));
    for (PetscInt k = i; k < cli->noptions; k++)
      if (FirstOfGroup(cli, k) == i)
        PetscCall(PrintOption(cli, &cli->options[k]));
  }
  PetscCall(PetscPrintf(cli->comm, "\nOptions of PETSc for every program\n"
                                   "  -log_view, -options_file FILE, -options_view, -memory_view, -citations FILE,\n"
                                   "  -skip_petscrc, -info, -malloc_dump and others, see PETSc's manual\n"));
  PetscFunctionReturn(0);
}
