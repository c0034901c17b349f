/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Solves all the models of a text file with every type that takes them and prints one line of JSON for each answer:
   mdp_oracle.py compares them with independent programs. Every rank reads the file and keeps its states.

   A model: n, sense, criterion, discount, substochastic, ambiguity, radius, gap; then each state: terminal value,
   number of rows; then each row: action, reward, number of successors; then each successor: state, probability. Sense
   and criterion are words. usage: mdp_oracle_driver FILE FIRST STEP
*/
#include "mdpsolve.h"
#include <stdio.h>
#include <string.h>

typedef struct {
  FenInt       n, first, last; /* my states: first .. last-1 */
  char         sense[16], criterion[16];
  double       discount, gap, *terminal;
  PetscBool    substochastic;
  FenAmbiguity a;
  FenMDPRows   R;
} Problem;

static double Number(FILE *file)
{
  double x = NAN;

  if (fscanf(file, "%lf", &x) != 1)
    exit(2);
  return x;
}

static void *Grow(void *x, FenInt n, size_t size)
{
  return realloc(x, (size_t)(n + 1) * size);
}

/* one state; those of other ranks are read and forgotten */
static void ReadState(FILE *file, FenInt s, Problem *P)
{
  const double terminal = Number(file);
  const int    mine = s >= P->first && s < P->last, rows = (int)Number(file);
  FenMDPRows  *R = &P->R;
  FenInt       k = s - P->first, r = mine ? R->state_ptr[k] : 0;

  if (mine)
    P->terminal[k] = terminal;
  for (int a = 0; a < rows; a++, r++) {
    const int    action = (int)Number(file);
    const double reward = Number(file);
    const int    n = (int)Number(file);
    FenInt       j = mine ? R->row_ptr[r] : 0;

    if (mine) {
      R->action = (int *)Grow(R->action, r + 1, sizeof(int));
      R->reward = (double *)Grow(R->reward, r + 1, sizeof(double));
      R->row_ptr = (FenInt *)Grow(R->row_ptr, r + 2, sizeof(FenInt));
      R->next = (FenInt *)Grow(R->next, j + n, sizeof(FenInt));
      R->prob = (double *)Grow(R->prob, j + n, sizeof(double));
      R->action[r] = action;
      R->reward[r] = reward;
      R->row_ptr[r + 1] = j + n;
    }
    for (int i = 0; i < n; i++, j++) {
      const FenInt next = (FenInt)Number(file);
      const double prob = Number(file);

      if (mine) {
        R->next[j] = next;
        R->prob[j] = prob;
      }
    }
  }
  if (mine)
    R->state_ptr[k + 1] = r;
}

static int Read(FILE *file, Problem *P)
{
  int rank, size;

  memset(P, 0, sizeof(*P));
  if (fscanf(file, "%" SCNd64 " %15s %15s", &P->n, P->sense, P->criterion) != 3)
    return 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  P->first = P->n * rank * rank / ((FenInt)size * size);
  P->last = P->n * (rank + 1) * (rank + 1) / ((FenInt)size * size);
  P->discount = Number(file);
  P->substochastic = (PetscBool)(Number(file) > 0);
  if (fscanf(file, "%31s", P->a.name) != 1)
    exit(2);
  P->a.alpha = 1;
  P->a.radius = Number(file);
  P->gap = Number(file);
  P->R.nstates = P->last - P->first;
  P->R.state_ptr = (FenInt *)calloc((size_t)(P->R.nstates + 1), sizeof(FenInt));
  P->R.row_ptr = (FenInt *)calloc(2, sizeof(FenInt));
  P->R.next = (FenInt *)calloc(1, sizeof(FenInt));
  P->R.prob = (double *)calloc(1, sizeof(double));
  P->R.reward = (double *)calloc(1, sizeof(double));
  P->R.action = (int *)calloc(1, sizeof(int));
  P->terminal = (double *)calloc((size_t)(P->R.nstates + 1), sizeof(double));
  for (FenInt s = 0; s < P->n; s++)
    ReadState(file, s, P);
  return 1;
}

static void Free(Problem *P)
{
  free(P->R.state_ptr), free(P->R.row_ptr), free(P->R.next), free(P->R.prob), free(P->R.reward), free(P->R.action);
  free(P->terminal);
}

