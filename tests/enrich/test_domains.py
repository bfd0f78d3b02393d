from __future__ import annotations

import pytest

from service.enrich.domains import fragment_of
from tests.enrich.test_addresses import members


@pytest.mark.parametrize(
    ("name", "registered", "subdomain", "top"),
    [
        ("www.example.co.uk", "example.co.uk", "www", "co.uk"),
        ("WWW.Example.COM.", "example.com", "www", "com"),
        ("a.b.c.example.org", "example.org", "a.b.c", "org"),
        ("example.com", "example.com", None, "com"),
        ("com", None, None, "com"),
        ("co.uk", None, None, "co.uk"),
        ("www.xn--85x722f.com.cn", "xn--85x722f.com.cn", "www", "com.cn"),
        ("www.食狮.公司.cn", "食狮.公司.cn", "www", "公司.cn"),
        ("_dmarc.example.net", "example.net", "_dmarc", "net"),
    ],
)
def test_names_fall_apart_where_somebody_registered_them(
    name: str, registered: str | None, subdomain: str | None, top: str
) -> None:
    expected = {"registered_domain": registered, "subdomain": subdomain, "top_level_domain": top}
    assert members(fragment_of(name)) == {key: value for key, value in expected.items() if value is not None}


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "a..b", ".a", "10.0.0.1", "::1", "a b.com", "x" * 64 + ".com", "a." * 127 + "com", "a/b.com", "\n"],
)
def test_what_is_no_domain_name_gives_nothing(name: str) -> None:
    assert fragment_of(name) == ""


@pytest.mark.parametrize("name", ["ip-10-0-0-1.eu-west-1.compute.internal", "localhost", "15.3.4.32.in-addr.arpa.", "2.ip6.arpa"])
def test_where_nobody_registers_names_there_is_nothing_registered(name: str) -> None:
    assert fragment_of(name) == ""


def test_quotes_in_a_name_stay_in_their_string() -> None:
    assert members(fragment_of('a".example.com')) == {
        "registered_domain": "example.com", "subdomain": 'a"', "top_level_domain": "com",
    }  # fmt: skip
