#!/usr/bin/env bash
# Builds Slowburn with its kill points (build tag crash) and kills it; arguments
# are those of internal/crash. A binary of your own is named by SLOWBURN_CRASH_BIN.
set -euo pipefail
cd "$(dirname "$0")/../.."
tags=${TAGS:-remove_all_sd,grpcnotrace}

# The lane of system calls needs strace; without it the run fails, it does not skip.
if ! command -v strace >/dev/null && [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
	echo "installing strace, which injects faults into system calls"
	apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends strace >/dev/null
fi
if [ -z "${SLOWBURN_CRASH_BIN:-}" ]; then
	export SLOWBURN_CRASH_BIN="$PWD/.cache/slowburn-crash"
	CGO_ENABLED=0 GOFLAGS= go build -trimpath -tags="$tags,crash" -o "$SLOWBURN_CRASH_BIN" ./cmd/slowburn
fi
GOFLAGS= go build -tags="$tags" -o .cache/crash ./internal/crash
exec .cache/crash "$@"
