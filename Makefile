# Two verbs for everyone (run, test), some for operators (pages) and for those who change the code (check, format, lock).
PYTHON ?= python3
BIN := .venv/bin

# An environment whose Python was removed or replaced is made anew.
$(shell test -x $(BIN)/python || rm -f .venv/.runtime .venv/.dev)

# Makes the environment, also over one that was left half made or has too old a Python; says what is missing in a sentence.
define environment
@$(BIN)/python -c 'import pip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	$(PYTHON) -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "sttweb needs Python 3.11 or newer with venv; here $(PYTHON) is $$($(PYTHON) --version 2>&1 | tail -n 1)."; \
		echo "Install one (Debian, Ubuntu: apt install python3-venv), or name another: make $(or $(MAKECMDGOALS),run) PYTHON=python3.12"; \
		exit 1; }; \
	$(PYTHON) -m venv --clear .venv; }
endef

.PHONY: faults messages pages run test check format lock clean

run: .venv/.runtime
	@$(BIN)/python manage.py up

# Three processes: most of the long tests wait for real time to pass. ARGS="-n 0" runs them one after the other.
test: .venv/.dev
	@$(BIN)/python -X dev -m pytest -n 3 --dist loadfile --no-loadscope-reorder $(ARGS)

check: .venv/.dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python manage.py check --fail-level WARNING
	@$(BIN)/python manage.py makemigrations --check --dry-run
	@$(BIN)/python -m bench.advisories requirements.lock requirements-dev.lock

format: .venv/.dev
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

# The environment is a target of its own, stamped by the lock files: it is remade only when they change.
.venv/.runtime: requirements.lock
	$(environment)
	@echo "Installing the pinned packages (about a minute, once)…"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

.venv/.dev: requirements-dev.lock
	$(environment)
	@echo "Installing the pinned packages and tools (about two minutes, once)…"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@ .venv/.runtime

# Reads recordings out of web pages: yt-dlp, pinned like everything else.
pages: .venv/.runtime
	@sed -n '/^yt-dlp==/,/[^\]$$/p' requirements-dev.lock > .venv/pages.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r .venv/pages.lock
	@echo "Recordings on web pages are found from the next start on."

# Names, versions and hashes only: no host name of any registry ends up in the repository.
lock: .venv/.dev
	@$(BIN)/uv pip compile pyproject.toml --universal --generate-hashes --no-annotate --no-header --quiet -o requirements.lock
	@$(BIN)/uv pip compile pyproject.toml --universal --generate-hashes --no-annotate --no-header --quiet --extra dev -o requirements-dev.lock

# The catalogues of translations from the sources (needs Debian's gettext), and what Django reads, from the catalogues.
messages: .venv/.dev
	@$(BIN)/python manage.py makemessages --all --no-location --no-obsolete --ignore=.venv --ignore=var --ignore=tests --ignore=bench
	@$(BIN)/pybabel --quiet compile --directory=locale --domain=django --statistics

# Every fault of docs/reliability.md in its long form (about an hour): make faults ARGS="f01 f47"
faults: .venv/.dev
	@$(BIN)/python -m bench.faults $(ARGS)

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache
