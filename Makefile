# make demo | test | lint | setup | clean
# PYTHON: the interpreter to build the virtual environment with (>= 3.11); VENV: where it is built.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip -qq --disable-pip-version-check install

DEMO_TASKS := click-test click-test-2 click-button click-link click-dialog click-checkboxes click-option click-tab \
	click-widget click-collapsible click-color click-shape focus-text focus-text-2 enter-text enter-text-2 \
	enter-password login-user choose-list navigate-tree use-autocomplete simple-arithmetic
DEMO_REPO := 'corebench-builtin/karate_network.*' 'corebench-builtin/iris_lda.*' 'corebench-builtin/three_body.*' \
	research/scaling_law research/fix_embedding
DEMO := $(DEMO_TASKS:%=miniwob/%) $(DEMO_REPO)
DEMO_MODEL := miniwob/click-test miniwob/click-link miniwob/focus-text
FAMILIES := browser repo local

.PHONY: help demo test lint setup clean
.DEFAULT_GOAL := help

help:
	@echo 'make demo    agents on web pages, capsules and research tasks, and a small language model: pages in demo/'
	@echo 'make test    all tests'
	@echo 'make lint    ruff and mypy'
	@echo 'make setup   a virtual environment in $(VENV) with all that the demo needs'
	@echo 'make clean   remove what these made'

demo: setup
	rm -rf demo
	-$(BIN)/quintain check $(DEMO) --episodes 1 --workers 2 --out demo/check
	$(BIN)/quintain run --agent null --agent random --agent scripted --episodes 2 --workers 2 --observe elements \
		--observe screenshot --observe text $(foreach task,$(DEMO),--tasks $(task)) --out demo/run
	cp demo/run/report.html demo/report.html
	$(BIN)/quintain run --agent llm --model local:smollm2 --agent random --agent scripted --episodes 2 --workers 1 --steps 6 \
		--observe elements $(DEMO_MODEL:%=--tasks %) --record demo/cassette --out demo/model
	cp demo/model/report.html demo/model.html

setup: $(VENV)/.demo
	@for part in $(FAMILIES); do \
		$(BIN)/quintain doctor $$part >/dev/null || $(BIN)/quintain setup $$part || exit 1; done

test: $(VENV)/.dev
	@for part in $(FAMILIES); do \
		$(BIN)/quintain setup $$part >/dev/null || $(BIN)/quintain setup $$part || exit 1; done
	$(BIN)/python -m pytest

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/mypy

# Editable: a plain install would copy from build/, where deleted modules linger.
$(VENV)/.demo: pyproject.toml setup.py | $(BIN)/python
	@echo 'installing quintain[browser,repo,stats,agents,local] into $(VENV) …'
	@$(PIP) --editable '.[browser,repo,stats,agents,local]'
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
