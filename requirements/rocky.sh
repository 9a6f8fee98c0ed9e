#!/bin/sh
# Rocky Linux, AlmaLinux, CentOS Stream, RHEL, Oracle Linux (9 or newer). Installs what is missing of a set; on any other
# system it does nothing.
#   rocky.sh build|test|monitoring|page|lint|coverage|bench|run
set -eu
here=$(dirname "$0")
# shellcheck source=lib.sh
. "$here/lib.sh"
is_mine "$0" || exit 0
check_set "$@"
# shellcheck source=dnf.sh
. "$here/dnf.sh"

# spdlog, CLI11 and toml++ live in EPEL, which in turn builds on CRB, a repository that is there but switched off. On
# RHEL epel-release is in no repository, so there an administrator must have enabled EPEL before. Oracle has other names
# for both.
enable_epel() {
  case " $(system_ids) " in
    *' ol '*)
      # shellcheck source=/dev/null
      major=$(. "$os_release" && echo "${VERSION_ID%%.*}")
      enable_repositories "oracle-epel-release-el$major" dnf config-manager --enable "ol${major}_codeready_builder" ;;
    # Comes with epel-release; knows what CRB is called on each of these systems.
    *) enable_repositories epel-release crb enable ;;
  esac
}

# PACKAGE COMMAND...: the package that knows EPEL, and how to switch on what EPEL builds on.
enable_repositories() {
  package=$1
  shift
  if ! rpm -q --quiet "$package"; then
    announce "$package"
    quietly as_root dnf -q -y install "$package" dnf-plugins-core ||
      fail "EPEL is needed for spdlog, CLI11 and toml++, and could not be enabled: enable it and run this again."
  fi
  quietly as_root "$@"
}

[ -z "$(dnf_missing "$1")" ] || enable_epel
dnf_install "$1"
