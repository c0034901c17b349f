/* SPDX-License-Identifier: BSD-2-Clause */
/*
   FenBellman: the Bellman operator of a model, ready for sweeps. A solver type sees no storage and sends no message of
   its own; it asks for sweeps and products.

     T V (s)     = max_a  q(s,a),   q(s,a) = min over nature's laws p of  sum_j p_j (r_j + gamma V(next_j)) + penalty
     T_pi V (s)  = q(s, pi(s))
     delta       = T V - V;  lo = min delta, hi = max delta over all states

   Minimisation is turned into maximisation at the door: inside, rewards and values have their sign changed.

   Values are arrays of nlocal + nghost doubles: my states first, then copies of the states of others that my rows
   reach, filled by the exchange. Rows are kept in chunks of FEN_LANES consecutive states, action by action inside a
   chunk, column-major, lane = state, with 32-bit local columns: one sweep reads each entry once and is made of vertical
   vector operations. Rows that reach ghosts are swept last, while the rest hides the messages. 12 bytes an entry.

   Solvers that hope for few sweeps may leave stored rows as they are (plain.c): then no chunks are made until they pay,
   a sweep reads only the rows that may matter since the last one, and between sweeps a short list of rows can be tried
   (shortlist.c).

   States may be cut in another way than the model's (partition.c): all rows of a state live on one rank, ghosts are
   known by the model's numbers, a rank's states ascend in them.

   A policy's rows are extracted into chunks of their own; when the policy changes only the changed rows are written
   again.
*/
#pragma once
#include <fenchelmdp.h>
#include "../../solverimpl.h"
#include <petscmat.h>

typedef struct _p_FenBellman *FenBellman;

/* what one sweep says about all states; global numbers */
typedef struct {
  double lo, hi;     /* of T V - V, over non-terminal states */
  double vmin, vmax; /* of T V */
  double slack;      /* bound of |computed - exact| of an entry of T V: rounding and inexact rows */
  FenInt changes;    /* states whose greedy action changed */
  double entries;    /* of rows as they are stored: that were read; of a short list: that are on it */
  double looked;     /* of rows as they are stored: how many were looked at to find what to read */
} FenSweepStats;

typedef struct {
  double          discount;
  FenAmbiguity    ambiguity;
  char            simd[16];
  FenMDPPartition partition;
  PetscBool       few_sweeps; /* rows may stay as they are until FenBellmanStore() or many sweeps */
} FenBellmanOptions;

PETSC_INTERN PetscErrorCode FenBellmanCreate(FenMDPModel, const FenBellmanOptions *, FenBellman *);
PETSC_INTERN PetscErrorCode FenBellmanDestroy(FenBellman *);
PETSC_INTERN PetscErrorCode FenBellmanRegisterEvents(PetscClassId);
PETSC_INTERN PetscErrorCode FenBellmanGetSizes(FenBellman, FenInt *nlocal, FenInt *nghost);
/* layout of the operator's states (another cut and order than the model's when repartitioned) */
PETSC_INTERN PetscErrorCode FenBellmanGetLayout(FenBellman, FenLayout *);
/* between the model's layout and sense and the operator's */
/* the same numbers on either layout, signs as they are; is it the same layout */
PETSC_INTERN PetscErrorCode FenBellmanGather(FenBellman, const double inside[], double outside[]);
PETSC_INTERN PetscErrorCode FenBellmanScatter(FenBellman, const double outside[], double inside[]);
PETSC_INTERN PetscErrorCode FenBellmanMoves(FenBellman, PetscBool *);
PETSC_INTERN PetscErrorCode FenBellmanToModel(FenBellman, const double inside[], double outside[]);
PETSC_INTERN PetscErrorCode FenBellmanFromModel(FenBellman, const double outside[], double inside[]);
PETSC_INTERN PetscErrorCode FenBellmanPolicyToModel(FenBellman, const int policy[], int action[]);

/* TV (nlocal) and the greedy policy (index of a row in its state; in: incumbent, kept unless beaten by more than
   1e-12 (1 + |V|); -1: none). V: ghosts are filled here. One exchange, one reduction (requests travel on it) */
PETSC_INTERN PetscErrorCode FenBellmanSweep(FenBellman, FenSolver, double V[], double TV[], int policy[],
                                            FenSweepStats *);
/* how far worst cases of sweeps may be off at most, beside a small share of what the state's value changes by: 0: as
   little as possible; infinite, the default: that share says it */
PETSC_INTERN PetscErrorCode FenBellmanSetInexact(FenBellman, double most);
/* the same where V is zero in all states but terminal ones: rewards alone tell, if they are stored */
PETSC_INTERN PetscErrorCode FenBellmanSweepZero(FenBellman, FenSolver, double V[], double TV[], int policy[],
                                                FenSweepStats *);
/* many sweeps will come: rows go into chunks, unless they are there */
PETSC_INTERN PetscErrorCode FenBellmanStore(FenBellman);
/* a list of the rows whose values were within the margin of TV in the last sweep over all, and of the policy's; not
   made where rows are in chunks. Where it would be long the first sweep over it says so, see below */
PETSC_INTERN PetscErrorCode FenBellmanShortlist(FenBellman, const double TV[], const int policy[], double margin,
                                                PetscBool *made);
/* nothing but rewards was read so far, and these are within the margin of TV for few rows: a sweep over all rows will
   need few, and to extract and evaluate a policy before costs more */
