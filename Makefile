# make demo | test | lint | setup | clean
# PYTHON: the interpreter to build the virtual environment with (>= 3.11); VENV: where it is built.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip -qq --disable-pip-version-check install

DEMO_TASKS := click-test click-test-2 click-button click-link click-dialog click-checkboxes click-option click-tab \
	click-widget click-collapsible click-color click-shape focus-text focus-text-2 enter-text enter-text-2 \
	enter-password login-user choose-list navigate-tree use-autocomplete simple-arithmetic

.PHONY: help demo test lint setup clean
.DEFAULT_GOAL := help

help:
	@echo 'make demo    agents on MiniWoB++ in a real browser: table here, page in demo/report.html'
	@echo 'make test    all tests'
	@echo 'make lint    ruff and mypy'
	@echo 'make setup   a virtual environment in $(VENV) with all that the demo needs'
	@echo 'make clean   remove what these made'

demo: setup
	rm -rf demo
	$(BIN)/quintain run --agent null --agent random --agent scripted --episodes 3 --workers 2 --observe elements \
		--observe screenshot $(DEMO_TASKS:%=--tasks miniwob/%) --out demo

setup: $(VENV)/.demo
	@$(BIN)/quintain doctor browser >/dev/null || $(BIN)/quintain setup browser

test: $(VENV)/.dev
	@$(BIN)/quintain setup browser >/dev/null || $(BIN)/quintain setup browser
	$(BIN)/python -m pytest

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/mypy

# Editable: a plain install would copy from build/, where deleted modules linger.
$(VENV)/.demo: pyproject.toml setup.py | $(BIN)/python
	@echo 'installing quintain[browser,stats] into $(VENV) …'
	@$(PIP) --editable '.[browser,stats]'
	@touch $@

$(VENV)/.dev: pyproject.toml setup.py | $(BIN)/python
	@echo 'installing quintain[all,dev] into $(VENV) …'
	@$(PIP) --editable '.[all,dev]'
	@touch $@ $(VENV)/.demo

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo 'error: $(PYTHON) is missing or older than 3.11; name another with PYTHON=…' >&2; exit 2; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; \
		then apt-get update -q && apt-get install -y -q --no-install-recommends python3-venv; \
		else echo 'error: no venv module; run `sudo apt-get install python3-venv`, then make again' >&2; exit 2; fi
	@$(PYTHON) -m venv $(VENV)

clean:
	rm -rf $(VENV) demo runs build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache
