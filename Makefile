# The two commands most people need are `make run` and `make test`; `make help` lists the rest.
# Set-up needs Python 3.11-3.13 with venv, git and GNU make, and the network once.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV := $(CURDIR)/.venv
BIN := $(VENV)/bin
LOCK_PYTHON := 3.11
export PATH := $(BIN):$(PATH)
export UV_PYTHON_DOWNLOADS := never
export VIRTUAL_ENV := $(VENV)

LOCK = $(BIN)/uv pip compile --quiet --universal --python-version $(LOCK_PYTHON) --generate-hashes --no-annotate --no-header --no-emit-index-url $(UPGRADE) pyproject.toml --extra setup

.PHONY: help
help:  ## this list
	@grep -hE '^[a-z-]+:.*?## ' $(MAKEFILE_LIST) | sort | awk -F ':.*?## ' '{printf "  make %-12s %s\n", $$1, $$2}'

# --- set-up ------------------------------------------------------------------------------------

$(BIN)/uv: requirements/uv.txt scripts/setup/check_machine.sh
	@python=$$(bash scripts/setup/check_machine.sh) && echo "Setting up .venv with $$($$python --version)" && $$python -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/uv.txt
	@touch $@

define synchronise
	@echo "Installing the locked packages ($<)"
	@$(BIN)/uv pip sync --quiet --require-hashes --compile-bytecode --no-build-isolation $<
	@$(BIN)/uv pip install --quiet --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m compileall -q src
	@touch $@
endef

$(VENV)/.dev: requirements/dev.txt pyproject.toml $(BIN)/uv
	$(synchronise)
	@touch $(VENV)/.run

# Whoever has the development packages has those of a run too.
$(VENV)/.run: requirements/run.txt pyproject.toml $(BIN)/uv
	$(if $(wildcard $(VENV)/.dev),@$(MAKE) --no-print-directory $(VENV)/.dev && touch $@,$(synchronise))

.PHONY: lock
lock: $(BIN)/uv  ## renew the hashed requirement files (UPGRADE=--upgrade for newer versions)
	@$(LOCK) -o requirements/run.txt
	@$(LOCK) --extra real --extra dev -c requirements/run.txt -o requirements/dev.txt
	@$(BIN)/uv pip compile --quiet --universal --python-version $(LOCK_PYTHON) --generate-hashes --no-annotate --no-header --no-emit-index-url -c requirements/run.txt --extra setup --only-extra-setup pyproject.toml -o requirements/uv.txt

# --- the work ----------------------------------------------------------------------------------

.PHONY: run
run: $(VENV)/.run  ## set up, then the bundled example trial from its export to the report
	@snakemake $(ARGS)

.PHONY: test
test: $(VENV)/.dev  ## set up, then the whole test suite
	@python -m pytest $(ARGS)

.PHONY: clean
clean:  ## remove results and the environment (data/raw is never touched)
	rm -rf results .snakemake .venv
