#!/bin/sh
# What a container of primum does: web, worker, migrate, or any other command of `primum`.
set -eu

role=${1:-web}
[ $# -eq 0 ] || shift
case $role in
    # The container's own network is the boundary: what reaches it is what was published, behind a TLS proxy.
    web) exec primum serve --host 0.0.0.0 --port "${PRIMUM_PORT:-8000}" "$@" ;;
    *) exec primum "$role" "$@" ;;
esac
