"""Forwarded records: a part of an object in S3, with a first line that says which object, which part and how to read it.

``siem forward`` writes them (``head_line``), decoding reads them (``read_forwarded``). The head is one line of JSON, what
follows are *units*, one a line: lines of a text file, or the values of a JSON file, blank lines not counted. Unit number n
of an object keeps its number whatever records the object was cut into; object and number are the position of an event.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal, get_args

import msgspec

from service.decode.json_value import read_single
from service.decode.payload import objects, read_payload
from service.decode.tables import add_row, rows_of
from service.decode.units import Broken, Run, Units
from service.event import Origin
from service.parse.columns import layout_of

TRANSPORT = "s3"
PREFIX = b'{"siem":"forwarded/1",'

Flaw = Literal[
    "archived", "bomb", "corrupt", "foreign_bucket", "gone", "not_a_notification", "replaced", "too_long", "too_many_members",
    "unsupported",
]  # fmt: skip
"""Why the forwarder could not use something; a closed list, because the codes of dead letters are labels of metrics."""
FLAWS: tuple[str, ...] = get_args(Flaw)

_BLANKS = frozenset(["", " ", "\t", "\r", "\v", "\f"])
_ACCOUNT = re.compile(r"(?:^|/)(?:AWSLogs/(?:o-[a-z0-9]{10,32}/)?|(?:aws-account-id|accountId|account)=)([0-9]{12})(?=/)")
_REGION = re.compile(r"[/=]([a-z]{2}(?:-[a-z]+){1,3}-[0-9])(?=/)")
_PARTITIONED = re.compile(r"(?:^|/)([0-9]{12})/([a-z]{2}(?:-[a-z]+){1,3}-[0-9])/[a-z0-9.-]{3,63}/[0-9]{4}/[0-9]{2}/[0-9]{2}/")


class Head(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The first line of a forwarded record."""

    siem: Literal["forwarded/1"]
    bucket: Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
    key: Annotated[str, msgspec.Meta(max_length=1024)]
    version: Annotated[str, msgspec.Meta(max_length=1024)]
    """Version id, else ETag."""
    written: Annotated[int, msgspec.Meta(ge=0, le=253_402_300_799_999)]
    """When the object was written, milliseconds since the epoch: events without a time of their own go by it."""
    first: Annotated[int, msgspec.Meta(ge=0, le=2**53)]
    """Number of the first unit."""
    form: Literal["lines", "json", "rows", "letter"]
    """``lines`` of text; a ``json`` value a line; ``rows`` of a table, which may go on over lines; bytes of something that is
    a dead ``letter``."""
    part: Annotated[str, msgspec.Meta(max_length=1200)] = ""
    """Member of an archive."""
    columns: Annotated[str, msgspec.Meta(max_length=65_536)] | None = None
    """Header line in force: it stands only once in the file."""
    separator: Annotated[str, msgspec.Meta(min_length=1, max_length=1)] | None = None
    """Of rows."""
    code: Flaw | None = None
    """Of a dead letter."""
    reason: Annotated[str, msgspec.Meta(max_length=2048)] = ""
    """Of a dead letter."""


_decoder = msgspec.json.Decoder(Head)
_encoder = msgspec.json.Encoder()


def head_line(head: Head) -> bytes:
    """The head as it stands in front of the units."""
    return _encoder.encode(head) + b"\n"


def place_of(key: str) -> tuple[str | None, str | None]:
    """Account and region that the key of an object names, where AWS delivers logs under them."""
    account, region = _ACCOUNT.search(key), _REGION.search(key)
    if account is None and (partitioned := _PARTITIONED.search(key)) is not None:
        return partitioned[1], partitioned[2]
    return account[1] if account is not None else None, region[1] if region is not None else None


def read_forwarded(payload: bytes, units: Units) -> bool:
    """Add what a forwarded record holds; False, and nothing is added, when its first line is no head of ours."""
    end = payload.find(b"\n")
    try:
        head = _decoder.decode(payload[: max(end, 0)])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    if (head.form == "letter") != (head.code is not None) or (head.form == "rows") != (head.separator is not None):
        return False
    _Forwarded(head, units).read(payload[end + 1 :])
    if not units.found():
        units.control += 1
    return True


