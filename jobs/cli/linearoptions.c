/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Options of `fenchel mdp -mdp_rectangular d` that belong to the command: data, evaluation, outputs. The method's are
   the solver's own, those of a built-in problem the problem's.
*/
#include "linearrun.h"

static PetscErrorCode ReadSource(FenCLI *cli, FenLinearOptions *o)
{
  static const char *const shapes[] = {"sa", "s", "d"};
  char                     text[256] = "built-in problem:";
  PetscInt                 shape = 2;

  PetscFunctionBegin;
  for (const char *const *name = FenLinearProblems; *name; name++) {
    PetscCall(PetscStrlcat(text, " ", sizeof(text)));
    PetscCall(PetscStrlcat(text, *name, sizeof(text)));
  }
  PetscOptionsBegin(cli->comm, NULL, "Data of -mdp_rectangular d", NULL);
  PetscCall(PetscOptionsEList("-mdp_rectangular",
                              "what nature chooses by itself; d: each factor of a linear model, with the types r2pvi, "
                              "pevi, drpvi, drvil, vadrpvi, var2pvi, exact",
                              NULL, shapes, 3, shapes[0], &shape, NULL));
  PetscCall(PetscOptionsString("-model", "FILE.h5:/group of trajectories", NULL, o->source.file, o->source.file,
                               sizeof(o->source.file), NULL));
  PetscCall(PetscOptionsString("-problem", text, NULL, o->source.problem, o->source.problem, sizeof(o->source.problem),
                               NULL));
  PetscCall(PetscOptionsString("-save_trajectories", "FILE.h5 for the recorded trajectories", NULL, o->save, o->save,
                               sizeof(o->save), NULL));
  PetscOptionsEnd();
  PetscFunctionReturn(0);
}

static PetscErrorCode ReadEvaluation(FenCLI *cli, FenLinearOptions *o)
{
  static const char *const kinds[] = {"none", "sample", "exact"};
  FenLinearEvaluation     *e = &o->evaluation;
  PetscInt                 kind = o->source.problem[0] ? 1 : 0, episodes = 100, replications = 1, n = FEN_TARGETS_MAX;
  char                     teams[32] = "auto";

  PetscFunctionBegin;
  PetscOptionsBegin(cli->comm, NULL, "Evaluation of -mdp_rectangular d", NULL);
  PetscCall(PetscOptionsEList("-mdp_evaluate",
                              "mean reward in target environments: by episodes, or over all branches (problems only)",
                              NULL, kinds, 3, kinds[kind], &kind, NULL));
  PetscCall(PetscOptionsRealArray("-mdp_targets", "parameters of the target environments; by default the problem's own",
                                  NULL, o->targets, &n, &o->ntargets_set));
  PetscCall(PetscOptionsInt("-mdp_episodes", "episodes a target; exact: starting states, evenly spread", NULL, episodes,
                            &episodes, NULL));
  PetscCall(PetscOptionsInt("-mdp_replications", "data sets that are recorded, learnt from and evaluated", NULL,
                            replications, &replications, NULL));
  PetscCall(PetscOptionsString("-mdp_teams", "teams of ranks that share the replications: auto, or how many", NULL,
                               teams, teams, sizeof(teams), NULL));
  PetscOptionsEnd();
  PetscCheck(episodes >= 1, cli->comm, (PetscErrorCode)FEN_ERR_OPTION,
             "-mdp_episodes %" PetscInt_FMT ": must be at least 1", episodes);
  PetscCheck(replications >= 1, cli->comm, (PetscErrorCode)FEN_ERR_OPTION,
             "-mdp_replications %" PetscInt_FMT ": must be at least 1", replications);
  o->evaluate = (PetscBool)(kind > 0);
  *e = (FenLinearEvaluation){.ntargets = o->ntargets_set ? n : 0,
                             .targets = o->targets,
                             .episodes = episodes,
                             .exact = (PetscBool)(kind == 2),
                             .replications = replications};
  if (strcmp(teams, "auto")) {
    char      *end;
    const long value = strtol(teams, &end, 10);

    PetscCheck(!*end && value >= 1 && value <= cli->size, cli->comm, (PetscErrorCode)FEN_ERR_OPTION,
               "-mdp_teams %s: auto, or a number from 1 to the %d ranks", teams, cli->size);
    e->teams = (PetscMPIInt)value;
  }
  PetscFunctionReturn(0);
}

PetscErrorCode FenLinearOptionsRead_Private(FenCLI *cli, FenLinearOptions *o)
{
  PetscFunctionBegin;
  memset(o, 0, sizeof(*o));
  PetscCall(ReadSource(cli, o));
  PetscCall(ReadEvaluation(cli, o));
  PetscOptionsBegin(cli->comm, NULL, "Output", NULL);
  PetscCall(FenOutputsReadOptions_Private(&o->out, PetscOptionsObject));
  PetscOptionsEnd();
  PetscCall(FenCLICkptReadOptions_Private(cli, &o->ckpt));
  PetscFunctionReturn(0);
}

PetscErrorCode FenLinearOptionsCheck_Private(FenCLI *cli, const FenLinearOptions *o)
{
  const FenLinearSource *s = &o->source;

  PetscFunctionBegin;
  PetscCheck(s->file[0] || s->problem[0], cli->comm, (PetscErrorCode)FEN_ERR_USAGE,
             "fenchel mdp -mdp_rectangular d needs -model FILE.h5 or -problem NAME");
  PetscCheck(!s->file[0] || !s->problem[0], cli->comm, (PetscErrorCode)FEN_ERR_USAGE,
             "-model %s and -problem %s: only one of them can be solved", s->file, s->problem);
  PetscCheck(s->problem[0] || !o->evaluate, cli->comm, (PetscErrorCode)FEN_ERR_USAGE,
             "-mdp_evaluate needs -problem: recorded data have no other environments");
  PetscCheck(o->evaluate || o->evaluation.replications == 1, cli->comm, (PetscErrorCode)FEN_ERR_USAGE,
             "-mdp_replications %" FENINT_FMT " without an evaluation: give -problem and -mdp_evaluate",
             o->evaluation.replications);
  if (o->save[0])
    PetscCall(FenCLIOutputCheck_Private(cli, o->save, o->out.overwrite));
  PetscCall(FenOutputsCheck_Private(cli, &o->out));
  PetscFunctionReturn(0);
}

/* every options block of d-rectangular runs, those of all problems and types included */
PetscErrorCode FenVerbLinearOptions_Private(FenCLI *cli)
{
  static const FenLinearMDPType types[] = {FENLINEARMDPR2PVI, FENLINEARMDPPEVI};
  FenLinearOptions              o;

  PetscFunctionBegin;
  PetscCall(FenLinearOptionsRead_Private(cli, &o));
  for (size_t t = 0; t < sizeof(types) / sizeof(types[0]); t++) {
    FenLinearMDP mdp;

    PetscCall(FenLinearMDPCreate(cli->comm, &mdp));
    PetscCall(FenLinearMDPSetType(mdp, types[t]));
    PetscCall(FenLinearMDPSetFromOptions(mdp));
    PetscCall(FenLinearMDPDestroy(&mdp));
  }
  for (const char *const *name = FenLinearProblems; *name; name++) {
    FenLinearProblem problem;

    PetscCall(FenLinearProblemCreate(cli->comm, *name, NULL, &problem));
    PetscCall(FenLinearProblemDestroy(&problem));
  }
  PetscFunctionReturn(0);
}
