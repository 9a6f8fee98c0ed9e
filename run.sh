#!/bin/sh
# Installs what is missing, builds the release and serves on port 8090, in the foreground.
#
#   ./run.sh [OPTION...]     the options are those of tcp-echo-master: ./run.sh --port 7000
#   ./run.sh --help          this text, and the daemon's once it is built; installs and builds nothing
#
# In the environment: CMAKE_OPTS, further options of CMake such as -DTCP_ECHO_DEFAULT_PORT=7; CC and CXX, the compilers.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
master=$here/build/release/tcp-echo-master

for word; do
  case $word in -h | --help)
    sed -n '2,/^set/s/^# \{0,1\}//p' "$0"
    if [ -x "$master" ]; then echo && exec "$master" --help; fi
    exit ;;
  esac
done

"$here/requirements/install.sh" build
"$here/scripts/build.sh" release tcp-echo-master tcp-echo-ctl tcp-echo-load

# Still in the caller's directory, so that relative paths among the arguments mean what they say. With exec the daemon
# is the process that was started: Ctrl-C and signals reach it, its exit code is ours.
exec "$master" "$@"
