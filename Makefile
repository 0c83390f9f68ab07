# make demo   install into .venv and run the whole loop (about 10 minutes after the install, 2 cores, no GPU)
# make test   all tests
# make lint   ruff, mypy
VENV  ?= .venv
TORCH ?= torch==2.13.0
BIN   := $(VENV)/bin
# One thread a process: the tests run models and worker processes side by side.
export OMP_WAIT_POLICY = PASSIVE

.PHONY: demo test lint format clean

demo: $(VENV)/.solver
	$(BIN)/ouroboros-data build --iter 3

test: $(VENV)/.dev
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest $(ARGS)

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

$(BIN)/python:
	python3 -m venv $(VENV)

# torch first and by name: a plain "torch" may pull in gigabytes of CUDA packages.
$(VENV)/.solver: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet $(TORCH)
	$(BIN)/python -m pip install --quiet -e '.[solver]'
	touch $@

$(VENV)/.dev: $(VENV)/.solver
	$(BIN)/python -m pip install --quiet -e '.[solver,decord,dev]'
	touch $@

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
