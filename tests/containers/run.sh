#!/usr/bin/env bash
# Builds the image, and tests it and the Compose files in a real engine.
#   tests/containers/run.sh [REGEX]     only the tests whose name matches
# With BASE_IMAGE, CC, CXX or CMAKE_OPTS in the environment the image is built with these.
# Exit codes: 0 all passed, or there is no engine; 1 one failed.
set -uo pipefail
# shellcheck source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

base=${BASE_IMAGE:-debian:bookworm-slim}
arguments=()
for name in BASE_IMAGE CC CXX CMAKE_OPTS; do
  [ -z "${!name:-}" ] || arguments+=(--build-arg "$name=${!name}")
done

size_of() { docker image inspect --format '{{.Size}}' "$1"; }
in_image() { docker run --rm --entrypoint "$1" "$image" "${@:2}"; }
label() { docker image inspect --format "{{index .Config.Labels \"org.opencontainers.image.$1\"}}" "$image"; }

test_image_is_at_most_8_MB_larger_than_its_base() {
  local before after
  docker image inspect "$base" >/dev/null 2>&1 || docker pull --quiet "$base"
  before=$(size_of "$base")
  after=$(size_of "$image")
  say "figure: base $((before / 1000)) kB, image $((after / 1000)) kB"
  [ $((after - before)) -le 8000000 ]
}

test_image_has_no_compiler_and_no_package_lists() {
  # shellcheck disable=SC2016  # for the shell in there
  in_image sh -c 'for tool in cc c++ gcc g++ clang cmake make ninja; do ! command -v $tool || exit 1; done'
  expect '' "$(in_image sh -c 'ls /var/lib/apt/lists /var/cache/apt 2>/dev/null | grep -v : || :')" 'left of the packages'
}

test_image_says_its_version_and_revision() {
  expect "tcp-echo-master $(label version)" "$(in_image tcp-echo-master --version)" version
  expect "$REVISION" "$(label revision)" revision
}

test_serves_read_only_without_capabilities_as_any_user_in_64_MB() {
  service --read-only --cap-drop ALL --security-opt no-new-privileges --user 10001 --pids-limit 64 --memory 64m \
    --health-interval 1s
  load "$address:8090" --duration 1s --connections 200
  eventually is_healthy
}

test_tcp_echo_ctl_steers_it_inside_whichever_user_it_runs_as() {
  service --read-only --tmpfs /run/tcp-echo --cap-drop ALL --user 12345 -- --workers 1
  expect 'scaled to 2 workers' "$(inside 'tcp-echo-ctl scale 2')" scale
  inside 'tcp-echo-ctl status' | grep -F 'serving, 2 workers' >/dev/null
  service -- --workers 1
  inside 'tcp-echo-ctl stop' || :  # pid 1 may end before the answer is printed, and the kernel then kills the rest
  eventually is_over
  expect 0 "$(inspect '{{.State.ExitCode}}')" 'exit code'
  service --read-only --cap-drop ALL
  logs_say 'no control socket (--control-socket): cannot make the control socket /run/tcp-echo/tcp-echo.sock: '
}

test_is_healthy_wherever_it_listens() {
  service --health-interval 500ms -- --port 7000
  eventually is_healthy
  service --health-interval 500ms --env TCP_ECHO_LISTEN=127.0.0.1:0
  eventually is_healthy
}

test_is_unhealthy_while_no_worker_answers() {
  service --health-interval 500ms --health-retries 1 -- --workers 1 --watchdog 0
  eventually is_healthy
  signal_workers STOP
  eventually is_unhealthy
  signal_workers CONT
  eventually is_healthy
}

test_twenty_reloads_and_upgrades_under_load_break_no_connection() {
  local signal loader moves=0
  service -- --workers 2
  build/release/tcp-echo-load "$address:8090" --duration 5m --connections 100 --lifetime 300ms &
  loader=$!
  # shellcheck disable=SC2064  # now
  trap "kill $loader 2>/dev/null || :" EXIT  # if the test ends early
  eventually has_clients 90
  for signal in {HUP,USR2}{,,,,,,,,,}; do
    docker kill --signal "$signal" "$container"
    moves=$((moves + 1))
    eventually logs_say "reloaded: generation $((moves + 1)) serves"
  done
  kill -INT $loader
  wait $loader
  say "figure: $moves moves"
}

test_a_worker_killed_inside_is_replaced() {
  local worker
  service -- --workers 2
  worker=$(workers | sed -n 1p)
  inside "kill -KILL $worker"
  is_replaced() { [ "$(workers | grep -cvx "$worker")" = 2 ]; }
  eventually is_replaced
  load "$address:8090" --duration 500ms
}

test_pid_1_leaves_no_zombie_of_100_execs() {
  service -- --workers 2
  # Each leaves an orphan behind, which outlives it, becomes a child of PID 1, and dies.
  seq 100 | xargs -P 8 -I '{}' docker exec "$container" sh -c 'sleep 0.05 & : {}'
  # shellcheck disable=SC2016  # for the shell in there
  has_only_workers() { [ "$(inside 'grep -lE "^PPid:\s1$" /proc/[0-9]*/status 2>/dev/null | wc -l')" = 2 ]; }
  eventually has_only_workers
}

