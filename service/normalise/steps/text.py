"""Small things with text and lists of text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import re2

from service.enrich.fragments import dump
from service.normalise.steps.spec import StepFunction, StepSpec

LONGEST_JSON = 32_000
"""Characters of JSON text kept as one string."""
MOST_ITEMS = 1000
MOST_CAPTURED = 4


def word(value: object) -> str | None:
    """A scalar as text; None for nothing, ``""``, objects and lists."""
    if isinstance(value, str):
        return value or None
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else None


def lower(value: object) -> tuple[str | None]:
    """The text in lower case."""
    text = word(value)
    return (None if text is None else text.lower(),)


def upper(value: object) -> tuple[str | None]:
    """The text in upper case."""
    text = word(value)
    return (None if text is None else text.upper(),)


def json_text(value: object) -> tuple[str | None]:
    """An object or list as one string of JSON, a scalar as its text; cut after 32,000 characters."""
    if isinstance(value, dict | list):
        return (dump(value)[:LONGEST_JSON] if value else None,)
    return (word(value),)


def _option(options: Mapping[str, Any], name: str, default: str) -> str:
    value = options.get(name, default)
    if not isinstance(value, str):
        raise ValueError(f"{name} must be text, not {value!r}")  # noqa: TRY004 - the contract of bind
    return value


def make_join(options: Mapping[str, Any]) -> StepFunction:
    """``separator`` between the values that are there."""
    separator = _option(options, "separator", " ")

    def join(*values: object) -> tuple[str | None]:
        return (separator.join([text for each in values if each is not None and (text := word(each)) is not None]) or None,)

    return join


def make_split_list(options: Mapping[str, Any]) -> StepFunction:
    """Cut at ``separator``: all pieces, the first, the last, and piece number ``at`` (from 0); ``lower``: in lower case."""
    separator = _option(options, "separator", ",")
    at = options.get("at", 0)
    if not isinstance(at, int) or isinstance(at, bool) or not 0 <= at < MOST_ITEMS:
        raise ValueError(f"at is the number of a piece, not {at!r}")
    if not separator:
        raise ValueError("separator must not be empty")
    lower = options.get("lower", False)
    if not isinstance(lower, bool):
        raise ValueError(f"lower is true or false, not {lower!r}")  # noqa: TRY004 - the contract of bind

    def split_list(value: object) -> tuple[list[str] | None, str | None, str | None, str | None]:
        found: list[str | None]
        if isinstance(value, list):
            found = [word(item) for item in value[:MOST_ITEMS]]
        else:
            text = word(value)
            found = [] if text is None else [*text.split(separator, MOST_ITEMS)[:MOST_ITEMS]]
        kept = [text.strip() for text in found if text is not None and text.strip() not in ("", "-")]
        if lower:
            kept = [text.lower() for text in kept]
        return (kept, kept[0], kept[-1], kept[at] if at < len(kept) else None) if kept else (None, None, None, None)

    return split_list


def collect(*values: object) -> tuple[list[str] | None]:
    """Every scalar, and every scalar of every list, once: pivots that no single field holds."""
    found: dict[str, None] = {}
    for value in values:
        if value is None:
            continue
        for item in value[:MOST_ITEMS] if isinstance(value, list) else (value,):
            text = item if item.__class__ is str else word(item)
            if text and text != "-":
                found[text] = None
    return (list(found) or None,)


def words(value: object) -> tuple[list[str] | None]:
    """The words of a list that Go printed, ``[system:masters developers]``; brackets and blanks go."""
    text = word(value)
    found = [] if text is None else text.strip("[] ").split(None, MOST_ITEMS)[:MOST_ITEMS]
    return (found or None,)


def make_capture(options: Mapping[str, Any]) -> StepFunction:
    """The groups of ``regex`` (RE2, anywhere in the text unless anchored), in order, at most four; without it the first line."""
    pattern = options.get("regex")
    if not isinstance(pattern, str):
        raise ValueError(f"regex must be text, not {pattern!r}")  # noqa: TRY004 - the contract of bind
    settings = re2.Options()
    settings.log_errors = False
    try:
        regex = re2.compile(pattern, settings)
    except re2.error as error:
        raise ValueError(f"regex {pattern!r}: {error}") from error
    groups = regex.groups
    if not 1 <= groups <= MOST_CAPTURED:
        raise ValueError(f"regex has {groups} groups, it needs one to {MOST_CAPTURED}")
    rest = (None,) * (MOST_CAPTURED - groups)

    def capture(value: object) -> tuple[str | None, ...]:
        try:
            found = regex.search(value[:LONGEST_JSON]) if isinstance(value, str) else None
        except UnicodeEncodeError:  # half a surrogate pair
            found = None
        if found is None:
            return (None,) * MOST_CAPTURED
        return (*[text or None for text in found.groups()], *rest)

    return capture


STEPS: dict[str, StepSpec] = {
    "capture": StepSpec(
        make_capture({"regex": "^(.+)"}),
        ("text",),
        {"first": "str", "second": "str", "third": "str", "fourth": "str"},
        cuts=True,
        options=("regex",),
        make=make_capture,
    ),
    "words": StepSpec(words, ("value",), {"list": "list"}),
    "lower": StepSpec(lower, ("value",), {"text": "str"}, cuts=True),
    "upper": StepSpec(upper, ("value",), {"text": "str"}, cuts=True),
    "json_text": StepSpec(json_text, ("value",), {"text": "str"}),
    "collect": StepSpec(collect, ("a", "b", "c", "d", "e", "f"), {"list": "list"}, cuts=True),
    "join": StepSpec(make_join({}), ("a", "b", "c", "d", "e", "f"), {"text": "str"}, options=("separator",), make=make_join),
    "split_list": StepSpec(
        make_split_list({}),
        ("value",),
        {"list": "list", "first": "str", "last": "str", "piece": "str"},
        options=("separator", "at", "lower"),
        make=make_split_list,
    ),
}
