"""Which rules an event is worth looking at with: decided from few of its values, before its document is read."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from service.detect.compiled import FALSE, TRUE, Resolved
from service.detect.spots import KEYWORDS
from service.detect.tables import MEMO_SIZE, NONE, Facets, Search, Test, Words
from service.detect.weaken import (
    COMMON,
    Column,
    Find,
    Literal,
    all_literals,
    as_any_json,
    as_our_json,
    as_value,
    exact,
    is_known,
    literals,
    narrows,
    rarity,
    settled,
    weaken,
)
from service.match import Item, Node, predicate, to_function
from service.match.nodes import Present, SameAs
from service.match.nodes import Test as MatchTest
from service.match.parse import TEXT
from service.match.values import split_path, text_of
from service.pipeline.watch import Watch, Watched

_KEY = re.compile(r"[a-zA-Z0-9_.-]+")
DOCUMENT = "_document"
"""The document as it is written."""
_ESCAPE = "\\u"
"""In a raw event as it came letters may be written so; what is looked for there is then not seen."""


class Index:
    """The rules of one dataset. Says of an event which of them may match; never leaves out one that does."""

    def __init__(self, rules: Sequence[Resolved], watch: Watch) -> None:
        """Rules are called by their number in ``rules``; ``watch`` is what is known of an event beforehand."""
        self.watch = watch
        self._places = {
            **{name: f"facets[{at}]" for at, name in enumerate(watch.facets)},
            **{name: f"texts[{at}]" for at, name in enumerate(watch.texts)},
        }
        self.places = {
            **{name: (0, at) for at, name in enumerate(watch.facets)},
            **{name: (1, at) for at, name in enumerate(watch.texts)},
        }
        """Field → where its value stands among what is watched."""
        self.decided = frozenset(
            number
            for number, rule in enumerate(rules)
            if is_known(rule.node, column_of(rule, watch.facets + watch.texts), frozenset([KEYWORDS]))
        )
        """Rules that match whenever they are candidates: no document need be read to know."""
        self._rules = rules
        self._facets = {name: at for at, name in enumerate(watch.facets)}
        self._nodes: list[Node] = []
        words: dict[str, set[int]] = {}
        self._left: dict[tuple[int, Node], Test | bool] = {}
        self._items: dict[Item, Callable[[Mapping[str, object]], bool]] = {}
        tests: list[Test | None] = []
        buckets: dict[tuple[int, str], list[int]] = {}
        everywhere: list[int] = []
        wanted: dict[str, dict[str, set[int]]] = {}
        searched: set[int] = set()
        texts_of = _Texts(rules, watch)
        for number, rule in enumerate(rules):
            facet = _single(rule, watch.facets)
            by_facets = weaken(rule.node, facet)
            by_all = weaken(rule.node, column_of(rule, watch.facets + watch.texts), frozenset([KEYWORDS]))
            tests.append(self._function(rule, by_facets, "facets"))
            self._nodes.append(by_all)
            if (found := exact(rule.node, facet)) is not None:
                at = watch.facets.index(found[0])
                for value in found[1]:
                    buckets.setdefault((at, value), []).append(number)
                if TEXT in watch.texts and number not in self.decided:
                    for word in texts_of.in_raw_event(rule):
                        words.setdefault(word, set()).add(number)
                continue
            everywhere.append(number)
            looked_for = texts_of.watched(rule)
            if looked_for is None and number not in self.decided and not narrows(rule.node, facet):
                looked_for = texts_of.written(rule)
            if looked_for:
                searched.add(number)
                for each in looked_for:
                    wanted.setdefault(each.column, {}).setdefault(each.text, set()).add(number)
        self._words = Words(words, watch.texts.index(TEXT)) if words else None
        self._worded = NONE.union(*words.values())
        self._table = Facets(buckets, everywhere, tests, self._what_is_left, frozenset(searched))
        self._searched = {number: self._function(rules[number], self._nodes[number], "facets", "texts") for number in searched}
        self._whole = Search(wanted.pop(DOCUMENT), remember=False) if DOCUMENT in wanted else None
        self._searches = [(watch.texts.index(name), Search(its, remember=name != TEXT)) for name, its in wanted.items()]
        self.always = tuple(n for n in everywhere if n not in searched and self._nodes[n] == TRUE)
        """Rules for which every event's document must be read."""

    def candidates(self, watched: Sequence[Watched], pieces: Sequence[str]) -> list[tuple[int, Sequence[int]]]:
        """Positions of the events that are worth a look, with the rules to look with, in their order."""
        table, searches, asks, whole = self._table, self._searches, self._searched, self._whole
        found: list[tuple[int, Sequence[int]]] = []
        for at, (facets, texts) in enumerate(watched):
            sure, tests, searched = table[facets]
            numbers: Sequence[int] = sure
            for number, test in tests:
                if test(facets, texts):
                    numbers = sorted((*numbers, number)) if numbers else (number,)
            if searched:
                hits = NONE
                for column, search in searches:
                    text = texts[column]
                    if text.__class__ is not str:
                        text = _text(text)
                    if some := search[text]:
                        hits |= some
                if whole is not None:
                    piece = pieces[at]
                    hits |= whole[piece[piece.index("\n") :]]
                if hits and (more := [n for n in hits & searched if (asked := asks[n]) is None or asked(facets, texts)]):
                    numbers = sorted((*numbers, *more))
            if numbers:
                found.append((at, numbers))
        return found

    def _what_is_left(self, number: int, facets: tuple[Any, ...]) -> Test | bool:
        """What these facets leave to be asked of a rule; they differ more often than what they leave."""
        rule, words = self._rules[number], self._words if number in self._worded else None
        single = _single(rule, self.watch.facets)

        def holds(item: Item) -> bool | None:
            name = single(item.field)
            if name is None or any(isinstance(test, SameAs) for test in item.tests):
                return None
            alike = Item("facet", item.tests)
            test = self._items.get(alike)
            if test is None:
                test = self._items[alike] = predicate(alike)
            return test({"facet": facets[self._facets[name]]})

        node = settled(self._nodes[number], holds)
        if node == FALSE:
            return False
        found = self._left.get((number, node))
        if found is None:
            if len(self._left) >= MEMO_SIZE:
                self._left.clear()
            asked = self._function(rule, node, "facets", "texts")
            found = self._left[number, node] = (True if asked is None else asked) if words is None else words.test(number, asked)
        return found

    def _function(self, rule: Resolved, node: Node, *parameters: str) -> Test | None:
        """The weakened rule as a function; None where it says nothing."""

        def value(name: str) -> str:
            *others, last = [self._places[each] for each in columns_of(rule, name) if each is not None]
            return f"({''.join(f'{each} if {each} is not None else ' for each in others)}{last})" if others else last

        return None if node == TRUE else to_function(node, value, {}, parameters)


