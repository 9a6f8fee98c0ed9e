#!/bin/sh
# Rocky Linux, AlmaLinux, CentOS Stream, RHEL (9 or newer). Installs what is missing of a set; on any other system it
# does nothing.
#   rocky.sh build|test|lint|coverage|bench|run
set -eu
here=$(dirname "$0")
# shellcheck source=lib.sh
. "$here/lib.sh"
is_mine "$0" || exit 0
check_set "$@"
# shellcheck source=dnf.sh
. "$here/dnf.sh"

# spdlog, CLI11 and toml++ live in EPEL, which in turn builds on CRB, a repository that is there but switched off. On
# RHEL epel-release is in no repository, so there an administrator must have enabled EPEL before.
enable_epel() {
  if ! rpm -q --quiet epel-release; then
    announce epel-release
    quietly as_root dnf -q -y install epel-release dnf-plugins-core ||
      fail "EPEL is needed for spdlog, CLI11 and toml++, and could not be enabled: enable it and run this again."
  fi
  # Comes with epel-release; knows what CRB is called on each of these systems.
  quietly as_root crb enable
}

[ -z "$(dnf_missing "$1")" ] || enable_epel
dnf_install "$1"
