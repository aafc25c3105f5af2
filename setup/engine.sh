#!/usr/bin/env bash
# Brings the embedded engine (libchdb) into the user's cache, once, and prints its path.
# The npm package is the only published build that exports the C API.
set -euo pipefail

version=26.7.3-stable.1
package=@chdb/lib-linux-x64-gnu
# Of the npm package's archive.
sha256=c0d32b129e988f2b9a9a31c9141aecf5e1e2453f9a079efc4d36ab8e3f92b2ad

target=${XDG_CACHE_HOME:-$HOME/.cache}/helios/chdb-$version
if [ -f "$target/libchdb.so" ]; then
  echo "$target/libchdb.so"
  exit 0
fi
if [ "$(uname -sm)" != "Linux x86_64" ]; then
  echo "The embedded engine is published for Linux on x86-64; this is $(uname -sm)." >&2
  echo "Use a ClickHouse server (HELIOS_CLICKHOUSE_URL), or set HELIOS_CHDB_LIB to a libchdb.so of your own." >&2
  exit 1
fi

mkdir -p "$(dirname "$target")"
work=$(mktemp -d "$(dirname "$target")/.engine-XXXXXX")
trap 'rm -rf "$work"' EXIT
echo "Fetching the embedded engine $version (180 MB) …" >&2
archive=$work/$(cd "$work" && npm pack --silent "$package@$version")
echo "$sha256  $archive" | sha256sum --check --quiet >&2
tar -xzf "$archive" -C "$work" package/libchdb.so
rm "$archive"
# In one step, so that a set-up beside this one never sees half a library.
mv -T "$work/package" "$target" 2>/dev/null || [ -f "$target/libchdb.so" ]
echo "$target/libchdb.so"
