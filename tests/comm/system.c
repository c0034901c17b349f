/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Start, version, clocks, signals, memory.
*/
#include <fentest.h>
#include <fenchellayout.h>
#include <dlfcn.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

static void PackageIsInitializedOnce(void **state)
{
  const PetscClassId before = FENLAYOUT_CLASSID;

  (void)state;
  assert_true(before != 0);
  FEN_OK(FenInitializePackage());
  FEN_OK(FenInitialize(NULL, NULL, NULL, NULL));
  assert_int_equal(before, FENLAYOUT_CLASSID);
}

static void VersionMatchesHeader(void **state)
{
  const char *version;
  char        expected[32];

  (void)state;
  FEN_OK(FenGetVersion(&version));
  snprintf(expected, sizeof(expected), "%d.%d.%d", FEN_VERSION_MAJOR, FEN_VERSION_MINOR, FEN_VERSION_PATCH);
  assert_string_equal(version, expected);
  assert_true(FEN_VERSION_GE(0, 1, 0) && !FEN_VERSION_GE(99, 0, 0));
}

static void ConfigurationNamesWhatItWasBuiltWith(void **state)
{
  char text[1024], bits[32];

  (void)state;
  FEN_OK(FenGetConfiguration(text, sizeof(text)));
  snprintf(bits, sizeof(bits), "petscint: %d bits", (int)(8 * sizeof(PetscInt)));
  assert_non_null(strstr(text, "fenchel: " FEN_VERSION_STRING));
  assert_non_null(strstr(text, "compiler: "));
  assert_non_null(strstr(text, "petsc: 3."));
  assert_non_null(strstr(text, "mpi: "));
  assert_non_null(strstr(text, bits));
  FEN_ERROR(FenGetConfiguration(text, 20), FEN_ERR_SIZE, "too few");
}

static void LibraryThreads(void **state)
{
  void *symbol = dlsym(RTLD_DEFAULT, "omp_get_max_active_levels"); /* CHOLMOD brings it */
  int (*levels)(void);

  (void)state;
  assert_string_equal(getenv("OPENBLAS_NUM_THREADS"), "1");
  memcpy(&levels, &symbol, sizeof(levels));
  if (symbol)
    assert_int_equal(levels(), 0);
  FEN_OK(FenSetLibraryThreads(2));
  if (symbol)
    assert_int_equal(levels(), 1);
  FEN_OK(FenSetLibraryThreads(1));
  if (symbol)
    assert_int_equal(levels(), 0);
  FEN_ERROR(FenSetLibraryThreads(0), FEN_ERR_USAGE, "must be positive");
}

static void WallTimePasses(void **state)
{
  const struct timespec pause = {0, 20000000};
  const double          start = FenWallTime();

  (void)state;
  nanosleep(&pause, NULL);
  assert_true(FenWallTime() - start >= 0.02);
  assert_true(FenWallTime() - start < 60);
}

static void LimitComesFromTheBatchSystem(void **state)
{
  static const char *const nonsense[] = {"", "soon", "12x", "-5", "99999999999999999999999"};
  char                     text[32];

  (void)state;
  unsetenv("SLURM_JOB_END_TIME");
  assert_true(isinf(FenWallTimeLimit()) && FenWallTimeLimit() > 0);
  snprintf(text, sizeof(text), "%lld", (long long)time(NULL) + 1000);
  setenv("SLURM_JOB_END_TIME", text, 1);
  FEN_ASSERT_NEAR(FenWallTimeLimit(), 999, 5);
  setenv("SLURM_JOB_END_TIME", "1000", 1);
  assert_true(FenWallTimeLimit() < 0);
  for (size_t i = 0; i < sizeof(nonsense) / sizeof(nonsense[0]); i++) {
    setenv("SLURM_JOB_END_TIME", nonsense[i], 1);
    assert_true(isinf(FenWallTimeLimit()));
  }
  unsetenv("SLURM_JOB_END_TIME");
}

static void SignalsAreCounted(void **state)
{
  (void)state;
  FEN_OK(FenSignalCatch(SIGUSR1));
  assert_int_equal(FenSignalCaught(SIGUSR1), 0);
  raise(SIGUSR1);
  raise(SIGUSR1);
  assert_int_equal(FenSignalCaught(SIGUSR1), 2);
  assert_int_equal(FenSignalCaught(SIGUSR2), 0);
  FEN_OK(FenSignalCatch(SIGUSR1));
  assert_int_equal(FenSignalCaught(SIGUSR1), 0);
  signal(SIGUSR1, SIG_DFL);
  FEN_ERROR(FenSignalCatch(SIGKILL), FEN_ERR_USAGE, "cannot be caught");
  FEN_ERROR(FenSignalCatch(0), FEN_ERR_USAGE, "not a signal");
  FEN_ERROR(FenSignalCatch(1000), FEN_ERR_USAGE, "not a signal");
  assert_int_equal(FenSignalCaught(-1), 0);
}

/* one rank fills 64 MiB; all ranks must see it */
static void MemoryPeakIsThatOfTheLargestRank(void **state)
{
  const size_t size = (size_t)64 << 20;
  double       before, after;
  int          rank;

  (void)state;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  FEN_OK(FenMemoryPeak(MPI_COMM_WORLD, &before));
  if (rank == 0) {
    volatile char *p = (volatile char *)malloc(size);

    for (size_t i = 0; i < size; i += 1024)
      p[i] = 1;
    free((void *)p);
  }
  FEN_OK(FenMemoryPeak(MPI_COMM_WORLD, &after));
  FEN_ASSERT_ALL(before > 1e6 && after - before > 0.5 * (double)size && after < 1e12);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(PackageIsInitializedOnce),
    cmocka_unit_test(VersionMatchesHeader),
    cmocka_unit_test(ConfigurationNamesWhatItWasBuiltWith),
    cmocka_unit_test(LibraryThreads),
    cmocka_unit_test(WallTimePasses),
    cmocka_unit_test(LimitComesFromTheBatchSystem),
    cmocka_unit_test(SignalsAreCounted),
    cmocka_unit_test(MemoryPeakIsThatOfTheLargestRank),
};
FEN_TEST_MAIN(tests)
