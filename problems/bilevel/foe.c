/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Fields of Experts (Roth and Black, Int. J. Comput. Vision 82, 2009), learned as a bilevel problem (Chen, Ranftl and
   Pock, IEEE Trans. Image Process. 23, 2014): options, life, hyperparameters.

   Published codes put 1/2 before the sum over filters and divide h and g by the number of images. The first is
   -foe_factor 0.5, the default; the second changes no minimiser: here h_s belongs to one image and f is the mean of
   g_s, so that f is the published loss and mu = 1.
*/
#include "foeimpl.h"
#include <math.h>

/* of log nu: a quarter of a step of eight bits. What is smaller changes no image, but makes H the worse */
#define SMOOTHING_LEAST (-7)

/* ---- which hyperparameters are learned ---- */
static FenInt GroupCount(const FenFoe *f, int group)
{
  return group == FEN_FOE_SCALE ? 1 : group == FEN_FOE_TAPS ? f->K * f->taps : f->K;
}

/* calls of (place in theta, place in all hyperparameters) for my range */
void FenFoeTake_Private(FenBilevelProblem pr, const double all[], double mine[])
{
  const FenFoe *f = (const FenFoe *)pr->ctx;
  FenInt        from = 0, to = 0;

  for (int g = 0; g < FEN_FOE_GROUPS; g++) {
    const FenInt n = GroupCount(f, g);

    for (FenInt k = 0; k < n && f->learn[g]; k++, to++)
      if (to >= pr->part.theta0 && to < pr->part.theta1)
        mine[to - pr->part.theta0] = all[from + k];
    from += n;
  }
}

PetscErrorCode FenFoeGather_Private(FenBilevelProblem pr, const double mine[], double all[])
{
  const FenFoe *f = (const FenFoe *)pr->ctx;
  FenInt        from = 0, to = 0;
  double       *theta;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1((size_t)f->p, &theta));
  PetscCall(FenBilevelThetaGather_Private(pr, mine, theta));
  for (int g = 0; g < FEN_FOE_GROUPS; g++) {
    const FenInt n = GroupCount(f, g);

    for (FenInt k = 0; k < n && f->learn[g]; k++)
      all[from + k] = theta[to++];
    from += n;
  }
  PetscCall(PetscFree(theta));
  PetscFunctionReturn(0);
}

/* ---- start: logarithms as the options say; taps normal with variance 1/w (Glorot and Bengio's of a w x w matrix),
   mean taken away ---- */
static void StartValues(const FenFoe *f, double all[])
{
  const double deviation = 1 / sqrt((double)f->w);
  double      *c = all + FEN_FOE_OFFSET_TAPS(f);

  all[0] = f->start[FEN_FOE_SCALE];
  for (FenInt k = 0; k < f->K; k++) {
    double mean = 0;

    all[FEN_FOE_OFFSET_WEIGHTS(f) + k] = f->start[FEN_FOE_WEIGHTS];
    all[FEN_FOE_OFFSET_SMOOTH(f) + k] = f->start[FEN_FOE_SMOOTH];
    for (FenInt a = 0; a < f->taps; a++) {
      c[k * f->taps + a] = deviation * FenRandomNormal(f->data.seed, (uint64_t)(k * f->taps + a), 1U << 31);
      mean += c[k * f->taps + a] / (double)f->taps;
    }
    for (FenInt a = 0; a < f->taps; a++)
      c[k * f->taps + a] -= mean;
  }
}

static void UseTheta(FenFoe *f)
{
  const double *t = f->theta, *c = t + FEN_FOE_OFFSET_TAPS(f);

  f->have_norms = PETSC_FALSE;
  for (FenInt k = 0; k < f->K; k++) {
    f->s[k] = f->factor * exp(t[0] + t[FEN_FOE_OFFSET_WEIGHTS(f) + k]);
    f->nu[k] = exp(t[FEN_FOE_OFFSET_SMOOTH(f) + k]);
    f->nu2[k] = f->nu[k] * f->nu[k];
    for (FenInt a = 0; a < f->taps; a++)
      f->by_filter[k * f->taps + a] = f->by_tap[a * f->K + k] = c[k * f->taps + a];
  }
}

static PetscErrorCode FoeStart(FenBilevelProblem pr, double theta[])
{
  const FenFoe *f = (const FenFoe *)pr->ctx;
  double       *all;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1((size_t)FEN_FOE_ALL(f), &all));
  StartValues(f, all);
  FenFoeTake_Private(pr, all, theta);
  PetscCall(PetscFree(all));
  PetscFunctionReturn(0);
}

