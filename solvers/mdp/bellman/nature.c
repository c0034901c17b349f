/* SPDX-License-Identifier: BSD-2-Clause */
/* Chooses the kind of nature, and hands over to it. */
#include "nature.h"
#include <math.h>

static const FenNatureOps *const kinds[] = {&FenNatureSRect, &FenNatureLanes, &FenNatureRows, NULL};

/* is there anything that nature may do */
static PetscErrorCode Acts(FenBellman b, PetscBool *acts)
{
  const FenAmbiguity *a = &b->options.ambiguity;
  FenMDPSizes         sizes;

  PetscFunctionBegin;
  PetscCall(FenMDPModelGetSizes(b->model, &sizes));
  *acts = (PetscBool)(a->radius > 0 || a->penalty > 0);
  if (!strcmp(a->name, "none"))
    *acts = PETSC_FALSE;
  else if (!strcmp(a->name, "interval")) {
    PetscCheck(!(a->penalty > 0), b->comm, (PetscErrorCode)FEN_ERR_OPTION,
               "-mdp_ambiguity interval with -mdp_penalty: intervals have no price; linf has");
    PetscCheck(!(*acts && sizes.intervals), b->comm, (PetscErrorCode)FEN_ERR_OPTION,
               "-mdp_ambiguity interval with -mdp_radius %g: the model has bounds of its own; leave the radius out",
               a->radius);
    *acts = (PetscBool)(*acts || sizes.intervals);
  }
  PetscFunctionReturn(0);
}

/* weights matter to norms only */
static PetscErrorCode IsWeighted(FenBellman b, PetscBool *weighted)
{
  const char   *name = b->options.ambiguity.name;
  const double *weight;
  int           any;

  PetscFunctionBegin;
  PetscCall(FenMDPModelGetWeight(b->model, &weight));
  any = weight != NULL;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &any, 1, MPI_INT, MPI_MAX, b->comm));
  *weighted = (PetscBool)(any && (!strcmp(name, "l1") || !strcmp(name, "linf")));
  PetscFunctionReturn(0);
}

/* sets in which a cheap law may be anywhere know no single state of the smallest value */
static PetscErrorCode CheckSupport(FenBellman b)
{
  const FenAmbiguity *a = &b->options.ambiguity;

  PetscFunctionBegin;
  PetscCheck(a->support != FEN_SUPPORT_ALL || !FenRowSetHas_Private(b), b->comm, (PetscErrorCode)FEN_ERR_OPTION,
             "-mdp_support all with -mdp_ambiguity %s: the set can use more than the state of the smallest value; list "
             "the successors with probability zero and say -mdp_support list",
             a->name);
  PetscCheck(a->support == FEN_SUPPORT_NOMINAL || a->rectangular != FEN_RECTANGULAR_S, b->comm,
             (PetscErrorCode)FEN_ERR_OPTION,
             "-mdp_support %s with -mdp_rectangular s: nature keeps to the rows' own successors there",
             FenSupports[a->support]);
  if (a->support == FEN_SUPPORT_ALL)
    PetscCall(PetscCalloc1(PetscMax(b->nlocal, 1), &b->popped));
  PetscFunctionReturn(0);
}

PetscErrorCode FenNatureCreate_Private(FenBellman b)
{
  const FenAmbiguity *a = &b->options.ambiguity;
  PetscBool           acts = PETSC_FALSE, able = PETSC_FALSE;

  PetscFunctionBegin;
  PetscCall(Acts(b, &acts));
  if (!acts)
    PetscFunctionReturn(0);
  PetscCheck(!b->substochastic, b->comm, (PetscErrorCode)FEN_ERR_OPTION,
             "-mdp_ambiguity %s needs rows that sum to one; this model's may lose mass", a->name);
  PetscCall(PetscNew(&b->nature));
  PetscCall(IsWeighted(b, &b->nature->weighted));
  for (PetscInt k = 0; kinds[k] && !able; k++) {
    b->nature->ops = kinds[k];
    PetscCall(kinds[k]->able(b, &able));
  }
  PetscCheck(able, b->comm, (PetscErrorCode)FEN_ERR_OPTION, "-mdp_ambiguity %s: there is no such set", a->name);
  PetscCall(CheckSupport(b));
  PetscCall(PetscInfo(b->model, "nature: %s\n", b->nature->ops->name));
  PetscCall(b->nature->ops->create(b, &b->nature->data));
  PetscFunctionReturn(0);
}

PetscErrorCode FenNatureDestroy_Private(FenBellman b)
{
  PetscFunctionBegin;
  if (!b->nature)
    PetscFunctionReturn(0);
  PetscCall(b->nature->ops->destroy(b, &b->nature->data));
  PetscCall(PetscFree(b->nature));
  PetscFunctionReturn(0);
}

