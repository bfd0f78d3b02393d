"""What a message on a queue says: which objects were written. Pure.

S3 writes notifications itself, through SNS (with and without raw delivery) or through EventBridge; CloudTrail, Config and
Security Lake announce their files in ways of their own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import unquote_plus

from service.errors import SiemError

_WRITTEN = ("ObjectCreated:", "ObjectRestore:Completed")
_BUS_WRITTEN = ("Object Created", "Object Restore Completed")
_CONFIRMATIONS = ("SubscriptionConfirmation", "UnsubscribeConfirmation")
_NESTED = 4


class Notice(NamedTuple):
    """An object that was written."""

    bucket: str
    key: str
    version: str | None = None
    """Version id, in buckets that keep versions."""
    etag: str | None = None
    at_ms: int | None = None
    """When it was written, or announced."""


class NotANotification(SiemError):
    """The message says nothing about objects."""


def notices(body: str) -> list[Notice]:
    """The objects a message announces; none for tests, and for events that write nothing. Raises NotANotification."""
    try:
        return list(_notices(json.loads(body), 0))
    except (ValueError, RecursionError, TypeError, LookupError, AttributeError) as fault:
        raise NotANotification(f"{type(fault).__name__}: {fault}"[:500]) from fault


def _notices(message: Any, depth: int) -> Iterator[Notice]:
    if not isinstance(message, dict) or depth > _NESTED:
        raise ValueError("no object")
    if message.get("Type") == "Notification":
        yield from _notices(json.loads(message["Message"]), depth + 1)
    elif "Records" in message:
        for record in message["Records"]:
            yield from _of_s3(record, depth)
    elif message.get("source") == "aws.s3":
        yield from _of_bus(message)
    elif "s3ObjectKey" in message:
        yield from _of_service(message)
    elif message.get("Event") != "s3:TestEvent" and message.get("Type") not in _CONFIRMATIONS:
        raise ValueError("neither a notification of S3 nor any other that is known")


def _of_s3(record: Any, depth: int) -> Iterator[Notice]:
    if "Sns" in record:  # a Lambda that SNS calls itself
        yield from _notices({"Type": "Notification", **record["Sns"]}, depth + 1)
        return
    if record.get("eventSource") == "aws:sqs":
        yield from _notices(json.loads(record["body"]), depth + 1)
        return
    name = _text(record["eventName"]).removeprefix("s3:")
    if record["eventSource"] != "aws:s3" or not name.startswith(_WRITTEN):
        return
    thing = record["s3"]["object"]
    key = unquote_plus(_text(thing["key"], 4096), errors="strict")
    yield Notice(
        _text(record["s3"]["bucket"]["name"], 255),
        _text(key),
        *_details(thing.get("versionId"), thing.get("eTag")),
        _ms(record.get("eventTime")),
    )


def _of_bus(message: dict[str, Any]) -> Iterator[Notice]:
    if message.get("detail-type", _BUS_WRITTEN[0]) not in _BUS_WRITTEN:
        return
    thing = message["detail"]["object"]  # its key is not encoded
    details = _details(thing.get("version-id"), thing.get("etag"))
    yield Notice(_text(message["detail"]["bucket"]["name"], 255), _text(thing["key"]), *details, _ms(message.get("time")))


def _of_service(message: dict[str, Any]) -> Iterator[Notice]:
    """CloudTrail names several keys, Config one."""
    keys = message["s3ObjectKey"]
    for key in keys if isinstance(keys, list) else [keys]:
        yield Notice(_text(message["s3Bucket"], 255), _text(key), at_ms=_ms(message.get("notificationCreationTime")))


def _details(version: Any, etag: Any) -> tuple[str | None, str | None]:
    known = _text(version) if version not in (None, "", "null") else None
    return known, _text(etag).strip('"') if etag else None


def _text(value: Any, most: int = 1024) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= most:
        raise ValueError(f"{value!r:.100} where a name belongs")
    return value


def _ms(value: Any) -> int | None:
    if not isinstance(value, str):
        return None
    moment = datetime.fromisoformat(value)
    return int(moment.timestamp() * 1000)
