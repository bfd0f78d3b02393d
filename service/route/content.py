"""Telling an event's dataset from its content: one generated function per set of candidates."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import msgspec
import re2

from service.match import NEVER, And, Node, fields, needed, of_fields, to_python
from service.match.nodes import Regex
from service.match.values import descend, found_by_any, split_path
from service.route.routes import Alternative

Classify = Callable[[str], str | None]
"""``event text -> dataset``, None when no candidate fits."""


def classifier(candidates: tuple[Alternative, ...]) -> Classify:
    """Write the function that gives the first candidate whose content fits; of a JSON event it decodes what is asked for.

    The candidates' gates are not looked at: they hold for the whole slice. Most events of a log group that nobody named
    fit none of a hundred candidates, so that is what must be quick: where no field can be there only the questions about
    the text are asked, and all patterns in one walk before any by itself.
    """
    contents = [_content(candidate) for candidate in candidates]
    asked = set[str]().union(*(fields(content) for content in contents)) - {"_text"}
    keys = sorted({split_path(field)[0] for field in asked})
    names = {key: f"key{number}" for number, key in enumerate(keys)}
    scope: dict[str, object] = {"descend": descend, "wrong": (msgspec.DecodeError, RecursionError)}

    def resolve(field: str) -> str:
        if field == "_text":
            return "text"
        path = split_path(field)
        name = names[path[0]]
        if len(path) == 1:
            return name
        rest = f"rest{len(scope)}"
        scope[rest] = path[1:]
        return f"(None if {name} is None else descend({name}, {rest}))"

    def questions(conditions: Sequence[Node]) -> Iterator[str]:
        patterns = [needed(condition, "_text") for condition in conditions]
        likely = _likely([one for found in patterns for one in found], scope)
        if likely:
            yield f"likely = {likely}(text)"
        for number, (condition, found) in enumerate(zip(conditions, patterns, strict=True)):
            if condition != NEVER:
                scope[f"dataset{number}"] = candidates[number].dataset
                first = "likely and " if likely and found else ""
                yield f"if {first}{to_python(condition, resolve, scope)}:"
                yield f"    return dataset{number}"
        yield "return None"

    lines = ["def classify(text):"]
    if names:
        scope["decode"] = msgspec.json.Decoder(_shape(names)).decode
        lines += [
            "    if text[:1] == '{':",
            "        try:",
            "            event = decode(text)",
            "        except wrong:",
            "            pass",
            "        else:",
            *(f"            {name} = event.{name}" for name in names.values()),
            *(f"            {line}" for line in questions(contents)),
        ]
    lines += [f"    {line}" for line in questions([of_fields(content, {"_text"}) for content in contents])]
    # The names in this code are made here; fields and values of selections are in the scope.
    exec("\n".join(lines), scope)  # noqa: S102 - our own generated code: texts of events are data to it
    return scope["classify"]  # type: ignore[return-value]  # what exec defined


def _likely(patterns: Sequence[Regex], scope: dict[str, object]) -> str:
    """The name of a function that says whether any of the patterns is found; none where that would save nothing."""
    if len(patterns) < 2:
        return ""
    try:
        found = found_by_any(patterns)
    except re2.error:  # together they are larger than what RE2 takes
        return ""
    name = f"likely{len(scope)}"
    scope[name] = found
    return name


def _content(candidate: Alternative) -> Node:
    return candidate.content if candidate.content is not None else And(())


def _shape(names: dict[str, str]) -> type[msgspec.Struct]:
    """A struct of the keys that are asked for, so that the rest of the event is only skipped over."""
    members = [(name, object, None) for name in names.values()]
    rename = {name: key for key, name in names.items()}
    return msgspec.defstruct("Asked", members, rename=rename, gc=False)
