#!/bin/sh
# Installs primum from the checkout SOURCE into a new environment PREFIX, with the folder DATA for what it keeps.
# The image runs this and nothing else; the tests run it too, in an empty environment.
set -eu

SOURCE=${SOURCE:-$(cd "$(dirname "$0")/.." && pwd)}
PREFIX=${PREFIX:-/opt/primum}
DATA=${DATA:-/var/lib/primum}
OWNER=${OWNER:-10001:10001}
PYTHON=${PYTHON:-python3}

workshop=$(mktemp -d)
trap 'rm -rf "$workshop"' EXIT

# The wheel is built in an environment of its own, which goes away: what is not needed to run is not installed.
"$PYTHON" -m venv "$workshop/tools"
"$workshop/tools/bin/python" -m pip install --require-hashes --only-binary :all: -r "$SOURCE/requirements-build.txt"
"$workshop/tools/bin/python" -m pip wheel --no-deps --no-build-isolation --wheel-dir "$workshop" "$SOURCE"

"$PYTHON" -m venv "$PREFIX"
"$PREFIX/bin/python" -m pip install --require-hashes --only-binary :all: -r "$SOURCE/requirements.txt"
"$PREFIX/bin/python" -m pip install --no-deps "$workshop"/primum-*.whl

mkdir -p "$DATA"
if [ "$(id -u)" -eq 0 ]; then
    chown "$OWNER" "$DATA"
fi
