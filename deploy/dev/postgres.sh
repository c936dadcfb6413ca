#!/usr/bin/env bash
# Makes sure that the binaries of a PostgreSQL server (15 or newer) are here:
# installs them with the system's package manager where it may, or prints the
# command to run. It never starts a server and creates no cluster.
set -euo pipefail

have() {
	local dir
	for dir in "${SLOWBURN_POSTGRES_BIN:-/nonexistent}" /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /usr/local/pgsql/bin \
		/opt/homebrew/opt/postgresql@*/bin $(echo "$PATH" | tr ':' ' '); do
		[ -x "$dir/postgres" ] && [ -x "$dir/initdb" ] || continue
		[ "$("$dir/postgres" --version | sed -E 's/[^0-9]*([0-9]+).*/\1/')" -ge 15 ] && return 0
	done
	return 1
}
have && exit 0

sudo=
if [ "$(id -u)" -ne 0 ]; then
	if command -v sudo >/dev/null && sudo -n true 2>/dev/null; then sudo="sudo -n"; else sudo=ask; fi
fi

if command -v apt-get >/dev/null; then
	if [ "$sudo" = ask ]; then
		echo "PostgreSQL's server is missing. Install it and start again:" >&2
		echo "  sudo apt-get update && sudo apt-get install -y postgresql" >&2
		exit 1
	fi
	echo "installing PostgreSQL's server (apt-get install postgresql)"
	# Debian's package creates and starts a cluster of its own unless told not to.
	if [ ! -e /etc/postgresql-common/createcluster.conf ]; then
		$sudo mkdir -p /etc/postgresql-common
		echo "create_main_cluster = false" | $sudo tee /etc/postgresql-common/createcluster.conf >/dev/null
	fi
	$sudo apt-get update -qq
	$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
		-o Dpkg::Options::=--force-confold postgresql >/dev/null
elif command -v dnf >/dev/null; then
	if [ "$sudo" = ask ]; then
		echo "PostgreSQL's server is missing. Install it and start again:  sudo dnf install -y postgresql-server" >&2
		exit 1
	fi
	echo "installing PostgreSQL's server (dnf install postgresql-server)"
	$sudo dnf install -y -q postgresql-server
else
	echo "PostgreSQL's server (15 or newer: initdb, postgres, pg_ctl) is missing, and no package manager that this script knows is here." >&2
	echo "Install it, name its folder in SLOWBURN_POSTGRES_BIN, or give --database-url." >&2
	exit 1
fi
if ! have; then
	echo "the package manager's PostgreSQL is older than 15: install a newer one and name its folder in SLOWBURN_POSTGRES_BIN, or give --database-url" >&2
	exit 1
fi
