"""Pipeline folders → validated files with their catalogue and the deployment's tuning; nothing is compiled here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from service.errors import ContentError, ContentErrors, Place
from service.fields import Catalogue
from service.pipeline.schema import PipelineFile, TuningFile
from service.pipeline.shared import SHARED, with_shared
from service.pipeline.tuning import overlay
from service.yaml_errors import closest
from service.yaml_file import YamlFile, read


@dataclass(frozen=True, slots=True)
class LoadedPipeline:
    """One log source as its files say it.

    ``file`` is what to compile: under the tuning's retention, period, enrichers, original and labels.
    The tuning's ``drop``, ``sample`` and ``columns`` stay in ``tuning.value`` for whoever carries them out.
    ``source`` is ``pipeline.yml`` as it was read, with the shared blocks it uses in their place: for error messages and
    ``siem explain``.
    """

    folder: Path
    file: PipelineFile
    catalogue: Catalogue
    source: YamlFile[PipelineFile]
    tuning: YamlFile[TuningFile] | None = None

    @property
    def dataset(self) -> str:
        """``event.dataset``."""
        return self.file.dataset

    @property
    def module(self) -> str:
        """The part of the dataset before the dot."""
        return self.file.dataset.partition(".")[0]


def mappings_of(folder: Path) -> Path:
    """The ``mappings`` folder that belongs to a pipeline folder: beside it or beside one of its parents."""
    for parent in folder.resolve().parents:
        if (parent / "mappings" / "ecs.yml").is_file():
            return parent / "mappings"
    reason = "there is no mappings/ecs.yml beside any of its parent folders"
    raise ContentErrors("no mappings", [ContentError(Place(str(folder)), "no_catalogue", reason)])


def load_pipeline(folder: Path, tuning: Path | None = None, mappings: Path | None = None) -> LoadedPipeline:
    """The pipeline of one folder; ``tuning`` is a ``tuning/<dataset>.yml`` that need not exist.

    Raises ContentErrors with every fault found in the folder's YAML.
    """
    source = read(folder / "pipeline.yml", PipelineFile)
    if source.value.dataset != folder.resolve().name:
        raise ContentErrors(
            source.path,
            [
                source.error(
                    ("dataset",),
                    "wrong_folder",
                    f"the folder is called {folder.resolve().name}, the dataset {source.value.dataset}",
                    "the folder's name is the dataset",
                )
            ],
        )
    whole = with_shared(source, folder.parent / SHARED)
    source = whole.source
    own = folder / "fields.yml"
    catalogue = Catalogue.read((mappings or mappings_of(folder)) / "ecs.yml", own if own.is_file() else None, whole.fields)
    if tuning is None or not tuning.is_file():
        return LoadedPipeline(folder, source.value, catalogue, source)
    wanted = read(tuning, TuningFile)
    if wanted.value.dataset != source.value.dataset:
        raise ContentErrors(
            wanted.path,
            [wanted.error(("dataset",), "wrong_dataset", f"tunes {wanted.value.dataset}, not {source.value.dataset}")],
        )
    return LoadedPipeline(folder, overlay(source.value, wanted.value), catalogue, source, wanted)


def load_pipelines(root: Path, tuning: Path | None = None) -> dict[str, LoadedPipeline]:
    """Every pipeline under ``root``, by dataset; ``tuning`` is a folder of ``<dataset>.yml``.

    Raises ContentErrors with the faults of all folders together.
    """
    folders = sorted(path.parent for path in root.glob("*/pipeline.yml"))
    loaded: dict[str, LoadedPipeline] = {}
    faults: list[ContentError] = []
    if not folders:
        faults.append(ContentError(Place(str(root)), "no_pipelines", "holds no folder with a pipeline.yml"))
    for folder in folders:
        try:
            loaded[folder.name] = load_pipeline(folder, tuning / f"{folder.name}.yml" if tuning else None)
        except ContentErrors as errors:
            faults.extend(errors.faults)
    faults.extend(_strays(tuning, {folder.name for folder in folders}))
    if faults:
        raise ContentErrors(f"{root} is not valid", faults)
    return loaded


def _strays(tuning: Path | None, datasets: set[str]) -> list[ContentError]:
    """Tuning for a dataset that does not exist would silently do nothing."""
    if tuning is None or not tuning.is_dir():
        return []
    return [
        ContentError(Place(str(path)), "unknown_dataset", "tunes no pipeline there is", closest(path.stem, datasets))
        for path in sorted(tuning.glob("*.yml"))
        if path.stem not in datasets
    ]
