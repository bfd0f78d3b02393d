"""Where the content lies: pipelines, mappings, tuning, detections, dashboards. One folder, found once."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from service.errors import ContentError, ContentErrors, Place


@dataclass(frozen=True, slots=True)
class Content:
    """The content folder: a checkout, or what the image carries."""

    root: Path

    @property
    def pipelines(self) -> Path:
        """One folder a dataset."""
        return self.root / "pipelines"

    @property
    def mappings(self) -> Path:
        """The catalogue and everything that is PUT into OpenSearch."""
        return self.root / "mappings"

    @property
    def dashboards(self) -> Path:
        """Dashboards across datasets and the generated saved objects."""
        return self.root / "dashboards"

    @property
    def detections(self) -> Path:
        """Sigma rules."""
        return self.root / "detections"

    @property
    def tuning(self) -> Path:
        """What this deployment wants: ``<dataset>.yml``."""
        return self.root / "deploy" / "tuning"


def find_content(start: Path | None = None) -> Content:
    """The content folder: ``SIEM_CONTENT``, else the nearest above ``start`` (default: here), else beside the package.

    Raises ContentErrors when there is none.
    """
    named = os.environ.get("SIEM_CONTENT")
    if named and start is None:
        candidates = [Path(named)]
    else:
        here = (start or Path.cwd()).resolve()
        candidates = [here, *here.parents, Path(__file__).resolve().parent.parent]
    for folder in candidates:
        if (folder / "pipelines").is_dir() and (folder / "mappings" / "ecs.yml").is_file():
            return Content(folder)
    raise ContentErrors(
        "no content",
        [ContentError(Place(str(candidates[0])), "no_content", "no pipelines/ and mappings/ecs.yml here or above")],
    )
