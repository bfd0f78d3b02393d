"""What generated code calls that is neither a stage nor an enricher: positions, ids, windows, facts of a slice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

from service.enrich.accounts import AccountView
from service.errors import EventError
from service.event import NEWEST, OLDEST, Origin, Slice
from service.normalise.cast import quote
from service.normalise.time import epoch_milli, moment_of
from service.parse.objects import Places, plain_row, row_of_object
from service.pipeline.flaw import Flaw, keep

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_PAIRS = [first + second for first in _DIGITS for second in _DIGITS]
LONGEST_ID = 400
"""Characters of an ``_id`` beyond which it is a hash; OpenSearch takes 512 bytes."""


class SliceFacts(NamedTuple):
    """What all events of a slice share, worked out once: identity, JSON members, the window of times."""

    ids: list[str] | None
    """CloudWatch's ids, if they are sound."""
    position: str
    """What stands before an event's number (or CloudWatch id) in its ``_id``."""
    arrived: str
    """JSON member of siem."""
    cloudwatch: str
    """JSON members of aws.cloudwatch."""
    envelope: str
    """JSON members of aws."""
    region_member: str
    """JSON member of cloud."""
    low: int
    high: int
    """Seconds of the epoch between which an event's own time decides its index."""
    views: dict[str | None, AccountView]
    """Accounts met so far."""


def facts_of(slice_: Slice) -> SliceFacts:
    """The facts of a slice."""
    ids = sound_ids(slice_.ids)
    return SliceFacts(ids, position_prefix(slice_, ids), *slice_members(slice_), *window(slice_.arrival_ms), {})


def window(arrival_ms: int) -> tuple[int, int]:
    """Earliest and latest second that decide an index; no bounds where the arrival is not known (0)."""
    if not arrival_ms:
        return (-(2**62), 2**62)
    return arrival_ms // 1000 - OLDEST, arrival_ms // 1000 + NEWEST


def sound_ids(ids: list[str] | None) -> list[str] | None:
    """The transport's event ids, if every one of them is short and alphanumeric; else None, and positions identify."""
    if not ids or not "".join(ids).isalnum() or not all(0 < len(each) <= 64 and each.isascii() for each in ids):
        return None
    return ids


def position_prefix(slice_: Slice, ids: list[str] | None) -> str:
    """What stands before an event's number (or CloudWatch id) in its ``_id``."""
    if ids is not None:
        facts = f"{slice_.account}\0{slice_.log_group}\0{slice_.log_stream}"
        return blake2b(facts.encode("utf-8", "replace"), digest_size=4).hexdigest() + "-"
    if slice_.origin is not None:
        return origin_prefix(slice_.origin)
    facts = f"{slice_.stream}\0{slice_.shard}"
    where = blake2b(facts.encode("utf-8", "replace"), digest_size=6).hexdigest()
    return f"{where}-{_base36(slice_.sequence)}-{slice_.subsequence}-"


def origin_prefix(origin: Origin) -> str:
    """The same for events out of an object in S3: neither the record nor its stream matters, they differ each time it is read."""
    facts = f"{origin.bucket}\0{origin.key}\0{origin.version}\0{origin.part}"
    return blake2b(facts.encode("utf-8", "replace"), digest_size=12).hexdigest() + "-"


def _base36(sequence: str) -> str:
    if not (sequence.isascii() and sequence.isdecimal() and len(sequence) <= 60):
        return blake2b(sequence.encode("utf-8", "replace"), digest_size=10).hexdigest()
    number, pairs = int(sequence), []
    while number:
        number, pair = divmod(number, 1296)
        pairs.append(_PAIRS[pair])
    return "".join(reversed(pairs)).lstrip("0") or "0"


def identity(values: tuple[object, ...]) -> str | None:
    """An ``_id`` from the values of fields, safe inside JSON; None when one of them is missing."""
    if None in values:
        return None
    text = "-".join(str(value) for value in values)
    if len(text) > LONGEST_ID or not text.isascii() or not text.isprintable() or '"' in text or "\\" in text:
        return blake2b(text.encode("utf-8", "replace"), digest_size=20).hexdigest()
    return text


