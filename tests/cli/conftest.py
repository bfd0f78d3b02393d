"""The command line in process, over the real content or a small content folder of the test's own."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from service.__main__ import main

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Said:
    """What a verb printed and how it ended."""

    code: int
    out: str
    err: str

    @property
    def documents(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def dead(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.err.splitlines()]

    @property
    def lines(self) -> list[tuple[int, str]]:
        """Line and fate of everything, in the order of the lines."""
        fates = [(each["line"], "document") for each in self.documents] + [(each["line"], each["code"]) for each in self.dead]
        return sorted(fates)


Siem = Callable[..., Said]


@pytest.fixture
def siem() -> Siem:
    def run(*arguments: object, stdin: bytes | str | None = None) -> Said:
        done = CliRunner().invoke(main, [str(each) for each in arguments], input=stdin, catch_exceptions=False)
        return Said(done.exit_code, done.stdout, done.stderr)

    return run


@pytest.fixture
def content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A content folder without pipelines, with the real catalogue."""
    (tmp_path / "pipelines").mkdir()
    shutil.copytree(ROOT / "mappings", tmp_path / "mappings", ignore=shutil.ignore_patterns("templates"))
    monkeypatch.setenv("SIEM_CONTENT", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path
