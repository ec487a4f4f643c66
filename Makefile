# Two commands do everything on a fresh machine with Python >= 3.10: `make demo` and `make test`.
# What they install goes into .venv, in the versions of $(TESTED); weights, states and reports into $REPALIGN_HOME and out/.

PYTHON ?= python3
MINUTES ?= 30
BIN := .venv/bin
READY := .venv/.ready
TOOLS := .venv/.tools
TESTED := tests/constraints/tested.txt
INSTALL := $(BIN)/python -m pip install -qq --constraint $(TESTED) --build-constraint $(TESTED)
NEWEST := .venv-newest/bin/python
OLDEST := .venv-oldest/bin/python
SHELL := /bin/bash

.PHONY: demo docs notebook fuzz test test-newest test-oldest constraints lint bench gpu clean

demo: $(READY)
	$(BIN)/python -m training base alpaca x-llama-zh m-llama
	$(BIN)/python -m repalign.layers --ckpt m-llama --out out/m-llama
	$(BIN)/repalign compare alpaca x-llama-zh --out out/alpaca--x-llama-zh
	$(BIN)/repalign compare base m-llama --out out/base--m-llama
	@echo "Open out/m-llama/report.html, out/alpaca--x-llama-zh/report.html, out/base--m-llama/report.html"

test: $(TOOLS)
	$(BIN)/python -m pytest -n 2 --dist worksteal

# The same tests on the newest versions that pyproject.toml allows, which any user may get; informative only, not part of CI.
test-newest:
	$(PYTHON) -m venv --clear .venv-newest
	$(NEWEST) -m pip install --quiet --upgrade pip
	$(NEWEST) -m pip install -qq --editable '.[test]'
	$(NEWEST) -m pytest -n 2 --dist worksteal; code=$$?; $(NEWEST) tests/constraints/compare.py; exit $$code

# And on the oldest: the libraries whose versions decide what is read, at the lower end of their ranges.
test-oldest:
	$(PYTHON) -m venv --clear .venv-oldest
	$(OLDEST) -m pip install --quiet --upgrade pip
	$(OLDEST) -m pip install -qq --constraint tests/constraints/oldest.txt --editable '.[test]'
	$(OLDEST) -m pytest -n 2 --dist worksteal tests/checkpoints tests/models tests/states

constraints:
	$(PYTHON) tests/constraints/resolve.py

# Damaged and hostile input to every reader and every page, for MINUTES; faults are kept in out/fuzz.
fuzz: $(TOOLS)
	PYTHONPATH=tests HF_HUB_OFFLINE=1 OMP_NUM_THREADS=1 $(BIN)/python -m fuzz --minutes $(MINUTES)

lint: $(TOOLS)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python --project pyproject.toml
	$(BIN)/pyright --pythonpath $(BIN)/python --project pyrightconfig.strict.json
	$(BIN)/lint-imports

# The example notebook with its outputs, so that it can be read on GitHub.
notebook: $(TOOLS)
	$(BIN)/python -m pip install -qq ipykernel nbclient
	$(BIN)/python analyses/notebook.py

# The documentation site, in build/site; its links and anchors are checked. Zensical needs Python 3.11 or newer.
docs: $(TOOLS)
	@test -x $(BIN)/zensical || { echo "make docs needs Python 3.11 or newer; set PYTHON=python3.12, say"; exit 1; }
	$(BIN)/zensical build --clean --strict

bench: $(TOOLS)
	$(INSTALL) --editable '.[bench]'
	for name in extraction metrics training pairs memory execution; do $(BIN)/python tests/bench/bench_$$name.py --json out/bench-$$name.json || exit 1; done

# On a machine with a CUDA device: the tests and figures only a GPU can show.
gpu: $(TOOLS)
	$(BIN)/python -m pytest -m gpu
	$(BIN)/python tests/bench/bench_gpu.py --json figures/gpu-extraction.json

clean:
	rm -rf .venv .venv-newest .venv-oldest out build *.egg-info

# pip and not uv: on machines with a local torch build only pip finds it.
$(READY): pyproject.toml $(TESTED)
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "repalign needs Python 3.10 or newer; set PYTHON=python3.12, say")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade --constraint $(TESTED) pip
	$(INSTALL) --editable .
	touch $@

$(TOOLS): $(READY)
	$(INSTALL) --editable '.[docs,lint,test]'
	touch $@
