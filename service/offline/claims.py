"""Does a sample find its way? The router over all datasets must give its events to the dataset they are a sample of."""

from __future__ import annotations

import json
from typing import Literal

from service.decode.forwarded import Head, head_line
from service.decode.header import is_header
from service.event import Origin, Slice
from service.offline.play import Dead, Player
from service.route.router import Router
from service.samples import Facts, Sample


def misrouted(player: Player, router: Router, sample: Sample, facts: Facts) -> list[str]:
    """One sentence for each run of events with documents that ``router`` would give to another dataset."""
    faults: list[str] = []
    data = sample.path.read_bytes()
    for dataset in player.loaded:
        came = player.router.route_text(data, dataset).pieces
        runs = (played for played in player.play(data, dataset, facts) if not isinstance(played, Dead))
        for piece, played in zip(came, runs, strict=True):
            good = {document.line for document in played.documents}
            if not good:
                continue
            # As they came: a pipeline may join or mask events in their slice.
            events = [event for event, line in zip(piece.slice.events, played.lines, strict=True) if line in good]
            claimed = _claimed(router, played.slice, events)
            faults.extend(f"goes to {other} when content and facts decide" for other in sorted(claimed - {dataset}))
    return faults


def _claimed(router: Router, slice_: Slice, events: list[str]) -> set[str]:
    """Datasets that get these events when they come the way the slice says."""
    routed = router.route_text(_sent(slice_, events))
    return {piece.dataset for piece in routed.pieces} | {letter.code for _, letter in routed.dead}


def _sent(slice_: Slice, events: list[str]) -> bytes:
    if slice_.origin is not None:
        return _forwarded(slice_.origin, slice_, _plain(slice_, events))
    return _plain(slice_, events)


def _forwarded(origin: Origin, slice_: Slice, payload: bytes) -> bytes:
    """The events as ``siem forward`` sends them."""
    form: Literal["lines", "json"] = "json" if payload[:1] == b"{" else "lines"
    head = Head(
        siem="forwarded/1", bucket=origin.bucket, key=origin.key, version=origin.version, written=slice_.arrival_ms, first=0,
        form=form, columns=slice_.columns,
    )  # fmt: skip
    return head_line(head) + payload


def _plain(slice_: Slice, events: list[str]) -> bytes:
    if slice_.log_group is not None:
        message = {
            "messageType": "DATA_MESSAGE",
            "owner": slice_.account or "123456789012",
            "logGroup": slice_.log_group,
            "logStream": slice_.log_stream or "stream",
            "subscriptionFilters": ["siem"],
            "logEvents": [{"id": f"{at:056d}", "timestamp": 0, "message": text} for at, text in enumerate(events)],
        }
        return json.dumps(message).encode()
    if slice_.source is not None:
        envelopes = [
            {
                "version": "0",
                "id": slice_.envelope_id or "0",
                "detail-type": slice_.detail_type or "",
                "source": slice_.source,
                "account": slice_.account or "123456789012",
                "time": slice_.envelope_time or "2026-01-15T00:00:00Z",
                "region": slice_.region or "eu-central-1",
                "resources": slice_.envelope_resources or [],
                "detail": json.loads(text),
            }
            for text in events
        ]
        return "\n".join(map(json.dumps, envelopes)).encode()
    columns = slice_.columns
    header = (
        []
        if not columns or slice_.origin is not None
        else [columns if is_header(columns) or "," in columns else f"#Fields: {columns}"]
    )
    return "\n".join([*header, *events]).encode()
