"""A lease as a row: KCL's column names, shared by every lease table."""

from __future__ import annotations

from collections.abc import Mapping

from service.source.kinesis.lease import Checkpoint, Lease

Cell = str | int | tuple[str, ...]

KEY = "leaseKey"
COUNTER = "leaseCounter"
TEXT = (
    "streamName",
    "shardId",
    "leaseOwner",
    "checkpoint",
    "startingHashKey",
    "endingHashKey",
    "checkpointOwner",
    "readerMode",
)
NUMBERS = ("checkpointSubSequenceNumber", "ownerSwitchesSinceCheckpoint", "accountedMillis")
SETS = ("parentShardId", "childShardIds")
COLUMNS = (KEY, COUNTER, *TEXT, *NUMBERS, *SETS)


def to_row(lease: Lease) -> dict[str, Cell]:
    """The columns that have a value; absent ones mean None or empty."""
    cells: dict[str, Cell | None] = {
        KEY: lease.key,
        COUNTER: lease.counter,
        "streamName": lease.stream,
        "shardId": lease.shard,
        "leaseOwner": lease.owner,
        "checkpoint": lease.checkpoint.sequence,
        "checkpointSubSequenceNumber": lease.checkpoint.subsequence,
        "ownerSwitchesSinceCheckpoint": lease.owner_switches,
        "parentShardId": lease.parents,
        "childShardIds": lease.children,
        "startingHashKey": lease.hash_start,
        "endingHashKey": lease.hash_end,
        "checkpointOwner": lease.checkpoint_owner,
        "accountedMillis": lease.accounted_ms,
        "readerMode": lease.mode,
    }
    return {name: cell for name, cell in cells.items() if cell is not None and cell != ()}


def from_row(row: Mapping[str, Cell]) -> Lease:
    """The lease of a row; raises KeyError, TypeError or ValueError for a row that is none."""
    checkpoint = Checkpoint(_text(row["checkpoint"]), _number(row.get("checkpointSubSequenceNumber", 0)))
    _ = checkpoint.rank  # a sequence number that is no number is noticed here, not in the middle of a shard
    lease = Lease(
        stream=_text(row["streamName"]),
        shard=_text(row["shardId"]),
        owner=_text_or_none(row.get("leaseOwner")),
        counter=_number(row[COUNTER]),
        checkpoint=checkpoint,
        parents=_texts(row.get("parentShardId", ())),
        children=_texts(row.get("childShardIds", ())),
        hash_start=_text_or_none(row.get("startingHashKey")),
        hash_end=_text_or_none(row.get("endingHashKey")),
        owner_switches=_number(row.get("ownerSwitchesSinceCheckpoint", 0)),
        checkpoint_owner=_text_or_none(row.get("checkpointOwner")),
        accounted_ms=_number_or_none(row.get("accountedMillis")),
        mode=_text_or_none(row.get("readerMode")),
    )
    if lease.key != row[KEY]:
        raise ValueError(f"lease key {row[KEY]!r} is not that of its stream and shard")
    return lease


def _text(cell: Cell) -> str:
    if not isinstance(cell, str):
        raise TypeError(f"text expected, not {cell!r}")
    return cell


def _text_or_none(cell: Cell | None) -> str | None:
    return None if cell is None else _text(cell)


def _number(cell: Cell) -> int:
    if not isinstance(cell, int):
        raise TypeError(f"number expected, not {cell!r}")
    return cell


def _number_or_none(cell: Cell | None) -> int | None:
    return None if cell is None else _number(cell)


def _texts(cell: Cell) -> tuple[str, ...]:
    if isinstance(cell, str | int):
        raise TypeError(f"set of texts expected, not {cell!r}")
    return tuple(sorted(cell))
