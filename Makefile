# `make demo` and `make test` do all set-up on a fresh machine: Python >= 3.11 is all they need.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PYTEST_ARGS ?=

.PHONY: demo serve test check format docs pictures shipped clean

demo: $(VENV)/.base
	$(BIN)/findalike demo --out demo

# The demo shop in the browser: the address is printed; Ctrl-C ends it.
serve: $(VENV)/.base demo/shop/shop.json
	$(BIN)/findalike serve --shop demo/shop --open-search

demo/shop/shop.json: | $(VENV)/.base
	$(BIN)/findalike demo --out demo

# Two processes run the tests. With more than one thread of torch each they wait for each other's.
test: $(VENV)/.dev $(VENV)/.browser
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist loadgroup $(PYTEST_ARGS)

check: $(VENV)/.dev $(VENV)/.browser
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist loadgroup $(PYTEST_ARGS)

format: $(VENV)/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(VENV)/.dev
	$(BIN)/python docs/build_reference.py

# The screenshots in docs/pictures.
pictures: $(VENV)/.dev $(VENV)/.browser demo/shop/shop.json
	FINDALIKE_PICTURES=demo $(BIN)/pytest tests/server/web/test_pictures.py

# The encoder that comes with the package: about 40 minutes on two cores. FINDALIKE_DATA says where
# the photos are. What its scores mean is measured with another one, trained without 12 products.
shipped: $(VENV)/.dev
	$(BIN)/python recipes/prepare.py
	$(BIN)/findalike train recipes/shipped/encoder.yml --out runs --resume
	rm -rf build/findalike-lite0
	$(BIN)/findalike export runs/shipped/shipped --out build/findalike-lite0 --precision int8 \
		--name findalike-lite0 --licence Apache-2.0
	$(BIN)/findalike train recipes/shipped/encoder.yml --out runs/held-out --resume \
		--set data.train.0.path=../build/dev_train.csv \
		--set 'data.train.0.root=$${FINDALIKE_DATA:-../../../shared/data}/grocery' \
		--set data.validation.1.queries=../build/dev_queries.csv
	rm -rf build/held-out
	$(BIN)/findalike export runs/held-out/shipped/shipped --out build/held-out --precision fp16
	$(BIN)/findalike models calibrate build/findalike-lite0 --stand-in build/held-out \
		--gallery recipes/build/simulated_dev/gallery.csv \
		--queries recipes/build/simulated_dev/queries.csv \
		--root recipes/build/simulated_dev \
		--gallery recipes/build/gallery.csv --queries recipes/build/dev_queries.csv \
		--root $${FINDALIKE_DATA:-../shared/data}/grocery
	$(BIN)/python recipes/shipped/add_figures.py build/findalike-lite0 --work build/quality

clean:
	rm -rf $(VENV) demo

# The default install, without torch: what a shop runs.
$(VENV)/.base: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

# Everything the tests need, the training extra included.
$(VENV)/.dev: $(VENV)/.base pyproject.toml
	$(BIN)/python -m pip install --quiet --editable ".[dev]"
	touch $@

# A browser for the tests of the page, and what checks that everybody can use it.
$(VENV)/.browser: $(VENV)/.dev tests/set_up_browser.sh tests/server/web/conftest.py
	tests/set_up_browser.sh $(VENV)
	touch $@
