/* SPDX-License-Identifier: BSD-2-Clause */
/*
   The hot loops of optimal transport: one tile of targets against sources, in base-2 exponents.

     score   t_ij = u_j - c_ij                       u_j source exponent, c_ij scaled cost
     lse     (M_i, S_i) stands for M + log2 S = log2 sum_j 2^t_ij
     apply   o_i += sum_j 2^(w_i + t_ij) v_j         w_i target exponent, several v at once
     max     m_i = max_j t_ij                        the hard transform

   Vector lanes run over targets, sources are broadcast. Sources come in chunks of FEN_CHUNK with a bounding box and the
   largest exponent, so that a chunk that cannot matter to a group of targets is passed over without being read: the
   cost falls from n m towards n times the number of sources that matter. What is left out is below 2^-FEN_CUT of the
   largest term each, hence below n 2^-FEN_CUT relative in all.

   Lines of grids have kernels of their own, see FenLines: there the lanes run over lines.

   The same source is compiled for several instruction sets; FenKernelsGet() chooses when the program starts.
*/
#pragma once
#include <fenchelsys.h>

#define FEN_LINE     64       /* bytes of a cache line, and of the widest vector */
#define FEN_CHUNK    64       /* largest chunk */
#define FEN_CUT      64.0     /* bits */
#define FEN_KEPT_CUT 40.0     /* the same for factors that are kept in single precision */
#define FEN_NONE     (-1e300) /* exponent of a zero weight, and the neutral M */

#define FEN_TOEPLITZ_BITS   900.0 /* in a table of factors: least exponent, */
#define FEN_TOEPLITZ_MOST   8192  /* and most steps between pairs; */
#define FEN_TOEPLITZ_BEHIND 16    /* and beyond these; */
#define FEN_TOEPLITZ_SUM    128   /* terms that are added up before they are added to the sum */

typedef enum { FEN_TILE_SQEUCLIDEAN, FEN_TILE_EUCLIDEAN, FEN_TILE_L1, FEN_TILE_MATRIX } FenTileKind;

/* All arrays of points are stored component by component, scaled so that the scaled cost is |x-y|^2, |x-y| or
   sum |x_k-y_k| without a factor. */
typedef struct {
  FenTileKind   kind;
  int           dim;
  FenInt        nt, ns;  /* targets, sources */
  const double *xt, *xs; /* coordinates xt[k*ldt + i], xs[k*lds + j] */
  FenInt        ldt, lds;
  const double *cost; /* MATRIX: cost[i*ldc + j], multiplied by scale */
  FenInt        ldc;
  double        scale;
  const double *u; /* ns source exponents */
  const double *w; /* apply: nt target exponents */
  const double *v; /* apply: values v[k*ldv + j] */
  FenInt        ldv;
  int           nv;       /* 1..4 */
  int           weighted; /* apply: terms are multiplied by the scaled cost c_ij */
  FenInt        chunk;    /* sources in a chunk, at most FEN_CHUNK */
  double       *box;      /* from FenTileMakeBoxes; NULL: nothing is passed over */
} FenTile;

/* Targets and sources of a line that are in steps of one length: target 0 is `at` steps and delta, half a step at most,
   from source 0; 2^-(o step + delta)^2 is factor[o], |o| <= reach, and for FEN_TOEPLITZ_BEHIND steps more, which are
   those of lanes behind the end of a line. Of other costs: 2^-cost[o]; at, step and delta are 0 */
typedef struct {
  FenInt  reach, at;
  double  step, delta;
  double *factor, *memory;
} FenToeplitz;

/* for scaled axes of `longest` points at most, always the same number for a table that is made again; reach 0: there is
   none, as few steps are near enough. The caller zeroes a new one */
PETSC_INTERN PetscErrorCode FenToeplitzMake(double step, double apart, FenInt longest, FenToeplitz *);
/* the same of costs cost[o], |o| <= longest, and FEN_TOEPLITZ_BEHIND more */
PETSC_INTERN PetscErrorCode FenToeplitzTabulate(const double cost[], FenInt longest, FenToeplitz *);
PETSC_INTERN PetscErrorCode FenToeplitzDestroy(FenToeplitz *);
/* are all pairs of an axis in the table? */
static inline PetscBool FenToeplitzIsWhole(const FenToeplitz *T, FenInt nt, FenInt ns)
{
  return (PetscBool)(T->at + nt - 1 <= T->reach && ns - 1 - T->at <= T->reach && ns <= FEN_TOEPLITZ_MOST);
}

