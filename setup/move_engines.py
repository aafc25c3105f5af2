"""Moves Helios to the newest engines: writes their versions and checksums into `engines.env`, and the version into the files that
mention it. `--check` only fails where a file mentions another version. Usage: move_engines.py [--check]
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PINNED = ROOT / "setup" / "engines.env"
NPM_PACKAGE = "@chdb/lib-linux-x64-gnu"
# As npm has it, and as pip pins it.
MENTIONED = re.compile(r"(?P<libchdb>\d+\.\d+\.\d+-(?:stable|lts)\.\d+)|\bchdb(?P<core>[-_]core)?==(?P<wheel>[\w.]+)")
# Wheels of the oldest system that they are made for are the same for each Python.
WHEELS = ["--only-binary=:all:", "--platform=manylinux2014_x86_64", "--no-deps"]


def output(*command: str, folder: str | None = None) -> str:
    return subprocess.run(command, check=True, cwd=folder, stdout=subprocess.PIPE, text=True).stdout


def read() -> dict[str, str]:
    return dict(line.split("=", 1) for line in PINNED.read_text().splitlines() if "=" in line and line[0] != "#")


def order(version: str) -> tuple[list[int], int]:
    """Versions as numbers; `26.7.3-stable.1` is a build of 26.7.3."""
    release, _, build = version.partition("-")
    return [int(number) for number in release.split(".")], int(build.rpartition(".")[2] or 0)


def is_release(version: str) -> bool:
    return re.fullmatch(r"[\d.]+(-(stable|lts)\.\d+)?", version) is not None


def newest_of_npm() -> str:
    # The tag `latest` stays behind.
    listed = json.loads(output("npm", "view", NPM_PACKAGE, "versions", "--json"))
    return max(filter(is_release, [listed] if isinstance(listed, str) else listed), key=order)


def newest_of_pip(package: str) -> str:
    listed = output(sys.executable, "-m", "pip", "--disable-pip-version-check", "index", "versions", package)
    (versions,) = re.findall(r"^Available versions: (.*)$", listed, re.MULTILINE)
    return max(filter(is_release, versions.split(", ")), key=order)


def checksum_of_npm(version: str) -> str:
    with tempfile.TemporaryDirectory() as folder:
        output("npm", "pack", "--silent", f"{NPM_PACKAGE}@{version}", folder=folder)
        return checksum(folder)


def checksum_of_pip(package: str, version: str) -> str:
    with tempfile.TemporaryDirectory() as folder:
        pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
        output(*pip, "download", *WHEELS, f"--dest={folder}", f"{package}=={version}")
        return checksum(folder)


def checksum(folder: str) -> str:
    """Of the only file there."""
    (file,) = Path(folder).iterdir()
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def mentions() -> dict[Path, str]:
    """The text of each file that mentions an engine."""
    found = {}
    for name in output("git", "-C", str(ROOT), "ls-files", "-z").split("\0"):
        file = ROOT / name
        if not name or file in (PINNED, Path(__file__).resolve()) or file.is_symlink() or not file.is_file():
            continue
        try:
            text = file.read_text()
        except UnicodeDecodeError:
            continue
        if MENTIONED.search(text):
            found[file] = text
    return found


def corrected(mention: re.Match[str], pinned: dict[str, str]) -> str:
    """A mention, of the pinned version."""
    if mention["libchdb"]:
        return pinned["LIBCHDB_VERSION"]
    package, _, _ = mention[0].partition("==")
    return f"{package}=={pinned['CHDB_CORE_VERSION' if mention['core'] else 'CHDB_VERSION']}"


def check() -> None:
    pinned = read()
    wrong = [
        f"{file.relative_to(ROOT)} mentions {mention[0]}, not {corrected(mention, pinned)}: run `make move-engines`"
        for file, text in mentions().items()
        for mention in MENTIONED.finditer(text)
        if mention[0] != corrected(mention, pinned)
    ]
    if wrong:
        sys.exit("\n".join(wrong))


def move() -> None:
    pinned = read()
    engines = [
        ("LIBCHDB", newest_of_npm(), checksum_of_npm),
        ("CHDB", newest_of_pip("chdb"), lambda version: checksum_of_pip("chdb", version)),
        ("CHDB_CORE", newest_of_pip("chdb-core"), lambda version: checksum_of_pip("chdb-core", version)),
    ]
    text = PINNED.read_text()
    for kind, version, checksum_of in engines:
        name, old = f"{kind}_VERSION", pinned[f"{kind}_VERSION"]
        if version == old and pinned[f"{kind}_SHA256"]:
            print(f"{name}: {version} is the newest")
            continue
        print(f"{name}: {old} -> {version}", flush=True)
        for of, value in ((name, version), (f"{kind}_SHA256", checksum_of(version))):
            text = re.sub(rf"^{of}=.*$", f"{of}={value}", text, flags=re.MULTILINE)
    PINNED.write_text(text)
    pinned = read()
    for file, text in mentions().items():
        moved = MENTIONED.sub(lambda mention: corrected(mention, pinned), text)
        if moved != text:
            print(f"{file.relative_to(ROOT)} mentions the new version")
            file.write_text(moved)


if __name__ == "__main__":
    check() if sys.argv[1:] == ["--check"] else move()
