/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Options of `fenchel mdp` that belong to the command: the model and the outputs. The method's options are the solver's
   own, those of a built-in problem the problem's.
*/
#include "linearrun.h"

static PetscErrorCode ReadModelOptions(FenCLI *cli, FenMDPSource *source)
{
  static const char *const senses[] = {"model", "max", "min"};
  static const char *const criteria[] = {"model", "discounted", "finite", "total", "average"};
  static const int         sense[] = {-1, FEN_MDP_MAX, FEN_MDP_MIN};
  static const int         criterion[] = {-1, FEN_MDP_DISCOUNTED, FEN_MDP_FINITE, FEN_MDP_TOTAL, FEN_MDP_AVERAGE};
  char                     text[512] = "built-in problem:";
  PetscInt                 s = 0, c = 0, horizon = 0;
  PetscBool                set;

  PetscFunctionBegin;
  for (const char *const *name = FenMDPProblems; *name; name++) {
    PetscCall(PetscStrlcat(text, " ", sizeof(text)));
    PetscCall(PetscStrlcat(text, *name, sizeof(text)));
  }
  PetscOptionsBegin(cli->comm, NULL, "Model", NULL);
  PetscCall(PetscOptionsString("-model",
                               "FILE: HDF5 (FILE.h5:/group), PRISM .tra, Storm .drn, PETSc binary .bin, or .csv", NULL,
                               source->file, source->file, sizeof(source->file), NULL));
  PetscCall(
      PetscOptionsString("-problem", text, NULL, source->problem, source->problem, sizeof(source->problem), NULL));
  PetscCall(PetscOptionsBool("-matrix_free",
                             "make the rows of a problem whenever they are needed instead of storing them", NULL,
                             source->matrix_free, &source->matrix_free, NULL));
  PetscCall(PetscOptionsEList("-mdp_sense", "maximise rewards or minimise costs; by default as the model says", NULL,
                              senses, 3, senses[0], &s, NULL));
  PetscCall(PetscOptionsEList("-mdp_criterion", "what is optimised; by default as the model says", NULL, criteria, 5,
                              criteria[0], &c, NULL));
  PetscCall(
      PetscOptionsInt("-mdp_horizon", "number of steps; makes the criterion finite", NULL, horizon, &horizon, &set));
  PetscOptionsEnd();
  PetscCheck(!set || horizon > 0, cli->comm, (PetscErrorCode)FEN_ERR_OPTION,
             "-mdp_horizon %" PetscInt_FMT ": must be at least 1", horizon);
  source->sense = sense[s];
  source->criterion = criterion[c];
  source->horizon = horizon;
  PetscFunctionReturn(0);
}

PetscErrorCode FenMDPOptionsRead_Private(FenCLI *cli, FenMDPOptions *o)
{
  PetscFunctionBegin;
  memset(o, 0, sizeof(*o));
  PetscCall(ReadModelOptions(cli, &o->source));
  o->store_model = PETSC_TRUE;
  PetscOptionsBegin(cli->comm, NULL, "Output", NULL);
  PetscCall(FenOutputsReadOptions_Private(&o->out, PetscOptionsObject));
  PetscCall(PetscOptionsBool("-store_model",
                             "keep the model in the result, as /mdp; by default if it was a file of less than 64 MB",
                             NULL, o->store_model, &o->store_model, &o->store_model_set));
  PetscCall(PetscOptionsBool("-mdp_kernel",
                             "write the law of the next state under the policy and nature's worst case into the result",
                             NULL, o->kernel, &o->kernel, NULL));
  PetscOptionsEnd();
  PetscCall(FenCLICkptReadOptions_Private(cli, &o->ckpt));
  PetscFunctionReturn(0);
}

/* what can be known to be wrong before anything is read */
PetscErrorCode FenMDPOptionsCheck_Private(FenCLI *cli, FenMDPOptions *o)
{
  const FenMDPSource *source = &o->source;

  PetscFunctionBegin;
  PetscCheck(source->file[0] || source->problem[0], cli->comm, (PetscErrorCode)FEN_ERR_USAGE,
             "fenchel mdp needs -model FILE or -problem NAME");
  PetscCheck(!source->file[0] || !source->problem[0], cli->comm, (PetscErrorCode)FEN_ERR_USAGE,
             "-model %s and -problem %s: only one of them can be solved", source->file, source->problem);
  PetscCheck(!source->matrix_free || source->problem[0], cli->comm, (PetscErrorCode)FEN_ERR_USAGE,
             "-matrix_free needs -problem NAME: a file's rows are stored");
  PetscCheck(!source->horizon || source->criterion < 0 || source->criterion == FEN_MDP_FINITE, cli->comm,
             (PetscErrorCode)FEN_ERR_USAGE, "-mdp_horizon belongs to the criterion finite, not to %s",
             FenMDPCriteria[source->criterion]);
  PetscCheck(o->out.result[0] || !o->store_model_set, cli->comm, (PetscErrorCode)FEN_ERR_USAGE,
             "-store_model writes to the result file: name it with -o RESULT.h5");
  PetscCheck(o->out.result[0] || !o->kernel, cli->comm, (PetscErrorCode)FEN_ERR_USAGE,
             "-mdp_kernel writes to the result file: name it with -o RESULT.h5");
  PetscCall(FenOutputsCheck_Private(cli, &o->out));
  PetscFunctionReturn(0);
}

/* every options block of the verb, those of all problems and types included */
PetscErrorCode FenVerbMDPOptions_Private(FenCLI *cli)
{
  /* the default first: its name is shown */
  static const FenMDPType types[] = {FENMDPAUTO, FENMDPVI, FENMDPMPI, FENMDPIPI, FENMDPPI, FENMDPPPI, FENMDPFH};
  FenMDPOptions           o;

  PetscFunctionBegin;
  PetscCall(FenMDPOptionsRead_Private(cli, &o));
  for (size_t t = 0; t < sizeof(types) / sizeof(types[0]); t++) {
    FenMDP mdp;

    PetscCall(FenMDPCreate(cli->comm, &mdp));
    PetscCall(FenMDPSetType(mdp, types[t]));
    PetscCall(FenMDPSetFromOptions(mdp));
    PetscCall(FenMDPDestroy(&mdp));
  }
  PetscCall(FenRunListViews_Private(cli, "mdp"));
  for (const char *const *name = FenMDPProblems; *name; name++) { /* without their rows, which cost nothing then */
    FenMDPModel model;

    PetscCall(FenMDPModelGenerate(cli->comm, *name, NULL, PETSC_TRUE, &model));
    PetscCall(FenMDPModelDestroy(&model));
  }
  PetscCall(FenVerbLinearOptions_Private(cli));
  PetscFunctionReturn(0);
}
