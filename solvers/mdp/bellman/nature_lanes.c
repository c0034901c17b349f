/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Nature eight states at a time ((s,a)-rectangular): divergences around the nominal law of stored rows, in the loops of
   kernels/naturekernels.h. Rows that these cannot serve (orders next to 0 and 1, most extreme numbers) go to
   FenDivergence one by one. Every row keeps the scalar at which its last search ended.

   Sweeps of kl read rows once, with a number of each state that is made before (kernels/natureonce.h), where that is
   possible: the ends of V over all ranks decide, so that the cut of the states does not show.

   Jensen-Shannon's mass may go to the state of the smallest value of all states as well: b->low of FenNaturePrepare.

   A policy's rows have their nominal probabilities here and nature's laws in b->policy.

   Memory: 8 bytes a row, 16 for js and jeffreys, 8 an entry if rewards are of successors, a policy's rows once more;
   kl: 8 a state.
*/
#include "nature.h"
#include "../kernels/naturekernels.h"
#include <math.h>

#define WORK 3

typedef struct {
  const FenNatureKernels *kernels;
  FenNatureSet            set;
  FenDivergence           divergence;
  double                  size;                /* of the divergence: radius or price */
  FenNatureRuns           all;                 /* all rows */
  double                 *warm, *next, *room;  /* room: of all.d, which begin on cache lines */
  double                 *second;              /* as warm, of forms that keep two scalars, or NULL */
  double                 *law, *values, *work; /* one row, for FenDivergence: WORK arrays */
  double                 *sorted, *x, *y;      /* of norms: see FenNatureRuns */
  double                 *once;                /* numbers of states; NULL: rows are never read once */
  PetscBool               is_once;             /* they are for the V of now */
  PetscErrorCode          failed;
  PetscInt                most; /* rows of a state, over all ranks; known once the components are */
  /* the policy's rows */
  FenNatureRuns rows;
  FenChunks     view; /* b->policy's columns, nominal probabilities and rewards */
  int          *of;   /* action that is here, -1: none */
  double       *val, *reward, *policy_next, *policy_warm, *policy_second;
} Lanes;

/* ---- the set ---- */

/* which loop serves the Cressie-Read divergence of this order, and the radius in that loop's units */
static FenNatureForm FormOfOrder(double alpha, double *factor)
{
  static const struct {
    double        alpha, factor;
    FenNatureForm form;
  } known[] = {{1, 1, FEN_NATURE_KL},
               {2, 2, FEN_NATURE_PEARSON},
               {0, 1, FEN_NATURE_BURG},
               {0.5, 0.5, FEN_NATURE_HELLINGER},
               {-1, 2, FEN_NATURE_NEYMAN}};

  *factor = 1;
  for (size_t k = 0; k < sizeof(known) / sizeof(known[0]); k++)
    if (known[k].alpha == alpha) {
      *factor = known[k].factor;
      return known[k].form;
    }
  if (fabs(alpha - 1) < 0.1 || fabs(alpha) < 0.05 || alpha < -8 || alpha > 50)
    return FEN_NATURE_OTHER;
  return alpha < 1 ? FEN_NATURE_BELOW : FEN_NATURE_ABOVE;
}

static PetscBool IsNorm(const FenAmbiguity *a)
{
  return (PetscBool)(!strcmp(a->name, "linf") || !strcmp(a->name, "interval") || !strcmp(a->name, "wasserstein"));
}

/* mass may go to the state of the smallest value */
static PetscBool Pops(const FenAmbiguity *a)
{
  return (PetscBool)(!strcmp(a->name, "js") && a->support == FEN_SUPPORT_ALL);
}

