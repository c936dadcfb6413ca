SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
TAGS := remove_all_sd,grpcnotrace
GO := go
LINT := .cache/golangci-lint
export GOFLAGS := $(GOFLAGS) -tags=$(TAGS)

.PHONY: help build run demo gallery test e2e browser crash bench lint fmt generate-check cover clean ci postgres

help: ## Show the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-15s %s\n", $$1, $$2}'

build: ## Build bin/slowburn
	@deploy/dev/build.sh

run: postgres build ## Build and start Slowburn with everything it needs; ARGS="--http 127.0.0.1:9000" passes flags
	@exec bin/slowburn serve $(ARGS)

demo: postgres build ## Start Slowburn and a small shop that sends to it; ARGS="--history 12h" passes flags to the shop
	@exec deploy/dev/demo.sh $(ARGS)

gallery: ## Serve every page on fixtures at http://127.0.0.1:8099/-/gallery, to work on them
	$(GO) run ./internal/gallery

test: postgres ## Install what tests need; vet, unit, property and architecture tests, then end to end
	@deploy/dev/test.sh

e2e: postgres build ## The real binary, a real PostgreSQL, the real OpenTelemetry SDK
	SLOWBURN_BIN=$(CURDIR)/bin/slowburn $(GO) test -tags=$(TAGS),e2e -count=1 -timeout 15m -v ./internal/e2e

browser: postgres build ## The README's tour in Chromium, wide and narrow, light and dark
	@deploy/dev/chromium.sh
	cd web/browsertest && SLOWBURN_BIN=$(CURDIR)/bin/slowburn $(GO) test -tags=$(TAGS),browser -count=1 -timeout 20m -v .

crash: postgres ## Kill the real binary 30 times and compare every count; ARGS="-kills 300 -lane points" passes flags
	@deploy/dev/crash.sh $(ARGS)

bench: postgres build ## Every figure, one line each; ARGS="-only peer,ingest" chooses
	@deploy/dev/bench.sh $(ARGS)

postgres: ## Install PostgreSQL's server if it is missing
	@deploy/dev/postgres.sh

lint: $(LINT) ## golangci-lint with .golangci.yaml
	$(LINT) run --build-tags $(TAGS),e2e,browser ./...

$(LINT): internal/tools/go.mod
	@echo "building golangci-lint (minutes, once)"
	@mkdir -p .cache
	@cd internal/tools && GOFLAGS= CGO_ENABLED=0 $(GO) build -o ../../$(LINT) github.com/golangci/golangci-lint/v2/cmd/golangci-lint

fmt: $(LINT) ## Format
	$(LINT) fmt ./...

generate-check: ## go.mod is tidy, generated files are current
	$(GO) mod tidy -diff
	$(GO) test -count=1 -run 'Builder' ./collector

cover: postgres ## Test coverage by package
	$(GO) test -coverpkg=./slo/...,./storage/... -coverprofile=.cache/cover.out ./slo/... ./storage/...
	$(GO) tool cover -func=.cache/cover.out | tail -1

clean: ## Remove what was built (not the data)
	rm -rf bin .cache

ci: ## What continuous integration runs
	@.ci/run
