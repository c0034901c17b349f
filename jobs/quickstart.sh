#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# From a fresh checkout to certified transport between photographs: installs what is missing, builds, runs.
#
#   ./jobs/quickstart.sh            from any folder, again and again; a second run takes under a minute
#
# FEN_QUICKSTART_DIR names the folder for results (build/quickstart), FEN_RANKS the number of ranks (2),
# FEN_SKIP_PACKAGES=1 leaves the packages to the user.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
out=${FEN_QUICKSTART_DIR:-$root/build/quickstart}
ranks=${FEN_RANKS:-2}

# shellcheck source=cmake/debian-packages.sh
. "$root/cmake/debian-packages.sh"
fen_install_packages build run

if [ "$(id -u)" -eq 0 ]; then # Open MPI refuses root unless told; ordinary users need nothing
  export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
fi

say() { printf '\n== %s\n' "$*"; }

say "build"
testing=OFF # the tests need further packages, which ./tests/run.sh installs
if pkg-config --exists cmocka; then testing=ON; fi
(cd "$root" && cmake --preset release -DBUILD_TESTING=$testing >/dev/null && cmake --build --preset release -- --quiet)
fenchel=$root/build/release/bin/fenchel
mkdir -p "$out"

# photographs that python3-skimage ships
photo() {
  local file
  file=$(dpkg -L python3-skimage python3-skimage-lib 2>/dev/null | grep "/data/$1\$" | head -n 1 || true)
  if [ -z "$file" ]; then
    file=$(python3 -c "import os, skimage; print(os.path.dirname(skimage.__file__) + '/data/$1')")
  fi
  if [ ! -r "$file" ]; then
    echo "quickstart: the photograph $1 of python3-skimage is not there" >&2
    return 1
  fi
  echo "$file"
}

# run NAME SOURCE TARGET OPTIONS...: solve, verify, draw
run() {
  local name=$1 source=$2 target=$3
  shift 3
  mpirun --oversubscribe -n "$ranks" "$fenchel" ot -source "$source" -target "$target" -o "$out/$name.h5" -overwrite \
    -summary "$out/$name.json" -skip_petscrc "$@"
  mpirun --oversubscribe -n "$ranks" "$fenchel" verify "$out/$name.h5" -skip_petscrc
  "$fenchel" plot "$out/$name.h5" -o "$out/$name.png" -overwrite
}

say "colour transfer: the coffee cup in the colours of the astronaut, 144 x 144 = 20,736 points a side"
run colours "$(photo coffee.png)" "$(photo astronaut.png)" -source_kind rgb -target_kind rgb \
  -source_resize 144,144 -target_resize 144,144 -ot_eps 0.005 -ot_gap_rel 1e-3 -map

say "image densities: from the cameraman to the coins, 256 x 256 pixels a side"
run densities "$(photo camera.png)" "$(photo coins.png)" -source_kind grid -target_kind grid \
  -source_resize 256,256 -target_resize 256,256 -ot_eps 4 -ot_gap_rel 1e-3 -map

say "results"
for name in colours densities; do
  echo "$out/$name.json"
  cat "$out/$name.json"
done
echo
echo "pictures:  $out/colours.png"
echo "           $out/densities.png"
echo "results:   $out/colours.h5, $out/densities.h5 (densities.xmf opens in ParaView)"
