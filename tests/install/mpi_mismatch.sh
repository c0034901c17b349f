#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Configuring must fail with a sentence when a library uses another MPI than the compiler, or none where one is needed.
# Other MPIs need not be installed: a library that asks the loader for libmpich.so.12 is enough.
set -euo pipefail
work=$(mktemp -d "${TMPDIR:-/tmp}/fenchel-mpi.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir "$work/include" "$work/pc"

echo 'int MPI_Init(int *c, char ***v) { return c && v; }' >"$work/mpich.c"
cc -shared -fPIC -Wl,-soname,libmpich.so.12 -o "$work/libmpich.so.12" "$work/mpich.c"
echo 'int MPI_Init(int *, char ***); int H5open(void); int H5open(void) { return MPI_Init(0, 0); }' >"$work/user.c"
for name in hdf5 scalapack; do
  cc -shared -fPIC -o "$work/lib${name}_other.so" "$work/user.c" "$work/libmpich.so.12"
  printf 'Name: %s\nDescription: with another MPI\nVersion: 9\nLibs: -L%s -l%s_other\nCflags: -I%s\n' \
    $name "$work" $name "$work/include" >"$work/pc/$name-other.pc"
done
echo '#define H5_HAVE_PARALLEL 1' >"$work/include/hdf5.h"
cc -shared -fPIC -o "$work/libhdf5_serial.so" "$work/mpich.c"
mkdir "$work/serial"
echo '#undef H5_HAVE_PARALLEL' >"$work/serial/hdf5.h"
printf 'Name: hdf5\nDescription: serial\nVersion: 9\nLibs: -L%s -lhdf5_serial\nCflags: -I%s/serial\n' \
  "$work" "$work" >"$work/pc/hdf5-none.pc"

export PKG_CONFIG_PATH=$work/pc${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
refused() { # refused SENTENCE -DOPTION...
  local sentence=$1
  shift
  rm -rf "$work/build"
  if cmake -S "$SOURCE_DIR" -B "$work/build" -DBUILD_TESTING=OFF "$@" >"$work/log" 2>&1; then
    echo "FAIL: configured with $*" >&2
    exit 1
  fi
  tr -s ' \n' '  ' <"$work/log" | grep -qF "$sentence" || {
    echo "FAIL: with $* the message lacks '$sentence':" >&2
    cat "$work/log" >&2
    exit 1
  }
}
refused "HDF5 (pkg-config module hdf5-other) was built with MPICH's interface (libmpich.so.12), but the MPI compiler" \
  -DFEN_HDF5_MODULE=hdf5-other
refused "ScaLAPACK (pkg-config module scalapack-other) was built with MPICH's interface (libmpich.so.12)" \
  -DFEN_SCALAPACK_MODULE=scalapack-other
refused "HDF5 (pkg-config module hdf5-none) was built without MPI" -DFEN_HDF5_MODULE=hdf5-none
echo "other MPIs are refused"
