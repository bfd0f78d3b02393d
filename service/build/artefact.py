"""One generated file, and the whole of them: what would be written, what is stale."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from service.build import GENERATORS
from service.content import Content
from service.pipeline.load import LoadedPipeline

Pipelines = Mapping[str, LoadedPipeline]


@dataclass(frozen=True, slots=True)
class Artefact:
    """A generated file and all of its text."""

    path: Path
    text: str

    @property
    def fresh(self) -> bool:
        """The file on disk is what would be written."""
        return self.path.is_file() and self.path.read_bytes() == self.text.encode()

    def write(self) -> None:
        """Write it, and the folders above it."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_bytes(self.text.encode())


def artefacts(content: Content, pipelines: Pipelines) -> Iterator[Artefact]:
    """Every generated file of the content folder."""
    for name in GENERATORS:
        module = f"{__package__}.{name}"
        if importlib.util.find_spec(module) is not None:
            yield from importlib.import_module(module).artefacts(content, pipelines)


def leftovers(content: Content, written: set[Path]) -> Iterator[Path]:
    """Generated files nobody generates any more: their dataset or dashboard is gone."""
    for folder, pattern in ((content.mappings / "templates", "*.json"), (content.dashboards / "saved_objects", "*.ndjson")):
        for path in sorted(folder.glob(pattern)):
            if path not in written:
                yield path
