#!/usr/bin/env bash
# Fails if the C library or the wheel, as the tests build them, has other features of a dependency than the whole workspace
# has: then Cargo compiles that dependency twice. The missing feature belongs in workspace-hack/Cargo.toml.
set -euo pipefail
cd "$(dirname "$0")/.."

# One line a package: its name, version and features.
packages() {
  cargo tree --locked --target "$(rustc -vV | sed -n 's/^host: //p')" --format '{p} {f}' --prefix none "$@" |
    sed -e 's/ (\*)$//' -e 's/ (proc-macro)//' -e '/ (\//d' | sort -u
}

all=$(packages --workspace --all-features --edges normal,build,dev)
for package in helios-ffi helios-py; do
  other=$(comm -13 <(echo "$all") <(packages --package $package --features workspace-hack --edges normal,build))
  if [ -n "$other" ]; then
    printf '%s has other features of these packages than the workspace:\n%s\n' $package "$other" >&2
    exit 1
  fi
done
