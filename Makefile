# Everything installs itself into .venv; nothing outside this folder changes.
#   make demo    a demo shop and the engine on free local ports, some queries, their answers
#   make test    the whole suite
PYTHON ?= $(shell command -v python3.11 || command -v python3)
UV ?= $(shell command -v uv)
MINUTES ?= 30
FUZZ_MINUTES ?= 10
# A file of tests is one process's. More processes than four would each collect all tests in vain.
# What takes long comes first (tests/conftest.py), not what has most tests.
WORKERS ?= --numprocesses logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help demo test lint schemas bench soak fuzz serve install lock clean

help:
	@sed -n 's/^#  *make/make/p' Makefile
	@echo "more: make lint, schemas, bench, soak, fuzz, serve, install, lock, clean"

demo: $(READY)
	@$(BIN)/apiql demo

# Servers that tests start as processes begin twice as fast from bytecode, wherever that is off.
test: export PYTHONDONTWRITEBYTECODE =
test: $(READY)
	$(BIN)/pytest -q $(WORKERS)

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

schemas: $(READY)
	@$(BIN)/python -m apiql.frontends.definitions.schemas --write
	@$(BIN)/python -m apiql.frontends.call_templates.schemas --write
	@$(BIN)/python -m apiql.frontends.endpoints.schemas --write

bench: $(READY)
	$(BIN)/python -m benchmarks.serve

soak: $(READY)
	$(BIN)/python -m tests.faults.soak --minutes $(MINUTES)

fuzz: $(READY)
	$(BIN)/python -m tests.fuzz --minutes $(FUZZ_MINUTES)

serve: $(READY)
	$(BIN)/apiql serve --dev --conf conf

install: $(READY)

# Only after a change of the dependencies in pyproject.toml; needs uv.
lock:
	uv pip compile --quiet --universal --python-version 3.11 --extra dev --generate-hashes \
	    --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" \
	    --upgrade pyproject.toml -o requirements.lock

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

# Installs exactly what requirements.lock names, again only when one of the two files changed.
$(READY): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" && "$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo "APIQL needs Python 3.11 or newer. Install it, or name it: make $(MAKECMDGOALS) PYTHON=/path/to/python"; \
	    exit 1; }
ifneq ($(UV),)
	@test -x $(BIN)/python || "$(UV)" venv --quiet --no-python-downloads --python "$(PYTHON)" $(VENV)
	"$(UV)" pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements.lock
	"$(UV)" pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
else
	@test -x $(BIN)/pip || "$(PYTHON)" -m venv $(VENV) || { \
	    rm -rf $(VENV); \
	    echo "Python cannot make a virtual environment here. On Debian or Ubuntu:"; \
	    echo "    apt-get install python3-venv"; \
	    echo "or install uv, which this Makefile uses where it finds it."; \
	    exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
endif
	@touch $(READY)
