#!/bin/sh
# Ubuntu 24.04 or newer, with its component "universe" (on by default). Installs what is missing of a set; on any other system it does nothing.
#   ubuntu.sh build|test|monitoring|page|lint|coverage|bench|run
set -eu
here=$(dirname "$0")
# shellcheck source=lib.sh
. "$here/lib.sh"
is_mine "$0" || exit 0
check_set "$@"
# shellcheck source=apt.sh
. "$here/apt.sh"

apt_install "$1"
