"""The end of an event's code: what names its document, and the two lines of the bulk request."""

from __future__ import annotations

from collections.abc import Callable

from service.pipeline.draft import Draft
from service.pipeline.runtime import LONGEST_ID
from service.pipeline.slots import Quoting
from service.pipeline.watch import Watch, write_watched


def write_output(draft: Draft, document: str, ident: str, watch: Watch, *, careful: bool) -> None:
    """Append the lines, and what is watched beside them; ``careful`` returns them instead."""
    code = draft.code
    code.add(f"ident = {ident}")
    action = "{action}{suffix}{middle}{ident}{end}"
    keep = "pieces.append({})" if not careful else "piece = {}" if watch else "return {}"
    with code.block("if flaw is None:"):
        code.add(keep.format('f"' + action + document[2:-1] + '{newline}"'))
    with code.block("else:"):
        code.add(f"document = count_flaw(flaw, {document}, flags, odd, i)")
        code.add(keep.format('f"' + action + '{document}{newline}"'))
    if watch:
        write_watched(draft, watch)
    if not careful:
        code.add("at.append(i)", "continue")
    elif watch:
        code.add("return piece")


def written_ident(draft: Draft, wanted: str | list[str], missing: Callable[[str], None]) -> str:
    """Python expression of the ``_id``; ``missing`` is told of a field that no step sets."""
    by_position = "position + (ids[i] if ids is not None else str(first + i))"
    if wanted == "position":
        return by_position
    values: list[str] = []
    for name in [wanted] if isinstance(wanted, str) else wanted:
        slot = draft.slots.get(name)
        if slot is None or not slot.touched:
            missing(name)
            return by_position
        values.append(draft.value(name))
    asked = f"identity(({', '.join(values)},)) or {by_position}"
    slot = draft.slots[wanted] if isinstance(wanted, str) else None
    if draft.careful or slot is None or not slot.sure or slot.kind != "str" or slot.quoting != Quoting.LIKE_RAW:
        return asked
    plain = f"len({slot.local}) <= {LONGEST_ID} and {slot.local}.isascii() and {slot.local}.isprintable()"
    return f"{slot.local} if {plain} else {asked}"  # what identity() would find, without the call
