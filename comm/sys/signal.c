/* SPDX-License-Identifier: BSD-2-Clause */
/*
   Signals, counted. Programs call FenSignalCatch; the library itself never installs a handler.
*/
#include "../commimpl.h"
#include <signal.h>

#define FEN_MAX_SIGNAL 64

static volatile sig_atomic_t fen_signal_count[FEN_MAX_SIGNAL + 1];

static void FenSignalHandler(int signal)
{
  fen_signal_count[signal] = fen_signal_count[signal] + 1;
}

/*@
  FenSignalCatch - From now on counts a signal instead of letting it end the program.

  Not Collective

  Input Parameter:
. signal - number of the signal, for example SIGUSR1

  Note:
  For programs only. Sets the count of the signal to zero; calls that the signal interrupts are restarted.

  Errors:
  `FEN_ERR_USAGE` for a number that is no signal or cannot be caught.

  Level: intermediate

.seealso: `FenSignalCaught()`
@*/
PetscErrorCode FenSignalCatch(int signal)
{
  struct sigaction action;

  PetscFunctionBegin;
  PetscCheck(signal > 0 && signal <= FEN_MAX_SIGNAL, PETSC_COMM_SELF, FEN_ERR_USAGE, "%d is not a signal", signal);
  fen_signal_count[signal] = 0;
  PetscCall(PetscMemzero(&action, sizeof(action)));
  action.sa_handler = FenSignalHandler;
  action.sa_flags = SA_RESTART;
  (void)sigemptyset(&action.sa_mask);
  PetscCheck(!sigaction(signal, &action, NULL), PETSC_COMM_SELF, FEN_ERR_USAGE, "signal %d cannot be caught", signal);
  PetscFunctionReturn(0);
}

/*@
  FenSignalCaught - How often a signal has arrived since `FenSignalCatch()`.

  Not Collective

  Input Parameter:
. signal - number of the signal

  Level: intermediate

.seealso: `FenSignalCatch()`
@*/
int FenSignalCaught(int signal)
{
  return signal > 0 && signal <= FEN_MAX_SIGNAL ? (int)fen_signal_count[signal] : 0;
}
