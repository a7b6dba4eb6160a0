# Every target sets itself up: Python 3.11+ and make are all that a fresh machine needs (.ci/setup).
SHELL := bash
.DEFAULT_GOAL := help
.PHONY: help setup demo test test-long lint format lab serve

PYTEST := .venv/bin/python -m pytest

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*## /make \1\t/p' $(MAKEFILE_LIST) | expand -t 18

setup:  ## make .venv (done by every other target; again only when its inputs change)
	@.ci/setup

demo: setup  ## train FusAtNet on the synthetic scene, map it and write its report: minutes
	.venv/bin/workbench demo

test: setup  ## all tests but the long ones
	@.ci/chromium --install >/dev/null || echo "Browser tests are left out (with CI=true they fail)."
	$(PYTEST) -n auto --dist loadfile --no-loadscope-reorder -m "not long"

test-long: setup  ## soak, interrupts and large cases
	@.ci/chromium --install >/dev/null || echo "Browser tests are left out (with CI=true they fail)."
	$(PYTEST) -m long

lint: setup  ## ruff and mypy
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

format: setup  ## let ruff rewrite what it can
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

lab: setup  ## JupyterLab on notebooks/
	.venv/bin/workbench lab

serve: setup  ## the dashboard, on this machine only
	.venv/bin/workbench serve
