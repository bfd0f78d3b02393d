"""A record stays packed only if unpacking it gives what decoding and routing it would have given."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.decode.head import SMALL
from service.event import RecordBatch
from service.route.packed import batch_of, unpack
from service.route.router import Router
from tests.route.test_router import FLOW, ROUTER, ROUTES, TRAIL, record

LARGEST = 1 << 20
FACTS = {"messageType": "DATA_MESSAGE", "owner": "111122223333", "logGroup": "vpc-flow", "logStream": "eni-1"}


def said(count: int = 200, text: str = FLOW, **changed: Any) -> str:
    """A subscription message as AWS writes it, apart from what is changed."""
    events = [{"id": str(n), "timestamp": n, "message": text} for n in range(count)]
    return json.dumps(
        {**FACTS, "subscriptionFilters": ["all"], "logEvents": events, **changed}, separators=(",", ":"), ensure_ascii=False
    )


def of(*data: bytes) -> RecordBatch:
    return RecordBatch("shop", "prod", "logs", "shardId-0", [record(each) for each in data])


def zipped(text: str) -> bytes:
    return gzip.compress(text.encode(), mtime=0)


def same_as_decoded(data: bytes, router: Router = ROUTER) -> bool:
    """Whether the record stayed packed; fails when its slices or letters are not those of the full way."""
    whole, routed = router.route(of(data)), router.route(of(data), LARGEST)
    kept = [(dataset, packed) for dataset, records in routed.packed.items() for packed in records]
    if not kept:
        assert routed == whole
        return False
    assert not routed.by_dataset
    assert not routed.dead
    ((dataset, packed),) = kept
    unpacked = unpack(packed)
    if unpacked is None:
        assert router.route(batch_of(packed)) == whole
        return False
    assert whole.by_dataset == {dataset: [unpacked]}
    assert not whole.dead
    assert not whole.control
    return True


@pytest.mark.parametrize(
    "data",
    [
        zipped(said()),
        zipped(said(logGroup="special-flow")),
        zipped(said(logGroup="a-trail", text=TRAIL)),
        zipped(said(logStream="São Paulo/[$LATEST]")),
        zipped(said(subscriptionFilters=["a", "b"])),
        zipped(said(text='a\nb\u2028 \U0001f600 \\ "')),
    ],
)
def test_a_record_of_one_dataset_stays_packed_and_unpacks_to_the_same_slice(data: bytes) -> None:
    assert same_as_decoded(data)


@pytest.mark.parametrize(
    "data",
    [
        said().encode(),
        zipped(said(2)),
        zipped(said(logGroup="app")),
        zipped(said(messageType="CONTROL_MESSAGE")),
        zipped(said(logEvents=[]) + " " * SMALL),
        zipped(said().replace("1111", "111\\u0031", 1)),
        zipped(json.dumps({"z": 1, **json.loads(said())})),
        zipped(said())[:-9],
        zipped(said())[:-4] + (1 << 31).to_bytes(4, "little"),
        b"\x1f\x8bnothing of the kind",
        zipped("x" * SMALL),
        gzip.compress(zipped(said())),
    ],
)
def test_what_does_not_begin_as_aws_writes_it_is_decoded(data: bytes) -> None:
    assert not ROUTER.route(of(data), LARGEST).packed
    assert not same_as_decoded(data)


def tampered(change: Callable[[str], str]) -> bytes:
    return zipped(change(said()))


@pytest.mark.parametrize(
    "data",
    [
        tampered(lambda text: text[:-1] + ',"logGroup":"a-trail"}'),
        tampered(lambda text: text[:-1] + ',"owner":"444455556666"}'),
        tampered(lambda text: text[:-1] + ',"messageType":"CONTROL_MESSAGE"}'),
        tampered(lambda text: text[:-1] + ',"logEvents":[]}'),
        tampered(lambda text: text + said(logGroup="a-trail", text=TRAIL)),
        tampered(lambda text: text[:-300]),
        tampered(lambda text: text.replace('"timestamp":7,', '"timestamp":{},')),
        zipped(said()) + zipped(said(logGroup="a-trail")),
        zipped(said()) + b"\x1f\x8b" + bytes(2) + (SMALL * 2).to_bytes(4, "little"),
    ],
)
def test_a_record_whose_rest_contradicts_its_head_is_decoded_after_all(data: bytes) -> None:
    assert ROUTER.route(of(data), LARGEST).packed, "its head looks well"
    assert not same_as_decoded(data)


def test_content_decides_what_the_head_cannot() -> None:
    without_group = Router(ROUTES[2:])
    assert not same_as_decoded(zipped(said(logGroup="app", text=TRAIL)))
    assert not same_as_decoded(zipped(said(logGroup="mixed", text='{"kind":"audit"}')), without_group)


_word = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)


@settings(max_examples=150)
@given(
    _word | st.sampled_from(["vpc-flow", "org-trail", "/aws/eks/c/cluster"]),
    _word,
    st.lists(_word, max_size=2),
    st.text(st.characters(codec="utf-8"), max_size=200),
    st.sampled_from([(), ("logGroup",), ("owner",), ("logEvents",), ("logStream",)]),
    st.integers(0, 30),
)
def test_packed_or_not_the_outcome_is_the_same(
    group: str, stream: str, filters: list[str], text: str, twice: tuple[str, ...], cut: int
) -> None:
    message = said(60, text + "." * 200, logGroup=group, logStream=stream, subscriptionFilters=filters)
    for key in twice:
        message = message[:-1] + f",{json.dumps(key)}:{json.dumps(FACTS.get(key, []))}}}"
    same_as_decoded(zipped(message[: len(message) - cut]))