def slice_members(slice_: Slice) -> tuple[str, str, str, str]:
    """JSON members that all events of a slice share: of siem, of aws.cloudwatch, of aws (eventbridge, s3), of cloud."""
    arrived = cloudwatch = envelope = region = ""
    if slice_.arrival_ms:
        found = epoch_milli(slice_.arrival_ms)
        if found is not None:
            arrived = f',"arrived":"{moment_of(*found, lambda _: "").text}"'
    if slice_.log_group is not None:
        cloudwatch = f',"log_group":{quote(slice_.log_group)}'
        if slice_.log_stream is not None:
            cloudwatch += f',"log_stream":{quote(slice_.log_stream)}'
    if slice_.source is not None:
        facts = (("source", slice_.source), ("detail_type", slice_.detail_type), ("id", slice_.envelope_id))
        members = ",".join(f'"{key}":{quote(value)}' for key, value in facts if value is not None)
        envelope = f',"eventbridge":{{{members}}}'
    if slice_.origin is not None:
        bucket, key = quote(slice_.origin.bucket), quote(slice_.origin.key)
        envelope += f',"s3":{{"bucket":{{"name":{bucket}}},"object":{{"key":{key}}}}}'
    if slice_.region is not None:
        region = f',"region":{quote(slice_.region)}'
    return arrived, cloudwatch, envelope, region


def count_flaw(flaw: Flaw, document: str, flags: dict[str, int], odd: list[tuple[int, Flaw]], at: int) -> str:
    """Count what is odd about event number ``at``; the document with its flags and messages, if there are any."""
    if flaw.left:
        flags["unmapped"] = flags.get("unmapped", 0) + 1
    if flaw.left or flaw.strange:
        odd.append((at, flaw))
    for tag in flaw.tags:
        flags[tag] = flags.get(tag, 0) + 1
    return flaw.amend(document) if flaw.tags else document


def fitted(row: list[str], width: int, minimum: int, refuse: bool, absent: str) -> tuple[list[str], Flaw | None]:  # noqa: FBT001 - called by generated code, positional is faster
    """The row with exactly ``width`` values: filled up with the absent mark, or its surplus kept aside."""
    if len(row) < minimum:
        raise EventError("parse", "too_few_columns", f"{len(row)} values, at least {minimum} expected")
    if len(row) <= width:
        return row + [absent] * (width - len(row)), None
    if refuse:
        raise EventError("parse", "too_many_columns", f"{len(row)} values, {width} expected")
    return row[:width], keep(None, ("extra",), row[width:])


def members(text: str, places: Places, absent: str) -> tuple[list[Any], Flaw | None] | None:
    """The row that a JSON object holds by column name, with its other members kept aside; None for one without columns."""
    row, left = row_of_object(text, places, absent)
    if row.count(absent) + row.count(None) == len(row):
        return None
    return row, _left(left)


def plain_members(text: str, places: Places, absent: str) -> tuple[list[Any], Flaw | None]:
    """The same for the fast form. Raises ValueError for what ``members`` has to look at."""
    row, left = plain_row(text, places, absent)
    return row, _left(left) if left else None


def _left(members: Mapping[str, Any]) -> Flaw | None:
    flaw: Flaw | None = None
    for name, value in members.items():
        flaw = keep(flaw, (name,), value)
    return flaw


def keep_columns(
    flaw: Flaw | None, columns: Sequence[tuple[int, str]], row: Sequence[str], absent: frozenset[str]
) -> Flaw | None:
    """Keep aside the values of columns that nothing reads."""
    for at, name in columns:
        if row[at] not in absent:
            flaw = keep(flaw, (name,), row[at])
    return flaw


def below(raw: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    """The object at a path inside the raw event, or the raw event itself where there is none."""
    at: Any = raw
    for key in path:
        at = at.get(key) if isinstance(at, dict) else None
    return at if isinstance(at, dict) else raw


def remove(raw: dict[str, Any], paths: tuple[tuple[str, ...], ...]) -> bool:
    """Take what must not be stored out of the raw event; whether anything was there."""
    found = False
    for path in paths:
        at: Any = raw
        for key in path[:-1]:
            at = at.get(key) if isinstance(at, dict) else None
        if isinstance(at, dict) and path[-1] in at:
            del at[path[-1]]
            found = True
    return found


def canonical(addresses: Mapping[str, Any], texts: list[str]) -> list[str] | None:
    """The addresses in their canonical spelling; None if one of them is none."""
    found = [addresses[text] for text in texts]
    return None if None in found else [each.text for each in found]


def sampled(text: str, share: float) -> bool:
    """Whether an event is among the share to keep: by its content, so that a replay decides the same."""
    return int.from_bytes(blake2b(text.encode("utf-8", "replace"), digest_size=4).digest()) < share * 2**32
