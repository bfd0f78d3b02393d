"""Parquet files row by row, read by ranges: what is in memory is a page of each column, however large the file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from service.decode.forwarded import Flaw
from service.decode.limits import Limits
from service.decode.parquet import json_rows
from service.errors import EventError
from service.forward.archive import Anywhere, Seekable
from service.forward.blocks import Block, Flawed
from service.forward.bounds import MIB, Bounds

_MOST = 64 * MIB
"""Bytes read at once: a page, or a file's footer."""
_ROWS = 1 << 40
_CODES: dict[str, Flaw] = {"bomb": "bomb", "encrypted_parquet": "unsupported"}


def rows(place: Anywhere, bounds: Bounds) -> Iterator[Block | Flawed]:
    """Every row as a JSON object, and what ends the file early, if something does."""
    limits = Limits(output=bounds.output, ratio=bounds.ratio, ratio_above=bounds.ratio_above, events=_ROWS)
    file: Any = Seekable(place, most=_MOST)
    number = 0
    try:
        for some in json_rows(file, limits):
            if some:
                yield Block("json", number, len(some), "\n".join(some).encode("utf-8", "surrogatepass"))
                number += len(some)
    except EventError as error:
        yield Flawed(number, _CODES.get(error.code, "corrupt"), error.reason, b"")
