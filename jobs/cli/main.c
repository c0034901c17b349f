/* SPDX-License-Identifier: BSD-2-Clause */
/*
   The command `fenchel`: finds the verb, starts MPI and PETSc when the verb needs them, turns errors into exit
   statuses.
*/
#include "cliimpl.h"
#include <ctype.h>
#include <signal.h>

static const FenVerb verbs[] = {
    {"ot", NULL, "-source FILE -target FILE [options]", "transport between two measures", NULL, FenVerbOT_Private,
     FenVerbOTOptions_Private, 0},
    {"bilevel", NULL, "-problem NAME [-train PATH] [options]", "learn hyperparameters", NULL, FenVerbBilevel_Private,
     FenVerbBilevelOptions_Private, 0},
    {"mdp", NULL, "-model FILE | -problem NAME [options]", "solve a Markov decision process", NULL, FenVerbMDP_Private,
     FenVerbMDPOptions_Private, 0},
    {"verify", "RESULT.h5", "RESULT.h5 [RESULT.h5 ...]", "recompute the bounds of results, independently", NULL,
     FenVerbVerify_Private, FenVerbVerifyOptions_Private, 1},
    {"info", "FILE", "FILE", "say what is in a result, checkpoint or input file", NULL, FenVerbInfo_Private,
     FenVerbInfoOptions_Private, 0},
    {"plot", "RESULT.h5", "RESULT.h5 -o PICTURE.png", "draw a result", FenVerbPlot_Private, NULL, NULL, 0},
};
#define NVERBS (sizeof(verbs) / sizeof(verbs[0]))

static void PrintUsage(FILE *out)
{
  (void)fprintf(out, "Usage: fenchel VERB [options]      mpirun -n RANKS fenchel VERB [options]\n\n");
  for (size_t i = 0; i < NVERBS; i++)
    (void)fprintf(out, "  fenchel %-8s%-40s%s\n", verbs[i].name, verbs[i].usage, verbs[i].summary);
  (void)fprintf(out, "\n  fenchel VERB -help   all options of a verb with their defaults\n"
                     "  fenchel --help       this text\n"
                     "  fenchel --version    version\n\n"
                     "Exit status: 0 converged, 1 internal error, 2 wrong usage or bad input, 3 not converged within\n"
                     "the limits, 75 stopped early with a valid checkpoint written (start again with -restart).\n");
}

static int IsHelp(const char word[])
{
  return !strcmp(word, "-help") || !strcmp(word, "--help") || !strcmp(word, "-h");
}

static const FenVerb *FindVerb(const char name[])
{
  for (size_t i = 0; i < NVERBS; i++)
    if (!strcmp(verbs[i].name, name))
      return &verbs[i];
  return NULL;
}

static int UnknownVerb(const char name[])
{
  const char *best = NULL;
  int         distance = 3;

  for (size_t i = 0; i < NVERBS; i++) {
    const int d = FenCLIEditDistance_Private(name, verbs[i].name);
    if (d < distance) {
      distance = d;
      best = verbs[i].name;
    }
  }
  (void)fprintf(stderr, "fenchel: error: there is no verb '%s'", name);
  if (best)
    (void)fprintf(stderr, "; did you mean '%s'?", best);
  (void)fprintf(stderr, "\n  hint: fenchel --help lists the verbs\n");
  return FEN_EXIT_USAGE;
}

/* what is asked without a verb needs no MPI */
static int NoVerb(int argc, char **argv)
{
  const int first = FenCLIIsFirst_Private();

  if (argc < 2) {
    if (first)
      PrintUsage(stderr);
    return FEN_EXIT_USAGE;
  }
  if (IsHelp(argv[1]) || !strcmp(argv[1], "help")) {
    if (first)
      PrintUsage(stdout);
    return FEN_EXIT_CONVERGED;
  }
  if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-version")) {
    if (first)
      (void)printf("fenchel %s\n", FEN_VERSION_STRING);
    return FEN_EXIT_CONVERGED;
  }
  return first ? UnknownVerb(argv[1]) : FEN_EXIT_USAGE;
}

/* takes the help flags out, because PETSc answers them with the options of all of PETSc */
static int TakeHelp(int *argc, char **argv)
{
  int n = 1, help = 0;

  for (int i = 1; i < *argc; i++) {
    if (IsHelp(argv[i]))
      help = 1;
    else
      argv[n++] = argv[i];
  }
  argv[n] = NULL;
  *argc = n;
  return help;
}

