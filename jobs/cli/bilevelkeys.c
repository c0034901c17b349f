/* SPDX-License-Identifier: BSD-2-Clause */
/* What a checkpoint of fenchel bilevel must have in common with the run, and the family's part of the summary. */
#include "bilevelrun.h"

/* options with one of the stems that were given, as text; those in `known` have keys of their own or may change */
static PetscErrorCode GivenOptions(const char *const stems[], const char *const known[], char text[], size_t length)
{
  char     *all, *save = NULL, *word;
  PetscBool take = PETSC_FALSE;

  PetscFunctionBegin;
  text[0] = 0;
  PetscCall(PetscOptionsGetAll(NULL, &all));
  for (word = strtok_r(all, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
    if (word[0] == '-' && !strchr("0123456789.", word[1])) {
      take = PETSC_FALSE;
      for (int k = 0; stems[k]; k++)
        take = (PetscBool)(take || !strncmp(word + 1, stems[k], strlen(stems[k])));
      for (int k = 0; known && known[k]; k++)
        take = (PetscBool)(take && strcmp(word + 1, known[k]));
    }
    if (take && text[0])
      PetscCall(PetscStrlcat(text, " ", length));
    if (take)
      PetscCall(PetscStrlcat(text, word, length));
  }
  PetscCall(PetscFree(all));
  PetscFunctionReturn(0);
}

/* long lists are told apart by a fingerprint of what does not fit */
static PetscErrorCode AddOptions(FenKeys *keys, const char name[], const char text[])
{
  char           value[128];
  FenFingerprint print = {{0, 0}};
  size_t         n = strlen(text);

  PetscFunctionBegin;
  if (n < sizeof(value)) {
    PetscCall(FenKeysAdd_Private(keys, name, text));
    PetscFunctionReturn(0);
  }
  for (size_t i = 0; i < n; i++) {
    const double letter = text[i];

    FenFingerprintDoubles(&print, (FenInt)i, 1, &letter);
  }
  PetscCall(FenFingerprintText_Private(&print, value, sizeof(value)));
  n = strlen(value);
  value[n] = ' ';
  PetscCall(PetscStrncpy(value + n + 1, text, sizeof(value) - n - 1));
  PetscCall(FenKeysAdd_Private(keys, name, value));
  PetscFunctionReturn(0);
}

static PetscErrorCode AddFamily(FenBilevelRun *run, FenKeys *keys)
{
  FenBilevelParameters p;
  char                 text[128];
  const char          *lower;

  PetscFunctionBegin;
  PetscCall(FenBilevelGetParameters(run->bilevel, &p));
  PetscCall(FenBilevelGetLowerName(run->bilevel, &lower));
  PetscCall(FenKeysAdd_Private(keys, "-bilevel_lower", lower));
  PetscCall(FenKeysAdd_Private(keys, "-bilevel_upper", FenBilevelUppers[p.upper]));
  PetscCall(PetscSNPrintf(text, sizeof(text), "%.17g %.17g", p.temperature, p.pull));
  PetscCall(FenKeysAdd_Private(keys, "-bilevel_upper_temperature, -bilevel_pull", text));
  PetscCall(PetscSNPrintf(text, sizeof(text), "%.17g %.17g", p.box[0], p.box[1]));
  PetscCall(FenKeysAdd_Private(keys, "-bilevel_box_lower, -bilevel_box_upper", text));
  PetscCall(PetscSNPrintf(text, sizeof(text), "%.17g %.17g", p.eps, p.delta));
  PetscCall(FenKeysAdd_Private(keys, "-bilevel_eps, -bilevel_delta", text));
  PetscCall(PetscSNPrintf(text, sizeof(text), "%" FENINT_FMT " %" FENINT_FMT, p.lower_max_it, p.adjoint_max_it));
  PetscCall(FenKeysAdd_Private(keys, "-bilevel_lower_max_it, -bilevel_adjoint_max_it", text));
  PetscCall(FenKeysAdd_Private(keys, "-bilevel_correct", p.correct ? "true" : "false"));
  PetscFunctionReturn(0);
}

/* tolerances may change, the problem and the path to its minimum may not */
PetscErrorCode FenBilevelKeys_Private(FenRun *base, FenKeys *keys)
{
  static const char *const bilevel[] = {"bilevel_", NULL};
  static const char *const known[] = {"bilevel_type",
                                      "bilevel_lower",
                                      "bilevel_upper",
                                      "bilevel_upper_temperature",
                                      "bilevel_pull",
                                      "bilevel_box_lower",
                                      "bilevel_box_upper",
                                      "bilevel_eps",
                                      "bilevel_delta",
                                      "bilevel_lower_max_it",
                                      "bilevel_correct",
                                      "bilevel_adjoint_max_it",
                                      "bilevel_tol",
                                      "bilevel_gap_rel",
                                      "bilevel_max_it",
                                      "bilevel_budget",
                                      "bilevel_max_time",
                                      "bilevel_error",
                                      "bilevel_team_size",
                                      "bilevel_monitor",
                                      "bilevel_monitor_csv",
                                      "bilevel_monitor_draw",
                                      "bilevel_view",
                                      "bilevel_view_state",
                                      "bilevel_converged_reason",
                                      NULL};
  FenBilevelRun           *run = (FenBilevelRun *)base;
  const FenBilevelOps     *call;
  const char              *type;
  char                     text[4096] = "", stem[80];

  PetscFunctionBegin;
  PetscCall(FenBilevelFingerprint_Private(run->problem, run->print, sizeof(run->print)));
  PetscCall(FenSolverGetType(base->solver, &type));
  PetscCall(FenKeysAdd_Private(keys, "verb", base->cli->verb));
  PetscCall(FenKeysAdd_Private(keys, "-problem", run->opt->source.problem));
  PetscCall(FenKeysAdd_Private(keys, "-bilevel_type", type));
  PetscCall(AddFamily(run, keys));
  PetscCall(GivenOptions(bilevel, known, text, sizeof(text)));
  PetscCall(AddOptions(keys, "options of the method", text));
  PetscCall(PetscSNPrintf(stem, sizeof(stem), "%s_", run->opt->source.problem));
  for (char *c = stem; *c; c++)
    *c = (char)(*c == '-' ? '_' : *c);
  PetscCall(GivenOptions((const char *const[]){stem, NULL}, NULL, text, sizeof(text)));
  PetscCall(AddOptions(keys, "options of the problem", text));
  PetscCall(AddOptions(keys, "-theta", run->opt->theta));
  PetscCall(FenBilevelProblemGetOps(run->problem, &call));
  if (call->fingerprint)
    PetscCall(FenKeysAdd_Private(keys, "data content", run->print));
  else {
    PetscCall(AddOptions(keys, "-train", run->opt->source.train));
    PetscCall(AddOptions(keys, "-valid", run->opt->source.valid));
  }
  PetscFunctionReturn(0);
}

/* PREFIX_NAME for each mean metric; the text lives as long as the run */
static PetscErrorCode SummariseMetrics(FenBilevelRun *run, FenSummary *s, const FenBilevelTrial *t, const char prefix[],
                                       int first)
{
  FenBilevelSizes      size;
  const FenBilevelOps *call;

  PetscFunctionBegin;
  PetscCall(FenBilevelProblemGetSizes(t->problem, &size));
  PetscCall(FenBilevelProblemGetOps(t->problem, &call));
  for (PetscInt k = 0; call->metrics && k < size.nmetrics; k++) {
    char *key = run->keys[first + k];

    PetscCall(PetscSNPrintf(key, sizeof(run->keys[0]), "%s_%s", prefix, size.metrics[k]));
    PetscCall(FenSummaryReal_Private(s, key, t->mean[k]));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode FenBilevelSummarise_Private(FenRun *base, FenSummary *s)
{
  FenBilevelRun          *run = (FenBilevelRun *)base;
  const FenBilevelBounds *b = &run->bounds;
  const FenBilevelOps    *call;
  FenBilevelWork          work;
  const char             *lower;

  PetscFunctionBegin;
  PetscCall(FenBilevelGetWork(run->bilevel, &work));
  PetscCall(FenBilevelGetLowerName(run->bilevel, &lower));
  PetscCall(FenBilevelProblemGetOps(run->problem, &call));
  PetscCall(FenSummaryText_Private(s, "problem", run->opt->source.problem));
  PetscCall(FenSummaryInt_Private(s, "samples", run->sizes.samples));
  PetscCall(FenSummaryInt_Private(s, "hyperparameters", run->sizes.p));
  PetscCall(FenSummaryReal_Private(s, "objective", b->objective));
  PetscCall(FenSummaryReal_Private(s, "hypergradient_norm", b->hypergradient));
  PetscCall(FenSummaryReal_Private(s, "hypergradient_error", b->hypergradient_error));
  PetscCall(FenSummaryReal_Private(s, "hypergradient_goal", b->hypergradient_goal));
  PetscCall(FenSummaryReal_Private(s, "lower_accuracy", b->lower_accuracy));
  PetscCall(FenSummaryReal_Private(s, "adjoint_accuracy", b->adjoint_accuracy));
  PetscCall(FenSummaryInt_Private(s, "lower_iterations", (FenInt)work.lower_iterations));
  PetscCall(FenSummaryInt_Private(s, "adjoint_iterations", (FenInt)work.adjoint_iterations));
  PetscCall(FenSummaryInt_Private(s, "upper_evaluations", (FenInt)work.upper_evaluations));
  PetscCall(FenSummaryInt_Private(s, "gradients", (FenInt)work.gradients));
  PetscCall(FenSummaryInt_Private(s, "steps", (FenInt)work.steps));
  PetscCall(FenSummaryInt_Private(s, "failures", (FenInt)work.failures));
  PetscCall(FenSummaryText_Private(s, "lower_method", lower));
  if (run->has_train) /* one that reads its validation set itself measures on that */
    PetscCall(SummariseMetrics(run, s, &run->train, call->data ? "train" : "valid", 0));
  if (run->has_valid) {
    FenBilevelSizes size;

    PetscCall(FenBilevelProblemGetSizes(run->valid.problem, &size));
    PetscCall(FenSummaryInt_Private(s, "valid_samples", size.samples));
    PetscCall(SummariseMetrics(run, s, &run->valid, "valid", FEN_BILEVEL_METRICS));
  }
  PetscFunctionReturn(0);
}
