from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.enrich import Enrichers
from service.enrich.numbers import Numbers, moment, spell_moment
from service.errors import ContentErrors

LISTS = """
lists:
  tor:
    path: tor.txt
    kind: ip
    confidence: High
    description: Exit nodes
  feed:
    path: feed.csv
    kind: ip
    column: ip
    first_seen: first
    last_seen: last
  bad-names: { path: names.txt, kind: domain }
  files: { path: hashes.txt, kind: hash, confidence: Low }
"""
TOR = """# exit nodes
198.51.100.7
203.0.113.0/25 # a network
2001:db8:bad::/48

nonsense
0.0.0.0/0
192.0.2.0/00033
192.0.2.55 17
"""
FEED = """# made today
id,ip,first,last
2,198.51.100.8,,
1,192.0.2.1,2026-01-02T03:04:05Z,2026-02-03 04:05:06 UTC
3,198.51.100.7,someday,1767323045
"""
SHA256 = "a" * 64


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "lists.yml").write_text(LISTS)
    (tmp_path / "tor.txt").write_text(TOR)
    (tmp_path / "feed.csv").write_text(FEED)
    (tmp_path / "names.txt").write_text("Evil.example.\n*.wild.example\n0.0.0.0 hosts.example\n")
    (tmp_path / "hashes.txt").write_text(SHA256.upper() + "  file.exe\nzz\n")
    return tmp_path


def load(folder: Path) -> Enrichers:
    return Enrichers.load(lists=folder / "lists.yml")


def threat(enrichers: Enrichers, text: str) -> object:
    address = enrichers.addresses[text]
    assert address is not None
    return json.loads(address.threat) if address.threat else None


def test_addresses_and_networks_are_named_by_their_list(folder: Path) -> None:
    enrichers = load(folder)
    tor = {"provider": "tor", "confidence": "High", "description": "Exit nodes"}
    assert threat(enrichers, "198.51.100.7") == {"type": "ipv4-addr", "ip": "198.51.100.7", **tor}
    assert threat(enrichers, "203.0.113.127") == {"type": "ipv4-addr", "ip": "203.0.113.127", **tor}
    assert threat(enrichers, "203.0.113.128") is None
    assert threat(enrichers, "2001:db8:bad::77") == {"type": "ipv6-addr", "ip": "2001:db8:bad::77", **tor}
    assert threat(enrichers, "2001:db8:bae::77") is None
    assert threat(enrichers, "192.0.2.1") == {
        "type": "ipv4-addr", "ip": "192.0.2.1", "provider": "feed",
        "first_seen": "2026-01-02T03:04:05.000Z", "last_seen": "2026-02-03T04:05:06.000Z",
    }  # fmt: skip


def test_a_list_may_name_private_addresses(folder: Path) -> None:
    (folder / "tor.txt").write_text("10.9.9.9\n")
    assert threat(load(folder), "10.9.9.9") is not None


def test_a_domain_is_named_with_everything_below_it(folder: Path) -> None:
    enrichers = load(folder)
    for name in ("evil.example", "www.EVIL.example.", "a.b.wild.example", "hosts.example"):
        normal = name.lower().removesuffix(".")
        assert json.loads(enrichers.domain_threats[name]) == {
            "type": "domain-name", "url": {"domain": normal}, "provider": "bad-names",
        }  # fmt: skip
    for name in ("notevil.example", "example", "evil.example.com", "-", ""):
        assert enrichers.domain_threats[name] == ""


def test_hashes_are_compared_without_case(folder: Path) -> None:
    enrichers = load(folder)
    assert json.loads(enrichers.hash_threats[SHA256]) == {
        "type": "file", "file": {"hash": {"sha256": SHA256}}, "provider": "files", "confidence": "Low",
    }  # fmt: skip
    assert enrichers.hash_threats["b" * 64] == ""


def test_entries_that_are_nothing_of_the_kind_are_counted(folder: Path) -> None:
    found = {Path(status.path).name: status for status in load(folder).status()}
    assert (found["tor.txt"].entries, found["tor.txt"].error) == (4, "3 entries are no ip")
    assert (found["hashes.txt"].entries, found["hashes.txt"].error) == (1, "1 entries are no hash")
    assert (found["feed.csv"].entries, found["feed.csv"].error) == (3, None)


