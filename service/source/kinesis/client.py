"""Kinesis's API as we use it: signed JSON calls over HTTP, typed answers, faults sorted by remedy.

botocore finds credentials and endpoints and signs; its parsers are left out, they cost more than all the rest together.
"""

from __future__ import annotations

import email.utils
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import aiohttp
import msgspec
from aiobotocore.session import AioSession
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import UnknownRegionError

from service.source.kinesis import wire
from service.source.kinesis.credentials import Credentials
from service.source.kinesis.fault import TRANSPORT, KinesisFault, Remedy
from service.source.kinesis.resharding import Shard

T = TypeVar("T")

_TARGET = "Kinesis_20131202."
_ARN = re.compile(r"arn:[^:]+:kinesis:(?P<region>[^:]+):(?P<account>[^:]+):stream/(?P<name>.+)")

_SUFFIXES = {
    "aws-cn": "amazonaws.com.cn",
    "aws-iso": "c2s.ic.gov",
    "aws-iso-b": "sc2s.sgov.gov",
    "aws-iso-e": "cloud.adc-e.uk",
    "aws-iso-f": "csp.hci.ic.gov",
    "aws-eusc": "amazonaws.eu",
}
"""Of partitions whose names do not end in amazonaws.com."""

_summary = wire.Decoder(wire.SummaryReply)
_shards = wire.Decoder(wire.ShardsReply)
_iterator = wire.Decoder(wire.IteratorReply)
_records = wire.Decoder(wire.RecordsReply)
_put = wire.Decoder(wire.PutReply)
_registered = wire.Decoder(wire.RegisteredReply)
_described = wire.Decoder(wire.DescribedReply)
_refusal = wire.Decoder(wire.Refusal)


@dataclass(frozen=True, slots=True)
class Stream:
    """A stream as it is now."""

    arn: str
    name: str
    id: str
    """``account:name:creationEpoch``, as KCL writes it."""
    status: str
    retention_ms: int
    keyed: bool
    """False when Kinesis spreads records over shards regardless of their partition keys."""
    server_ms: int | None
    """Kinesis's clock (a second's resolution) when it said so."""


@dataclass(frozen=True, slots=True)
class StartAt:
    """Where to begin in a shard: a start word, or at/after a sequence number."""

    kind: str
    sequence: str | None = None
    timestamp_ms: int | None = None

    def members(self, sequence_name: str) -> dict[str, object]:
        """As members of a request; the two operations name the sequence number differently."""
        wanted: dict[str, object] = {}
        if self.sequence is not None:
            wanted[sequence_name] = self.sequence
        if self.timestamp_ms is not None:
            wanted["Timestamp"] = self.timestamp_ms / 1000
        return wanted


