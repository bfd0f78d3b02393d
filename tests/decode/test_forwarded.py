"""Forwarded records: parts of an object in S3, whose events keep their positions however the object was cut."""

from __future__ import annotations

import gzip
import json
from typing import Any

import msgspec
import pytest
import zstandard
from hypothesis import example, given
from hypothesis import strategies as st

from service.decode import Limits, decode_record, split
from service.decode.forwarded import FLAWS, PREFIX, Head, head_line, place_of
from service.event import Origin, Record, RecordBatch
from service.pipeline.runtime import facts_of
from service.sink.letter import letter_document, letter_from_document, letter_id

WRITTEN = 1_795_200_000_000
ARRIVED = WRITTEN + 60_000
KEY = "AWSLogs/111122223333/vpcflowlogs/eu-central-1/2026/11/21/x.log.gz"
ENVELOPE = {"detail-type": "Findings", "source": "aws.securityhub", "detail": {"findings": [{"n": 1}, {"n": 2}]}}
MESSAGE = {
    "messageType": "DATA_MESSAGE", "owner": "444455556666", "logGroup": "/g", "logStream": "s", "subscriptionFilters": [],
    "logEvents": [{"id": "a1", "timestamp": 5, "message": "one"}, {"id": "a2", "timestamp": 6, "message": "two"}],
}  # fmt: skip


def head(**changes: Any) -> Head:
    facts = {"siem": "forwarded/1", "bucket": "logs", "key": KEY, "version": "v1", "written": WRITTEN, "first": 0, "form": "json"}
    return msgspec.convert(facts | changes, Head)


def forwarded(units: list[bytes], **changes: Any) -> bytes:
    return head_line(head(**changes)) + b"\n".join(units)


def decoded(data: bytes, sequence: str = "7", arrived: int = ARRIVED) -> tuple[dict[str, str], dict[str, str]]:
    """``_id`` → event, and letter's id → code."""
    batch = RecordBatch("shop", "prod", "audit", f"shardId-{sequence}", [])
    found = decode_record(batch, Record(data, "k", sequence, int(sequence), arrived))
    ids: dict[str, str] = {}
    for piece in found.slices:
        facts = facts_of(piece)
        for at, event in enumerate(piece.events):
            name = facts.position + (facts.ids[at] if facts.ids is not None else str(piece.first + at))
            assert ids.get(name, event) == event  # CloudWatch's own ids may come twice
            ids[name] = event
    letters = {letter_id(letter): letter.code for letter in found.dead}
    assert len(letters) == len(found.dead)
    return ids, letters


def test_the_head_begins_as_decoding_looks_for_it() -> None:
    assert head_line(head()).startswith(PREFIX)


def test_lines_carry_the_facts_of_their_object() -> None:
    (run,) = split(forwarded([b"a b", b"c d"], form="lines", first=41, columns="x y", part="m")).runs
    assert (run.events, run.first, run.columns, run.transport) == (["a b", "c d"], 41, "x y", "s3")
    assert (run.account, run.region, run.origin) == ("111122223333", "eu-central-1", Origin("logs", KEY, "v1", "m"))
    assert (run.s3_bucket, run.s3_key, run.written_ms) == ("logs", KEY, WRITTEN)


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress, lambda data: data], ids=["gzip", "zstd", "plain"])
def test_forwarded_records_may_be_compressed(pack: Any) -> None:
    (run,) = split(pack(forwarded([b'{"a":1}']))).runs
    assert run.events == ['{"a":1}']


def test_an_event_keeps_its_id_whatever_record_brings_it() -> None:
    whole, _ = decoded(forwarded([b'{"n":0}', b'{"n":1}', b'{"n":2}']))
    late, _ = decoded(forwarded([b'{"n":2}'], first=2), sequence="99", arrived=ARRIVED + 86_400_000)
    assert late.items() <= whole.items()


@pytest.mark.parametrize("changes", [{"bucket": "other"}, {"key": "other"}, {"version": "v2"}, {"part": "m"}, {"first": 1}])
def test_another_object_or_unit_is_another_event(changes: dict[str, Any]) -> None:
    assert not decoded(forwarded([b"{}"]))[0].keys() & decoded(forwarded([b"{}"], **changes))[0].keys()


