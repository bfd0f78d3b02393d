"""A message's slices through the pipeline, whatever an event does to it: raise, or take the whole process along."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import structlog

from service.agents.app import Ticket
from service.agents.journal import Death, Journal
from service.agents.packing import part
from service.event import Packed, RawBatch, Slice
from service.pipeline.compiled import Carried, Unusable
from service.pipeline.deferred import Pipeline
from service.route.packed import unpack
from service.telemetry import events

log = structlog.get_logger()


class Carrier:
    """Carries messages of one dataset."""

    def __init__(self, pipeline: Pipeline, journal: Journal) -> None:
        """Carry through ``pipeline``, which may be replaced between two messages."""
        self.pipeline = pipeline
        self._journal = journal

    def unpack(self, raw: RawBatch, ticket: Ticket) -> tuple[RawBatch, list[Packed]]:
        """Return the message with its packed records as slices, and those that have to be routed event by event.

        These are the ones whose heads did not say the truth, and all of a message over which workers died: which record
        did it shows when each is decoded by itself.
        """
        journal, place = self._journal, (ticket.topic, ticket.partition, ticket.offset)
        if journal.suspicion(*place) is not None:
            return msgspec.structs.replace(raw, packed=[]), raw.packed
        journal.carrying(*place)
        slices: list[Slice] = []
        strange: list[Packed] = []
        for packed in raw.packed:
            found = unpack(packed)
            if found is None:
                strange.append(packed)
            else:
                slices.append(found)
                # What it said beforehand cannot be relied upon.
                ticket.grow(sum(map(len, found.events)))
        journal.done()
        return msgspec.structs.replace(raw, slices=slices, packed=[]), strange

    def carry(self, raw: RawBatch, ticket: Ticket, now_ms: int) -> list[tuple[Slice, Carried]]:
        """Return the slices, or parts of them, with the fates of all their events."""
        journal, place = self._journal, (ticket.topic, ticket.partition, ticket.offset)
        death = journal.suspicion(*place)
        if death is not None:
            return list(self._one_by_one(raw, death, now_ms))
        journal.carrying(*place)
        carried = [pair for whole in raw.slices for pair in self._surely(whole, now_ms)]
        journal.done()
        return carried

    def settled(self, ticket: Ticket) -> None:
        """Forget what is known against a message: it is accounted for."""
        self._journal.forget(ticket.topic, ticket.partition, ticket.offset)

    def _surely(self, whole: Slice, now_ms: int) -> Iterator[tuple[Slice, Carried]]:
        """Carry a slice; where our own code raises, find the event that does it and go on with its neighbours."""
        try:
            yield whole, self.pipeline.carry(whole, now_ms)
        except Exception as error:
            if len(whole.events) == 1:
                log.exception(events.EVENT_CRASHED_PIPELINE, dataset=self.pipeline.dataset, sequence=whole.sequence)
                yield whole, _dead("crashed", f"{type(error).__name__} in the pipeline")
                return
            middle = len(whole.events) // 2
            for half in (part(whole, 0, middle), part(whole, middle, len(whole.events))):
                yield from self._surely(half, now_ms)

    def _one_by_one(self, raw: RawBatch, death: Death, now_ms: int) -> Iterator[tuple[Slice, Carried]]:
        log.error(events.MESSAGE_KILLS, topic=death.topic, offset=death.offset, deaths=death.count, apart=death.deadly)
        number = 0
        for whole in raw.slices:
            for at in range(len(whole.events)):
                single = part(whole, at, at + 1)
                if number in death.deadly:
                    yield single, _dead("killed_the_worker", "parsing it ended the process, several times")
                else:
                    self._journal.carrying(death.topic, death.partition, death.offset, number)
                    yield from self._surely(single, now_ms)
                    self._journal.done()
                number += 1


def _dead(code: str, reason: str) -> Carried:
    return Carried(dead=[Unusable(0, "pipeline", code, reason, None)])
