#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# The other compiler and the other integer: builds library, command and tutorial with Clang against a PETSc with 64-bit
# indices, warnings being errors, and runs the tutorial. Called by CTest with SOURCE_DIR and MPIRUN.
set -euo pipefail
work=$(mktemp -d "${TMPDIR:-/tmp}/fenchel-other.XXXXXX")
trap 'rm -rf "$work"' EXIT
module=PETSc
if pkg-config --exists PETSc64 || compgen -G '/usr/lib/petscdir/*/*/lib/pkgconfig/PETSc64.pc' >/dev/null; then
  module=PETSc64
fi
cmake -S "$SOURCE_DIR" -B "$work/build" -G Ninja -DCMAKE_C_COMPILER=clang -DCMAKE_BUILD_TYPE=Release \
  -DFEN_PETSC_MODULE=$module -DFEN_WERROR=ON -DBUILD_TESTING=ON >"$work/log" || { cat "$work/log"; exit 1; }
cmake --build "$work/build" -j 2 --target fenchel fenchel_cli tutorial_ex1 >"$work/log" || { cat "$work/log"; exit 1; }
for ranks in 1 2; do
  "$MPIRUN" --oversubscribe -n $ranks "$work/build/tutorials/ex1"
done
echo "Clang with $module: built without a warning, tutorial right"
