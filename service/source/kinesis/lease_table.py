"""Where leases are kept: the protocol of a lease table, and the one way to write to it safely."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from service.errors import LeaseLost
from service.source.kinesis.lease import Lease


class LeaseTable(Protocol):
    """A table of leases with conditional writes.

    Any method may raise ``Backpressure`` when the store is away or busy: nothing is then known about whether a write
    happened, and ``write`` below copes with that.
    """

    rebuilt: bool
    """True when earlier contents were lost (a damaged file): LATEST would then skip what nobody read."""

    async def prepare(self) -> None:
        """Make the table if there is none; to be called once, before anything else."""
        ...

    async def list(self) -> list[Lease]:
        """Every lease, in no particular order."""
        ...

    async def get(self, key: str) -> Lease | None:
        """One lease, read consistently."""
        ...

    async def create_if_absent(self, lease: Lease) -> bool:
        """Add a lease; False (and no change) if the key exists."""
        ...

    async def swap(self, before: Lease, after: Lease) -> bool:
        """Replace ``before`` by ``after`` if the stored counter is still that of ``before``; False if it is not."""
        ...

    async def delete(self, lease: Lease) -> bool:
        """Remove the lease if its stored counter is still the given one; False if it is not."""
        ...

    async def close(self) -> None:
        """Let go of files and connections."""
        ...


async def write(table: LeaseTable, before: Lease, change: Callable[[Lease], Lease], writer: str) -> Lease:
    """Write ``change(before)`` for ``writer`` and return the lease as it is now stored.

    A refused condition is either our own earlier attempt that did succeed although its answer got lost, a handoff that
    somebody asked of us (we may still write), or another worker's lease now: raises ``LeaseLost``. Our own earlier attempt is
    followed by a new one: others have counted the lease's life from that write, not from the moment we learn of it.
    """
    for _ in range(3):
        after = change(before)
        if await table.swap(before, after):
            return after
        stored = await table.get(before.key)
        if stored is None:
            raise LeaseLost(before.key)
        if stored == after and after.writer != writer:
            return after  # given away: done is done
        # Worker names are unique to each start, and a lease that is taken anew is written from there: all between is ours.
        own_retry = stored.counter > before.counter and stored.owner == before.owner
        if stored.writer != writer or not (own_retry or stored.in_handoff):
            raise LeaseLost(before.key)
        before = stored
    raise LeaseLost(before.key)
