"""Who reads which shard: takes, renews, steals, hands over and gives back leases for one worker.

Fencing rests on the conditional write alone; time only decides when to try. Whether another worker is dead is judged by
this machine's monotonic clock: its counter has not moved since we first saw it that way. Whether we may still act is
judged by the moment before our last successful renewal was sent.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import structlog

from service.clock import Clock
from service.errors import Backpressure, LeaseLost
from service.source.kinesis.balance import choose
from service.source.kinesis.lease import Checkpoint, Lease
from service.source.kinesis.lease_table import LeaseTable, write

log = structlog.get_logger(__name__)

_WRITES_AT_ONCE = 10


@dataclass(frozen=True, slots=True)
class LeaseTimes:
    """Seconds."""

    failover: float = 10.0
    """A lease whose counter stood still for this long is free; a holder that could not renew for this long stops."""
    handoff: float = 30.0
    """How long a previous owner may take to finish after its lease was stolen."""

    @property
    def renewal(self) -> float:
        """How often to renew."""
        return self.failover / 3


@dataclass(slots=True)
class Held:
    """A lease of ours."""

    lease: Lease
    renewed_at: float
    """Monotonic time before the last successful write was sent: nobody can consider it dead earlier than that."""
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


@dataclass(frozen=True, slots=True)
class _Seen:
    counter: int
    since: float


class LeaseCoordinator:
    """The leases of one worker; ``worker`` must be unique for each start of a process."""

    def __init__(
        self, table: LeaseTable, worker: str, clock: Clock, *, times: LeaseTimes | None = None, rng: random.Random
    ) -> None:
        """Hold nothing yet."""
        self.worker = worker
        self.times = times or LeaseTimes()
        self.leases: dict[str, Lease] = {}
        """The table as last seen, by lease key."""
        self._table = table
        self._clock = clock
        self._rng = rng
        self._held: dict[str, Held] = {}
        self._seen: dict[str, _Seen] = {}
        self._promised: dict[str, float] = {}
        self._progress: dict[str, tuple[int | None, str | None]] = {}
        self._shunned: dict[str, float] = {}
        self._alive: dict[str, float] = {}

    @property
    def held(self) -> Mapping[str, Lease]:
        """Leases this worker has, including those it is about to hand over."""
        return {key: held.lease for key, held in self._held.items()}

    def holds(self, key: str) -> bool:
        """Whether this worker may act for the shard right now."""
        held = self._held.get(key)
        return held is not None and self._clock.monotonic() - held.renewed_at < self.times.failover

    def leaving(self, key: str) -> bool:
        """Whether another worker asked for the lease: finish, checkpoint, ``hand_over``."""
        held = self._held.get(key)
        return held is not None and held.lease.checkpoint_owner == self.worker

    async def observe(self) -> None:
        """Read the table; may raise Backpressure."""
        leases = {lease.key: lease for lease in await self._table.list()}
        now = self._clock.monotonic()
        for key, lease in leases.items():
            seen = self._seen.get(key)
            if seen is None or seen.counter != lease.counter:
                self._seen[key] = _Seen(lease.counter, now)
            if seen is not None and seen.counter != lease.counter and lease.writer is not None:
                self._alive[lease.writer] = now
            if lease.owner != self.worker or not lease.in_handoff:
                self._promised.pop(key, None)
            else:
                self._promised.setdefault(key, now)
        for gone in self._seen.keys() - leases.keys():
            del self._seen[gone]
        self.leases = leases

    async def take(self, eligible: Callable[[Lease], bool] = lambda _: True) -> list[Lease]:
        """Go for what is ours, free or too many elsewhere, by the table as last observed; returns what was won.

        Stolen leases are not among them until their previous owners let go.
        """
        now = self._clock.monotonic()
        self._shunned = {key: at for key, at in self._shunned.items() if now - at < 2 * self.times.failover}
        leases = [lease for lease in self.leases.values() if lease.key not in self._shunned and eligible(lease)]
        expired = {
            lease.key
            for lease in leases
            if lease.key not in self._held and now - self._seen[lease.key].since >= self.times.failover
        }
        won = [lease for lease in leases if self._is_ours_to_claim(lease, expired, now) and await self._claim(lease)]
        ours = {lease.key for lease in won}
        present = [self._held[lease.key].lease if lease.key in self._held else lease for lease in leases]
        wanted = choose(present, self.worker, expired - ours, self._rng)
        won += [lease for lease in wanted.take if await self._claim(lease)]
        for lease in wanted.steal:
            # Asking a dead worker to hand over would only put off the moment its leases are free.
            if now - self._alive.get(lease.owner or "", -self.times.failover) < self.times.failover:
                await self._steal(lease)
        return [self._held[lease.key].lease for lease in won if lease.key in self._held]

    async def renew(self, progressing: Callable[[str], bool] = lambda _: True) -> list[str]:
        """Renew every lease whose reader is alive; returns the keys that were lost.

        A lease whose reader hangs is not renewed, so that another worker gets it: half-open connections must not keep a
        shard.
        """
        gate = asyncio.Semaphore(_WRITES_AT_ONCE)

        async def one(key: str, held: Held) -> str | None:
            async with gate:
                return None if await self._renew(key, held, alive=progressing(key)) else key

        verdicts = await asyncio.gather(*(one(key, held) for key, held in list(self._held.items())))
        return [key for key in verdicts if key is not None]

    async def checkpoint(self, key: str, checkpoint: Checkpoint, accounted_ms: int | None) -> None:
        """Store a position; raises LeaseLost, or Backpressure when the table is away (try again later)."""
        await self._change(key, lambda lease: lease.checkpointed(checkpoint, accounted_ms))

    async def end_shard(self, key: str, children: Iterable[str]) -> None:
        """Store SHARD_END and let go; the children's leases must exist already. Raises as ``checkpoint``."""
        ids = tuple(sorted(children))
        await self._change(key, lambda lease: lease.ended(ids))
        self._drop(key)

    async def release(self, key: str) -> None:
        """Give a lease back, or finish handing it over; a lease that is lost already is no error."""
        accounted_ms, _ = self._progress.get(key, (None, None))
        try:
            if self.leaving(key):
                await self._change(key, lambda lease: lease.handed_over(accounted_ms))
            else:
                await self._change(key, lambda lease: lease.released(accounted_ms))
        except (LeaseLost, Backpressure) as fault:
            log.info("lease_not_released", lease=key, reason=repr(fault))
        self._drop(key)

    def note_progress(self, key: str, accounted_ms: int | None, mode: str | None) -> None:
        """Remember how far a shard is accounted and how it is read; the next renewal writes it down."""
        if key in self._held:
            self._progress[key] = (accounted_ms, mode)

    def _is_ours_to_claim(self, lease: Lease, expired: set[str], now: float) -> bool:
        if lease.owner != self.worker or lease.key in self._held or lease.checkpoint.is_end:
            return False
        if not lease.in_handoff:
            return True  # handed over, or held before this worker lost sight of the table
        patience_over = now - self._promised.get(lease.key, now) >= self.times.handoff
        return patience_over or lease.key in expired

    async def _claim(self, lease: Lease) -> bool:
        sent = self._clock.monotonic()
        wanted = lease.taken(self.worker)
        try:
            won = await self._table.swap(lease, wanted) or await self._table.get(lease.key) == wanted
        except Backpressure as fault:
            log.warning("lease_table_away", lease=lease.key, reason=fault.reason)
            return False
        if won:
            self._held[lease.key] = Held(wanted, sent)
            self.leases[lease.key] = wanted
            log.info("lease_taken", lease=lease.key, before=lease.owner, counter=wanted.counter)
        return won

    async def _steal(self, lease: Lease) -> None:
        try:
            stolen = await self._table.swap(lease, lease.stolen(self.worker))
        except Backpressure as fault:
            log.warning("lease_table_away", lease=lease.key, reason=fault.reason)
            return
        if stolen:
            log.info("lease_stolen", lease=lease.key, of=lease.owner)

    async def _renew(self, key: str, held: Held, *, alive: bool) -> bool:
        if alive:
            accounted_ms, mode = self._progress.get(key, (None, None))
            try:
                await self._change(key, lambda lease: lease.renewed(accounted_ms, mode))
            except LeaseLost:
                log.warning("lease_lost", lease=key)
                self._drop(key)
                return False
            except Backpressure as fault:
                log.warning("lease_table_away", lease=key, reason=fault.reason)
        if self._clock.monotonic() - held.renewed_at >= self.times.failover:
            log.warning("lease_not_renewed_in_time", lease=key, reader_alive=alive)
            self._drop(key)
            if not alive:
                self._shunned[key] = self._clock.monotonic()  # somebody else may have better luck; we try again later
            return False
        return True

    async def _change(self, key: str, change: Callable[[Lease], Lease]) -> None:
        held = self._held.get(key)
        if held is None:
            raise LeaseLost(key)
        async with held.lock:
            if self._held.get(key) is not held or not self.holds(key):
                raise LeaseLost(key)
            sent = self._clock.monotonic()
            try:
                held.lease = await write(self._table, held.lease, change, self.worker)
            except LeaseLost:
                held.renewed_at = -math.inf  # nobody acts on it any more; the next renewal reports it
                raise
            held.renewed_at = sent
            self.leases[key] = held.lease

    def _drop(self, key: str) -> None:
        self._held.pop(key, None)
        self._progress.pop(key, None)
