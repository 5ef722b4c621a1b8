# Two commands: `make demo` and `make test`. Both make .venv and install into it what they need.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.PHONY: help demo test check format install clean bench

PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3)
PY := .venv/bin/python
PAGES ?= 150
comma := ,
DEMO := demo

help:
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "error: Python 3.11 or newer is needed; set PYTHON=/path/to/python" >&2; exit 2; }
	@$(PYTHON) -m venv .venv \
	  || { rm -rf .venv; echo "error: no venv module; on Debian: apt-get install python3-venv" >&2; exit 2; }
	@$(PY) -m pip install --quiet --disable-pip-version-check uv \
	  || echo "uv is not to be had; plain pip installs instead, which takes longer" >&2

# Installs the package in place with the extras of $(1), the versions held by constraints.txt.
# uv keeps its cache in HOME, which need not be writable: then without one; at the last plain pip.
define install
	@echo "installing open-m3w[$(1)] into .venv"
	@uv() { $(PY) -m uv pip install --quiet --compile-bytecode --python $(PY) "$$@"; }; \
	plain() { $(PY) -m pip install --quiet --disable-pip-version-check "$$@"; }; \
	set -- -c constraints.txt -e '.[$(1)]'; \
	if $(PY) -m uv --version >/dev/null 2>&1; then \
	  uv "$$@" || { echo "once more, without uv's cache" >&2; uv --no-cache "$$@"; } \
	  || { echo "once more, with plain pip, which takes longer" >&2; plain "$$@"; }; \
	else plain "$$@"; fi
	@touch $@
endef

.venv/installed-model: .venv/bin/python pyproject.toml constraints.txt
	$(call install,model)

.venv/installed-dev: .venv/bin/python pyproject.toml constraints.txt
	$(call install,model$(comma)dev)

install: .venv/installed-model ## install into .venv

demo: .venv/installed-model ## the whole path: made-up web, four corpora, 200 training steps
	@rm -rf $(DEMO) && mkdir $(DEMO)
	@echo "== a made-up web of $(PAGES) pages"
	@$(PY) -m pipeline.sample_web --output $(DEMO)/web --pages $(PAGES) --seed 1 --workers 2
	@echo "== an index of its evaluation set, to be kept out"
	@$(PY) -m dedup.build_index --set made-up=$(DEMO)/web/evaluation/images --output $(DEMO)/evaluation.index
	@echo "== four corpora"
	@$(PY) -m pipeline.build --recipe tiny --input '$(DEMO)/web/web.warc.gz' --offline \
	  --eval-index $(DEMO)/evaluation.index --output $(DEMO)/corpus
	@echo "== every shard held against its index and manifest"
	@$(PY) -m pipeline.inspect_shard verify $(DEMO)/corpus
	@echo "== 200 training steps on them"
	@$(PY) -m model.train --recipe tiny --data m3w='$(DEMO)/corpus/m3w/*.tar' \
	  --data align='$(DEMO)/corpus/align/*.tar' --data ltip='$(DEMO)/corpus/ltip/*.tar' \
	  --data vtp='$(DEMO)/corpus/vtp/*.tar' --output $(DEMO)/run --steps 200
	@echo "== look around: $(DEMO)/corpus/report/index.html, $(PY) -m pipeline.inspect_shard show $(DEMO)/corpus/m3w"

test: .venv/installed-dev ## run all tests that this machine can run
	@$(PY) -m pytest -n 2 --dist loadfile -q

check: .venv/installed-dev ## formatting, lint, types, import contracts
	@$(PY) -m ruff format --check .
	@$(PY) -m ruff check .
	@$(PY) -m mypy
	@.venv/bin/lint-imports

format: .venv/installed-dev ## format the code
	@$(PY) -m ruff format .
	@$(PY) -m ruff check --fix .

clean: ## remove what builds and tests left
	@rm -rf $(DEMO) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache *.egg-info
