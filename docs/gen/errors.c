/* SPDX-License-Identifier: BSD-2-Clause */
/* Prints docs/errors.md from the library's own catalogues, so that the page cannot differ from the program. */
#include <fenchelot.h>
#include <stdio.h>

static void PrintExitStatuses(void)
{
  (void)printf("## Exit status of the command\n\n"
               "| status | meaning |\n| --- | --- |\n"
               "| 0 | converged, or the verb did what it was asked |\n"
               "| 1 | internal error |\n"
               "| 2 | wrong usage or bad input |\n"
               "| 3 | not converged within the limits; summary and result are written all the same |\n"
               "| 75 | stopped early with a valid checkpoint written: start again with `-restart` |\n\n"
               "A signal that is not caught ends the command with 128 plus its number, as every program.\n\n");
}

static PetscErrorCode PrintErrors(void)
{
  PetscFunctionBegin;
  (void)printf("## Errors\n\n"
               "Library functions return these codes; `FenErrorGet()` gives the texts. The message of an error names\n"
               "the file, the data set, the index, the value and the rule that it breaks, as far as they apply.\n\n"
               "| code | number | exit status | what is wrong | what to do |\n| --- | --- | --- | --- | --- |\n");
  for (int code = FEN_ERR_FIRST + 1; code < FEN_ERR_LAST; code++) {
    const char *name, *sentence, *remedy;
    int         status;

    PetscCall(FenErrorGet(code, &name, &sentence, &remedy, &status));
    (void)printf("| `FEN_ERR_%s` | %d | %d | %s | %s |\n", name, code, status, sentence, remedy);
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode PrintReasons(void)
{
  static const FenReason reasons[] = {
#define FEN_REASON_ITEM(name, value, word, sentence) FEN_##name,
      FEN_REASON_LIST(FEN_REASON_ITEM)
#undef FEN_REASON_ITEM
  };

  PetscFunctionBegin;
  (void)printf("\n## Reasons for which a solver ends\n\n"
               "`FenSolverGetConvergedReason()` gives the number, the summary's key `reason` the word. Positive:\n"
               "converged; negative: not.\n\n"
               "| reason | number | meaning |\n| --- | --- | --- |\n");
  for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
    const char *word, *sentence;

    PetscCall(FenReasonGet(reasons[i], &word, &sentence));
    (void)printf("| `%s` | %d | %s |\n", word, (int)reasons[i], sentence);
  }
  PetscFunctionReturn(0);
}

int main(int argc, char **argv)
{
  PetscCall(FenInitialize(&argc, &argv, NULL, NULL));
  (void)printf("# Errors, reasons and exit statuses\n\n"
               "This page is written by `docs/gen/generate.sh` from the program itself; do not edit it.\n\n");
  PrintExitStatuses();
  PetscCall(PrintErrors());
  PetscCall(PrintReasons());
  PetscCall(FenFinalize());
  return 0;
}
