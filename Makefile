# Every target makes its own environment in .venv first, once.
PYTHON ?= python3
BIN := .venv/bin
SETUP := .venv/.setup-done
DOCS := .venv/.docs-done

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-all style format types docs check clean

help:  ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(SETUP): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -c constraints.txt -e ".[dev]"
	@touch $@

$(DOCS): $(SETUP)
	$(BIN)/python -m pip install -c constraints.txt -e ".[docs]"
	@touch $@

setup: $(SETUP)  ## make the environment in .venv

demo: $(SETUP)  ## generate images with the bundled model into demo/
	$(BIN)/synthmed demo --out demo

test: $(SETUP)  ## run the tests, without the slow ones
	$(BIN)/python -m pytest -m "not slow"

test-all: $(SETUP)  ## run all tests
	$(BIN)/python -m pytest

style: $(SETUP)  ## check the style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(SETUP)  ## mend the style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(SETUP)  ## check the types
	$(BIN)/mypy

docs: $(DOCS)  ## build the documentation into site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

check: style types docs test  ## everything that a change has to pass

clean:  ## remove what the tools and commands made, but not .venv
	rm -rf site demo build dist .mypy_cache .pytest_cache .ruff_cache
	find . -path ./.venv -prune -o -name __pycache__ -type d -print0 | xargs -0 rm -rf
