#!/bin/sh
# Configures and builds one preset of CMakePresets.json, and is silent when nothing is to do.
#   build.sh PRESET [-k N] [TARGET...]     -k as ninja has it: 0 goes on after any number of errors
# In the environment: CMAKE_OPTS, further options of CMake such as -DTCP_ECHO_DEFAULT_PORT=7; CC and CXX, the compilers.
# All output goes to stderr: run.sh leaves stdout to the daemon.
set -eu
cd "$(dirname "$0")/.."
preset=$1
shift
keep_going=
if [ "${1:-}" = -k ]; then keep_going="-k $2"; shift 2; fi
folder=build/$preset
[ "$preset" != bench ] || folder=build/release  # the servers to compare with are further targets there
stamp=$folder/configured-$preset
given=$folder/configured-with

# CMake's cache would keep the compiler of before, and an option that is not given any more; and in a tree that was copied
# or moved, the sources of the other folder.
choice="${CMAKE_OPTS:-} CC=${CC:-} CXX=${CXX:-} in $(pwd -P)"
if [ -e "$given" ] && [ "$(cat "$given")" != "$choice" ]; then rm -f "$folder/CMakeCache.txt" "$folder"/configured-*; fi

# Changed CMakeLists files the build notices by itself, changed presets it does not. The stamp is written last, so that
# an interrupted configuration is done again.
if [ ! -e "$stamp" ] || [ -n "$(find CMakePresets.json -newer "$stamp")" ]; then
  echo "configuring $folder" >&2
  mkdir -p "$folder"
  echo "$choice" >"$given"
  # shellcheck disable=SC2086  # words on purpose
  if ! cmake --preset "$preset" ${CMAKE_OPTS:-} >"$folder/configure.log" 2>&1; then
    cat "$folder/configure.log" >&2
    exit 1
  fi
  : >"$stamp"
fi

# Asked beforehand, because a build that finds nothing to do says so every time.
case $(ninja -C "$folder" -n "$@" 2>&1) in
  *'no work to do'* | *'nothing to do'*) exit 0 ;;
esac
if [ $# -gt 0 ]; then set -- --target "$@"; fi
# shellcheck disable=SC2086  # two words, or none
exec cmake --build --preset "$preset" "$@" ${keep_going:+-- $keep_going} >&2
