# shellcheck shell=sh
# The package names of Fedora and its relatives and how to install them. Sourced by fedora.sh and rocky.sh, after lib.sh.

dnf_words() {
  case $1 in
    build)
      echo gcc-c++ "$(asked_compiler)" cmake make ninja-build pkgconf-pkg-config
      echo libuv-devel spdlog-devel cli11-devel tomlplusplus-devel expected-devel json-devel libmicrohttpd-devel ;;
    # The sanitizers' runtimes are packages of their own here.
    test)
      dnf_words build
      echo ccache mold gtest-devel gmock-devel valgrind strace netcat procps-ng iproute systemd util-linux
      echo libasan libubsan libtsan ;;
    monitoring) echo golang-github-prometheus ;;
    # What npm's package is called differs; each provides this name.
    page)
      command -v npm >/dev/null || echo nodejs npm
      [ -n "${CHROMIUM:-}" ] || echo chromium ;;
    lint) echo clang clang-tools-extra compiler-rt ShellCheck ;;
    coverage) echo gcovr ;;
    bench)
      dnf_words build
      echo asio-devel libevent-devel strace valgrind ;;
    # netcat is OpenBSD's, whose -N the quickstart uses; nmap-ncat has no such flag.
    run) echo libuv spdlog tomlplusplus libmicrohttpd netcat ;;
  esac
}

dnf_missing() {
  # Words are a list on purpose, here and below.
  # shellcheck disable=SC2046
  missing_of "$(rpm -qa --qf '%{NAME}\n')" $(dnf_words "$1")
}

dnf_install() {
  missing=$(dnf_missing "$1")
  [ -n "$missing" ] || return 0
  # shellcheck disable=SC2086
  announce $missing
  # shellcheck disable=SC2086
  quietly as_root dnf -q -y --setopt=install_weak_deps=False install $missing ||
    fail "dnf could not install:" $missing
}
