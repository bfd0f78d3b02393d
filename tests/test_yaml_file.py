"""Values of YAML as we read it, and where they stand."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict, RootModel

from service.errors import ContentErrors
from service.yaml_file import load, read, read_text


class Anything(RootModel[object]):
    """Takes whatever YAML holds."""


class Pair(BaseModel):
    """A small model with a path, as settings have."""

    model_config = ConfigDict(extra="forbid")
    left: int
    where: Path = Path("x")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", "yes"), ("no", "no"), ("on", "on"), ("off", "off"), ("true", True), ("False", False), ("~", None),
        ("null", None), ("2026-01-15", "2026-01-15"), ("12:30:45", "12:30:45"), ("1_000", "1_000"), ("12", 12),
        ("-3", -3), ("1.5", 1.5), ("1e3", 1000.0), ("'12'", "12"), ("1.2.3.4", "1.2.3.4"), ("0", 0), ("NO", "NO"),
        ("123456789012345678901234567890", "123456789012345678901234567890"), ("=", "="), ("|\n  007\n", "007\n"),
    ],
)  # fmt: skip
def test_a_plain_scalar_is_what_yaml_1_2_says(text: str, value: object) -> None:
    data, _ = load(f"k: {text}")
    assert data == {"k": value}
    assert type(data["k"]) is type(value)


@pytest.mark.parametrize("text", ["007", "0x1f", "0o17", ".inf", ".NaN"])
def test_a_number_that_may_mean_two_things_is_refused(text: str) -> None:
    with pytest.raises(ContentErrors) as caught:
        load(f"k: {text}")
    assert [fault.code for fault in caught.value.faults] == ["ambiguous_number"]


def test_keys_are_always_text() -> None:
    data, _ = load("{404: a, true: b, ~: c}")
    assert data == {"404": "a", "true": "b", "~": "c"}


def test_every_value_has_its_place_and_a_missing_one_its_parents() -> None:
    file = read_text("left: 1\nwhere: /tmp\n", Pair, "x.yml")
    assert str(file.place("where")) == "x.yml:2:1"
    assert str(file.place("where", "deeper")) == "x.yml:2:1"
    assert str(file.place("other")) == "x.yml:1:1"
    assert file.value.where == Path("/tmp")


def test_bounded_aliases_are_values_like_any_other() -> None:
    data, _ = load("a: &x [1, 2]\nb: *x\n")
    assert data == {"a": [1, 2], "b": [1, 2]}


def test_a_byte_order_mark_is_no_content() -> None:
    assert load(b"\xef\xbb\xbfleft: 1")[0] == {"left": 1}


def test_bytes_that_are_not_utf8_are_refused() -> None:
    with pytest.raises(ContentErrors) as caught:
        load(b"left: \xff", "x.yml")
    assert str(caught.value) == "x.yml not_yaml: is not UTF-8 (byte 6)"


def test_a_huge_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "big.yml").write_bytes(b"#" * (4 * 1024 * 1024 + 1))
    with pytest.raises(ContentErrors) as caught:
        read(tmp_path / "big.yml", Anything)
    assert [fault.code for fault in caught.value.faults] == ["too_big"]


def test_two_documents_in_one_file_are_refused() -> None:
    with pytest.raises(ContentErrors) as caught:
        load("a: 1\n---\nb: 2\n")
    assert [fault.code for fault in caught.value.faults] == ["not_yaml"]


def test_content_errors_split_by_kind_stay_content_errors() -> None:
    with pytest.raises(ContentErrors) as caught:
        read_text("left: x\nright: 1\n", Pair)
    matched, rest = caught.value.split(lambda error: getattr(error, "code", "") == "unknown_key")
    assert isinstance(matched, ContentErrors)
    assert isinstance(rest, ContentErrors)
    assert [fault.code for fault in matched.faults] == ["unknown_key"]
