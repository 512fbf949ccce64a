# `make` alone lists what there is. Everything happens in .venv; nothing outside this folder is touched.

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
SHELL := /bin/sh
# `make test QUICK=1` leaves out the tests marked slow
PYTEST := $(BIN)/python -m pytest -n auto $(if $(QUICK),-m "not slow") $(PYTEST_ARGS)

.PHONY: help demo test test-kills test-fleet check lint fuzz fuzz-guided audit sbom lock clean
.DELETE_ON_ERROR:

help:
	@echo "make demo    install, crawl the bundled demonstration site into demo-archive/, say what to type next"
	@echo "make test    install and run all tests (QUICK=1: without the slow ones)"
	@echo "make test-kills  200 kills at random instants, and what the next run makes of each (KILLS=20: fewer)"
	@echo "make test-fleet  4 workers, 30 columns on 10 hosts, 20 kills and a restart of PostgreSQL (twice: one folder, a shared store; half an hour)"
	@echo "make check   formatting, linting, types, then all tests"
	@echo "make lint    formatting, linting, types"
	@echo "make fuzz    mutated inputs for every reader of what others wrote (SECONDS=30 for each)"
	@echo "make fuzz-guided  the same readers, guided by coverage with Atheris (SECONDS=30 for each)"
	@echo "make audit   the pinned packages against the database of known vulnerabilities (needs the network)"
	@echo "make sbom    what the program consists of, as CycloneDX JSON, to sbom.json"
	@echo "make screenshots  the README's pictures of the reading room (needs Chromium and Chinese fonts)"
	@echo "make lock    pin the newest allowed dependencies anew"
	@echo "make clean   remove what the other commands made (never archive/)"

demo: .venv/.installed
	@$(BIN)/python -m tests.replica.demo

test: .venv/.installed-dev
	$(PYTEST)

test-kills: .venv/.installed-dev
	ARCHIVE_KILLS=$(or $(KILLS),200) $(BIN)/python -m pytest -n auto -o faulthandler_timeout=0 tests/test_kills.py

test-fleet: .venv/.installed-dev
	ARCHIVE_FLEET=full $(BIN)/python -m pytest -s -o faulthandler_timeout=0 -k killed tests/test_fleet.py

check: lint
	@$(MAKE) --no-print-directory test

lint: .venv/.installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

fuzz: .venv/.installed-dev
	$(BIN)/python -m tests.fuzz --seconds $(or $(SECONDS),30) --keep

fuzz-guided: .venv/.installed-dev
	$(BIN)/python -m tests.fuzz.guided --seconds $(or $(SECONDS),30)

# pip-audit lives beside the project's packages, not among them
audit: .venv/audit/.installed
	@$(BIN)/python -m benchmarks.audit .venv/audit/bin/pip-audit

.venv/audit/.installed: | $(BIN)/python
	@$(PYTHON) -m venv .venv/audit
	@.venv/audit/bin/python -m pip --disable-pip-version-check --quiet install pip-audit
	@touch $@

sbom: .venv/.installed
	@$(BIN)/python -m benchmarks.sbom > sbom.json
	@echo "sbom.json: `grep -c '"purl"' sbom.json` packages"

screenshots: .venv/.installed-dev
	$(BIN)/python -m tests.screenshots

# --- the environment ---

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	  || { echo "make: needs Python 3.11 or newer; '$(PYTHON)' is not (try: make PYTHON=python3.11)" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
	  || { echo "make: this Python lacks its venv module (on Debian: apt-get install python3-venv)" >&2; exit 1; }
	@$(PYTHON) -m venv .venv

# The build requirements are in the lock too, so that nothing is fetched that is not pinned.
.venv/.installed: requirements.lock pyproject.toml | $(BIN)/python
	@echo "Installing the pinned packages into .venv (once; about a minute) ..."
	@$(PIP) install --require-hashes -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

.venv/.installed-dev: requirements-dev.lock pyproject.toml | $(BIN)/python
	@echo "Installing the pinned packages into .venv (once; about a minute) ..."
	@$(PIP) install --require-hashes -r requirements-dev.lock
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

# From the public index alone: a local pip configuration would put the hashes of other files into the lock.
COMPILE := env -u PIP_FIND_LINKS -u PIP_EXTRA_INDEX_URL PIP_CONFIG_FILE=/dev/null CUSTOM_COMPILE_COMMAND="make lock" \
	.venv/lock/bin/pip-compile --quiet --upgrade --generate-hashes --strip-extras --allow-unsafe --all-build-deps \
	--no-emit-index-url --no-emit-find-links --no-emit-trusted-host

lock: | $(BIN)/python
	@$(PYTHON) -m venv .venv/lock
	@.venv/lock/bin/python -m pip --disable-pip-version-check --quiet install pip-tools
	$(COMPILE) --output-file requirements.lock pyproject.toml
	$(COMPILE) --extra dev --extra fleet --extra s3 --constraint requirements.lock --output-file requirements-dev.lock pyproject.toml

clean:
	rm -rf .venv demo-archive build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find crawler pipelines exports tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
