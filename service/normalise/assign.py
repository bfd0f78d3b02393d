"""A value into an output field: the cast, inline where it is common, and what happens when it fails."""

from __future__ import annotations

from collections.abc import Callable

from service.normalise.cast import to_boolean, to_float, to_json, to_keyword, to_keywords, to_long, to_longs
from service.normalise.open_object import open_object
from service.pipeline.draft import Draft
from service.pipeline.raw import Read
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
_PLAIN: dict[str, type] = {"str": str, "int": int, "bool": bool, "float": float}
LONGEST = 8191
"""Characters of an indexed keyword: four bytes each stay under Lucene's 32,766."""
LONGEST_WILDCARD = 32_000
"""Characters of a wildcard field, of which three at a time are indexed: scripts are looked through to their end."""


def assign_raw(draft: Draft, slot: Slot, read: Read, *, optional: bool) -> bool:
    """Cast a raw value into the slot; what cannot be cast is kept and flagged unless ``optional``.

    Gives whether the slot is sure to have a value now, for every event that this form takes.

    Raw columns are ``str`` or None; raw JSON can be anything. The fast forms do not flag: they raise, and the careful form
    takes the event.
    """
    local, code = read.local, draft.code
    slot.raised(Quoting.ALWAYS if read.foreign else Quoting.LIKE_RAW)
    if optional:
        miss = "pass"
    elif not draft.careful:
        miss = "raise ValueError"
    else:
        name = draft.constants.name(read.path)
        miss = f"flaw = cannot_cast(flaw, {slot.name!r}, {name}, {local}, {_wanted(slot)!r})"
    if read.type is not None and _takes(slot, read):
        return _assign_known(draft, slot, read, miss)
    if read.sure:
        _assign(draft, slot, read, miss)
        return draft.raw.plain_text and not optional and not draft.careful
    with code.block(f"if {local} is not None:"):
        _assign(draft, slot, read, miss)
    return False


def _takes(slot: Slot, read: Read) -> bool:
    return read.type is _PLAIN.get(slot.kind) or (slot.kind in ("ip", "moment") and read.type is str)


def _assign_known(draft: Draft, slot: Slot, read: Read, miss: str) -> bool:
    """The value is of the very type: no test but for emptiness, range, and what only text can tell."""
    local, code = read.local, draft.code
    match slot.kind:
        case "ip" | "moment":
            table = "addresses" if slot.kind == "ip" else draft.constants.name(("times", "epoch_auto"), "TIMES")
            code.add(f"{slot.local} = {table}[{local}]", f"if {slot.local} is None: {miss}")
            return miss != "pass"
        case "int":
            code.add(f"if not -LONG <= {local} < LONG: raise ValueError")
        case "str":
            code.add(f"if not {local}: raise ValueError")
    code.add(f"{slot.local} = {local}")
    return True


def _assign(draft: Draft, slot: Slot, read: Read, miss: str) -> None:
    local, code, constants = read.local, draft.code, draft.constants
    text = draft.raw.plain_text
    if slot.kind == "ip":
        code.add(f"{slot.local} = addresses[{local}]" + ("" if text else f" if {local}.__class__ is str else None"))
        code.add(f"if {slot.local} is None: {miss}")
    elif slot.kind == "moment":
        times = constants.name(("times", "epoch_auto"), "TIMES")
        code.add(f"{slot.local} = {times}[{local}]" + ("" if text else f" if {local}.__class__ in SCALARS else None"))
        code.add(f"if {slot.local} is None: {miss}")
    elif text and slot.kind == "str":
        code.add(f"{slot.local} = {local}" + (" or None" if draft.careful else ""))
    elif text and slot.kind == "int" and not draft.careful:
        if read.sure:
            # Canonical digits, so that the text itself can stand in the document.
            code.add(f"if not {local}.isdigit() or len({local}) > 18 or ({local}[0] == '0' and {local} != '0'): raise ValueError")
        code.add(f"{slot.local} = int({local}) if len({local}) < 19 else whole({local})")
    else:
        function = constants.name(_cast_of(draft, slot), f"to_{slot.kind}")
        cls = _CLASSES.get(slot.kind)
        if cls is not None and not text:
            extra = f" and -LONG <= {local} < LONG" if cls == "int" else f" and {local}" if cls == "str" else ""
            code.add(f"if {local}.__class__ is {cls}{extra}: {slot.local} = {local}")
            with code.block("else:"):
                _convert(draft, slot, local, function, miss)
        else:
            _convert(draft, slot, local, function, miss)
    if slot.kind == "str":
        _cut(draft, slot, read.path)


def _cast_of(draft: Draft, slot: Slot) -> Callable[..., object]:
    if not slot.spec.open:
        return _CASTS[slot.kind][0]
    below = slot.name + "."
    leaves = tuple(name.removeprefix(below) for name in draft.catalogue.fields if name.startswith(below))
    spec = slot.spec
    return open_object(leaves, snake_case=spec.snake, names=spec.names, verbatim=spec.verbatim, moments=spec.moments)


def _convert(draft: Draft, slot: Slot, local: str, function: str, miss: str) -> None:
    draft.code.add(f"{slot.local} = {function}({local})")
    if slot.kind == "strs" and slot.spec.type == "ip":
        draft.code.add(f"if {slot.local} is not None: {slot.local} = canonical(addresses, {slot.local})")
    # An empty value is no value: nothing is missed.
    draft.code.add(f"if {slot.local} is None and {local} not in EMPTY: {miss}")


def _cut(draft: Draft, slot: Slot, path: tuple[str, ...]) -> None:
    if draft.careful and slot.spec.indexed:
        longest = LONGEST_WILDCARD if slot.spec.type == "wildcard" else LONGEST
        with draft.code.block(f"if {slot.local} is not None and len({slot.local}) > {longest}:"):
            draft.code.add(
                f"flaw = flag(keep(flaw, {draft.constants.name(path)}, {slot.local}), 'too_long', "
                f"{slot.name + ': longer than a keyword may be, cut'!r})"
            )
            draft.code.add(f"{slot.local} = {slot.local}[:{longest}] + '…'")


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


def add_kind(draft: Draft, slot: Slot, local: str, kind: Kind, quoting: Quoting) -> None:
    """Add what a local of a known kind holds to a list that may have values already: each once, first come first."""
    slot.raised(quoting)
    more = converted(draft, local, kind, slot)
    draft.code.add(f"{slot.local} = distinct((*({slot.local} or ()), *({more} or ()))) or None")


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
            return f"dumps({local})" if kind in ("strs", "ints") else f"{draft.constants.name(to_json, 'to_json')}({local})"
        case _:
            function, _ = _CASTS[slot.kind]
            return f"{draft.constants.name(function, function.__name__)}({local})"
