#!/bin/sh
# Install Recrate and run the main job: compare models on the penguins data set.
#
#   sh examples/run.sh [OPTION OF recrate run...]
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
venv=${RECRATE_VENV:-$root/.venv}
sh "$root/install.sh"

cd "$root"
exec "$venv/bin/recrate" run examples/penguins/workflow.cwl examples/penguins/job.yml --outdir penguins-results "$@"
