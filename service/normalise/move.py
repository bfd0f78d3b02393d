"""move and first: raw fields, and fields already set, into fields that have no value yet."""

from __future__ import annotations

from collections.abc import Mapping

from service.normalise.assign import assign_kind, assign_raw
from service.pipeline.draft import Draft
from service.pipeline.slots import Quoting


def write_move(draft: Draft, moves: Mapping[str, str | list[str]]) -> None:
    """Raw field → field(s). The raw field is consumed; a field that has a value keeps it, the newcomer is a leftover."""
    for path, targets in moves.items():
        read = draft.consume(path)
        if read.never:
            continue
        twins: dict[tuple[str, bool], str] = {}
        for target in [targets] if isinstance(targets, str) else targets:
            slot = draft.slot(target)
            optional = target.endswith("?")
            if slot.touched:
                with draft.code.block(f"if {slot.local} is None:"):
                    assign_raw(draft, slot, read, optional=optional)
                if slot.kind == "str" and not optional:
                    draft.code.add(
                        f"elif {read.local} is not None and {read.local} != {slot.local}: "
                        f"flaw = keep(flaw, {draft.constants.name(read.path)}, {read.local})"
                    )
            elif (slot.kind, slot.spec.indexed) in twins and slot.spec.type != "ip":
                draft.code.add(f"{slot.local} = {twins[slot.kind, slot.spec.indexed]}")
                slot.raised(Quoting.LIKE_RAW)
            else:
                assign_raw(draft, slot, read, optional=optional)
            if not optional:
                twins.setdefault((slot.kind, slot.spec.indexed), slot.local)
            sure = read.sure and not draft.careful and not optional and not draft.conditional
            alone = not slot.touched
            slot.touch(sure=sure)
            if sure and alone and slot.kind == "int" and draft.raw.plain_text:
                slot.digits = read.local


def write_first(draft: Draft, candidates: Mapping[str, list[str]]) -> None:
    """Field → candidates: the first that has a value."""
    for target, names in candidates.items():
        slot = draft.slot(target)
        for name in names:
            known = draft.slots.get(name)
            if known is not None and known.touched and known is not slot:
                with draft.code.block(f"if {slot.local} is None and {known.local} is not None:"):
                    assign_kind(draft, slot, known.local, known.kind, known.quoting)
            else:
                read = draft.consume(name)
                if read.never:
                    continue
                with draft.code.block(f"if {slot.local} is None:"):
                    assign_raw(draft, slot, read, optional=target.endswith("?"))
            slot.touch()
