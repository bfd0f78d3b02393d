"""A file of JSON, value by value, with bounded memory: lines, values one after the other, lists, ``{"Records": […]}``.

A list is never held as a whole: its elements are units like the values at the top of a file, and are found by the parser's
own word on where a value ends. Blank space between values does not count, line breaks inside a value become blanks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from service.decode.json_value import WRONG
from service.forward.blocks import Block, Feed, Flawed
from service.forward.bounds import KEPT_BYTES, Bounds
from service.forward.measuring import LISTS, MEMBER, NEAR, Found, has_list, lines_of, list_in, value_at
from service.forward.skipping import skip_line, skip_to, skip_value

_BLANK = re.compile(rb"[ \t\r\n]*")
_BETWEEN = re.compile(rb"[ \t\r\n,]*")
_AFTER = re.compile(rb"[ \t\r]*(?:[\n{\[,]|\Z)")
_LIST_OF_OBJECTS = re.compile(rb"\[[ \t\r\n]*(?:\{|\][ \t\r\n]*\Z)")
_OPENING = re.compile(rb'\{[ \t\r\n]*"[^"\n]{1,256}"')
_BREAKS = re.compile(rb"[\r\n]+")
_MEMBER_BYTES = 1024
_CUTS = 4
"""Places at which a list is tried to be cut, before its elements are found one by one."""

_skip = msgspec.json.Decoder(msgspec.Raw)
_list = msgspec.json.Decoder(list[msgspec.Raw])


class JsonWalk:
    """Blocks of JSON values."""

    def __init__(self, feed: Feed, bounds: Bounds) -> None:
        """Walk over the rest of the feed."""
        self._feed = feed
        self._bounds = bounds
        self._held: list[bytes] = []
        self._size = 0
        self._first = 0
        self._slowly = b""
        """What is in memory and has to be taken one by one: trying many at once failed."""
        self.number = 0
        """Of the next unit."""

    def run(self) -> Iterator[Block | Flawed]:
        """Yield every value once."""
        feed = self._feed
        while self._past(_BETWEEN):
            opening = feed.data[feed.at : feed.at + 1]
            if opening == b"{":
                yield from self._lines()
                if feed.data[feed.at : feed.at + 1] == b"{":
                    yield from self._object()
            elif opening == b"[" and self._is_list():
                feed.at += 1
                yield from self._elements()
            else:
                yield from self._line()
        yield from self._flush()

    def _past(self, blank: re.Pattern[bytes]) -> bool:
        """Step over what does not count; False at the end of the file."""
        feed = self._feed
        while True:
            found = blank.match(feed.data, feed.at)
            feed.at = found.end() if found is not None else feed.at
            if feed.left or not feed.more():
                return feed.left > 0

    def _is_list(self) -> bool:
        feed = self._feed
        while feed.left < NEAR and feed.more():
            pass
        return _LIST_OF_OBJECTS.match(feed.data, feed.at) is not None

    def _take(self, unit: bytes) -> Iterator[Block | Flawed]:
        """Hold a unit until there are enough of them; what is blank is none."""
        if not unit or unit.isspace():
            return
        if len(unit) > self._bounds.unit:
            yield from self._too_long(unit[:KEPT_BYTES], len(unit))
            return
        yield from self._hold(_BREAKS.sub(b" ", unit) if b"\n" in unit or b"\r" in unit else unit, 1)

    def _hold(self, text: bytes, units: int) -> Iterator[Block]:
        """Hold units, one a line."""
        self._held.append(text)
        self._size += len(text) + 1
        self.number += units
        if self._size >= self._bounds.frame:
            yield from self._flush()

    def _take_up_to(self, end: int, after: bytes = b" \t\r\n") -> Iterator[Block | Flawed]:
        """Take what is no value; nothing at an end that is none."""
        feed = self._feed
        if end == len(feed.data) and feed.spoiled is not None:
            feed.give_up()
        else:
            yield from self._take(feed.data[feed.at : end].rstrip(after))
            feed.at = end

    def _flush(self) -> Iterator[Block]:
        if self._held:
            yield Block("json", self._first, self.number - self._first, b"\n".join(self._held))
            self._held, self._size = [], 0
        self._first = self.number

    def _too_long(self, kept: bytes, size: int) -> Iterator[Block | Flawed]:
        yield from self._flush()
        yield Flawed(self.number, "too_long", f"{size} bytes in one value, {self._bounds.unit} may be", kept)
        self.number += 1
        self._first = self.number

    def _lines(self) -> Iterator[Block | Flawed]:
        """Take the lines in memory that are one object each, up to the first that is not."""
        feed = self._feed
        end = feed.data.rfind(b"\n", feed.at)
        if end < 0 or feed.data is self._slowly:
            return
        block = feed.data[feed.at : end]
        if has_list(block):
            self._slowly = feed.data
            return
        if len(block) <= self._bounds.unit and (lines := lines_of(block)):
            yield from self._hold(block, lines)
            feed.at = end + 1
            return
        for line in block.split(b"\n"):
            try:
                whole = line[:1] == b"{" and _skip.decode(line) is not None
            except WRONG:
                whole = False
            if not whole:
                self._slowly = feed.data
                return
            feed.at += len(line) + 1
            yield from self._take(line.rstrip())

    def _object(self) -> Iterator[Block | Flawed]:
        """Take an object at the top of the file: a unit, or the elements of its list."""
        feed = self._feed
        found, end = self._measure(top=True)
        lists = found is Found.BROKEN or (found is Found.WHOLE and has_list(feed.data[feed.at : end]))
        if lists and (start := list_in(feed.data, feed.at)):
            found, end = Found.LIST, start
        match found:
            case Found.LIST:
                feed.at = end
                yield from self._elements()
                yield from self._rest_of_object()
            case Found.WHOLE if _AFTER.match(feed.data, end):
                yield from self._take(feed.data[feed.at : end].rstrip())
                feed.at = end
            case Found.WHOLE | Found.BROKEN:
                yield from self._line()
            case _:
                yield from self._unfinished(found)

    def _unfinished(self, found: Found) -> Iterator[Block | Flawed]:
        """Take a value that does not end in memory."""
        feed = self._feed
        if found is Found.LONG:
            kept = feed.data[feed.at : feed.at + KEPT_BYTES]
            yield from self._too_long(kept, skip_value(feed))
        else:
            yield from self._take_up_to(len(feed.data))

    def _measure(self, *, top: bool) -> tuple[Found, int]:
        """What begins here, and where it ends (where its list begins)."""
        feed = self._feed
        while True:
            found, end = value_at(feed.data, feed.at, ended=feed.ended)
            while found is Found.WHOLE and len(feed.data) - end < NEAR and not feed.ended:
                size = end - feed.at  # what comes after it decides
                feed.more(NEAR)
                end = feed.at + size
            large = end - feed.at > self._bounds.unit - (NEAR if found is Found.BROKEN else 0)
            if top and (large or found is Found.OPEN) and (start := list_in(feed.data, feed.at)):
                return Found.LIST, start
            if large:
                return Found.LONG, 0
            if found is not Found.OPEN:
                return found, end
            if not feed.more(feed.left):  # twice as much each time: little is measured again
                return Found.CUT, 0

    def _line(self) -> Iterator[Block | Flawed]:
        """Take a line that is no value."""
        feed = self._feed
        while (end := feed.data.find(b"\n", feed.at)) < 0:
            if feed.left > self._bounds.unit:
                kept = feed.data[feed.at : feed.at + KEPT_BYTES]
                yield from self._too_long(kept, skip_line(feed))
                return
            if not feed.more(feed.left):
                end = len(feed.data)
                break
        yield from self._take_up_to(end)

    def _elements(self) -> Iterator[Block | Flawed]:
        """Take the elements of a list, behind whose bracket we are, and its other bracket."""
        feed, mark = self._feed, b""
        while self._past(_BETWEEN):
            if feed.data.startswith(b"]", feed.at):
                feed.at += 1
                return
            mark = mark or self._opening()
            if mark and self._slowly is not feed.data and (many := self._many(mark)):
                text = b"\n".join(many)
                if len(text) <= self._bounds.unit and b"\r" not in text and text.count(b"\n") == len(many) - 1:
                    yield from self._hold(text, len(many))
                    continue
                for element in many:
                    yield from self._take(bytes(element))
                continue
            found, end = self._measure(top=False)
            match found:
                case Found.WHOLE:
                    yield from self._take(feed.data[feed.at : end].rstrip())
                    feed.at = end
                case Found.BROKEN:
                    yield from self._broken(mark or b'{"')
                case _:
                    yield from self._unfinished(found)
        if feed.spoiled is None:
            yield from self._flush()
            yield Flawed(self.number, "corrupt", "the file ends inside a list", b"")

    def _opening(self) -> bytes:
        """How the object that begins here begins: with its first key; as a rule its neighbours do the same."""
        feed = self._feed
        while feed.left < _MEMBER_BYTES and feed.more():
            pass
        opening = _OPENING.match(feed.data, feed.at)
        return opening[0] if opening is not None else b""

    def _many(self, mark: bytes) -> list[msgspec.Raw]:
        """The elements up to the last one in memory that begins as the first of the list did."""
        feed = self._feed
        data, at, cut = feed.data, feed.at, len(feed.data)
        for _ in range(_CUTS):
            cut = data.rfind(mark, at + 1, cut)
            if cut < 0:
                return []
            text = data[at:cut].rstrip(b" \t\r\n")
            if not text.endswith(b","):
                continue
            try:
                elements = _list.decode(b"[" + text[:-1] + b"]")
            except WRONG:
                continue
            feed.at = cut
            return elements
        self._slowly = data
        return []

    def _broken(self, mark: bytes) -> Iterator[Block | Flawed]:
        """Take what is no element, up to where something begins as the first element did."""
        feed = self._feed
        searched = 1
        while (end := feed.data.find(mark, feed.at + searched)) < 0:
            if feed.left > self._bounds.unit:
                kept = feed.data[feed.at : feed.at + KEPT_BYTES]
                feed.at += 1
                yield from self._too_long(kept, skip_to(feed, mark) + 1)
                return
            searched = max(1, feed.left - len(mark) + 1)
            if not feed.more(feed.left):
                end = len(feed.data)
                break
        yield from self._take_up_to(end, b" \t\r\n,")

    def _rest_of_object(self) -> Iterator[Block | Flawed]:
        """Read over what stands behind the list in its object; another list of events is taken as well."""
        feed = self._feed
        while self._past(_BETWEEN):
            if feed.data.startswith(b"}", feed.at):
                feed.at += 1
                return
            while feed.left < _MEMBER_BYTES and feed.more():
                pass
            member = MEMBER.match(feed.data, feed.at)
            if member is None:
                return  # no object after all: what follows is looked at like the begin of a file
            feed.at = member.end()
            if not self._past(_BLANK):
                return
            if member[1] in LISTS and feed.data.startswith(b"[", feed.at):
                feed.at += 1
                yield from self._elements()
            else:
                skip_value(feed)
