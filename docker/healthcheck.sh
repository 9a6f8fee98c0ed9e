#!/bin/sh
# Healthy means that a line comes back, over the very port that clients use:
#   healthcheck.sh [HOST [PORT]]
set -eu
host=${1:-localhost}
port=${2:-${TCP_ECHO_PORT:-8090}}
# Clusters inject TCP_ECHO_PORT=tcp://10.0.0.7:8090 for a service of this name; the daemon ignores such a value too.
case $port in *[!0-9]*) port=8090 ;; esac

sent="healthcheck $$"
# -N: close our side after the line, so that the daemon ends the connection. -w: a daemon that stays silent is ill.
got=$(echo "$sent" | nc -N -w 2 "$host" "$port")
[ "$got" = "$sent" ]
