#!/usr/bin/env bash
# Brings the lints of Cargo's manifests into the user's cache, once, and prints the folder of their programs.
set -euo pipefail

deny=0.20.2
machete=0.9.2

target=${XDG_CACHE_HOME:-$HOME/.cache}/helios/cargo-tools-$deny-$machete
if [ ! -f "$target/complete" ]; then
  mkdir -p "$(dirname "$target")"
  exec 9>"$target.lock"
  flock 9
fi
if [ ! -f "$target/complete" ]; then
  echo "Building cargo-deny $deny and cargo-machete $machete …" >&2
  # Unoptimised they take a second to run, and a third of the time to build.
  CARGO_TARGET_DIR=$target/build CARGO_PROFILE_DEV_DEBUG=0 cargo install --quiet --debug --locked --no-track --root "$target" \
    "cargo-deny@$deny" "cargo-machete@$machete" >&2
  rm -rf "$target/build"
  touch "$target/complete"
fi
echo "$target/bin"
