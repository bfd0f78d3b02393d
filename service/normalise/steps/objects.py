"""Objects of any shape as objects whose values are strings: searchable, and never a mapping conflict."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from service.enrich.fragments import dump
from service.normalise.steps.spec import StepFunction, StepSpec
from service.normalise.steps.text import word

LONGEST = 8191
"""Characters of one value: four bytes each stay below Lucene's 32,766."""
CUT = "…[cut]"
MOST_ITEMS = 100
MOST_KEYS = 1000


def cut(text: str) -> str:
    """The text, or its beginning with a mark that something is missing."""
    return text if len(text) <= LONGEST else text[: LONGEST - len(CUT)] + CUT


def keyword(value: object) -> str | list[str] | None:
    """A scalar as text, a list as a list of text, an object as its JSON; None for what is empty."""
    if isinstance(value, list):
        found = [text for text in map(_single, value[:MOST_ITEMS]) if text is not None]
        return found or None
    return _single(value)


def _single(value: object) -> str | None:
    if isinstance(value, dict | list):
        return cut(dump(value)) if value else None
    text = word(value)
    return None if text is None else cut(text)


def _wanted(options: Mapping[str, Any]) -> dict[str, str] | None:
    keys = options.get("keys")
    if keys is None:
        return None
    if isinstance(keys, Mapping):
        wanted = {str(path): str(name) for path, name in keys.items()}
    elif isinstance(keys, list):
        wanted = {str(path): str(path).replace(".", "_") for path in keys}
    else:
        raise ValueError("keys is a list of keys, or a mapping of key to name")  # noqa: TRY004 - the contract of bind
    if not wanted or any(not path or not name or "." in name for path, name in wanted.items()):
        raise ValueError("keys must not be empty, and names hold no dots")
    return wanted


def _at(value: dict[str, object], path: list[str]) -> object:
    found: object = value
    for key in path:
        if isinstance(found, list) and found:
            found = found[0]
        if not isinstance(found, dict):
            return None
        found = found.get(key)
    return found


def make_flatten_keywords(options: Mapping[str, Any]) -> StepFunction:
    """Keep the allow-listed ``keys`` (dotted paths reach inside), each as a string or a list of strings.

    ``keys`` is a list (a dot in a path becomes ``_`` in its name) or a mapping of path to name; without it all keys are
    kept. What is not an object becomes ``{"text": …}``.
    """
    wanted = _wanted(options)
    flat = [(path, name) for path, name in wanted.items() if "." not in path] if wanted is not None else []
    deep = [(path.split("."), name) for path, name in wanted.items() if "." in path] if wanted is not None else []

    def flatten_keywords(value: object) -> tuple[str | None]:
        if not isinstance(value, dict):
            text = keyword(value)
            return (None if text is None else dump({"text": text}),)
        kept: dict[str, str | list[str]] = {}
        if wanted is None:
            pairs = ((str(key).replace(".", "_") or "_", item) for key, item in list(value.items())[:MOST_KEYS])
        else:
            pairs = ((name, value[path]) for path, name in flat if path in value)
        for name, item in pairs:
            found = keyword(item)
            if found is not None:
                kept[name] = found
        for path, name in deep:
            found = keyword(_at(value, path))
            if found is not None:
                kept.setdefault(name, found)
        return (dump(kept) if kept else None,)

    return flatten_keywords


def make_kv_flatten(options: Mapping[str, Any]) -> StepFunction:
    """``[{"Key": k, "Value": v}, …]`` (the names are the options ``key`` and ``value``) as ``{"k": "v"}``."""
    keys = [options["key"]] if "key" in options else ["key", "Key", "tagKey", "name", "Name"]
    values = [options["value"]] if "value" in options else ["value", "Value", "tagValue"]
    if not all(isinstance(name, str) and name for name in (*keys, *values)):
        raise ValueError("key and value are names of members")
    flatten = make_flatten_keywords({})

    def kv_flatten(value: object) -> tuple[str | None]:
        if isinstance(value, dict):
            return flatten(value)
        if not isinstance(value, list):
            return (None,)
        kept: dict[str, str | list[str]] = {}
        for item in value[:MOST_KEYS]:
            if not isinstance(item, dict):
                continue
            name = next((text for text in (word(item.get(key)) for key in keys) if text is not None), None)
            found = keyword(next((item[key] for key in values if key in item), None))
            if name is not None and found is not None:
                kept[cut(name).replace(".", "_")] = found
        return (dump(kept) if kept else None,)

    return kv_flatten


def make_zip_object(options: Mapping[str, Any]) -> StepFunction:
    """A list of names beside a list of values as ``{name: value}``, strings all; what is left over counts as ``_1``, ``_2``.

    The options ``first`` … ``fourth`` list names: the first of them that has a value is the output of that name.
    """
    wanted = [options.get(place, []) for place in _PLACES]
    if not all(isinstance(names, list) and all(isinstance(name, str) and name for name in names) for names in wanted):
        raise ValueError(f"{', '.join(_PLACES)} are lists of names")

    def zip_object(names: object, values: object) -> tuple[str | None, ...]:
        if not isinstance(values, list):
            return (None,) * (1 + len(_PLACES))
        known = names if isinstance(names, list) else []
        plain: dict[str, str] = {}
        kept: dict[str, str | list[str]] = {}
        for at, value in enumerate(values[:MOST_KEYS]):
            name = (word(known[at]) if at < len(known) else None) or f"_{at + 1}"
            found = keyword(value)
            if found is None:
                continue
            kept.setdefault(cut(name).replace(".", "_"), found)
            if not isinstance(value, list | dict):
                plain.setdefault(name, str(found))
        picked = [next((plain[name] for name in names if name in plain), None) for names in wanted]
        return (dump(kept) if kept else None, *picked)

    return zip_object


_PLACES = ("first", "second", "third", "fourth")


def count(value: object) -> tuple[int | None]:
    """How many items a list has, or members an object; None for anything else."""
    return (len(value) if isinstance(value, list | dict) else None,)


STEPS: dict[str, StepSpec] = {
    "zip_object": StepSpec(
        make_zip_object({}),
        ("names", "values"),
        {"json": "json", **dict.fromkeys(_PLACES, "str")},
        options=_PLACES,
        make=make_zip_object,
    ),
    "count": StepSpec(count, ("value",), {"number": "int"}),
    "flatten_keywords": StepSpec(
        make_flatten_keywords({}), ("object",), {"json": "json"}, options=("keys",), make=make_flatten_keywords
    ),
    "kv_flatten": StepSpec(make_kv_flatten({}), ("list",), {"json": "json"}, options=("key", "value"), make=make_kv_flatten),
}
