"""What Kinesis does not take is sent again, item by item, until it does; nobody is told that it is safe before."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.forward.producer import Producer, PutLimits, Receipt
from service.source.kinesis.deaggregate import deaggregate, is_aggregate
from service.source.kinesis.fault import KinesisFault
from service.source.kinesis.wire import PutEntry, PutResult

THROTTLED = PutResult(error_code="ProvisionedThroughputExceededException", error_message="Rate exceeded")
Answer = Callable[[list[PutEntry]], list[PutResult]]


def all_taken(entries: list[PutEntry]) -> list[PutResult]:
    return [PutResult(sequence_number="1", shard_id="s") for _ in entries]


class Scripted:
    """Answers as it is told, then takes everything; keeps what it took."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.taken: list[bytes] = []
        self.requests: list[list[PutEntry]] = []
        self.at_once = self.most_at_once = 0

    async def put(self, name_or_arn: str, entries: list[PutEntry]) -> list[PutResult]:
        assert name_or_arn == "audit"
        self.requests.append(entries)
        self.at_once += 1
        self.most_at_once = max(self.at_once, self.most_at_once)
        await asyncio.sleep(0)
        self.at_once -= 1
        results = (self.answers.pop(0) if self.answers else all_taken)(entries)
        for entry, result in zip(entries, results, strict=True):
            if result.error_code is None:
                self.taken += [each.data for each in deaggregate(entry.data)] if is_aggregate(entry.data) else [entry.data]
        return results


class QuickClock:
    """Sleeps no longer than a turn of the loop, and remembers for how long it should have."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return 0.0

    def now_ms(self) -> int:
        return 0

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0)


LIMITS = PutLimits(record=1000, request=3000, records=3, linger=0.2)


def producer(client: Scripted, limits: PutLimits = LIMITS, clock: QuickClock | None = None) -> Producer:
    return Producer(client, "audit", clock or QuickClock(), random.Random(1), limits)


async def test_records_are_acknowledged_when_kinesis_has_them() -> None:
    client = Scripted()
    writing, receipt = producer(client), Receipt()
    for number in range(50):
        await writing.put(b"%d" % number, receipt)
    await receipt.complete()
    assert sorted(client.taken, key=int) == [b"%d" % number for number in range(50)]
    assert (writing.counts.records, writing.counts.aggregates) == (50, 1)


async def test_only_what_was_not_taken_is_sent_again() -> None:
    def second_fails(entries: list[PutEntry]) -> list[PutResult]:
        return [all_taken([entry])[0] if at != 1 else THROTTLED for at, entry in enumerate(entries)]

    client, clock = Scripted(second_fails, lambda entries: [THROTTLED] * len(entries)), QuickClock()
    writing, receipt = producer(client, PutLimits(record=100, request=10_000, records=9), clock), Receipt()
    for number in range(4):
        await writing.put(bytes([number]) * 90, receipt)
    await writing.close()
    await receipt.complete()
    assert [len(request) for request in client.requests] == [4, 1, 1]
    assert sorted(client.taken) == [bytes([number]) * 90 for number in range(4)]
    assert writing.counts.retries == {"ProvisionedThroughputExceededException": 2}
    assert not writing.trouble


@pytest.mark.parametrize(
    "code", ["InternalFailure", "Transport", "AccessDeniedException", "ResourceNotFoundException", "ExpiredTokenException"]
)
async def test_no_number_of_failures_ends_the_trying(code: str) -> None:
    def fails(_: list[PutEntry]) -> list[PutResult]:
        raise KinesisFault(code, "no")

    client, clock = Scripted(*[fails] * 300), QuickClock()
    writing, receipt = producer(client, clock=clock), Receipt()
    await writing.put(b"one", receipt)
    await writing.close()
    await receipt.complete()
    assert client.taken == [b"one"]
    waits = clock.slept[1:]  # the first is for company
    limits = PutLimits()
    assert len(waits) == 300
    assert all(0 <= wait <= min(limits.longest_wait, limits.first_wait * 2.0**at) for at, wait in enumerate(waits))
    assert min(waits[20:]) < limits.longest_wait / 10  # full jitter: anything down to nothing
    assert max(waits) > limits.longest_wait * 0.9


async def test_trouble_is_seen_while_it_lasts() -> None:
    def fails(_: list[PutEntry]) -> list[PutResult]:
        raise KinesisFault("KMSDisabledException", "no")

    seen: list[str] = []

    def looks(entries: list[PutEntry]) -> list[PutResult]:
        seen.append(writing.trouble)
        return all_taken(entries)

    client = Scripted(fails, fails, looks)
    writing, receipt = producer(client), Receipt()
    await writing.put(b"one", receipt)
    await writing.close()
    assert (seen, writing.trouble) == (["KMSDisabledException"], "")


async def test_no_more_is_taken_over_than_there_is_room_for() -> None:
    gate = asyncio.Event()

    class Slow(Scripted):
        async def put(self, name_or_arn: str, entries: list[PutEntry]) -> list[PutResult]:
            await gate.wait()
            return await super().put(name_or_arn, entries)

    client = Slow()
    writing, receipt = producer(client, PutLimits(record=1000, request=3000, records=3, buffer=5000)), Receipt()
    putting = [asyncio.create_task(writing.put(b"x" * 900, receipt)) for _ in range(12)]
    for _ in range(50):
        await asyncio.sleep(0)
    assert sum(task.done() for task in putting) == 5
    gate.set()
    await asyncio.gather(*putting)
    await writing.close()
    await receipt.complete()
    assert len(client.taken) == 12


async def test_what_is_abandoned_is_never_called_safe() -> None:
    class Stuck(Scripted):
        async def put(self, name_or_arn: str, entries: list[PutEntry]) -> list[PutResult]:
            await asyncio.sleep(3600)
            raise AssertionError

    writing, receipt = producer(Stuck()), Receipt()
    await writing.put(b"one", receipt)
    for _ in range(5):
        await asyncio.sleep(0)
    await writing.abandon()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(receipt.complete(), 0.05)


@given(st.lists(st.binary(max_size=1500), max_size=40), st.integers(0, 2**32))
@settings(max_examples=60, deadline=None)
def test_requests_keep_kinesis_limits_and_lose_nothing(records: list[bytes], seed: int) -> None:
    rng = random.Random(seed)

    def fickle(entries: list[PutEntry]) -> list[PutResult]:
        if rng.random() < 0.2:
            raise KinesisFault("InternalFailure", "no")
        return [THROTTLED if rng.random() < 0.3 else all_taken([entry])[0] for entry in entries]

    async def run() -> Scripted:
        client = Scripted(*[fickle] * 30)
        writing, receipt = producer(client), Receipt()
        for record in records:
            await writing.put(record, receipt)
            if rng.random() < 0.2:
                await asyncio.sleep(0)
        await writing.close()
        await receipt.complete()
        return client

    client = asyncio.run(run())
    assert sorted(client.taken) == sorted(records)
    assert client.most_at_once <= LIMITS.requests
    for request in client.requests:
        sizes = [len(entry.data) + len(entry.partition_key) for entry in request]
        assert len(request) <= LIMITS.records
        assert sum(sizes) <= LIMITS.request or len(request) == 1
        assert all(size <= LIMITS.record or not is_aggregate(entry.data) for entry, size in zip(request, sizes, strict=True))
