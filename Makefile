# Everything that is done to a checkout. Needs Python 3.11 or later, a JDK 17 or later, and Maven; the rest comes by itself.
# Targets that make files re-run only when what they are made from has changed.

PYTHON ?= python3
MAVEN ?= mvn
JAVAC ?= javac
JAR ?= jar
JOBS ?= 2
VENV := .venv
BIN := $(VENV)/bin
LIBRARY := python/bowstring_java/bowstring-all.jar
FLIGHTS := docs/examples/flights
ORDERS := docs/examples/orders

JAVA_INPUTS := $(shell find java -path '*/target' -prune -o -type f -print 2>/dev/null)
TYPED := $(wildcard python/bowstring python/bowstring_wire core/bowstring_core)

.PHONY: help setup java generate docs format check test fuzz demo bench clean

help:
	@echo 'make setup     the virtual environment $(VENV) and the Java library'
	@echo 'make generate  the code that is made from spec/schema'
	@echo 'make docs      docs/reference.md, from the docstrings'
	@echo 'make check     lint, types, format, generated code and pages'
	@echo 'make test      check, then every test, Java and Python'
	@echo 'make fuzz      the decoders against what nobody thought of (FUZZ="--seconds 600" for each of them)'
	@echo 'make orders    a database in Java and an evaluation in Python, as a Maven project'
	@echo 'make demo      flights: one table, two languages, no copies'
	@echo 'make bench     the benchmark against Ray and multiprocessing (BENCH="--quick" for a smoke run)'

setup: $(VENV)/installed java

$(VENV)/installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

java: java/target/packaged

java/target/packaged: $(JAVA_INPUTS)
	$(MAVEN) --batch-mode --quiet --file java package -P nullness -DskipTests
	@mkdir -p $(@D) && touch $@

generate: $(VENV)/installed
	cd spec && ../$(BIN)/python -m generator

docs: $(VENV)/installed
	$(BIN)/python docs/generate_reference.py

format: $(VENV)/installed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

check: $(VENV)/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy $(TYPED)
	cd spec && ../$(BIN)/python -m generator --check
	$(BIN)/python docs/generate_reference.py --check

test: check setup $(FLIGHTS)/target/flights.jar $(ORDERS)/target/packaged
	BOWSTRING_PYTHON=$(CURDIR)/$(BIN)/python $(MAVEN) --batch-mode --file java test
	$(BIN)/python -m pytest --numprocesses $(JOBS) --dist loadscope

fuzz: setup $(VENV)/fuzzing
	$(BIN)/python -m conformance.fuzz $(FUZZ)

# Not everywhere: without it Python's decoders are passed over.
$(VENV)/fuzzing: $(VENV)/installed
	-$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[fuzz]'
	@touch $@

orders: setup $(ORDERS)/target/packaged
	cd $(ORDERS) && BOWSTRING_PYTHON=$(CURDIR)/$(BIN)/python java -cp 'target/classes:target/dependency/*' orders.Main target

demo: setup $(FLIGHTS)/target/flights.jar
	$(BIN)/python $(FLIGHTS)/pipeline.py $(DEMO)

$(FLIGHTS)/target/flights.jar: $(wildcard $(FLIGHTS)/java/flights/*.java) java/target/packaged
	rm -rf $(FLIGHTS)/target/classes
	$(JAVAC) --release 17 -nowarn -cp $(LIBRARY) -d $(FLIGHTS)/target/classes $(filter %.java,$^)
	$(JAR) --create --file $@ -C $(FLIGHTS)/target/classes .

# A Maven project as users have: it takes the library from Maven's local repository.
$(ORDERS)/target/packaged: $(wildcard $(ORDERS)/pom.xml $(ORDERS)/src/main/java/orders/*.java) java/target/packaged
	$(MAVEN) --batch-mode --quiet --file java install -DskipTests
	$(MAVEN) --batch-mode --quiet --file $(ORDERS) package
	@touch $@

bench: setup
	$(BIN)/python -m tests.bench --against ray,multiprocessing $(BENCH)

clean:
	rm -rf $(VENV) java/target java/*/target $(FLIGHTS)/target $(ORDERS)/target conformance/languages/*/target conformance/fuzz/java/target build/fuzz .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
