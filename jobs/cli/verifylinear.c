/* SPDX-License-Identifier: BSD-2-Clause */
/*
   The claims of a d-rectangular result against its data: they are read or recorded again, the whole recursion is made
   again (verifylinearsteps.c), and weights, values, actions and the table of replications are compared.
*/
#include "verifylinear.h"
#include <math.h>

static PetscErrorCode ReadParameters(FenVerifyLinear *v)
{
  FenLinearMDPParameters *p = &v->p;
  FenAmbiguity           *a = &v->ambiguity;
  char                    text[64];
  FenInt                  split;
  int                     k = 0;

  PetscFunctionBegin;
  PetscCall(FenFileReadStringAttribute(v->file, "/", "type", v->type, sizeof(v->type)));
  PetscCall(FenFileReadStringAttribute(v->file, "/", "ambiguity", a->name, sizeof(a->name)));
  PetscCall(FenFileReadRealAttribute(v->file, "/", "alpha", &a->alpha));
  PetscCall(FenFileReadRealAttribute(v->file, "/", "radius", &a->radius));
  PetscCall(FenFileReadRealAttribute(v->file, "/", "penalty", &a->penalty));
  PetscCall(FenFileReadRealAttribute(v->file, "/", "ridge", &p->ridge));
  PetscCall(FenFileReadRealAttribute(v->file, "/", "pessimism", &p->pessimism));
  PetscCall(FenFileReadRealAttribute(v->file, "/", "clip", &p->clip));
  PetscCall(FenFileReadRealAttribute(v->file, "/", "correction", &p->correction));
  PetscCall(FenFileReadIntAttribute(v->file, "/", "split", &split));
  p->split = (PetscBool)(split != 0);
  PetscCall(FenFileReadStringAttribute(v->file, "/", "published", text, sizeof(text)));
  while (k < 3 && strcmp(text, FenPublishedNames[k]))
    k++;
  PetscCheck(k < 3 && p->ridge > 0 && p->pessimism >= 0 && p->clip >= 0 && a->radius >= 0 && a->penalty >= 0,
             v->cli->comm, (PetscErrorCode)FEN_ERR_VERIFY,
             "%s: published '%s', ridge %g, pessimism %g, clip %g, radius %g, penalty %g: not what the method allows",
             v->cli->argument, text, p->ridge, p->pessimism, p->clip, a->radius, a->penalty);
  p->published = (FenPublished)k;
  PetscFunctionReturn(0);
}

/* the run's own options say how the data were recorded */
static PetscErrorCode GetData(FenVerifyLinear *v)
{
  FenLinearSource source = {.file = ""};
  char            text[8192], stored[64], now[64];
  PetscOptions    options;
  PetscBool       named;

  PetscFunctionBegin;
  PetscCall(FenFileHasAttribute(v->file, "/", "model_file", &named));
  if (named)
    PetscCall(FenFileReadStringAttribute(v->file, "/", "model_file", source.file, sizeof(source.file)));
  else
    PetscCall(FenFileReadStringAttribute(v->file, "/", "problem", source.problem, sizeof(source.problem)));
  PetscCall(FenFileReadStringAttribute(v->file, "/", "options", text, sizeof(text)));
  PetscCall(PetscOptionsCreate(&options));
  PetscCall(PetscOptionsInsertString(options, text));
  PetscCall(PetscOptionsPush(options));
  PetscCall(
      FenLinearSourceRead_Private(v->cli->comm, &source, (PetscBool)strcmp(v->type, "exact"), &v->problem, &v->data));
  PetscCall(PetscOptionsPop());
  PetscCall(PetscOptionsDestroy(&options));
  {
    FenLinearRun run = {.run = {.cli = v->cli}, .problem = v->problem, .data = v->data};

    PetscCall(FenLinearFingerprint_Private(&run));
    PetscCall(FenFingerprintText_Private(&run.print, now, sizeof(now)));
  }
  PetscCall(FenFileReadStringAttribute(v->file, "/", "model_fingerprint", stored, sizeof(stored)));
  PetscCheck(!strcmp(stored, now), v->cli->comm, (PetscErrorCode)FEN_ERR_VERIFY,
             "%s: the data (%s %s) are not those that were learnt from: content %s, then %s", v->cli->argument,
             named ? "file" : "problem", named ? source.file : source.problem, now, stored);
  PetscFunctionReturn(0);
}

