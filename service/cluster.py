"""What the cluster should hold, as values: templates, policies, settings, roles; and whether it does already."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """Kinds of objects, in the order in which they have to be put."""

    SETTING = "cluster setting"
    COMPONENT = "component template"
    TEMPLATE = "index template"
    MAPPING = "index mapping"
    POLICY = "ISM policy"
    ROLE = "role"
    SAVED_OBJECT = "saved object"


@dataclass(frozen=True, slots=True)
class Wanted:
    """An object as it should be; ``body`` is what its API takes."""

    kind: Kind
    name: str
    body: dict[str, Any]


def holds(found: Any, wanted: Any) -> bool:
    """Whether ``found`` says everything that ``wanted`` says; OpenSearch adds defaults and turns scalars into strings."""
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(key in found and holds(found[key], value) for key, value in wanted.items())
    if isinstance(wanted, list):
        return (isinstance(found, list) and len(found) == len(wanted) and all(map(holds, found, wanted))) or (
            len(wanted) == 1 and holds(found, wanted[0])
        )
    if isinstance(wanted, bool):
        return found is wanted or found == str(wanted).lower()
    return bool(found == wanted or str(found) == str(wanted))


def same(found: Any, wanted: Any) -> bool:
    """Whether both say the same, defaults apart: for objects where something too much is a difference as well."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        return found.keys() == wanted.keys() and all(same(found[key], wanted[key]) for key in wanted)
    if isinstance(wanted, list) and isinstance(found, list):
        return len(found) == len(wanted) and all(map(same, found, wanted))
    return not isinstance(wanted, (dict, list)) and holds(found, wanted)
