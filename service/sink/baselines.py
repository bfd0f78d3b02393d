"""What was seen before: one document for each subject of a first-seen rule, and one for each thing it was seen with.

Creating the document is the decision: it can be made once, whatever is delivered again.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from hashlib import sha256

from opensearchpy import AsyncOpenSearch
from opensearchpy import exceptions as oe

from service.errors import Backpressure
from service.settings import Kafka
from service.sink.asking import asking
from service.sink.opensearch.indices import IndexKeeper
from service.spans import moment, moment_ms

_TEMPLATE = "baselines"
KNOWN = 100_000
"""Documents that are known to be there, so that nobody asks for them again."""


def baseline_index(kafka: Kafka) -> str:
    """Where a deployment keeps its baselines: two on one cluster do not learn from each other."""
    return "siem-baselines-" + re.sub(r"[^a-z0-9_-]", "-", f"{kafka.topic_prefix}{kafka.group}".lower())


class Baselines:
    """Raises Backpressure while OpenSearch cannot do what is asked."""

    def __init__(self, client: AsyncOpenSearch, indices: IndexKeeper, index: str) -> None:
        """Keep them in ``index``."""
        self._client = client
        self._indices = indices
        self._index = index
        self._known: OrderedDict[str, None] = OrderedDict()

    async def is_new(
        self, project: tuple[str, str], rule: str, who: str, what: str, *, event: str, at_ms: int, learn_ms: int
    ) -> bool:
        """Whether ``who`` was never seen with ``what``, and has been known for ``learn_ms`` already.

        The same event gets the same answer, however often it comes.
        """
        identity = _identity(*project, rule, who, what)
        if identity in self._known:
            self._known.move_to_end(identity)
            return False
        found = await self._get(identity)
        if found is not None:
            return self._settle(identity, alerted=bool(found.get("alerted")) and found.get("event") == event)
        since_ms = await self._since(project, rule, who, at_ms)
        alerted = at_ms - since_ms >= learn_ms
        body = _document(project, rule, who, what, event, at_ms, alerted=alerted)
        if not await self._create(identity, body):
            return await self.is_new(project, rule, who, what, event=event, at_ms=at_ms, learn_ms=learn_ms)
        return alerted

    def _settle(self, identity: str, *, alerted: bool) -> bool:
        if not alerted:
            self._known[identity] = None
            if len(self._known) > KNOWN:
                self._known.popitem(last=False)
        return alerted

    async def _since(self, project: tuple[str, str], rule: str, who: str, at_ms: int) -> int:
        """When the subject was seen first."""
        identity = _identity(*project, rule, who, "")
        while True:
            found = await self._get(identity)
            if found is not None:
                return moment_ms(str(found["since"]))
            await self._create(identity, _document(project, rule, who, "", "", at_ms, alerted=False))

    async def _get(self, identity: str) -> dict[str, object] | None:
        async with asking():
            try:
                reply = await self._client.get(index=self._index, id=identity)
            except oe.NotFoundError:
                return None
            source = reply["_source"]
            return {**source["baseline"], "since": source["@timestamp"]}

    async def _create(self, identity: str, body: dict[str, object]) -> bool:
        if not await self._indices.ready(_TEMPLATE):
            raise Backpressure("baselines: no template, run siem apply")
        async with asking():
            try:
                await self._client.create(index=self._index, id=identity, body=body)
            except oe.ConflictError:
                return False
            except oe.NotFoundError as missing:
                if not await self._indices.ensure(self._index, _TEMPLATE):
                    raise Backpressure("baselines: no index") from missing
                await self._client.create(index=self._index, id=identity, body=body)
        return True


def _identity(*parts: str) -> str:
    return sha256("\0".join(parts).encode()).hexdigest()[:40]


def _document(
    project: tuple[str, str], rule: str, who: str, what: str, event: str, at_ms: int, *, alerted: bool
) -> dict[str, object]:
    return {
        "@timestamp": moment(at_ms),
        "project": {"id": project[0], "environment": project[1]},
        "rule": {"id": rule},
        "baseline": {"who": who, "what": what, "event": event, "alerted": alerted},
    }
