"""Where an address is: what the event itself says of it beside what a database knows."""

from __future__ import annotations

from service.pipeline.draft import Draft
from service.pipeline.slots import Slot

GEO_PARENTS = ("source", "destination", "client", "server")
_COARSE = frozenset({".geo.country_iso_code", ".as.number"})
"""What an event may know of an address and still a database is believed."""


def give_way(draft: Draft) -> None:
    """Where the event knows a country or a network's number and no more, drop that if a database has more to say."""
    for parent in GEO_PARENTS:
        address, own = draft.slots.get(f"{parent}.ip"), _own(draft, parent)
        if address is None or not address.touched or not _coarse(own, parent):
            continue
        for slot in own:
            part = '"geo"' if ".geo." in slot.name else '"as"'
            draft.code.add(f"if {address.local} is not None and {part!r} in {address.local}[1]: {slot.local} = None")
            slot.sure = False


def unless_known(draft: Draft, parent: str, fragment: str) -> str:
    """The fragment, unless the event itself says where the address is."""
    own = _own(draft, parent)
    if not own or _coarse(own, parent):
        return fragment
    return f"({fragment} if {' is '.join([*(slot.local for slot in own), 'None'])} else '')"


def _own(draft: Draft, parent: str) -> list[Slot]:
    prefixes = (f"{parent}.geo.", f"{parent}.as.")
    return [slot for name, slot in draft.slots.items() if name.startswith(prefixes) and slot.touched]


def _coarse(own: list[Slot], parent: str) -> bool:
    return bool(own) and {slot.name.removeprefix(parent) for slot in own} <= _COARSE
