# 烽燧 Fengsui. `make demo` shows it, `make test` proves it; both set up what they need.
PORT ?= 8000
N ?= 200000
KILLS ?= 6
PARTITIONS ?= 4
GATEWAYS ?= 2
RESTORES ?= 0
SABOTAGE ?=
FULL_DISK ?=
SECURE ?= 1
KEEP ?=
SEED ?=
CRASHES ?= 2000
CUTS ?= 20
# Of each phase in which the store is killed.
MOMENTS ?= 50
DIR ?= tests/testcases/vectors
ONLY ?=
SECONDS ?= 300
# More than cores: real processes, disks and timeouts are waited for most of the time.
WORKERS ?= 4

PY := .venv/bin/python
GAUNTLET := $(if $(FULL_DISK),--full-disk) $(if $(SECURE),--secure) $(if $(SEED),--seed $(SEED)) $(if $(SABOTAGE),--sabotage $(SABOTAGE)) $(if $(KEEP),--keep $(KEEP))

# What was compiled once is not compiled again by each of the hundreds of processes that are started.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test check bench vectors gauntlet soak faults model schema lock clean
.PHONY: .lint .types .page-test

demo:
	@python3 scripts/setup demo
	@exec $(PY) -m protocols.simulators demo --port $(PORT)

test:
	@$(MAKE) --no-print-directory check
	@$(PY) -m pytest -q -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

check:
	@python3 scripts/setup test
	@$(MAKE) --no-print-directory -j2 --output-sync=target .lint .types .page-test

.lint:
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check -q .

.types:
	@.venv/bin/mypy

.page-test:
	@$(PY) scripts/webtest

bench:
	@python3 scripts/setup test
	@python3 scripts/setup edge
	@$(PY) -m tests.bench --seconds $(SECONDS) $(if $(ONLY),--only $(ONLY))

vectors:
	@python3 scripts/setup test
	@$(PY) -m tests.vectors "$(DIR)"

gauntlet:
	@python3 scripts/setup test
	@$(PY) -m tests.gauntlet --readings $(N) --kills $(KILLS) --partitions $(PARTITIONS) \
		--gateways $(GATEWAYS) --restores $(RESTORES) $(GAUNTLET)

soak:
	@python3 scripts/setup test
	@FENGSUI_MOMENTS=$(MOMENTS) $(PY) -m pytest -q tests/central/store/test_kill.py tests/central/backup/test_kill.py
	@FENGSUI_MOMENTS=200 $(PY) -m pytest -q tests/central/alarms/test_killed.py
	@FENGSUI_STORIES=5000 $(PY) -m pytest -q tests/central/alarms/test_pasts_two_gaps.py
	@FENGSUI_MOMENTS=30 $(PY) -m pytest -q tests/end_to_end/test_killed.py
	@$(PY) -m tests.gauntlet --readings 10000000 --kills 200 --partitions 50 \
		--gateways 4 --restores 4 $(GAUNTLET)

faults:
	@python3 scripts/setup test
	@$(PY) -m tests.faults --crashes $(CRASHES) --cuts $(CUTS) --only "$(ONLY)" $(if $(SEED),--seed $(SEED))

model:
	@python3 scripts/setup test
	@$(PY) -m tests.model

schema:
	@python3 scripts/setup test
	@$(PY) -m protocols.schema
	@$(PY) -m edge.schema
	@$(PY) -m central.api.openapi > docs/openapi.json
	@$(PY) -m protocols.alarms.table > docs/alarm-states.md

# The lock files hold hashes and no registry address.
lock:
	@python3 scripts/setup test
	@scripts/lock

clean:
	rm -rf .venv .venv-edge var build dist central/web/dist central/web/node_modules
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
