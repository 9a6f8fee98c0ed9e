#!/bin/sh
# Installs what is missing, builds the release and the servers that it is compared with, and compares them.
# Arguments go to the benchmark: bench/run.sh --short, bench/run.sh --help
set -eu
cd "$(dirname "$0")/.."

requirements/install.sh bench
scripts/build.sh bench tcp-echo-bench

exec build/release/tcp-echo-bench "$@"
