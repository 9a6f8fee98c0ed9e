#!/bin/sh
# Installs what is missing, builds the release and the servers that it is compared with, and compares them.
#
#   bench/run.sh [OPTION...]     the options are those of tcp-echo-bench: bench/run.sh --short
#   bench/run.sh --help          this text, and the benchmark's once it is built; installs and builds nothing
set -eu
cd "$(dirname "$0")/.."
bench=build/release/tcp-echo-bench

for word; do
  case $word in -h | --help)
    sed -n '2,/^set/s/^# \{0,1\}//p' bench/run.sh
    if [ -x $bench ]; then echo && exec $bench --help; fi
    exit ;;
  esac
done

requirements/install.sh bench
scripts/build.sh bench tcp-echo-bench

exec $bench "$@"
