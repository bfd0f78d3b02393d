from __future__ import annotations

import json

import pytest

from service.normalise.steps import STEPS
from tests.normalise.test_url_steps import call


def test_answers_of_the_resolver_become_ecs() -> None:
    answers = [
        {"Rdata": "target.example.", "Type": "CNAME", "Class": "IN"},
        {"Rdata": "192.0.2.1", "Type": "A", "Class": "IN"},
        {"Rdata": "2001:DB8::1", "Type": "AAAA", "Class": "IN"},
        {"Rdata": "192.0.2.1", "Type": "A", "Class": "IN"},
        "noise",
        {},
    ]
    found = call("dns_answers", answers, "WWW.example.")
    assert json.loads(found["answers"])[:2] == [
        {"class": "IN", "data": "target.example", "name": "www.example", "type": "CNAME"},
        {"class": "IN", "data": "192.0.2.1", "name": "www.example", "type": "A"},
    ]
    assert len(json.loads(found["answers"])) == 4
    assert found["resolved_ip"] == ["192.0.2.1", "2001:db8::1"]
    assert found["types"] == ["CNAME", "A", "AAAA"]
    assert call("dns_answers", []) == {}


@pytest.mark.parametrize(
    ("ttl", "kept"),
    [(0, 0), (2**31 - 1, 2**31 - 1), (2**31, None), (-1, None), (2**70, None), ("60", None), (1.5, None), (True, None)],
)
def test_a_time_to_live_is_kept_if_it_can_be_one(ttl: object, kept: int | None) -> None:
    (answer,) = json.loads(call("dns_answers", [{"rrname": "a.example", "rrtype": "A", "ttl": ttl}])["answers"])
    assert answer.get("ttl") == kept


@pytest.mark.parametrize(
    ("flags", "words"),
    [("8180", ["RD", "RA"]), ("8583", ["AA", "RD", "RA"]), ("0", None), ("x180", None), ("81800", None), (8180, None)],
)
def test_flags_of_a_dns_header_become_words(flags: object, words: list[str] | None) -> None:
    assert STEPS["dns_flags"].function(flags) == (words,)


@pytest.mark.parametrize(("text", "name"), [("A.Example.", "a.example"), (".", "."), ("a", "a"), ("-", None)])
def test_dns_names_lose_their_dot_and_case(text: str, name: str | None) -> None:
    assert STEPS["dns_name"].function(text) == (name,)


def test_groups_of_a_regex_are_captured_in_order() -> None:
    assert call("capture", "login from 192.0.2.7 as bob", regex=r"from (\S+) as (\w+)") == {"first": "192.0.2.7", "second": "bob"}
    assert call("capture", "login from as bob", regex=r"from (\d+)?") == {}
    assert call("capture", "elsewhere", regex=r"from (\S+)") == {}
    assert call("capture", "first\nsecond") == {"first": "first"}


def test_percent_escapes_go_and_plus_stays_unless_told() -> None:
    assert call("percent_decoded", "a+b%20c%2b") == {"text": "a+b c+"}
    assert call("percent_decoded", "a+b%20c%2b", plus="blank") == {"text": "a b c+"}
    assert call("percent_decoded", "-", plus="blank") == {}


def test_plain_digits_are_read_as_told() -> None:
    assert call("hex_number", "10") == {"number": 10}
    assert call("hex_number", "2b8", plain="hex") == {"number": 0x2B8}
    assert call("hex_number", "0x10", plain="hex") == {"number": 16}
    assert call("hex_number", "-1", plain="hex") == {}


def test_text_is_joined_split_and_changed_in_case() -> None:
    assert call("join", "a", None, 7, separator="/") == {"text": "a/7"}
    assert call("split_list", " a, -,b ,,") == {"list": ["a", "b"], "first": "a", "last": "b", "piece": "a"}
    assert call("split_list", "a/b/c", separator="/", at=1)["piece"] == "b"
    assert "piece" not in call("split_list", "a", at=1)
    assert call("split_list", "A,b", lower=True)["list"] == ["a", "b"]
    assert call("split_list", ["x", 1, None, {}]) == {"list": ["x", "1"], "first": "x", "last": "1", "piece": "x"}
    assert call("lower", "ÄB") == {"text": "äb"}
    assert call("upper", True) == {"text": "TRUE"}
    assert call("json_text", {"a": [1]}) == {"text": '{"a":[1]}'}
    assert call("json_text", "plain") == {"text": "plain"}