static FenNatureForm FormOf(const FenAmbiguity *a, double *factor)
{
  static const char *const names[] = {"tv", "kl", "pearson", "burg", "hellinger", "neyman"};
  const PetscBool          js = (PetscBool)!strcmp(a->name, "js");

  *factor = 1;
  if (!strcmp(a->name, "alpha"))
    return FormOfOrder(a->alpha, factor);
  if (!strcmp(a->name, "l1")) {
    *factor = 0.5;
    return FEN_NATURE_TV;
  }
  for (int k = 0; k < (int)(sizeof(names) / sizeof(names[0])); k++)
    if (!strcmp(a->name, names[k]))
      return (FenNatureForm)k;
  if (IsNorm(a))
    return strcmp(a->name, "wasserstein") ? FEN_NATURE_LINF : FEN_NATURE_WASSERSTEIN;
  if (js || !strcmp(a->name, "jeffreys"))
    return js ? FEN_NATURE_JS : FEN_NATURE_JEFFREYS;
  return FEN_NATURE_OTHER;
}

/* order of the Cressie-Read family, and its divergence over the form's own */
static void FamilyOf(FenNatureForm form, double *alpha, double *over)
{
  *over = form == FEN_NATURE_HELLINGER ? 2 : form == FEN_NATURE_NEYMAN ? 0.5 : 1;
  if (form == FEN_NATURE_BURG)
    *alpha = 0;
  if (form == FEN_NATURE_HELLINGER)
    *alpha = 0.5;
  if (form == FEN_NATURE_NEYMAN)
    *alpha = -1;
}

/* f* of order alpha: the k-th derivative at 0 is the product of 1 + i (1 - alpha), i < k - 1 */
static void SetSeries(FenNatureSet *set)
{
  double c = 0.5;

  for (int k = 2; k < FEN_NATURE_SERIES; k++) {
    set->series[k] = c;
    c *= (1 + (k - 1) * (1 - set->alpha)) / (k + 1);
  }
}

static void SetPowers(FenNatureSet *set)
{
  double over = 1, base;

  FamilyOf(set->form, &set->alpha, &over);
  set->t = set->alpha / (set->alpha - 1);
  set->scale = 1 / over;
  set->price = set->form == FEN_NATURE_BELOW || set->form == FEN_NATURE_ABOVE ? 1 / fabs(set->alpha - 1) : 1;
  base = set->alpha * (set->alpha - 1) * (set->size * over);
  set->kappa = set->alpha == 0 ? exp(-set->size) : exp(log1p(base) / set->alpha);
  if (base <= -1)
    set->kappa = set->lowest = 0;
  else if (set->alpha > 0)
    set->lowest = exp(log1p(base) / (1 - set->alpha));
}

/* Jensen-Shannon: the law of all mass on entries of mass q is at this distance; 0 < q <= 1 */
static double FarthestJS(double q)
{
  return 0.5 * (-log(q) - (1 + q) * log((1 + q) / (2 * q)) + (1 - q) * log(2));
}

static double LowestJS(double rho)
{
  double lower = 1e-12, upper = 1;

  if (rho >= log(2))
    return 0;
  while (upper - lower > 1e-15 * upper && 0.5 * (lower + upper) > lower && 0.5 * (lower + upper) < upper)
    *(FarthestJS(0.5 * (lower + upper)) > rho ? &lower : &upper) = 0.5 * (lower + upper);
  return upper;
}

static void SetUpSet(const FenAmbiguity *a, FenNatureSet *set)
{
  double factor;

  set->ball = (PetscBool)(a->radius > 0);
  set->alpha = a->alpha;
  set->form = FormOf(a, &factor);
  set->size = set->ball ? factor * a->radius : a->penalty / factor;
  set->lowest = 2; /* never */
  if (set->form == FEN_NATURE_TV)
    set->lowest = 1 - set->size;
  else if (set->form == FEN_NATURE_KL)
    set->lowest = exp(-set->size);
  else if (set->form == FEN_NATURE_PEARSON)
    set->lowest = 1 / (1 + set->size);
  else if (set->form == FEN_NATURE_JS)
    set->lowest = LowestJS(set->size);
  else if (set->form >= FEN_NATURE_BURG && set->form <= FEN_NATURE_ABOVE)
    SetPowers(set);
  if (!set->ball || set->form == FEN_NATURE_OTHER)
    set->lowest = 2;
  if (set->form == FEN_NATURE_KL) {
    set->alpha = set->scale = set->price = 1;
  }
  set->square = (PetscBool)(a->distance == FEN_DISTANCE_L2);
  set->pops = Pops(a);
  set->rest = set->ball ? log(2) - set->size : log(2);
  /* price^2 is about var/(2 radius) in a ball, and var at most 1/4 */
  set->smooth =
      (PetscBool)((set->form == FEN_NATURE_KL || (set->form >= FEN_NATURE_BURG && set->form <= FEN_NATURE_ABOVE)) &&
                  (!set->ball || set->size / set->scale < 1e-3));
  SetSeries(set);
}

