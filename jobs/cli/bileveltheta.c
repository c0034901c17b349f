/* SPDX-License-Identifier: BSD-2-Clause */
/* Hyperparameters and samples of a bilevel problem in files and between problems: layouts, text, moves. */
#include "bilevelrun.h"
#include <math.h>

static PetscErrorCode Info(FenBilevelProblem problem, FenTeamsInfo *info)
{
  FenTeams teams;

  PetscFunctionBegin;
  PetscCall(FenBilevelProblemGetTeams(problem, &teams));
  PetscCall(FenTeamsGetInfo(teams, info));
  PetscFunctionReturn(0);
}

PetscErrorCode FenBilevelThetaLayout_Private(FenBilevelProblem problem, FenLayout *layout)
{
  FenBilevelPart part;
  FenTeamsInfo   info;

  PetscFunctionBegin;
  PetscCall(FenBilevelProblemGetPart(problem, &part));
  PetscCall(Info(problem, &info));
  PetscCall(FenLayoutCreateRowsLocal(PetscObjectComm((PetscObject)problem), info.index ? 0 : part.theta1 - part.theta0,
                                     layout));
  PetscFunctionReturn(0);
}

PetscErrorCode FenBilevelSampleLayout_Private(FenBilevelProblem problem, FenLayout *layout)
{
  FenBilevelPart part;
  FenTeamsInfo   info;

  PetscFunctionBegin;
  PetscCall(FenBilevelProblemGetPart(problem, &part));
  PetscCall(Info(problem, &info));
  PetscCall(
      FenLayoutCreateRowsLocal(PetscObjectComm((PetscObject)problem), info.rank ? 0 : part.end - part.start, layout));
  PetscFunctionReturn(0);
}

PetscErrorCode FenBilevelLowerLayout_Private(FenBilevelProblem problem, FenLayout *layout)
{
  FenBilevelSizes size;
  FenTeams        teams;

  PetscFunctionBegin;
  PetscCall(FenBilevelProblemGetSizes(problem, &size));
  PetscCall(FenBilevelProblemGetTeams(problem, &teams));
  PetscCall(FenTeamsCreateLayout(teams, size.samples, size.rows, size.width, layout));
  PetscFunctionReturn(0);
}

PetscErrorCode FenBilevelThetaMove_Private(FenBilevelProblem from, const double theta[], FenBilevelProblem to,
                                           double moved[])
{
  FenLayout      a, b;
  FenRedist      redist;
  FenTeamsInfo   info;
  FenBilevelPart part;
  PetscMPIInt    count;

  PetscFunctionBegin;
  PetscCall(FenBilevelThetaLayout_Private(from, &a));
  PetscCall(FenBilevelThetaLayout_Private(to, &b));
  PetscCall(FenRedistCreate(a, b, &redist));
  PetscCall(FenRedistMove(redist, theta, moved));
  PetscCall(FenRedistDestroy(&redist));
  PetscCall(FenLayoutDestroy(&a));
  PetscCall(FenLayoutDestroy(&b));
  PetscCall(Info(to, &info));
  PetscCall(FenBilevelProblemGetPart(to, &part));
  PetscCall(FenMPIIntCast(part.theta1 - part.theta0, &count));
  PetscCallMPI(MPI_Bcast(moved, count, MPI_DOUBLE, 0, info.across));
  PetscFunctionReturn(0);
}

/* numbers separated by commas: one for all hyperparameters, or one for each */
static PetscErrorCode ReadNumbers(FenBilevelProblem problem, const char text[], double theta[])
{
  MPI_Comm        comm = PetscObjectComm((PetscObject)problem);
  const char     *at = text;
  FenBilevelSizes size;
  FenBilevelPart  part;
  FenInt          n = 0;

  PetscFunctionBegin;
  PetscCall(FenBilevelProblemGetSizes(problem, &size));
  PetscCall(FenBilevelProblemGetPart(problem, &part));
  for (;; at++) {
    char        *end;
    const double value = strtod(at, &end);

    PetscCheck(end > at && (*end == ',' || !*end) && isfinite(value), comm, (PetscErrorCode)FEN_ERR_OPTION,
               "-theta %s: number %" FENINT_FMT " cannot be read; rule: FILE.h5, or finite numbers separated by commas",
               text, n + 1);
    for (FenInt k = part.theta0; k < part.theta1; k++)
      if (n == 0 || k == n)
        theta[k - part.theta0] = value;
    n++;
    at = end;
    if (!*at)
      break;
  }
  PetscCheck(n == 1 || n == size.p, comm, (PetscErrorCode)FEN_ERR_SHAPE,
             "-theta gives %" FENINT_FMT " numbers; rule: one, or the problem's %" FENINT_FMT " hyperparameters", n,
             size.p);
  PetscFunctionReturn(0);
}

static PetscErrorCode ReadFile(FenBilevelProblem problem, const char text[], double theta[])
{
  MPI_Comm        comm = PetscObjectComm((PetscObject)problem);
  char            name[PETSC_MAX_PATH_LEN], path[PETSC_MAX_PATH_LEN];
  FenBilevelSizes size;
  FenBilevelPart  part;
  FenDataInfo     info;
  FenFault        fault = {0};
  FenFile         file;

  PetscFunctionBegin;
  PetscCall(FenBilevelProblemGetSizes(problem, &size));
  PetscCall(FenBilevelProblemGetPart(problem, &part));
  PetscCall(FenPathSplit(text, name, sizeof(name), path, sizeof(path)));
  if (!path[0])
    PetscCall(PetscStrcpy(path, "/theta"));
  PetscCall(FenFileOpen(comm, name, FEN_FILE_READ, &file));
  PetscCall(FenFileGetInfo(file, path, &info));
  PetscCheck(info.rank == 1 && info.shape[0] == size.p, comm, (PetscErrorCode)FEN_ERR_SHAPE,
             "%s:%s is not an array of the problem's %" FENINT_FMT " hyperparameters", name, path, size.p);
  PetscCall(FenFileReadRealPart(file, path, part.theta0, part.theta1 - part.theta0, theta));
  PetscCall(FenFileClose(&file));
  for (FenInt k = part.theta0; k < part.theta1; k++)
    if (!isfinite(theta[k - part.theta0]))
      FenFaultSet(&fault, FEN_ERR_VALUE, "%s:%s: hyperparameter %" FENINT_FMT " is %g; rule: finite", name, path, k,
                  theta[k - part.theta0]);
  PetscCall(FenFaultAgree(comm, &fault));
  PetscFunctionReturn(0);
}

PetscErrorCode FenBilevelThetaRead_Private(FenBilevelProblem problem, const char text[], double theta[])
{
  char *end;

  PetscFunctionBegin;
  (void)strtod(text, &end);
  if (end > text && (*end == ',' || !*end))
    PetscCall(ReadNumbers(problem, text, theta));
  else
    PetscCall(ReadFile(problem, text, theta));
  PetscFunctionReturn(0);
}
