#!/bin/sh
# Style, format, types and import rules: every check runs, then those that failed are named.
cd "$(dirname "$0")/../.." || exit 1
failed=""

check() {
    "$@" || failed="$failed
  $*"
}

check ruff check --quiet .
check ruff format --check --quiet .
check snakefmt --check Snakefile workflow
check snakemake --lint --cores 1 --workflow-profile none # the profile's logger shows no lints
check mypy
check lint-imports --no-logo

if [ -n "$failed" ]; then
    echo "lint: these found something:$failed" >&2
    exit 1
fi