/* ---- rows one by one ---- */

static PetscErrorCode ServeRow(Lanes *N, const FenNatureLane *r)
{
  const PetscBool  other = (PetscBool)(N->set.form == FEN_NATURE_OTHER);
  const FenSupport support = r->popped ? FEN_SUPPORT_ALL : FEN_SUPPORT_NOMINAL;
  const double     warm = other && *r->warm != 0 ? *r->warm : NAN;
  FenWorstCase     w;
  double          *p = r->law ? N->law : NULL;

  PetscFunctionBegin;
  for (FenInt j = 0; j < r->n; j++) {
    N->work[j] = r->p[FEN_LANES * j];
    N->values[j] = r->d[FEN_LANES * j];
  }
  if (N->set.ball)
    PetscCall(FenDivergenceWorstRadius(N->divergence, r->n, N->work, N->values, N->size, support, 0, warm, p, &w));
  else
    PetscCall(FenDivergenceWorstPenalty(N->divergence, r->n, N->work, N->values, N->size / r->range, support, 0, warm,
                                        p, &w));
  if (r->popped)
    *r->popped = w.popped;
  if (other)
    *r->warm = w.multiplier;
  *r->value = w.value;
  *r->gap = w.slack;
  for (FenInt j = 0; p && j < r->n; j++)
    r->law[FEN_LANES * j] = p[j];
  PetscFunctionReturn(0);
}

static void Serve(void *ctx, const FenNatureLane *row)
{
  Lanes *N = (Lanes *)ctx;

  if (!N->failed)
    N->failed = ServeRow(N, row);
}

static PetscErrorCode Failed(Lanes *N)
{
  const PetscErrorCode code = N->failed;

  N->failed = (PetscErrorCode)0;
  return code;
}

/* ---- life ---- */

static PetscErrorCode Able(FenBellman b, PetscBool *able)
{
  const FenAmbiguity *a = &b->options.ambiguity;

  PetscFunctionBegin;
  PetscCall(FenNatureNormAble_Private(b, able));
  *able = (PetscBool)(*able || !strcmp(a->name, "l1"));
  for (PetscInt k = 0; FenDivergenceNames[k]; k++)
    *able = (PetscBool)(*able || !strcmp(a->name, FenDivergenceNames[k]));
  *able = (PetscBool)(*able && b->rows && a->rectangular == FEN_RECTANGULAR_SA && !b->nature->weighted);
  *able = (PetscBool)(*able && (a->support == FEN_SUPPORT_NOMINAL || Pops(a)));
  PetscFunctionReturn(0);
}

/* rewards of successors in the chunks' order */
static PetscErrorCode StoreRewards(FenBellman b, Lanes *N)
{
  const FenChunkStore *C = &b->all;
  const FenMDPRows    *R = b->rows;

  PetscFunctionBegin;
  if (!R->reward_next)
    PetscFunctionReturn(0);
  PetscCall(PetscCalloc1((size_t)(FEN_LANES * C->ncolumns), &N->next));
  for (FenInt c = 0; c < C->nchunks; c++)
    for (FenInt l = 0; l < FEN_LANES; l++) {
      const FenInt s = FEN_LANES * c + l < b->nlocal ? FEN_LANES * c + l : FEN_LANES * c;

      for (FenInt r = R->state_ptr[s], k = C->chunk_ptr[c]; r < R->state_ptr[s + 1]; r++, k++)
        for (FenInt j = 0; j < R->row_ptr[r + 1] - R->row_ptr[r]; j++)
          N->next[FEN_LANES * (C->slot_ptr[k] + j) + l] = b->sign * R->reward_next[R->row_ptr[r] + j];
    }
  PetscFunctionReturn(0);
}

