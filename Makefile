# Everything happens inside this folder: a virtual environment in .venv, nothing else anywhere.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check --require-hashes

.PHONY: demo test check docs torture bench format lock clean

demo: .venv/run ## the product: daemon, simulated billing system and alerts, nothing to set up
	@$(BIN)/python -m monitor demo $(FLAGS)

test: .venv/dev ## the tests
	@$(BIN)/python -m pytest -q --numprocesses=auto --dist=worksteal

check: .venv/dev ## lint, types, layers
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

docs: .venv/dev ## brings what the documents say of settings and templates up to date
	@$(BIN)/python docs/generate.py

torture: .venv/dev ## the long versions of the hostile tests; ROUNDS=n for longer ones
	@ROUNDS=$(or $(ROUNDS),1000) $(BIN)/python -m pytest -q -m torture --torture

bench: .venv/dev ## every goal of performance beside its floor, as a table and as JSON; ROWS="full sweep" for some
	@$(BIN)/python tests/bench/bench_run.py --rows="$(ROWS)" --file="$(or $(FILE),bench.json)"

format: .venv/dev
	@$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format .

lock: ## brings the lock files up to date (needs uv)
	uv pip compile --universal --generate-hashes --no-header --no-emit-index-url --upgrade -q pyproject.toml -o requirements.lock
	uv pip compile --universal --generate-hashes --no-header --no-emit-index-url --upgrade -q --extra dev pyproject.toml -o requirements-dev.lock

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist build

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Order Monitor needs Python 3.11 or later: make PYTHON=python3.11")'
	@$(PYTHON) -m venv .venv || { rm -rf .venv; echo "Python's venv is missing: on Debian, apt install python3-venv" >&2; exit 1; }

.venv/run: .venv/bin/python requirements.lock
	@echo "Installing what Order Monitor needs into .venv …"
	@$(PIP) -r requirements.lock
	@touch $@

.venv/dev: .venv/bin/python requirements-dev.lock pyproject.toml
	@echo "Installing what the tests need into .venv …"
	@$(PIP) -r requirements-dev.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@
