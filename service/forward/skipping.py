"""Reading over what is too large to be held: to the end of a line or a JSON value, or to where something known begins."""

from __future__ import annotations

import re

from service.forward.blocks import Feed

_OUTSIDE = re.compile(rb'[{}\[\]",]')
_INSIDE = re.compile(rb'["\\]')


def skip_line(feed: Feed) -> int:
    """Read beyond the next line break; gives the size of what was read over."""
    return skip_to(feed, b"\n", beyond=True)


def skip_to(feed: Feed, mark: bytes, *, beyond: bool = False) -> int:
    """Read up to the next ``mark`` (or beyond it), or to the end; gives the size of what was read over."""
    size = 0
    while True:
        found = feed.data.find(mark, feed.at)
        if found >= 0:
            size += found - feed.at
            feed.at = found + len(mark) if beyond else found
            return size
        # A mark may have begun already.
        rest = min(len(mark) - 1, feed.left)
        size += feed.left - rest
        feed.at = len(feed.data) - rest
        if not feed.more():
            feed.at = len(feed.data)
            return size + rest


def skip_value(feed: Feed) -> int:
    """Read over the JSON value that begins here, to the end if it does not close; gives its size."""
    size, depth, inside, escaped = 0, 0, False, False
    while True:
        data, at = feed.data, feed.at
        while at < len(data):
            if escaped:
                at, escaped = at + 1, False
                continue
            found = (_INSIDE if inside else _OUTSIDE).search(data, at)
            if found is None:
                break
            at, char = found.end(), found[0]
            if char == b"\\":
                escaped = True
            elif char == b'"':
                inside = not inside
            elif char in b"{[":
                depth += 1
            elif char in b"}]":
                depth -= 1
            if inside or escaped or depth > 0 or (char == b"," and depth > 0):
                continue
            end = at - 1 if depth < 0 or char == b"," else at  # a number ends before what follows it
            size += end - feed.at
            feed.at = end
            return size
        size += feed.left
        feed.at = len(data)
        if not feed.more():
            return size
