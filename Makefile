# Every target sets up what it needs. Required: Python 3.11, git and make.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin

.PHONY: run test check format bench lock soak clean

## run: serve the example site with its pictures, and print the address
run: .venv/.run
	@$(BIN)/python examples/run.py

## test: run all tests, four at a time: most of them wait for a process
# The tests start some hundred processes: without bytecode, each of them compiles the package again.
test: export PYTHONDONTWRITEBYTECODE :=
test: .venv/.test
	@$(BIN)/python -m compileall -q syndicator
	@$(BIN)/pytest --numprocesses 4 --dist worksteal

## check: check format, lint, types and layers
check: .venv/.test
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

## format: format the code
format: .venv/.test
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

## bench: measure speed and memory
bench: .venv/.bench
	@$(BIN)/python -m benchmarks

.venv/.bench: .venv/.test
	@$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[bench]'
	@touch $@

## lock: write the lock files: constraints.txt with the hashes of every platform's packages
lock: .venv/.lock
	@$(BIN)/$(COMPILE) pyproject.toml --output-file requirements.lock
	@echo hatchling | $(BIN)/$(COMPILE) - --output-file requirements-build.lock

COMPILE := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
	--constraint constraints.txt --custom-compile-command 'make lock'

.venv/.lock: .venv/.run
	@$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[lock]'
	@touch $@

## soak: run the daemon under edits, restarts and faults for some minutes, and check every change
soak: .venv/.test
	@$(BIN)/python benchmarks/soak.py --minutes $(or $(MINUTES),3) --seed $(or $(SEED),1)

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .import_linter_cache

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11")'
	@$(PYTHON) -m venv .venv

.venv/.run: pyproject.toml constraints.txt | .venv/bin/python
	@echo "Setting up .venv …"
	@$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

.venv/.test: pyproject.toml constraints.txt | .venv/bin/python
	@echo "Setting up .venv for tests …"
	@$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test,check]'
	@touch .venv/.run $@
