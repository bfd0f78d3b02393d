"""A route taken apart: what the slice's facts decide once, and what only the event itself can tell."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from service.decode import Table
from service.match import And, Node, Or, fields

FACTS = ("log_group", "log_stream", "transport", "source", "detail_type", "stream", "account", "columns", "s3_bucket", "s3_key")
"""Fields of a selection that mean the slice; every other name is a field of the event, ``_text`` all of it."""
EVERYTHING = And(())


@dataclass(frozen=True, slots=True)
class Route:
    """Which events belong to a dataset, and how the columns of its text are found."""

    dataset: str
    selection: Node
    column_sources: tuple[str, ...] = ()
    """``declared``, ``header``, ``default`` in the pipeline's order; empty: not columnar."""
    columns: tuple[tuple[str, str], ...] = ()
    """Log group or stream pattern → column list, from the tuning."""
    last: bool = False
    """Asked after all routes that are not."""
    table: Table | None = None
    """What its files are, where a header line names their columns."""
    joins: bool = False
    """Its entries may have come in pieces, of which only the first says whose they are."""


@dataclass(frozen=True, slots=True)
class Alternative:
    """One way to belong to a dataset: ``gate`` reads facts only, ``content`` (None: nothing more is asked) the event."""

    dataset: str
    gate: Node
    content: Node | None
    last: bool = False

    def rank(self) -> tuple[bool, bool, int, str]:
        """Facts before content, more fields before fewer, then by name; what is last comes after all of these."""
        asked = fields(self.gate) | (fields(self.content) if self.content is not None else set())
        return self.last, self.content is not None, -len(asked), self.dataset


def alternatives(route: Route) -> Iterator[Alternative]:
    """The ways of a route, each with its facts and its content apart."""
    ways = route.selection.nodes if isinstance(route.selection, Or) else (route.selection,)
    for way in ways:
        conditions = way.nodes if isinstance(way, And) else (way,)
        gate = tuple(one for one in conditions if fields(one) <= set(FACTS))
        content = tuple(one for one in conditions if not fields(one) <= set(FACTS))
        yield Alternative(route.dataset, And(gate), And(content) if content else None, route.last)