#define ONCE_LEAST 1e-4 /* balls: rows of smaller ones need more care */

/* kl, with rewards of rows on all ranks */
static PetscErrorCode AllocateOnce(FenBellman b, Lanes *N)
{
  PetscBool able = (PetscBool)(N->set.form == FEN_NATURE_KL && !N->next && (!N->set.ball || N->set.size >= ONCE_LEAST));

  PetscFunctionBegin;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &able, 1, MPI_INT, MPI_MIN, b->comm));
  if (able)
    PetscCall(PetscMalloc1((size_t)(b->nlocal + b->nghost + 1), &N->once));
  PetscFunctionReturn(0);
}

static PetscErrorCode AllocateNorm(FenBellman b, Lanes *N)
{
  PetscFunctionBegin;
  PetscCall(PetscMalloc1((size_t)(FEN_LANES * (2 * b->longest + 3)), &N->sorted));
  if (N->set.form == FEN_NATURE_WASSERSTEIN)
    PetscCall(FenNatureNormPlaces_Private(b, &N->x, &N->y));
  PetscFunctionReturn(0);
}

static PetscErrorCode Create(FenBellman b, void **data)
{
  const FenAmbiguity *a = &b->options.ambiguity;
  const PetscBool     l1 = (PetscBool)!strcmp(a->name, "l1");
  double             *first;
  Lanes              *N;

  PetscFunctionBegin;
  PetscCall(PetscNew(&N));
  PetscCall(FenNatureKernelsGet(b->kernels->name, &N->kernels));
  SetUpSet(a, &N->set);
  if (IsNorm(a))
    PetscCall(AllocateNorm(b, N));
  else
    PetscCall(FenDivergenceCreate(PETSC_COMM_SELF, l1 ? "tv" : a->name, a->alpha, &N->divergence));
  N->size = N->set.ball ? (l1 ? a->radius / 2 : a->radius) : (l1 ? 2 * a->penalty : a->penalty);
  PetscCall(StoreRewards(b, N));
  PetscCall(PetscCalloc1((size_t)(FEN_LANES * b->all.nslots), &N->warm));
  if (N->set.form == FEN_NATURE_JS || N->set.form == FEN_NATURE_JEFFREYS)
    PetscCall(PetscCalloc1((size_t)(FEN_LANES * b->all.nslots), &N->second));
  PetscCall(PetscMalloc4((size_t)(FEN_LANES * (2 * b->longest + 2)), &N->room, (size_t)b->longest, &N->law,
                         (size_t)b->longest, &N->values, (size_t)b->longest, &N->work));
  PetscCall(AllocateOnce(b, N));
  first = (double *)(((uintptr_t)N->room + 63) / 64 * 64);
  N->all = (FenNatureRuns){.set = &N->set,
                           .chunks = &b->all.view,
                           .reward_next = N->next,
                           .most = INFINITY,
                           .warm = N->warm,
                           .second = N->second,
                           .d = {first, first + FEN_LANES * (b->longest + 1)},
                           .work = N->sorted,
                           .room = FEN_LANES * (b->longest + 1),
                           .x = N->x,
                           .y = N->y,
                           .serve = Serve,
                           .ctx = N};
  *data = N;
  PetscFunctionReturn(0);
}