def test_events_of_an_envelope_are_numbered_inside_their_unit() -> None:
    units = [b'{"n":0}', json.dumps(ENVELOPE).encode(), b'{"n":3}']
    runs = split(forwarded(units, first=10)).runs
    assert [(run.events, run.first, run.transport) for run in runs] == [
        (['{"n":0}'], 10, "s3"),
        (['{"n": 1}', '{"n": 2}'], 0, "eventbridge"),
        (['{"n":3}'], 12, "s3"),
    ]
    assert [run.origin.part if run.origin else None for run in runs] == ["", "#11", ""]


def test_log_events_in_files_are_what_they_are_in_the_subscription() -> None:
    (run,) = split(forwarded([json.dumps(MESSAGE).encode()])).runs
    assert (run.transport, run.log_group, run.account, run.ids) == ("cloudwatch_logs", "/g", "444455556666", ["a1", "a2"])
    direct, _ = decoded(json.dumps(MESSAGE).encode())
    assert decoded(forwarded([json.dumps(MESSAGE).encode()]))[0] == direct


def test_blank_lines_and_carriage_returns_do_not_count() -> None:
    whole, _ = decoded(forwarded([b"a", b"b", b"c"], form="lines"))
    assert decoded(forwarded([b"a\r", b"", b" \t", b"b", b"\r", b"c\r"], form="lines"))[0] == whole


DEEP = b'{"d":' + b"[" * 2500
UNITS = st.sampled_from(
    [b'{"n":1}', b'{"n":2,"t":"\xc3\xbc"}', b'{"broken":', b"text", b'{"bad":"\xff"}', b'["a"]', json.dumps(ENVELOPE).encode(),
     json.dumps(MESSAGE | {"logEvents": [{"id": "x", "timestamp": 1, "message": "m"}, {"id": 5}]}).encode(), DEEP,
     b'{"messageType":"CONTROL_MESSAGE","owner":"a","logGroup":"","logStream":"","logEvents":[]}']
)  # fmt: skip


@given(st.lists(UNITS, max_size=12), st.data(), st.sampled_from(["json", "lines"]))
@example([b'{"n":1}'] * 3 + [b"text"] + [b'{"n":1}'], None, "json")
def test_where_an_object_is_cut_changes_nothing(units: list[bytes], data: Any, form: str) -> None:
    ids, letters = decoded(forwarded(units, form=form))
    cut = data.draw(st.integers(0, len(units))) if data is not None else 2
    left = decoded(forwarded(units[:cut], form=form), "8")
    right = decoded(forwarded(units[cut:], form=form, first=cut), "9", ARRIVED + 1)
    assert not left[0].keys() & right[0].keys() or any(b"logEvents" in unit for unit in units)
    assert left[0] | right[0] == ids
    assert left[1] | right[1] == letters


def test_a_dead_unit_keeps_its_bytes_as_a_forwarded_record() -> None:
    batch = RecordBatch("shop", "prod", "audit", "shardId-1", [])
    units = [b'{"n":0}', b'{"broken":', b'{"n":2}']
    found = decode_record(batch, Record(forwarded(units, first=5), "k", "7", 3, ARRIVED))
    (letter,) = found.dead
    assert (letter.index, letter.code, letter.stage, letter.arrival_ms) == (6, "truncated_json", "decode", WRITTEN)
    assert letter.origin == Origin("logs", KEY, "v1")
    assert letter_from_document(letter_document(letter, 0)) == letter
    (again,) = decode_record(batch, Record(letter.data, "", letter.sequence, letter.subsequence, letter.arrival_ms)).dead
    assert again == letter
    mended = letter.data.replace(b'{"broken":', b'{"n":1}')
    (piece,) = decode_record(batch, Record(mended, "", "1", 0, ARRIVED)).slices
    assert (piece.events, piece.first, piece.origin) == (['{"n":1}'], 6, letter.origin)


