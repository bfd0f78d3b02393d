"""Configuration that changes while the service runs: good files are taken up, bad ones refused while the old go on."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import structlog

from service.app import Parts
from service.clock import Clock
from service.errors import ContentError, ContentErrors
from service.loading import Content, Role, faults_of, load_content
from service.proof import content_files
from service.settings import Settings
from service.telemetry import events, metrics
from service.telemetry.meters import Meters

log = structlog.get_logger()

LOOK_SECONDS = 2.0
Signature = tuple[tuple[str, int, int], ...]


class Reloader:
    """Watches pipelines, tuning and streams; ``reload`` may also be asked for (SIGHUP)."""

    def __init__(
        self, settings: Settings, content: Content, seen: Signature, role: Role, parts: Parts, meters: Meters, clock: Clock
    ) -> None:  # fmt: skip
        """Compare with ``content``, which is in use; ``seen`` is the signature from before it was read."""
        self._settings = settings
        self._content = content
        self._role = role
        self._parts = parts
        self._meters = meters
        self._clock = clock
        self._seen = seen
        for outcome in ("done", "refused"):  # an increase is seen only of what was there before
            meters.add(metrics.RELOADS, 0, (outcome,))
        self._asked = asyncio.Event()

    def ask(self) -> None:
        """Reload soon, whether files look changed or not."""
        self._asked.set()

    async def watch(self) -> None:
        """Reload whenever files changed or somebody asked; runs until cancelled."""
        follow = asyncio.create_task(self._follow_enrichment())
        try:
            while True:
                try:
                    async with asyncio.timeout(LOOK_SECONDS):
                        await self._asked.wait()
                except TimeoutError:
                    found = await asyncio.to_thread(signature, self._settings)
                    if found == self._seen:
                        continue
                    self._seen = found
                self._asked.clear()
                await self.reload()
        finally:
            follow.cancel()

    async def reload(self) -> bool:
        """Load everything afresh and use it; False, and nothing changed, when there is a fault in it."""
        try:
            content = await asyncio.to_thread(load_content, self._settings, self._content, self._role)
        except (ContentErrors, ContentError) as errors:
            self._refuse(errors)
            return False
        changed = self._use(content)
        log.info(events.RELOADED, pipelines=changed)
        self._meters.add(metrics.RELOADS, 1, ("done",))
        return True

    def _refuse(self, errors: ContentErrors | ContentError) -> None:
        faults = faults_of(errors)
        for fault in faults:
            log.error(events.CONFIGURATION_REFUSED, fault=str(fault))
        log.error(events.RELOAD_REFUSED, faults=len(faults))
        self._meters.add(metrics.RELOADS, 1, ("refused",))

    def _use(self, content: Content) -> list[str]:
        agents = self._parts.datasets or {}
        if self._parts.route is not None and content.pipelines.keys() == agents.keys():
            self._parts.route.routes = content.router
        elif agents:
            # A new dataset has no topic and no agent yet: its events must not be sent nowhere.
            log.warning(events.RESTART_NEEDED, datasets=sorted(content.pipelines.keys() ^ agents.keys()))
        changed = []
        for dataset, agent in agents.items():
            pipeline, used = content.pipelines.get(dataset), self._content.pipelines.get(dataset)
            if pipeline is None or used is None:
                continue
            if agent.stopped is not None or (
                pipeline is not used and (pipeline.version != used.version or pipeline.watch != used.watch)
            ):
                agent.replace(pipeline)
                changed.append(dataset)
        if content.streams != self._content.streams:
            log.warning(events.RESTART_NEEDED, file=str(self._settings.collect.streams))
        self._parts.silence = content.silence
        self._parts.detections = content.detections
        if self._parts.signals is not None:
            self._parts.signals.forget()
        self._content = content
        return changed

    async def _follow_enrichment(self) -> None:
        enrichers = self._content.enrichers
        while True:
            await self._clock.sleep(self._settings.enrich.refresh_seconds)
            await asyncio.to_thread(enrichers.reload)
            if enrichers.adopt():
                log.info(events.ENRICHMENT_REFRESHED, files=[str(status.path) for status in enrichers.status()])


def signature(settings: Settings) -> Signature:
    """Return what changes when a file of the configuration does."""
    return tuple(sorted(_stamps(settings)))


def _stamps(settings: Settings) -> Iterator[tuple[str, int, int]]:
    for path in content_files(settings):
        try:
            found = path.stat()
        except OSError:
            continue
        yield str(path), found.st_mtime_ns, found.st_size
