# Every target sets up what it needs; `make help` lists them.
#
#   PYTHON=...        the interpreter that makes the environments (default: the first fit one on PATH)
#   PYTEST_ARGS=...   more arguments for pytest, say PYTEST_ARGS='-k forest -x'
#   ARGS=...          arguments for `make bench` and `make demo`

PYTHON ?=
PYTEST_ARGS ?=
ARGS ?=

, := ,
VENV        := .venv
VENV_OLDEST := .venv-oldest
VENV_LATEST := .venv-latest
PY          := $(VENV)/bin/python
STAMP       := $(VENV)/.installed

# A package index that does not answer is given up on.
PATIENCE := --retries 2 --timeout 60
SMOKE := tests/test_cases.py tests/test_saved_models.py tests/test_tree_modes.py -k 'answers or saved or tree_modes'

# `make test-latest` takes the newest release of everything but torch, whose newest may be a download of
# gigabytes. To have that too: make test-latest TORCH=torch
TORCH ?= $(shell grep '^torch==' constraints.txt)

# $(call find-python,CONDITION,WHAT,CANDIDATES) sets $$python, or stops with a sentence.
define find-python
python=; \
for candidate in $(if $(PYTHON),'$(PYTHON)',$(3)); do \
    if "$$candidate" -c 'import sys, venv, ensurepip; sys.exit(not ($(1)))' >/dev/null 2>&1; then \
        python=$$candidate; break; \
    fi; \
done; \
if [ -z "$$python" ]; then \
    echo "sktensor needs $(2) with the venv and ensurepip modules; $(if $(PYTHON),'$(PYTHON)' is not one,found none among: $(3))." >&2; \
    echo "Name one with: make $(MAKECMDGOALS) PYTHON=/path/to/python3" >&2; \
    exit 1; \
fi; \
echo "making $@ with $$python"
endef

.DEFAULT_GOAL := help
.PHONY: help install test demo lint format bench build smoke-oldest test-oldest test-latest clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

install: $(STAMP)  ## make .venv with the pinned releases

$(PY):
	@$(call find-python,sys.version_info >= (3$(,) 11),Python 3.11 or newer,python3 python3.13 python3.12 python3.11 python); \
	"$$python" -m venv $(VENV)

$(STAMP): pyproject.toml constraints.txt | $(PY)
	$(PY) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test,lint]'
	@touch $@

test: $(STAMP)  ## run the tests
	$(PY) -m pytest -n 2 --dist worksteal $(PYTEST_ARGS)

demo: $(STAMP)  ## run examples/quickstart.py on 337,000 real flights
	$(PY) examples/quickstart.py $(ARGS)

lint: $(STAMP)  ## ruff, mypy and codespell
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(PY) -m codespell_lib

format: $(STAMP)  ## let ruff fix and format
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

bench: $(STAMP)  ## run the benchmarks
	$(PY) -m benchmarks $(ARGS)

build: $(STAMP)  ## build wheel and sdist into dist/
	$(PY) -m build --no-isolation

test-oldest: $(VENV_OLDEST)/.installed  ## run the tests on the oldest releases supported
	$(VENV_OLDEST)/bin/python -m pytest -n 2 --dist worksteal $(PYTEST_ARGS)

smoke-oldest: $(VENV_OLDEST)/.installed  ## run every converter's case and every tree model on the oldest releases supported
	$(VENV_OLDEST)/bin/python -m pytest -q -n 2 --dist worksteal $(SMOKE) $(PYTEST_ARGS)

$(VENV_OLDEST)/bin/python:
	@$(call find-python,sys.version_info[:2] == (3$(,) 11),Python 3.11 for the oldest releases,python3.11 python3 python); \
	"$$python" -m venv $(VENV_OLDEST)

$(VENV_OLDEST)/.installed: pyproject.toml constraints-oldest.txt | $(VENV_OLDEST)/bin/python
	$(VENV_OLDEST)/bin/python -m pip install --quiet --disable-pip-version-check $(PATIENCE) \
	    -c constraints-oldest.txt -e '.[test]' || { echo \
	    "make: the releases in constraints-oldest.txt could not be installed: is a package index reachable?" >&2; exit 1; }
	@touch $@

test-latest: | $(VENV_LATEST)/bin/python  ## run the tests on the newest releases the ranges admit
	$(VENV_LATEST)/bin/python -m pip install --quiet --disable-pip-version-check --upgrade --upgrade-strategy eager -e '.[test]' '$(TORCH)'
	$(VENV_LATEST)/bin/python -m pip list --disable-pip-version-check
	$(VENV_LATEST)/bin/python -m pytest -n 2 --dist worksteal $(PYTEST_ARGS)

$(VENV_LATEST)/bin/python:
	@$(call find-python,sys.version_info >= (3$(,) 11),Python 3.11 or newer,python3 python3.13 python3.12 python3.11 python); \
	"$$python" -m venv $(VENV_LATEST)

clean:  ## remove environments, builds and caches
	rm -rf $(VENV) $(VENV_OLDEST) $(VENV_LATEST) build dist docs/_build
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
