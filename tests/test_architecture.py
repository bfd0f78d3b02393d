"""The design holds because of these tests: who may import whom, how long and how named a module may be."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
BANNED = {"utils", "helpers", "common", "manager", "base", "misc"}


def modules() -> list[Path]:
    return sorted((ROOT / "service").rglob("*.py"))


def test_imports_keep_the_contracts() -> None:
    lint = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run([lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_module_is_longer_than_300_lines() -> None:
    long = {str(path.relative_to(ROOT)): lines for path in modules() if (lines := path.read_text().count("\n")) > 300}
    assert long == {}


def test_no_module_has_a_name_that_says_nothing() -> None:
    assert [path for path in modules() if path.stem in BANNED or path.parent.name in BANNED] == []


def test_nothing_prints_but_the_command_line() -> None:
    printing = [
        str(path.relative_to(ROOT))
        for path in modules()
        if "cli" not in path.parts and any(line.lstrip().startswith("print(") for line in path.read_text().splitlines())
    ]
    assert printing == []
