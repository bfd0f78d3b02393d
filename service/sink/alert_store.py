"""Alerts in ``siem-alerts-*``: written as often as they grow, read back when memory no longer knows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from opensearchpy import AsyncOpenSearch
from opensearchpy import exceptions as oe

from service.errors import Backpressure
from service.sink.asking import asking
from service.sink.opensearch.indices import IndexKeeper

_TEMPLATE = "alerts"
_MERGE = "def a = ctx._source.alert; a.merged_into = params.into; if (a.status == 'new') { a.status = 'closed' }"
_AT_ONCE = 100
"""Documents of one request."""
_GONE = (None, "index_not_found_exception", "index_closed_exception")
"""Why there is no document, and never will be."""


@dataclass(frozen=True, slots=True)
class Written:
    """One alert to write: ``whole`` if the index does not have it, else ``changes`` over what is there."""

    index: str
    id: str
    whole: Mapping[str, Any]
    changes: Mapping[str, Any]
    merged_into: str | None = None
    """Instead of ``changes``: it went into this alert, and is closed, unless somebody gave it another status than ``new``."""


class AlertStore:
    """Every method raises Backpressure while OpenSearch cannot do what is asked; each may be repeated and doubles nothing."""

    def __init__(self, client: AsyncOpenSearch, indices: IndexKeeper) -> None:
        """Ask through ``client``; indices come into being by ``indices``."""
        self._client = client
        self._indices = indices

    async def write(self, alerts: Sequence[Written]) -> None:
        """Store them; what analysts noted in an alert (its status, their words) stays."""
        if not alerts:
            return
        if not await self._indices.ready(_TEMPLATE):
            raise Backpressure("alerts: no template, run siem apply")
        missing = await self._bulk(alerts)
        for index in sorted({alert.index for alert in missing}):
            if not await self._indices.ensure(index, _TEMPLATE):
                raise Backpressure("alerts: no index")
        if missing and await self._bulk(missing):
            raise Backpressure("alerts: no index")

    async def _bulk(self, alerts: Sequence[Written]) -> list[Written]:
        """Those whose index is missing."""
        lines: list[bytes] = []
        for alert in alerts:
            action = {"update": {"_index": alert.index, "_id": alert.id, "retry_on_conflict": 3, "require_alias": False}}
            lines += [orjson.dumps(action), orjson.dumps({**_change(alert), "upsert": alert.whole})]
        async with asking():
            reply = await self._client.bulk(body=b"\n".join(lines) + b"\n")
            missing = []
            for alert, item in zip(alerts, reply["items"], strict=True):
                answer = item["update"]
                if answer["status"] in (200, 201):
                    continue
                kind = answer.get("error", {}).get("type", str(answer["status"]))
                if kind == "index_not_found_exception":
                    missing.append(alert)
                else:
                    raise Backpressure(f"alerts: {kind}")
            return missing

    async def read(self, index: str, identity: str) -> Mapping[str, Any] | None:
        """The alert as it is in the index; None when it is not there."""
        async with asking():
            try:
                reply = await self._client.get(index=index, id=identity)
            except oe.NotFoundError:
                return None
            found: Mapping[str, Any] = reply["_source"]
            return found

    async def documents(self, refs: Sequence[str]) -> Mapping[str, Mapping[str, Any]]:
        """The documents of events, by their ``index/_id``, without their raw events; those that are not there are left out."""
        found: dict[str, Mapping[str, Any]] = {}
        for start in range(0, len(refs), _AT_ONCE):
            part = refs[start : start + _AT_ONCE]
            asked = [{"_index": index, "_id": identity} for index, _, identity in (ref.partition("/") for ref in part)]
            async with asking():
                reply = await self._client.mget(body={"docs": asked}, params={"_source_excludes": "event.original"})
                for ref, each in zip(part, reply["docs"], strict=True):
                    kind = each.get("error", {}).get("type")
                    if each.get("found"):
                        found[ref] = each["_source"]
                    elif kind not in _GONE:
                        raise Backpressure(f"alerts: {kind}")
        return found

    async def told(self, index: str, identity: str) -> frozenset[str]:
        """Channels that were told of the alert."""
        found = await self.read(index, identity)
        told = ((found or {}).get("alert") or {}).get("told") or []
        return frozenset(told if isinstance(told, list) else [told])

    async def tell(self, index: str, identity: str, channels: Sequence[str], alert: Mapping[str, Any]) -> None:
        """Note which channels were told; ``alert`` is what is stored if the notice was quicker than the alert itself."""
        note = {"told": sorted(channels)}
        await self.write([Written(index, identity, {**alert, "alert": {**alert["alert"], **note}}, {"alert": note})])


def _change(alert: Written) -> dict[str, Any]:
    if alert.merged_into is None:
        return {"doc": alert.changes}
    return {"script": {"lang": "painless", "source": _MERGE, "params": {"into": alert.merged_into}}}
