#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Installs what the tests need, configures, builds, runs all tests.
#
#   ./tests/run.sh                   everything
#   ./tests/run.sh -L restart        arguments are handed to ctest: one label ...
#   ./tests/run.sh -R newton -V      ... or some names
#
# FEN_PRESET chooses another preset of CMakePresets.json (release), FEN_JOBS the number of compile jobs and of tests at
# a time (the cores, at most 8, at least 2), FEN_SKIP_PACKAGES=1 leaves the packages to the user.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
preset=${FEN_PRESET:-release}
cores=$(nproc 2>/dev/null || echo 2)
jobs=${FEN_JOBS:-$((cores < 2 ? 2 : cores > 8 ? 8 : cores))}

# shellcheck source=cmake/debian-packages.sh
. "$root/cmake/debian-packages.sh"
fen_install_packages build run test

if [ "$(id -u)" -eq 0 ]; then # Open MPI refuses root unless told; ordinary users need nothing
  export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
fi
cmake --preset "$preset" -DBUILD_TESTING=ON
cmake --build --preset "$preset" -j "$jobs"
exec ctest --preset "$preset" --output-on-failure -j "$jobs" "$@"
