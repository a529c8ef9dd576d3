#!/bin/sh
# What a container of primum does: web, worker, migrate, or any other command of `primum`.
set -eu

role=${1:-web}
[ $# -eq 0 ] || shift
case $role in
    web) exec primum serve "$@" ;;
    *) exec primum "$role" "$@" ;;
esac
