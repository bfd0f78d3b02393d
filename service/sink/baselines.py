"""What was seen before: one document for each subject of a first-seen rule, and one for each thing it was seen with.

Creating the document is the decision: it can be made once, whatever is delivered again.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any, NamedTuple

import orjson
from opensearchpy import AsyncOpenSearch

from service.errors import Backpressure
from service.settings import Kafka
from service.sink.asking import asking
from service.sink.opensearch.indices import IndexKeeper
from service.spans import moment, moment_ms

_TEMPLATE = "baselines"
KNOWN = 100_000
"""Documents that are known to be there, so that nobody asks for them again."""
AT_ONCE = 500
"""Documents of one request."""
_CREATED, _CONFLICT = 201, 409


def baseline_index(kafka: Kafka) -> str:
    """Where a deployment keeps its baselines: two on one cluster do not learn from each other."""
    return "siem-baselines-" + re.sub(r"[^a-z0-9_-]", "-", f"{kafka.topic_prefix}{kafka.group}".lower())


class Sighting(NamedTuple):
    """Somebody was seen with something, in an event."""

    project: tuple[str, str]
    """Its id and environment."""
    rule: str
    who: str
    what: str
    event: str
    """The event's ``_id``."""
    at_ms: int
    learn_ms: int
    """How long a subject is only learnt about."""

    @property
    def id(self) -> str:
        """Of the document that says it."""
        return _identity(*self.project, self.rule, self.who, self.what)

    @property
    def subject(self) -> str:
        """Id of the document that says since when the subject is known."""
        return _identity(*self.project, self.rule, self.who, "")


Baseline = Mapping[str, Any]


class Baselines:
    """Raises Backpressure while OpenSearch cannot do what is asked; whatever was asked may be asked again."""

    def __init__(self, client: AsyncOpenSearch, indices: IndexKeeper, index: str) -> None:
        """Keep them in ``index``."""
        self._client = client
        self._indices = indices
        self._index = index
        self._known: OrderedDict[str, None] = OrderedDict()

    async def fresh(self, sightings: Sequence[Sighting]) -> list[bool]:
        """Of each, whether its subject was never seen with it, and has been known for ``learn_ms`` already.

        The same event gets the same answer, however often it comes; of several with one pair the first is it.
        """
        identities, asked = [each.id for each in sightings], dict[str, Sighting]()
        for identity, each in zip(identities, sightings, strict=True):
            if identity not in self._known:
                asked.setdefault(identity, each)
        found = await self._read(asked)
        missing = {identity: each for identity, each in asked.items() if identity not in found}
        since = await self._since(missing.values())
        found |= await self._create(
            {
                identity: _document(each, alerted=each.at_ms - since[each.subject] >= each.learn_ms)
                for identity, each in missing.items()
            }
        )
        async with asking():
            said = {identity: document["baseline"] for identity, document in found.items()}
            return [
                self._is_it(identity, each, said.get(identity, {})) for identity, each in zip(identities, sightings, strict=True)
            ]

    def _is_it(self, identity: str, sighting: Sighting, baseline: Baseline) -> bool:
        if not baseline.get("alerted"):
            self._known[identity] = None
            self._known.move_to_end(identity)
            if len(self._known) > KNOWN:
                self._known.popitem(last=False)
            return False
        return bool(baseline.get("event") == sighting.event)

    async def _since(self, sightings: Iterable[Sighting]) -> dict[str, int]:
        """When their subjects were seen first, by the id of the document that says it."""
        first: dict[str, Sighting] = {}
        for each in sightings:
            first.setdefault(each.subject, each)
        found = await self._read(first)
        found |= await self._create(
            {
                identity: _document(each._replace(what="", event=""), alerted=False)
                for identity, each in first.items()
                if identity not in found
            }
        )
        async with asking():
            return {identity: moment_ms(str(each["@timestamp"])) for identity, each in found.items()}

    async def _read(self, identities: Iterable[str]) -> dict[str, Baseline]:
        """Those of the documents that are there."""
        wanted, found = list(identities), dict[str, Baseline]()
        for start in range(0, len(wanted), AT_ONCE):
            async with asking():
                reply = await self._client.mget(index=self._index, body={"ids": wanted[start : start + AT_ONCE]})
                for each in reply["docs"]:
                    kind = each.get("error", {}).get("type")
                    if each.get("found"):
                        found[each["_id"]] = each["_source"]
                    elif kind not in (None, "index_not_found_exception"):
                        raise Backpressure(f"baselines: {kind}")
        return found

    async def _create(self, documents: Mapping[str, Baseline]) -> dict[str, Baseline]:
        """Make the documents; of those that somebody else made meanwhile, theirs."""
        if not documents:
            return {}
        if not await self._indices.ready(_TEMPLATE):
            raise Backpressure("baselines: no template, run siem apply")
        made = await self._bulk(documents)
        if made is None:
            if not await self._indices.ensure(self._index, _TEMPLATE):
                raise Backpressure("baselines: no index")
            made = await self._bulk(documents)
        if made is None:
            raise Backpressure("baselines: no index")
        made |= await self._read([identity for identity in documents if identity not in made])
        if len(made) < len(documents):
            raise Backpressure("baselines: documents come and go")
        return made

    async def _bulk(self, documents: Mapping[str, Baseline]) -> dict[str, Baseline] | None:
        """Those of the documents that were not there; None where there is no index."""
        made: dict[str, Baseline] = {}
        todo = list(documents.items())
        for start in range(0, len(todo), AT_ONCE):
            part = todo[start : start + AT_ONCE]
            lines = [
                line for identity, body in part for line in (orjson.dumps({"create": {"_id": identity}}), orjson.dumps(body))
            ]
            async with asking():
                reply = await self._client.bulk(index=self._index, body=b"\n".join(lines) + b"\n")
                for (identity, body), item in zip(part, reply["items"], strict=True):
                    answer = item["create"]
                    kind = answer.get("error", {}).get("type")
                    if answer["status"] == _CREATED:
                        made[identity] = body
                    elif kind == "index_not_found_exception":
                        return None
                    elif answer["status"] != _CONFLICT:
                        raise Backpressure(f"baselines: {kind}")
        return made


def _identity(*parts: str) -> str:
    return sha256("\0".join(parts).encode()).hexdigest()[:40]


def _document(sighting: Sighting, *, alerted: bool) -> Baseline:
    project, environment = sighting.project
    return {
        "@timestamp": moment(sighting.at_ms),
        "project": {"id": project, "environment": environment},
        "rule": {"id": sighting.rule},
        "baseline": {"who": sighting.who, "what": sighting.what, "event": sighting.event, "alerted": alerted},
    }
