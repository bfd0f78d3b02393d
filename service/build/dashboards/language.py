"""The language of ``dashboard.yml``: panels over the fields of one index pattern or several."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from service.fields import FieldName

Kind = Literal[
    "metric", "line", "area", "bar", "pie", "table", "heatmap", "map", "tagcloud", "gauge", "search", "markdown"
]  # fmt: skip
Selection = dict[str, object] | list[dict[str, object]]
Title = Annotated[str, StringConstraints(min_length=1, max_length=120, pattern=r"\S")]
IndexName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]*\*?$")]
Ago = Annotated[str, StringConstraints(pattern=r"^now-[1-9][0-9]{0,3}[mhdwMy](/[hdwMy])?$")]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, defer_build=True)


class Metric(_Part):
    """What is measured: exactly one of the functions, of one field."""

    sum: FieldName | None = None
    """Sum of a number."""
    avg: FieldName | None = None
    """Average of a number."""
    min: FieldName | None = None
    """Smallest number or date."""
    max: FieldName | None = None
    """Largest number or date."""
    median: FieldName | None = None
    """Middle of a number's values."""
    cardinality: FieldName | None = None
    """How many different values."""
    percentiles: FieldName | None = None
    """Percentiles ``of`` a number."""
    of: list[Annotated[float, Field(gt=0, lt=100)]] = [50, 95, 99]
    """Which percentiles."""
    label: str | None = None
    """What it is called in the panel."""


class Range(_Part):
    """From (inclusive) to (exclusive); without one of them it is open on that side."""

    start: float | None = None
    """First number in the range."""
    end: float | None = None
    """First number beyond it."""


class Split(_Part):
    """What a panel is divided by: the values of ``field``, or named selections."""

    field: FieldName | None = None
    """A date makes a time axis, a number with ``interval`` a histogram, anything else its most frequent values."""
    top: Annotated[int, Field(ge=1, le=500)] = 10
    """How many values."""
    order: Literal["desc", "asc"] = "desc"
    """The largest first, or the smallest."""
    by: Literal["metric", "value"] = "metric"
    """Order by the first metric, or by the value itself."""
    interval: str | Annotated[float, Field(gt=0)] | None = None
    """Of a date: ``auto`` (default), ``m``, ``h``, ``d``, ``w``, ``M``; of a number: the width of a bar."""
    ranges: list[Range] = []
    """Ranges of a number."""
    networks: list[str] = []
    """CIDR networks of an address."""
    selections: dict[Title, Selection] = {}
    """Name → Sigma selection, instead of a field."""
    label: str | None = None
    """What the axis or column is called."""


class Panel(_Part):
    """One rectangle of a dashboard."""

    title: Title
    """What it shows; unique in its dashboard."""
    kind: Kind
    """How it shows it. A ``bar`` over time or numbers stands, over values it lies."""
    index: IndexName | None = None
    """Dataset, the datasets whose names begin so (``aws.eks_*``), ``events`` (all of them), ``dead-letters``, ``alerts``,
    ``cadence`` or ``ledger``; default: the dashboard's."""
    when: Selection | None = None
    """Sigma selection: only these documents. Values match as they are stored, in their case."""
    metrics: list[Literal["count"] | Metric] = ["count"]
    """What is measured."""
    by: list[FieldName | Split] = []
    """What it is divided by, outermost first: the time or category axis, then the series or columns."""
    columns: list[FieldName] = []
    """Of a ``search``: the columns, after the time."""
    text: str | None = None
    """Of ``markdown``: the text."""
    alarm: Annotated[float, Field(gt=0)] | None = None
    """Of ``metric`` and ``gauge``: red from this number on."""
    donut: bool = True
    """Of ``pie``: with a hole."""
    stacked: bool = True
    """Of ``area`` and ``bar``: series on top of each other."""
    size: tuple[Annotated[int, Field(ge=1, le=48)], Annotated[int, Field(ge=1, le=60)]] | None = None
    """Columns of 48 and rows; default: what suits the kind."""
    about: str = ""
    """One sentence for whoever wonders what it means."""


class DashboardFile(_Part):
    """One dashboard. Project, environment and ``controls`` can be chosen at its top."""

    title: Title
    """Name in the list of dashboards."""
    description: str
    """One sentence: what it answers."""
    index: IndexName | None = None
    """Index of panels that name none; default: the dataset of the folder, else ``events``."""
    since: Ago = "now-24h"
    """Time range when it is opened, until now."""
    controls: list[FieldName] = []
    """More fields to choose values of, besides project and environment."""
    panels: Annotated[list[Panel], Field(min_length=1, max_length=80)]
    """From left to right, from top to bottom."""
