# Two commands matter: `make demo` installs and runs the main job, `make test` installs and passes the tests.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv
LOCK := requirements

.PHONY: help demo test search lint page check-page bench audit lock clean
.DEFAULT_GOAL := help

help: ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

$(UV): $(LOCK)/tool.txt
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' || \
	  { echo "llmlabel needs Python 3.11, 3.12 or 3.13; name one with: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r $(LOCK)/tool.txt
	@touch $@

# Installing builds the review page, with a Node.js from the Python registry where there is none.
$(VENV)/run.stamp: $(UV) $(LOCK)/run.txt $(LOCK)/node.txt pyproject.toml hatch_build.py
	$(UV) pip install --python $(BIN)/python --require-hashes -r $(LOCK)/run.txt
	$(BIN)/python hatch_build.py has-node || \
	  $(UV) pip install --python $(BIN)/python --require-hashes -r $(LOCK)/node.txt
	$(UV) pip install --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/dev.stamp: $(VENV)/run.stamp $(LOCK)/dev.txt
	$(UV) pip install --python $(BIN)/python --require-hashes -r $(LOCK)/dev.txt
	@touch $@

demo: $(VENV)/run.stamp ## install, pull the models, label the shipped texts and a recording
	$(BIN)/llmlabel models pull
	$(BIN)/llmlabel demo

test: $(VENV)/dev.stamp ## install what tests need and run them all
	$(BIN)/llmlabel models pull --for tests
	$(MAKE) --no-print-directory lint check-page page
	$(BIN)/pytest --numprocesses 2 --dist loadfile --durations 25

search: $(VENV)/dev.stamp ## tests of properties, on other examples each time and on more of them
	$(BIN)/llmlabel models pull --for tests
	$(BIN)/pytest --numprocesses 2 --dist loadfile -m hypothesis --hypothesis-profile search

lint: $(VENV)/dev.stamp ## format, style, types, layers
	$(BIN)/ruff format --check llmlabel tests eval hatch_build.py
	$(BIN)/ruff check llmlabel tests eval hatch_build.py
	$(BIN)/mypy
	$(BIN)/lint-imports

page: $(VENV)/run.stamp ## build the review page anew if its sources changed
	$(BIN)/python hatch_build.py build

check-page: $(VENV)/run.stamp ## type check and tests of the review page
	$(BIN)/python hatch_build.py check

bench: $(VENV)/dev.stamp ## speed and quality on this machine (LLMLABEL_DATA names the folder of data sets)
	$(BIN)/python -m eval.bench

# Where advisories are looked up: pypi or osv.
ADVISORIES := pypi

# A package that cannot be looked up counts as a finding: what was not audited is not clean.
audit: $(VENV)/dev.stamp ## known vulnerabilities of all that is locked (asks PyPI and the npm registry)
	$(BIN)/pip-audit --strict --disable-pip --require-hashes --progress-spinner off \
	  --vulnerability-service $(ADVISORIES) -r $(LOCK)/dev.txt
	$(BIN)/python hatch_build.py audit

lock: $(UV) ## resolve the dependencies anew and write them with their hashes
	$(UV) pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-annotate --python-version 3.11 \
	  --no-header pyproject.toml $(LOCK)/build.in -o $(LOCK)/run.txt
	$(UV) pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-annotate --python-version 3.11 \
	  --no-header pyproject.toml $(LOCK)/build.in --group dev -c $(LOCK)/run.txt -o $(LOCK)/dev.txt
	$(UV) pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-annotate --python-version 3.11 \
	  --no-header $(LOCK)/node.in -o $(LOCK)/node.txt

clean: ## remove the environment and caches (models stay; see `llmlabel models path`)
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist llmlabel/web/dist llmlabel/web/node_modules
