/* SPDX-License-Identifier: BSD-2-Clause */
/*
   FENMDPVI: value iteration, V <- TV; what is certified is what is iterated.

   Anderson acceleration (type II, m columns) looks for the combination of the last iterates whose residual is smallest,
   for the map G(V) = TV + the best constant. A candidate is kept while the norm of TV - V falls fast enough (Zhang,
   O'Donoghue, Boyd); otherwise G of the iterate before is taken, and the memory forgotten, as it is when more than one
   percent of the actions change: T is smooth between such changes only.

   Sweeps in place (Gauss-Seidel, or one of two colours after the other) and the elimination of staying,
   V(s) <- max_a (r + gamma sum_{t != s} p_t V_t) / (1 - gamma p_s), contract at least as fast as T; a sweep of T after
   each IN_PLACE of them certifies. They need a second copy of the rows.

   Average reward: relative value iteration, criteria/average.c.

   References: Puterman, Markov Decision Processes, 2005, section 6.3; Zhang, O'Donoghue, Boyd, SIAM J. Optim.
   30(4), 2020; Geist and Scherrer, arXiv 1809.09501.
*/
#include "../bellman/coloured.h"
#include "../mdpimpl.h"
#include <math.h>

#define IN_PLACE 8 /* sweeps in place between two of T, which certify */

typedef enum { JACOBI, GAUSS_SEIDEL, COLOUR } Sweep;
static const char *const sweeps[] = {"jacobi", "gauss-seidel", "colour", "FenMDPVISweep", "", NULL};

#define MOST       10    /* columns of Anderson's memory */
#define SAFE       10.0  /* Zhang, O'Donoghue, Boyd: D */
#define REGULARISE 1e-10 /* of the normal equations, relative */

typedef struct {
  Sweep       sweep;    /* option */
  PetscBool   no_loops; /* option: staying is eliminated */
  FenColoured rows;     /* for sweeps in place */
  PetscInt    anderson; /* option: columns, 0: none */
  double     *f, *g;    /* G(V) - V and G(V) of the last iterate */
  double     *memory;   /* differences of f, then of g: one array of 2 anderson n, column by column */
  double     *columns;  /* the same on the model's layout, for the state: columns of f, of g, f, g */
  double      gram[MOST * MOST];
  FenInt      filled, next, kept; /* columns in use; next to write; candidates accepted */
  FenInt      have;               /* f and g are set */
  double      norm_first;
} VI;

static double *ColumnF(const FenMDP mdp, const VI *A, FenInt j)
{
  return A->memory + j * mdp->n;
}
static double *ColumnG(const FenMDP mdp, const VI *A, FenInt j)
{
  return A->memory + (A->anderson + j) * mdp->n;
}

static void Forget(VI *A)
{
  A->filled = A->next = A->kept = A->have = 0;
  A->norm_first = 0;
  for (int k = 0; k < MOST * MOST; k++)
    A->gram[k] = 0;
}

static PetscErrorCode FenMDPInitialize_VI(FenSolver s)
{
  PetscFunctionBegin;
  Forget((VI *)s->data);
  PetscFunctionReturn(0);
}

/* a new column from the last iterate and this one, and its row of the Gram matrix */
static PetscErrorCode Remember(FenMDP mdp, VI *A)
{
  const double  c = FenMDPBestShift_Private(mdp, &mdp->stats) * mdp->gamma;
  const FenInt  j = A->next;
  const double *columns[MOST];
  double        dots[MOST];

  PetscFunctionBegin;
  for (FenInt k = 0; k < mdp->n; k++) {
    const double g = mdp->TV[k] + (mdp->policy[k] < 0 ? 0 : c), f = g - mdp->V[k];

    if (A->have) {
      ColumnF(mdp, A, j)[k] = f - A->f[k];
      ColumnG(mdp, A, j)[k] = g - A->g[k];
    }
    A->f[k] = f;
    A->g[k] = g;
  }
  if (!A->have) {
    A->have = 1;
    A->norm_first = FenMDPNorm_Private(mdp, &mdp->stats);
    PetscFunctionReturn(0);
  }
  A->filled = PetscMin(A->filled + 1, (FenInt)A->anderson);
  A->next = (j + 1) % A->anderson;
  for (FenInt i = 0; i < A->filled; i++)
    columns[i] = ColumnF(mdp, A, i);
  PetscCall(FenMDPDots_Private(mdp, (PetscInt)A->filled, columns, columns[j], dots));
  for (FenInt i = 0; i < A->filled; i++)
    A->gram[i * MOST + j] = A->gram[j * MOST + i] = dots[i];
  PetscFunctionReturn(0);
}

