#!/usr/bin/env bash
# Makes the virtual environment FOLDER/venv with these requirements, and with what the package's extra `embedded` asks for.
# Usage: setup/venv.sh FOLDER REQUIREMENTS
set -euo pipefail

folder=$1
requirements=$2
pyproject=$(cd "$(dirname "$0")/.." && pwd)/pyproject.toml
venv=$folder/venv
extra='import sys, tomllib; print(*tomllib.load(open(sys.argv[1], "rb"))["project"]["optional-dependencies"]["embedded"], sep="\n")'

mkdir -p "$folder"
wanted=$(mktemp)
trap 'rm -f "$wanted"' EXIT
{ cat "$requirements"; python3 -c "$extra" "$pyproject"; } > "$wanted"
cmp -s "$wanted" "$venv/requirements.txt" && exit 0
echo "Making a Python environment in $folder …" >&2
rm -rf "$venv"
python3 -m venv "$venv"
"$venv/bin/python" -m pip --quiet --disable-pip-version-check install -r "$wanted" >&2
cp "$wanted" "$venv/requirements.txt"
