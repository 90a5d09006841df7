# The targets that people and CI use; `make` alone lists them. The work is CMake's (CMakePresets.json)
# and tests/run.py's. Each target installs the Debian packages that it lacks (.ci/packages).
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
JOBS ?= $(shell nproc)
export CCACHE_MAXSIZE ?= 5G

# $(call compile,PRESET,TARGET...)
compile = cmake --preset $(1) >/dev/null && cmake --build build/$(1) -j$(JOBS) $(if $(2),--target $(2))

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

.PHONY: packages
packages:
	@.ci/install

.PHONY: build
build: packages ## the release binary, build/lockkeeper
	@$(call compile,release,lockkeeper)
	@ln -sfn release/lockkeeper build/lockkeeper

.PHONY: demo
demo: packages ## a live schema change under load, with a summary of what was measured (KEEP=1 leaves it up)
	@$(call compile,release,lockkeeper lk_load)
	@ln -sfn release/lockkeeper build/lockkeeper
	@tests/support/controlplane/controlplane.sh bin >/dev/null
	@python3 tests/demo/demo.py $(if $(KEEP),--keep)

.PHONY: test
test: packages ## builds and runs every test: unit, PostgreSQL, control plane
	@$(call compile,release)
	@ln -sfn release/lockkeeper build/lockkeeper
	@tests/support/controlplane/controlplane.sh bin >/dev/null
	@tests/run.py build/release

.PHONY: test-unit
test-unit: packages ## the tests that need no server
	@$(call compile,release)
	@tests/run.py build/release --kind test

.PHONY: bench
bench: packages ## measures what the promises cost (tests/bench/README.md)
	@$(call compile,release)
	@ln -sfn release/lockkeeper build/lockkeeper
	@tests/support/controlplane/controlplane.sh bin >/dev/null
	@python3 tests/bench/bench.py $(BENCH)

.PHONY: lint
lint: packages ## format, clang-tidy of the rooms
	@cmake --preset tidy >/dev/null
	@tests/lint.py build/tidy

.PHONY: lint-long
lint-long: packages ## the same with the path-sensitive analyzer, and the tests
	@cmake --preset tidy >/dev/null
	@tests/lint.py build/tidy --long

.PHONY: format
format: packages ## formats every file in place
	@git ls-files '*.cc' '*.h' | xargs -r clang-format-14 -i

.PHONY: test-asan
test-asan: packages ## unit tests and the sessions to PostgreSQL under ASan and UBSan
	@$(call compile,asan,lk_sanitized_tests)
	@tests/run.py build/asan --list sanitized-test-programs

.PHONY: test-asan-long
test-asan-long: packages ## the same with every suite that has PostgreSQL
	@$(call compile,asan,lk_all_sanitized_tests)
	@tests/run.py build/asan --list all-sanitized-test-programs --timeout 120

.PHONY: test-tsan
test-tsan: packages ## the tests of what has threads, under TSan
	@$(call compile,tsan,lk_threaded_tests)
	@tests/run.py build/tsan --list threaded-test-programs

.PHONY: test-clang
test-clang: packages ## every test, built with clang
	@$(call compile,dev-clang)
	@tests/support/controlplane/controlplane.sh bin >/dev/null
	@tests/run.py build/dev-clang

.PHONY: test-long
test-long: packages ## the long proofs: every test with the full matrices
	@$(call compile,release)
	@ln -sfn release/lockkeeper build/lockkeeper
	@tests/support/controlplane/controlplane.sh bin >/dev/null
	@LK_LONG=1 tests/run.py build/release --timeout 120

.PHONY: fuzz
fuzz: packages ## fuzzes the decoders and the SQL parser (FUZZ_SECONDS=60 each)
	@$(call compile,fuzz,lk_fuzz_programs)
	@tests/fuzz/run.sh build/fuzz $(or $(FUZZ_SECONDS),60)

.PHONY: image
image: ## the container image lockkeeper:dev
	@docker build -t lockkeeper:dev .

.PHONY: clean
clean: ## removes build/
	@rm -rf build
