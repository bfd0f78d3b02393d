"""Tables of answers that compiled code keeps, bounded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

ANSWERS = 4096
"""Answers of one step."""
SHORT = 1_000
"""Characters of arguments up to which an answer is kept: what is longer hardly comes again, and 4,096 of it are much."""
PARTS = 40_000_000
"""Bytes, by estimate, that the answers for repeating parts of one dataset's events may take."""
_OVERHEAD = 1_500
"""Bytes of an answer besides its texts: tuples, short strings, the entry itself."""


class StepMemo(dict[tuple[object, ...], tuple[object, ...]]):
    """Arguments of a step → what it gave for them; forgets everything when it holds 4,096 answers, and keeps no long ones."""

    def __init__(self, function: Callable[..., tuple[object, ...]]) -> None:
        super().__init__()
        self._function = function

    def __missing__(self, arguments: tuple[object, ...]) -> tuple[object, ...]:
        """Ask the step, remember, give."""
        given = self._function(*arguments)
        if sum(len(each) for each in arguments if each.__class__ is str) > SHORT:
            return given
        if len(self) >= ANSWERS:
            self.clear()
        self[arguments] = given
        return given


class Room:
    """How much the tables of one pipeline's parts may hold together."""

    def __init__(self, size: int = PARTS) -> None:
        """``size`` in bytes, by estimate."""
        self._size = size
        self._used = 0
        self._tables: list[PartMemo] = []

    def add(self, table: PartMemo) -> None:
        """Let a table have its share."""
        self._tables.append(table)

    def take(self, size: int) -> None:
        """Note what an answer takes; when half of the room is full, what was not asked for since the last time goes."""
        self._used += size
        if self._used > self._size // 2:
            self._used = size
            for table in self._tables:
                table.age()


class PartMemo(dict[Any, tuple[Any, ...]]):
    """Text of a part of an event → what follows from it.

    Two generations: a hit in the older one moves to the younger, so that what is in use survives when the room is full.
    """

    def __init__(self, function: Callable[..., tuple[Any, ...]], room: Room, *, single: bool) -> None:
        """``single``: the function takes the key, else the members of the tuple that the key is."""
        super().__init__()
        self._function = function
        self._single = single
        self._room = room
        self._older: dict[Any, tuple[Any, ...]] = {}
        room.add(self)

    def age(self) -> None:
        """Forget the older generation; the present one is the older from now on."""
        self._older = dict(self)
        self.clear()

    def __missing__(self, key: Any) -> tuple[Any, ...]:
        """What follows from the key, worked out or found among the older; raises what the function raises."""
        found = self._older.pop(key, None)
        if found is None:
            found = self._function(key) if self._single else self._function(*key)
        texts = sum(len(each) for each in (*found, key) if each.__class__ in (str, bytes))
        self._room.take(_OVERHEAD + texts)
        self[key] = found
        return found
