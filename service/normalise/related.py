"""related.*: every address, user, hash and host of the event in one place, without asking the pipeline."""

from __future__ import annotations

from collections.abc import Iterable

from service.pipeline.draft import Draft
from service.pipeline.slots import Quoting, Slot

_USERS = ("user.name", "user.email")
_OTHER_USERS = frozenset({"user.target.name", "user.target.id", "user.changes.name", "user.effective.name", "process.user.name"})
_HOSTS = (
    "host.name",
    "host.hostname",
    "source.domain",
    "destination.domain",
    "client.domain",
    "server.domain",
    "url.domain",
    "dns.question.name",
)


def pivot_of(slot: Slot) -> str | None:
    """The related field that a field's values belong in, or None."""
    name = slot.name
    if name.startswith("related."):
        return name
    if slot.kind == "ip" or (slot.kind == "strs" and slot.spec.type == "ip"):
        return "related.ip"
    if slot.kind not in ("str", "strs"):
        return None
    if name.endswith(_USERS) and name.split(".")[0] in ("user", "source", "destination", "client", "server"):
        return "related.user"
    if name in _OTHER_USERS:
        return "related.user"
    if name in _HOSTS:
        return "related.hosts"
    if ".hash." in name:
        return "related.hash"
    return None


def distinct(values: Iterable[str | None]) -> list[str]:
    """The values without None and repetition, first come first."""
    found = dict.fromkeys(values)
    found.pop(None, None)
    return list(found)  # type: ignore[arg-type]  # None was popped


def _single(slot: Slot) -> str:
    if slot.kind == "ip":
        return f"({slot.local} and {slot.local}[0])"
    if slot.name == "dns.question.name":
        # An address backwards is no host, nor is the root.
        return f"(None if {slot.local} in (None, '.') or {slot.local}[-5:] == '.arpa' else {slot.local})"
    if slot.name == "user.target.id":
        # The number of a user says nothing outside its host.
        return f"(None if {slot.local} is None or {slot.local}.isdecimal() else {slot.local})"
    return slot.local


def write_related(draft: Draft) -> None:
    """Collect what the set fields hold into ``related.ip``, ``related.user``, ``related.hosts`` and ``related.hash``."""
    groups: dict[str, list[Slot]] = {}
    for slot in list(draft.slots.values()):
        pivot = pivot_of(slot)
        if pivot is not None and slot.touched:
            groups.setdefault(pivot, []).append(slot)
    for pivot, sources in sorted(groups.items()):
        target = draft.slot(pivot)
        singles, lists = [], [target.local] if target.touched else []
        for slot in sources:
            if slot is target:
                continue
            target.raised(slot.quoting)
            if slot.kind == "strs":
                lists.append(slot.local)
            else:
                singles.append(_single(slot))
        # A local of its own: what the steps made of it may be known beforehand, what is collected here is not.
        target.move_to(draft.code.local(pivot, "o"))
        if not lists and len(singles) == 2 and all(slot.sure for slot in sources):
            one, other = (
                single if slot.kind != "ip" else f"{slot.local}[0]" for single, slot in zip(singles, sources, strict=True)
            )
            if target.quoting == Quoting.ALWAYS or (draft.careful and target.quoting == Quoting.LIKE_RAW):
                draft.code.add(f"{target.local} = [{one}, {other}] if {one} != {other} else [{one}]")
            else:
                pair = f"""f'["{{{one}}}","{{{other}}}"]' if {one} != {other} else f'["{{{one}}}"]'"""
                draft.code.add(f"{target.local} = {pair}")
                target.kind = "json"
            target.touch(sure=True)
            continue
        values = ", ".join([*singles, *(f"*({each} or ())" for each in lists)])
        if len(singles) == 1 and not lists:
            draft.code.add(f"{target.local} = [{singles[0]}] if {singles[0]} is not None else None")
        else:
            draft.code.add(f"{target.local} = distinct(({values},)) or None")
        target.touch()
