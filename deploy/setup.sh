#!/bin/sh
# Makes .venv with the locked dependencies and this project in it. Safe to run again: each step does only what is missing.
# PYTHON names the interpreter; SETUP_SKIP_APT=1 leaves the Debian packages alone.
set -eu
cd "$(dirname "$0")/.."

PYTHON=${PYTHON:-python3}
venv_python=.venv/bin/python

die() {
    echo "setup: $1" >&2
    exit 2
}

command -v "$PYTHON" >/dev/null 2>&1 || die "$PYTHON is not here: install Python 3.11 or newer, or say make setup PYTHON=..."
"$PYTHON" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' ||
    die "$PYTHON is $("$PYTHON" -V 2>&1): this project runs on 3.11 to 3.13, choose one with make setup PYTHON=..."

# --- Debian packages ---------------------------------------------------------------------------------------------

installed() {
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

missing=
if ! "$PYTHON" -c 'import ensurepip, venv' 2>/dev/null; then
    missing="python3-venv"
fi
# For the tests: a browser, Chinese glyphs for its screenshots, a database server, and a Modbus client and a
# serial line of other makers.
command -v chromium >/dev/null 2>&1 || missing="$missing chromium"
command -v curl >/dev/null 2>&1 || missing="$missing curl"
command -v mbpoll >/dev/null 2>&1 || missing="$missing mbpoll"
command -v socat >/dev/null 2>&1 || missing="$missing socat"
# Debian keeps the PostgreSQL server out of PATH.
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing="$missing postgresql"
installed fonts-wqy-microhei || missing="$missing fonts-wqy-microhei"

apt() {
    DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@" </dev/null
}

if [ -n "$missing" ] && [ -z "${SETUP_SKIP_APT:-}" ] && command -v apt-get >/dev/null 2>&1; then
    if [ "$(id -u)" = 0 ]; then
        echo "setup: installing$(printf ' %s' $missing)"
        log=$(mktemp)
        # shellcheck disable=SC2086  # a list of package names
        if ! { apt update && apt install -y --no-install-recommends $missing; } >"$log" 2>&1; then
            tail -n 40 "$log" >&2
            rm -f "$log"
            die "apt-get did not install$(printf ' %s' $missing); SETUP_SKIP_APT=1 goes on without"
        fi
        rm -f "$log"
    else
        echo "setup: not root, so these Debian packages stay away:$(printf ' %s' $missing)"
    fi
fi
"$PYTHON" -c 'import ensurepip, venv' 2>/dev/null ||
    die "$PYTHON cannot make environments: install python3-venv (Debian: apt-get install python3-venv, as root), then try again"

# --- Python ------------------------------------------------------------------------------------------------------

# An environment whose interpreter is gone, or that half of a run left behind, is made anew.
if ! "$venv_python" -m pip --version >/dev/null 2>&1; then
    "$PYTHON" -m venv --clear .venv
fi

# Once -q still tells of mirrors that are away; twice leaves the errors.
pip() {
    "$venv_python" -m pip --disable-pip-version-check --no-input -qq "$@" </dev/null
}

lock_sum=$(cksum <requirements.lock)
if [ "$(cat .venv/.locked 2>/dev/null)" != "$lock_sum" ]; then
    echo "setup: installing the locked Python packages"
    pip install --require-hashes -r requirements.lock
    echo "$lock_sum" >.venv/.locked
fi
pip install --no-deps --no-build-isolation -e .
