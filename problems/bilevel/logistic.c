/* SPDX-License-Identifier: BSD-2-Clause */
/*
   logistic: h = (1/n) sum_i CE_i(W) + 1/2 sum_jk e^{theta of (j,k)} w_jk^2, g = (1/n_v) sum_i CE_i(W) on the validation
   set (or the KL-robust mean). Two classes: one score a row, log(1 + e^u) - y u; more: softmax of c scores.

     H v = A^T (P o (U - rowsum(P o U)))/n + e^theta o v,  U = A V;   J as for ridge.

   A product costs 4 n d c/R flops (BLAS 3 on dense rows), a gather and a sum of d c numbers. Up to -logistic_dense
   numbers d c, H can be formed and factored: n d^2 c^2/R + (d c)^3/3 flops at every point. An intercept is a feature of
   ones, regularised like the others, so that mu = min e^theta > 0.

   Bounds: L = lambda_max(A^T A)/(4 n) + max e^theta (softmax: 2 n), L_H = max |a_i| lambda_max(A^T A)/(6 sqrt(3) n)
   (softmax: 2 sqrt(2) times that, see linearloss.c), L_J = max e^theta.
*/
#include "linearmodelimpl.h"
#include <petscblaslapack.h>

typedef struct {
  FenLinear         m; /* first: what the models share takes the context for it */
  FenDatasetOptions data;
  FenPenalty        pen;
  PetscInt          kind, loss;
  FenInt            dense;
  double           *factor, *work; /* of H at the linearised point, by lazy Solve; d c squared; d squared and n */
  PetscBool         factored;
} Logistic;

static PetscErrorCode LogisticSetUp(FenBilevelProblem pr)
{
  Logistic *q = (Logistic *)pr->ctx;

  PetscFunctionBegin;
  PetscCall(FenLinearSetUp_Private(pr, &q->m));
  PetscCall(FenPenaltySetUp_Private(pr, &q->pen));
  PetscFunctionReturn(0);
}

static PetscErrorCode LogisticDestroy(FenBilevelProblem pr)
{
  Logistic *q = (Logistic *)pr->ctx;

  PetscFunctionBegin;
  PetscCall(PetscFree2(q->factor, q->work));
  PetscCall(FenLinearFree_Private(&q->m));
  PetscCall(FenPenaltyFree_Private(&q->pen));
  PetscCall(PetscFree(q));
  PetscFunctionReturn(0);
}

static PetscErrorCode LogisticStart(FenBilevelProblem pr, double theta[])
{
  PetscFunctionBegin;
  FenPenaltyStart_Private(pr, &((Logistic *)pr->ctx)->pen, theta);
  PetscFunctionReturn(0);
}

static PetscErrorCode LogisticBox(FenBilevelProblem pr, double lower[], double upper[])
{
  PetscFunctionBegin;
  FenPenaltyBox_Private(pr, &((Logistic *)pr->ctx)->pen, lower, upper);
  PetscFunctionReturn(0);
}

static PetscErrorCode LogisticSetTheta(FenBilevelProblem pr, const double theta[])
{
  Logistic *q = (Logistic *)pr->ctx;

  PetscFunctionBegin;
  PetscCall(FenPenaltySet_Private(pr, &q->pen, theta));
  q->factored = PETSC_FALSE;
  PetscFunctionReturn(0);
}

static PetscErrorCode LogisticGradient(FenBilevelProblem pr, FenInt s, const double x[], double *value, double g[])
{
  Logistic *q = (Logistic *)pr->ctx;
  double    loss, quad;

  (void)s;
  PetscFunctionBegin;
  PetscCall(FenLinearGradient_Private(pr, &q->m, x, &loss, g));
  quad = FenPenaltyAdd_Private(pr, &q->pen, x, g);
  if (value)
    *value = loss + quad;
  PetscFunctionReturn(0);
}

static PetscErrorCode LogisticLinearise(FenBilevelProblem pr, FenInt s, const double x[])
{
  Logistic *q = (Logistic *)pr->ctx;

  (void)s;
  PetscFunctionBegin;
  PetscCall(FenLinearLinearise_Private(pr, &q->m, x));
  PetscCall(FenPenaltyLinearise_Private(pr, &q->pen, x));
  q->factored = PETSC_FALSE;
  PetscFunctionReturn(0);
}

