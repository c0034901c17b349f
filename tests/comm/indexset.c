/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Sets of global numbers: members, their order, their places; pages only where there are members.
*/
#include <fentest.h>
#include <indexset.h>

#define TOTAL 1000003 /* the last page is not a whole one */

/* the k-th of n members, in an order of its own; both ends of words and pages are among them */
static FenInt Member(FenInt k)
{
  const FenInt first[] = {TOTAL - 1, 0, 63, 64, 4095, 4096, 8191, 8192, 4096 * 7 + 65};
  const FenInt n = (FenInt)(sizeof(first) / sizeof(*first));

  return k < n ? first[k] : (k * 7919 + 13) % (TOTAL / 2); /* a prime: all differ */
}

static void PlacesAreThoseOfASortedList(void **state)
{
  const FenInt n = 5000;
  FenIndexSet  set;
  FenInt       count, distinct = 0, *list;
  char        *in;

  (void)state;
  FEN_OK(PetscCalloc2(TOTAL, &in, n, &list));
  FEN_OK(FenIndexSetCreate(&set, TOTAL));
  for (FenInt k = 0; k < 2 * n; k++) { /* each twice */
    FEN_OK(FenIndexSetAdd(&set, Member(k % n)));
    distinct += !in[Member(k % n)];
    in[Member(k % n)] = 1;
  }
  FEN_OK(FenIndexSetCount(&set, &count));
  assert_int_equal(count, distinct);
  FenIndexSetList(&set, list);
  for (FenInt g = 0, place = 0; g < TOTAL; g++) {
    assert_int_equal(FenIndexSetHas(&set, g), in[g]);
    if (!in[g])
      continue;
    assert_int_equal(list[place], g);
    assert_int_equal(FenIndexSetRank(&set, g), place++);
  }
  FEN_OK(FenIndexSetDestroy(&set));
  FEN_OK(PetscFree2(in, list));
}

static void PagesAreMadeWhereMembersAre(void **state)
{
  FenIndexSet set;
  FenInt      count, pages = 0;

  (void)state;
  FEN_OK(FenIndexSetCreate(&set, TOTAL));
  FEN_OK(FenIndexSetCount(&set, &count));
  assert_int_equal(count, 0);
  for (FenInt g = 500000; g < 500000 + 3 * FEN_PAGE; g++)
    FEN_OK(FenIndexSetAdd(&set, g));
  FEN_OK(FenIndexSetCount(&set, &count));
  assert_int_equal(count, 3 * FEN_PAGE);
  for (FenInt k = 0; k < set.npages; k++)
    pages += set.page[k] != NULL;
  assert_int_equal(pages, 4);
  assert_false(FenIndexSetHas(&set, 0) || FenIndexSetHas(&set, TOTAL - 1));
  FEN_OK(FenIndexSetDestroy(&set));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(PlacesAreThoseOfASortedList),
    cmocka_unit_test(PagesAreMadeWhereMembersAre),
};
FEN_TEST_MAIN(tests)
