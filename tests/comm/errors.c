/* SPDX-License-Identifier: BSD-2-Clause */
/*
   The error catalogue, agreement on a fault of some rank, and checked sizes.
*/
#include <fentest.h>

static void CatalogueIsComplete(void **state)
{
  (void)state;
  for (int code = FEN_ERR_FIRST + 1; code < FEN_ERR_LAST; code++) {
    const char *name, *sentence, *remedy;
    int         status = -1;

    FEN_OK(FenErrorGet(code, &name, &sentence, &remedy, &status));
    assert_true(strlen(name) > 2 && strlen(sentence) > 10 && strlen(remedy) > 10);
    assert_true(status == 1 || status == 2);
  }
}

static void CodesOfOthersHaveNoText(void **state)
{
  const int codes[] = {0, 62, FEN_ERR_FIRST, FEN_ERR_LAST, -5};

  (void)state;
  for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
    const char *name = "x";
    int         status = 0;

    FEN_OK(FenErrorGet(codes[i], &name, NULL, NULL, &status));
    assert_null(name);
    assert_int_equal(status, 1);
  }
}

static void NamesAndStatuses(void **state)
{
  const char *name;
  int         status;

  (void)state;
  FEN_OK(FenErrorGet(FEN_ERR_MASS, &name, NULL, NULL, &status));
  assert_string_equal(name, "MASS");
  assert_int_equal(status, 2);
  FEN_OK(FenErrorGet(FEN_ERR_NUMERIC, &name, NULL, NULL, &status));
  assert_string_equal(name, "NUMERIC");
  assert_int_equal(status, 1);
}

static void FirstFaultIsKept(void **state)
{
  FenFault fault = {0};

  (void)state;
  FenFaultSet(&fault, FEN_ERR_VALUE, "weights[%d] = %g", 3, -1.);
  FenFaultSet(&fault, FEN_ERR_SHAPE, "later");
  assert_int_equal(fault.code, FEN_ERR_VALUE);
  assert_string_equal(fault.message, "weights[3] = -1");
}

static void NoFaultNoError(void **state)
{
  const FenFault none = {0};

  (void)state;
  FEN_OK(FenFaultAgree(MPI_COMM_WORLD, &none));
}

/* every rank in turn has the fault; all must get its code and its very words */
static void FaultOfOneBecomesThatOfAll(void **state)
{
  int rank, size;

  (void)state;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  for (int guilty = 0; guilty < size; guilty++) {
    FenFault fault = {0};
    char     expected[64];

    if (rank == guilty)
      FenFaultSet(&fault, FEN_ERR_FILE_FORMAT, "a.h5:/w: rank %d, 100%% wrong", rank);
    snprintf(expected, sizeof(expected), "a.h5:/w: rank %d, 100%% wrong", guilty);
    FEN_ERROR(FenFaultAgree(MPI_COMM_WORLD, &fault), FEN_ERR_FILE_FORMAT, expected);
    assert_string_equal(FenTestMessage(), expected);
  }
}

static void LowestRankWins(void **state)
{
  FenFault fault = {0};
  char     expected[64];
  int      rank, size;

  (void)state;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  if (rank || size == 1)
    FenFaultSet(&fault, FEN_ERR_VALUE + rank, "rank %d", rank);
  snprintf(expected, sizeof(expected), "rank %d", size == 1 ? 0 : 1);
  FEN_ERROR(FenFaultAgree(MPI_COMM_WORLD, &fault), FEN_ERR_VALUE + (size == 1 ? 0 : 1), expected);
}

static void LongMessagesAreCut(void **state)
{
  FenFault fault = {0};
  char     text[3000];

  (void)state;
  memset(text, 'x', sizeof(text) - 1);
  text[sizeof(text) - 1] = 0;
  FenFaultSet(&fault, FEN_ERR_VALUE, "%s", text);
  assert_int_equal(strlen(fault.message), sizeof(fault.message) - 1);
  FEN_ERROR(FenFaultAgree(MPI_COMM_WORLD, &fault), FEN_ERR_VALUE, "xxxx");
}

static void ProductsAreChecked(void **state)
{
  const FenInt big = (FenInt)1 << 32;
  FenInt       c = 0;

  (void)state;
  FEN_OK(FenIntMult(3000000000, 3, &c));
  assert_true(c == 9000000000);
  FEN_OK(FenIntMult(0, INT64_MAX, &c));
  assert_true(c == 0);
  FEN_OK(FenIntMult(big, big / 4, &c));
  assert_true(c == (FenInt)1 << 62);
  FEN_ERROR(FenIntMult(big, big / 2, &c), FEN_ERR_SIZE, "4294967296 times 2147483648");
}

static void CastsAreChecked(void **state)
{
  PetscMPIInt m = 0;
  PetscInt    i = 0;

  (void)state;
  FEN_OK(FenIntCast(INT32_MAX, &i));
  assert_true(i == INT32_MAX);
  FEN_OK(FenMPIIntCast(INT32_MAX, &m));
  assert_true(m == INT32_MAX);
  FEN_ERROR(FenMPIIntCast((FenInt)INT32_MAX + 1, &m), FEN_ERR_SIZE, "2147483648");
  FEN_ERROR(FenMPIIntCast(-1, &m), FEN_ERR_SIZE, "-1");
  if (sizeof(PetscInt) == 4)
    FEN_ERROR(FenIntCast((FenInt)INT32_MAX + 1, &i), FEN_ERR_SIZE, "32 bits");
  else
    FEN_OK(FenIntCast((FenInt)INT32_MAX + 1, &i));
}

static void BytesAreChecked(void **state)
{
  size_t bytes = 0;

  (void)state;
  FEN_OK(FenBytes(1000, 8, &bytes));
  assert_int_equal(bytes, 8000);
  FEN_ERROR(FenBytes((FenInt)1 << 61, 8, &bytes), FEN_ERR_SIZE, "impossible");
  FEN_ERROR(FenBytes((FenInt)1 << 60, 8, &bytes), FEN_ERR_SIZE, "impossible");
  FEN_ERROR(FenBytes(-1, 8, &bytes), FEN_ERR_SIZE, "-1 entries");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(CatalogueIsComplete), cmocka_unit_test(CodesOfOthersHaveNoText),
    cmocka_unit_test(NamesAndStatuses),    cmocka_unit_test(FirstFaultIsKept),
    cmocka_unit_test(NoFaultNoError),      cmocka_unit_test(FaultOfOneBecomesThatOfAll),
    cmocka_unit_test(LowestRankWins),      cmocka_unit_test(LongMessagesAreCut),
    cmocka_unit_test(ProductsAreChecked),  cmocka_unit_test(CastsAreChecked),
    cmocka_unit_test(BytesAreChecked),
};
FEN_TEST_MAIN(tests)
