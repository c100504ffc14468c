# make lab: open the course. make test: check all of it. make help: the rest.

VENV := .venv
BIN := $(VENV)/bin
PYTEST := $(BIN)/python -m pytest -n 8 --dist loadfile
# Strict: outputs are compared. A cell that hangs is given up, not waited for.
NBVAL := --nbval --nbval-current-env --nbval-cell-timeout=90
# The tests of what is plain data: `make quick` runs them, but for the slow ones.
PURE := $(wildcard $(patsubst %,tests/test_%.py,arrows build clock course dispatch envelope \
  glossary journal lab_* pipeline place policy progress repository stories theory trail wire zmtp))
# The notebooks whose sources differ from main's, or from the last commit where there is no main.
CHANGED = $(shell \
  base=$$(git merge-base HEAD main 2>/dev/null || echo HEAD); \
  { git diff --name-only --diff-filter=d $$base -- authoring/lessons authoring/labs; \
    git ls-files --others --exclude-standard -- authoring/lessons authoring/labs; } \
  | grep 'py$$' \
  | sed 's|authoring/lessons/|notebooks/|; s|authoring/labs/|solutions/|; s|py$$|ipynb|')
FIRST := notebooks/00_start_here.ipynb

# What is built or tested does not depend on what the person has done so far.
build test quick bench soak sweep: export ZMQLAB_PROGRESS :=

ifeq ($(OS),Windows_NT)
$(error On Windows, use the lines for venv and pip in README.md: this Makefile is for Linux and macOS)
endif

.PHONY: help lab reset install test quick lint build bench soak sweep browser
help: ## say what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' Makefile

lab: install ## open your copy of the course, mine/, in JupyterLab
	@$(BIN)/python -m zmqlab.learn.mine
	@options=; \
	if [ "$$(id -u)" = 0 ]; then options="--allow-root"; fi; \
	if [ "$$(uname)" != Darwin ] && [ -z "$$DISPLAY$$WAYLAND_DISPLAY" ]; then \
	  options="$$options --no-browser"; \
	  echo "No screen here: open the address below, the one with a token, in a browser."; \
	fi; \
	echo "To stop: Control-C, twice."; \
	exec $(BIN)/jupyter lab --ServerApp.ip=127.0.0.1 --ServerApp.root_dir=mine --log-level=WARN \
	  --LabApp.default_url=/lab/tree/$(FIRST) $$options $(LAB)

reset: install ## give a lesson and its lab out anew (NAME=05); what you wrote is set aside
	@$(BIN)/python -m zmqlab.learn.mine --reset "$(NAME)"

install: $(VENV)/learner ## install what a learner needs, into .venv

lint: $(VENV)/author ## look at the text alone (ruff, mypy, imports, build)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python authoring/build.py --check
	$(BIN)/python authoring/mdp_rules.py --check

quick: lint ## what an author runs all day: lint, pure tests, changed notebooks; under a minute
	$(PYTEST) -m "not slow" $(PURE) $(CHANGED) $(NBVAL)

test: lint browser ## run every check (lint, tests, notebooks)
	$(PYTEST) tests notebooks solutions $(NBVAL)

build: $(VENV)/author ## build the notebooks whose sources changed
	$(BIN)/python authoring/build.py $(NAMES)
	$(BIN)/python authoring/readme_figure.py
	$(BIN)/python authoring/mdp_rules.py

bench: $(VENV)/author ## measure, as ratios within one run
	$(BIN)/python tests/bench

soak: $(VENV)/author ## run every notebook 50 times with both cores loaded (RUNS=50)
	$(BIN)/python tests/soak.py --runs $(or $(RUNS),50) $(NAMES)
	$(BIN)/python tests/interrupts.py

sweep: $(VENV)/author ## judge every submission 20 times with both cores loaded (RUNS=20)
	$(BIN)/python tests/sweep.py --load --runs $(or $(RUNS),20) --jobs $(or $(JOBS),2) $(NAMES)

# The stamps are newer than what they were made from: a second start installs nothing.

$(VENV)/learner: requirements.txt pyproject.toml | $(BIN)/python
	@echo "Installing the course into $(VENV): about 430 MB, once."
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@$(BIN)/jupyter labextension disable --level=sys_prefix \
	  "@jupyterlab/apputils-extension:announcements" >/dev/null 2>&1 \
	  || echo "JupyterLab may ask whether to fetch its news; say no as you like."
	@touch $@

$(VENV)/author: $(VENV)/learner
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[author]"
	@touch $@

$(BIN)/python:
	@for name in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11; do \
	  if $$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    python=$$name; break; \
	  fi; \
	done; \
	if [ -z "$$python" ]; then \
	  echo "The course needs Python 3.11 or newer; found: $$(python3 --version 2>/dev/null || echo none)." >&2; \
	  echo "Install one, or name it: make PYTHON=/where/it/is/python3 $(MAKECMDGOALS)" >&2; \
	  exit 1; \
	fi; \
	if ! $$python -m venv $(VENV); then \
	  rm -rf $(VENV); \
	  echo "$$python cannot make a virtual environment." >&2; \
	  echo "On Debian and Ubuntu: apt install python3-venv; then run make again." >&2; \
	  exit 1; \
	fi

browser:
	@for name in chromium chromium-browser google-chrome; do \
	  if command -v $$name >/dev/null; then exit 0; fi; \
	done; \
	if [ "$$(id -u)" = 0 ] && [ -e /etc/debian_version ]; then \
	  echo "Installing Chromium for the browser tests."; \
	  apt-get -qq update && DEBIAN_FRONTEND=noninteractive \
	    apt-get -qq install --no-install-recommends chromium </dev/null >/dev/null \
	    || echo "Chromium could not be installed: the browser tests will be skipped."; \
	fi
