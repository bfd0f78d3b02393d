"""Rules as they were written: what they are called, what they look at, what they ask; nothing is compiled here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from service.errors import Place
from service.match import Node

Level = Literal["informational", "low", "medium", "high", "critical"]
Status = Literal["stable", "test", "experimental", "deprecated", "unsupported"]
LEVELS: tuple[Level, ...] = get_args(Level)
STATUSES: tuple[Status, ...] = get_args(Status)


@dataclass(frozen=True, slots=True)
class Logsource:
    """What Sigma calls a log source; any of the three may be missing."""

    product: str | None = None
    category: str | None = None
    service: str | None = None

    def __str__(self) -> str:
        """``product/category/service`` with what there is."""
        return "/".join(each for each in (self.product, self.category, self.service) if each) or "nothing"


@dataclass(frozen=True, slots=True)
class About:
    """What rules and correlations say of themselves."""

    id: str
    """UUID; of a rule without one, made from its title and place."""
    title: str
    place: Place
    """Where the rule begins."""
    name: str | None = None
    """By which correlations may call it."""
    status: Status = "experimental"
    level: Level = "medium"
    description: str = ""
    references: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    author: str = ""
    falsepositives: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    """Fields worth showing, in the rule's own spelling."""
    custom: Mapping[str, Any] = field(default_factory=dict, hash=False)
    """Keys that Sigma does not know: triage steps, severities by environment …"""

    @property
    def counted_only(self) -> bool:
        """Matches are counted and raise no alert."""
        return self.status not in ("stable", "test")


@dataclass(frozen=True, slots=True)
class Rule:
    """A Sigma rule."""

    about: About
    logsource: Logsource
    node: Node
    """Its condition over the rule's own field names."""
    places: Mapping[str, Place] = field(default_factory=dict, hash=False, compare=False)
    """Field → where it first stands."""

    @property
    def id(self) -> str:
        """The id, a UUID."""
        return self.about.id

    @property
    def title(self) -> str:
        """One line."""
        return self.about.title
