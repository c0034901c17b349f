#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Writes docs/options.md and docs/errors.md from the program itself.
#
#   docs/gen/generate.sh BUILD_DIR            writes the two pages
#   docs/gen/generate.sh BUILD_DIR --check    compares the pages of the tree with what would be written
set -euo pipefail
docs=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=$(cd "${1:?usage: generate.sh BUILD_DIR [--check]}" && pwd)
mode=${2:-write}
fenchel=$build/bin/fenchel
work=$(mktemp -d "${TMPDIR:-/tmp}/fenchel-docs.XXXXXX")
trap 'rm -rf "$work"' EXIT
export PETSC_OPTIONS='' OPENBLAS_NUM_THREADS=1 COLUMNS=100 # the drawing script breaks its lines there
cd "$work" # no .petscrc of the caller

{
  cat <<'END'
# Options

This page is written by `docs/gen/generate.sh` from the help texts of the program; do not edit it.

Options are given on the command line, in a file with `-options_file FILE`, in a YAML file with
`-options_file_yaml FILE`, or in the environment variable `PETSC_OPTIONS`. An option that no verb knows is an error, and
the message suggests the nearest name. PETSc's own options, `-log_view` for example, work too.
END
  printf '\n## fenchel\n\n```text\n'
  "$fenchel" --help
  printf '```\n'
  for verb in ot bilevel mdp verify info plot; do
    printf '\n## fenchel %s\n\n```text\n' $verb
    "$fenchel" $verb -h
    printf '```\n'
  done
} >options.md
"$build/docs/gen/errors" >errors.md
for page in options errors; do
  [ "$(wc -l <$page.md)" -gt 20 ] || { echo "the program printed hardly anything for $page.md" >&2; exit 1; }
done

if [ "$mode" = --check ]; then
  for page in options errors; do
    diff -u "$docs/$page.md" $page.md || {
      echo "docs/$page.md is not what the program says; run docs/gen/generate.sh $build" >&2
      exit 1
    }
  done
  echo "docs/options.md and docs/errors.md are up to date"
else
  cp options.md errors.md "$docs/"
fi
