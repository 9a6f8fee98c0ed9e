#!/usr/bin/env bash
# Builds the test image, and runs the tests inside of it.
#   tests/containers/suite.sh [OPTION...]     options of test.sh
# Exit codes: 0 all passed, or there is no engine; 1 one failed.
set -uo pipefail
# shellcheck source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

find_engine bookworm || exit 0
build --target test --tag tcp-echo-test || exit
# What Docker does not give by itself, and some tests are left out without: ::1, and a look at processes of other users.
docker run --rm --label "$prefix" --sysctl net.ipv6.conf.all.disable_ipv6=0 --cap-add SYS_PTRACE tcp-echo-test ./test.sh "$@"
