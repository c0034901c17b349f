/* SPDX-License-Identifier: BSD-2-Clause */
/*
   On one line a source sends to neighbours, and B = E^T diag(rows) E couples targets that are no farther from each
   other than the windows of kept factors are long, w points: the Newton system is banded. Its Cholesky factors cost as
   much as a few products and solve it, however small epsilon is. Row sums are exact, and a line may be long.

   Work N w^2 multiply-adds and memory 2 N w numbers on the rank that has the line; two redistributions a solve.
*/
#include "newtonband.h"
#include <petscblaslapack.h>

/* LAPACK, not in PETSc's list; lengths of strings behind are left out as PETSc does */
extern void dpbtrf_(const char *, const PetscBLASInt *, const PetscBLASInt *, double *, const PetscBLASInt *,
                    PetscBLASInt *);
extern void dpbtrs_(const char *, const PetscBLASInt *, const PetscBLASInt *, const PetscBLASInt *, const double *,
                    const PetscBLASInt *, double *, const PetscBLASInt *, PetscBLASInt *);

#define FEW 3 /* offsets that a plan may reach farther than the one before */

struct _p_FenBand {
  FenOTOperator op;
  FenLayout     line;
  FenRedist     to, from; /* between targets and the line */
  FenInt        n, band;  /* targets here: all, or none */
  double       *factor;   /* column by column, band + 1 numbers */
  double       *work[3];
};

PetscErrorCode FenBandCreate(FenOTOperator op, FenBand *band)
{
  FenLayout targets;
  FenBand   B;

  PetscFunctionBegin;
  PetscCall(PetscNew(&B));
  B->op = op;
  PetscCall(FenOTCouplingsLayout(op, &B->line));
  PetscCall(FenMeasureGetLayout(op->measure[1], &targets));
  PetscCall(FenRedistCreate(targets, B->line, &B->to));
  PetscCall(FenRedistCreate(B->line, targets, &B->from));
  PetscCall(FenLayoutGetLocalSize(B->line, &B->n));
  for (int k = 0; k < 3; k++)
    PetscCall(PetscMalloc1(B->n, &B->work[k]));
  *band = B;
  PetscFunctionReturn(0);
}

PetscErrorCode FenBandDestroy(FenBand *band)
{
  PetscFunctionBegin;
  if (!*band)
    PetscFunctionReturn(0);
  PetscCall(FenRedistDestroy(&(*band)->to));
  PetscCall(FenRedistDestroy(&(*band)->from));
  PetscCall(PetscFree((*band)->factor));
  for (int k = 0; k < 3; k++)
    PetscCall(PetscFree((*band)->work[k]));
  PetscCall(PetscFree(*band));
  PetscFunctionReturn(0);
}

PetscErrorCode FenBandFits(FenOTOperator op, double entries, PetscBool *fits)
{
  FenInt band;

  PetscFunctionBegin;
  PetscCall(FenOTBandwidth(op, &band));
  *fits = (PetscBool)(band >= 0 && (double)(band + 1) * (double)op->N[1] <= entries);
  PetscFunctionReturn(0);
}

/* couplings in `b`, offset by offset, to the scaled matrix, column by column */
static void Assemble(FenBand B, const double b[], const double scale[], const double excess[], const double alone[])
{
  const FenInt n = B->n, ld = B->band + 1;

  for (FenInt j = 0; j < n; j++) {
    const double s = scale[j];
    double      *column = B->factor + j * ld, sum = 0;

    for (FenInt o = 1; o < ld; o++) {
      const double below = j + o < n ? b[o * n + j] : 0, above = o <= j ? b[o * n + j - o] : 0;

      sum += below + above;
      column[o] = j + o < n ? -(s * below) * scale[j + o] : 0;
    }
    column[0] = (s * sum) * s > 1e-15 * alone[j] ? (s * sum) * s + (s * excess[j]) * s : alone[j];
  }
}

/* how far couplings reach */
static FenInt Reach(FenInt n, FenInt band, const double b[])
{
  for (; band > 0; band--) {
    const double *far = b + band * n;

    for (FenInt j = 0; j + band < n; j++)
      if (far[j] * far[j] > 1e-26 * b[j] * b[j + band])
        return band;
  }
  return 0;
}

/* Couplings, offset by offset. Windows of lines that share lanes are longer than their factors reach, so that those of
   the plan before are tried first, and a few more */
static PetscErrorCode Couplings(FenBand B, double **b)
{
  FenInt most, band;

  PetscFunctionBegin;
  PetscCall(FenOTBandwidth(B->op, &most));
  band = B->band > 0 ? PetscMin(most, B->band + FEW) : most;
  for (;; band = most) {
    PetscCall(PetscMalloc1((size_t)((band + 1) * B->n), b));
    PetscCall(FenOTBandCouplings(B->op, band, *b));
    B->band = Reach(B->n, band, *b);
    PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &B->band, 1, MPI_FENINT, MPI_MAX, B->op->comm));
    if (B->band < band || band == most)
      break;
    PetscCall(PetscFree(*b));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode FenBandBuild(FenBand B, const double scale[], const double excess[], const double alone[],
                            double *average, PetscBool *ok)
{
  const FenInt n = B->n;
  double      *b, own = 0;
  PetscBLASInt N, band, ld, info = 0;

  PetscFunctionBegin;
  PetscCall(Couplings(B, &b));
  for (FenInt j = 0; j < n; j++)
    own += b[j];
  PetscCall(FenRedistMove(B->to, scale, B->work[0]));
  PetscCall(FenRedistMove(B->to, excess, B->work[1]));
  PetscCall(FenRedistMove(B->to, alone, B->work[2]));
  PetscCall(PetscFree(B->factor));
  PetscCall(PetscMalloc1((size_t)((B->band + 1) * n), &B->factor));
  Assemble(B, b, B->work[0], B->work[1], B->work[2]);
  PetscCall(PetscFree(b));
  PetscCall(PetscBLASIntCast((PetscInt)n, &N));
  PetscCall(PetscBLASIntCast((PetscInt)B->band, &band));
  ld = band + 1;
  if (N)
    PetscCallBLAS("dpbtrf", dpbtrf_("L", &N, &band, B->factor, &ld, &info));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &own, 1, MPI_DOUBLE, MPI_SUM, B->op->comm)); /* one rank has them all */
  *average = 1 / PetscMax(own, 1e-300);
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &info, 1, MPI_INT, MPI_MAX, B->op->comm));
  *ok = (PetscBool)(info == 0);
  PetscFunctionReturn(0);
}

PetscErrorCode FenBandSolve(FenBand B, const double r[], double x[])
{
  PetscBLASInt       N, band, ld, info = 0;
  const PetscBLASInt one = 1;

  PetscFunctionBegin;
  PetscCall(FenRedistMove(B->to, r, B->work[0]));
  PetscCall(PetscBLASIntCast((PetscInt)B->n, &N));
  PetscCall(PetscBLASIntCast((PetscInt)B->band, &band));
  ld = band + 1;
  if (N)
    PetscCallBLAS("dpbtrs", dpbtrs_("L", &N, &band, &one, B->factor, &ld, B->work[0], &N, &info));
  PetscCall(FenRedistMove(B->from, B->work[0], x));
  PetscFunctionReturn(0);
}