def test_names_beside_values_become_an_object() -> None:
    names, values = ["Region/AZ", "Instance ID", "Status", "a.b"], ["eu-west-1a", "i-0abc1234", None, 7, "more"]
    found = call("zip_object", names, values, first=["Status", "Instance ID"], second=["none"], third=["Region/AZ"])
    assert json.loads(found["json"]) == {"Region/AZ": "eu-west-1a", "Instance ID": "i-0abc1234", "a_b": "7", "_5": "more"}
    assert (found["first"], found["third"], "second" in found) == ("i-0abc1234", "eu-west-1a", False)
    assert json.loads(call("zip_object", None, ["x"])["json"]) == {"_1": "x"}
    assert call("zip_object", ["a"], "x") == {}


def test_options_of_zip_object_are_lists_of_names() -> None:
    with pytest.raises(ValueError, match="lists of names"):
        STEPS["zip_object"].bind({"first": "Status"})


MSK_ID = "8fd1d3a6-1111-2222-3333-0123456789ab-2"


@pytest.mark.parametrize(
    ("stream", "key", "found"),
    [
        (f"shop-events-{MSK_ID}-Broker-3", None, {"cluster": "shop-events", "cluster_id": MSK_ID, "broker": "3"}),
        (
            None,
            f"logs/AWSLogs/111122223333/KafkaBrokerLogs/eu-west-1/shop-events-{MSK_ID}/2026-01-14-09/Broker-1_09-00_ab12.log.gz",
            {"cluster": "shop-events", "cluster_id": MSK_ID, "broker": "1"},
        ),
        ("Broker-12", "other", {"broker": "12"}),
        ("nothing", 7, {}),
    ],
)
def test_streams_and_keys_tell_whose_broker_it_is(stream: object, key: object, found: dict[str, str]) -> None:
    assert call("msk_broker", stream, key) == found


def test_names_of_resources_are_found_among_values() -> None:
    arn = "arn:aws:ec2:eu-west-1:111122223333:instance/i-0123456789abcdef0"
    values = {"a": "192.0.2.1", "b": ["2001:DB8::1", {"too": "192.0.2.9"}], "c": arn, "d": None, "e": "1.2", "f": "arn:x", "g": 7}
    found = call("resource_names", values)
    assert found == {"addresses": ["192.0.2.1", "2001:db8::1"], "arns": [arn], "arn": arn, "instance": "i-0123456789abcdef0"}
    assert call("resource_names", "i-0abc1234")["instance"] == "i-0abc1234"
    assert call("resource_names", ["-", ""]) == {}


@pytest.mark.parametrize(
    ("parts", "total"),
    [((1, 2, 3, 4), 10), (("1", None, 2.0), 3), ((None,), None), (("x", "-"), None), ((2**63 - 1, 1), None), ((-5, 5), 0)],
)
def test_sums_are_of_the_numbers_that_are_there(parts: tuple[object, ...], total: int | None) -> None:
    assert STEPS["sum"].function(*parts) == (total,)


@pytest.mark.parametrize(
    ("value", "there"),
    [
        ({"lat": 52.5, "lon": 13}, True),
        ({"lat": 91, "lon": 13}, False),
        ({"lat": "52.5", "lon": 13}, False),
        ({"lat": float("nan"), "lon": 13}, False),
        ({"lat": 52.5}, False),
        ("here", False),
    ],
)
def test_a_place_has_a_latitude_and_a_longitude(value: object, there: bool) -> None:
    assert ("location" in call("geo_point", value)) is there


@pytest.mark.parametrize(("value", "number"), [([], 0), ([1, None], 2), ({"a": 1}, 1), ("ab", None), (7, None)])
def test_lists_and_objects_are_counted(value: object, number: int | None) -> None:
    assert STEPS["count"].function(value) == (number,)


@pytest.mark.parametrize(
    ("parts", "unit", "nanoseconds"),
    [
        (["0.001"], "s", 1_000_000),
        ([0.1, 0.2], "s", 300_000_000),
        (["0.000", "-1", "-1"], "s", 0),
        (["-1", "-1", "-1"], "s", None),
        ([12.5], "ms", 12_500_000),
        ([7], "ns", 7),
        (["nan"], "s", None),
        (["inf"], "s", None),
        (["1e300"], "s", None),
        ([True], "s", None),
    ],
)
def test_durations_are_nanoseconds(parts: list[object], unit: str, nanoseconds: int | None) -> None:
    assert call("duration_ns", *parts, unit=unit).get("nanoseconds") == nanoseconds


@pytest.mark.parametrize(
    ("severity", "label"), [(0.1, "low"), (3.9, "low"), ("4", "medium"), (8, "high"), (9.5, "critical"), (-1, None), ("x", None)]
)  # fmt: skip
def test_severities_have_labels(severity: object, label: str | None) -> None:
    assert call("severity_label", severity).get("label") == label


def test_bounds_of_another_product_can_be_given() -> None:
    assert call("severity_label", 50, bounds={"normal": 40, "urgent": 90}) == {"label": "normal"}


