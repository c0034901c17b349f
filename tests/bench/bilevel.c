/* SPDX-License-Identifier: BSD-2-Clause */
/*
   One bilevel problem, learned with any options: when does f fall below given values, and what does that cost? Prints
   one JSON object.

     bench_bilevel [-problem quadratic] [-train FILE] [-valid FILE] [options of the problem and of the solver]
                   [-targets f1,f2,...] [-truth 1e-10] [-truth_growth 1] [-stop] [-show 0]

   At every accepted theta f is computed again by a second solver, to lower solutions as accurate as -truth says, whose
   work and seconds do not count; with -truth_growth 1.05 only when work has grown by 5 % since the last time. With
   -truth 0 the certified upper bound that the solver itself has is taken instead. -stop ends the solve at the last
   target. Options of the second solver have the prefix true_. -show 20 writes a line every 20 seconds to standard
   error: work, f, and the time left until the budget or the time limit ends the solve.
*/
#include "benchmain.h"
#include <fenchelbilevel.h>
#include <math.h>

#define MOST   16
#define POINTS 4096

typedef struct {
  char      problem[32], train[PETSC_MAX_PATH_LEN], valid[PETSC_MAX_PATH_LEN];
  double    target[MOST], truth, growth;
  double    show, budget, limit; /* seconds between lines; what ends the solve, 0: nothing */
  PetscInt  targets;
  PetscBool stop;
} Bench;

typedef struct {
  const Bench      *b;
  FenBilevelProblem problem; /* of the second solver */
  FenBilevel        other;
  double            steps, work, away; /* at the last look; seconds that do not count */
  double            first, best;
  double            hit[MOST][3]; /* work, seconds, steps; work < 0: not yet */
  PetscInt          n;
  double            trace[POINTS][3]; /* work, seconds, f */
  double            shown;            /* seconds of the last line */
  double            sent, reduced;    /* messages and reductions of this rank, as PETSc counts them */
  PetscBool         done;
} Watch;

static PetscErrorCode ReadOptions(Bench *b)
{
  PetscFunctionBegin;
  *b = (Bench){.problem = "quadratic", .targets = MOST, .truth = 1e-10, .growth = 1};
  PetscCall(PetscOptionsGetString(NULL, NULL, "-problem", b->problem, sizeof(b->problem), NULL));
  PetscCall(PetscOptionsGetString(NULL, NULL, "-train", b->train, sizeof(b->train), NULL));
  PetscCall(PetscOptionsGetString(NULL, NULL, "-valid", b->valid, sizeof(b->valid), NULL));
  PetscCall(PetscOptionsGetRealArray(NULL, NULL, "-targets", b->target, &b->targets, NULL));
  PetscCall(PetscOptionsGetReal(NULL, NULL, "-truth", &b->truth, NULL));
  PetscCall(PetscOptionsGetReal(NULL, NULL, "-truth_growth", &b->growth, NULL));
  PetscCall(PetscOptionsGetBool(NULL, NULL, "-stop", &b->stop, NULL));
  PetscCall(PetscOptionsGetReal(NULL, NULL, "-show", &b->show, NULL));
  PetscCall(PetscOptionsGetReal(NULL, NULL, "-bilevel_budget", &b->budget, NULL));
  PetscCall(PetscOptionsGetReal(NULL, NULL, "-bilevel_time_limit", &b->limit, NULL));
  if (b->targets == MOST)
    b->targets = 0;
  PetscCheck(b->truth >= 0 && b->growth >= 1, PETSC_COMM_WORLD, (PetscErrorCode)FEN_ERR_OPTION,
             "-truth must not be negative, -truth_growth not be below one");
  PetscFunctionReturn(0);
}

static PetscErrorCode Problem(const Bench *b, FenBilevelProblem *problem)
{
  const FenBilevelData data = {.train = b->train[0] ? b->train : NULL, .valid = b->valid[0] ? b->valid : NULL};

  PetscFunctionBegin;
  PetscCall(FenBilevelProblemGenerate(PETSC_COMM_WORLD, b->problem, NULL, &data, problem));
  PetscFunctionReturn(0);
}

/* f at the solver's theta */
static PetscErrorCode Truth(Watch *w, FenBilevel solver, double *f)
{
  const double    *theta;
  FenBilevelBounds bounds;

  PetscFunctionBegin;
  PetscCall(FenBilevelGetTheta(solver, &theta));
  PetscCall(FenBilevelSetStart(w->other, theta));
  PetscCall(FenBilevelEvaluate(w->other, w->b->truth));
  PetscCall(FenBilevelGetBounds(w->other, &bounds));
  *f = bounds.objective;
  PetscFunctionReturn(0);
}

