"""What the head of a gzipped CloudWatch Logs record says, without inflating the rest: enough to know whose events it holds."""

from __future__ import annotations

import re
from typing import NamedTuple

from isal import isal_zlib

from service.decode.inflate import GZIP

SMALL = 8192
"""Bytes unpacked below which a look at the head costs as much as it may save."""
FED, SEEN = 2048, 2048
"""Bytes given to the inflater and taken from it: names of groups and streams have 512 letters at most."""

_NAME = rb'"([^"\\\x00-\x1f]+)"'
_HEAD = re.compile(
    rb'\{"messageType":"DATA_MESSAGE","owner":%b,"logGroup":%b,"logStream":%b,"subscriptionFilters":\[[^\[\]{}\\]*\],'
    rb'"logEvents":\[\{' % (_NAME, _NAME, _NAME)
)


class Head(NamedTuple):
    """The facts of a subscription message, as it begins; its rest may contradict them."""

    owner: str
    log_group: str
    log_stream: str
    size: int
    """Bytes of the whole message as the gzip trailer has it."""


def head_of(data: bytes, largest: int) -> Head | None:
    """The head of a record that is one gzipped subscription message as AWS writes it, not small and not over ``largest`` bytes.

    None for all else. Never raises.
    """
    if data[:2] != GZIP:
        return None
    size = int.from_bytes(data[-4:], "little")
    if not SMALL <= size <= largest or len(data) > largest:
        return None
    try:
        found = _HEAD.match(isal_zlib.decompressobj(31).decompress(data[:FED], SEEN))
        if found is None:
            return None
        owner, log_group, log_stream = (name.decode() for name in found.groups())
    except (isal_zlib.error, UnicodeDecodeError):  # type: ignore[misc]  # isal has no types
        return None
    return Head(owner, log_group, log_stream, size)