def test_a_changed_list_is_taken_up_and_a_vanished_one_kept(folder: Path) -> None:
    enrichers = load(folder)
    assert threat(enrichers, "192.0.2.99") is None
    (folder / "tor.txt").write_text("192.0.2.99\n")
    assert enrichers.refresh() is True
    assert threat(enrichers, "192.0.2.99") is not None
    (folder / "tor.txt").unlink()
    assert enrichers.refresh() is False
    assert threat(enrichers, "192.0.2.99") is not None
    assert any(status.error for status in enrichers.status())


def test_lists_come_and_go_with_lists_yml(folder: Path) -> None:
    enrichers = load(folder)
    (folder / "lists.yml").write_text("lists:\n  feed: { path: feed.csv, kind: ip, column: ip }\n")
    assert enrichers.refresh() is True
    assert threat(enrichers, "203.0.113.1") is None
    assert threat(enrichers, "198.51.100.7") == {"type": "ipv4-addr", "ip": "198.51.100.7", "provider": "feed"}
    (folder / "lists.yml").write_text("lists: [")
    assert enrichers.refresh() is False
    assert threat(enrichers, "198.51.100.7") is not None
    assert enrichers.status()[0].error is not None


def test_a_bad_lists_yml_stops_the_start(folder: Path) -> None:
    (folder / "lists.yml").write_text("lists:\n  tor: { path: tor.txt, kind: ips }\n")
    with pytest.raises(ContentErrors) as raised:
        load(folder)
    assert "lists.yml:2" in str(raised.value)


def test_a_csv_without_its_column_is_reported(folder: Path) -> None:
    (folder / "feed.csv").write_text("id;address\n1;192.0.2.1\n")
    found = {Path(status.path).name: status for status in load(folder).status()}
    assert "no column 'ip'" in str(found["feed.csv"].error)


def test_a_list_is_cut_at_its_limit(folder: Path) -> None:
    (folder / "lists.yml").write_text("lists:\n  tor: { path: tor.txt, kind: ip, limit: 1 }\n")
    (folder / "tor.txt").write_text("192.0.2.1\n192.0.2.2\n")
    enrichers = load(folder)
    assert threat(enrichers, "192.0.2.1") is not None
    assert threat(enrichers, "192.0.2.2") is None
    assert "more than 1 entries" in str(enrichers.status()[-1].error)


def test_endless_lines_are_no_entries(folder: Path) -> None:
    (folder / "names.txt").write_text("x" * 1_000_000 + "\nlast.example\n")
    assert load(folder).domain_threats["last.example"] != ""


def test_many_entries_stay_small(tmp_path: Path) -> None:
    (tmp_path / "lists.yml").write_text("lists:\n  big: { path: big.txt, kind: ip }\n")
    with (tmp_path / "big.txt").open("w") as file:
        file.writelines(f"{n >> 16 & 255 | 64}.{n >> 8 & 255}.{n & 255}.{n * 7 & 255}\n" for n in range(100_000))
    enrichers = Enrichers.load(lists=tmp_path / "lists.yml")
    tracemalloc.start()
    try:
        (tmp_path / "big.txt").touch()
        enrichers.refresh()
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 20 * 100_000  # a set of texts would take over 100 bytes each
    assert threat(enrichers, "64.0.1.7") is not None


@pytest.mark.parametrize(
    ("text", "spelled"),
    [
        ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05.000Z"),
        ("2026-01-02", "2026-01-02T00:00:00.000Z"),
        ("2026-01-02 03:04:05+02:00", "2026-01-02T01:04:05.000Z"),
        ("1767323045", "2026-01-02T03:04:05.000Z"),
        ("1767323045123", "2026-01-02T03:04:05.123Z"),
        ("9999-12-31T23:59:59-12:00", None),
        ("0001-01-01", None),
        ("yesterday", None),
        ("", None),
        (None, None),
    ],
)
def test_only_times_that_opensearch_reads_are_kept(text: str | None, spelled: str | None) -> None:
    assert spell_moment(moment(text)) == spelled


@given(st.text())
def test_no_time_upsets_a_list(text: str) -> None:
    spell_moment(moment(text))


@given(st.lists(st.tuples(st.integers(0, 2**32 - 1), st.sampled_from([(-1, -1), (5, 7), (-1, 9)])), unique_by=lambda e: e[0]))
def test_numbers_are_found_with_their_times(entries: list[tuple[int, tuple[int, int]]]) -> None:
    numbers = Numbers("I")
    for number, seen in entries:
        numbers.add(number, seen)
    numbers.seal()
    assert all(numbers.find(number) == seen for number, seen in entries)
    known = {number for number, _ in entries}
    assert all(numbers.find(number + 1) is None for number in known if number + 1 not in known)