test_kill_leaves_nothing() {
  local pids pid
  service -- --workers 3
  pids=$(docker top "$container" -eo pid | sed 1d)
  expect 4 "$(wc -w <<<"$pids")" 'processes of master and workers'
  [ -e "/proc/${pids##*[!0-9]}" ] || leave_out 'the engine is on another machine'
  docker kill --signal KILL "$container"
  for pid in $pids; do
    is_gone() { [ ! -e "/proc/$pid" ]; }
    eventually is_gone
  done
}

# A Compose project of the test's own, on ports that the engine picks.
project() {
  TCP_ECHO_PUBLISH='127.0.0.1:' TCP_ECHO_PUBLISH_ADMIN='127.0.0.1:' PROMETHEUS_PUBLISH='127.0.0.1:' \
    compose --project-name "$prefix" --profile monitoring "$@"
}
# project_up [OPTION...] [SERVICE...]: the service alone, unless others are named.
project_up() {
  trap 'project down --volumes --timeout 1 >/dev/null 2>&1 || :' EXIT
  project up --detach "${@:-tcp-echo}"
  container=$(project ps -q tcp-echo)
  published=$(project port tcp-echo 8090)
}

test_compose_is_healthy_within_10_s_and_the_quickstart_works() {
  local began=$SECONDS
  project_up
  eventually is_healthy
  say "figure: healthy after $((SECONDS - began)) s"
  [ $((SECONDS - began)) -le 10 ]
  expect hello "$(echo hello | project exec -T tcp-echo nc -N localhost 8090)" 'nc inside'
  project exec -T tcp-echo tcp-echo-ctl status | grep -F 'All is well' >/dev/null
  load "$published" --duration 1s --half-close
}

test_compose_answers_http_on_a_port_of_its_own() {
  project_up
  eventually is_healthy
  local http fd
  http=$(project port tcp-echo 8091)
  exec {fd}<>"/dev/tcp/${http%:*}/${http#*:}"
  printf 'GET /metrics HTTP/1.0\r\n\r\n' >&"$fd"
  grep -Fx 'tcp_echo_ready 1' <&"$fd"
}

test_compose_starts_no_monitoring_unless_asked_to() {
  expect tcp-echo "$(compose config --services)" services
}

# In the place of the image that the Compose file names, this machine's Prometheus.
prometheus_image() {
  local folder status=0
  folder=$(mktemp -d)
  cp "$(command -v prometheus)" "$folder"
  printf 'FROM %s\nCOPY prometheus /bin/\nRUN mkdir /prometheus && chown nobody /prometheus\nUSER nobody\nENTRYPOINT ["/bin/prometheus"]\n' \
    "$base" >"$folder/Dockerfile"
  docker build --quiet --label "$prefix" --tag "$prefix-prometheus" "$folder" || status=$?
  rm -r "$folder"
  return $status
}

test_compose_with_monitoring_scrapes_every_container_of_the_service() {
  command -v prometheus || leave_out 'there is no Prometheus (requirements/install.sh monitoring)'
  prometheus_image
  export PROMETHEUS_IMAGE=$prefix-prometheus
  project_up --scale tcp-echo=2 tcp-echo prometheus
  local url
  url=http://$(project port prometheus 9090)
  sees() { promtool query instant "$url" "$1" | grep -F "=> $2 @"; }
  eventually sees 'sum(tcp_echo_ready{job="tcp-echo"})' 2
  has_no_alert() { [ -z "$(promtool query instant "$url" ALERTS)" ]; }
  eventually has_no_alert
}

test_compose_stop_loses_nothing_and_ends_with_0() {
  local loader quiet=() fd
  project_up
  eventually is_serving
  # Thirty that are quiet, and fifty that go on for some seconds: they end by themselves, before time is up.
  for _ in {1..30}; do
    exec {fd}<>"/dev/tcp/${published%:*}/${published#*:}"
    echo quiet >&"$fd"
    quiet+=("$fd")
  done
  load "$published" --duration 3s --connections 50 --message-size 4KiB --half-close &
  loader=$!
  eventually has_clients 80
  project stop
  expect 0 "$(inspect '{{.State.ExitCode}}')" 'exit code'
  wait $loader || fail 'a client lost bytes'
  for fd in "${quiet[@]}"; do expect quiet "$(cat <&"$fd")" 'what a quiet client got'; done
  logs_say 'stopped'
}

test_compose_builds_what_docker_builds() {
  [ ${#arguments[@]} -eq 0 ] || leave_out "docker builds with ${arguments[*]}"
  local before
  layers() { docker image inspect --format '{{json .RootFS.Layers}}' "$image"; }
  before=$(layers)
  compose build
  expect "$before" "$(layers)" 'layers'
}

test_compose_for_development_takes_every_limit_away_alone_and_over_the_service() {
  local merged
  for merged in "$(compose -f docker-compose.dev.yml config)" \
    "$(compose -f docker-compose.yml -f docker-compose.dev.yml config)"; do
    grep 'target: dev' <<<"$merged"
    ! grep -E 'read_only: true|mem_limit: "?[1-9]|pids_limit: [1-9]' <<<"$merged" || fail "$merged"
  done
}

select_tests "${BASH_SOURCE[0]}" "${1:-.}"
find_engine bookworm || exit 0
build_load || exit
say "building the image, with ${arguments[*]:-the defaults}"
build --tag "$image" --build-arg "REVISION=$REVISION" "${arguments[@]}" || exit
run_tests
