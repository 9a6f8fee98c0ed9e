#!/usr/bin/env bash
# Installs what is missing, builds, and runs all tests, then runs them again under Valgrind.
#
#   ./test.sh [OPTION...]
#     --no-memcheck    leave Valgrind out
#     --sanitizers     also test builds with the address, undefined-behaviour and thread sanitizers
#     --lint           also clang-format, a Clang build, clang-tidy and shellcheck; no warning passes
#     --coverage       also measure which lines the tests reach
#     --all            all of these
#     --only           just what the options name, without the default part: ./test.sh --only --lint
#     --filter REGEX   only the tests whose name matches
#     --help
#
# Every step runs, whatever became of the others; the last line sums up. Exit codes: 0 all passed, 1 a step failed,
# 64 an unknown option.

# No -e: a failed step is noted, and the next one starts.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")" || exit
# Ninja and ctest leave with a code of their own on Ctrl-C; bash would go on with the next step.
trap 'echo "test.sh: interrupted" >&2; exit 130' INT TERM

usage_error() { echo "test.sh: $1 (./test.sh --help lists the options)" >&2; exit 64; }

default=yes memcheck=yes sanitizers=no lint=no coverage=no
filter=()
while [ $# -gt 0 ]; do
  case $1 in
    --no-memcheck) memcheck=no ;;
    --sanitizers) sanitizers=yes ;;
    --lint) lint=yes ;;
    --coverage) coverage=yes ;;
    --all) memcheck=yes sanitizers=yes lint=yes coverage=yes ;;
    --only) default=no ;;
    --filter) [ $# -gt 1 ] || usage_error '--filter needs a regular expression'; filter=(-R "$2"); shift ;;
    --help) sed -n '2,/^$/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 0 ;;
    *) usage_error "unknown option $1" ;;
  esac
  shift
done
[ "$default$sanitizers$lint$coverage" != nononono ] || usage_error '--only leaves nothing to do: name a step'

passed=() failed=()
logs=$(mktemp -d) || exit
trap 'rm -rf "$logs"' EXIT

# step NAME COMMAND...: runs the command under a heading and notes how it ended. What it prints is kept for finish.
step() {
  local name=$1 started=$SECONDS
  shift
  printf '\n== %s\n' "$name"
  if "$@" 2>&1 | tee "$logs/$name"; then
    passed+=("$name")
    printf '== %s: passed (%d s)\n' "$name" $((SECONDS - started))
  else
    failed+=("$name")
    printf '== %s: FAILED (%d s)\n' "$name" $((SECONDS - started))
    return 1
  fi
}

# What the log of a failed step says about the failure: which tests failed and what each printed, or a compiler's errors;
# failing that, its last lines.
excerpt() {
  local found
  found=$({ sed -n '/^The following tests FAILED/,/^Errors while/p' "$1"
            grep -E -A 25 '\*\*\*(Failed|Timeout|Exception|Not Run)|error:' "$1"; } | head -n 60)
  if [ -n "$found" ]; then printf '%s\n' "$found"; else tail -n 25 "$1"; fi
}

# Last come the failures: in a long log they would scroll away, or be cut off.
finish() {
  local name
  for name in "${failed[@]}"; do
    printf '\n== %s failed with\n' "$name"
    excerpt "$logs/$name"
  done
  local report="${#passed[@]} steps passed, ${#failed[@]} failed in $SECONDS s"
  if [ ${#failed[@]} -eq 0 ]; then
    printf '\ntest.sh: ok: %s: %s\n' "$report" "${passed[*]}"
    exit 0
  fi
  printf '\ntest.sh: FAILED: %s; failed: %s\n' "$report" "${failed[*]}"
  exit 1
}

run_tests() { ctest --preset "$1" "${filter[@]}"; }

# Under Valgrind whole test programs run, under names of their own: a filter for single tests may rightly leave none.
has_memcheck() { ctest --preset memcheck "${filter[@]}" -N | grep -q 'Test *#'; }

build_and_test() { scripts/build.sh "$1" && run_tests "$1"; }

# GCC 12's thread sanitizer cannot start where the kernel randomises addresses by more bits than it knows, as newer ones
# do. Without randomisation it always can; some containers forbid that, and get the plain try.
test_tsan() {
  scripts/build.sh tsan || return
  if setarch "$(uname -m)" -R true 2>/dev/null; then
    setarch "$(uname -m)" -R ctest --preset tsan "${filter[@]}"
  else
    run_tests tsan
  fi
}

cpp_files() { find src include tests bench "$@" -print0; }
check_format() { cpp_files -name '*.[ch]pp' | xargs -0 clang-format --dry-run --Werror; }

# One process per file, all processors busy; only a file with findings says something. It reads how each file is compiled
# and needs the header that configuring generates, but nothing that is built.
run_clang_tidy() {
  cmake --preset tidy >/dev/null || return
  # shellcheck disable=SC2016  # $1 is the inner shell's
  cpp_files -name '*.cpp' | xargs -0 -n 1 -P "$(nproc)" sh -c '
    findings=$(clang-tidy --quiet -p build/tidy "$1" 2>&1) || { printf "%s\n" "$findings"; exit 1; }' clang-tidy
}

run_shellcheck() {
  find . -path ./build -prune -o \( -name '*.sh' -o -path './.ci/run' \) -print0 | xargs -0 shellcheck
}

measure_coverage() {
  scripts/build.sh coverage || return
  # Counters of an earlier run would be added to.
  find build/coverage -name '*.gcda' -delete
  run_tests coverage &&
    gcovr --root . --filter src/ --filter include/ --exclude-throw-branches --print-summary build/coverage
}

sets=(test)
[ $lint = no ] || sets+=(lint bench)  # clang-tidy reads the benchmarks as well, and with them their libraries' headers
[ $coverage = no ] || sets+=(coverage)
step requirements requirements/install.sh "${sets[@]}" || finish

if [ $default = yes ] && step build scripts/build.sh test; then
  step tests run_tests test
  if [ $memcheck = yes ]; then
    if [ ${#filter[@]} -eq 0 ] || has_memcheck; then step memcheck run_tests memcheck
    else printf '\n== memcheck: left out, the filter leaves no test of it\n'; fi
  fi
fi
if [ $lint = yes ]; then
  step shellcheck run_shellcheck
  step clang-format check_format
  step clang scripts/build.sh clang
  step clang-tidy run_clang_tidy
fi
if [ $sanitizers = yes ]; then
  step asan build_and_test asan
  step tsan test_tsan
fi
[ $coverage = no ] || step coverage measure_coverage
finish
