#!/bin/sh
# Installs what is missing, builds the release and serves on port 8090, in the foreground.
# Arguments go to the daemon: ./run.sh --port 7000, ./run.sh --help
set -eu
here=$(cd "$(dirname "$0")" && pwd)

"$here/requirements/install.sh" build
"$here/scripts/build.sh" release tcp-echo-master tcp-echo-load

# Still in the caller's directory, so that relative paths among the arguments mean what they say. With exec the daemon
# is the process that was started: Ctrl-C and signals reach it, its exit code is ours.
exec "$here/build/release/tcp-echo-master" "$@"
