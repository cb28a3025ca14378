# Two layers, so that a second checkout or a second CI run starts at once:
#   base-HASH   every dependency, keyed by the files that name them (large, shared)
#   here-HASH   this checkout installed in place on top of it (small, one a checkout)
PYTHON ?= python3
EXTRAS ?= cpu,det,seg,export,quickstart,docs,notebooks,test
CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/mmtaskssl
WORK ?= work_dirs/quickstart
IMAGES ?=
TARGET ?=
# Of make itself, whose names of files end at blanks.
ifneq ($(words $(CACHE) $(CURDIR)),2)
$(error CACHE and this checkout must lie where no path has blanks: $(CACHE), $(CURDIR))
endif

# A file's tests in one process, files in the order of tests/conftest.py.
TWO := -n 2 --dist loadfile --no-loadscope-reorder

# By Python, for not every system has sha256sum.
HASH := $(PYTHON) -c 'import hashlib, sys; print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest()[:12])'
# Of pyproject.toml the part that names dependencies.
KEY := $(shell { sed '/^\[project.scripts\]/,$$d' pyproject.toml; cat .ci/constraints.txt; echo "$(EXTRAS)"; \
	$(PYTHON) -c 'import sys, platform; print(sys.version, platform.machine())'; } | $(HASH))
HERE := $(shell { echo "$(CURDIR) $(KEY)"; } | $(HASH))
BASE := $(CACHE)/base-$(KEY)
ENV := $(CACHE)/here-$(HERE)
PY := $(ENV)/bin/python

.PHONY: help env quickstart test test-fast test-gpu lint format docs check-env print-python clean-env
help:
	@echo "make quickstart   set up, then run the main job on built-in images"
	@echo "                  (IMAGES=/my/pool TARGET=/my/labelled/folder: on yours)"
	@echo "make test         set up, then run the tests"
	@echo "make test-gpu     those that need a GPU (WHEELS=DIR: without a network)"
	@echo "make env          only set up;  make -s print-python: its interpreter"
	@echo "make check-env    what is installed, what works, what mends the rest"
	@echo "make test-fast    without the files that take over two seconds each"
	@echo "make docs         the site, in docs/_build/html: open index.html there"
	@echo "make lint         style, the directions of imports, types of the public functions"

env: $(ENV)/.done

# Installed under a temporary name: an interrupted set-up is never taken for a whole one.
$(BASE)/.done:
	@echo "setting up dependencies in $(BASE) (once; several GB with torch)"
	@rm -rf $(BASE)
	@$(PYTHON) -m venv $(BASE)
	@$(BASE)/bin/python .ci/list_requirements.py $(EXTRAS) > $(BASE)/requirements.txt
	@$(BASE)/bin/python -m pip install -q -c .ci/constraints.txt -r $(BASE)/requirements.txt
	@touch $@

$(ENV)/.done: $(BASE)/.done
	@rm -rf $(ENV)
	@$(PYTHON) -m venv --without-pip $(ENV)
	@$(PY) -c 'import glob, sysconfig; \
	  base, = glob.glob("$(BASE)/lib/python*/site-packages"); \
	  open(sysconfig.get_path("purelib") + "/_base.pth", "w").write(f"import site; site.addsitedir({base!r})\n")'
	@$(PY) -m pip install -q --no-deps --no-build-isolation -e .
	@touch $@

# Folders reach the shell as variables of its own: a path may hold blanks and quotes.
quickstart: export WORK := $(WORK)
quickstart: export IMAGES := $(IMAGES)
quickstart: export TARGET := $(TARGET)
quickstart: env
	@$(PY) tools/quickstart.py --out "$$WORK" $${IMAGES:+--images "$$IMAGES"} $${TARGET:+--target "$$TARGET"}

test: env
	@$(PY) -m pytest $(TWO) $(ARGS)

test-fast: env
	@$(PY) -m pytest $(TWO) -m "not slow" $(ARGS)

test-gpu: export WHEELS := $(WHEELS)
test-gpu:
	@PYTHON=$(PYTHON) tools/test_gpu.sh $${WHEELS:+--wheels "$$WHEELS"} $(ARGS)

lint: env
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(BASE)/bin/lint-imports --no-cache
	@$(PY) -m mypy

format: env
	@$(PY) -m ruff check --fix .
	@$(PY) -m ruff format .

docs: env
	@$(PY) -m sphinx -b html -q -E -n -W --keep-going docs docs/_build/html
	@echo "docs/_build/html/index.html"

check-env: env
	@$(PY) -m mmtaskssl.check_env

print-python:
	@echo $(PY)

clean-env:
	rm -rf $(ENV) $(BASE)
