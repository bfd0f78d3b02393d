"""Puts events on streams without pause and keeps the ledger: what Kinesis acknowledged, where, when."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from random import Random

from service.local.kinesis import KinesisDouble
from tests.faults.events import DATASETS, Maker, Mark
from tests.faults.hostile import KINDS, Hostile

TICK = 0.1
"""Seconds between two puts."""
TOGETHER = 8
"""Events in one record."""


@dataclass(frozen=True, slots=True)
class Lane:
    """One stream of one project; its number is part of every mark."""

    number: int
    project: str
    environment: str
    account: str
    stream: str
    mode: str


LANES = (
    Lane(0, "shop", "prod", "111122223333", "shop-prod-security", "auto"),
    Lane(1, "shop", "nonprod", "123456789012", "shop-nonprod-security", "fan_out"),
    Lane(2, "pay", "prod", "444455556666", "pay-prod-security", "polling"),
)


@dataclass(frozen=True, slots=True)
class Sent:
    """An acknowledged record with the events ``first`` … of a lane; ``codes`` are the dead letters it must leave."""

    lane: int
    dataset: str
    first: int
    count: int
    sequence: str
    at: float
    codes: tuple[str, ...] = ()


@dataclass(slots=True)
class Ledger:
    """All that was acknowledged, in order."""

    records: list[Sent] = field(default_factory=list)
    events: int = 0
    letters: int = 0
    dead: dict[Mark, str] = field(default_factory=dict)
    """Events that a fault made the sink refuse: they must be dead letters with this code instead of documents."""

    def add(self, sent: Sent) -> None:
        """Note one record."""
        self.records.append(sent)
        self.events += sent.count
        self.letters += len(sent.codes)


class Producer:
    """``rate`` events a second over all lanes until stopped; ``paused`` lanes get nothing."""

    def __init__(self, double: KinesisDouble, maker: Maker, rng: Random, *, rate: int, hostile: float = 0.05) -> None:
        """``hostile`` is the part of the records that are bad on purpose."""
        self.ledger = Ledger()
        self.maker = maker
        self.rate = rate
        self.paused: set[int] = set()
        self.trouble: Exception | None = None
        self._double = double
        self._rng = rng
        self._hostile = hostile
        self._next: Counter[int] = Counter()
        self._due = 0.0
        self._turn = 0

    async def run(self) -> None:
        """Send until cancelled; late ticks are made up for."""
        loop = asyncio.get_running_loop()
        next_tick = loop.time()
        while True:
            self._due += self.rate * TICK / TOGETHER
            while self._due >= 1:
                self._due -= 1
                self.send_one(loop.time())
            next_tick = max(next_tick + TICK, loop.time() - 1.0)
            await asyncio.sleep(max(0.0, next_tick - loop.time()))

    def send_one(self, now: float) -> None:
        """One record onto the next lane."""
        self._turn += 1
        lane = LANES[self._turn % len(LANES)]
        if lane.number in self.paused:
            return
        if self._rng.random() < self._hostile:
            kind = self._rng.choice(KINDS)
            self.put(lane, kind.dataset, kind.events, now, kind=kind)
        else:
            self.put(lane, DATASETS[self._rng.randrange(len(DATASETS))], TOGETHER, now)

    def put(
        self, lane: Lane, dataset: str, count: int, now: float, *, kind: Hostile | None = None, key: str = "", shift_ms: int = 0
    ) -> Sent:
        """One record with ``count`` events; ``key`` chooses the shard, ``shift_ms`` moves the events' own time."""
        first = self._next[lane.number]
        self._next[lane.number] += count
        if shift_ms:
            self.maker.shifts.update({(lane.number, first + k): shift_ms for k in range(count)})
        if kind is not None:
            data = kind.build(self.maker, lane.account, lane.number, first)
        else:
            data = self.maker.record(dataset, lane.account, lane.number, first, count)
        key = key or f"{self._rng.getrandbits(64):x}"
        sequence = self._double.account.stream(lane.stream).shard_for(key).put(data, key)
        sent = Sent(lane.number, dataset, first, count, sequence, now, kind.codes if kind is not None else ())
        self.ledger.add(sent)
        return sent

    def again(self, sent: Sent) -> None:
        """The same record once more, as a producer does that missed the acknowledgement: other position, same events."""
        lane = LANES[sent.lane]
        data = self.maker.record(sent.dataset, lane.account, sent.lane, sent.first, sent.count)
        key = f"{self._rng.getrandbits(64):x}"
        self._double.account.stream(lane.stream).shard_for(key).put(data, key)

    def probe(self, now: float) -> list[Sent]:
        """One event onto every open shard: what passes when all is well again."""
        probes = []
        for lane in LANES:
            if lane.number in self.paused:
                continue
            for shard in self._double.account.stream(lane.stream).open_shards:
                first = self._next[lane.number]
                self._next[lane.number] += 1
                data = self.maker.record("aws.cloudwatch", lane.account, lane.number, first, 1)
                sequence = shard.put(data, "probe")
                probes.append(Sent(lane.number, "aws.cloudwatch", first, 1, sequence, now))
                self.ledger.add(probes[-1])
        return probes
