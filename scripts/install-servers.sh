#!/usr/bin/env bash
# Installs the servers that tests need, on Debian and as root: PostgreSQL, Redis, Prometheus and Docker's registry as packages, FerretDB and nats-server
# built from their Go modules, which takes minutes and is kept in the cache. Tests start them themselves; nothing here runs when this ends.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# Where scripts/install-toolchains.sh finds or puts Go.
PATH="$PATH:/usr/local/go/bin:$PWD/.cache/toolchains/bin"
kept="${XDG_CACHE_HOME:-$HOME/.cache}/bulkhead-ci/ferretdb"

wanted=(postgresql redis-server prometheus docker-registry)
missing=()
for package in "${wanted[@]}"; do
  dpkg -s "$package" >/dev/null 2>&1 || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
  apt-get update -qq >&2
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

version=$(sha256sum test/support/ferretdb/* | sha256sum | cut -c1-16)
if [ "$(cat "$kept/version" 2>/dev/null)" != "$version" ]; then
  mkdir -p "$kept"
  (cd test/support/ferretdb && go build -o "$kept/ferretdb" .)
  echo "$version" >"$kept/version"
fi

# Of the upstream project itself: distributions have one that is years older and drops what it does not know without a word.
nats=v2.15.2
kept="${XDG_CACHE_HOME:-$HOME/.cache}/bulkhead-ci/nats"
if [ "$(cat "$kept/version" 2>/dev/null)" != "$nats" ]; then
  mkdir -p "$kept"
  GOBIN="$kept" go install "github.com/nats-io/nats-server/v2@$nats"
  echo "$nats" >"$kept/version"
fi