/* every second point is dropped when there is no room left */
static void Keep(Watch *w, const double point[3])
{
  if (w->n == POINTS) {
    for (w->n = 0; w->n < POINTS / 2; w->n++)
      for (int k = 0; k < 3; k++)
        w->trace[w->n][k] = w->trace[2 * w->n + 1][k];
  }
  for (int k = 0; k < 3; k++)
    w->trace[w->n][k] = point[k];
  w->n++;
}

/* a line for those who wait */
static PetscErrorCode Show(Watch *w, double work, double seconds, const FenBilevelWork *all, double f)
{
  double left = w->b->limit > 0 ? w->b->limit - seconds : INFINITY;

  PetscFunctionBegin;
  if (!(w->b->show > 0) || seconds - w->shown < w->b->show)
    PetscFunctionReturn(0);
  w->shown = seconds;
  if (w->b->budget > 0 && work > 0)
    left = PetscMin(left, (w->b->budget - work) * seconds / work);
  PetscCall(PetscFPrintf(PETSC_COMM_WORLD, stderr,
                         "%8.0f s  %10.0f lower %10.0f adjoint iterations  %6.0f steps  f %.6g  at most %.0f s left\n",
                         seconds, all->lower_iterations, all->adjoint_iterations, all->steps, f, left));
  PetscFunctionReturn(0);
}

static PetscErrorCode Look(FenSolver s, const FenProgress *p, void *ctx)
{
  Watch         *w = (Watch *)ctx;
  const double   start = FenWallTime();
  double         f = p->upper;
  FenBilevelWork work;

  PetscFunctionBegin;
  PetscCall(FenBilevelGetWork((FenBilevel)s, &work));
  if (w->b->truth > 0 && (work.steps <= w->steps || p->work < w->b->growth * w->work))
    PetscFunctionReturn(0);
  if (w->b->truth > 0)
    PetscCall(Truth(w, (FenBilevel)s, &f));
  if (!isfinite(f))
    PetscFunctionReturn(0);
  w->first = w->n ? w->first : f;
  w->best = PetscMin(w->best, f);
  w->steps = work.steps;
  w->work = p->work;
  Keep(w, (double[]){p->work, p->seconds - w->away, f});
  for (PetscInt k = 0; k < w->b->targets; k++)
    if (f <= w->b->target[k] && w->hit[k][0] < 0) {
      w->hit[k][0] = p->work;
      w->hit[k][1] = p->seconds - w->away;
      w->hit[k][2] = work.steps;
    }
  PetscCall(Show(w, p->work, p->seconds - w->away, &work, f));
  w->done = (PetscBool)(w->b->stop && w->b->targets && w->hit[w->b->targets - 1][0] >= 0);
  w->away += FenWallTime() - start;
  PetscFunctionReturn(0);
}

static PetscErrorCode Poll(FenSolver s, void *ctx, FenRequest *request)
{
  const Watch *w = (const Watch *)ctx;

  (void)s;
  PetscFunctionBegin;
  *request = w->done ? FEN_REQUEST_STOP : FEN_REQUEST_NONE;
  PetscFunctionReturn(0);
}

static PetscErrorCode NoSave(FenSolver s, FenState state, FenRequest request, void *ctx)
{
  (void)s, (void)state, (void)request, (void)ctx;
  return 0;
}

/* means over all samples of what the problem tells people; names begin with `prefix` */
static PetscErrorCode Metrics(FenBilevel solver, FenBilevelProblem problem, const char prefix[])
{
  const FenBilevelOps *call;
  FenBilevelSizes      size;
  FenBilevelPart       part;
  FenTeams             teams;
  FenTeamsInfo         info;
  const double        *x;
  double               one[FEN_BILEVEL_METRICS], sum[FEN_BILEVEL_METRICS] = {0};

  PetscFunctionBegin;
  PetscCall(FenBilevelProblemGetOps(problem, &call));
  PetscCall(FenBilevelProblemGetSizes(problem, &size));
  PetscCall(FenBilevelProblemGetPart(problem, &part));
  PetscCall(FenBilevelProblemGetTeams(problem, &teams));
  PetscCall(FenTeamsGetInfo(teams, &info));
  PetscCall(FenBilevelGetLower(solver, &x));
  if (!call->metrics)
    PetscFunctionReturn(0);
  for (FenInt s = part.start; s < part.end; s++) {
    PetscCall((*call->metrics)(problem, s, x + (s - part.start) * part.nx, one));
    for (PetscInt k = 0; k < size.nmetrics; k++)
      sum[k] += one[k];
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sum, FEN_BILEVEL_METRICS, MPI_DOUBLE, MPI_SUM, info.across));
  for (PetscInt k = 0; k < size.nmetrics; k++)
    PetscCall(
        PetscPrintf(PETSC_COMM_WORLD, "\"%s%s\": %.10g, ", prefix, size.metrics[k], sum[k] / (double)size.samples));
  PetscFunctionReturn(0);
}

