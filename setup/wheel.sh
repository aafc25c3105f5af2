#!/usr/bin/env bash
# Builds the wheel into FOLDER/wheels and installs it into the virtual environment FOLDER/venv, which `setup/venv.sh` made.
# Usage: setup/wheel.sh FOLDER PROFILE [MATURIN ARGUMENTS…]
set -euo pipefail

folder=$1
profile=$2
top=$(cd "$(dirname "$0")/.." && pwd)
venv=$folder/venv

rm -rf "$folder/wheels"
(cd "$top" && "$venv/bin/maturin" build --quiet --profile "$profile" --locked --out "$folder/wheels" "${@:3}") >&2
wheel=("$folder"/wheels/*.whl)
"$venv/bin/python" -m pip --quiet --disable-pip-version-check install --force-reinstall --no-deps "${wheel[0]}" >&2
