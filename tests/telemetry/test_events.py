"""Whatever is logged has a name in one list, and a warning comes with something to do."""

from __future__ import annotations

import re
from pathlib import Path

from service.telemetry import events
from service.telemetry.advice import advice

SERVICE = Path(__file__).resolve().parents[2] / "service"
NAMES = {name: value for name, value in vars(events).items() if name.isupper()}
SAID = re.compile(r'\blog\.(debug|info|warning|error|exception)\(\s*(?:"([^"]+)"|events\.([A-Z_]+))')


def said() -> list[tuple[str, str]]:
    found = []
    for path in SERVICE.rglob("*.py"):
        for level, literal, constant in SAID.findall(path.read_text()):
            found.append((level, literal or NAMES[constant]))
    return found


def test_everything_that_is_logged_is_listed() -> None:
    assert {name for _, name in said()} - set(NAMES.values()) == set()


def test_nothing_is_listed_that_is_never_logged() -> None:
    indirect = {events.KAFKA_CLIENT, events.LIBRARY}
    assert set(NAMES.values()) - {name for _, name in said()} - indirect == set()


def test_every_error_says_what_to_do() -> None:
    silent = sorted({name for level, name in said() if level in ("error", "exception") and not advice(name)})
    assert silent == []


def test_names_are_words_and_unique() -> None:
    assert len(set(NAMES.values())) == len(NAMES)
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", name) for name in NAMES.values())
