# vipgrid: what a person types. `make` alone prints what there is.

PYTHON ?= python3
UV_VERSION := 0.13.9
TOOLS := .tools
UV := UV_PYTHON_DOWNLOADS=never $(TOOLS)/bin/uv
BIN := .venv/bin
READY := .venv/.ready
HOME_DIR ?= var
DEMO_HOME ?= var/demo
DEMO_SCALE ?= 1
CHAOS_STEPS ?= 400
TEST_PROCESSES ?= auto
LARGE_EVENTS ?= 5000000
LARGE_HOME ?= var/large

.DEFAULT_GOAL := help
.PHONY: help setup demo ui test check format bench large chaos clean

help: ## what there is to type
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 16

$(TOOLS)/bin/uv:
	$(PYTHON) -m venv $(TOOLS)
	$(TOOLS)/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

$(READY): pyproject.toml uv.lock | $(TOOLS)/bin/uv
	$(UV) sync --quiet --locked --compile-bytecode --python $(PYTHON)
	@touch $(READY)

setup: $(READY) ## install what the project needs, locked, into .venv

demo: $(READY) ## sandbox, full sync, notices, weeks of life, reports: ends with what was found and where to look
	$(BIN)/vipgrid demo --home $(DEMO_HOME) --scale $(DEMO_SCALE)

ui: $(READY) ## the Dagster UI over the demo's state, on 127.0.0.1:3000
	$(BIN)/vipgrid ui --home $(DEMO_HOME)

check: $(READY) ## lint, types, import rules, SQL rules, Dagster's definitions
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/python -m pytest -q -p no:cacheprovider tests/test_structure.py
	VIPGRID_HOME=$$(mktemp -d) $(BIN)/dagster definitions validate -w workspace.yaml

format: $(READY) ## put the code into its form
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

test: $(READY) ## all tests
	$(BIN)/python -m pytest -n $(TEST_PROCESSES) --dist worksteal

bench: $(READY) ## what is fast and what is not, as ratios in one run
	$(BIN)/python -m benchmarks

large: $(READY) ## what a turn that brings little costs on a large network
	$(BIN)/python -m benchmarks.large --events $(LARGE_EVENTS) --home $(LARGE_HOME)

chaos: $(READY) ## long random runs: kills, faults, networks against the reference
	VIPGRID_CHAOS_STEPS=$(CHAOS_STEPS) $(BIN)/python -m pytest -m chaos -n $(TEST_PROCESSES) --dist loadgroup -rA

clean: ## forget the environment and the caches, never the state in var/
	rm -rf .venv $(TOOLS) .mypy_cache .ruff_cache .pytest_cache .hypothesis
