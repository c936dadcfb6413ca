#!/usr/bin/env bash
# Makes sure that Chromium is here, for the browser test: installs Debian's
# package where it may, or prints the command to run.
set -euo pipefail
command -v chromium >/dev/null && exit 0
if command -v apt-get >/dev/null && { [ "$(id -u)" -eq 0 ] || sudo -n true 2>/dev/null; }; then
	sudo=
	[ "$(id -u)" -eq 0 ] || sudo="sudo -n"
	echo "installing Chromium, for the browser test (apt-get install chromium)"
	$sudo apt-get update -qq
	$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null
else
	echo "Chromium is missing. Install it and start again:  sudo apt-get install -y chromium" >&2
	exit 1
fi
