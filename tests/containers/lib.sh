# shellcheck shell=bash
# Shared by the scripts beside it, which source it: an engine to test with, containers that end with the test, and how a
# test is run. A test is a function; it fails with its first command that fails.

cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit

# What a run makes carries this label or name, and goes with it.
prefix=tcp-echo-test-$$
image=$prefix
REVISION=$(git rev-parse HEAD 2>/dev/null || echo unknown)
export REVISION TCP_ECHO_IMAGE=$image

say() { printf '%s\n' "$*"; }

# Ends a test: fail WHY
fail() { say "$*"; exit 1; }

# Ends a test that cannot be made here: leave_out WHY
leave_out() { say "left out: $*"; exit 75; }

expect() {  # expect WANTED GOT WHAT
  [ "$1" = "$2" ] || fail "$3: expected '$1', got '$2'"
}

# Asks until the command succeeds, for a minute at most.
eventually() {
  local end=$((SECONDS + 60))
  until "$@"; do
    [ $SECONDS -lt $end ] || fail "did not come true within 60 s: $*"
    sleep 0.1
  done
}

# Compose 2 as Docker's plugin, or a program of its own of whatever version.
compose() {
  if docker compose version >/dev/null 2>&1; then docker compose "$@"; else docker-compose "$@"; fi
}

# build OPTION...: an image of this folder; says nothing unless that fails. With buildkit=0 by the classic builder.
build() {
  local log buildkit=${buildkit:-1}
  docker buildx version >/dev/null 2>&1 || buildkit=0
  log=$(DOCKER_BUILDKIT=$buildkit docker build --label "$prefix" "$@" . 2>&1) || { tail -n 60 <<<"$log"; say "error: docker build $* failed"; return 1; }
}

# find_engine [SUITE...]: the engine that is there; else one of our own with these base images, where that can be; else
# nothing, and a word about it.
find_engine() {
  started_engine=no
  eval "$(docker/engine.sh env)"
  if ! docker info >/dev/null 2>&1 && { [ "$(id -u)" -eq 0 ] || sudo -n true 2>/dev/null; }; then
    # What an "up" that fails has begun it takes back itself.
    if docker/engine.sh up "$@"; then started_engine=yes; fi
    eval "$(docker/engine.sh env)"
  fi
  if docker info >/dev/null 2>&1; then trap clean_up EXIT; return; fi
  say 'LEFT OUT: no Docker engine answers, and none could be started here (see docker/engine.sh)'
  return 1
}

clean_up() {
  remove_containers
  # Not by name alone: one that was built anew under the same name has lost it.
  { docker images -q --filter "label=$prefix"; docker images -q --filter "reference=$prefix*"; } | sort -u |
    xargs -r docker rmi -f >/dev/null 2>&1
  [ "$started_engine" = no ] || docker/engine.sh down
}

remove_containers() { docker ps -aq --filter "label=$prefix" | xargs -r docker rm -f >/dev/null; }

# service [DOCKER-OPTION...] [-- ARGUMENT...]: starts one in the background, and sets `container` and `address`.
service() {
  local options=()
  while [ $# -gt 0 ] && [ "$1" != -- ]; do options+=("$1"); shift; done
  [ $# -eq 0 ] || shift
  container=$(docker run --detach --label "$prefix" "${options[@]}" "$image" "$@")
  eventually is_serving
  # shellcheck disable=SC2034  # for the tests
  address=$(inspect '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}')
}

inspect() { docker inspect --format "$1" "$container"; }
container_logs() { docker logs "$container" 2>&1; }
logs_say() { container_logs | grep -F "$1" >/dev/null; }
is_serving() {
  [ "$(inspect '{{.State.Running}}')" = true ] || fail "the container ended: $(container_logs)"
  logs_say 'serving on'
}
is_over() { [ "$(inspect '{{.State.Running}}')" = false ]; }
health() { inspect '{{.State.Health.Status}}'; }
is_healthy() { [ "$(health)" = healthy ]; }
is_unhealthy() { [ "$(health)" = unhealthy ]; }

# In the container, as its user. Its pids are those of the container: the engine may be on another machine.
inside() { docker exec "$container" sh -c "$1"; }
# shellcheck disable=SC2016  # for the shell in there
workers() { inside 'grep -l "^tcp-echo.wrk" /proc/[0-9]*/comm 2>/dev/null | cut -d / -f 3'; }
signal_workers() { inside "kill -$1 $(workers | tr '\n' ' ')"; }

# Whether so many clients are connected: /proc/net/tcp, state 01.
has_clients() { [ "$(inside 'cat /proc/net/tcp /proc/net/tcp6' | awk '$4 == "01"' | wc -l)" -ge "$1" ]; }

# load ADDRESS:PORT [OPTION...]: the load generator, as loud as its last line unless it fails.
load() {
  local log
  if log=$(build/release/tcp-echo-load "$@" 2>&1); then tail -n 1 <<<"$log"; else say "$log"; return 1; fi
}
build_load() { env -u CMAKE_OPTS -u CC -u CXX scripts/build.sh release tcp-echo-load; }

# Each in a shell of its own, so that it may change what it likes; what it prints is shown when it fails.
run_test() {
  local name=$1 title log status began=$SECONDS
  title=${name#test_} title=${title//_/ }
  log=$(set -euo pipefail; "$name" 2>&1 </dev/null)
  status=$?
  case $status in
    0)
      ran=$((ran + 1))
      printf '  ok        %s (%d s)\n' "$title" $((SECONDS - began))
      sed -n 's/^figure: /            /p' <<<"$log" ;;
    75) printf '  LEFT OUT  %s: %s\n' "$title" "$(sed -n 's/^left out: //p' <<<"$log")" ;;
    *)
      failed+=("$name")
      printf '  FAILED    %s\n%s\n' "$title" "$log" ;;
  esac
  remove_containers
}

# select_tests FILE REGEX: the functions of the file whose name begins with "test_" and matches. Ends the script if there
# are none: no engine has to be started for that.
select_tests() {
  mapfile -t names < <(sed -nE 's/^(test_[a-zA-Z0-9_]+)\(\).*/\1/p' "$1" | grep -E -- "$2")
  [ ${#names[@]} -gt 0 ] || { say 'LEFT OUT: no container test has that name'; exit 0; }
}

run_tests() {
  local name
  failed=() ran=0
  for name in "${names[@]}"; do run_test "$name"; done
  [ ${#failed[@]} -eq 0 ] || { say "error: ${#failed[@]} container tests failed: ${failed[*]}"; return 1; }
  say "checked $ran tests"
}