@pytest.mark.parametrize(
    ("word", "level", "number"),
    [
        ("WARN", "warning", 4),
        ("E", "error", 3),
        ("[panic]", "emergency", 0),
        ("3", "error", 3),
        (7, "debug", 7),
        ("odd", None, None),
    ],
)
def test_levels_have_one_spelling(word: object, level: str | None, number: int | None) -> None:
    assert STEPS["rename_severity"].function(word) == (level, number)


def flatten(value: object, **options: object) -> object:
    text = call("flatten_keywords", value, **options).get("json")
    return None if text is None else json.loads(text)


def test_allow_listed_keys_are_strings_or_lists_of_strings() -> None:
    parameters = {
        "bucketName": "logs",
        "maxKeys": 5,
        "dryRun": True,
        "policy": {"Statement": [{"Effect": "Allow"}]},
        "users": ["a", 1, {"b": 2}, None],
        "nothing": None,
        "empty": {},
        "secret": "not asked for",
        "ipPermissions": {"items": [{"cidrIp": "0.0.0.0/0"}]},
    }
    keys = ["bucketName", "maxKeys", "dryRun", "policy", "users", "nothing", "empty", "absent", "ipPermissions.items.cidrIp"]
    assert flatten(parameters, keys=keys) == {
        "bucketName": "logs",
        "maxKeys": "5",
        "dryRun": "true",
        "policy": '{"Statement":[{"Effect":"Allow"}]}',
        "users": ["a", "1", '{"b":2}'],
        "ipPermissions_items_cidrIp": "0.0.0.0/0",
    }
    assert flatten(parameters, keys={"bucketName": "bucket"}) == {"bucket": "logs"}


def test_text_instead_of_an_object_is_kept_as_text() -> None:
    assert flatten("HIDDEN_DUE_TO_SECURITY_REASONS", keys=["x"]) == {"text": "HIDDEN_DUE_TO_SECURITY_REASONS"}
    assert flatten({"a": 1}, keys=["x"]) is None
    assert flatten(None) is None


def test_long_values_are_cut_with_a_mark() -> None:
    found = flatten({"body": "x" * 1_000_000})
    assert isinstance(found, dict)
    assert found["body"].endswith("…[cut]")
    assert len(found["body"]) == 8191


def test_tags_become_an_object() -> None:
    tags = [{"Key": "team", "Value": "a"}, {"key": "a.b", "value": 1}, {"Key": "empty", "Value": ""}, 7]
    assert json.loads(call("kv_flatten", tags)["json"]) == {"team": "a", "a_b": "1"}
    assert json.loads(call("kv_flatten", {"x": 1})["json"]) == {"x": "1"}
    assert json.loads(call("kv_flatten", [{"n": "a", "v": "b"}], key="n", value="v")["json"]) == {"a": "b"}


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("9.113.0.203.in-addr.arpa.", "203.0.113.9"),
        ("9.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.IP6.arpa", "2001:db8::9"),
        ("113.0.203.in-addr.arpa", None),
        ("x.0.0.0.ip6.arpa", None),
        ("www.example.com", None),
        (7, None),
    ],
)
def test_names_backwards_are_addresses_again(name: object, address: str | None) -> None:
    assert STEPS["reverse_ip"].function(name) == (address,)


def test_answers_point_to_names() -> None:
    answers = [
        {"Rdata": "Alias.Example.NET.", "Type": "CNAME", "Class": "IN"},
        {"Rdata": "10 mail.example.com.", "Type": "MX", "Class": "IN"},
    ]
    found = call("dns_answers", answers)
    assert found["names"] == ["alias.example.net"]
    assert [answer["data"] for answer in json.loads(found["answers"])] == ["Alias.Example.NET", "10 mail.example.com"]


def test_a_clock_is_a_duration() -> None:
    assert call("duration_ns", "1:30:29.482", unit="clock") == {"nanoseconds": 5_429_482_000_000, "seconds": 5429.482}
    assert call("duration_ns", "1:30", unit="clock") == {}
    assert call("duration_ns", "999999:99:99", unit="clock") != {}


def test_suricata_says_the_same_of_answers_in_its_own_words() -> None:
    answers = [
        {"rrname": "www.example.org", "rrtype": "CNAME", "ttl": 60, "rdata": "cdn.example.net"},
        {"rrname": "cdn.example.net", "rrtype": "A", "ttl": 60, "rdata": "203.0.113.80"},
    ]
    found = call("dns_answers", answers)
    assert json.loads(found["answers"]) == [
        {"data": "cdn.example.net", "name": "www.example.org", "type": "CNAME", "ttl": 60},
        {"data": "203.0.113.80", "name": "cdn.example.net", "type": "A", "ttl": 60},
    ]
    assert (found["resolved_ip"], found["names"]) == (["203.0.113.80"], ["cdn.example.net"])
