"""Raw fields that steps read and nothing took: what is left of an event."""

from __future__ import annotations

from service.pipeline.draft import Draft
from service.pipeline.raw import FACTS


def keep_unplaced(draft: Draft) -> None:
    """Write the code that keeps what no step took, or only steps under conditions."""
    for read in list(draft.raw.reads.values()):
        overlaid = read.local in draft.raw.overlay.values()
        above = (draft.raw.reads.get(read.path[:depth]) for depth in range(1, len(read.path)))
        if read.consumed or read.path[0] in ("_pattern", *FACTS) or any(each and each.consumed for each in above):
            continue  # who takes an object takes what is in it
        name = draft.constants.name(read.path)
        if read.conditional is not None:
            draft.code.add(f"if not {read.conditional} and {read.local} is not None: flaw = keep(flaw, {name}, {read.local})")
        elif overlaid:
            draft.code.add(f"if {read.local} is not None: flaw = keep(flaw, {name}, {read.local})")
    known = {read.path[0] for read in draft.raw.reads.values() if len(read.path) == 1}
    for group, local in draft.raw.overlay.items():
        if group not in known and group != "_pattern":
            draft.code.add(f"if {local} is not None: flaw = keep(flaw, {draft.constants.name((group,))}, {local})")
