# What one does in this checkout. Needs git, make and a Python; uv is fetched when there is none.

VENV  := .venv
TOOLS := .tools
BIN   := $(VENV)/bin
PYTHON := $(BIN)/python
OLDEST := $(TOOLS)/oldest
PYTHON_VERSION := $(shell cat .python-version)

# pyspark-client for the Python workers of the embedded engine, where mdf_magics/engines/worker.py looks for it.
WORKER := $(VENV)/share/mdf_magics/worker

# A uv that answers (a version manager's shim may not), else our own.
UV := $(shell uv --version >/dev/null 2>&1 && command -v uv || echo $(TOOLS)/bin/uv)

# worksteal: neighbours share fixtures, and no processor waits for a long file at the end.
# logical: `auto` counts cores, which virtual machines under-report.
PYTEST := $(PYTHON) -m pytest -n logical --dist worksteal

READY := $(VENV)/ready

.PHONY: help setup tools demo lab test test-all test-oldest lint format bench lock api-fields clean

help:  ## list what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' Makefile

setup: $(READY)  ## leave a ready .venv here; nothing to do when it is up to date

# `sync` brings exactly what the lock says and takes away the rest, this project too: it comes last.
$(READY): pyproject.toml .python-version requirements/dev.txt requirements/worker.txt | $(UV)
	@$(PYTHON) -c 'import sys; sys.exit("%d.%d" % sys.version_info[:2] != "$(PYTHON_VERSION)")' 2>/dev/null \
	  || { rm -rf $(VENV); $(UV) venv --python $(PYTHON_VERSION) $(VENV) \
	    || { echo "Python $(PYTHON_VERSION) is needed and was not found: install it, then try again." >&2; exit 1; }; }
	$(UV) pip sync --python $(PYTHON) --require-hashes --compile-bytecode requirements/dev.txt
	$(UV) pip install --python $(PYTHON) --target $(WORKER) --no-deps --no-build-isolation \
	  --require-hashes --compile-bytecode -r requirements/worker.txt
	$(UV) pip install --python $(PYTHON) --no-deps --no-build-isolation --editable .
	@touch $@

# Any Python's pip can fetch uv: it is one file that needs no Python.
$(TOOLS)/bin/uv: requirements/uv.txt
	@for python in python3 python3.12 python /usr/bin/python3; do \
	  if $$python -m pip --version >/dev/null 2>&1; then \
	    echo "fetching uv into $(TOOLS) with $$python"; \
	    $$python -m pip install --quiet --disable-pip-version-check --upgrade --target $(TOOLS) \
	      --require-hashes -r requirements/uv.txt && touch $@ && exit 0; \
	    exit 1; \
	  fi; \
	done; \
	echo "No Python with pip was found: install one (Debian: python3-pip) or uv, then try again." >&2; exit 1

demo: setup  ## run examples/quickstart.ipynb without a browser; results are in build/demo
	$(PYTHON) examples/run_quickstart.py

lab: setup  ## open a copy of the quickstart in JupyterLab; it works in build/lab
	@mkdir -p build/lab && cp -n examples/quickstart.ipynb build/lab/
	$(PYTHON) -m jupyterlab build/lab/quickstart.ipynb

test: setup  ## run the tests on a sample; needs PyPI only (ARGS="-k name" for some)
	$(PYTEST) $(ARGS)

test-all: setup tools  ## run all tests in full size, with browsers and open-source Spark where the machine has them
	MDF_TESTS=all $(PYTEST) $(ARGS)
	@[ -n "$(ARGS)" ] || $(MAKE) test-oldest

# A hang in gRPC can't be interrupted from Python: `thread` ends the process with everybody's stack, as a failure.
test-oldest: setup $(OLDEST)/ready  ## test with the oldest databricks-connect that is allowed: engines, and a sample of what uses them
	MDF_TESTS=all $(OLDEST)/bin/python -m pytest -n logical --dist worksteal -o timeout_method=thread tests/engines
	$(OLDEST)/bin/python -m pytest -n logical --dist worksteal -o timeout_method=thread tests/runtime tests/notebook/test_magics.py

# What only test-all needs and pip or npm can bring. pytest says which tests are left out for what is missing.
tools: $(TOOLS)/spark/ready $(TOOLS)/npm/ready $(TOOLS)/code-server/ready $(OLDEST)/ready
	@command -v chromium >/dev/null || echo "chromium is missing: no browser tests (apt-get install chromium)"

