#!/usr/bin/env bash
# Makes the virtual environment FOLDER/venv with these requirements, and with what the package's extra `embedded` asks for,
# of the versions of `engines.env`.
# Usage: setup/venv.sh FOLDER REQUIREMENTS
set -euo pipefail

folder=$1
requirements=$2
setup=$(cd "$(dirname "$0")" && pwd)
pyproject=$setup/../pyproject.toml
source "$setup/engines.env"
venv=$folder/venv
extra='import sys, tomllib; print(*tomllib.load(open(sys.argv[1], "rb"))["project"]["optional-dependencies"]["embedded"], sep="\n")'

mkdir -p "$folder"
wanted=$(mktemp)
trap 'rm -f "$wanted"' EXIT
chdb="chdb==$CHDB_VERSION --hash=sha256:$CHDB_SHA256
chdb-core==$CHDB_CORE_VERSION --hash=sha256:$CHDB_CORE_SHA256"
{
  cat "$requirements"
  python3 -c "$extra" "$pyproject"
  sed 's/ .*//' <<< "$chdb"
} > "$wanted"
cmp -s "$wanted" "$venv/requirements.txt" && exit 0
echo "Making a Python environment in $folder …" >&2
rm -rf "$venv"
python3 -m venv "$venv"
pip=("$venv/bin/python" -m pip --quiet --disable-pip-version-check)
"${pip[@]}" install --no-deps --require-hashes -r <(echo "$chdb") >&2
"${pip[@]}" install -r "$wanted" >&2
cp "$wanted" "$venv/requirements.txt"
