#!/usr/bin/env bash
# Measures bin/slowburn. A stock Collector, built from internal/bench/peer, is
# measured beside it: machines differ in speed, so a figure alone says little.
# Arguments are those of internal/bench. A Collector of your own is named by
# SLOWBURN_PEER_BIN.
set -euo pipefail
cd "$(dirname "$0")/../.."
export SLOWBURN_BIN=${SLOWBURN_BIN:-$PWD/bin/slowburn}
if [ -z "${SLOWBURN_PEER_BIN:-}" ]; then
	export SLOWBURN_PEER_BIN="$PWD/.cache/peer"
	echo "building the Collector to compare with (the first time takes minutes)"
	(cd internal/bench/peer && GOFLAGS= CGO_ENABLED=0 go build -trimpath -o "$SLOWBURN_PEER_BIN" .)
fi
GOFLAGS= go build -tags="${TAGS:-remove_all_sd,grpcnotrace}" -o .cache/bench ./internal/bench
exec .cache/bench "$@"