static PetscErrorCode Destroy(FenBellman b, void **data)
{
  Lanes *N = (Lanes *)*data;

  PetscFunctionBegin;
  (void)b;
  if (!N)
    PetscFunctionReturn(0);
  PetscCall(FenDivergenceDestroy(&N->divergence));
  PetscCall(PetscFree(N->next));
  PetscCall(PetscFree(N->once));
  PetscCall(PetscFree(N->warm));
  PetscCall(PetscFree(N->second));
  PetscCall(PetscFree(N->policy_second));
  PetscCall(PetscFree(N->sorted));
  PetscCall(PetscFree(N->x));
  PetscCall(PetscFree(N->y));
  PetscCall(PetscFree4(N->room, N->law, N->values, N->work));
  PetscCall(PetscFree4(N->of, N->val, N->reward, N->policy_warm));
  PetscCall(PetscFree(N->policy_next));
  PetscCall(PetscFree(N));
  *data = NULL;
  PetscFunctionReturn(0);
}

/* ---- rows that are read once ---- */

/* where V ends, on all ranks; prices: exponentials of all states are numbers, and not all the same */
static PetscErrorCode Prepare(FenBellman b, void *data, const double V[])
{
  Lanes *N = (Lanes *)data;
  double ends[2], low, high;

  PetscFunctionBegin;
  N->all.low = b->popped ? b->options.discount * b->low : 0;
  if (!N->once)
    PetscFunctionReturn(0);
  N->kernels->ends(b->nlocal, V, &low, &high);
  ends[0] = isnan(low) ? PETSC_INFINITY : -low; /* one that is none makes all infinite */
  ends[1] = isnan(low) ? PETSC_INFINITY : high;
  if (b->size > 1)
    PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, ends, 2, MPI_DOUBLE, MPI_MAX, b->comm));
  N->all.low = b->options.discount * -ends[0];
  N->all.span = b->options.discount * (ends[1] + ends[0]);
  N->is_once = (PetscBool)(N->all.span > 1e-70 && N->all.span < 1e70);
  if (!N->set.ball && N->is_once)
    N->is_once = (PetscBool)(N->all.span < 600 * N->set.size && N->all.span > N->set.size / 16);
  PetscFunctionReturn(0);
}

/* the numbers of what these runs reach: ghosts are there for the outer ones only */
static void BeginOnce(FenBellman b, Lanes *N, FenNatureRuns *rows, const FenRuns *runs, const double V[])
{
  const PetscBool outer = (PetscBool)(runs != &b->inner);
  const FenInt    first = outer && b->inner.n ? b->nlocal : 0, n = outer ? b->nlocal + b->nghost : b->nlocal;

  rows->once = N->is_once ? N->once : NULL;
  rows->low = N->all.low;
  rows->span = N->all.span;
  if (N->is_once && runs->n)
    N->kernels->prepare(rows, n - first, V + first, N->once + first);
}

/* ---- all rows ---- */

static PetscErrorCode Sweep(FenBellman b, void *data, const FenRuns *runs, const double V[], double TV[], int policy[],
                            FenSweepPart *part)
{
  Lanes *N = (Lanes *)data;

  PetscFunctionBegin;
  BeginOnce(b, N, &N->all, runs, V);
  N->all.most = b->inexact;
  for (FenInt r = 0; r < runs->n; r++)
    N->kernels->sweep(&N->all, runs->run[r].c0, runs->run[r].c1, V, V, TV, policy, part);
  N->all.once = NULL;
  PetscCall(Failed(N));
  PetscFunctionReturn(0);
}

static PetscErrorCode Values(FenBellman b, void *data, const double V[], double q[])
{
  Lanes        *N = (Lanes *)data;
  const FenInt *first = b->rows->state_ptr;

  PetscFunctionBegin;
  for (FenInt c = 0; c < b->all.nchunks; c++)
    for (FenInt k = b->all.chunk_ptr[c]; k < b->all.chunk_ptr[c + 1]; k++) {
      const FenInt a = k - b->all.chunk_ptr[c];
      double       value[FEN_LANES], gap[FEN_LANES];

      N->kernels->values(&N->all, k, V, value, gap);
      for (FenInt s = FEN_LANES * c; s < PetscMin(b->nlocal, FEN_LANES * (c + 1)); s++)
        if (a < first[s + 1] - first[s])
          q[first[s] + a] = value[s - FEN_LANES * c];
    }
  PetscCall(Failed(N));
  PetscFunctionReturn(0);
}

/* ---- the rows of a policy ---- */

