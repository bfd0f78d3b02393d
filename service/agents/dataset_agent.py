"""Raw events of one dataset in, documents out: pipeline, bulk sink, and the fates that let the offset be committed."""

from __future__ import annotations

import asyncio
from typing import Protocol

import msgspec
import structlog

from service.agents.app import Ticket
from service.agents.carrier import Carrier
from service.agents.reading import Reading
from service.agents.route_agent import strange_letter
from service.agents.sessions import Sessions
from service.agents.share import Share
from service.agents.signalling import Signalling
from service.agents.tasks import Tasks
from service.clock import Clock
from service.drift.finding import Owner
from service.drift.tally import Tally
from service.event import RawBatch, Slice
from service.ledger.entry import Ledger, minute_of
from service.pipeline.compiled import Carried
from service.pipeline.deferred import Pipeline
from service.silence.arrivals import Arrivals
from service.silence.rhythm import BUCKET_MS
from service.sink.dead_letter import DeadLetters
from service.sink.guard import Fared, Poisoned, PoisonGuard
from service.sink.letter import letter_of
from service.sink.parcel import Fates, Parcel
from service.telemetry import events, metrics
from service.telemetry.meters import Meters

log = structlog.get_logger()

_decoder = msgspec.msgpack.Decoder(RawBatch)


class Sink(Protocol):
    """Takes parcels; ``put`` waits while it is full."""

    async def put(self, parcel: Parcel) -> None:
        """Take a parcel over; its fates come through ``parcel.done``."""
        ...


class Rerouting(Protocol):
    """What ``RouteAgent`` does for records whose events are not all of this dataset after all."""

    async def decode(self, raw: RawBatch, ticket: Ticket) -> Reading:
        """Decode and route the packed records of a message."""
        ...

    async def durable(self, reading: Reading) -> None:
        """Wait until all of it is durable."""
        ...


