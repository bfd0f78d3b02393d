"""Which leases a worker should take or steal: a pure function of the table, so that simulations can drive it."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from service.source.kinesis.lease import Lease

MOST_STOLEN_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Wanted:
    """Leases to take now (nobody holds them) and leases to ask their holders for."""

    take: list[Lease] = field(default_factory=list)
    steal: list[Lease] = field(default_factory=list)


def choose(leases: Iterable[Lease], worker: str, expired: Collection[str], rng: random.Random) -> Wanted:
    """What ``worker`` should go for; ``expired`` are the keys whose holder is considered dead.

    Every worker aims at its share of the count, rounded up. Free leases come first; only when there are none, the most
    loaded worker is asked for some, and only if that evens things out: two workers never pass a lease to and fro.
    """
    active = [lease for lease in leases if not lease.checkpoint.is_end]
    free = [lease for lease in active if lease.owner is None or lease.key in expired]
    held = [lease for lease in active if lease.owner is not None and lease.key not in expired]
    load = Counter({worker: 0})
    load.update(lease.owner for lease in held if lease.owner is not None)
    share = -(-len(active) // len(load))
    missing = share - load[worker]
    if missing <= 0:
        return Wanted()
    if free:
        rng.shuffle(free)
        return Wanted(take=free[:missing])
    most = max(count for owner, count in load.items() if owner != worker) if len(load) > 1 else 0
    count = min(missing, (most - load[worker]) // 2, MOST_STOLEN_AT_ONCE)
    if count <= 0:
        return Wanted()
    victim = rng.choice(sorted(owner for owner, number in load.items() if number == most and owner != worker))
    stealable = [lease for lease in held if lease.owner == victim and not lease.in_handoff]
    rng.shuffle(stealable)
    return Wanted(steal=stealable[:count])
