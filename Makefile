# Everything a developer or a first-time user needs; `make` alone lists it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
BENCH := .venv-bench
STAMP := $(VENV)/.setup-done
DEMO ?= demo-night

.PHONY: help setup demo test test-slow lint format docs notebooks pictures bench clean

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: $(STAMP)  ## make .venv and install fullwell with all it needs

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "fullwell needs Python 3.11 or newer; try: make PYTHON=python3.12"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

demo: setup  ## simulate a small night, reduce it, say where to look
	$(BIN)/fullwell demo -o $(DEMO) --overwrite

test: setup  ## run the tests
	$(BIN)/python -m pytest -n 2

test-slow: setup  ## run the many-trial statistics
	$(BIN)/python -m pytest -n 2 -m slow

lint: setup  ## style, types, floors
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup  ## put the code in shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: setup  ## build the documentation into site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

notebooks: setup  ## write the tutorials as executed notebooks to notebooks/
	mkdir -p notebooks
	for page in docs/tutorials/*.py; do \
	    $(BIN)/jupytext --quiet --to ipynb --execute --output notebooks/$$(basename $$page .py).ipynb $$page || exit 1; done

pictures: setup  ## draw the pictures of README and documentation again
	$(BIN)/python docs/make_pictures.py
	$(BIN)/python docs/make_screenshots.py

bench: $(BENCH)/.setup-done  ## measure beside all peers found, e.g. ONLY="kernel combine", QUICK=1
	$(BENCH)/bin/python benchmarks/run.py $(if $(ONLY),--only $(ONLY)) $(if $(QUICK),--quick) $(if $(FOLDER),--folder $(FOLDER))

$(BENCH)/.setup-done: pyproject.toml constraints.txt benchmarks/requirements.txt
	$(PYTHON) -m venv $(BENCH)
	$(BENCH)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[web]'
	@grep -v '^#' benchmarks/requirements.txt | while read -r peer; do \
	    $(BENCH)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt "$$peer" \
	    || echo "absent: $$peer could not be installed"; done
	touch $@

clean:  ## remove what the targets above made
	rm -rf $(DEMO) site notebooks .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
