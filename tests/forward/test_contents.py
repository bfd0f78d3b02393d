"""Objects however they are packed: what is sound in them arrives, what is not is one dead letter with its place."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import os
import random
import time
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from service.event import DeadLetter
from service.forward.bounds import KEPT_BYTES, Bounds
from service.forward.frames import ROOM
from tests.forward.sources import Stored, frames_of, received

BOUNDS = Bounds(frame=4096, chunk=4096)
LINES = [f"line {n} " + "x" * (n % 90) for n in range(900)]
TEXT = "\n".join(LINES).encode()
TRAIL = json.dumps({"Records": [{"eventVersion": "1.08", "n": n} for n in range(500)]}).encode()


def zipped(*files: bytes, compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        archive.mkdir("folder")
        for number, data in enumerate(files):
            archive.writestr(f"folder/{number}.log", data)
    return buffer.getvalue()


SKIPPED = b"\x50\x2a\x4d\x18\x04\0\0\0skip"
PACKED: dict[str, Callable[[bytes], bytes]] = {
    "plain": lambda data: data,
    "gzip": gzip.compress,
    "members": lambda data: b"".join(gzip.compress(data[at : at + 5000]) for at in range(0, len(data), 5000)),
    "tiny members": lambda data: b"".join(gzip.compress(data[at : at + 40]) for at in range(0, len(data), 40)),
    "padded": lambda data: gzip.compress(data) + b"\0" * 700,
    "bzip2": bz2.compress,
    "bzip2 streams": lambda data: bz2.compress(data[:4000]) + bz2.compress(data[4000:]),
    "zstd": zstandard.compress,
    "zstd frames": lambda data: zstandard.compress(data[:4000]) + SKIPPED + zstandard.compress(data[4000:]),
    "zstd after a skippable frame": lambda data: SKIPPED + zstandard.compress(data),
    "gzip in gzip": lambda data: gzip.compress(gzip.compress(data)),
    "zip": zipped,
    "stored zip": lambda data: zipped(data, compression=zipfile.ZIP_STORED),
    "gzip in zip": lambda data: zipped(gzip.compress(data)),
    "bzip2 zip": lambda data: zipped(data, compression=zipfile.ZIP_BZIP2),
    "lzma zip": lambda data: zipped(data, compression=zipfile.ZIP_LZMA),
}  # fmt: skip


def forwarded(data: bytes, bounds: Bounds = BOUNDS, piece: int = 1 << 20) -> tuple[dict[str, str], list[DeadLetter]]:
    return received(frames_of(Stored(data, piece=piece), bounds))


def codes(dead: list[DeadLetter]) -> list[str]:
    return [letter.code for letter in dead]


@pytest.mark.parametrize("name", PACKED)
@pytest.mark.parametrize("piece", [7, 1 << 20])
def test_a_file_is_read_whatever_it_is_packed_in(name: str, piece: int) -> None:
    events, dead = forwarded(PACKED[name](TEXT), piece=piece)
    assert (list(events.values()), dead) == (LINES, [])
    assert forwarded(PACKED[name](TEXT), Bounds())[0] == events


def test_packing_does_not_change_positions() -> None:
    assert forwarded(gzip.compress(TRAIL))[0] == forwarded(zstandard.compress(TRAIL))[0] == forwarded(TRAIL)[0]
    assert len(forwarded(TRAIL)[0]) == 500


def test_files_of_an_archive_are_apart() -> None:
    events, dead = forwarded(zipped(TEXT, TEXT, TRAIL, b""))
    assert (len(events), dead) == (2 * len(LINES) + 500, [])


@pytest.mark.parametrize(
    ("data", "code", "kept"),
    [
        (gzip.compress(TEXT)[:-9], "corrupt", 880),
        (gzip.compress(TEXT)[:1500], "corrupt", 300),
        (gzip.compress(TEXT)[:-8] + b"12345678", "corrupt", 750),
        (gzip.compress(TEXT) + b"garbage", "corrupt", 899),
        (gzip.compress(TEXT)[:900] + os.urandom(400) + gzip.compress(TEXT)[900:], "corrupt", 10),
        (b"\x1f\x8b", "corrupt", 0),
        (b"\x1f\x8b" + b"nonsense" * 40, "corrupt", 0),
        (bz2.compress(TEXT)[:-20], "corrupt", 0),
        (bz2.compress(TEXT, 1) + b"BZh9garbage....", "corrupt", 899),
        (zstandard.compress(TEXT)[:-4], "corrupt", 0),
        (zstandard.compress(TEXT) + b"garbage", "corrupt", 899),
        (zstandard.compress(TEXT)[:-1500] + b"nonsense" * 200, "corrupt", 0),
        (zipped(TEXT)[:-30], "corrupt", 0),
        (b"PK\x03\x04" + b"nonsense" * 40, "corrupt", 0),
        (zipped(TEXT, compression=zipfile.ZIP_STORED).replace(b"line 800", b"line 8OO"), "corrupt", 750),
        (gzip.compress(gzip.compress(gzip.compress(gzip.compress(b"x")))), "bomb", 0),
        (b"\xfd7zXZ\x00" + b"x" * 100, "unsupported", 0),
        (gzip.compress(zipped(TEXT)), "unsupported", 0),
        (zipped(zipped(TEXT)), "unsupported", 0),
        (b"Obj\x01" + b"x" * 100, "unsupported", 0),
    ],
)  # fmt: skip
def test_what_stands_before_the_damage_flows_on(data: bytes, code: str, kept: int) -> None:
    events, dead = forwarded(data)
    assert codes(dead) == [code]
    assert len(events) >= kept
    assert list(events.values())[:kept] == LINES[:kept]
    assert dead[0].stage == "forward"
    assert len(dead[0].data) < KEPT_BYTES + 2000


def test_an_encrypted_file_of_an_archive_leaves_the_others_alone() -> None:
    data = bytearray(zipped(TEXT, TEXT))
    first = data.index(b"PK\x01\x02", data.index(b"PK\x01\x02") + 1)  # the folder is an entry, too
    data[first + 8] |= 1
    events, dead = forwarded(bytes(data))
    assert (len(events), codes(dead)) == (900, ["unsupported"])
    assert dead[0].origin is not None
    assert dead[0].origin.part.endswith(".log")


SMALL = Bounds(ratio_above=1 << 20, ratio=50, output=8 << 20)
FLAT = b"the same line again and again, the same line again and again\n" * 180_000


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, zstandard.compress, zipped], ids=["gzip", "bzip2", "zstd", "zip"])
def test_a_bomb_goes_off_at_its_bounds(pack: Callable[[bytes], bytes]) -> None:
    data = pack(FLAT)
    tracemalloc.start()
    seen = sum(len(record) for record in frames_of(Stored(data), SMALL))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    events, dead = forwarded(data, SMALL)
    assert codes(dead) == ["bomb"]
    assert len(events) < 150_000
    assert seen < 1 << 20
    assert peak < 60 << 20


def test_many_small_bombs_are_one_large_one() -> None:
    events, dead = forwarded(zipped(*[FLAT[: 1 << 20]] * 40), Bounds(ratio_above=1 << 20, ratio=1 << 20, output=8 << 20))
    assert codes(dead)[0] == "bomb"
    assert len(events) < 300_000


def test_an_archive_of_too_many_files_is_read_up_to_the_bound() -> None:
    events, dead = forwarded(zipped(*[b"one"] * 30), Bounds(members=20))
    assert (len(events), codes(dead)) == (19, ["too_many_members"])  # the folder counts


def test_the_directory_of_an_archive_is_not_taken_into_memory_whatever_its_size() -> None:
    end = b"PK\x05\x06\0\0\0\0" + b"\xff\xff\xff\xff" + (20 << 20).to_bytes(4, "little") + b"\0\0\0\0\0\0"
    data = b"PK\x03\x04" + b"\0" * (20 << 20) + end
    tracemalloc.start()
    events, dead = forwarded(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (events, codes(dead)) == ({}, ["corrupt"])
    assert peak < 16 << 20


def parquet(count: int, **options: Any) -> bytes:
    table = pa.table(
        {"n": list(range(count)), "t": [f"text {n} \n ü" for n in range(count)], "e": [{"a": n} for n in range(count)]}
    )
    buffer = io.BytesIO()
    pq.write_table(table, buffer, row_group_size=500, **options)
    return buffer.getvalue()


def test_rows_of_parquet_are_events_that_keep_their_numbers() -> None:
    events, dead = forwarded(parquet(2300))
    assert ([json.loads(event) for event in events.values()], dead) == (
        [{"n": n, "t": f"text {n} \n ü", "e": {"a": n}} for n in range(2300)], [],
    )  # fmt: skip
    assert forwarded(parquet(2300, compression="gzip"), Bounds())[0] == events


@pytest.mark.parametrize(
    ("data", "code"),
    [(parquet(900)[:-9], "corrupt"), (b"PAR1" + b"x" * 400, "corrupt"), (parquet(900)[:-4] + b"PARE", "unsupported"),
     (gzip.compress(parquet(10)), "unsupported")],
)  # fmt: skip
def test_a_parquet_file_that_is_none_is_a_dead_letter(data: bytes, code: str) -> None:
    events, dead = forwarded(data)
    assert (events, codes(dead)) == ({}, [code])


def test_damage_in_a_parquet_file_keeps_the_rows_before_it() -> None:
    data = bytearray(parquet(5000, compression="zstd"))
    place = len(data) * 2 // 3
    data[place : place + 200] = b"\x00" * 200
    events, dead = forwarded(bytes(data))
    assert codes(dead) == ["corrupt"]
    assert len(events) >= 500
    assert dead[0].index == len(events)


def test_an_incompressible_unit_that_no_record_holds_is_a_dead_letter() -> None:
    noise = random.Random(3).randbytes(200_000).hex().encode()
    bounds = Bounds(record=100_000)
    events, dead = forwarded(b"before\n" + noise + b"\nafter\n", bounds)
    assert (list(events.values()), codes(dead)) == (["before", "after"], ["too_long"])
    assert dead[0].index == 1
    assert dead[0].data.endswith(noise[:KEPT_BYTES])


def test_no_record_is_larger_than_kinesis_takes_or_decoding_unpacks() -> None:
    rng = random.Random(3)
    lines = [rng.randbytes(rng.choice([10, 1000, 30_000])).hex().encode() for _ in range(300)]
    lines += [b"a" * (1 << 20) + b"%d" % n for n in range(3)] + [b"b" * (5 << 20)]
    bounds = Bounds(record=50_000 + ROOM)
    sizes = [len(record) for record in frames_of(Stored(b"\n".join(lines)), bounds)]
    assert max(sizes) <= 50_000
    events, dead = forwarded(b"\n".join(lines), bounds)
    assert len(events) + len(dead) == len(lines)
    assert {letter.code for letter in dead} <= {"too_long"}
    assert forwarded(b"\n".join(lines), Bounds())[0].items() >= events.items()


@given(st.binary(max_size=300), st.sampled_from([gzip.compress, bz2.compress, zstandard.compress, zipped]), st.integers(0, 400))
@settings(max_examples=200, deadline=None)
def test_a_flipped_byte_is_never_more_than_a_dead_letter(noise: bytes, pack: Callable[[bytes], bytes], place: int) -> None:
    data = bytearray(pack(TEXT[:3000] + noise))
    data[place % len(data)] ^= 0x55
    events, dead = forwarded(bytes(data))
    assert events or dead or not noise


@given(st.binary(min_size=1, max_size=400))
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_events_or_dead_letters(data: bytes) -> None:
    events, dead = forwarded(data, piece=3)
    assert events or dead or not data.strip(b" \t\r\n\x0b\x0c,[]{}\xef\xbb\xbf\xff\xfe\x00")


def test_flipping_a_bit_of_the_checksum_is_noticed() -> None:
    assert zlib.crc32(TEXT) != 0
    events, dead = forwarded(gzip.compress(TEXT)[:-5] + b"\0" + gzip.compress(TEXT)[-4:])
    assert codes(dead) == ["corrupt"]
    assert 750 < len(events) < 900


def test_hostile_nesting_costs_no_time() -> None:
    began = time.process_time()
    for data in (
        b'{"a":' * 400_000,
        b'{"Records":[' * 50_000,
        b'{"a":1,"b":[{},' * 100_000,
        b'{"Records":[' + b'{"n":,' * 50_000,
    ):
        assert list(frames_of(Stored(data), BOUNDS))
    assert time.process_time() - began < 10
