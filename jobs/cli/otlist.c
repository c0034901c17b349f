/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Lists of inputs. -source and -target take a name, names with commas between them, @LIST (a text file with a name in
   each line; blank lines and lines that begin with # are passed over) or a folder (its pictures and arrays in the order
   of their names). A file whose own name has a comma is that file.
*/
#include "otpairs.h"
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

const char *const FenOTPairings[] = {"auto", "pairwise", "all", "upper"};

/* names one after the other; rank 0 only */
typedef struct {
  FILE  *out;
  char  *text;
  size_t length;
} Names;

static void Put(Names *names, const char name[], size_t length)
{
  while (length && isspace((unsigned char)*name)) {
    name++;
    length--;
  }
  while (length && isspace((unsigned char)name[length - 1]))
    length--;
  if (!length)
    return;
  (void)fwrite(name, 1, length, names->out);
  (void)fputc(0, names->out);
}

static void PutLines(Names *names, const char path[], FenFault *fault)
{
  FILE   *in = fopen(path, "r");
  char   *line = NULL;
  size_t  capacity = 0;
  ssize_t n;

  if (!in) {
    FenFaultSet(fault, FEN_ERR_FILE_OPEN, "the list %s cannot be opened: %s", path, strerror(errno));
    return;
  }
  while ((n = getline(&line, &capacity, in)) >= 0) {
    const size_t blanks = strspn(line, " \t\r\n");

    if (strlen(line) != (size_t)n) {
      FenFaultSet(fault, FEN_ERR_FILE_FORMAT, "the list %s is not a text file", path);
      break;
    }
    if (line[blanks] != '#')
      Put(names, line, (size_t)n);
  }
  free(line);
  (void)fclose(in);
}

static int IsInput(const struct dirent *entry)
{
  static const char *const endings[] = {".png", ".pgm", ".ppm", ".pbm", ".npy", ".csv", ".h5", ".hdf5"};
  const char              *dot = strrchr(entry->d_name, '.');

  for (size_t k = 0; dot && entry->d_name[0] != '.' && k < sizeof(endings) / sizeof(endings[0]); k++)
    if (!strcasecmp(dot, endings[k]))
      return 1;
  return 0;
}

static int ByName(const struct dirent **a, const struct dirent **b)
{
  return strcmp((*a)->d_name, (*b)->d_name); /* not the locale's order, which differs between machines */
}

static void PutFolder(Names *names, const char folder[], FenFault *fault)
{
  struct dirent **entry;
  const int       n = scandir(folder, &entry, IsInput, ByName);
  const char     *slash = folder[0] && folder[strlen(folder) - 1] == '/' ? "" : "/";
  char            path[2 * PETSC_MAX_PATH_LEN];

  if (n < 0) {
    FenFaultSet(fault, FEN_ERR_FILE_OPEN, "the folder %s cannot be read: %s", folder, strerror(errno));
    return;
  }
  if (!n)
    FenFaultSet(fault, FEN_ERR_FILE_MISSING,
                "the folder %s has no file that ends with .png, .pgm, .ppm, .pbm, .npy, .csv, .h5 or .hdf5", folder);
  for (int k = 0; k < n; k++) {
    (void)snprintf(path, sizeof(path), "%s%s%s", folder, slash, entry[k]->d_name);
    Put(names, path, strlen(path));
    free(entry[k]);
  }
  free(entry);
}

static void PutOne(Names *names, const char spec[], FenFault *fault)
{
  struct stat info;

  if (spec[0] == '@')
    PutLines(names, spec + 1, fault);
  else if (!stat(spec, &info) && S_ISDIR(info.st_mode))
    PutFolder(names, spec, fault);
  else
    Put(names, spec, strlen(spec));
}

