"""Raw fields that steps read and nothing took: what is left of an event."""

from __future__ import annotations

from types import NoneType

from service.pipeline.draft import Draft
from service.pipeline.paths import EACH
from service.pipeline.raw import FACTS, Read, Tree


def keep_unplaced(draft: Draft) -> None:
    """Write the code that keeps what no step took, or only steps under conditions."""
    lists: dict[tuple[str, ...], list[Read]] = {}
    for read in list(draft.raw.reads.values()):
        overlaid = read.local in draft.raw.overlay.values()
        above = (draft.raw.reads.get(read.path[:depth]) for depth in range(1, len(read.path)))
        if read.consumed or read.path[0] in ("_pattern", *FACTS) or any(each and each.consumed for each in above):
            continue  # who takes an object takes what is in it
        if EACH in read.path:
            if read.conditional is not None and isinstance(draft.raw, Tree):
                lists.setdefault(read.path[: read.path.index(EACH)], []).append(read)
            continue
        name = draft.constants.name(read.path)
        if read.conditional is not None:
            draft.code.add(f"if not {read.conditional} and {read.local} is not None: flaw = keep(flaw, {name}, {read.local})")
        elif overlaid:
            draft.code.add(f"if {read.local} is not None: flaw = keep(flaw, {name}, {read.local})")
    for keys, reads in lists.items():
        _keep_elements(draft, keys, reads)
    known = {read.path[0] for read in draft.raw.reads.values() if len(read.path) == 1}
    for group, local in draft.raw.overlay.items():
        if group not in known and group != "_pattern":
            draft.code.add(f"if {local} is not None: flaw = keep(flaw, {draft.constants.name((group,))}, {local})")


def _keep_elements(draft: Draft, keys: tuple[str, ...], reads: list[Read]) -> None:
    """Keep what the elements of a list hold beside what steps took, of which some are carried out under conditions."""
    raw = draft.raw
    if not isinstance(raw, Tree) or keys in raw.reads or raw.type_of(keys) is NoneType:
        return  # whoever reads the list as a whole says what becomes of it
    at, constants = len(keys), draft.constants
    held = raw.hold(keys).local
    always = tuple(read.path[at:] for read in raw.reads.values() if read.consumed and read.path[: at + 1] == (*keys, EACH))
    perhaps = "".join(f", ({read.conditional}, {constants.name(read.path[at:])})" for read in reads)
    taken = f"taken_of({constants.name(always)}{perhaps})"
    draft.code.add(f"if {held} is not None: flaw = keep_elements(flaw, {constants.name(keys)}, {held}, {taken})")
