"""Records that nobody can use, or only in part: each kind with the dead letters it must leave, and no others."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from tests.faults.events import Maker, packed

Build = Callable[[Maker, str, int, int], bytes]
"""maker, account, stream, first n → data"""


@dataclass(frozen=True, slots=True)
class Hostile:
    """A kind of bad record: ``codes`` of its dead letters (stage/code); ``events`` good neighbours inside, of ``dataset``."""

    name: str
    build: Build
    codes: tuple[str, ...]
    dataset: str = "aws.vpcflow"
    events: int = 0


def _lines(maker: Maker, account: str, stream: int, first: int, count: int) -> list[bytes]:
    return [maker.text("aws.vpcflow", account, stream, first + k).encode() for k in range(count)]


def _cut_gzip(maker: Maker, account: str, stream: int, first: int) -> bytes:
    return maker.envelope(account, "/app/broken", ["never read"], stream, 0)[:-12]


def _bad_crc(maker: Maker, account: str, stream: int, first: int) -> bytes:
    whole = bytearray(maker.envelope(account, "/app/broken", ["never read"], stream, 0))
    whole[-6] ^= 0xFF
    return bytes(whole)


def _bomb(maker: Maker, account: str, stream: int, first: int) -> bytes:
    return packed(b"\0" * (80 << 20))


def _cut_json(maker: Maker, account: str, stream: int, first: int) -> bytes:
    return b'{"eventVersion":"1.11","userIdentity":{"type":"IAMUs'


def _no_text(maker: Maker, account: str, stream: int, first: int) -> bytes:
    return b"\xff\xfe\x00 not text"


def _deep(maker: Maker, account: str, stream: int, first: int) -> bytes:
    return b'{"eventVersion":"1.11","eventID":"x","awsRegion":"x","eventTime":"x","a":' + b'{"a":' * 500 + b"1" + b"}" * 501


def _nobodys(maker: Maker, account: str, stream: int, first: int) -> bytes:
    return b"complete gibberish that no route claims"


def _short_line_between(maker: Maker, account: str, stream: int, first: int) -> bytes:
    one, two = (line.decode() for line in _lines(maker, account, stream, first, 2))
    return maker.envelope(account, "/vpcflow/main", [one, "2 eni-0", two], stream, first)


def _bad_bytes_between(maker: Maker, account: str, stream: int, first: int) -> bytes:
    one, two = _lines(maker, account, stream, first, 2)
    return one + b"\n\xff\xfe broken \xc0\xaf\n" + two


def _two_members(maker: Maker, account: str, stream: int, first: int) -> bytes:
    one, two = _lines(maker, account, stream, first, 2)
    return packed(one + b"\n") + packed(two + b"\n")


def _control(maker: Maker, account: str, stream: int, first: int) -> bytes:
    message = {"messageType": "CONTROL_MESSAGE", "owner": "CloudwatchLogs", "logGroup": "", "logStream": "", "logEvents": []}
    return packed(json.dumps(message).encode())


BOMB = Hostile("decompression bomb", _bomb, ("decode/bomb",))
KINDS = (
    Hostile("gzip cut short", _cut_gzip, ("decode/corrupt_gzip",)),
    Hostile("gzip with a wrong checksum", _bad_crc, ("decode/corrupt_gzip",)),
    BOMB,
    Hostile("JSON cut short", _cut_json, ("decode/truncated_json",)),
    Hostile("bytes that are no text", _no_text, ("route/no_route",)),
    Hostile("nested 500 deep", _deep, ("decode/too_deep",)),
    Hostile("claimed by nobody", _nobodys, ("route/no_route",)),
    Hostile("a short line among good ones", _short_line_between, ("parse/too_few_columns",), events=2),
    Hostile("broken bytes among good lines", _bad_bytes_between, ("decode/invalid_utf8",), events=2),
    Hostile("two gzip members", _two_members, (), events=2),
    Hostile("control message", _control, ()),
    Hostile("nothing at all", lambda *_: b"\n", ("decode/empty",)),
)
