#!/bin/sh
# Install Recrate with all that its tests need, and run them against what was installed.
#
#   sh tests/run.sh [PYTEST OPTION...]
#
# The tests run in a copy outside of the checkout, where `import recrate` can only find the
# installed package: a module or data file that was left out of the wheel fails here.
# RECRATE_SOURCE tells the tests of the source tree where it is.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
venv=${RECRATE_VENV:-$root/.venv}
sh "$root/install.sh" test

copy=$(mktemp -d "${TMPDIR:-/tmp}/recrate-tests.XXXXXX")
trap 'rm -rf "$copy"' EXIT
trap 'exit 130' INT TERM
mkdir "$copy/main"
if [ -d "$root/../shared" ]; then ln -s "$(cd "$root/../shared" && pwd)" "$copy/shared"; fi
cd "$root"
cp -R .ci tests examples docs benchmarks ./*.md CITATION.cff install.sh pyproject.toml "$copy/main/"

cd "$copy/main"
PATH=$venv/bin:$PATH
RECRATE_SOURCE=$root
export PATH RECRATE_SOURCE
# In the order of their names: else the files of few tests come last, and one of them takes three minutes.
python -m pytest --numprocesses="${RECRATE_TEST_WORKERS:-auto}" --dist=loadfile --no-loadscope-reorder \
    --durations=15 "$@"
