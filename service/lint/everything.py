"""Lint of a whole content folder, or of the part of it somebody is working on."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from service.content import Content, find_content
from service.enrich.enrichers import Enrichers
from service.errors import ContentError, ContentErrors, Place
from service.fields import Catalogue
from service.lint.deployment import check_deployment, deployment_files, kind_of
from service.lint.detections import check_detections
from service.lint.folder import check_folder
from service.lint.pipeline import check_pipeline
from service.pipeline.compile import compile_pipeline
from service.pipeline.load import LoadedPipeline, load_pipeline, load_pipelines
from service.route.router import build_router
from service.yaml_errors import closest


@dataclass(slots=True)
class Findings:
    """What a check looked at and what it found."""

    content: Content | None = None
    """The content folder, when it was checked as a whole or in part."""
    below: Path | None = None
    """The part that was checked."""
    pipelines: int = 0
    catalogues: dict[str, Catalogue] = field(default_factory=dict)
    """Dataset → fields, of every pipeline that could be read."""
    files: int = 0
    """Files of a deployment."""
    faults: list[ContentError] = field(default_factory=list)


def check_path(path: Path | None) -> Findings:
    """Check a content folder (None: the nearest), one source folder or the one a file belongs to, or rules."""
    if path is None:
        return check_content(find_content())
    if not path.exists():
        return Findings(faults=[ContentError(Place(str(path)), "no_file", "there is no such file or folder")])
    if path.is_file() and kind_of(path) is not None:
        return Findings(files=1, faults=check_deployment(path))
    for folder in (path, *path.absolute().parents):
        if (folder / "pipeline.yml").is_file():
            findings = Findings(below=folder)
            _check_source(folder, None, findings)
            if folder.absolute().parent.name == "pipelines":
                findings.content = Content(folder.absolute().parent.parent)
            return findings
    if (path / "pipelines").is_dir():
        return check_content(Content(path))
    content = find_content(path if path.is_dir() else path.parent)
    if path.resolve().is_relative_to(content.detections.resolve()):
        return _check_detections(content, path)
    if any(path.glob("*/pipeline.yml")):
        return _check_sources(path, None)
    if not path.resolve().is_relative_to(content.root.resolve()):
        reason = f"is nothing that belongs to the content in {content.root}, so nothing was checked"
        hint = f"of rules: siem check --rules {path}; of a deployment: siem.yml, streams.yml, alerts.yml …, called so"
        return Findings(faults=[ContentError(Place(str(path)), "not_content", reason, hint)])
    return check_content(content)


def check_content(content: Content) -> Findings:
    """Check every pipeline with its tuning, the rules, and the files of the deployment."""
    findings = _check_sources(content.pipelines, content.tuning)
    findings.content = content
    findings.faults.extend(check_detections(content.detections, findings.catalogues))
    for path in deployment_files(content.root / "deploy"):
        findings.files += 1
        findings.faults.extend(check_deployment(path))
    return findings


def _check_detections(content: Content, path: Path) -> Findings:
    """What is wrong at or below a path among the rules; all of them are read, for what they share."""
    loaded = load_pipelines(content.pipelines)
    faults = check_detections(content.detections, {dataset: pipeline.catalogue for dataset, pipeline in loaded.items()})
    below = path.resolve()
    return Findings(
        content=content, below=path, faults=[each for each in faults if Path(each.place.file).resolve().is_relative_to(below)]
    )


def _check_sources(root: Path, tuning: Path | None) -> Findings:
    findings = Findings()
    folders = sorted(path.parent for path in root.glob("*/pipeline.yml"))
    for folder in folders:
        _check_source(folder, tuning, findings)
    names = {folder.name for folder in folders}
    for path in sorted(root.iterdir()) if root.is_dir() else []:
        if path.is_dir() and path.name not in names and not path.name.startswith((".", "_")):
            findings.faults.append(ContentError(Place(str(path)), "no_pipeline", "the folder has no pipeline.yml"))
    for path in sorted(tuning.glob("*.yml")) if tuning and tuning.is_dir() else []:
        if path.stem not in names:
            hint = closest(path.stem, names)
            fault = ContentError(Place(str(path)), "unknown_dataset", "tunes no pipeline there is", hint)
            findings.faults.append(fault)
    # A shared file that is wrong is wrong for everybody who uses it: said once.
    findings.faults = list({str(fault): fault for fault in findings.faults}.values())
    return findings


def _check_source(folder: Path, tuning: Path | None, findings: Findings) -> None:
    findings.pipelines += 1
    try:
        loaded = load_pipeline(folder, tuning / f"{folder.name}.yml" if tuning else None)
    except ContentErrors as errors:
        findings.faults.extend(errors.faults)
        return
    findings.catalogues[loaded.dataset] = loaded.catalogue
    faults = check_pipeline(loaded)
    findings.faults.extend(faults or _compile_faults(loaded))
    findings.faults.extend(check_folder(loaded))


def _compile_faults(loaded: LoadedPipeline) -> list[ContentError]:
    """What only the compiler finds; a pipeline that passes here starts."""
    try:
        compile_pipeline(loaded, Enrichers.empty())
        build_router({loaded.dataset: loaded})
    except ContentErrors as errors:
        return errors.faults
    except ContentError as error:
        return [error]
    return []
