#!/usr/bin/env bash
# What the tests of the page need besides Python: Chromium, and axe-core in the environment given.
# Where they cannot be had, those tests are skipped and say so.
#
#   tests/set_up_browser.sh VENV
set -euo pipefail
venv=$1
version=$(sed -n 's/^AXE_VERSION = "\(.*\)"/\1/p' "$(dirname "$0")/server/web/conftest.py")

installable() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; }

install_package() {
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$@" >/dev/null
}

if [ -z "${FINDALIKE_CHROMIUM:-}" ] && ! command -v chromium >/dev/null; then
  if installable; then install_package chromium; else
    echo "no Chromium: install it, or set FINDALIKE_CHROMIUM, to test the page" >&2
  fi
fi
if ! command -v npm >/dev/null && installable; then install_package npm; fi
if command -v npm >/dev/null; then
  npm install --silent --no-audit --no-fund --prefix "$venv/axe" "axe-core@$version"
else
  echo "no npm: install it to test the page with axe-core" >&2
fi
