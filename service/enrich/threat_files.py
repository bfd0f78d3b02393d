"""Files of threat lists: ``lists.yml`` names them, one entry a line or CSV with a header."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated, Literal, TextIO

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from service import yaml_file
from service.enrich.addresses import pack
from service.enrich.domains import normal
from service.enrich.numbers import UNDATED, Numbers, Seen, moment
from service.enrich.threats import Kind, ThreatList, is_hash, masked

LONGEST_LINE = 4096
"""A longer line is no entry."""

_SINKS = frozenset({"0.0.0.0", "127.0.0.1", "::", "::1"})  # noqa: S104 - what hosts files put before a name
_WORD = r"^[a-z0-9][a-z0-9_-]{0,60}$"
Entry = tuple[str, Seen]


class ListFile(BaseModel):
    """One threat list."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, defer_build=True)

    path: str
    """The file; relative to ``lists.yml``."""
    kind: Kind
    """What it lists: ``ip`` (addresses, CIDR networks), ``domain`` (and all below it), ``hash`` (of files, in hex)."""
    column: str | None = None
    """The file is CSV with a header line and this column holds the entries; without it, one entry a line."""
    first_seen: str | None = None
    """CSV column with the time it was first seen."""
    last_seen: str | None = None
    """CSV column with the time it was last seen."""
    confidence: Literal["Not Specified", "None", "Low", "Medium", "High"] | None = None
    """How far its publisher is to be trusted, in ECS's words."""
    description: str | None = None
    """What being listed means."""
    limit: int = Field(default=2_000_000, ge=1, le=20_000_000)
    """Entries beyond this number are not loaded; the status says so."""


class ListsFile(BaseModel):
    """``lists.yml``: the threat lists, asked in this order."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, defer_build=True)

    lists: dict[Annotated[str, StringConstraints(pattern=_WORD)], ListFile] = {}
    """Name (``threat.indicator.provider``) → list."""


def read_lists(path: Path) -> dict[str, ListFile]:
    """The lists that a ``lists.yml`` names; raises ContentErrors."""
    return yaml_file.read(path, ListsFile).value.lists


def load_list(name: str, file: ListFile, path: Path) -> tuple[ThreatList, str | None]:
    """The list in memory, and what was wrong with its file though it could be read; raises OSError or ValueError."""
    with path.open(encoding="utf-8", errors="replace", newline="") as stream:
        entries = _rows(stream, file) if file.column else _lines(stream)
        found = ThreatList(name, file.kind, file.confidence, file.description)
        refused = _fill(found, islice(entries, file.limit))
        cut = next(entries, None) is not None
    if cut:
        return found, f"more than {file.limit} entries: the rest is not loaded"
    return found, f"{refused} entries are no {file.kind}" if refused else None


def _lines(stream: TextIO) -> Iterator[Entry]:
    while line := stream.readline(LONGEST_LINE):
        if len(line) == LONGEST_LINE:
            while (rest := stream.readline(LONGEST_LINE)) and len(rest) == LONGEST_LINE:
                pass
            continue
        words = line.partition("#")[0].split()
        if words and not words[0].startswith(";"):
            # hosts files write ``0.0.0.0 example.com``, others a count or a file name behind the entry.
            yield words[1] if words[0] in _SINKS and len(words) > 1 else words[0], UNDATED


def _rows(stream: TextIO, file: ListFile) -> Iterator[Entry]:
    rows = csv.DictReader((line for line in stream if line.strip() and not line.startswith("#")), skipinitialspace=True)
    columns = rows.fieldnames or []
    for column in (file.column, file.first_seen, file.last_seen):
        if column is not None and column not in columns:
            raise ValueError(f"there is no column {column!r}, but {', '.join(map(repr, columns))}")
    for row in rows:
        entry = row.get(file.column or "")
        if entry:
            yield entry.strip(), (moment(row.get(file.first_seen or "")), moment(row.get(file.last_seen or "")))


def _fill(into: ThreatList, entries: Iterator[Entry]) -> int:
    """Take the entries; returns how many were nothing of the list's kind."""
    return _fill_networks(into, entries) if into.kind == "ip" else _fill_names(into, entries)


def _fill_networks(into: ThreatList, entries: Iterator[Entry]) -> int:
    refused = 0
    four: dict[int, Numbers] = {}
    six: dict[int, dict[bytes, Seen]] = {}
    for entry, seen in entries:
        network = _network(entry)
        if network is None:
            refused += 1
            continue
        packed, length = network
        if len(packed) == 16:
            six.setdefault(length, {})[masked(int.from_bytes(packed), length)] = seen
        else:
            if length not in four:
                four[length] = Numbers("I")
            four[length].add(int.from_bytes(packed) >> (32 - length), seen)
    into.networks4 = {length: four[length].seal() for length in sorted(four, reverse=True)}
    into.networks6 = {length: six[length] for length in sorted(six, reverse=True)}
    return refused


def _fill_names(into: ThreatList, entries: Iterator[Entry]) -> int:
    refused = 0
    names = Numbers("q")
    for entry, seen in entries:
        name = _domain(entry) if into.kind == "domain" else _file_hash(entry)
        if name is None:
            refused += 1
        else:
            names.add(hash(name), seen)
    into.names = names.seal()
    return refused


def _network(entry: str) -> tuple[bytes, int] | None:
    """Bytes and prefix length of ``1.2.3.4``, ``1.2.3.0/24``, ``2001:db8::/32``."""
    address, slash, bits = entry.partition("/")
    packed = pack(address)
    if packed is None:
        return None
    if not slash:
        return packed, len(packed) * 8
    if not (bits.isascii() and bits.isdigit() and len(bits) <= 3 and int(bits) <= len(packed) * 8):
        return None
    # A list that holds a whole family would mark every event.
    return (packed, int(bits)) if int(bits) > 0 else None


def _domain(entry: str) -> str | None:
    return normal(entry.removeprefix("*.").removeprefix("."))


def _file_hash(entry: str) -> str | None:
    lowered = entry.lower()
    return lowered if is_hash(lowered) else None