class KinesisClient:
    """One project's way to Kinesis in one region. ``http`` may be shared; its pool must not be limited."""

    def __init__(
        self,
        http: aiohttp.ClientSession,
        endpoint: str,
        region: str,
        credentials: Credentials,
        *,
        timeout: float = 20.0,
    ) -> None:
        """Connect to nothing yet; ``timeout`` is for a whole call, in seconds."""
        self.endpoint = endpoint.rstrip("/")
        self.http = http
        self._region = region
        self._credentials = credentials
        self._timeout = aiohttp.ClientTimeout(total=timeout, connect=min(timeout, 10.0))

    async def signed(self, action: str, body: bytes) -> dict[str, str]:
        """Headers of a signed request for ``action``."""
        keys = await self._credentials.current()
        request = AWSRequest(
            method="POST",
            url=self.endpoint + "/",
            data=body,
            headers={"X-Amz-Target": _TARGET + action, "Content-Type": "application/x-amz-json-1.1"},
        )
        SigV4Auth(keys, "kinesis", self._region).add_auth(request)
        return dict(request.headers.items())

    def note(self, fault: KinesisFault) -> KinesisFault:
        """Act on a fault where the client can (credentials); gives it back for raising."""
        if fault.remedy is Remedy.NEW_CREDENTIALS:
            self._credentials.renew()
        return fault

    def refusal(self, action: str, status: int, body: bytes) -> KinesisFault:
        """The fault that an answer other than 200 stands for."""
        try:
            refused = _refusal(body)
        except msgspec.DecodeError:
            refused = wire.Refusal()
        return self.note(KinesisFault(refused.code or f"HTTP{status}", refused.text, action))

    async def stream(self, name_or_arn: str) -> Stream:
        """DescribeStreamSummary."""
        reply, date = await self._call("DescribeStreamSummary", _which(name_or_arn), _summary)
        summary = reply.stream_description_summary
        match = _ARN.fullmatch(summary.stream_arn)
        account = match["account"] if match else "unknown"
        return Stream(
            arn=summary.stream_arn,
            name=summary.stream_name,
            id=f"{account}:{summary.stream_name}:{int(summary.stream_creation_timestamp)}",
            status=summary.stream_status,
            retention_ms=summary.retention_period_hours * 3_600_000,
            keyed=summary.record_distribution_strategy != "AUTO",
            server_ms=date,
        )

    async def shards(self, stream: Stream) -> list[Shard]:
        """ListShards, every page."""
        found: list[Shard] = []
        body: dict[str, object] = {"StreamARN": stream.arn}
        while True:
            reply, _ = await self._call("ListShards", body, _shards)
            found += [_shard(listed) for listed in reply.shards]
            if not reply.next_token:
                return found
            body = {"NextToken": reply.next_token}

    async def iterator(self, stream: Stream, shard: str, start: StartAt) -> str:
        """GetShardIterator."""
        body = {"StreamARN": stream.arn, "ShardId": shard, "ShardIteratorType": start.kind}
        body.update(start.members("StartingSequenceNumber"))  # type: ignore[arg-type]  # members are JSON values
        reply, _ = await self._call("GetShardIterator", body, _iterator)
        return reply.shard_iterator

    async def records(self, stream: Stream, iterator: str, limit: int) -> wire.RecordsReply:
        """GetRecords."""
        body = {"ShardIterator": iterator, "Limit": limit, "StreamARN": stream.arn}
        reply, _ = await self._call("GetRecords", body, _records)
        return reply

    async def put(self, name_or_arn: str, entries: list[wire.PutEntry]) -> list[wire.PutResult]:
        """PutRecords: one result for each entry, in their order."""
        body = {**_which(name_or_arn), "Records": entries}
        reply, _ = await self._call("PutRecords", body, _put)
        if len(reply.records) != len(entries):
            raise KinesisFault(TRANSPORT, f"{len(reply.records)} results for {len(entries)} records", "PutRecords")
        return reply.records

    async def consumer(self, stream: Stream, name: str) -> wire.Consumer:
        """DescribeStreamConsumer."""
        body = {"StreamARN": stream.arn, "ConsumerName": name}
        reply, _ = await self._call("DescribeStreamConsumer", body, _described)
        return reply.consumer_description

    async def register(self, stream: Stream, name: str) -> wire.Consumer:
        """RegisterStreamConsumer."""
        body = {"StreamARN": stream.arn, "ConsumerName": name}
        reply, _ = await self._call("RegisterStreamConsumer", body, _registered)
        return reply.consumer

    async def _call(self, action: str, members: Mapping[str, object], decode: wire.Decoder[T]) -> tuple[T, int | None]:
        body = msgspec.json.encode(members)
        headers = await self.signed(action, body)
        try:
            async with self.http.post(
                self.endpoint + "/", data=body, headers=headers, timeout=self._timeout, allow_redirects=False
            ) as reply:
                data = await reply.read()
                status, date = reply.status, reply.headers.get("Date")
        except (TimeoutError, aiohttp.ClientError, OSError) as fault:
            raise KinesisFault(TRANSPORT, repr(fault), action) from fault
        if status != 200:
            raise self.refusal(action, status, data)
        try:
            return decode(data), _date_ms(date)
        except msgspec.DecodeError as fault:
            raise KinesisFault(TRANSPORT, f"unreadable answer: {fault}", action) from fault


def endpoint_of(session: AioSession, region: str) -> str:
    """The service's own endpoint in a region, in whatever partition that is."""
    try:
        partition = session.get_partition_for_region(region)
    except UnknownRegionError:
        partition = "aws"  # a region newer than botocore
    return f"https://kinesis.{region}.{_SUFFIXES.get(partition, 'amazonaws.com')}"


def _which(name_or_arn: str) -> dict[str, object]:
    return {"StreamARN" if name_or_arn.startswith("arn:") else "StreamName": name_or_arn}


def _shard(listed: wire.ListedShard) -> Shard:
    parents = [listed.parent_shard_id, listed.adjacent_parent_shard_id]
    return Shard(
        id=listed.shard_id,
        parents=tuple(sorted(parent for parent in parents if parent)),
        hash_start=listed.hash_key_range.starting_hash_key,
        hash_end=listed.hash_key_range.ending_hash_key,
        open=listed.sequence_number_range.ending_sequence_number is None,
    )


def _date_ms(header: str | None) -> int | None:
    if header is None:
        return None
    try:
        return int(email.utils.parsedate_to_datetime(header).timestamp() * 1000)
    except (ValueError, TypeError):
        return None