class DatasetAgent:
    """Handles messages of the topic ``raw.<dataset>``."""

    def __init__(
        self,
        carrier: Carrier,
        sink: Sink,
        letters: DeadLetters,
        rerouting: Rerouting,
        meters: Meters,
        clock: Clock,
        tasks: Tasks,
        ledger: Ledger,
        *,
        shared: bool = False,
        arrivals: Arrivals | None = None,
        signalling: Signalling | None = None,
        sessions: Sessions | None = None,
        drift: Tally | None = None,
    ) -> None:
        """Carry events through the carrier's pipeline, which ``replace`` exchanges while running.

        ``shared``: several projects' events come, and what one of them sends must not stop the others. ``arrivals`` is
        told when something arrived, where somebody asks; ``signalling`` looks at documents, ``sessions`` at raw events,
        ``drift`` at those that hold what the pipeline does not know.
        """
        self._carrier = carrier
        self._sink = sink
        self._letters = letters
        self._rerouting = rerouting
        self._meters = meters
        self._clock = clock
        self._tasks = tasks
        self._ledger = ledger
        self._shared = shared
        self._arrivals = arrivals
        self._signalling = signalling
        self._sessions = sessions
        self._drift = drift
        self._guards: dict[int, PoisonGuard] = {}
        self._replaced = asyncio.Event()
        self.stopped: Poisoned | None = None
        """Why this dataset stands still, if it does: only another pipeline or a restart lets it go on."""

    def replace(self, pipeline: Pipeline) -> None:
        """Use another version from the next message on; a dataset that stood still goes on with it."""
        self._carrier.pipeline = pipeline
        self._guards.clear()
        self._replaced.set()

    async def handle(self, value: bytes, ticket: Ticket) -> None:
        """Hand what the message holds to the sink; the ticket is settled once every event has its fate."""
        try:
            raw = _decoder.decode(value)
        except msgspec.DecodeError as error:
            letter = strange_letter(value, ticket, self._clock, error)
            labels = (letter.project, letter.environment, letter.stream, self._carrier.pipeline.dataset)
            share = Share(labels, events=1, oldest_ms=letter.arrival_ms, letters=[letter])
            await self._hand_over([share], RawBatch(labels[-1], []), None, ticket)
            return
        elsewhere: Reading | None = None
        if raw.packed:
            packed = raw
            raw, strange = self._carrier.unpack(packed, ticket)
            if strange:
                elsewhere = await self._rerouting.decode(msgspec.structs.replace(packed, packed=strange), ticket)
        news = self._sessions.learn(raw.slices) if self._sessions is not None else []
        while True:
            shares = self._carry(raw, ticket)
            try:
                self._guard(ticket.partition).check(_fared(shares))
            except Poisoned as poisoned:
                await self._stand_still(poisoned)
            else:
                break
        if self._signalling is not None:
            pipeline = self._carrier.pipeline
            for share in shares:
                share.signals = self._signalling.look(pipeline.dataset, pipeline.watch, share.looked_at)
                share.looked_at = []
        if shares:
            shares[0].news = news
        if self._arrivals is not None:
            self._tell(self._arrivals, shares, raw)
        if elsewhere is not None and not shares:
            shares = [Share((*elsewhere.stream, raw.dataset))]  # the ledger waits for the fate of the message: no events
        await self._hand_over(shares, raw, elsewhere, ticket)

    def _tell(self, arrivals: Arrivals, shares: list[Share], raw: RawBatch) -> None:
        """Say when the message's events arrived; one that holds a long time is looked at slice by slice."""
        for share in shares:
            project, environment, stream, dataset = share.labels
            times: list[int] = []
            if share.newest_ms // BUCKET_MS != share.oldest_ms // BUCKET_MS:
                mine = (project, environment, stream)
                times = [s.arrival_ms for s in raw.slices if (s.project, s.environment, s.stream) == mine]
            arrivals.hear((project, environment, stream, dataset), share.newest_ms, times)

    async def _hand_over(self, shares: list[Share], raw: RawBatch, elsewhere: Reading | None, ticket: Ticket) -> None:
        for share in shares:
            self._meters.add(metrics.EVENTS, share.events, share.labels)
            self._meters.add(metrics.IN_FLIGHT, share.events, share.labels)
            if share.pieces:
                share.parcel = Parcel(self._carrier.pipeline.dataset, self._carrier.pipeline.version, share.pieces, share.origins)
        self._tasks.start(self._finish(shares, raw, elsewhere, ticket), ticket)
        for share in shares:
            if share.parcel is not None:
                await self._sink.put(share.parcel)

    def _carry(self, raw: RawBatch, ticket: Ticket) -> list[Share]:
        shares = dict[tuple[str, str, str], Share]()
        for piece, carried in self._carrier.carry(raw, ticket, self._clock.now_ms()):
            key = (piece.project, piece.environment, piece.stream)
            share = shares.get(key)
            if share is None:
                share = shares[key] = Share((*key, raw.dataset))
            share.events += len(piece.events)
            share.oldest_ms = min(share.oldest_ms, piece.arrival_ms)
            share.newest_ms = max(share.newest_ms, piece.arrival_ms)
            self._share_out(share, piece, carried)
        return list(shares.values())

    def _share_out(self, share: Share, piece: Slice, carried: Carried) -> None:
        if carried.pieces:
            share.pieces += carried.pieces
            share.origins.append((piece, carried.at))
            if self._signalling is not None:
                share.looked_at.append((piece, carried))
        if carried.odd and self._drift is not None:
            owner = Owner(piece.project, piece.environment, self._carrier.pipeline.dataset)
            self._drift.hear(owner, self._carrier.pipeline.version, carried, piece.arrival_ms or self._clock.now_ms())
        if carried.dropped:
            share.dropped.update(carried.dropped)
        if carried.flags:
            share.flags.update(carried.flags)
        for dead in carried.dead:
            share.letters.append(
                letter_of(
                    piece,
                    dead.at,
                    stage=dead.stage,
                    code=dead.code,
                    reason=dead.reason,
                    field=dead.field,
                    dataset=self._carrier.pipeline.dataset,
                    version=self._carrier.pipeline.version,
                )
            )

    async def _finish(self, shares: list[Share], raw: RawBatch, elsewhere: Reading | None, ticket: Ticket) -> None:
        """Wait for every fate, count it, write it down, settle."""
        open_shares, fated = list(shares), list[tuple[Share, Fates]]()
        try:
            if elsewhere is not None:
                await self._rerouting.durable(elsewhere)
            for share in shares:
                fates = await self._finish_share(share)
                open_shares.remove(share)
                fated.append((share, fates))
        finally:
            for share in open_shares:
                self._meters.add(metrics.IN_FLIGHT, -share.events, share.labels)
                self._meters.add(metrics.ABANDONED, share.events, share.labels)
        # A message of an older version has no name; its place in the topic, which is read anew after a crash, will do.
        key = raw.part or f"{ticket.topic}.{ticket.partition}.{ticket.offset}"
        for share, fates in fated:
            project, environment, stream, _ = share.labels
            minute_ms = raw.minute_ms or minute_of(share.oldest_ms)
            await self._ledger.note(project, environment, stream, [share.fated(key, minute_ms, fates)])
        self._carrier.settled(ticket)
        ticket.settle()

    async def _finish_share(self, share: Share) -> Fates:
        if share.letters:
            await self._letters.send(share.letters)
        fates = Fates(0, 0, 0) if share.parcel is None else await share.parcel.done
        # Once the evidence is there, and before the offset may move.
        if share.news and self._sessions is not None:
            await self._sessions.send(share.news)
        if share.signals and self._signalling is not None:
            await self._signalling.send(share.signals)
        # All at once: at every scrape, events are exactly their fates and what is in flight.
        add = self._meters.add
        add(metrics.INDEXED, fates.indexed, share.labels)
        add(metrics.ALREADY_THERE, fates.already_there, share.labels)
        if fates.dead_lettered:
            add(metrics.DEAD_LETTERED, fates.dead_lettered, (*share.labels, "sink", "refused"))
        for letter in share.letters:
            add(metrics.DEAD_LETTERED, 1, (*share.labels, letter.stage, letter.code))
        for rule, count in share.dropped.items():
            add(metrics.DROPPED, count, (*share.labels, rule))
        for flag, count in share.flags.items():
            add(metrics.FLAGGED, count, (*share.labels, flag))
        add(metrics.IN_FLIGHT, -share.events, share.labels)
        if share.events:
            behind = max(0, self._clock.now_ms() - share.oldest_ms) / 1000
            self._meters.set(metrics.BEHIND, behind, share.labels)
            self._meters.observe(metrics.DELAY, behind, (share.labels[-1],), share.events)
        return fates

    def _guard(self, partition: int) -> PoisonGuard:
        guard = self._guards.get(partition)
        if guard is None:
            where = f"{self._carrier.pipeline.dataset}-{partition}"
            guard = self._guards[partition] = PoisonGuard(where, shared=self._shared)
        return guard

    async def _stand_still(self, poisoned: Poisoned) -> None:
        """Nearly nothing of the dataset is usable: wait for another pipeline instead of rerouting a whole stream."""
        log.error(events.DATASET_STOPPED, dataset=self._carrier.pipeline.dataset, dead=poisoned.dead, seen=poisoned.seen)
        self.stopped = poisoned
        self._replaced.clear()
        await self._replaced.wait()
        self.stopped = None


def _fared(shares: list[Share]) -> dict[str, Fared]:
    fared: dict[str, Fared] = {}
    for share in shares:
        owner = "/".join(share.labels[:2])
        before = fared.get(owner, Fared(0, 0))
        dead = len(share.letters)
        fared[owner] = Fared(before.dead + dead, before.usable + share.events - dead)
    return fared
