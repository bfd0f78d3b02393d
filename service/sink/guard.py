"""Stops a partition whose events all turn into dead letters: that is a bad deploy, not bad input."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from typing import NamedTuple

from service.errors import SiemError

_TELLING = 10
"""Events of a project in the window that say something about how its events fare."""


class Poisoned(SiemError):
    """Nearly everything of a partition is unusable: stop it, commit nothing further, raise an alarm."""

    def __init__(self, where: str, dead: int, seen: int) -> None:
        """Remember which partition and how many of its last events were dead letters."""
        self.where = where
        self.dead = dead
        self.seen = seen
        super().__init__(f"{dead} of the last {seen} events of {where} became dead letters")


class Fared(NamedTuple):
    """How events of one project in one message fared."""

    dead: int
    usable: int


class PoisonGuard:
    """Watches the share of dead letters over the last events of one partition.

    ``check`` is called with each message's counts by project *before* its dead letters are sent; it raises Poisoned when
    more than ``share`` of the last ``window`` events (or a little more: whole messages are counted) are dead. Dropped
    events count as usable: a rule wanted it so.

    Where several projects share the partition (``shared``), a bad deploy is what ruins the events of at least two of them and
    spares none. What one project alone sends is its own affair: its events are dead letters, and nobody else waits.
    """

    def __init__(self, where: str, *, share: float = 0.9, window: int = 1000, shared: bool = False) -> None:
        """Watch the partition named ``where``."""
        self._where = where
        self._share = share
        self._window = window
        self._shared = shared
        self._messages: deque[Mapping[str, Fared]] = deque()
        self._dead: Counter[str] = Counter()
        self._seen: Counter[str] = Counter()

    def check(self, message: Mapping[str, Fared]) -> None:
        """Count one message; raises Poisoned (and does not count it, so that a retry is judged afresh)."""
        self._count(message, 1)
        dead, seen = self._dead.total(), self._seen.total()
        poisonous = seen >= self._window and dead > self._share * seen and any(fared.dead for fared in message.values())
        if poisonous and self._ruins_everyone():
            self._count(message, -1)
            raise Poisoned(self._where, dead, seen)
        self._messages.append(message)
        while self._seen.total() - _events(self._messages[0]) >= self._window:
            self._count(self._messages.popleft(), -1)

    def reset(self) -> None:
        """Forget what was seen: the pipelines were replaced, or an operator said go on."""
        self._messages.clear()
        self._dead.clear()
        self._seen.clear()

    def _ruins_everyone(self) -> bool:
        if not self._shared:
            return True
        telling = [project for project, seen in self._seen.items() if seen >= _TELLING]
        ruined = [project for project in telling if self._dead[project] > self._share * self._seen[project]]
        return len(ruined) >= 2 and len(ruined) == len(telling)

    def _count(self, message: Mapping[str, Fared], times: int) -> None:
        for project, fared in message.items():
            self._dead[project] += times * fared.dead
            self._seen[project] += times * (fared.dead + fared.usable)
            if not self._seen[project]:
                del self._seen[project], self._dead[project]


def _events(message: Mapping[str, Fared]) -> int:
    return sum(fared.dead + fared.usable for fared in message.values())
