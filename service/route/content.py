"""Telling an event's dataset from its content: one generated function per set of candidates."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from service.match import And, Node, fields, to_python
from service.match.values import descend, split_path
from service.route.routes import Alternative

Classify = Callable[[str], str | None]
"""``event text -> dataset``, None when no candidate fits."""


def classifier(candidates: tuple[Alternative, ...]) -> Classify:
    """Write the function that gives the first candidate whose content fits; of a JSON event it decodes what is asked for.

    The candidates' gates are not looked at: they hold for the whole slice.
    """
    asked = set[str]().union(*(fields(one.content) for one in candidates if one.content is not None)) - {"_text"}
    keys = sorted({split_path(field)[0] for field in asked})
    names = {key: f"key{number}" for number, key in enumerate(keys)}
    scope: dict[str, object] = {"descend": descend, "wrong": (msgspec.DecodeError, RecursionError)}

    def resolve(field: str) -> str:
        if field == "_text":
            return "text"
        path = split_path(field)
        if len(path) == 1:
            return names[path[0]]
        rest = f"rest{len(scope)}"
        scope[rest] = path[1:]
        return f"descend({names[path[0]]}, {rest})"

    lines = ["def classify(text):"]
    if names:
        scope["decode"] = msgspec.json.Decoder(_shape(names)).decode
        everything = ", ".join(names.values())
        lines += [
            f"    {everything} = {', '.join('None' for _ in names)}",
            "    if text[:1] == '{':",
            "        try:",
            "            event = decode(text)",
            "        except wrong:",
            "            pass",
            "        else:",
            *(f"            {name} = event.{name}" for name in names.values()),
        ]
    for number, candidate in enumerate(candidates):
        scope[f"dataset{number}"] = candidate.dataset
        condition = to_python(_content(candidate), resolve, scope)
        lines += [f"    if {condition}:", f"        return dataset{number}"]
    lines.append("    return None")
    # The names in this code are made here; fields and values of selections are in the scope.
    exec("\n".join(lines), scope)  # noqa: S102 - our own generated code: texts of events are data to it
    return scope["classify"]  # type: ignore[return-value]  # what exec defined


def _content(candidate: Alternative) -> Node:
    return candidate.content if candidate.content is not None else And(())


def _shape(names: dict[str, str]) -> type[msgspec.Struct]:
    """A struct of the keys that are asked for, so that the rest of the event is only skipped over."""
    members = [(name, object, None) for name in names.values()]
    rename = {name: key for key, name in names.items()}
    return msgspec.defstruct("Asked", members, rename=rename, gc=False)