static PetscErrorCode LogisticHessian(FenBilevelProblem pr, const double v[], double Hv[])
{
  Logistic *q = (Logistic *)pr->ctx;

  PetscFunctionBegin;
  PetscCall(FenLinearHessian_Private(pr, &q->m, v, Hv));
  (void)FenPenaltyAdd_Private(pr, &q->pen, v, Hv);
  PetscFunctionReturn(0);
}

static PetscErrorCode LogisticJacobian(FenBilevelProblem pr, const double t[], double Jt[])
{
  PetscFunctionBegin;
  PetscCall(FenPenaltyJacobian_Private(pr, &((Logistic *)pr->ctx)->pen, t, Jt));
  PetscFunctionReturn(0);
}

static PetscErrorCode LogisticJacobianTranspose(FenBilevelProblem pr, const double v[], double t[])
{
  PetscFunctionBegin;
  PetscCall(FenPenaltyTranspose_Private(pr, &((Logistic *)pr->ctx)->pen, v, t));
  PetscFunctionReturn(0);
}

static PetscErrorCode LogisticUpper(FenBilevelProblem pr, FenInt s, const double x[], double *value, double g[])
{
  (void)s;
  PetscFunctionBegin;
  PetscCall(FenLinearUpper_Private(pr, &((Logistic *)pr->ctx)->m, x, value, g));
  PetscFunctionReturn(0);
}

static PetscErrorCode LogisticUpperHessian(FenBilevelProblem pr, FenInt s, const double x[], const double v[],
                                           double Gv[])
{
  (void)s;
  PetscFunctionBegin;
  PetscCall(FenLinearUpperHessian_Private(pr, &((Logistic *)pr->ctx)->m, x, v, Gv));
  PetscFunctionReturn(0);
}

static PetscErrorCode LogisticConstants(FenBilevelProblem pr, FenInt s, FenBilevelConstants *c)
{
  Logistic           *q = (Logistic *)pr->ctx;
  const FenLossBounds b = FenLossGetBounds_Private(q->m.loss);
  const double        top = q->m.train_norm / (double)q->m.train.n;
  double              J;

  (void)s;
  PetscFunctionBegin;
  PetscCall(FenPenaltyNorm_Private(pr, &q->pen, &J));
  *c = (FenBilevelConstants){.mu = q->pen.least * (1 - 1e-15),
                             .lipschitz = (b.curvature * top + q->pen.most) * (1 + 1e-15),
                             .hessian = b.third * q->m.train_row * top,
                             .inverse = PETSC_INFINITY,
                             .jacobian = q->pen.most,
                             .J = J,
                             .upper = FenLinearUpperBound_Private(&q->m),
                             .convex = PETSC_TRUE};
  PetscFunctionReturn(0);
}

static PetscErrorCode LogisticMetrics(FenBilevelProblem pr, FenInt s, const double x[], double values[])
{
  (void)s;
  PetscFunctionBegin;
  PetscCall(FenLinearAccuracy_Private(pr, &((Logistic *)pr->ctx)->m, x, &values[0]));
  PetscFunctionReturn(0);
}

static PetscErrorCode LogisticDiagonal(FenBilevelProblem pr, double diagonal[])
{
  Logistic *q = (Logistic *)pr->ctx;

  PetscFunctionBegin;
  PetscCall(FenLinearDiagonal_Private(pr, &q->m, diagonal));
  for (FenInt k = 0; k < pr->part.nx; k++)
    diagonal[k] += FenPenaltyFactor_Private(&q->pen, pr->part.row0 + k / q->m.c, k % q->m.c);
  PetscFunctionReturn(0);
}