static void Expand(Names *names, const char option[], const char spec[], FenFault *fault)
{
  char  copy[PETSC_MAX_PATH_LEN], *rest = copy, *part;
  FILE *out = names->out;

  if (strlen(spec) + 1 >= PETSC_MAX_PATH_LEN) {
    FenFaultSet(fault, FEN_ERR_OPTION, "%s is longer than %d letters; rule: long lists go into a file, %s @LIST",
                option, PETSC_MAX_PATH_LEN - 2, option);
    return;
  }
  (void)snprintf(copy, sizeof(copy), "%s", spec);
  if (!access(spec, F_OK))
    PutOne(names, spec, fault);
  else
    while ((part = strsep(&rest, ",")))
      if (part[strspn(part, " ")])
        PutOne(names, part + strspn(part, " "), fault);
  (void)fflush(out);
  if (!names->length && !fault->code)
    FenFaultSet(fault, FEN_ERR_OPTION, "%s %s names no file", option, spec);
}

static PetscErrorCode ReadNames(FenCLI *cli, const char option[], const char spec[], FenOTNames *list)
{
  Names       names = {NULL, NULL, 0};
  FenFault    fault = {0};
  FenInt      length, n = 0;
  PetscMPIInt count;

  PetscFunctionBegin;
  if (!cli->rank) {
    names.out = open_memstream(&names.text, &names.length);
    if (names.out)
      Expand(&names, option, spec, &fault);
    else
      FenFaultSet(&fault, FEN_ERR_MEMORY, "no memory for the list %s", spec);
    if (names.out)
      (void)fclose(names.out);
  }
  PetscCall(FenFaultAgree(cli->comm, &fault));
  length = (FenInt)names.length;
  PetscCallMPI(MPI_Bcast(&length, 1, MPI_FENINT, 0, cli->comm));
  PetscCall(FenMPIIntCast(length, &count));
  PetscCall(PetscMalloc1(length + 1, &list->text));
  if (!cli->rank)
    PetscCall(PetscMemcpy(list->text, names.text, (size_t)length));
  free(names.text);
  PetscCallMPI(MPI_Bcast(list->text, count, MPI_CHAR, 0, cli->comm));
  for (FenInt k = 0; k < length; k++)
    n += !list->text[k];
  list->n = n;
  PetscCall(PetscMalloc1(n, &list->name));
  list->name[0] = list->text;
  for (FenInt k = 1; k < n; k++)
    list->name[k] = list->name[k - 1] + strlen(list->name[k - 1]) + 1;
  PetscFunctionReturn(0);
}

static PetscErrorCode CheckSame(FenCLI *cli, const FenOTPairs *p)
{
  FenInt k = 0;

  PetscFunctionBegin;
  while (k < PetscMin(p->source.n, p->target.n) && !strcmp(p->source.name[k], p->target.name[k]))
    k++;
  PetscCheck(k == p->source.n && k == p->target.n, cli->comm, (PetscErrorCode)FEN_ERR_OPTION,
             "-pairs upper takes one list for both, but source %" FENINT_FMT " is %s and target %" FENINT_FMT " is %s",
             k, k < p->source.n ? p->source.name[k] : "missing", k, k < p->target.n ? p->target.name[k] : "missing");
  PetscCheck(k > 1, cli->comm, (PetscErrorCode)FEN_ERR_OPTION, "-pairs upper needs at least two inputs");
  PetscFunctionReturn(0);
}

/* collective; the number of pairs, and which they are */
static PetscErrorCode Combine(FenCLI *cli, PetscInt pairing, FenOTPairs *p)
{
  const FenInt    n = p->source.n, m = p->target.n;
  const PetscBool table = (PetscBool)(pairing == FEN_PAIRING_ALL || pairing == FEN_PAIRING_UPPER);
  FenInt          most, k = 0;

  PetscFunctionBegin;
  PetscCheck(table || n == m || (pairing == FEN_PAIRING_AUTO && (n == 1 || m == 1)), cli->comm,
             (PetscErrorCode)FEN_ERR_OPTION,
             "%" FENINT_FMT " sources and %" FENINT_FMT
             " targets do not pair; rule: as many of one as of the other%s; -pairs all takes every source with every "
             "target",
             n, m, pairing == FEN_PAIRING_AUTO ? ", or one of either" : "");
  if (pairing == FEN_PAIRING_UPPER)
    PetscCall(CheckSame(cli, p));
  PetscCall(FenIntMult(table ? n : PetscMax(n, m), table ? m : 1, &most));
  PetscCall(PetscMalloc2(most, &p->i, most, &p->j));
  for (FenInt i = 0; i < (table ? n : 1); i++)
    for (FenInt j = pairing == FEN_PAIRING_UPPER ? i + 1 : 0; j < (table ? m : PetscMax(n, m)); j++, k++) {
      p->i[k] = table ? i : n == 1 ? 0 : j;
      p->j[k] = table ? j : m == 1 ? 0 : j;
    }
  p->n = k;
  PetscFunctionReturn(0);
}

