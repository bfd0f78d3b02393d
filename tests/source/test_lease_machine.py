"""Any interleaving of several collectors, each behind a network of its own, over shards that split: the three promises hold.

Never two that act on one shard, never a checkpoint past data that is not safe, never a shard that nobody reads in the end.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from service.errors import Backpressure, LeaseLost
from service.local.kinesis import TurningClock
from service.source.kinesis.checkpoint import CheckpointTracker, Handed
from service.source.kinesis.coordinator import LeaseCoordinator
from service.source.kinesis.lease import TRIM_HORIZON, Checkpoint, Lease
from tests.source.memory_leases import MemoryLeases


class Link:
    """One worker's way to the table: it alone can be cut off, or lose an answer."""

    def __init__(self, table: MemoryLeases) -> None:
        self.rebuilt = False
        self.cut = False
        self.lose_answers = 0
        self._table = table

    async def prepare(self) -> None:
        self._reach()

    async def list(self) -> list[Lease]:
        self._reach()
        return await self._table.list()

    async def get(self, key: str) -> Lease | None:
        self._reach()
        return await self._table.get(key)

    async def create_if_absent(self, lease: Lease) -> bool:
        self._reach()
        return self._answer(await self._table.create_if_absent(lease))

    async def swap(self, before: Lease, after: Lease) -> bool:
        self._reach()
        return self._answer(await self._table.swap(before, after))

    async def delete(self, lease: Lease) -> bool:
        self._reach()
        return self._answer(await self._table.delete(lease))

    async def close(self) -> None:
        pass

    def _reach(self) -> None:
        if self.cut:
            raise Backpressure("cut off")

    def _answer(self, done: bool) -> bool:
        if self.lose_answers:
            self.lose_answers -= 1
            raise Backpressure("the answer was lost")
        return done


def position(handed: Handed) -> Checkpoint:
    assert handed.upto is not None
    return handed.upto


@dataclass
class Reading:
    """What a worker has read of a shard under one lease, and what of it is safe."""

    tracker: CheckpointTracker
    handed: list[Handed] = field(default_factory=list)


@dataclass
class Node:
    """A collector: its coordinator, its network, its readings."""

    link: Link
    leases: LeaseCoordinator
    readings: dict[str, Reading] = field(default_factory=dict)


def fresh(shard: str, parents: tuple[str, ...] = ()) -> Lease:
    return Lease(stream="s", shard=shard, checkpoint=Checkpoint(TRIM_HORIZON), parents=parents)


