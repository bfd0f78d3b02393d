"""time: when it happened, from the first raw field that holds a time."""

from __future__ import annotations

from service.pipeline.draft import Draft
from service.pipeline.schema import Time


def times_of(draft: Draft, form: str) -> str:
    """Name of the memo table that reads times of that form; the compiler binds the table."""
    return draft.constants.name(("times", form), "TIMES")


def write_time(draft: Draft, rule: Time) -> None:
    """Set ``rule.to`` from the first of the raw fields that is there; a value that is no time is kept and flagged."""
    slot = draft.slot(rule.to)
    table = times_of(draft, rule.format)
    paths = [rule.field] if isinstance(rule.field, str) else rule.field
    for path in paths:
        read = draft.consume(path)
        if read.never or (slot.touched and slot.sure):
            continue
        key = read.local
        if path == "_time":
            found = f"{times_of(draft, 'epoch_milli')}[{key}]"
        elif rule.format == "syslog":
            found = f"{table}[({key}, arrival_ms)]" + ("" if draft.raw.plain_text else f" if {key}.__class__ is str else None")
        else:
            found = f"{table}[{key}]" + ("" if draft.raw.plain_text else f" if {key}.__class__ in SCALARS else None")
        known = draft.raw.plain_text or read.type is str
        sure = (
            read.sure and known and not slot.touched and not draft.careful and not draft.conditional and not rule.to.endswith("?")
        )
        if sure:
            draft.code.add(f"{slot.local} = {found}", f"if {slot.local} is None: raise ValueError")
        else:
            with draft.code.block(f"if {slot.local} is None and {key} is not None:"):
                draft.code.add(f"{slot.local} = {found}")
                if not rule.to.endswith("?"):
                    miss = f"cannot_cast(flaw, {slot.name!r}, {draft.constants.name(read.path)}, {key}, 'a time')"
                    draft.code.add(f"if {slot.local} is None: flaw = {miss}")
        slot.touch(sure=sure)
