"""What several verbs need of the content folder: its pipelines, the dataset a person named, a player over them."""

from __future__ import annotations

from pathlib import Path

from service.clock import SystemClock
from service.content import Content, find_content
from service.enrich.enrichers import Enrichers
from service.errors import ContentError, ContentErrors, Place
from service.offline.play import Player
from service.pipeline.load import LoadedPipeline, load_pipeline, load_pipelines
from service.yaml_errors import closest


def dataset_folder(content: Content, dataset: str) -> Path:
    """The source folder of a dataset; raises ContentErrors with a suggestion when there is none."""
    names = sorted(path.parent.name for path in content.pipelines.glob("*/pipeline.yml"))
    if dataset not in names:
        hint = closest(dataset, names) or f"there are: {', '.join(names)}"
        fault = ContentError(Place(str(content.pipelines)), "unknown_dataset", f"no dataset is called {dataset}", hint)
        raise ContentErrors("unknown dataset", [fault])
    return content.pipelines / dataset


def wanted_pipelines(dataset: str | None) -> dict[str, LoadedPipeline]:
    """The pipelines of the nearest content folder with their tuning: one dataset, or all of them."""
    content = find_content()
    if dataset is None:
        return load_pipelines(content.pipelines, content.tuning)
    return {dataset: load_pipeline(dataset_folder(content, dataset), content.tuning / f"{dataset}.yml")}


def offline_player(
    dataset: str | None = None, geoip: tuple[Path, ...] = (), lists: Path | None = None, projects: Path | None = None
) -> Player:
    """A player over one dataset or all of them, with the enrichment files that were named."""
    missing = [path for path in (*geoip, lists, projects) if path is not None and not path.is_file()]
    if missing:
        raise ContentErrors("missing files", [ContentError(Place(str(path)), "no_file", "cannot be read") for path in missing])
    enrichers = Enrichers.load(geoip, lists, projects) if geoip or lists or projects else Enrichers.empty()
    return Player(wanted_pipelines(dataset), enrichers, SystemClock().now_ms())
