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
    for path in [rule.field] if isinstance(rule.field, str) else rule.field:
        read = draft.consume(path)
        key = read.local
        if rule.format == "syslog":
            key = f"({read.local}, arrival_ms)"
        elif not draft.raw.plain_text:
            key = f"({read.local} if {read.local}.__class__ in SCALARS else None)"
        name = draft.constants.name(read.path)
        with draft.code.block(f"if {slot.local} is None and {read.local} is not None:"):
            draft.code.add(
                f"{slot.local} = {table if path != '_time' else times_of(draft, 'epoch_milli')}[{key if path != '_time' else read.local}]"
            )
            if not rule.to.endswith("?"):
                draft.code.add(
                    f"if {slot.local} is None: flaw = cannot_cast(flaw, {slot.name!r}, {name}, {read.local}, 'a time')"
                )
    slot.touched = True
