"""What a pipeline does not know is counted: by name, in bounds, whatever names and values hostile events come with."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.drift.finding import OTHERS, Finding, Owner, What, from_document, identity, to_document, together
from service.drift.naming import FEW, LONGEST_EXAMPLE, MOST, example, nameable, segment, told
from service.drift.tally import DISTINCT, VALUES, Tally
from service.pipeline.compiled import Carried
from service.pipeline.flaw import Flaw, cannot_cast, keep, unknown
from service.pipeline.paths import split_path

SHOP = Owner("shop", "prod", "aws.waf")
NOON = 1_795_694_400_000
DAY = 86_400_000


def carried(*flaws: Flaw | None) -> Carried:
    pieces = [f'{{"create":{{"_index":"siem-aws.waf-shop-prod-2026.11","_id":"e{at}"}}}}\n{{}}\n' for at in range(len(flaws))]
    return Carried(pieces=pieces, at=list(range(len(flaws))), odd=[(at, flaw) for at, flaw in enumerate(flaws) if flaw])


def found(tally: Tally) -> dict[tuple[str, str, str], int]:
    return {(each.what.kind, each.what.path, each.what.value): each.count for each in tally.findings()}


def test_keys_columns_and_values_are_told_apart_and_the_first_event_is_named() -> None:
    tally = Tally()
    key = keep(keep(None, ("a", "new"), "x"), ("b.c",), 7)
    tally.hear(SHOP, "v1", carried(None, key, key, unknown(None, "event.outcome", "MAYBE")), NOON)
    assert found(tally) == {("key", "a.new", ""): 2, ("key", '"b.c"', ""): 2, ("value", "event.outcome", "MAYBE"): 1}
    first = next(each for each in tally.findings() if each.what.path == "a.new")
    assert (first.index, first.id, first.example) == ("siem-aws.waf-shop-prod-2026.11", "e1", "x")


def test_a_value_of_the_wrong_type_is_no_unknown_key() -> None:
    flaw = cannot_cast(keep(None, ("more",), 1), "source.ip", ("src",), "host", "an IP address")
    tally = Tally()
    tally.hear(SHOP, "v1", carried(flaw), NOON)
    assert found(tally) == {("value", "src", ""): 1, ("key", "more", ""): 1}


def test_a_value_that_two_tables_lack_is_counted_once() -> None:
    tally = Tally()
    tally.hear(SHOP, "v1", carried(unknown(unknown(None, "event.action", "X"), "event.action", "X")), NOON)
    assert found(tally) == {("value", "event.action", "X"): 1}


def test_surplus_values_of_a_line_are_columns_by_number() -> None:
    ((_, flaw),) = carried(keep(None, ("extra",), ["a", "b"])).odd
    assert [(what.kind, what.path, value) for what, value in told(flaw, "column")] == [
        ("column", "extra[1]", "a"),
        ("column", "extra[2]", "b"),
    ]


def test_where_any_key_may_come_none_is_news_but_values_are() -> None:
    flaw = unknown(keep(None, ("whatever",), 1), "log.level", "loud")
    assert [what.kind for what, _ in told(flaw, None)] == ["value"]


def test_what_an_open_key_holds_is_no_news_but_its_neighbours_are() -> None:
    heard = carried(keep(keep(None, ("journal", "unit"), 1), ("new",), 2))
    heard.open = frozenset({"journal"})
    tally = Tally()
    tally.hear(SHOP, "v1", heard, NOON)
    assert found(tally) == {("key", "new", ""): 1}


def test_keys_that_name_things_are_one_key() -> None:
    flaw = keep(
        keep(keep(None, ("by_id", "1001"), 1), ("by_id", "9a8b7c6d-0000-4000-8000-000000000001"), 2), ("by_id", "name"), 3
    )
    assert flaw is not None
    assert {what.path for what, _ in told(flaw, "key")} == {"by_id.*", "by_id.name"}


def test_an_owner_has_no_more_findings_than_may_be_told_apart() -> None:
    tally = Tally()
    for number in range(DISTINCT + 300):
        tally.hear(SHOP, "v1", carried(keep(None, (f"key{'x' * (number // 26)}{chr(97 + number % 26)}",), 1)), NOON)
    counts = found(tally)
    assert len(counts) == DISTINCT + 1
    assert counts["key", OTHERS, ""] == 300
    other = Owner("bank", "prod", "aws.waf")
    tally.hear(other, "v1", carried(keep(None, ("mine",), 1)), NOON)
    assert [each.what.path for each in tally.findings() if each.owner == other] == ["mine"], (
        "one project's flood hides no other's"
    )


def test_what_has_no_room_any_more_is_looked_at_less() -> None:
    tally = Tally()

    def event(number: int) -> Carried:
        flaw = None
        for key in range(40):
            flaw = keep(flaw, (f"k{'x' * (number + 1)}{chr(97 + key % 26)}{chr(97 + key // 26)}",), 1)
        return carried(flaw)

    for number in range(5):
        tally.hear(SHOP, "v1", event(number), NOON)
    assert (len(found(tally)), ("key", OTHERS, "") in found(tally)) == (DISTINCT, False)
    for number in range(5, 15):
        tally.hear(SHOP, "v1", event(number), NOON)
    assert found(tally)["key", OTHERS, ""] == 10 * FEW


def test_a_field_that_takes_ever_new_values_fills_no_more_than_its_share() -> None:
    tally = Tally()
    for number in range(VALUES + 50):
        tally.hear(SHOP, "v1", carried(unknown(None, "event.action", f"v{number}")), NOON)
    assert len(found(tally)) == VALUES + 1
    assert found(tally)["value", "event.action", OTHERS] == 50


def test_secrets_are_hidden_by_name_and_by_shape() -> None:
    assert example(("login", "password"), "hunter2222") == "[hidden]"
    assert example(("headers", "Authorization"), "Basic abcdefghijklmnop") == "[hidden]"
    assert "AKIA" not in example(("note",), "key AKIAIOSFODNN7EXAMPLE is here")
    assert "s3cret" not in example(("request",), {"user": "ann", "client_secret": "s3cretvalue"})
    assert "pw" not in example(("sql",), "CREATE USER x IDENTIFIED BY 'pw'").replace("[hidden]", "")


def test_told_again_it_replaces_and_another_process_adds() -> None:
    tally = Tally()
    flaw = keep(None, ("new",), 1)
    tally.hear(SHOP, "v1", carried(flaw), NOON)
    ((day, first),) = tally.take()
    name = identity(first, "run1", day)
    assert tally.take() == []
    tally.hear(SHOP, "v1", carried(flaw), NOON + 5)
    ((day, again),) = tally.take()
    assert identity(again, "run1", day) == name != identity(again, "run2", day)
    assert (again.count, again.first_ms, again.last_ms) == (2, NOON, NOON + 5)
    copies = [from_document(to_document(again, NOON)) for _ in range(2)]
    (merged,) = together(copies)
    assert merged.count == 4


def test_what_was_not_stored_is_handed_out_again_also_when_the_day_is_over() -> None:
    tally = Tally()
    tally.hear(SHOP, "v1", carried(keep(None, ("new",), 1)), NOON)
    tally.give_back(tally.take())
    tally.hear(SHOP, "v1", carried(keep(None, ("new",), 1)), NOON + DAY)
    taken = tally.take()
    assert [(day, each.count) for day, each in taken] == [("2026-11-26", 1), ("2026-11-27", 1)]
    tally.give_back(taken)
    assert sorted(day for day, _ in tally.take()) == ["2026-11-26", "2026-11-27"]


def test_counts_are_told_by_kind() -> None:
    told_: list[tuple[Owner, str, int]] = []
    tally = Tally(lambda owner, kind, number: told_.append((owner, kind, number)))
    tally.hear(SHOP, "v1", carried(keep(None, ("a",), 1), keep(None, ("a",), 1)), NOON)
    assert told_ == [(SHOP, "key", 2)]


keys = st.text(max_size=300) | st.sampled_from(
    ["", ".", "a.b", '"', "[]", "a[]", "*", "…", "\x00", "\ud800", "extra", "__proto__"]
)
values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=6),
    max_leaves=40,
)


@settings(deadline=None, max_examples=150)
@given(st.dictionaries(keys, values, max_size=80), values)
def test_whatever_an_event_holds_findings_are_few_short_printable_and_can_be_stored(left: dict[str, Any], value: Any) -> None:
    flaw = Flaw()
    flaw.left = left
    flaw = unknown(flaw, "event.action", value)
    tally = Tally()
    tally.hear(SHOP, "v1", carried(flaw), NOON)
    findings = tally.findings()
    assert len(findings) <= MOST + 1
    for each in findings:
        assert (each.what.path + each.example).isprintable()
        assert len(each.what.path) < 600
        assert len(each.example) <= LONGEST_EXAMPLE + 1
        assert from_document(json.loads(json.dumps(to_document(each, NOON)))) == each
        if each.what.kind == "key" and nameable(each.what.path):
            assert split_path(each.what.path)


@settings(deadline=None, max_examples=200)
@given(keys)
def test_a_key_that_can_be_named_reads_back_as_itself(key: str) -> None:
    if nameable(segment(key)) and key.isprintable() and key:
        assert split_path(segment(key)) == (key,)


def test_a_document_of_another_version_is_refused() -> None:
    made = Finding(SHOP, What("key", "a"), "v", "", "", "", NOON, NOON, 1)
    stored = to_document(made, NOON)
    stored["drift"]["kind"] = "colour"
    with pytest.raises(ValueError, match="colour"):
        from_document(stored)
