"""Stops a partition whose events all turn into dead letters: that is a bad deploy, not bad input."""

from __future__ import annotations

from collections import deque

from service.errors import SiemError


class Poisoned(SiemError):
    """Nearly everything of a partition is unusable: stop it, commit nothing further, raise an alarm."""

    def __init__(self, where: str, dead: int, seen: int) -> None:
        """Remember which partition and how many of its last events were dead letters."""
        self.where = where
        self.dead = dead
        self.seen = seen
        super().__init__(f"{dead} of the last {seen} events of {where} became dead letters")


class PoisonGuard:
    """Watches the share of dead letters over the last events of one partition.

    ``check`` is called with each message's counts *before* its dead letters are sent; it raises Poisoned when more
    than ``share`` of the last ``window`` events (or a little more: whole messages are counted) are dead. Dropped
    events count as usable: a rule wanted it so.
    """

    def __init__(self, where: str, *, share: float = 0.9, window: int = 1000) -> None:
        """Watch the partition named ``where``."""
        self._where = where
        self._share = share
        self._window = window
        self._messages: deque[tuple[int, int]] = deque()
        self._dead = 0
        self._seen = 0

    def check(self, *, dead: int, usable: int) -> None:
        """Count one message; raises Poisoned (and does not count it, so that a retry is judged afresh)."""
        seen, gone = self._seen + dead + usable, self._dead + dead
        if dead and seen >= self._window and gone > self._share * seen:
            raise Poisoned(self._where, gone, seen)
        self._messages.append((dead, dead + usable))
        self._seen, self._dead = seen, gone
        while self._seen - self._messages[0][1] >= self._window:
            old_dead, old_seen = self._messages.popleft()
            self._dead -= old_dead
            self._seen -= old_seen

    def reset(self) -> None:
        """Forget what was seen: the pipelines were replaced, or an operator said go on."""
        self._messages.clear()
        self._dead = self._seen = 0
