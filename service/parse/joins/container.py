"""Container logs: lines that the runtime cut to pieces, and stack traces of which every line came as an event of its own.

Neighbours of the same container and stream are put together when the runtime says so (``P`` of the container runtime
interface, ``logtag`` and ``partial_message`` of collectors, Docker's 16 KiB) or when a line can only be the next one of
what stands before it: indented, ``Caused by:``, the rest of a Python traceback or of a Go panic.
"""

from __future__ import annotations

from service.parse.joins.pieces import JOINED, MOST_CHARACTERS, MOST_PIECES
from service.parse.joins.trace import Trace, opens, seems_to_continue
from service.parse.joins.wrapped import Wrapped, log_of, says_partial, unwrap


def container(events: list[str]) -> bool:
    """Lines of containers that the runtime cut, stack traces, what is printed indented: of neighbours with the same origin."""
    if JOINED in events:
        return True
    found = False
    head: _Whole | None = None
    at = -1
    for number, text in enumerate(events):
        if at >= 0 and (head is not None or seems_to_continue(log_of(text))):
            if head is None:
                head = _Whole.of(events[at])
            if head is not None and head.takes(text):
                events[number] = JOINED
                found = True
                continue
        if head is not None and head.pieces > 1:
            events[at] = head.text()
        at, head = number, None
        if says_partial(text) or opens(text):
            head = _Whole.of(text)
    if head is not None and head.pieces > 1:
        events[at] = head.text()
    return found


class _Whole:
    """An event and what of its neighbours belongs to it."""

    def __init__(self, first: Wrapped) -> None:
        self.first = first
        self.lines = [first.log]
        self.partial = first.partial
        self.pieces = 1
        self.size = len(first.log)
        self.trace = Trace(first.log)

    @classmethod
    def of(cls, text: str) -> _Whole | None:
        """The event as a beginning; None for what has no text of a container in it."""
        first = unwrap(text)
        return None if first is None else cls(first)

    def takes(self, text: str) -> bool:
        """Whether the neighbour belongs to the event; it is added."""
        piece = unwrap(text)
        if piece is None or piece.origin != self.first.origin:
            return False
        self.size += len(piece.log) + 1
        if self.pieces >= MOST_PIECES or self.size > MOST_CHARACTERS:
            return False
        if self.partial:
            self.lines[-1] += piece.log
        elif self.trace.goes_on(piece.log):
            self.lines.append(piece.log)
        else:
            return False
        self.partial = piece.partial
        self.pieces += 1
        return True

    def text(self) -> str:
        """The event as if it had come whole."""
        return self.first.rewrapped("\n".join(self.lines))
