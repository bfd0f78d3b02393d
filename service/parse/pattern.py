"""Shapes of text, tried in order with RE2: named groups become raw fields."""

from __future__ import annotations

from typing import Any

import re2

from service.errors import ContentError
from service.match import parse_selection, to_python
from service.pipeline.draft import Draft
from service.pipeline.schema import Pattern

NAME = "_pattern"


def compile_regex(draft: Draft, regex: str) -> Any:
    """The RE2 program; ContentError ``bad_regex`` for what RE2 refuses (back references, look-around, syntax)."""
    try:
        options = re2.Options()
        options.log_errors = False
        return re2.compile(regex, options=options)
    except re2.error as error:
        raise ContentError(
            draft.place, "bad_regex", f"{regex!r}: {error}", "RE2 has no back references and no look-around"
        ) from error


def write_pattern(draft: Draft, rule: Pattern) -> None:
    """Try the alternatives on the source field; the groups of the one that matches are raw fields from here on."""
    code, constants = draft.code, draft.constants
    programs = [(each, compile_regex(draft, each.regex)) for each in rule.any_of]
    for _, program in programs:
        for group in program.groupindex:
            draft.raw.overlay.setdefault(group, code.local(group, "g"))
    chosen = draft.raw.overlay.setdefault(NAME, code.local(NAME, "g"))
    code.add(" = ".join(sorted(set(draft.raw.overlay.values()))) + " = None")
    conditions = [
        None if each.when is None else to_python(parse_selection(each.when, draft.place), draft.operand, constants.bound)
        for each, _ in programs
    ]
    source = draft.raw.read(rule.source)
    if not source.consumed:
        source.conditional = source.conditional or code.local(rule.source, "used")
    with code.block(f"if {source.local}.__class__ is str:"):
        head = "if"
        for (each, program), condition in zip(programs, conditions, strict=True):
            test = f"(found := {constants.name(program, 'RE')}.fullmatch({source.local})) is not None"
            with code.block(f"{head} {test}:" if condition is None else f"{head} ({condition}) and {test}:"):
                groups = [
                    draft.raw.overlay[name] for name, _ in sorted(program.groupindex.items(), key=lambda item: item[1])
                ]
                numbers = sorted(program.groupindex.values())
                if groups:
                    code.add(
                        f"({', '.join(groups)},) = found.group({', '.join(map(str, numbers))})"
                        if len(groups) > 1
                        else f"{groups[0]} = found.group({numbers[0]})"
                    )
                code.add(f"{chosen} = {each.name!r}")
                if source.conditional is not None and not source.consumed:
                    code.add(f"{source.conditional} = True")
            head = "elif"
        if rule.otherwise == "refuse":
            with code.block("else:"):
                code.add("raise EventError('parse', 'no_pattern', 'the text has none of the known shapes')")
