# Two commands for a newcomer: `make demo` and `make test`. The others are their parts.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# Cargo's own variable, if somebody set it.
target := $(abspath $(or $(CARGO_TARGET_DIR),target))
# What the tests need of the other languages.
faces := $(target)/faces
python := $(faces)/venv/bin/python

# Where examples/deploy/template.yaml looks for the function, whatever the target folder is.
package := target/lambda/helios-delivery.zip

# Where C and Go find the library.
export CGO_CFLAGS := -I$(CURDIR)/helios-ffi/include
export CGO_LDFLAGS := -L$(target)/debug -Wl,-rpath,$(target)/debug

# One build of all three: built apart they would share fewer dependencies.
build-demo = echo "Building (some minutes the first time) …" >&2; \
	cargo build --quiet --profile demo --locked -p helios-http-server -p helios-lambda -p helios-demo

.PHONY: help demo serve test test-all test-rust test-python test-go check conformance soak faces wheel venv lint lint-rust lint-dependencies \
	lint-engines lint-spelling lint-go lint-python lint-deploy docs installed install-c lambda-package bench bench-delivery bench-infer bench-query fuzz \
	miri engine move-engines emulator compilers advisories

help: ## Show this list.
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: engine emulator ## Events from a stream to a table and back, through the documented HTTP calls.
	@$(build-demo)
	@$(target)/demo/helios-demo

serve: engine emulator ## The demo, then its server stays up (HELIOS_ADDR, default 127.0.0.1:8080).
	@$(build-demo)
	@$(target)/demo/helios-demo --serve

# Tests mostly wait, so the three run side by side once everything is built.
test: ## All tests, of all faces, with the real engine and the emulator.
	@+$(MAKE) --no-print-directory $(if $(filter --jobs=% -j%,$(MAKEFLAGS)),,--jobs=3 --output-sync=target) test-all

test-all: test-python test-go test-rust

test-rust: engine emulator faces wheel installed ## The tests in Rust, among them the cases through every face, and the C ABI's.
	tests/run.py

# Those that depend on the engine, on the one that the package's extra brings.
on-package-engine := $(addprefix helios-py/tests/test_,docstrings.py escapes.py frames.py secrets.py values.py whole_path.py)

