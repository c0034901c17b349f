/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Reads a result of fenchel mdp and gets the model that it is about: from the file itself, from the file that it names,
   or by making the problem again. Content that is not what was written is refused.
*/
#include "verifyimpl.h"
#include <math.h>

static PetscErrorCode ReadWord(FenVerifyMDP *v, const char name[], const char *const words[], int n, int *choice)
{
  char text[64];

  PetscFunctionBegin;
  PetscCall(FenFileReadStringAttribute(v->file, "/", name, text, sizeof(text)));
  for (*choice = 0; *choice < n; (*choice)++)
    if (!strcmp(text, words[*choice]))
      PetscFunctionReturn(0);
  SETERRQ(v->cli->comm, (PetscErrorCode)FEN_ERR_VERIFY, "%s: %s '%s' is not known", v->cli->argument, name, text);
}

/* results of earlier versions do not say it */
static PetscErrorCode ReadOptional(FenVerifyMDP *v, const char name[], const char *const words[], int n, int *choice)
{
  PetscBool has;

  PetscFunctionBegin;
  PetscCall(FenFileHasAttribute(v->file, "/", name, &has));
  if (has)
    PetscCall(ReadWord(v, name, words, n, choice));
  PetscFunctionReturn(0);
}

static PetscErrorCode ReadAmbiguity(FenVerifyMDP *v)
{
  FenAmbiguity *a = &v->ambiguity;
  int           rectangular = 0, support = 0, distance = 0;

  PetscFunctionBegin;
  PetscCall(FenFileReadStringAttribute(v->file, "/", "ambiguity", a->name, sizeof(a->name)));
  PetscCall(FenFileReadRealAttribute(v->file, "/", "alpha", &a->alpha));
  PetscCall(FenFileReadRealAttribute(v->file, "/", "radius", &a->radius));
  PetscCall(FenFileReadRealAttribute(v->file, "/", "penalty", &a->penalty));
  PetscCall(ReadOptional(v, "rectangular", FenRectangulars, 2, &rectangular));
  PetscCall(ReadOptional(v, "support", FenSupports, 3, &support));
  PetscCall(ReadOptional(v, "distance", FenDistances, 3, &distance));
  a->rectangular = (FenRectangular)rectangular;
  a->support = (FenSupport)support;
  a->distance = (FenDistance)distance;
  if (!strcmp(a->name, "wasserstein")) {
    PetscCall(FenFileReadRealAttribute(v->file, "/", "distance_scale", &a->distance_scale));
    PetscCall(FenFileReadRealAttribute(v->file, "/", "distance_power", &a->distance_power));
  }
  PetscCheck(isfinite(a->radius) && a->radius >= 0 && isfinite(a->penalty) && a->penalty >= 0, v->cli->comm,
             (PetscErrorCode)FEN_ERR_VERIFY, "%s: radius %g and penalty %g must not be negative", v->cli->argument,
             a->radius, a->penalty);
  PetscFunctionReturn(0);
}

static PetscErrorCode ReadOperator(FenVerifyMDP *v)
{
  int criterion, sense;

  PetscFunctionBegin;
  PetscCall(ReadWord(v, "criterion", FenMDPCriteria, 4, &criterion));
  PetscCall(ReadWord(v, "sense", FenMDPSenses, 2, &sense));
  v->criterion = (FenMDPCriterion)criterion;
  v->sense = (FenMDPSense)sense;
  v->sign = v->sense == FEN_MDP_MIN ? -1 : 1;
  PetscCall(FenFileReadIntAttribute(v->file, "/", "horizon", &v->horizon));
  PetscCall(FenFileReadRealAttribute(v->file, "/", "discount", &v->discount));
  PetscCheck(v->discount >= 0 && (v->criterion == FEN_MDP_DISCOUNTED ? v->discount < 1 : v->discount <= 1),
             v->cli->comm, (PetscErrorCode)FEN_ERR_VERIFY, "%s: discount %g with the criterion %s", v->cli->argument,
             v->discount, FenMDPCriteria[v->criterion]);
  PetscCall(ReadAmbiguity(v));
  PetscFunctionReturn(0);
}