/* the samples of -valid at the hyperparameters that were learned, to 1e-4 root mean square */
static PetscErrorCode Validate(const Bench *b, FenBilevel solver, FenBilevelProblem problem)
{
  const FenBilevelOps *call;
  const FenBilevelData data = {.train = b->valid};
  FenBilevelProblem    other;
  FenBilevelPart       mine, part;
  FenBilevelSizes      size;
  FenBilevel           judge;
  const double        *theta;

  PetscFunctionBegin;
  PetscCall(FenBilevelProblemGetOps(problem, &call));
  if (!b->valid[0] || !call->data)
    PetscFunctionReturn(0);
  PetscCall(FenBilevelProblemGetPart(problem, &mine));
  PetscCall(FenBilevelGetTheta(solver, &theta));
  PetscCall(FenBilevelProblemGenerate(PETSC_COMM_WORLD, b->problem, NULL, &data, &other));
  PetscCall(FenBilevelProblemSetSampleSet(other, 1));
  PetscCall(FenBilevelProblemGetSizes(other, &size));
  PetscCall(FenBilevelCreate(PETSC_COMM_WORLD, &judge));
  PetscCall(FenBilevelSetProblem(judge, other));
  PetscCall(FenBilevelSetFromOptions(judge));
  PetscCall(FenSolverSetUp((FenSolver)judge));
  PetscCall(FenBilevelProblemGetPart(other, &part));
  PetscCheck(part.theta0 == mine.theta0 && part.theta1 == mine.theta1, PETSC_COMM_WORLD, (PetscErrorCode)FEN_ERR_OPTION,
             "-valid makes other teams than -train: -bilevel_team_size chooses");
  PetscCall(FenBilevelSetStart(judge, theta));
  PetscCall(FenBilevelEvaluate(judge, 1e-4 * sqrt((double)size.rows * (double)size.width)));
  PetscCall(Metrics(judge, other, "valid_"));
  PetscCall(FenBilevelDestroy(&judge));
  PetscCall(FenBilevelProblemDestroy(&other));
  PetscFunctionReturn(0);
}

/* a number that is not finite is null */
static PetscErrorCode Say(const char name[], double x)
{
  PetscFunctionBegin;
  if (isfinite(x))
    PetscCall(PetscPrintf(PETSC_COMM_WORLD, "\"%s\": %.15g, ", name, x));
  else
    PetscCall(PetscPrintf(PETSC_COMM_WORLD, "\"%s\": null, ", name));
  PetscFunctionReturn(0);
}

