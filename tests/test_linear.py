"""No pattern takes more than linear time for a long event: all of the service are found, and tried with texts made to hurt."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import service
from tests.pace import least_seconds
from tests.pumps import pumps, text

SIZE = 4_000
ENDS = ("\x00", "^")
SUSPICIOUS = 100e-9
"""Seconds a character from which on it is measured how much longer a longer text takes."""
TOO_DEAR = 1_500e-9
"""Seconds a character that nothing may cost, however it grows: such patterns see a piece of bounded length."""
WAYS = {"findall": "finditer", "sub": "finditer", "subn": "finditer", "split": "finditer"} | {
    way: way for way in ("match", "search", "fullmatch", "finditer")
}
BOUNDED = {"service.parse.steps.oracle._DATA": 4_000, "service.normalise.steps.aws._MSK": 1_024}
"""Characters of an event that they ever see: they look back far, and may, for it costs less than 10 ms."""
BESIDE = ("local", "demo", "scaffold", "build", "cli", "lint", "__main__")
"""Packages that see no event of a stranger: what makes files, starts servers, draws figures."""


def seconds(pattern: re.Pattern[Any], way: str, subject: Any) -> float:
    began = time.process_time()
    if way == "finditer":
        for _ in pattern.finditer(subject):
            pass
    else:
        getattr(pattern, way)(subject)
    return time.process_time() - began


def hurt_by(pattern: re.Pattern[Any], ways: set[str]) -> list[str]:
    """How the pattern can be made to take more than linear time; at most one of each way."""
    return [told for way in sorted(ways) if (told := next(_hurts(pattern, way), None)) is not None]


def _hurts(pattern: re.Pattern[Any], way: str) -> Iterator[str]:
    for pump in pumps(pattern):
        for end in ENDS:
            # Short ones first: of a pattern that takes exponential or cubic time nobody waits for the end of a long one.
            for size, allowed in (18, 0.002), (250, 0.02), (SIZE, SIZE * TOO_DEAR):
                subject = text(pattern, pump, end, size)
                once = seconds(pattern, way, subject)
                if once > allowed and least_seconds(partial(seconds, pattern, way, subject), tries=5) > allowed:
                    yield f".{way}: {once * 1e3:.1f} ms for {len(subject)} characters: {pump} and {end!r}"
                    break
            else:
                if once > SIZE * SUSPICIOUS and _grows(pattern, way, pump, end):
                    yield f".{way}: ever longer, {once * 1e3:.1f} ms for {len(subject)} characters: {pump} and {end!r}"


def _grows(pattern: re.Pattern[Any], way: str, pump: tuple[str, str], end: str) -> bool:
    """Whether four times the length takes far more than four times as long, of lengths beyond what any pattern may look back."""
    short, long = (text(pattern, pump, end, times * SIZE) for times in (4, 16))
    # Most do not, which a first look tells; of the others the least of three, for a shared machine stands still at times.
    return seconds(pattern, way, long) > 8 * seconds(pattern, way, short) and (
        min(seconds(pattern, way, long) for _ in range(3)) > 8 * min(seconds(pattern, way, short) for _ in range(3))
    )


def modules() -> Iterator[ModuleType]:
    for found in pkgutil.walk_packages(service.__path__, "service."):
        if found.name.split(".")[1] not in BESIDE:
            yield importlib.import_module(found.name)


def patterns_in(value: object, depth: int = 3) -> Iterator[re.Pattern[Any]]:
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(getattr(value, "__self__", None), re.Pattern):
        yield value.__self__  # type: ignore[attr-defined]  # a method kept by itself
    elif isinstance(value, dict) and depth:
        for each in value.values():
            yield from patterns_in(each, depth - 1)
    elif isinstance(value, list | tuple | set | frozenset) and depth:
        for each in value:
            yield from patterns_in(each, depth - 1)


def ways_in(source: str, name: str) -> set[str]:
    """How a module uses a pattern: by its name, else in all the ways that the module knows."""
    by_name = set(re.findall(rf"\b{re.escape(name)}\.(\w+)", source)) & WAYS.keys()
    found = by_name or set(re.findall(r"\.(\w+)\b", source)) & WAYS.keys() or set(WAYS)
    return {WAYS[way] for way in found}


Use = tuple[re.Pattern[Any], set[str], set[str]]


def every_pattern() -> dict[tuple[Any, int], Use]:
    """Pattern, ways it is used, where it stands: of globals, attributes of classes, and what functions compile as they go."""
    found: dict[tuple[Any, int], Use] = {}

    def add(pattern: re.Pattern[Any], ways: set[str], place: str) -> None:
        _, known, places = found.setdefault((pattern.pattern, pattern.flags), (pattern, set(), set()))
        known.update(ways)
        places.add(place)

    for module in modules():
        path = Path(str(module.__file__))
        source = path.read_text()
        owners = [
            module,
            *(each for each in vars(module).values() if isinstance(each, type) and each.__module__ == module.__name__),
        ]
        for owner in owners:
            for name, value in list(vars(owner).items()):
                for pattern in patterns_in(value):
                    add(pattern, ways_in(source, name), f"{module.__name__}.{name}")
        for call in ast.walk(ast.parse(source)):
            if (direct := _direct(call)) is not None:
                add(re.compile(direct[1]), {WAYS[direct[0]]}, f"{path.name}:{direct[2]}")
    return found


def _direct(node: ast.AST) -> tuple[str, str | bytes, int] | None:
    """Way, pattern and line of ``re.search("…", text)``."""
    match node:
        case ast.Call(
            func=ast.Attribute(value=ast.Name(id="re"), attr=way), args=[ast.Constant(value=str() | bytes() as said), *_]
        ):
            return (way, said, node.lineno) if way in WAYS else None
    return None


def test_no_pattern_of_the_service_takes_more_than_linear_time() -> None:
    uses = every_pattern()
    assert len(uses) > 200, "they are looked for where they no longer are"
    told = {
        str(sorted(places)): wrong
        for pattern, ways, places in uses.values()
        if places.isdisjoint(BOUNDED) and (wrong := hurt_by(pattern, ways))
    }
    assert told == {}


def test_what_sees_a_piece_of_an_event_takes_little_for_it() -> None:
    for pattern, _, places in every_pattern().values():
        for size in [BOUNDED[place] for place in places if place in BOUNDED]:
            for pump in pumps(pattern):
                subject = text(pattern, pump, "^", size)
                assert least_seconds(partial(pattern.search, subject), tries=2) < 0.02


@pytest.mark.parametrize(
    ("bad", "way"),
    [
        (r"[A-Za-z0-9+/]{16,}[A-Za-z0-9+/\r\n]*={0,2}\s*", "fullmatch"),
        (r'[\[\]{}]|"(?:[^"\\]|\\.)*"', "finditer"),
        (r"\s+$", "search"),
        (rb"[,\n]\s*(?=\{)", "search"),
        (r"/\*.*?\*/", "search"),
        (r"object mapping for \[([^\]]+)\]", "search"),
        (r'(\\*+)"', "finditer"),
        (r"(?:x+)+y", "match"),
        (r"([^=]*)=(.*) (\S+)$", "search"),
        (r"\n([A-Za-z_][\w.]{0,100}): ?([^\n]{0,2000})\s*$", "search"),
    ],
)
def test_a_pattern_that_does_is_noticed(bad: str | bytes, way: str) -> None:
    assert hurt_by(re.compile(bad), {way})


def test_patterns_are_found_wherever_they_stand(monkeypatch: pytest.MonkeyPatch) -> None:
    class Owner:
        inside = re.compile("in a class")

    Owner.__module__ = service.__name__ + ".errors"
    errors = importlib.import_module("service.errors")
    method: Callable[[str], object] = re.compile("by its method").match
    for name, value in {
        "_LIST": [re.compile("in a list")],
        "_TABLE": {"a": (re.compile("in a table"), 1)},
        "_way": method,
        "Owner": Owner,
    }.items():
        monkeypatch.setattr(errors, name, value, raising=False)
    found = {pattern for pattern, _ in every_pattern()}
    assert {"in a class", "in a list", "in a table", "by its method", r"[+-]\d\d:?\d\d$"} <= found
