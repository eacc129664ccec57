# Everything that a developer runs. Python 3.10+ and make are all that is needed beforehand.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
IN_PARALLEL := --numprocesses auto --dist worksteal
QUICK := -m "not thorough"
# Where it is set, each interpreter that a test starts compiles the packages anew.
export PYTHONDONTWRITEBYTECODE :=
UV := $(BIN)/uv pip install --compile-bytecode --python $(BIN)/python

.PHONY: help demo serve test test-all mutants soak stacks pythons check bench bench-quick bench-tool bench-publish docs release-check clean

help:
	@echo "make demo      the migration as a story, told over HTTP by a running application"
	@echo "make serve     that application, to try by hand at http://127.0.0.1:8000/docs"
	@echo "make test      every promise once on every database, in minutes"
	@echo "make test-all  all tests, in all combinations, with coverage"
	@echo "make mutants   do the tests notice small changes? In an hour; MUTANTS=--help shows the options"
	@echo "make soak      the long tests, in half an hour; SOAK=--help shows the options"
	@echo "make stacks    the tests on every set of versions, from FastAPI Users 7 to today's"
	@echo "make pythons   the quick tests on every other Python that is found"
	@echo "make check     formatting, lint, spelling and types"
	@echo "make bench     speed beside upstream's (bench-quick: in minutes; bench-tool: the command line)"
	@echo "make docs      the documentation, into site/"
	@echo "make release-check  build both distributions, and try them as whoever installs them would"
	@echo "make clean     remove what the other targets made"

# One environment for everything. It is made again when pyproject.toml changes.
$(VENV)/ready: pyproject.toml compat/pyproject.toml
	@echo "Creating the environment $(VENV), once: it takes about a minute. 1 of 3: Python ..."
	@$(PYTHON) -m venv --clear $(VENV)
	@echo "2 of 3: uv, which installs the rest ..."
	@$(BIN)/python -m pip --quiet --disable-pip-version-check install uv
	@echo "3 of 3: all that the targets need ..."
	@[ -t 2 ] || quiet=--quiet; $(UV) $$quiet --editable ".[databases]" --editable compat --group dev
	@touch $@

test: $(VENV)/ready
	@$(BIN)/python -m pytest $(IN_PARALLEL) $(QUICK)

# Coverage is that of the quick tests: they are to reach every line and branch, and it takes them
# twice as long. Not pytest's plugin for it: the package is imported before that starts to measure.
# Some tests have a long variant, which they run where the environment variable SOAK is set.
# Those in `differential` fetch upstream's releases the first time, so `make test` passes over them.
test-all: $(VENV)/ready
	@echo "1 of 2: the quick tests, with coverage ..."
	@$(BIN)/coverage erase
	@$(BIN)/coverage run -m pytest $(IN_PARALLEL) $(QUICK) tests tests/differential
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report
	@echo "2 of 2: what they have left out ..."
	@$(BIN)/python -m pytest $(IN_PARALLEL) -m thorough tests tests/differential

mutants: $(VENV)/ready
	@$(BIN)/python -m tests.mutants $(MUTANTS)

soak: $(VENV)/ready
	@$(BIN)/python -m tests.soak $(SOAK)

stacks: $(VENV)/ready
	@$(BIN)/nox --no-error-on-missing-interpreters --reuse-existing-virtualenvs

pythons: $(VENV)/ready
	@$(BIN)/nox --session pythons --no-error-on-missing-interpreters --reuse-existing-virtualenvs

check: $(VENV)/ready
	@$(BIN)/ruff format --check --quiet . || (echo "Run $(BIN)/ruff format ."; exit 1)
	@$(BIN)/ruff check --quiet .
	@$(BIN)/codespell
	@$(BIN)/mypy
	@$(BIN)/pyright

demo: $(VENV)/ready
	@$(BIN)/python -m examples.demo

serve: $(VENV)/ready
	@$(BIN)/python -m examples.serve

bench: $(VENV)/ready
	@$(BIN)/python -m benchmarks

bench-tool: $(VENV)/ready
	@$(BIN)/python -m benchmarks.tool

bench-quick: $(VENV)/ready
	@$(BIN)/python -m benchmarks --quick

# Copies the figures of the last run into the documentation.
bench-publish: $(VENV)/ready
	@$(BIN)/python -m benchmarks --publish

# What CONTRIBUTING.md says about a release.
release-check: $(VENV)/ready
	@rm -rf dist
	@$(BIN)/uv build --quiet --out-dir dist .
	@$(BIN)/uv build --quiet --out-dir dist compat
	@$(BIN)/python -m twine check --strict dist/*
	@$(BIN)/python -m pytest tests/wheels tests/test_wheel.py tests/test_sdist.py
	@echo "Ready for release: what is in dist/."

docs: $(VENV)/ready
	@$(BIN)/python -m docs.build
	@echo "The site is in site/. To look at it: $(BIN)/python -m http.server --directory site 8000"
	@echo "and then http://127.0.0.1:8000/ in a browser."

clean:
	rm -rf $(VENV) .nox site build dist .cache .coverage .mypy_cache .pytest_cache .ruff_cache
