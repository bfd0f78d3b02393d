from __future__ import annotations

import json
import os
import shutil
from ipaddress import IPv4Address, IPv6Address, ip_network
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.enrich import Enrichers
from service.enrich.addresses import is_public
from service.enrich.countries import CONTINENTS, COUNTRIES
from tests.enrich import databases


def members(fragment: str) -> dict[str, object]:
    assert fragment == "" or fragment.startswith(",")
    found = json.loads("{" + fragment[1:] + "}")
    assert isinstance(found, dict)
    return found


GEO = {
    "city_name": "Tromso",
    "continent_code": "EU",
    "continent_name": "Europe",
    "country_iso_code": "NO",
    "country_name": "Norway",
    "location": {"lat": 69.6489, "lon": 18.9551},
    "postal_code": "9008",
    "region_iso_code": "NO-55",
    "region_name": "Troms",
    "timezone": "Europe/Oslo",
}
AS = {"number": 64500, "organization": {"name": 'Carrier "North" AS'}}


def test_an_address_has_its_place_and_its_network(tmp_path: Path) -> None:
    enrichers = Enrichers.load(geoip=[databases.city(tmp_path / "c.mmdb"), databases.asn(tmp_path / "a.mmdb")])
    address = enrichers.addresses["203.0.113.9"]
    assert address is not None
    assert members(address.fragment) == {"geo": GEO, "as": AS}
    six = enrichers.addresses["2001:DB8:1::9"]
    assert six is not None
    assert (six.text, six.version, members(six.fragment)) == ("2001:db8:1::9", 6, {"geo": GEO})


def test_the_flat_layout_gives_the_same_place(tmp_path: Path) -> None:
    path = databases.write(tmp_path / "f.mmdb", "ip-location-db", {"203.0.113.0/24": databases.TROMSO_FLAT}, 4)
    enrichers = Enrichers.load(geoip=[path])
    address = enrichers.addresses["203.0.113.9"]
    assert address is not None
    # It does not know the region's code; names of country and continent follow from the country's code.
    assert members(address.fragment) == {"geo": {k: v for k, v in GEO.items() if k != "region_iso_code"}}
    six = enrichers.addresses["2001:db8:1::9"]
    assert six is not None
    assert six.fragment == ""


def test_a_country_database_of_db_ip_is_understood(tmp_path: Path) -> None:
    row = {"continent": databases.TROMSO["continent"], "country": databases.TROMSO["country"]}
    path = databases.write(tmp_path / "d.mmdb", "DBIP-Country-Lite", {"203.0.113.0/24": row})
    address = Enrichers.load(geoip=[path]).addresses["203.0.113.9"]
    assert address is not None
    assert members(address.fragment) == {
        "geo": {"continent_code": "EU", "continent_name": "Europe", "country_iso_code": "NO", "country_name": "Norway"}
    }


def test_hostile_rows_stay_data(tmp_path: Path) -> None:
    row = {
        "city": {"names": {"en": '"},"x":"\n<img onerror=1>'}},
        "country": {"iso_code": 7, "names": {}},
        "location": {"latitude": 900.0, "longitude": "east"},
        "subdivisions": [],
        "autonomous_system_number": "64500",
    }
    path = databases.write(tmp_path / "h.mmdb", "Unheard-Of", {"203.0.113.0/24": row})
    address = Enrichers.load(geoip=[path]).addresses["203.0.113.9"]
    assert address is not None
    assert members(address.fragment) == {"geo": {"city_name": '"},"x":"\n<img onerror=1>'}, "as": {"number": 64500}}


