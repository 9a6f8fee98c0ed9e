#!/usr/bin/env bash
# A Docker engine with Compose and BuildKit for a Debian machine that has none, or that can pull no image: Debian's own
# packages, and base images made with debootstrap. For tests, not for services. Needs root, or sudo.
#
#   docker/engine.sh up [SUITE...]   starts it, with images debian:SUITE-slim (default: bookworm)
#   docker/engine.sh env             what to eval in order to use it; nothing while it does not run
#   docker/engine.sh down            stops it, and takes back what it has changed in firewall and forwarding
#   docker/engine.sh purge           the same, and removes what it has downloaded and built
#
# Everything it makes lies in $TCP_ECHO_ENGINE (/var/tmp/tcp-echo-engine), but for Debian's packages, which stay
# installed. Where another engine runs it starts none.
set -euo pipefail

folder=${TCP_ECHO_ENGINE:-/var/tmp/tcp-echo-engine}
logs=$folder/logs socket=$folder/docker.sock
# Not kept over a restart of the machine, as what it describes is not.
state=/run/tcp-echo-engine

say() { printf 'engine: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }
as_root() { if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi; }
# Says nothing unless it fails: quietly LOG COMMAND...
quietly() {
  local log=$logs/$1
  shift
  "$@" >>"$log" 2>&1 </dev/null || { tail -n 20 "$log" >&2; fail "failed: $*"; }
}

ours() { DOCKER_HOST=unix://$socket DOCKER_CONFIG=$folder/config docker "$@"; }
engine_pid() { cat "$state/pid" 2>/dev/null || echo 0; }
# The pid alone may be somebody else's by now.
is_running() { tr '\0' ' ' 2>/dev/null <"/proc/$(engine_pid)/cmdline" | grep -qF -- "--data-root $folder/data "; }

install_packages() {
  local needed=(docker.io iptables debootstrap ca-certificates)
  command -v docker && command -v dockerd && command -v iptables && command -v debootstrap && return
  say "installing ${needed[*]}"
  quietly apt as_root apt-get update -qq
  # From Debian 13 on the client is a package of its own.
  if [ -n "$(apt-cache madison docker-cli)" ]; then needed+=(docker-cli); fi
  # Where systemd runs it would start an engine of its own as soon as there is one.
  local units=(docker.service docker.socket containerd.service)
  if [ -d /run/systemd/system ]; then quietly apt as_root systemctl mask --runtime "${units[@]}"; fi
  quietly apt as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${needed[@]}"
  if [ -d /run/systemd/system ]; then
    quietly apt as_root systemctl unmask --runtime "${units[@]}"
    quietly apt as_root systemctl disable "${units[@]}"
  fi
} >/dev/null

# Where this machine has Debian itself from; security updates are no whole system.
debian_uri() {
  # shellcheck disable=SC2016  # for apt-get
  apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Label: Debian' 'Component: main' | sed -n 1p
}

# Compose 2 and BuildKit's client are packaged from Debian 13 on; their files ask for nothing that Debian 12 lacks. So
# they are unpacked into our own folder rather than installed.
add_plugins() {
  local plugins=$folder/config/cli-plugins apt=$folder/apt
  [ ! -x "$plugins/docker-compose" ] || return 0
  say 'fetching docker-compose and docker-buildx'
  mkdir -p "$plugins" "$apt/lists/partial" "$apt/cache/archives/partial"
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $1 trixie main" >"$apt/sources"
  local options=(-o Dir::Etc::sourcelist="$apt/sources" -o Dir::Etc::sourceparts=/dev/null
    -o Dir::State::lists="$apt/lists" -o Dir::Cache="$apt/cache" -o APT::Sandbox::User=root -qq)
  quietly apt apt-get "${options[@]}" update
  (cd "$apt" && quietly apt apt-get "${options[@]}" download docker-compose/trixie docker-buildx/trixie
   for package in docker-*.deb; do dpkg -x "$package" files; done)
  cp "$apt"/files/usr/libexec/docker/cli-plugins/* "$plugins/"
}

start_engine() {
  # Not one that has ended, and that nobody has waited for yet.
  ! pgrep --exact --runstates D,R,S dockerd >/dev/null || fail 'another Docker engine runs on this machine; use that one'
  as_root mkdir -p "$state"
  as_root sh -c "cat /proc/sys/net/ipv4/ip_forward >'$state/ip_forward'; iptables -S FORWARD | head -n 1 >'$state/forward'"
  # In a session of its own: it outlives the terminal that this was typed in.
  as_root setsid --fork dockerd --data-root "$folder/data" --exec-root "$folder/run" --pidfile "$state/pid" \
    --host "unix://$socket" --group "$(id -g)" >"$logs/dockerd" 2>&1 </dev/null
  for _ in $(seq 240); do
    if ours info >/dev/null 2>&1; then return; fi
    sleep 0.25
  done
  tail -n 20 "$logs/dockerd" >&2
  fail 'dockerd did not start within a minute'
}

# As Docker's official image debian:SUITE-slim, only a little larger.
make_base_image() {
  local suite=$1 uri=$2 root=$folder/root-$1
  if ours image inspect "debian:$suite-slim" >/dev/null 2>&1; then return; fi
  say "making the image debian:$suite-slim"
  as_root rm -rf "$root"
  quietly "debootstrap-$suite" as_root debootstrap --variant=minbase "$suite" "$root" "$uri"
  as_root sh -c "rm -rf '$root'/var/cache/apt/* '$root'/var/lib/apt/lists/* '$root'/var/log/*"
  as_root tar -C "$root" -c . | ours import --change 'CMD ["bash"]' - "debian:$suite-slim" >/dev/null
  as_root rm -rf "$root"
}

up() {
  local uri suite
  grep -q '^ID=debian$' /etc/os-release || fail 'this is no Debian: install Docker the way your system does'
  mkdir -p "$logs"
  if ! is_running; then trap down EXIT; fi  # nothing is left behind if this fails half way
  install_packages
  uri=$(debian_uri)
  [ -n "$uri" ] || { quietly apt as_root apt-get update -qq; uri=$(debian_uri); }
  [ -n "$uri" ] || fail 'no source of Debian packages is configured in /etc/apt'
  add_plugins "$uri"
  is_running || start_engine
  for suite in "${@:-bookworm}"; do make_base_image "$suite" "$uri"; done
  trap - EXIT
  say "up: Docker $(ours version --format '{{.Server.Version}}'), Compose $(ours compose version --short)"
  say "to use it: eval \"\$($0 env)\""
}

# Rules, chains and the policy that Docker has added; what others have changed meanwhile stays.
restore_network() {
  local tables
  for tables in iptables ip6tables; do
    as_root "$tables-save" 2>/dev/null | grep -vE 'DOCKER|docker0|br-[0-9a-f]{12}' |
      as_root "$tables-restore" 2>/dev/null || :
  done
  if [ "$(cat "$state/forward")" = '-P FORWARD ACCEPT' ]; then as_root iptables -P FORWARD ACCEPT; fi
  as_root sysctl -q net.ipv4.ip_forward="$(cat "$state/ip_forward")"
  if ip link show docker0 >/dev/null 2>&1; then as_root ip link del docker0; fi
}

down() {
  [ -d "$state" ] || return 0
  if is_running; then
    local pid
    pid=$(engine_pid)
    ours ps -aq | xargs -r docker --host "unix://$socket" rm -f >/dev/null
    ours network prune -f >/dev/null
    as_root kill "$pid"
    for _ in $(seq 80); do is_running || break; sleep 0.25; done
    ! is_running || fail "dockerd (process $pid) does not end; nothing else was changed"
  fi
  restore_network
  as_root rm -rf "$state"
}

print_environment() {
  ! is_running || printf "export DOCKER_HOST='unix://%s' DOCKER_CONFIG='%s'\n" "$socket" "$folder/config"
}

case ${1:-} in
  up) shift; up "$@" ;;
  env) print_environment ;;
  down) down ;;
  purge) down; as_root rm -rf --one-file-system "$folder" ;;
  *) sed -n '2,/^set/s/^# \{0,1\}//p' "$0"; exit 64 ;;
esac