PETSC_INTERN PetscErrorCode FenBellmanRewardsTell(FenBellman, const double TV[], double margin, PetscBool *);
/* TV and the greedy policy as far as the list goes; counted as a product. The list would be long: it is gone, TV is at
   least the policy's */
PETSC_INTERN PetscErrorCode FenBellmanShortSweep(FenBellman, FenSolver, double V[], double TV[], int policy[],
                                                 FenSweepStats *, PetscBool *gone);
/* after such a sweep: from now on only rows within the margin of TV, and the policy's, are swept, if that pays */
PETSC_INTERN PetscErrorCode FenBellmanShortNarrow(FenBellman, const double TV[], const int policy[], double margin);
/* robust value of every row of my states at V (ghosts are filled here): q[rows], for verification and elimination */
PETSC_INTERN PetscErrorCode FenBellmanRowValues(FenBellman, double V[], double q[]);

/* marks rows whose value at V is below TV by more than the margin; V and TV of the last sweep. Stored nominal rows */
PETSC_INTERN PetscErrorCode FenBellmanEliminate(FenBellman, const double V[], const double TV[], double margin);
/* do sweeps leave out what is marked */
PETSC_INTERN PetscErrorCode FenBellmanUseEliminated(FenBellman, PetscBool);
PETSC_INTERN PetscErrorCode FenBellmanForgetEliminated(FenBellman);
/* marks of rows 32 word to 32 word + 31 of my states, as whole numbers below 2^32; setting adds */
PETSC_INTERN PetscErrorCode FenBellmanGetEliminated(FenBellman, int word, double bits[]);
PETSC_INTERN PetscErrorCode FenBellmanSetEliminated(FenBellman, int word, const double bits[]);

/* policy rows: extract all or renew the changed; robust models: the worst-case law at V */
PETSC_INTERN PetscErrorCode FenBellmanSetPolicy(FenBellman, const int policy[], double V[]);
/* T_pi V for the extracted rows (linear: nature's law is frozen) and its stats */
PETSC_INTERN PetscErrorCode FenBellmanPolicySweep(FenBellman, FenSolver, double V[], double TV[], FenSweepStats *);
/* T_pi V with nature's answer at V: what FenBellmanSetPolicy(V) and FenBellmanPolicySweep(V) say, in one pass */
PETSC_INTERN PetscErrorCode FenBellmanRobustPolicySweep(FenBellman, FenSolver, const int policy[], double V[],
                                                        double TV[], FenSweepStats *);
/* y = x - gamma P_pi x; x and y have nlocal entries; r_pi on my states */
PETSC_INTERN PetscErrorCode FenBellmanPolicyMult(FenBellman, const double x[], double y[]);
PETSC_INTERN PetscErrorCode FenBellmanPolicyReward(FenBellman, const double *r[]);
/* the extracted row of my state: entry j is at j * stride, in local numbers; probabilities may be zero at the end */
typedef struct {
  FenInt        n, stride;
  const int    *col;
  const double *prob;
  double        discount;
} FenPolicyRow;
PETSC_INTERN PetscErrorCode FenBellmanPolicyRow(FenBellman, FenInt state, FenPolicyRow *);
PETSC_INTERN FenInt         FenBellmanLongestRow(FenBellman);
PETSC_INTERN FenInt         FenBellmanGlobal(FenBellman, int local); /* number of a state or ghost */
PETSC_INTERN MPI_Comm       FenBellmanComm(FenBellman);
/* fills the ghosts of x */
PETSC_INTERN PetscErrorCode FenBellmanExchange(FenBellman, double x[]);
/* does the model have two colours, see coloured.h? Found once; collective, the same on any number of ranks */
PETSC_INTERN PetscErrorCode FenBellmanHasTwoColours(FenBellman, PetscBool *);
/* local block of I - gamma P_pi as an AIJ matrix of one rank, for preconditioners; caller destroys */
PETSC_INTERN PetscErrorCode FenBellmanPolicyLocalMat(FenBellman, Mat *);
/* of all ranks: values sent in a sweep and the messages that carry them; most work of a rank over the mean */
PETSC_INTERN PetscErrorCode FenBellmanGetCommunication(FenBellman, double *words, double *messages, double *imbalance);
/* whether nature acts at all; how many numbers of each state a restart needs of it, and where among them a randomised
   policy begins (-1: it is not randomised) */
PETSC_INTERN PetscErrorCode FenBellmanGetNature(FenBellman, PetscBool *acts, PetscInt *components, PetscInt *policy);
/* whether FenBellmanRobustPolicySweep is one pass over a policy's rows, eight at once */
PETSC_INTERN PetscErrorCode FenBellmanNatureIsFast(FenBellman, PetscBool *);
/* one of those numbers of my states, in or out; all of them as at the start */
PETSC_INTERN PetscErrorCode FenBellmanNatureState(FenBellman, PetscInt component, PetscBool load, double x[]);
PETSC_INTERN PetscErrorCode FenBellmanNatureStart(FenBellman);
/* rows of the policy at V with nature's law, in the operator's numbering; arrays are the caller's */
PETSC_INTERN PetscErrorCode FenBellmanGetKernel(FenBellman, const int policy[], double V[], FenMDPKernel *);
PETSC_INTERN PetscErrorCode FenBellmanGetWork(FenBellman, double *sweeps, double *matvecs);
