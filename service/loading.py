"""Everything that comes from files and can be wrong, loaded: streams, pipelines, tuning, rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from service.content import find_content
from service.detection import Detections, load_detections
from service.enrich import Enrichers
from service.errors import ContentError, ContentErrors
from service.pipeline.compile import compile_pipeline
from service.pipeline.deferred import Deferred, Pipeline
from service.pipeline.load import LoadedPipeline, load_pipelines
from service.pipeline.watch import Watch
from service.proof import fingerprint, proving
from service.route.router import Router, build_router
from service.settings import Settings
from service.silence.rules import SilenceRules
from service.source.streams import ColumnsTable, Streams, load_streams
from service.watch import silence_rules

Role = Literal["collect", "process", "both"]


@dataclass(slots=True)
class Content:
    """What a worker goes by."""

    streams: Streams | None
    enrichers: Enrichers
    loaded: Mapping[str, LoadedPipeline]
    watches: Mapping[str, Watch]
    """What detections want of each dataset beside its documents."""
    pipelines: Mapping[str, Pipeline]
    router: Router
    silence: SilenceRules
    detections: Detections


def load_content(settings: Settings, used: Content | None = None, role: Role = "both", *, lazily: bool = False) -> Content:
    """Read streams, pipelines, tuning and rules and compile them; raises ContentErrors with every fault and its place.

    ``used`` is what is in use already: its enrichers are kept (their files are followed anyway), and so is the code of
    every pipeline whose files say what they said. ``lazily``: code is made when a pipeline's first event comes, for content
    that is known to compile. A collector needs neither code nor rules.
    """
    folder = settings.paths.pipelines
    if not folder.is_dir():
        folder = find_content().pipelines
    loaded = load_pipelines(folder, settings.paths.tuning)
    streams = load_streams(settings.collect.streams).value if settings.collect.streams.is_file() else None
    if used is not None:
        enrichers = used.enrichers
    else:
        enrich = settings.enrich
        enrichers = Enrichers.load(enrich.geoip, enrich.lists, enrich.projects)
    if streams is not None:
        owners = {(project.id, project.environment) for project in streams.projects}
        enrichers.accounts.declare({owner: streams.accounts(*owner) for owner in owners})
    detections = Detections() if role == "collect" else load_detections(settings, loaded)
    watches = {name: detections.detector.watch(name) for name in loaded}
    return Content(
        streams=streams,
        enrichers=enrichers,
        loaded=loaded,
        watches=watches,
        pipelines=_compiled(loaded, watches, enrichers, used, lazily=lazily or role == "collect"),
        router=build_router(loaded, ColumnsTable(streams) if streams else None),
        silence=silence_rules(settings, loaded, streams),
        detections=detections,
    )


def content_to_start_with(settings: Settings, role: Role) -> Content:
    """As ``load_content``, but a worker need not compile what another, or itself before a crash, saw to compile whole.

    The proof is a file in the state folder that names all that was compiled: settings, files, and the code of the service.
    """
    if role == "collect":
        return load_content(settings, role=role)
    with proving(settings.paths.state) as proof:
        before = fingerprint(settings)
        if not proof.holds(before):
            content = load_content(settings, role=role)
            if fingerprint(settings) == before:  # else a file changed meanwhile, and nobody saw it compile
                proof.note(before)
            return content
    content = load_content(settings, role=role, lazily=True)
    return content if fingerprint(settings) == before else load_content(settings, role=role)


def faults_of(error: ContentErrors | ContentError) -> list[ContentError]:
    """Return every fault of a configuration that was refused."""
    return error.faults if isinstance(error, ContentErrors) else [error]


def _compiled(
    loaded: Mapping[str, LoadedPipeline],
    watches: Mapping[str, Watch],
    enrichers: Enrichers,
    used: Content | None,
    *,
    lazily: bool,
) -> dict[str, Pipeline]:
    made: dict[str, Pipeline] = {}
    for name, pipeline in loaded.items():
        if used is not None and used.loaded.get(name) == pipeline and used.watches.get(name) == watches[name]:
            made[name] = used.pipelines[name]
        elif lazily:
            made[name] = Deferred(pipeline, enrichers, watches[name])
        else:
            made[name] = compile_pipeline(pipeline, enrichers, watches[name])
    return made