/* theta of the smallest combination, by Cholesky's factors of the regularised Gram matrix; false if it has none */
static PetscBool Combine(const VI *A, double theta[])
{
  const FenInt m = A->filled;
  double       L[MOST][MOST], trace = 0;

  for (FenInt i = 0; i < m; i++)
    trace += A->gram[i * MOST + i];
  for (FenInt i = 0; i < m; i++)
    for (FenInt j = 0; j <= i; j++) {
      double sum = A->gram[i * MOST + j] + (i == j ? REGULARISE * trace : 0);

      for (FenInt k = 0; k < j; k++)
        sum -= L[i][k] * L[j][k];
      if (i == j && !(sum > 0))
        return PETSC_FALSE;
      L[i][j] = i == j ? sqrt(sum) : sum / L[j][j];
    }
  for (FenInt i = 0; i < m; i++) {
    for (FenInt k = 0; k < i; k++)
      theta[i] -= L[i][k] * theta[k];
    theta[i] /= L[i][i];
  }
  for (FenInt i = m - 1; i >= 0; i--) {
    for (FenInt k = i + 1; k < m; k++)
      theta[i] -= L[k][i] * theta[k];
    theta[i] /= L[i][i];
  }
  return PETSC_TRUE;
}

/* V <- G(V) - sum theta_j dG_j; plain G(V) while there is no memory */
static PetscErrorCode Extrapolate(FenMDP mdp, VI *A)
{
  const double *columns[MOST];
  double        theta[MOST] = {0};

  PetscFunctionBegin;
  PetscCall(PetscArraycpy(mdp->V, A->g, mdp->n));
  if (!A->filled)
    PetscFunctionReturn(0);
  for (FenInt j = 0; j < A->filled; j++)
    columns[j] = ColumnF(mdp, A, j);
  PetscCall(FenMDPDots_Private(mdp, (PetscInt)A->filled, columns, A->f, theta));
  if (!Combine(A, theta)) {
    Forget(A);
    PetscFunctionReturn(0);
  }
  for (FenInt j = 0; j < A->filled; j++) {
    const double *g = ColumnG(mdp, A, j);

    for (FenInt k = 0; k < mdp->n; k++)
      mdp->V[k] -= theta[j] * g[k];
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode AndersonStep(FenMDP mdp)
{
  VI          *A = (VI *)mdp->base.data;
  const double few = 0.01 * (double)mdp->nalive;
  double       allowed, norm;

  PetscFunctionBegin;
  PetscCall(Remember(mdp, A));
  PetscCall(Extrapolate(mdp, A));
  PetscCall(FenMDPSweep_Private(mdp));
  allowed = SAFE * A->norm_first * pow((double)(A->kept + 1), -1.01);
  norm = FenMDPNorm_Private(mdp, &mdp->stats);
  if (A->filled && norm > allowed) {
    PetscCall(PetscArraycpy(mdp->V, A->g, mdp->n));
    Forget(A);
    PetscCall(FenMDPSweep_Private(mdp));
  } else if ((double)mdp->stats.changes > few)
    Forget(A);
  else
    A->kept++;
  PetscFunctionReturn(0);
}

static PetscBool UsesRows(const VI *A)
{
  return (PetscBool)(A->sweep != JACOBI || A->no_loops);
}

/* sweeps in place from TV on, then one that certifies */
static PetscErrorCode InPlaceStep(FenMDP mdp, VI *A)
{
  PetscFunctionBegin;
  PetscCall(FenColouredPut(A->rows, mdp->TV, mdp->policy));
  if (A->sweep == JACOBI)
    PetscCall(FenColouredJacobi(A->rows, IN_PLACE));
  else
    PetscCall(FenColouredSweeps(A->rows, IN_PLACE));
  PetscCall(FenColouredTake(A->rows, mdp->V));
  PetscCall(FenMDPSweep_Private(mdp));
  PetscFunctionReturn(0);
}

static PetscErrorCode FenMDPIterate_VI(FenSolver s)
{
  FenMDP mdp = (FenMDP)s;
  VI    *A = (VI *)s->data;

  PetscFunctionBegin;
  if (!mdp->swept)
    PetscCall(FenMDPSweep_Private(mdp));
  else if (mdp->criterion == FEN_MDP_AVERAGE)
    PetscCall(FenAverageStep_Private(mdp));
  else if (A->anderson)
    PetscCall(AndersonStep(mdp));
  else if (UsesRows(A))
    PetscCall(InPlaceStep(mdp, A));
  else
    PetscCall(FenMDPValueStep_Private(mdp));
  PetscCall(FenMDPReport_Private(mdp));
  PetscFunctionReturn(0);
}

static PetscErrorCode PackMemory(FenMDP mdp, const VI *A)
{
  PetscFunctionBegin;
  for (FenInt j = 0; j < 2 * A->anderson; j++)
    PetscCall(FenBellmanToModel(mdp->op, A->memory + j * mdp->n, A->columns + j * mdp->nout));
  PetscCall(FenBellmanToModel(mdp->op, A->f, A->columns + 2 * A->anderson * mdp->nout));
  PetscCall(FenBellmanToModel(mdp->op, A->g, A->columns + (2 * A->anderson + 1) * mdp->nout));
  PetscFunctionReturn(0);
}

static PetscErrorCode FenMDPState_VI(FenSolver s, FenState state)
{
  FenMDP mdp = (FenMDP)s;
  VI    *A = (VI *)s->data;
  char   name[32];

  PetscFunctionBegin;
  if (!A->anderson)
    PetscFunctionReturn(0);
  if (!s->restarted)
    PetscCall(PackMemory(mdp, A));
  for (FenInt j = 0; j < 2 * A->anderson + 2; j++) {
    PetscCall(PetscSNPrintf(name, sizeof(name), "anderson_%d", (int)j));
    PetscCall(FenStateAddArray(state, name, mdp->outside, 1, A->columns + j * mdp->nout));
  }
  PetscCall(FenStateAddReals(state, "anderson_gram", MOST * MOST, A->gram));
  PetscCall(FenStateAddInt(state, "anderson_filled", &A->filled));
  PetscCall(FenStateAddInt(state, "anderson_next", &A->next));
  PetscCall(FenStateAddInt(state, "anderson_kept", &A->kept));
  PetscCall(FenStateAddInt(state, "anderson_have", &A->have));
  PetscCall(FenStateAddReal(state, "anderson_first", &A->norm_first));
  PetscFunctionReturn(0);
}

static PetscErrorCode FenMDPResume_VI(FenSolver s)
{
  FenMDP mdp = (FenMDP)s;
  VI    *A = (VI *)s->data;

  PetscFunctionBegin;
  if (!A->anderson)
    PetscFunctionReturn(0);
  for (FenInt j = 0; j < 2 * A->anderson; j++)
    PetscCall(FenBellmanFromModel(mdp->op, A->columns + j * mdp->nout, A->memory + j * mdp->n));
  PetscCall(FenBellmanFromModel(mdp->op, A->columns + 2 * A->anderson * mdp->nout, A->f));
  PetscCall(FenBellmanFromModel(mdp->op, A->columns + (2 * A->anderson + 1) * mdp->nout, A->g));
  PetscFunctionReturn(0);
}

static PetscErrorCode FenMDPSetFromOptions_VI(FenSolver s, PetscOptionItems *PetscOptionsObject)
{
  VI       *A = (VI *)s->data;
  PetscInt  anderson = A->anderson;
  PetscEnum sweep = (PetscEnum)A->sweep;
  PetscBool no_loops = A->no_loops, set;

  PetscFunctionBegin;
  PetscCall(
      PetscOptionsInt("-mdp_vi_anderson", "columns of Anderson's memory (0: none)", "", anderson, &anderson, NULL));
  PetscCheck(anderson >= 0 && anderson <= MOST, PetscObjectComm((PetscObject)s), (PetscErrorCode)FEN_ERR_OPTION,
             "-mdp_vi_anderson %d: must be between 0 and %d", (int)anderson, MOST);
  PetscCall(PetscOptionsEnum("-mdp_vi_sweep",
                             "order of the states: all at once, one after the other on each rank, or "
                             "one of two colours after the other",
                             "", sweeps, sweep, &sweep, NULL));
  PetscCall(PetscOptionsBool("-mdp_vi_self_loops",
                             "eliminate staying: V(s) is solved for in each row; by default with "
                             "sweeps in place",
                             "", (PetscBool)(sweep != (PetscEnum)JACOBI), &no_loops, &set));
  no_loops = set ? no_loops : (PetscBool)(sweep != (PetscEnum)JACOBI);
  PetscCheck(no_loops || sweep == (PetscEnum)JACOBI, PetscObjectComm((PetscObject)s), (PetscErrorCode)FEN_ERR_OPTION,
             "-mdp_vi_self_loops false: sweeps in place (-mdp_vi_sweep %s) always eliminate staying", sweeps[sweep]);
  PetscCheck(!anderson || !no_loops, PetscObjectComm((PetscObject)s), (PetscErrorCode)FEN_ERR_OPTION,
             "-mdp_vi_anderson accelerates plain sweeps of all states: leave out -mdp_vi_sweep and -mdp_vi_self_loops");
  if (anderson != A->anderson || sweep != (PetscEnum)A->sweep || no_loops != A->no_loops)
    PetscCall(FenSolverReset(s));
  A->anderson = anderson;
  A->sweep = (Sweep)sweep;
  A->no_loops = no_loops;
  PetscFunctionReturn(0);
}

static PetscErrorCode SetUpRows(FenMDP mdp, VI *A)
{
  MPI_Comm    comm = PetscObjectComm((PetscObject)mdp);
  FenMDPSizes sizes;
  PetscBool   two = PETSC_FALSE;

  PetscFunctionBegin;
  PetscCall(FenMDPModelGetSizes(mdp->model, &sizes));
  PetscCheck(sizes.stored && !mdp->robust && mdp->criterion == FEN_MDP_DISCOUNTED, comm, (PetscErrorCode)FEN_ERR_OPTION,
             "-mdp_vi_sweep %s and -mdp_vi_self_loops need stored nominal rows and the criterion discounted",
             sweeps[A->sweep]);
  if (A->sweep == COLOUR)
    PetscCall(FenBellmanHasTwoColours(mdp->op, &two));
  PetscCheck(two || A->sweep != COLOUR, comm, (PetscErrorCode)FEN_ERR_OPTION,
             "-mdp_vi_sweep colour: this model does not have two colours of which neither leads to itself");
  PetscCall(FenColouredCreate(mdp->op, A->sweep == COLOUR ? 2 : 1, &A->rows));
  PetscFunctionReturn(0);
}

static PetscErrorCode FenMDPSetUp_VI(FenSolver s)
{
  FenMDP mdp = (FenMDP)s;
  VI    *A = (VI *)s->data;

  PetscFunctionBegin;
  if (UsesRows(A))
    PetscCall(SetUpRows(mdp, A));
  if (A->anderson) {
    PetscCall(PetscCalloc4(mdp->n, &A->f, mdp->n, &A->g, (size_t)(2 * A->anderson * mdp->n), &A->memory,
                           (size_t)((2 * A->anderson + 2) * mdp->nout), &A->columns));
    Forget(A);
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode FenMDPReset_VI(FenSolver s)
{
  VI *A = (VI *)s->data;

  PetscFunctionBegin;
  PetscCall(FenColouredDestroy(&A->rows));
  if (A->anderson)
    PetscCall(PetscFree4(A->f, A->g, A->memory, A->columns));
  PetscFunctionReturn(0);
}

static PetscErrorCode FenMDPView_VI(FenSolver s, PetscViewer viewer)
{
  VI *A = (VI *)s->data;

  PetscFunctionBegin;
  PetscCall(
      PetscViewerASCIIPrintf(viewer, "sweeps: %s%s\n", sweeps[A->sweep], A->no_loops ? ", staying eliminated" : ""));
  PetscCall(PetscViewerASCIIPrintf(viewer, "Anderson's memory: %d columns\n", (int)A->anderson));
  PetscFunctionReturn(0);
}

static PetscErrorCode FenMDPDestroy_VI(FenSolver s)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(s->data));
  PetscFunctionReturn(0);
}

/*MC
  FENMDPVI - "vi": value iteration; for average rewards relative value iteration

  Options Database Keys:
+ -mdp_vi_sweep      - jacobi, gauss-seidel (on each rank, chunks of states one after the other) or colour
. -mdp_vi_self_loops - eliminate staying (with sweeps in place: always)
- -mdp_vi_anderson   - columns of Anderson's memory (0: none)

  Level: beginner

.seealso: `FENMDPMPI`, `FenMDPSetType()`
M*/
PetscErrorCode FenMDPCreate_VI(FenSolver s)
{
  VI *A;

  PetscFunctionBegin;
  PetscCall(PetscNew(&A));
  s->data = A;
  s->ops->setfromoptions = FenMDPSetFromOptions_VI;
  s->ops->setup = FenMDPSetUp_VI;
  s->ops->initialize = FenMDPInitialize_VI;
  s->ops->resume = FenMDPResume_VI;
  s->ops->iterate = FenMDPIterate_VI;
  s->ops->state = FenMDPState_VI;
  s->ops->view = FenMDPView_VI;
  s->ops->reset = FenMDPReset_VI;
  s->ops->destroy = FenMDPDestroy_VI;
  PetscFunctionReturn(0);
}
