/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Sweeps over the graph of a grid, see FenGraph. All edges of a row of offsets begin, and end, in the same few vectors
   of points: these are loaded where they are aligned, if rows are, and lanes are shifted in registers. To a vector of
   points come

     ahead    w_k,q x_q+shift, of five shifted x of each row;
     behind   w_k,q-shift x_q-shift: with shift = row + c the products are summed over rows where they are aligned,
              T_c,p = sum w_row+c,p-row x_p-row, and each of five sums is shifted once, to q = p + c.
*/

enum { FEN_GRAPH_LANES = 2 * FEN_SIMD };

#if FEN_SIMD == 8
  #define FEN_GRAPH_AFTER(c)                                                                                           \
    c, c + 1, c + 2, c + 3, c + 4, c + 5, c + 6, c + 7, c + 8, c + 9, c + 10, c + 11, c + 12, c + 13, c + 14, c + 15
#elif FEN_SIMD == 4
  #define FEN_GRAPH_AFTER(c) c, c + 1, c + 2, c + 3, c + 4, c + 5, c + 6, c + 7
#else
  #define FEN_GRAPH_AFTER(c) c, c + 1, c + 2, c + 3
#endif

/* lanes from number c on of two vectors, one after the other */
#if defined(__clang__)
  #define v_after(a, b, c) __builtin_shufflevector(a, b, FEN_GRAPH_AFTER(c))
#else
typedef int vi __attribute__((vector_size(FEN_SIMD * 8)));
  #define v_after(a, b, c) __builtin_shuffle(a, b, (vi){FEN_GRAPH_AFTER(c)})
#endif

/* T_c of the points from q on, c = -2 .. 2 */
FEN_INLINE void GraphBehind(const FenGraph *G, FenInt q, vf T[5])
{
  const float *x = G->x + q, *w = G->w + q;
  vf           v = v_loadf(x);

  T[0] = T[1] = T[2] = (vf){0};
  T[3] = v_loadf(w) * v;
  T[4] = v_loadf(w + G->ld) * v;
  w += 2 * G->ld;
  for (FenInt k = 2; k < G->nk; k += 5, w += 5 * G->ld) {
    const FenInt row = G->shift[k + 2];

    v = v_loadf(x - row);
    for (int c = 0; c < 5; c++)
      T[c] += v_loadf(w + c * G->ld - row) * v;
  }
}

/* S and what comes from ahead to the points from q on */
FEN_INLINE vf GraphAhead(const FenGraph *G, FenInt q, vf S)
{
  enum { L = FEN_GRAPH_LANES };
  const float *x = G->x + q, *w = G->w + q;
  vf           a, b = v_loadf(x), c = v_loadf(x + L);

  S += v_loadf(w) * v_after(b, c, 1);
  S += v_loadf(w + G->ld) * v_after(b, c, 2);
  w += 2 * G->ld;
  for (FenInt k = 2; k < G->nk; k += 5, w += 5 * G->ld) {
    const float *p = x + G->shift[k + 2];

    a = v_loadf(p - L);
    b = v_loadf(p);
    c = v_loadf(p + L);
    S += v_loadf(w) * v_after(a, b, L - 2);
    S += v_loadf(w + G->ld) * v_after(a, b, L - 1);
    S += v_loadf(w + 2 * G->ld) * b;
    S += v_loadf(w + 3 * G->ld) * v_after(b, c, 1);
    S += v_loadf(w + 4 * G->ld) * v_after(b, c, 2);
  }
  return S;
}

FEN_INLINE void GraphRows(const FenGraph *G, const int jacobi, float y[])
{
  enum { L = FEN_GRAPH_LANES };
  const vf damping = (vf){0} + G->damping;
  vf       before[5], here[5], after[5]; /* T_c */

  GraphBehind(G, -L, before);
  GraphBehind(G, 0, here);
  for (FenInt q = 0; q < G->n; q += L) {
    const vf x = v_loadf(G->x + q);
    vf       S = GraphAhead(G, q, v_loadf(G->b + q) - x);

    GraphBehind(G, q + L, after);
    S += v_after(here[0], after[0], 2);
    S += v_after(here[1], after[1], 1);
    S += here[2];
    S += v_after(before[3], here[3], L - 1);
    S += v_after(before[4], here[4], L - 2);
    if (jacobi)
      S = x + damping * S;
    memcpy(y + q, &S, sizeof(S));
    for (int c = 0; c < 5; c++) {
      before[c] = here[c];
      here[c] = after[c];
    }
  }
}

static void Graph(const FenGraph *G, FenGraphMode mode, float y[])
{
  if (mode == FEN_GRAPH_JACOBI)
    GraphRows(G, 1, y);
  else
    GraphRows(G, 0, y);
}
