#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Builds what is missing, measures speed and memory, prints tables and writes them to build/release/bench/bench.md.
#
#   ./tests/bench/bench.sh                     everything, a few hours on two quiet cores
#   ./tests/bench/bench.sh kernels pot         some parts; the tables of the others stay as they were
#   ./tests/bench/bench.sh --runs 5 --write    five runs of each; the tables become docs/performance-measured.md
#   ./tests/bench/bench.sh --help              parts and options
#
# Every single measurement is also added to build/release/bench/raw.jsonl, as soon as it is there.
#
# Measure on an idle machine: the load average is written beside every table. FEN_BENCH_BUILD names another build tree,
# FEN_SKIP_PACKAGES=1 leaves the packages to the user.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=${FEN_BENCH_BUILD:-$root/build/release}

# shellcheck source=cmake/debian-packages.sh
. "$root/cmake/debian-packages.sh"
fen_install_packages build run test

if [ ! -f "$build/build.ninja" ]; then
  (cd "$root" && cmake --preset release -B "$build" -DBUILD_TESTING=ON)
fi
cmake --build "$build" --target fenchel_cli bench_kernels bench_solve bench_halfstep bench_save bench_srect \
  bench_bellman bench_mdptypes bench_bilevel bench_bilevelwork bench_bilevelbounds bench_messages \
  -- --quiet
python=$(command -v /usr/bin/python3 || command -v python3)
exec "$python" -B "$root/tests/bench/bench.py" --build "$build" "$@"