/* block (k,l) of H, classes, is A^T diag(p_k (delta_kl - p_l))/n A */
static PetscErrorCode Form(Logistic *q)
{
  const PetscInt d = q->m.d, c = q->m.c, dc = d * c;
  double        *block = q->work, *weight = q->work + (size_t)d * (size_t)d;

  PetscFunctionBegin;
  for (PetscInt k = 0; k < c; k++)
    for (PetscInt l = k; l < c; l++) {
      for (PetscInt i = 0; i < q->m.train.rows; i++) {
        const double *p = q->m.P + (size_t)i * (size_t)c;
        const double  s = q->m.loss == FEN_LOSS_SOFTMAX ? p[k] * ((k == l ? 1 : 0) - p[l]) : p[0];

        weight[i] = s / (double)q->m.train.n;
      }
      PetscCall(FenDatasetGram_Private(&q->m.train, weight, block));
      for (PetscInt i = 0; i < d; i++)
        for (PetscInt j = 0; j < d; j++) {
          const double h = block[(size_t)i * (size_t)d + (size_t)j];

          q->factor[(size_t)(i * c + k) * (size_t)dc + (size_t)(j * c + l)] = h;
          q->factor[(size_t)(j * c + l) * (size_t)dc + (size_t)(i * c + k)] = h;
        }
    }
  for (PetscInt k = 0; k < dc; k++)
    q->factor[(size_t)k * (size_t)(dc + 1)] += FenPenaltyFactor_Private(&q->pen, k / c, k % c);
  PetscFunctionReturn(0);
}

static PetscErrorCode Factor(FenBilevelProblem pr, Logistic *q)
{
  const size_t d = (size_t)q->m.d, dc = d * (size_t)q->m.c;
  PetscBLASInt n, info;
  FenFault     fault = {0, ""};

  PetscFunctionBegin;
  if (q->factored)
    PetscFunctionReturn(0);
  if (!q->factor)
    PetscCall(PetscMalloc2(dc * dc, &q->factor, d * d + (size_t)q->m.train.rows, &q->work));
  PetscCall(Form(q));
  PetscCall(PetscBLASIntCast(q->m.d * q->m.c, &n));
  PetscCall(PetscFPTrapPush(PETSC_FP_TRAP_OFF));
  LAPACKpotrf_("L", &n, q->factor, &n, &info);
  PetscCall(PetscFPTrapPop());
  if (info)
    FenFaultSet(&fault, FEN_ERR_VALUE,
                "problem logistic: the Hessian is not positive definite in double precision (pivot %d); rule: least "
                "e^theta, %g, is above its rounding errors; -logistic_dense 0 solves without factors",
                (int)info, q->pen.least);
  PetscCall(FenFaultAgree(pr->info.team, &fault));
  q->factored = PETSC_TRUE;
  PetscFunctionReturn(0);
}

static PetscErrorCode LogisticSolve(FenBilevelProblem pr, const double b[], double x[])
{
  Logistic    *q = (Logistic *)pr->ctx;
  PetscBLASInt n, one = 1, info;

  PetscFunctionBegin;
  PetscCall(Factor(pr, q));
  PetscCall(PetscBLASIntCast(q->m.d * q->m.c, &n));
  PetscCall(FenLinearGather_Private(pr, &q->m, b, q->m.V));
  LAPACKpotrs_("L", &n, &one, q->factor, &n, q->m.V, &n, &info);
  PetscCheck(!info, PETSC_COMM_SELF, PETSC_ERR_LIB, "LAPACK potrs: info %" PetscBLASInt_FMT, info);
  PetscCall(PetscArraycpy(x, q->m.V + q->m.place[pr->info.rank], pr->part.nx));
  PetscFunctionReturn(0);
}

PetscErrorCode FenBilevelLogisticOptions_Private(FenOptionItems PetscOptionsObject, MPI_Comm comm, void **ctx)
{
  static const char *const kinds[] = {"scalar", "class", "feature", "weight"};
  static const char *const losses[] = {"auto", "binary", "softmax"};
  Logistic                *q;

  PetscFunctionBegin;
  PetscCall(PetscNew(&q));
  *ctx = q;
  q->data =
      (FenDatasetOptions){.target = FEN_TARGET_CLASS, .rows = 200, .valid_rows = 200, .features = 10, .noise = 0.5};
  q->pen = (FenPenalty){.start = -3, .box = 20};
  q->dense = 1000;
  PetscCall(FenDatasetOptions_Private(PetscOptionsObject, comm, "logistic", PETSC_TRUE, &q->data));
  PetscCall(FenLinearOptions_Private(PetscOptionsObject, comm, "logistic", &q->m));
  PetscCall(FenPenaltyOptions_Private(PetscOptionsObject, comm, "logistic", &q->pen));
  PetscCall(PetscOptionsEList("-logistic_parameters",
                              "one hyperparameter for all weights, or for each class, feature or weight",
                              "FenBilevelProblemGenerate", kinds, 4, kinds[q->kind], &q->kind, NULL));
  PetscCall(PetscOptionsEList("-logistic_loss", "auto: binary for two classes, softmax for more",
                              "FenBilevelProblemGenerate", losses, 3, losses[q->loss], &q->loss, NULL));
  PetscCall(FenBilevelOptionInt_Private(PetscOptionsObject, comm, "-logistic_dense",
                                        "weights up to which the Hessian can be formed and factored on every rank", 0,
                                        20000, &q->dense));
  PetscFunctionReturn(0);
}

