"""The table of a report: for a terminal, and for docs/reliability.md between its two marks."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.faults.campaign import Report

DOCUMENT = Path(__file__).parents[2] / "docs" / "reliability.md"
BEGIN, SOAK_BEGIN, END = "<!-- begin: faults -->", "<!-- begin: soak -->", "<!-- end -->"


def lines(rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    """A Markdown table."""
    yield "| | fault | injected | events at risk | missing | doubled | recovered within |"
    yield "|---|---|--:|--:|--:|--:|--:|"
    family = ""
    for row in rows:
        shown = row["family"] if row["family"] != family else ""
        family = row["family"]
        recovered = row["trouble"] or f"{row['recover_seconds']:.1f} s"
        cells = (shown, row["fault"], row["times"], f"{row['at_risk']:,}", row["missing"], row["doubled"], recovered)
        yield f"| {' | '.join(map(str, cells))} |"


def summary(reports: Sequence[dict[str, Any]]) -> str:
    """One sentence about all runs."""
    seeds = ", ".join(str(report["seed"]) for report in reports)
    events = sum(report["events"] for report in reports)
    faults = sum(row["times"] for report in reports for row in report["rows"])
    passed = sum(bool(report["passed"]) for report in reports)
    runs = f"{len(reports)} run{'s' if len(reports) != 1 else ''} (seed{'s' if len(reports) != 1 else ''} {seeds})"
    return f"{runs}, {passed} passed: {faults:,} faults injected into {events:,} events."


def merged(reports: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row for each fault over all runs: counts added, the longest recovery."""
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for report in reports:
        for row in report["rows"]:
            key = (row["family"], row["fault"])
            if key not in rows:
                rows[key] = dict(row)
                continue
            kept = rows[key]
            for name in ("times", "at_risk", "missing", "doubled"):
                kept[name] += row[name]
            kept["recover_seconds"] = max(kept["recover_seconds"], row["recover_seconds"])
            kept["trouble"] = kept["trouble"] or row["trouble"]
    order = {family: number for number, family in enumerate(dict.fromkeys(family for family, _ in rows))}
    return sorted(rows.values(), key=lambda row: (order[row["family"]], row["fault"]))


def show(report: Report) -> str:
    """The table of one run."""
    data = report.data()
    return "\n".join([*lines(merged([data])), "", summary([data]), *report.troubles])


def write(files: Sequence[Path]) -> None:
    """Put the table of these reports into the document, and the reports' sum above it."""
    reports = [json.loads(file.read_text()) for file in files]
    text = DOCUMENT.read_text()
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    body = "\n".join([BEGIN, "", summary(reports), "", *lines(merged(reports)), "", END])
    DOCUMENT.write_text(head + body + tail)


def soak_summary(soak: dict[str, Any]) -> str:
    """What the soak showed, in a paragraph."""
    report, samples = soak["report"], soak["samples"]
    lags = sorted(sample["lag"] for sample in samples)
    growth = ", ".join(f"{name.removesuffix('_mb')} × {value}" for name, value in soak["growth"].items())
    missing = sum(row["missing"] for row in report["rows"])
    doubled = sum(row["doubled"] for row in report["rows"])
    faults = sum(row["times"] for row in report["rows"])
    slowest = max((row["recover_seconds"] for row in report["rows"]), default=0.0)
    return (
        f"{soak['minutes']:.0f} minutes at {soak['rate']:,} events a second (capacity measured before: {soak['capacity']:,}), "
        f"{report['events']:,} events, {report['letters']:,} dead letters, {faults} faults (seed {report['seed']}): "
        f"missing {missing}, doubled {doubled}, "
        f"slowest recovery {slowest:.0f} s, median lag {lags[len(lags) // 2] if lags else 0:,} events. "
        f"Last quarter against second quarter: {growth}. {'Passed' if soak['passed'] else 'FAILED'}."
    )


def write_soak(soak: dict[str, Any], svg: str) -> None:
    """Put the soak's plot and numbers into the documents."""
    (DOCUMENT.parent / "soak.svg").write_text(svg)
    small = {**soak, "samples": soak["samples"][:: max(1, len(soak["samples"]) // 360)]}
    (DOCUMENT.parent / "soak.json").write_text(json.dumps(small, separators=(",", ":")) + "\n")
    text = DOCUMENT.read_text()
    head, _, rest = text.partition(SOAK_BEGIN)
    _, _, tail = rest.partition(END)
    body = "\n".join([SOAK_BEGIN, "", soak_summary(soak), "", "![The soak over time](soak.svg)", "", END])
    DOCUMENT.write_text(head + body + tail)
