#!/usr/bin/env bash
# Installs what is missing, builds, and runs all tests, then runs them again under Valgrind.
#
#   ./test.sh [OPTION...]
#     --quick          build, unit tests and a part of the system tests only: for between two edits
#     --no-memcheck    leave Valgrind out
#     --monitoring     also have a real Prometheus scrape the daemon
#     --page           also check the status page, and test it in Chromium
#     --containers     also build the image and test it, and the Compose files, in a Docker engine
#     --docker         the same, and the tests and Valgrind inside of the test image
#     --matrix         the image with each system and compiler, and for ARM; takes a quarter of an hour
#     --sanitizers     also test builds with the address, undefined-behaviour and thread sanitizers
#     --lint           also clang-format, a Clang build, clang-tidy and shellcheck; no warning passes
#     --coverage       also measure which lines the tests reach
#     --all            all of these but --quick, --docker and --matrix
#     --only           just what the options name, without the default part: ./test.sh --only --lint
#     --filter REGEX   only the tests whose name matches
#     --help
#
# Every step runs, whatever became of the others; the last line sums up. Exit codes: 0 all passed, 1 a step failed,
# 64 an unknown option. With TEST_BEGIN_UNTIL in the environment, a time in seconds since 1970, no step begins after it,
# and what was left out is said.

# No -e: a failed step is noted, and the next one starts.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")" || exit
# Ninja and ctest leave with a code of their own on Ctrl-C; bash would go on with the next step.
trap 'echo "test.sh: interrupted" >&2; exit 130' INT TERM

usage_error() { echo "test.sh: $1 (./test.sh --help lists the options)" >&2; exit 64; }

default=yes quick=no memcheck=yes monitoring=no page=no containers=no docker=no matrix=no sanitizers=no lint=no coverage=no
filter=() launcher=()
while [ $# -gt 0 ]; do
  case $1 in
    --quick) quick=yes memcheck=no ;;
    --no-memcheck) memcheck=no ;;
    --monitoring) monitoring=yes ;;
    --page) page=yes ;;
    --containers) containers=yes ;;
    --docker) containers=yes docker=yes ;;
    --matrix) matrix=yes ;;
    --sanitizers) sanitizers=yes ;;
    --lint) lint=yes ;;
    --coverage) coverage=yes ;;
    --all) memcheck=yes monitoring=yes page=yes containers=yes sanitizers=yes lint=yes coverage=yes ;;
    --only) default=no ;;
    --filter) [ $# -gt 1 ] || usage_error '--filter needs a regular expression'; filter=(-R "$2"); shift ;;
    --help) sed -n '2,/^$/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 0 ;;
    *) usage_error "unknown option $1" ;;
  esac
  shift
done
[ "$default$monitoring$page$containers$matrix$sanitizers$lint$coverage" != nononononononono ] || usage_error '--only leaves nothing to do: name a step'

passed=() failed=() left_out=()
logs=$(mktemp -d) || exit
trap 'rm -rf "$logs"' EXIT

# What a step has done, in numbers, as its lines "checked 12 files" say.
extent() {
  sed -nE 's/^checked ([0-9]+) ([a-z]+)$/\1 \2/p' "$1" | awk '{ sum += $1; unit = $2 } END { if (unit) print sum, unit }'
}

