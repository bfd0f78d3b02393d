"""docs/tutorial-new-source.md, carried out: its files, its edits, its commands, and what they say."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

from tests.cli.conftest import ROOT, Siem

TUTORIAL = ROOT / "docs" / "tutorial-new-source.md"
FENCE = re.compile(r"^```(text|diff|console)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NEIGHBOURS = ("_shared", "nginx.access", "system.syslog", "aws.networkfirewall")
"""Sources that are there already: the new one must be told from them."""


def test_the_tutorial_does_what_it_says(content: Path, siem: Siem) -> None:
    for name in NEIGHBOURS:
        shutil.copytree(ROOT / "pipelines" / name, content / "pipelines" / name)
    carried_out = []
    for kind, name, text in FENCE.findall(TUTORIAL.read_text()):
        carried_out.append(kind)
        if kind == "text":
            (content / name).write_text(text)
        elif kind == "diff":
            edit(content / name, text)
        else:
            for command, wanted in commands(text):
                said = siem(*shlex.split(command)[1:])
                assert same(wanted, said.out + said.err), f"$ {command}\n{said.out}{said.err}"
    assert {"text", "diff", "console"} <= set(carried_out)


def edit(path: Path, diff: str) -> None:
    """Replace the lines without ``+`` by those without ``-``; they must stand there once."""
    lines = diff.splitlines(keepends=True)
    old = "".join(line[1:] for line in lines if line[0] != "+")
    new = "".join(line[1:] for line in lines if line[0] != "-")
    text = path.read_text()
    assert text.count(old) == 1, f"{path.name} does not hold once:\n{old}"
    path.write_text(text.replace(old, new))


def commands(console: str) -> Iterator[tuple[str, str]]:
    """Every ``$ siem …`` with what it says."""
    for block in re.split(r"^\$ ", console, flags=re.MULTILINE)[1:]:
        command, _, said = block.partition("\n")
        assert command.startswith("siem "), command
        yield command, said


def same(wanted: str, said: str) -> bool:
    """Whether it was said; ``…`` is anything, blanks at the end of lines are nothing."""
    pattern = ".*".join(re.escape(piece) for piece in plain(wanted).split("…"))
    return re.fullmatch(pattern, plain(said), re.DOTALL) is not None


def plain(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip().splitlines())