static PetscErrorCode AllocatePolicy(FenBellman b, Lanes *N)
{
  const FenChunkStore *S = &b->policy;
  const size_t         entries = (size_t)(FEN_LANES * S->ncolumns), lanes = (size_t)(FEN_LANES * S->nslots);

  PetscFunctionBegin;
  PetscCall(PetscMalloc4((size_t)b->nlocal, &N->of, entries, &N->val, lanes, &N->reward, lanes, &N->policy_warm));
  if (N->next)
    PetscCall(PetscMalloc1(entries, &N->policy_next));
  if (N->second)
    PetscCall(PetscMalloc1(lanes, &N->policy_second));
  for (FenInt s = 0; s < b->nlocal; s++)
    N->of[s] = -1;
  PetscCall(PetscArrayzero(S->val, entries));
  N->view = S->view;
  N->view.val = N->val;
  N->view.reward = N->reward;
  N->rows = N->all;
  N->rows.most = INFINITY;
  N->rows.chunks = &N->view;
  N->rows.reward_next = N->policy_next;
  N->rows.warm = N->policy_warm;
  N->rows.second = N->policy_second;
  PetscFunctionReturn(0);
}

/* the nominal row of an action into the policy's chunks; short rows end with the state itself */
static void CopyRow(FenBellman b, Lanes *N, FenInt c, FenInt lane, int action)
{
  const FenChunkStore *A = &b->all, *S = &b->policy;
  const FenInt         k = A->chunk_ptr[c] + action, from = A->slot_ptr[k], n = A->slot_ptr[k + 1] - from;
  const FenInt         to = S->slot_ptr[c], room = S->slot_ptr[c + 1] - to;

  for (FenInt j = 0; j < room; j++) {
    const FenInt o = FEN_LANES * (to + j) + lane, i = FEN_LANES * (from + j) + lane;

    S->col[o] = j < n ? A->col[i] : (int)PetscMin(FEN_LANES * c + lane, b->nlocal - 1);
    N->val[o] = j < n ? A->val[i] : 0;
    if (N->next)
      N->policy_next[o] = j < n ? N->next[i] : 0;
  }
  N->reward[FEN_LANES * c + lane] = A->reward[FEN_LANES * k + lane];
}

/* lanes beyond the last state have the first state's action, as their rows are its */
static PetscErrorCode TakePolicy(FenBellman b, Lanes *N, const int policy[])
{
  PetscFunctionBegin;
  if (!N->of)
    PetscCall(AllocatePolicy(b, N));
  for (FenInt s = 0; s < b->nlocal; s++) {
    const int action = PetscMax(policy[s], 0);

    if (action == N->of[s])
      continue;
    N->of[s] = action;
    CopyRow(b, N, s / FEN_LANES, s % FEN_LANES, action);
    for (FenInt l = 1; s % FEN_LANES == 0 && l < FEN_LANES; l++)
      if (s + l >= b->nlocal)
        CopyRow(b, N, s / FEN_LANES, l, action);
  }
  PetscFunctionReturn(0);
}

/* the scalars of the policy's rows come and go */
static void MoveWarm(FenBellman b, Lanes *N, FenInt c0, FenInt c1, PetscBool back)
{
  for (FenInt c = c0; c < c1; c++)
    for (FenInt l = 0; l < FEN_LANES; l++) {
      const FenInt s = FEN_LANES * c + l < b->nlocal ? FEN_LANES * c + l : FEN_LANES * c;
      const FenInt at = FEN_LANES * (b->all.chunk_ptr[c] + N->of[s]) + l, mine = FEN_LANES * c + l;

      *(back ? &N->warm[at] : &N->policy_warm[mine]) = back ? N->policy_warm[mine] : N->warm[at];
      if (N->second)
        *(back ? &N->second[at] : &N->policy_second[mine]) = back ? N->policy_second[mine] : N->second[at];
    }
}

