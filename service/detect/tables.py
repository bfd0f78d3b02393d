"""Which rules a few values leave possible: tables of facets, searches of texts and raw events."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import re2

from service.match.values import text_of

MEMO_SIZE = 20_000
LONGEST_MEMO = 300
"""Characters of a text whose answer is remembered."""
_SEARCH_MEMORY = 64 * 1024 * 1024
Numbers = frozenset[int]
NONE: Numbers = frozenset()
Test = Callable[..., bool]
"""Of facets, or of facets and texts."""


class Facets(dict[tuple[Any, ...], tuple[tuple[int, ...], tuple[tuple[int, Test], ...], Numbers]]):
    """``table[facets]``: rules that these values leave possible, with tests for those of which texts say more.

    Those that are searched for stand apart. Bounded.
    """

    def __init__(
        self,
        buckets: Mapping[tuple[int, str], list[int]],
        everywhere: Sequence[int],
        tests: Sequence[Test | None],
        left: Callable[[int, tuple[Any, ...]], Test | bool],
        searched: Numbers,
    ) -> None:
        """``buckets``: a facet's number and value → its rules; ``tests`` are of facets alone.

        ``left`` is what these facets leave to be asked of a rule: a test of texts, or nothing at all.
        """
        super().__init__()
        self.buckets = buckets
        self.everywhere = everywhere
        self.tests = tests
        self.left = left
        self.searched = searched

    def __missing__(self, facets: tuple[Any, ...]) -> tuple[tuple[int, ...], tuple[tuple[int, Test], ...], Numbers]:
        numbers = list(self.everywhere)
        for at, value in enumerate(facets):
            if (text := text_of(value)) is not None:
                numbers += self.buckets.get((at, text.lower()), ())
        possible = frozenset(number for number in numbers if (test := self.tests[number]) is None or test(facets))
        asked = [(number, self.left(number, facets)) for number in sorted(possible - self.searched)]
        sure = tuple(number for number, test in asked if test is True)
        tested = tuple((number, test) for number, test in asked if not isinstance(test, bool))
        answer = (sure, tested, possible & self.searched)
        if len(self) >= MEMO_SIZE:
            self.clear()
        if len(repr(facets)) <= LONGEST_MEMO:
            self[facets] = answer
        return answer


class Search(dict[str, Numbers]):
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


class Words:
    """Which rules may match a raw event, by the words that it holds: looked for once, for all that ask about one event."""

    def __init__(self, wanted: Mapping[str, set[int]], column: int) -> None:
        """``wanted``: word → its rules; ``column``: where the raw event stands among texts."""
        self._search = Search(wanted, remember=False)
        self._column = column
        self._last: tuple[str, Numbers] = ("", NONE)

    def test(self, number: int, before: Test | None) -> Test:
        """A test of whether one of a rule's words is there, where the test ``before`` it lets an event through."""

        def holds(facets: tuple[Any, ...], texts: tuple[Any, ...]) -> bool:
            if before is not None and not before(facets, texts):
                return False
            text = texts[self._column]
            if text is not self._last[0]:
                self._last = (text, self._search[text])
            return number in self._last[1]

        return holds
