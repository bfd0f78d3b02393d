from __future__ import annotations

import pytest

from service.normalise.tables import TABLES


@pytest.mark.parametrize(
    ("table", "key", "value"),
    [
        ("iana_protocols", "0", "hopopt"),
        ("iana_protocols", "1", "icmp"),
        ("iana_protocols", "6", "tcp"),
        ("iana_protocols", "17", "udp"),
        ("iana_protocols", "41", "ipv6"),
        ("iana_protocols", "47", "gre"),
        ("iana_protocols", "50", "esp"),
        ("iana_protocols", "58", "ipv6-icmp"),
        ("iana_protocols", "89", "ospf"),
        ("iana_protocols", "112", "vrrp"),
        ("iana_protocols", "132", "sctp"),
        ("iana_protocols", "145", "nsh"),
        ("iana_protocols", "255", "reserved"),
        ("vpc_traffic_path", "8", "internet_gateway"),
        ("dns_rcodes", "3", "NXDOMAIN"),
        ("dns_types", "28", "AAAA"),
        ("http_status", "404", "Not Found"),
        ("syslog_facilities", "10", "security/authorization"),
        ("syslog_facilities", "23", "local7"),
        ("syslog_severities", "7", "debug"),
    ],
)
def test_tables_say_what_numbers_mean(table: str, key: str, value: str) -> None:
    assert TABLES[table][key] == value


def test_every_key_is_text_and_every_value_says_something() -> None:
    for name, table in TABLES.items():
        assert table, name
        assert all(isinstance(key, str) and key and value not in ("", None) for key, value in table.items()), name