@pytest.mark.parametrize("code", FLAWS)
def test_what_the_forwarder_cannot_use_is_a_dead_letter_of_its_object(code: str) -> None:
    data = forwarded([b"\x00\xff bytes"], form="letter", code=code, reason="because", first=9)
    (broken,) = split(data).broken
    assert (broken.stage, broken.code, broken.reason, broken.index) == ("forward", code, "because", 9)
    assert broken.data == data
    assert decoded(data)[1] == decoded(data, "12", ARRIVED + 86_400_000)[1]


@pytest.mark.parametrize(
    "wrong",
    [{"code": "made_up"}, {"first": -1}, {"written": 1 << 60}, {"bucket": ""}, {"form": "letter"}, {"code": "bomb"},
     {"key": "k" * 1025}, {"form": "xml"}, {"siem": "forwarded/2"}, {"first": True}],
)  # fmt: skip
def test_a_head_that_is_none_of_ours_is_an_event_like_any_other(wrong: dict[str, Any]) -> None:
    line = json.dumps(msgspec.to_builtins(head()) | wrong, separators=(",", ":"))
    (run,) = split(line.encode() + b'\n{"n":1}').runs
    assert (run.events, run.origin, run.transport) == ([line, '{"n":1}'], None, "plain")


def test_a_head_without_units_is_control() -> None:
    units = split(head_line(head()))
    assert (units.runs, units.broken, units.control) == ([], [], 1)


@pytest.mark.parametrize(
    ("written", "counts"),
    [(WRITTEN, WRITTEN), (ARRIVED - 399 * 86_400_000, ARRIVED - 399 * 86_400_000), (ARRIVED - 401 * 86_400_000, ARRIVED),
     (ARRIVED + 2 * 86_400_000, ARRIVED), (0, ARRIVED), (253_402_300_799_999, ARRIVED)],
)  # fmt: skip
def test_an_object_of_an_impossible_age_counts_as_arrived_with_its_record(written: int, counts: int) -> None:
    batch = RecordBatch("shop", "prod", "audit", "shardId-1", [])
    (piece,) = decode_record(batch, Record(forwarded([b"{}"], written=written), "k", "7", 0, ARRIVED)).slices
    assert piece.arrival_ms == counts


def test_no_record_holds_more_than_its_share_of_broken_units() -> None:
    units = split(forwarded([b"\xff"] * 50, form="lines"), Limits(broken=10))
    assert [broken.code for broken in units.broken] == ["invalid_utf8"] * 10 + ["too_many_units"]
    assert [broken.index for broken in units.broken] == list(range(11))


@pytest.mark.parametrize(
    ("key", "account", "region"),
    [
        ("AWSLogs/111122223333/CloudTrail/eu-west-1/2026/11/21/f.json.gz", "111122223333", "eu-west-1"),
        ("p/AWSLogs/o-a1b2c3d4e5/111122223333/CloudTrail/us-gov-west-1/2026/f.json.gz", "111122223333", "us-gov-west-1"),
        ("AWSLogs/aws-account-id=111122223333/aws-region=ap-southeast-2/f", "111122223333", "ap-southeast-2"),
        ("AWSLogs/111122223333/vpcdnsquerylogs/vpc-0a/2026/11/21/f.log.gz", "111122223333", None),
        ("AWSLogs/111122223333/WAFLogs/cloudfront/acl/2026/11/21/f", "111122223333", None),
        ("s3/111122223333/eu-central-1/shop/2026/11/21/2026-11-21-00-00-00-0123456789ABCDEF", "111122223333", "eu-central-1"),
        ("ext/x/1.0/region=eu-west-1/accountId=111122223333/eventDay=20261121/f.parquet", "111122223333", "eu-west-1"),
        ("AWSLogs/11112222333/CloudTrail/x", None, None),
        ("reports/111122223333/file", None, None),
        ("", None, None),
    ],
)  # fmt: skip
def test_keys_name_account_and_region_where_aws_delivers(key: str, account: str | None, region: str | None) -> None:
    assert place_of(key) == (account, region)
