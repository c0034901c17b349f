/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Options of `fenchel bilevel` that belong to the command: problem, data, start, outputs. The method's are the solver's
   own, those of a problem the problem's.
*/
#include "bilevelrun.h"

static PetscErrorCode ReadSource(FenCLI *cli, FenBilevelOptions *o)
{
  FenBilevelSource *s = &o->source;
  char              text[512] = "one of:";

  PetscFunctionBegin;
  for (const char *const *name = FenBilevelProblemNames; *name; name++) {
    PetscCall(PetscStrlcat(text, " ", sizeof(text)));
    PetscCall(PetscStrlcat(text, *name, sizeof(text)));
  }
  o->accuracy = 1e-6;
  PetscOptionsBegin(cli->comm, NULL, "Problem and data", NULL);
  PetscCall(PetscOptionsString("-problem", text, NULL, s->problem, s->problem, sizeof(s->problem), NULL));
  PetscCall(PetscOptionsString("-train", "what is learned from: folder of images, HDF5 stack, or table", NULL, s->train,
                               s->train, sizeof(s->train), NULL));
  PetscCall(PetscOptionsString("-valid",
                               "other data: images that the result is tried on, or the table whose loss is the upper "
                               "function",
                               NULL, s->valid, s->valid, sizeof(s->valid), NULL));
  PetscCall(PetscOptionsString("-theta",
                               "first hyperparameters: FILE.h5[:/path] such as a result, one number for all, or a,b,c",
                               NULL, o->theta, o->theta, sizeof(o->theta), NULL));
  PetscCall(PetscOptionsString("-apply", "RESULT.h5 whose hyperparameters are used on -input; nothing is learned", NULL,
                               o->apply, o->apply, sizeof(o->apply), NULL));
  PetscCall(PetscOptionsString("-input", "data for -apply, in the form of -train (a table: of -valid)", NULL, o->input,
                               o->input, sizeof(o->input), NULL));
  PetscCall(PetscOptionsReal("-accuracy", "of lower solutions for -valid and -apply: root mean square of their error",
                             NULL, o->accuracy, &o->accuracy, NULL));
  PetscOptionsEnd();
  PetscCheck(o->accuracy > 0, cli->comm, (PetscErrorCode)FEN_ERR_OPTION, "-accuracy %g: must be positive",
             (double)o->accuracy);
  PetscFunctionReturn(0);
}

PetscErrorCode FenBilevelOptionsRead_Private(FenCLI *cli, FenBilevelOptions *o)
{
  PetscFunctionBegin;
  memset(o, 0, sizeof(*o));
  PetscCall(ReadSource(cli, o));
  o->store_lower = o->store_images = PETSC_TRUE;
  PetscOptionsBegin(cli->comm, NULL, "Output", NULL);
  PetscCall(FenOutputsReadOptions_Private(&o->out, PetscOptionsObject));
  PetscCall(PetscOptionsBool("-store_lower",
                             "keep lower solutions and adjoints in the result; without them verify has to solve again",
                             NULL, o->store_lower, &o->store_lower, NULL));
  PetscCall(PetscOptionsBool("-store_images",
                             "keep observed, true and computed samples of -valid; by default if they take less than "
                             "64 MB",
                             NULL, o->store_images, &o->store_images, &o->store_images_set));
  PetscOptionsEnd();
  PetscCall(FenCLICkptReadOptions_Private(cli, &o->ckpt));
  PetscFunctionReturn(0);
}

/* what can be known to be wrong before anything is read */
PetscErrorCode FenBilevelOptionsCheck_Private(FenCLI *cli, const FenBilevelOptions *o)
{
  PetscFunctionBegin;
  PetscCheck(o->apply[0] || o->source.problem[0], cli->comm, (PetscErrorCode)FEN_ERR_USAGE,
             "fenchel bilevel needs -problem NAME, or -apply RESULT.h5 -input DATA");
  PetscCheck(!o->apply[0] == !o->input[0], cli->comm, (PetscErrorCode)FEN_ERR_USAGE,
             "-apply RESULT.h5 and -input DATA belong together");
  PetscCheck(!o->apply[0] || (!o->source.problem[0] && !o->source.train[0] && !o->source.valid[0] && !o->theta[0]),
             cli->comm, (PetscErrorCode)FEN_ERR_USAGE,
             "-apply takes problem and hyperparameters from %s: leave out -problem, -train, -valid, -theta", o->apply);
  PetscCheck(!o->apply[0] || o->out.result[0], cli->comm, (PetscErrorCode)FEN_ERR_USAGE,
             "-apply needs -o OUT.h5 or -o OUT.png");
  PetscCall(FenOutputsCheck_Private(cli, &o->out));
  PetscFunctionReturn(0);
}

/* every options block of the verb, those of all problems and types included */
PetscErrorCode FenVerbBilevelOptions_Private(FenCLI *cli)
{
  static const FenBilevelType types[] = {FENBILEVELCERTIFIED, FENBILEVELMAID, FENBILEVELHOAG, FENBILEVELFIXED};
  FenBilevelOptions           o;

  PetscFunctionBegin;
  PetscCall(FenBilevelOptionsRead_Private(cli, &o));
  for (size_t t = 0; t < sizeof(types) / sizeof(types[0]); t++) {
    FenBilevel bilevel;

    PetscCall(FenBilevelCreate(cli->comm, &bilevel));
    PetscCall(FenBilevelSetType(bilevel, types[t]));
    PetscCall(FenBilevelSetFromOptions(bilevel));
    PetscCall(FenBilevelDestroy(&bilevel));
  }
  PetscCall(FenRunListViews_Private(cli, "bilevel"));
  for (const char *const *name = FenBilevelProblemNames; *name; name++)
    PetscCall(FenBilevelProblemListOptions(cli->comm, *name, NULL));
  PetscFunctionReturn(0);
}
