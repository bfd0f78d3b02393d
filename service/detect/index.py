"""Which rules an event is worth looking at with: decided from few of its values, before its document is read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import re2

from service.detect.compiled import TRUE, Resolved
from service.detect.spots import KEYWORDS
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
    weaken,
)
from service.match import Node, to_function
from service.match.parse import TEXT
from service.match.values import text_of
from service.pipeline.watch import Watch, Watched

MEMO_SIZE = 20_000
LONGEST_MEMO = 300
"""Characters of a text whose answer is remembered."""
_SEARCH_MEMORY = 64 * 1024 * 1024

DOCUMENT = "_document"
"""The document as it is written."""
_ESCAPE = "\\u"
"""In a raw event as it came letters may be written so; what is looked for there is then not seen."""
Numbers = frozenset[int]
NONE: Numbers = frozenset()


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
        self._tests: list[Callable[..., bool] | None] = []
        tests: list[Callable[..., bool] | None] = []
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
            self._tests.append(self._function(rule, by_all, "facets", "texts") if by_all != by_facets else None)
            if (found := exact(rule.node, facet)) is not None:
                at = watch.facets.index(found[0])
                for value in found[1]:
                    buckets.setdefault((at, value), []).append(number)
                continue
            everywhere.append(number)
            looked_for = texts_of.watched(rule)
            if looked_for is None and number not in self.decided and not narrows(rule.node, facet):
                looked_for = texts_of.written(rule)
            if looked_for:
                searched.add(number)
                for each in looked_for:
                    wanted.setdefault(each.column, {}).setdefault(each.text, set()).add(number)
        self._table = _Facets(buckets, everywhere, tests, frozenset(searched))
        self._whole = _Search(wanted.pop(DOCUMENT), remember=False) if DOCUMENT in wanted else None
        self._searches = [(watch.texts.index(name), _Search(its, remember=name != TEXT)) for name, its in wanted.items()]
        self.always = tuple(n for n in everywhere if n not in searched and tests[n] is None and self._tests[n] is None)
        """Rules for which every event's document must be read."""
        self.reads_documents = self._whole is not None or bool(self.always)
        """Whether the whole of a document is looked at in some way for every event."""

    def candidates(self, watched: Sequence[Watched], pieces: Sequence[str]) -> list[tuple[int, Numbers]]:
        """Positions of the events that are worth a look, with the rules to look with."""
        table, searches, tests, whole = self._table, self._searches, self._tests, self._whole
        found: list[tuple[int, Numbers]] = []
        for at, (facets, texts) in enumerate(watched):
            direct, searched = table[facets]
            if searched:
                for column, search in searches:
                    text = texts[column]
                    if text.__class__ is not str:
                        text = _text(text)
                    if hits := search[text] & searched:
                        direct = direct | hits
                if whole is not None:
                    piece = pieces[at]
                    if hits := whole[piece[piece.index("\n") :]] & searched:
                        direct = direct | hits
            if direct and (left := frozenset(n for n in direct if (test := tests[n]) is None or test(facets, texts))):
                found.append((at, left))
        return found

    def _function(self, rule: Resolved, node: Node, *parameters: str) -> Callable[..., bool] | None:
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
        ours = {name for name, found in rule.where.items() if all(spot.plain for spot in found)}
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


class _Facets(dict[tuple[Any, ...], tuple[Numbers, Numbers]]):
    """``table[facets]``: rules that these values leave possible, those that are searched for apart; bounded."""

    def __init__(
        self,
        buckets: Mapping[tuple[int, str], list[int]],
        everywhere: Sequence[int],
        tests: Sequence[Callable[..., bool] | None],
        searched: Numbers,
    ) -> None:
        super().__init__()
        self.buckets = buckets
        self.everywhere = everywhere
        self.tests = tests
        self.searched = searched

    def __missing__(self, facets: tuple[Any, ...]) -> tuple[Numbers, Numbers]:
        numbers = list(self.everywhere)
        for at, value in enumerate(facets):
            if (text := text_of(value)) is not None:
                numbers += self.buckets.get((at, text.lower()), ())
        left = frozenset(number for number in numbers if (test := self.tests[number]) is None or test(facets))
        answer = (left - self.searched, left & self.searched)
        if len(self) >= MEMO_SIZE:
            self.clear()
        if len(repr(facets)) <= LONGEST_MEMO:
            self[facets] = answer
        return answer


class _Search(dict[str, Numbers]):
    """``search[text]``: rules one of whose texts is in it; remembers a bounded number of answers."""

    def __init__(self, wanted: Mapping[str, set[int]], *, remember: bool) -> None:
        """``remember``: the same texts come again."""
        super().__init__()
        self._longest = LONGEST_MEMO if remember else -1
        options = re2.Options()
        options.max_mem = _SEARCH_MEMORY
        options.literal = options.never_capture = True
        self._numbers = [frozenset(numbers) for numbers in wanted.values()]
        self._set = re2.Set.SearchSet(options)
        for text in wanted:
            self._set.Add(text.encode("utf-8", "replace"))
        self._set.Compile()

    def __missing__(self, text: str) -> Numbers:
        hits = self._set.Match(text.lower().encode("utf-8", "replace"))
        answer = NONE.union(*(self._numbers[hit] for hit in hits)) if hits else NONE
        if len(text) <= self._longest:
            if len(self) >= MEMO_SIZE:
                self.clear()
            self[text] = answer
        return answer
