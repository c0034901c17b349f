/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Sweeps over the graph of a volume, see FenVolume. Its many weights come from memory, so each is read once, where they
   lie one after the other: block by block of as many points as there are lanes. To block q of points comes

     ahead    w_k,q x_q+shift, of five shifted x of each row, shifted in registers;
     behind   w_k,p x_p of the blocks p before it, which these have left: with shift = row + c block p adds
              w_row+c,p x_p to the sum T_c of block p + row. Each of the five sums is shifted once, to q = p + row + c.

   Sums live in a ring, from the first block whose points have edges here to the last one that edges from here end in:
   what is taken becomes zero and is used again.
*/

typedef uint16_t vs __attribute__((vector_size(FEN_SIMD * 4)));
typedef uint32_t vu __attribute__((vector_size(FEN_SIMD * 8)));

/* weights of two bytes: the first half of a number in single precision */
FEN_INLINE vf v_weights(const uint16_t *p)
{
  vs h;
  vu u;
  vf x;

  memcpy(&h, p, sizeof(h));
  u = __builtin_convertvector(h, vu) << 16;
  memcpy(&x, &u, sizeof(x));
  return x;
}

FEN_INLINE void v_storef(float *p, vf x)
{
  memcpy(p, &x, sizeof(x));
}

/* sums of the block of points that begins so many after the first one */
FEN_INLINE float *VolumeSums(const FenVolume *G, FenInt q)
{
  return G->sums + ((G->block + q / FEN_GRAPH_LANES) & G->mask) * 5 * FEN_GRAPH_LANES;
}

FEN_INLINE void VolumeAdd(float *T, vf x)
{
  v_storef(T, v_loadf(T) + x);
}

/* what the points from q on send to those behind them, and what comes to them from there if `ahead` */
FEN_INLINE vf VolumeRows(const FenVolume *G, FenInt q, const int ahead, vf S)
{
  enum { L = FEN_GRAPH_LANES };
  const float    *x = G->x + q;
  const uint16_t *w = G->w[q / L];
  const vf        here = v_loadf(x), near[2] = {v_weights(w), v_weights(w + L)};
  float          *T = VolumeSums(G, q);

  if (ahead) {
    const vf next = v_loadf(x + L);

    S += near[0] * v_after(here, next, 1);
    S += near[1] * v_after(here, next, 2);
  }
  VolumeAdd(T + 3 * L, near[0] * here);
  VolumeAdd(T + 4 * L, near[1] * here);
  w += 2 * L;
  for (FenInt k = 2; k < G->nk; k += 5, w += 5 * L) {
    const FenInt row = G->shift[k + 2];
    const vf W[5] = {v_weights(w), v_weights(w + L), v_weights(w + 2 * L), v_weights(w + 3 * L), v_weights(w + 4 * L)};

    if (ahead) {
      const float *p = x + row;
      const vf     a = v_loadf(p - L), b = v_loadf(p), c = v_loadf(p + L);

      S += W[0] * v_after(a, b, L - 2);
      S += W[1] * v_after(a, b, L - 1);
      S += W[2] * b;
      S += W[3] * v_after(b, c, 1);
      S += W[4] * v_after(b, c, 2);
    }
    T = VolumeSums(G, q + row);
    for (int c = 0; c < 5; c++)
      VolumeAdd(T + c * L, W[c] * here);
  }
  return S;
}

FEN_INLINE void VolumeSweep(const FenVolume *G, const int jacobi, float y[])
{
  enum { L = FEN_GRAPH_LANES };
  const vf damping = (vf){0} + G->damping;

  for (FenInt q = -G->before; q < 0; q += L) {
    if (G->w[q / L])
      VolumeRows(G, q, 0, damping);
    memset(VolumeSums(G, q - L), 0, 5 * L * sizeof(float)); /* nobody takes what came to neighbours' points */
  }
  for (FenInt q = 0; q < G->n; q += L) {
    float *before = VolumeSums(G, q - L), *here = VolumeSums(G, q), *after = VolumeSums(G, q + L);
    vf     S = (vf){0};

    if (G->w[q / L]) {
      const vf x = v_loadf(G->x + q);

      S = VolumeRows(G, q, 1, v_loadf(G->b + q) - v_loadf(G->d + q) * x);
      S += v_after(v_loadf(here), v_loadf(after), 2);
      S += v_after(v_loadf(here + L), v_loadf(after + L), 1);
      S += v_loadf(here + 2 * L);
      S += v_after(v_loadf(before + 3 * L), v_loadf(here + 3 * L), L - 1);
      S += v_after(v_loadf(before + 4 * L), v_loadf(here + 4 * L), L - 2);
      if (jacobi)
        S = x + damping * S;
    }
    v_storef(y + q, S);
    memset(before, 0, 5 * L * sizeof(*before));
  }
}

static void Volume(const FenVolume *G, FenGraphMode mode, float y[])
{
  if (mode == FEN_GRAPH_JACOBI)
    VolumeSweep(G, 1, y);
  else
    VolumeSweep(G, 0, y);
}
