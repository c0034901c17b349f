/* SPDX-License-Identifier: BSD-2-Clause */
/* The claims of a result of fenchel bilevel against what its lower solutions and adjoints prove. */
#include "verifybilevel.h"
#include <math.h>

static PetscErrorCode Stored(FenVerifyBilevel *v, const char name[], double *value)
{
  char path[64];

  PetscFunctionBegin;
  PetscCall(PetscSNPrintf(path, sizeof(path), "/bounds/%s", name));
  PetscCall(FenFileReadReals(v->file, path, 1, value));
  PetscCheck(!isnan(*value), v->comm, (PetscErrorCode)FEN_ERR_VERIFY, "%s is NaN, which bounds nothing", path);
  PetscFunctionReturn(0);
}

/* the run's own options say how the data were made */
static PetscErrorCode MakeProblem(FenVerifyBilevel *v)
{
  FenBilevelSource         source;
  char                     options[8192], stored[64], now[64], upper[32];
  FenInt                   sizes[4];
  static const char *const names[] = {"samples", "rows", "width", "hyperparameters"};
  int                      k = 0;

  PetscFunctionBegin;
  PetscCall(FenBilevelSourceRead_Private(v->file, &source));
  PetscCall(FenFileReadStringAttribute(v->file, "/", "options", options, sizeof(options)));
  PetscCall(FenBilevelSourceMakeLike_Private(v->comm, &source, options, &v->problem));
  PetscCall(FenBilevelFingerprint_Private(v->problem, now, sizeof(now)));
  PetscCall(FenFileReadStringAttribute(v->file, "/", "data_fingerprint", stored, sizeof(stored)));
  PetscCheck(!strcmp(stored, now), v->comm, (PetscErrorCode)FEN_ERR_VERIFY,
             "%s: the data of problem %s are not those that were learned from: content %s, then %s", v->cli->argument,
             source.problem, now, stored);
  PetscCall(FenBilevelProblemGetSizes(v->problem, &v->n));
  for (int i = 0; i < 4; i++) {
    const FenInt made[4] = {v->n.samples, v->n.rows, v->n.width, v->n.p};

    PetscCall(FenFileReadIntAttribute(v->file, "/", names[i], &sizes[i]));
    PetscCheck(sizes[i] == made[i], v->comm, (PetscErrorCode)FEN_ERR_VERIFY,
               "%s: %" FENINT_FMT " %s are stored, the problem has %" FENINT_FMT, v->cli->argument, sizes[i], names[i],
               made[i]);
  }
  PetscCall(FenFileReadStringAttribute(v->file, "/", "upper_level", upper, sizeof(upper)));
  while (k < 3 && strcmp(upper, FenBilevelUppers[k]))
    k++;
  PetscCall(FenFileReadRealAttribute(v->file, "/", "temperature", &v->temperature));
  PetscCall(FenFileReadRealAttribute(v->file, "/", "pull", &v->pull));
  PetscCall(FenFileReadRealAttribute(v->file, "/", "box_lower", &v->box[0]));
  PetscCall(FenFileReadRealAttribute(v->file, "/", "box_upper", &v->box[1]));
  PetscCheck(k < 3 && v->temperature > 0 && v->pull >= 0 && v->box[0] < v->box[1], v->comm,
             (PetscErrorCode)FEN_ERR_VERIFY,
             "%s: upper level '%s', temperature %g, pull %g, box [%g, %g]: not what the method allows",
             v->cli->argument, upper, v->temperature, v->pull, v->box[0], v->box[1]);
  v->upper = (FenBilevelUpper)k;
  PetscFunctionReturn(0);
}

static PetscErrorCode CheckFinite(FenVerifyBilevel *v, const char path[], FenInt n, const double a[])
{
  FenFault fault = {0};

  PetscFunctionBegin;
  for (FenInt i = 0; i < n && !fault.code; i++)
    if (!isfinite(a[i]))
      FenFaultSet(&fault, FEN_ERR_VERIFY, "%s: one of its numbers is %g; rule: finite", path, a[i]);
  PetscCall(FenFaultAgree(v->comm, &fault));
  PetscFunctionReturn(0);
}