/* the run's own options say how the model was read or made */
static PetscErrorCode ReadSource(FenVerifyMDP *v, FenMDPSource *source)
{
  PetscBool stored, named;

  PetscFunctionBegin;
  PetscCall(PetscMemzero(source, sizeof(*source)));
  source->matrix_free = PETSC_TRUE; /* each row is needed a few times only */
  source->sense = (int)v->sense;
  source->criterion = (int)v->criterion;
  source->horizon = v->horizon;
  PetscCall(FenFileHas(v->file, "/mdp", &stored));
  PetscCall(FenFileHasAttribute(v->file, "/", "model_file", &named));
  if (stored)
    PetscCall(PetscSNPrintf(source->file, sizeof(source->file), "%s:/mdp", v->cli->argument));
  else if (named)
    PetscCall(FenFileReadStringAttribute(v->file, "/", "model_file", source->file, sizeof(source->file)));
  else
    PetscCall(FenFileReadStringAttribute(v->file, "/", "problem", source->problem, sizeof(source->problem)));
  PetscFunctionReturn(0);
}

static PetscErrorCode GetModel(FenVerifyMDP *v)
{
  char           text[8192], stored[64], now[64];
  FenMDPSource   source;
  PetscOptions   options;
  FenFingerprint print;

  PetscFunctionBegin;
  PetscCall(ReadSource(v, &source));
  PetscCall(FenFileReadStringAttribute(v->file, "/", "options", text, sizeof(text)));
  PetscCall(PetscOptionsCreate(&options));
  PetscCall(PetscOptionsInsertString(options, text));
  PetscCall(PetscOptionsPush(options));
  PetscCall(FenMDPSourceRead_Private(v->cli->comm, &source, &v->model));
  PetscCall(PetscOptionsPop());
  PetscCall(PetscOptionsDestroy(&options));
  PetscCall(FenMDPModelFingerprint(v->model, &print));
  PetscCall(FenFingerprintText_Private(&print, now, sizeof(now)));
  PetscCall(FenFileReadStringAttribute(v->file, "/", "model_fingerprint", stored, sizeof(stored)));
  if (strcmp(stored, now)) {
    PetscCall(FenMDPSourceDescribe_Private(&source, text, sizeof(text)));
    SETERRQ(v->cli->comm, (PetscErrorCode)FEN_ERR_VERIFY,
            "%s: the model (%s) is not the one that was solved: content %s, then %s", v->cli->argument, text, now,
            stored);
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode CountTerminal(FenVerifyMDP *v)
{
  int rows;

  PetscFunctionBegin;
  v->nterminal = 0;
  for (FenInt k = 0; k < v->n; k++) {
    PetscCall(FenMDPModelGetStateRows(v->model, k, &rows));
    v->nterminal += !rows;
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &v->nterminal, 1, MPI_FENINT, MPI_SUM, v->cli->comm));
  PetscFunctionReturn(0);
}

static PetscErrorCode ReadMargins(FenVerifyMDP *v, FenFault *fault)
{
  PetscFunctionBegin;
  PetscCall(PetscMalloc1((size_t)(v->n + 1), &v->margin));
  PetscCall(FenStatesRead_Private(v->file, "/margin", v->layout, v->grid, v->margin));
  PetscCall(FenVerifyFingerprint_Private(v->file, "/margin", v->layout, 1, v->margin));
  for (FenInt k = 0; k < v->n && !fault->code; k++)
    if (!isfinite(v->margin[k]) || v->margin[k] < 0)
      FenFaultSet(fault, FEN_ERR_VERIFY,
                  "/margin: state %" FENINT_FMT " has %g, margins must be finite and not negative", v->first + k,
                  v->margin[k]);
  PetscFunctionReturn(0);
}

static PetscErrorCode ReadStates(FenVerifyMDP *v)
{
  FenFault fault = {0};
  FenInt   end;

  PetscFunctionBegin;
  PetscCall(FenMDPModelGetLayout(v->model, &v->layout));
  PetscCall(FenMDPModelGetSizes(v->model, &v->sizes));
  PetscCall(FenMDPModelGetTerminal(v->model, &v->terminal));
  PetscCall(FenLayoutGetRange(v->layout, &v->first, &end));
  v->n = end - v->first;
  PetscCall(FenFileHas(v->file, "/grid/shape", &v->on_grid));
  if (v->on_grid)
    PetscCall(FenFileReadInts(v->file, "/grid/shape", 2, v->grid));
  PetscCall(PetscMalloc2((size_t)(v->n + 1), &v->value, (size_t)(v->n + 1), &v->action));
  PetscCall(FenStatesRead_Private(v->file, "/value", v->layout, v->grid, v->value));
  PetscCall(FenStatesRead_Private(v->file, "/policy", v->layout, v->grid, v->action));
  PetscCall(FenVerifyFingerprint_Private(v->file, "/value", v->layout, 1, v->value));
  PetscCall(FenVerifyFingerprint_Private(v->file, "/policy", v->layout, 1, v->action));
  if (v->criterion == FEN_MDP_TOTAL)
    PetscCall(ReadMargins(v, &fault));
  for (FenInt k = 0; k < v->n && !fault.code; k++)
    if (!isfinite(v->value[k]))
      FenFaultSet(&fault, FEN_ERR_VERIFY, "/value: state %" FENINT_FMT " has %g, values must be finite", v->first + k,
                  v->value[k]);
  PetscCall(FenFaultAgree(v->cli->comm, &fault));
  PetscCall(CountTerminal(v));
  PetscFunctionReturn(0);
}

/* a law over the rows of every state */
static PetscErrorCode ReadLaw(FenVerifyMDP *v)
{
  FenFault      fault = {0};
  const double *weight;
  FenInt        nrows = 0, before = 0, first = 0;
  int           rows, weighted;

  PetscFunctionBegin;
  PetscCall(FenMDPModelGetWeight(v->model, &weight));
  weighted = weight != NULL;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &weighted, 1, MPI_INT, MPI_MAX, v->cli->comm));
  v->weighted = (PetscBool)weighted;
  if (v->ambiguity.rectangular != FEN_RECTANGULAR_S)
    PetscFunctionReturn(0);
  for (FenInt k = 0; k < v->n; k++) {
    PetscCall(FenMDPModelGetStateRows(v->model, k, &rows));
    nrows += rows;
  }
  PetscCallMPI(MPI_Exscan(&nrows, &before, 1, MPI_FENINT, MPI_SUM, v->cli->comm));
  PetscCall(PetscMalloc1((size_t)(nrows + 1), &v->law));
  PetscCall(FenFileReadRealPart(v->file, "/policy_prob/prob", v->first ? before : 0, nrows, v->law));
  for (FenInt k = 0; k < v->n && !fault.code; k++) {
    double sum = 0, least = 0;

    PetscCall(FenMDPModelGetStateRows(v->model, k, &rows));
    for (int a = 0; a < rows; a++, first++) {
      sum += v->law[first];
      least = fmin(least, v->law[first]);
    }
    if (rows && !(least >= 0 && fabs(sum - 1) <= 1e-12 * (rows + 1)))
      FenFaultSet(&fault, FEN_ERR_VERIFY,
                  "/policy_prob/prob: state %" FENINT_FMT " has probabilities from %g on that sum to %.15g",
                  v->first + k, least, sum);
  }
  PetscCall(FenFaultAgree(v->cli->comm, &fault));
  PetscFunctionReturn(0);
}

