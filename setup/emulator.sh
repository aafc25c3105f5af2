#!/usr/bin/env bash
# Brings the AWS emulator (ministack) into the user's cache, once, and prints its Python.
set -euo pipefail

version=1.5.33
requirements=$(cd "$(dirname "$0")" && pwd)/emulator-requirements.txt
target=${XDG_CACHE_HOME:-$HOME/.cache}/helios/ministack-$version
if [ -f "$target/complete" ]; then
  echo "$target/bin/python"
  exit 0
fi

mkdir -p "$(dirname "$target")"
exec 9>"$target.lock"
flock 9
if [ ! -f "$target/complete" ]; then
  echo "Fetching the AWS emulator $version (20 MB) …" >&2
  rm -rf "$target"
  python3 -m venv "$target"
  "$target/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$requirements" >&2
  touch "$target/complete"
fi
echo "$target/bin/python"