/*
   Several lines at once, for sweeps over grids: a lane is a line. Arrays on sources and targets are stored point by
   point, the lanes of a point next to each other: u[j*linelanes + lane]. Sources are shared by all lanes, targets need
   not be, so that lanes may also take different targets of the same line.

   The cost is |x-y|^2, or a convex function of x - y from a table. Coordinates ascend in each lane, those of sources in
   equal steps. Then it is Monge, c(i,j) + c(i',k) <= c(i,k) + c(i',j) for i < i', j < k: a source left of the largest
   term that is below the cut at a target stays below it at all later targets, and the other way round. Both ends of the
   window of sources that matter rise with the target; see linekernel.h.
*/
typedef struct {
  FenInt        nt, ns;  /* targets, sources of a lane; below 2^31 */
  const double *xt, *xs; /* scaled coordinates xt[i*linelanes + lane], xs[j] */
  double        step;    /* of sources */
  /* NULL: |x-y|^2, or scaled costs: of target k of the line and source j cost[k + j stride]. Target i of a lane is
     number i, or i apart + lane if lanes share a line, then also of lanes behind its end */
  const double *cost;
  FenInt        stride;
  const double *u;     /* source exponents */
  const double *w, *v; /* apply: target exponents, values of sources */
  int           weighted;
  int          *window; /* sources window[2*i] <= j < window[2*i+1] matter to target i of some lane */
  /* Factors 2^(u_j - c_ij - M_i), in single precision: for target i first what its row lacks of the sum one, of
     rounding errors and because only those in kept[2*i] <= j < kept[2*i+1] are there, then these. Products add what is
     missing to all of them, so that rows sum to one to double precision. An empty row has no numbers at all */
  float  *e;
  int    *kept;
  double *terms; /* work: ns numbers for each lane */
  /* NULL: steps differ. Target i of lane l is at + i apart - j steps from source j, and l more if lanes share a line */
  const FenToeplitz *toeplitz;
  FenInt             at, apart;
  int                whole;   /* all pairs are in it, and all targets have the same window */
  double            *scratch; /* with a table, FenToeplitzScratch() numbers */
} FenLines;

/* so many sources at most, and factors */
static inline FenInt FenToeplitzScratch(FenInt longest, int lanes)
{
  return PetscMin(longest, FEN_TOEPLITZ_MOST) * lanes + 2 * FEN_TOEPLITZ_MOST + 1;
}

/*
   The same for the cost |x-y|, which needs no windows and takes linear time, see conekernel.h. A lane is a line; all
   lanes have the same targets. What a plan keeps: ns numbers a lane for each of two passes over the sources, nt for
   each over the targets, of double precision.
*/
typedef struct {
  FenInt        nt, ns;   /* one each, at least */
  const double *xt, *xs;  /* ascending */
  const double *u, *v;    /* source exponents; values of sources, of targets if transposed */
  int           weighted; /* conemult */
  double       *scale;    /* FenConesKept() numbers a lane; LSE: NULL or made here */
  double       *work;     /* 2 nt numbers for each lane */
} FenCones;

/* Products of factors with those of another line, see FenLineCouple: its exponents are u and minus[1]; minus[0] is
   mine, `work` has 4 ns numbers for each lane. All offsets of a source come out, zero beyond the ends */
typedef struct {
  FenInt        first, last;
  const double *u, *minus[2];
  double       *work;
} FenConeCouple;

static inline FenInt FenConesKept(FenInt nt, FenInt ns)
{
  return 2 * (nt + ns);
}

/* Products of factors that two lines have in common: with e_ij those of the one and f_ij = 2^(minus_i + u_j - c_ij)
   those of the other, for each offset o in [first, last]

     out[(o-first)*ns + j] += sum_i e_ij v_i f_i,j+o       (v of FenLines) */
typedef struct {
  FenInt first, last;
  FenInt lo, hi; /* sources of the other line that are there, by the numbers of the first one's; may be negative */
  const double *u, *minus;
  double       *f;   /* work: ns + last - first numbers for each lane */
  double       *out; /* lanes next to each other, as everywhere */
} FenLineCouple;

/* A symmetric matrix with unit diagonal on a grid, in single precision: point q is coupled to q + shift[k] with
   w[k*ld + q] >= 0, and

     (A x)_q = x_q - sum_k (w_k,q x_q+shift + w_k,q-shift x_q-shift)

   Shifts are those of rows of points: 1, 2, and row - 2 .. row + 2 for each other row. Of w and x up to 2 linelanes
   more are read before and behind what a product needs */
