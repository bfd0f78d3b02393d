"""What is left of a condition says of such events what the condition says, and what it needs is there when it matches."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from service.errors import Place
from service.match import NEVER, needed, of_fields, parse_selection, predicate
from service.match.reduce import ALWAYS
from service.match.values import found_by_any
from tests.match.test_reference import selections, words

HERE = Place("rule.yml", 1)


def over_text(chosen: Any) -> Any:
    """The same selection with ``_text`` where it says ``a``."""
    if isinstance(chosen, list):
        return [over_text(each) for each in chosen]
    if not isinstance(chosen, dict):
        return chosen
    return {("_text" + key[1:] if key.partition("|")[0] == "a" else key): value for key, value in chosen.items()}


@settings(max_examples=300, deadline=None)
@given(selections.map(over_text), words)
def test_without_its_fields_a_condition_says_the_same(chosen: Any, text: str) -> None:
    node = parse_selection(chosen, HERE)
    said = predicate(node)({"_text": text})
    left = of_fields(node, {"_text"})
    assert predicate(left)({"_text": text}) is said
    assert not (left == NEVER and said)
    assert not (left == ALWAYS and not said)


patterns = st.sampled_from(["^a", "a.b", "(?s)a.*B", "(?i)b", "[0-9]", r"\Aé", "B$", "(a|1)-", ".*"])
conditions = st.recursive(
    st.one_of(
        st.builds(lambda found: {"_text|re": found}, patterns | st.lists(patterns, min_size=1, max_size=3)),
        st.builds(lambda found: {"_text|re|i": found}, patterns),
        st.builds(lambda found: {"_text|contains": found}, words.filter(bool)),
        st.builds(lambda found: {"b": found}, words),
    ),
    lambda inner: st.lists(inner, min_size=1, max_size=3),
    max_leaves=4,
)


@settings(max_examples=300, deadline=None)
@given(st.lists(conditions, min_size=1, max_size=3), words, st.none() | words)
def test_what_a_condition_needs_is_there_when_it_matches(chosen: list[Any], text: str, other: str | None) -> None:
    event = {"_text": text} if other is None else {"_text": text, "b": other}
    for one in chosen:
        for node in (parse_selection(one, HERE), of_fields(parse_selection(one, HERE), {"_text"})):
            found = needed(node, "_text")
            if found and predicate(node)(event):
                assert found_by_any(found)(text)


def test_a_condition_that_can_do_without_a_pattern_needs_none() -> None:
    def needs(chosen: Any) -> list[str]:
        return [one.pattern for one in needed(parse_selection(chosen, HERE), "_text")]

    assert needs({"_text|re": ["^a", "^b"]}) == ["^a", "^b"]
    assert needs({"b": "x", "_text|re": "^a"}) == ["^a"]
    assert needs([{"_text|re": "^a"}, {"_text|re": "^b", "c": 1}]) == ["^a", "^b"]
    assert needs([{"_text|re": "^a"}, {"b": "x"}]) == []
    assert needs({"_text|re|neq": "^a"}) == []
    assert needs({"_text": ["x", "y"]}) == []
    assert needs({"b|re": "^a"}) == []