static PetscErrorCode ReadTables(FenVerifyLinear *v)
{
  const char *const names[] = {"theta", "w", "diagonal", "error", "multiplier"};
  double **const    tables[] = {&v->theta, &v->w, &v->diagonal, &v->error, &v->multiplier};
  const char *const bounds[] = {"value", "lower", "upper", "value_error", "step_error"};
  double *const     numbers[] = {&v->value, &v->lower, &v->upper, &v->value_error, &v->step_error};
  const FenInt      table = (FenInt)v->n.horizon * v->n.features;
  char              path[64];

  PetscFunctionBegin;
  for (int k = 0; k < 5; k++) {
    PetscCall(PetscMalloc1((size_t)table, tables[k]));
    PetscCall(PetscSNPrintf(path, sizeof(path), "/weights/%s", names[k]));
    PetscCall(FenFileReadReals(v->file, path, table, *tables[k]));
    for (FenInt i = 0; i < table; i++)
      PetscCheck(isfinite((*tables[k])[i]) || k == 3, v->cli->comm, (PetscErrorCode)FEN_ERR_VERIFY,
                 "%s: entry %" FENINT_FMT " is %g; rule: finite", path, i, (*tables[k])[i]);
    PetscCall(PetscSNPrintf(path, sizeof(path), "/bounds/%s", bounds[k]));
    PetscCall(FenFileReadReals(v->file, path, 1, numbers[k]));
    PetscCheck(!isnan(*numbers[k]), v->cli->comm, (PetscErrorCode)FEN_ERR_VERIFY, "%s is NaN, which bounds nothing",
               path);
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode Open(FenCLI *cli, FenFile file, FenVerifyLinear *v)
{
  FenLayout layout;
  FenInt    end;
  size_t    table;

  PetscFunctionBegin;
  *v = (FenVerifyLinear){.cli = cli, .file = file};
  PetscCall(ReadParameters(v));
  PetscCall(GetData(v));
  if (v->data) {
    PetscCall(FenTrajectoriesGetSizes(v->data, &v->n));
    PetscCall(FenTrajectoriesGetArrays(v->data, &v->a));
    PetscCall(FenTrajectoriesGetLayout(v->data, &layout));
    PetscCall(FenLayoutGetRange(layout, &v->first, &end));
  } else
    v->n = v->problem->sizes;
  PetscCall(ReadTables(v));
  table = (size_t)v->n.horizon * (size_t)v->n.features;
  PetscCall(PetscCalloc3(table, &v->stage.w, table, &v->stage.theta, table, &v->stage.diagonal));
  if (!strcmp(v->type, "pevi"))
    PetscCall(PetscCalloc1(table * (size_t)v->n.features, &v->stage.inverse));
  if (!strncmp(v->type, "va", 2))
    PetscCall(PetscCalloc1((size_t)(v->n.horizon * v->a.n) + 1, &v->sigma));
  PetscFunctionReturn(0);
}

static PetscErrorCode Close(FenVerifyLinear *v)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(v->theta));
  PetscCall(PetscFree(v->w));
  PetscCall(PetscFree(v->diagonal));
  PetscCall(PetscFree(v->error));
  PetscCall(PetscFree(v->multiplier));
  PetscCall(PetscFree3(v->stage.w, v->stage.theta, v->stage.diagonal));
  PetscCall(PetscFree(v->stage.inverse));
  PetscCall(PetscFree(v->sigma));
  PetscCall(FenTrajectoriesDestroy(&v->data));
  PetscCall(FenLinearProblemDestroy(&v->problem));
  PetscFunctionReturn(0);
}