static PetscErrorCode Extract(FenBellman b, void *data, const int policy[], const double V[])
{
  Lanes               *N = (Lanes *)data;
  const FenChunkStore *S = &b->policy;

  PetscFunctionBegin;
  PetscCall(TakePolicy(b, N, policy));
  MoveWarm(b, N, 0, S->nchunks, PETSC_FALSE);
  N->rows.low = N->all.low;
  for (FenInt c = 0; c < S->nchunks; c++) {
    double popped[FEN_LANES];

    N->kernels->law(&N->rows, c, V, S->val + FEN_LANES * S->slot_ptr[c], popped, S->reward + FEN_LANES * c);
    for (FenInt s = FEN_LANES * c; b->popped && s < PetscMin(b->nlocal, FEN_LANES * (c + 1)); s++)
      b->popped[s] = popped[s - FEN_LANES * c];
  }
  MoveWarm(b, N, 0, S->nchunks, PETSC_TRUE);
  PetscCall(PetscArraycpy(b->policy_reward, S->reward, b->nlocal));
  PetscCall(PetscArraycpy(b->policy_of, N->of, b->nlocal));
  PetscCall(Failed(N));
  PetscFunctionReturn(0);
}

static PetscErrorCode PolicySweep(FenBellman b, void *data, const FenRuns *runs, const int policy[], const double V[],
                                  double TV[], FenSweepPart *part)
{
  Lanes *N = (Lanes *)data;

  PetscFunctionBegin;
  PetscCall(TakePolicy(b, N, policy));
  BeginOnce(b, N, &N->rows, runs, V);
  for (FenInt r = 0; r < runs->n; r++) {
    const FenInt c0 = runs->run[r].c0, c1 = runs->run[r].c1;

    MoveWarm(b, N, c0, c1, PETSC_FALSE);
    N->kernels->apply(&N->rows, c0, c1, V, V, TV, part);
    MoveWarm(b, N, c0, c1, PETSC_TRUE);
  }
  N->rows.once = NULL;
  PetscCall(Failed(N));
  PetscFunctionReturn(0);
}

/* one scalar of a row or two: as many components as the fullest state of all ranks has rows, or twice as many */
static PetscErrorCode Components(FenBellman b, void *data, PetscInt *n)
{
  Lanes *N = (Lanes *)data;
  int    most = 1, rows;

  PetscFunctionBegin;
  for (FenInt s = 0; s < b->nlocal; s++) {
    PetscCall(FenBellmanNumberOfRows_Private(b, s, &rows));
    most = PetscMax(most, rows);
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &most, 1, MPI_INT, MPI_MAX, b->comm));
  *n = N->second ? 2 * most : most;
  N->most = most;
  PetscFunctionReturn(0);
}

static PetscErrorCode State(FenBellman b, void *data, PetscInt component, PetscBool load, double x[])
{
  Lanes         *N = (Lanes *)data;
  const PetscInt action = N->second ? component % N->most : component;
  double        *kept = action < component ? N->second : N->warm;

  PetscFunctionBegin;
  for (FenInt c = 0; c < b->all.nchunks; c++) {
    const FenInt k = b->all.chunk_ptr[c] + action;

    for (FenInt l = 0; l < FEN_LANES; l++) {
      const FenInt s = FEN_LANES * c + l;

      if (k >= b->all.chunk_ptr[c + 1])
        x[PetscMin(s, b->nlocal - 1)] = load ? x[PetscMin(s, b->nlocal - 1)] : 0;
      else if (load) /* lanes beyond the last state do as the first */
        kept[FEN_LANES * k + l] = x[s < b->nlocal ? s : FEN_LANES * c];
      else if (s < b->nlocal)
        x[s] = kept[FEN_LANES * k + l];
    }
  }
  PetscFunctionReturn(0);
}

const FenNatureOps FenNatureLanes = {.name = "lanes",
                                     .able = Able,
                                     .create = Create,
                                     .destroy = Destroy,
                                     .sweep = Sweep,
                                     .values = Values,
                                     .prepare = Prepare,
                                     .extract = Extract,
                                     .policy_sweep = PolicySweep,
                                     .components = Components,
                                     .state = State};
