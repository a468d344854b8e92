# `make` alone explains what there is.
.DEFAULT_GOAL := help
.PHONY: help run test chaos bench check demo lock clean runtime dev
PYTHON_IN_VENV := .venv/bin/python
LENT := $(PYTHON_IN_VENV) -m jobsite.embedded.lend $(PYTHON_IN_VENV)
PACKAGES := tenancy audit templates jobs jobsite benchmarks

help:  ## this text
	@echo "make run     the whole product on this machine, with demo data; Ctrl-C stops it"
	@echo "             PORT=9000 chooses the web port; DATABASE_URL and REDIS_URL name servers of yours"
	@echo "make test    the whole test suite, on servers of its own; ARGS='-x tests/unit' narrows it"
	@echo "make chaos   its drills in full: workers, Redis and PostgreSQL killed while jobs run; SEED=7"
	@echo "make bench   every figure that is claimed, measured against others; ARGS='broker --quick' narrows it"
	@echo "make check   lint, types, import rules, missing migrations"
	@echo "make demo    the main journey end to end in a temporary folder; prints one JSON line"
	@echo "make lock    pin the newest packages that pyproject.toml allows, in requirements/"
	@echo "make clean   remove the data of make run (the environment in .venv stays)"

run: runtime
	@exec $(PYTHON_IN_VENV) -m jobsite.run

test: dev
	@exec $(PYTHON_IN_VENV) -m pytest -n auto --dist worksteal $(ARGS)

chaos: dev
	@exec env DRILLS=long $(PYTHON_IN_VENV) -m pytest -q --no-header -p tests.chaos.report -m drill \
	    tests/chaos $(ARGS)

bench: dev
	@exec $(PYTHON_IN_VENV) -m benchmarks $(ARGS)

check: dev
	@$(PYTHON_IN_VENV) -m ruff check --quiet --output-format concise .
	@$(PYTHON_IN_VENV) -m ruff format --quiet --check --output-format concise .
	@$(PYTHON_IN_VENV) -m mypy $(PACKAGES)
	@.venv/bin/lint-imports
	@$(LENT) manage.py makemigrations --check --dry-run
	@$(LENT) manage.py check --fail-level WARNING

demo: runtime
	@exec $(PYTHON_IN_VENV) manage.py demo --check

lock: dev
	@$(PYTHON_IN_VENV) -m pip install --quiet uv
	@for set in dev runtime; do \
	    $(PYTHON_IN_VENV) -m uv pip compile pyproject.toml --quiet --upgrade --universal \
	        --python-version 3.12 --generate-hashes \
	        --custom-compile-command "make lock" \
	        $$( [ $$set = dev ] && echo --group dev || echo --constraint requirements/dev.txt ) \
	        --output-file requirements/$$set.txt; \
	done
	@$(PYTHON_IN_VENV) -m uv pip compile requirements/peers.in --quiet --upgrade --universal \
	    --python-version 3.12 --generate-hashes --custom-compile-command "make lock" \
	    --output-file requirements/peers.txt

clean:
	@! [ -x $(PYTHON_IN_VENV) ] || exec $(PYTHON_IN_VENV) -m jobsite.clean

runtime dev:
	@./bootstrap.sh $@
