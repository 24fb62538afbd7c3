# make run     the service on http://localhost:8000, with everything it needs
# make demo    a year of a made-up business, and the service on it, on http://localhost:8000
# make test    what CI runs: style, types, arrows and every test
# make check   the fast part of it, before each commit
# make bench   how fast it is on this machine
# make ui      builds the dashboards anew, with Node 20.19 or newer
# make client  writes the types that the dashboards know the API by, after it was changed
# make screenshots  every page of the dashboards as a picture, in build/screenshots
# make soak    the long tests, for hours if you like: SEEDS businesses, CASES prices, KILLS; told in build/soak.txt
# make lock    writes requirements/*.txt anew

PYTHON ?= python3
SEEDS ?= 50000
CASES ?= 10000000
KILLS ?= 200
BIN := .venv/bin
PIP := $(BIN)/pip --quiet --disable-pip-version-check
DEV := .venv/.installed-dev
RUN := .venv/.installed-run
UI := build/.ui
UI_SOURCES := $(shell find ui -name node_modules -prune -o -name dist -prune -o -type f -print)

.DEFAULT_GOAL := help
.PHONY: help run demo ui client screenshots test check bench soak lock

help:
	@sed -n 's/^# \(make .*\)/\1/p' Makefile

run: $(RUN) $(UI)
	@$(BIN)/tallystick serve

demo: $(RUN) $(UI)
	@$(BIN)/tallystick demo

ui:
	@scripts/ui.sh build

client: $(DEV)
	@scripts/ui.sh client

screenshots: $(DEV) $(UI)
	@$(BIN)/python -m tests.browser.screenshots

test: $(DEV)
	@scripts/parts.sh chromium lint format types arrows ui tests

check: $(DEV)
	@scripts/parts.sh lint format types arrows fast_tests

bench: $(DEV)
	@$(BIN)/python -m bench

soak: $(DEV)
	@mkdir -p build && echo "SEEDS=$(SEEDS) CASES=$(CASES) KILLS=$(KILLS)" > build/soak.txt
	@SEEDS=$(SEEDS) TALLYSTICK_PRICE_CASES=$(CASES) TALLYSTICK_KILLS=$(KILLS) bash -o pipefail -c \
		'scripts/parts.sh simulation kills slow_tests 2>&1 | tee -a build/soak.txt'

lock: $(DEV)
	@scripts/lock.sh

$(UI): $(UI_SOURCES)
	@scripts/ui.sh build

# Hatchling and editables come with the requirements, so that nothing unpinned is fetched for the last step.
$(DEV): requirements/dev.txt pyproject.toml | $(BIN)/pip
	@echo "Installing what the tests need into .venv (once) …"
	@$(PIP) install --require-hashes --requirement requirements/dev.txt
	@$(PIP) install --no-build-isolation --no-deps --editable .
	@touch $(DEV) $(RUN)

$(RUN): requirements/run.txt pyproject.toml | $(BIN)/pip
	@echo "Installing what the service needs into .venv (once) …"
	@$(PIP) install --require-hashes --requirement requirements/run.txt
	@$(PIP) install --no-build-isolation --no-deps --editable .
	@touch $(RUN)

$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Tallystick needs Python 3.11 or newer; say which with make PYTHON=…")'
	@$(PYTHON) -m venv .venv
