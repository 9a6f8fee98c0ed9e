#!/usr/bin/env bash
# What takes too long for every day: the image and its tests for each system and compiler, the container to develop in, the
# classic builder, and another architecture. About a quarter of an hour; for the days before a release.
#   tests/containers/matrix.sh [REGEX]     only the tests whose name matches
# Exit codes: 0 all passed, or there is no engine; 1 one failed.
set -uo pipefail
# shellcheck source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# with COMPILER SYSTEM: the everyday tests. What they print is the figure.
with() {
  local log line clang=()
  [ "$1" = gcc ] || clang=(CC=/usr/bin/clang CXX=/usr/bin/clang++)
  log=$(env BASE_IMAGE="debian:$2-slim" "${clang[@]}" tests/containers/run.sh '^test_(image|serves|is_healthy|pid|compose_(is|stop))') ||
    { say "$log"; return 1; }
  while read -r line; do say "figure: $line"; done <<<"$log"
}
test_bookworm_gcc() { with gcc bookworm; }
test_bookworm_clang() { with clang bookworm; }
test_trixie_gcc() { with gcc trixie; }
test_trixie_clang() { with clang trixie; }

test_one_changed_source_file_is_built_within_a_minute() {
  local copy began
  copy=$(mktemp -d)
  # shellcheck disable=SC2064  # now
  trap "rm -rf '$copy'" EXIT
  git ls-files -z | xargs -0 cp --parents -t "$copy"
  cd "$copy"
  build --tag "$image"
  echo '// changed' >>src/echo/connection.cpp
  began=$SECONDS
  build --tag "$image"
  say "figure: $((SECONDS - began)) s"
  [ $((SECONDS - began)) -lt 60 ]
}

test_another_built_in_port_is_healthy() {
  build --tag "$image" --build-arg CMAKE_OPTS='-DTCP_ECHO_DEFAULT_PORT=7 -DCMAKE_BUILD_TYPE=Debug'
  service --health-interval 500ms
  eventually is_healthy
  expect hello "$(docker exec "$container" sh -c 'echo hello | nc -N localhost 7')" 'echo on port 7'
}

test_the_classic_builder_builds_it_too() {
  buildkit=0 build --tag "$image"
  service
  load "$address:8090" --duration 1s
}

test_the_container_to_develop_in_builds_and_serves() {
  project() {
    TCP_ECHO_PUBLISH='127.0.0.1:' TCP_ECHO_PUBLISH_ADMIN='127.0.0.1:' \
      compose -f docker-compose.yml -f docker-compose.dev.yml --project-name "$prefix" "$@"
  }
  trap 'project down --timeout 1 >/dev/null 2>&1 || :' EXIT
  project up --build --detach
  in_shell() { project exec -T tcp-echo /bin/bash -c "$1"; }
  in_shell 'cmake /tcp-echo && make -j4'
  in_shell './tcp-echo-master --daemon --log-file /tmp/log && ./tcp-echo-master --probe'
  expect 'NoNewPrivs: 0' "$(in_shell 'grep NoNewPrivs /proc/self/status' | tr '\t' ' ')" 'may gdb and sudo do their work'
  load "$(project port tcp-echo 8090)" --duration 1s
}

# Debian's emulator, put into the kernel's hands under a name of ours; unless an emulator is registered already.
register_emulator() {
  local formats=/proc/sys/fs/binfmt_misc folder program
  [ -e $formats/register ] || mount -t binfmt_misc none $formats
  ! grep -qsl 'magic 7f454c460201010000000000000000000200b7' $formats/* || return 0
  folder=$(mktemp -d)
  # Up to Debian 12 the one that needs no libraries is a package of its own.
  (cd "$folder" && apt-get -qq -o APT::Sandbox::User=root download qemu-user qemu-user-static &&
   for package in *.deb; do dpkg -x "$package" .; done)
  program=$folder/usr/bin/qemu-aarch64-static
  [ -f "$program" ] || program=$folder/usr/bin/qemu-aarch64
  # F: opened now, so that it is found in containers too, and the file may go.
  printf ':%s:M::%s:%s:%s:F' "$prefix" '\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00' \
    '\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff' \
    "$program" >$formats/register
  rm -rf "$folder"
  # shellcheck disable=SC2064  # now
  trap "echo -1 >'$formats/$prefix'" EXIT
}

test_arm64_echoes_reloads_and_upgrades_under_emulation() {
  if [ "$(uname -m)" != x86_64 ] || [ "$(id -u)" -ne 0 ]; then leave_out 'needs root on x86_64'; fi
  register_emulator
  build --file docker/arm64.Dockerfile --tag "$image"
  service -- --workers 2
  load "$address:8090" --duration 2s --connections 20
  docker exec "$container" build/release/tcp-echo-master --probe
  docker kill --signal HUP "$container"
  eventually logs_say 'reloaded: generation 2'
  docker kill --signal USR2 "$container"
  eventually logs_say 'reloaded: generation 3'
  load "$address:8090" --duration 2s --connections 20
  docker stop "$container"
  expect 0 "$(inspect '{{.State.ExitCode}}')" 'exit code'
}

select_tests "${BASH_SOURCE[0]}" "${1:-.}"
find_engine bookworm trixie || exit 0
build_load || exit
run_tests
