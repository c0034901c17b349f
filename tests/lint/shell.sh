#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# All shell scripts of the tree pass shellcheck. Called as: shell.sh PROGRAM, with SOURCE_DIR set.
set -euo pipefail
cd "$SOURCE_DIR"
mapfile -t scripts < <(
  find .ci cmake jobs tests docs -type f \( -name '*.sh' -o -name '*.sbatch' -o -path '.ci/*' \) | sort
)
[ ${#scripts[@]} -ge 5 ] || { echo "only ${#scripts[@]} scripts found: a wrong folder?" >&2; exit 1; }
"$1" --shell=bash --external-sources --severity=warning "${scripts[@]}"
echo "${#scripts[@]} scripts are clean"