/* the first team reads, all teams have it */
static PetscErrorCode ReadTheta(FenVerifyBilevel *v, const char path[], double **theta)
{
  FenLayout   layout;
  PetscMPIInt count;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1((size_t)v->nt + 1, theta));
  PetscCall(FenBilevelThetaLayout_Private(v->problem, &layout));
  PetscCall(FenFileReadArray(v->file, path, layout, 0, *theta));
  PetscCall(FenVerifyFingerprint_Private(v->file, path, layout, 1, *theta));
  PetscCall(FenLayoutDestroy(&layout));
  PetscCall(FenMPIIntCast(v->nt, &count));
  PetscCallMPI(MPI_Bcast(*theta, count, MPI_DOUBLE, 0, v->team.across));
  PetscCall(CheckFinite(v, path, v->nt, *theta));
  PetscFunctionReturn(0);
}

static PetscErrorCode ReadLower(FenVerifyBilevel *v)
{
  const char *const names[] = {"/x", "/q"};
  double           *arrays[2];
  FenLayout         layout;
  PetscBool         has;

  PetscFunctionBegin;
  PetscCall(PetscCalloc2((size_t)(v->mine * v->nx) + 1, &v->x, (size_t)(v->mine * v->nx) + 1, &v->q));
  PetscCall(FenFileHas(v->file, "/x", &has));
  if (!has) {
    PetscCall(FenVerifyBilevelSolve_Private(v));
    PetscFunctionReturn(0);
  }
  arrays[0] = v->x;
  arrays[1] = v->q;
  PetscCall(FenBilevelLowerLayout_Private(v->problem, &layout));
  for (int k = 0; k < 2; k++) {
    PetscCall(FenFileReadArray(v->file, names[k], layout, 0, arrays[k]));
    PetscCall(FenVerifyFingerprint_Private(v->file, names[k], layout, 1, arrays[k]));
    PetscCall(CheckFinite(v, names[k], v->mine * v->nx, arrays[k]));
  }
  PetscCall(FenLayoutDestroy(&layout));
  PetscFunctionReturn(0);
}

static PetscErrorCode Open(FenCLI *cli, FenFile file, FenVerifyBilevel *v)
{
  FenTeams     teams;
  const size_t one = 1;
  size_t       work;

  PetscFunctionBegin;
  *v = (FenVerifyBilevel){.cli = cli, .file = file, .comm = cli->comm};
  PetscCall(MakeProblem(v));
  PetscCall(FenBilevelProblemGetPart(v->problem, &v->part));
  PetscCall(FenBilevelProblemGetTeams(v->problem, &teams));
  PetscCall(FenTeamsGetInfo(teams, &v->team));
  PetscCall(FenBilevelProblemGetOps(v->problem, &v->call));
  v->mine = v->part.end - v->part.start;
  v->nx = v->part.nx;
  v->nt = v->part.theta1 - v->part.theta0;
  work = (size_t)PetscMax(v->nx, v->nt) + one;
  PetscCall(PetscMalloc4(work, &v->work[0], work, &v->work[1], work, &v->work[2], work, &v->work[3]));
  PetscCall(PetscCalloc3((size_t)v->mine + one, &v->sample, (size_t)((v->mine + 1) * v->nt) + one, &v->znow,
                         (size_t)v->mine + one, &v->weight));
  PetscCall(ReadTheta(v, "/theta", &v->theta));
  PetscCall(ReadTheta(v, "/hypergradient", &v->z));
  PetscCall(ReadTheta(v, "/theta_start", &v->start));
  PetscCall(ReadLower(v));
  PetscFunctionReturn(0);
}

