/* SPDX-License-Identifier: BSD-2-Clause */
/*
   fenchel plot: starts the drawing script, which is found beside the command or in the installed share folder. No shell
   is involved, names stay data.
*/
#include "cliimpl.h"
#include <errno.h>
#include <unistd.h>

#define SCRIPT "fenchel_plot.py"

static int FindScript(char path[], size_t length)
{
  static const char *const places[] = {"", "../share/fenchel/", "../../share/fenchel/"};
  char                     self[PETSC_MAX_PATH_LEN];
  const ssize_t            n = readlink("/proc/self/exe", self, sizeof(self) - 1);
  char                    *slash;

  if (n <= 0)
    return 0;
  self[n] = 0;
  slash = strrchr(self, '/');
  if (!slash)
    return 0;
  *slash = 0;
  for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
    (void)snprintf(path, length, "%s/%s%s", self, places[i], SCRIPT);
    if (!access(path, R_OK))
      return 1;
  }
  return 0;
}

/* for what is done without MPI: under mpirun one picture, or one help text, is enough; the launcher's variables say who
   we are */
int FenCLIIsFirst_Private(void)
{
  static const char *const names[] = {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", "SLURM_PROCID"};

  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
    const char *rank = getenv(names[i]);
    if (rank)
      return !strcmp(rank, "0");
  }
  return 1;
}

int FenVerbPlot_Private(int argc, char **argv)
{
  const char *python = getenv("FENCHEL_PYTHON");
  char        script[2 * PETSC_MAX_PATH_LEN];
  char      **words;

  if (!FenCLIIsFirst_Private())
    return FEN_EXIT_CONVERGED;
  if (!python || !python[0])
    python = "python3";
  if (!FindScript(script, sizeof(script))) {
    (void)fprintf(stderr,
                  "fenchel: error: the drawing script %s is neither beside the command nor in share/fenchel\n"
                  "  hint: install Fenchel with cmake --install\n",
                  SCRIPT);
    return FEN_EXIT_INTERNAL;
  }
  words = (char **)calloc((size_t)argc + 2, sizeof(char *));
  if (!words)
    return FEN_EXIT_INTERNAL;
  words[0] = (char *)python;
  words[1] = script;
  for (int i = 2; i < argc; i++)
    words[i] = argv[i];
  (void)execvp(python, words);
  (void)fprintf(stderr,
                "fenchel: error: %s cannot be started: %s\n  hint: install python3, python3-h5py and "
                "python3-matplotlib, or name a Python in FENCHEL_PYTHON\n",
                python, strerror(errno));
  free(words);
  return FEN_EXIT_USAGE;
}
