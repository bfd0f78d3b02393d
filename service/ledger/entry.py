"""What the stages write down: one entry for a Kafka message that is done with, before its offset may be committed.

Entries name what they are about by keys made of its *content* (positions in the shard), never of Kafka's offsets: whatever
is done twice (a crash before the commit, a batch produced twice, a whole topic read anew) writes the same key again, and
the sheet counts a key once.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

from service.event import RecordBatch

MINUTE_MS = 60_000


class Part(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Events of a batch that went to a dataset in one message; 0 events of records that are still packed."""

    dataset: str
    key: str
    events: int


class Collected(msgspec.Struct, array_like=True, frozen=True, gc=False, tag="c"):
    """A batch of records is durable in Kafka."""

    key: str
    minute_ms: int
    """Begin of the minute in which its first record arrived in Kinesis: everything of the batch is booked there."""
    records: int


class Read(msgspec.Struct, array_like=True, frozen=True, gc=False, tag="r"):
    """A batch of records was decoded: its parts are durable in their topics, what had no dataset among the dead letters."""

    key: str
    minute_ms: int
    records: int
    control: int
    """Records that only say the subscription works."""
    dead: dict[str, int]
    """``stage/code`` → units (whole records, or events) that never got a dataset."""
    parts: list[Part]


class Fated(msgspec.Struct, array_like=True, frozen=True, gc=False, tag="f"):
    """Every event of a part has its fate; the fates add up to ``events``."""

    key: str
    minute_ms: int
    dataset: str
    events: int
    indexed: int
    already_there: int
    dropped: dict[str, int]
    """Rule → events."""
    dead: dict[str, int]
    """``stage/code`` → events."""


class Gap(msgspec.Struct, array_like=True, frozen=True, gc=False, tag="g"):
    """Kinesis deleted records before they were read: how many nobody knows."""

    key: str
    minute_ms: int


Entry = Collected | Read | Fated | Gap


class Page(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Entries of one stream; the value of a message on the topic ``ledger``."""

    project: str
    environment: str
    stream: str
    entries: list[Entry]
    source: str = "stream"
    """``stream``, or ``replay``: events that were found once more, on purpose."""


class Ledger(Protocol):
    """Where entries are written down."""

    async def note(self, project: str, environment: str, stream: str, entries: Sequence[Entry]) -> None:
        """Return when the entries are durable; only then may what they are about be committed."""
        ...


class MemoryLedger:
    """Keeps entries, for tests and benches."""

    def __init__(self) -> None:
        """Start empty."""
        self.pages: list[Page] = []

    async def note(self, project: str, environment: str, stream: str, entries: Sequence[Entry]) -> None:
        """Keep them."""
        self.pages.append(Page(project, environment, stream, list(entries)))


def batch_key(batch: RecordBatch) -> str:
    """Identity of a batch with at least one record: the same records in the same batch have the same key, whoever read them."""
    first, last = batch.records[0], batch.records[-1]
    position = (
        batch.shard,
        first.sequence,
        str(first.subsequence),
        last.sequence,
        str(last.subsequence),
        str(len(batch.records)),
    )
    digest = hashlib.blake2b("\0".join(position).encode(errors="surrogatepass"), digest_size=9).digest()
    return base64.urlsafe_b64encode(digest).decode()


def part_key(batch: str, number: int, events: int) -> str:
    """Identity of the ``number``th message made of a batch; another size (other routes, another cut) is another part."""
    return f"{batch}.{number}.{events}"


def packed_key(batch: str, number: int, records: int) -> str:
    """The same for a message of records that are still packed: how many events they hold nobody knows yet."""
    return f"{batch}.{number}.p{records}"


def packed_in(key: str) -> int:
    """Packed records of the part; 0 where its events were counted."""
    last = key.rpartition(".")[2]
    return int(last[1:]) if last[:1] == "p" and last[1:].isdecimal() else 0


def again_key(part: str) -> str:
    """Identity of what was found in a part's records when they had to be routed event by event after all."""
    return f"{part}.again"


def minute_of(when_ms: int) -> int:
    """Begin of the minute."""
    return when_ms - when_ms % MINUTE_MS


def total(counts: Mapping[str, int]) -> int:
    """Sum of the values."""
    return sum(counts.values())
