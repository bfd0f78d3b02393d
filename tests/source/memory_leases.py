"""A lease table in memory, passing the same contract, whose network can fail before or after the write."""

from __future__ import annotations

from service.errors import Backpressure
from service.source.kinesis.lease import Lease


class MemoryLeases:
    def __init__(self) -> None:
        self.rebuilt = False
        self.rows: dict[str, Lease] = {}
        self.away = False
        self.lose_answers = 0
        """So many next writes happen and are reported as failures."""

    async def prepare(self) -> None:
        self._reach()

    async def list(self) -> list[Lease]:
        self._reach()
        return [*self.rows.values()]

    async def get(self, key: str) -> Lease | None:
        self._reach()
        return self.rows.get(key)

    async def create_if_absent(self, lease: Lease) -> bool:
        self._reach()
        if lease.key in self.rows:
            return False
        self.rows[lease.key] = lease
        return True

    async def swap(self, before: Lease, after: Lease) -> bool:
        self._reach()
        stored = self.rows.get(before.key)
        if stored is None or stored.counter != before.counter:
            return False
        self.rows[before.key] = after
        if self.lose_answers:
            self.lose_answers -= 1
            raise Backpressure("the answer was lost")
        return True

    async def delete(self, lease: Lease) -> bool:
        self._reach()
        stored = self.rows.get(lease.key)
        if stored is None or stored.counter != lease.counter:
            return False
        del self.rows[lease.key]
        return True

    async def close(self) -> None:
        pass

    def _reach(self) -> None:
        if self.away:
            raise Backpressure("the table is away")
