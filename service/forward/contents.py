"""What an object holds: its units and what is wrong with it, whatever it is packed in."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from service.decode.tables import NONE, Tables
from service.forward.archive import members
from service.forward.blocks import Block, Bytes, Flawed
from service.forward.bounds import Bounds
from service.forward.rows import rows
from service.forward.spoiled import Spoiled
from service.forward.thing import Thing
from service.forward.unpack import PARQUET, ZIP, Ahead, unpacked, unsupported
from service.forward.walk import Walk

Content = tuple[str, Block | Flawed]
"""Member of the archive ("" for an object that is none), and what it holds."""


def contents(thing: Thing, bounds: Bounds, tables: Tables = NONE) -> Iterator[Content]:
    """Everything the object holds, in order; ``tables`` are known by their headers.

    Raises Backpressure when it cannot be read for the moment.
    """
    ahead = Ahead(thing)
    head = ahead.look()
    if not head.startswith(ZIP):
        items = rows(thing, bounds) if head.startswith(PARQUET) else _file(ahead, thing.again, bounds, tables)
        yield from (("", item) for item in items)
        return
    part = ""
    try:
        for member in members(thing, bounds):
            part = member.part
            yield from ((part, item) for item in _file(member, member.again, bounds, tables))
    except Spoiled as spoiled:
        yield part, _flawed(spoiled)


def _file(source: Bytes, again: Callable[[], Bytes], bounds: Bounds, tables: Tables) -> Iterator[Block | Flawed]:
    try:
        content = unpacked(source, again, bounds)
        head = content.look()
    except Spoiled as spoiled:
        yield _flawed(spoiled)
        return
    name = "an archive or Parquet inside something else" if head.startswith((*ZIP, *PARQUET)) else unsupported(head)
    if name:
        yield Flawed(0, "unsupported", f"{name} is not read", head)
        return
    yield from Walk(content, bounds, tables).run()


def _flawed(spoiled: Spoiled) -> Flawed:
    return Flawed(0, spoiled.code, spoiled.reason, spoiled.data)