test-python: engine emulator faces wheel ## The Python package's own tests, its README in a clean environment, and the deployment template.
	HELIOS_CHDB_LIB=$$(setup/engine.sh) $(python) -m pytest --quiet
	$(python) -m pytest --quiet $(on-package-engine)
	$(python) tests/on_package_engine.py proof:: refused:: quarantine:: json:: defaults:: values:: samples::
	python3 helios-py/tests/clean_environment.py $(faces)/wheels/*.whl

test-go: engine faces ## The Go package's own tests, with the race detector.
	cd examples/go && go vet ./... && go test -race -count=1 ./...

check: lint ## What a developer runs between two changes: format, lints, and the tests that need a second or two.
	cargo test $(everything) --lib --bins

conformance: engine ## Every type and family of functions, as JSON and as Arrow, beside the engine's own answers. Part of `make test`.
	cargo test $(everything) --test it conformance

# How long the soak is, and what the variables mean, is in CONTRIBUTING.
soak: export HELIOS_MODEL_SCHEDULES ?= 1000000
soak: export HELIOS_ENGINE_SCHEDULES ?= 5000
soak: export HELIOS_KILL_ROUNDS ?= 500
soak: engine emulator ## The model's schedules and the kill -9 rounds, many more of them than `make test` runs.
	cargo test -p helios-core --all-features --release --locked --lib delivery::model
	cargo build $(everything) --bins --tests
	cargo test $(everything) --test it chaos

# Everything is built here, with one set of features for each dependency, so that none is compiled twice.
everything := --workspace --all-features --locked
hack := workspace-hack

faces: compilers ## Build what the tests need: the test programs, the C library as built and as installed, the Go and C drivers.
	cargo build $(everything) --lib --bins --tests
	cc -std=c99 -Wall -Wextra -Werror -pedantic tests/cases/drivers/driver.c $(CGO_CFLAGS) $(CGO_LDFLAGS) -lhelios \
		-o $(faces)/driver-c
	cd tests/cases/drivers/go && go build -o $(faces)/driver-go .

# The C library as users have it, but for its optimization. Cargo would give it the file names of the one that the tests link,
# so it has a target folder of its own: hard links to that of the tests, of which only its own crate is built again.
# After the wheel, as nothing else may be built while it is copied.
installed: sources = helios-ffi helios-core/src helios-embedded/src helios-sql/src setup/engines.env Cargo.lock Makefile
installed: faces wheel
	@mkdir -p $(faces)
	@if [ -n "$$(find $(sources) -newer $(faces)/installed/lib/libhelios.a -print -quit 2>&1)" ]; then \
		set -x; rm -rf $(target)/installed; mkdir -p $(target)/installed; \
		cp -al $(target)/debug $(target)/installed/debug; rm -rf $(target)/installed/debug/incremental; \
		CARGO_TARGET_DIR=$(target)/installed $(MAKE) --no-print-directory install-c DESTDIR= PREFIX=$(faces)/installed \
			C_PROFILE=dev C_FEATURES=$(hack); \
		rm -rf $(target)/installed; \
	fi

venv: ## A virtual environment with what Python's tests and lints need.
	@setup/venv.sh $(faces) helios-py/requirements-dev.txt

wheel: venv ## Build the wheel and install it there.
	setup/wheel.sh $(faces) dev --features $(hack)

lint: lint-rust lint-dependencies lint-engines lint-spelling lint-go lint-python lint-deploy ## Format and lints of every language, warnings denied.

lint-rust:
	cargo fmt --all --check
	rustfmt --check --edition 2024 fuzz/fuzz_targets/*.rs
	cargo clippy $(everything) --all-targets -- -D warnings
	workspace-hack/check.sh

lint-dependencies: ## Licences and sources of the dependencies, and dependencies that nothing uses.
	@# Warnings, of packages in two versions for one, are for whoever looks: `cargo deny check bans`.
	tools=$$(setup/cargo_tools.sh) && $$tools/cargo-deny --locked --log-level error check bans licenses sources && $$tools/cargo-machete

# Not part of `make lint`, as an advisory that was published today is not the fault of the change that is linted.
advisories: ## Security advisories of the dependencies, and yanked versions; says SKIPPED where RustSec's database is out of reach.
	@setup/advisories.sh

lint-engines: ## No file mentions another engine than the pinned one.
	@python3 setup/move_engines.py --check

lint-spelling: venv
	$(faces)/venv/bin/typos

lint-go: compilers
	test -z "$$(gofmt -l examples/go tests/cases/drivers/go | tee /dev/stderr)"

lint-python: wheel
	$(faces)/venv/bin/ruff check helios-py setup examples/deploy examples/python tests/cases/drivers bench/python
	$(faces)/venv/bin/ruff format --check helios-py setup examples/deploy examples/python tests/cases/drivers bench/python
	$(faces)/venv/bin/mypy
	$(python) -m mypy.stubtest --mypy-config-file pyproject.toml --allowlist helios-py/stubtest-allowlist.txt helios

lint-deploy: venv
	$(faces)/venv/bin/cfn-lint examples/deploy/template.yaml

docs: ## The API documentation, warnings denied.
	RUSTDOCFLAGS="-D warnings" cargo doc $(everything) --no-deps

# A soname with the minor version, as that may break a program that was linked before, below 1.0.
PREFIX ?= /usr/local
version := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)
soname := libhelios.so.$(shell echo $(version) | cut -d. -f1,2)
installed := $(DESTDIR)$(PREFIX)
# The tests look at one that is built as quickly as they are.
C_PROFILE ?= release
C_FEATURES ?=
built = $(target)/$(if $(filter dev,$(C_PROFILE)),debug,$(C_PROFILE))

install-c: ## The C library with its header and pkg-config file, under PREFIX (default /usr/local).
	cargo rustc --profile $(C_PROFILE) --locked -p helios-ffi --lib --features "$(C_FEATURES)" -- -C link-arg=-Wl,-soname,$(soname)
	install -d $(installed)/lib/pkgconfig $(installed)/include
	install -m 644 helios-ffi/include/helios.h $(installed)/include/helios.h
	install -m 644 $(built)/libhelios.a $(installed)/lib/libhelios.a
	install -m 755 $(built)/libhelios.so $(installed)/lib/libhelios.so.$(version)
	ln -sf libhelios.so.$(version) $(installed)/lib/$(soname)
	ln -sf $(soname) $(installed)/lib/libhelios.so
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@VERSION@|$(version)|' helios-ffi/helios.pc.in > $(installed)/lib/pkgconfig/helios.pc

build-lambda = cargo build --locked --profile lambda -p helios-lambda
bootstrap := $(target)/lambda/bootstrap

lambda-package: ## The delivery function as AWS takes it, for examples/deploy.
	$(build-lambda)
	@# What Lambda's provided.al2023 has. A binary takes up what the system has that it is built on.
	@newest=$$(grep -aoE 'GLIBC_2\.[0-9]+' $(bootstrap) | sort -V | tail -n 1 || echo GLIBC_2.0); \
	if [ "$${newest#GLIBC_2.}" -gt 34 ]; then \
		echo "The function needs $$newest, and Lambda has GLIBC_2.34: build it on an older system, such as Debian 12." >&2; \
		exit 1; \
	fi
	@mkdir -p $(dir $(package))
	@# There it runs as another user.
	@chmod 755 $(bootstrap)
	@python3 -m zipfile --create $(package) $(bootstrap)
	@echo "$(package), $$(stat --format=%s $(package)) bytes"

# The function is measured as it is deployed.
build-bench = $(build-lambda); \
	cargo build --locked --profile bench -p helios-bench -p helios-http-server -p helios-lambda
peers = setup/venv.sh $(target)/peers bench/python/requirements.txt; setup/wheel.sh $(target)/peers release

bench: engine emulator ## Every benchmark: one table, and bench/results.json.
	$(build-bench)
	$(peers)
	$(target)/release/helios-bench

bench-delivery: engine emulator ## Delivery beside the engine's own insert, and the function.
	$(build-bench)
	$(target)/release/helios-bench --part decode --part insert --part proof --part overlap --part memory --part function --part consumer

bench-infer: engine ## Inference beside the engine's own.
	cargo build --locked --profile bench -p helios-bench
	$(target)/release/helios-bench --part infer

bench-query: engine ## Queries beside the engine's own answers, the C ABI beside Rust, and Python's peers.
	$(build-bench)
	$(peers)
	$(target)/release/helios-bench --part query-http --part query-memory --part query-arrow --part engine-process --part c-abi --part python

fuzz: export HELIOS_ESCAPE_SECONDS ?= 600
fuzz: compilers engine ## Fuzz the parsers of foreign bytes, each for FUZZ_SECONDS (default 60), and the judge of SQL for HELIOS_ESCAPE_SECONDS (600).
	fuzz/run.sh
	cargo build $(everything) --bins --tests
	cargo test $(everything) --test it escapes_fuzz -- --nocapture

miri: ## The C ABI's own unsafe code under Miri (a nightly toolchain with miri and rust-src).
	cargo +nightly miri test --locked -p helios-ffi --lib --features test-hooks --target-dir $(target)/miri

engine: ## Fetch the embedded engine into the cache.
	@setup/engine.sh >/dev/null

move-engines: ## Move to the newest engines of the registries: versions, checksums, and what mentions them.
	python3 setup/move_engines.py

emulator: ## Fetch the AWS emulator into the cache.
	@setup/emulator.sh >/dev/null

compilers: ## Install gcc and Go where they are missing (Debian, as root).
	@setup/compilers.sh
