# shellcheck shell=sh
# Debian's and Ubuntu's package names and how to install them. Sourced by debian.sh and ubuntu.sh, after lib.sh.

apt_words() {
  case $1 in
    build)
      echo g++ "$(asked_compiler)" cmake make ninja-build pkg-config
      echo libuv1-dev libspdlog-dev libcli11-dev libtomlplusplus-dev libexpected-dev nlohmann-json3-dev libmicrohttpd-dev ;;
    test)
      apt_words build
      echo ccache mold libgtest-dev libgmock-dev valgrind strace netcat-openbsd procps iproute2 systemd util-linux ;;
    # Apart from test: it is large, and where systemd runs its package starts it as a service.
    monitoring) echo prometheus ;;
    # Node.js may have come from elsewhere, with npm in it. Ubuntu has Chromium as a snap only: CHROMIUM names another one.
    page)
      command -v npm >/dev/null || echo nodejs npm
      [ -n "${CHROMIUM:-}" ] || echo chromium ;;
    lint) echo clang clang-format clang-tidy libclang-rt-dev shellcheck ;;
    # Apart from test, because it brings Python along.
    coverage) echo gcovr ;;
    bench)
      apt_words build
      echo libasio-dev libevent-dev strace valgrind ;;
    # The libraries' packages carry a version that differs per release (libspdlog1.10, libspdlog1.15, libuv1t64), so
    # each is asked for as "what the -dev package depends on".
    run)
      echo 'libuv1-dev/libuv1*' 'libspdlog-dev/libspdlog[0-9]*' 'libtomlplusplus-dev/libtomlplusplus[0-9]*'
      echo 'libmicrohttpd-dev/libmicrohttpd[0-9]*'
      echo netcat-openbsd ;;
  esac
}

# PARENT/PATTERN becomes that dependency of PARENT whose name matches PATTERN; any other word is a name as it is.
apt_name() {
  case $1 in
    */*)
      apt-cache depends "${1%%/*}" | sed -n 's/^[ |]*Depends: //p' | while read -r name; do
        # shellcheck disable=SC2254  # a pattern on purpose
        case $name in ${1#*/}) echo "$name"; break ;; esac
      done ;;
    *) echo "$1" ;;
  esac
}

# For dpkg's lock apt-get can wait by itself; for that of the lists it cannot, and a machine that has just booted
# often refreshes them in the background. Any other failure (one of several sources does not answer) is not final:
# whether the lists at hand are good enough, the installation itself will say.
apt_update() {
  tries=24
  until output=$(as_root env LC_ALL=C apt-get -qq update 2>&1); do
    case $output in *'Could not get lock'*) ;; *) say "going on although apt-get update said: $output"; return ;; esac
    tries=$((tries - 1))
    [ $tries -gt 0 ] || fail "another process has held apt's lists for two minutes: $output"
    sleep 5
  done
}

apt_install() {
  # Words are lists on purpose, here and below.
  # shellcheck disable=SC2046
  missing=$(missing_of "$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' | sed -n 's/^installed //p')" \
    $(apt_words "$1"))
  [ -n "$missing" ] || return 0
  # shellcheck disable=SC2046
  announce $(echo "$missing" | sed 's,.*/,,')

  apt_update
  names=
  for word in $missing; do
    name=$(apt_name "$word")
    [ -n "$name" ] || fail "no package of this release matches ${word#*/}"
    names="$names $name"
  done
  # shellcheck disable=SC2086
  quietly as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o DPkg::Lock::Timeout=120 \
    install --no-install-recommends $names || fail "apt-get could not install:$names"
}