static PetscErrorCode Close(FenVerifyBilevel *v)
{
  PetscFunctionBegin;
  PetscCall(PetscFree4(v->work[0], v->work[1], v->work[2], v->work[3]));
  PetscCall(PetscFree3(v->sample, v->znow, v->weight));
  PetscCall(PetscFree(v->theta));
  PetscCall(PetscFree(v->z));
  PetscCall(PetscFree(v->start));
  PetscCall(PetscFree2(v->x, v->q));
  PetscCall(FenBilevelProblemDestroy(&v->problem));
  PetscFunctionReturn(0);
}

/* a bound that was not claimed needs no proof */
static PetscErrorCode JudgeAtLeast(FenVerdict *verdict, const char name[], double stored, double now, double loose)
{
  const PetscBool holds = (PetscBool)((isinf(stored) && stored > 0) || stored >= now - loose);

  PetscFunctionBegin;
  PetscCall(FenJudge_Private(verdict, holds, name, stored, now, "the file claims more than its lower solutions prove"));
  PetscFunctionReturn(0);
}

static PetscErrorCode Largest(FenVerifyBilevel *v, PetscInt n, double values[])
{
  PetscFunctionBegin;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, values, (PetscMPIInt)n, MPI_DOUBLE, MPI_MAX, v->comm));
  PetscFunctionReturn(0);
}

PetscErrorCode FenVerifyBilevelWorst_Private(FenVerifyBilevel *v, double excess, double *claim, double *found,
                                             double *most)
{
  struct {
    double value;
    int    rank;
  } at = {excess, v->cli->rank};
  double pair[2] = {*claim, *found};

  PetscFunctionBegin;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &at, 1, MPI_DOUBLE_INT, MPI_MAXLOC, v->comm));
  PetscCallMPI(MPI_Bcast(pair, 2, MPI_DOUBLE, at.rank, v->comm));
  *most = at.value;
  *claim = pair[0];
  *found = pair[1];
  PetscFunctionReturn(0);
}

/* the table of samples: the one whose claim is nearest to what is proved, or farthest above it, is shown */
static PetscErrorCode JudgeSamples(FenVerdict *verdict, FenVerifyBilevel *v)
{
  static const char *const names[] = {
      "value", "lower", "upper", "lower_accuracy", "adjoint_residual", "hypergradient_error"};
  static const char *const shown[] = {"value", "lower", "upper", "accuracy", "adjoint", "error"};
  double                  *column;
  char                     path[64];

  PetscFunctionBegin;
  PetscCall(PetscMalloc1((size_t)v->mine + 1, &column));
  for (int i = 0; i < 6; i++) {
    double excess = -HUGE_VAL, claim = 0, found = 0, most = 0;

    PetscCall(PetscSNPrintf(path, sizeof(path), "/samples/%s", names[i]));
    PetscCall(FenFileReadRealPart(v->file, path, v->part.start, v->mine, column));
    for (FenInt k = 0; k < v->mine; k++) {
      const FenVerifySample *S = &v->sample[k];
      const double           now[6] = {S->value, S->lower, S->upper, S->accuracy, S->residual, S->error};
      const double           loose[6] = {S->loose_bracket,  S->loose_bracket,  S->loose_bracket,
                                         S->loose_accuracy, S->loose_residual, S->loose_error};
      const double           off = (i == 1 ? column[k] - now[i] : now[i] - column[k]) - loose[i];
      const double           over = i == 0 ? fabs(column[k] - now[i]) - loose[i] - FEN_VERIFY_SAME * fabs(now[i]) : off;

      const PetscBool nothing = (PetscBool)(isinf(column[k]) && i && (i == 1 ? column[k] < 0 : column[k] > 0));

      if (k && (nothing || over <= excess))
        continue;
      excess = nothing ? -HUGE_VAL : isnan(over) ? HUGE_VAL : over;
      claim = column[k];
      found = now[i];
    }
    PetscCall(FenVerifyBilevelWorst_Private(v, excess, &claim, &found, &most));
    PetscCall(PetscSNPrintf(path, sizeof(path), "samples' %s", shown[i]));
    PetscCall(FenJudge_Private(verdict, (PetscBool)(most <= 0), path, claim, found,
                               "a sample's number claims more than its lower solution proves"));
  }
  PetscCall(PetscFree(column));
  PetscFunctionReturn(0);
}