/* largest excess of |stored - recomputed| over what the file admits */
static PetscErrorCode JudgeWeights(FenVerdict *verdict, const FenVerifyLinear *v)
{
  const FenInt table = (FenInt)v->n.horizon * v->n.features;
  double       weights = 0, diagonal = 0, admitted = 0;

  PetscFunctionBegin;
  for (FenInt i = 0; i < table; i++) {
    const FenReal now = v->stage.w[i] + v->stage.theta[i], then = (FenReal)v->w[i] + v->theta[i];
    const double  off = (double)fabsl(now - then), room = 2 * v->error[i] + 1e-9 * (1 + fabs((double)now));

    if (off / room > weights) {
      weights = off / room;
      admitted = room;
    }
    diagonal =
        fmax(diagonal, (double)fabsl(v->stage.diagonal[i] - v->diagonal[i]) / fmax(1e-300, fabs(v->diagonal[i])));
  }
  PetscCall(FenJudge_Private(verdict, (PetscBool)(weights <= 1), "weights", admitted, weights * admitted,
                             "a weight is further from the recomputed one than the file admits"));
  if (v->data)
    PetscCall(FenJudge_Private(verdict, (PetscBool)(diagonal <= 1e-7), "diagonal", 1e-7, diagonal,
                               "the diagonal of a regression's inverse is another one"));
  PetscFunctionReturn(0);
}

/* first values and actions, from the recomputed weights */
static PetscErrorCode JudgeValues(FenVerdict *verdict, const FenVerifyLinear *v)
{
  const FenInt width = (FenInt)v->n.actions * v->n.features, H = v->n.horizon;
  const double room = 2 * v->value_error + 1e-9 * (1 + fabs(v->value));
  double      *value, *action, most[2] = {0, 0}, mean = 0;
  FenLayout    layout;

  PetscFunctionBegin;
  PetscCall(FenTrajectoriesGetLayout(v->data, &layout));
  PetscCall(PetscMalloc2((size_t)v->a.n + 1, &value, (size_t)v->a.n + 1, &action));
  PetscCall(FenFileReadArray(v->file, "/value", layout, 0, value));
  PetscCall(FenFileReadArray(v->file, "/policy", layout, 0, action));
  PetscCall(FenVerifyFingerprint_Private(v->file, "/value", layout, 1, value));
  for (FenInt k = 0; k < v->a.n; k++) {
    const FenInt at = k * H;
    int          now;
    const double best = (double)FenVerifyLinearValue_Private(
        v, v->a.features + at * width, v->a.stop ? v->a.stop + at : NULL, v->a.fail[at] > 0, 0, &now);

    most[0] = fmax(most[0], fabs(best - value[k]));
    most[1] += fabs(now - action[k]) > 0; /* another one may be as good: only many of them are suspicious */
    mean += best;
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, most, 1, MPI_DOUBLE, MPI_MAX, v->cli->comm));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &most[1], 1, MPI_DOUBLE, MPI_SUM, v->cli->comm));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &mean, 1, MPI_DOUBLE, MPI_SUM, v->cli->comm));
  PetscCall(PetscFree2(value, action));
  mean /= (double)v->n.count;
  PetscCall(FenJudge_Private(verdict, (PetscBool)(most[0] <= room), "first values", room, most[0],
                             "a value is further from the recomputed one than the file admits"));
  PetscCall(FenJudge_Private(verdict, (PetscBool)(most[1] <= 1e-3 * (double)v->n.count), "other actions", 0., most[1],
                             "the policy is not the one of these weights"));
  PetscCall(FenJudgeBound_Private(verdict, FEN_CLAIM_BELOW, "lower", v->lower, mean, 1e-9 * (1 + fabs(mean))));
  PetscCall(FenJudgeBound_Private(verdict, FEN_CLAIM_ABOVE, "upper", v->upper, mean, 1e-9 * (1 + fabs(mean))));
  PetscFunctionReturn(0);
}

