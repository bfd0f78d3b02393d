"""Compiled predicates say what a naive reading of the Sigma specification says, for any selection, condition and event."""

from __future__ import annotations

import base64
import re
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from service.errors import Place
from service.match import parse_condition, parse_selection, predicate
from tests.match import reference

HERE = Place("rule.yml", 1)
FIELDS = ["a", "b", "field with spaces", "c"]
letters = st.sampled_from(["a", "B", "é", "É", "я", "ß", "1", "\\", "*", "?", ".", "+", "(", "-", "/", " ", "\n", "0"])
words = st.text(letters, max_size=4)
plain = st.text(st.sampled_from("aB1-/ "), min_size=1, max_size=4)
pairs = st.text(st.sampled_from("aB1-/ "), min_size=2, max_size=4)
"""One letter alone leaves nothing of itself in Base64 at one of three places."""
numbers = st.sampled_from([0, 1, 10, -1, 0.5, 10.0, True, False])
addresses = st.sampled_from(["10.0.0.1", "192.0.2.1", "2001:db8::1", "2001:DB8:0::1", "::1", "10.0.0.1/8", "no address"])
encoded = st.builds(
    lambda before, word, coding: base64.b64encode((before + word + before).encode(coding)).decode(),
    plain, plain, st.sampled_from(["utf-8", "utf-16-le", "utf-16-be"]),
)  # fmt: skip
scalars = st.one_of(
    st.none(), words, plain, encoded, numbers, addresses, st.sampled_from(["1", "01", "1.0", "true", "True", "1e1", "nan"])
)
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3), max_leaves=4) | st.just({"inner": 1})
events = st.dictionaries(st.sampled_from([*FIELDS, "_text"]), values, max_size=4)

text_modifiers = st.sampled_from(["", "|contains", "|startswith", "|endswith"])
cased = st.sampled_from(["", "|cased"])
every = st.sampled_from(["", "|all"])
other = st.sampled_from(["", "|neq"])


def some(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return values | st.lists(values, min_size=1, max_size=3)


fields = st.sampled_from(FIELDS)
networks = st.sampled_from(["10.0.0.0/8", "2001:db8::/32", "::/0", "192.0.2.1/32"])
lines: st.SearchStrategy[tuple[str, Any]] = st.one_of(
    st.tuples(st.builds("{}{}{}{}".format, fields, text_modifiers, cased, other), some(words)),
    st.tuples(st.builds("{}{}|all".format, fields, st.sampled_from(["|contains", "|startswith"])),
              st.lists(words, min_size=2, max_size=3)),
    st.tuples(fields, some(st.one_of(st.none(), numbers, words))),
    st.tuples(st.builds("{}|exists".format, fields), st.booleans()),
    st.tuples(st.builds("{}|{}".format, fields, st.sampled_from(["gt", "gte", "lt", "lte"])), st.sampled_from([0, 1, 10, 0.5])),
    st.tuples(st.builds("{}|cidr".format, fields), some(networks)),
    st.tuples(st.builds("{}|re{}".format, fields, st.sampled_from(["", "|i", "|m", "|s", "|i|s"])),
              st.sampled_from(["^a", "a.b", "A+", "[0-9]", "^B", "a|é", r"\.", "(?:a|1)-"])),
    st.tuples(fields.map("{}|re|m".format), st.sampled_from(["^B$", "a$"])),
    st.tuples(st.builds("{}|fieldref{}".format, fields, text_modifiers), fields),
    st.tuples(st.builds("{}|windash|contains".format, fields), some(plain)),
    st.tuples(st.builds("{}|base64{}|contains".format, fields, st.sampled_from(["", "offset"])), pairs),
    st.tuples(st.builds("{}|{}|base64offset|contains".format, fields, st.sampled_from(["wide", "utf16le", "utf16be"])), plain),
)  # fmt: skip
mappings = st.lists(lines, min_size=1, max_size=3).map(dict)
selections = st.one_of(
    mappings, st.lists(mappings, min_size=1, max_size=2), st.lists(words.filter(str.strip), min_size=1, max_size=2)
)


@settings(max_examples=200, deadline=None)
@given(selections, events)
def test_a_selection_says_what_the_specification_says(chosen: Any, event: dict[str, Any]) -> None:
    event = {**event, "_text": reference.text(event.get("_text")) or ""}
    assert predicate(parse_selection(chosen, HERE))(event) is reference.selection(chosen, event)


NAMES = {"selection": "a", "filter_one": "b", "filter_two": "c", "_hidden": "d", "nothing": "e", "order-1": "f", "name_and": "g"}
atoms = st.sampled_from([
    "selection", "filter_one", "filter_two", "_hidden", "1 of them", "all of them", "any of them", "1 of filter_*",
    "all of filter_*", "1 of _*", "1 of *_two", "nothing", "order-1", "name_and", "1 of not*", "all of name_*",
])  # fmt: skip
conditions = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.builds("not ({})".format, inner),
        st.builds("({} and {})".format, inner, inner),
        st.builds("{} or ({})".format, inner, inner),
        st.builds("not {}".format, atoms),
    ),
    max_leaves=5,
)


def meant(condition: str, holds: dict[str, bool]) -> bool:
    """The condition as Python would say it."""

    def of(found: re.Match[str]) -> str:
        pattern = ".*" if found[2] == "them" else found[2].replace("*", ".*")
        chosen = [its for name, its in holds.items() if re.fullmatch(pattern, name) and (found[2][0] == "_" or name[0] != "_")]
        return str(all(chosen) if found[1] == "all" else any(chosen))

    code = re.sub(r"\b(1|all|any) of ([\w*]+)", of, condition)
    for name, its in holds.items():
        code = re.sub(rf"(?<![\w*-]){name}(?![\w-])", str(its), code)
    return bool(eval(code))


@settings(max_examples=100, deadline=None)
@given(conditions, st.lists(st.booleans(), min_size=len(NAMES), max_size=len(NAMES)))
def test_a_condition_says_what_the_specification_says(condition: str, truths: list[bool]) -> None:
    nodes = {name: parse_selection({field: "yes"}, HERE) for name, field in NAMES.items()}
    holds = dict(zip(NAMES, truths, strict=True))
    event = {field: "yes" for name, field in NAMES.items() if holds[name]}
    assert predicate(parse_condition(condition, nodes, HERE))(event) is meant(condition, holds)