/* |P(theta - z) - theta| with the box of the problem and of the options */
static PetscErrorCode ProjectedNorm(FenVerifyBilevel *v, double *norm)
{
  double *lower, *upper;

  PetscFunctionBegin;
  PetscCall(PetscMalloc2((size_t)v->nt + 1, &lower, (size_t)v->nt + 1, &upper));
  for (FenInt j = 0; j < v->nt; j++) {
    lower[j] = -HUGE_VAL;
    upper[j] = HUGE_VAL;
  }
  if (v->call->box)
    PetscCall((*v->call->box)(v->problem, lower, upper));
  for (FenInt j = 0; j < v->nt; j++)
    v->work[3][j] =
        fmin(fmax(v->theta[j] - v->z[j], fmax(lower[j], v->box[0])), fmin(upper[j], v->box[1])) - v->theta[j];
  PetscCall(FenVerifyBilevelDot_Private(v, v->nt, v->work[3], v->work[3], norm));
  *norm = sqrt(*norm);
  PetscCall(PetscFree2(lower, upper));
  PetscFunctionReturn(0);
}

static PetscErrorCode JudgeHypergradient(FenVerdict *verdict, FenVerifyBilevel *v)
{
  double norm, stored_norm, stored_error, distance, length[2], size = 0, room, loose = 0;

  PetscFunctionBegin;
  for (FenInt j = 0; j < v->nt; j++)
    v->work[3][j] = v->z[j] - v->znow[j];
  PetscCall(FenVerifyBilevelDot_Private(v, v->nt, v->work[3], v->work[3], &distance));
  distance = sqrt(distance);
  PetscCall(FenVerifyBilevelDot_Private(v, v->nt, v->z, v->z, &length[0]));
  PetscCall(FenVerifyBilevelDot_Private(v, v->nt, v->znow, v->znow, &length[1]));
  for (FenInt k = 0; k < v->mine; k++) {
    size += v->weight[k] * v->sample[k].size;
    loose += v->weight[k] * v->sample[k].loose_error;
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &size, 1, MPI_DOUBLE, MPI_SUM, v->team.across));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &loose, 1, MPI_DOUBLE, MPI_SUM, v->team.across));
  PetscCall(Stored(v, "hypergradient_norm", &stored_norm));
  PetscCall(Stored(v, "hypergradient_error", &stored_error));
  PetscCall(ProjectedNorm(v, &norm));
  room = FEN_VERIFY_SAME * (1e-3 + size) + (v->solved ? stored_error + v->error : 0);
  PetscCall(FenJudge_Private(verdict, (PetscBool)(distance <= room), "hypergradient", sqrt(length[0]), sqrt(length[1]),
                             "it is not the one that its lower solutions and adjoints give"));
  PetscCall(FenJudge_Private(verdict, (PetscBool)(fabs(norm - stored_norm) <= FEN_VERIFY_SAME * (1e-6 + norm)),
                             "projected", stored_norm, norm, "it is not the norm of the stored hypergradient"));
  if (!v->solved)
    PetscCall(JudgeAtLeast(verdict, "its error", stored_error, v->error, loose + FEN_VERIFY_SAME * v->error));
  PetscFunctionReturn(0);
}

