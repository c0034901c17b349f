/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Metrics of a result of fenchel bilevel, PSNR for example, computed again from the lower solutions that it holds:
   those of the samples that were learned from, and of the validation set where the file has them.
*/
#include "verifybilevel.h"
#include <math.h>

/* metrics of all my samples */
static PetscErrorCode Compute(FenBilevelProblem problem, const double theta[], const double x[], double now[])
{
  const FenBilevelOps *call;
  FenBilevelSizes      size;
  FenBilevelPart       part;

  PetscFunctionBegin;
  PetscCall(FenBilevelProblemGetOps(problem, &call));
  PetscCall(FenBilevelProblemGetSizes(problem, &size));
  PetscCall(FenBilevelProblemGetPart(problem, &part));
  PetscCall((*call->settheta)(problem, theta));
  for (FenInt k = 0; k < part.end - part.start; k++)
    PetscCall((*call->metrics)(problem, part.start + k, x + k * part.nx, now + k * size.nmetrics));
  PetscFunctionReturn(0);
}

/* the metrics of a group of the file; the sample that is furthest off is shown */
static PetscErrorCode Judge(FenVerdict *verdict, FenVerifyBilevel *v, FenBilevelProblem problem, const double theta[],
                            const double x[], const char group[], const char whose[])
{
  FenBilevelSizes size;
  FenBilevelPart  part;
  FenInt          mine;
  double         *now, *column;
  char            path[128];

  PetscFunctionBegin;
  PetscCall(FenBilevelProblemGetSizes(problem, &size));
  PetscCall(FenBilevelProblemGetPart(problem, &part));
  mine = part.end - part.start;
  PetscCall(PetscMalloc2((size_t)mine * (size_t)size.nmetrics + 1, &now, (size_t)mine + 1, &column));
  PetscCall(Compute(problem, theta, x, now));
  for (PetscInt i = 0; i < size.nmetrics; i++) {
    double worst = -1, claim = 0, found = 0, most = 0;

    PetscCall(PetscSNPrintf(path, sizeof(path), "%s/%s", group, size.metrics[i]));
    PetscCall(FenFileReadRealPart(v->file, path, part.start, mine, column));
    for (FenInt k = 0; k < mine; k++) {
      const double    is = now[k * size.nmetrics + i];
      const PetscBool same = (PetscBool)(column[k] == is || (isnan(column[k]) && isnan(is)));
      const double    off = same ? 0 : fabs(column[k] - is) / (1 + fabs(is));

      if (off <= worst)
        continue;
      worst = isfinite(off) ? off : HUGE_VAL;
      claim = column[k];
      found = is;
    }
    PetscCall(FenVerifyBilevelWorst_Private(v, worst, &claim, &found, &most));
    PetscCall(PetscSNPrintf(path, sizeof(path), "%s %s", whose, size.metrics[i]));
    PetscCall(FenJudge_Private(verdict, (PetscBool)(most <= FEN_VERIFY_SAME), path, claim, found,
                               "a lower solution does not give this number"));
  }
  PetscCall(PetscFree2(now, column));
  PetscFunctionReturn(0);
}

/* the problem of the validation set, as the run made it */
static PetscErrorCode MakeValidation(FenVerifyBilevel *v, FenBilevelProblem *problem)
{
  FenBilevelSource source, other = {.train = ""};
  char             options[8192];

  PetscFunctionBegin;
  PetscCall(FenBilevelSourceRead_Private(v->file, &source));
  PetscCall(FenFileReadStringAttribute(v->file, "/", "options", options, sizeof(options)));
  PetscCall(PetscStrncpy(other.problem, source.problem, sizeof(other.problem)));
  PetscCall(PetscStrncpy(other.train, source.valid, sizeof(other.train)));
  PetscCall(FenBilevelSourceMakeLike_Private(v->comm, &other, options, problem));
  PetscCall(FenBilevelProblemSetSampleSet(*problem, 1));
  PetscCall(FenBilevelProblemSetUp(*problem));
  PetscFunctionReturn(0);
}

static PetscErrorCode Validation(FenVerdict *verdict, FenVerifyBilevel *v)
{
  FenBilevelProblem problem;
  FenBilevelPart    part;
  FenLayout         layout;
  double           *x, *theta;
  PetscBool         has;

  PetscFunctionBegin;
  PetscCall(FenFileHas(v->file, "/validation/x", &has));
  if (!has)
    PetscFunctionReturn(0);
  PetscCall(MakeValidation(v, &problem));
  PetscCall(FenBilevelProblemGetPart(problem, &part));
  PetscCall(FenBilevelLowerLayout_Private(problem, &layout));
  PetscCall(PetscMalloc2((size_t)((part.end - part.start) * part.nx) + 1, &x, (size_t)(part.theta1 - part.theta0) + 1,
                         &theta));
  PetscCall(FenFileReadArray(v->file, "/validation/x", layout, 0, x));
  PetscCall(FenVerifyFingerprint_Private(v->file, "/validation/x", layout, 1, x));
  PetscCall(FenBilevelThetaMove_Private(v->problem, v->theta, problem, theta));
  PetscCall(Judge(verdict, v, problem, theta, x, "/validation", "validation"));
  PetscCall(PetscFree2(x, theta));
  PetscCall(FenLayoutDestroy(&layout));
  PetscCall(FenBilevelProblemDestroy(&problem));
  PetscFunctionReturn(0);
}

PetscErrorCode FenVerifyBilevelMetrics_Private(FenVerdict *verdict, FenVerifyBilevel *v)
{
  PetscFunctionBegin;
  if (!v->call->metrics)
    PetscFunctionReturn(0);
  if (!v->solved)
    PetscCall(Judge(verdict, v, v->problem, v->theta, v->x, "/samples", "samples'"));
  PetscCall(Validation(verdict, v));
  PetscFunctionReturn(0);
}
