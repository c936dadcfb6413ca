#!/usr/bin/env bash
# The test command: vet, unit, property and architecture tests (with the race
# detector where shared memory is ours), then the end-to-end test of the real
# binary, the README's tour in Chromium, and 30 kills of the real binary under
# load. Every step says what it runs and how long it took.
set -euo pipefail
cd "$(dirname "$0")/../.."

# The race detector needs a C compiler.
if ! command -v gcc >/dev/null; then
	if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
		echo "installing gcc, which the race detector needs"
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends gcc libc6-dev >/dev/null
	else
		echo "the race detector needs gcc. Install it and start again:  sudo apt-get install -y gcc libc6-dev" >&2
		exit 1
	fi
fi

deploy/dev/chromium.sh

# The status is returned by hand: set -e does not hold in a function that is
# called before ||.
step() {
	local begin=$SECONDS status=0
	echo "== $*"
	"$@" || status=$?
	echo "== took $((SECONDS - begin)) s"
	return "$status"
}

deploy/dev/build.sh
step go vet ./...
# The end-to-end test and the tour wait for an episode to resolve (five quiet
# minutes in real time), so they run beside the others.
log=$(mktemp)
tourlog=$(mktemp)
trap 'rm -f "$log" "$tourlog"' EXIT
go test -c -tags="${TAGS:-remove_all_sd,grpcnotrace},e2e" -o .cache/e2e.test ./internal/e2e
echo "== end to end, in the background: the real binary, PostgreSQL, the OpenTelemetry SDK"
(cd internal/e2e && SLOWBURN_BIN="$PWD/../../bin/slowburn" ../../.cache/e2e.test -test.timeout 15m -test.v) >"$log" 2>&1 &
e2e=$!
go test -c -tags="${TAGS:-remove_all_sd,grpcnotrace},browser" -o .cache/browser.test ./web/browsertest
echo "== the tour, in the background: the real binary, the demo, Chromium"
(cd web/browsertest && SLOWBURN_BIN="$PWD/../../bin/slowburn" ../../.cache/browser.test -test.timeout 20m -test.v) >"$tourlog" 2>&1 &
tour=$!
failed=0
step go test -race -shuffle=on -timeout 10m ./slo/... ./storage/... || failed=1
step go test -shuffle=on -timeout 10m $(go list ./... | grep -v -E '/(slo|storage)(/|$)') || failed=1
echo "== waiting for the end-to-end test"
wait "$e2e" || failed=1
cat "$log"
echo "== waiting for the tour"
wait "$tour" || failed=1
cat "$tourlog"
step deploy/dev/crash.sh -kills 30 || failed=1
exit "$failed"