class Collectors(RuleBasedStateMachine):
    """Sequence numbers of a shard are 1, 2, 3 …; ``durable`` holds those that Kafka acknowledged, whoever sent them."""

    @initialize(shards=st.integers(1, 4), nodes=st.integers(2, 4))
    def begin(self, shards: int, nodes: int) -> None:
        self.loop = asyncio.new_event_loop()
        self.clock = TurningClock(0, frozen=True)
        self.table = MemoryLeases()
        self.table.rows = {lease.key: lease for lease in (fresh(f"shard-{number}") for number in range(shards))}
        self.nodes: dict[str, Node] = {}
        self.durable: dict[str, set[int]] = {}
        self.ended: set[str] = set()
        self.made = 0
        for _ in range(nodes):
            self.add_node()

    def add_node(self) -> None:
        self.made += 1
        name, link = f"w{self.made}", Link(self.table)
        self.nodes[name] = Node(link, LeaseCoordinator(link, name, self.clock, rng=random.Random(self.made)))

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(work)

    def some(self, data: st.DataObject) -> Node:
        return self.nodes[data.draw(st.sampled_from(sorted(self.nodes)))]

    async def step(self, node: Node) -> None:
        for key in await node.leases.renew():
            node.readings.pop(key, None)
        for key in list(node.leases.held):
            if node.leases.leaving(key):
                await node.leases.release(key)
                node.readings.pop(key, None)
        try:
            await node.leases.observe()
        except Backpressure:
            return
        for lease in await node.leases.take():
            node.readings[lease.key] = Reading(CheckpointTracker(lease.checkpoint))

    @rule(data=st.data(), seconds=st.sampled_from([0.0, 0.5, 3.0, 3.4]))
    def a_worker_lives(self, data: st.DataObject, seconds: float) -> None:
        self.clock.advance(seconds)
        self.run(self.step(self.some(data)))

    @rule(seconds=st.sampled_from([3.0, 9.0, 10.0, 11.0, 40.0]))
    def time_passes(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @rule(data=st.data(), cut=st.booleans())
    def a_network_changes(self, data: st.DataObject, cut: bool) -> None:
        self.some(data).link.cut = cut

    @rule(data=st.data())
    def an_answer_will_be_lost(self, data: st.DataObject) -> None:
        self.some(data).link.lose_answers = 1

    @rule(data=st.data(), count=st.integers(1, 3))
    def a_worker_reads(self, data: st.DataObject, count: int) -> None:
        node = self.some(data)
        acting = sorted(key for key in node.readings if node.leases.holds(key) and key not in self.ended)
        if not acting:
            return
        key = data.draw(st.sampled_from(acting))
        reading = node.readings[key]
        last = position(reading.handed[-1]) if reading.handed else reading.tracker.safe
        start = 0 if last.is_start else int(last.sequence)
        for number in range(start + 1, start + 1 + count):
            reading.handed.append(reading.tracker.hand(Checkpoint(str(number)), 1))

    @rule(data=st.data())
    def kafka_acknowledges_something(self, data: st.DataObject) -> None:
        node = self.some(data)
        waiting = [
            (key, handed) for key, reading in sorted(node.readings.items()) for handed in reading.handed if not handed.safe
        ]
        if not waiting:
            return
        key, handed = data.draw(st.sampled_from(waiting))
        self.durable.setdefault(key, set()).add(int(position(handed).sequence))
        node.readings[key].tracker.settle(handed)

    @rule(data=st.data())
    def a_worker_checkpoints(self, data: st.DataObject) -> None:
        node = self.some(data)
        if not node.readings:
            return
        key = data.draw(st.sampled_from(sorted(node.readings)))
        safe = node.readings[key].tracker.safe
        if safe.is_start:
            return
        try:
            self.run(node.leases.checkpoint(key, safe, None))
        except (LeaseLost, Backpressure):
            return

    @rule(data=st.data())
    def a_shard_ends_and_has_two_children(self, data: st.DataObject) -> None:
        node = self.some(data)
        done = [
            key for key, reading in sorted(node.readings.items())
            if node.leases.holds(key) and not reading.tracker.in_flight and len(self.table.rows) < 12
        ]  # fmt: skip
        if not done:
            return
        key = data.draw(st.sampled_from(done))
        lease = self.table.rows[key]
        children = [fresh(f"{lease.shard}.{side}", (lease.shard,)) for side in "ab"]
        try:
            for child in children:
                self.run(node.link.create_if_absent(child))
            self.run(node.leases.end_shard(key, [child.shard for child in children]))
        except (LeaseLost, Backpressure):
            return
        self.ended.add(key)
        node.readings.pop(key)

    @rule(data=st.data())
    def a_process_dies_and_another_starts(self, data: st.DataObject) -> None:
        del self.nodes[data.draw(st.sampled_from(sorted(self.nodes)))]
        self.add_node()

    @invariant()
    def never_two_that_act(self) -> None:
        for key in self.table.rows if hasattr(self, "table") else ():
            acting = [name for name, node in self.nodes.items() if node.leases.holds(key) and not node.leases.leaving(key)]
            assert len(acting) <= 1, (key, acting)

    @invariant()
    def never_a_checkpoint_past_unsafe_data(self) -> None:
        for key, row in self.table.rows.items() if hasattr(self, "table") else ():
            if row.checkpoint.is_start or row.checkpoint.is_end:
                continue
            owed = set(range(1, int(row.checkpoint.sequence) + 1))
            assert owed <= self.durable.get(key, set()), (key, row.checkpoint, self.durable.get(key))

    def teardown(self) -> None:
        if not hasattr(self, "table"):
            return
        for node in self.nodes.values():
            node.link.cut, node.link.lose_answers = False, 0
        for _ in range(40):
            self.clock.advance(3.0)
            for node in self.nodes.values():
                self.run(self.step(node))
        for key, row in self.table.rows.items():
            readers = [name for name, node in self.nodes.items() if node.leases.holds(key)]
            assert len(readers) == (0 if row.checkpoint.is_end else 1), (key, row, readers)
        self.loop.close()


TestCollectors = Collectors.TestCase
TestCollectors.settings = settings(max_examples=60, stateful_step_count=50, deadline=None)
