"""One stream: shards that split and merge, and who is registered to be pushed their records."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from functools import partial

from service.local.kinesis import sequence
from service.local.kinesis.journal import Note, RecordedClock
from service.local.kinesis.limits import Limits
from service.local.kinesis.refusal import Refusal, in_use, invalid, not_found
from service.local.kinesis.shard import Lineage, Shard

HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class Consumer:
    """A registered consumer of enhanced fan-out."""

    name: str
    arn: str
    created_ms: int


class Stream:
    """Shards in the order of their creation; the open ones cover every hash key exactly once."""

    def __init__(
        self,
        name: str,
        arn: str,
        shards: int,
        limits: Limits,
        clock: RecordedClock,
        *,
        on_demand: bool = False,
        note: Note | None = None,
    ) -> None:
        self.name = name
        self.arn = arn
        self.on_demand = on_demand
        self.created_ms = clock.now_ms()
        self.retention_hours = 24
        self.max_record_bytes = 1 << 20
        self.tags: dict[str, str] = {}
        self.consumers: dict[str, Consumer] = {}
        self.shards: dict[str, Shard] = {}
        self._limits = limits
        self._clock = clock
        self._note = note or (lambda *_: None)
        self._note_put = None if note is None else partial(note, "put", name)
        self._made = 0
        step = (sequence.MAX_HASH_KEY + 1) // shards
        for at in range(shards):
            last = sequence.MAX_HASH_KEY if at == shards - 1 else (at + 1) * step - 1
            self._make((at * step, last), Lineage(), self.created_ms)
        self._route()

    def _make(self, hash_range: tuple[int, int], lineage: Lineage, created_ms: int) -> Shard:
        shard = Shard(self._made, hash_range, created_ms, lineage, self._limits, self._clock, self._note_put)
        self._made += 1
        self.shards[shard.shard_id] = shard
        return shard

    def _route(self) -> None:
        self.open_shards = sorted((s for s in self.shards.values() if s.is_open), key=lambda s: s.hash_range)
        self._starts = [shard.hash_range[0] for shard in self.open_shards]

    def shard(self, shard_id: str) -> Shard:
        """The shard of that id; raises Refusal when there is none, or none any more."""
        self.forget_expired()
        found = self.shards.get(shard_id)
        if found is None:
            raise not_found(f"Shard {shard_id} in stream {self.name}")
        return found

    def shard_for(self, partition_key: str, explicit: int | None = None) -> Shard:
        """The open shard that takes this partition key, or this explicit hash key."""
        key = sequence.hash_key(partition_key) if explicit is None else explicit
        return self.open_shards[bisect_right(self._starts, key) - 1]

    def forget_expired(self) -> None:
        """Trim records older than the retention, and shards that closed longer ago than that."""
        horizon = self._clock.now_ms() - self.retention_hours * HOUR_MS
        gone = []
        for shard in self.shards.values():
            shard.trim(horizon)
            if shard.closed_ms is not None and shard.closed_ms < horizon:
                gone.append(shard.shard_id)
        for shard_id in gone:
            del self.shards[shard_id]

    def _child_birth(self, *parents: Shard) -> int:
        # a sequence number begins with its shard's second of birth: only a younger child sorts above its parents
        return max(self._clock.now_ms(), *(parent.created_ms + 1000 for parent in parents))

    def _open_shard(self, shard_id: str) -> Shard:
        shard = self.shard(shard_id)
        if not shard.is_open:
            raise in_use(f"Shard {shard_id} in stream {self.name} is not in an open state.")
        return shard

    def split(self, shard_id: str, at: int) -> tuple[Shard, Shard]:
        """Close a shard; two children take over below ``at`` and from ``at`` on."""
        parent = self._open_shard(shard_id)
        low, high = parent.hash_range
        if not low < at <= high:
            raise invalid(f"NewStartingHashKey {at} is not strictly inside the hash key range of {shard_id}.")
        with self._clock.moment():
            self._note("split", self.name, shard_id, str(at))
            born, lineage = self._child_birth(parent), Lineage(shard_id)
            children = (self._make((low, at - 1), lineage, born), self._make((at, high), lineage, born))
            parent.close(list(children))
        self._route()
        return children

    def merge(self, shard_id: str, adjacent_id: str) -> Shard:
        """Close two neighbours; one child takes over."""
        parent, adjacent = self._open_shard(shard_id), self._open_shard(adjacent_id)
        low, high = sorted((parent.hash_range, adjacent.hash_range))
        if low[1] + 1 != high[0]:
            raise invalid(f"Shards {shard_id} and {adjacent_id} in stream {self.name} are not adjacent.")
        with self._clock.moment():
            self._note("merge", self.name, shard_id, adjacent_id)
            born = self._child_birth(parent, adjacent)
            child = self._make((low[0], high[1]), Lineage(shard_id, adjacent_id), born)
            parent.close([child])
            adjacent.close([child])
        self._route()
        return child

    def rescale(self, target: int) -> None:
        """Split and merge until ``target`` open shards cover equal shares; like AWS, at most double or half at once."""
        current = len(self.open_shards)
        if target > current * 2 or target * 2 < current or target < 1:
            raise Refusal("LimitExceededException", f"UpdateShardCount from {current} to {target} is out of bounds.")
        step = (sequence.MAX_HASH_KEY + 1) // target
        wanted = [at * step for at in range(target)]
        for start in wanted:
            holder = self.open_shards[bisect_right(self._starts, start) - 1]
            if holder.hash_range[0] != start:
                self.split(holder.shard_id, start)
        for at, start in enumerate(wanted):
            end = wanted[at + 1] if at + 1 < target else sequence.MAX_HASH_KEY + 1
            parts = [s for s in self.open_shards if start <= s.hash_range[0] < end]
            whole = parts[0]
            for part in parts[1:]:
                whole = self.merge(whole.shard_id, part.shard_id)

    def register(self, name: str) -> Consumer:
        """Register a consumer; raises Refusal when it exists or there are too many."""
        if name in self.consumers:
            raise in_use(f"Consumer {name} under stream {self.arn} already exists.")
        if len(self.consumers) >= self._limits.consumers:
            raise Refusal("LimitExceededException", f"Stream {self.arn} has too many consumers.")
        with self._clock.moment():
            self._note("register", self.name, name)
            now = self._clock.now_ms()
        consumer = Consumer(name, f"{self.arn}/consumer/{name}:{now // 1000}", now)
        self.consumers[name] = consumer
        return consumer

    def deregister(self, name: str) -> None:
        """Forget a consumer; raises Refusal when there is none."""
        del self.consumers[self.consumer(name=name).name]
        self._note("deregister", self.name, name)

    def retain(self, hours: int) -> None:
        """Keep records for ``hours`` from now on."""
        self.retention_hours = hours
        self._note("retain", self.name, hours)

    def admit(self, size: int) -> None:
        """Take records of up to ``size`` bytes from now on."""
        self.max_record_bytes = size
        self._note("admit", self.name, size)

    def consumer(self, *, name: str | None = None, arn: str | None = None) -> Consumer:
        """The consumer of that name or ARN; raises Refusal when there is none."""
        for consumer in self.consumers.values():
            if consumer.arn == arn or consumer.name == name:
                return consumer
        raise not_found(f"Consumer {name or arn}")
