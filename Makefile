# Every target sets itself up: it needs Python 3.11 or newer and make, nothing else.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CLIENT_VENV := .venv-official-client
NUVLA_CLIENT_VENV := .venv-official-nuvla-client
DRIVER_2017_VENV := .venv-driver-2017
MANAGER_VENV := .venv-infrastructure-manager
CLIENTS := $(CLIENT_VENV)/installed $(NUVLA_CLIENT_VENV)/installed $(MANAGER_VENV)/installed
# Twice as many as a small machine has cores: half of the time tests wait for a server.
WORKERS ?= 4
# Whether the tests measure which lines and branches they reach.
COVERAGE ?=
# A worker that is done takes from those that are not, and the tests of a module stay together.
PYTEST := $(BIN)/python -m pytest --numprocesses $(WORKERS) --dist worksteal
# Without it each of the many processes of the tests would compile the package anew.
unexport PYTHONDONTWRITEBYTECODE
# These need a browser and have a target of their own.
NO_BROWSER := --ignore=tests/browser

.DEFAULT_GOAL := help
.PHONY: help demo test test-browser pictures coverage quick record official-client fidelity faults fuzz lint format types docs check wheel bench clean

help: ## Show what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

$(VENV)/installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is " + sys.version.split()[0] + ": say make PYTHON=python3.11")'
	@echo 'Installing into $(VENV): this takes a minute or two, once.'
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	@$(BIN)/python -m pip install --quiet --editable '.[cli,sandbox,testing]' --group dev
	@touch $@

$(CLIENT_VENV)/installed: tests/official_client/requirements.txt
	@echo 'Installing an official client into $(CLIENT_VENV): this takes a minute, once.'
	@$(PYTHON) -m venv $(CLIENT_VENV)
	@$(CLIENT_VENV)/bin/python -m pip install --quiet --requirement $<
	@touch $@

$(NUVLA_CLIENT_VENV)/installed: tests/official_nuvla_client/requirements.txt
	@echo 'Installing an official client into $(NUVLA_CLIENT_VENV): this takes a minute, once.'
	@$(PYTHON) -m venv $(NUVLA_CLIENT_VENV)
	@$(NUVLA_CLIENT_VENV)/bin/python -m pip install --quiet --requirement $<
	@touch $@

$(MANAGER_VENV)/installed: tests/infrastructure_manager/requirements.txt
	$(PYTHON) -m venv $(MANAGER_VENV)
	$(MANAGER_VENV)/bin/python -m pip install --quiet --no-deps --requirement $<
	@touch $@

$(DRIVER_2017_VENV)/installed: benchmarks/requirements-2017.txt
	$(PYTHON) -m venv $(DRIVER_2017_VENV)
	$(DRIVER_2017_VENV)/bin/python -m pip install --quiet --requirement $<
	@touch $@

demo: $(VENV)/installed ## Deploy WordPress on the local sandbox
	@$(BIN)/python examples/demo.py

test: $(VENV)/installed $(CLIENTS) ## Run every test
	@echo "Running every test. Expect $(if $(COVERAGE),6,4) minutes on two cores."
	@$(PYTEST) $(NO_BROWSER) --quiet --no-header $(if $(COVERAGE),--cov --cov-report=term)

test-browser: $(VENV)/installed ## Try the sandbox's page in a real browser
	@echo "Installing playwright, which uses Debian's chromium."
	@$(BIN)/python -m pip install --quiet --group browser
	@$(BIN)/python -m pytest --quiet --no-header tests/browser

pictures: $(VENV)/installed ## Make the documents' pictures anew, in a real browser
	@$(BIN)/python -m pip install --quiet --group browser
	$(BIN)/python docs/pictures.py

coverage: ## Run every test and show what they do not reach, branches included
	@$(MAKE) --no-print-directory test COVERAGE=1

quick: $(VENV)/installed $(CLIENTS) ## Run the tests until the first failure
	$(PYTEST) $(NO_BROWSER) --exitfirst

record: $(VENV)/installed ## Record every scenario anew [ENDPOINT=url ORIGIN=name KIND=name FAMILY=name SCENARIO=name]
	$(BIN)/python -m slipstream record \
		$(if $(ENDPOINT),--endpoint '$(ENDPOINT)') $(if $(ORIGIN),--origin '$(ORIGIN)') \
		$(if $(KIND),--endpoint-kind '$(KIND)') \
		$(if $(FAMILY),--family '$(FAMILY)') $(SCENARIO)

fidelity: $(VENV)/installed ## Compare the sandbox with recordings of real servers
	PYTHONPATH=tests $(BIN)/python -m fidelity

faults: $(VENV)/installed ## Try every method with every fault between it and the server
	PYTHONPATH=tests $(BIN)/python -m faults

fuzz: $(VENV)/installed ## Fuzz what reads a server's responses for a minute
	@$(BIN)/python -m pip install --quiet atheris
	PYTHONPATH=tests $(BIN)/python -m fuzz -max_total_time=60

official-client: $(CLIENTS) ## Install the official clients and a program for the tests

lint: $(VENV)/installed ## Check style and formatting
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .

format: $(VENV)/installed ## Format the code
	$(BIN)/python -m ruff check --fix .
	$(BIN)/python -m ruff format .

types: $(VENV)/installed ## Check the types
	$(BIN)/python -m mypy

# No page may show what a variable of the environment holds.
docs: $(VENV)/installed ## Build the documentation into docs/_build/html
	SLIPSTREAM_PASSWORD=zQcanaryQz $(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build/html
	@! grep --recursive --files-with-matches --include='*.html' zQcanaryQz docs/_build/html

check: lint types docs ## Everything but the tests

wheel: $(VENV)/installed ## Build a wheel into dist
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .
	@ls dist/*.whl

bench: $(VENV)/installed $(DRIVER_2017_VENV)/installed ## Measure, as ratios within one run, into benchmarks/results.md
	$(BIN)/python -m benchmarks

clean: ## Remove what the targets made
	rm -rf dist $(VENV) $(CLIENT_VENV) $(NUVLA_CLIENT_VENV) $(MANAGER_VENV) $(DRIVER_2017_VENV) docs/_build .coverage* .pytest_cache .mypy_cache .ruff_cache
