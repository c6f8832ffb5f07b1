# make demo    set up, then drive the whole road on The Complete Journey
# make check   style, types, layers and the fast tests: some 4 minutes (to be under 3)
# make test    what CI runs: everything; 20 to 30 minutes on two cores (to be under 20)
# make bench   the ingest benchmark

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALL := sh scripts/install.sh $(VENV)
# One more than processors: tests often wait for servers, browsers and processes that they kill.
PYTEST := $(BIN)/python -m pytest --numprocesses $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1) --dist loadfile

.PHONY: demo check test bench static clean
.DELETE_ON_ERROR:

# Nothing is compiled that is not used, and what is compiled is kept even where the surroundings say otherwise:
# the tests start hundreds of processes.
export PYTHONDONTWRITEBYTECODE =

demo: $(VENV)/.installed-demo
	$(BIN)/foresell demo --store demo-store

check: $(VENV)/.installed-dev static
	$(PYTEST) -m "not slow and not spark and not browser" --quiet tests/architecture tests/contract tests/unit

# Debian's packages are fetched while Python's are installed. Style, types and layers are checked beside the
# tests, which often wait for servers and browsers.
test:
	@sh scripts/test_needs.sh & needs=$$!; \
		$(MAKE) --no-print-directory $(VENV)/.installed-dev; status=$$?; wait $$needs; exit $$status
	@mkdir -p .pytest_cache; rm -f .pytest_cache/left-out.txt
	@$(MAKE) --no-print-directory static > .pytest_cache/static.txt 2>&1 & static=$$!; \
		$(PYTEST); status=$$?; \
		wait $$static || status=1; cat .pytest_cache/static.txt .pytest_cache/left-out.txt; exit $$status

bench: $(VENV)/.installed-dev
	$(BIN)/python benchmarks/speed/ingest $(BENCH_ARGS)

static: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

clean:
	rm -rf $(VENV) demo-store build dist

# Debian ships Python without venv; as root it is fetched.
$(VENV)/.made:
	$(PYTHON) -m venv --clear $(VENV) \
		|| { sh scripts/debian_packages.sh python3-venv && $(PYTHON) -m venv --clear $(VENV); }
	@touch $@

$(VENV)/.installed-demo: $(VENV)/.made pyproject.toml constraints.txt
	$(INSTALL) --editable '.[demo,behavior,trees]'
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.made pyproject.toml constraints.txt
	$(INSTALL) --editable '.[dev,demo,behavior,als,text,trees,tune,faiss,search,spark,postgres,mysql,serve,console,redis]'
	@touch $@ $(VENV)/.installed-demo