/* mean and standard error of the table */
static PetscErrorCode JudgeReturns(FenVerdict *verdict, const FenVerifyLinear *v)
{
  double     *returns, *mean, *error, off = 0;
  FenDataInfo info;
  PetscBool   has;
  FenInt      R, T;

  PetscFunctionBegin;
  PetscCall(FenFileHas(v->file, "/evaluation/returns", &has));
  if (!has)
    PetscFunctionReturn(0);
  PetscCall(FenFileGetInfo(v->file, "/evaluation/returns", &info));
  R = info.shape[0];
  T = info.shape[1];
  PetscCall(PetscMalloc3((size_t)(R * T), &returns, (size_t)T, &mean, (size_t)T, &error));
  PetscCall(FenFileReadReals(v->file, "/evaluation/returns", R * T, returns));
  PetscCall(FenFileReadReals(v->file, "/evaluation/mean", T, mean));
  PetscCall(FenFileReadReals(v->file, "/evaluation/standard_error", T, error));
  for (FenInt t = 0; t < T; t++) {
    FenReal sum = 0, squares = 0;

    for (FenInt r = 0; r < R; r++)
      sum += returns[r * T + t];
    sum /= R;
    for (FenInt r = 0; r < R; r++)
      squares += (returns[r * T + t] - sum) * (returns[r * T + t] - sum);
    off = fmax(off, fabs((double)sum - mean[t]));
    if (R > 1)
      off = fmax(off, fabs(sqrt((double)squares / (double)(R - 1) / (double)R) - error[t]));
    else
      off = isnan(error[t]) ? off : HUGE_VAL;
  }
  PetscCall(PetscFree3(returns, mean, error));
  PetscCall(FenJudge_Private(verdict, (PetscBool)(off <= 1e-9), "mean rewards", 0., off,
                             "mean or standard error is not that of the returns"));
  PetscFunctionReturn(0);
}

static PetscErrorCode Recompute(FenVerifyLinear *v)
{
  const PetscBool va = (PetscBool)(v->sigma != NULL);
  const PetscBool split = (PetscBool)(va && v->p.split && v->p.published == FEN_PUBLISHED_NONE);

  PetscFunctionBegin;
  if (va)
    PetscCall(FenVerifyLinearStage_Private(v, split ? 0 : -1, NULL, v->sigma));
  v->missed = 0;
  PetscCall(FenVerifyLinearStage_Private(v, split ? 1 : -1, v->sigma, NULL));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &v->missed, 1, MPI_LONG_DOUBLE, MPI_MAX, v->cli->comm));
  PetscFunctionReturn(0);
}

/* the file is open and its root is checked */
PetscErrorCode FenVerifyLinear_Private(FenVerdict *verdict, FenFile file)
{
  FenCLI         *cli = verdict->cli;
  FenVerifyLinear v;

  PetscFunctionBegin;
  PetscCall(Open(cli, file, &v));
  PetscCall(PetscPrintf(cli->comm,
                        "%s: d-rectangular, %s, %" PetscInt_FMT " steps, %" PetscInt_FMT " features, "
                        "ambiguity %s\n",
                        cli->argument, v.type, v.n.horizon, v.n.features, v.ambiguity.name));
  PetscCall(PetscPrintf(cli->comm, "  %-16s %22s %22s\n", "", "stored", "recomputed"));
  if (v.data)
    PetscCall(Recompute(&v));
  else
    PetscCall(FenVerifyLinearExact_Private(&v));
  PetscCall(JudgeWeights(verdict, &v));
  if (v.data)
    PetscCall(JudgeValues(verdict, &v));
  else
    PetscCall(FenVerifyLinearExactValue_Private(verdict, &v));
  if (!strcmp(v.type, "drvil"))
    PetscCall(FenJudge_Private(verdict, (PetscBool)(v.missed <= 0.01L * (1 + fabsl(v.value))), "maxima", 0.,
                               (double)v.missed, "a much better multiplier exists"));
  PetscCall(FenJudge_Private(verdict, (PetscBool)(v.lower <= v.value && v.value <= v.upper), "value", v.value,
                             (v.lower + v.upper) / 2, "the value lies outside its bounds"));
  PetscCall(JudgeReturns(verdict, &v));
  PetscCall(Close(&v));
  PetscFunctionReturn(0);
}
