# `make run` and `make test` are all that most people need; `make help` lists the rest.
# Any make will do: nothing here is beyond POSIX. What takes thought stands in scripts/setup/.

# Handed to the program behind a target: make run ARGS=--dry-run, make test ARGS="-k ingest"
ARGS =
ENVIRONMENT = @sh scripts/setup/environment.sh
WITHIN = @PATH="$$PWD/.venv/bin:$$PATH"

.NOTPARALLEL:
.PHONY: help run test real lock lint docs notebooks validate simulate bench bench-scale slurm-test faults clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

run: ## set up what is missing, then take the example trial from its export to the report
	$(ENVIRONMENT) run
	$(WITHIN) snakemake $(ARGS)

test: ## set up what is missing, then run every test
	$(ENVIRONMENT) dev
	$(WITHIN) pytest -n auto --dist worksteal $(ARGS)

real: ## run a real trial, Beat the Blues, to its report
	$(ENVIRONMENT) dev
	$(WITHIN) python scripts/setup/beat_the_blues.py data/beat_the_blues/raw/btheb_wide.csv
	$(WITHIN) snakemake --directory data/beat_the_blues $(ARGS)

lock: ## choose package versions anew and write requirements/ (ARGS=--upgrade for the newest)
	$(ENVIRONMENT) dev
	$(WITHIN) sh scripts/setup/lock.sh $(ARGS)

lint: ## style, types and the rules of who may import whom
	$(ENVIRONMENT) dev
	$(WITHIN) sh scripts/setup/lint.sh

docs: ## build the documentation into docs/_build/html; a warning is an error
	$(ENVIRONMENT) dev
	$(WITHIN) sphinx-build -q -W --keep-going -b html docs docs/_build/html

notebooks: ## run the example, then every notebook on it; rendered copies in results/notebooks
	$(ENVIRONMENT) dev
	$(WITHIN) snakemake $(ARGS)
	$(WITHIN) python scripts/notebooks.py

validate: ## the model engine against stored values of R, case by case; 2,000 damaged exports
	$(ENVIRONMENT) dev
	$(WITHIN) python -m ipt_outcomes.mixed.validate tests/reference
	$(WITHIN) IPT_FUZZ_EXAMPLES=200 pytest tests/ingest/test_fuzz.py tests/ingest/test_fuzz_data_files.py

simulate: ## many simulated trials: coverage and error rates against the truth (ARGS="--trials 200")
	$(ENVIRONMENT) dev
	$(WITHIN) python benchmarks/coverage.py $(ARGS)
	$(WITHIN) python -m ipt_outcomes.mixed.simulation kenward-roger $(ARGS)
	$(WITHIN) python -m ipt_outcomes.mixed.simulation therapists $(ARGS)
	$(WITHIN) python benchmarks/questions.py $(ARGS)
	$(WITHIN) python benchmarks/clinical.py $(ARGS)
	$(WITHIN) python benchmarks/process.py $(ARGS)
	$(WITHIN) python benchmarks/lasting.py $(ARGS)
	$(WITHIN) python benchmarks/panel.py $(ARGS)

bench: ## what models, imputation and reading cost, beside other programs where there are any
	$(ENVIRONMENT) dev
	$(WITHIN) python benchmarks/mixed.py $(ARGS)
	$(WITHIN) python benchmarks/imputation.py
	$(WITHIN) python benchmarks/ingest.py

bench-scale: ## the same on very large data
	$(ENVIRONMENT) dev
	$(WITHIN) python benchmarks/mixed.py --scale $(ARGS)
	$(WITHIN) python benchmarks/scale.py

slurm-test: ## the example and a power run on a real Slurm on this machine (as root, on Debian)
	$(ENVIRONMENT) dev
	$(WITHIN) sh scripts/setup/slurm_test.sh

faults: ## runs killed, starved of disk, doubled, damaged; bundles tampered with
	$(ENVIRONMENT) dev
	$(WITHIN) python benchmarks/faults.py $(ARGS)
	$(WITHIN) python benchmarks/tampering.py

clean: ## remove results and the environment; exports under data/ stay
	rm -rf .venv .snakemake results data/*/.snakemake data/*/results
	rm -rf docs/_build docs/reference/configuration.md
	rm -rf .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
