"""Sigma selections as the Lucene query strings that Dashboards sends on unchanged.

Unlike in the stream, text is compared as it is stored: an index of keywords knows no "ignore the case".
"""

from __future__ import annotations

import re
from collections.abc import Callable

from service.build.dashboards.patterns import Leaf
from service.errors import ContentError
from service.match import nodes
from service.match.nodes import And, Compare, Item, Node, Not, Null, Or, Present, Test, Text, Wildcard, Within

Refuse = Callable[[str, str, str, str], ContentError]
"""``refuse(field, code, reason, hint)``: the error, with the place where the selection names the field."""

_SPECIAL = re.compile(r'([+\-=&|!(){}\[\]^"~*?:\\/\s])')
_UNESCAPABLE = re.compile(r"[<>]")


def lucene(node: Node, leaf: Callable[[str], Leaf], refuse: Refuse) -> str:
    """The query string of a selection.

    ``leaf`` finds a field of the index or raises; ``refuse`` makes the ContentError for what an index cannot answer.
    """
    match node:
        case And(children):
            return " AND ".join(_inner(child, leaf, refuse) for child in children)
        case Or(children):
            return " OR ".join(_inner(child, leaf, refuse) for child in children)
        case Not(child):
            # A clause that only excludes matches nothing by itself.
            return f"*:* AND NOT {_inner(child, leaf, refuse)}"
        case Item(field, tests):
            if field == "_text":
                raise refuse("", "no_field", "a keyword without a field cannot be searched for", "name a field")
            found = leaf(field)
            if not found.searchable and not found.aggregatable:
                raise refuse(field, "not_searched", f"`{field}` is kept, not searched", "choose a field that is indexed")
            return _item(found, tests, refuse)


def _inner(node: Node, leaf: Callable[[str], Leaf], refuse: Refuse) -> str:
    text = lucene(node, leaf, refuse)
    single = isinstance(node, Item) and len(node.tests) == 1 and not isinstance(node.tests[0], Null)
    return text if single else f"({text})"


def _item(leaf: Leaf, tests: tuple[Test, ...], refuse: Refuse) -> str:
    name = escape(leaf.name)
    whole = [test for test in tests if isinstance(test, Text) and test.where == "whole"]
    if len(whole) == len(tests) > 1:
        return f"{name}:({' OR '.join(_quote(test.text) for test in whole)})"
    texts = [_test(name, leaf, test, refuse) for test in tests]
    if len(tests) > 1:
        texts = [f"({text})" if isinstance(test, Null) else text for test, text in zip(tests, texts, strict=True)]
    return " OR ".join(texts)


def _test(name: str, leaf: Leaf, test: Test, refuse: Refuse) -> str:
    match test:
        case Text(text, "whole"):
            return f"{name}:{_quote(text)}"
        case Text(text, where):
            _only_text(leaf, refuse)
            before = "*" if where in {"end", "inside"} else ""
            after = "*" if where in {"start", "inside"} else ""
            return f"{name}:{before}{escape(text)}{after}"
        case Wildcard(parts):
            _only_text(leaf, refuse)
            return f"{name}:" + "".join(escape(part) if isinstance(part, str) else "*" if part else "?" for part in parts)
        case Within(network):
            if leaf.kind != "ip":
                raise refuse(leaf.name, "wrong_type", f"`{leaf.name}` holds no addresses, it is {leaf.type}", "")
            return f'{name}:"{network}"'
        case Compare(operator, number):
            if leaf.kind != "number":
                raise refuse(leaf.name, "wrong_type", f"`{leaf.name}` is no number, it is {leaf.type}", "")
            return f"{name}:{operator}{number}"
        case Null():
            return f"*:* AND NOT _exists_:{name}"
        case Present():
            return f"_exists_:{name}"
        case nodes.Regex() | nodes.SameAs() | nodes.TimePart():
            reason = "an index answers neither |re nor |fieldref nor parts of times"
            raise refuse(leaf.name, "unknown_modifier", reason, "use |contains, |startswith, |endswith or wildcards")


def _only_text(leaf: Leaf, refuse: Refuse) -> None:
    if leaf.kind != "string":
        raise refuse(leaf.name, "wrong_type", f"`{leaf.name}` holds no text to look into, it is {leaf.type}", "")
    if not leaf.searchable:
        # OpenSearch compares patterns with a column as if their escapes were part of them: nothing is found, and nothing said.
        reason = f"`{leaf.name}` is a column without an index, patterns do not find it"
        raise refuse(leaf.name, "not_searched", reason, "compare whole values, or choose a field that is indexed")


def escape(text: str) -> str:
    """Text without meaning for the query parser; ``<`` and ``>`` know no escape and become any one character."""
    return _UNESCAPABLE.sub("?", _SPECIAL.sub(r"\\\1", text))


def _quote(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
