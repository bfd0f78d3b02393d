"""The saved objects of OpenSearch Dashboards, one file a dashboard: import ``shared`` first, then each by itself, or all."""

from __future__ import annotations

from collections.abc import Iterator

from service.build.artefact import Artefact, Pipelines
from service.build.dashboards.language import DashboardFile
from service.build.dashboards.load import load_boards, used
from service.build.dashboards.objects import SavedObject, board_objects, navigation_object, pattern_object
from service.build.dashboards.patterns import as_json
from service.build.dashboards.verify import verify
from service.build.schema import schema_text
from service.content import Content
from service.errors import ContentError, ContentErrors

SHARED = "shared"
"""The file of what belongs to no one dashboard: index patterns that several need, the links from one dashboard to the others."""


def artefacts(content: Content, pipelines: Pipelines) -> Iterator[Artefact]:
    """One file a dataset (its index pattern and its dashboard), one for each dashboard across datasets, and the schema.

    Raises ContentErrors when a dashboard is wrong.
    """
    yield Artefact(content.dashboards / "schema.json", schema_text(DashboardFile))
    for name, objects in saved_objects(content, pipelines).items():
        text = "".join(as_json(one) + "\n" for one in objects)
        yield Artefact(content.dashboards / "saved_objects" / f"{name}.ndjson", text)


def saved_objects(content: Content, pipelines: Pipelines) -> dict[str, list[SavedObject]]:
    """Every saved object by file; raises ContentErrors with the faults of all dashboards together."""
    boards, patterns = load_boards(content, pipelines)
    files: dict[str, list[SavedObject]] = {SHARED: []}
    elsewhere = {name for board in boards for name in used(board) if name != board.name}
    for name, pattern in patterns.items():
        files.setdefault(SHARED if name in elsewhere or name not in pipelines else name, []).append(pattern_object(pattern))
    files[SHARED].append(navigation_object(boards))
    faults: list[ContentError] = []
    for board in boards:
        try:
            files.setdefault(board.name, []).extend(board_objects(board, patterns))
        except ContentErrors as errors:
            faults.extend(errors.faults)
    if faults:
        raise ContentErrors("dashboards are not valid", faults)
    verify([one for objects in files.values() for one in objects])
    return dict(sorted(files.items()))
