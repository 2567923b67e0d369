# Everything one does with this repository. The first use of a target sets up what it needs.

PYTHON ?= python3
PYTEST_ARGS ?=
BENCH_ARGS ?=
FUZZ_ARGS ?=

BIN := .venv/bin
PROJECTS := pyproject.toml poetry.lock $(wildcard packages/*/pyproject.toml packages/*/setup.py packages/*/src/*.c)
SETTERS := tools/bootstrap.py tools/environment.py tools/lock.py
# Folders are among them, so that a file that goes away counts as a change.
SOURCES := $(shell find packages \( -name __pycache__ -o -name '.*' \) -prune -o -print)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help run test unit mutants lint boundaries wheels isolation bench fuzz docs lock version clean distclean

help:
	@echo "make run        serve the demo application and print its address"
	@echo "make test       lint, docs, isolation and unit, as continuous integration does"
	@echo "make unit       the tests of all distributions, of demos and of tools (PYTEST_ARGS=...)"
	@echo "make mutants    see whether the tests notice mistakes in the protocol engines"
	@echo "make lint       ruff, mypy --strict, one version everywhere, import boundaries"
	@echo "make boundaries the import boundaries alone"
	@echo "make wheels     wheels and sdists into dist/, checked"
	@echo "make isolation  each wheel alone in an environment of its own, with its tests"
	@echo "make bench      measure against other servers (BENCH_ARGS=...)"
	@echo "make fuzz       fuzz the parsers for a while (FUZZ_ARGS=...)"
	@echo "make docs       the documentation into docs/_build/html, warnings as errors"
	@echo "make lock       resolve the development requirements anew into poetry.lock"
	@echo "make version    check that all versions agree; make version SET=X.Y.Z changes them"
	@echo "make clean      remove what was built; make distclean also the environments"

run: .venv/.stamp-run
	@exec $(PYTHON) tools/foreground.py $(BIN)/python -m demos.showcase

test: lint docs isolation unit

unit: .venv/.stamp-dev
	@$(PYTHON) tools/bootstrap.py programs
	$(BIN)/python -m pytest $(PYTEST_ARGS)

mutants: .venv/.stamp-dev
	@$(BIN)/python tools/mutants.py

lint: .venv/.stamp-dev
	@$(BIN)/python tools/version.py --check
	@$(BIN)/python tools/lock.py --check
	$(BIN)/python -m ruff check
	$(BIN)/python -m ruff format --check
	$(BIN)/python -m mypy $(wildcard packages/*/src)
	$(BIN)/python -m mypy tools
	@$(MAKE) --no-print-directory boundaries

boundaries: dist/.stamp
	@$(BIN)/python tools/boundaries.py

wheels: dist/.stamp
	@ls dist

isolation: dist/.stamp
	@$(BIN)/python tools/isolation.py

bench: .venv/.stamp-dev
	@$(PYTHON) tools/bootstrap.py programs curl nginx wrk
	$(BIN)/python -m benchmarks $(BENCH_ARGS)

fuzz: .venv/.stamp-dev .venv/.stamp-fuzz
	PYTHONPATH=tests $(BIN)/python -m fuzz $(FUZZ_ARGS)

docs: .venv/.stamp-run .venv/.stamp-docs
	$(BIN)/python -m sphinx -E -W docs docs/_build/html

lock:
	@$(PYTHON) tools/lock.py --update

version:
	@$(PYTHON) tools/version.py $(if $(SET),--set $(SET),--check)

clean:
	rm -rf build dist docs/_build .mypy_cache .ruff_cache .pytest_cache .hypothesis .setup/isolation
	find . -path ./.venv -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean
	rm -rf .venv .setup

# A stamp is as new as the last time its part of the environment was brought up to date.
.venv/.stamp-%: $(PROJECTS) $(SETTERS)
	@$(PYTHON) tools/bootstrap.py environment $*
	@touch $@

# What suits development suits running too.
.venv/.stamp-dev: $(PROJECTS) $(SETTERS)
	@$(PYTHON) tools/bootstrap.py environment dev
	@touch $@ .venv/.stamp-run

dist/.stamp: .venv/.stamp-dev tools/wheels.py $(SOURCES)
	@$(BIN)/python tools/wheels.py
	@touch $@
