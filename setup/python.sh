#!/usr/bin/env bash
# Builds the wheel and installs it, with what its users here need, into the virtual environment FOLDER/venv.
# Usage: setup/python.sh FOLDER REQUIREMENTS PROFILE
set -euo pipefail

folder=$1
requirements=$2
profile=$3
top=$(cd "$(dirname "$0")/.." && pwd)
venv=$folder/venv
pip=("$venv/bin/python" -m pip --quiet --disable-pip-version-check)

mkdir -p "$folder"
if ! cmp -s "$requirements" "$venv/requirements.txt"; then
  echo "Making a Python environment in $folder …" >&2
  rm -rf "$venv"
  python3 -m venv "$venv"
  "${pip[@]}" install -r "$requirements" >&2
  cp "$requirements" "$venv/requirements.txt"
fi

rm -rf "$folder/wheels"
(cd "$top" && "$venv/bin/maturin" build --quiet --profile "$profile" --locked --out "$folder/wheels") >&2
wheel=("$folder"/wheels/*.whl)
"${pip[@]}" install --force-reinstall --no-deps "${wheel[0]}" >&2
"${pip[@]}" install "${wheel[0]}[embedded]" >&2