/* logarithms stay where numbers are; taps are free */
static PetscErrorCode FoeBox(FenBilevelProblem pr, double lower[], double upper[])
{
  const FenFoe *f = (const FenFoe *)pr->ctx;
  double       *all;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1((size_t)FEN_FOE_ALL(f), &all));
  for (FenInt k = 0; k < FEN_FOE_ALL(f); k++)
    all[k] = k < FEN_FOE_OFFSET_SMOOTH(f) ? -30 : k < FEN_FOE_OFFSET_TAPS(f) ? SMOOTHING_LEAST : -INFINITY;
  FenFoeTake_Private(pr, all, lower);
  for (FenInt k = 0; k < FEN_FOE_ALL(f); k++)
    all[k] = k < FEN_FOE_OFFSET_TAPS(f) ? 30 : INFINITY;
  FenFoeTake_Private(pr, all, upper);
  PetscCall(PetscFree(all));
  PetscFunctionReturn(0);
}

static PetscErrorCode FoeSetTheta(FenBilevelProblem pr, const double theta[])
{
  FenFoe *f = (FenFoe *)pr->ctx;

  PetscFunctionBegin;
  PetscCall(FenFoeGather_Private(pr, theta, f->theta));
  UseTheta(f);
  PetscFunctionReturn(0);
}

/* ---- life ---- */
static PetscErrorCode SetGeometry(FenBilevelProblem pr, FenFoe *f)
{
  const FenInt P = f->padding, reach = f->w - 1, row1 = pr->part.row1;
  FenInt       last;

  PetscFunctionBegin;
  f->row0 = pr->part.row0;
  f->rows = row1 - f->row0;
  f->H = pr->size.rows;
  f->W = pr->size.width;
  f->first = f->row0 <= reach ? -P : f->row0 - reach;
  last = row1 + reach >= f->H ? f->H + P : row1 + reach;
  f->lines = last - f->first;
  f->responses = f->lines - f->w + 1;
  f->columns = f->W + 2 * P;
  f->blocks = (f->columns - f->w + FEN_FOE_BLOCK) / FEN_FOE_BLOCK;
  f->stride = f->blocks * FEN_FOE_BLOCK + f->w;
  for (FenInt i = 0; i < FEN_FOE_BLOCK; i++)
    f->mask[i] = (f->blocks - 1) * FEN_FOE_BLOCK + i < f->columns - f->w + 1 ? 1 : 0;
  PetscCall(PetscMalloc1((size_t)f->columns, &f->column));
  for (FenInt j = 0; j < f->columns; j++)
    f->column[j] = FenFoePixel_Private(f->rule, j - P, f->W);
  PetscFunctionReturn(0);
}

static PetscErrorCode FoeSetUp(FenBilevelProblem pr)
{
  FenFoe *f = (FenFoe *)pr->ctx;
  FenInt  block;

  PetscFunctionBegin;
  PetscCall(FenDenoiseSetUp_Private(pr, &f->data));
  PetscCall(SetGeometry(pr, f));
  PetscCall(FenHaloCreate_Private(pr, f->W, f->w - 1, &f->halo));
  PetscCall(FenIntMult(f->lines + 1, f->stride, &f->image));
  PetscCall(FenIntMult(f->K, FEN_FOE_BLOCK, &block));
  PetscCall(FenIntMult(f->responses * f->blocks, block, &f->all));
  PetscCall(PetscCalloc3((size_t)block, &f->T, (size_t)block, &f->U, (size_t)(2 * f->blocks * block), &f->row));
  PetscCall(FenFoeTogether_Private(pr, 1));
  PetscCall(PetscMalloc4((size_t)f->K, &f->s, (size_t)f->K, &f->nu, (size_t)f->K, &f->nu2, (size_t)f->K, &f->norms));
  PetscCall(PetscMalloc5((size_t)FEN_FOE_ALL(f), &f->theta, (size_t)(f->K * f->taps), &f->by_tap,
                         (size_t)(f->K * f->taps), &f->by_filter, (size_t)(f->K * f->taps), &f->dot_by_tap,
                         (size_t)(f->K * f->taps), &f->dot_by_filter));
  StartValues(f, f->theta);
  UseTheta(f);
  PetscFunctionReturn(0);
}