/* as PETSc sees it: -1 is a value */
static PetscBool IsOption(const char word[])
{
  return word[0] == '-' && (isalpha((unsigned char)word[1]) || (word[1] == '-' && isalpha((unsigned char)word[2])))
             ? PETSC_TRUE
             : PETSC_FALSE;
}

/* an option has one value; PETSc would ignore a second one silently */
static PetscErrorCode CheckWords(FenCLI *cli, const FenVerb *verb, int from, int argc, char **argv)
{
  PetscFunctionBegin;
  for (int i = from; i < argc; i++)
    PetscCheck(i == from || IsOption(argv[i]) || IsOption(argv[i - 1]), cli->comm, (PetscErrorCode)FEN_ERR_USAGE,
               "the word '%s' after '%s %s' belongs to no option; usage: fenchel %s %s", argv[i],
               i > from + 1 ? argv[i - 2] : "", argv[i - 1], verb->name, verb->usage);
  PetscFunctionReturn(0);
}

/* the words after the verb: its file, then options; anything else would be ignored silently */
static PetscErrorCode TakeArgument(FenCLI *cli, const FenVerb *verb, int argc, char **argv, PetscBool help)
{
  int next = 2;

  PetscFunctionBegin;
  if (verb->argument && argc > 2 && argv[2][0] != '-')
    cli->argument = argv[next++];
  cli->more = argv + next;
  while (verb->several && cli->argument && next < argc && argv[next][0] != '-') {
    cli->nmore++;
    next++;
  }
  PetscCheck(help || !verb->argument || cli->argument, cli->comm, (PetscErrorCode)FEN_ERR_USAGE,
             "fenchel %s needs a file: fenchel %s %s", verb->name, verb->name, verb->usage);
  PetscCheck(argc <= next || argv[next][0] == '-', cli->comm, (PetscErrorCode)FEN_ERR_USAGE,
             "the word '%s' after 'fenchel %s%s%s' is not an option; usage: fenchel %s %s", argv[next], verb->name,
             cli->argument ? " " : "", cli->argument ? cli->argument : "", verb->name, verb->usage);
  PetscCall(CheckWords(cli, verb, next, argc, argv));
  PetscFunctionReturn(0);
}

static PetscErrorCode RunVerb(const FenVerb *verb, int argc, char **argv, PetscBool help, double start, int *status)
{
  const struct sigaction quiet = {.sa_handler = SIG_DFL};
  FenCLI                 cli = {.comm = PETSC_COMM_WORLD, .verb = verb->name, .start = start};

  PetscFunctionBegin;
  PetscCall(FenCLIErrorPrepare_Private(cli.comm));
  (void)sigaction(SIGPIPE, &quiet, NULL); /* the reader of our output may leave, as `head` does */
  PetscCallMPI(MPI_Comm_rank(cli.comm, &cli.rank));
  PetscCallMPI(MPI_Comm_size(cli.comm, &cli.size));
  PetscCall(FenCLIOptionsCollect_Private(&cli, verb));
  PetscCall(TakeArgument(&cli, verb, argc, argv, help));
  if (help)
    PetscCall(FenCLIOptionsHelp_Private(&cli, verb));
  else
    PetscCall(verb->run(&cli, status));
  PetscCall(PetscFree(cli.options));
  PetscFunctionReturn(0);
}

int main(int argc, char **argv)
{
  const double   start = FenWallTime();
  const FenVerb *verb;
  PetscErrorCode ierr;
  int            help, status = FEN_EXIT_CONVERGED;

  verb = argc > 1 ? FindVerb(argv[1]) : NULL;
  if (!verb)
    return NoVerb(argc, argv);
  if (verb->script)
    return verb->script(argc, argv);

  help = TakeHelp(&argc, argv);
  ierr = FenCLIErrorCatch_Private();
  if (!ierr)
    ierr = FenInitialize(&argc, &argv, NULL, NULL);
  if (!ierr)
    ierr = RunVerb(verb, argc, argv, help ? PETSC_TRUE : PETSC_FALSE, start, &status);
  if (ierr)
    status = FenCLIErrorReport_Private(ierr);
  (void)FenFinalize();
  return status;
}
