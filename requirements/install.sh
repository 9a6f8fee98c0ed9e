#!/bin/sh
# Installs what is missing of one or more sets, through the script of the system it runs on:
#   install.sh build       what compiling needs; with CC or CXX in the environment that name Clang, Clang as well
#   install.sh test        build, and what the tests need
#   install.sh monitoring  Prometheus, for the tests of what it scrapes
#   install.sh page        Node.js with npm, and Chromium, for the tests of the status page
#   install.sh lint        formatter, linters, a second compiler
#   install.sh coverage    gcovr
#   install.sh bench       build, and what the daemon is compared with; Node.js, Go and socat join where they are installed
#   install.sh run         what the finished daemon needs, and netcat to talk to it
# On a system that none of the scripts knows it installs nothing, and says what is needed and what of it is missing.
set -eu
here=$(dirname "$0")
# shellcheck source=lib.sh
. "$here/lib.sh"

# One row for each thing to have, what for, and how to find it.
needs() {
  case $1 in
    build)
      row 'cmake'                     'CMake 3.22 or newer'                  command -v cmake
      row 'a C++ compiler'            'GCC 12 or Clang 14, or newer (C++20)' has_compiler
      row 'ninja'                     'Ninja'                                command -v ninja
      row 'pkg-config'                'pkg-config or pkgconf'                command -v pkg-config
      row 'libuv, with headers'       'libuv 1.43 or newer'                  pkg-config --exists 'libuv >= 1.43'
      row 'spdlog, with headers'      'spdlog 1.9 or newer, and fmt'         pkg-config --exists 'spdlog >= 1.9'
      row 'toml++, with headers'      'toml++ 3.0 or newer'                  pkg-config --exists 'tomlplusplus >= 3.0'
      row 'CLI11, with headers'       'CLI11 2.1 or newer'                   has_header CLI/CLI.hpp
      row 'tl::expected, with headers' 'tl-expected 1.0 or newer'            has_header tl/expected.hpp
      row 'nlohmann-json, with headers' 'nlohmann-json 3.9 or newer'         has_header nlohmann/json.hpp
      row 'libmicrohttpd, with headers' 'libmicrohttpd 0.9.71 or newer'      pkg-config --exists 'libmicrohttpd >= 0.9.71' ;;
    test)
      needs build
      row 'GoogleTest and GoogleMock' 'GoogleTest 1.11 or newer'             pkg-config --exists gtest gmock
      row 'valgrind'                  'Valgrind'                             command -v valgrind
      row 'strace'                    'strace'                               command -v strace
      row 'nc'                        "OpenBSD's netcat"                     command -v nc ;;
    monitoring)
      row 'prometheus'                'Prometheus 2.42 or newer, with promtool' has_prometheus ;;
    page)
      row 'npm'                       'Node.js 18.19 or newer, with npm'     command -v npm
      row 'chromium'                  'Chromium, or another one that CHROMIUM names' has_chromium ;;
    lint)
      row 'clang++'                   'Clang 14 or newer'                    command -v clang++
      row 'clang-format'              'clang-format 14 or newer'             command -v clang-format
      row 'clang-tidy'                'clang-tidy 14 or newer'               command -v clang-tidy
      row 'shellcheck'                'ShellCheck'                           command -v shellcheck ;;
    coverage)
      row 'gcovr'                     'gcovr'                                command -v gcovr ;;
    bench)
      needs build
      row 'Asio, with headers'        'Asio 1.18 or newer, without Boost'    has_header asio.hpp
      row 'libevent, with headers'    'libevent 2.1 or newer'                pkg-config --exists 'libevent >= 2.1'
      row 'strace'                    'strace'                               command -v strace
      row 'valgrind'                  'Valgrind'                             command -v valgrind ;;
    run)
      row 'nc'                        "OpenBSD's netcat"                     command -v nc ;;
  esac
}

has_compiler() { command -v "${CXX:-c++}" || command -v g++ || command -v clang++; }
has_prometheus() { command -v prometheus && command -v promtool; }
has_chromium() { command -v "${CHROMIUM:-chromium}" || command -v chromium-browser || command -v google-chrome; }
has_header() { [ -e "/usr/include/$1" ] || [ -e "/usr/local/include/$1" ]; }

row() {
  name=$1 wanted=$2
  shift 2
  if ! "$@" >/dev/null 2>&1; then printf '  %-28s %s\n' "$name" "$wanted"; fi
}

for wanted_set in "${@:-}"; do check_set "$wanted_set"; done
script=$(system_script)
if [ -n "$script" ]; then
  for wanted_set; do "$here/$script.sh" "$wanted_set"; done
  exit
fi

missing=$(for wanted_set; do needs "$wanted_set"; done)
[ -n "$missing" ] || exit 0
fail "this system ($(system_ids | grep "[^ ]" || echo unnamed)) is not one of those whose packages are known here. Please install these, which were not found:
$missing"
