"""set, translate and classify: constants, tables, and what ECS calls the event."""

from __future__ import annotations

from collections.abc import Mapping

from service.errors import ContentError
from service.normalise.cast import to_boolean, to_float, to_keyword, to_keywords, to_long, to_longs
from service.normalise.tables import TABLES
from service.pipeline.draft import Draft
from service.pipeline.schema import Class, Translate
from service.pipeline.slots import Slot, Words

OTHERWISE = "*"
_CAST = {
    "str": to_keyword,
    "strs": to_keywords,
    "int": to_long,
    "ints": to_longs,
    "float": to_float,
    "bool": to_boolean,
}
_CLASS_FIELDS = {"kind": "event.kind", "category": "event.category", "type": "event.type", "outcome": "event.outcome"}


def constant(draft: Draft, slot: Slot, value: object) -> object:
    """A constant from a file as the slot's kind of value; ContentError ``wrong_constant`` when it is not of that type."""
    cast = _CAST.get(slot.kind)
    made = None if cast is None else cast(value)
    if isinstance(made, list) and slot.kind == "strs":
        made = Words(map(str, made))
    if made is None:
        raise ContentError(
            draft.place,
            "wrong_constant",
            f"{value!r} is no value for {slot.name} ({slot.spec.type})",
            f"write a {slot.spec.type}",
        )
    if slot.spec.allowed:
        for word in made if isinstance(made, list) else [made]:
            if word not in slot.spec.allowed:
                raise ContentError(
                    draft.place,
                    "not_allowed",
                    f"ECS does not allow {word!r} in {slot.name}",
                    "allowed: " + ", ".join(slot.spec.allowed),
                )
    return made


def _expression(draft: Draft, value: object) -> str:
    return draft.constants.name(value) if isinstance(value, list) else repr(value)


def write_set(draft: Draft, values: Mapping[str, object]) -> None:
    """Field → constant; overwrites."""
    for target, value in values.items():
        slot = draft.slot(target)
        made = constant(draft, slot, value)
        draft.code.add(f"{slot.local} = {_expression(draft, made)}")
        alone = not slot.touched and not draft.conditional
        slot.touch(sure=not draft.conditional)
        if alone:
            slot.constant = made


def write_translate(draft: Draft, target: str, rule: Translate) -> None:
    """Target ← table[source]. In place without ``"*"``, values that are not in the table stay."""
    slot = draft.slot(target)
    if rule.table is not None and rule.table not in TABLES:
        raise ContentError(draft.place, "unknown_table", f"there is no table {rule.table}", "known: " + ", ".join(sorted(TABLES)))
    entries = _entries(draft, slot, rule)
    default = (rule.values or {}).get(OTHERWISE)
    source = draft.value(rule.source) if rule.source else slot.local
    if rule.source and rule.source not in draft.slots:
        source = draft.consume(rule.source).local if not rule.source.startswith("_") else source
    if source == "None" or (rule.source is None and not slot.touched):
        return
    table = draft.constants.name(entries, "TABLE")
    hashable = f"({source} if {source}.__class__ in SCALARS else None)" if not draft.raw.plain_text else source
    fallback = "None"
    if default is not None:
        fallback = _expression(draft, constant(draft, slot, default))
    elif rule.source is None:
        fallback = slot.local
    sure = not draft.conditional and _is_sure(draft, rule.source or target)
    if (default is not None or rule.source is None) and slot.name in draft.complete:
        found = draft.code.local(slot.name)
        draft.code.add(f"{found} = {table}.get({hashable})")
        _news(draft, slot.name, found, source)
        test = "" if sure else f"if {source} is not None: "
        draft.code.add(f"{test}{slot.local} = {fallback} if {found} is None else {found}")
        slot.touch(sure=sure)
    elif default is not None or rule.source is None:
        test = "" if sure else f"if {source} is not None: "
        draft.code.add(f"{test}{slot.local} = {table}.get({hashable}, {fallback})")
        slot.touch(sure=sure)
    else:
        # Another field's table that has no entry leaves a value that is already there.
        found = draft.code.local(slot.name)
        draft.code.add(f"{found} = {table}.get({hashable})")
        if slot.name in draft.complete:
            _news(draft, slot.name, found, source)
        draft.code.add(f"if {found} is not None: {slot.local} = {found}")
        slot.touch()


def _entries(draft: Draft, slot: Slot, rule: Translate) -> dict[object, object]:
    """The table, with numbers and booleans also as what they are written like."""
    entries: dict[object, object] = {}
    for key, value in ((TABLES[rule.table] if rule.table else None) or rule.values or {}).items():
        if key == OTHERWISE:
            continue
        made = constant(draft, slot, value)
        entries[key] = made
        if isinstance(key, str) and key.lstrip("-").isdecimal():
            entries[int(key)] = made
        elif isinstance(key, int):
            entries[str(key)] = made
        elif key in ("true", "false"):
            entries[key == "true"] = made
    return entries


def _news(draft: Draft, name: str, found: str, source: str) -> None:
    """Write that a value is remembered which a table does not have that should have them all."""
    draft.code.add(f"if {found} is None and {source} is not None: flaw = unknown(flaw, {name!r}, {source})")


def _is_sure(draft: Draft, name: str) -> bool:
    slot = draft.slots.get(name.removesuffix("?"))
    return slot is not None and slot.touched and slot.sure


def write_classify(draft: Draft, name: str, classes: Mapping[str, Class]) -> None:
    """Field → value → categories; ``"*"`` for every other value, also for none at all."""
    used = [attribute for attribute in _CLASS_FIELDS if any(getattr(each, attribute) is not None for each in classes.values())]
    slots = [draft.slot(_CLASS_FIELDS[attribute]) for attribute in used]
    entries: dict[object, tuple[object, ...]] = {}
    for key, each in classes.items():
        entries[key] = tuple(
            None if (value := getattr(each, attribute)) is None else constant(draft, slot, value)
            for attribute, slot in zip(used, slots, strict=True)
        )
    default = entries.pop(OTHERWISE, None)
    source = draft.value(name)
    if not draft.raw.plain_text:
        source = f"({source} if {source}.__class__ in SCALARS else None)"
    table, found = draft.constants.name(entries, "CLASSES"), draft.code.local(name)
    if name in draft.complete:
        draft.code.add(f"{found} = {table}.get({source})")
        _news(draft, name, found, draft.value(name))
        if default:
            draft.code.add(f"if {found} is None: {found} = {draft.constants.name(default, 'CLASS')}")
    else:
        draft.code.add(f"{found} = {table}.get({source}, {draft.constants.name(default, 'CLASS') if default else 'None'})")
    with draft.code.block(f"if {found} is not None:" if default is None else "if True:"):
        for index, slot in enumerate(slots):
            always = all(entry[index] is not None for entry in [*entries.values(), *([default] if default else [])])
            test = "" if always else f"if {found}[{index}] is not None: "
            draft.code.add(f"{test}{slot.local} = {found}[{index}]")
            slot.touch(sure=always and default is not None and not draft.conditional)
