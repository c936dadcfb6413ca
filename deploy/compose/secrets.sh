#!/usr/bin/env bash
# Makes the database's password, once: for PostgreSQL as it is, for Slowburn as
# a line of a password file. The containers read the files as users of their
# own, so the files are readable; the folder is closed to others on the host.
set -euo pipefail
cd "$(dirname "$0")"
if [ -e secrets/pgpass ]; then
	echo "deploy/compose/secrets is there already; the database knows only that password"
	exit 0
fi
mkdir -p secrets
chmod 700 secrets
password=$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')
printf '%s' "$password" >secrets/database_password
printf 'postgres:5432:slowburn:slowburn:%s\n' "$password" >secrets/pgpass
chmod 444 secrets/database_password secrets/pgpass
