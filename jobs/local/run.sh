#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Runs a command again as long as it stops early with a checkpoint (status 75), as the batch scripts do, on a machine
# without a batch system.
#
#   jobs/local/run.sh mpirun -n 4 fenchel ot -source A.png -target B.png -ckpt_dir ckpt -walltime 3600 -o r.h5
#
# -restart is added, so that every start goes on from the newest checkpoint in -ckpt_dir. SIGUSR1 sent to this script is
# passed on (save and stop) and ends the loop with status 75. FEN_MAX_RESTARTS limits the number of starts (100).
set -uo pipefail

if [ $# -eq 0 ]; then
  echo "usage: $0 COMMAND ARGUMENTS...   for example: $0 mpirun -n 2 fenchel ot ... -ckpt_dir DIR" >&2
  exit 2
fi

pid=''
asked=0
trap 'asked=1; if [ -n "$pid" ]; then kill -USR1 "$pid" 2>/dev/null; fi' USR1
trap 'asked=1; if [ -n "$pid" ]; then kill -TERM "$pid" 2>/dev/null; fi' TERM INT

# the status of the command: a signal to this script ends `wait` early with a status of its own, above 128, after
# which it is asked again; 127 says that the command's status is known already
await() {
  local now
  while :; do
    now=0
    wait "$pid" || now=$?
    if [ "$now" -eq 127 ]; then break; fi
    status=$now
    if [ "$now" -le 128 ]; then break; fi
  done
}

status=75
for ((start = 0; start < ${FEN_MAX_RESTARTS:-100}; start++)); do
  "$@" -restart &
  pid=$!
  await
  pid=''
  if [ "$status" -ne 75 ] || [ "$asked" -eq 1 ]; then exit "$status"; fi
  echo "run.sh: stopped early with a checkpoint, starting again ($((start + 1)))" >&2
done
exit "$status"
