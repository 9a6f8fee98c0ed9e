# shellcheck shell=sh
# Shared by the scripts beside it, which source it. POSIX sh, because Alpine comes without bash.
#
# Each system's script turns the name of a set into package names; the functions here install those that are missing.
# What is there already is found by asking the local package database alone: a second run takes a moment and works offline.

set -eu
# Package words may hold patterns (libspdlog[0-9]*). They are matched against package names, never against files.
set -f

say() { printf 'requirements: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

os_release=${OS_RELEASE:-/etc/os-release}  # another one for tests

# What this system calls itself, and those that it says it is like, the nearest first: os-release(5).
system_ids() {
  [ -r "$os_release" ] || return 0
  # shellcheck source=/dev/null
  (. "$os_release" && echo "${ID:-} ${ID_LIKE:-}")
}

# The script that serves this machine, without its .sh; nothing where none does. Oracle Linux is like Rocky, though it
# calls itself like Fedora.
system_script() {
  for id in $(system_ids); do
    case $id in
      debian | ubuntu | alpine | fedora) echo "$id" ;;
      rocky | almalinux | rhel | centos | ol) echo rocky ;;
      *) continue ;;
    esac
    return
  done
}

# Whether the script with this path is the one that serves this machine.
is_mine() { [ "$(system_script)" = "$(basename "$1" .sh)" ]; }

# The package of the compiler that CC or CXX asks for, besides the usual one.
asked_compiler() { case "${CC:-} ${CXX:-}" in *clang*) echo clang ;; esac; }

# Ends the script unless its argument names one of the sets.
check_set() {
  case ${1:-} in
    build | test | monitoring | page | lint | coverage | bench | run) asked_set=$1 ;;
    *) say "which set? one of: build, test, monitoring, page, lint, coverage, bench, run"; exit 64 ;;
  esac
}

# Prints nothing unless the command fails: then, what it said. Its input is empty: what waits on ours is for the daemon.
quietly() {
  quietly_log=$(mktemp)
  quietly_status=0
  "$@" >"$quietly_log" 2>&1 </dev/null || quietly_status=$?
  [ "$quietly_status" -eq 0 ] || cat "$quietly_log" >&2
  rm -f "$quietly_log"
  return "$quietly_status"
}

as_root() { if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi; }

# Says what is about to be installed, or that nobody here may do so. A password is asked for here, where it can be seen.
announce() {
  if [ "$(id -u)" -ne 0 ] && ! { command -v sudo && { sudo -n true 2>&1 || sudo -v; }; } >/dev/null; then
    fail "missing packages: $*. Installing them needs root, and sudo does not help here: as root, run $0 $asked_set"
  fi
  say "installing $*"
}

# missing_of INSTALLED WORD...: the words that no installed package (one a line) satisfies. A word is a package's name,
# several of them ("a|b": whichever the release has), or PARENT/PATTERN as apt_install explains.
missing_of() {
  newline='
'
  missing_installed=$newline$1$newline
  shift
  for word; do
    is_missing=yes
    for name in $(echo "${word#*/}" | tr '|' ' '); do
      # $name is unquoted on purpose: it may be a pattern.
      # shellcheck disable=SC2027,SC2254
      case $missing_installed in *"$newline"$name"$newline"*) is_missing=no ;; esac
    done
    [ $is_missing = no ] || echo "$word"
  done
}
