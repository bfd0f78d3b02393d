"""Dashboards as files: the ``dashboard.yml`` of every dataset and those across datasets, with their index patterns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from service.build.artefact import Pipelines
from service.build.dashboards.language import DashboardFile
from service.build.dashboards.patterns import EVENTS, IndexPattern, index_patterns
from service.content import Content
from service.errors import ContentError, ContentErrors
from service.yaml_file import YamlFile, read

Patterns = dict[str, IndexPattern]


@dataclass(frozen=True, slots=True)
class Board:
    """One dashboard: ``name`` is its dataset or its file's name."""

    name: str
    default: str
    """Index of panels that name none."""
    source: YamlFile[DashboardFile]

    @property
    def file(self) -> DashboardFile:
        """What it says."""
        return self.source.value


def board_files(content: Content, pipelines: Pipelines) -> dict[str, Path]:
    """The dashboards there are, by name: a dataset need not have one."""
    found = {dataset: loaded.folder / "dashboard.yml" for dataset, loaded in pipelines.items()}
    found = {name: path for name, path in found.items() if path.is_file()}
    return found | {path.stem: path for path in sorted(content.dashboards.glob("*.yml"))}


def read_board(name: str, path: Path, *, dataset: bool) -> Board:
    """One dashboard; raises ContentErrors for what the language does not know."""
    source = read(path, DashboardFile)
    return Board(name, source.value.index or (name if dataset else EVENTS), source)


def load_boards(content: Content, pipelines: Pipelines) -> tuple[list[Board], Patterns]:
    """Every dashboard and every index pattern; raises ContentErrors with the faults of all files together."""
    boards: list[Board] = []
    faults: list[ContentError] = []
    for name, path in board_files(content, pipelines).items():
        try:
            boards.append(read_board(name, path, dataset=name in pipelines))
        except ContentErrors as errors:
            faults.extend(errors.faults)
    if faults:
        raise ContentErrors("dashboards are not valid", faults)
    groups = sorted({name for board in boards for name in used(board) if name.endswith("*")})
    return boards, index_patterns(content, pipelines, groups)


def used(board: Board) -> Iterator[str]:
    """Names of the index patterns its panels need, each once."""
    yield from dict.fromkeys([board.default, *(panel.index or board.default for panel in board.file.panels)])
