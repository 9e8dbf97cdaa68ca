# Two commands are all a newcomer needs: `make demo` and `make test`. Each sets up its own environment the first time.

PYTHON ?= python3
VENV   ?= .venv
TORCH  ?= torch==2.13.0
RUN     = $(VENV)/bin/python

.PHONY: demo test check setup clean

demo: setup          ## a person into another pose: leaves out/demo.png
	$(RUN) -m repose demo -o out/demo.png

test: setup          ## all tests; closes with pytest's own line
	OMP_NUM_THREADS=1 $(RUN) -m pytest -n 2 --dist loadfile

check: setup         ## what a change must pass besides the tests
	$(VENV)/bin/ruff check . && $(VENV)/bin/ruff format --check . && $(VENV)/bin/mypy

setup: $(VENV)/.ready

# torch goes first and stays pinned while the rest is installed, so that nothing replaces it
$(VENV)/.ready: pyproject.toml Makefile
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Repose needs Python 3.11 or newer; this is $$($(PYTHON) -V). Try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	echo "$(TORCH)" > $(VENV)/constraints.txt
	$(VENV)/bin/pip install --quiet --disable-pip-version-check "$(TORCH)"
	PIP_CONSTRAINT="$(CURDIR)/$(VENV)/constraints.txt" $(VENV)/bin/pip install --quiet --disable-pip-version-check -e ".[dev]"
	touch $@

clean:               ## forget the environment and the demo's picture
	rm -rf $(VENV) out
