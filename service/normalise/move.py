"""move and first: raw fields, and fields already set, into fields that have no value yet."""

from __future__ import annotations

from collections.abc import Mapping

from service.normalise.assign import assign_kind, assign_raw
from service.pipeline.draft import Draft
from service.pipeline.raw import Read
from service.pipeline.slots import Slot

_KEPT = ("str", "strs")
"""Kinds of which a value that comes too late for its field can be told from the one that is there."""


def write_move(draft: Draft, moves: Mapping[str, str | list[str]]) -> None:
    """Raw field → field(s). The raw field is consumed; a field that has a value keeps it, the newcomer is a leftover."""
    for path, targets in moves.items():
        read = draft.consume(path)
        if read.never:
            continue
        twins: dict[tuple[str, bool], Slot] = {}
        for target in [targets] if isinstance(targets, str) else targets:
            slot = draft.slot(target)
            optional = target.endswith("?")
            sure = False
            if slot.touched and slot.sure:
                if slot.kind in _KEPT and not optional:
                    _keep_newcomer(draft, slot, read, "if")
            elif slot.touched:
                with draft.code.block(f"if {slot.local} is None:"):
                    assign_raw(draft, slot, read, optional=optional)
                if slot.kind in _KEPT and not optional:
                    _keep_newcomer(draft, slot, read, "elif")
            elif (slot.kind, slot.spec.indexed) in twins and slot.spec.type != "ip":
                twin = twins[slot.kind, slot.spec.indexed]
                draft.code.add(f"{slot.local} = {twin.local}")
                slot.raised(twin.quoting)
                sure = twin.sure
            else:
                sure = assign_raw(draft, slot, read, optional=optional)
            alone = not slot.touched
            sure = sure and not draft.conditional
            slot.touch(sure=sure)
            if alone and not optional:  # what an earlier move may have set is no copy of this value
                twins.setdefault((slot.kind, slot.spec.indexed), slot)
            if sure and alone and slot.kind == "int" and draft.raw.plain_text:
                slot.digits = read.local


def _keep_newcomer(draft: Draft, slot: Slot, read: Read, head: str) -> None:
    known = f"{read.local} != {slot.local}" + (f" and [{read.local}] != {slot.local}" if slot.kind == "strs" else "")
    draft.code.add(
        f"{head} {read.local} is not None and {known}: flaw = keep(flaw, {draft.constants.name(read.path)}, {read.local})"
    )


def write_first(draft: Draft, candidates: Mapping[str, list[str]]) -> None:
    """Field → candidates: the first that has a value."""
    for target, names in candidates.items():
        slot = draft.slot(target)
        for name in names:
            if slot.touched and slot.sure:
                draft.consume(name) if name not in draft.slots else None
                continue
            known = draft.slots.get(name)
            if known is not None and known.touched and known is not slot:
                with draft.code.block(f"if {slot.local} is None and {known.local} is not None:"):
                    assign_kind(draft, slot, known.local, known.kind, known.quoting)
            else:
                read = draft.consume(name)
                if read.never:
                    continue
                if not slot.touched:
                    sure = assign_raw(draft, slot, read, optional=target.endswith("?"))
                else:
                    with draft.code.block(f"if {slot.local} is None:"):
                        sure = assign_raw(draft, slot, read, optional=target.endswith("?"))
                slot.touch(sure=sure and not draft.conditional)
                continue
            slot.touch(sure=known.sure and not draft.conditional and known.kind == slot.kind)