static PetscErrorCode Report(const Watch *w, FenBilevel solver, FenBilevelProblem problem)
{
  const double    *theta;
  FenBilevelBounds bounds;
  FenBilevelWork   work;
  FenBilevelPart   part;
  FenProgress      progress;
  FenReason        reason;
  double           counts[2] = {w->sent, w->reduced};
  const char      *word, *type, *lower;
  PetscMPIInt      ranks;

  PetscFunctionBegin;
  PetscCall(FenBilevelGetBounds(solver, &bounds));
  PetscCall(FenBilevelGetWork(solver, &work));
  PetscCall(FenBilevelGetTheta(solver, &theta));
  PetscCall(FenBilevelGetLowerName(solver, &lower));
  PetscCall(FenBilevelProblemGetPart(problem, &part));
  PetscCall(FenSolverGetProgress((FenSolver)solver, &progress));
  PetscCall(FenSolverGetConvergedReason((FenSolver)solver, &reason));
  PetscCall(FenReasonGet(reason, &word, NULL));
  PetscCall(FenSolverGetType((FenSolver)solver, &type));
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &ranks));
  PetscCall(PetscPrintf(PETSC_COMM_WORLD,
                        "{\"problem\": \"%s\", \"type\": \"%s\", \"lower\": \"%s\", \"ranks\": %d, \"reason\": \"%s\", "
                        "\"lower_iterations\": %.0f, \"adjoint_iterations\": %.0f, \"evaluations\": %.0f, "
                        "\"gradients\": %.0f, \"steps\": %.0f, \"failures\": %.0f, \"seconds\": %.6e, ",
                        w->b->problem, type, lower, (int)ranks, word, work.lower_iterations, work.adjoint_iterations,
                        work.upper_evaluations, work.gradients, work.steps, work.failures, progress.seconds - w->away));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, counts, 2, MPI_DOUBLE, MPI_MAX, PETSC_COMM_WORLD));
  PetscCall(Say("messages", counts[0]));
  PetscCall(Say("reductions", counts[1]));
  PetscCall(Say("objective", bounds.objective));
  PetscCall(Say("low", bounds.lower));
  PetscCall(Say("high", bounds.upper));
  PetscCall(Say("first", w->first));
  PetscCall(Say("best", w->best));
  PetscCall(Say("hypergradient", bounds.hypergradient));
  PetscCall(Metrics(solver, problem, ""));
  PetscCall(Validate(w->b, solver, problem));
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "\"theta\": ["));
  for (FenInt k = 0; k < PetscMin(part.theta1 - part.theta0, 8); k++)
    PetscCall(PetscPrintf(PETSC_COMM_WORLD, "%s%.12g", k ? ", " : "", theta[k]));
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "], \"hits\": ["));
  for (PetscInt k = 0; k < w->b->targets; k++)
    PetscCall(
        PetscPrintf(PETSC_COMM_WORLD, "%s[%.0f, %.6e, %.0f]", k ? ", " : "", w->hit[k][0], w->hit[k][1], w->hit[k][2]));
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "], \"trace\": ["));
  for (PetscInt k = 0; k < w->n; k++)
    PetscCall(PetscPrintf(PETSC_COMM_WORLD, "%s[%.0f, %.4g, %.12g]", k ? ", " : "", w->trace[k][0], w->trace[k][1],
                          w->trace[k][2]));
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "]}\n"));
  PetscFunctionReturn(0);
}

static PetscErrorCode Start(Watch *w)
{
  PetscFunctionBegin;
  w->steps = w->work = -1;
  w->best = INFINITY;
  for (int k = 0; k < MOST; k++)
    w->hit[k][0] = w->hit[k][1] = w->hit[k][2] = -1;
  if (w->b->truth <= 0)
    PetscFunctionReturn(0);
  PetscCall(Problem(w->b, &w->problem));
  PetscCall(FenBilevelCreate(PETSC_COMM_WORLD, &w->other));
  PetscCall(FenSolverSetOptionsPrefix((FenSolver)w->other, "true_"));
  PetscCall(FenBilevelSetProblem(w->other, w->problem));
  PetscCall(FenBilevelSetFromOptions(w->other));
  PetscFunctionReturn(0);
}

static PetscErrorCode RunAll(void)
{
  Bench             b;
  Watch            *w;
  FenBilevel        solver;
  FenBilevelProblem problem;

  PetscFunctionBegin;
  PetscCall(ReadOptions(&b));
  PetscCall(PetscNew(&w));
  w->b = &b;
  PetscCall(Start(w));
  PetscCall(Problem(&b, &problem));
  PetscCall(FenBilevelCreate(PETSC_COMM_WORLD, &solver));
  PetscCall(FenBilevelSetProblem(solver, problem));
  PetscCall(FenBilevelSetFromOptions(solver));
  PetscCall(FenSolverMonitorSet((FenSolver)solver, Look, w, NULL));
  PetscCall(FenSolverSetSave((FenSolver)solver, Poll, NoSave, w));
  PetscCall(FenSolverSetUp((FenSolver)solver));
  w->sent = -petsc_isend_ct - petsc_send_ct;
  w->reduced = -petsc_allreduce_ct;
  PetscCall(FenBilevelSolve(solver));
  w->sent += petsc_isend_ct + petsc_send_ct;
  w->reduced += petsc_allreduce_ct;
  PetscCall(Report(w, solver, problem));
  PetscCall(FenBilevelDestroy(&solver));
  PetscCall(FenBilevelDestroy(&w->other));
  PetscCall(FenBilevelProblemDestroy(&problem));
  PetscCall(FenBilevelProblemDestroy(&w->problem));
  PetscCall(PetscFree(w));
  PetscFunctionReturn(0);
}

int main(int argc, char **argv)
{
  return BenchMain(argc, argv, RunAll);
}
