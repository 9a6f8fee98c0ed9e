#!/bin/sh
# Fedora. Installs what is missing of a set; on any other system it does nothing.
#   fedora.sh build|test|monitoring|page|lint|coverage|bench|run
set -eu
here=$(dirname "$0")
# shellcheck source=lib.sh
. "$here/lib.sh"
is_mine "$0" || exit 0
check_set "$@"
# shellcheck source=dnf.sh
. "$here/dnf.sh"

dnf_install "$1"
