# Two commands are all a newcomer needs: `make demo` and `make test`. Each sets up its own environment the first time.

PYTHON ?= python3
VENV   ?= .venv
TORCH  ?= torch==2.13.0
RUN     = "$(VENV)/bin/python"
# torch goes first and stays pinned while the rest is installed, so that nothing replaces it
PIP     = $(RUN) -m pip install --quiet --disable-pip-version-check

.PHONY: demo test check docs campaign setup clean

demo: $(VENV)/.demo  ## a person into another pose: leaves out/demo.png
	$(RUN) -m repose demo -o out/demo.png

test: $(VENV)/.dev   ## all tests; closes with pytest's own line
	OMP_NUM_THREADS=1 $(RUN) -m pytest -n 2 --dist worksteal

check: $(VENV)/.dev  ## what a change must pass besides the tests
	"$(VENV)/bin/ruff" check . && "$(VENV)/bin/ruff" format --check . && "$(VENV)/bin/mypy" \
	  && "$(VENV)/bin/lint-imports"

docs: $(VENV)/.dev   ## the documentation site, into site/: open site/index.html
	NO_MKDOCS_2_WARNING=1 $(RUN) -m mkdocs build --strict
	@echo "site/index.html is the documentation."

campaign: $(VENV)/.campaigns  ## campaigns of faults, hours: make campaign ONLY=pictures INPUTS=1000
	$(RUN) -m campaigns $(ONLY) $(if $(INPUTS),--inputs $(INPUTS)) $(if $(SEED),--seed $(SEED))

setup: $(VENV)/.dev  ## the environment with everything that development needs

$(VENV)/.torch:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Repose needs Python 3.11 or newer; this is $$($(PYTHON) -V). Try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@echo "Making the environment in $(VENV): some minutes, once."
	$(PYTHON) -m venv "$(VENV)"
	$(PIP) "$(TORCH)"
	@echo "$(TORCH)" > "$(VENV)/constraints.txt"
	@touch "$@"

# with lightning, as the README trains in this environment
$(VENV)/.demo: $(VENV)/.torch pyproject.toml
	$(PIP) -c "$(VENV)/constraints.txt" -e ".[demo,train]"
	@touch "$@"

$(VENV)/.dev: $(VENV)/.torch pyproject.toml
	$(PIP) -c "$(VENV)/constraints.txt" -e ".[dev]"
	@touch "$@" "$(VENV)/.demo"

$(VENV)/.campaigns: $(VENV)/.dev
	$(PIP) -c "$(VENV)/constraints.txt" -e ".[dev,campaigns]"
	@touch "$@"

clean:               ## forget the environment and the demo's picture
	rm -rf "$(VENV)" out
