# SPDX-License-Identifier: BSD-2-Clause
# Installs what Fenchel needs on Debian and Ubuntu. To be sourced by sh or bash:
#
#   . "$root/cmake/debian-packages.sh"         # set FEN_PACKAGE_LIST first if the shell is not bash
#   fen_install_packages build run          # sections of debian-packages.txt
#
# Only missing packages are installed, so a second run needs neither root nor a network. Without root or sudo the exact
# command is printed and the function returns 1. FEN_SKIP_PACKAGES=1 leaves everything to the user (other systems,
# module trees); so does a machine without dpkg, after a sentence.

# prints the alternatives of each line of the named sections, one line each, blanks removed
fen_packages() {
  for fen_section in "$@"; do
    awk -v wanted="[$fen_section]" '
      /^\[/ { inside = ($1 == wanted); found += inside; next }
      inside && NF && $1 !~ /^#/ { gsub(/[ \t]/, ""); print }
      END { exit !found }' "${FEN_PACKAGE_LIST:?}" || {
      echo "fenchel: no section [$fen_section] in $FEN_PACKAGE_LIST" >&2
      return 1
    }
  done
}

fen_is_installed() {
  dpkg-query -W -f='<${db:Status-Status}>' "$1" 2>/dev/null | grep -q '<installed>'
}

# prints the packages to install, one a line: of alternatives the first that the package lists know
fen_missing_packages() {
  fen_list=$(fen_packages "$@") || return 1
  for fen_line in $fen_list; do
    fen_choice='' fen_have=no
    for fen_package in $(echo "$fen_line" | tr '|' ' '); do
      if fen_is_installed "$fen_package"; then
        fen_have=yes
        break
      fi
      if [ -z "$fen_choice" ] && apt-cache show "$fen_package" >/dev/null 2>&1; then fen_choice=$fen_package; fi
    done
    if [ $fen_have = no ]; then echo "${fen_choice:-${fen_line%%|*}}"; fi
  done
}

# as root: nothing; with a sudo that asks no password, or a person who can type one: sudo; otherwise fails
fen_root_prefix() {
  if [ "$(id -u)" -eq 0 ]; then return 0; fi
  command -v sudo >/dev/null 2>&1 || return 1
  if sudo -n true 2>/dev/null || [ -t 0 ]; then
    echo sudo
    return 0
  fi
  return 1
}

fen_install_packages() {
  if [ "${FEN_SKIP_PACKAGES:-0}" = 1 ]; then return 0; fi
  if ! command -v dpkg-query >/dev/null 2>&1 || ! command -v apt-get >/dev/null 2>&1; then
    echo "fenchel: this is no Debian or Ubuntu machine; docs/install.md says what has to be there" >&2
    return 0
  fi
  fen_missing=$(fen_missing_packages "$@") || return 1
  if [ -z "$fen_missing" ]; then return 0; fi
  if ! fen_root=$(fen_root_prefix); then
    echo "fenchel: packages are missing and this is neither root nor can it use sudo. Please have installed:" >&2
    echo "  apt-get install --no-install-recommends $(echo "$fen_missing" | tr '\n' ' ')" >&2
    return 1
  fi
  echo "fenchel: installing $(echo "$fen_missing" | tr '\n' ' ')"
  $fen_root apt-get update -qq || echo "fenchel: apt-get update failed; trying with the package lists at hand" >&2
  fen_missing=$(fen_missing_packages "$@") || return 1 # the names may differ now that the lists are there
  # shellcheck disable=SC2086  # a list of names
  $fen_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $fen_missing || {
    echo "fenchel: apt-get could not install: $(echo "$fen_missing" | tr '\n' ' ')" >&2
    return 1
  }
}

# the list lies beside this file; a POSIX shell does not say where a sourced file is, so callers may set it themselves
if [ -z "${FEN_PACKAGE_LIST:-}" ]; then
  # shellcheck disable=SC3028,SC3054  # only read when the shell is bash
  FEN_PACKAGE_LIST=$(dirname "${BASH_SOURCE:-$0}")/debian-packages.txt
fi
