#!/bin/sh
# Choose the version of every package and write them, with hashes, to requirements/.
# Versions already chosen stay unless pyproject.toml excludes them; --upgrade takes the newest.
set -eu
cd "$(dirname "$0")/../.."

compile() {
    output=$1
    shift
    uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
        --no-annotate --no-header --no-emit-index-url --no-emit-find-links \
        --output-file "requirements/$output" "$@"
}

# The largest set first: what it can agree on binds the smaller ones, so that every package has
# one version wherever it stands.
compile dev.txt "$@" --extra notebooks --extra slurm --extra real --extra dev pyproject.toml requirements/uv.in
compile run.txt --constraint requirements/dev.txt pyproject.toml requirements/uv.in
compile uv.txt --constraint requirements/dev.txt requirements/uv.in
python scripts/setup/conda_environment.py
echo "requirements/ and environment.yml are written; the next make installs what changed"