static PetscErrorCode FoeDestroy(FenBilevelProblem pr)
{
  FenFoe *f = (FenFoe *)pr->ctx;

  PetscFunctionBegin;
  PetscCall(FenDenoiseDestroy_Private(&f->data));
  PetscCall(FenFoeTogether_Private(pr, 0));
  PetscCall(FenHaloDestroy_Private(&f->halo));
  PetscCall(PetscFree(f->column));
  PetscCall(PetscFree3(f->T, f->U, f->row));
  PetscCall(PetscFree4(f->s, f->nu, f->nu2, f->norms));
  PetscCall(PetscFree5(f->theta, f->by_tap, f->by_filter, f->dot_by_tap, f->dot_by_filter));
  PetscCall(PetscFree(f));
  PetscFunctionReturn(0);
}

static const char *const rules[] = {"reflect", "symmetric", "zero", "FenFoeRule", "", NULL};

static PetscErrorCode FoeView(FenBilevelProblem pr, PetscViewer viewer)
{
  const FenFoe *f = (const FenFoe *)pr->ctx;

  PetscFunctionBegin;
  PetscCall(PetscViewerASCIIPrintf(
      viewer, "%" FENINT_FMT " filters of %" FENINT_FMT " x %" FENINT_FMT ", images extended by %" FENINT_FMT " (%s)\n",
      f->K, f->w, f->w, f->padding, rules[f->rule]));
  if (f->kernels && pr->isset)
    PetscCall(PetscViewerASCIIPrintf(viewer, "curvatures %s, %s\n", f->D ? "kept" : "made again for every product",
                                     f->kernels->name));
  PetscFunctionReturn(0);
}

PetscErrorCode FenBilevelFoeOptions_Private(FenOptionItems PetscOptionsObject, MPI_Comm comm, void **ctx)
{
  static const char *const groups[FEN_FOE_GROUPS] = {"-foe_learn_scale", "-foe_learn_weights", "-foe_learn_smoothings",
                                                     "-foe_learn_filters"};
  FenFoe                  *f;
  FenInt                   padding = -1;
  PetscEnum                rule = (PetscEnum)FEN_FOE_REFLECT;

  PetscFunctionBegin;
  PetscCall(PetscNew(&f));
  *ctx = f;
  *f = (FenFoe){.K = 48, .w = 7, .factor = 0.5, .cache_megabytes = 1024, .start = {-3, -3, -3.5}};
  f->data = (FenDenoise){.name = "foe", .dim = 2, .noise = 0.1, .weight = 1, .make = FenDenoiseMakeShapes_Private};
  PetscCall(FenBilevelOptionInt_Private(PetscOptionsObject, comm, "-foe_filters", "filters", 1, 4096, &f->K));
  PetscCall(FenBilevelOptionInt_Private(PetscOptionsObject, comm, "-foe_width", "side of a filter, odd", 1, 31, &f->w));
  FEN_BILEVEL_CHECK(f->w % 2, comm, FEN_ERR_OPTION, "-foe_width %" FENINT_FMT "; rule: odd", f->w);
  f->r = f->w / 2;
  f->taps = f->w * f->w;
  PetscCall(PetscOptionsEnum("-foe_boundary", "how images are extended at their borders", "FenBilevelProblemGenerate",
                             rules, rule, &rule, NULL));
  f->rule = (FenFoeRule)rule;
  PetscCall(FenBilevelOptionInt_Private(PetscOptionsObject, comm, "-foe_padding",
                                        "pixels of it; -1: one less than half a filter for reflect, else half a filter",
                                        -1, 15, &padding));
  f->padding = padding >= 0 ? padding : f->rule == FEN_FOE_REFLECT ? PetscMax(f->r - 1, 0) : f->r;
  FEN_BILEVEL_CHECK(f->padding <= f->r, comm, FEN_ERR_OPTION,
                    "-foe_padding %" FENINT_FMT "; rule: at most half a filter, %" FENINT_FMT, f->padding, f->r);
  for (int g = 0; g < FEN_FOE_GROUPS; g++) {
    f->learn[g] = PETSC_TRUE;
    PetscCall(PetscOptionsBool(groups[g], "this group of hyperparameters is learned", "FenBilevelProblemGenerate",
                               f->learn[g], &f->learn[g], NULL));
    f->p += f->learn[g] ? GroupCount(f, g) : 0;
  }
  PetscCall(FenBilevelOptionReal_Private(PetscOptionsObject, comm, "-foe_scale", "logarithm of the scale at the start",
                                         -30, 30, &f->start[FEN_FOE_SCALE]));
  PetscCall(FenBilevelOptionReal_Private(PetscOptionsObject, comm, "-foe_weight",
                                         "logarithm of the weights at the start", -30, 30, &f->start[FEN_FOE_WEIGHTS]));
  PetscCall(FenBilevelOptionReal_Private(PetscOptionsObject, comm, "-foe_smoothing",
                                         "logarithm of the smoothings at the start", SMOOTHING_LEAST, 30,
                                         &f->start[FEN_FOE_SMOOTH]));
  PetscCall(FenBilevelOptionReal_Private(PetscOptionsObject, comm, "-foe_factor",
                                         "fixed factor before the sum over filters", 1e-12, 1e12, &f->factor));
  PetscCall(FenBilevelOptionReal_Private(PetscOptionsObject, comm, "-foe_cache",
                                         "megabytes of a rank up to which curvatures are kept for Hessian products", 0,
                                         1e9, &f->cache_megabytes));
  PetscCall(FenDenoiseOptions_Private(PetscOptionsObject, comm, &f->data));
  PetscFunctionReturn(0);
}

