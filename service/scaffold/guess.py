"""Which field is what: types from the values that came, ECS names from the words people use for them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from service.fields import Catalogue, FieldType
from service.offline.raw_event import find, leaves
from service.pipeline.paths import split_path
from service.scaffold.values import ENDPOINT, METHODS, UUID, is_status, type_of
from service.scaffold.words import candidates, looks_the_part, snake

_OURS = (
    "event.module",
    "event.dataset",
    "event.ingested",
    "event.original",
    "ecs.",
    "siem.",
    "project.",
    "related.",
    "tags",
    "@timestamp",
)
_LABEL = re.compile(r"(.*\b[a-z]+\d)(?:Label)")


@dataclass(frozen=True, slots=True)
class Guess:
    """What to do with one raw path: the target field, and its type when the catalogue does not have it."""

    path: str
    target: str
    type: FieldType | None
    array: bool = False
    values: tuple[str, ...] = ()
    """Different values that it had, up to thirty of them."""


def guesses(dataset: str, events: list[dict[str, Any]], catalogue: Catalogue, step: str = "") -> Iterator[Guess]:
    """One guess for every raw path any event has, in the order in which they first came; ``step`` is what parsed them."""
    taken: set[str] = set()
    by_path = values_by_path(events)
    web = any(_is_web(path, values) for path, values in by_path.items())
    labels = _labels(by_path)
    for path, values in by_path.items():
        yield guess_of(dataset, labels.get(path, path), values, catalogue, taken, raw=path, step=step, web=web)


def guess_of(
    dataset: str, path: str, values: list[Any], catalogue: Catalogue, taken: set[str], *, raw: str | None = None, step: str = "",
    web: bool = True,
) -> Guess:  # fmt: skip
    """The guess for one raw path by the values it had; its target is ``taken`` from then on.

    ``raw`` is the path where ``path`` says better what it is; ``web`` whether a path may be one of a URL.
    """
    kind, array = type_of(values), any(isinstance(value, list) for value in values)
    texts = [_text(item) for value in values for item in (value if isinstance(value, list) else [value])]
    seen = tuple(dict.fromkeys(texts))[:30]
    for name in candidates(path, step):
        spec = catalogue.get(name) if not name.startswith(_OURS) else None
        if spec is None or spec.name in taken or spec.array != array or not _fits(spec.type, kind):
            continue
        if not looks_the_part(name, texts) or (name == "url.path" and not web) or name == path == "message.text":
            continue
        if name.endswith(".address") and not all(map(ENDPOINT.fullmatch, texts)):
            continue
        taken.add(spec.name)
        return Guess(raw or path, spec.name, None, array, seen)
    own = f"{dataset}.{_own(path)}"
    number = 2
    while own in taken:
        own, number = f"{dataset}.{_own(path)}_{number}", number + 1
    taken.add(own)
    return Guess(raw or path, own, kind, array, seen)


def values_by_path(events: list[dict[str, Any]]) -> dict[str, list[Any]]:
    """All values by raw path; of lists of objects, and below keys that no path can name, none: they stay among the leftovers."""
    found: dict[str, list[Any]] = {}
    for event in events:
        for path in dict.fromkeys(leaves(event)):
            value = find(event, path) if "[]" not in path and _is_path(path) else None
            if value not in (None, "", [], {}):
                found.setdefault(path, []).append(value)
    return found


def _is_path(path: str) -> bool:
    try:
        return bool(split_path(path))
    except ValueError:  # an empty key, one with quotes in it
        return False


def unique_id(events: list[dict[str, Any]]) -> str | None:
    """The raw path whose values are UUIDs, another one in every event."""
    for path, values in values_by_path(events).items():
        texts = [value for value in values if isinstance(value, str) and UUID.fullmatch(value)]
        if len(texts) == len(events) == len(set(texts)) and "id" in snake(path):
            return path
    return None


def _is_web(path: str, values: list[Any]) -> bool:
    word = snake(path.rpartition(".")[2])
    return (word in ("method", "verb", "request_method") and all(value in METHODS for value in values)) or (
        word in ("status", "status_code", "http_status") and all(map(is_status, values))
    )


def _labels(by_path: dict[str, list[Any]]) -> dict[str, str]:
    """Of ``cs1`` the name that ``cs1Label`` gives it, where that is always the same."""
    found = {}
    for path, values in by_path.items():
        label = _LABEL.fullmatch(path)
        if label is not None and label[1] in by_path and len(set(map(str, values))) == 1:
            found[label[1]] = f"{label[1].rpartition('.')[0]}.{snake(str(values[0]))}".lstrip(".")
    return found


def _own(path: str) -> str:
    parts = [snake(part) or "x" for part in path.replace('"', "").removeprefix("extension.").removeprefix("_").split(".")]
    name = ".".join(parts)
    return name if name[0].isalpha() else f"field_{name}"


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _fits(wanted: str, found: FieldType) -> bool:
    if wanted in ("keyword", "wildcard", "match_only_text", "text"):
        return found in ("keyword", "ip", "long", "double", "date")
    return wanted == found or (wanted in ("float", "double") and found in ("double", "long"))