# step NAME COMMAND...: runs the command under a heading and notes how it ended. What it prints is kept for finish. A line
# "LEFT OUT: why" in that says that it could not do what it is for, through no fault of ours.
step() {
  local name=$1 started=$SECONDS what why
  shift
  if [ "$(date +%s)" -gt "${TEST_BEGIN_UNTIL:-9999999999}" ]; then
    left_out+=("$name")
    printf '\n== %s: LEFT OUT: it is too late to begin\n' "$name"
    return 1
  fi
  printf '\n== %s\n' "$name"
  if "$@" 2>&1 | tee "$logs/$name"; then
    why=$(sed -n 's/^LEFT OUT: //p' "$logs/$name")
    if [ -n "$why" ]; then
      left_out+=("$name")
      printf '== %s: LEFT OUT: %s\n' "$name" "$why"
      return
    fi
    passed+=("$name")
    what=$(extent "$logs/$name")
    printf '== %s: passed (%d s%s)\n' "$name" $((SECONDS - started)) "${what:+, $what}"
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
  [ ${#left_out[@]} -eq 0 ] || report+=", LEFT OUT: ${left_out[*]}"
  if [ ${#failed[@]} -eq 0 ]; then
    printf '\ntest.sh: ok: %s: %s\n' "$report" "${passed[*]}"
    exit 0
  fi
  printf '\ntest.sh: FAILED: %s; failed: %s\n' "$report" "${failed[*]}"
  exit 1
}

# run_tests PRESET [OPTION...]: runs them, and says how many they were: one of ctest's may be many of GoogleTest's.
run_tests() {
  local folder=build/$1
  [ "$1" != memcheck ] || folder=build/test
  "${launcher[@]}" ctest --preset "$@" "${filter[@]}" || return
  sed -nE 's/^\[=+\] ([0-9]+) tests? from .* ran\..*/\1/p' "$folder/Testing/Temporary/LastTest.log" |
    awk '{ sum += $1 } END { print "checked", sum, "tests" }'
}

# All unit tests, and of the system tests those that serve, refuse, load and change a daemon once. A filter says better
# than this what somebody wants.
run_quick_tests() {
  if [ ${#filter[@]} -gt 0 ]; then run_tests test; return; fi
  run_tests test -L unit || return
  run_tests test -L system -R '^(Serve\.A|Refuse\.|Answer\.|Log\.|Statistics\.|Reload\.Starts|Scale\.Keeps|Upgrade\.Puts|Load\.A|LoadAnswer\.|Stop\.W)'
}

# Under Valgrind whole test programs run, under names of their own: a filter for single tests may rightly leave none.
has_memcheck() { ctest --preset memcheck "${filter[@]}" -N | grep -q 'Test *#'; }

# A filter that was meant for another step may leave none of these.
run_monitoring_tests() {
  local filter=()
  run_tests test -R '^Prometheus'
}

# The presets of the sanitizers run unit tests many at a time; who asks for some by name gets each by itself.
test_sanitized() {
  scripts/build.sh "$1" || return
  if [ ${#filter[@]} -eq 0 ]; then run_tests "$1"
  else "${launcher[@]}" ctest --test-dir "build/$1" --output-on-failure --no-tests=error -j 4 -LE sanitized "${filter[@]}"; fi
}

# GCC 12's thread sanitizer cannot start where the kernel randomises addresses by more bits than it knows, as newer ones
# do. Without randomisation it always can; some containers forbid that, and get the plain try.
test_tsan() {
  local launcher=()
  if setarch "$(uname -m)" -R true 2>/dev/null; then launcher=(setarch "$(uname -m)" -R); fi
  test_sanitized tsan
}

# check_files COMMAND...: runs it on the files that stdin names, and says how many they are. None would be a mistake.
check_files() {
  local files
  mapfile -t files
  [ ${#files[@]} -gt 0 ] && "$@" "${files[@]}" && echo "checked ${#files[@]} files"
}
check_format() { find src include tests bench -name '*.[ch]pp' | check_files clang-format --dry-run --Werror; }

# In place of the compiler, so only a file with findings says something; none of it stops the others.
run_clang_tidy() {
  scripts/build.sh tidy -k 0 all tcp-echo-bench || return
  find build/tidy -name '*.joined.cpp' -exec grep -h '^#line 1 "' {} + | sort -u | check_files true || return
  # Verdicts that nobody has asked for in a month will not be asked for again.
  find "${XDG_CACHE_HOME:-${HOME:-}/.cache}/tcp-echo/tidy" -type f -mtime +30 -delete 2>/dev/null || :
}

run_shellcheck() {
  find . -path ./build -prune -o \( -name '*.sh' -o -path './.ci/run' \) -print | check_files shellcheck
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
[ $monitoring = no ] || sets+=(monitoring)
[ $page = no ] || sets+=(page)
[ $coverage = no ] || sets+=(coverage)
step requirements requirements/install.sh "${sets[@]}" || finish

if [ $default = yes ] && step build scripts/build.sh test; then
  if [ $quick = yes ]; then step tests run_quick_tests; else step tests run_tests test; fi
  if [ $memcheck = yes ]; then
    if [ ${#filter[@]} -eq 0 ] || has_memcheck; then step memcheck run_tests memcheck
    else printf '\n== memcheck: left out, the filter leaves no test of it\n'; fi
  fi
fi
# Otherwise they were among the tests above.
if [ $monitoring = yes ] && [ $default$quick != yesno ] && step build scripts/build.sh test; then
  step monitoring run_monitoring_tests
fi
if [ $page = yes ] && step build scripts/build.sh test; then step page tests/page/run.sh "${filter[1]:-.}"; fi
if [ $lint = yes ]; then
  step shellcheck run_shellcheck
  step clang-format check_format
  step clang scripts/build.sh clang all tcp-echo-bench
  step clang-tidy run_clang_tidy
fi
if [ $sanitizers = yes ]; then
  step asan test_sanitized asan
  step tsan test_tsan
fi
if [ $containers = yes ]; then step containers tests/containers/run.sh "${filter[1]:-.}"; fi
if [ $docker = yes ]; then
  options=()
  [ $memcheck = yes ] || options+=(--no-memcheck)
  [ ${#filter[@]} -eq 0 ] || options+=(--filter "${filter[1]}")
  step docker tests/containers/suite.sh "${options[@]}"
fi
if [ $matrix = yes ]; then step matrix tests/containers/matrix.sh "${filter[1]:-.}"; fi
[ $coverage = no ] || step coverage measure_coverage
finish
