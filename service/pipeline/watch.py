"""Values of an event that are handed out beside its document, for who must decide quickly whether to read it."""

from __future__ import annotations

from typing import Any, NamedTuple

from service.pipeline.automatic import AUTOMATIC
from service.pipeline.draft import Draft
from service.pipeline.places import GEO_PARENTS
from service.pipeline.schema import PipelineFile
from service.pipeline.slots import Kind, Slot

TEXT = "_text"
"""The raw event."""
_ALWAYS = {
    "@timestamp": "moment[0]",
    "project.id": "slice_.project",
    "project.environment": "slice_.environment",
    TEXT: "text",
}
"""What every event has, and the expression that holds it."""
_LISTED = "threat.enrichments."
"""Beginning of what threat lists say."""
_SCALAR: frozenset[Kind] = frozenset({"str", "int", "bool", "ip", "float"})
_KNOWN: frozenset[Kind] = _SCALAR | frozenset({"strs"})

Watched = tuple[tuple[Any, ...], tuple[Any, ...]]
"""Values of ``facets`` and of ``texts``: what the document says, None where it says nothing."""


class Watch(NamedTuple):
    """Names of output fields; ``facets`` are scalar."""

    facets: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Whether anything is watched."""
        return bool(self.facets or self.texts)


NOTHING = Watch()


def watchable(watch: Watch, slots: dict[str, Slot], file: PipelineFile) -> Watch:
    """Those that steps alone write: what enrichment or the service adds, or writes over, is not known early enough."""
    return Watch(
        tuple(name for name in watch.facets if _is_ours(name, slots, file, _SCALAR)),
        tuple(name for name in watch.texts if name in _ALWAYS or _is_ours(name, slots, file, _KNOWN)),
    )


def write_watched(draft: Draft, watch: Watch) -> None:
    """Hand the values of this event out."""
    facets, texts = (",".join(f"{_value(draft, name)}" for name in names) for names in watch)
    draft.code.add(f"watched.append((({facets}{',' if facets else ''}), ({texts}{',' if texts else ''})))")


def _is_ours(name: str, slots: dict[str, Slot], file: PipelineFile, kinds: frozenset[Kind]) -> bool:
    if name.startswith(_LISTED) and kinds is _KNOWN:
        # Threat lists are asked before values are handed out, unless steps of the source say themselves what is known.
        return not any(each.touched and _LISTED.startswith(f"{each.name}.") for each in slots.values())
    if name in AUTOMATIC or _is_added(name, file):
        return False
    slot = slots.get(name)
    if slot is not None and slot.touched:
        return slot.kind in kinds
    # Nobody writes it, so there is none; unless it is inside an object that passes through.
    return not any(name.startswith(f"{each.name}.") for each in slots.values() if each.touched and each.kind == "json")


def _is_added(name: str, file: PipelineFile) -> bool:
    """Whether enrichment, or what relates fields to each other, may write it."""
    parent, _, key = name.rpartition(".")
    if name.startswith(("related.", "labels.", "project.", "threat.", "siem.")):
        return True
    if name in ("network.community_id", "network.type", "event.original"):
        return True
    if parent.partition(".")[0] in GEO_PARENTS and (".geo." in name or ".as." in name):
        return True
    if name == "identity.chain" and "identity" in file.enrich:
        return True
    if "domain" in file.enrich and key in ("registered_domain", "subdomain", "top_level_domain"):
        return True
    return parent.startswith("user_agent") and name != "user_agent.original"


def _value(draft: Draft, name: str) -> str:
    if (always := _ALWAYS.get(name)) is not None:
        return always
    if name.startswith(_LISTED):
        keys = draft.constants.name(tuple(name.removeprefix(_LISTED).split(".")))
        return f"(listed(threats, {keys}) if threats else None)" if draft.asks_lists else "None"
    slot = draft.slots.get(name)
    if slot is None or not slot.touched:
        return "None"
    if slot.constant is not None:
        return repr(slot.constant) if not isinstance(slot.constant, list) else slot.local
    if slot.kind == "ip":
        return f"{slot.local}[0]" if slot.sure else f"({slot.local} and {slot.local}[0])"
    return slot.digits or slot.local