static FenMDPModel Model(const Problem *P)
{
  FenMDPModel model;
  int         c = 0;

  while (strcmp(FenMDPCriteria[c], P->criterion))
    if (++c > FEN_MDP_AVERAGE)
      exit(2);
  FEN_OK(FenMDPModelCreateRows(MPI_COMM_WORLD, &P->R, P->substochastic, &model));
  FEN_OK(FenMDPModelSetTerminal(model, P->terminal));
  FEN_OK(FenMDPModelSetSense(model, strcmp(P->sense, "min") ? FEN_MDP_MAX : FEN_MDP_MIN));
  FEN_OK(FenMDPModelSetCriterion(model, (FenMDPCriterion)c, 0));
  return model;
}

/* an array of all states on rank 0 */
static void Array(const Problem *P, const char name[], const double mine[])
{
  double *all = (double *)calloc((size_t)P->n, sizeof(double));
  int     rank;

  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  for (FenInt s = P->first; s < P->last; s++)
    all[s] = mine[s - P->first];
  MPI_Allreduce(MPI_IN_PLACE, all, (int)P->n, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
  if (!rank) {
    printf(", \"%s\": [", name);
    for (FenInt s = 0; s < P->n; s++)
      printf(isfinite(all[s]) ? "%s%.17g" : "%s1e300", s ? ", " : "", all[s]);
    printf("]");
  }
  free(all);
}

static void Answer(const Problem *P, int number, FenMDPModel model, const char *type)
{
  FenMDP        mdp = MDPSolver(model, type, P->discount, &P->a, P->gap);
  double       *action = (double *)calloc((size_t)(P->R.nstates + 1), sizeof(double));
  const double *value, *margin;
  const int    *policy;
  FenMDPBounds  B;
  FenReason     reason;
  int           rank;

  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  FEN_OK(FenSolverSetTolerances((FenSolver)mdp, 0, P->gap, 20000));
  FEN_OK(FenMDPSolve(mdp));
  FEN_OK(FenSolverGetConvergedReason((FenSolver)mdp, &reason));
  FEN_OK(FenMDPGetBounds(mdp, &B));
  FEN_OK(FenMDPGetValue(mdp, &value));
  FEN_OK(FenMDPGetMargin(mdp, &margin));
  FEN_OK(FenMDPGetPolicy(mdp, &policy));
  for (FenInt k = 0; k < P->R.nstates; k++)
    action[k] = policy[k];
  if (!rank)
    printf("{\"model\": %d, \"type\": \"%s\", \"reason\": %d, \"policy_gap\": %.17g, \"value_error\": %.17g, "
           "\"lower\": %.17g, \"upper\": %.17g",
           number, type, (int)reason, PetscMin(B.policy_gap, 1e300), PetscMin(B.value_error, 1e300),
           PetscMax(B.lower, -1e300), PetscMin(B.upper, 1e300));
  Array(P, "value", value);
  Array(P, "margin", margin);
  Array(P, "policy", action);
  if (!rank)
    printf("}\n");
  free(action);
  FEN_OK(FenMDPDestroy(&mdp));
}

static int Takes(const Problem *P, const char *type)
{
  return strcmp(P->criterion, "average") || !strcmp(type, FENMDPVI) || !strcmp(type, FENMDPAUTO);
}

int main(int argc, char **argv)
{
  FILE   *file;
  Problem P;
  long    first, step;

  if (argc < 4 || FenInitialize(&argc, &argv, NULL, NULL))
    return 2;
  file = fopen(argv[1], "r");
  first = strtol(argv[2], NULL, 10);
  step = strtol(argv[3], NULL, 10);
  if (!file || step < 1)
    return 2;
  for (int number = 0; Read(file, &P); number++) {
    if (number >= first && (number - first) % step == 0) {
      FenMDPModel model = Model(&P);

      for (int t = 0; t < NMDPTYPES; t++)
        if (Takes(&P, mdp_types[t]))
          Answer(&P, number, model, mdp_types[t]);
      FEN_OK(FenMDPModelDestroy(&model));
    }
    Free(&P);
  }
  fclose(file);
  return FenFinalize() != 0;
}