$(TOOLS)/spark/ready: requirements/spark.txt | $(READY)
	@if command -v java >/dev/null; then set -x; \
	  $(UV) venv --allow-existing --python $(PYTHON_VERSION) $(TOOLS)/spark && \
	  $(UV) pip sync --python $(TOOLS)/spark/bin/python --require-hashes --compile-bytecode \
	    --build-constraints requirements/dev.txt requirements/spark.txt && touch $@; \
	else echo "java is missing: no tests of pipelines on open-source Spark (install Java 17)"; fi

$(TOOLS)/npm/ready: requirements/npm.txt
	@if command -v npm >/dev/null; then set -x; \
	  npm install --prefix $(TOOLS)/npm --ignore-scripts --no-audit --no-fund --no-save \
	    $$(grep -v '^#' $<) && touch $@; \
	else echo "npm is missing: no tests of completion in YAML files (install Node.js 20)"; fi

# It wants a Node.js newer than Debian's. What its own installation compiles is for terminals and logs: left out.
NODE := node-$(shell uname -s | tr A-Z a-z)-$(subst x86_64,x64,$(subst aarch64,arm64,$(shell uname -m)))@24
NPM  := npm install --ignore-scripts --no-audit --no-fund --no-save --omit=dev

$(TOOLS)/code-server/ready: requirements/code-server.txt
	@if command -v npm >/dev/null; then set -x; mkdir -p $(@D) && cd $(@D) && \
	  $(NPM) --prefix . $$(grep -v '^#' $(CURDIR)/$<) $(NODE) && cd node_modules && \
	  ln -sfn ../$(firstword $(subst @, ,$(NODE)))/bin/node .bin/node && cd code-server && $(NPM) && \
	  (cd lib/vscode && $(NPM)) && (cd lib/vscode/extensions && $(NPM)) && touch $(CURDIR)/$@ \
	  || { rm -rf $(CURDIR)/$(@D); echo "code-server was not installed: no tests of notebooks in VS Code"; }; \
	else echo "npm is missing: no tests of notebooks in VS Code (install Node.js 20)"; fi

# Like .venv, with the oldest databricks-connect that is allowed.
$(OLDEST)/ready: requirements/oldest.txt requirements/worker.txt | $(READY)
	$(UV) venv --allow-existing --python $(PYTHON_VERSION) $(OLDEST)
	$(UV) pip sync --python $(OLDEST)/bin/python --require-hashes --compile-bytecode requirements/oldest.txt
	$(UV) pip install --python $(OLDEST)/bin/python --target $(OLDEST)/share/mdf_magics/worker --no-deps \
	  --no-build-isolation --require-hashes --compile-bytecode -r requirements/worker.txt
	$(UV) pip install --python $(OLDEST)/bin/python --no-deps --no-build-isolation --editable .
	@touch $@

lint: setup  ## ruff and mypy
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

format: setup  ## put the code in order
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: setup  ## run every script in benchmarks/
	@set -e; for script in benchmarks/*.py; do echo "== $$script"; $(PYTHON) "$$script"; done

# UPGRADE="--upgrade" takes the newest of everything, UPGRADE="-P name" of one package.
COMPILE = $(UV) pip compile --quiet --universal --python-version $(PYTHON_VERSION) --generate-hashes \
  --custom-compile-command "make lock" $(UPGRADE)

lock: | $(UV)  ## write requirements/*.txt anew from pyproject.toml (UPGRADE=--upgrade for newer versions)
	$(COMPILE) --extra connect --group dev pyproject.toml --output-file requirements/dev.txt
	$(COMPILE) --extra connect --group test --group build --group oldest pyproject.toml --output-file requirements/oldest.txt
	$(COMPILE) --group spark --output-file requirements/spark.txt
	$(COMPILE) --group worker --no-deps --output-file requirements/worker.txt
	$(COMPILE) --group uv --output-file requirements/uv.txt

# Once after each update of databricks-sdk.
api-fields: setup  ## write mdf_magics/definitions/api_fields.json anew from databricks-sdk
	$(PYTHON) scripts/api_fields.py

clean:  ## remove what make made: .venv, .tools, build, caches; .mdf (local state) stays
	rm -rf $(VENV) $(TOOLS) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find mdf_magics tests examples benchmarks -name __pycache__ -prune -exec rm -rf {} +