/* the smallest value of all states and the first state that has it */
static PetscErrorCode FindLowest(FenBellman b, const double V[])
{
  struct {
    double value;
    int    rank;
  } low = {HUGE_VAL, 0};
  PetscMPIInt rank;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(b->comm, &rank));
  low.rank = rank;
  b->low_state = b->start;
  for (FenInt s = 0; s < b->nlocal; s++)
    if (V[s] < low.value) {
      low.value = V[s];
      b->low_state = b->start + s;
    }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &low, 1, MPI_DOUBLE_INT, MPI_MINLOC, b->comm));
  b->low = low.value;
  b->low_rank = low.rank;
  PetscFunctionReturn(0);
}

PetscErrorCode FenNaturePrepare_Private(FenBellman b, const double V[])
{
  PetscFunctionBegin;
  if (b->popped)
    PetscCall(FindLowest(b, V));
  if (b->nature && b->nature->ops->prepare)
    PetscCall(b->nature->ops->prepare(b, b->nature->data, V));
  PetscFunctionReturn(0);
}

/* entries that the lanes of a chunk's states take at most */
PetscErrorCode FenNatureRoom_Private(FenBellman b, FenInt c, FenInt *columns)
{
  PetscFunctionBegin;
  *columns = 0;
  for (FenInt s = FEN_LANES * c; s < PetscMin(b->nlocal, FEN_LANES * (c + 1)); s++) {
    FenInt n = b->rows ? 0 : b->longest;

    if (b->nature->ops->room)
      PetscCall(b->nature->ops->room(b, b->nature->data, s, &n));
    for (FenInt r = b->rows ? b->rows->state_ptr[s] : 0; b->rows && r < b->rows->state_ptr[s + 1]; r++)
      n = b->nature->ops->room ? n : PetscMax(n, b->rows->row_ptr[r + 1] - b->rows->row_ptr[r]);
    *columns = PetscMax(*columns, n);
  }
  PetscFunctionReturn(0);
}

PetscErrorCode FenNatureSweep_Private(FenBellman b, const FenRuns *runs, const double V[], double TV[], int policy[],
                                      FenSweepPart *part)
{
  PetscFunctionBegin;
  PetscCall(b->nature->ops->sweep(b, b->nature->data, runs, V, TV, policy, part));
  PetscFunctionReturn(0);
}

PetscErrorCode FenNatureRowValues_Private(FenBellman b, const double V[], double q[])
{
  PetscFunctionBegin;
  PetscCall(b->nature->ops->values(b, b->nature->data, V, q));
  PetscFunctionReturn(0);
}

PetscErrorCode FenNatureLane_Private(FenBellman b, FenInt s, int action, const double V[], FenRowView *row)
{
  PetscFunctionBegin;
  row->popped = 0;
  PetscCall(b->nature->ops->lane(b, b->nature->data, s, action, V, row));
  PetscFunctionReturn(0);
}

PetscErrorCode FenBellmanGetNature(FenBellman b, PetscBool *acts, PetscInt *components, PetscInt *policy)
{
  PetscFunctionBegin;
  *acts = (PetscBool)(b->nature != NULL);
  *components = 0;
  *policy = -1;
  if (b->nature && b->nature->ops->components)
    PetscCall(b->nature->ops->components(b, b->nature->data, components));
  if (b->nature && b->nature->ops->policy)
    *policy = b->nature->ops->policy(b->nature->data);
  PetscFunctionReturn(0);
}

PetscErrorCode FenBellmanSetInexact(FenBellman b, double most)
{
  PetscFunctionBegin;
  b->inexact = most;
  PetscFunctionReturn(0);
}

PetscErrorCode FenBellmanNatureIsFast(FenBellman b, PetscBool *fast)
{
  PetscFunctionBegin;
  *fast = (PetscBool)(b->nature && b->nature->ops->policy_sweep);
  PetscFunctionReturn(0);
}

PetscErrorCode FenBellmanNatureState(FenBellman b, PetscInt component, PetscBool load, double x[])
{
  PetscFunctionBegin;
  PetscCall(b->nature->ops->state(b, b->nature->data, component, load, x));
  PetscFunctionReturn(0);
}

PetscErrorCode FenBellmanNatureStart(FenBellman b)
{
  PetscBool acts = PETSC_FALSE;
  PetscInt  components = 0, policy;
  double   *zero;

  PetscFunctionBegin;
  PetscCall(FenBellmanGetNature(b, &acts, &components, &policy));
  if (!components) /* nominal models may have no memory to spare */
    PetscFunctionReturn(0);
  PetscCall(PetscCalloc1(PetscMax(b->nlocal, 1), &zero));
  for (PetscInt c = 0; c < components; c++)
    PetscCall(FenBellmanNatureState(b, c, PETSC_TRUE, zero));
  PetscCall(PetscFree(zero));
  PetscFunctionReturn(0);
}
