from __future__ import annotations

import pytest

from service.normalise.steps import STEPS, aws
from service.normalise.steps.network import make_tcp_flags
from tests.normalise.test_url_steps import call


@pytest.mark.parametrize(
    ("text", "ip", "port", "domain"),
    [
        ("192.0.2.1:443", "192.0.2.1", 443, None),
        ("192.0.2.1", "192.0.2.1", None, None),
        ("[2001:DB8::1]:443", "2001:db8::1", 443, None),
        ("[2001:db8::1]", "2001:db8::1", None, None),
        ("2001:db8::1", "2001:db8::1", None, None),
        ("2001:db8:0:0:0:0:0:1:443", "2001:db8::1", 443, None),
        ("::ffff:192.0.2.1", "192.0.2.1", None, None),
        ("Host.Example.:80", None, 80, "host.example"),
        ("host", None, None, "host"),
        ("192.0.2.1:-", "192.0.2.1", None, None),
        ("192.0.2.1:0", "192.0.2.1", 0, None),
    ],
)
def test_hosts_and_ports_are_told_apart(text: str, ip: str | None, port: int | None, domain: str | None) -> None:
    found = call("host_port", text)
    assert (found.get("ip"), found.get("port"), found.get("domain")) == (ip, port, domain)


@pytest.mark.parametrize("text", ["", "-", ":", "[]:", None, 4])
def test_no_host_gives_nothing(text: object) -> None:
    assert call("host_port", text) == {}


def test_garbage_keeps_its_address_and_claims_nothing_else() -> None:
    assert call("host_port", "a:b:c") == {"address": "a:b:c"}
    assert call("host_port", "192.0.2.1:70000") == {"address": "192.0.2.1:70000"}


def test_a_zone_is_in_the_address_only() -> None:
    assert call("host_port", "fe80::1%4") == {"ip": "fe80::1", "address": "fe80::1%4"}
    assert call("host_port", "[fe80::1%eth0]:443") == {"ip": "fe80::1", "port": 443, "address": "fe80::1%eth0"}
    assert call("host_port", "a%b") == {"domain": "a%b", "address": "a%b"}


def test_a_port_of_its_own_column_is_used() -> None:
    assert call("host_port", "2001:db8::1", "8080") == {"ip": "2001:db8::1", "port": 8080, "address": "2001:db8::1"}


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("0a:1B:ff", "0A1BFF"),
        ("0x1b 2c", "1B2C"),
        ("1B2C", "1B2C"),
        ("no digits", None),
        ("", None),
        (":", None),
        ("a" * 401, None),
        (12, None),
        (None, None),
    ],
)
def test_a_certificate_is_named_by_bare_digits(text: object, digits: str | None) -> None:
    assert STEPS["hex_digits"].function(text) == (digits,)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("00:00:5e:00:53:23", "00-00-5E-00-53-23"),
        ("0000.5e00.5323", "00-00-5E-00-53-23"),
        ("00-00-5E-00-53-23", "00-00-5E-00-53-23"),
        ("00005e005323", "00-00-5E-00-53-23"),
        ("00:00:5e:00:53", None),
        ("00:00:5e:00:53:2x", None),
        (None, None),
    ],
)
def test_a_mac_is_written_one_way(text: object, address: str | None) -> None:
    assert STEPS["mac"].function(text) == (address,)


@pytest.mark.parametrize(
    ("mask", "words"), [("12", ["syn", "ack"]), ("1b", ["fin", "syn", "psh", "ack"]), ("zz", None), (None, None)]
)
def test_flags_may_be_written_in_hexadecimal(mask: object, words: list[str] | None) -> None:
    assert make_tcp_flags({"base": 16})(mask) == (words,)


@pytest.mark.parametrize(
    ("mask", "words"),
    [
        (2, ["syn"]),
        ("18", ["syn", "ack"]),
        (25, ["fin", "psh", "ack"]),
        (255, ["fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr"]),
        (0, None),
        (-1, None),
        (4096, None),
        ("x", None),
        (None, None),
    ],
)
def test_tcp_flags_become_words(mask: object, words: list[str] | None) -> None:
    assert STEPS["tcp_flags"].function(mask) == (words,)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("TLSv1.2", ("1.2", "tls")),
        ("TLSv1.3", ("1.3", "tls")),
        ("tlsv12", ("1.2", "tls")),
        ("TLSv1", ("1.0", "tls")),
        ("TLS 1.1", ("1.1", "tls")),
        ("SSLv3", ("3.0", "ssl")),
        ("TLSv1_2", ("1.2", "tls")),
        ("-", (None, None)),
        ("TLS", (None, None)),
        ("TLSv1.", (None, None)),
        ("QUIC", (None, None)),
    ],
)
def test_tls_versions_are_numbers(text: str, expected: tuple[str | None, str | None]) -> None:
    assert STEPS["tls_version"].function(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "arn:aws:iam::111122223333:role/path/Admin",
            {"partition": "aws", "service": "iam", "account": "111122223333", "resource_type": "role",
             "resource_id": "path/Admin", "name": "Admin", "resource": "role/path/Admin"},
        ),
        (
            "arn:aws-cn:lambda:cn-north-1:111122223333:function:job:live",
            {"partition": "aws-cn", "service": "lambda", "region": "cn-north-1", "account": "111122223333",
             "resource_type": "function", "resource_id": "job:live", "name": "job:live", "resource": "function:job:live"},
        ),
        ("arn:aws:s3:::bucket/key/x",
         {"partition": "aws", "service": "s3", "resource_id": "bucket/key/x", "name": "x", "resource": "bucket/key/x"}),
        ("arn:aws:iam::111122223333:root",
         {"partition": "aws", "service": "iam", "account": "111122223333", "resource_id": "root", "name": "root",
          "resource": "root"}),
        ("arn:aws:iam", {}),
        ("arn:aws:iam::1:", {}),
        ("111122223333", {}),
    ],
)  # fmt: skip
def test_arns_fall_into_their_pieces(text: str, expected: dict[str, str]) -> None:
    assert call("arn", text) == expected


def test_the_log_group_of_a_database_names_cluster_instance_and_log() -> None:
    assert aws.rds_log("/aws/rds/instance/shop-prod/postgresql", "shop-prod.0") == (None, "shop-prod", "postgresql")
    assert aws.rds_log("/aws/rds/cluster/shop/audit", "shop-instance-1.audit.log.0") == ("shop", "shop-instance-1", "audit")
    assert aws.rds_log("/aws/rds/cluster/shop/audit", None) == ("shop", None, "audit")
    assert aws.rds_log("/aws/lambda/x", "s") == aws.rds_log(None, None) == (None, None, None)
