"""What a producer may put on a stream, and what comes out of it."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

import msgspec
import pytest
import zstandard

from service.decode import Limits, Run, decode_record, split
from service.event import Record, RecordBatch

EVENTS = [{"n": number, "text": f"event {number} ünï"} for number in range(5)]
TEXTS = [json.dumps(event) for event in EVENTS]


def message(count: int = 3, **changes: Any) -> bytes:
    return json.dumps(
        {
            "messageType": "DATA_MESSAGE",
            "owner": "111122223333",
            "logGroup": "trail",
            "logStream": "stream-1",
            "subscriptionFilters": ["all"],
            "logEvents": [{"id": f"id{n}", "timestamp": 1000 + n, "message": f"m{n}"} for n in range(count)],
            **changes,
        },
        separators=(",", ":"),
    ).encode()


def envelope(number: int = 1) -> bytes:
    return json.dumps(
        {
            "version": "0",
            "id": f"e{number}",
            "detail-type": "GuardDuty Finding",
            "source": "aws.guardduty",
            "account": "111122223333",
            "time": "2026-01-15T10:00:00Z",
            "region": "eu-west-1",
            "resources": [],
            "detail": {"id": f"finding{number}", "severity": 8},
        }
    ).encode()


def events(data: bytes) -> list[str]:
    return [event for run in split(data).runs for event in run.events]


def lines(data: bytes) -> list[int]:
    return [line for run in split(data).runs for line in run.lines]


def codes(data: bytes) -> list[str]:
    return [broken.code for broken in split(data).broken]


def only_run(data: bytes) -> Run:
    (run,) = split(data).runs
    return run


@pytest.mark.parametrize(
    "data",
    [
        gzip.compress(message()),
        message(),
        json.dumps(json.loads(message()), indent=2).encode(),
        json.dumps(dict(reversed(json.loads(message()).items()))).encode(),
        zstandard.compress(message()),
        gzip.compress(gzip.compress(message())),
        base64.b64encode(gzip.compress(message())),
        base64.b64encode(message()),
        gzip.compress(base64.b64encode(message())),
    ],
    ids=["gzip", "plain", "pretty", "other order", "zstd", "gzip twice", "base64 of gzip", "base64", "gzip of base64"],
)
def test_a_subscription_message_comes_out_of_every_wrapping(data: bytes) -> None:
    run = only_run(data)
    assert run.events == ["m0", "m1", "m2"]
    assert run.ids == ["id0", "id1", "id2"]
    assert run.times == [1000, 1001, 1002]
    assert list(run.lines) == [1, 2, 3]
    assert (run.transport, run.account, run.log_group, run.log_stream) == (
        "cloudwatch_logs", "111122223333", "trail", "stream-1",
    )  # fmt: skip


def test_control_messages_are_counted_and_skipped() -> None:
    units = split(gzip.compress(message(messageType="CONTROL_MESSAGE")))
    assert (units.control, units.runs, units.broken) == (1, [], [])


@pytest.mark.parametrize("between", [b"", b"\n", b"\r\n", b" \n"])
def test_messages_one_after_the_other_are_all_read(between: bytes) -> None:
    units = split(between.join([message(2), message(0), message(3)]))
    assert [run.events for run in units.runs] == [["m0", "m1"], ["m0", "m1", "m2"]]
    assert [run.first for run in units.runs] == [0, 2]
    assert units.control == 1


def test_every_member_of_concatenated_gzip_is_read() -> None:
    assert len(events(gzip.compress(message(2)) + gzip.compress(message(3)) + b"\0" * 512)) == 5
    assert events(gzip.compress(b"one\n") + gzip.compress(b"two\n")) == ["one", "two"]
    assert events(zstandard.compress(b"one line\n") + zstandard.compress(b"two\n")) == ["one line", "two"]


def test_a_broken_log_event_leaves_its_neighbours_alone() -> None:
    odd = [
        {"id": "a", "timestamp": 1, "message": "one"},
        {"id": "b", "timestamp": 2},
        {"id": "c", "timestamp": "3", "message": "three"},
        {"id": "d", "timestamp": 4, "message": '{"a":' * 500 + "1" + "}" * 500},
        {"id": "e", "timestamp": 5, "message": "five"},
    ]
    units = split(message(logEvents=odd))
    assert [(run.first, run.events, run.ids, run.times, list(run.lines)) for run in units.runs] == [
        (0, ["one"], ["a"], [1], [1]),
        (2, ["three"], ["c"], [3], [3]),
        (4, ["five"], ["e"], [5], [5]),
    ]
    assert [(broken.index, broken.line, broken.code) for broken in units.broken] == [
        (1, 2, "bad_log_event"),
        (3, 4, "too_deep"),
    ]


def test_invalid_utf8_in_a_message_costs_that_log_event_only() -> None:
    units = split(message().replace(b'"m1"', b'"m\xff"'))
    assert [run.events for run in units.runs] == [["m0"], ["m2"]]
    assert codes(message().replace(b'"m1"', b'"m\xff"')) == ["invalid_utf8"]


@pytest.mark.parametrize(
    "changes",
    [
        {"messageType": "CONTROL_MESSAGE", "logEvents": [{"odd": 1}]},
        {"logEvents": [], "logStream": None},
        {"logEvents": []},
    ],
)
def test_messages_without_events_are_control_whatever_else_is_odd(changes: dict[str, Any]) -> None:
    assert (split(message(**changes)).control, split(message(**changes)).found()) == (1, 1)


def test_a_log_event_that_nests_too_deep_leaves_its_neighbours_alone() -> None:
    deep = '{"a":' * 500 + "1" + "}" * 500
    log_events = [{"id": str(n), "timestamp": n, "message": text} for n, text in enumerate(["one", deep, "three"])]
    units = split(message(logEvents=log_events))
    assert [run.events for run in units.runs] == [["one"], ["three"]]
    assert [broken.code for broken in units.broken] == ["too_deep"]


def test_an_envelope_around_something_too_deep_is_a_dead_letter() -> None:
    deep = b'{"detail-type":"x","source":"y","detail":' + b'{"a":' * 500 + b"1" + b"}" * 501
    assert codes(deep) == ["too_deep"]
    assert codes(b"[" + deep + b"]") == ["too_deep"]


def test_flat_events_with_many_brackets_are_not_deep() -> None:
    flat = '{"list":[' + ",".join('{"text":"}]{["}' for _ in range(300)) + "]}"
    assert events(f"{flat}\n{flat}".encode()) == [flat, flat]
    deep = '{"a":' * 500 + "1" + "}" * 500
    assert codes(f"{flat}\n{deep}\n{flat}".encode()) == ["too_deep"]


def test_messages_come_in_arrays_too() -> None:
    assert [run.log_group for run in split(b"[" + message() + b"," + message() + b"]").runs] == ["trail", "trail"]


def test_an_envelope_gives_its_detail_as_the_raw_event() -> None:
    run = only_run(envelope())
    assert run.events == ['{"id": "finding1", "severity": 8}']
    assert (run.transport, run.source, run.detail_type) == ("eventbridge", "aws.guardduty", "GuardDuty Finding")
    assert (run.account, run.region, run.envelope_id, run.envelope_time) == (
        "111122223333", "eu-west-1", "e1", "2026-01-15T10:00:00Z",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("resources", "kept"),
    [('["arn:a", "arn:b"]', ["arn:a", "arn:b"]), ("[]", None), ("null", None), ('["arn:a", 7]', None), ('{"a": 1}', None)],
)
def test_an_envelope_names_its_resources(resources: str, kept: list[str] | None) -> None:
    data = envelope().replace(b'"resources": []', f'"resources": {resources}'.encode())
    assert only_run(data).envelope_resources == kept


def test_envelopes_come_in_lines_and_in_arrays() -> None:
    assert [run.envelope_id for run in split(envelope(1) + b"\n" + envelope(2)).runs] == ["e1", "e2"]
    both = b"[" + envelope(1) + b"," + envelope(2) + b"]"
    assert [run.envelope_id for run in split(both).runs] == ["e1", "e2"]
    assert lines(both) == [1, 2]


@pytest.mark.parametrize(
    ("data", "numbers"),
    [
        ("\n".join(TEXTS), [1, 2, 3, 4, 5]),
        ("\r\n".join(TEXTS) + "\r\n", [1, 2, 3, 4, 5]),
        ("\ufeff" + "\n".join(TEXTS), [1, 2, 3, 4, 5]),
        ("\n\n  \n".join(TEXTS), [1, 4, 7, 10, 13]),
        ("".join(TEXTS), [1] * 5),
        ("  ".join(TEXTS), [1] * 5),
        (",\n".join(TEXTS), [1, 2, 3, 4, 5]),
        ("[" + ",\n".join(TEXTS) + "]", [1, 2, 3, 4, 5]),
        ('{"Records": [' + ",".join(TEXTS) + "]}", [1, 2, 3, 4, 5]),
        ("\n".join('{"Records":[' + text + "]}" for text in TEXTS), [1, 2, 3, 4, 5]),
    ],
    ids=["lines", "crlf", "bom", "blank lines", "concatenated", "blanks", "commas", "array", "Records", "many Records"],
)
def test_json_comes_out_of_every_layout_with_its_line(data: str, numbers: list[int]) -> None:
    assert events(data.encode()) == TEXTS
    assert lines(data.encode()) == numbers
    assert codes(data.encode()) == []


def test_pretty_printed_json_is_one_event_at_its_first_line() -> None:
    pretty = "\n".join(json.dumps(event, indent=2) for event in EVENTS)
    assert [json.loads(event) for event in events(pretty.encode())] == EVENTS
    assert lines(pretty.encode()) == [1, 5, 9, 13, 17]
    assert lines(json.dumps(EVENTS, indent=2).encode()) == [1, 2, 3, 4, 5]


def test_a_broken_line_among_json_lines_is_a_dead_letter_and_numbers_stay() -> None:
    data = b'{"n":1}\n{"n":2}\n{"n":\n{"n":4,}\n{"n":5}\n'
    units = split(data)
    assert [(run.first, run.events, list(run.lines)) for run in units.runs] == [
        (0, ['{"n":1}', '{"n":2}'], [1, 2]),
        (4, ['{"n":5}'], [5]),
    ]
    assert [(b.index, b.line, b.data, b.code) for b in units.broken] == [
        (2, 3, b'{"n":', "truncated_json"),
        (3, 4, b'{"n":4,}', "not_json"),
    ]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b'{"a":1,"b":[1,2', "truncated_json"),
        (b'{"a":NaN}', "not_json"),
        (b'{"a":1} and words', "not_json"),
        (b'{"a":"\\ud800"}', "lone_surrogate"),
        (b'{"a":"\xff"}', "invalid_utf8"),
        (b'{"a":"\xff', "invalid_utf8"),
        (b'{"a":' * 3000 + b"1" + b"}" * 3000, "too_deep"),
        (b'{"a":' * 500 + b"1" + b"}" * 500, "too_deep"),
        (b"", "empty"),
        (b" \r\n\t", "empty"),
        (b"\xff\xfe\xfd\xfc\xff", "invalid_utf8"),
    ],
)
def test_broken_json_says_what_is_wrong_with_it(data: bytes, code: str) -> None:
    if data.startswith(b"\xff\xfe"):
        data = b"\xfd" + data
    assert codes(data) == [code]
    assert events(data) == []


def test_a_broken_pretty_printed_value_is_one_dead_letter() -> None:
    units = split(b'{\n  "a": 1,\n  "b": \n}\n{"n": 2}\n')
    assert [broken.data for broken in units.broken] == [b'{\n  "a": 1,\n  "b": \n}']
    assert [(run.events, run.lines) for run in units.runs] == [(['{"n": 2}'], [5])]


def test_text_is_one_event_a_line() -> None:
    data = b"Nov 21 10:00:00 host sshd[1]: one\r\n\r\n  indented\r\n\tdata\r\n[error] three\r\n"
    assert events(data) == ["Nov 21 10:00:00 host sshd[1]: one", "  indented", "\tdata", "[error] three"]
    assert lines(data) == [1, 3, 4, 5]
    assert events("a\u2028b\nc\x85d\n".encode()) == ["a\u2028b", "c\x85d"]
    assert events("windows".encode("utf-16")) == ["windows"]
    assert events(b"x") == ["x"]


def test_text_and_json_may_mix() -> None:
    data = b'starting\n{"a":1}\nstopping\n[12:00] again\n["a", "b"]\nend'
    assert events(data) == data.decode().split("\n")
    assert lines(data) == [1, 2, 3, 4, 5, 6]


def test_invalid_utf8_costs_its_line_only() -> None:
    units = split(b"one\n\xff\xfe\nthree\n")
    assert [(run.first, run.events, run.lines) for run in units.runs] == [(0, ["one"], [1]), (2, ["three"], [3])]
    assert [(broken.line, broken.data) for broken in units.broken] == [(2, b"\xff\xfe")]


def test_a_header_line_names_the_columns_and_is_no_event() -> None:
    header = "version account-id interface-id srcaddr dstaddr"
    run = only_run(f"{header}\n2 1 eni-1 192.0.2.1 192.0.2.2\n2 1 eni-1 192.0.2.3 192.0.2.4\n".encode())
    assert (run.columns, run.lines) == (header, [2, 3])
    assert len(run.events) == 2
    assert split(header.encode()).control == 1
    assert events(b"version two starts action now\nok") == ["version two starts action now", "ok"]


def test_w3c_directives_name_columns_for_what_follows() -> None:
    units = split(b"#Version: 1.0\n#Fields: date time c-ip\n1 2 3\n#Fields: date time\n1 2\n# words\n")
    assert [(run.columns, run.events, run.lines) for run in units.runs] == [
        ("date time c-ip", ["1 2 3"], [3]),
        ("date time", ["1 2", "# words"], [5, 6]),
    ]
    assert units.control == 3


def test_base64_is_read_only_when_it_is_beyond_doubt() -> None:
    assert events(base64.b64encode(b"2 111122223333 eni-1 192.0.2.1 192.0.2.2")) == ["2 111122223333 eni-1 192.0.2.1 192.0.2.2"]
    for text in ("AKIAIOSFODNN7EXAMPLEAKIAIOSFODNN7EXAMPLE", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "A" * 17, "deadbeef" * 8):
        assert events(text.encode()) == [text]


def test_elements_that_are_no_objects_are_dead_letters() -> None:
    units = split(b'[{"a":1},2,{"b":3}]')
    assert [run.events for run in units.runs] == [['{"a":1}'], ['{"b":3}']]
    assert [(broken.index, broken.line, broken.code) for broken in units.broken] == [(1, 2, "not_an_object")]
    assert codes(b'{"Records":[1,{"a":2}]}') == ["not_an_object"]


RECORDS = [b'{"eventVersion":"1","n":%d}' % number for number in range(4)]


@pytest.mark.parametrize(
    ("head", "tail"), [(b"[", b"]"), (b'{"Records":[', b"]}"), (b'{\n  "Records": [', b"\n]}\n"), (b"[\n", b"")]
)
def test_a_broken_element_of_a_list_leaves_its_neighbours_alone(head: bytes, tail: bytes) -> None:
    broken = b'{"eventVersion":"1","n":}'
    data = head + b",\n".join([RECORDS[0], broken, RECORDS[2], RECORDS[3]]) + tail
    units = split(data)
    assert [event.encode() for run in units.runs for event in run.events] == [RECORDS[0], RECORDS[2], RECORDS[3]]
    assert [line for run in units.runs for line in run.lines] == [1, 3, 4]
    assert [(b.index, b.line, b.code, b.data) for b in units.broken] == [(1, 2, "not_json", broken)]


def test_a_list_cut_short_yields_what_came_whole() -> None:
    data = b'{"Records":[' + RECORDS[0] + b"," + RECORDS[1] + b"," + RECORDS[2][:-3]
    assert [event.encode() for event in events(data)] == RECORDS[:2]
    assert codes(data) == ["truncated_json"]


def test_garbage_between_elements_is_a_dead_letter_of_its_own() -> None:
    units = split(b"[" + RECORDS[0] + b"}},\n" + RECORDS[1] + b", nonsense]")
    assert [event.encode() for run in units.runs for event in run.events] == RECORDS[:2]
    assert [broken.data for broken in units.broken] == [b"}}", b"nonsense]"]


def test_a_list_without_commas_is_read_all_the_same() -> None:
    assert [event.encode() for event in events(b"[" + b"\n".join(RECORDS) + b"]")] == RECORDS


def test_a_broken_list_in_a_line_leaves_the_other_lines_alone() -> None:
    good = b'{"Records":[' + RECORDS[0] + b"]}"
    data = good + b"\n" + b'{"Records":[' + RECORDS[1] + b',{"eventVersion":]}\n' + good
    assert [event.encode() for event in events(data)] == [RECORDS[0], RECORDS[1], RECORDS[0]]
    assert lines(data) == [1, 2, 3]
    assert codes(data) == ["not_json"]


def test_a_broken_value_that_begins_on_its_brackets_line_is_one_dead_letter() -> None:
    units = split(b'{"a": 1,\n  "b":\n}\n{"n": 2}\n')
    assert [broken.data for broken in units.broken] == [b'{"a": 1,\n  "b":\n}']
    assert [run.events for run in units.runs] == [['{"n": 2}']]


def test_empty_lists_are_counted_as_control() -> None:
    for data in (b"[]", b'{"Records":[]}', b"[ ]\n"):
        assert (split(data).control, split(data).broken) == (1, [])


def test_what_only_resembles_an_envelope_is_an_event() -> None:
    for text in (
        '{"detail-type":"x","source":"y","detail":"text"}',
        '{"messageType":"x","logEvents":"none"}',
        '{"Records":"none"}',
        '{"detail-type":"x","detail":{}}',
        '{"a":"\\"detail-type\\""}',
    ):
        assert only_run(text.encode()).events == [text]
        assert only_run(text.encode()).transport == "plain"


def test_records_keep_their_position_and_project() -> None:
    batch = RecordBatch("shop", "prod", "logs", "shardId-000000000007", [])
    decoded = decode_record(batch, Record(b'{"a":1}\n{"a":\n{"a":3}', "key", "495", 2, 1234))
    assert [(s.project, s.environment, s.stream, s.shard, s.sequence, s.subsequence) for s in decoded.slices] == [
        ("shop", "prod", "logs", "shardId-000000000007", "495", 2)
    ] * 2
    assert [(s.first, s.arrival_ms) for s in decoded.slices] == [(0, 1234), (2, 1234)]
    (letter,) = decoded.dead
    assert (letter.project, letter.sequence, letter.subsequence, letter.index) == ("shop", "495", 2, 1)
    assert (letter.stage, letter.code, letter.data) == ("decode", "truncated_json", b'{"a":')
    assert msgspec.msgpack.encode(decoded.slices[0])


def test_entries_that_a_guide_wraps_to_its_page_are_whole_again() -> None:
    page = (
        'http 2026-01-14T09:50:00.186641Z app/lb/4c1d7e90ab35f268 \n198.51.100.7:2817 - 0.0 0.1 \n"GET / HTTP/1.1" -\n'
        "https 2026-01-14T09:50:01.186641Z app/lb/4c1d7e90ab35f268\n198.51.100.8:2817 - 0.0 0.1\n"
    )
    (run,) = split(page.encode()).runs
    assert run.events == [
        'http 2026-01-14T09:50:00.186641Z app/lb/4c1d7e90ab35f268 198.51.100.7:2817 - 0.0 0.1 "GET / HTTP/1.1" -',
        "https 2026-01-14T09:50:01.186641Z app/lb/4c1d7e90ab35f268 198.51.100.8:2817 - 0.0 0.1",
    ]
    assert list(run.lines) == [1, 4]


def test_findings_of_one_eventbridge_event_are_events_of_their_own() -> None:
    envelope = {
        "version": "0", "id": "e", "detail-type": "Security Hub Findings - Imported", "source": "aws.securityhub",
        "account": "111122223333", "time": "2026-01-14T09:10:00Z", "region": "eu-west-1", "resources": [],
        "detail": {"findings": [{"Id": "a"}, {"Id": "b"}]},
    }  # fmt: skip
    (run,) = split(json.dumps(envelope).encode(), Limits()).runs
    assert [json.loads(event)["Id"] for event in run.events] == ["a", "b"]
    assert (run.source, list(run.lines)) == ("aws.securityhub", [1, 1])


def test_desktops_of_an_inventory_are_events_of_their_own() -> None:
    envelope = {"detail-type": "WorkSpaces Fake", "source": "aws.fake.workspaces", "detail": {"Workspaces": [{"a": 1}, {"a": 2}]}}
    (run,) = split(json.dumps(envelope, separators=(",", ":")).encode(), Limits()).runs
    assert run.events == ['{"a":1}', '{"a":2}']


@pytest.mark.parametrize("listed", ["[]", "7", '["a"]', '{"a":1}'])
def test_a_detail_whose_list_is_none_is_one_event(listed: str) -> None:
    envelope = f'{{"detail-type":"x","source":"y","detail":{{"Workspaces":{listed}}}}}'
    (run,) = split(envelope.encode(), Limits()).runs
    assert run.events == [f'{{"Workspaces":{listed}}}']


def test_configuration_items_of_a_snapshot_are_events_of_their_own() -> None:
    (run,) = split(b'{"fileVersion":"1.0","configurationItems":[{"a":1},{"a":2}]}', Limits()).runs
    assert run.events == ['{"a":1}', '{"a":2}']
