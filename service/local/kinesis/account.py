"""Every stream of the double, found by name or ARN, and the opaque tokens it hands out."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from service.clock import Clock
from service.local.kinesis.journal import Journal, RecordedClock
from service.local.kinesis.limits import Limits
from service.local.kinesis.refusal import Refusal, in_use, invalid, not_found
from service.local.kinesis.request import Request
from service.local.kinesis.stream import Stream


@dataclass(frozen=True, slots=True)
class Cursor:
    """What a shard iterator stands for: read above ``after``; issued when."""

    stream: str
    shard: str
    after: int
    issued_ms: int


class Account:
    """The streams of one account in one region."""

    def __init__(self, account_id: str, region: str, limits: Limits, clock: Clock) -> None:
        self.account_id = account_id
        self.region = region
        self.limits = limits
        self.clock = RecordedClock(clock)
        self.streams: dict[str, Stream] = {}
        self._iterators_valid_from = 0
        self._journal: Journal | None = None

    def keep_in(self, file: Path) -> None:
        """Make the streams what ``file`` recorded, and record in it from now on."""
        self._journal = Journal(file, self.clock)
        self._journal.replay(self._again)

    def _note(self, call: str, *arguments: str | int | bytes) -> None:
        if self._journal is not None:
            self._journal.append(call, *arguments)

    def _again(self, call: str, arguments: list[Any]) -> None:
        if call == "create":
            name, shards, on_demand = arguments
            self.create(name, shards, on_demand=bool(on_demand))
        elif call == "delete":
            self.delete(*arguments)
        else:
            stream = self.streams[arguments[0]]
            match call, arguments[1:]:
                case "put", [shard, data, size, key, arrival_ms]:
                    stream.shards[shard].restore(data, size, key, arrival_ms)
                case "split", [shard, at]:
                    stream.split(shard, int(at))
                case _, rest:
                    getattr(stream, call)(*rest)

    def delete(self, name: str) -> None:
        """Remove a stream with all it holds; raises Refusal when there is none."""
        del self.streams[self.stream(name).name]
        self._note("delete", name)

    def create(self, name: str, shards: int, *, on_demand: bool = False) -> Stream:
        """A new stream; raises Refusal when the name is taken."""
        if name in self.streams:
            raise in_use(f"Stream {name} under account {self.account_id} already exists.")
        arn = f"arn:aws:kinesis:{self.region}:{self.account_id}:stream/{name}"
        with self.clock.moment():
            self._note("create", name, shards, int(on_demand))
            stream = Stream(name, arn, shards, self.limits, self.clock, on_demand=on_demand, note=self._note)
        self.streams[name] = stream
        return stream

    def stream(self, name: str) -> Stream:
        """The stream of that name; raises Refusal when there is none."""
        found = self.streams.get(name)
        if found is None:
            raise not_found(f"Stream {name}")
        return found

    def stream_of(self, request: Request) -> Stream:
        """The stream that StreamName or StreamARN means; raises Refusal."""
        if "StreamARN" in request:
            return self.stream_by_arn(request.text("StreamARN"))
        if "StreamName" not in request:
            raise invalid("One of StreamName or StreamARN must be given.")
        return self.stream(request.name("StreamName"))

    def stream_by_arn(self, arn: str) -> Stream:
        """The stream of that ARN, or of a consumer's ARN under it; raises Refusal.

        Only the name counts: a client that assumed a role in another account still reaches its stream here.
        """
        _, _, resource = arn.partition(":stream/")
        return self.stream(resource.partition("/")[0])

    def issue_iterator(self, stream: str, shard: str, after: int) -> str:
        """An opaque shard iterator that lives for ``limits.iterator_seconds``."""
        return self._seal("iterator", stream, shard, str(after), str(self.clock.now_ms()))

    def open_iterator(self, token: str) -> Cursor:
        """What an iterator stands for; raises Refusal when it is not ours or too old."""
        stream, shard, after, issued = self._unseal("iterator", token)
        cursor = Cursor(stream, shard, int(after), int(issued))
        age_ms = self.clock.now_ms() - cursor.issued_ms
        if age_ms > self.limits.iterator_seconds * 1000 or cursor.issued_ms < self._iterators_valid_from:
            raise Refusal("ExpiredIteratorException", f"Iterator expired. The iterator was created {age_ms} ms ago.")
        return cursor

    def expire_iterators(self) -> None:
        """Make every iterator issued so far an expired one."""
        self._iterators_valid_from = self.clock.now_ms() + 1

    def issue_page(self, kind: str, stream: str, last: str) -> str:
        """A NextToken after the item ``last``."""
        return self._seal(kind, stream, last, str(self.clock.now_ms()))

    def open_page(self, kind: str, token: str) -> tuple[str, str]:
        """Stream and last item of a NextToken; raises Refusal when it is not ours or older than five minutes."""
        stream, last, issued = self._unseal(kind, token)
        if self.clock.now_ms() - int(issued) > self.limits.iterator_seconds * 1000:
            raise Refusal("ExpiredNextTokenException", "The NextToken expired.")
        return stream, last

    @staticmethod
    def _seal(*parts: str) -> str:
        return urlsafe_b64encode("\n".join(parts).encode()).decode()

    @staticmethod
    def _unseal(kind: str, token: str) -> list[str]:
        try:
            parts = urlsafe_b64decode(token.encode()).decode().split("\n")
        except (Base64Error, UnicodeError):
            parts = []
        if not parts or parts[0] != kind:
            raise invalid(f"Invalid {kind}.")
        return parts[1:]
