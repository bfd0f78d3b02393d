"""What a hunt found, as people and programs read it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from service.alerts.link import evidence_link
from service.alerts.principal import principal_of, value_of
from service.alerts.rule import severities
from service.detect.joining import TIME, milliseconds
from service.detect.rule import About
from service.offline.correlate import CorrelationHit
from service.offline.detect import Hit
from service.spans import moment

LONGEST = 120
"""Characters of a cell."""


@dataclass(slots=True)
class Row:
    """A match, or a correlation that fired."""

    time: str
    project: str
    dataset: str
    level: str
    rule: str
    principal: str
    what: str
    link: str
    """Opens it in Dashboards; the part behind its address where that is not known."""
    shown: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> str:
        """All of it, one line."""
        return orjson.dumps(self.shown).decode()


def row_of(found: Hit | CorrelationHit, dashboards_url: str | None) -> Row:
    """The match as a row."""
    return _of_match(found, dashboards_url) if isinstance(found, Hit) else _of_fired(found, dashboards_url)


def _of_match(hit: Hit, url: str | None) -> Row:
    document = hit.document
    at_ms = milliseconds(document.get(TIME)) or 0
    principal = principal_of(document)
    row = _row(document, hit.rule.about, hit.dataset, evidence_link(url, hit.dataset, [hit.id], at_ms, at_ms))
    row.shown = {
        **_told(row, document, hit.rule.about),
        "principal": {"field": principal.kind, "name": principal.name},
        "_index": hit.index,
        "_id": hit.id,
        "_source": document,
    }
    return row


def _of_fired(fired: CorrelationHit, url: str | None) -> Row:
    about, last = fired.correlation.about, fired.hits[-1]
    link = evidence_link(url, last.dataset, [hit.id for hit in fired.hits], fired.fired.first_ms, fired.fired.last_ms)
    row = _row(last.document, about, "+".join(dict.fromkeys(hit.dataset for hit in fired.hits)), link)
    row.time = moment(fired.fired.last_ms)
    row.what = f"{fired.fired.events} events since {moment(fired.fired.first_ms)}"
    if fired.grouped:
        row.principal = ", ".join(f"{name}={value}" for name, value in fired.grouped.items())
    row.shown = {
        **_told(row, last.document, about),
        "correlation": fired.correlation.kind,
        "group": fired.grouped,
        "first": moment(fired.fired.first_ms),
        "last": row.time,
        "events": fired.fired.events,
        "evidence": [{"dataset": each.dataset, "_index": each.index, "_id": each.id} for each in fired.hits],
    }
    return row


def _row(document: Any, about: About, dataset: str, link: str) -> Row:
    project = value_of(document, ("project",)) or {}
    level = severities(about.custom.get("levels")).get(str(project.get("environment")), about.level)
    outcome = value_of(document, ("event", "outcome"))
    what = [value_of(document, ("event", "action")) or value_of(document, ("message",)), outcome if outcome == "failure" else ""]
    return Row(
        time=str(document.get(TIME, "")),
        project=f"{project.get('id', '')}/{project.get('environment', '')}",
        dataset=dataset,
        level=level,
        rule=about.title,
        principal=principal_of(document).name,
        what=" ".join(_words(each) for each in what if each),
        link=link,
    )


def _words(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _told(row: Row, document: Any, about: About) -> dict[str, Any]:
    return {
        TIME: row.time,
        "project": value_of(document, ("project",)),
        "dataset": row.dataset,
        "rule": {"id": about.id, "title": about.title, "level": row.level, "status": about.status, "tags": about.tags},
        "what": row.what,
        "link": row.link,
    }


def printed(rows: Sequence[Row]) -> None:
    """The rows as a table on the terminal, or one line a row where nobody looks."""
    from rich.console import Console
    from rich.style import Style
    from rich.table import Table
    from rich.text import Text

    console = Console()
    several = len({row.rule for row in rows}) > 1
    # Without Dashboards' address a link leads nowhere.
    linked = any("://" in row.link for row in rows)
    names = [
        "time",
        "project",
        "dataset",
        *(["level", "rule"] if several else []),
        "principal",
        "what",
        *(["link"] if linked else []),
    ]
    if not console.is_terminal:
        for row in rows:
            console.out("\t".join(_clean(getattr(row, name)) if name != "link" else row.link for name in names), highlight=False)
        return
    table = Table(*names, box=None)
    for row in rows:
        cells = [Text(_clean(getattr(row, name))) for name in names if name != "link"]
        if linked:
            cells.append(Text("open", style=Style(link=row.link)))
        table.add_row(*cells)
    console.print(table)


def _clean(text: str) -> str:
    """Nothing that a terminal would obey."""
    short = text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
    return "".join(each if each.isprintable() else "\ufffd" for each in short)
