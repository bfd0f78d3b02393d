"""Shapes of text, tried in order with RE2: named groups become raw fields."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import re2

from service.errors import ContentError
from service.match import parse_selection, to_python
from service.pipeline.draft import Draft
from service.pipeline.schema import Pattern

NAME = "_pattern"
LONGEST = 1 << 18
"""Bytes of a text that is taken apart, as long as CloudWatch's events were for years; RE2 finds groups in 10 MB a second."""
_BOTH_ENDS = re2._re2.RE2.Anchor.ANCHOR_BOTH  # noqa: SLF001 - see matcher


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


def matcher(program: Any) -> Callable[[bytes, str], tuple[str | None, ...] | None]:
    """A function of the text, in UTF-8 and as it is, that gives the groups of a match from end to end.

    The binding's own ``fullmatch`` translates offsets of strings at five times the cost of the match, and costs several
    microseconds even over bytes; what it calls inside does not. Where the text is ASCII, offsets are the same.
    """
    numbers = sorted(program.groupindex.values())
    match = program._regexp.Match  # noqa: SLF001 - tests/parse/test_pattern.py holds it to what fullmatch gives
    first, last = (numbers[0], numbers[-1] + 1) if numbers else (0, 0)
    dense = len(numbers) == last - first

    def groups(encoded: bytes, text: str) -> tuple[str | None, ...] | None:
        spans = match(_BOTH_ENDS, encoded, 0, len(encoded))
        if spans[0][0] < 0:
            return None
        named = spans[first:last] if dense else [spans[number] for number in numbers]
        if len(encoded) == len(text):
            return tuple([None if start < 0 else text[start:end] for start, end in named])
        return tuple([None if start < 0 else encoded[start:end].decode() for start, end in named])

    return groups


def _too_long(rule: Pattern) -> str:
    reason = f"longer than {LONGEST} bytes, not taken apart"
    if rule.otherwise == "refuse":
        return f"raise EventError('parse', 'too_long', {reason!r})"
    return f"flaw = flag(flaw, 'too_long', {reason!r})"


def write_pattern(draft: Draft, rule: Pattern) -> None:
    """Try the alternatives on the source field; the groups of the one that matches are raw fields from here on."""
    code, constants = draft.code, draft.constants
    programs = [(each, compile_regex(draft, each.regex)) for each in rule.any_of]
    source = draft.raw.read(rule.source)
    for _, program in programs:
        for group in program.groupindex:
            draft.raw.overlay.setdefault(group, code.local(group, "g"))
            if source.foreign:
                draft.raw.foreign.add(group)
    chosen = draft.raw.overlay.setdefault(NAME, code.local(NAME, "g"))
    code.add(" = ".join(sorted(set(draft.raw.overlay.values()))) + " = None")
    conditions = [
        None if each.when is None else to_python(parse_selection(each.when, draft.place), draft.operand, constants.bound)
        for each, _ in programs
    ]
    if not source.consumed:
        source.conditional = source.conditional or code.local(rule.source, "used")
    with code.block(f"if {source.local}.__class__ is str:"):
        code.add(f"encoded = {source.local}.encode('utf-8', 'replace')")
        head = "if"
        if draft.careful:  # no other form takes texts of this length
            with code.block(f"if len(encoded) > {LONGEST}:"):
                code.add(_too_long(rule))
            head = "elif"
        for (each, program), condition in zip(programs, conditions, strict=True):
            test = f"(found := {constants.name(matcher(program), 'RE')}(encoded, {source.local})) is not None"
            with code.block(f"{head} {test}:" if condition is None else f"{head} ({condition}) and {test}:"):
                groups = [draft.raw.overlay[name] for name, _ in sorted(program.groupindex.items(), key=lambda item: item[1])]
                if groups:
                    code.add(f"({', '.join(groups)},) = found")
                code.add(f"{chosen} = {each.name!r}")
                if source.conditional is not None and not source.consumed:
                    code.add(f"{source.conditional} = True")
            head = "elif"
        if rule.otherwise == "refuse":
            with code.block("else:"):
                code.add("raise EventError('parse', 'no_pattern', 'the text has none of the known shapes')")
