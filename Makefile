# Two commands for a newcomer: `make demo` and `make test`. The others are their parts.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# Cargo's own variable, if somebody set it.
target := $(or $(CARGO_TARGET_DIR),target)

# One build of all three: built apart they would share fewer dependencies.
build-demo = echo "Building (some minutes the first time) …" >&2; \
	cargo build --quiet --profile demo --locked -p helios-http-server -p helios-lambda -p helios-demo

.PHONY: help demo serve test lint docs bench engine emulator

help: ## Show this list.
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: engine emulator ## Events from a stream to a table and back, through the documented HTTP calls.
	@$(build-demo)
	@$(target)/demo/helios-demo

serve: engine emulator ## The demo, then its server stays up (HELIOS_ADDR, default 127.0.0.1:8080).
	@$(build-demo)
	@$(target)/demo/helios-demo --serve

test: engine emulator ## All tests, with the real engine and the emulator.
	cargo build --workspace --bins --locked
	cargo test --workspace --all-features --locked

lint: ## Format and clippy, warnings denied.
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --all-features --locked -- -D warnings

docs: ## The API documentation, warnings denied.
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --all-features --no-deps --locked

bench: ## The benchmarks.
	cargo bench -p helios-core --bench decode --all-features --locked

engine: ## Fetch the embedded engine into the cache.
	@setup/engine.sh >/dev/null

emulator: ## Fetch the AWS emulator into the cache.
	@setup/emulator.sh >/dev/null
