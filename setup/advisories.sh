#!/usr/bin/env bash
# Checks the dependencies against RustSec's advisories, and for yanked versions. Where the advisory database cannot be
# fetched, it says so on stderr and succeeds, unless HELIOS_ADVISORIES=required.
set -euo pipefail
cd "$(dirname "$0")/.."

deny=$(setup/cargo_tools.sh)/cargo-deny

# An attempt of its own, as the check ends with the same code for an advisory and for a database that it cannot fetch.
if output=$(GIT_TERMINAL_PROMPT=0 timeout 60 "$deny" fetch db 2>&1); then
  "$deny" --locked check advisories
  exit
fi
reason=$(grep -v '^[[:space:]]*$' <<<"$output" | tail -n 1 || true)
not_checked="the dependencies were not checked for security advisories, as RustSec's database could not be fetched: ${reason:-no answer within 60 s}"
if [ "${HELIOS_ADVISORIES:-}" = required ]; then
  echo "ERROR: $not_checked" >&2
  exit 1
fi
echo "SKIPPED: $not_checked" >&2
