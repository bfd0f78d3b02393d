"""Rules over a source folder: its samples and expected documents, its fields, what its status may claim."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from service.errors import ContentError, Place
from service.lint.document import check_document
from service.pipeline.load import LoadedPipeline
from service.samples import EXPECTED, Sample, samples_of
from service.yaml_errors import closest

CLAIMS = {"experimental": 0, "beta": 1, "stable": 3}
"""Samples a status needs."""


def check_folder(loaded: LoadedPipeline) -> list[ContentError]:
    """Every fault of the files beside pipeline.yml."""
    samples = samples_of(loaded.folder)
    return [
        *_samples_are_enough(loaded, samples),
        *_samples_have_expectations(loaded, samples),
        *_expected_documents_are_ecs(loaded, samples),
        *_strays(loaded),
    ]


def _samples_are_enough(loaded: LoadedPipeline, samples: list[Sample]) -> Iterator[ContentError]:
    status = loaded.file.status
    if len(samples) < CLAIMS[status]:
        reason = f"{status} needs {CLAIMS[status]} samples, there are {len(samples)}"
        yield loaded.source.error(("status",), "too_few_samples", reason, "add samples/ or claim less")
    if status == "stable" and not (loaded.folder / "dashboard.yml").is_file():
        yield loaded.source.error(("status",), "no_dashboard", "stable needs a dashboard.yml", "add one or claim less")


def _samples_have_expectations(loaded: LoadedPipeline, samples: list[Sample]) -> Iterator[ContentError]:
    for sample in samples:
        if not sample.expected.is_file():
            hint = f"siem test {loaded.dataset} --update"
            yield ContentError(Place(str(sample.path)), "no_expected", "has no expected documents", hint)
    known = {sample.expected for sample in samples}
    for path in sorted((loaded.folder / "samples").glob(f"*{EXPECTED}")):
        if path not in known:
            yield ContentError(Place(str(path)), "no_sample", "belongs to no sample", "remove it or add the sample")


def _expected_documents_are_ecs(loaded: LoadedPipeline, samples: list[Sample]) -> Iterator[ContentError]:
    for sample in samples:
        if not sample.expected.is_file():
            continue
        try:
            documents = json.loads(sample.expected.read_bytes())["documents"]
        except (ValueError, KeyError, TypeError) as error:
            yield ContentError(Place(str(sample.expected)), "bad_expected", f"cannot be read: {error!r}")
            continue
        for document in documents:
            for fault in check_document(document["_source"], loaded.catalogue):
                yield ContentError(Place(str(sample.expected)), "bad_document", f"line {document['line']}: {fault}")


def _strays(loaded: LoadedPipeline) -> Iterator[ContentError]:
    known = {"pipeline.yml", "fields.yml", "dashboard.yml", "README.md", "samples"}
    for path in sorted(loaded.folder.iterdir()):
        if path.name not in known and not path.name.startswith("."):
            yield ContentError(Place(str(path)), "stray_file", "is no file of a source folder", _meant(path, known))


def _meant(path: Path, known: set[str]) -> str:
    return closest(path.name, known)
