# The front door. `make help` lists what there is.
#
# cargo gets --ignore-rust-version everywhere: the framework declares a newer Rust than it needs.

SHELL := /bin/bash
CARGO_FLAGS := --ignore-rust-version
CRATES := -p pluralsight-api -p pluralsight-catalog -p pluralsight-report -p pluralsight-sandbox -p behaviour

# make test PG=18
ifdef PG
export PG_MAJOR := $(PG)
endif

.PHONY: all help demo report test test-crates test-behaviour test-clients test-variants test-additions matrix soak fuzz bench bench-refresh lint lint-text lint-crates lint-extension docs install package test-package audit build stop clean bootstrap bootstrap-tests

all: build


help: ## this list; PG=14 to 18 chooses the PostgreSQL of any of them
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 24

demo: bootstrap ## show what it is for, on a private PostgreSQL and the sandbox (or the API, with PLURALSIGHT_API_TOKEN)
	@scripts/demo

report: bootstrap ## the report on seats of the demo's organization, as report.html; REPORT=… chooses the file
	@scripts/demo scripts/report "$${REPORT:-report.html}"

test: bootstrap-tests test-crates test-behaviour ## every test, against a real PostgreSQL and the sandbox

test-crates: ## the crates that need no PostgreSQL
	cargo test $(CARGO_FLAGS) -p pluralsight-api -p pluralsight-catalog -p pluralsight-report -p pluralsight-sandbox
	scripts/check-instructions

test-behaviour: ## behaviour through SQL; TESTS='name …' chooses
	cargo test $(CARGO_FLAGS) -p behaviour --no-run
	package=$$(scripts/build debug) && log=$$(mktemp) && trap 'rm -f "$$log"' EXIT && \
	    IN_MEMORY=1 KEEP_LOG="$$log" scripts/with-postgres "$$package" scripts/run-tests $(TESTS) && scripts/check-log "$$log"

test-variants: bootstrap ## every variant of the API, with its schema told, partly told and refused; UPDATE=1 writes docs/variants.md
	VARIANT=all $(MAKE) --no-print-directory test-behaviour TESTS='--test variant_table'

test-additions: ## what it takes to declare a column and a table, tried in a copy of the tree
	scripts/check-additions

test-clients: bootstrap ## drivers and tools of others against the demo's organization: SQLAlchemy, pandas, JDBC, dbt, …
	@DEMO_USERS=300 scripts/demo scripts/test-clients

matrix: ## lint and test the extension on every PostgreSQL; MATRIX='15 17:short' chooses
	@scripts/matrix $(MATRIX)

soak: bootstrap ## half an hour of random queries, faults, cancels and terminations; SOAK_SECONDS=… chooses
	SOAK_SECONDS=$${SOAK_SECONDS:-1800} $(MAKE) --no-print-directory test-behaviour TESTS='--test soak -- --nocapture'

fuzz: bootstrap ## the decoder and the pages under arbitrary bytes and answers, for long; PROPTEST_CASES=… chooses
	PROPTEST_CASES=$${PROPTEST_CASES:-20000} cargo test $(CARGO_FLAGS) -p pluralsight-api --lib --test fuzz

bench: bootstrap ## other ways to get the same data beside this one, into docs/benchmarks.md; BENCH=short takes 20,000 users only
	@scripts/bench

bench-refresh: bootstrap ## a refresh of stored copies, beside a materialized view and a script that COPYs
	@scripts/bench refresh

lint: lint-text lint-crates lint-extension ## formatting, spelling, shell, TOML, SQL, and clippy with warnings denied

lint-text:
	@scripts/bootstrap --lint
	scripts/lint-text

lint-crates:
	cargo fmt --all --check
	cargo clippy $(CARGO_FLAGS) $(CRATES) --all-targets -- -D warnings

lint-extension: bootstrap
	source scripts/lib.sh && pgrx_environment && cargo clippy $(CARGO_FLAGS) -p pluralsight_fdw -p bench-framework --no-default-features --features pg$$PG_MAJOR -- -D warnings

docs: ## write docs/tables.md and the selections in graphql/ anew from the declarations
	UPDATE=1 cargo test $(CARGO_FLAGS) -q -p pluralsight-catalog --test generated

build: bootstrap ## the extension, release, as a folder of files
	@scripts/build release

install: bootstrap ## into the PostgreSQL of PG_CONFIG, or under DESTDIR
	@scripts/install

package: bootstrap ## a Debian package, a tarball and a bill of materials, in dist/
	@scripts/package

test-package: ## README's way to install the Debian package, in a fresh Debian; and the tarball's on PostgreSQL 18, without root
	@scripts/test-package
	@scripts/test-tarball

audit: ## licenses and sources of all crates, and META.json
	@scripts/audit

bootstrap:
	@scripts/bootstrap

bootstrap-tests:
	@scripts/bootstrap --tests

stop: ## end the private servers that are still there
	@scripts/stop

clean: ## remove what was built
	cargo clean
