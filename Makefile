# Every target sets up what it needs: a virtual environment from the hashed lock, the local stack's parts in the user's cache.
SIEM := .venv/bin/siem
PYTEST := .venv/bin/pytest
# Hundreds of processes start in the tests: each would compile 400 modules anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup tools parts demo test check bench faults faults-table soak mutations fuzz stack stack-down test-container test-slow image sbom clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

setup:
	@.ci/venv

tools:
	@.ci/tools

parts: setup
	@[ "$(SIEM_TEST_CONTAINERS)" = 1 ] || .venv/bin/python -m service.local.download

demo: parts ## everything on this machine: real servers, three projects, a scripted attack (ARGS=--exit to end by itself)
	$(SIEM) demo $(ARGS)

test: check parts tools ## all checks, then all tests
	.ci/tests $(ARGS)

check: setup ## formatting, lint, types, architecture, pipelines, generated files
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	$(SIEM) check
	$(SIEM) build --check

bench: parts ## speed of each stage, of the whole path, into OpenSearch (BENCH_ARGS=…)
	.venv/bin/python -m bench $(BENCH_ARGS)

faults: parts ## faults injected into the whole path under load (ARGS="--seed 42", "--only kafka", "--list")
	.venv/bin/python -m tests.faults $(ARGS)

faults-table: setup ## reports of `make faults ARGS="--json …"` into docs/reliability.md (REPORTS="run/1.json run/2.json")
	.venv/bin/python -m tests.faults --table $(REPORTS)

soak: parts ## a steady load, one random fault a minute (MINUTES=60; ARGS=--document writes docs/)
	.venv/bin/python -m tests.faults.soak --minutes $(or $(MINUTES),60) $(ARGS)

fuzz: setup ## damaged samples, other ones each time (SECONDS=600, ARGS="--seed 7", "--replay FILE"; SIEM_FUZZ_SAMPLES=folder adds files)
	SIEM_RANDOM=1 $(PYTEST) -q tests/cli/test_hostile_values.py tests/cli/test_parse_any_input.py tests/decode/test_decode_hostile.py
	.venv/bin/python -m tests.fuzz --seconds $(or $(SECONDS),600) $(ARGS)

mutations: parts ## four deliberate bugs, each of which the fault suite's oracle must notice
	$(PYTEST) -m faults tests/faults/test_mutations.py $(PYTEST_ARGS)

stack: parts ## start a local stack that stays up, for quick test runs
	$(SIEM) stack up

stack-down: setup ## stop it
	$(SIEM) stack down

image: ## build the container image with what engine there is
	$(or $(shell command -v docker),$(shell command -v podman)) build -t kinesiem .

sbom: setup ## CycloneDX bill of materials of the image's Python packages, to stdout
	@.venv/bin/python .ci/sbom

test-container: setup ## build and run the image for real
	$(PYTEST) -m container tests/container $(ARGS)

test-slow: setup ## second opinions on the Kinesis double
	SIEM_SLOW=1 $(PYTEST) tests/contracts $(ARGS)

clean: ## remove what was generated locally; the download cache stays
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache run