static PetscErrorCode SetGroups(const FenFoe *f, FenBilevelProblem problem)
{
  static const char *const names[FEN_FOE_GROUPS] = {"log scale", "log weight", "log smoothing", "filter"};
  const char              *learned[FEN_FOE_GROUPS];
  FenInt                   counts[FEN_FOE_GROUPS];
  PetscInt                 n = 0;

  PetscFunctionBegin;
  for (int g = 0; g < FEN_FOE_GROUPS; g++)
    if (f->learn[g]) {
      learned[n] = names[g];
      counts[n++] = GroupCount(f, g);
    }
  PetscCall(FenBilevelProblemSetGroups(problem, n, learned, counts));
  PetscFunctionReturn(0);
}

PetscErrorCode FenBilevelFoeMake_Private(MPI_Comm comm, void *ctx, const FenBilevelData *data,
                                         FenBilevelProblem *problem)
{
  static const FenBilevelOps ops = {.setup = FoeSetUp,
                                    .destroy = FoeDestroy,
                                    .view = FoeView,
                                    .start = FoeStart,
                                    .box = FoeBox,
                                    .settheta = FoeSetTheta,
                                    .initial = FenDenoiseInitial_Private,
                                    .gradient = FenFoeGradient_Private,
                                    .linearise = FenFoeLinearise_Private,
                                    .hessian = FenFoeHessian_Private,
                                    .jacobian = FenFoeJacobian_Private,
                                    .jacobiantranspose = FenFoeJacobianTranspose_Private,
                                    .upper = FenDenoiseUpper_Private,
                                    .upperhessian = FenDenoiseUpperHessian_Private,
                                    .constants = FenFoeConstants_Private,
                                    .metrics = FenDenoiseMetrics_Private,
                                    .fingerprint = FenDenoiseFingerprint_Private,
                                    .data = FenDenoiseData_Private,
                                    .diagonal = FenFoeDiagonal_Private,
                                    .together = FenFoeTogether_Private,
                                    .at = FenFoeAt_Private,
                                    .gradients = FenFoeGradients_Private,
                                    .linearises = FenFoeLinearises_Private,
                                    .hessians = FenFoeHessians_Private,
                                    .jacobians = FenFoeJacobians_Private,
                                    .jacobianstranspose = FenFoeJacobiansTranspose_Private,
                                    .constantsat = FenFoeConstantsAt_Private};
  FenFoe                    *f = (FenFoe *)ctx;
  FenBilevelSizes            size = {.p = f->p, .upper = FEN_UPPER_MEAN};

  PetscFunctionBegin;
  FEN_BILEVEL_CHECK(f->p > 0, comm, FEN_ERR_OPTION, "problem foe: nothing is learned; rule: at least one group");
  f->kernels = FenFoeKernelsGet_Private(FenSimdBest());
  PetscCall(FenDenoiseSizes_Private(comm, &f->data, data, PetscMax(4, f->w - 1), &size));
  FEN_BILEVEL_CHECK(size.rows > f->w && size.width > f->w, comm, FEN_ERR_SHAPE,
                    "images of %" FENINT_FMT " x %" FENINT_FMT " pixels; rule: larger than the filters, %" FENINT_FMT,
                    size.rows, size.width, f->w);
  PetscCall(FenBilevelProblemCreate(comm, "foe", &size, &ops, ctx, problem));
  PetscCall(SetGroups(f, *problem));
  PetscFunctionReturn(0);
}
