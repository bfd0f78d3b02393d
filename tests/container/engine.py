"""A container engine: docker or podman with pulled images where that works, else Debian's podman with a base made here."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest

BASE = "localhost/kinesiem-base"
_PACKAGES = "python3,python3-venv,python3-pip,ca-certificates"
_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")


@dataclass(frozen=True, slots=True)
class Engine:
    """How to build and run here; ``base`` is what the Dockerfile's BASE shall be."""

    program: str
    base: str | None = None
    options: list[str] = field(default_factory=list)
    limits: list[str] = field(default_factory=list)

    def run(self, *arguments: str, seconds: float = 600, check: bool = True) -> str:
        """Standard output of an engine's command; fails the test with its error."""
        done = subprocess.run(
            [self.program, *self.options, *arguments], capture_output=True, text=True, timeout=seconds, check=False
        )
        if check and done.returncode:
            pytest.fail(f"{' '.join(arguments)}:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
        return done.stdout.strip()

    def build(self, root: Path, tag: str) -> None:
        """Build the image of a checkout."""
        chosen = ["--build-arg", f"BASE={self.base}", "--network", "host"] if self.base else []
        self.run("build", *chosen, *self.limits, "-t", tag, str(root), seconds=1200)

    def start(self, tag: str, *arguments: str, options: tuple[str, ...] = ()) -> str:
        """Id of a detached, read-only container on the host's network without capabilities."""
        hardening = ["--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"]
        return self.run("run", "-d", "--network", "host", *self.limits, *hardening, *options, tag, *arguments)


def find(scratch: Path) -> Engine:
    """The engine of this machine; skips, saying why, where there is none."""
    if shutil.which("docker") and subprocess.run(["docker", "info"], capture_output=True, check=False).returncode == 0:
        return Engine("docker")
    if not shutil.which("podman"):
        pytest.skip("no container engine: install docker, or Debian's podman, runc, buildah and debootstrap")
    plain = Engine("podman")
    pulled = subprocess.run(
        ["podman", "pull", "-q", "docker.io/library/python:3.11-slim-bookworm"], capture_output=True, check=False
    )
    if pulled.returncode == 0:
        return plain
    if os.geteuid() or not shutil.which("runc") or not shutil.which("debootstrap"):
        pytest.skip("images cannot be pulled, and a base of our own needs root, runc and debootstrap")
    # low limits: runc may not raise them where the machine's own are low
    local = Engine(
        "podman",
        base=BASE,
        options=["--runtime", "runc"],
        limits=["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024"],
    )
    if not local.run("images", "-q", BASE, check=False):
        _bootstrap(local, scratch)
    return local


def _bootstrap(engine: Engine, scratch: Path) -> None:
    """Import Debian with Python as the base image: packages by apt, the machine's certificates and pip settings."""
    root = scratch / "base"
    command = ["debootstrap", "--variant=minbase", f"--include={_PACKAGES}", "bookworm", str(root)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
    if done.returncode:
        pytest.skip(f"debootstrap cannot fetch Debian here: {done.stdout[-500:]}")
    if _BUNDLE.exists():
        shutil.copy(_BUNDLE, root / _BUNDLE.relative_to("/"))
    (root / "etc" / "pip.conf").write_text(f"[global]\ncert = {_BUNDLE}\ntimeout = 180\n")
    archive = scratch / "base.tar"
    subprocess.run(["tar", "-C", str(root), "-cf", str(archive), "."], check=True)
    engine.run("import", str(archive), BASE)
    archive.unlink()
    shutil.rmtree(root)
