/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Names in messages: the nearest existing names to one that is missing.
*/
#include "ioimpl.h"
#include <string.h>

#define NAME_MAX_LEN 64

/* number of single-letter insertions, deletions and replacements between two names, cut at NAME_MAX_LEN letters */
static int EditDistance(const char a[], const char b[])
{
  const size_t n = strnlen(a, NAME_MAX_LEN), m = strnlen(b, NAME_MAX_LEN);
  int          row[NAME_MAX_LEN + 1];

  for (size_t j = 0; j <= m; j++)
    row[j] = (int)j;
  for (size_t i = 1; i <= n; i++) {
    int diagonal = row[0];
    row[0] = (int)i;
    for (size_t j = 1; j <= m; j++) {
      const int change = diagonal + (a[i - 1] != b[j - 1]), skip = PetscMin(row[j], row[j - 1]) + 1;
      diagonal = row[j];
      row[j] = PetscMin(change, skip);
    }
  }
  return row[m];
}

/* up to three names, nearest first; an empty text if there are none at all */
PetscErrorCode FenNearestNames_Private(const char name[], PetscInt n, char *const names[], char text[], size_t size)
{
  PetscInt used[3] = {-1, -1, -1};

  PetscFunctionBegin;
  text[0] = 0;
  for (int pick = 0; pick < 3; pick++) {
    int best = 2 * NAME_MAX_LEN;
    for (PetscInt i = 0; i < n; i++) {
      const int d = EditDistance(name, names[i]);
      if (d < best && i != used[0] && i != used[1]) {
        best = d;
        used[pick] = i;
      }
    }
    if (used[pick] < 0)
      break;
    const size_t have = strlen(text);
    PetscCall(PetscSNPrintf(text + have, size - have, "%s'%s'", pick ? ", " : "", names[used[pick]]));
  }
  PetscFunctionReturn(0);
}

PetscBool FenHasSuffix_Private(const char name[], const char suffix[])
{
  const size_t n = strlen(name), k = strlen(suffix);

  return n >= k && strcasecmp(name + n - k, suffix) == 0 ? PETSC_TRUE : PETSC_FALSE;
}
