/* SPDX-License-Identifier: BSD-2-Clause */
/*
   fenchel verify: recomputes the bounds of a result and says whether the file may claim them.
*/
#include "verifyimpl.h"

PetscErrorCode FenVerbVerifyOptions_Private(FenCLI *cli)
{
  (void)cli;
  PetscFunctionBegin;
  PetscFunctionReturn(0);
}

PetscErrorCode FenJudge_Private(FenVerdict *verdict, PetscBool holds, const char name[], double stored,
                                double recomputed, const char rule[])
{
  PetscFunctionBegin;
  PetscCall(PetscPrintf(verdict->cli->comm, "  %-16s %22.14g %22.14g   %s\n", name, stored, recomputed,
                        holds ? "ok" : "REFUSED"));
  if (holds)
    PetscFunctionReturn(0);
  if (!verdict->failures++)
    PetscCall(PetscSNPrintf(verdict->first, sizeof(verdict->first), "%s: stored %.14g, recomputed %.14g: %s", name,
                            stored, recomputed, rule));
  PetscFunctionReturn(0);
}

PetscErrorCode FenJudgeBound_Private(FenVerdict *verdict, FenClaimSide side, const char name[], double stored,
                                     double recomputed, double tolerance)
{
  const PetscBool holds =
      (side == FEN_CLAIM_BELOW ? stored <= recomputed + tolerance : stored >= recomputed - tolerance) ? PETSC_TRUE
                                                                                                      : PETSC_FALSE;

  PetscFunctionBegin;
  PetscCall(FenJudge_Private(verdict, holds, name, stored, recomputed, "the file claims more than its content proves"));
  PetscFunctionReturn(0);
}

PetscErrorCode FenVerifyFingerprint_Private(FenFile file, const char path[], FenLayout layout, PetscInt ncomp,
                                            const double data[])
{
  char stored[64], now[64];

  PetscFunctionBegin;
  PetscCall(FenFileReadStringAttribute(file, path, "fingerprint", stored, sizeof(stored)));
  PetscCall(FenLayoutFingerprint_Private(layout, ncomp, data, now, sizeof(now)));
  PetscCheck(!strcmp(stored, now), PetscObjectComm((PetscObject)layout), (PetscErrorCode)FEN_ERR_VERIFY,
             "%s was changed: content %s, fingerprint when written %s", path, now, stored);
  PetscFunctionReturn(0);
}

/* format, version, and the verb that wrote it */
static PetscErrorCode ReadRoot(FenCLI *cli, FenFile file, char verb[], size_t length)
{
  char      text[64] = "";
  FenInt    version;
  PetscBool has;

  PetscFunctionBegin;
  PetscCall(FenFileHasAttribute(file, "/", "format", &has));
  if (has)
    PetscCall(FenFileReadStringAttribute(file, "/", "format", text, sizeof(text)));
  PetscCheck(!strcmp(text, "fenchel-result"), cli->comm, (PetscErrorCode)FEN_ERR_FILE_FORMAT,
             "%s is not a result of Fenchel", cli->argument);
  PetscCall(FenFileReadIntAttribute(file, "/", "format_version", &version));
  PetscCheck(version == 1, cli->comm, (PetscErrorCode)FEN_ERR_FILE_FORMAT,
             "%s has format version %" FENINT_FMT ", this program reads version 1", cli->argument, version);
  PetscCall(FenFileReadStringAttribute(file, "/", "verb", verb, length));
  PetscFunctionReturn(0);
}

static const struct {
  const char *verb;
  PetscErrorCode (*verify)(FenVerdict *, FenFile);
} families[] = {{"ot", FenVerifyOT_Private}, {"bilevel", FenVerifyBilevel_Private}, {"mdp", FenVerifyMDP_Private}};

static PetscErrorCode VerifyFile(FenCLI *cli)
{
  FenVerdict verdict = {.cli = cli};
  FenFile    file;
  char       verb[64];
  size_t     f = 0;
  int        failures;

  PetscFunctionBegin;
  PetscCall(FenFileOpen(cli->comm, cli->argument, FEN_FILE_READ, &file));
  PetscCall(ReadRoot(cli, file, verb, sizeof(verb)));
  while (f < sizeof(families) / sizeof(families[0]) && strcmp(families[f].verb, verb))
    f++;
  PetscCheck(f < sizeof(families) / sizeof(families[0]), cli->comm, (PetscErrorCode)FEN_ERR_FILE_FORMAT,
             "%s is a result of fenchel %s, which this program cannot verify", cli->argument, verb);
  PetscCall((*families[f].verify)(&verdict, file));
  PetscCall(FenFileClose(&file));
  failures = verdict.failures;
  PetscCallMPI(MPI_Bcast(&failures, 1, MPI_INT, 0, cli->comm)); /* ranks must not differ in the last bit of a verdict */
  PetscCheck(!failures, cli->comm, (PetscErrorCode)FEN_ERR_VERIFY, "%s is refused, %d of its claims do not hold. %s",
             cli->argument, failures, verdict.first);
  PetscCall(PetscPrintf(cli->comm, "verified: the bounds hold, and the content is what was written\n"));
  PetscFunctionReturn(0);
}

/* one after the other; the first that is refused ends the run */
PetscErrorCode FenVerbVerify_Private(FenCLI *cli, int *status)
{
  PetscFunctionBegin;
  PetscCall(FenCLIOptionsCheck_Private(cli));
  PetscCall(VerifyFile(cli));
  for (int k = 0; k < cli->nmore; k++) {
    cli->argument = cli->more[k];
    PetscCall(VerifyFile(cli));
  }
  *status = FEN_EXIT_CONVERGED;
  PetscFunctionReturn(0);
}
