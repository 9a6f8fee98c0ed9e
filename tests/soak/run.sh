#!/usr/bin/env bash
# A random walk by hand: changes of every kind to a daemon under checked traffic of every kind, for as long as you like.
#
#   tests/soak/run.sh [--minutes M] [--seed S] [--changes-per-minute N] [--without KIND[,KIND...]] [--preset PRESET] [--help]
#
# M may be a fraction. The same seed draws the same changes; without one, chance picks it, and it is printed. KIND is one
# that the table at the end names, such as freeze-all. PRESET is test by default; asan is slower and sees more. The exit
# code is 0 if every connection was accounted for.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
usage() { sed -n '4,9s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; }
usage_error() { echo "run.sh: $1" >&2; usage >&2; exit 64; }

minutes=5 seed=$((SRANDOM % 1000000)) changes=100 without='' preset=test
while [ $# -gt 0 ]; do
  [ "$1" != --help ] || { usage; exit 0; }
  [ $# -gt 1 ] || usage_error "$1 is unknown, or needs a value"
  case $1 in
    --minutes) minutes=$2 ;;
    --seed) seed=$2 ;;
    --changes-per-minute) changes=$2 ;;
    --without) without=$2 ;;
    --preset) preset=$2 ;;
    *) usage_error "unknown option $1" ;;
  esac
  shift 2
done

"$root/scripts/build.sh" "$preset" tcp-echo-random-walk
export ECHO_TEST_SEED=$seed ECHO_WALK_CHANGES=$changes ECHO_WALK_WITHOUT=$without
ECHO_WALK_SECONDS=$(awk -v minutes="$minutes" 'BEGIN { printf "%d", minutes * 60 }')
export ECHO_WALK_SECONDS
exec "$root/build/$preset/tcp-echo-random-walk"