PetscErrorCode FenOTPairsMake_Private(FenCLI *cli, const FenOTOptions *o, FenOTPairs *p)
{
  PetscFunctionBegin;
  memset(p, 0, sizeof(*p));
  PetscCall(ReadNames(cli, "-source", o->source.spec, &p->source));
  PetscCall(ReadNames(cli, "-target", o->target.spec, &p->target));
  PetscCall(Combine(cli, o->pairing, p));
  PetscFunctionReturn(0);
}

PetscErrorCode FenOTPairsDestroy_Private(FenOTPairs *p)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(p->source.name));
  PetscCall(PetscFree(p->source.text));
  PetscCall(PetscFree(p->target.name));
  PetscCall(PetscFree(p->target.text));
  PetscCall(PetscFree2(p->i, p->j));
  PetscFunctionReturn(0);
}

static PetscErrorCode TakeName(const char name[], FenMeasureSource *side)
{
  PetscFunctionBegin;
  PetscCheck(strlen(name) < sizeof(side->spec), PETSC_COMM_SELF, (PetscErrorCode)FEN_ERR_OPTION,
             "a name of %d letters is too long: %.80s...", (int)strlen(name), name);
  PetscCall(PetscStrncpy(side->spec, name, sizeof(side->spec)));
  PetscFunctionReturn(0);
}

PetscErrorCode FenOTPairsName_Private(const FenOTPairs *p, FenInt k, FenOTOptions *o)
{
  PetscFunctionBegin;
  PetscCall(TakeName(p->source.name[p->i[k]], &o->source));
  PetscCall(TakeName(p->target.name[p->j[k]], &o->target));
  PetscFunctionReturn(0);
}

/* ---- names of results ---- */

/* a.png is a, d/a.h5:/x/y is a-x-y */
static void ShortName(const char spec[], char out[], size_t length)
{
  char copy[PETSC_MAX_PATH_LEN], path[PETSC_MAX_PATH_LEN] = "", *base, *dot, *colon;

  (void)snprintf(copy, sizeof(copy), "%s", spec);
  colon = strstr(copy, ":/");
  if (colon) {
    (void)snprintf(path, sizeof(path), "%s", colon + 1);
    *colon = 0;
  }
  base = strrchr(copy, '/');
  base = base ? base + 1 : copy;
  dot = strrchr(base, '.');
  if (dot && dot > base)
    *dot = 0;
  for (char *c = path; *c; c++)
    if (*c == '/')
      *c = '-';
  (void)snprintf(out, length, "%s%s", base, path);
}

