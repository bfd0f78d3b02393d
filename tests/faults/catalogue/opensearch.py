"""OpenSearch: every way in which a bulk request can fail, and the node itself."""

from __future__ import annotations

import asyncio
import json
from functools import partial
from typing import Any

from tests.faults.bulk_proxy import Trick, item_error
from tests.faults.catalogue.fault import Fault, Inject, moment, until
from tests.faults.certificates import Authority
from tests.faults.hostile import BOMB
from tests.faults.producer import LANES
from tests.faults.stage import Stage

BREAKER = json.dumps({"error": {"type": "circuit_breaking_exception", "reason": "[parent] Data too large"}, "status": 429})


def plays(kind: str, times: int = 3, **facts: Any) -> Inject:
    """So many bulk requests in a row meet this."""

    async def inject(stage: Stage) -> None:
        await moment(stage)
        trick = stage.search.play(Trick(kind, times=times, **facts))
        await until(lambda: trick.hits >= times, f"{trick.hits} of {times} bulks met {kind}")

    return inject


def items(share: float, status: int, kind: str, times: int = 4) -> Inject:
    """A part of the items of each request is refused for the moment."""

    async def inject(stage: Stage) -> None:
        await moment(stage)

        def refuse(_action: str, _document: str) -> dict[str, Any] | None:
            return item_error(status, kind, "injected") if stage.rng.random() < share else None

        trick = stage.search.play(Trick("items", times=times, refuse=refuse))
        await until(lambda: trick.hits >= times, f"{trick.hits} of {times} bulks met items with {status}")

    return inject


def everything(status: int, body: str = "<html>no</html>", *, path: str = "/") -> Inject:
    """Every request gets this answer, for a while."""

    async def inject(stage: Stage) -> None:
        await moment(stage)
        trick = stage.search.play(Trick("answer", times=-1, path=path, status=status, body=body))
        await asyncio.sleep(stage.options.outage_seconds / 2)
        await until(lambda: trick.hits > 0, "nothing was asked")
        stage.search.behave()

    return inject


