"""The form of a dead letter: made of an event or a document, turned into a document of its own, and read back."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import UTC, datetime
from typing import Any

import msgspec

from service.event import DeadLetter, Origin, Slice
from service.naming import dead_letter_index
from service.sink.parcel import Parcel

_PREVIEW = 2000


def letter_of(
    piece: Slice,
    at: int,
    *,
    stage: str,
    code: str,
    reason: str,
    field: str | None = None,
    dataset: str | None = None,
    version: str | None = None,
    document_id: str | None = None,
    document_index: str | None = None,
) -> DeadLetter:
    """Dead letter of event number ``at`` of a slice.

    Its context is the slice around that one event, without the event's text (that is ``data``): a replay gives it the
    same id and index.
    """
    context = msgspec.structs.replace(
        piece,
        events=[],
        first=piece.first + at,
        ids=[piece.ids[at]] if piece.ids is not None else None,
        times=[piece.times[at]] if piece.times is not None else None,
    )
    return DeadLetter(
        project=piece.project,
        environment=piece.environment,
        stream=piece.stream,
        shard=piece.shard,
        sequence=piece.sequence,
        subsequence=piece.subsequence,
        index=piece.first + at,
        arrival_ms=piece.arrival_ms,
        stage=stage,
        code=code,
        reason=reason,
        data=piece.events[at].encode(errors="surrogatepass"),
        field=field,
        dataset=dataset,
        pipeline_version=version,
        context=context,
        document_id=document_id,
        document_index=document_index,
        origin=piece.origin,
    )


def letter_of_piece(parcel: Parcel, k: int, code: str, reason: str, field: str | None) -> DeadLetter:
    """Dead letter of a document that OpenSearch refused."""
    piece, at = parcel.origin(k)
    action = json.loads(parcel.pieces[k].partition("\n")[0]).get("create", {})
    return letter_of(
        piece,
        at,
        stage="sink",
        code=code,
        reason=reason,
        field=field,
        dataset=parcel.dataset,
        version=parcel.version,
        document_id=action.get("_id"),
        document_index=action.get("_index"),
    )


def letter_id(letter: DeadLetter) -> str:
    """Identity of a dead letter: the position and the stage that gave up; a second run makes no second letter."""
    origin = letter.origin
    place = (
        (letter.stream, letter.shard, letter.sequence, str(letter.subsequence))
        if origin is None
        else (origin.bucket, origin.key, origin.version, origin.part)
    )
    position = (
        letter.project,
        letter.environment,
        *place,
        str(letter.index),
        letter.stage,
        letter.dataset or "",
    )
    return hashlib.blake2b("\0".join(position).encode(errors="surrogatepass"), digest_size=16).hexdigest()


def letter_document(letter: DeadLetter, now_ms: int) -> dict[str, Any]:
    """The document of a dead letter for its index: facts, a printable preview, the bytes themselves (base64)."""
    facts: dict[str, Any] = {
        "code": letter.code,
        "stage": letter.stage,
        "reason": letter.reason,
        "field": letter.field,
        "dataset": letter.dataset,
        "replays": letter.replays,
        "size": len(letter.data),
        "preview": preview(letter.data),
        "bytes": base64.b64encode(letter.data).decode(),
        "context": base64.b64encode(encode_context(letter.context)).decode() if letter.context else None,
        "document": {"id": letter.document_id, "index": letter.document_index},
        "origin": msgspec.structs.asdict(letter.origin) if letter.origin is not None else None,
    }
    return {
        "@timestamp": _iso(letter.arrival_ms),
        "event": {"kind": "pipeline_error", "ingested": _iso(now_ms), "dataset": "siem.dead_letters", "module": "siem"},
        "message": f"{letter.stage}/{letter.code}: {letter.reason}"[:_PREVIEW],
        "project": {"id": letter.project, "environment": letter.environment},
        "siem": {
            "stream": letter.stream,
            "shard": letter.shard,
            "sequence_number": letter.sequence,
            "subsequence_number": letter.subsequence,
            "index": letter.index,
            "arrived": _iso(letter.arrival_ms),
            "pipeline": {"version": letter.pipeline_version},
        },
        "dead_letter": {key: value for key, value in facts.items() if value is not None},
    }


def letter_from_document(document: dict[str, Any]) -> DeadLetter:
    """The dead letter of such a document; raises KeyError, TypeError or ValueError for any other document."""
    facts, place = document["dead_letter"], document["siem"]
    context, origin = facts.get("context"), facts.get("origin")
    return DeadLetter(
        project=document["project"]["id"],
        environment=document["project"]["environment"],
        stream=place["stream"],
        shard=place["shard"],
        sequence=place["sequence_number"],
        subsequence=place["subsequence_number"],
        index=place["index"],
        arrival_ms=int(datetime.fromisoformat(place["arrived"]).timestamp() * 1000 + 0.5),
        stage=facts["stage"],
        code=facts["code"],
        reason=facts["reason"],
        data=base64.b64decode(facts["bytes"], validate=True),
        field=facts.get("field"),
        dataset=facts.get("dataset"),
        pipeline_version=place["pipeline"].get("version"),
        context=msgspec.msgpack.decode(base64.b64decode(context), type=Slice) if context else None,
        document_id=facts["document"].get("id"),
        document_index=facts["document"].get("index"),
        replays=facts["replays"],
        origin=Origin(**origin) if origin else None,
    )


def preview(data: bytes) -> str:
    """The first characters of the bytes, printable: what is not text becomes ``·``."""
    text = data[: 2 * _PREVIEW].decode(errors="replace")[:_PREVIEW]
    return "".join(character if character.isprintable() else "·" for character in text)


def encode_context(context: Slice) -> bytes:
    """MessagePack of a context."""
    return msgspec.msgpack.encode(context)


def letter_lines(letter: DeadLetter, now_ms: int) -> bytes:
    """The two bulk lines of a dead letter."""
    index = dead_letter_index(letter.project, letter.environment, letter.arrival_ms)
    action = json.dumps({"create": {"_index": index, "_id": letter_id(letter)}}).encode()
    return action + b"\n" + json.dumps(letter_document(letter, now_ms)).encode() + b"\n"


def _iso(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
