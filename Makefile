# Everything from a fresh clone: each target makes its virtual environment first, and only what is missing.
#
#   make demo           train the quickstart comparison and plot it, on data that needs no download
#   make test           run the tests
#   make check          lint, types, import order
#   make test-backends  the layers' and variants' tests on JAX and torch

SUPPORTED := 3.11, 3.12, 3.13
IS_SUPPORTED := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c '$(IS_SUPPORTED)' 2>/dev/null && echo $$python && break; done; true)
VENV := .venv
BIN := $(VENV)/bin
ON_EVERY_BACKEND := tests/layers tests/nn/test_variants.py tests/nn/test_fold.py
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: demo test check test-backends clean

demo: $(VENV)/installed
	$(BIN)/wncompare run configs/quickstart.yaml

test: $(VENV)/installed-test
	$(BIN)/python -m pytest -n auto --dist loadfile

check: $(VENV)/installed-test $(VENV)/installed-check
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test-backends: $(VENV)/installed-test $(VENV)/installed-backends
	KERAS_BACKEND=jax $(BIN)/python -m pytest -n auto $(ON_EVERY_BACKEND)
	KERAS_BACKEND=torch $(BIN)/python -m pytest -n auto $(ON_EVERY_BACKEND)

$(VENV)/python:
	@test -n "$(PYTHON)" && $(PYTHON) -c '$(IS_SUPPORTED)' 2>/dev/null || \
		{ echo "no supported Python found: TensorFlow runs on Python $(SUPPORTED); name one with make PYTHON=..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) --upgrade 'pip>=25.1'
	@touch $@

$(VENV)/installed: $(VENV)/python pyproject.toml
	$(INSTALL) --editable .
	@touch $@

$(VENV)/installed-%: $(VENV)/installed
	$(INSTALL) --group $*
	@touch $@

clean:
	rm -rf $(VENV) build dist
