#!/usr/bin/env bash
# Starts Slowburn and the demo shop together, and stops both when one ends or
# at Ctrl-C. Arguments are passed to `slowburn demo`.
set -euo pipefail
cd "$(dirname "$0")/../.."
if (exec 3<>/dev/tcp/127.0.0.1/8080) 2>/dev/null; then
	echo "something listens on 127.0.0.1:8080 already. If that is Slowburn, start the shop alone:  bin/slowburn demo" >&2
	exit 1
fi
mkdir -p data
bin/slowburn serve --data-dir data/demo --alerting examples/alerting/demo.yml --log-level warn >/dev/null &
serve=$!
bin/slowburn demo "$@" &
demo=$!
stop() {
	trap - INT TERM EXIT
	# The shop first: what it has sent last is to be taken, too.
	kill -TERM "$demo" 2>/dev/null || true
	wait "$demo" 2>/dev/null || true
	kill -TERM "$serve" 2>/dev/null || true
	wait "$serve" 2>/dev/null || true
}
trap 'stop; exit 0' INT TERM
trap stop EXIT
status=0
wait -n "$serve" "$demo" || status=$?
exit "$status"