class _Forwarded:
    def __init__(self, head: Head, units: Units) -> None:
        self.head = head
        self.units = units
        self.unit = 0
        """Number of the unit in this record."""
        self.account, self.region = place_of(head.key)

    def read(self, body: bytes) -> None:
        head = self.head
        if head.code is not None:
            self.breaks(Broken(0, 1, body, head.code, head.reason, stage="forward"))
            return
        body = body.removesuffix(b"\n")
        if head.separator is not None:
            self.rows(body, head.separator)
            return
        try:
            text = body.decode()
        except UnicodeDecodeError:
            self.apart(body.split(b"\n"))
            return
        lines = text.split("\n")
        good = self.alike(lines, has_returns="\r" in text)
        if good:
            self.run(Run(lines[:good], (), 0))
            self.unit = good
        if good < len(lines):
            self.apart([line.encode() for line in lines[good:]])

    def rows(self, body: bytes, separator: str) -> None:
        """Read a part of a table."""
        lines = body.decode("utf-8", "surrogateescape").split("\n")
        for row in rows_of(lines, separator, len(layout_of(self.head.columns or "", separator))):
            if self.units.full:
                self.breaks(self.too_many("\n".join(lines[row.line :]).encode("utf-8", "surrogateescape")))
                return
            found = Units(self.units.limits)
            add_row(row, found)
            self.add(found)
            self.unit += 1

    def alike(self, lines: list[str], *, has_returns: bool) -> int:
        """How many lines from the first are one event each, as they stand."""
        if self.head.form == "json":
            return objects(lines[: self.units.limits.events], self.units.limits)
        if has_returns or len(lines) > self.units.limits.events:
            return 0
        # Whoever writes records leaves blank lines out: one look at first characters tells.
        return 0 if any(start in _BLANKS for start in {line[:1] for line in lines}) else len(lines)

    def apart(self, lines: list[bytes]) -> None:
        """Read line by line."""
        for at, line in enumerate(lines):
            if self.units.full:
                self.breaks(self.too_many(b"\n".join(lines[at:])))
                return
            if not line or line.isspace():
                continue
            found = Units(self.units.limits)
            if self.head.form == "lines":
                try:
                    found.plain(line.decode().rstrip("\r"), 1)
                except UnicodeDecodeError as error:
                    found.breaks(line, 1, "invalid_utf8", str(error))
            elif not read_single(line, found):
                read_payload(line, found)
            self.add(found)
            self.unit += 1

    def too_many(self, rest: bytes) -> Broken:
        limits = self.units.limits
        return Broken(
            0, 1, rest, "too_many_units", f"more than {limits.events} events or {limits.broken} broken ones in one record"
        )

    def add(self, found: Units) -> None:
        """Add what one unit held; several events of one unit are numbered inside it."""
        several = sum(len(run.events) for run in found.runs) + len(found.broken) > 1
        self.units.control += found.control
        for run in found.runs:
            self.run(run, inside=several)
        for broken in found.broken:
            self.breaks(broken, inside=several)

    def run(self, run: Run, *, inside: bool = False) -> None:
        origin = self.origin(inside=inside)
        before = self.units.runs[-1] if self.units.runs else None
        if run.transport == "plain":
            run.transport, run.account, run.region, run.columns = TRANSPORT, self.account, self.region, self.head.columns
            if before is not None and not inside and before.origin == origin and self.follows(before):
                before.events += run.events
                self.units.next += len(run.events)
                return
        run.origin, run.written_ms = origin, self.head.written
        run.first = run.first if inside else self.head.first + self.unit
        run.lines = range(self.unit + 2, self.unit + 2 + len(run.events)) if run.transport == TRANSPORT else run.lines
        self.units.add(run)

    def follows(self, run: Run) -> bool:
        """Whether the unit is the next event of the run."""
        return run.transport == TRANSPORT and run.first + len(run.events) == self.head.first + self.unit

    def breaks(self, broken: Broken, *, inside: bool = False) -> None:
        broken.index = broken.index if inside else self.head.first + self.unit
        broken.line = self.unit + 2
        broken.origin, broken.written_ms = self.origin(inside=inside), self.head.written
        # The bytes are a forwarded record again, so that a replay gives what comes of them the same position.
        head = msgspec.structs.replace(self.head, first=broken.index, part=broken.origin.part)
        broken.data = head_line(head) + broken.data
        self.units.broken.append(broken)
        self.units.next += 1

    def origin(self, *, inside: bool) -> Origin:
        head = self.head
        part = f"{head.part}#{head.first + self.unit}" if inside else head.part
        return Origin(head.bucket, head.key, head.version, part)
