#!/bin/sh
# Alpine Linux, with its repository "community". Installs what is missing of a set; on any other system it does nothing.
#   alpine.sh build|test|monitoring|page|lint|coverage|bench|run
set -eu
here=$(dirname "$0")
# shellcheck source=lib.sh
. "$here/lib.sh"
is_mine "$0" || exit 0
check_set "$@"

words() {
  case $1 in
    # Whether a header-only library gets a -dev package is each maintainer's choice, and has changed over time.
    build)
      echo g++ "$(asked_compiler)" cmake make 'samurai|ninja' pkgconf linux-headers
      echo libuv-dev spdlog-dev 'cli11-dev|cli11' tomlplusplus-dev 'tl-expected-dev|tl-expected' nlohmann-json libmicrohttpd-dev ;;
    # bash for test.sh. There is no sanitizer for GCC on musl: ./test.sh --sanitizers is for the other systems.
    test)
      words build
      echo bash ccache mold gtest-dev valgrind strace netcat-openbsd procps-ng iproute2 util-linux-misc ;;
    monitoring) echo prometheus ;;
    page) echo bash nodejs npm chromium ;;
    lint) echo bash clang clang-extra-tools compiler-rt shellcheck ;;
    coverage) echo gcovr ;;
    bench)
      words build
      echo asio-dev libevent-dev strace valgrind ;;
    run) echo libuv spdlog tomlplusplus libmicrohttpd netcat-openbsd ;;
  esac
}

# The first of "a|b" that this release has.
name_of() {
  for name in $(echo "$1" | tr '|' ' '); do
    if [ -n "$(apk search -q -x "$name")" ]; then echo "$name"; return; fi
  done
}

# shellcheck disable=SC2046  # words are a list on purpose
missing=$(missing_of "$(apk info)" $(words "$1"))
[ -n "$missing" ] || exit 0
# shellcheck disable=SC2086
announce $missing

quietly as_root apk update
names=
for word in $missing; do
  name=$(name_of "$word")
  [ -n "$name" ] || fail "this release has no package $word; is the repository \"community\" enabled?"
  names="$names $name"
done
# shellcheck disable=SC2086
quietly as_root apk add $names || fail "apk could not install:$names"
