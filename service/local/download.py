"""Fetches the parts of the local stack through Maven, once; afterwards everything works offline.

The cache is ``XDG_CACHE_HOME``/kinesiem (default ``~/.cache/kinesiem``; ``/var/cache/kinesiem`` for root, whose home the
unprivileged server processes may not enter). Every file is pinned in ``checksums.txt``.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from tempfile import TemporaryDirectory

from service.errors import SiemError

_PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
_FOREIGN = (".dll", ".dylib", "i386-1.0.392.so")
OPENSEARCH = "opensearch-3.8.0"
PARTS = ("kafka", "opensearch", "dynamodb")

Notice = Callable[[str], None]


class PartMissing(SiemError):
    """A part of the local stack could not be fetched or is not what it should be; the message says what to do."""


def cache_folder() -> Path:
    """Where downloads stay; made when it is not there."""
    if base := os.environ.get("XDG_CACHE_HOME"):
        folder = Path(base) / "kinesiem"
    elif os.geteuid() == 0:
        folder = Path("/var/cache/kinesiem")
    else:
        folder = Path.home() / ".cache" / "kinesiem"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def checksums(part: str) -> dict[str, str]:
    """File name → sha256 of every file of a part."""
    listed = (resources.files("service.local") / "checksums.txt").read_text().splitlines()
    pairs = (line.split("  ") for line in listed)
    return {name.partition("/")[2]: digest for digest, name in pairs if name.startswith(f"{part}/")}


def fetch(part: str, notice: Notice) -> Path:
    """The folder of a part: jars, or OpenSearch's unpacked home. Raises PartMissing.

    ``notice`` gets a line when something takes long. Two processes may call this at once.
    """
    expected = checksums(part)
    stamp = hashlib.sha256(repr(sorted(expected.items())).encode()).hexdigest()[:12]
    ready = cache_folder() / f"{part}-{stamp}"
    if not ready.is_dir():
        with _alone(part):
            if not ready.is_dir():
                _build(part, expected, ready, notice)
    return ready / OPENSEARCH if part == "opensearch" else ready


def _build(part: str, expected: dict[str, str], ready: Path, notice: Notice) -> None:
    with TemporaryDirectory(dir=cache_folder(), prefix=f".{part}-") as temporary:
        work = Path(temporary) / "files"
        notice(f"downloading {part} (once; into {cache_folder()})")
        _run_maven(part, work)
        for file in work.iterdir():
            if file.name.endswith(_FOREIGN):
                file.unlink()
        _verify(part, expected, work)
        if part == "opensearch":
            notice("unpacking opensearch")
            archive = work / f"{OPENSEARCH}.zip"
            with zipfile.ZipFile(archive) as opened:
                opened.extractall(work)
            archive.unlink()
        for path in (work, *work.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)
        work.rename(ready)


def _run_maven(part: str, into: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise PartMissing(f"{part} comes from Maven: install Maven (mvn) and Java, or use deploy/compose.yml with Docker")
    with resources.as_file(resources.files("service.local") / "pom.xml") as pom:
        command = [maven, "-B", "-q", "-f", str(pom), "-P", part, _PLUGIN, "-DincludeScope=runtime"]
        command += [f"-DoutputDirectory={into}", f"-DexcludeTransitive={str(part == 'opensearch').lower()}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise PartMissing(f"mvn could not fetch {part}: {(done.stdout + done.stderr).strip()[-800:]}")


def _verify(part: str, expected: dict[str, str], folder: Path) -> None:
    found = {file.name: _digest(file) for file in folder.iterdir()}
    for name, digest in expected.items():
        if found.get(name) != digest:
            raise PartMissing(f"{part}: {name} has sha256 {found.get(name)}, expected {digest}")
    if extra := found.keys() - expected.keys():
        raise PartMissing(f"{part}: unexpected files {sorted(extra)}")


def _digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


@contextmanager
def _alone(name: str) -> Iterator[None]:
    with (cache_folder() / f".{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main() -> None:
    """Fetch every part; a Makefile target, so that no test waits for a download."""
    for part in PARTS:
        fetch(part, _say)


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    main()