def column_of(rule: Resolved, names: Sequence[str]) -> Column:
    """Name in the rule's node → the same name where all that may hold its value are among ``names``."""

    def column(name: str) -> str | None:
        return name if all(each in names for each in columns_of(rule, name)) else None

    return column


def columns_of(rule: Resolved, name: str) -> list[str | None]:
    """What may hold the value of a name in the rule's node, best first; None stands for what is never known early."""
    if name == KEYWORDS:
        return [TEXT]
    return [spot.path if spot.plain else None for spot in rule.where[name]]


class _Texts:
    """Texts of which an event must hold one for a rule to match it."""

    def __init__(self, rules: Sequence[Resolved], watch: Watch) -> None:
        self.texts = watch.texts
        self.in_raw = TEXT in watch.texts
        counts: Counter[Literal] = Counter()
        for rule in rules:
            counts.update({found for find in self._finds(rule) for found in all_literals(rule.node, find)})
        names = "\n".join({name for rule in rules for name in rule.catalogue.fields})
        for each in counts:  # what is part of a field's name is in every document
            if each.column == DOCUMENT and each.text.strip('"') in names:
                counts[each] += COMMON**2
        self.score = rarity(counts)

    def watched(self, rule: Resolved) -> frozenset[Literal] | None:
        """In the columns that are watched: cheap to look for."""
        found = literals(rule.node, next(self._finds(rule)), self.score)
        return None if found is None else self._spread(rule, found)

    def written(self, rule: Resolved) -> frozenset[Literal] | None:
        """In the raw event, or in the document, as somebody's JSON."""
        for find in islice(self._finds(rule), 1, None):
            found = literals(rule.node, find, self.score)
            if found is not None:
                return self._spread(rule, found)
        return None

    def in_raw_event(self, rule: Resolved) -> frozenset[str]:
        """Words of which the raw event must hold one, whatever else is known; none where nothing of the kind can be said."""
        found = literals(rule.node, self._raw_words(rule), self.score)
        return frozenset({each.text for each in found} | {_ESCAPE}) if found else frozenset()

    def _raw_words(self, rule: Resolved) -> Find:
        """What a test of a raw value needs; that there is one at all needs its key."""
        keys = {name: split_path(found[0].path)[-1] for name, found in rule.where.items() if len(found) == 1 and found[0].raw}
        kept = {name: key.lower() for name, key in keys.items() if _KEY.fullmatch(key)}

        def find(name: str, test: MatchTest) -> Literal | None:
            if isinstance(test, Present):
                return _literal(TEXT if name in kept else None, kept.get(name))
            return _literal(TEXT if name in keys else None, as_any_json(test))

        return find

    def _spread(self, rule: Resolved, found: frozenset[Literal]) -> frozenset[Literal]:
        """By the columns that may hold the value of a name; with the escapes that may hide a text in a raw event."""
        spread: set[Literal] = set()
        for name, text in found:
            if name in (TEXT, DOCUMENT):
                spread.add(Literal(name, text))
                if name == TEXT or any(spot.raw for spots in rule.where.values() for spot in spots):
                    spread.add(Literal(name, _ESCAPE))
            else:
                spread.update(Literal(column, text) for column in columns_of(rule, name) if column is not None)
        return frozenset(spread)

    def _finds(self, rule: Resolved) -> Iterator[Find]:
        column = column_of(rule, self.texts)
        yield lambda name, test: _literal(column(name), as_value(test))
        if self.in_raw:
            raw = {name for name, found in rule.where.items() if all(spot.raw for spot in found)}
            yield lambda name, test: _literal(TEXT if name in raw else None, as_any_json(test))
        ours = {name for name, found in rule.where.items() if all(spot.ours for spot in found)}
        yield lambda name, test: _literal(DOCUMENT, as_our_json(test) if name in ours else as_any_json(test))


def _literal(column: str | None, text: str | None) -> Literal | None:
    return None if column is None or text is None else Literal(column, text)


def _single(rule: Resolved, facets: Sequence[str]) -> Column:
    """Name in the rule's node → the facet that alone holds its value."""

    def column(name: str) -> str | None:
        columns = columns_of(rule, name)
        return columns[0] if len(columns) == 1 and columns[0] in facets else None

    return column


def _text(value: object) -> str:
    """Every text in a value that is none; a search finds what one of them holds, and a little more."""
    if isinstance(value, (list, tuple)):
        return "\n".join(map(_text, value))
    return text_of(value) or ""