/* {source}, {target} and {pair} are replaced; without any of them the number goes before the ending */
static PetscErrorCode ResultName(const FenOTPairs *p, FenInt k, const char pattern[], char out[], size_t length)
{
  char        text[3][PETSC_MAX_PATH_LEN];
  const char *keys[3] = {"{source}", "{target}", "{pair}"}, *c = pattern;
  const char *slash = strrchr(pattern, '/'), *dot = strrchr(pattern, '.');
  size_t      used = 0;
  PetscBool   replaced = PETSC_FALSE;

  PetscFunctionBegin;
  ShortName(p->source.name[p->i[k]], text[0], sizeof(text[0]));
  ShortName(p->target.name[p->j[k]], text[1], sizeof(text[1]));
  PetscCall(PetscSNPrintf(text[2], sizeof(text[2]), "%04" FENINT_FMT, k));
  if (!dot || (slash && dot < slash))
    dot = pattern + strlen(pattern);
  for (int key = 0; key < 3; key++)
    replaced = (PetscBool)(replaced || strstr(pattern, keys[key]));
  while (*c || c == dot) {
    const char *put = c;
    size_t      n = 1, skip = 1;

    for (int key = 0; key < 3; key++)
      if (!strncmp(c, keys[key], strlen(keys[key]))) {
        put = text[key];
        n = strlen(put);
        skip = strlen(keys[key]);
      }
    if (c == dot && !replaced) {
      PetscCheck(used + 32 < length, PETSC_COMM_SELF, (PetscErrorCode)FEN_ERR_OPTION, "the name %s is too long",
                 pattern);
      used += (size_t)snprintf(out + used, length - used, "-%s", text[2]);
    }
    if (!*c)
      break;
    PetscCheck(used + n + 1 < length, PETSC_COMM_SELF, (PetscErrorCode)FEN_ERR_OPTION, "the name %s is too long",
               pattern);
    memcpy(out + used, put, n);
    used += n;
    c += skip;
  }
  out[used] = 0;
  PetscFunctionReturn(0);
}

PetscErrorCode FenOTPairsOptions_Private(const FenOTPairs *p, FenInt k, const FenOTOptions *all, FenOTOptions *o)
{
  PetscFunctionBegin;
  *o = *all;
  o->out.summary[0] = 0;
  PetscCall(FenOTPairsName_Private(p, k, o));
  if (all->out.result[0])
    PetscCall(ResultName(p, k, all->out.result, o->out.result, sizeof(o->out.result)));
  if (all->ckpt.dir[0])
    PetscCall(PetscSNPrintf(o->ckpt.dir, sizeof(o->ckpt.dir), "%.*s/pair-%04" FENINT_FMT, 3900, all->ckpt.dir, k));
  PetscFunctionReturn(0);
}

static int CompareNames(const void *a, const void *b)
{
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* local, on rank 0 */
static PetscErrorCode CheckDistinct(const FenOTPairs *p, const FenOTOptions *all, FenFault *fault)
{
  char name[PETSC_MAX_PATH_LEN], **names;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(p->n, &names));
  for (FenInt k = 0; k < p->n; k++) {
    PetscCall(ResultName(p, k, all->out.result, name, sizeof(name)));
    PetscCall(PetscStrallocpy(name, &names[k]));
  }
  qsort(names, (size_t)p->n, sizeof(names[0]), CompareNames);
  for (FenInt k = 0; k < p->n; k++) {
    if (k + 1 < p->n && !strcmp(names[k], names[k + 1]))
      FenFaultSet(fault, FEN_ERR_OPTION, "two pairs would write %s; rule: put {pair} into the name -o %s", names[k],
                  all->out.result);
  }
  for (FenInt k = 0; k < p->n; k++)
    PetscCall(PetscFree(names[k]));
  PetscCall(PetscFree(names));
  PetscFunctionReturn(0);
}

PetscErrorCode FenOTPairsCheckOutputs_Private(FenCLI *cli, const FenOTPairs *p, const FenOTOptions *all)
{
  FenFault     fault = {0};
  FenOTOptions o;

  PetscFunctionBegin;
  PetscCall(FenCLIOutputCheck_Private(cli, all->out.summary, PETSC_TRUE));
  if (!all->out.result[0])
    PetscFunctionReturn(0);
  if (!cli->rank)
    PetscCall(CheckDistinct(p, all, &fault));
  PetscCall(FenFaultAgree(cli->comm, &fault));
  for (FenInt k = 0; k < p->n; k++) {
    int begun = 0;

    PetscCall(FenOTPairsOptions_Private(p, k, all, &o));
    if (!cli->rank)
      begun = o.ckpt.restart && !access(o.ckpt.dir, F_OK); /* its result may be there already */
    PetscCallMPI(MPI_Bcast(&begun, 1, MPI_INT, 0, cli->comm));
    PetscCall(FenCLIOutputCheck_Private(cli, o.out.result, (PetscBool)(o.out.overwrite || begun)));
  }
  PetscFunctionReturn(0);
}
