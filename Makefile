# One gate for people and CI: `make check`. `make run` starts the garage with the simulated plant.
# ARGS goes to the command of the target: make test ARGS="-k ledger", make run ARGS="--port 9000".
PYTHON ?= python3
ARGS ?=
# The tests use two workers: more than the small machines have cores only makes timings worse.
WORKERS ?= 2
BIN := .venv/bin

.PHONY: setup run test check bench lock clean format

setup: .venv/.stamp api/static/vendor/.stamp

.venv/.stamp: deploy/setup.sh pyproject.toml requirements.lock
	@PYTHON='$(PYTHON)' sh deploy/setup.sh
	@touch $@

api/static/vendor/.stamp: deploy/web-assets.sh api/web/.npmrc api/web/package.json api/web/package-lock.json | .venv/.stamp
	@echo 'setup: fetching the web assets'
	@sh deploy/web-assets.sh

run: setup
	$(BIN)/garagectl run --simulate $(ARGS)

test: setup
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup $(ARGS)

check: setup
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/garagectl docs --check
	$(MAKE) test

bench: setup
	$(BIN)/garagectl bench $(ARGS)

format: setup
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

# Keeps every pin that still fits; make lock ARGS=--upgrade takes the newest of all.
lock: .venv/.stamp
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
		--no-emit-index-url --group dev pyproject.toml -o requirements.lock $(ARGS)
	cd api/web && PATH="$$PATH:$(CURDIR)/$(BIN)" npm install --package-lock-only --no-progress --loglevel=error

# Leaves what nobody can make again: databases and var/.
clean:
	rm -rf .venv dist api/static/vendor api/static/vendor.new api/web/node_modules
	rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