@pytest.mark.parametrize(
    ("text", "canonical", "version", "public"),
    [
        ("198.51.100.7", "198.51.100.7", 4, True),
        ("10.1.2.3", "10.1.2.3", 4, False),
        ("100.64.0.1", "100.64.0.1", 4, False),
        ("172.31.255.255", "172.31.255.255", 4, False),
        ("172.32.0.0", "172.32.0.0", 4, True),
        ("224.0.0.251", "224.0.0.251", 4, False),
        ("255.255.255.255", "255.255.255.255", 4, False),
        ("::ffff:198.51.100.7", "198.51.100.7", 4, True),
        ("::FFFF:c633:6407", "198.51.100.7", 4, True),
        ("::1", "::1", 6, False),
        ("2001:0DB8:0:0:0:0:0:1", "2001:db8::1", 6, True),
        ("fd00::1", "fd00::1", 6, False),
        ("fe80::1", "fe80::1", 6, False),
    ],
)
def test_addresses_are_spelled_one_way(text: str, canonical: str, version: int, public: bool) -> None:
    address = Enrichers.empty().addresses[text]
    assert address is not None
    assert (address.text, address.version, address.public) == (canonical, version, public)
    assert len(address.packed) == (4 if version == 4 else 16)


@pytest.mark.parametrize(
    "text",
    ["", "-", "1.2.3", "1.2.3.4:80", "01.2.3.4", "1.2.3.4 ", "fe80::1%eth0", "[::1]", "ec2.amazonaws.com", "1.2.3.4\0",
     "\ud800", "1.2.3.256", "AWS Internal", "٣.1.2.3"],
)  # fmt: skip
def test_anything_else_is_no_address(text: str) -> None:
    assert Enrichers.empty().addresses[text] is None


@settings(deadline=None)
@given(st.text())
def test_no_text_upsets_the_tables(text: str) -> None:
    address = ENRICHERS.addresses[text]
    assert address is None or address.fragment == ""
    members(ENRICHERS.domains[text])
    members(ENRICHERS.agents[text])
    assert ENRICHERS.domain_threats[text] == ""
    assert ENRICHERS.hash_threats[text] == ""


ENRICHERS = Enrichers.empty()


def test_private_addresses_are_not_looked_up(tmp_path: Path) -> None:
    path = databases.write(tmp_path / "c.mmdb", "GeoLite2-City", {"10.0.0.0/8": databases.TROMSO})
    address = Enrichers.load(geoip=[path]).addresses["10.0.0.1"]
    assert address is not None
    assert address.fragment == ""


def test_a_missing_database_comes_later(tmp_path: Path) -> None:
    path = tmp_path / "c.mmdb"
    enrichers = Enrichers.load(geoip=[path])
    before = enrichers.addresses["203.0.113.9"]
    assert before is not None
    assert before.fragment == ""
    (status,) = enrichers.status()
    assert status.built is None
    assert status.error is not None
    assert enrichers.missing == {"geoip"}
    databases.city(path)
    assert enrichers.refresh() is True
    after = enrichers.addresses["203.0.113.9"]
    assert after is not None
    assert "Tromso" in after.fragment
    (status,) = enrichers.status()
    assert status.error is None
    assert status.built is not None
    assert enrichers.missing == frozenset()
    assert enrichers.refresh() is False


