"""A worker's side of the conversation with its supervisor: once a second, everything it knows of itself."""

from __future__ import annotations

import asyncio
import os
import socket
from pathlib import Path
from typing import Self

from service.app import Parts
from service.clock import Clock
from service.sink.opensearch.state import SinkState
from service.source.kinesis.status import CollectorStatus
from service.telemetry import metrics
from service.telemetry.memory import resident_bytes
from service.telemetry.meters import Meters
from service.telemetry.problems import Problems
from service.telemetry.report import HoldLine, Report, SourceLine, WatchLine, pack_report

EVERY_SECONDS = 1.0


class Reporter:
    """Sends reports; ``async with`` it. The last one goes out when it is left."""

    def __init__(self, worker: str, descriptor: int, meters: Meters, problems: Problems, clock: Clock) -> None:
        """Speak over the socket ``descriptor``, inherited from the supervisor."""
        self._worker = worker
        self._descriptor = descriptor
        self._meters = meters
        self._problems = problems
        self._clock = clock
        self._task: asyncio.Task[None] | None = None
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self.state = "starting"
        self.parts: Parts | None = None

    async def __aenter__(self) -> Self:
        """Begin to report."""
        connection = socket.socket(fileno=self._descriptor)
        self._reader, self._writer = await asyncio.open_connection(sock=connection)
        self._task = asyncio.create_task(self._report())
        return self

    async def __aexit__(self, *_: object) -> None:
        """Say the last numbers and hang up."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        await self._send()
        if self._writer is not None:
            self._writer.close()

    async def parent_gone(self) -> None:
        """Return when the supervisor's end is closed: it died."""
        if self._reader is not None:
            await self._reader.read()

    async def _report(self) -> None:
        while True:
            await self._send()
            await self._clock.sleep(EVERY_SECONDS)

    async def _send(self) -> None:
        if self._writer is None:
            return
        try:
            self._writer.write(pack_report(self._now()))
            await self._writer.drain()
        except ConnectionError:
            return  # parent_gone says so too

    def _now(self) -> Report:
        parts = self.parts
        sources: list[SourceLine] = []
        holds: list[HoldLine] = []
        stopped: list[str] = []
        watched: list[WatchLine] = []
        partitions = 0
        if parts is not None:
            self._measure(parts)
            partitions = len(parts.app.ledger.partitions())
            if parts.collector is not None:
                status = parts.collector.status()
                sources = source_lines(status)
                self._count_collected(status)
            if parts.sink is not None:
                holds = hold_lines(parts.sink.state, self._clock.monotonic())
                self._count_bulks(parts.sink.state, holds)
            if parts.judge is not None:
                parts.judge.measure()
                watched = parts.judge.lines()
            stopped = [name for name, agent in (parts.datasets or {}).items() if agent.stopped is not None]
        return Report(
            worker=self._worker,
            pid=os.getpid(),
            state=self.state,
            partitions=partitions,
            snapshot=self._meters.snapshot(),
            problems=self._problems.latest(),
            sources=sources,
            holds=holds,
            stopped_datasets=stopped,
            memory_bytes=resident_bytes(),
            watched=watched,
        )

    def _measure(self, parts: Parts) -> None:
        for topic, messages in parts.app.gone.items():
            self._meters.set(metrics.KAFKA_GONE, messages, (topic,))
        for name, gate in (parts.gates or {}).items():
            self._meters.set(metrics.GATE_BYTES, gate.held, (name,))
            self._meters.set(metrics.GATE_WAITING, gate.waiting, (name,))
        for costs in parts.detections.detector.costs():
            for rule in costs.rules:
                each = costs.microseconds(rule)
                if rule.looked and each is not None:
                    self._meters.set(metrics.RULE_COST, each * costs.events / 1e6, (costs.dataset, rule.rule.id))
        if parts.enrichers is not None:
            for status in parts.enrichers.status():
                file = (status.kind, Path(status.path).name)
                if status.built is not None:
                    self._meters.set(metrics.ENRICHMENT_AGE, max(0.0, self._clock.now_ms() / 1000 - status.built), file)
                self._meters.set(metrics.ENRICHMENT_BAD, float(status.error is not None), file)

    def _count_bulks(self, state: SinkState, holds: list[HoldLine]) -> None:
        self._meters.set(metrics.BULK_REQUESTS, state.requests)
        self._meters.set(metrics.BULK_BYTES, state.request_bytes)
        self._meters.set(metrics.BULK_SECONDS, state.request_seconds)
        for code, documents in state.retries.items():
            self._meters.set(metrics.BULK_RETRIES, documents, (code,))
        self._meters.clear(metrics.BULK_HELD)
        for hold in holds:
            self._meters.set(metrics.BULK_HELD, hold.seconds, (hold.dataset, hold.code))

    def _count_collected(self, status: CollectorStatus) -> None:
        records: dict[tuple[str, ...], int] = {}
        sizes: dict[tuple[str, ...], int] = {}
        gaps: dict[tuple[str, ...], int] = {}
        behind: dict[tuple[str, ...], float] = {}
        quota: dict[tuple[str, ...], float] = {}
        for shard in status.shards:
            stream = (shard.project, shard.environment, shard.stream)
            records[stream] = records.get(stream, 0) + shard.records
            sizes[stream] = sizes.get(stream, 0) + shard.bytes
            quota[stream] = quota.get(stream, 0.0) + shard.quota_seconds
            gaps[stream] = gaps.get(stream, 0) + shard.gaps
            behind[stream] = max(behind.get(stream, 0.0), (shard.behind_ms or 0) / 1000)
        for labels, count in records.items():
            self._meters.set(metrics.COLLECTED_RECORDS, count, labels)
            self._meters.set(metrics.COLLECTED_BYTES, sizes[labels], labels)
            self._meters.set(metrics.GAPS, gaps[labels], labels)
            self._meters.set(metrics.KINESIS_BEHIND, behind[labels], labels)
            self._meters.set(metrics.KINESIS_QUOTA, quota[labels], labels)


def hold_lines(state: SinkState, now: float) -> list[HoldLine]:
    """Return why documents wait, dataset by dataset."""
    return [HoldLine(hold.dataset, hold.code, hold.acts, now - hold.since) for hold in state.holds.values()]


def source_lines(status: CollectorStatus) -> list[SourceLine]:
    """Return one line for each stream: what its shards in this worker say together."""
    lines = []
    for stream in status.streams:
        key = (stream.project, stream.environment, stream.stream)
        shards = [s for s in status.shards if (s.project, s.environment, s.stream) == key and s.state == "reading"]
        behind = [shard.behind_ms / 1000 for shard in shards if shard.behind_ms is not None]
        errors = [shard.last_error for shard in shards if shard.last_error]
        lines.append(
            SourceLine(
                *key,
                state=stream.state,
                mode=stream.mode or next((shard.mode for shard in shards if shard.mode), ""),
                shards=len(shards),
                behind_seconds=max(behind, default=None),
                last_error=stream.last_error or (errors[0] if errors else ""),
            )
        )
    return lines
