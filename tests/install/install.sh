#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Installs Fenchel under a temporary prefix and builds and runs a program outside its tree against what is installed,
# once through find_package(Fenchel) and once through pkg-config. Called by CTest with SOURCE_DIR, BUILD_DIR and MPIRUN.
set -euo pipefail
work=$(mktemp -d "${TMPDIR:-/tmp}/fenchel-install.XXXXXX")
trap 'rm -rf "$work"' EXIT
prefix=$work/a\ prefix # with a blank: paths are data
cmake --install "$BUILD_DIR" --prefix "$prefix" >"$work/install.log"

fail() {
  echo "FAIL: $*" >&2
  exit 1
}

# ---- what has to be there ----
libdir=$(dirname "$(find "$prefix" -name 'libfenchel.*' -print -quit)")
for header in fenchelsys fenchellayout fenchelpairs fenchelstate fenchelio fenchelmeasure fenchelsolver fenchelot; do
  [ -f "$prefix/include/fenchel/$header.h" ] || fail "$header.h is not installed"
done
if [ -n "$(find "$prefix/include" -name '*impl.h')" ]; then fail "a private header is installed"; fi
[ -x "$prefix/bin/fenchel" ] || fail "the command is not installed"
[ -n "$(find "$prefix/share" -name LICENSE)" ] || fail "the licence is not installed"
if [ -e "$libdir/libfenchel.so" ]; then
  objdump -p "$libdir/libfenchel.so" | grep 'SONAME *libfenchel\.so\.0$' >/dev/null || fail "libfenchel has no soname"
fi
"$prefix/bin/fenchel" --version >"$work/version" || fail "the installed command does not start"
grep -q '0\.1\.0' "$work/version" || fail "the installed command says another version: $(cat "$work/version")"

run() {
  for ranks in 1 2; do
    "$MPIRUN" --oversubscribe -n $ranks "$1" || fail "$1 on $ranks ranks"
  done
}

# ---- through CMake; warnings of our headers in a strict program are errors ----
cmake -S "$SOURCE_DIR/tests/install/outside" -B "$work/cmake" -DCMAKE_PREFIX_PATH="$prefix" \
  -DCMAKE_C_FLAGS="${FEN_OUTSIDE_CFLAGS:-} -Wall -Wextra -Werror" >"$work/configure.log" ||
  { cat "$work/configure.log"; fail "find_package(Fenchel)"; }
cmake --build "$work/cmake" || fail "the outside program does not build through CMake"
run "$work/cmake/outside"

# ---- through pkg-config, as a makefile would do it ----
export PKG_CONFIG_PATH="$libdir/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}"
ln -s "$prefix" "$work/prefix" # pkg-config escapes blanks, a makefile's shell words do not survive them
sed -i "s|^prefix=.*|prefix=$work/prefix|" "$libdir/pkgconfig/fenchel.pc"
[ "$(pkg-config --modversion fenchel)" = 0.1.0 ] || fail "fenchel.pc has another version"
static=''
if [ ! -e "$libdir/libfenchel.so" ]; then static=--static; fi
# shellcheck disable=SC2046,SC2086  # flags are words
"$(pkg-config --variable=ccompiler fenchel)" ${FEN_OUTSIDE_CFLAGS:-} "$SOURCE_DIR/tests/install/outside/outside.c" \
  -o "$work/outside" $(pkg-config $static --cflags --libs fenchel) -Wl,-rpath,"$work/prefix/${libdir#"$prefix"/}" -lm ||
  fail "the outside program does not build through pkg-config"
run "$work/outside"

# ---- a version that is not there is refused ----
mkdir "$work/newer"
sed 's/Fenchel 0\.1/Fenchel 7.0/' "$SOURCE_DIR/tests/install/outside/CMakeLists.txt" >"$work/newer/CMakeLists.txt"
if cmake -S "$work/newer" -B "$work/newer/build" -DCMAKE_PREFIX_PATH="$prefix" >"$work/newer.log" 2>&1; then
  fail "find_package(Fenchel 7.0) was satisfied by version 0.1.0"
fi
grep -q 'Fenchel' "$work/newer.log" || fail "configure failed for another reason: $(cat "$work/newer.log")"
echo "installed tree works"
