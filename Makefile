PYTHON ?= python3
PY := .venv/bin/python
STAMP := .venv/requirements.stamp
comma := ,

.DEFAULT_GOAL := help
.PHONY: help run test check format bench torture fuzz clean install lock audit sbom

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: install  ## start everything on http://127.0.0.1:8000 (PORT=8001 make run: elsewhere)
	@exec $(PY) -m llmgateway.run

test: install  ## the whole suite, on servers of its own (ARGS="-k cache": a part of it)
	@exec $(PY) -m pytest -n auto --maxprocesses 4 --dist loadgroup --no-loadscope-reorder $(ARGS)

check: install  ## format, lint, types, import contracts, settings, migrations, YAML
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy .
	.venv/bin/lint-imports --no-logo
	$(PY) manage.py check --deploy --fail-level WARNING
	$(PY) -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run
	$(PY) -m yamllint --strict docker-compose.yml fixtures ops

# What is looked at are settings as in production; nothing is contacted.
check: export LLMGATEWAY_ENV_FILES := /dev/null
check: export DEBUG := 0
check: export ALLOWED_HOSTS := gateway.example.com
check: export SECRET_KEY := only-to-look-at-the-settings-0123456789-abcdefghijklmnopqrstuvwxyz
check: export DATABASE_URL := postgresql://nobody@127.0.0.1:1/none
check: export REDIS_URL := redis://127.0.0.1:1/0
check: export GEMINI_API_KEY := none

format: install  ## bring the code into its form
	$(PY) -m ruff format .
	$(PY) -m ruff check --fix .

# An empty PEERS measures us and the floor alone. What is downloaded and written goes to var/bench and benchmarks/results.
bench: export PEERS ?= litellm,portkey
bench: install  ## us and others side by side, in about ten minutes (PEERS= make bench: us alone)
	@[ -x var/bench/plots/bin/python ] || { $(PY) -m venv var/bench/plots && \
		var/bench/plots/bin/python -m pip install --quiet --disable-pip-version-check -r benchmarks/requirements.txt; }
	@exec $(PY) -m benchmarks

fuzz: install  ## ask every endpoint what its schema allows and forbids (EXAMPLES=400 SECONDS=900 CASES=50000 SEED=8)
	@exec $(PY) -m torture.fuzz $(if $(EXAMPLES),--examples $(EXAMPLES)) \
		$(if $(SECONDS),--seconds $(SECONDS)) $(if $(CASES),--cases $(CASES)) $(if $(SEED),--seed $(SEED))

torture: install  ## break a whole system, row by row (ROWS=redis,upstream: a part; SOAK=1800 TRACING=300: longer)
	@exec $(PY) -m torture $(foreach row,$(subst $(comma), ,$(ROWS)),$(row)) \
		$(if $(SOAK),--soak $(SOAK)) $(if $(TRACING),--tracing $(TRACING)) $(if $(SEED),--seed $(SEED))

# Tools that look at the project from outside, in a venv of their own.
AUDIT := .venv-audit/bin

lock: $(AUDIT)/uv  ## requirements.lock from requirements.txt, with the hash of every file
	UV_CUSTOM_COMPILE_COMMAND="make lock" $(AUDIT)/uv pip compile --quiet --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url requirements.txt -o requirements.lock

audit: $(AUDIT)/uv  ## known vulnerabilities of what is locked; dangerous code
	$(AUDIT)/bandit --quiet --recursive --severity-level high --exclude '*/tests/*' llmgateway prompts_app gateway_app evals_app
	$(AUDIT)/pip-audit --strict --require-hashes --disable-pip -r requirements.lock

sbom: $(AUDIT)/uv  ## what is locked, as CycloneDX, in sbom.json
	$(AUDIT)/cyclonedx-py requirements requirements.lock --pyproject pyproject.toml --mc-type application \
		--output-reproducible --output-file sbom.json

$(AUDIT)/uv: requirements-audit.txt
	$(PYTHON) -m venv .venv-audit
	$(AUDIT)/pip install --quiet --disable-pip-version-check -r requirements-audit.txt
	touch $@

clean:  ## remove what can be made again; data under var/ stays
	rm -rf .venv .venv-audit sbom.json staticfiles .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamp holds the hash of what was installed, and is written last: an interrupted install has none.
install:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11 ...")'
	@want=`cat requirements.txt requirements-dev.txt | cksum`; \
	if [ ! -x $(PY) ] || [ "`cat $(STAMP) 2>/dev/null`" != "$$want" ]; then \
		echo "installing into .venv (once)"; \
		rm -f $(STAMP); \
		$(PYTHON) -m venv .venv && \
		$(PY) -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt && \
		echo "$$want" > $(STAMP); \
	fi
