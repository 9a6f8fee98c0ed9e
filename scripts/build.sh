#!/bin/sh
# Configures and builds one preset of CMakePresets.json, and is silent when nothing is to do.
#   build.sh PRESET [TARGET...]
# All output goes to stderr: run.sh leaves stdout to the daemon.
set -eu
cd "$(dirname "$0")/.."
preset=$1
shift
folder=build/$preset
stamp=$folder/configured

# Changed CMakeLists files the build notices by itself, changed presets it does not. The stamp is written last, so that
# an interrupted configuration is done again.
if [ ! -e "$stamp" ] || [ -n "$(find CMakePresets.json -newer "$stamp")" ]; then
  echo "configuring $folder" >&2
  mkdir -p "$folder"
  if ! cmake --preset "$preset" >"$folder/configure.log" 2>&1; then
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
exec cmake --build --preset "$preset" "$@" >&2
