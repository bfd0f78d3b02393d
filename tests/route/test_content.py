"""The generated question who claims an event gives the first candidate that fits, as asking each of them in turn does."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import re2

from service.content import find_content
from service.errors import Place
from service.match import fields, parse_selection, predicate
from service.match.values import descend, split_path
from service.pipeline.load import load_pipelines
from service.route import content
from service.route.content import classifier
from service.route.router import build_router
from service.route.routes import Alternative, Route, alternatives
from tests.pace import least_seconds

HERE = Place("pipeline.yml", 1)
NOBODYS = [
    "2026-11-30T10:00:00.123Z INFO order 4711 of customer 12 shipped in 90 ms",
    "[12] GET /orders/7 200 3ms",
    '{"level":"info","ts":1795000000,"msg":"order 7 shipped","customer":7,"path":"/orders/7"}',
    "", "{", "{}", "[]", "{not json", '{"log": 1', "\ud800 alone",
]  # fmt: skip


@pytest.fixture(scope="module")
def candidates() -> tuple[Alternative, ...]:
    """All that may claim what comes from a log group that no pipeline names."""
    router = build_router(load_pipelines(find_content().pipelines))
    facts = {"stream": "audit", "transport": "cloudwatch", "log_group": "/app/shop/orders", "log_stream": "main", "account": "1"}
    found = [way for way, gate in zip(router._ways, router._gates, strict=True) if way.content is not None and gate(facts)]
    assert len(found) > 100
    return tuple(found)


def one_by_one(candidates: tuple[Alternative, ...]) -> Callable[[str], str | None]:
    """Naively: every candidate is asked about all of the event."""
    asked = [(way.dataset, fields(way.content), predicate(way.content)) for way in candidates if way.content is not None]

    def classify(text: str) -> str | None:
        event: Any = None
        if text[:1] == "{":
            with contextlib.suppress(msgspec.DecodeError, UnicodeEncodeError):
                event = msgspec.json.decode(text)
        for dataset, names, fits in asked:
            if fits({**{name: descend(event, split_path(name)) for name in names}, "_text": text}):
                return dataset
        return None

    return classify


def texts() -> Iterator[str]:
    """Lines of all samples that ship, and what is left when they are cut."""
    for file in sorted(Path(find_content().pipelines).glob("*/samples/*")):
        for line in file.read_bytes()[:400_000].decode("utf-8", "replace").splitlines()[:40]:
            yield from (line, line[1:], line[: len(line) // 2], " " + line)
    yield from NOBODYS


def test_whoever_claims_an_event_does_so_whichever_way_it_is_asked(candidates: tuple[Alternative, ...]) -> None:
    classify, naive = classifier(candidates), one_by_one(candidates)
    claimed = set[str | None]()
    for text in dict.fromkeys(texts()):
        said = classify(text)
        assert said == naive(text), text[:300]
        claimed.add(said)
    assert len(claimed) > 25, "the samples say something"


def test_what_nobody_claims_costs_little(candidates: tuple[Alternative, ...]) -> None:
    classify = classifier(candidates)
    for text, most_us in zip(NOBODYS[:3], (12, 12, 20), strict=True):
        assert classify(text) is None
        many = [f"{text} {number}" if text[0] != "{" else text.replace("4711", str(number)) for number in range(500)]

        def ask(many: list[str] = many) -> None:
            for each in many:
                classify(each)

        spent = least_seconds(ask) / len(many)
        assert spent < most_us / 1e6, f"{spent * 1e6:.1f} µs: a hundred candidates must not be asked one by one"


def test_patterns_that_do_not_fit_together_are_asked_by_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    def too_large(_: object) -> None:
        raise re2.error("too large")

    monkeypatch.setattr(content, "found_by_any", too_large)
    routes = [Route("one", parse_selection({"_text|re": "^a"}, HERE)), Route("two", parse_selection({"_text|re": "^b"}, HERE))]
    classify = classifier(tuple(way for route in routes for way in alternatives(route)))
    assert [classify(text) for text in ("ab", "ba", "c")] == ["one", "two", None]
