/* SPDX-License-Identifier: BSD-2-Clause */
/* Morton (Z) order of local points: the first three coordinates, 20 bits each, interleaved and sorted. */
#include "morton.h"

typedef struct {
  uint64_t key;
  FenInt   index;
} KeyedPoint;

static int ByKey(const void *a, const void *b)
{
  const KeyedPoint *p = (const KeyedPoint *)a, *q = (const KeyedPoint *)b;

  if (p->key != q->key)
    return p->key < q->key ? -1 : 1;
  return (p->index > q->index) - (p->index < q->index);
}

static uint64_t Interleave(PetscInt dim, const uint32_t c[])
{
  uint64_t key = 0;

  for (int bit = 19; bit >= 0; bit--)
    for (PetscInt k = 0; k < dim; k++)
      key = (key << 1) | ((c[k] >> bit) & 1u);
  return key;
}

PetscErrorCode FenMortonOrder(FenInt n, PetscInt dim, const double x[], FenInt perm[])
{
  const PetscInt d = PetscMin(dim, 3);
  double         lo[3], hi[3];
  KeyedPoint    *p;

  PetscFunctionBegin;
  if (!n)
    PetscFunctionReturn(0);
  PetscCall(PetscMalloc1(n, &p));
  for (PetscInt k = 0; k < d; k++) {
    lo[k] = hi[k] = x[k];
    for (FenInt i = 1; i < n; i++) {
      lo[k] = PetscMin(lo[k], x[i * dim + k]);
      hi[k] = PetscMax(hi[k], x[i * dim + k]);
    }
  }
  for (FenInt i = 0; i < n; i++) {
    uint32_t c[3] = {0, 0, 0};

    for (PetscInt k = 0; k < d; k++)
      c[k] = hi[k] > lo[k] ? (uint32_t)(1048575.0 * ((x[i * dim + k] - lo[k]) / (hi[k] - lo[k]))) : 0;
    p[i].key = Interleave(d, c);
    p[i].index = i;
  }
  qsort(p, (size_t)n, sizeof(*p), ByKey);
  for (FenInt i = 0; i < n; i++)
    perm[i] = p[i].index;
  PetscCall(PetscFree(p));
  PetscFunctionReturn(0);
}