static PetscErrorCode LogisticCreate(MPI_Comm comm, Logistic *q, FenBilevelProblem *problem)
{
  FenBilevelOps   ops = {.setup = LogisticSetUp,
                         .destroy = LogisticDestroy,
                         .view = FenLinearView_Private,
                         .fingerprint = FenLinearFingerprint_Private,
                         .predict = FenLinearPredict_Private,
                         .start = LogisticStart,
                         .box = LogisticBox,
                         .settheta = LogisticSetTheta,
                         .gradient = LogisticGradient,
                         .linearise = LogisticLinearise,
                         .hessian = LogisticHessian,
                         .jacobian = LogisticJacobian,
                         .jacobiantranspose = LogisticJacobianTranspose,
                         .upper = LogisticUpper,
                         .upperhessian = LogisticUpperHessian,
                         .constants = LogisticConstants,
                         .metrics = LogisticMetrics,
                         .diagonal = LogisticDiagonal};
  FenBilevelSizes size = {.samples = 1,
                          .rows = q->m.d,
                          .width = q->m.c,
                          .p = q->pen.p,
                          .parts = PETSC_MPI_INT_MAX,
                          .nmetrics = 1,
                          .metrics = {"accuracy"}};

  PetscFunctionBegin;
  if (size.rows * size.width <= q->dense)
    ops.solve = LogisticSolve;
  PetscCall(FenBilevelProblemCreate(comm, "logistic", &size, &ops, q, problem));
  {
    const FenInt      counts[] = {size.p};
    const char *const names[] = {"log ridge"};

    PetscCall(FenBilevelProblemSetGroups(*problem, 1, names, counts));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode Make(MPI_Comm comm, Logistic *q, const FenBilevelData *data, FenBilevelProblem *problem)
{
  FenInt weights;

  PetscFunctionBegin;
  PetscCall(FenDatasetLoad_Private(comm, &q->data, data, &q->m.train, &q->m.valid));
  FEN_BILEVEL_CHECK(q->loss != 1 || q->data.classes == 2, comm, FEN_ERR_OPTION,
                    "-logistic_loss binary: '%s' has %" FENINT_FMT " classes", q->m.train.name, q->data.classes);
  q->m.loss = q->loss == 2 || q->data.classes > 2 ? FEN_LOSS_SOFTMAX : FEN_LOSS_BINARY;
  q->m.d = q->m.train.cols;
  PetscCall(FenIntCast(q->m.loss == FEN_LOSS_BINARY ? 1 : q->data.classes, &q->m.c));
  PetscCall(FenIntMult(q->m.d, q->m.c, &weights));
  FEN_BILEVEL_CHECK(weights <= PETSC_MPI_INT_MAX, comm, FEN_ERR_SIZE, "%" FENINT_FMT " weights; rule: at most %d",
                    weights, PETSC_MPI_INT_MAX);
  PetscCall(FenPenaltyCreate_Private(comm, (FenPenaltyKind)q->kind, q->m.d, q->m.c, 1, &q->pen));
  PetscCall(LogisticCreate(comm, q, problem));
  PetscFunctionReturn(0);
}

PetscErrorCode FenBilevelLogisticMake_Private(MPI_Comm comm, void *ctx, const FenBilevelData *data,
                                              FenBilevelProblem *problem)
{
  Logistic      *q = (Logistic *)ctx;
  PetscErrorCode code = Make(comm, q, data, problem);

  PetscFunctionBegin;
  if (code) {
    PetscCall(FenDatasetFree_Private(&q->m.train));
    PetscCall(FenDatasetFree_Private(&q->m.valid));
    PetscCall(PetscFree(q));
  }
  PetscCall(code);
  PetscFunctionReturn(0);
}
