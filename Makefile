PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.stamp

.PHONY: help demo test style types tests test-slow test-minimum package constraints clean
help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install -q --disable-pip-version-check -c constraints.txt -e '.[all]'
	@touch $@

demo: $(STAMP) ## set up, then run the main job on a small simulated market (runs/demo/report/index.html)
	$(BIN)/alpha-lightning study run configs/studies/demo.yaml

test: $(STAMP) style tests ## set up, then style, types, import contract and tests

style: $(STAMP) ## ruff, mypy --strict, import contract
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

tests: $(STAMP) ## tests and doctests on both cores, with the coverage gate
	$(BIN)/python -m pytest -n 2 --dist worksteal --cov --cov-report=term

test-slow: $(STAMP) ## the tests that take minutes
	$(BIN)/python -m pytest -m slow

test-minimum: ## the fast tests on the oldest declared versions (needs uv)
	uv venv -q --clear .venv-minimum && uv pip install -q --python .venv-minimum --resolution lowest-direct -e '.[tests]'
	.venv-minimum/bin/python -m pytest -n 2 -W default

package: $(STAMP) ## build the wheel, install it beside a copy of the tests, and run it without the source
	rm -rf build dist && $(BIN)/pip wheel -q --no-deps -w dist .
	rm -rf .venv-package && $(PYTHON) -m venv .venv-package
	.venv-package/bin/pip install -q -c constraints.txt "$$(ls dist/*.whl)[tests]"
	cd .venv-package && bin/alpha-lightning --version && bin/python -c "import alpha_lightning, pathlib; print(pathlib.Path(alpha_lightning.__file__).parent)"

constraints: ## pin what is installed now
	{ sed -n '/^#/p' constraints.txt; $(BIN)/pip freeze --exclude-editable | sed 's/+cpu//; s| @ .*||'; } > constraints.new
	mv constraints.new constraints.txt

clean: ## remove what the targets above made
	rm -rf .venv .venv-minimum .venv-package build dist runs
