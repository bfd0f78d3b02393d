"""A value into an output field: the cast, inline where it is common, and what happens when it fails."""

from __future__ import annotations

from service.normalise.cast import to_boolean, to_float, to_json, to_keyword, to_keywords, to_long, to_longs
from service.pipeline.draft import Draft
from service.pipeline.slots import Kind, Quoting, Slot

_CASTS = {
    "str": (to_keyword, "a keyword"),
    "strs": (to_keywords, "keywords"),
    "int": (to_long, "a long"),
    "ints": (to_longs, "longs"),
    "float": (to_float, "a number"),
    "bool": (to_boolean, "a boolean"),
    "json": (to_json, "an object"),
}
_CLASSES = {"str": "str", "int": "int", "bool": "bool", "float": "float"}
LONGEST = 8191
"""Characters of an indexed keyword: four bytes each stay under Lucene's 32,766."""


def assign_raw(draft: Draft, slot: Slot, local: str, path: tuple[str, ...], *, optional: bool) -> None:
    """Cast the raw value in ``local`` into the slot; what cannot be cast is kept and flagged unless ``optional``.

    Raw text (columns, pattern groups) is ``str`` or None; raw JSON can be anything.
    """
    code, constants = draft.code, draft.constants
    slot.raised(Quoting.LIKE_RAW)
    miss = (
        "pass"
        if optional
        else (f"flaw = cannot_cast(flaw, {slot.name!r}, {constants.name(path)}, {local}, {_wanted(slot)!r})")
    )
    if slot.kind == "ip":
        with code.block(f"if {local} is not None:"):
            key = local if draft.raw.plain_text else f"({local} if {local}.__class__ is str else to_keyword({local}))"
            code.add(f"{slot.local} = addresses[{key}]")
            code.add(f"if {slot.local} is None: {miss}")
    elif slot.kind == "moment":
        times = constants.name(("times", "epoch_auto"), "TIMES")
        with code.block(f"if {local} is not None:"):
            key = local if draft.raw.plain_text else f"({local} if {local}.__class__ in SCALARS else None)"
            code.add(f"{slot.local} = {times}[{key}]")
            code.add(f"if {slot.local} is None: {miss}")
    elif slot.kind == "str" and draft.raw.plain_text:
        code.add(f"if {local}: {slot.local} = {local}")
        _cut(draft, slot, path)
    elif slot.kind == "int" and draft.raw.plain_text and not draft.careful:
        # A column that is no number raises ValueError here, and the careful form takes the event.
        code.add(f"if {local} is not None: {slot.local} = int({local}) if len({local}) < 19 else whole({local})")
    else:
        _cast(draft, slot, local, miss)
        if slot.kind == "str":
            _cut(draft, slot, path)


def _cast(draft: Draft, slot: Slot, local: str, miss: str) -> None:
    function, _ = _CASTS[slot.kind]
    name = draft.constants.name(function, function.__name__)
    cls = _CLASSES.get(slot.kind)
    if cls is None or draft.raw.plain_text:
        with draft.code.block(f"if {local} is not None:"):
            _attempt(draft, slot, local, name, miss)
        return
    extra = f" and -LONG <= {local} < LONG" if cls == "int" else f" and {local}" if cls == "str" else ""
    with draft.code.block(f"if {local}.__class__ is {cls}{extra}:"):
        draft.code.add(f"{slot.local} = {local}")
    with draft.code.block(f"elif {local} is not None:"):
        _attempt(draft, slot, local, name, miss)


def _attempt(draft: Draft, slot: Slot, local: str, function: str, miss: str) -> None:
    draft.code.add(f"{slot.local} = {function}({local})")
    if slot.kind == "strs" and slot.spec.type == "ip":
        draft.code.add(f"if {slot.local} is not None: {slot.local} = canonical(addresses, {slot.local})")
    draft.code.add(f"if {slot.local} is None: {miss}")


def _cut(draft: Draft, slot: Slot, path: tuple[str, ...]) -> None:
    if draft.careful and slot.spec.indexed:
        with draft.code.block(f"if {slot.local} is not None and len({slot.local}) > {LONGEST}:"):
            draft.code.add(
                f"flaw = flag(keep(flaw, {draft.constants.name(path)}, {slot.local}), 'too_long', "
                f"{slot.name + ': longer than a keyword may be, cut'!r})"
            )
            draft.code.add(f"{slot.local} = {slot.local}[:{LONGEST}] + '…'")


def _wanted(slot: Slot) -> str:
    if slot.kind == "ip":
        return "an IP address"
    if slot.kind == "moment":
        return "a time"
    return _CASTS[slot.kind][1]


def assign_kind(draft: Draft, slot: Slot, local: str, kind: Kind, quoting: Quoting) -> None:
    """Set the slot from a local of a known kind that is not None."""
    slot.raised(quoting)
    draft.code.add(f"{slot.local} = {converted(draft, local, kind, slot)}")


def converted(draft: Draft, local: str, kind: Kind, slot: Slot) -> str:
    """Python expression that makes a value of one kind into that of the slot; None where it cannot be done."""
    if kind == slot.kind:
        if kind == "strs" and slot.spec.type == "ip":
            return f"canonical(addresses, {local})"
        return local
    text = f"{local}[0]" if kind in ("ip", "moment") else local
    is_text = kind in ("str", "ip", "moment")
    match slot.kind:
        case "str":
            return text if is_text else f"{draft.constants.name(to_keyword, 'to_keyword')}({local})"
        case "strs":
            listed = f"[{text}]" if is_text else f"{draft.constants.name(to_keywords, 'to_keywords')}({local})"
            return f"canonical(addresses, {listed})" if slot.spec.type == "ip" else listed
        case "ip":
            return f"addresses[{text}]"
        case "moment":
            return f"{draft.constants.name(('times', 'epoch_auto'), 'TIMES')}[{local}]"
        case "json":
            return (
                f"dumps({local})"
                if kind in ("strs", "ints")
                else f"{draft.constants.name(to_json, 'to_json')}({local})"
            )
        case _:
            function, _ = _CASTS[slot.kind]
            return f"{draft.constants.name(function, function.__name__)}({local})"
