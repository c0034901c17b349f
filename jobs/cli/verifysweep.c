/* SPDX-License-Identifier: BSD-2-Clause */
/*
   One sweep of the Bellman operator for fenchel verify, row by row with plain loops; robust rows by FenDivergence or,
   where no divergence is meant, by a loop of their own. Nothing here comes from the solvers.
*/
#include "verifyimpl.h"
#include <math.h>

typedef struct {
  FenVerifyMDP *v;
  FenDivergence divergence; /* NULL: none is needed */
  double        radius, penalty;
  PetscBool     robust;
  double        low[2]; /* smallest value of all states, of u and of w */
  double        slack;
  FenMDPRow     row;
  double        z[1024];
} Sweep;

static PetscErrorCode Prepare(Sweep *s)
{
  FenVerifyMDP       *v = s->v;
  const FenAmbiguity *a = &v->ambiguity;
  const char         *name = a->name;

  PetscFunctionBegin;
  s->radius = a->radius;
  s->penalty = a->penalty;
  s->robust = (PetscBool)(strcmp(name, "none") != 0 && (a->radius > 0 || a->penalty > 0));
  if (!s->robust)
    PetscFunctionReturn(0);
  if (!strcmp(name, "l1")) { /* the L1 norm is twice the total variation */
    name = "tv";
    s->radius /= 2;
    s->penalty *= 2;
  }
  PetscCall(FenDivergenceCreate(PETSC_COMM_SELF, name, a->alpha, &s->divergence));
  PetscFunctionReturn(0);
}

static PetscErrorCode WorstDivergence(Sweep *s, double low, double *value)
{
  const FenMDPRow *row = &s->row;
  FenWorstCase     worst;

  PetscFunctionBegin;
  if (s->radius > 0)
    PetscCall(FenDivergenceWorstRadius(s->divergence, row->n, row->prob, s->z, s->radius, FEN_SUPPORT_NOMINAL, low, NAN,
                                       NULL, &worst));
  else
    PetscCall(FenDivergenceWorstPenalty(s->divergence, row->n, row->prob, s->z, s->penalty, FEN_SUPPORT_NOMINAL, low,
                                        NAN, NULL, &worst));
  *value = worst.value;
  s->slack = fmax(s->slack, worst.slack);
  PetscFunctionReturn(0);
}

/* the row in s->row at the values in `ghosts` */
static PetscErrorCode RowValue(Sweep *s, FenGhosts ghosts, double low, double *value)
{
  const FenVerifyMDP *v = s->v;
  const FenMDPRow    *row = &s->row;
  double              largest = 0;

  PetscFunctionBegin;
  *value = v->sign * row->reward; /* the mean over successors where they have their own */
  for (FenInt j = 0; j < row->n; j++) {
    const double r = v->sign * (row->by_next ? row->reward_next[j] : row->reward);
    const double next = v->discount * FenGhostsValue_Private(ghosts, row->next[j]);

    s->z[j] = r + next;
    largest = fmax(largest, fabs(r) + fabs(next));
    *value += row->prob[j] * next;
  }
  s->slack = fmax(s->slack, (double)(row->n + 4) * 0x1p-53 * fmax(largest, fabs(row->reward)));
  if (s->robust)
    PetscCall(WorstDivergence(s, v->sign * row->reward + v->discount * low, value));
  PetscFunctionReturn(0);
}

/* best row at u, and the policy's row at w; a policy that names no row is a fault */
static PetscErrorCode StateValue(Sweep *s, FenInt k, int nrows, FenGhosts u, FenGhosts w, double *tu, double *tw,
                                 FenFault *fault)
{
  FenVerifyMDP *v = s->v;
  PetscBool     found = PETSC_FALSE;
  double        q;

  PetscFunctionBegin;
  *tu = -HUGE_VAL;
  for (int r = 0; r < nrows; r++) {
    PetscCall(FenMDPModelGetRow(v->model, k, r, &s->row));
    PetscCall(RowValue(s, u, s->low[0], &q));
    *tu = fmax(*tu, q);
    if (!tw || s->row.action != (int)v->action[k])
      continue;
    found = PETSC_TRUE;
    PetscCall(RowValue(s, w, s->low[1], tw));
  }
  if (tw && !found)
    FenFaultSet(fault, FEN_ERR_VERIFY, "/policy: state %" FENINT_FMT " has no action %d", v->first + k,
                (int)v->action[k]);
  PetscFunctionReturn(0);
}

static PetscErrorCode Smallest(FenVerifyMDP *v, const double x[], double *low)
{
  PetscFunctionBegin;
  *low = HUGE_VAL;
  for (FenInt k = 0; x && k < v->n; k++)
    *low = fmin(*low, x[k]);
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, low, 1, MPI_DOUBLE, MPI_MIN, v->cli->comm));
  PetscFunctionReturn(0);
}

static PetscErrorCode AllStates(Sweep *s, FenGhosts gu, FenGhosts gw, const double u[], const double w[], double tu[],
                                double tw[], FenVerifySweep *answer)
{
  FenVerifyMDP *v = s->v;
  FenFault      fault = {0};
  double        most[3] = {-HUGE_VAL, -HUGE_VAL, 0}; /* up, -down, slack */
  int           nrows;

  PetscFunctionBegin;
  for (FenInt k = 0; k < v->n; k++) {
    PetscCall(FenMDPModelGetStateRows(v->model, k, &nrows));
    if (nrows)
      PetscCall(StateValue(s, k, nrows, gu, gw, &tu[k], tw ? &tw[k] : NULL, &fault));
    else
      tu[k] = v->sign * (v->terminal ? v->terminal[k] : 0);
    if (!nrows && tw)
      tw[k] = tu[k];
    most[0] = fmax(most[0], tu[k] - u[k]);
    if (w && tw)
      most[1] = fmax(most[1], w[k] - tw[k]);
  }
  PetscCall(FenFaultAgree(v->cli->comm, &fault));
  most[2] = s->slack;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, most, 3, MPI_DOUBLE, MPI_MAX, v->cli->comm));
  *answer = (FenVerifySweep){.up = most[0], .down = -most[1], .slack = most[2]};
  PetscFunctionReturn(0);
}

PetscErrorCode FenVerifySweep_Private(FenVerifyMDP *v, FenGhosts gu, FenGhosts gw, const double u[], const double w[],
                                      double tu[], double tw[], FenVerifySweep *answer)
{
  Sweep *s;

  PetscFunctionBegin;
  PetscCall(PetscNew(&s));
  s->v = v;
  PetscCall(Prepare(s));
  PetscCall(Smallest(v, u, &s->low[0]));
  PetscCall(Smallest(v, w, &s->low[1]));
  PetscCall(FenGhostsFetch_Private(gu, u));
  if (w)
    PetscCall(FenGhostsFetch_Private(gw, w));
  PetscCall(AllStates(s, gu, gw, u, w, tu, tw, answer));
  PetscCall(FenDivergenceDestroy(&s->divergence));
  PetscCall(PetscFree(s));
  PetscFunctionReturn(0);
}
