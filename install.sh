#!/bin/sh
# Install Recrate from this checkout into a virtual environment.
#
#   sh install.sh [EXTRA...]      for example: sh install.sh test
#
# RECRATE_VENV  where the environment is, default: .venv in this checkout
# PYTHON        the Python to make it with, default: the first of 3.11 or newer on the PATH
#
# Needs nothing but Python 3.11 or newer. Debian ships Python without the module that makes
# virtual environments: root gets it by apt-get, anybody else is told what to type.
set -eu

root=$(cd "$(dirname "$0")" && pwd)
venv=${RECRATE_VENV:-$root/.venv}
extras=$(printf '%s,' "$@")

say() { printf 'install: %s\n' "$*" >&2; }

usable() {
    command -v "$1" >/dev/null 2>&1 && "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

find_python() {
    for name in ${PYTHON:-} python3 python3.13 python3.12 python3.11; do
        if usable "$name"; then
            printf '%s\n' "$name"
            return
        fi
    done
    say 'no Python 3.11 or newer on the PATH (on Debian: apt-get install python3 python3-venv)'
    exit 1
}

need_venv_module() {
    "$1" -c 'import ensurepip, venv' 2>/dev/null && return
    if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null 2>&1; then
        say 'this Python has no venv module; installing the Debian package python3-venv'
        { apt-get update -qq && apt-get install -y -qq --no-install-recommends python3-venv; } >&2
    else
        say 'this Python has no venv module; type: sudo apt-get install python3-venv'
        exit 1
    fi
}

python=$(find_python)
if ! [ -x "$venv/bin/pip" ]; then
    need_venv_module "$python"
    say "making $venv with $("$python" --version)"
    "$python" -m venv "$venv"
fi
rm -rf "$root/build/lib"  # what an earlier build left there would end up in the wheel
say "installing recrate${*:+ with: $*}"
"$venv/bin/pip" install --quiet --quiet --disable-pip-version-check "$root${*:+[${extras%,}]}"
