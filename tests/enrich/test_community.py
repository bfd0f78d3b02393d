from __future__ import annotations

import hashlib
from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.enrich import Address, Enrichers, community_id

ENRICHERS = Enrichers.empty()

# Flows of the specification's own baseline: protocol, source, destination, port or type, port or code, id.
BASELINE = [
    (1, "192.168.0.89", "192.168.0.1", 8, 0, "1:X0snYXpgwiv9TZtqg64sgzUn6Dk="),
    (1, "192.168.0.1", "192.168.0.89", 0, 8, "1:X0snYXpgwiv9TZtqg64sgzUn6Dk="),
    (1, "10.0.0.1", "10.0.0.2", 11, 0, "1:YHxtAirCG//0OzkcVAukqKQN9xM="),
    (6, "128.232.110.120", "66.35.250.204", 34855, 80, "1:LQU9qZlK+B5F3KDmev6m5PMibrg="),
    (6, "66.35.250.204", "128.232.110.120", 80, 34855, "1:LQU9qZlK+B5F3KDmev6m5PMibrg="),
    (17, "192.168.1.52", "8.8.8.8", 54585, 53, "1:d/FP5EW3wiY1vCndhwleRRKHowQ="),
    (17, "8.8.8.8", "192.168.1.52", 53, 54585, "1:d/FP5EW3wiY1vCndhwleRRKHowQ="),
    (132, "192.168.170.8", "192.168.170.56", 7, 7, "1:MP2EtRCAUIZvTw6MxJHLV7N7JDs="),
    (46, "10.1.12.1", "10.1.12.2", 0, 0, "1:KHlLkgoJW7ifUTyTSgyVfkFHzKw="),
    (46, "10.1.12.2", "10.1.12.1", 0, 0, "1:KHlLkgoJW7ifUTyTSgyVfkFHzKw="),
    (58, "fe80::200:86ff:fe05:80da", "fe80::260:97ff:fe07:69ea", 135, 0, "1:dGHyGvjMfljg6Bppwm3bg0LO8TY="),
    (58, "fe80::260:97ff:fe07:69ea", "fe80::200:86ff:fe05:80da", 136, 0, "1:dGHyGvjMfljg6Bppwm3bg0LO8TY="),
    (58, "3ffe:507:0:1:200:86ff:fe05:80da", "3ffe:501:0:1001::2", 128, 0, "1:+TW+HtLHvV1xnGhV1lv7XoJrqQg="),
    (58, "3ffe:501:1800:2345::2", "3ffe:507:0:1:200:86ff:fe05:80da", 3, 0, "1:2ObVBgIn28oZvibYZhZMBgh7WdQ="),
    (6, "2001:470:e5bf:dead:4957:2174:e82c:4887", "2607:f8b0:400c:c03::1a", 63943, 25, "1:/qFaeAR+gFe1KYjMzVDsMv+wgU4="),
]  # fmt: skip


def address(text: str) -> Address:
    found = ENRICHERS.addresses[text]
    assert found is not None
    return found


@pytest.mark.parametrize(("protocol", "src", "dst", "sport", "dport", "expected"), BASELINE)
def test_the_baseline_of_the_specification(protocol: int, src: str, dst: str, sport: int, dport: int, expected: str) -> None:
    assert community_id(address(src), address(dst), sport, dport, protocol) == expected


def test_impossible_numbers_are_no_flow() -> None:
    one = address("10.0.0.1")
    assert community_id(one, one, 65536, 2, 6) == ""
    assert community_id(one, one, -1, 2, 6) == ""
    assert community_id(one, one, 1, 2, 256) == ""


_packed = st.one_of(st.binary(min_size=4, max_size=4), st.binary(min_size=16, max_size=16))
_port = st.integers(0, 65535)


@given(_packed, _packed, _port, _port, st.sampled_from([6, 17, 132]))
def test_both_directions_are_one_flow(one: bytes, other: bytes, sport: int, dport: int, protocol: int) -> None:
    src, dst = Address("", "", one, 4, True, ""), Address("", "", other, 4, True, "")
    there, back = community_id(src, dst, sport, dport, protocol), community_id(dst, src, dport, sport, protocol)
    assert there == back
    if len(one) == len(other):
        (low, low_port), (high, high_port) = sorted([(one, sport), (other, dport)])
        data = b"\0\0" + low + high + bytes([protocol, 0]) + low_port.to_bytes(2) + high_port.to_bytes(2)
        assert there == "1:" + b64encode(hashlib.sha1(data).digest()).decode()


def test_addresses_of_two_families_have_one_id_from_either_side() -> None:
    four, six = address("10.0.0.1"), address("2001:db8::1")
    assert community_id(six, four, 42910, 80, 17) == community_id(four, six, 80, 42910, 17) != ""
