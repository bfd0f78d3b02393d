"""Every sample of every source, forwarded as an object: the same events under the same columns as on the stream directly."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from service.decode import Units, split
from service.forward.bounds import Bounds
from service.forward.contents import contents
from service.forward.frames import Frames
from service.forward.headers import known_tables
from service.samples import samples_of
from tests.forward.sources import Stored

PIPELINES = Path(__file__).parents[2] / "pipelines"
TABLES = known_tables(PIPELINES)
OTHERWISE = {
    "aws.alb/samples/wrapped_page.log": "lines that somebody wrapped to fit a page: no object has them",
    "aws.nlb/samples/wrapped_page.log": "likewise",
    "aws.cloudfront/samples/bad_input.log": "broken JSON among lines of text: a line of a file of text",
    "aws.rds_sqlserver/samples/bad_input.log": "likewise",
}
SAMPLES = [
    sample.path
    for folder in sorted(PIPELINES.iterdir())
    for sample in samples_of(folder)
    if str(sample.path.relative_to(PIPELINES)) not in OTHERWISE
]


def found(units: list[Units]) -> tuple[list[tuple[str | None, Any]], int]:
    """Events with their columns, JSON without its layout; how many units are broken."""
    events: list[tuple[str | None, Any]] = []
    for run in (run for each in units for run in each.runs):
        for event in run.events:
            try:
                value = json.loads(event)
            except ValueError:
                value = event
            events.append((run.columns, value))
    return events, sum(len(each.broken) for each in units)


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: f"{path.parent.parent.name}-{path.name}")
def test_a_sample_is_the_same_out_of_a_bucket(path: Path) -> None:
    data = path.read_bytes()
    for bounds in (Bounds(), Bounds(chunk=100, frame=700)):
        stored = Stored(data)
        frames = Frames(stored.name, bounds)
        records = [frame for part, item in contents(stored, bounds, TABLES) for frame in frames.of(part, item)]
        assert found([split(record) for record in records]) == found([split(data, tables=TABLES)])
