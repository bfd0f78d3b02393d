"""How much one channel is told about one project: what comes beyond is in the queue of alerts all the same, and said so."""

from __future__ import annotations

from typing import NamedTuple

HOUR_MS = 3_600_000


class Admission(NamedTuple):
    """Whether a notice may go out, and what it should say besides."""

    admitted: bool
    words: str = ""


class Quota:
    """So many notices an hour for each channel and project, by the clock's hours."""

    def __init__(self, most: int) -> None:
        """Admit ``most`` an hour."""
        self.most = most
        self._hours: dict[tuple[str, str], tuple[int, int]] = {}

    def ask(self, channel: str, project: str, now_ms: int) -> Admission:
        """Whether one more may be told now; counts it."""
        hour = now_ms // HOUR_MS
        began, count = self._hours.get((channel, project), (hour, 0))
        held = max(0, count - self.most) if began != hour else 0
        count = count + 1 if began == hour else 1
        self._hours[channel, project] = (hour, count)
        if count > self.most:
            return Admission(admitted=False)
        if count == self.most:
            return Admission(
                admitted=True, words=f"The last message about {project} in this hour: what follows is in the queue of alerts."
            )
        if held:
            return Admission(
                admitted=True, words=f"{held} alerts of {project} were not told in an hour before; they are in the queue."
            )
        return Admission(admitted=True)
