# `make demo` opens the demo, `make test` passes the tests; both set up ./.venv first.
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test setup lint types imports check screenshots clean

setup: $(VENV)/.ready

$(VENV)/.ready: pyproject.toml scripts/setup.sh
	sh scripts/setup.sh $(VENV)
	touch $@

demo: setup
	$(BIN)/flowtui demo

test: setup lint types imports
	$(BIN)/pytest -n auto

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup
	$(BIN)/mypy

imports: setup
	$(BIN)/lint-imports

screenshots: setup
	$(BIN)/python screenshots/take.py
	$(BIN)/python screenshots/walk.py

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
