#!/usr/bin/env bash
# Brings the embedded engine (libchdb) into the user's cache, once, and prints its path.
# The npm package is the only published build that exports the C API.
set -euo pipefail

source "$(dirname "$0")/engines.env"
package=@chdb/lib-linux-x64-gnu

target=${XDG_CACHE_HOME:-$HOME/.cache}/helios/chdb-$LIBCHDB_VERSION
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
echo "Fetching the embedded engine $LIBCHDB_VERSION (180 MB) …" >&2
archive=$work/$(cd "$work" && npm pack --silent "$package@$LIBCHDB_VERSION")
echo "$LIBCHDB_SHA256  $archive" | sha256sum --check --quiet >&2
tar -xzf "$archive" -C "$work" package/libchdb.so
rm "$archive"
# In one step, so that a set-up beside this one never sees half a library.
mv -T "$work/package" "$target" 2>/dev/null || [ -f "$target/libchdb.so" ]
echo "$target/libchdb.so"
