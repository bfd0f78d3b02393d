"""Kinesis: throttled, failing, half open, resharded, made anew; what it delivers twice or in the wrong order."""

from __future__ import annotations

import asyncio

from service.local.kinesis.faults import Fault as Planned
from service.local.kinesis.stream import Stream
from tests.faults.catalogue.fault import Fault, moment, until
from tests.faults.producer import LANES
from tests.faults.stage import Stage

PUSHED, ALSO_PUSHED, POLLED = (lane.stream for lane in LANES)


async def _hit(*planned: Planned) -> None:
    await until(lambda: all(one.times <= 0 for one in planned), f"not hit: {[one for one in planned if one.times > 0]}")


async def throttled(stage: Stage) -> None:
    await moment(stage)
    await _hit(stage.kinesis.faults.throttle("GetRecords", times=8), stage.kinesis.faults.throttle("ListShards", times=2))


async def failing(stage: Stage) -> None:
    await moment(stage)
    faults = stage.kinesis.faults
    planned = [faults.fail("GetRecords", times=6), faults.fail("ListShards", times=1), faults.end_subscription(times=2)]
    await _hit(*planned, faults.fail("SubscribeToShard", times=3))


async def dropped_answers(stage: Stage) -> None:
    await moment(stage)
    await _hit(stage.kinesis.faults.drop("GetRecords", times=6))


async def expired_iterator(stage: Stage) -> None:
    await moment(stage)
    faults = stage.kinesis.faults
    stage.kinesis.account.expire_iterators()
    await _hit(faults.fail("GetRecords", times=2, code="ExpiredIteratorException", status=400), faults.fail("GetShardIterator"))


async def expired_credentials(stage: Stage) -> None:
    await moment(stage)
    faults = stage.kinesis.faults
    planned = [
        faults.fail("GetRecords", times=3, code="ExpiredTokenException", status=400),
        faults.end_subscription(times=2),
        faults.fail("SubscribeToShard", times=2, code="ExpiredTokenException", status=400),
    ]
    await _hit(*planned)


async def half_open(stage: Stage) -> None:
    """A subscription that stays open and says nothing any more, not even heartbeats."""
    await moment(stage)
    await _hit(stage.kinesis.faults.half_open(times=1))


async def stalled_call(stage: Stage) -> None:
    await moment(stage)
    await _hit(stage.kinesis.faults.stall("GetRecords", times=1))


async def taken_over(stage: Stage) -> None:
    """Another subscriber takes over: the error comes as an event, in the middle of the subscription."""
    await moment(stage)
    await _hit(stage.kinesis.faults.event_exception("ResourceInUseException", times=2))


async def corrupted(stage: Stage) -> None:
    await moment(stage)
    await _hit(stage.kinesis.faults.corrupt_event(times=3))


async def delivered_twice(stage: Stage) -> None:
    """Events pushed twice, and records that a producer put twice because it missed the acknowledgement."""
    await moment(stage)
    planned = stage.kinesis.faults.duplicate_event(times=4)
    with_ids = [sent for sent in stage.producer.ledger.records[-60:] if sent.dataset != "aws.vpcflow" and not sent.codes]
    for sent in with_ids[:15]:
        stage.producer.again(sent)
    await _hit(planned)


async def out_of_order(stage: Stage) -> None:
    await moment(stage)
    await _hit(stage.kinesis.faults.reverse_events(times=4))


async def out_of_order_and_killed(stage: Stage) -> None:
    """The later event was delivered and checkpointed, then the collector dies before the earlier one comes."""
    await moment(stage)
    planned = stage.kinesis.faults.reverse_events(times=1)
    await _hit(planned)
    file = stage.point("after_checkpoint")
    await until(lambda: not file.exists(), "no checkpoint came")


def _stream(stage: Stage, name: str) -> Stream:
    return stage.kinesis.account.stream(name)


async def split(stage: Stage) -> None:
    await moment(stage)
    for name in (PUSHED, POLLED):
        stream = _stream(stage, name)
        shard = stage.rng.choice(stream.open_shards)
        low, high = shard.hash_range
        stream.split(shard.shard_id, stage.rng.randrange(low + 1, high))


async def merge(stage: Stage) -> None:
    await moment(stage)
    for name in (PUSHED, POLLED):
        stream = _stream(stage, name)
        if len(stream.open_shards) < 2:
            stream.split(stream.open_shards[0].shard_id, stream.open_shards[0].hash_range[1] // 2)
        at = stage.rng.randrange(len(stream.open_shards) - 1)
        stream.merge(stream.open_shards[at].shard_id, stream.open_shards[at + 1].shard_id)


async def split_merge_and_killed(stage: Stage) -> None:
    """Two generations of shards at once, and the collector dies in between."""
    await moment(stage)
    for name in (PUSHED, ALSO_PUSHED, POLLED):
        stream = _stream(stage, name)
        stream.rescale(len(stream.open_shards) * 2)
        await asyncio.sleep(stage.rng.uniform(0.1, 1.0))
    await stage.collector.killed()
    for name in (PUSHED, ALSO_PUSHED, POLLED):
        _stream(stage, name).rescale(2) if len(_stream(stage, name).open_shards) <= 4 else None


async def made_anew(stage: Stage) -> None:
    """The stream is deleted, with all that was read of it, and made again under its name."""
    lane = LANES[1]
    stage.producer.paused.add(lane.number)
    await stage.recovered()
    await asyncio.sleep(1.0)
    stage.kinesis.account.delete(lane.stream)
    await asyncio.sleep(stage.rng.uniform(1.1, 3.0))
    stage.kinesis.account.create(lane.stream, 2)
    stage.producer.paused.discard(lane.number)


async def away(stage: Stage) -> None:
    await moment(stage)
    await stage.kinesis.stop()
    await asyncio.sleep(stage.options.outage_seconds / 2)
    await stage.kinesis.start()


FAULTS = (
    Fault("throttled", "kinesis", throttled, quick=True),
    Fault("500s, subscriptions ended early", "kinesis", failing),
    Fault("answers cut in the middle", "kinesis", dropped_answers),
    Fault("iterators expired", "kinesis", expired_iterator),
    Fault("credentials expire mid-call", "kinesis", expired_credentials),
    Fault("half-open subscription", "kinesis", half_open),
    Fault("a call never answered", "kinesis", stalled_call),
    Fault("subscription taken over", "kinesis", taken_over),
    Fault("pushed events corrupted", "kinesis", corrupted),
    Fault("delivered twice, put twice", "kinesis", delivered_twice, quick=True),
    Fault("pushed events out of order", "kinesis", out_of_order),
    Fault("out of order, then killed", "kinesis", out_of_order_and_killed),
    Fault("shards split under load", "kinesis", split),
    Fault("shards merged under load", "kinesis", merge),
    Fault("split, merge and kill at once", "kinesis", split_merge_and_killed, soak=False),
    Fault("stream deleted and made anew", "kinesis", made_anew, soak=False),
    Fault("Kinesis unreachable", "kinesis", away),
)