async def one_refused(stage: Stage) -> None:
    """Some events are refused for good: each must become a dead letter, and its neighbours documents."""
    await moment(stage)
    dead, share = stage.producer.ledger.dead, 40

    def answer(action: str, document: str, *, new: bool) -> dict[str, Any] | None:
        mark = None if "siem-dead-letters" in action else stage.maker.read(document)
        if mark is None or (mark not in dead and not (new and mark[1] * 2654435761 % (1 << 32) < (1 << 32) // share)):
            return None
        dead[mark] = "sink/mapper_parsing_exception"
        return item_error(400, "mapper_parsing_exception", "failed to parse")

    trick = stage.search.play(Trick("items", times=8, refuse=partial(answer, new=True)))
    # Whatever comes again (a retry, a replay) finds the same answer.
    stage.search.standing = partial(answer, new=False)
    await until(lambda: trick.hits >= 8, "too few bulks")


async def too_large(stage: Stage) -> None:
    await plays("answer", times=3, status=413)(stage)


async def read_only(stage: Stage) -> None:
    await moment(stage)
    await _block(stage, on=True)
    await asyncio.sleep(stage.options.outage_seconds / 2)
    await _block(stage, on=False)


async def _block(stage: Stage, *, on: bool, indices: str = "siem-*") -> None:
    # Only a block that is taken away (null) is no block; false would be one, too.
    body = {"index.blocks.read_only_allow_delete": True if on else None}
    await stage.client.indices.put_settings(index=indices, body=body)


async def letters_refused(stage: Stage) -> None:
    """Their index takes no dead letter while many large ones come: everything else must go on meanwhile."""
    await moment(stage)
    letters, now = "siem-dead-letters-*", asyncio.get_running_loop().time()
    await _block(stage, on=True, indices=letters)
    try:
        for turn in range(120):
            stage.producer.put(LANES[turn % len(LANES)], BOMB.dataset, BOMB.events, now, kind=BOMB)
        await asyncio.sleep(stage.options.outage_seconds)
        await stage.flowing()
    finally:
        await _block(stage, on=False, indices=letters)


async def no_new_index(stage: Stage) -> None:
    """The cluster creates no index while events of yesterday come in that need one."""
    await moment(stage)
    await _cluster(stage, {"cluster.blocks.create_index": True})
    days, now = stage.rng.randrange(2, 300), asyncio.get_running_loop().time()
    for lane in LANES:
        stage.producer.put(lane, "aws.vpcflow", 4, now, shift_ms=-days * 86_400_000)
    await asyncio.sleep(stage.options.outage_seconds / 2)
    await _cluster(stage, {"cluster.blocks.create_index": None})


async def _cluster(stage: Stage, settings: dict[str, Any]) -> None:
    await stage.client.cluster.put_settings(body={"persistent": settings})


async def restarted(stage: Stage) -> None:
    await moment(stage)
    await stage.stack.kill("opensearch")
    await stage.stack.revive("opensearch")


async def frozen(stage: Stage) -> None:
    await moment(stage)
    stage.stack.pause("opensearch")
    await asyncio.sleep(stage.options.outage_seconds)
    stage.stack.resume("opensearch")


async def refused(stage: Stage) -> None:
    await moment(stage)
    await stage.search.close()
    await asyncio.sleep(stage.options.outage_seconds)
    await stage.search.listen()


async def other_certificate(stage: Stage) -> None:
    """First one that nobody vouches for, which must be refused; then a new one of the known authority."""
    await moment(stage)
    stranger = Authority(stage.stack.folder, f"stranger{stage.rng.getrandbits(32):x}")
    await stage.search.close()
    await stage.search.listen(stranger.server("stranger"))
    before = stage.search.served
    await asyncio.sleep(stage.options.outage_seconds / 2)
    assert stage.search.served == before, "something was sent to a server with a certificate that nobody vouches for"
    await stage.search.close()
    await stage.search.listen(stage.authority.server("renewed"))


async def index_deleted(stage: Stage) -> None:
    """Somebody deletes the indices; replaying from Kafka brings all of it back, into indices made from their templates."""
    from tests.faults.catalogue.kafka import offsets_deleted

    await moment(stage)
    found = await stage.client.indices.get_alias(index="siem-all,siem-dead-letters")
    await stage.client.indices.delete(index=",".join(sorted(found)))
    await offsets_deleted(stage)


FAULTS = (
    Fault("503 for whole requests", "opensearch", plays("answer", status=503)),
    Fault("502 from a gateway", "opensearch", plays("answer", status=502, body="<html>bad gateway</html>")),
    Fault("429 for whole requests", "opensearch", plays("answer", status=429)),
    Fault("circuit breaker", "opensearch", plays("answer", status=429, body=BREAKER)),
    Fault("connection reset before the request was read", "opensearch", plays("reset_before")),
    Fault("connection reset after it was stored", "opensearch", plays("reset_after"), quick=True),
    Fault("no answer though it was stored", "opensearch", plays("hang_after", times=2, seconds=9.0)),
    Fault("answer cut in the middle", "opensearch", plays("cut_answer")),
    Fault("200 that is no JSON", "opensearch", plays("garble")),
    Fault("an item too few in the answer", "opensearch", plays("short")),
    Fault("slow: 2 s an answer", "opensearch", plays("slow", times=4, seconds=2.0)),
    Fault("413 for whole requests", "opensearch", too_large),
    Fault("429 for half the documents", "opensearch", items(0.5, 429, "rejected_execution_exception"), quick=True),
    Fault("503 for a third of the documents", "opensearch", items(0.3, 503, "unavailable_shards_exception")),
    Fault("500 for a fifth of the documents", "opensearch", items(0.2, 500, "illegal_state_exception")),
    Fault("one document in 40 refused (400)", "opensearch", one_refused, soak=False),
    Fault("401 for everything", "opensearch", everything(401)),
    Fault("403 for everything", "opensearch", everything(403, json.dumps({"error": {"type": "security_exception"}}))),
    Fault("indices read-only (flood stage)", "opensearch", read_only),
    Fault("dead letters' indices read-only: all else goes on", "opensearch", letters_refused),
    Fault("no index may be created", "opensearch", no_new_index),
    Fault("connections refused", "opensearch", refused),
    Fault("node frozen", "opensearch", frozen),
    Fault("node killed and restarted", "opensearch", restarted),
    Fault("certificate of a stranger, then a renewed one", "opensearch", other_certificate),
    Fault("indices deleted, then everything replayed", "opensearch", index_deleted, soak=False),
)
