# One door for everything. `make` alone lists what there is.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:
MAKEFLAGS += --no-print-directory

VENV := .venv
BIN := $(VENV)/bin
# Wheels only: what is locked by its hash is what runs, and nothing is compiled on the way.
INSTALL := $(BIN)/python -m pip --disable-pip-version-check install --no-compile
LOCKED := $(INSTALL) --require-hashes --only-binary :all:
# Two processes of tests for the two cores that the suite is meant for (JOBS=1 gives the plain order; three are quicker by
# a minute or two, and take the time from tests of time).
JOBS := 2
COMPILE := uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --quiet $(UPGRADE)

.PHONY: help setup setup-dev demo test lint format bench coverage-study drills drills-short locks clean

help:  ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 24

setup: $(VENV)/.runtime  ## the environment: locked runtime and the package; nothing to do the second time

setup-dev: $(VENV)/.dev  ## the same, with what tests, linters and types need

# A stamp for each step, so that the second time there is nothing to do.
$(VENV)/.made:
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || { python=$$(.ci/python) && echo "environment: $(VENV) with $$python" && "$$python" -m venv --clear $(VENV); }
	@touch $@

$(VENV)/.runtime: $(VENV)/.made requirements.txt requirements-build.txt pyproject.toml
	$(LOCKED) -r requirements.txt -r requirements-build.txt
	$(INSTALL) --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements-dev.txt
	$(LOCKED) -r requirements-dev.txt
	@touch $@

demo: setup  ## two demo studies and a server: prints three links (DEMO="--port 9000" passes options on)
	@$(BIN)/primum demo $(DEMO)

# Every program that a test starts would compile all that it imports, where the environment forbids to keep it.
test: export PYTHONDONTWRITEBYTECODE :=
test: lint  ## everything: linters, types, directions of imports, all tests, coverage
	@echo "— tests"
	@rm -f .coverage .coverage.*
	@browser=$$(.ci/chromium) && PRIMUM_CHROMIUM="$$browser" $(BIN)/coverage run -m pytest -n $(JOBS) --dist loadfile --durations=10 $(TESTS)
	@$(BIN)/coverage combine --quiet && $(BIN)/coverage report

lint: setup-dev  ## style, layout, types, directions of imports
	@echo "— style" && $(BIN)/ruff check && $(BIN)/ruff format --check
	@echo "— types" && $(BIN)/mypy
	@echo "— directions" && $(BIN)/lint-imports

format: setup-dev  ## what ruff can put right by itself
	@$(BIN)/ruff check --fix-only --quiet && $(BIN)/ruff format

bench: setup-dev  ## side by side with the plain way, in the same run; also var/bench.json
	@$(BIN)/python .ci/bench

coverage-study: setup-dev  ## how often every interval holds, by simulation: minutes; var/coverage*.json, docs/coverage.md and docs/arms.md
	@$(BIN)/python benchmarks/coverage/simulate.py $(STUDY)
	@$(BIN)/python benchmarks/coverage/arms.py

drills: setup-dev  ## faults on purpose, and nothing is lost: the better part of an hour; also var/drills.json
	@browser=$$(.ci/chromium) && PRIMUM_CHROMIUM="$$browser" $(BIN)/python .ci/drills

drills-short: setup-dev  ## the same faults in a minute
	@browser=$$(.ci/chromium) && PRIMUM_CHROMIUM="$$browser" $(BIN)/python .ci/drills --short

locks:  ## compile the three locks again, pins kept (UPGRADE=--upgrade moves them); needs uv
	@command -v uv >/dev/null || { echo "this needs uv: pipx install uv" >&2; exit 1; }
	$(COMPILE) pyproject.toml -o requirements.txt
	$(COMPILE) --group pyproject.toml:build -c requirements.txt -o requirements-build.txt
	$(COMPILE) pyproject.toml --group dev -c requirements.txt -c requirements-build.txt -o requirements-dev.txt

clean:  ## caches, builds and the environment; never var/, which holds data
	rm -rf $(VENV) build dist htmlcov .coverage .pytest_cache .hypothesis .mypy_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