def test_a_database_that_goes_bad_leaves_the_good_one_in_use(tmp_path: Path) -> None:
    path = databases.city(tmp_path / "c.mmdb")
    enrichers = Enrichers.load(geoip=[path])
    size = path.stat().st_size
    with path.open("r+b") as file:  # in place: whoever had mapped the file itself would now read past its end
        file.truncate(size // 2)
    assert enrichers.refresh() is False
    address = enrichers.addresses["203.0.113.9"]
    assert address is not None
    assert "Tromso" in address.fragment
    (status,) = enrichers.status()
    assert status.error is not None
    path.unlink()
    enrichers.refresh()
    assert "Tromso" in enrichers.addresses._make("203.0.113.10").fragment  # type: ignore[union-attr]


def test_a_database_renamed_over_the_old_one_is_taken_up(tmp_path: Path) -> None:
    path = databases.city(tmp_path / "c.mmdb")
    enrichers = Enrichers.load(geoip=[path])
    assert enrichers.addresses["198.51.100.7"] is not None
    newer = databases.write(tmp_path / "n.mmdb", "GeoLite2-City", {"198.51.100.0/24": databases.TROMSO})
    newer.rename(path)
    enrichers.reload()
    stale = enrichers.addresses["198.51.100.7"]
    assert stale is not None
    assert stale.fragment == ""  # read, not yet adopted
    assert enrichers.adopt() is True
    fresh = enrichers.addresses["198.51.100.7"]
    assert fresh is not None
    assert "Tromso" in fresh.fragment


@pytest.mark.parametrize("seed", range(40))
def test_a_damaged_database_gives_events_without_geo(tmp_path: Path, seed: int) -> None:
    path = databases.city(tmp_path / "c.mmdb")
    data = bytearray(path.read_bytes())
    for at in range(seed * 7, len(data) - 200, 41):
        data[at] ^= 0xFF
    path.write_bytes(data)
    enrichers = Enrichers.load(geoip=[path])
    for last in range(0, 256, 16):
        address = enrichers.addresses[f"203.0.113.{last}"]
        assert address is not None
        members(address.fragment)
    if enrichers.failed_look_ups:
        (status,) = enrichers.status()
        assert status.error is not None
        assert status.error.startswith("damaged")


def test_a_read_only_machine_still_has_geo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))
    address = Enrichers.load(geoip=[databases.city(tmp_path / "c.mmdb")]).addresses["203.0.113.9"]
    assert address is not None
    assert "Tromso" in address.fragment


def test_an_unreadable_database_is_reported(tmp_path: Path) -> None:
    folder = tmp_path / "folder.mmdb"
    folder.mkdir()
    (tmp_path / "text.mmdb").write_text("no database")
    enrichers = Enrichers.load(geoip=[folder, tmp_path / "text.mmdb"])
    assert all(status.error for status in enrichers.status())


def test_no_copies_stay_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copies = tmp_path / "copies"
    copies.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(copies))
    path = databases.city(tmp_path / "c.mmdb")
    enrichers = Enrichers.load(geoip=[path])
    shutil.copy(path, tmp_path / "n")
    os.utime(path, (1, 1))
    assert enrichers.refresh() is True
    assert list(copies.iterdir()) == []


def test_countries_have_a_name_and_a_continent() -> None:
    assert len(COUNTRIES) == 250
    assert COUNTRIES["US"] == ("United States", "NA")
    assert all(
        len(code) == 2 and code.isupper() and name and continent in CONTINENTS for code, (name, continent) in COUNTRIES.items()
    )


def test_the_first_database_that_knows_a_member_wins(tmp_path: Path) -> None:
    country = {"country": {"iso_code": "SE", "names": {"en": "Sweden"}}}
    other = databases.write(tmp_path / "o.mmdb", "GeoLite2-Country", {"203.0.113.0/24": country, "198.51.100.0/24": country})
    enrichers = Enrichers.load(geoip=[databases.city(tmp_path / "c.mmdb"), other])
    norway, sweden = enrichers.addresses["203.0.113.1"], enrichers.addresses["198.51.100.1"]
    assert norway is not None
    assert sweden is not None
    assert '"country_iso_code":"NO"' in norway.fragment
    assert '"country_iso_code":"SE"' in sweden.fragment


@given(st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)))
def test_public_agrees_with_the_standard_library(address: IPv4Address | IPv6Address) -> None:
    ours = is_public(address.packed)
    if address.is_global and not address.is_multicast:
        assert ours or any(address in network for network in ODD)
    elif ours:
        # Documentation and a few registries' odd networks, which no log carries, may pass as public.
        odd = (address.is_link_local, address.is_loopback, address.is_multicast, address.is_unspecified)
        assert not any(odd)
        assert all(address not in network for network in PRIVATE if network.version == address.version)


ODD = [ip_network("192.0.0.0/24"), ip_network("64:ff9b:1::/48")]  # global on paper, or to some versions of Python
PRIVATE = [ip_network(each) for each in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")]
