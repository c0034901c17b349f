/* SPDX-License-Identifier: BSD-2-Clause */
/*
   What every unit test of Fenchel shares: cmocka under MPI. A test file ends with FEN_TEST_MAIN(tests); rank 0 prints
   the list of tests, all ranks print their failures, and all ranks return the same status.

   A plain cmocka assertion that fails on one rank only leaves the others waiting in their next collective call. Where
   the outcome may differ between ranks, use FEN_ASSERT_ALL.
*/
#pragma once
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <setjmp.h>
#include <string.h>
#include <math.h>
#include <cmocka.h>
#include <fenchelsys.h>

/* no error may come out of this call */
#define FEN_OK(call) assert_int_equal((int)(call), 0)

/* collective on MPI_COMM_WORLD: fails on all ranks if it is false on any */
#define FEN_ASSERT_ALL(condition) FenTestAll((condition) ? 1 : 0, #condition, __FILE__, __LINE__)
static inline void FenTestAll(int mine, const char condition[], const char file[], int line)
{
  int all = 0;
  if (!mine) {
    int rank = -1;
    (void)MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    fprintf(stderr, "rank %d: %s:%d: not true: %s\n", rank, file, line, condition);
  }
  (void)MPI_Allreduce(&mine, &all, 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD);
  _assert_true((unsigned long)all, condition, file, line);
}

/* |a - b| <= tol, NaN fails */
#define FEN_ASSERT_NEAR(a, b, tol) FenTestNear((a), (b), (tol), __FILE__, __LINE__)
static inline void FenTestNear(double a, double b, double tol, const char file[], int line)
{
  if (fabs(a - b) <= tol)
    return;
  print_error("%.17g and %.17g differ by %.3g > %.3g\n", a, b, fabs(a - b), tol);
  _fail(file, line);
}

/* the call must end with this error code and a message that contains this text */
#define FEN_ERROR(call, code, text)                                                                                    \
  do {                                                                                                                 \
    int fentest_code_;                                                                                                 \
    FenTestMessage()[0] = 0;                                                                                           \
    FEN_OK(PetscPushErrorHandler(FenTestHandler, NULL));                                                               \
    fentest_code_ = (int)(call);                                                                                       \
    FEN_OK(PetscPopErrorHandler());                                                                                    \
    assert_int_equal(fentest_code_, (int)(code));                                                                      \
    if (!strstr(FenTestMessage(), text)) {                                                                             \
      print_error("message without \"%s\": %s\n", text, FenTestMessage());                                             \
      fail();                                                                                                          \
    }                                                                                                                  \
  } while (0)
static inline char *FenTestMessage(void)
{
  static char message[2048];
  return message;
}
static inline PetscErrorCode FenTestHandler(MPI_Comm comm, int line, const char *function, const char *file,
                                            PetscErrorCode code, PetscErrorType type, const char *message, void *ctx)
{
  (void)comm, (void)line, (void)function, (void)file, (void)ctx;
  if (type == PETSC_ERROR_INITIAL && message)
    snprintf(FenTestMessage(), 2048, "%s", message);
  return code;
}

#define FEN_TEST_MAIN(tests)                                                                                           \
  int main(int argc, char **argv)                                                                                      \
  {                                                                                                                    \
    int status;                                                                                                        \
    if (!FenTestStart(&argc, &argv))                                                                                   \
      return 1;                                                                                                        \
    status = cmocka_run_group_tests_name(__FILE__, tests, NULL, NULL);                                                 \
    return FenTestEnd(status);                                                                                         \
  }
static inline int FenTestStart(int *argc, char ***argv)
{
  int rank = 0;
  if (FenInitialize(argc, argv, NULL, NULL))
    return 0;
  (void)MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  return !rank || freopen("/dev/null", "w", stdout);
}
static inline int FenTestEnd(int status)
{
  int mine = status != 0, any = 1;
  (void)MPI_Allreduce(&mine, &any, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
  if (FenFinalize())
    any = 1;
  return any;
}
