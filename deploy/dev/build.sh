#!/usr/bin/env bash
# Builds bin/slowburn and shows how far it is: the first build compiles about
# 1,500 packages and takes minutes.
set -euo pipefail
cd "$(dirname "$0")/../.."
out=${1:-bin/slowburn}
begin=$SECONDS
echo "building $out (the first time takes a few minutes)"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! CGO_ENABLED=0 go build -v -trimpath -ldflags="-s -w" -o "$out" ./cmd/slowburn 2>&1 | tee "$log" |
	awk '/^[a-zA-Z0-9._\/-]+$/ {n++; if (n % 50 == 0) printf "  %d packages compiled\n", n; next} {print; fflush()}'; then
	echo "the build did not succeed; see above" >&2
	exit 1
fi
echo "built $out in $((SECONDS - begin)) s"