typedef struct {
  FenInt        n; /* a multiple of twice linelanes */
  FenInt        nk, ld;
  const FenInt *shift; /* positive */
  const float  *w, *x, *b;
  float         damping;
} FenGraph;
/* The same where there are many weights a point, with any diagonal d: rows of points are a multiple of linelanes long,
   and weights are of two bytes, the first half of numbers in single precision: w[q/linelanes] are those of the block of
   points from q on, linelanes of each shift, one after the other; NULL: its points are coupled to nothing, and y is
   zero. `sums`: (mask + 1) 5 linelanes numbers, zero when a sweep begins; mask + 1 is a power of two, above the blocks
   that edges reach over by three at least */
typedef struct {
  FenInt                 n, before; /* of y, and points before them that have edges to them; whole blocks */
  FenInt                 nk;
  const FenInt          *shift;
  const uint16_t *const *w;
  const float           *d, *x, *b;
  float                  damping;
  float                 *sums;
  FenInt                 block, mask; /* number of the first block of y in the whole sweep, which may come in parts */
} FenVolume;
typedef enum { FEN_GRAPH_RESIDUAL, FEN_GRAPH_JACOBI } FenGraphMode; /* y = b - A x; y = x + damping (b - A x) */

/* the first line in memory that is FEN_LINE bytes longer than needed: a load across two lines takes as long as two */
static inline void *FenOnLine(void *memory)
{
  return (char *)memory + (FEN_LINE - (uintptr_t)memory % FEN_LINE) % FEN_LINE;
}

typedef struct {
  const char *name;
  int         lanes;
  void (*lse)(const FenTile *, double MS[]);                /* MS[2*i], MS[2*i+1] updated */
  void (*apply)(const FenTile *, double out[]);             /* out[i*nv + k] updated */
  void (*max)(const FenTile *, double m[]);                 /* m[i] updated */
  void (*log2sum)(FenInt, const double MS[], double out[]); /* out = M + log2 S */
  int linelanes;
  void (*linewindows)(const FenLines *, double M[]);    /* windows, and M_i = max_j t_ij, FEN_NONE if all weigh zero */
  void (*linelse)(const FenLines *, double M[]);        /* M_i becomes log2 sum_j 2^t_ij over the window */
  void (*lineapply)(const FenLines *, double out[]);    /* out_i = sum_j 2^(w_i + t_ij) v_j over the window */
  void (*linekept)(const FenLines *, const double M[]); /* `kept`, after linewindows */
  void (*linefactors)(const FenLines *,
                      double M[]);                  /* linelse that keeps the terms, see `e`; 0 in lines of no weight */
  void (*linemult)(const FenLines *, double out[]); /* out_i = sum_j e_ij v_j */
  void (*linemulttranspose)(const FenLines *, int squares, double out[]); /* out_j = sum_i e_ij (or e_ij^2) v_i */
  void (*linespread)(const FenLines *, double out[]); /* out_j = sum_i 2^(w_i + t_ij) v_i, v of targets; see `window` */
  void (*linecouple)(const FenLines *, const FenLineCouple *);
  void (*conelse)(const FenCones *, double L[]);                             /* L_i = log2 sum_j 2^t_ij */
  void (*conemult)(const FenCones *, double out[]);                          /* out_i = sum_j e_ij v_j, e_ij c_ij v_j */
  void (*conemulttranspose)(const FenCones *, int squares, double out[]);    /* out_j = sum_i e_ij (or e_ij^2) v_i */
  void (*conecouple)(const FenCones *, const FenConeCouple *, double out[]); /* out[(o-first)*ns + j] */
  void (*graph)(const FenGraph *, FenGraphMode, float y[]);
  void (*volume)(const FenVolume *, FenGraphMode, float y[]);
} FenKernels;

PETSC_INTERN const FenKernels FenKernels_portable;
#if defined(FEN_HAVE_X86_KERNELS)
PETSC_INTERN const FenKernels FenKernels_avx2;
PETSC_INTERN const FenKernels FenKernels_avx512;
#endif

/* by the name of an instruction set, see FenSimdFind() */
PETSC_INTERN PetscErrorCode FenKernelsGet(const char *name, const FenKernels **);

static inline FenInt FenTileChunks(const FenTile *T)
{
  return (T->ns + T->chunk - 1) / T->chunk;
}
/* doubles that T->box takes: per chunk dim lower ends, dim upper ends, largest u, and one for work; component by
   component */
static inline FenInt FenTileBoxSize(int dim, FenInt ns, FenInt chunk)
{
  return ((ns + chunk - 1) / chunk) * (2 * dim + 2);
}
PETSC_INTERN void FenTileMakeBoxes(FenTile *);
/* the part that depends on u only */
PETSC_INTERN void FenTileUpdateBoxes(FenTile *);
