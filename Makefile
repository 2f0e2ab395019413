# Everything from a fresh clone: each target makes its virtual environment first, and only what is missing.
#
#   make demo           train the quickstart comparison and plot it, on data that needs no download
#   make test           run the tests that take seconds
#   make test-slow      run the others: kills, full disks, clusters, programs compiled anew
#   make check          lint, types, import order
#   make check-js       lint and types of the report's scripts; skipped where there is no npm
#   make test-backends  the layers' and variants' tests on JAX and torch
#   make test-oldest    the core's tests on the oldest Keras, TensorFlow and NumPy that pyproject.toml admits
#   make test-layer-alone  the layer in a virtual environment that has Keras and JAX alone
#   make test-faults    kill a worker, the driver and both at 30 random instants, about 6 minutes
#   make dist           the wheel and the source distribution, in dist/
#   make test-dist      install that wheel alone in an environment of its own and do the smoke run there
#   make bench          measure wncompare against the tutorial and other systems, about 45 minutes; see benchmarks/

SUPPORTED := 3.11, 3.12, 3.13
IS_SUPPORTED := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c '$(IS_SUPPORTED)' 2>/dev/null && echo $$python && break; done; true)
VENV := .venv
BIN := $(VENV)/bin
TUTORIAL_PYTHON ?= python3.11
TUTORIAL_VENV := .venv-tutorial
OLDEST_PYTHON ?= python3.11
OLDEST_VENV := .venv-oldest
OLDEST := keras==3.13.0 tensorflow==2.18.0 numpy==1.26.0
CORE := tests/layers $(addprefix tests/nn/test_,arms.py checkpoint.py export.py fold.py keras_private_trainer.py \
	models.py schedules.py stopping.py tensorboard.py training.py training_as_keras.py training_runs.py)
ON_EVERY_BACKEND := tests/layers tests/nn/test_variants.py tests/nn/test_fold.py tests/nn/test_identity.py \
  tests/nn/test_layer_state.py
LAYER_VENV := .venv-layer
JAVASCRIPT := tests/render/javascript
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: demo test test-slow check check-js test-backends test-oldest test-layer-alone test-faults dist test-dist bench clean

demo: $(VENV)/installed
	$(BIN)/wncompare run configs/quickstart.yaml

test: $(VENV)/installed-test
	$(BIN)/python -m pytest -n auto --dist loadfile -m "not slow"

test-slow: $(VENV)/installed-test
	$(BIN)/python -m pytest -n auto --dist loadfile -m slow

check: $(VENV)/installed-test $(VENV)/installed-check
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check-js:
	@if command -v npm > /dev/null; then \
		npm install --prefix $(JAVASCRIPT) --no-audit --no-fund --silent && npm run --prefix $(JAVASCRIPT) --silent check; \
	else echo "check-js: skipped, for there is no npm"; fi

test-faults: $(VENV)/installed-test
	WNCOMPARE_FAULT_INSTANTS=10 $(BIN)/python -m pytest -p no:xdist -s tests/faults/test_kills.py

test-backends: $(VENV)/installed-test $(VENV)/installed-backends
	KERAS_BACKEND=jax $(BIN)/python -m pytest -n auto $(ON_EVERY_BACKEND)
	KERAS_BACKEND=torch $(BIN)/python -m pytest -n auto $(ON_EVERY_BACKEND)

dist: $(VENV)/installed-release
	rm -rf dist
	$(BIN)/python -m build --outdir dist .

# Away from the checkout, so that nothing of it can be imported.
test-dist: dist
	@set -e; place=$$(mktemp -d); trap 'rm -rf "$$place"' EXIT; \
	$(BIN)/python -m venv "$$place/venv"; \
	"$$place/venv/bin/python" -m pip install --quiet --disable-pip-version-check dist/*.whl; \
	cp configs/smoke.yaml "$$place"; cd "$$place"; \
	venv/bin/wncompare run smoke.yaml --output results/smoke --quiet; \
	venv/bin/wncompare report results --format html

test-oldest: $(OLDEST_VENV)/installed
	$(OLDEST_VENV)/bin/python -m pytest -n auto --dist loadfile $(CORE)

test-layer-alone: $(VENV)/python
	rm -rf $(LAYER_VENV)
	$(BIN)/python -m venv $(LAYER_VENV)
	$(LAYER_VENV)/bin/python -m pip install --quiet --disable-pip-version-check 'keras>=3.13' numpy jax
	$(LAYER_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps .
	cd tests/layers && KERAS_BACKEND=jax ../../$(LAYER_VENV)/bin/python alone.py

bench: $(VENV)/installed-backends $(TUTORIAL_VENV)/installed
	$(BIN)/python -m benchmarks.whole_job --tutorial-python $(TUTORIAL_VENV)/bin/python
	$(BIN)/python -m benchmarks.step_time --tutorial-python $(TUTORIAL_VENV)/bin/python
	$(BIN)/python -m benchmarks.limit
	$(BIN)/python -m benchmarks.scaling
	$(BIN)/python -m benchmarks.many_runs
	$(BIN)/python -m benchmarks.coverage
	$(BIN)/python -m benchmarks.tables

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

$(OLDEST_VENV)/installed: pyproject.toml Makefile
	@$(OLDEST_PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null || \
		{ echo "the oldest NumPy needs Python 3.11: name one with make test-oldest OLDEST_PYTHON=..." >&2; exit 1; }
	$(OLDEST_PYTHON) -m venv $(OLDEST_VENV)
	$(OLDEST_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --editable . \
		$(OLDEST) 'hypothesis>=6.120' 'pytest>=8.3' 'pytest-xdist>=3.6'
	@touch $@

$(TUTORIAL_VENV)/installed: benchmarks/requirements-tutorial.txt
	@$(TUTORIAL_PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null || \
		{ echo "TensorFlow 2.15.1 needs Python 3.11: name one with make bench TUTORIAL_PYTHON=..." >&2; exit 1; }
	$(TUTORIAL_PYTHON) -m venv $(TUTORIAL_VENV)
	$(TUTORIAL_VENV)/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@

clean:
	rm -rf $(VENV) $(OLDEST_VENV) $(TUTORIAL_VENV) $(LAYER_VENV) build dist