static PetscErrorCode ReadBounds(FenVerifyMDP *v)
{
  FenVerifyMDPBounds *b = &v->stored;
  const char *const   names[] = {"/bounds/value", "/bounds/lower", "/bounds/upper", "/bounds/policy_gap",
                                 "/bounds/value_error"};
  double *const       values[] = {&b->value, &b->lower, &b->upper, &b->policy_gap, &b->value_error};

  PetscFunctionBegin;
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
    PetscCall(FenFileReadReals(v->file, names[i], 1, values[i]));
    PetscCheck(isfinite(*values[i]), v->cli->comm, (PetscErrorCode)FEN_ERR_VERIFY, "%s is %g, which bounds nothing",
               names[i], *values[i]);
  }
  PetscFunctionReturn(0);
}

PetscErrorCode FenVerifyMDPOpen_Private(FenCLI *cli, FenFile file, FenVerifyMDP *v)
{
  PetscFunctionBegin;
  PetscCall(PetscMemzero(v, sizeof(*v)));
  v->cli = cli;
  v->file = file;
  PetscCall(ReadOperator(v));
  PetscCall(ReadBounds(v));
  PetscCall(GetModel(v));
  PetscCall(ReadStates(v));
  PetscCall(ReadLaw(v));
  PetscFunctionReturn(0);
}

PetscErrorCode FenVerifyMDPClose_Private(FenVerifyMDP *v)
{
  PetscFunctionBegin;
  PetscCall(PetscFree2(v->value, v->action));
  PetscCall(PetscFree(v->margin));
  PetscCall(PetscFree(v->law));
  PetscCall(FenMDPModelDestroy(&v->model));
  PetscFunctionReturn(0);
}