static PetscErrorCode JudgeObjective(FenVerdict *verdict, FenVerifyBilevel *v)
{
  double value, objective, lower, upper, loose = 0, weight = 0;

  PetscFunctionBegin;
  PetscCall(Stored(v, "value", &value));
  PetscCall(Stored(v, "objective", &objective));
  PetscCall(Stored(v, "lower", &lower));
  PetscCall(Stored(v, "upper", &upper));
  for (FenInt k = 0; k < v->mine; k++) {
    loose = fmax(loose, v->sample[k].loose_bracket);
    weight += v->weight[k];
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &weight, 1, MPI_DOUBLE, MPI_SUM, v->team.across));
  PetscCall(Largest(v, 1, &loose));
  loose = fmax(weight, 1) * loose + 1e-13 * fabs(v->value);
  if (v->solved) { /* two brackets of one number */
    PetscCall(FenJudge_Private(verdict, (PetscBool)(lower <= v->top + loose), "lower", lower, v->lower,
                               "the optimum of the lower problems gives less"));
    PetscCall(FenJudge_Private(verdict, (PetscBool)(upper >= v->lower - loose), "upper", upper, v->top,
                               "the optimum of the lower problems gives more"));
  } else {
    /* a value that its own bounds exclude gives way to the nearer of them */
    const double now = fmin(fmax(v->value, lower), upper);

    PetscCall(FenJudge_Private(verdict, (PetscBool)(fabs(objective - now) <= loose + FEN_VERIFY_SAME * fabs(now)),
                               "objective", objective, now, "it is not the value of its lower solutions"));
    PetscCall(FenJudge_Private(verdict, (PetscBool)((isinf(lower) && lower < 0) || lower <= v->lower + loose), "lower",
                               lower, v->lower, "the file claims more than its lower solutions prove"));
    PetscCall(JudgeAtLeast(verdict, "upper", upper, v->top, loose));
  }
  PetscCall(FenJudge_Private(verdict, (PetscBool)(lower <= value + loose && value <= upper + loose), "value", value,
                             v->value, "the value lies outside its bounds"));
  PetscFunctionReturn(0);
}

static PetscErrorCode JudgeAccuracies(FenVerdict *verdict, FenVerifyBilevel *v)
{
  double lower, adjoint, most[3] = {0, 0, 0};

  PetscFunctionBegin;
  PetscCall(Stored(v, "lower_accuracy", &lower));
  PetscCall(Stored(v, "adjoint_accuracy", &adjoint));
  for (FenInt k = 0; k < v->mine; k++) {
    const FenVerifySample *S = &v->sample[k];

    most[0] = fmax(most[0], S->accuracy);
    most[1] = fmax(most[1], S->adjoint);
    most[2] =
        fmax(most[2], fmax(S->loose_accuracy, S->residual > 0 ? S->loose_residual * S->adjoint / S->residual : 0));
  }
  PetscCall(Largest(v, 3, most));
  PetscCall(JudgeAtLeast(verdict, "lower_accuracy", lower, most[0], most[2]));
  PetscCall(JudgeAtLeast(verdict, "adjoint_accuracy", adjoint, most[1], most[2]));
  PetscFunctionReturn(0);
}

/* the file is open and its root is checked */
PetscErrorCode FenVerifyBilevel_Private(FenVerdict *verdict, FenFile file)
{
  FenCLI          *cli = verdict->cli;
  FenVerifyBilevel v;
  const char      *name;

  PetscFunctionBegin;
  PetscCall(Open(cli, file, &v));
  PetscCall(FenBilevelProblemGetName(v.problem, &name));
  PetscCall(PetscPrintf(cli->comm, "%s: %s, %" FENINT_FMT " samples, %" FENINT_FMT " hyperparameters, upper level %s\n",
                        cli->argument, name, v.n.samples, v.n.p, FenBilevelUppers[v.upper]));
  if (v.solved)
    PetscCall(PetscPrintf(cli->comm,
                          "  without lower solutions: they were computed here, and what the file says of the\n"
                          "  accuracy of its own cannot be checked\n"));
  PetscCall(PetscPrintf(cli->comm, "  %-16s %22s %22s\n", "", "stored", "recomputed"));
  PetscCall(FenVerifyBilevelPoint_Private(&v));
  PetscCall(JudgeObjective(verdict, &v));
  PetscCall(JudgeHypergradient(verdict, &v));
  if (!v.solved) {
    PetscCall(JudgeAccuracies(verdict, &v));
    PetscCall(JudgeSamples(verdict, &v));
  }
  PetscCall(FenVerifyBilevelMetrics_Private(verdict, &v));
  PetscCall(Close(&v));
  PetscFunctionReturn(0);
}
