# `make demo` and `make test` do all set-up on a fresh machine: Python >= 3.11 is all they need.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PYTEST_ARGS ?=

.PHONY: demo test check format docs bench clean

demo: $(VENV)/.base
	$(BIN)/findalike demo --out demo

test: $(VENV)/.dev
	$(BIN)/pytest -n 2 --dist loadgroup $(PYTEST_ARGS)

check: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -n 2 --dist loadgroup $(PYTEST_ARGS)

format: $(VENV)/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(VENV)/.dev
	$(BIN)/python docs/build_reference.py

clean:
	rm -rf $(VENV) demo

# The default install, without torch: what a shop runs.
$(VENV)/.base: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

# Everything the tests need, the training extra included.
$(VENV)/.dev: $(VENV)/.base pyproject.toml
	$(BIN)/python -m pip install --quiet --editable ".[dev]"
	touch $@
