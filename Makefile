# Set-up, run and checks, one command each. Needs Python 3.11+ and make; `.venv` is made from requirements.lock on first use.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
ARGS ?=
INSTALL := UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_SYSTEM_CERTS=1

# HOST, PORT and every OCPI_ setting reach the program through the environment, also when given as `make run PORT=9000`.
.PHONY: run test demo check bench conformance network format lock clean

run: $(READY)
	@exec $(BIN)/ocpi-party serve $(ARGS)

test: $(READY)
	$(BIN)/pytest -n auto $(ARGS)

demo: $(READY)
	@exec $(BIN)/ocpi-party demo $(ARGS)

bench: $(READY)
	$(BIN)/python -m benchmarks $(ARGS)

conformance: $(READY)
	$(BIN)/python -m tests.conformance $(ARGS)

# An hour of roaming in three minutes, with kills and faults; ends with 0 only if all counts agree: docs/network.md.
network: $(READY)
	$(BIN)/python -m tests.network $(ARGS)

check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry src
	$(BIN)/hadolint Dockerfile
	$(BIN)/check-jsonschema --builtin-schema vendor.gitlab-ci --data-transform gitlab-ci .gitlab-ci.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# --upgrade is left to the caller: make lock ARGS=--upgrade. The second lock is the part that the program itself needs, with traces: the image's.
LOCK := $(BIN)/uv pip compile --universal --generate-hashes --python-version 3.11 --no-emit-index-url --no-header --quiet
lock: $(READY)
	$(LOCK) --extra dev --extra otel $(ARGS) --output-file requirements.lock pyproject.toml
	$(LOCK) --extra otel --no-annotate --constraint requirements.lock $(ARGS) --output-file requirements-runtime.lock pyproject.toml

clean:
	rm -rf $(VENV) build dist site .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache src/*.egg-info

# uv comes from the lock too, hash and all. It does not read pip's configuration: where only pip knows the way to the
# registry, pip installs the same lock, slower. The last line marks the venv as complete, so a broken set-up is begun anew.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=python3.12 …" >&2; exit 1; }
	@rm -f $@
	@[ -x $(BIN)/python ] && [ -x $(BIN)/pip ] || $(PYTHON) -m venv --clear $(VENV)
	@awk '/^uv==/ { found = 1 } found { print } found && !/\\$$/ { exit }' requirements.lock > $(VENV)/uv.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(VENV)/uv.lock
	$(INSTALL) $(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements.lock \
		|| $(BIN)/python -m pip install --disable-pip-version-check --require-hashes -r requirements.lock
	$(INSTALL) $(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --offline --editable .
	@touch $@
